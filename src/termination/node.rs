//! `any` and `all`: conditions joined (AgentChat: OrTerminationCondition, AndTerminationCondition).

use super::{CONDITIONS, Condition, Heard, Met, Moment, Verdict};
use crate::catalog::{self, OptionError};
use crate::chat::consult::Consultation;
use crate::chat::{UnixMillis, team};

/// A condition in its place.
pub(super) enum Node {
    One { kind: String, path: String, condition: Box<dyn Condition> },
    Any(Vec<Node>),
    All { members: Vec<Latch>, order: u32 },
}

/// A member of `all`: once met, it stays met for the run.
pub(super) struct Latch {
    node: Node,
    /// What it said, and as which of the members.
    met: Option<(u32, Met)>,
}

/// What a node comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    No,
    Met(Met),
    Ask(String),
    Consult(Consultation),
}

impl Node {
    /// Conditions of which any is enough.
    pub fn list(path: &str, conditions: &[team::Condition]) -> Result<Node, OptionError> {
        Ok(Node::Any(Node::several(path, conditions)?))
    }

    fn several(path: &str, conditions: &[team::Condition]) -> Result<Vec<Node>, OptionError> {
        let placed = conditions.iter().enumerate();
        placed.map(|(place, condition)| Node::new(format!("{path}[{place}]"), condition)).collect()
    }

    fn new(path: String, condition: &team::Condition) -> Result<Node, OptionError> {
        Ok(match condition {
            team::Condition::One(spec) => {
                Node::One { kind: spec.kind.clone(), condition: catalog::build(CONDITIONS, spec)?, path }
            }
            team::Condition::Any(members) => Node::Any(Node::several(&format!("{path}.any"), members)?),
            team::Condition::All(members) => {
                let members = Node::several(&format!("{path}.all"), members)?;
                Node::All { members: members.into_iter().map(|node| Latch { node, met: None }).collect(), order: 0 }
            }
        })
    }

    pub fn observe(&mut self, heard: &Heard<'_>) {
        match self {
            Node::One { condition, .. } => condition.observe(heard),
            Node::Any(members) => members.iter_mut().for_each(|member| member.observe(heard)),
            Node::All { members, .. } => members.iter_mut().for_each(|member| member.node.observe(heard)),
        }
    }

    pub fn reset(&mut self) {
        match self {
            Node::One { condition, .. } => condition.reset(),
            Node::Any(members) => members.iter_mut().for_each(Node::reset),
            Node::All { members, order } => {
                *order = 0;
                for member in members {
                    member.met = None;
                    member.node.reset();
                }
            }
        }
    }

    pub fn wake(&self, moment: &Moment<'_>) -> Option<UnixMillis> {
        match self {
            Node::One { condition, .. } => condition.wake(moment),
            Node::Any(members) => members.iter().filter_map(|member| member.wake(moment)).min(),
            Node::All { members, .. } => {
                let open = members.iter().filter(|member| member.met.is_none());
                open.filter_map(|member| member.node.wake(moment)).min()
            }
        }
    }

    pub fn met(&mut self, moment: &Moment<'_>) -> State {
        match self {
            Node::One { kind, path, condition } => match condition.met(&Moment { path: path.as_str(), ..*moment }) {
                Verdict::No => State::No,
                Verdict::Ask(text) => State::Ask(text),
                Verdict::Consult(consultation) => State::Consult(consultation),
                Verdict::Met(fired) => State::Met(Met {
                    kind: kind.clone(),
                    path: path.clone(),
                    text: fired.text,
                    agent: fired.agent,
                    values: fired.values,
                }),
            },
            Node::Any(members) => any(members, moment),
            Node::All { members, order } => all(members, order, moment),
        }
    }
}

/// Met by one; the texts of all that are met now are told, in the order in which they are written. Every member is
/// asked, so that a member of a nested `all` can be met today and count tomorrow. A program or a person is asked only
/// when nothing is met without.
fn any(members: &mut [Node], moment: &Moment<'_>) -> State {
    let mut found: Option<Met> = None;
    let mut open = State::No;
    for member in members {
        match member.met(moment) {
            State::No => {}
            State::Met(met) => match &mut found {
                None => found = Some(met),
                Some(first) => {
                    first.text = format!("{}, {}", first.text, met.text);
                    first.values.extend(met.values);
                }
            },
            other if open == State::No => open = other,
            // A program that can be asked now goes before a person.
            State::Consult(consultation) if matches!(open, State::Ask(_)) => open = State::Consult(consultation),
            _ => {}
        }
    }
    found.map_or(open, State::Met)
}

/// Met when every member has been; the texts are told in the order in which that came. A program is asked in its turn,
/// a person only when all others are met.
fn all(members: &mut [Latch], order: &mut u32, moment: &Moment<'_>) -> State {
    let mut consult = None;
    let mut ask = None;
    let mut unmet = 0;
    for member in members.iter_mut().filter(|member| member.met.is_none()) {
        match member.node.met(moment) {
            State::Met(met) => {
                *order += 1;
                member.met = Some((*order, met));
            }
            State::Consult(consultation) => consult = consult.or(Some(consultation)),
            State::Ask(text) => ask = ask.or(Some(text)),
            State::No => unmet += 1,
        }
    }
    if let Some(consultation) = consult {
        return State::Consult(consultation);
    }
    if let (Some(text), 0) = (ask, unmet) {
        return State::Ask(text);
    }
    let mut met: Vec<&(u32, Met)> = members.iter().filter_map(|member| member.met.as_ref()).collect();
    if met.is_empty() || met.len() < members.len() {
        return State::No;
    }
    let kinds: Vec<&str> = met.iter().map(|(_, met)| met.kind.as_str()).collect();
    let kind = kinds.join(" and ");
    let path = met[0].1.path.rsplit_once('[').map_or(String::new(), |(path, _)| path.to_owned());
    met.sort_by_key(|(order, _)| *order);
    let texts: Vec<&str> = met.iter().map(|(_, met)| met.text.as_str()).collect();
    State::Met(Met {
        kind,
        path,
        text: texts.join(", "),
        agent: met.iter().rev().find_map(|(_, met)| met.agent.clone()),
        values: met.iter().flat_map(|(_, met)| met.values.clone()).collect(),
    })
}

#[cfg(test)]
impl Node {
    /// A condition that no catalog has.
    pub fn of(kind: &str, condition: Box<dyn Condition>) -> Node {
        Node::One { kind: kind.into(), path: "termination[0]".into(), condition }
    }

    /// `all` of nodes.
    pub fn all_of(nodes: Vec<Node>) -> Node {
        Node::All { members: nodes.into_iter().map(|node| Latch { node, met: None }).collect(), order: 0 }
    }
}
