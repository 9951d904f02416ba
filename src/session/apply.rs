//! The only mutation: one record at a time, in order.

use super::turn::{Approval, Ask, Phase, Stage, Turn};
use super::{Branch, Ended, Finding, Ids, Session, Started, State, floor::Attempt, floor::Wanted};
use crate::chat::event::{Answer, AskKind, Boundary, Event, HoldReason, Record, Resolution, Verdict};
use crate::chat::id::*;
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::request::Purpose;
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
            let mut state = State::default();
            for earlier in &path {
                state.fold(earlier);
            }
            self.state = state;
        }
        self.note(&record);
        self.state.fold(&record);
        self.head = Some(seq);
        self.log.push(record);
        Ok(())
    }

    /// The facts that belong to the whole tree, not to a branch.
    fn note(&mut self, record: &Record) {
        self.ids.note(&record.event);
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
        match &record.event {
            Event::SessionStarted { session, team, headless, .. } => {
                self.started =
                    Some(Started { session: session.clone(), team: team.clone(), headless: *headless, at: record.at });
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
            Event::ApprovalAsked { approval, .. } => raise(&mut self.approval.0, approval.0),
            Event::HumanAsked { ask, .. } => raise(&mut self.ask.0, ask.0),
            Event::Intent { op, .. } => raise(&mut self.op.0, op.0),
            _ => {}
        }
    }
}

impl State {
    /// What one record means for the branch it is on.
    fn fold(&mut self, record: &Record) {
        match &record.event {
            Event::SessionStarted { team, .. } => self.limits = Some(team.limits),
            Event::LimitsChanged { limits } => self.limits = Some(*limits),
            Event::MessagePosted { .. } | Event::MessageEdited { .. } => self.fold_words(record),
            Event::SpeakerWanted { .. }
            | Event::SpeakerChosen { .. }
            | Event::SelectorAnswered { .. }
            | Event::QueueChanged { .. }
            | Event::TurnStarted { .. }
            | Event::TurnEnded { .. } => self.fold_floor(record),
            Event::ModelCalled { .. }
            | Event::ModelAnswered { .. }
            | Event::ModelFailed { .. }
            | Event::ModelInterrupted { .. } => self.fold_call(record),
            Event::ApprovalAsked { .. }
            | Event::ApprovalDecided { .. }
            | Event::Intent { .. }
            | Event::Started { .. }
            | Event::Outcome { .. }
            | Event::OutcomeUnknown { .. }
            | Event::OutcomeResolved { .. } => self.fold_code(record),
            Event::HumanAsked { .. } | Event::HumanAnswered { .. } => self.fold_ask(record),
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
            Event::Released { step } => self.fold_release(*step),
            Event::DetectorChanged { detector, text, count, turns } => {
                self.findings.retain(|finding| finding.detector != *detector);
                if *count > 0 {
                    self.findings.push(Finding {
                        detector: detector.clone(),
                        text: text.clone(),
                        count: *count,
                        turns: turns.clone(),
                    });
                }
            }
            Event::BranchMoved { .. } => {
                self.activity.cut();
                self.fold_arrival();
            }
            Event::BudgetCrossed { .. } => {}
            Event::Ended { cause, text, agent, totals } => {
                self.ended =
                    Some(Ended { cause: cause.clone(), text: text.clone(), agent: agent.clone(), totals: *totals });
                self.hold = None;
                self.hold_asked = None;
                self.stepping = false;
                self.turns.clear();
                self.floor.wanted = None;
                self.floor.selecting = Default::default();
            }
        }
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
        let waits = !self.transcript.is_empty()
            && self.floor.wanted.is_none()
            && !self
                .turns
                .iter()
                .any(|turn| matches!(turn.stage, Stage::Consent(_) | Stage::Asked(_) | Stage::Unknown(_)));
        let busy = self.turns.iter().any(Turn::is_busy) || self.floor.selecting.inquiry.is_busy();
        let going = self.ended.is_none() && (busy || (self.hold.is_none() && waits));
        self.activity.set(going, record.at);
    }

    /// What was in flight at the record one arrives at went on without this branch: no answer to it will come here, and
    /// a consent that was acted on there is used up. Its speaker gets the floor back and asks anew.
    fn fold_arrival(&mut self) {
        let left = |turn: &mut Turn| {
            matches!(turn.inquiry.phase, Phase::Calling(_))
                || matches!(turn.stage, Stage::Decided(_) | Stage::Running(..))
        };
        for turn in self.turns.extract_if(.., left) {
            if let Stage::Running(_, approval) = turn.stage
                && let Some(asked) = self.approvals.get(&approval)
            {
                self.ran_elsewhere.insert(asked.hash.clone());
            }
            self.floor.retry = Some(turn.agent);
        }
        for turn in self.turns.iter_mut().filter(|turn| matches!(turn.inquiry.phase, Phase::Failed(_))) {
            turn.inquiry = Default::default();
        }
        if let Phase::Calling(_) = self.floor.selecting.inquiry.phase {
            self.floor.selecting = Default::default();
        }
    }

    fn fold_release(&mut self, step: bool) {
        // Going on after a failure means asking again from the start.
        if let Some(HoldReason::Failed { .. }) = self.hold {
            for turn in &mut self.turns {
                if matches!(turn.inquiry.phase, Phase::Failed(_)) {
                    turn.inquiry = Default::default();
                }
            }
            if matches!(self.floor.selecting.inquiry.phase, Phase::Failed(_)) {
                self.floor.selecting.inquiry = Default::default();
            }
        }
        self.hold = None;
        self.hold_asked = None;
        self.stepping = step;
    }

    fn fold_words(&mut self, record: &Record) {
        match &record.event {
            Event::MessagePosted { message } => {
                let by_person = message.by_operator || message.kind == MessageKind::Human;
                let starts = self.ended.take().is_some();
                if starts {
                    // Words after the end begin a new run of the same session.
                    self.transcript.start_run();
                }
                if starts || message.author == Author::Operator {
                    // A person has spoken to all of them (AG2: every start sets the counters to 0).
                    self.agents.values_mut().for_each(|meter| meter.auto_replies = 0);
                }
                if message.author == Author::Operator && message.kind == MessageKind::Task {
                    self.transcript.start_run();
                }
                self.transcript.post(message.clone(), record.seq, record.at);
                if let Author::Agent(name) = &message.author {
                    if message.by_operator {
                        // No turn says that it has spoken; to the team it has.
                        self.floor.last_speaker = Some(name.clone());
                    }
                    let meter = self.agents.entry(name.clone()).or_default();
                    if by_person {
                        meter.auto_replies = 0;
                    } else if message.completeness != Completeness::Interrupted {
                        meter.auto_replies += 1;
                    }
                }
                if let Some(id) = message.turn {
                    self.stage(id, Stage::Posted, record);
                }
            }
            Event::MessageEdited { message, content } => {
                self.transcript.edit(*message, content.clone());
                // What was cut short is whole now: its turn has said what it had to say.
                let call = self.transcript.get(*message).and_then(|entry| entry.message.call);
                if let Some(turn) = call.and_then(|call| self.calls.turn(call)) {
                    self.stage(turn, Stage::Posted, record);
                }
            }
            _ => {}
        }
    }

    fn fold_floor(&mut self, record: &Record) {
        match &record.event {
            Event::SpeakerWanted { candidates, barred, proposed } => {
                self.floor.wanted =
                    Some(Wanted { candidates: candidates.clone(), barred: barred.clone(), proposed: proposed.clone() });
            }
            Event::SpeakerChosen { choice } => {
                if self.floor.queue.first() == Some(&choice.agent) && choice.mode == "queue" {
                    self.floor.queue.remove(0);
                }
                self.floor.choice = Some(choice.clone());
                self.floor.wanted = None;
                self.floor.retry = None;
                self.floor.selecting = Default::default();
            }
            Event::SelectorAnswered { call, answer, mentions } => {
                self.floor.selecting.inquiry = Default::default();
                self.floor.selecting.attempts.push(Attempt {
                    call: *call,
                    answer: answer.clone(),
                    mentions: mentions.clone(),
                });
            }
            Event::QueueChanged { queue } => self.floor.queue = queue.clone(),
            Event::TurnStarted { turn, agent } => self.turns.push(Turn {
                id: *turn,
                agent: agent.clone(),
                stage: Stage::Begun,
                inquiry: Default::default(),
                since: record.at,
                stage_since: record.at,
            }),
            Event::TurnEnded { turn, finished } => {
                if let Some(place) = self.turns.iter().position(|open| open.id == *turn) {
                    let turn = self.turns.remove(place);
                    if std::mem::take(&mut self.stepping) {
                        self.hold_asked = Some(Boundary::Turn);
                    }
                    if *finished {
                        self.agents.entry(turn.agent.clone()).or_default().turns += 1;
                        self.floor.last_speaker = Some(turn.agent);
                    } else {
                        self.floor.retry = Some(turn.agent);
                    }
                }
            }
            _ => {}
        }
    }

    fn fold_call(&mut self, record: &Record) {
        match &record.event {
            Event::ModelCalled { call, turn, model, .. } => {
                self.calls.ask(record);
                if let Some(id) = turn {
                    self.stage(*id, Stage::Wording, record);
                }
                if let Some(inquiry) = self.inquiry(*turn) {
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
            Event::ModelAnswered { call, usage, .. } | Event::ModelInterrupted { call, usage } => {
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
            _ => {}
        }
    }

    fn fold_code(&mut self, record: &Record) {
        match &record.event {
            Event::ApprovalAsked { approval, turn, agent, source, payload, hash } => {
                self.approvals.insert(
                    *approval,
                    Approval {
                        id: *approval,
                        turn: *turn,
                        agent: agent.clone(),
                        source: *source,
                        payload: payload.clone(),
                        original: None,
                        hash: hash.clone(),
                        at: record.at,
                        decision: None,
                    },
                );
                self.stage(*turn, Stage::Consent(*approval), record);
            }
            Event::ApprovalDecided { approval, verdict, hash, remember, .. } => {
                let Some(asked) = self.approvals.get_mut(approval) else { return };
                if let Verdict::RunEdited(blocks) = verdict {
                    let mut payload = (*asked.payload).clone();
                    payload.blocks = blocks.clone();
                    asked.original = Some(std::mem::replace(&mut asked.payload, Arc::new(payload)));
                    asked.hash = hash.clone();
                }
                asked.decision = Some((verdict.clone(), record.actor.clone()));
                let (turn, agent) = (asked.turn, asked.agent.clone());
                if *remember {
                    self.grants.insert((agent, hash.clone()));
                }
                self.stage(turn, Stage::Decided(*approval), record);
            }
            Event::Intent { op, approval, .. } => {
                if let Some(turn) = self.approvals.get(approval).map(|asked| asked.turn) {
                    self.stage(turn, Stage::Running(*op, *approval), record);
                }
            }
            Event::Outcome { op, execution } => {
                if let Some((turn, approval)) = self.running(*op) {
                    if let Some(agent) = self.turns.iter().find(|open| open.id == turn).map(|open| open.agent.clone()) {
                        self.agents.entry(agent).or_default().last_exit = Some(execution.exit_code);
                    }
                    self.stage(turn, Stage::Ran(*op, approval, execution.clone()), record);
                }
            }
            Event::OutcomeUnknown { op } => {
                if let Some((turn, _)) = self.running(*op) {
                    self.stage(turn, Stage::Unknown(*op), record);
                }
            }
            Event::OutcomeResolved { op, resolution } => {
                let turn = self.turns.iter().find(|turn| turn.stage == Stage::Unknown(*op)).map(|turn| turn.id);
                if let (Some(turn), Resolution::AskAgain) = (turn, resolution) {
                    self.stage(turn, Stage::Begun, record);
                }
            }
            _ => {}
        }
    }

    fn fold_ask(&mut self, record: &Record) {
        match &record.event {
            Event::HumanAsked { ask, turn, agent, ask_kind } => {
                let asked = Ask { id: *ask, turn: *turn, agent: agent.clone(), kind: *ask_kind, at: record.at };
                self.asks.insert(*ask, asked);
                self.stage(*turn, Stage::Asked(*ask), record);
            }
            Event::HumanAnswered { ask, answer } => {
                let Some(asked) = self.asks.get(ask).cloned() else { return };
                if matches!((answer, asked.kind), (Answer::Skip, AskKind::Feedback | AskKind::LimitReached)) {
                    self.stage(asked.turn, Stage::Cleared, record);
                }
            }
            _ => {}
        }
    }

    fn stage(&mut self, id: TurnId, stage: Stage, record: &Record) {
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id) {
            turn.stage = stage;
            turn.stage_since = record.at;
        }
    }

    fn running(&self, op: OpId) -> Option<(TurnId, ApprovalId)> {
        self.turns.iter().find_map(|turn| match turn.stage {
            Stage::Running(running, approval) if running == op => Some((turn.id, approval)),
            _ => None,
        })
    }

    fn inquiry(&mut self, turn: Option<TurnId>) -> Option<&mut super::turn::Inquiry> {
        match turn {
            None => Some(&mut self.floor.selecting.inquiry),
            Some(id) => self.turns.iter_mut().find(|turn| turn.id == id).map(|turn| &mut turn.inquiry),
        }
    }

    /// Sets the phase of the line that this call is on, if it still is.
    fn line(&mut self, call: CallId, phase: Phase) {
        let turn = self.calls.turn(call);
        if let Some(inquiry) = self.inquiry(turn)
            && inquiry.phase == Phase::Calling(call)
        {
            inquiry.phase = phase;
        }
    }

    fn settle(&mut self, id: CallId, usage: &crate::chat::usage::Usage, record: &Record) {
        let Some(call) = self.calls.settle(id, record) else { return };
        match call.purpose {
            Purpose::Speak => self.agents.entry(call.agent.clone()).or_default().add(usage),
            Purpose::Select => self.selector.add(usage),
        }
    }
}
