//! Going in circles: one file a detector.
//!
//! A detector reads the messages of the active branch once each and says what it sees in the newest ones; anything the
//! operator says or edits clears it. Findings are badges; a strong one holds the run at the turn boundary, or ends it
//! when nobody is there (exit code 4). Pure; may import [`crate::session`], [`crate::chat`] and [`crate::catalog`]. To
//! add one: a file with a type that is a [`Detector`], and its line in [`Watch::default`]. The identifiers (D1, D8 …)
//! and thresholds are those of the reference (supervision, section 3.2).

mod repeat;
mod same_failure;

use crate::chat::event::Event;
use crate::chat::id::{BranchId, TurnId};
use crate::chat::message::{Author, MessageKind};
use crate::session::Session;
use crate::session::transcript::Entry;

/// Sees one kind of going in circles.
pub trait Detector: Send {
    /// Identifier and name, as shown: `D8 same failure`.
    fn name(&self) -> &'static str;

    /// A message was heard.
    fn observe(&mut self, entry: &Entry, session: &Session);

    /// What the newest messages show.
    fn seen(&self) -> Option<Seen>;

    /// The operator stepped in, or another branch is active: forget.
    fn reset(&mut self);
}

/// What a detector sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// In words, with the count.
    pub text: String,
    /// How many times.
    pub count: u32,
    /// The turns that match, oldest first.
    pub turns: Vec<TurnId>,
    /// Whether the run should hold.
    pub alarm: bool,
}

/// All detectors, kept up to date with a session.
pub struct Watch {
    detectors: Vec<Box<dyn Detector>>,
    read: (BranchId, u64, usize),
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            detectors: vec![Box::<repeat::Repeat>::default(), Box::<same_failure::SameFailure>::default()],
            read: (BranchId(0), 0, 0),
        }
    }
}

impl Watch {
    /// Reads what is new. Returns the findings that changed, and the words of a new alarm.
    pub fn look(&mut self, session: &Session) -> (Vec<Event>, Option<String>) {
        let transcript = session.transcript();
        let (branch, edits, mut from) = self.read;
        if (branch, edits) != (session.branch(), transcript.edits()) || from > transcript.len() {
            self.detectors.iter_mut().for_each(|detector| detector.reset());
            from = 0;
        }
        for entry in &transcript.entries()[from..] {
            if !entry.message.is_shared() {
                continue;
            }
            let by_person = entry.message.by_operator
                || entry.message.author == Author::Operator
                || entry.message.kind == MessageKind::Human;
            for detector in &mut self.detectors {
                if by_person || entry.revision > 0 {
                    detector.reset();
                } else {
                    detector.observe(entry, session);
                }
            }
        }
        self.read = (session.branch(), transcript.edits(), transcript.len());
        let mut events = Vec::new();
        let mut alarm = None;
        for detector in &self.detectors {
            let shown = session.findings().iter().find(|finding| finding.detector == detector.name());
            let before = shown.map_or(0, |finding| finding.count);
            let seen = detector.seen();
            let count = seen.as_ref().map_or(0, |seen| seen.count);
            if count == before {
                continue;
            }
            let (text, turns) = seen.as_ref().map_or_else(Default::default, |seen| {
                if seen.alarm && count > before {
                    alarm.get_or_insert_with(|| format!("{}: {}", detector.name(), seen.text));
                }
                (seen.text.clone(), seen.turns.clone())
            });
            events.push(Event::DetectorChanged { detector: detector.name().to_owned(), text, count, turns });
        }
        (events, alarm)
    }
}

/// Lower case, white space collapsed, markdown emphasis removed (normalisation level N1 of the reference).
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !matches!(c, '*' | '_' | '`')).flat_map(char::to_lowercase));
    }
    out
}

#[cfg(test)]
mod tests;
