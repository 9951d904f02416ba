//! What if something had been otherwise: runs with the change, and as many without, so that chance is not taken for
//! effect.

use super::Name;
use super::configure::Change;
use super::id::{MessageId, Seq};
use super::usage::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is changed in the edited runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// The message says this. Code in it is code that would run.
    Message(Arc<str>),
    /// The first tool result in the message is this.
    ToolResult(Arc<str>),
    /// The agent is otherwise.
    Agent(Name, Change),
    /// The agent's model answers with this temperature, in thousandths.
    Temperature(Name, u32),
}

/// A question to be tried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The message from which it goes on.
    pub from: MessageId,
    /// What is otherwise.
    pub change: Otherwise,
    /// Runs with the change, and as many without.
    pub runs: u32,
    /// The cost was seen. Without it the answer is the quote.
    pub agreed: bool,
}

/// One run of the two kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// With the change; without it is a control.
    pub edited: bool,
    /// From 1, within its kind.
    pub number: u32,
    /// The session that it is.
    pub session: String,
    /// How it ended, in words.
    pub outcome: String,
    /// Whether that counts as solved.
    pub solved: bool,
    /// Number of the first message that is not as in the run that was forked.
    pub divergence: Option<u64>,
    /// Where that stands in the arm's own log.
    pub at: Option<Seq>,
    /// What it cost, without what it was forked with.
    pub cost: Money,
    /// Messages after the fork.
    pub messages: u32,
}

/// How far the trying out has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// What was asked.
    pub asked: WhatIf,
    /// About what all runs will cost; `None` when no price is known.
    pub quote: Option<Money>,
    /// Runs that are over, in the order in which they ended.
    pub arms: Vec<Arm>,
    /// Why it cannot be, or did not go on.
    pub problem: Option<String>,
}

impl Trials {
    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        self.problem.is_some() || self.arms.len() as u64 >= 2 * u64::from(self.asked.runs)
    }

    /// `edited 3/3 solved, control 1/3`.
    pub fn summary(&self) -> String {
        let of = |edited: bool| {
            let mine = self.arms.iter().filter(|arm| arm.edited == edited);
            let (all, solved) = mine.fold((0, 0), |(all, solved), arm| (all + 1, solved + u32::from(arm.solved)));
            format!("{solved}/{all}")
        };
        format!("edited {} solved, control {}", of(true), of(false))
    }
}
