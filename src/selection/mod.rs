//! Who speaks next.
//!
//! A selector is a pure function of the session: it names a speaker, asks for a person's pick, or returns the question
//! to put to a model or a program - it never asks itself. May import [`crate::session`], [`crate::rules`],
//! [`crate::chat`] and [`crate::catalog`]. To
//! add one: a file with an `ENTRY`, and its row in [`SELECTORS`].

mod auto;
pub mod candidates;
mod command;
mod concurrent;
mod graph;
mod graph_review;
mod handoff;
mod magentic;
mod magentic_words;
mod manual;
pub mod mention;
mod random;
pub mod review;
mod round_robin;
mod rule;
mod sequential;

use crate::catalog;
use crate::chat::Name;
use crate::chat::consult::Consultation;
use crate::chat::event::{Choice, EndCause, Event};
use crate::chat::request::Prompt;
use crate::session::Session;
use candidates::Candidates;

/// Chooses speakers by one method.
pub trait Selector: Send + Sync {
    /// What should happen now. There are at least two candidates.
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick;

    /// Who would be picked, as far as that is known without asking anybody.
    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice>;

    /// Whether the only candidate speaks without being picked; not where the method itself says when it is over.
    fn takes_the_only(&self) -> bool {
        true
    }

    /// What has to stand in the log before anybody is picked.
    fn before(&self, _session: &Session) -> Vec<Event> {
        Vec::new()
    }

    /// Which candidates a model's answer mentions, and how often.
    fn read(&self, answer: &str, candidates: &Candidates) -> Vec<(Name, u32)> {
        mention::mentions(answer, &candidates.eligible)
    }
}

/// Under which key the session keeps what a program says about the next speaker.
pub const SELECTOR: &str = "selector";

/// What a selector wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// This one speaks.
    Choose(Choice),
    /// All of these speak at once, and none of them hears the others.
    Together(Vec<Choice>),
    /// The run is over.
    End {
        /// [`EndCause::Complete`] or [`EndCause::NoSpeaker`].
        cause: EndCause,
        /// Why, for a person.
        text: String,
    },
    /// A person picks.
    Person {
        /// Who would be next in the team's order.
        proposed: Option<Name>,
    },
    /// The person has the floor: words, or a pick of who speaks instead.
    Words {
        /// Who goes on if nobody says anything.
        proposed: Option<Name>,
    },
    /// A program of the user's is asked; its answer comes back in the session, under [`SELECTOR`].
    Consult(Consultation),
    /// A model is asked; its answer comes back through [`Selector::read`] and the session.
    Ask(Vec<Prompt>),
}

/// Every value of `speaker_selection_method`.
pub static SELECTORS: &[catalog::Entry<dyn Selector>] = &[
    auto::ENTRY,
    round_robin::ENTRY,
    random::ENTRY,
    manual::ENTRY,
    handoff::ENTRY,
    graph::ENTRY,
    sequential::ENTRY,
    concurrent::ENTRY,
    magentic::ENTRY,
    rule::ENTRY,
    command::ENTRY,
];

#[cfg(test)]
mod tests;
