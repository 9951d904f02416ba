//! D3: one speaker restates what another has just said.

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Step, What};
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D3",
    name: "echo",
    about: "somebody restates the message before, which is another's (90 % of all three-word runs), within the last 6 turns",
    progress: true,
    thresholds: limits(2, Some(3), Some(4)),
    see,
};

/// Turns that are looked at.
const WINDOW: usize = 6;
/// Words under which agreement is no echo.
const SHORT: u32 = 6;

fn echoes(step: &Step, before: &Step) -> bool {
    let worded = step.what == What::Words && before.what == What::Words && step.words >= SHORT;
    worded
        && step.speaker != before.speaker
        && step.code == before.code
        && step.numbers == before.numbers
        && (step.n2 == before.n2 || step.sketch.compare(&before.sketch).0 >= 0.9)
}

fn see(view: &View) -> Option<Seen> {
    let tail = view.tail();
    let steps: Vec<&Step> = tail.iter().skip(tail.len().saturating_sub(WINDOW + 1)).collect();
    let pairs: Vec<usize> = (1..steps.len()).filter(|at| echoes(steps[*at], steps[at - 1])).collect();
    if pairs.last() != steps.len().checked_sub(1).as_ref() {
        return None;
    }
    let last = steps.last()?;
    Some(Seen {
        text: format!("the same is passed on {} times; last by {}", pairs.len(), last.speaker),
        count: pairs.len() as u32,
        at: std::iter::once(pairs[0] - 1).chain(pairs.iter().copied()).map(|at| steps[at].place.message).collect(),
        agent: Some(last.speaker.clone()),
        pattern: last.n2,
        most: Level::Hold,
    })
}
