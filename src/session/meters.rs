//! Counters: what was used, by whom, and how long it took.

use crate::chat::UnixMillis;
use crate::chat::usage::{Money, Tokens, Usage};

/// What was used on all branches together. Money that is spent stays spent, whatever branch one goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Tokens of every call, failed ones included.
    pub tokens: Tokens,
    /// Known cost.
    pub cost: Money,
    /// Calls whose cost is not known.
    pub unpriced_calls: u32,
    /// Calls made.
    pub calls: u32,
    /// Executions begun.
    pub executions: u64,
}

/// What one agent (or the selector) used on a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentMeter {
    /// Tokens of its calls.
    pub tokens: Tokens,
    /// Known cost.
    pub cost: Money,
    /// Calls whose cost is not known.
    pub unpriced_calls: u32,
    /// Turns it has finished.
    pub turns: u32,
    /// Replies in a row without a person's word (AG2: the consecutive auto reply counter).
    pub auto_replies: u32,
    /// Input tokens of its latest call: how full its context was.
    pub context: u64,
    /// Exit code of the latest program it ran.
    pub last_exit: Option<i32>,
}

impl AgentMeter {
    pub(super) fn add(&mut self, usage: &Usage) {
        self.tokens += usage.tokens;
        match usage.cost {
            Some(cost) => self.cost += cost,
            None => self.unpriced_calls += 1,
        }
        if usage.tokens.input > 0 {
            self.context = usage.tokens.input;
        }
    }
}

impl Spent {
    pub(super) fn add(&mut self, usage: &Usage) {
        self.tokens += usage.tokens;
        self.calls += 1;
        match usage.cost {
            Some(cost) => self.cost += cost,
            None => self.unpriced_calls += 1,
        }
    }
}

/// Time in which the run was going on, from the times of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    done_ms: u64,
    since: Option<UnixMillis>,
    /// The newest record.
    last: UnixMillis,
}

impl Activity {
    /// Between the newest record and this one nothing went on here: the session was closed, or this branch was left.
    pub(super) fn cut(&mut self) {
        self.done_ms = self.total(self.last);
        self.since = None;
    }

    pub(super) fn set(&mut self, going: bool, at: UnixMillis) {
        self.last = at;
        match (self.since, going) {
            (None, true) => self.since = Some(at),
            (Some(_), false) => {
                self.done_ms = self.total(at);
                self.since = None;
            }
            _ => {}
        }
    }

    pub(super) fn total(&self, now: UnixMillis) -> u64 {
        self.done_ms + self.since.map_or(0, |since| now.saturating_sub(since).max(0) as u64)
    }
}
