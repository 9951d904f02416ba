//! Playing a recorded session: where it stands, and what is asked of the player.

use super::id::Seq;
use serde::{Deserialize, Serialize};

/// How far a replay has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Playing {
    /// Records that were told.
    pub at: u64,
    /// Records there are.
    pub of: u64,
    /// How many times faster than it happened.
    pub speed: f64,
    /// Whether it goes on by itself.
    pub going: bool,
    /// Why it stopped, if a stop point did it.
    pub stopped: Option<String>,
}

/// What is asked of the player.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Play {
    /// Go on, or stop.
    Toggle,
    /// To the end of the next turn.
    Forward,
    /// To the beginning of this turn, or of the one before.
    Back,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// To this record.
    To(Seq),
}
