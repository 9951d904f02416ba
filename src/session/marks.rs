//! Places on the active branch to fold from, so that going back costs what lies between and not the whole log.
//!
//! A mark is a copy of the state without what only grows: of those it knows the length, and takes the rest back. Marks
//! are derived, never stored, and say nothing that the log does not: folding from one gives the state that folding from
//! the first record gives (a property test says so for every distance between marks).

use super::calls::CallsThen;
use super::transcript::TranscriptThen;
use super::{Session, State};
use crate::chat::id::Seq;
use std::sync::Arc;

/// Records between two marks of a short log.
const EVERY: u64 = 512;
/// Most marks that are kept; when there are more, every second goes and the distance doubles.
const MOST: usize = 64;

/// The marks of the active branch, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    every: u64,
    list: Vec<Arc<Mark>>,
}

impl Default for Marks {
    fn default() -> Self {
        Marks { every: EVERY, list: Vec::new() }
    }
}

#[derive(Debug)]
struct Mark {
    seq: Seq,
    /// Without transcript and without calls that were over.
    state: State,
    transcript: TranscriptThen,
    calls: CallsThen,
}

impl Session {
    /// Folds a log with marks at other distances than usual.
    #[cfg(test)]
    pub(crate) fn replay_marked(
        records: impl IntoIterator<Item = Arc<crate::chat::event::Record>>,
        every: u64,
    ) -> Result<Self, super::ApplyError> {
        let mut session = Session { marks: Marks { every, list: Vec::new() }, ..Session::default() };
        for record in records {
            session.apply(record)?;
        }
        Ok(session)
    }

    /// Everything that the session knows, in lines whose order means nothing: for comparing two folds.
    #[cfg(test)]
    pub(crate) fn known(&self) -> Vec<String> {
        let whole = format!("{:#?}{:#?}{:?}{:?}", self.state, self.branches, self.ids, self.spent);
        let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    }

    /// The session with HEAD at another record, to be looked at: a branch that is not active, say. What was spent, the
    /// numbers and the branches stay those of the whole log.
    pub fn at(&self, seq: Seq) -> Option<Session> {
        self.record(seq)?;
        let mut there = self.clone();
        there.state = there.state_at(Some(seq));
        there.head = Some(seq);
        Some(there)
    }

    /// The state at a record, for whoever goes there.
    pub(super) fn state_at(&mut self, place: Option<Seq>) -> State {
        let mut later = Vec::new();
        let mut at = place;
        let mut state = loop {
            let Some(seq) = at else { break State { base: self.base, ..State::default() } };
            while self.marks.list.last().is_some_and(|mark| mark.seq > seq) {
                self.marks.list.pop();
            }
            if let Some(mark) = self.marks.list.last().filter(|mark| mark.seq == seq) {
                let mut state = mark.state.clone();
                state.transcript = std::mem::take(&mut self.state.transcript);
                state.transcript.take_back(&mark.transcript);
                state.calls = std::mem::take(&mut self.state.calls);
                state.calls.take_back(&mark.calls);
                break state;
            }
            let Some(record) = self.record(seq) else { break State { base: self.base, ..State::default() } };
            let record = record.clone();
            at = record.parent;
            later.push(record);
        };
        later.iter().rev().for_each(|record| state.fold(record));
        state
    }

    /// Called when HEAD has grown by a record.
    pub(super) fn mark(&mut self) {
        let (Some(head), 0) = (self.head, self.base) else { return };
        let Marks { every, list } = &mut self.marks;
        if head.0 < list.last().map_or(0, |mark| mark.seq.0) + *every {
            return;
        }
        let whole = (std::mem::take(&mut self.state.transcript), std::mem::take(&mut self.state.calls));
        let state = self.state.clone();
        (self.state.transcript, self.state.calls) = whole;
        let (transcript, calls) = (self.state.transcript.then(), self.state.calls.then(head));
        list.push(Arc::new(Mark { seq: head, state, transcript, calls }));
        if list.len() > MOST {
            let mut place = 0;
            list.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            *every *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::{Log, speakers};

    #[test]
    fn a_long_log_has_few_marks_and_going_back_folds_little() {
        let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
        for n in 0..2_000 {
            log.says(if n % 2 == 0 { "a" } else { "b" }, "words");
        }
        let records = log.session.log().len() as u64;
        let Marks { every, list } = &log.session.marks;
        assert!(list.len() <= MOST && list.len() > 8, "{}", list.len());
        assert!(list.windows(2).all(|pair| pair[1].seq.0 - pair[0].seq.0 <= 2 * every));
        assert!(records - list.last().unwrap().seq.0 <= *every);
    }

    #[test]
    fn marks_thin_out_instead_of_growing_with_the_log() {
        let log = {
            let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
            for _ in 0..100 {
                log.says("a", "words");
            }
            log
        };
        let session = Session::replay_marked(log.session.log().iter().cloned(), 1).unwrap();
        assert!(session.marks.list.len() <= MOST && session.marks.every >= 8);
        assert_eq!(session.known(), log.session.known());
    }
}
