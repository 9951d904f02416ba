//! Who causes what happens.

use super::Name;
use serde::{Deserialize, Serialize};

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
