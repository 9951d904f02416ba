//! D1: one speaker says exactly the same again.

use super::{Detector, Seen, normal};
use crate::chat::Name;
use crate::chat::id::TurnId;
use crate::chat::message::{Author, MessageKind};
use crate::session::Session;
use crate::session::transcript::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many of a speaker's turns are looked at.
const WINDOW: usize = 8;
/// Repeats that are worth a badge.
const BADGE: usize = 2;
/// Repeats that hold the run.
const HOLD: usize = 4;

#[derive(Default)]
pub(super) struct Repeat {
    said: HashMap<Name, VecDeque<(u64, TurnId)>>,
}

impl Detector for Repeat {
    fn name(&self) -> &'static str {
        "D1 exact repeat"
    }

    fn observe(&mut self, entry: &Entry, _session: &Session) {
        let (Author::Agent(name), MessageKind::Reply) = (&entry.message.author, entry.message.kind) else { return };
        let mut hasher = DefaultHasher::new();
        normal(&entry.message.content).hash(&mut hasher);
        let said = self.said.entry(name.clone()).or_default();
        said.push_back((hasher.finish(), entry.message.turn.unwrap_or_default()));
        if said.len() > WINDOW {
            said.pop_front();
        }
    }

    fn seen(&self) -> Option<Seen> {
        // Each speaker's own newest words count, whoever spoke in between; the worst is told.
        let repeats = |said: &VecDeque<(u64, TurnId)>| -> Vec<TurnId> {
            let newest = said.back().map(|(hash, _)| *hash);
            said.iter().filter(|(hash, _)| Some(*hash) == newest).map(|(_, turn)| *turn).collect()
        };
        let (name, turns) = self
            .said
            .iter()
            .map(|(name, said)| (name, repeats(said)))
            .max_by_key(|(_, turns)| (turns.len(), turns.last().copied()))?;
        (turns.len() >= BADGE).then(|| Seen {
            text: format!("{name} said the same thing {} times", turns.len()),
            count: turns.len() as u32,
            alarm: turns.len() >= HOLD,
            turns,
        })
    }

    fn reset(&mut self) {
        *self = Repeat::default();
    }
}
