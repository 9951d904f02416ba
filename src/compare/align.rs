//! Which message of one side stands beside which of the other.

use crate::chat::message::Message;
use std::collections::HashSet;
use std::sync::Arc;

/// Two messages that belong together, or one that has no counterpart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Position on the left.
    pub left: Option<usize>,
    /// Position on the right.
    pub right: Option<usize>,
    /// How alike they are, from 0 to 1; 0 without a counterpart.
    pub likeness: f32,
    /// The same speaker says the same words.
    pub same: bool,
}

/// Beyond the common beginning and end so many messages of a side are aligned by likeness; what is longer is paired in
/// order, which is what remains to be said about two conversations that have nothing in common for so long.
const MOST: usize = 1_500;
/// Less alike than this does not belong together.
const LEAST: f32 = 0.25;
/// So much of a message decides, in characters.
const READ: usize = 2_000;

/// The rows of two conversations.
pub fn align(left: &[Arc<Message>], right: &[Arc<Message>]) -> Vec<Row> {
    let begun = left.iter().zip(right).take_while(|(a, b)| same(a, b)).count();
    let rest = (&left[begun..], &right[begun..]);
    let ended = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (middle_left, middle_right) = (&rest.0[..rest.0.len() - ended], &rest.1[..rest.1.len() - ended]);
    let equal = |left: usize, right: usize| Row { left: Some(left), right: Some(right), likeness: 1.0, same: true };
    let mut rows: Vec<Row> = (0..begun).map(|n| equal(n, n)).collect();
    let between = if middle_left.len().max(middle_right.len()) > MOST {
        in_order(middle_left, middle_right)
    } else {
        by_likeness(middle_left, middle_right)
    };
    rows.extend(between.into_iter().map(|row| Row {
        left: row.left.map(|place| place + begun),
        right: row.right.map(|place| place + begun),
        ..row
    }));
    let ends = (left.len() - ended, right.len() - ended);
    rows.extend((0..ended).map(|n| equal(ends.0 + n, ends.1 + n)));
    rows
}

fn same(a: &Message, b: &Message) -> bool {
    a.author == b.author && a.content == b.content && a.tool_calls == b.tool_calls && a.tool_results == b.tool_results
}

fn in_order(left: &[Arc<Message>], right: &[Arc<Message>]) -> Vec<Row> {
    let row = |n: usize| {
        let (a, b) = (left.get(n), right.get(n));
        let same = matches!((a, b), (Some(a), Some(b)) if same(a, b));
        Row { left: a.map(|_| n), right: b.map(|_| n), likeness: f32::from(same), same }
    };
    (0..left.len().max(right.len())).map(row).collect()
}

/// The alignment with the greatest sum of likenesses.
fn by_likeness(left: &[Arc<Message>], right: &[Arc<Message>]) -> Vec<Row> {
    let (read_left, read_right): (Vec<_>, Vec<_>) = (left.iter().map(read).collect(), right.iter().map(read).collect());
    let width = right.len() + 1;
    let mut best = vec![0.0f32; (left.len() + 1) * width];
    let mut alike = vec![0.0f32; left.len() * right.len()];
    for a in (0..left.len()).rev() {
        for b in (0..right.len()).rev() {
            let found = dice(&read_left[a], &read_right[b]);
            alike[a * right.len() + b] = found;
            let paired = if found >= LEAST { found + best[(a + 1) * width + b + 1] } else { 0.0 };
            best[a * width + b] = paired.max(best[(a + 1) * width + b]).max(best[a * width + b + 1]);
        }
    }
    let (mut a, mut b, mut rows) = (0, 0, Vec::new());
    while a < left.len() || b < right.len() {
        let here = best[a * width + b];
        if a < left.len() && b < right.len() {
            let found = alike[a * right.len() + b];
            if found >= LEAST && here <= found + best[(a + 1) * width + b + 1] {
                rows.push(Row { left: Some(a), right: Some(b), likeness: found, same: same(&left[a], &right[b]) });
                (a, b) = (a + 1, b + 1);
                continue;
            }
        }
        if a < left.len() && (b == right.len() || here <= best[(a + 1) * width + b]) {
            rows.push(Row { left: Some(a), right: None, likeness: 0.0, same: false });
            a += 1;
        } else {
            rows.push(Row { left: None, right: Some(b), likeness: 0.0, same: false });
            b += 1;
        }
    }
    rows
}

/// What likeness goes by: the speaker, and the words with their neighbours.
struct Read {
    speaker: String,
    pairs: HashSet<(u32, u32)>,
}

fn read(message: &Arc<Message>) -> Read {
    let told = message.told();
    let chars: Vec<u32> =
        told.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).take(READ).map(u32::from).collect();
    let pairs = chars.windows(2).map(|pair| (pair[0], pair[1])).chain(chars.first().map(|first| (*first, 0)));
    Read { speaker: message.author.name().to_owned(), pairs: pairs.collect() }
}

/// Only messages of one speaker belong together; among those, the share of what they have in common, and never nothing:
/// the same speaker's turn is the best counterpart when no other is.
fn dice(a: &Read, b: &Read) -> f32 {
    if a.speaker != b.speaker {
        return 0.0;
    }
    let (fewer, more) = if a.pairs.len() <= b.pairs.len() { (a, b) } else { (b, a) };
    let common = fewer.pairs.iter().filter(|pair| more.pairs.contains(pair)).count();
    let all = (a.pairs.len() + b.pairs.len()).max(1);
    (2.0 * common as f32 / all as f32).max(LEAST)
}

/// How alike two messages are, from 0 to 1.
pub fn likeness(a: &Arc<Message>, b: &Arc<Message>) -> f32 {
    if same(a, b) { 1.0 } else { dice(&read(a), &read(b)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::id::MessageId;
    use crate::chat::message::{Author, MessageKind};
    use proptest::prelude::*;

    fn said(list: &[(&str, &str)]) -> Vec<Arc<Message>> {
        let message = |(n, (who, text)): (usize, &(&str, &str))| {
            Arc::new(Message::new(MessageId(n as u64), Author::Agent((*who).into()), MessageKind::Reply, *text))
        };
        list.iter().enumerate().map(message).collect()
    }

    #[test]
    fn a_message_that_one_side_lacks_moves_nothing_out_of_its_row() {
        let left = said(&[("a", "hello"), ("b", "I disagree with that plan"), ("a", "then we test it"), ("b", "fine")]);
        let right = said(&[("a", "hello"), ("a", "then we shall test it"), ("b", "fine")]);
        let rows = align(&left, &right);
        let places: Vec<_> = rows.iter().map(|row| (row.left, row.right, row.same)).collect();
        assert_eq!(
            places,
            [(Some(0), Some(0), true), (Some(1), None, false), (Some(2), Some(1), false), (Some(3), Some(2), true)]
        );
    }

    #[test]
    fn other_speakers_never_share_a_row() {
        let rows = align(&said(&[("a", "yes")]), &said(&[("b", "yes")]));
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| !row.same));
    }

    fn a_side() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
        let who = prop::sample::select(&["a", "b"][..]);
        let what = prop::sample::select(&["one", "two", "three words here", ""][..]);
        prop::collection::vec((who, what), 0..12)
    }

    proptest! {
        #[test]
        fn every_message_stands_in_one_row_and_in_order(left in a_side(), right in a_side()) {
            let (left, right) = (said(&left), said(&right));
            let rows = align(&left, &right);
            let side = |pick: fn(&Row) -> Option<usize>| rows.iter().filter_map(pick).collect::<Vec<_>>();
            prop_assert_eq!(side(|row| row.left), (0..left.len()).collect::<Vec<_>>());
            prop_assert_eq!(side(|row| row.right), (0..right.len()).collect::<Vec<_>>());
            for row in &rows {
                prop_assert!(row.left.is_some() || row.right.is_some());
                if let (Some(a), Some(b)) = (row.left, row.right) {
                    prop_assert_eq!(left[a].author.name(), right[b].author.name());
                    prop_assert_eq!(row.same, left[a].content == right[b].content);
                }
            }
        }
    }
}
