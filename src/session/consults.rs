//! What programs were asked, and what they answered.

use crate::chat::consult::Advice;
use crate::chat::consult::ConsultAnswered;
use crate::chat::consult::ConsultAsked;
use crate::chat::event::{Event, Record};
use crate::chat::id::{OpId, TurnId};
use std::collections::BTreeMap;

/// The newest question of each selector and condition.
#[derive(Debug, Clone, Default)]
pub struct Consults(BTreeMap<String, Consult>);

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consult {
    /// The effect.
    pub op: OpId,
    /// The turn that was to come when it was asked.
    pub turn: TurnId,
    /// The answer, once it is there.
    pub advice: Option<Advice>,
}

impl Consults {
    /// The newest question of this selector or condition.
    pub fn get(&self, key: &str) -> Option<&Consult> {
        self.0.get(key)
    }

    /// The question that waits for an answer: who asks, and the effect.
    pub fn open(&self) -> Option<(&str, OpId)> {
        let open = self.0.iter().find(|(_, consult)| consult.advice.is_none());
        open.map(|(key, consult)| (key.as_str(), consult.op))
    }

    pub(super) fn fold(&mut self, record: &Record) {
        match &record.event {
            Event::ConsultAsked(ConsultAsked { op, turn, key, .. }) => {
                self.0.insert(key.clone(), Consult { op: *op, turn: *turn, advice: None });
            }
            Event::ConsultAnswered(ConsultAnswered { op, advice, stopped }) => {
                if *stopped {
                    // It was told to stop: its question is open again.
                    self.0.retain(|_, consult| consult.op != *op);
                } else if let Some(consult) = self.0.values_mut().find(|consult| consult.op == *op) {
                    consult.advice = Some(advice.clone());
                }
            }
            _ => {}
        }
    }

    /// What was open on the branch that was left gets no answer here.
    pub(super) fn leave(&mut self) {
        self.0.retain(|_, consult| consult.advice.is_some());
    }
}
