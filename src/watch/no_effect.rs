//! D9: other code, or another call, fails as before: debugging without effect, or mending one thing and breaking another.

use super::calls::{newest, places};
use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Act, Outcome};
use crate::chat::watch::Level;
use std::collections::BTreeSet;

pub(super) const ROW: Row = Row {
    id: "D9",
    name: "no effect",
    about: "other code (or the same after an edit, or other arguments) fails in ways that are all known already; starts over with a failure that was not seen before",
    progress: true,
    thresholds: limits(3, Some(4), Some(6)),
    see,
};

/// Executions that are looked at.
const WINDOW: usize = 14;
/// Failures that may take turns.
const TURNS: usize = 3;

fn see(view: &View) -> Option<Seen> {
    let last = newest(view)?;
    if last.outcome != Outcome::Failed {
        return None;
    }
    let mut failed: Vec<&Act> = Vec::new();
    for act in view.acts().iter().rev().filter(|act| act.tool == last.tool).take(WINDOW) {
        match act.outcome {
            Outcome::Failed => {
                failed.push(act);
                // The first of its kind: what came before was another trouble - unless that one came back, too.
                let returns = failed.iter().any(|later| later.error != act.error);
                if act.new_error && !returns {
                    break;
                }
            }
            _ if act.moved => break,
            _ => {}
        }
    }
    // Only what has come back counts: a failure that was met once is no turn in a round.
    let errors: BTreeSet<u64> = failed.iter().map(|act| act.error).collect();
    let ways: BTreeSet<u64> = failed.iter().map(|act| act.key).collect();
    let once = errors.iter().any(|error| failed.iter().filter(|act| act.error == *error).count() < 2);
    let edited = failed.iter().any(|act| act.after_edit);
    if errors.len() > TURNS || (errors.len() > 1 && once) || (ways.len() < 2 && !edited) {
        return None;
    }
    let n = failed.len() as u32;
    let text = if errors.len() == 1 {
        format!("{n} attempts failed in the same way: {}", last.says)
    } else {
        format!("{n} attempts, and the same {} failures take turns; last: {}", errors.len(), last.says)
    };
    (n >= 2).then(|| Seen {
        text,
        count: n,
        at: places(failed),
        agent: Some(last.actor.clone()),
        pattern: last.error,
        most: Level::Hold,
    })
}
