//! The conversations of nested teams: each a session of its own, inside the branch of the one around it.
//!
//! What happens in one is a record of the outer session ([`Event::Inner`]), so it forks, replays and recovers with it.
//! Its messages stand in the outer transcript too, marked as said within, heard by nobody outside.

use super::{Ids, Session, State};
use crate::chat::Name;
use crate::chat::command::Command;
use crate::chat::event::{Event, Record};
use crate::chat::id::{ApprovalId, AskId, BranchId, CallId, MessageId, NESTED, OpId};
use crate::chat::message::Message;
use crate::chat::server::ToolsCommand;
use crate::session::turn::{Phase, Stage, Turn};
use std::sync::Arc;

/// Most members that a team may have when teams nest: their places make the numbers of the inner session.
pub const MOST_MEMBERS: u64 = 63;

impl Session {
    /// The conversation of the team behind an agent; `None` before its first word.
    pub fn inner(&self, agent: &str) -> Option<&Session> {
        self.state.inner.get(agent)
    }

    /// All conversations of nested teams, by the agent that they stand behind.
    pub fn inners(&self) -> impl Iterator<Item = (&Name, &Session)> {
        self.state.inner.iter()
    }

    /// The conversations that go on: their agent's turn waits for them.
    pub(super) fn active_inners(&self) -> impl Iterator<Item = &Session> {
        self.state.active_inners()
    }

    /// The nested team that this command is for.
    pub fn inner_for(&self, command: &Command) -> Option<&Name> {
        let own = |session: &Session| match command {
            Command::Decide { approval, .. } | Command::DenyAndHold { approval, .. } => {
                session.approval(*approval).is_some()
            }
            Command::Tools(ToolsCommand::Answer { approval, .. }) => session.approval(*approval).is_some(),
            Command::Reply { ask, .. } => session.ask(*ask).is_some(),
            Command::Resolve { op, .. } | Command::EndProgram { op } | Command::ExtendTime { op, .. } => {
                session.runs(*op)
            }
            Command::Resume | Command::Step | Command::RaiseLimits => {
                session.state.ended.is_none() && session.hold().is_some()
            }
            _ => false,
        };
        self.inners().find(|(_, inner)| own(inner)).map(|(name, _)| name)
    }

    /// Whether a turn of this session, or of a team in it, runs or waits for that effect.
    pub fn runs(&self, op: OpId) -> bool {
        let here = self.state.turns.iter().flat_map(Turn::stages).any(|stage| match stage {
            Stage::Running(running, _) | Stage::Unknown(running) => *running == op,
            _ => false,
        });
        here || self.inners().any(|(_, inner)| inner.runs(op))
    }

    /// Effects that are under way, in nested teams too.
    pub fn running(&self) -> Vec<OpId> {
        let own = self.state.turns.iter().flat_map(Turn::stages).filter_map(|stage| match stage {
            Stage::Running(op, _) => Some(*op),
            _ => None,
        });
        own.chain(self.hands_running()).chain(self.active_inners().flat_map(Session::running)).collect()
    }

    /// The call of the turn of this agent that is under way, or that of whoever speaks in the team behind it.
    pub fn call_of(&self, agent: &str) -> Option<CallId> {
        let turn = self.turn_of(agent)?;
        match (turn.stage == Stage::Within, &turn.inquiry.phase) {
            (false, Phase::Calling(call)) => Some(*call),
            (true, _) => {
                let inner = self.inner(agent)?;
                inner.state.turns.iter().find_map(|turn| inner.call_of(&turn.agent))
            }
            _ => None,
        }
    }

    /// Who has the floor in the team behind this agent, outermost first; nobody while it does not talk.
    pub fn speakers_within(&self, agent: &str) -> Vec<&Name> {
        let talks = self.turn_of(agent).is_some_and(|turn| turn.stage == Stage::Within);
        let Some(inner) = self.inner(agent).filter(|_| talks) else { return Vec::new() };
        let Some(turn) = inner.state.turns.first() else { return Vec::new() };
        std::iter::once(&turn.agent).chain(inner.speakers_within(&turn.agent)).collect()
    }

    /// Whether that call is under way here or in a nested team.
    pub fn is_calling(&self, call: CallId) -> bool {
        let own = |phase: &Phase| *phase == Phase::Calling(call);
        own(&self.state.floor.selecting.inquiry.phase)
            || own(&self.state.summing.inquiry.phase)
            || self.state.turns.iter().any(|turn| own(&turn.inquiry.phase))
            || self.active_inners().any(|inner| inner.is_calling(call))
    }

    pub(super) fn inner_approval(&self, id: ApprovalId) -> Option<&super::turn::Approval> {
        self.inners().find_map(|(_, inner)| inner.approval(id))
    }

    pub(super) fn inner_ask(&self, id: AskId) -> Option<&super::turn::Ask> {
        self.inners().find_map(|(_, inner)| inner.ask(id))
    }

    /// The first number of the conversation behind an agent that has not begun.
    pub fn inner_numbers(&self, agent: &str) -> MessageId {
        MessageId(self.state.inner_base(agent))
    }

    /// A session whose numbers begin where those of no other do.
    fn numbered(base: u64) -> Session {
        let mut session = Session { base, ..Session::default() };
        let Ids { turn, message, call, approval, ask, op } = &mut session.ids;
        for id in [&mut turn.0, &mut message.0, &mut call.0, &mut approval.0, &mut ask.0, &mut op.0] {
            *id = base;
        }
        session
    }
}

impl State {
    pub(super) fn active_inners(&self) -> impl Iterator<Item = &Session> {
        let waits = |name: &Name| self.turns.iter().any(|turn| turn.agent == *name && turn.stage == Stage::Within);
        self.inner.iter().filter(move |(name, _)| waits(name)).map(|(_, inner)| inner)
    }

    fn inner_base(&self, agent: &str) -> u64 {
        let place = self.members.iter().position(|member| &**member == agent).unwrap_or(0) as u64;
        (self.base / NESTED * (MOST_MEMBERS + 1) + place + 1) * NESTED
    }

    /// One record of a nested team.
    pub(super) fn fold_inner(&mut self, agent: &Name, event: &Event, record: &Record) {
        let base = self.inner_base(agent);
        let servers = Arc::clone(&self.servers);
        let inner = self.inner.entry(agent.clone()).or_insert_with(|| Session::numbered(base));
        // What the branch works in, those within work in.
        inner.state.workspaces.clone_from(&self.workspaces);
        if matches!(event, Event::SessionStarted { .. }) {
            // Its members begin afresh; only the numbers go on.
            *inner = Session { base, ids: inner.ids, ..Session::default() };
        }
        inner.state.set_servers(&servers);
        let told = Record {
            seq: inner.next_seq(),
            parent: inner.head(),
            branch: BranchId(0),
            actor: record.actor.clone(),
            at: record.at,
            event: event.clone(),
        };
        if inner.apply(Arc::new(told)).is_err() {
            // Only a log that nobody wrote has such a record; it means nothing.
            return;
        }
        match event.innermost() {
            (path, Event::MessagePosted { message }) => {
                let within = std::iter::once(agent).chain(path).cloned().collect();
                self.transcript.post(Arc::new(Message { within, ..(**message).clone() }), record.seq, record.at);
            }
            (_, Event::MessageEdited { message, content }) => {
                self.transcript.edit(*message, content.clone());
            }
            (
                _,
                Event::ModelAnswered { usage, .. }
                | Event::ModelFailed { usage, .. }
                | Event::ModelInterrupted { usage, .. },
            ) => self.agents.entry(agent.clone()).or_default().add(usage),
            _ => {}
        }
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.agent == *agent && turn.stage != Stage::Posted) {
            turn.entered = true;
            if turn.stage != Stage::Within {
                turn.stage = Stage::Within;
                turn.stage_since = record.at;
            }
        }
    }
}
