//! A leash: consent in advance, for some executions or some minutes, inside containment only.

use super::UnixMillis;
use super::id::ApprovalId;
use serde::{Deserialize, Serialize};

/// The policy under which an execution on a leash is recorded.
pub const POLICY: &str = "on the leash that the operator gave";

/// How far an agent may go unasked. The first end that is reached ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leash {
    /// The first request that it covers: what waited when it was given still has to be seen.
    pub from: ApprovalId,
    /// Executions that are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executions: Option<u32>,
    /// When it ends, by the wall clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMillis>,
}

impl Leash {
    /// Whether it covers that request at that time.
    pub fn covers(&self, approval: ApprovalId, now: UnixMillis) -> bool {
        approval >= self.from && self.holds(now)
    }

    /// Whether it has not ended at that time.
    pub fn holds(&self, now: UnixMillis) -> bool {
        self.executions.is_none_or(|left| left > 0) && self.until.is_none_or(|until| now < until)
    }

    /// What is left of it at that time: `3 more`, `4 min 10 s`.
    pub fn left(&self, now: UnixMillis) -> String {
        let executions = self.executions.map(|left| format!("{left} more"));
        let seconds = self.until.map(|until| until.saturating_sub(now).max(0) / 1000);
        let time = seconds.map(|s| if s >= 60 { format!("{} min {} s", s / 60, s % 60) } else { format!("{s} s") });
        executions.into_iter().chain(time).collect::<Vec<_>>().join(", ")
    }
}

/// Reads what an operator types: `5` or `5x` executions, `10m` minutes, or both with a space between.
///
/// # Errors
/// What was not understood, and what would be.
pub fn read(text: &str) -> Result<(Option<u32>, Option<u32>), String> {
    let wrong = || format!("{:?} is no leash: write 5 for five executions, 10m for ten minutes, or both", text.trim());
    let (mut executions, mut minutes) = (None, None);
    for word in text.split_whitespace() {
        let number = |unit: char| word.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok());
        if let Some(m) = number('m') {
            minutes = Some(m);
        } else if let Some(n) = number('x').or_else(|| word.parse().ok()) {
            executions = Some(n);
        } else {
            return Err(wrong());
        }
    }
    let fits = |n: Option<u32>, most: u32| n.is_none_or(|n| (1..=most).contains(&n));
    if (executions, minutes) == (None, None) || !fits(executions, 100) || !fits(minutes, 240) {
        return Err(format!("{}; at most 100 executions and 240 minutes", wrong()));
    }
    Ok((executions, minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_or_explained() {
        assert_eq!(read("5"), Ok((Some(5), None)));
        assert_eq!(read(" 3x 10m "), Ok((Some(3), Some(10))));
        for wrong in ["", "0", "forever", "1000", "-1", "10m 5h", "500m"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_end_ends_it() {
        let leash = Leash { from: ApprovalId(0), executions: Some(1), until: Some(10_000) };
        assert!(leash.holds(9_999) && !leash.holds(10_000));
        assert!(!Leash { executions: Some(0), ..leash }.holds(0));
        assert_eq!(leash.left(0), "1 more, 10 s");
    }
}
