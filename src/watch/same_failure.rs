//! D8: the same code fails in the same way again. Running identical failing code cannot help.

use super::{Detector, Seen, normal};
use crate::chat::id::TurnId;
use crate::chat::message::MessageKind;
use crate::session::Session;
use crate::session::transcript::Entry;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many executions of the run are looked at.
const WINDOW: usize = 8;
/// Repeats that are worth a badge.
const BADGE: usize = 2;
/// Repeats that hold the run.
const HOLD: usize = 3;

#[derive(Default)]
pub(super) struct SameFailure {
    ran: VecDeque<(Option<u64>, TurnId)>,
}

impl Detector for SameFailure {
    fn name(&self) -> &'static str {
        "D8 same failure"
    }

    fn observe(&mut self, entry: &Entry, session: &Session) {
        if entry.message.kind != MessageKind::CodeResult {
            return;
        }
        let Some(turn) = entry.message.turn else { return };
        let succeeded = entry.message.content.starts_with("exitcode: 0 ");
        let key = session.approvals().rev().find(|asked| asked.turn == turn).filter(|_| !succeeded).map(|asked| {
            let mut hasher = DefaultHasher::new();
            for block in &asked.payload.blocks {
                normal(&block.code).hash(&mut hasher);
            }
            // The error's signature: its first line carries the exit code, its last the message.
            let content = &entry.message.content;
            content.lines().next().hash(&mut hasher);
            content.lines().rev().find(|line| !line.trim().is_empty()).map(normal).hash(&mut hasher);
            hasher.finish()
        });
        self.ran.push_back((key, turn));
        if self.ran.len() > WINDOW {
            self.ran.pop_front();
        }
    }

    fn seen(&self) -> Option<Seen> {
        let newest = self.ran.back()?.0?;
        let turns: Vec<TurnId> =
            self.ran.iter().filter(|(key, _)| *key == Some(newest)).map(|(_, turn)| *turn).collect();
        (turns.len() >= BADGE).then(|| Seen {
            text: format!("the same code failed in the same way {} times", turns.len()),
            count: turns.len() as u32,
            alarm: turns.len() >= HOLD,
            turns,
        })
    }

    fn reset(&mut self) {
        self.ran.clear();
    }
}
