//! Whether and when a failed call is tried again. Pure: the caller brings the dice.
//!
//! Full jitter (base 0.5 s, doubled with each attempt, cap 30 s): the wait is drawn between nothing and the ceiling, so
//! that ten agents that failed together do not come back together. A provider's own hint wins when it is longer; one
//! above two minutes is for the operator to decide.

use crate::chat::request::{Failure, FailureKind};

/// Ceiling of the first wait, in milliseconds.
const BASE_MS: f64 = 500.0;
/// Ceiling of every wait, in milliseconds.
const CAP_MS: f64 = 30_000.0;
/// The longest hint that is waited for without asking, in milliseconds.
const PATIENCE_MS: u64 = 120_000;

/// How often the same request is sent again after a failure of this kind.
fn retries(failure: &Failure) -> u32 {
    use FailureKind::*;
    match failure.kind {
        // Whoever says so has another key than the one that was refused (an expired token, say).
        Key => u32::from(failure.retry_after_ms.is_some()),
        Unreachable | RateLimited | Server => 4,
        // What was said before the cut has been paid for; repeating it without end is a known way to burn money.
        CutOff => 2,
        // Chance may help once; more often than not the cause is a setting.
        Garbled | Empty => 1,
        // It is known when it may be asked again.
        Resting => 4,
        Quota | Refused | ContextFull | Filtered => 0,
    }
}

/// How long to wait before the next attempt, in milliseconds; `None` when there should be none.
///
/// `attempt` is the one that failed, from 1. `jitter` is a random number from 0 to 1.
pub fn delay_ms(attempt: u32, failure: &Failure, jitter: f64) -> Option<u64> {
    let attempt = attempt.max(1);
    if attempt > retries(failure) {
        return None;
    }
    let hint = failure.retry_after_ms.unwrap_or(0);
    if hint > PATIENCE_MS {
        return None;
    }
    let ceiling = (BASE_MS * f64::from(attempt - 1).exp2()).min(CAP_MS);
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 };
    Some(((ceiling * jitter).round() as u64).max(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [FailureKind; 12] = [
        FailureKind::Resting,
        FailureKind::Unreachable,
        FailureKind::RateLimited,
        FailureKind::Server,
        FailureKind::CutOff,
        FailureKind::Garbled,
        FailureKind::Empty,
        FailureKind::Key,
        FailureKind::Quota,
        FailureKind::Refused,
        FailureKind::ContextFull,
        FailureKind::Filtered,
    ];

    fn failure(kind: FailureKind, hint: Option<u64>) -> Failure {
        Failure { retry_after_ms: hint, ..Failure::new(kind, "") }
    }

    #[test]
    fn waits_double_from_half_a_second_and_end_after_four_retries() {
        let overloaded = failure(FailureKind::Server, None);
        let waits: Vec<_> = (1..=5).map(|attempt| delay_ms(attempt, &overloaded, 1.0)).collect();
        assert_eq!(waits, [Some(500), Some(1000), Some(2000), Some(4000), None]);
        assert_eq!(delay_ms(3, &overloaded, 0.25), Some(500));
        assert_eq!(delay_ms(1, &overloaded, 0.0), Some(0));
        assert_eq!(delay_ms(u32::MAX, &overloaded, 1.0), None);
    }

    #[test]
    fn a_hint_wins_when_it_is_longer_and_above_two_minutes_nobody_waits() {
        assert_eq!(delay_ms(1, &failure(FailureKind::RateLimited, Some(7_000)), 1.0), Some(7_000));
        assert_eq!(delay_ms(4, &failure(FailureKind::RateLimited, Some(10)), 1.0), Some(4_000));
        assert_eq!(delay_ms(1, &failure(FailureKind::RateLimited, Some(120_000)), 1.0), Some(120_000));
        assert_eq!(delay_ms(1, &failure(FailureKind::RateLimited, Some(120_001)), 1.0), None);
    }

    #[test]
    fn a_refused_key_is_tried_again_only_when_there_is_another() {
        assert_eq!(delay_ms(1, &failure(FailureKind::Key, Some(0)), 0.0), Some(0));
        assert_eq!(delay_ms(2, &failure(FailureKind::Key, Some(0)), 0.0), None);
    }

    #[test]
    fn only_passing_failures_are_retried() {
        for kind in ALL {
            assert_eq!(delay_ms(1, &failure(kind, None), 0.5).is_some(), kind.is_passing(), "{kind:?}");
        }
        assert_eq!(delay_ms(2, &failure(FailureKind::Empty, None), 0.5), None);
        assert_eq!(delay_ms(3, &failure(FailureKind::CutOff, None), 0.5), None);
    }
}
