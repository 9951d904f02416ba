//! Where the units of a markdown text begin: top-level blocks, and the items of top-level lists.

use super::markdown::parser;
use pulldown_cmark::{CodeBlockKind, Event, Tag};

/// A part of a message that is laid out by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    /// Start of its first line, in bytes. It ends where the next one starts.
    pub start: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Block,
    /// A fenced code block.
    Fence,
    /// An item of a list, with its number, and whether it follows another of the same list.
    Item {
        number: Option<u64>,
        follows: bool,
    },
    /// What the parser takes in silence: link definitions.
    Raw,
}

/// The units of a text, in order.
pub(super) fn units(source: &str) -> Vec<Unit> {
    let line = |at: usize| source[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut units: Vec<Unit> = Vec::new();
    let mut depth = 0_usize;
    let mut end = 0;
    let mut list: Option<(Option<u64>, bool)> = None;
    for (event, range) in parser(source).into_offset_iter() {
        if depth == 0 {
            raw(source, end, line(range.start), &mut units);
            end = end.max(range.end);
            list = None;
        }
        match &event {
            Event::Start(Tag::List(first)) if depth == 0 => list = Some((*first, false)),
            Event::Start(Tag::Item) if depth == 1 => {
                if let Some((number, follows)) = &mut list {
                    units.push(Unit {
                        start: line(range.start),
                        kind: Kind::Item { number: *number, follows: *follows },
                    });
                    *number = number.map(|number| number.saturating_add(1));
                    *follows = true;
                }
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) if depth == 0 => {
                units.push(Unit { start: line(range.start), kind: Kind::Fence });
            }
            Event::Start(Tag::Paragraph) if depth == 0 => {
                // It may yet become the rest of the definition above it.
                let start = line(range.start);
                let above = units.last().is_some_and(|unit| {
                    unit.kind == Kind::Raw && !source[unit.start..start].lines().any(|line| line.trim().is_empty())
                });
                if !above {
                    units.push(Unit { start, kind: Kind::Block });
                }
            }
            Event::End(_) => {}
            _ if depth == 0 => units.push(Unit { start: line(range.start), kind: Kind::Block }),
            _ => {}
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    raw(source, end, source.len(), &mut units);
    units
}

/// Adds what stands between two blocks, if it is not blank. The rest of a block's last line is the block's.
fn raw(source: &str, from: usize, to: usize, units: &mut Vec<Unit>) {
    let whole = from == 0 || source[..from].ends_with('\n');
    let from = if whole { from } else { source[from..].find('\n').map_or(source.len(), |end| from + end + 1) };
    let gap = source.get(from..to).unwrap_or_default();
    if let Some(text) = gap.find(|c: char| !c.is_whitespace()) {
        let start = source[..from + text].rfind('\n').map_or(0, |end| end + 1);
        units.push(Unit { start, kind: Kind::Raw });
    }
}
