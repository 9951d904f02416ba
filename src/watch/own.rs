//! What D1 and D2 share: which of a speaker's newest turns say the same, and whether the others get on meanwhile.

use super::view::View;
use super::view::step::{Likeness, Progress, Step, What};
use crate::chat::watch::Level;

/// How many of a speaker's turns are looked at.
pub(super) const WINDOW: usize = 8;
/// Words under which a repeat counts only as the answer to the same.
const SHORT: u32 = 6;
/// Turns about the same, in other words, that count at all.
const LONG: usize = 5;

/// The newest turn of a speaker and what it is like.
pub(super) struct Own<'a> {
    pub newest: &'a Step,
    /// Earlier turns of the speaker that are alike, oldest first.
    pub alike: Vec<(&'a Step, Likeness)>,
    /// How far this may go.
    pub most: Level,
}

/// The speaker's newest words among the last steps, and what they are like.
pub(super) fn own(view: &View) -> Option<Own<'_>> {
    let tail = view.tail();
    let newest_at = tail.iter().rposition(|step| step.what == What::Words)?;
    // What was said and then carried out is judged by its result.
    if newest_at + 1 < tail.len() && tail[newest_at].code.is_some() {
        return None;
    }
    let newest = &tail[newest_at];
    if newest.blank {
        return None;
    }
    // What a short word answers: the three turns before it.
    let context = |at: usize| -> Vec<(&str, u64)> {
        (at.saturating_sub(3)..at).rev().map(|at| (&*tail[at].speaker, tail[at].key)).collect()
    };
    let answers = context(newest_at);
    let same_context = |at: usize| context(at).iter().zip(&answers).all(|(a, b)| a == b);
    let mut alike = Vec::new();
    let mut topic = Vec::new();
    let mut first = newest_at;
    let own_turns =
        (0..newest_at).rev().filter(|at| tail[*at].speaker == newest.speaker && tail[*at].what == What::Words);
    for at in own_turns.take(WINDOW - 1) {
        let Some(likeness) = View::like(newest, &tail[at]) else {
            if newest.about_the_same(&tail[at]) {
                topic.push((at, Likeness::Meaning));
            }
            continue;
        };
        let small = newest.words < SHORT && !(newest.marks.stall || newest.marks.greeting || newest.marks.complaint);
        if (small || newest.polite) && !same_context(at) {
            continue;
        }
        topic.push((at, likeness));
        alike.push((&tail[at], likeness));
        first = at;
    }
    // One thing said in other words for most of the window.
    if topic.len() >= LONG && alike.len() < topic.len() {
        first = topic.iter().map(|(at, _)| *at).min().unwrap_or(first);
        alike = topic.into_iter().map(|(at, likeness)| (&tail[at], likeness)).collect();
    }
    alike.reverse();
    let others: Vec<&Step> =
        (first + 1..newest_at).map(|at| &tail[at]).filter(|step| step.speaker != newest.speaker).collect();
    let moving = others.iter().filter(|step| moves(step)).count();
    let varied = !others.is_empty() && moving * 10 >= others.len() * 7;
    let most = match varied {
        // An objection that is raised again and again is not met, however busy the others are. A prompt that is
        // repeated while they answer is how a round works.
        true if newest.marks.complaint || objects(newest) && alike.len() >= 4 => Level::Hold,
        true if newest.prompts || newest.words < SHORT => return None,
        true => Level::Badge,
        false => Level::Hold,
    };
    Some(Own { newest, alike, most })
}

/// Whether somebody else's step is new in itself.
fn moves(step: &Step) -> bool {
    match step.what {
        What::Result => step.progress > Progress::None,
        _ => {
            !step.repeats
                && !step.polite
                && !step.blank
                && !step.marks.stall
                && !step.marks.complaint
                && step.content >= 2
        }
    }
}

fn objects(step: &Step) -> bool {
    step.marks.objection && !step.ends && !step.marks.stall
}
