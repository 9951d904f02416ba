//! D4: the same sequence of turns comes round again.

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Step, What};
use super::view::words::hash;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D4",
    name: "cycle",
    about: "a sequence of 2 to 12 turns (who, and what was said or called with which result) comes round again; a round of four turns or more \
            weighs one more from its third time on",
    progress: false,
    thresholds: limits(2, Some(3), Some(4)),
    see,
};

/// Turns that are looked at.
const WINDOW: usize = 60;
/// Longest round.
const LONGEST: usize = 12;

fn see(view: &View) -> Option<Seen> {
    let tail = view.tail();
    let steps: Vec<&Step> = tail.iter().skip(tail.len().saturating_sub(WINDOW)).collect();
    let marks: Vec<u64> = steps.iter().map(|step| hash((&step.speaker, step.key))).collect();
    let (period, rounds) = (2..=LONGEST.min(marks.len() / 2))
        .filter_map(|period| round(&marks, period))
        .max_by_key(|(period, rounds)| (*rounds * *period, std::cmp::Reverse(*period)))?;
    let turn = &steps[steps.len() - period..];
    let said = turn.iter().filter(|step| step.what != What::Result).count();
    // One call and its result are for the detectors of calls, and asking how something stands may take long.
    let polls = view.acts().iter().rev().take(period * rounds).any(|act| act.polls);
    if said < 2 || polls {
        return None;
    }
    let short = turn.iter().all(|step| step.what == What::Words && step.words < 6);
    if short && rounds < 3 {
        return None;
    }
    let names: Vec<&str> =
        turn.iter().filter(|step| step.what != What::Result).map(|step| &*step.speaker).take(4).collect();
    let more = if said > 4 { " …" } else { "" };
    Some(Seen {
        text: format!("the same {period} turns come round {rounds} times: {}{more}", names.join(" → ")),
        count: rounds as u32 + u32::from(period >= 4 && rounds >= 3),
        at: steps[steps.len() - period * rounds..].iter().map(|step| step.place.message).collect(),
        agent: None,
        pattern: marks[marks.len() - period..].iter().fold(0, |all, mark| all ^ mark),
        most: Level::Hold,
    })
}

/// How often the last `period` marks stand at the end, if more than once and they are not a shorter round themselves.
fn round(marks: &[u64], period: usize) -> Option<(usize, usize)> {
    let n = marks.len();
    let same = (period..n).rev().take_while(|at| marks[*at] == marks[at - period]).count();
    let rounds = same / period + 1;
    let last = &marks[n - period..];
    let shorter =
        (1..period).any(|part| period.is_multiple_of(part) && (part..period).all(|at| last[at] == last[at - part]));
    (rounds >= 2 && !shorter).then_some((period, rounds))
}
