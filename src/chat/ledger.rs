//! The ledgers of a team that a moderator leads (AgentChat: MagenticOneGroupChat).

use super::Name;
use serde::{Deserialize, Serialize};

/// What the moderator knows and plans, and how far the team has come. Every change is a record with the whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Index of the first message of the run that it is about: a new run has a ledger of its own.
    pub run: usize,
    /// What the moderator does next.
    pub stage: LedgerStage,
    /// What is known, to be looked up, to be derived, and guessed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub facts: String,
    /// The plan.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// How far it has come, as last judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Times that progress was judged.
    pub rounds: u32,
    /// Judgements in a row without progress, or in a loop.
    pub stalls: u32,
    /// Times that the plan was made anew.
    pub replans: u32,
    /// Who is to speak next; `None` when that has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Name>,
    /// Why the run is over, when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the moderator does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerStage {
    /// Lists what is known.
    #[default]
    Facts,
    /// Makes a plan.
    Plan,
    /// Judges the progress and names the next speaker.
    Judge,
    /// Lists anew what is known: the team is stuck.
    FactsAgain,
    /// Makes a new plan.
    PlanAgain,
    /// Writes the final answer.
    Answer,
    /// Is done.
    Done,
}

/// The progress ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whether the request is satisfied.
    pub satisfied: bool,
    /// Whether the team goes in circles.
    pub in_loop: bool,
    /// Whether it comes forward.
    pub forward: bool,
    /// Why, in the moderator's words.
    pub reason: String,
    /// Who is to speak.
    pub speaker: String,
    /// What it is told to do.
    pub instruction: String,
}
