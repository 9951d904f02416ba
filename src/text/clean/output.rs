//! Program output before cleaning: a carriage return writes over its line, colours are left out.
//!
//! One pass, cost linear in the text whatever it holds: a line is a list of cells and a place to write, as on a
//! terminal that knows nothing but CR and tab.

use crate::text::width::{grapheme_width, graphemes};
use std::borrow::Cow;

/// The text as it would stand at last: no SGR sequence, no CR that is not shown.
pub(super) fn settle(text: &str) -> Cow<'_, str> {
    let plain = without_sgr(text);
    if !plain.contains('\r') {
        return plain;
    }
    let lines: Vec<Cow<'_, str>> = plain.split('\n').map(rewritten).collect();
    Cow::Owned(lines.join("\n"))
}

fn without_sgr(text: &str) -> Cow<'_, str> {
    if !text.contains("\u{1b}[") {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        kept.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let parameters = after.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
        if after.as_bytes().get(parameters) == Some(&b'm') {
            rest = &after[parameters + 1..];
        } else {
            // Shown already here, so that no new sequence can form around one that was left out.
            kept.push('␛');
            rest = &rest[at + 1..];
        }
    }
    kept.push_str(rest);
    Cow::Owned(kept.replace('\u{1b}', "␛"))
}

fn rewritten(line: &str) -> Cow<'_, str> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if !line.contains('\r') {
        return Cow::Borrowed(line);
    }
    // One entry a cell; the second cell of a wide character is empty.
    let mut cells: Vec<&str> = Vec::new();
    let mut at = 0;
    for grapheme in graphemes(line) {
        match grapheme {
            "\r" => at = 0,
            "\t" => {
                let stop = at + super::TAB - at % super::TAB;
                (at..stop).for_each(|cell| put(&mut cells, cell, " "));
                at = stop;
            }
            _ => {
                put(&mut cells, at, grapheme);
                let end = at + grapheme_width(grapheme).max(1);
                (at + 1..end).for_each(|cell| put(&mut cells, cell, ""));
                at = end;
            }
        }
    }
    Cow::Owned(cells.concat())
}

/// Writes a cell; the other half of a wide character that stood there becomes blank.
fn put<'a>(cells: &mut Vec<&'a str>, at: usize, text: &'a str) {
    if at == cells.len() {
        cells.push(text);
        return;
    }
    let next_is_half = cells.get(at + 1).is_some_and(|cell| cell.is_empty());
    if next_is_half {
        cells[at + 1] = " ";
    }
    if cells[at].is_empty() && !text.is_empty() && at > 0 {
        cells[at - 1] = " ";
    }
    cells[at] = text;
}
