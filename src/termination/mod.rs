//! When to stop: one file a condition, joined by `any` and `all`.
//!
//! A condition watches the messages of a run one by one and says, at a turn boundary, whether it is met; the cost per
//! message does not depend on the length of the run. Pure; may import [`crate::session`], [`crate::chat`] and
//! [`crate::catalog`]. To add a condition: a file with an `ENTRY`, and its row in [`CONDITIONS`].

mod limits;
mod messages;
mod text;

use crate::catalog::{self, OptionError};
use crate::chat::UnixMillis;
use crate::chat::id::BranchId;
use crate::chat::message::MessageKind;
use crate::chat::team;
use crate::session::Session;
use crate::session::transcript::Entry;

/// Something that can end a run.
pub trait Condition: Send {
    /// A message of the run was heard. The words that begin the run and interrupted messages are not shown to conditions.
    fn observe(&mut self, _entry: &Entry) {}

    /// Whether the run should end now, and why, for a person.
    fn met(&self, session: &Session, now: UnixMillis) -> Option<String>;

    /// A new run begins: forget what was observed.
    fn reset(&mut self) {}
}

/// Every condition a team file may name.
pub static CONDITIONS: &[catalog::Entry<dyn Condition>] =
    &[text::MENTION, text::WHOLE, messages::ENTRY, limits::TOKENS, limits::COST, limits::TIME];

/// The conditions of a team, kept up to date with its session.
pub struct Endings {
    tree: Vec<Node>,
    seen: Seen,
}

/// How far the conditions have read, and of which run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    branch: BranchId,
    run_from: usize,
    edits: u64,
    messages: usize,
}

enum Node {
    One { kind: String, condition: Box<dyn Condition> },
    Any(Vec<Node>),
    All(Vec<Latch>),
}

/// A member of `all`: once met, it stays met for the run.
struct Latch {
    node: Node,
    met: Option<Met>,
}

/// A condition that is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Its catalog name; members of `all` joined by ` and `.
    pub kind: String,
    /// Why, for a person.
    pub text: String,
}

impl Endings {
    /// Builds a team's conditions.
    ///
    /// # Errors
    /// When a condition is unknown or its options do not fit.
    pub fn new(conditions: &[team::Condition]) -> Result<Self, OptionError> {
        Ok(Endings { tree: conditions.iter().map(Node::new).collect::<Result<_, _>>()?, seen: Seen::default() })
    }

    /// The first condition that is met, having read what is new in the session.
    pub fn check(&mut self, session: &Session, now: UnixMillis) -> Option<Met> {
        let transcript = session.transcript();
        let place = Seen {
            branch: session.branch(),
            run_from: transcript.run_from(),
            edits: transcript.edits(),
            messages: self.seen.messages,
        };
        if place != self.seen || transcript.len() < self.seen.messages {
            self.tree.iter_mut().for_each(Node::reset);
            self.seen = Seen { messages: transcript.run_from(), ..place };
        }
        let from = self.seen.messages.min(transcript.len());
        for (place, entry) in transcript.entries().iter().enumerate().skip(from) {
            let heard = entry.message.is_shared();
            // The words that begin a run after an end are its task, whatever they are called. A run may begin without.
            let task = entry.message.kind == MessageKind::Task
                || (place == transcript.run_from() && entry.message.turn.is_none());
            if heard && !task {
                self.tree.iter_mut().for_each(|node| node.observe(entry));
            }
        }
        self.seen.messages = transcript.len();
        self.tree.iter_mut().find_map(|node| node.met(session, now))
    }
}

impl Node {
    fn new(condition: &team::Condition) -> Result<Self, OptionError> {
        Ok(match condition {
            team::Condition::One(spec) => {
                Node::One { kind: spec.kind.clone(), condition: catalog::build(CONDITIONS, spec)? }
            }
            team::Condition::Any(members) => Node::Any(members.iter().map(Node::new).collect::<Result<_, _>>()?),
            team::Condition::All(members) => Node::All(
                members
                    .iter()
                    .map(|member| Ok(Latch { node: Node::new(member)?, met: None }))
                    .collect::<Result<_, OptionError>>()?,
            ),
        })
    }

    fn observe(&mut self, entry: &Entry) {
        match self {
            Node::One { condition, .. } => condition.observe(entry),
            Node::Any(members) => members.iter_mut().for_each(|member| member.observe(entry)),
            Node::All(members) => members.iter_mut().for_each(|member| member.node.observe(entry)),
        }
    }

    fn reset(&mut self) {
        match self {
            Node::One { condition, .. } => condition.reset(),
            Node::Any(members) => members.iter_mut().for_each(Node::reset),
            Node::All(members) => members.iter_mut().for_each(|member| {
                member.met = None;
                member.node.reset();
            }),
        }
    }

    fn met(&mut self, session: &Session, now: UnixMillis) -> Option<Met> {
        match self {
            Node::One { kind, condition } => condition.met(session, now).map(|text| Met { kind: kind.clone(), text }),
            Node::Any(members) => members.iter_mut().find_map(|member| member.met(session, now)),
            Node::All(members) => {
                for member in members.iter_mut() {
                    if member.met.is_none() {
                        member.met = member.node.met(session, now);
                    }
                }
                let met: Vec<&Met> = members.iter().filter_map(|member| member.met.as_ref()).collect();
                (met.len() == members.len() && !met.is_empty()).then(|| Met {
                    kind: met.iter().map(|met| met.kind.as_str()).collect::<Vec<_>>().join(" and "),
                    text: met.iter().map(|met| met.text.as_str()).collect::<Vec<_>>().join("; "),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
