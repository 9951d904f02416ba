//! D13: the selector does not find a speaker.

use super::row::{Row, Seen, limits};
use super::view::View;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D13",
    name: "selector trouble",
    about: "the model that chooses the speaker named nobody who can speak, or needed more than three attempts, pick after pick (last 10 picks)",
    progress: false,
    thresholds: limits(1, None, Some(2)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let bad: Vec<usize> = view.picks().iter().rev().take_while(|(_, bad)| *bad).map(|(at, _)| *at).collect();
    (!bad.is_empty()).then(|| Seen {
        text: format!("the selector named no speaker {} times in a row", bad.len()),
        count: bad.len() as u32,
        at: bad.into_iter().rev().map(|at| at.saturating_sub(1)).collect(),
        agent: None,
        pattern: 13,
        most: Level::Hold,
    })
}
