//! Each agent once, in the order of the team file; then the run is complete (Agent Framework: SequentialBuilder).

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::Entry;
use crate::chat::event::{Choice, EndCause};
use crate::session::Session;

/// `speaker_selection_method = "sequential"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "sequential",
    about: "each agent once, in the order of the team file; then the run is complete",
    example: "speaker_selection_method = \"sequential\"",
    fields: &[],
    build: |_| Ok(Box::new(Sequential)),
};

struct Sequential;

impl Selector for Sequential {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        match self.foresee(candidates, session) {
            Some(choice) => Pick::Choose(choice),
            None => Pick::End { cause: EndCause::Complete, text: "Every agent has spoken".to_owned() },
        }
    }

    fn takes_the_only(&self) -> bool {
        false
    }

    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        let tally = session.transcript().tally();
        let next = candidates.eligible.iter().find(|name| tally.by(name).messages == 0)?;
        Some(candidates.choose(next.clone(), "sequential", "next in the sequence", 0))
    }
}
