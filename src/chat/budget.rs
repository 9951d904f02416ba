//! What a session, an agent or a model may use up. A soft line asks, a hard line holds.

use super::Name;
use super::usage::Money;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A budget with two lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Whose.
    pub of: Whose,
    /// Above this the operator is asked, once on a branch; headless, it is only on record.
    #[serde(default, skip_serializing_if = "Ceilings::is_open")]
    pub soft: Ceilings,
    /// Above this the run holds; headless, it ends.
    #[serde(default, skip_serializing_if = "Ceilings::is_open")]
    pub hard: Ceilings,
}

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The whole run's.
    Session,
    /// An agent's.
    Agent(Name),
    /// A model's; key into `Team::models`.
    Model(String),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Session => f.write_str("the session"),
            Whose::Agent(name) => f.write_str(name),
            Whose::Model(key) => write!(f, "model {key}"),
        }
    }
}

/// Which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Asks.
    Soft,
    /// Holds.
    Hard,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Line::Soft { "soft" } else { "hard" })
    }
}

/// Amounts; what is `None` is not bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ceilings {
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Money>,
    /// Tokens of input and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rounds: Option<u64>,
    /// Milliseconds: of the session, in which it did not wait for a person; of an agent or a model, in which answers came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_time_ms: Option<u64>,
    /// Calls of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u64>,
}

impl Ceilings {
    /// Whether nothing is bounded.
    pub fn is_open(&self) -> bool {
        *self == Ceilings::default()
    }

    /// Each amount by its name in a team file: what may be used, and what was.
    fn pairs(&self, used: &Ceilings) -> [(&'static str, Option<u64>, u64); 5] {
        let money = |money: Option<Money>| money.map(|money| money.0);
        [
            ("max_cost", money(self.max_cost), money(used.max_cost).unwrap_or(0)),
            ("max_tokens", self.max_tokens, used.max_tokens.unwrap_or(0)),
            ("max_rounds", self.max_rounds, used.max_rounds.unwrap_or(0)),
            ("max_time", self.max_time_ms, used.max_time_ms.unwrap_or(0)),
            ("max_tool_calls", self.max_tool_calls, used.max_tool_calls.unwrap_or(0)),
        ]
    }

    /// The first amount that is used up, and how much of how much in words.
    pub fn reached(&self, used: &Ceilings) -> Option<(&'static str, String)> {
        let (name, most, used) =
            self.pairs(used).into_iter().find(|(_, most, used)| most.is_some_and(|it| *used >= it))?;
        let most = most.unwrap_or(0);
        let text = match name {
            "max_cost" => format!("{} of {} spent", Money(used), Money(most)),
            "max_time" => format!("{} of {} s used", used / 1000, most / 1000),
            "max_tokens" => format!("{used} of {most} tokens used"),
            "max_rounds" => format!("{used} of {most} turns taken"),
            _ => format!("{used} of {most} tools called"),
        };
        Some((name, text))
    }

    /// Raises what is used up.
    pub fn raise(&mut self, used: &Ceilings, more: impl Fn(u64) -> u64) {
        let lift = |most: &mut Option<u64>, used: Option<u64>| {
            if let (Some(most), Some(used)) = (most, used)
                && used >= *most
            {
                *most = more(used);
            }
        };
        let mut cost = self.max_cost.map(|cost| cost.0);
        lift(&mut cost, used.max_cost.map(|cost| cost.0));
        self.max_cost = cost.map(Money);
        lift(&mut self.max_tokens, used.max_tokens);
        lift(&mut self.max_rounds, used.max_rounds);
        lift(&mut self.max_time_ms, used.max_time_ms);
        lift(&mut self.max_tool_calls, used.max_tool_calls);
    }
}

impl Budget {
    /// The amounts of one of its lines.
    pub fn line(&self, line: Line) -> &Ceilings {
        match line {
            Line::Soft => &self.soft,
            Line::Hard => &self.hard,
        }
    }
}
