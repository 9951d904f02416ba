//! The one wrapper: pieces in, rows out, never wider than asked.
//!
//! By graphemes and word boundaries; wide characters (CJK, emoji) may part from their neighbours; a word longer than a
//! row is broken where the row ends. Spaces at a break are dropped, spaces at the start of a line are kept. A character
//! wider than the whole row is shown by `▯`.

use super::width::{grapheme_width, graphemes, take};
use super::{Ink, Piece, Row};

/// Where a line may be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Between words: prose.
    Words,
    /// Anywhere, and nothing is dropped: code.
    Anywhere,
}

/// Rows of prose; rows after the first are indented by `hanging` cells. A `\n` in a piece starts a new row. Always at
/// least one row; at width 0 one empty row.
pub fn wrap(pieces: &[Piece], width: u16, hanging: u16) -> Vec<Row> {
    let indent = [Piece::new(" ".repeat(usize::from(hanging)), Ink::Plain)];
    flow(pieces, width, &[], if hanging == 0 { &[] } else { &indent }, Break::Words)
}

/// Rows that open with `first`, and with `rest` after the first. A margin that leaves too little room is cut.
pub fn flow(pieces: &[Piece], width: u16, first: &[Piece], rest: &[Piece], at: Break) -> Vec<Row> {
    let width = usize::from(width);
    if width == 0 {
        return vec![Row::default()];
    }
    let room = width - width.min((width / 3).max(4));
    let mut pen = Pen::new(width, fit(first, room), fit(rest, room));
    let joined = join(pieces);
    match at {
        Break::Anywhere => {
            for atom in atoms(&joined) {
                if atom.kind == Kind::Newline { pen.turn() } else { pen.put(&atom) }
            }
        }
        Break::Words => words(&mut pen, &atoms(&joined).collect::<Vec<_>>()),
    }
    pen.finish()
}

fn words(pen: &mut Pen, atoms: &[Atom<'_>]) {
    let mut spaces: &[Atom<'_>] = &[];
    let mut at = 0;
    while at < atoms.len() {
        match atoms[at].kind {
            Kind::Newline => {
                pen.leading(spaces);
                spaces = &[];
                pen.turn();
                at += 1;
            }
            Kind::Space => {
                let end = at + atoms[at..].iter().take_while(|atom| atom.kind == Kind::Space).count();
                spaces = &atoms[at..end];
                at = end;
            }
            Kind::Word => {
                let mut end = at + 1;
                while end < atoms.len() && atoms[end].kind == Kind::Word && !may_part(&atoms[end - 1], &atoms[end]) {
                    end += 1;
                }
                let cells: usize = atoms[at..end].iter().map(|atom| atom.width).sum();
                if pen.column + spaces.len() + cells <= pen.width {
                    spaces.iter().for_each(|space| pen.put(space));
                } else if pen.fresh() {
                    pen.leading(spaces);
                } else {
                    pen.turn();
                }
                atoms[at..end].iter().for_each(|atom| pen.put(atom));
                spaces = &[];
                at = end;
            }
        }
    }
    pen.leading(spaces);
}

/// Neighbours of the same kind as one piece, so that clusters are seen whole.
fn join(pieces: &[Piece]) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.ink == piece.ink => last.text.push_str(&piece.text),
            _ => joined.push(piece.clone()),
        }
    }
    joined
}

fn fit(margin: &[Piece], mut cells: usize) -> Vec<Piece> {
    let mut kept = Vec::new();
    for piece in margin {
        let part = take(&piece.text, cells);
        cells -= super::width::width(part);
        if !part.is_empty() {
            kept.push(Piece::new(part, piece.ink));
        }
        if part.len() < piece.text.len() {
            break;
        }
    }
    kept
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Space,
    Newline,
}

#[derive(Debug, Clone, Copy)]
struct Atom<'a> {
    text: &'a str,
    ink: Ink,
    width: usize,
    kind: Kind,
}

fn atoms(pieces: &[Piece]) -> impl Iterator<Item = Atom<'_>> {
    pieces.iter().flat_map(|piece| {
        graphemes(&piece.text).map(move |text| {
            let kind = match text {
                " " => Kind::Space,
                "\n" | "\r\n" => Kind::Newline,
                _ => Kind::Word,
            };
            Atom { text, ink: piece.ink, width: grapheme_width(text), kind }
        })
    })
}

/// Whether a row may end between two neighbours that no space parts.
fn may_part(before: &Atom<'_>, after: &Atom<'_>) -> bool {
    const NOT_FIRST: &str = "、。，．：；！？」』）】〉》〕］｝ー…,.:;!?)]}%'\"”’";
    const NOT_LAST: &str = "「『（【〈《〔［｛([{'\"“‘";
    (before.width >= 2 || after.width >= 2) && !NOT_FIRST.contains(after.text) && !NOT_LAST.contains(before.text)
}

struct Pen {
    rows: Vec<Row>,
    pieces: Vec<Piece>,
    rest: Vec<Piece>,
    /// Pieces of the margin on this row; text never joins them.
    margin: usize,
    width: usize,
    start: usize,
    column: usize,
}

impl Pen {
    fn new(width: usize, first: Vec<Piece>, rest: Vec<Piece>) -> Self {
        let start = first.iter().map(|piece| super::width::width(&piece.text)).sum();
        Self { rows: Vec::new(), margin: first.len(), pieces: first, rest, width, start, column: start }
    }

    fn fresh(&self) -> bool {
        self.column == self.start
    }

    fn turn(&mut self) {
        let row = Row { pieces: std::mem::take(&mut self.pieces), width: self.column as u16 };
        self.rows.push(row);
        self.pieces = self.rest.clone();
        self.margin = self.pieces.len();
        self.start = self.pieces.iter().map(|piece| super::width::width(&piece.text)).sum();
        self.column = self.start;
    }

    fn put(&mut self, atom: &Atom<'_>) {
        if self.column + atom.width > self.width && !self.fresh() {
            self.turn();
        }
        if self.start + atom.width > self.width {
            self.write("▯", Ink::Marker, 1);
        } else {
            self.write(atom.text, atom.ink, atom.width);
        }
    }

    fn write(&mut self, text: &str, ink: Ink, cells: usize) {
        let body = self.pieces.get_mut(self.margin..).and_then(<[Piece]>::last_mut);
        match body {
            Some(last) if last.ink == ink => last.text.push_str(text),
            _ => self.pieces.push(Piece::new(text, ink)),
        }
        self.column += cells;
    }

    /// Spaces at the start of a line: kept, but never more than half a row of them.
    fn leading(&mut self, spaces: &[Atom<'_>]) {
        if self.fresh() {
            let most = (self.width - self.start) / 2;
            spaces.iter().take(most).for_each(|space| self.put(space));
        }
    }

    fn finish(mut self) -> Vec<Row> {
        self.rows.push(Row { pieces: self.pieces, width: self.column as u16 });
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, width: u16, hanging: u16) -> Vec<String> {
        wrap(&[Piece::new(text, Ink::Plain)], width, hanging).iter().map(Row::text).collect()
    }

    #[test]
    fn words_stay_whole_and_later_rows_hang() {
        assert_eq!(shown("one two three four", 9, 2), ["one two", "  three", "  four"]);
    }

    #[test]
    fn a_word_longer_than_a_row_is_broken_not_lost() {
        assert_eq!(shown("go abcdefghij", 4, 0), ["go", "abcd", "efgh", "ij"]);
    }

    #[test]
    fn wide_characters_part_but_closing_marks_stay_with_them() {
        assert_eq!(shown("日本語。日本", 6, 0), ["日本", "語。日", "本"]);
    }

    #[test]
    fn indentation_is_kept_and_newlines_end_rows() {
        assert_eq!(shown("  a\n    b", 10, 0), ["  a", "    b"]);
    }

    #[test]
    fn the_narrowest_widths_survive() {
        assert_eq!(shown("日a", 1, 3), ["▯", "a"]);
        assert_eq!(shown("abc", 0, 3), [""]);
    }

    #[test]
    fn kinds_survive_a_break_inside_a_word() {
        let pieces = [Piece::new("ab", Ink::Strong), Piece::new("cd", Ink::Link)];
        let rows = wrap(&pieces, 3, 0);
        assert_eq!(rows[0].pieces, [Piece::new("ab", Ink::Strong), Piece::new("c", Ink::Link)]);
        assert_eq!(rows[1].pieces, [Piece::new("d", Ink::Link)]);
    }
}
