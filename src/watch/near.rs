//! D2: one speaker says nearly the same again, or the same in other words.

use super::own::own;
use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::Likeness;

pub(super) const ROW: Row = Row {
    id: "D2",
    name: "near repeat",
    about: "one speaker says nearly the same again (85 % of all three-word runs, or 95 % of the shorter text; 92 % counts double), or the \
            same in other words (60 % of what it is about), within its last 8 turns; a number or name that is new makes it something else",
    progress: true,
    thresholds: limits(3, Some(4), Some(6)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let own = own(view)?;
    if own.alike.iter().all(|(step, _)| step.n1 == own.newest.n1) {
        return None;
    }
    let weight = |likeness: &Likeness| match likeness {
        Likeness::Near(share) if *share >= 0.92 => 2,
        _ => 1,
    };
    let count = 1 + own.alike.iter().map(|(_, likeness)| weight(likeness)).sum::<u32>();
    let mut at: Vec<usize> = own.alike.iter().map(|(step, _)| step.place.message).collect();
    at.push(own.newest.place.message);
    let name = &own.newest.speaker;
    let how = if own.alike.iter().any(|(_, likeness)| *likeness == Likeness::Meaning) {
        "the same in other words"
    } else {
        "nearly the same"
    };
    Some(Seen {
        text: format!("{name} said {how} {} times", at.len()),
        count,
        agent: Some(name.clone()),
        pattern: u64::from(own.newest.cluster),
        most: own.most,
        at,
    })
}
