//! D7: the same call fails in the same way again.

use super::calls::{CODE, newest, places};
use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Act, Outcome};
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D7",
    name: "same error",
    about: "the same call fails with the same error again and nothing was edited in between; what may pass by itself (time-outs, full queues) may be tried twice more",
    progress: false,
    thresholds: limits(2, Some(3), Some(4)),
    see,
};

/// Calls of an agent that are looked at.
const WINDOW: usize = 24;

fn see(view: &View) -> Option<Seen> {
    let last = newest(view)?;
    if last.outcome != Outcome::Failed || &*last.tool == CODE {
        return None;
    }
    let mut same: Vec<&Act> = Vec::new();
    for act in
        view.acts().iter().rev().filter(|act| act.actor == last.actor).take(WINDOW).filter(|act| act.key == last.key)
    {
        if act.error != last.error {
            break;
        }
        same.push(act);
        if act.after_edit {
            break;
        }
    }
    let n = same.len() as u32;
    let count = if last.passing { n.saturating_sub(2) } else { n };
    (n >= 2).then(|| Seen {
        text: format!("{} called {} {n} times, each time: {}", last.actor, last.tool, last.says),
        count,
        at: places(same),
        agent: Some(last.actor.clone()),
        pattern: last.key,
        most: Level::Hold,
    })
}
