//! How wide text is, in cells: the one measure everybody uses.
//!
//! Text is measured by grapheme (what a reader calls a character), as ratatui places it, because the width of a
//! string and the sum of its characters' widths disagree for emoji, flags and many scripts.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Most code points that share a cell; longer clusters are cut by [`super::clean`].
pub const GRAPHEME_CHARS: usize = 8;
/// Most bytes that share a cell; longer clusters are cut by [`super::clean`].
pub const GRAPHEME_BYTES: usize = 32;

/// Most cells that a cluster takes; what would take more is cut by [`super::clean`].
pub const GRAPHEME_CELLS: usize = 4;

/// Cells a text takes: the sum over its graphemes.
pub fn width(text: &str) -> usize {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.len();
    }
    graphemes(text).map(grapheme_width).sum()
}

/// Cells one grapheme takes: 0 for a lone combining mark, 1 or 2 almost always, 3 or more for a few Indic conjuncts.
/// It equals what ratatui's `Buffer::set_line` advances by; were it capped here, the end of such a row would be
/// clipped there.
pub fn grapheme_width(grapheme: &str) -> usize {
    match grapheme.as_bytes() {
        [byte] if (0x20..0x7f).contains(byte) => 1,
        _ => UnicodeWidthStr::width(grapheme),
    }
}

/// The graphemes of a text, in order, nothing left out. ASCII takes a short way.
pub fn graphemes(text: &str) -> Graphemes<'_> {
    Graphemes { rest: text }
}

/// Iterator of [`graphemes`].
#[derive(Debug, Clone)]
pub struct Graphemes<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Graphemes<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let first = *bytes.first()?;
        let next_is_ascii = bytes.get(1).is_none_or(u8::is_ascii);
        let end = if first.is_ascii() && first != b'\r' && next_is_ascii {
            1
        } else if self.rest.chars().nth(1).is_none() {
            // One character alone, as the lines of a border are drawn.
            bytes.len()
        } else {
            self.rest.graphemes(true).next().map_or(self.rest.len(), str::len)
        };
        let (grapheme, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(grapheme)
    }
}

/// Whether the character would join the one before it into one grapheme.
pub fn extends(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let mut pair = String::from("a");
    pair.push(c);
    pair.graphemes(true).nth(1).is_none()
}

/// The start of a text that fits into so many cells, cut between graphemes.
pub fn take(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let mut end = 0;
    for grapheme in graphemes(text) {
        used += grapheme_width(grapheme);
        if used > cells {
            break;
        }
        end += grapheme.len();
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_measured_whole() {
        let cases = [
            ("👨\u{200d}👩\u{200d}👧\u{200d}👦", 2),
            ("❤\u{fe0f}", 2),
            ("e\u{301}", 1),
            ("👍🏽", 2),
            ("🇩🇪", 2),
            ("漢字", 4),
            ("abc", 3),
        ];
        for (text, cells) in cases {
            assert_eq!(width(text), cells, "{text}");
        }
    }

    #[test]
    fn the_short_way_for_ascii_gives_the_same_graphemes() {
        for text in ["a\u{301}b", "\r\n", "x\ry", "ab\u{200d}c", "1\u{fe0f}\u{20e3}", "", "日a本"] {
            let short: Vec<_> = graphemes(text).collect();
            assert_eq!(short, text.graphemes(true).collect::<Vec<_>>(), "{text:?}");
        }
    }

    #[test]
    fn take_cuts_between_graphemes_and_never_passes_the_limit() {
        assert_eq!(take("日本", 3), "日");
        assert_eq!(take("e\u{301}x", 1), "e\u{301}");
        assert_eq!(take("abc", 0), "");
    }
}
