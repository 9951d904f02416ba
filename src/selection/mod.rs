//! Who speaks next.
//!
//! A selector is a pure function of the session: it names a speaker, asks for a person's pick, or returns the question
//! to put to a model or a program - it never asks itself. May import [`crate::session`], [`crate::rules`],
//! [`crate::chat`] and [`crate::catalog`]. To
//! add one: a file with an `ENTRY`, and its row in [`SELECTORS`].

mod auto;
pub mod candidates;
mod manual;
pub mod mention;
mod random;
mod round_robin;

use crate::catalog;
use crate::chat::Name;
use crate::chat::consult::Consultation;
use crate::chat::event::Choice;
use crate::chat::request::Prompt;
use crate::session::Session;
use candidates::Candidates;

/// Chooses speakers by one method.
pub trait Selector: Send + Sync {
    /// What should happen now. There are at least two candidates.
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick;

    /// Who would be picked, as far as that is known without asking anybody.
    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice>;

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
    /// A person picks.
    Person {
        /// Who would be next in the team's order.
        proposed: Option<Name>,
    },
    /// A program of the user's is asked; its answer comes back in the session, under [`SELECTOR`].
    Consult(Consultation),
    /// A model is asked; its answer comes back through [`Selector::read`] and the session.
    Ask(Vec<Prompt>),
}

/// Every value of `speaker_selection_method`.
pub static SELECTORS: &[catalog::Entry<dyn Selector>] =
    &[auto::ENTRY, round_robin::ENTRY, random::ENTRY, manual::ENTRY];

#[cfg(test)]
mod tests;
