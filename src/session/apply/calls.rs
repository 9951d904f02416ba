//! What is asked of models.

use super::super::State;
use super::super::turn::{Inquiry, Phase, Stage};
use crate::chat::Name;
use crate::chat::calling::Calling;
use crate::chat::configure::Change;
use crate::chat::event::{AfterFailure, Event, Record};
use crate::chat::format::Rejection;
use crate::chat::id::{CallId, TurnId};
use crate::chat::request::{Failure, FailureKind, Purpose};
use crate::chat::usage::Usage;

impl State {
    pub(super) fn fold_call(&mut self, record: &Record) {
        match &record.event {
            Event::ModelCalled { call, turn, model, purpose, .. } => {
                self.calls.ask(record);
                if let Some(id) = turn {
                    self.stage(*id, Stage::Wording, record);
                }
                if let Some(inquiry) = self.inquiry(*turn, *purpose) {
                    if inquiry.models.last() == Some(model) {
                        inquiry.tries += 1;
                    } else {
                        inquiry.models.push(model.clone());
                        inquiry.tries = 1;
                    }
                    inquiry.attempts += 1;
                    inquiry.phase = Phase::Calling(*call);
                }
            }
            Event::ModelAnswered { call, usage, .. } => {
                self.settle(*call, usage, record);
                // The next question of the same turn starts over, with the first model.
                let Some((turn, purpose)) = self.calls.line(*call) else { return };
                if let Some(inquiry) = self.inquiry(turn, purpose)
                    && inquiry.phase == Phase::Calling(*call)
                {
                    *inquiry = Inquiry::default();
                }
            }
            Event::ModelInterrupted { call, usage } => {
                self.settle(*call, usage, record);
                self.line(*call, Phase::Idle);
            }
            Event::ModelFailed { call, failure, usage, retry_ms, fallback } => {
                self.settle(*call, usage, record);
                let model = fallback.clone().or_else(|| self.calls.open(*call).map(|call| call.model.clone()));
                let phase = match (retry_ms, model) {
                    (Some(wait), Some(model)) => {
                        Phase::Backoff { until: record.at + *wait as i64, model, failure: failure.clone() }
                    }
                    _ => Phase::Failed(failure.clone()),
                };
                self.line(*call, phase);
            }
            Event::AnswerRejected(Rejection { turn, answer, why, last, .. }) => {
                if let Some(turn) = self.turns.iter_mut().find(|open| open.id == *turn) {
                    turn.rejected.push((answer.clone(), why.clone()));
                    if *last {
                        let failure = format!("No answer had the shape it must have. {why}");
                        turn.inquiry.phase = Phase::Failed(Failure::new(FailureKind::Garbled, failure));
                    }
                }
            }
            Event::AgentFailed { turn, text, then, .. } => match then {
                AfterFailure::Skip => self.floor.skipped += 1,
                AfterFailure::Retry { wait_ms, .. } => {
                    if let Some(turn) = self.turns.iter_mut().find(|open| open.id == *turn) {
                        turn.retries += 1;
                        turn.rejected.clear();
                        let model = turn.inquiry.models.first().cloned().unwrap_or_default();
                        let failure = Failure::new(FailureKind::Unreachable, text.as_str());
                        let until = record.at + *wait_ms as i64;
                        let phase = Phase::Backoff { until, model, failure };
                        turn.inquiry = Inquiry { phase, ..Inquiry::default() };
                    }
                }
            },
            _ => {}
        }
    }

    /// What the operator, or the way to a provider, says about calls.
    pub(super) fn fold_calling(&mut self, calling: &Calling, record: &Record) {
        let other = match calling {
            Calling::Hastened { model } => model,
            Calling::BudgetsChanged { budgets } => {
                self.budgets = Some(budgets.clone());
                return;
            }
            Calling::Noted(_) => return,
        };
        let turns = self.turns.iter_mut().map(|turn| &mut turn.inquiry);
        for inquiry in turns.chain([&mut self.floor.selecting.inquiry, &mut self.summing.inquiry]) {
            if let Phase::Backoff { until, model, .. } = &mut inquiry.phase {
                *until = record.at;
                *model = other.clone().unwrap_or_else(|| model.clone());
            }
        }
        self.inner.values_mut().for_each(|inner| inner.state.fold_calling(calling, record));
    }

    /// An agent that waits for its next attempt makes it with its new model, and now.
    pub(super) fn fold_other_model(&mut self, agent: &Name, change: &Change, record: &Record) {
        let Some(other) = &change.model else { return };
        let turn = self.turns.iter_mut().find(|turn| turn.agent == *agent);
        if let Some(Phase::Backoff { until, model, .. }) = turn.map(|turn| &mut turn.inquiry.phase) {
            *until = record.at;
            *model = other.clone();
        }
    }

    fn inquiry(&mut self, turn: Option<TurnId>, purpose: Purpose) -> Option<&mut Inquiry> {
        match turn {
            None if purpose == Purpose::Summarize => Some(&mut self.summing.inquiry),
            None if purpose == Purpose::Judge => Some(&mut self.judging.inquiry),
            None => Some(&mut self.floor.selecting.inquiry),
            Some(id) => self.turns.iter_mut().find(|turn| turn.id == id).map(|turn| &mut turn.inquiry),
        }
    }

    /// Sets the phase of the line that this call is on, if it still is.
    fn line(&mut self, call: CallId, phase: Phase) {
        let Some((turn, purpose)) = self.calls.line(call) else { return };
        if let Some(inquiry) = self.inquiry(turn, purpose)
            && inquiry.phase == Phase::Calling(call)
        {
            inquiry.phase = phase;
        }
    }

    fn settle(&mut self, id: CallId, usage: &Usage, record: &Record) {
        let Some(call) = self.calls.settle(id, record) else { return };
        match call.purpose {
            Purpose::Speak => self.agents.entry(call.agent.clone()).or_default().add(usage),
            Purpose::Select => self.selector.add(usage),
            Purpose::Summarize => self.summing.meter.add(usage),
            // Its budget is that of the session: [`Session::judge_meter`].
            Purpose::Judge => {}
        }
    }
}
