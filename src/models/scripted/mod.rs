//! Replies that stand in the team file: demos, replays and tests with no key and no network.
//!
//! Which reply comes is a pure function of the request, so that a fork or an edit is answered like the first time. How
//! it comes (pace, pauses, failures) imitates a provider. `row` decides and `play` says; imports what `models` may. A
//! new condition is one field of `row::Row` and one line each in `fits`, `covers` and its `Display`.

mod play;
mod row;

use super::{Model, Provider, ReplyStream, Secrets};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options, count};
use crate::chat::request::{Failure, FailureKind, Request};
use crate::chat::team::ModelSpec;
use futures_util::{future, stream};
use row::{Row, Situation};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The row of the catalog.
pub const ROW: Entry<dyn Provider> = Entry {
    name: "scripted",
    about: "replies that stand in the team file; needs no key and no network",
    example: r#"actor = { provider = "scripted", model = "play", reply = [{ agent = "Coder", text = "Done." }] }"#,
    fields: &[
        Field {
            name: "reply",
            kind: FieldKind::Table,
            required: true,
            about: "list of tables, the first that fits answers: when agent, purpose, turn, last_result, contains, \
                    after_tool; then text, reasoning, tool_calls, usage, finish, fail",
        },
        Field {
            name: "pace",
            kind: FieldKind::Number,
            required: false,
            about: "tokens a second (60); 0 is all at once",
        },
        Field {
            name: "first_token",
            kind: FieldKind::Duration,
            required: false,
            about: "wait before the first token (0s)",
        },
    ],
    build: |options| Ok(Box::new(Script::read(options)?)),
};

/// A whole script.
#[derive(Clone)]
struct Script {
    rows: Arc<[Row]>,
    pace: f64,
    first_token: Duration,
}

impl Script {
    fn read(options: &Options) -> Result<Self, OptionError> {
        let rows = match options.get("reply") {
            Some(Value::Array(rows)) if !rows.is_empty() => rows,
            _ => {
                let message =
                    "reply takes a list of at least one table such as { agent = \"Coder\", text = \"Done.\" }";
                return Err(OptionError::of("reply", message));
            }
        };
        let rows = rows.iter().enumerate().map(|(at, row)| {
            Row::read(row).map_err(|message| OptionError::of("reply", format!("reply number {}: {message}", at + 1)))
        });
        let pace = match options.get("pace").map(Value::as_f64) {
            None => 60.0,
            Some(Some(pace)) if pace.is_finite() && pace >= 0.0 => pace,
            Some(_) => {
                let message = "pace takes tokens a second, zero or more (0 is all at once)";
                return Err(OptionError::of("pace", message));
            }
        };
        let first_token = Duration::from_millis(count(options, "first_token").unwrap_or(0));
        Ok(Script { rows: rows.collect::<Result<_, _>>()?, pace, first_token })
    }
}

impl Provider for Script {
    fn connect(&self, _key: &str, _spec: &ModelSpec, _secrets: &dyn Secrets) -> Result<Arc<dyn Model>, Failure> {
        Ok(Arc::new(self.clone()))
    }

    fn inspect(&self, _spec: &ModelSpec, _secrets: &dyn Secrets) -> Vec<String> {
        let mut found = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(earlier) = self.rows[..at].iter().position(|earlier| earlier.covers(row)) {
                let (at, earlier) = (at + 1, earlier + 1);
                found.push(format!("reply number {at} is never used: number {earlier} fits whenever it does"));
            }
        }
        found
    }
}

impl Model for Script {
    fn stream(&self, request: &Request) -> ReplyStream {
        let situation = Situation::of(request);
        match self.rows.iter().find(|row| row.fits(&situation)) {
            Some(row) => play::reply(row, request, self.pace, self.first_token),
            None => {
                let rows: Vec<_> = self.rows.iter().map(Row::to_string).collect();
                let message = format!(
                    "model {:?} has no scripted reply for {situation}; it has replies for: {}. Add one that fits to \
                     [models.{}]",
                    request.model,
                    rows.join("; "),
                    request.model,
                );
                let failure = Failure::new(FailureKind::Refused, message);
                Box::pin(stream::once(future::ready(Err(failure))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
