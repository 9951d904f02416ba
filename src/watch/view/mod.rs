//! What detectors look at: the newest steps of a conversation as fingerprints, whatever it was read from.
//!
//! [`View::hear`] takes one message at a time, from a session or from a plain message list, so a stored conversation is
//! judged exactly as a live one. It keeps the last `KEPT` steps and acts and some counters, never text; an operator's
//! word clears the tail. The work for a message is proportional to its length.

pub(crate) mod lexicon;
pub(crate) mod outcome;
mod phrases;
mod reading;
mod said;
pub(crate) mod sketch;
pub(crate) mod step;
pub(crate) mod words;

pub use said::{Asked, Fact, Given, Said};

pub(crate) mod acts;

use crate::chat::event::Progress as Event;
use crate::chat::usage::Money;
use crate::chat::{Name, UnixMillis};
use sketch::Seen;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use step::{Act, Likeness, Place, Progress, Step, What};

/// Steps and acts that are kept.
pub(crate) const KEPT: usize = 96;
/// Turns whose cost is kept: a look costs the same at any length of the run.
const PAID: usize = 205;
/// How far back a word counts as said already.
const RECENT: usize = 24;

/// The newest steps of a conversation.
#[derive(Debug, Clone, Default)]
pub struct View {
    tail: VecDeque<Step>,
    acts: VecDeque<Act>,
    waiting: acts::Waiting,
    errors: BTreeSet<u64>,
    results: BTreeSet<u64>,
    keys: BTreeSet<u64>,
    seen: Seen,
    used: Seen,
    speakers: BTreeMap<Name, u32>,
    clusters: u32,
    progress: Option<Event>,
    since_strong: u32,
    since_weak: u32,
    last_exit_failed: bool,
    picks: VecDeque<(usize, bool)>,
    squeezed: VecDeque<(usize, u32)>,
    restarts: VecDeque<(usize, Name)>,
    stalls: u32,
    stalled: VecDeque<usize>,
    paid: Vec<Money>,
    chant: Option<(usize, super::chant::Chanted)>,
    ended: bool,
    changing: bool,
    patient: bool,
    courtesies: Vec<String>,
    messages: usize,
}

impl View {
    /// A view that knows these additional courtesies (lower case).
    pub fn new(courtesies: Vec<String>) -> Self {
        View { courtesies, ..View::default() }
    }

    /// Reads one message.
    pub fn hear(&mut self, said: &Said<'_>) {
        self.messages = self.messages.max(said.place.message + 1);
        self.progress = None;
        if said.task || said.person {
            self.clear();
            self.patient = reading::asks_for_repetition(said.text);
            let words = words::words(said.text);
            for shingle in sketch::shingles(&words) {
                self.seen.note(shingle);
            }
            self.took_note_of(said, &words);
            return;
        }
        if self.take_results(said) && said.calls.is_empty() {
            let moved = self.tail.back().map_or(Progress::None, |step| step.progress);
            self.count(moved);
            return;
        }
        let step = self.step_of(said);
        for asked in &said.calls {
            self.waiting.ask(asked, &said.speaker, said.place);
        }
        if let Some(code) = step.code {
            self.waiting.write(code, &said.speaker, said.place);
        }
        *self.speakers.entry(said.speaker.clone()).or_default() += 1;
        self.read_ledger(said);
        if step.ends {
            self.ended = true;
        }
        if step.marks.greeting && self.tail.len() >= 3 && step.repeats {
            self.restarts.push_back((said.place.message, said.speaker.clone()));
        }
        self.count(step.progress);
        if self.chant.is_none() || !said.text.is_empty() {
            // A program may print what it likes.
            let spoken = step.what != What::Result;
            let chanted = spoken.then(|| super::chant::in_text(said.text)).flatten();
            self.chant = chanted.map(|chanted| (said.place.message, chanted));
        }
        self.push(step);
    }

    /// Reads a fact that is no message.
    pub fn note(&mut self, fact: Fact) {
        let at = self.messages;
        match fact {
            Fact::Picked { attempts, fell_back } => {
                self.picks.push_back((at, fell_back || attempts > 3));
                if self.picks.len() > 10 {
                    self.picks.pop_front();
                }
            }
            Fact::Squeezed => {
                let acts = self.acts.len() as u32;
                self.squeezed.push_back((at, acts));
                if self.squeezed.len() > 10 {
                    self.squeezed.pop_front();
                }
            }
            Fact::Paid(cost) => {
                self.paid.push(cost);
                if self.paid.len() > PAID {
                    self.paid.remove(0);
                }
            }
        }
    }

    /// A person stepped in: what was before does not count any more.
    pub fn clear(&mut self) {
        self.tail.clear();
        self.acts.clear();
        self.waiting = Default::default();
        self.errors.clear();
        self.picks.clear();
        self.squeezed.clear();
        self.restarts.clear();
        self.stalled.clear();
        self.paid.clear();
        (self.since_strong, self.since_weak, self.stalls) = (0, 0, 0);
        self.last_exit_failed = false;
        self.chant = None;
        self.ended = false;
        self.patient = false;
    }

    /// The newest steps since a person last stepped in, oldest first.
    pub(super) fn tail(&self) -> &VecDeque<Step> {
        &self.tail
    }

    /// The newest calls and executions with their results, oldest first.
    pub(super) fn acts(&self) -> &VecDeque<Act> {
        &self.acts
    }

    /// How many speakers have spoken in the run.
    pub(super) fn speakers(&self) -> usize {
        self.speakers.len()
    }

    /// How many different speakers the last steps have.
    pub(super) fn recent_speakers(&self) -> usize {
        self.tail
            .iter()
            .rev()
            .filter(|step| step.what != What::Result)
            .take(RECENT)
            .map(|step| &step.speaker)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Steps since something clearly new, and since anything new.
    pub(super) fn without_progress(&self) -> (u32, u32) {
        (self.since_strong, self.since_weak)
    }

    /// What the newest message has moved on, if anything.
    pub fn progress(&self) -> Option<&Event> {
        self.progress.as_ref()
    }

    /// Whether the task itself asks for repetition ("every 5 minutes", "each of the 20 files").
    pub fn is_patient(&self) -> bool {
        self.patient
    }

    /// Whether the word that ends the conversation was said.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn picks(&self) -> &VecDeque<(usize, bool)> {
        &self.picks
    }

    pub(super) fn squeezed(&self) -> &VecDeque<(usize, u32)> {
        &self.squeezed
    }

    pub(super) fn restarts(&self) -> &VecDeque<(usize, Name)> {
        &self.restarts
    }

    pub(super) fn stalls(&self) -> (u32, &VecDeque<usize>) {
        (self.stalls, &self.stalled)
    }

    pub(super) fn paid(&self) -> &[Money] {
        &self.paid
    }

    pub(super) fn chant(&self) -> Option<&(usize, super::chant::Chanted)> {
        self.chant.as_ref()
    }

    /// Messages read so far.
    pub fn messages(&self) -> usize {
        self.messages
    }

    fn push(&mut self, step: Step) {
        self.tail.push_back(step);
        if self.tail.len() > KEPT {
            self.tail.pop_front();
        }
    }

    fn count(&mut self, progress: Progress) {
        (self.since_strong, self.since_weak) = match progress {
            Progress::Strong => (0, 0),
            Progress::Weak => (self.since_strong + 1, 0),
            Progress::None => (self.since_strong + 1, self.since_weak + 1),
        };
    }

    fn advanced(&mut self, what: Event) -> Progress {
        self.progress = Some(what);
        Progress::Strong
    }

    /// A ledger that an orchestrator keeps (AutoGen: MagenticOne): looping or standing still counts up, progress down.
    fn read_ledger(&mut self, said: &Said<'_>) {
        let Some(stalls) = super::ledger::read(said.text) else { return };
        if stalls {
            self.stalls += 1;
            self.stalled.push_back(said.place.message);
        } else {
            self.stalls = self.stalls.saturating_sub(1);
        }
        while self.stalled.len() > self.stalls as usize {
            self.stalled.pop_front();
        }
    }

    /// Whether two steps of a speaker are alike, for detectors.
    pub(super) fn like(newest: &Step, earlier: &Step) -> Option<Likeness> {
        newest.like(earlier)
    }

    pub(super) fn time_between(from: Place, to: Place) -> Option<UnixMillis> {
        Some(to.at? - from.at?)
    }
}
