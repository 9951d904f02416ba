//! Ends by time: how long the run has gone on, by its own clock or the wall's, and how long nothing was said.
//!
//! Looked at between turns and while a pick waits for the operator: no condition stops a turn in the middle, and
//! nothing ends while the run holds.

use super::{Condition, Fired, Heard, Moment, Verdict};
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, Options, count};
use crate::chat::UnixMillis;

const VALUE: &[Field] = &[Field { name: "value", kind: FieldKind::Duration, required: true, about: "how long" }];

/// `max_time = "10m"`.
pub const ACTIVE: Row<dyn Condition> = Row {
    name: "max_time",
    about: "ends at the turn boundary after this running time; waiting for the operator does not count",
    example: "max_time = \"10m\"",
    fields: VALUE,
    build: |options| Ok(Box::new(MaxTime(limit(options)?))),
};

/// `timeout = "10m"`.
pub const WALL: Row<dyn Condition> = Row {
    name: "timeout",
    about: "ends at the turn boundary after this time by the wall clock, waiting included (AgentChat: \
            TimeoutTermination)",
    example: "timeout = \"10m\"",
    fields: VALUE,
    build: |options| Ok(Box::new(Timeout(limit(options)?))),
};

/// `idle = "5m"`.
pub const IDLE: Row<dyn Condition> = Row {
    name: "idle",
    about: "ends when nothing has been said for this long while the operator is to pick a speaker",
    example: "idle = \"5m\"",
    fields: VALUE,
    build: |options| Ok(Box::new(Idle { limit: limit(options)?, newest: 0 })),
};

fn limit(options: &Options) -> Result<u64, OptionError> {
    match count(options, "value") {
        Some(0) | None => Err(OptionError::of("value", "must be longer than nothing")),
        Some(limit) => Ok(limit),
    }
}

/// Seconds as AgentChat writes them, without a fraction where there is none.
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn timed(limit: u64, passed: u64) -> Verdict {
    if passed < limit {
        return Verdict::No;
    }
    let text = format!("Timeout of {} seconds reached", seconds(limit));
    Fired::with(text, &[("limit", &format!("{} s", seconds(limit))), ("passed", &format!("{} s", seconds(passed)))])
}

fn after(begin: UnixMillis, millis: u64) -> UnixMillis {
    begin.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn since(begin: UnixMillis, now: UnixMillis) -> u64 {
    u64::try_from(now.saturating_sub(begin)).unwrap_or(0)
}

struct MaxTime(u64);

impl Condition for MaxTime {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let before = moment.session.transcript().tally().active_before;
        timed(self.0, moment.session.active_ms(moment.now).saturating_sub(before))
    }
}

struct Timeout(u64);

impl Condition for Timeout {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        timed(self.0, since(moment.session.transcript().tally().since, moment.now))
    }

    fn wake(&self, moment: &Moment<'_>) -> Option<UnixMillis> {
        Some(after(moment.session.transcript().tally().since, self.0))
    }
}

struct Idle {
    limit: u64,
    /// When the newest message was written.
    newest: UnixMillis,
}

impl Condition for Idle {
    fn observe(&mut self, heard: &Heard<'_>) {
        self.newest = heard.entry.at;
    }

    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let quiet = since(self.newest, moment.now);
        if moment.session.floor().wanted.is_none() || quiet < self.limit {
            return Verdict::No;
        }
        let text = format!("Nothing was said for {} seconds", seconds(self.limit));
        Fired::with(
            text,
            &[("limit", &format!("{} s", seconds(self.limit))), ("quiet", &format!("{} s", seconds(quiet)))],
        )
    }

    fn wake(&self, moment: &Moment<'_>) -> Option<UnixMillis> {
        moment.session.floor().wanted.is_some().then(|| after(self.newest, self.limit))
    }

    fn reset(&mut self) {
        self.newest = 0;
    }
}
