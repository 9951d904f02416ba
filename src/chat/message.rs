//! Messages of the shared transcript.

use super::Name;
use super::id::{CallId, MessageId, TurnId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A member of the team.
    Agent(Name),
    /// The person in the chair.
    Operator,
}

impl Author {
    /// The name under which the other agents see the author. The operator appears as `user`, as in AG2.
    pub fn name(&self) -> &str {
        match self {
            Author::Agent(name) => name,
            Author::Operator => "user",
        }
    }
}

/// What kind of thing was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The task that opens the conversation.
    Task,
    /// A model's words.
    Reply,
    /// The result of running code, in AG2's `exitcode:` form.
    CodeResult,
    /// A person's words: the operator speaking, or answering for a user proxy.
    Human,
    /// A fixed text: the default auto reply.
    Auto,
}

/// Whether the text is all that its author meant to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// The author finished.
    Whole,
    /// The model hit its output limit. Visible to the others, but its code is not run.
    CutOff,
    /// Stopped by the operator or a broken stream. Kept for the operator; not sent to other agents, its code is not run.
    Interrupted,
}

/// One message of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Stable across edits.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// What kind of thing it is.
    pub kind: MessageKind,
    /// The text, exactly as it came. Made safe for display only when displayed.
    pub content: Arc<str>,
    /// Whether the text is whole.
    pub completeness: Completeness,
    /// The turn it belongs to; `None` for the task and for the operator's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The model call that produced it, which knows tokens, cost and time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// Reasoning the model showed, if any. Never sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Arc<str>>,
    /// The operator spoke in this agent's name; shown to the operator, hidden from the agents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_operator: bool,
}
