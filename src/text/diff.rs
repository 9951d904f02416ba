//! What changed between two codes: a unified diff, cleaned as code, line marks and all.

use super::clean::{Context, clean};
use super::code::fold_spaces;
use super::wrap::{Break, flow};
use super::{Ink, Piece, Row};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change.
const AROUND: usize = 3;
/// Above so many lines in all, nothing is compared: the old is shown as removed, the new as added.
const LINES: usize = 20_000;

/// Rows of the difference; none if there is none. Marks are `-`, `+` and a space, so it reads without colour.
pub fn diff(old: &str, new: &str, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    if old == new {
        return rows;
    }
    let count = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    if count(old) + count(new) > LINES {
        old.split_inclusive('\n').for_each(|line| push(&mut rows, ChangeTag::Delete, line, width));
        new.split_inclusive('\n').for_each(|line| push(&mut rows, ChangeTag::Insert, line, width));
        return rows;
    }
    // Split by hand: similar would end lines at a lone CR too, and the code view does not.
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let changes = TextDiff::from_slices(&before, &after);
    for group in changes.grouped_ops(AROUND) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let header = format!("@@ -{},{} +{},{} @@", old.start + 1, old.len(), new.start + 1, new.len());
        rows.extend(flow(&[Piece::new(header, Ink::Dim)], width, &[], &[], Break::Anywhere));
        for op in &group {
            for change in changes.iter_changes(op) {
                push(&mut rows, change.tag(), change.value(), width);
            }
        }
    }
    rows
}

fn push(rows: &mut Vec<Row>, tag: ChangeTag, line: &str, width: u16) {
    let (mark, ink) = match tag {
        ChangeTag::Equal => (" ", Ink::Code),
        ChangeTag::Delete => ("-", Ink::Removed),
        ChangeTag::Insert => ("+", Ink::Added),
    };
    let text = line.strip_suffix('\n');
    let mut pieces = fold_spaces(clean(text.unwrap_or(line), Context::Code, ink));
    if text.is_none() {
        pieces.push(Piece::new("⟦no line end⟧", Ink::Marker));
    }
    let margins = [Piece::new(format!("{mark} "), ink), Piece::new(format!("{mark}↪"), ink)];
    rows.extend(flow(&pieces, width, &margins[..1], &margins[1..], Break::Anywhere));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        diff(old, new, 30).iter().map(Row::text).collect()
    }

    #[test]
    fn changes_stand_between_their_neighbours() {
        let rows = shown("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nE\nf\n");
        assert_eq!(rows, ["@@ -2,5 +2,5 @@", "  b", "  c", "  d", "- e", "+ E", "  f"]);
    }

    #[test]
    fn equal_codes_have_no_rows() {
        assert!(shown("a\n", "a\n").is_empty());
    }

    #[test]
    fn a_change_that_cannot_be_seen_is_seen() {
        assert_eq!(shown("a\n", "a"), ["@@ -1,1 +1,1 @@", "- a", "+ a⟦no line end⟧"]);
        assert_eq!(shown("a\n", "a\u{200b}\n")[2], "+ a⟦ZWSP⟧");
        assert_eq!(shown("a\n", "a\r\n")[2], "+ a␍");
    }

    #[test]
    fn very_long_codes_are_shown_without_comparing() {
        let rows = shown(&"x\n".repeat(LINES), "x\ny\n");
        assert_eq!((rows.len(), rows[LINES + 1].as_str()), (LINES + 2, "+ y"));
    }
}
