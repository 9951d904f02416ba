//! Ends by what somebody else says: a rule of the team file, a program, a request, the operator.

use super::{Condition, Fired, Moment, Verdict};
use crate::catalog::{self, Entry as Row, Field, FieldKind, OptionError, Options, count, text};
use crate::chat::consult::Program;
use crate::chat::id::TurnId;
use crate::rules::Rule;
use crate::session::account;
use serde_json::{Value, json};

/// `rule = "count(Critic) >= 3 and result == succeeded"`.
pub const RULE: Row<dyn Condition> = Row {
    name: "rule",
    about: "ends when the rule holds at the end of a turn (AgentChat: FunctionalTermination); see docs/rules.md",
    example: "rule = \"count(Critic) >= 3 and result == succeeded\"",
    fields: &[Field { name: "value", kind: FieldKind::Rule, required: true, about: "the rule" }],
    build: |options| match Rule::parse(text(options, "value").unwrap_or_default()) {
        Ok(rule) => Ok(Box::new(Holds(rule))),
        Err(error) => Err(OptionError::inside("value", error.at, error.message)),
    },
};

/// `command = { command = ["./done.py"], timeout = "5s" }`.
pub const COMMAND: Row<dyn Condition> = Row {
    name: "command",
    about: "asks a program of yours after each turn: it reads the conversation as JSON and prints why the run is over, or \
            nothing; see docs/termination.md",
    example: "command = { command = [\"./done.py\"], timeout = \"5s\" }",
    fields: &[
        catalog::PROGRAM[0],
        catalog::PROGRAM[1],
        catalog::PROGRAM[2],
        Field {
            name: "every",
            kind: FieldKind::Count,
            required: false,
            about: "ask only after every so many turns (1)",
        },
    ],
    build: |options| Ok(Box::new(Asked { program: catalog::program(options)?, every: every(options, "every", 1)? })),
};

/// `external = true`.
pub const EXTERNAL: Row<dyn Condition> = Row {
    name: "external",
    about: "ends at the turn boundary after you asked for it (AgentChat: ExternalTermination). That works without this \
            condition too; with it, your request can be one part of an `all`",
    example: "external = true",
    fields: &[Field { name: "value", kind: FieldKind::Flag, required: true, about: "true" }],
    build: |options| match options.get("value").and_then(Value::as_bool) {
        Some(true) => Ok(Box::new(External)),
        _ => Err(OptionError::of("value", "takes true; to do without, leave it out")),
    },
};

/// `ask_operator = 5`.
pub const OPERATOR: Row<dyn Condition> = Row {
    name: "ask_operator",
    about: "holds after every so many turns and asks you whether the run is over; in an `all`, only once the other parts \
            are met. With nobody there the run ends (exit code 5)",
    example: "ask_operator = 5",
    fields: &[Field { name: "value", kind: FieldKind::Count, required: true, about: "after how many turns" }],
    build: |options| Ok(Box::new(Operator(every(options, "value", 0)?))),
};

fn every(options: &Options, field: &str, otherwise: u64) -> Result<u64, OptionError> {
    match count(options, field).unwrap_or(otherwise) {
        0 => Err(OptionError::of(field, "must be at least 1")),
        turns => Ok(turns),
    }
}

struct Holds(Rule);

impl Condition for Holds {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        if !self.0.applies(moment.session) {
            return Verdict::No;
        }
        let text = format!("Rule met: {}", self.0.source());
        Verdict::Met(Fired { text, agent: None, values: self.0.why(moment.session) })
    }
}

struct Asked {
    program: Program,
    every: u64,
}

impl Condition for Asked {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let session = moment.session;
        let turns = u64::from(session.transcript().tally().turns);
        if turns == 0 || !turns.is_multiple_of(self.every) {
            return Verdict::No;
        }
        let coming: TurnId = session.ids().turn;
        match session.consults().get(moment.path).filter(|consult| consult.turn == coming) {
            None => {
                let told = account::told(session, "terminate", &json!({ "condition": moment.path }));
                Verdict::Consult(self.program.consultation(moment.path, told))
            }
            Some(consult) => match &consult.advice {
                // A program that failed has not said that the run is over; its failure stands in the log.
                Some(advice) if advice.failure.is_none() && !advice.answer.is_empty() => {
                    let answer = advice.answer.lines().next().unwrap_or_default();
                    Fired::with(answer, &[("command", &self.program.shown()), ("answer", &advice.answer)])
                }
                _ => Verdict::No,
            },
        }
    }
}

struct External;

impl Condition for External {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        match moment.session.termination_asked() {
            true => Fired::with("External termination requested", &[]),
            false => Verdict::No,
        }
    }
}

struct Operator(u64);

impl Condition for Operator {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let tally = moment.session.transcript().tally();
        let since = tally.turns - tally.decided.unwrap_or(0).min(tally.turns);
        if u64::from(since) < self.0 {
            return Verdict::No;
        }
        let turns = tally.turns;
        Verdict::Ask(format!("{turns} turn{} are over. Is the run?", if turns == 1 { "" } else { "s" }))
    }
}
