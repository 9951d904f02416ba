//! The end of a run: why, and the figures.

use super::id::CallId;
use super::usage::{Money, Tokens};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why a run ended. Exactly one per run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// One of the team's own conditions; its catalog name.
    Condition(String),
    /// The transcript reached `max_round`.
    MaxRound,
    /// A member's own `is_termination_msg` or limit stopped it and no person said otherwise.
    Member,
    /// No candidate is left to speak.
    NoSpeaker,
    /// The way in which speakers are chosen says that the work is done.
    Complete,
    /// The operator ended it.
    Operator,
    /// A limit of the team.
    Budget,
    /// Going in circles.
    Circles,
    /// A breakpoint was met and nobody was there; or what was expected never happened.
    Breakpoint,
    /// A person was needed and none was there.
    NeedsPerson,
    /// Something failed beyond retry.
    Failed,
    /// Ended from outside: a signal.
    Interrupted,
}

impl EndCause {
    /// The process exit code of a headless run that ended so.
    pub fn exit_code(&self) -> u8 {
        match self {
            EndCause::Condition(_)
            | EndCause::MaxRound
            | EndCause::Member
            | EndCause::NoSpeaker
            | EndCause::Complete
            | EndCause::Operator => 0,
            EndCause::Failed => 1,
            EndCause::Budget => 3,
            EndCause::Circles => 4,
            EndCause::NeedsPerson => 5,
            EndCause::Breakpoint => 6,
            EndCause::Interrupted => 130,
        }
    }
}

/// How a run is summed up when it is over (AG2: summary_method).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryMethod {
    /// The last message, without the word `TERMINATE`.
    LastMsg,
    /// In a model's words.
    ReflectionWithLlm,
}

impl SummaryMethod {
    /// As a team file writes it.
    pub fn name(self) -> &'static str {
        match self {
            SummaryMethod::LastMsg => "last_msg",
            SummaryMethod::ReflectionWithLlm => "reflection_with_llm",
        }
    }
}

/// How a team wants its runs summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummarySetup {
    /// How.
    pub method: SummaryMethod,
    /// What the model is told, where one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The model; key into `Team::models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// What exactly ended a run, for programs that read the log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndDetail {
    /// Which condition of the team file, as a path: `termination[1].all[0]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What was looked at, each with its value at that moment: `("limit", "20")`, `("messages", "20")`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
}

impl EndDetail {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == EndDetail::default()
    }
}

/// The figures at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Messages in the transcript, the task included.
    pub rounds: u32,
    /// Tokens over all branches.
    pub tokens: Tokens,
    /// Known cost over all branches.
    pub cost: Money,
    /// Calls whose cost is not known.
    pub unpriced_calls: u32,
    /// Time in which the run was not waiting for the operator, in milliseconds.
    pub active_ms: u64,
}

impl std::fmt::Display for Totals {
    /// `6 rounds · 5655 tokens · $0.021 · 23.8 s`; says when the price of some calls is not known.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let s = if self.rounds == 1 { "" } else { "s" };
        write!(f, "{} round{s} · {} tokens · {}", self.rounds, self.tokens.total(), self.cost)?;
        match self.unpriced_calls {
            0 => {}
            1 => write!(f, " + 1 call of unknown price")?,
            n => write!(f, " + {n} calls of unknown price")?,
        }
        write!(f, " · {:.1} s", self.active_ms as f64 / 1000.0)
    }
}

/// The run, which is over, was summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summarized {
    /// How.
    pub method: SummaryMethod,
    /// The summary.
    pub text: Arc<str>,
    /// The call that wrote it, if a model did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// Why it is not the summary that the team asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
