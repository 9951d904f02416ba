//! D6: the same call gives the same result again.

use super::calls::{newest, places, took};
use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Act, Outcome};
use crate::chat::watch::Level;
use std::collections::BTreeSet;

pub(super) const ROW: Row = Row {
    id: "D6",
    name: "same call",
    about: "the same call (or the same code) gives the same result again, no other result in between and nothing edited; or other arguments bring nothing new. \
            Calls that ask how something stands (`status`, `wait`, `sleep` …) may do so 5, 8, 12 times; where times are known, for 15 minutes or 30 times",
    progress: false,
    thresholds: limits(3, Some(4), Some(5)),
    see,
};

/// Calls of an agent that are looked at.
const WINDOW: usize = 40;
/// Time for which a poll may give the same, in milliseconds.
const PATIENCE: i64 = 15 * 60 * 1000;

fn see(view: &View) -> Option<Seen> {
    let last = newest(view)?;
    if last.outcome == Outcome::Failed {
        return None;
    }
    let own: Vec<&Act> = view.acts().iter().rev().filter(|act| act.actor == last.actor).take(WINDOW).collect();
    let mut same = Vec::new();
    for act in own.iter().filter(|act| act.key == last.key) {
        if act.result != last.result {
            break;
        }
        same.push(*act);
        if act.after_edit {
            break;
        }
    }
    let n = same.len() as u32;
    if n >= 2 {
        let first = same[same.len() - 1];
        let count = if last.polls { polled(n, took(first.given, last.given)) } else { n };
        return Some(Seen {
            text: format!(
                "{} called {} in the same way {n} times, each time with the same result",
                last.actor, last.tool
            ),
            count,
            at: places(same),
            agent: Some(last.actor.clone()),
            pattern: last.key,
            most: Level::Hold,
        });
    }
    // Other arguments, the same result: nothing found, or the same long answer whatever one asks.
    let alike: Vec<&Act> = own
        .iter()
        .filter(|act| act.tool == last.tool)
        .take_while(|act| act.result == last.result && act.outcome == last.outcome)
        .copied()
        .collect();
    let ways: BTreeSet<u64> = alike.iter().map(|act| act.key).collect();
    let n = ways.len() as u32;
    let count = match last.outcome {
        Outcome::Nothing => rung(n, [4, 6, 8]),
        Outcome::Fine => rung(n, [4, 5, 7]),
        Outcome::Done | Outcome::Failed => 0,
    };
    (count > 0).then(|| Seen {
        text: format!("{} called {} in {n} ways, each time with the same result", last.actor, last.tool),
        count,
        at: places(alike),
        agent: Some(last.actor.clone()),
        pattern: last.result,
        most: Level::Hold,
    })
}

/// How grave `n` is on the scale of the row: badge 3, nudge 4, hold 5.
fn rung(n: u32, at: [u32; 3]) -> u32 {
    match n {
        n if n >= at[2] => 5 + (n - at[2]),
        n if n >= at[1] => 4,
        n if n >= at[0] => 3,
        _ => 0,
    }
}

fn polled(n: u32, took: Option<i64>) -> u32 {
    match took {
        Some(took) if n < 30 && took < PATIENCE => rung(n, [5, 8, u32::MAX]),
        _ => rung(n, [5, 8, 12]),
    }
}
