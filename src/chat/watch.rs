//! Words for going in circles: how grave a finding is, what counts as getting on, and how a team wants to be watched.

use super::Name;
use super::id::CallId;
use super::id::{MessageId, TurnId};
use super::usage::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How grave a finding is. Each step of the ladder includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Shown, no more.
    #[default]
    Badge,
    /// The agent that repeats itself may be told.
    Nudge,
    /// The run holds at the next turn boundary, or ends when nobody is there.
    Hold,
}

impl Level {
    /// As written in records and reports.
    pub fn word(self) -> &'static str {
        match self {
            Level::Badge => "badge",
            Level::Nudge => "nudge",
            Level::Hold => "hold",
        }
    }

    /// Whether this is the gravest level; records leave out the least.
    pub fn is_badge(&self) -> bool {
        *self == Level::Badge
    }
}

/// What counts as getting on (reference: progress events).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Something was said that is mostly new in this run.
    NewWords,
    /// A call or a program gave a result that it did not give before.
    NewResult,
    /// Other code or another call fails in a way that was not seen before.
    NewError,
    /// What failed before passes.
    Passes,
}

impl Progress {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Progress::NewWords => "something new was said",
            Progress::NewResult => "a new result",
            Progress::NewError => "another error than before",
            Progress::Passes => "what failed passes now",
        }
    }
}

/// What an operator says about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It is not a loop: every threshold of this detector is doubled for this pattern.
    NotALoop,
    /// It may go on for so many more before it is said again.
    Allowed(u32),
}

/// When one detector raises which level. `None` means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Threshold {
    /// From this count on there is a badge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
    /// From this count on the agent may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nudge: Option<u32>,
    /// From this count on the run holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<u32>,
    /// Never raised at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
}

impl Threshold {
    /// These thresholds with what `over` sets laid over them.
    pub fn with(self, over: &Threshold) -> Threshold {
        Threshold {
            badge: over.badge.or(self.badge),
            nudge: over.nudge.or(self.nudge),
            hold: over.hold.or(self.hold),
            off: over.off || self.off,
        }
    }
}

/// Thresholds by detector (`D1`).
pub type Thresholds = BTreeMap<String, Threshold>;

/// How a team is watched: what differs from the detectors' own thresholds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watching {
    /// Agents that repeat themselves may be told so by a note that everybody sees.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nudge: bool,
    /// For the whole team.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detectors: Thresholds,
    /// For one agent, over those of the team.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<Name, Thresholds>,
    /// Further words of courtesy, in lower case: the team's language, its ways of saying thanks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub courtesies: Vec<String>,
    /// Turns after which the run holds whatever anybody has allowed; counted over all branches. 0 is never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub breaker: u64,
    /// A model that judges whether the team goes in circles, if one is to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSetup>,
}

/// A model that judges whether the team goes in circles (reference: D20). Never asked unless the team says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeSetup {
    /// Key of the model.
    pub model: String,
    /// From which turn on it is asked.
    pub after: u32,
    /// What it may cost in a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Money>,
    /// How often it may be asked on a branch.
    pub max_calls: u32,
}

/// What a judge has said, or why it has said nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopJudged {
    /// The call that said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// How sure it is, from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Why it has said nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
    /// At which turn of the session it is asked again.
    pub next: u64,
}

impl LoopJudged {
    /// It has said nothing.
    pub fn none(problem: String, next: u64) -> Self {
        LoopJudged { call: None, percent: None, why: String::new(), problem, next }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Watching {
    /// Whether nothing differs.
    pub fn is_plain(&self) -> bool {
        *self == Watching::default()
    }
}

/// A detector's finding changed: raised, counted on, or cleared (`count` 0).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Catalog name of the detector.
    pub detector: String,
    /// What it saw, in words.
    pub text: String,
    /// How many times.
    pub count: u32,
    /// Turns that match, oldest first.
    pub turns: Vec<TurnId>,
    /// How grave it is.
    #[serde(default, skip_serializing_if = "Level::is_badge")]
    pub level: Level,
    /// Who repeats, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Name>,
    /// What it is that repeats: "not a loop" is remembered for it.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub pattern: u64,
    /// Messages that match, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageId>,
}

fn is_nothing(n: &u64) -> bool {
    *n == 0
}
