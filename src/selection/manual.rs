//! The operator picks, each time.

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::Entry;
use crate::chat::event::Choice;
use crate::session::Session;

/// `speaker_selection_method = "manual"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "manual",
    about: "the operator picks every speaker; the team's order is proposed",
    example: "speaker_selection_method = \"manual\"",
    fields: &[],
    build: |_| Ok(Box::new(Manual)),
};

struct Manual;

impl Selector for Manual {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        Pick::Person { proposed: session.team().and_then(|team| candidates.after_last(team)) }
    }

    fn foresee(&self, _candidates: &Candidates, _session: &Session) -> Option<Choice> {
        None
    }
}
