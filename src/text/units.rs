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
}

/// The units of a text, in order.
pub(super) fn units(source: &str) -> Vec<Unit> {
    // Link definitions leave no trace in the events and change what stands around them. Without `[` there are none,
    // and no block begins with it otherwise.
    let masked = source.replace('[', "x");
    let line = |at: usize| source[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut units: Vec<Unit> = Vec::new();
    let mut depth = 0_usize;
    let mut list: Option<(Option<u64>, bool)> = None;
    for (event, range) in parser(&masked).into_offset_iter() {
        if depth == 0 {
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
    units
}
