//! The only mutation: one record at a time, in order.
//!
//! What a record means for its branch stands in the file of its noun: `words`, `floor`, `calls`, `code`. Imports only
//! [`crate::chat`] and the nouns beside it. A new kind of event is an arm in [`State::fold`] and in one of these files.

mod by_hand;
mod calls;
mod code;
mod floor;
mod words;

use super::summary::Summary;
use super::turn::{Phase, Stage, Turn};
use super::{Branch, Ended, Ids, Session, Started, State};
use crate::chat::by_hand::ByHand;
use crate::chat::consult::ConsultAsked;
use crate::chat::end::Summarized;
use crate::chat::event::{EndCause, Event, HoldReason, Record};
use crate::chat::id::*;
use std::sync::Arc;

/// Why a record cannot be part of this log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Records must come without gaps.
    #[error("record {found} does not follow record {last}: the log has a gap")]
    Gap {
        /// The last record that was applied.
        last: u64,
        /// What came instead of its successor.
        found: u64,
    },
    /// A parent must be an earlier record, and HEAD unless a branch moved.
    #[error("record {seq} hangs from record {parent}, which is not where the session stood")]
    Parent {
        /// The record.
        seq: u64,
        /// The parent it names.
        parent: u64,
    },
    /// The first record of a session, and only the first, starts it.
    #[error("record {seq} is out of place: a session starts once, with its first record")]
    Start {
        /// The record.
        seq: u64,
    },
}

impl Session {
    /// Adds the next record and brings the state up to date. This is the only way in which a session changes.
    ///
    /// # Errors
    /// When the record does not continue the log; the session is then unchanged.
    pub fn apply(&mut self, record: Arc<Record>) -> Result<(), ApplyError> {
        let seq = record.seq;
        if seq != self.next_seq() {
            return Err(ApplyError::Gap { last: self.log.len() as u64, found: seq.0 });
        }
        let moved = matches!(record.event, Event::BranchMoved { .. });
        let starts = matches!(record.event, Event::SessionStarted { .. });
        if starts != self.head.is_none() {
            return Err(ApplyError::Start { seq: seq.0 });
        }
        let known = record.parent.is_none_or(|parent| parent < seq && parent.0 > 0);
        if !known || (!moved && record.parent != self.head) || (moved && record.parent.is_none()) {
            return Err(ApplyError::Parent { seq: seq.0, parent: record.parent.map_or(0, |parent| parent.0) });
        }
        if moved {
            let path = self.path_to(record.parent);
            let mut state = State { base: self.base, ..State::default() };
            for earlier in &path {
                state.fold(earlier);
            }
            // Servers are what they are on every branch.
            state.set_servers(&self.state.servers);
            self.state = state;
        }
        self.state.base = self.base;
        self.note(&record);
        self.state.fold(&record);
        self.head = Some(seq);
        self.log.push(record);
        Ok(())
    }

    /// The facts that belong to the whole tree, not to a branch.
    fn note(&mut self, record: &Record) {
        self.ids.note(&record.event);
        self.breaks.fold(&record.event);
        match self.branches.iter_mut().find(|branch| branch.id == record.branch) {
            Some(branch) => branch.tip = record.seq,
            None => {
                let name = match &record.event {
                    Event::BranchMoved { name, .. } => name.clone(),
                    _ => "main".to_owned(),
                };
                let from = record.parent;
                self.branches.push(Branch { id: record.branch, name, tip: record.seq, from });
            }
        }
        match record.event.innermost().1 {
            Event::SessionStarted { session, headless, .. } if self.started.is_none() => {
                self.started = Some(Started { session: session.clone(), headless: *headless, at: record.at });
            }
            Event::ModelAnswered { usage, .. }
            | Event::ModelFailed { usage, .. }
            | Event::ModelInterrupted { usage, .. } => self.spent.add(usage),
            Event::Intent { .. } => self.spent.executions += 1,
            _ => {}
        }
    }
}

impl Ids {
    fn note(&mut self, event: &Event) {
        fn raise(next: &mut u64, used: u64) {
            *next = (*next).max(used.saturating_add(1));
        }
        match event {
            Event::MessagePosted { message } => raise(&mut self.message.0, message.id.0),
            Event::TurnStarted { turn, .. } => raise(&mut self.turn.0, turn.0),
            Event::ModelCalled { call, .. } => raise(&mut self.call.0, call.0),
            Event::ApprovalAsked { approval, .. } | Event::ByHand(ByHand::Again { approval, .. }) => {
                raise(&mut self.approval.0, approval.0);
            }
            Event::HumanAsked { ask, .. } => raise(&mut self.ask.0, ask.0),
            Event::Intent { op, .. } | Event::ConsultAsked(ConsultAsked { op, .. }) => raise(&mut self.op.0, op.0),
            _ => {}
        }
    }
}

impl State {
    /// What one record means for the branch it is on.
    fn fold(&mut self, record: &Record) {
        match &record.event {
            Event::SessionStarted { team, .. } => {
                self.team = Some(team.clone());
                self.limits = Some(team.limits);
                self.members = team.agents.iter().map(|agent| agent.name.clone()).collect();
                self.context = team.context_variables.clone();
            }
            Event::Configured { agent, change } => {
                let members = self.team.as_mut().map(|team| &mut Arc::make_mut(team).agents);
                if let Some(member) = members.into_iter().flatten().find(|member| member.name == *agent) {
                    *member = change.applied(member);
                }
            }
            Event::ToolBarred(bar) => self.floor.bar_tool(bar),
            Event::LimitsChanged { limits } => self.limits = Some(*limits),
            Event::MessagePosted { .. } | Event::MessageEdited { .. } => self.fold_words(record),
            Event::SpeakerWanted { .. }
            | Event::SpeakerChosen { .. }
            | Event::ProposalWanted
            | Event::SpeakerBarred { .. }
            | Event::SpeakerUnbarred { .. }
            | Event::SelectorAnswered { .. }
            | Event::QueueChanged { .. }
            | Event::GraphStepped { .. }
            | Event::LedgerChanged { .. }
            | Event::TurnStarted { .. }
            | Event::TurnEnded { .. } => self.fold_floor(record),
            Event::ModelCalled { .. }
            | Event::ModelAnswered { .. }
            | Event::ModelFailed { .. }
            | Event::AgentFailed { .. }
            | Event::AnswerRejected(_)
            | Event::ModelInterrupted { .. } => self.fold_call(record),
            Event::ApprovalAsked { .. }
            | Event::ApprovalDecided { .. }
            | Event::LeashGiven { .. }
            | Event::ConsentRevoked { .. }
            | Event::Intent { .. }
            | Event::Started { .. }
            | Event::Outcome { .. }
            | Event::OutcomeUnknown { .. }
            | Event::OutcomeResolved { .. }
            | Event::ToolReturned { .. } => self.fold_code(record),
            Event::Tools(event) => self.fold_tools(event, record.at),
            Event::ContextChanged { set } => {
                for (name, value) in set {
                    if value.is_null() {
                        self.context.shift_remove(name);
                    } else {
                        self.context.insert(name.clone(), value.clone());
                    }
                }
            }
            Event::HumanAsked { .. } | Event::HumanAnswered { .. } => self.fold_ask(record),
            Event::ConsultAsked(_) | Event::ConsultAnswered(_) => self.consults.fold(record),
            Event::TerminationAsked => self.termination_asked = true,
            Event::HoldAsked { boundary } => self.hold_asked = Some(*boundary),
            Event::Held { .. } if self.ended.is_some() => {}
            Event::Held { why } => {
                if *why == HoldReason::Opened {
                    self.activity.cut();
                }
                self.hold = Some(why.clone());
                self.hold_asked = None;
                self.stepping = false;
            }
            Event::Released { step } => {
                if self.ended.take().is_some() {
                    // A new run without new words.
                    self.begin_run(record);
                }
                self.fold_release(*step);
            }
            Event::DetectorChanged(_) | Event::ProgressMade { .. } | Event::DetectorJudged { .. } => {
                self.findings.fold(&record.event);
            }
            Event::BranchMoved { .. } => {
                self.activity.cut();
                self.fold_arrival();
            }
            Event::ByHand(deed) => self.fold_by_hand(deed, record),
            Event::Breaks(breaks) => self.fold_breaks(breaks, record),
            Event::Inner { agent, event } => self.fold_inner(agent, event, record),
            Event::Concluding { agent } => self.concluding = Some((agent.clone(), false)),
            Event::BudgetCrossed { .. } | Event::TimeExtended { .. } => {}
            Event::Summarized(Summarized { method, text, problem, .. }) => {
                let (text, problem) = (text.clone(), problem.clone());
                self.summing.done = Some(Summary { method: *method, text, problem });
            }
            Event::Ended { cause, text, agent, totals, detail, achieved } => {
                self.summing = Default::default();
                self.ended = Some(Ended {
                    cause: cause.clone(),
                    text: text.clone(),
                    agent: agent.clone(),
                    totals: *totals,
                    detail: detail.clone(),
                    achieved: achieved.clone(),
                });
                self.hold = None;
                self.hold_asked = None;
                self.stepping = false;
                self.turns.clear();
                self.concluding = None;
                self.floor.wanted = None;
                self.floor.proposing = false;
                self.floor.selecting = Default::default();
                if *cause == EndCause::Complete {
                    self.floor.graph = None;
                    self.floor.finished.clear();
                }
            }
        }
        self.fold_passing(record);
        if matches!(
            record.event,
            Event::TurnEnded { .. }
                | Event::ModelAnswered { .. }
                | Event::ModelFailed { .. }
                | Event::ModelInterrupted { .. }
                | Event::BranchMoved { .. }
                | Event::Ended { .. }
        ) {
            self.calls.retire(&self.turns);
        }
        let waits =
            !self.transcript.is_empty() && self.floor.wanted.is_none() && !self.turns.iter().any(Turn::is_waiting);
        let inner_waits = self.active_inners().any(|inner| !inner.waiting().is_empty() || inner.hold().is_some());
        let waits = waits && !inner_waits;
        let busy = self.turns.iter().any(Turn::is_busy)
            || self.floor.selecting.inquiry.is_busy()
            || self.consults.open().is_some()
            || self.active_inners().any(Session::is_busy);
        let going = self.ended.is_none() && (busy || (self.hold.is_none() && waits));
        self.activity.set(going, record.at);
    }

    /// What was in flight at the record one arrives at went on without this branch: no answer to it will come here, and
    /// a consent that was asked for there may be used up. Its speaker gets the floor back and asks anew.
    fn fold_arrival(&mut self) {
        // What was allowed was allowed there.
        self.void_consent();
        self.by_hand.clear();
        self.inner.values_mut().for_each(|inner| inner.state.fold_arrival());
        let left = |turn: &mut Turn| {
            matches!(turn.inquiry.phase, Phase::Calling(_))
                || turn
                    .stages()
                    .any(|stage| matches!(stage, Stage::Consent(_) | Stage::Decided(_) | Stage::Running(..)))
        };
        for turn in self.turns.extract_if(.., left) {
            for stage in turn.stages() {
                if let Stage::Running(_, approval) = stage
                    && let Some(asked) = self.approvals.get(approval)
                {
                    self.ran_elsewhere.insert(asked.hash.clone());
                }
            }
            self.floor.retry.push(turn.agent);
        }
        for turn in self.turns.iter_mut().filter(|turn| matches!(turn.inquiry.phase, Phase::Failed(_))) {
            turn.inquiry = Default::default();
        }
        if let Phase::Calling(_) = self.floor.selecting.inquiry.phase {
            self.floor.selecting = Default::default();
        }
        self.consults.leave();
        if self.summing.inquiry.is_busy() {
            self.summing.inquiry.phase = Phase::Idle;
        }
    }

    fn fold_release(&mut self, step: bool) {
        // Going on after a failure means asking again from the start.
        if let Some(HoldReason::Failed { .. }) = self.hold {
            for turn in &mut self.turns {
                if matches!(turn.inquiry.phase, Phase::Failed(_)) {
                    turn.inquiry = Default::default();
                    turn.rejected.clear();
                }
            }
            if matches!(self.floor.selecting.inquiry.phase, Phase::Failed(_)) {
                self.floor.selecting.inquiry = Default::default();
            }
        }
        if self.hold.is_some() && self.floor.wanted.as_ref().is_some_and(|wanted| wanted.until.is_some()) {
            // Time that passed while nothing could happen is not time to think: the pick is asked for again.
            self.floor.wanted = None;
        }
        if let Some(HoldReason::Ask { .. }) = self.hold {
            self.transcript.decided();
        }
        self.hold = None;
        self.hold_asked = None;
        self.stepping = step;
    }

    pub(super) fn stage(&mut self, id: TurnId, stage: Stage, record: &Record) {
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id) {
            turn.stage = stage;
            turn.stage_since = record.at;
        }
    }
}
