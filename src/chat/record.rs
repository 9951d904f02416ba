//! One event with its place in the tree of a session.

use super::event::Event;
use super::id::{BranchId, Seq};
use super::{Name, UnixMillis};
use serde::{Deserialize, Serialize};

/// The version of this vocabulary, written into every session. Raised when a reader must learn something new.
pub const FORMAT: u32 = 1;

/// One event with its place in the tree. Views, exports and the journal all see exactly this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Order in the session.
    pub seq: Seq,
    /// The record before it on its branch; `None` for the first.
    pub parent: Option<Seq>,
    /// The branch it was written on.
    pub branch: BranchId,
    /// Who caused it.
    pub actor: Actor,
    /// When, by the wall clock.
    pub at: UnixMillis,
    /// What happened.
    pub event: Event,
}

/// Who caused a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person in the chair.
    Operator,
    /// A member of the team.
    Agent(Name),
    /// A rule the team file or the settings laid down, by its name.
    Policy(String),
    /// Plenary itself.
    System,
}

impl Actor {
    /// Who it was, in words; `operator` is what the reader calls the person in the chair. Names and policies stand as
    /// they are: whoever shows them makes them safe.
    pub fn called(&self, operator: &str) -> String {
        match self {
            Actor::Operator => operator.to_owned(),
            Actor::Policy(policy) => policy.clone(),
            Actor::Agent(name) => name.to_string(),
            Actor::System => "plenary".to_owned(),
        }
    }
}
