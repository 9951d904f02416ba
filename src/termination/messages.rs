//! Ends after a number of messages.

use super::Condition;
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, count};
use crate::chat::UnixMillis;
use crate::session::Session;

/// `max_messages = 20`.
pub const ENTRY: Row<dyn Condition> = Row {
    name: "max_messages",
    about: "ends when the run has this many messages, the task included (AgentChat: MaxMessageTermination)",
    example: "max_messages = 20",
    fields: &[Field { name: "value", kind: FieldKind::Count, required: true, about: "how many messages" }],
    build: |options| match count(options, "value") {
        Some(0) | None => Err(OptionError::of("value", "must be at least 1")),
        Some(limit) => Ok(Box::new(MaxMessages(limit))),
    },
};

struct MaxMessages(u64);

impl Condition for MaxMessages {
    fn met(&self, session: &Session, _now: UnixMillis) -> Option<String> {
        (u64::from(session.rounds()) >= self.0).then(|| format!("{} messages reached", self.0))
    }
}
