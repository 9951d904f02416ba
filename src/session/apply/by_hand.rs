//! What is done by hand: consent and outcome of code that runs again, and the directories of a branch.

use super::super::State;
use super::super::by_hand::Hand;
use super::super::turn::Approval;
use crate::chat::by_hand::ByHand;
use crate::chat::event::{Event, Record, Verdict};
use crate::chat::id::OpId;

impl State {
    pub(super) fn fold_by_hand(&mut self, deed: &ByHand, record: &Record) {
        match deed {
            ByHand::Again { approval, of, agent, payload, hash } => {
                let before = self.approvals.values().find(|asked| asked.payload.blocks == payload.blocks);
                let source = before.map(|asked| asked.source).unwrap_or_default();
                let asked = Approval {
                    id: *approval,
                    turn: None,
                    agent: agent.clone(),
                    source,
                    payload: payload.clone(),
                    original: None,
                    hash: hash.clone(),
                    at: record.at,
                    decision: None,
                };
                self.approvals.insert(*approval, asked);
                let hand = Hand { approval: *approval, of: *of, agent: agent.clone(), op: None, since: record.at };
                self.by_hand.push(hand);
            }
            ByHand::Void => self.by_hand.clear(),
            ByHand::Shell { .. } => {}
            ByHand::Copied { copies } => {
                self.workspaces.extend(copies.iter().map(|copy| (copy.from.clone(), copy.to.clone())));
            }
        }
    }

    /// The part of an execution's records that concerns what runs by hand.
    pub(super) fn fold_hand(&mut self, record: &Record) {
        match &record.event {
            Event::ApprovalDecided { approval, verdict: Verdict::Deny(_), .. } => {
                self.by_hand.retain(|hand| hand.approval != *approval);
            }
            Event::Intent { op, approval, .. } => {
                if let Some(hand) = self.by_hand.iter_mut().find(|hand| hand.approval == *approval) {
                    (hand.op, hand.since) = (Some(*op), record.at);
                }
            }
            Event::Outcome { op, .. } | Event::OutcomeUnknown { op } => self.end_hand(*op),
            _ => {}
        }
    }

    fn end_hand(&mut self, op: OpId) {
        self.by_hand.retain(|hand| hand.op != Some(op));
    }
}
