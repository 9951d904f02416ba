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
                    self.stage(turn, Stage::Decided(*approval), record);
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
            Event::ToolReturned { turn, result, handoff } => {
                if let Some(open) = self.turns.iter_mut().find(|open| open.id == *turn) {
                    open.tools.results.push(result.clone());
                    if open.tools.handoff.is_none() {
                        open.tools.handoff = handoff.clone();
                    }
                }
                self.stage(*turn, Stage::Calling, record);
            }
            Event::OutcomeUnknown { op } => {
                if let Some((turn, _)) = self.running(*op) {
                    self.stage(turn, Stage::Unknown(*op), record);
                }
            }
            Event::OutcomeResolved { op, resolution } => {
                let turn = self.turns.iter().find(|turn| turn.stage == Stage::Unknown(*op)).map(|turn| turn.id);
                if let (Some(turn), Resolution::AskAgain) = (turn, resolution) {
                    let calls = self.turns.iter().any(|open| open.id == turn && open.tools.next().is_some());
                    self.stage(turn, if calls { Stage::Calling } else { Stage::Begun }, record);
                }
            }
            _ => {}
        }
    }

    /// What was allowed in advance is allowed no more.
    pub(super) fn void_consent(&mut self) {
        self.leashes.clear();
        self.grants.clear();
    }

    fn running(&self, op: OpId) -> Option<(TurnId, ApprovalId)> {
        self.turns.iter().find_map(|turn| match turn.stage {
            Stage::Running(running, approval) if running == op => Some((turn.id, approval)),
            _ => None,
        })
    }
}
