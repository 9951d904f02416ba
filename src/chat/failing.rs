//! What happens when an agent fails: an agent that cannot speak does not take the run with it.

use super::Name;
use super::id::MessageId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is done when an agent could not speak and its model's own retries and fallbacks are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnFailure {
    /// How often the whole of it is tried again, where trying again can help.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retry: u32,
    /// How long to wait before each of these, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wait_ms: u32,
    /// What is done in the end.
    pub then: GiveUp,
}

pub(super) fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What is done about an agent that cannot speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveUp {
    /// The run holds for the operator; where nobody is there, it ends.
    Hold,
    /// Its turn is skipped, and the floor passes on. When nobody can speak any more, as `hold`.
    Skip,
    /// The run ends.
    End,
}

/// What was done about an agent that could not speak, where the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterFailure {
    /// It is tried again.
    Retry {
        /// The how manyth time, from 1.
        nth: u32,
        /// Of how many.
        of: u32,
        /// When, in milliseconds from the record.
        wait_ms: u64,
    },
    /// Its turn is skipped.
    Skip,
}

impl std::fmt::Display for AfterFailure {
    /// `its turn is skipped`, `trying again in 30 s (1 of 3)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AfterFailure::Retry { nth, of, wait_ms } => {
                write!(f, "trying again in {:.0} s ({nth} of {of})", *wait_ms as f64 / 1000.0)
            }
            AfterFailure::Skip => f.write_str("its turn is skipped"),
        }
    }
}

/// What a run has come to: the newest words of a member that are more than a sign to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achieved {
    /// The message.
    pub message: MessageId,
    /// Who said it.
    pub agent: Name,
    /// Its text, without the word `TERMINATE`.
    pub text: Arc<str>,
}
