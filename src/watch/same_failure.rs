//! D8: the same code fails in the same way again. Running identical failing code cannot help.

use super::calls::{CODE, newest, places};
use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Act, Outcome};
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D8",
    name: "same failure",
    about: "the same code fails in the same way again within the last 8 executions, whoever ran it, and nothing was edited in between; comments, blank lines and \
            places in files aside",
    progress: false,
    thresholds: limits(2, Some(2), Some(3)),
    see,
};

/// Executions that are looked at.
const WINDOW: usize = 8;

fn see(view: &View) -> Option<Seen> {
    let last = newest(view)?;
    if last.outcome != Outcome::Failed || &*last.tool != CODE {
        return None;
    }
    let mut same: Vec<&Act> = Vec::new();
    for act in view.acts().iter().rev().filter(|act| &*act.tool == CODE).take(WINDOW) {
        if act.key == last.key && act.error == last.error && act.outcome == Outcome::Failed {
            same.push(act);
            if act.after_edit {
                break;
            }
        }
    }
    let n = same.len() as u32;
    let count = if last.passing { n.saturating_sub(2) } else { n };
    (n >= 2).then(|| Seen {
        text: format!("the same code failed in the same way {n} times"),
        count,
        at: places(same),
        agent: Some(last.actor.clone()),
        pattern: last.key ^ last.error,
        most: Level::Hold,
    })
}
