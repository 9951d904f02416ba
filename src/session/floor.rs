//! Who speaks now, who is next and why, who is queued.

use super::turn::Inquiry;
use crate::chat::Name;
use crate::chat::event::{Choice, Graph};
use crate::chat::id::CallId;
use std::sync::Arc;

/// The floor.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    /// The latest choice.
    pub choice: Option<Choice>,
    /// Who spoke last and finished.
    pub last_speaker: Option<Name>,
    /// Who was stopped in mid-turn and gets the floor back unless the operator says otherwise.
    pub retry: Vec<Name>,
    /// How far the run has come in a graph; `None` before the first step of one.
    pub graph: Option<Graph>,
    /// Who has finished a turn since the graph was last looked at.
    pub finished: Vec<Name>,
    /// Whom the operator has lined up; overrides the selector until it is empty.
    pub queue: Vec<Name>,
    /// A pick that a person has to make.
    pub wanted: Option<Wanted>,
    /// The exchange with the selector's model for the present pick.
    pub selecting: Selecting,
}

/// A pick that a person has to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who can be picked.
    pub candidates: Vec<Name>,
    /// Who cannot, each with the cause.
    pub barred: Vec<(Name, String)>,
    /// Who would speak if it were left to the team's order.
    pub proposed: Option<Name>,
}

/// A pick that a model makes.
#[derive(Debug, Clone, Default)]
pub struct Selecting {
    /// The state of the line to the model.
    pub inquiry: Inquiry,
    /// Answers so far, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One answer of the selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The call that gave it.
    pub call: CallId,
    /// The raw text.
    pub answer: Arc<str>,
    /// Agents mentioned, with the number of mentions.
    pub mentions: Vec<(Name, u32)>,
}
