//! Code as the operator reads it before it runs: all of it, line by line, nothing hidden and nothing cut.
//!
//! Every line is numbered and cleaned as [`Context::Code`]; a long one goes on behind `↪`. Padding works against who
//! uses it: runs of blank lines and of spaces are folded to a count. Source: reliability-security 1.4.

use super::clean::Context;
use super::highlight::Lexer;
use super::wrap::{Break, flow};
use super::{Ink, Piece, Row};

pub use super::facts::facts;

/// Blank lines that are still shown one by one.
const BLANK_LINES: usize = 3;
/// Spaces at the end of a line that are still shown as they are.
const TRAILING_SPACES: usize = 8;
/// Spaces elsewhere that are still shown as they are.
const SPACES: usize = 40;

/// Rows of a code block, and which line each shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The rows, numbers included.
    pub rows: Vec<Row>,
    /// For each row the index (from 0) of its line; for folded blank lines, of the first.
    pub line_of_row: Vec<usize>,
}

/// Lays out code for reading. `language` is a fence's label; unknown ones are not coloured.
pub fn listing(code: &str, language: &str, width: u16) -> Listing {
    let mut lines: Vec<&str> = code.split('\n').collect();
    if lines.len() > 1 && lines.last() == Some(&"") {
        lines.pop();
    }
    let digits = lines.len().to_string().len();
    let mut lexer = Lexer::new(language);
    let mut listing = Listing::default();
    let mut at = 0;
    while at < lines.len() {
        let blank = lines[at..].iter().take_while(|line| is_blank(line)).count();
        let (first, pieces, step) = if blank > BLANK_LINES {
            let spaced = lines[at..at + blank].iter().filter(|line| !line.is_empty()).count();
            let note = match spaced {
                0 => format!("({blank} blank lines)"),
                _ => format!("({blank} blank lines, {spaced} of them with white space)"),
            };
            // The lexer sees the lines: a string may stay open across them.
            lines[at..at + blank].iter().for_each(|line| drop(lexer.line(line)));
            (format!("{:>digits$} ", "⋮"), vec![Piece::new(note, Ink::Marker)], blank)
        } else {
            let pieces = lexer.paint(lines[at], Context::Code);
            (format!("{:>digits$} ", at + 1), fold_spaces(pieces), 1)
        };
        let rest = format!("{:>digits$} ", "↪");
        let margins = [Piece::new(first, Ink::Fence), Piece::new(rest, Ink::Fence)];
        let rows = flow(&pieces, width, &margins[..1], &margins[1..], Break::Anywhere);
        listing.line_of_row.extend(rows.iter().map(|_| at));
        listing.rows.extend(rows);
        at += step;
    }
    listing
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Long runs of spaces as a count: they could push what follows out of sight.
pub(super) fn fold_spaces(pieces: Vec<Piece>) -> Vec<Piece> {
    let total: usize = pieces.iter().map(|piece| piece.text.len()).sum();
    let trailing: usize = {
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        total - text.trim_end_matches(' ').len()
    };
    let mut folded = Vec::with_capacity(pieces.len());
    let mut offset = 0;
    for piece in pieces {
        let end = offset + piece.text.len();
        let mut text = piece.text.as_str();
        while !text.is_empty() {
            let word = text.find(' ').unwrap_or(text.len());
            let spaces = text[word..].bytes().take_while(|byte| *byte == b' ').count();
            let at_end = end - text.len() + word + trailing >= total;
            let most = if at_end { TRAILING_SPACES } else { SPACES };
            let (run, rest) = text.split_at(word + spaces);
            if spaces > most {
                folded.push(Piece::new(&run[..word], piece.ink));
                folded.push(Piece::new(format!("⟦space ×{spaces}⟧"), Ink::Marker));
            } else {
                folded.push(Piece::new(run, piece.ink));
            }
            text = rest;
        }
        offset = end;
    }
    folded.retain(|piece| !piece.text.is_empty());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(code: &str, width: u16) -> Vec<String> {
        listing(code, "python", width).rows.iter().map(Row::text).collect()
    }

    #[test]
    fn lines_are_numbered_and_long_ones_go_on() {
        assert_eq!(shown("ab\ncdefghijkl\n", 9), ["1 ab", "2 cdefghi", "↪ jkl"]);
        assert_eq!(listing("ab\ncdefghijkl\n", "", 9).line_of_row, [0, 1, 1]);
    }

    #[test]
    fn padding_is_folded_to_a_count() {
        let code = format!("a{}b{}\n{}rm", " ".repeat(500), " ".repeat(9), "\n".repeat(120));
        let rows = shown(&code, 80);
        assert_eq!(rows, ["  1 a⟦space ×500⟧b⟦space ×9⟧", "  ⋮ (120 blank lines)", "122 rm"]);
    }

    #[test]
    fn up_to_three_blank_lines_and_eight_trailing_spaces_stay() {
        assert_eq!(shown("a        \n\n\n\nb", 40), ["1 a        ", "2 ", "3 ", "4 ", "5 b"]);
    }

    #[test]
    fn nothing_hides_in_a_listing() {
        assert_eq!(shown("ok\rrm\u{202e}\u{200b}\u{a0}", 60), ["1 ok␍rm⟦RLO⟧⟦ZWSP⟧⟦NBSP⟧"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn every_visible_character_is_shown(code in "[a-z\"'#( \t\n]{0,120}", width in 12u16..60) {
            let listing = listing(&code, "python", width);
            prop_assert_eq!(listing.rows.len(), listing.line_of_row.len());
            let mut shown = String::new();
            for row in &listing.rows {
                let body = row.pieces.iter().filter(|piece| !matches!(piece.ink, Ink::Fence | Ink::Marker));
                shown.extend(body.map(|piece| piece.text.as_str()));
            }
            shown.retain(|c| c != ' ');
            let mut wanted = code.clone();
            wanted.retain(|c| !c.is_whitespace());
            prop_assert_eq!(shown, wanted);
        }
    }
}
