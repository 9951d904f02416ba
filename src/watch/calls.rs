//! What D6 to D9 share: the newest act, and whether it is still the newest thing that happened.

use super::view::View;
use super::view::step::{Act, Place};

pub(super) use super::view::acts::CODE;

/// The newest act, unless the talk has gone on without acting since.
pub(super) fn newest(view: &View) -> Option<&Act> {
    let act = view.acts().back()?;
    let since = view.messages().saturating_sub(act.given.message + 1);
    (since <= view.speakers().max(2)).then_some(act)
}

/// Where acts were given back, oldest first.
pub(super) fn places(mut acts: Vec<&Act>) -> Vec<usize> {
    acts.sort_by_key(|act| act.given.message);
    let mut at: Vec<usize> = acts.iter().map(|act| act.given.message).collect();
    at.dedup();
    at
}

/// Milliseconds from the first to the last of these, if the source knows times.
pub(super) fn took(from: Place, to: Place) -> Option<i64> {
    View::time_between(from, to)
}
