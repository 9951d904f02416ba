//! D14: nothing has moved for a long time, whatever it looks like.

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::Step;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D14",
    name: "no progress",
    about: "nothing that was not said, done or returned before for 8 turns (twice the number of speakers, where that is more); counted in eighths of that window, and turns that only wait, promise or thank \
            count half as much again",
    progress: true,
    thresholds: limits(8, Some(10), Some(12)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let n = view.without_progress().1 as usize;
    let window = (2 * view.recent_speakers()).max(8);
    let steps: Vec<usize> = view.tail().iter().rev().take(n).map(|step| step.place.message).collect();
    // Turns that only wait, promise, thank or complain weigh half as much again.
    let idle = |step: &&Step| step.blank || step.polite || step.marks.stall || step.marks.complaint;
    let idle = view.tail().iter().rev().take(n).filter(idle).count();
    let polls = view.acts().back().is_some_and(|act| act.polls);
    (n >= window).then(|| Seen {
        text: format!("nothing new in {n} turns"),
        count: ((n + idle / 2) * 8 / window) as u32,
        at: steps.into_iter().rev().collect(),
        agent: None,
        pattern: 14,
        most: if polls { Level::Badge } else { Level::Hold },
    })
}
