//! What a detector is: a row with a pure function over the newest steps.

use super::view::View;
use crate::chat::Name;
use crate::chat::watch::{Level, Threshold};

/// A detector.
pub struct Row {
    /// `D1` to `D19`, as in the reference (supervision, section 3.2).
    pub id: &'static str,
    /// What it sees, in two or three words.
    pub name: &'static str,
    /// One sentence for the docs.
    pub about: &'static str,
    /// Whether getting on clears it.
    pub progress: bool,
    /// From which count on it is how grave.
    pub thresholds: Threshold,
    /// What the newest steps show, whatever the thresholds.
    pub see: fn(&View) -> Option<Seen>,
}

impl Row {
    /// `D8 same failure`.
    pub fn title(&self) -> String {
        format!("{} {}", self.id, self.name)
    }
}

/// Thresholds of a row. A badge is always possible.
pub const fn limits(badge: u32, nudge: Option<u32>, hold: Option<u32>) -> Threshold {
    Threshold { badge: Some(badge), nudge, hold, off: false }
}

/// What a detector sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// In words, with the count.
    pub text: String,
    /// How grave: compared with the thresholds.
    pub count: u32,
    /// Indices of the messages that match, oldest first.
    pub at: Vec<usize>,
    /// Who repeats, if one does: whose thresholds count, and whom a note would reach.
    pub agent: Option<Name>,
    /// What it is that repeats, so that "not a loop" can be remembered for it.
    pub pattern: u64,
    /// No more than this, whatever the count.
    pub most: Level,
}

/// One step more patient: the badge comes when the nudge would, the nudge when the hold would.
pub fn patient(threshold: Threshold) -> Threshold {
    let badge = threshold.badge.unwrap_or(1);
    let step = threshold.hold.map_or(1, |hold| hold.saturating_sub(badge).max(1));
    Threshold {
        badge: threshold.nudge.or(threshold.hold).or(threshold.badge),
        nudge: threshold.nudge.and(threshold.hold),
        hold: threshold.hold.map(|hold| hold + step),
        off: threshold.off,
    }
}

/// The level that a count reaches. `times` multiplies every threshold: 2 after one "not a loop", 4 after two.
pub fn level(threshold: &Threshold, seen: &Seen, times: u32) -> Option<Level> {
    if threshold.off {
        return None;
    }
    let reached = |limit: Option<u32>| limit.is_some_and(|limit| seen.count >= limit.saturating_mul(times).max(1));
    let level = [(threshold.hold, Level::Hold), (threshold.nudge, Level::Nudge), (threshold.badge, Level::Badge)]
        .into_iter()
        .find(|(limit, _)| reached(*limit))
        .map(|(_, level)| level)?;
    Some(level.min(seen.most))
}
