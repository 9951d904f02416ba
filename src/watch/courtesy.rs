//! D12: thanks are thanked for, or nobody leaves although the end was said (AutoGen issues 254, 391, 907).

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::{Step, What};
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D12",
    name: "courtesies",
    about: "turns of under 40 words that only thank, wish, take leave or say that all is done, one after the other; the word that ends the conversation counts double \
            when it is said again",
    progress: true,
    thresholds: limits(3, None, Some(6)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let tail = view.tail();
    let mut steps: Vec<&Step> = Vec::new();
    let mut missed = 0;
    for step in tail.iter().rev() {
        let polite = step.what == What::Words && (step.polite || step.blank && !steps.is_empty());
        if polite {
            steps.push(step);
        } else {
            missed += 1;
            // One turn that says more does not end a farewell; the newest must be part of it.
            if steps.is_empty() || missed > 1 || step.content > 12 || step.what != What::Words {
                break;
            }
        }
    }
    // The end was said again and again, whatever stands between.
    let said: Vec<&Step> = tail.iter().rev().take(8).filter(|step| step.ends).collect();
    let last = tail.iter().rev().take(2).any(|step| step.ends);
    if last && said.len() >= 2 && steps.len() < 2 * said.len() {
        return Some(Seen {
            text: format!("the end was said {} times in the last 8 turns, and nobody leaves", said.len()),
            count: said.len() as u32 + if said.len() >= 3 { 2 } else { 1 },
            at: said.iter().rev().map(|step| step.place.message).collect(),
            agent: None,
            pattern: 12,
            most: Level::Hold,
        });
    }
    let n = steps.len();
    if n < 2 {
        return None;
    }
    let again = steps.iter().filter(|step| step.repeats).count();
    let ends = steps.iter().filter(|step| step.ends).count();
    // A farewell of several has several parts; only when the same comes again is it a loop.
    let count = if ends >= 2 {
        n + ends.saturating_sub(1)
    } else if n >= 8 || again >= 2 {
        n
    } else {
        n.min(5)
    };
    let what = if view.has_ended() && ends > 0 { "although the end was said" } else { "of nothing but courtesies" };
    Some(Seen {
        text: format!("{n} turns {what}: the run could end here"),
        count: count as u32,
        at: steps.iter().rev().map(|step| step.place.message).collect(),
        agent: None,
        pattern: 12,
        most: Level::Hold,
    })
}
