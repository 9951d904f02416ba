//! What a program printed, kept within a limit: the beginning and the end, with a line in between that says how much
//! is missing. Memory is bounded by the limit whatever the program does.

use std::collections::VecDeque;

/// Room for the line that says how much was left out.
const NOTE_ROOM: usize = 48;

/// Collects output. Bytes that are not UTF-8 become U+FFFD, at whatever point the pipe was cut.
#[derive(Debug)]
pub struct Output {
    head: String,
    head_room: usize,
    tail: VecDeque<u8>,
    tail_room: usize,
    omitted: u64,
    /// The start of a character whose rest has not arrived.
    unfinished: Vec<u8>,
}

impl Output {
    /// An empty collection that never gives more than `limit` bytes (or a single note, when the limit is tiny).
    pub fn new(limit: u64) -> Self {
        let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(NOTE_ROOM);
        Output {
            head: String::new(),
            head_room: room / 2,
            tail: VecDeque::new(),
            tail_room: room - room / 2,
            omitted: 0,
            unfinished: Vec::new(),
        }
    }

    /// Takes bytes as they came from the pipe; returns the text they complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut joined = std::mem::take(&mut self.unfinished);
        joined.extend_from_slice(bytes);
        let mut text = String::with_capacity(joined.len());
        let mut chunks = joined.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            // Only at the very end can it be a character that is cut rather than broken.
            if chunks.peek().is_none() && may_go_on(invalid) {
                self.unfinished = invalid.to_vec();
            } else {
                text.push('\u{fffd}');
            }
        }
        self.keep(&text);
        text
    }

    /// The stream is over: what was an unfinished character is now a broken one.
    pub fn end_of_stream(&mut self) -> &'static str {
        if std::mem::take(&mut self.unfinished).is_empty() {
            return "";
        }
        self.keep("\u{fffd}");
        "\u{fffd}"
    }

    /// Takes words of our own.
    pub fn say(&mut self, words: &str) {
        self.end_of_stream();
        self.keep(words);
    }

    /// The text and the number of bytes left out of it.
    pub fn finish(mut self) -> (String, u64) {
        self.end_of_stream();
        let mut tail: Vec<u8> = self.tail.into();
        // The ring may have dropped the first bytes of a character; the rest of it goes too.
        let stray = tail.iter().take_while(|byte| **byte & 0xC0 == 0x80).count();
        if self.omitted > 0 && stray > 0 {
            tail.drain(..stray);
            self.omitted += stray as u64;
        }
        let tail = String::from_utf8_lossy(&tail);
        if self.omitted == 0 {
            return (self.head + &tail, 0);
        }
        (format!("{}\n… ({} bytes left out) …\n{tail}", self.head, self.omitted), self.omitted)
    }

    fn keep(&mut self, text: &str) {
        let mut rest = text;
        if self.tail.is_empty() && self.omitted == 0 {
            let mut cut = rest.len().min(self.head_room - self.head.len());
            while !rest.is_char_boundary(cut) {
                cut -= 1;
            }
            self.head.push_str(&rest[..cut]);
            rest = &rest[cut..];
            if !rest.is_empty() {
                // From here on the head is closed, even if a shorter character would still fit.
                self.head_room = self.head.len();
            }
        }
        let bytes = rest.as_bytes();
        let skipped = bytes.len().saturating_sub(self.tail_room);
        let bytes = &bytes[skipped..];
        let dropped = (self.tail.len() + bytes.len()).saturating_sub(self.tail_room);
        self.tail.drain(..dropped);
        self.tail.extend(bytes);
        self.omitted += (skipped + dropped) as u64;
    }
}

/// Whether these bytes are the proper start of a longer character.
fn may_go_on(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_kept_unchanged() {
        let mut output = Output::new(1000);
        output.push(b"one\n");
        output.push("zwö".as_bytes());
        assert_eq!(output.finish(), ("one\nzwö".to_owned(), 0));
    }

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end() {
        let mut output = Output::new(200);
        output.push(b"BEGIN");
        for _ in 0..10_000 {
            output.push("ä".repeat(100).as_bytes());
        }
        output.push(b"END");
        let (text, omitted) = output.finish();
        assert!(text.starts_with("BEGIN") && text.ends_with("END"), "{text}");
        assert!(text.contains(&format!("\n… ({omitted} bytes left out) …\n")));
        assert!(text.len() <= 200);
        assert!(!text.contains('\u{fffd}'));
    }

    #[test]
    fn broken_bytes_are_marked_and_cut_characters_are_joined() {
        let mut output = Output::new(1000);
        assert_eq!(output.push(b"a\xff\xfeb\xe2\x82"), "a\u{fffd}\u{fffd}b");
        assert_eq!(output.push(b"\xac"), "€");
        assert_eq!(output.push(b"\xe2"), "");
        assert_eq!(output.finish().0, "a\u{fffd}\u{fffd}b€\u{fffd}");
    }

    proptest! {
        #[test]
        fn the_cuts_of_the_pipe_do_not_show(
            bytes in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(0usize..300, 0..6),
            limit in 0u64..400
        ) {
            let mut whole = Output::new(limit);
            whole.push(&bytes);
            let mut cut = Output::new(limit);
            let mut at: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            at.push(bytes.len());
            at.sort();
            let mut from = 0;
            for to in at {
                cut.push(&bytes[from..to]);
                from = to;
            }
            let (text, omitted) = whole.finish();
            prop_assert_eq!(cut.finish(), (text.clone(), omitted));
            let all = String::from_utf8_lossy(&bytes);
            if omitted == 0 {
                prop_assert_eq!(&text, &*all);
            }
            prop_assert!(text.len() as u64 <= limit.max(NOTE_ROOM as u64));
        }
    }
}
