//! A tree of keys with actions at its ends.

use super::Hint;
use crate::tui::action::Action;
use crate::tui::input::{Key, KeyPress};

/// Where a binding was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The file, as the reader of a message knows it.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// An end: what to do, and who said so.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub action: Action,
    pub place: Place,
    /// The chord as it was written, `t 1..9` for a range.
    pub chord: String,
}

/// A key of a chord: one press, or any digit of a range at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    Press(KeyPress),
    Digits(u8, u8),
}

impl Stroke {
    fn accepts(self, press: KeyPress) -> bool {
        match self {
            Stroke::Press(own) => own == press,
            Stroke::Digits(..) => self.digit(press).is_some(),
        }
    }

    fn digit(self, press: KeyPress) -> Option<u8> {
        let Stroke::Digits(from, to) = self else { return None };
        let digit = u8::try_from(press.typed()?.to_digit(10)?).ok()?;
        (from..=to).contains(&digit).then_some(digit)
    }

    /// Whether some press would fit both.
    fn overlaps(self, other: Stroke) -> bool {
        match (self, other) {
            (Stroke::Press(press), stroke) | (stroke, Stroke::Press(press)) => stroke.accepts(press),
            (Stroke::Digits(from, to), Stroke::Digits(start, end)) => from <= end && start <= to,
        }
    }

    /// As a person reads it.
    fn shown(self) -> String {
        match self {
            Stroke::Press(press) => press.to_string(),
            Stroke::Digits(from, to) => format!("{from}-{to}"),
        }
    }
}

#[derive(Debug, Clone)]
enum Child {
    Leaf(Leaf),
    Node(Node),
}

/// The keys that may follow, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    children: Vec<(Stroke, Child)>,
}

/// Where a chord leads.
pub(super) enum Step<'a> {
    Bound { action: Action, digit: Option<u8> },
    Open(&'a Node),
}

impl Node {
    pub fn walk(&self, chord: &[KeyPress]) -> Option<Step<'_>> {
        let (first, rest) = chord.split_first()?;
        let (stroke, child) = self.children.iter().find(|(stroke, _)| stroke.accepts(*first))?;
        match child {
            Child::Leaf(leaf) if rest.is_empty() => {
                Some(Step::Bound { action: leaf.action, digit: stroke.digit(*first) })
            }
            Child::Node(node) if rest.is_empty() => Some(Step::Open(node)),
            Child::Node(node) => node.walk(rest),
            Child::Leaf(_) => None,
        }
    }

    /// The binding that stands in the way of this chord: the same one, its beginning, or one that it begins.
    pub fn in_the_way(&self, chord: &[Stroke]) -> Option<&Leaf> {
        let Some((first, rest)) = chord.split_first() else { return self.first_leaf() };
        self.children.iter().filter(|(stroke, _)| stroke.overlaps(*first)).find_map(|(_, child)| match child {
            Child::Leaf(leaf) => Some(leaf),
            Child::Node(node) => node.in_the_way(rest),
        })
    }

    fn first_leaf(&self) -> Option<&Leaf> {
        self.children.iter().find_map(|(_, child)| match child {
            Child::Leaf(leaf) => Some(leaf),
            Child::Node(node) => node.first_leaf(),
        })
    }

    /// Binds a chord that nothing is in the way of.
    pub fn bind(&mut self, chord: &[Stroke], leaf: Leaf) {
        let Some((first, rest)) = chord.split_first() else { return };
        let at = match self.children.iter().position(|(stroke, _)| stroke == first) {
            Some(at) => at,
            None => {
                self.children.push((*first, Child::Node(Node::default())));
                self.children.len() - 1
            }
        };
        let child = &mut self.children[at].1;
        match child {
            _ if rest.is_empty() => *child = Child::Leaf(leaf),
            Child::Node(node) => node.bind(rest, leaf),
            Child::Leaf(_) => {
                let mut node = Node::default();
                node.bind(rest, leaf);
                *child = Child::Node(node);
            }
        }
    }

    /// Takes away exactly this chord. False when there was none.
    pub fn unbind(&mut self, chord: &[Stroke]) -> bool {
        let Some((first, rest)) = chord.split_first() else { return false };
        let Some(at) = self.children.iter().position(|(stroke, _)| stroke == first) else { return false };
        let (found, empty) = match &mut self.children[at].1 {
            Child::Leaf(_) => (rest.is_empty(), rest.is_empty()),
            Child::Node(node) => (node.unbind(rest), node.children.is_empty()),
        };
        if found && empty {
            self.children.remove(at);
        }
        found
    }

    /// Every binding below, with its keys from here on.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = Vec::new();
        for (stroke, child) in &self.children {
            match child {
                Child::Leaf(leaf) => hints.push(Hint { chord: stroke.shown(), action: leaf.action }),
                Child::Node(node) => {
                    hints.extend(node.hints().into_iter().map(|below| Hint {
                        chord: format!("{} {}", stroke.shown(), below.chord),
                        action: below.action,
                    }))
                }
            }
        }
        hints
    }
}

/// Keys that a hand presses by habit, and that therefore never consent.
pub(super) fn is_habit(stroke: Stroke) -> bool {
    match stroke {
        Stroke::Digits(..) => true,
        Stroke::Press(press) => match press.key {
            Key::Enter => true,
            Key::Char(c) => matches!(c, ' ' | 'y' | 'Y') || c.is_numeric(),
            _ => false,
        },
    }
}
