//! A recorded session against the rules as they are now: where would another speaker be chosen, or the run end otherwise?
//!
//! Nothing is asked and nothing happens: models and programs have said what the log says they said. At every record in
//! which Plenary decided by itself, the machine is asked what it would do there.

use super::effect::Effect;
use super::machine::Machine;
use crate::chat::event::{Actor, EndCause, Event, HoldReason, Record};
use crate::chat::id::Seq;
use crate::chat::request::Purpose;
use crate::chat::{Name, UnixMillis};
use crate::session::Session;
use std::fmt;
use std::sync::Arc;

/// What was decided at a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This agent speaks.
    Speaker(Name),
    /// A person picks.
    Pick,
    /// A model or a program is asked who speaks, or whether it is over.
    Asks,
    /// Somebody sums up before the end.
    Concludes(Name),
    /// The run holds.
    Holds(String),
    /// The run ends.
    Ends(EndCause),
    /// Nothing by itself.
    Nothing,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Speaker(name) => write!(f, "{name} speaks"),
            Decision::Pick => f.write_str("a person picks who speaks"),
            Decision::Asks => f.write_str("a model or a program is asked"),
            Decision::Concludes(name) => write!(f, "{name} sums up"),
            Decision::Holds(why) => write!(f, "the run holds: {why}"),
            Decision::Ends(EndCause::Condition(name)) => write!(f, "the run ends by {name}"),
            Decision::Ends(cause) => write!(f, "the run ends: {cause:?}"),
            Decision::Nothing => f.write_str("nothing happens by itself"),
        }
    }
}

/// A point at which the rules decide otherwise now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The record, counted along the branch from 1.
    pub seq: Seq,
    /// Messages that had been said before it.
    pub messages: usize,
    /// What was decided.
    pub then: Decision,
    /// What would be decided.
    pub now: Decision,
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Decisions that were compared.
    pub decisions: usize,
    /// Where the first difference is. After it nothing can be compared: the run would have gone elsewhere.
    pub difference: Option<Difference>,
}

/// Checks one branch, given as a log without gaps; `machine` makes one with the rules as they are now.
///
/// # Errors
/// When the records form no log.
pub fn check(line: &[Arc<Record>], machine: impl Fn() -> Machine) -> Result<Checked, crate::session::ApplyError> {
    let mut session = Session::default();
    let mut rules = machine();
    let mut checked = Checked::default();
    // States in which the machine may have decided: a batch is decided before its first record.
    let mut before: Vec<Session> = Vec::new();
    for (place, record) in line.iter().enumerate() {
        if let Some(then) = decided(record) {
            checked.decisions += 1;
            let mut now = now_at(&mut rules, &machine, &session, record.at);
            if now != then {
                // Decided together with what stands before it.
                let earlier = before.iter().rev().map(|state| now_at(&mut machine(), &machine, state, record.at));
                now = earlier.into_iter().find(|earlier| *earlier == then).unwrap_or(now);
            }
            if now != then {
                let (seq, messages) = (Seq(place as u64 + 1), session.transcript().len());
                checked.difference = Some(Difference { seq, messages, then, now });
                return Ok(checked);
            }
        }
        let together = line.get(place + 1).is_some_and(|next| next.at == record.at && next.actor == record.actor);
        if together && before.len() < 4 {
            before.push(session.clone());
        } else {
            before.clear();
        }
        session.apply(record.clone())?;
    }
    Ok(checked)
}

/// What Plenary decided with this record, if it did.
fn decided(record: &Record) -> Option<Decision> {
    if !matches!(record.actor, Actor::System) {
        return None;
    }
    match of(&record.event)? {
        Decision::Ends(EndCause::Operator | EndCause::Interrupted | EndCause::Failed | EndCause::NeedsPerson) => None,
        decision => Some(decision),
    }
}

fn of(event: &Event) -> Option<Decision> {
    Some(match event.innermost().1 {
        // Whom the operator had queued, or who gets the floor back, no rule has chosen.
        Event::SpeakerChosen { choice } if matches!(choice.mode.as_str(), "operator" | "queue" | "retry") => {
            return None;
        }
        Event::SpeakerChosen { choice } => Decision::Speaker(choice.agent.clone()),
        Event::SpeakerWanted { .. } => Decision::Pick,
        Event::ModelCalled { purpose: Purpose::Select, attempt: 1, .. } | Event::ConsultAsked(_) => Decision::Asks,
        Event::Concluding { agent } => Decision::Concludes(agent.clone()),
        Event::Held { why: HoldReason::Budget { text } | HoldReason::Ask { text } } => Decision::Holds(text.clone()),
        Event::Ended { cause, .. } => Decision::Ends(cause.clone()),
        _ => return None,
    })
}

fn now_at(rules: &mut Machine, fresh: &impl Fn() -> Machine, session: &Session, now: UnixMillis) -> Decision {
    let (found, mut events) = look(rules.next(session, now));
    if let Some(found) = found {
        return found;
    }
    // It would write something else first (a finding, say): what follows from that?
    let mut there = session.clone();
    let mut rules = fresh();
    for _ in 0..8 {
        if events.is_empty() {
            return Decision::Nothing;
        }
        for event in events {
            let record = Record {
                seq: there.next_seq(),
                parent: there.head(),
                branch: there.branch(),
                actor: Actor::System,
                at: now,
                event,
            };
            if there.apply(Arc::new(record)).is_err() {
                return Decision::Nothing;
            }
        }
        let (found, more) = look(rules.next(&there, now));
        if let Some(found) = found {
            return found;
        }
        events = more;
    }
    Decision::Nothing
}

/// The first decision in effects; without one, what they would write.
fn look(effects: Vec<Effect>) -> (Option<Decision>, Vec<Event>) {
    let mut events = Vec::new();
    for effect in effects {
        match effect {
            Effect::Append { events: more, .. } => {
                if let Some(found) = more.iter().find_map(of) {
                    return (Some(found), Vec::new());
                }
                events.extend(more);
            }
            Effect::Call(request) if request.purpose == Purpose::Select => return (Some(Decision::Asks), Vec::new()),
            Effect::Consult { .. } => return (Some(Decision::Asks), Vec::new()),
            _ => {}
        }
    }
    (None, events)
}
