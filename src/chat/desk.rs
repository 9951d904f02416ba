//! What the operator tells the floor besides names: a hint for who chooses, and how long a choice waits.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long a choice of speaker is shown before it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// As the team says: at once, unless its way of choosing waits by itself.
    #[default]
    None,
    /// So many milliseconds; then it takes effect by itself.
    For(u64),
    /// Until the operator takes it or calls on somebody else.
    Forever,
}

impl Patience {
    /// The steps that the speaker desk offers, in order.
    pub const STEPS: [Patience; 6] = [
        Patience::None,
        Patience::For(3_000),
        Patience::For(5_000),
        Patience::For(10_000),
        Patience::For(30_000),
        Patience::Forever,
    ];

    /// For a person.
    pub fn words(self) -> String {
        match self {
            Patience::None => "at once".to_owned(),
            Patience::For(ms) => format!("after {} s", ms / 1000),
            Patience::Forever => "when you say so".to_owned(),
        }
    }

    /// The next step, or the one before; the ends are ends.
    pub fn step(self, more: bool) -> Patience {
        let at = Patience::STEPS.iter().position(|step| *step == self).unwrap_or(0);
        let next = if more { at + 1 } else { at.saturating_sub(1) };
        Patience::STEPS[next.min(Patience::STEPS.len() - 1)]
    }
}

/// Something the operator tells the floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "desk", rename_all = "snake_case")]
pub enum Desk {
    /// A hint for the next choice that a model makes; empty takes it back.
    Hint {
        /// The words.
        text: Arc<str>,
    },
    /// How long choices wait from now on.
    Patience {
        /// So long.
        patience: Patience,
    },
}
