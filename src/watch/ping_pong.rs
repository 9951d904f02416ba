//! D5: two speakers pass the word between them and say little that is new.

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Step, What};
use super::view::words::hash;
use crate::chat::Name;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D5",
    name: "ping-pong",
    about: "only two speakers for 8 turns (12 where there are only two), on average less than 35 % of what they say is new, and four of five \
            turns of each are like an earlier one of theirs",
    progress: true,
    thresholds: limits(8, Some(10), Some(12)),
    see,
};

/// Share of new shingles under which a stretch says little.
const LITTLE: f32 = 0.35;
/// Longest stretch that is looked at.
const WINDOW: usize = 24;

fn see(view: &View) -> Option<Seen> {
    let steps: Vec<&Step> = view.tail().iter().rev().filter(|step| step.what == What::Words).take(WINDOW).collect();
    let first = steps.first()?;
    let other = steps.iter().find(|step| step.speaker != first.speaker)?;
    let pair = |step: &&&Step| step.speaker == first.speaker || step.speaker == other.speaker;
    let mut n = steps.iter().take_while(pair).count().min(view.without_progress().0 as usize + 1);
    if view.speakers() <= 2 {
        n = n.saturating_sub(4);
    }
    let stretch = &steps[..n];
    let novelty = stretch.iter().map(|step| step.novelty).sum::<f32>() / n.max(1) as f32;
    // Where only one of them repeats itself, the other gets on.
    let stands = |name: &Name| {
        let own = || stretch.iter().filter(|step| step.speaker == *name);
        own().filter(|step| step.repeats || step.polite || step.blank).count() * 5 >= own().count() * 4
    };
    let turns = stretch.windows(2).filter(|two| two[0].speaker != two[1].speaker).count();
    (novelty < LITTLE && stands(&first.speaker) && stands(&other.speaker) && turns * 2 >= n).then(|| Seen {
        text: format!("{} and {} for {n} turns, {:.0} % of it new", other.speaker, first.speaker, novelty * 100.0),
        count: n as u32,
        at: stretch.iter().rev().map(|step| step.place.message).collect(),
        agent: Some(first.speaker.clone()),
        pattern: hash((&first.speaker, &other.speaker)) ^ hash((&other.speaker, &first.speaker)),
        most: Level::Hold,
    })
}
