//! The messages on the active branch, in order.

use super::tally::Tally;
use crate::chat::UnixMillis;
use crate::chat::id::{MessageId, Seq};
use crate::chat::message::{Completeness, Message};
use std::collections::HashMap;
use std::sync::Arc;

/// One message with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The message as it stands now.
    pub message: Arc<Message>,
    /// The record that posted it: where an edit or a fork leaves from.
    pub seq: Seq,
    /// When it was posted.
    pub at: UnixMillis,
    /// How often it was edited on this branch.
    pub revision: u32,
    /// What it said before the first edit.
    pub original: Option<Arc<str>>,
    /// It was edited in place: what follows was said before that.
    pub amended: bool,
}

/// The messages on the active branch.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    entries: Vec<Entry>,
    places: HashMap<MessageId, usize>,
    run_from: usize,
    run_since: Seq,
    aside: u32,
    edits: u64,
    tally: Tally,
    /// What took the place of something, newest last: how to get back to an earlier moment of this branch.
    replaced: Vec<Replaced>,
}

/// Something that stood there before.
#[derive(Debug, Clone)]
enum Replaced {
    /// An entry at its position, before an edit.
    Entry(usize, Entry),
    /// The position of an identity that was posted again. Only a log that nobody wrote has one.
    Place(MessageId, usize),
}

/// The transcript as it was at a record.
#[derive(Debug)]
pub(super) struct TranscriptThen {
    entries: usize,
    replaced: usize,
    /// All that is no list.
    rest: Transcript,
}

impl Transcript {
    /// As it is now.
    pub(super) fn then(&self) -> TranscriptThen {
        let Transcript { run_from, run_since, aside, edits, .. } = *self;
        let rest = Transcript { run_from, run_since, aside, edits, tally: self.tally.clone(), ..Transcript::default() };
        TranscriptThen { entries: self.entries.len(), replaced: self.replaced.len(), rest }
    }

    /// Back to how it was on the way here.
    pub(super) fn take_back(&mut self, then: &TranscriptThen) {
        for (place, entry) in self.entries.iter().enumerate().skip(then.entries) {
            if self.places.get(&entry.message.id) == Some(&place) {
                self.places.remove(&entry.message.id);
            }
        }
        for replaced in self.replaced.drain(then.replaced.min(self.replaced.len())..).rev() {
            match replaced {
                Replaced::Entry(place, entry) => self.entries[place] = entry,
                Replaced::Place(id, place) => {
                    self.places.insert(id, place);
                }
            }
        }
        self.entries.truncate(then.entries);
        let Transcript { run_from, run_since, aside, edits, ref tally, .. } = then.rest;
        (self.run_from, self.run_since, self.aside, self.edits) = (run_from, run_since, aside, edits);
        self.tally = tally.clone();
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many messages there are, interrupted ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The messages, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The messages of the present run: a finished session that goes on starts a new one.
    pub fn run(&self) -> &[Entry] {
        &self.entries[self.run_from.min(self.entries.len())..]
    }

    /// Index of the first message of the present run.
    pub fn run_from(&self) -> usize {
        self.run_from
    }

    /// The record with which the present run began.
    pub fn run_since(&self) -> Seq {
        self.run_since
    }

    /// A message by identity.
    pub fn get(&self, id: MessageId) -> Option<&Entry> {
        self.places.get(&id).and_then(|place| self.entries.get(*place))
    }

    /// Position of a message.
    pub fn place(&self, id: MessageId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The newest message that this agent hears.
    pub fn last_heard_by(&self, agent: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.message.is_heard_by(agent))
    }

    /// Raised by every edit, so that whoever keeps something derived knows when to start over.
    pub fn edits(&self) -> u64 {
        self.edits
    }

    /// Messages of the present run that count as rounds: those that the team shares.
    pub fn rounds(&self) -> u32 {
        (self.entries.len() - self.run_from.min(self.entries.len())) as u32 - self.aside
    }

    /// What the present run adds up to.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// A turn of the present run is over.
    pub(super) fn turn_over(&mut self) {
        self.tally.turns += 1;
    }

    pub(super) fn post(&mut self, message: Arc<Message>, seq: Seq, at: UnixMillis) {
        let shared = message.is_shared();
        let (place, round) = (self.entries.len(), self.rounds() + u32::from(shared));
        self.tally.hear(&message, place, round);
        self.aside += u32::from(!shared);
        if let Some(before) = self.places.insert(message.id, self.entries.len()) {
            self.replaced.push(Replaced::Place(message.id, before));
        }
        self.entries.push(Entry { message, seq, at, revision: 0, original: None, amended: false });
    }

    pub(super) fn edit(&mut self, id: MessageId, content: Arc<str>) -> bool {
        let Some(&place) = self.places.get(&id) else { return false };
        let Some(entry) = self.entries.get_mut(place) else { return false };
        self.replaced.push(Replaced::Entry(place, entry.clone()));
        let mut message = (*entry.message).clone();
        let before = std::mem::replace(&mut message.content, content);
        let aside = !message.is_shared();
        // What the operator wrote is whole, whatever the model had left unfinished.
        message.completeness = Completeness::Whole;
        let joins = aside && message.is_shared();
        let message = Arc::new(message);
        entry.message = message.clone();
        entry.revision += 1;
        entry.original.get_or_insert(before);
        self.edits += 1;
        if joins {
            self.aside = self.aside.saturating_sub(1);
            self.tally.hear(&message, place, self.rounds());
        }
        true
    }

    /// An edit in place, of the text or of one tool result.
    pub(super) fn amend(&mut self, id: MessageId, result: Option<usize>, content: Arc<str>) {
        match result {
            None => {
                self.edit(id, content);
            }
            Some(n) => {
                let entry = self.places.get(&id).and_then(|place| self.entries.get_mut(*place));
                let Some(entry) = entry else { return };
                if let Some(result) = Arc::make_mut(&mut entry.message).tool_results.get_mut(n) {
                    result.content = content;
                    entry.revision += 1;
                    self.edits += 1;
                }
            }
        }
        if let Some(entry) = self.places.get(&id).and_then(|place| self.entries.get_mut(*place)) {
            entry.amended = true;
        }
    }

    /// The operator said that the run goes on.
    pub(super) fn decided(&mut self) {
        self.tally.decided = Some(self.tally.turns);
    }

    pub(super) fn start_run(&mut self, since: Seq, at: UnixMillis, active_before: u64) {
        self.run_since = since;
        self.run_from = self.entries.len();
        self.aside = 0;
        self.tally = Tally::begun(at, active_before);
    }
}
