//! The model calls of a branch: whole while their turn goes on, afterwards only as places in the log, which says the
//! rest. A long session has as many calls as messages, and a call is larger than many a message.

use super::turn::{Call, Turn};
use crate::chat::event::{Event, Record};
use crate::chat::id::{CallId, Seq, TurnId};
use crate::chat::request::Purpose;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The calls of a branch.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    open: BTreeMap<CallId, Open>,
    /// Calls that are over, by identity.
    over: Vec<Over>,
}

#[derive(Debug, Clone)]
struct Open {
    call: Call,
    asked: Seq,
    settled: Option<Seq>,
}

#[derive(Debug, Clone, Copy)]
struct Over {
    id: CallId,
    asked: Seq,
    settled: Seq,
}

/// The calls as they were at a record.
#[derive(Debug)]
pub(super) struct CallsThen {
    open: BTreeMap<CallId, Open>,
    at: Seq,
}

impl Calls {
    /// As they are now, with HEAD at this record.
    pub fn then(&self, at: Seq) -> CallsThen {
        CallsThen { open: self.open.clone(), at }
    }

    /// Back to how they were on the way here.
    pub fn take_back(&mut self, then: &CallsThen) {
        self.over.retain(|over| over.asked <= then.at && !then.open.contains_key(&over.id));
        self.open.clone_from(&then.open);
    }

    /// A question was put to a model.
    pub fn ask(&mut self, record: &Record) {
        if let Some((id, call)) = asked(record) {
            self.open.insert(id, Open { call, asked: record.seq, settled: None });
        }
    }

    /// A call that is kept whole.
    pub fn open(&self, id: CallId) -> Option<&Call> {
        self.open.get(&id).map(|open| &open.call)
    }

    /// The turn of a call that is kept whole.
    pub fn turn(&self, id: CallId) -> Option<TurnId> {
        self.open(id)?.turn
    }

    /// What a call that is kept whole serves: its turn, and what for.
    pub fn line(&self, id: CallId) -> Option<(Option<TurnId>, Purpose)> {
        self.open(id).map(|call| (call.turn, call.purpose))
    }

    /// The record is the end of its call. Returns the call as it is then.
    pub fn settle(&mut self, id: CallId, record: &Record) -> Option<&Call> {
        let open = self.open.get_mut(&id)?;
        settle(&mut open.call, record);
        open.settled = Some(record.seq);
        Some(&open.call)
    }

    /// Lets go of what the log knows: calls that are settled and whose turn is not under way.
    pub fn retire(&mut self, turns: &[Turn]) {
        let Calls { open, over } = self;
        open.retain(|id, open| {
            let under_way = open.call.turn.is_some_and(|turn| turns.iter().any(|open| open.id == turn));
            let Some(settled) = open.settled.filter(|_| !under_way) else { return true };
            let call = Over { id: *id, asked: open.asked, settled };
            // Identities rise in every log that we write; in any other this stays right and is only slower.
            match over.binary_search_by_key(id, |over| over.id) {
                Ok(place) => over[place] = call,
                Err(place) => over.insert(place, call),
            }
            false
        });
    }

    /// A call that is over, from the log.
    pub fn over(&self, id: CallId, log: &[Arc<Record>]) -> Option<Call> {
        let place = self.over.binary_search_by_key(&id, |over| over.id).ok()?;
        let record = |seq: Seq| log.get((seq.0 as usize).checked_sub(1)?);
        let over = self.over[place];
        let (_, mut call) = asked(record(over.asked)?)?;
        settle(&mut call, record(over.settled)?);
        Some(call)
    }
}

fn asked(record: &Record) -> Option<(CallId, Call)> {
    let Event::ModelCalled { call, turn, agent, purpose, model, estimate, attempt, .. } = &record.event else {
        return None;
    };
    let made = Call {
        agent: agent.clone(),
        purpose: *purpose,
        model: model.clone(),
        turn: *turn,
        attempt: *attempt,
        since: record.at,
        estimate: *estimate,
        usage: None,
        latency_ms: None,
        served: None,
        failure: None,
    };
    Some((*call, made))
}

fn settle(call: &mut Call, record: &Record) {
    (call.latency_ms, call.served, call.failure) = (None, None, None);
    match &record.event {
        Event::ModelAnswered { usage, latency_ms, served, .. } => {
            call.usage = Some(*usage);
            call.latency_ms = Some(*latency_ms);
            call.served = served.clone();
        }
        Event::ModelFailed { usage, failure, .. } => {
            call.usage = Some(*usage);
            call.failure = Some(failure.clone());
        }
        Event::ModelInterrupted { usage, .. } => call.usage = Some(*usage),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::event::Event;
    use crate::chat::request::{Failure, FailureKind, Finish};
    use crate::session::testing::{Log, speakers, usage};

    #[test]
    fn a_call_says_the_same_after_its_turn_as_at_its_end() {
        let mut log = Log::with_task(speakers(&["a"]), "talk");
        for n in 0..3 {
            let turn = log.turn("a");
            let call = log.call(turn, "a");
            assert!(log.session.open_call(call).is_some_and(|call| call.usage.is_none()));
            let (served, failure) = (Some("served".to_owned()), Failure::new(FailureKind::Server, "down"));
            log.add(vec![match n {
                0 => Event::ModelAnswered { call, usage: usage(7, 1), latency_ms: 9, finish: Finish::Stop, served },
                1 => Event::ModelFailed { call, failure, usage: usage(3, 0), retry_ms: None, fallback: None },
                _ => Event::ModelInterrupted { call, usage: usage(5, 2) },
            }]);
            let ended = log.session.call(call).unwrap().into_owned();
            assert!(ended.usage.is_some());
            log.add(vec![Event::TurnEnded { turn, finished: true }]);
            assert_eq!(log.session.open_call(call), None);
            assert_eq!(log.session.call(call).as_deref(), Some(&ended));
        }
    }
}
