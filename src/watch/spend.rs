//! D19: the last turns cost much more than those before.

use super::row::{Row, Seen, limits};
use super::view::View;
use crate::chat::usage::Money;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D19",
    name: "spending faster",
    about: "the last 5 turns cost more than 3 times the median of the blocks of 5 before (last 200 turns); only shown - the limits of the team hold the run",
    progress: false,
    thresholds: limits(3, None, None),
    see,
};

/// Turns of a block.
const BLOCK: usize = 5;

fn see(view: &View) -> Option<Seen> {
    let paid = view.paid();
    if paid.len() < 4 * BLOCK {
        return None;
    }
    let (before, last) = paid.split_at(paid.len() - BLOCK);
    let cost = |block: &[Money]| block.iter().map(|cost| cost.0).sum::<u64>();
    let mut blocks: Vec<u64> = before.rchunks_exact(BLOCK).map(cost).collect();
    blocks.sort_unstable();
    let (median, now) = (blocks[blocks.len() / 2], cost(last));
    let times = now.checked_div(median).unwrap_or(0);
    (times >= 3).then(|| Seen {
        text: format!("the last {BLOCK} turns cost {}, {times} times as much as usual", Money(now)),
        count: times as u32,
        at: vec![view.messages().saturating_sub(1)],
        agent: None,
        pattern: 19,
        most: Level::Badge,
    })
}
