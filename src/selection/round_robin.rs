//! The team's order, around and around.

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::Entry;
use crate::chat::event::Choice;
use crate::session::Session;

/// `speaker_selection_method = "round_robin"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "round_robin",
    about: "each agent in the order of the team file",
    example: "speaker_selection_method = \"round_robin\"",
    fields: &[],
    build: |_| Ok(Box::new(RoundRobin)),
};

struct RoundRobin;

impl Selector for RoundRobin {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        match self.foresee(candidates, session) {
            Some(choice) => Pick::Choose(choice),
            None => Pick::Person { proposed: None },
        }
    }

    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        let agent = candidates.after_last(session.team()?)?;
        let reason = match &candidates.last {
            Some(last) => format!("comes after {last}"),
            None => "comes first".to_owned(),
        };
        Some(candidates.choose(agent, "round_robin", reason, 0))
    }
}
