//! D10: one speaker goes on and on although there are others.

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Progress, Step, What};
use super::view::words::hash;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D10",
    name: "monologue",
    about: "the same speaker again and again, without a call, code or anything clearly new, in a team of several",
    progress: true,
    thresholds: limits(3, Some(4), Some(5)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    if view.speakers() < 2 {
        return None;
    }
    let last = view.tail().back()?;
    let steps: Vec<&Step> = view
        .tail()
        .iter()
        .rev()
        .take_while(|step| {
            step.speaker == last.speaker
                && step.what == What::Words
                && step.code.is_none()
                && step.progress != Progress::Strong
        })
        .collect();
    let idle = steps
        .iter()
        .filter(|step| step.repeats || step.polite || step.blank || step.marks.stall || step.marks.complaint)
        .count();
    (steps.len() >= 2).then(|| Seen {
        text: format!("{} spoke {} times in a row and nobody else did", last.speaker, steps.len()),
        count: steps.len() as u32,
        at: steps.iter().rev().map(|step| step.place.message).collect(),
        agent: Some(last.speaker.clone()),
        pattern: hash(&last.speaker),
        most: if idle * 2 >= steps.len() { Level::Hold } else { Level::Badge },
    })
}
