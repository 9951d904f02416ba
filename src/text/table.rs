//! Tables, folded to the width: cells wrap, the widest columns give first; where not even that fits, each line of the
//! table becomes a list of `header: value`.

use super::width::{grapheme_width, graphemes};
use super::wrap::{Break, flow, wrap};
use super::{Ink, Piece, Row};
use pulldown_cmark::Alignment;

/// A cell's text.
pub(super) type Cell = Vec<Piece>;

/// A table as it was written: the first line is the header.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub alignments: Vec<Alignment>,
    pub lines: Vec<Vec<Cell>>,
}

/// Narrowest column worth drawing when there is not room for all.
const NARROW: usize = 3;

impl Table {
    /// The rows, none wider than `width`.
    pub(super) fn rows(&self, width: u16) -> Vec<Row> {
        let columns = self.lines.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return Vec::new();
        }
        let natural: Vec<usize> = (0..columns)
            .map(|at| {
                self.lines.iter().filter_map(|line| line.get(at)).map(|cell| measure(cell)).max().unwrap_or(0).max(1)
            })
            .collect();
        match usize::from(width).checked_sub(3 * columns + 1).and_then(|room| fit(&natural, room)) {
            Some(widths) => self.grid(&widths),
            None => self.records(width),
        }
    }

    fn grid(&self, widths: &[usize]) -> Vec<Row> {
        let mut rows = vec![border(widths, ["┌", "┬", "┐"])];
        for (n, line) in self.lines.iter().enumerate() {
            if n == 1 {
                rows.push(border(widths, ["├", "┼", "┤"]));
            }
            let cells: Vec<Vec<Row>> = widths
                .iter()
                .enumerate()
                .map(|(at, cells)| line.get(at).map(|cell| wrap(cell, *cells as u16, 0)).unwrap_or_default())
                .collect();
            for height in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
                let mut pieces = Vec::new();
                for (at, cell) in cells.iter().enumerate() {
                    pieces.push(Piece::new(if at == 0 { "│ " } else { " │ " }, Ink::TableBorder));
                    let row = cell.get(height).cloned().unwrap_or_default();
                    let free = widths[at].saturating_sub(usize::from(row.width));
                    let before = match self.alignments.get(at) {
                        Some(Alignment::Right) => free,
                        Some(Alignment::Center) => free / 2,
                        _ => 0,
                    };
                    pad(&mut pieces, before);
                    pieces.extend(row.pieces);
                    pad(&mut pieces, free - before);
                }
                pieces.push(Piece::new(" │", Ink::TableBorder));
                rows.push(Row::of(pieces));
            }
        }
        rows.push(border(widths, ["└", "┴", "┘"]));
        rows
    }

    fn records(&self, width: u16) -> Vec<Row> {
        let Some((header, lines)) = self.lines.split_first() else { return Vec::new() };
        let mut rows = Vec::new();
        if lines.is_empty() {
            rows.extend(header.iter().flat_map(|name| wrap(name, width, 0)));
        }
        let indent = [Piece::new("  ", Ink::Plain)];
        for (n, line) in lines.iter().enumerate() {
            if n > 0 {
                let bar = "─".repeat(usize::from(width.min(8)));
                rows.push(Row::of(vec![Piece::new(bar, Ink::TableBorder)]));
            }
            for at in 0..header.len().max(line.len()) {
                let mut pieces = header.get(at).cloned().unwrap_or_default();
                pieces.push(Piece::new(": ", Ink::TableBorder));
                pieces.extend(line.get(at).cloned().unwrap_or_default());
                rows.extend(flow(&pieces, width, &[], &indent, Break::Words));
            }
        }
        rows
    }
}

fn measure(cell: &[Piece]) -> usize {
    // Graphemes one by one, as they will be placed: a wide one needs its column to be as wide.
    cell.iter().flat_map(|piece| graphemes(&piece.text)).map(grapheme_width).sum()
}

/// Column widths whose sum is at most `room`: what is asked, or with a common ceiling.
fn fit(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    let needed = |ceiling: usize| natural.iter().map(|cells| (*cells).min(ceiling)).sum::<usize>();
    let widest = natural.iter().copied().max().unwrap_or(0);
    let (mut low, mut high) = (0, widest);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if needed(middle) <= room { low = middle } else { high = middle - 1 }
    }
    if low < widest.min(NARROW) {
        return None;
    }
    let mut widths: Vec<usize> = natural.iter().map(|cells| (*cells).min(low)).collect();
    let mut left = room - needed(low);
    for (width, asked) in widths.iter_mut().zip(natural) {
        if *width < *asked && left > 0 {
            *width += 1;
            left -= 1;
        }
    }
    Some(widths)
}

fn border(widths: &[usize], [left, middle, right]: [&str; 3]) -> Row {
    let bars: Vec<String> = widths.iter().map(|cells| "─".repeat(cells + 2)).collect();
    Row::of(vec![Piece::new(format!("{left}{}{right}", bars.join(middle)), Ink::TableBorder)])
}

fn pad(pieces: &mut Vec<Piece>, cells: usize) {
    if cells > 0 {
        pieces.push(Piece::new(" ".repeat(cells), Ink::Plain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_column_gives_first_and_no_cell_is_left_over() {
        assert_eq!(fit(&[4, 40, 10], 30), Some(vec![4, 16, 10]));
        assert_eq!(fit(&[4, 5], 30), Some(vec![4, 5]));
        assert_eq!(fit(&[9, 9, 9], 7), None);
    }
}
