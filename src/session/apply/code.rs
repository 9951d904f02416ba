//! Code and tools: consent, intent, outcome, result.

use super::super::State;
use super::super::reading::granted_tool;
use super::super::turn::{Approval, Stage};
use crate::chat::event::{Actor, Event, Record, Resolution, Verdict};
use crate::chat::id::{ApprovalId, OpId, TurnId};
use crate::chat::leash;
use std::sync::Arc;

impl State {
    pub(super) fn fold_code(&mut self, record: &Record) {
        self.fold_hand(record);
        match &record.event {
            Event::ApprovalAsked { approval, turn, agent, source, payload, hash } => {
                self.approvals.insert(
                    *approval,
                    Approval {
                        id: *approval,
                        turn: Some(*turn),
                        agent: agent.clone(),
                        source: *source,
                        payload: payload.clone(),
                        original: None,
                        hash: hash.clone(),
                        at: record.at,
                        decision: None,
                    },
                );
                let call = payload.tool.as_ref().map(|tool| tool.call_id.as_str());
                self.stage_call(*turn, call, Stage::Consent(*approval), record);
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
                if record.actor == Actor::Policy(leash::POLICY.to_owned())
                    && let Some(left) = self.leashes.get_mut(&asked.agent).and_then(|leash| leash.executions.as_mut())
                {
                    *left = left.saturating_sub(1);
                }
                let (turn, agent) = (asked.turn, asked.agent.clone());
                if *remember {
                    // No two calls of a tool are the same, so what is remembered is the tool.
                    let granted = asked.payload.tool.as_ref().map_or_else(|| hash.clone(), granted_tool);
                    self.grants.insert((agent, granted));
                }
                if let Some(turn) = turn {
                    self.advance(turn, &Stage::Consent(*approval), Stage::Decided(*approval), record);
                }
            }
            Event::LeashGiven { agent, leash } => {
                self.leashes.insert(agent.clone(), *leash);
            }
            Event::ConsentRevoked { agent } => match agent {
                None => self.void_consent(),
                Some(agent) => {
                    self.leashes.remove(agent);
                    self.grants.retain(|(whose, _)| whose != agent);
                }
            },
            Event::Intent { op, approval, .. } => {
                if let Some(turn) = self.approvals.get(approval).and_then(|asked| asked.turn) {
                    self.advance(turn, &Stage::Decided(*approval), Stage::Running(*op, *approval), record);
                }
            }
            Event::Outcome { op, execution } => {
                if let Some((turn, approval)) = self.running(*op) {
                    if let Some(agent) = self.turns.iter().find(|open| open.id == turn).map(|open| open.agent.clone()) {
                        self.agents.entry(agent).or_default().last_exit = Some(execution.exit_code);
                    }
                    let ran = Stage::Ran(*op, approval, execution.clone());
                    self.advance(turn, &Stage::Running(*op, approval), ran, record);
                }
            }
            Event::ToolReturned { turn, result, handoff } => {
                if let Some(open) = self.turns.iter_mut().find(|open| open.id == *turn) {
                    if let Some(place) = open.tools.place_of(&result.call_id, |_| true) {
                        open.tools.results[place] = Some(result.clone());
                        open.tools.stages[place] = Stage::Posted;
                    }
                    if open.tools.handoff.is_none() {
                        open.tools.handoff = handoff.clone();
                    }
                }
                self.stage(*turn, Stage::Calling, record);
            }
            Event::OutcomeUnknown { op } => {
                if let Some((turn, approval)) = self.running(*op) {
                    self.advance(turn, &Stage::Running(*op, approval), Stage::Unknown(*op), record);
                }
            }
            Event::OutcomeResolved { op, resolution } => {
                let unknown = Stage::Unknown(*op);
                let turn = self.turns.iter().find(|turn| turn.stages().any(|stage| *stage == unknown));
                if let (Some(turn), Resolution::AskAgain) = (turn.map(|turn| turn.id), resolution) {
                    self.advance(turn, &unknown, Stage::Begun, record);
                }
            }
            _ => {}
        }
    }

    /// What was allowed in advance is allowed no more.
    pub(super) fn void_consent(&mut self) {
        self.leashes.clear();
        self.grants.clear();
        self.consent_since = self.approvals.keys().next_back().map_or(ApprovalId(0), |last| ApprovalId(last.0 + 1));
    }

    fn running(&self, op: OpId) -> Option<(TurnId, ApprovalId)> {
        self.turns.iter().find_map(|turn| {
            turn.stages().find_map(|stage| match stage {
                Stage::Running(running, approval) if *running == op => Some((turn.id, *approval)),
                _ => None,
            })
        })
    }

    /// A stage of the tool call of that identity that nothing was done about yet; without one, of the turn.
    fn stage_call(&mut self, id: TurnId, call: Option<&str>, stage: Stage, record: &Record) {
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id)
            && let Some(place) = call.and_then(|call| turn.tools.place_of(call, |stage| *stage == Stage::Begun))
        {
            turn.tools.stages[place] = stage;
            turn.stage_since = record.at;
            return;
        }
        self.stage(id, stage, record);
    }

    /// The next stage of the tool call that is at `from`; of the turn, if no call is.
    fn advance(&mut self, id: TurnId, from: &Stage, to: Stage, record: &Record) {
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id)
            && turn.tools.advance(|stage| stage == from, &to)
        {
            turn.stage_since = record.at;
            return;
        }
        self.stage(id, to, record);
    }
}
