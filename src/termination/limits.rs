//! Ends by consumption: tokens, money, time. Over all branches, since what is spent is spent.

use super::Condition;
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, count};
use crate::chat::UnixMillis;
use crate::chat::usage::Money;
use crate::session::Session;

/// `max_tokens = 100000`.
pub const TOKENS: Row<dyn Condition> = Row {
    name: "max_tokens",
    about: "ends when the session has used this many tokens (AgentChat: TokenUsageTermination)",
    example: "max_tokens = 100000",
    fields: &[Field { name: "value", kind: FieldKind::Count, required: true, about: "input and output tokens" }],
    build: |options| match count(options, "value") {
        Some(0) | None => Err(OptionError::of("value", "must be at least 1")),
        Some(limit) => Ok(Box::new(MaxTokens(limit))),
    },
};

/// `max_cost = 1.00`.
pub const COST: Row<dyn Condition> = Row {
    name: "max_cost",
    about: "ends when the session has cost this many dollars; calls without a known price cannot be counted",
    example: "max_cost = 1.00",
    fields: &[Field { name: "value", kind: FieldKind::Number, required: true, about: "US dollars" }],
    build: |options| match options.get("value").and_then(serde_json::Value::as_f64) {
        Some(dollars) if dollars > 0.0 => Ok(Box::new(MaxCost(Money::from_dollars(dollars)))),
        _ => Err(OptionError::of("value", "must be more than 0 dollars")),
    },
};

/// `max_time = "10m"`.
pub const TIME: Row<dyn Condition> = Row {
    name: "max_time",
    about: "ends at the turn boundary after this time; waiting for the operator does not count",
    example: "max_time = \"10m\"",
    fields: &[Field { name: "value", kind: FieldKind::Duration, required: true, about: "how long" }],
    build: |options| match count(options, "value") {
        Some(0) | None => Err(OptionError::of("value", "must be longer than nothing")),
        Some(limit) => Ok(Box::new(MaxTime(limit))),
    },
};

struct MaxTokens(u64);

impl Condition for MaxTokens {
    fn met(&self, session: &Session, _now: UnixMillis) -> Option<String> {
        let used = session.spent().tokens.total();
        (used >= self.0).then(|| format!("{used} of {} tokens used", self.0))
    }
}

struct MaxCost(Money);

impl Condition for MaxCost {
    fn met(&self, session: &Session, _now: UnixMillis) -> Option<String> {
        let cost = session.spent().cost;
        (cost >= self.0).then(|| format!("{cost} of {} spent", self.0))
    }
}

struct MaxTime(u64);

impl Condition for MaxTime {
    fn met(&self, session: &Session, now: UnixMillis) -> Option<String> {
        (session.active_ms(now) >= self.0).then(|| format!("{} s passed", self.0 / 1000))
    }
}
