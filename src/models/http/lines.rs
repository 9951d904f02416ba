//! JSON lines: bytes in, one event a line out. The same promise as [`crate::models::sse`]: however the bytes are cut, the
//! lines are the same.

use crate::models::sse::{Event, LINE_LIMIT, TooLong};

/// The parser.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    broken: bool,
}

impl Lines {
    /// Takes the next bytes and returns the lines they complete; empty ones are keep-alives and none.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Result<Event, TooLong>> {
        let mut out = Vec::new();
        while !self.broken
            && let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))
        {
            if self.extend(&bytes[..end], &mut out) {
                out.extend(self.take().map(Ok));
            }
            bytes = &bytes[end + 1..];
        }
        if !self.broken {
            self.extend(bytes, &mut out);
        }
        out
    }

    /// The line whose end never came.
    pub fn rest(&mut self) -> Option<Event> {
        if self.broken { None } else { self.take() }
    }

    fn extend(&mut self, piece: &[u8], out: &mut Vec<Result<Event, TooLong>>) -> bool {
        if self.line.len() + piece.len() > LINE_LIMIT {
            self.broken = true;
            self.line = Vec::new();
            out.push(Err(TooLong::Line));
            return false;
        }
        self.line.extend_from_slice(piece);
        true
    }

    fn take(&mut self) -> Option<Event> {
        let text = String::from_utf8_lossy(&self.line).trim_start_matches('\u{FEFF}').trim().to_owned();
        self.line.clear();
        (!text.is_empty()).then(|| Event { data: text, ..Event::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let bytes = "\u{FEFF}{\"a\":\"ü\"}\r\n\n{\"b\":1}\r{\"c\":2}".as_bytes();
        for cut in 0..=bytes.len() {
            let mut lines = Lines::default();
            let mut found: Vec<_> = lines.push(&bytes[..cut]).into_iter().map(|line| line.unwrap().data).collect();
            found.extend(lines.push(&bytes[cut..]).into_iter().map(|line| line.unwrap().data));
            found.extend(lines.rest().map(|line| line.data));
            assert_eq!(found, ["{\"a\":\"ü\"}", "{\"b\":1}", "{\"c\":2}"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_above_the_limit_ends_it() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&vec![b'x'; LINE_LIMIT + 1]), [Err(TooLong::Line)]);
        assert!(lines.push(b"\n{}\n").is_empty() && lines.rest().is_none());
    }
}
