//! Two texts beside each other: the same parts on the same rows, what differs marked.

use super::clean::{Context, clean};
use super::wrap::wrap;
use super::{Ink, Row};
use similar::{ChangeTag, DiffOp, TextDiff};

/// Above so many bytes in all the texts are shown without comparing their words.
const MOST: usize = 64 << 10;

/// Pairs of rows, each at most `width` wide. What only the left text has stands in `[-…-]`, what only the right one has
/// in `{+…+}`, so that it reads without colour.
pub fn side_by_side(left: &str, right: &str, width: u16) -> Vec<(Row, Row)> {
    let (before, after) = (parts(left), parts(right));
    let diff = TextDiff::from_slices(&before, &after);
    let mut rows = Vec::new();
    let whole = |parts: &[&str], ink| wrap(&clean(&parts.concat(), Context::Prose, ink), width, 0);
    for op in diff.ops() {
        let (old, new) = (&before[op.old_range()], &after[op.new_range()]);
        let (a, b) = match op {
            DiffOp::Equal { .. } => (whole(old, Ink::Plain), whole(new, Ink::Plain)),
            _ if left.len() + right.len() > MOST => (whole(old, Ink::Removed), whole(new, Ink::Added)),
            _ => words(&old.concat(), &new.concat(), width),
        };
        let height = a.len().max(b.len());
        let padded = |rows: Vec<Row>| rows.into_iter().chain(std::iter::repeat_with(Row::default)).take(height);
        rows.extend(padded(a).zip(padded(b)));
    }
    rows
}

/// Sentences and lines: what is aligned.
fn parts(text: &str) -> Vec<&str> {
    text.split_inclusive(['\n', '.', '!', '?']).collect()
}

/// Stretches of one side, each kept, taken away or added.
type Runs = Vec<(ChangeTag, String)>;

fn words(left: &str, right: &str, width: u16) -> (Vec<Row>, Vec<Row>) {
    let diff = TextDiff::from_words(left, right);
    let (mut old, mut new) = (Runs::new(), Runs::new());
    let add = |side: &mut Runs, tag, text: &str| match side.last_mut() {
        Some((last, run)) if *last == tag => run.push_str(text),
        _ => side.push((tag, text.to_owned())),
    };
    for change in diff.iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                add(&mut old, ChangeTag::Equal, text);
                add(&mut new, ChangeTag::Equal, text);
            }
            ChangeTag::Delete => add(&mut old, ChangeTag::Delete, text),
            ChangeTag::Insert => add(&mut new, ChangeTag::Insert, text),
        }
    }
    let marked = |side: Runs| {
        let mut pieces = Vec::new();
        for (tag, text) in side {
            let (open, ink, close) = match tag {
                ChangeTag::Equal => ("", Ink::Plain, ""),
                ChangeTag::Delete => ("[-", Ink::Removed, "-]"),
                ChangeTag::Insert => ("{+", Ink::Added, "+}"),
            };
            // Space at the ends of what differs stays outside of the marks.
            let body = text.trim();
            let start = text.len() - text.trim_start().len();
            let (before, after) = (&text[..start], &text[start + body.len()..]);
            let inner = if body.is_empty() { String::new() } else { format!("{open}{body}{close}") };
            for (part, ink) in [(before, Ink::Plain), (inner.as_str(), ink), (after, Ink::Plain)] {
                if !part.is_empty() {
                    pieces.extend(clean(part, Context::Prose, ink));
                }
            }
        }
        wrap(&pieces, width, 0)
    };
    (marked(old), marked(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(left: &str, right: &str, width: u16) -> Vec<(String, String)> {
        side_by_side(left, right, width).iter().map(|(a, b)| (a.text(), b.text())).collect()
    }

    #[test]
    fn the_same_parts_stand_on_the_same_rows_and_differences_are_marked() {
        let rows = shown("It fails.\nI tried the door.\nHelp!", "It fails.\nI tried the window again.\nHelp!", 40);
        let at = |text: &str| rows.iter().position(|(a, _)| a.contains(text)).unwrap();
        assert!(rows[at("It fails")].1.contains("It fails"));
        assert!(rows[at("Help")].1.contains("Help"));
        let changed = &rows[at("tried")];
        assert!(changed.0.contains("[-door") && changed.1.contains("{+window again"), "{changed:?}");
    }

    #[test]
    fn nothing_escapes_its_column_whatever_it_says() {
        for (left, right) in [("", ""), ("\u{1b}[31mred", "a\tb\u{202e}"), ("x".repeat(500).as_str(), "y")] {
            for (a, b) in side_by_side(left, right, 12) {
                for row in [a, b] {
                    assert!(super::super::width::width(&row.text()) <= 12 && !row.text().contains('\u{1b}'));
                }
            }
        }
    }
}
