//! What a run adds up to so far: counts that would otherwise mean reading it again.
//!
//! Kept with every message, so that whoever asks - a rule, a condition - pays the same at any length of the run.

use crate::chat::message::{Message, MessageKind};
use crate::chat::{Name, UnixMillis};
use std::collections::HashMap;
use std::sync::Arc;

/// The counts of the present run.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Position in the transcript of the newest message that the team shares.
    pub last: Option<usize>,
    /// Position of the newest shared code result.
    pub last_code: Option<usize>,
    /// Turns that are over.
    pub turns: u32,
    /// After how many turns the operator last said that the run goes on.
    pub decided: Option<u32>,
    /// When the run began, by the wall clock.
    pub since: UnixMillis,
    /// Running time of the branch before the run, in milliseconds.
    pub active_before: u64,
    speakers: HashMap<Name, Spoken>,
    tools: HashMap<String, u32>,
}

/// What one author has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spoken {
    /// Shared messages.
    pub messages: u32,
    /// Position in the transcript of the newest.
    pub last: Option<usize>,
    /// How many messages the run had with it.
    pub round: u32,
}

impl Tally {
    /// Of a run that begins at `since`, after so many milliseconds of running time on its branch.
    pub(super) fn begun(since: UnixMillis, active_before: u64) -> Self {
        Tally { since, active_before, ..Tally::default() }
    }

    /// What the author of that name has said; `user` is the operator.
    pub fn by(&self, name: &str) -> Spoken {
        self.speakers.get(name).copied().unwrap_or_default()
    }

    /// How often a tool has answered.
    pub fn tool_results(&self, tool: &str) -> u32 {
        self.tools.get(tool).copied().unwrap_or_default()
    }

    /// A message stands at this position; the run has this many messages with it.
    pub(super) fn hear(&mut self, message: &Message, place: usize, round: u32) {
        for result in &message.tool_results {
            *self.tools.entry(result.name.clone()).or_default() += 1;
        }
        if !message.is_shared() {
            return;
        }
        self.last = Some(place);
        if message.kind == MessageKind::CodeResult {
            self.last_code = Some(place);
        }
        let spoken = self.speakers.entry(Arc::from(message.author.name())).or_default();
        *spoken = Spoken { messages: spoken.messages + 1, last: Some(place), round };
    }
}
