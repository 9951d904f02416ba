//! Server-sent events: bytes in, events out.
//!
//! One incremental parser for every dialect that streams this way. It works on bytes, so that neither a character nor
//! a line end that was torn between two packets can change what comes out: for every byte sequence and every way to cut
//! it, the events are the same. Rules: the WHATWG HTML standard, section "Server-sent events", plus two limits.

/// Longest line that is read, in bytes.
pub const LINE_LIMIT: usize = 4 << 20;
/// Most data of one event, in bytes.
pub const EVENT_LIMIT: usize = 8 << 20;

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The `event:` field; empty when there was none.
    pub name: String,
    /// The `data:` lines, joined by line feeds. Broken UTF-8 becomes U+FFFD.
    pub data: String,
    /// The last `id:` seen so far.
    pub id: Option<String>,
}

/// The stream is beyond what we are willing to hold in memory. Nothing after it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLong {
    /// A line above [`LINE_LIMIT`].
    #[error("a line is longer than 4 MiB")]
    Line,
    /// An event above [`EVENT_LIMIT`].
    #[error("an event is longer than 8 MiB")]
    Event,
}

/// The parser. Feed it with [`Parser::push`], and ask [`Parser::rest`] when the body is over.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    name: String,
    id: Option<String>,
    retry_ms: Option<u64>,
    past_first_line: bool,
    after_cr: bool,
    broken: bool,
}

impl Parser {
    /// A parser at the start of a body.
    pub fn new() -> Self {
        Parser::default()
    }

    /// The `retry:` field, if the server sent one. Kept for the record only: reconnecting would send a paid request twice.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes and returns the events they complete. An error is the last thing that is ever returned.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Result<Event, TooLong>> {
        let mut out = Vec::new();
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while !self.broken
            && let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))
        {
            if self.extend_line(&bytes[..end], &mut out) {
                self.end_line(&mut out);
            }
            let carriage_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if carriage_return {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        if !self.broken {
            self.extend_line(bytes, &mut out);
        }
        out
    }

    /// What was under way when the body ended: an event whose closing blank line never came. Only a caller who
    /// recognises it as an explicit end may use it; to anybody else it is a torn event.
    pub fn rest(&mut self) -> Option<Event> {
        if self.broken {
            return None;
        }
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut out);
        }
        if self.has_data && !self.broken { Some(self.dispatch()) } else { None }
    }

    /// False when the line has become too long.
    fn extend_line(&mut self, piece: &[u8], out: &mut Vec<Result<Event, TooLong>>) -> bool {
        if self.line.len() + piece.len() > LINE_LIMIT {
            self.give_up(TooLong::Line, out);
            return false;
        }
        self.line.extend_from_slice(piece);
        true
    }

    fn give_up(&mut self, why: TooLong, out: &mut Vec<Result<Event, TooLong>>) {
        self.broken = true;
        self.line = Vec::new();
        self.data = Vec::new();
        out.push(Err(why));
    }

    fn end_line(&mut self, out: &mut Vec<Result<Event, TooLong>>) {
        let taken = std::mem::take(&mut self.line);
        let mut line = taken.as_slice();
        if !self.past_first_line {
            self.past_first_line = true;
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            if self.has_data {
                out.push(Ok(self.dispatch()));
            }
            self.name.clear();
        } else {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            self.field(&line[..colon], value, out);
        }
        if !self.broken {
            // The allocation is kept for the next line.
            self.line = taken;
            self.line.clear();
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8], out: &mut Vec<Result<Event, TooLong>>) {
        match name {
            b"data" => {
                if self.data.len() + value.len() + 1 > EVENT_LIMIT {
                    return self.give_up(TooLong::Event, out);
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"id" if !value.contains(&0) => self.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry_ms = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            }
            // An empty name is a comment, a keep-alive; unknown fields are the future.
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Event {
        let data = String::from_utf8_lossy(&self.data).into_owned();
        self.data.clear();
        self.has_data = false;
        Event { name: std::mem::take(&mut self.name), data, id: self.id.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(bytes: &[u8]) -> Vec<String> {
        Parser::new().push(bytes).into_iter().map(|event| event.unwrap().data).collect()
    }

    #[test]
    fn line_ends_spaces_comments_and_several_data_lines_follow_the_standard() {
        assert_eq!(data(b"data: a\n\ndata:b\r\n\r\n: ping\n\ndata:  c\rdata\r\r"), ["a", "b", " c\n"]);
        assert_eq!(data(b"\xEF\xBB\xBFdata: first\n\n"), ["first"]);
        assert_eq!(data("data: a\u{2028}b\u{85}c\n\n".as_bytes()), ["a\u{2028}b\u{85}c"]);
        assert_eq!(data(b"nothing: here\nevent: x\n\n"), Vec::<String>::new());
    }

    #[test]
    fn an_event_name_belongs_to_its_own_event_only() {
        let events = Parser::new().push(b"event: error\ndata: 1\nid: 7\nretry: 50\n\ndata: 2\n\n");
        let named: Vec<_> = events.into_iter().map(|event| event.unwrap()).collect();
        assert_eq!((named[0].name.as_str(), named[1].name.as_str()), ("error", ""));
        assert_eq!(named[1].id.as_deref(), Some("7"));
    }

    #[test]
    fn an_event_without_its_blank_line_is_only_in_the_rest() {
        let mut parser = Parser::new();
        assert!(parser.push(b"data: [DONE]").is_empty());
        assert_eq!(parser.rest().map(|event| event.data).as_deref(), Some("[DONE]"));
        assert_eq!(parser.rest(), None);
    }

    #[test]
    fn a_line_above_the_limit_ends_the_stream_however_it_is_cut() {
        let mut bytes = b"data: ok\n\ndata: ".to_vec();
        bytes.resize(bytes.len() + LINE_LIMIT - 5, b'x');
        bytes.extend_from_slice(b"\n\ndata: never\n\n");
        for size in [1 << 10, 1 << 20, bytes.len()] {
            let mut parser = Parser::new();
            let events: Vec<_> = bytes.chunks(size).flat_map(|piece| parser.push(piece)).collect();
            assert_eq!(events.len(), 2, "cut into {size}");
            assert_eq!(events[1], Err(TooLong::Line));
            assert_eq!(parser.rest(), None);
        }
    }

    #[test]
    fn a_line_at_the_limit_passes_and_an_event_above_its_limit_does_not() {
        let mut line = b"data: ".to_vec();
        line.resize(LINE_LIMIT, b'x');
        line.push(b'\n');
        let mut parser = Parser::new();
        assert!(parser.push(&line).is_empty());
        assert!(parser.push(&line).is_empty());
        assert_eq!(parser.push(&line), [Err(TooLong::Event)]);
    }
}
