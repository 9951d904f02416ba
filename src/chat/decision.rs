//! What is decided in the course of a run: who speaks, where it holds, what may run, what a person says.

use super::Name;
use super::code::CodeBlock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why somebody has the floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The speaker.
    pub agent: Name,
    /// The method that chose: a selector's name, `queue`, `operator`, `retry`, `only` (one candidate).
    pub mode: String,
    /// Why, in a few words for the screen.
    pub reason: String,
    /// Who else could have been chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Name>,
    /// Selector attempts that it took; 0 when no model was asked.
    #[serde(default)]
    pub attempts: u32,
}

/// Where a requested pause takes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// When the current speaker is done.
    Turn,
    /// When the current model call or execution is done.
    Step,
}

/// Why the engine holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// The operator asked for a pause.
    Operator,
    /// The operator interrupted this speaker.
    Interrupted(Name),
    /// The session was opened again; nothing goes on by itself.
    Opened,
    /// This agent's model failed and no retry or fallback is left.
    Failed {
        /// Who could not speak.
        agent: Name,
        /// What failed and what to do.
        text: String,
    },
    /// A limit of the team was reached.
    Budget {
        /// Which and by how much, in words.
        text: String,
    },
    /// A condition leaves it to the operator whether the run is over.
    Ask {
        /// What it is about, in words.
        text: String,
    },
    /// A detector saw the team going in circles.
    Circles {
        /// What it saw, in words.
        text: String,
    },
    /// A breakpoint was met, or a step is over.
    Break {
        /// Which, and where, in words.
        text: String,
    },
}

/// What the operator decided about code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Run it as shown.
    Run,
    /// Run this instead; the agent is told.
    RunEdited(Vec<CodeBlock>),
    /// Do not run it; the reason goes back as the result.
    Deny(String),
}

/// What a person is asked for, besides consent (AG2: the prompts of human input).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// Mode ALWAYS, and the last message does not end the chat: words, or let the agent reply by itself.
    Feedback,
    /// The last message ends the chat unless the person says something.
    LastWord,
    /// The limit of consecutive auto replies is reached.
    LimitReached,
}

/// What the person said to an ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// These words become the reply.
    Say(Arc<str>),
    /// Nothing: the agent goes on by itself, or the chat ends, as the ask's kind decides.
    Skip,
    /// End the conversation.
    End,
}

/// What became of an effect whose outcome was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// It ran; go on as if it had printed nothing.
    Done,
    /// It did not run; ask for approval again.
    AskAgain,
    /// Give up on it and tell the agents that the outcome is unknown.
    GiveUp,
}

/// How far the run has come in a graph (AgentChat: GraphFlow).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Graph {
    /// Who is to speak, in this order.
    pub ready: Vec<Name>,
    /// Edges into joins that are not complete: the join, and the places of its edges in the team file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub armed: BTreeMap<String, Vec<usize>>,
}
