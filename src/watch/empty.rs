//! D11: a turn with nothing in it (AutoGen issue 108: empty messages for ever).

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Step, What};
use super::view::words::hash;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D11",
    name: "empty turn",
    about: "turns with nothing in them; those of one speaker count together while the others say nothing new either",
    progress: true,
    thresholds: limits(1, Some(2), Some(3)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let tail = view.tail();
    let last = tail.back()?;
    // A proxy that says nothing while the other works is how AG2's default reply looks.
    let still = tail
        .iter()
        .rev()
        .take_while(|step| step.blank || step.repeats && step.what == What::Words || step.polite || step.marks.stall);
    let stretch: Vec<&Step> = still.collect();
    let empty: Vec<usize> = stretch.iter().rev().filter(|step| step.blank).map(|step| step.place.message).collect();
    if empty.is_empty() || !(last.blank || stretch.len() > 1 && stretch[1].blank) {
        return None;
    }
    let name = stretch.iter().find(|step| step.blank).map(|step| step.speaker.clone())?;
    Some(Seen {
        text: match empty.len() {
            1 => format!("{name} said nothing"),
            n => format!("{n} empty turns, last by {name}"),
        },
        count: empty.len() as u32,
        at: empty,
        pattern: hash(&name),
        agent: Some(name),
        most: Level::Hold,
    })
}
