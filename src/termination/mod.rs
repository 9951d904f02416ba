//! When to stop: one file a noun, a row a condition, joined by `any` and `all`.
//!
//! A condition watches the messages of a run one by one and says, at a turn boundary, whether it is met; the cost per
//! message does not depend on the length of the run. What it says follows AgentChat where that has such a condition. A
//! new run begins with fresh budgets. Pure; may import [`crate::session`], [`crate::rules`], [`crate::chat`] and
//! [`crate::catalog`]. To add a condition: an `ENTRY` in the file of its noun, and its row in [`CONDITIONS`].

mod limits;
mod messages;
mod node;
mod outside;
mod text;
mod time;
mod tools;

use crate::catalog::{self, OptionError};
use crate::chat::consult::Consultation;
use crate::chat::id::{BranchId, Seq};
use crate::chat::message::{Completeness, MessageKind};
use crate::chat::usage::Usage;
use crate::chat::{Name, UnixMillis, event::Event, team};
use crate::session::Session;
use crate::session::meters::Spent;
use crate::session::transcript::Entry;
use node::Node;

/// Something that can end a run.
pub trait Condition: Send {
    /// A message of the run was written. Interrupted ones are not shown to conditions.
    fn observe(&mut self, _heard: &Heard<'_>) {}

    /// Whether the run should end now, and why.
    fn met(&mut self, moment: &Moment<'_>) -> Verdict;

    /// When to look again though nothing has happened.
    fn wake(&self, _moment: &Moment<'_>) -> Option<UnixMillis> {
        None
    }

    /// A new run begins: forget what was observed.
    fn reset(&mut self) {}
}

/// A message as a condition sees it.
pub struct Heard<'a> {
    /// The message in its place.
    pub entry: &'a Entry,
    /// Whether it began the run: the task, or the words after an end.
    pub task: bool,
}

impl Heard<'_> {
    /// Whether it is part of the talk that conditions are about unless they say otherwise: not the task, which may
    /// quote the very words that end a run, and not an agent's dealings with its tools (AgentChat counts both).
    pub fn is_talk(&self) -> bool {
        !self.task && self.entry.message.is_shared()
    }
}

/// The moment at which conditions are asked.
pub struct Moment<'a> {
    /// The session as it stands.
    pub session: &'a Session,
    /// The time.
    pub now: UnixMillis,
    /// What had been used when the run began.
    pub before: &'a Spent,
    /// The path of the condition that is asked.
    pub path: &'a str,
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not yet.
    No,
    /// The run is over.
    Met(Fired),
    /// The operator is to say; the words are the question.
    Ask(String),
    /// A program is to say; its answer comes back in the session.
    Consult(Consultation),
}

/// Why a condition is met.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fired {
    /// In words; AgentChat's where it has such a condition.
    pub text: String,
    /// Whose message it was, if one is to blame.
    pub agent: Option<Name>,
    /// What was looked at, each with its value.
    pub values: Vec<(String, String)>,
}

impl Fired {
    /// Without an agent.
    pub fn with(text: impl Into<String>, values: &[(&str, &dyn std::fmt::Display)]) -> Verdict {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        Verdict::Met(Fired { text: text.into(), agent: None, values })
    }
}

/// Every condition a team file may name.
pub static CONDITIONS: &[catalog::Entry<dyn Condition>] = &[
    text::MENTION,
    text::WHOLE,
    text::SUFFIX,
    text::PATTERN,
    messages::COUNT,
    messages::TURNS,
    messages::SOURCE,
    messages::TEXT,
    messages::STOP,
    limits::TOKENS,
    limits::COST,
    time::ACTIVE,
    time::WALL,
    time::IDLE,
    tools::CALL,
    tools::HANDOFF,
    outside::RULE,
    outside::COMMAND,
    outside::EXTERNAL,
    outside::OPERATOR,
];

/// The conditions of a team, kept up to date with its session.
pub struct Endings {
    tree: Node,
    seen: Seen,
    before: Spent,
    /// Whether `external` stands somewhere in the tree.
    external: bool,
}

/// How far the conditions have read, and of which run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    branch: BranchId,
    run_since: Seq,
    edits: u64,
    messages: usize,
}

/// What the conditions come to at a turn boundary.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The run is over.
    Met(Met),
    /// The operator is to say.
    Ask(String),
    /// A program is to be asked first.
    Consult(Consultation),
}

/// A condition that is met.
#[derive(Debug, Clone, PartialEq)]
pub struct Met {
    /// Its catalog name; members of `all` joined by ` and `.
    pub kind: String,
    /// Where it stands in the team: `termination[0].all[1]`.
    pub path: String,
    /// Why: the texts of all that are met, joined by `, `.
    pub text: String,
    /// Whose message it was, if one is to blame.
    pub agent: Option<Name>,
    /// What was looked at, each with its value.
    pub values: Vec<(String, String)>,
}

impl Endings {
    /// Builds a team's conditions.
    ///
    /// # Errors
    /// When a condition is unknown or its options do not fit.
    pub fn new(conditions: &[team::Condition]) -> Result<Self, OptionError> {
        let tree = Node::list("termination", conditions)?;
        Ok(Endings { tree, seen: Seen::default(), before: Spent::default(), external: external(conditions) })
    }

    /// Whether a request to terminate is weighed by the team's own conditions.
    pub fn weighs_requests(&self) -> bool {
        self.external
    }

    /// What the conditions come to now, having read what is new in the session.
    pub fn check(&mut self, session: &Session, now: UnixMillis) -> Option<Outcome> {
        self.read(session);
        let moment = Moment { session, now, before: &self.before, path: "" };
        match self.tree.met(&moment) {
            node::State::No => None,
            node::State::Met(met) => Some(Outcome::Met(met)),
            node::State::Ask(text) => Some(Outcome::Ask(text)),
            node::State::Consult(consultation) => Some(Outcome::Consult(consultation)),
        }
    }

    /// When to look again though nothing has happened.
    pub fn wake(&self, session: &Session, now: UnixMillis) -> Option<UnixMillis> {
        self.tree.wake(&Moment { session, now, before: &self.before, path: "" })
    }

    fn read(&mut self, session: &Session) {
        let transcript = session.transcript();
        let place = Seen {
            branch: session.branch(),
            run_since: transcript.run_since(),
            edits: transcript.edits(),
            messages: self.seen.messages,
        };
        if place != self.seen || transcript.len() < self.seen.messages {
            self.tree.reset();
            self.seen = Seen { messages: transcript.run_from(), ..place };
            self.before = spent_before(session, transcript.run_since());
        }
        let from = self.seen.messages.min(transcript.len());
        for (place, entry) in transcript.entries().iter().enumerate().skip(from) {
            if entry.message.completeness == Completeness::Interrupted || !entry.message.within.is_empty() {
                continue;
            }
            // The words that begin a run after an end are its task, whatever they are called. A run may begin without.
            // What a moderator plans and asks for is a task as well (AgentChat: Magentic tests the agents' replies only).
            let task = matches!(entry.message.kind, MessageKind::Task | MessageKind::Moderation)
                || (place == transcript.run_from() && entry.message.turn.is_none());
            self.tree.observe(&Heard { entry, task });
        }
        self.seen.messages = transcript.len();
    }
}

/// What the session had used, over all branches, when this record was written.
fn spent_before(session: &Session, seq: Seq) -> Spent {
    let mut spent = Spent::default();
    for record in session.log().iter().take_while(|record| record.seq < seq) {
        match &record.event {
            Event::ModelAnswered { usage, .. }
            | Event::ModelFailed { usage, .. }
            | Event::ModelInterrupted { usage, .. } => add(&mut spent, usage),
            _ => {}
        }
    }
    spent
}

fn add(spent: &mut Spent, usage: &Usage) {
    spent.tokens += usage.tokens;
    if let Some(cost) = usage.cost {
        spent.cost += cost;
    }
}

fn external(conditions: &[team::Condition]) -> bool {
    conditions.iter().any(|condition| match condition {
        team::Condition::One(spec) => spec.kind == outside::EXTERNAL.name,
        team::Condition::Any(members) | team::Condition::All(members) => external(members),
    })
}

#[cfg(test)]
mod tests;
