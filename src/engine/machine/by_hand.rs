//! What the operator does by hand: code that runs again, files that are looked at, a branch that gets copies of its
//! directories. None of it is part of a turn, so none of it waits for one, or for a hold.

use super::Machine;
use crate::chat::UnixMillis;
use crate::chat::by_hand::{ByHand, FileSeen, WorkCopy};
use crate::chat::command::Command;
use crate::chat::event::{Actor, Event};
use crate::chat::id::OpId;
use crate::chat::update::{Delta, Update};
use crate::engine::effect::{Effect, Input};
use crate::session::Session;

impl Machine {
    /// Code that was allowed by hand begins.
    pub(super) fn start_by_hand(&self, session: &Session) -> Option<Vec<Effect>> {
        let (hand, asked) = session.hands_to_start()?;
        let op = session.ids().op;
        let intent = Event::Intent { op, approval: hand.approval, hash: asked.hash.clone() };
        Some(vec![
            Effect::append(Actor::System, vec![intent]),
            Effect::Run { op, agent: hand.agent.clone(), payload: asked.payload.clone(), hash: asked.hash.clone() },
        ])
    }

    /// A branch has its copies, or cannot have them.
    pub(super) fn on_copied(
        &mut self,
        then: Command,
        copies: Result<Vec<WorkCopy>, String>,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let copies = match copies {
            Ok(copies) => copies,
            Err(words) => return vec![Effect::Refuse(words)],
        };
        let mut effects = self.on(Input::Command(then), session, now);
        let moves = effects.iter_mut().rev().find_map(|effect| match effect {
            Effect::Append { events, moved: Some(_), .. } => Some(events),
            _ => None,
        });
        // Right behind the move: nothing on the branch comes before it.
        if let Some(events) = moves {
            events.insert(1, Event::ByHand(ByHand::Copied { copies }));
        }
        effects
    }
}

/// What `command` wants done by hand, if it is one of those.
pub(super) fn deeds(command: &Command, session: &Session) -> Option<Vec<Effect>> {
    match command {
        Command::LookAt { op, path } => {
            let ran = session.executions().into_iter().find(|ran| ran.op == *op)?;
            let work_dir = session.approval(ran.approval)?.payload.place.work_dir.clone();
            Some(vec![Effect::Look { work_dir, op: *op, path: path.clone() }])
        }
        Command::Afresh { then } => {
            let done = session.stays_done(session.target(then)?);
            let work_dirs = done.work_dirs.iter().map(|dir| session.workspace(dir).to_owned()).collect();
            let leave_out = done.created.into_iter().collect();
            let name = format!("branch-{}", session.branches().len());
            Some(vec![Effect::Copy { work_dirs, name, leave_out, then: then.clone() }])
        }
        _ => None,
    }
}

/// A file was looked at.
pub(super) fn seen(seen: FileSeen) -> Vec<Effect> {
    vec![Effect::Show(Update::File { file: Box::new(seen) })]
}

/// A program uses so much memory now.
pub(super) fn held(op: OpId, bytes: u64, session: &Session) -> Vec<Effect> {
    if session.running().contains(&op) { vec![Effect::Delta(Delta::Memory { op, bytes })] } else { Vec::new() }
}
