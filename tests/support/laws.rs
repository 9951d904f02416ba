//! What holds for every log, whatever happened.

use super::world::story;
use plenary::chat::event::{Actor, Event, Record, Verdict};
use plenary::chat::id::{ApprovalId, CallId, MessageId, OpId};
use plenary::chat::message::Completeness;
use plenary::chat::request::Purpose;
use plenary::chat::usage::Money;
use plenary::session::Session;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Fails on a log that breaks a promise.
pub fn check(log: &[Arc<Record>]) {
    let session = Session::replay(log.iter().cloned()).unwrap_or_else(|error| panic!("{error}\n{}", story(log)));
    let mut laws = Laws::default();
    for record in log {
        if let Err(broken) = laws.see(record) {
            panic!("record {} breaks a law: {broken}\n{}", record.seq, story(log));
        }
    }
    assert!(laws.calling.is_empty(), "calls without an end: {:?}\n{}", laws.calling, story(log));
    assert_eq!(session.spent().cost, laws.cost, "the meter is the sum of the calls");
}

#[derive(Default)]
struct Laws {
    calling: HashSet<CallId>,
    asked: HashMap<ApprovalId, (String, MessageId)>,
    allowed: HashMap<ApprovalId, String>,
    ops: HashSet<OpId>,
    over: HashSet<OpId>,
    unheard: HashSet<MessageId>,
    cost: Money,
    ended: bool,
}

impl Laws {
    fn see(&mut self, record: &Record) -> Result<(), String> {
        let must = |holds: bool, law: &str| holds.then_some(()).ok_or(law.to_owned());
        let sums_up = match &record.event {
            Event::ModelCalled { purpose, .. } => *purpose == Purpose::Summarize,
            Event::Summarized(_) | Event::ModelAnswered { .. } => true,
            Event::ModelFailed { .. } | Event::ModelInterrupted { .. } => true,
            _ => false,
        };
        let begins =
            matches!(record.event, Event::MessagePosted { .. } | Event::BranchMoved { .. } | Event::Released { .. });
        if self.ended && !begins && !sums_up {
            return Err("nothing but a summary, words, a move or a new run follows an end".into());
        }
        self.ended = matches!(record.event, Event::Ended { .. }) || (self.ended && sums_up);
        match &record.event {
            Event::ModelCalled { call, .. } => must(self.calling.insert(*call), "a call happens once"),
            Event::ModelAnswered { call, usage, .. }
            | Event::ModelFailed { call, usage, .. }
            | Event::ModelInterrupted { call, usage } => {
                self.cost += usage.cost.unwrap_or_default();
                must(self.calling.remove(call), "a call ends once")
            }
            Event::MessagePosted { message } => {
                if message.completeness == Completeness::Interrupted {
                    self.unheard.insert(message.id);
                }
                Ok(())
            }
            Event::MessageEdited { message, .. } => {
                self.unheard.remove(message);
                Ok(())
            }
            Event::ApprovalAsked { approval, source, payload, hash, .. } => {
                must(!self.unheard.contains(source), "code of an interrupted message is not run")?;
                must(payload.hash() == *hash, "the hash is the payload's")?;
                self.asked.insert(*approval, (hash.clone(), *source));
                Ok(())
            }
            Event::ApprovalDecided { approval, verdict, hash, seen_in_full, .. } => {
                let asked = self.asked.get(approval).ok_or("what is decided was asked")?;
                let by_operator = record.actor == Actor::Operator;
                match verdict {
                    Verdict::Deny(_) => return Ok(()),
                    Verdict::Run => must(asked.0 == *hash, "what was asked is what is allowed")?,
                    Verdict::RunEdited(_) => must(asked.0 != *hash, "what was edited is something else")?,
                }
                must(*seen_in_full || !by_operator, "an operator who allows has seen everything")?;
                self.allowed.insert(*approval, hash.clone());
                Ok(())
            }
            Event::Intent { op, approval, hash } => {
                must(self.allowed.get(approval) == Some(hash), "what will run was allowed")?;
                must(self.ops.insert(*op), "an effect is meant once")
            }
            Event::Started { op, .. } => must(self.ops.contains(op), "the intent stands before the effect"),
            Event::Outcome { op, .. } => {
                must(self.ops.contains(op), "the intent stands before the outcome")?;
                must(self.over.insert(*op), "an effect is over once")
            }
            Event::Ended { totals, .. } => must(totals.cost == self.cost, "the end counts every call"),
            _ => Ok(()),
        }
    }
}
