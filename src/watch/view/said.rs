//! What is heard: one message from whatever source, and facts that are no message.

use super::step::Place;
use crate::chat::Name;
use crate::chat::usage::Money;

/// A call of a tool.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What the result will name, if anything.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// The arguments as they were written, JSON or not.
    pub arguments: String,
}

/// The result of a call.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The call it answers; empty when the source does not say.
    pub id: String,
    /// What came back.
    pub text: String,
    /// Whether it failed, when the source says so.
    pub failed: Option<bool>,
}

/// One message, from whatever source.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// Where it stands.
    pub place: Place,
    /// Who said it.
    pub speaker: Name,
    /// A person stepped in: what was before does not count any more.
    pub person: bool,
    /// The task: it is known, and nobody's turn.
    pub task: bool,
    /// The text.
    pub text: &'a str,
    /// Code that ran with this result, if the source knows it better than the text does.
    pub ran: Option<u64>,
    /// Calls in it.
    pub calls: Vec<Asked>,
    /// Results in it.
    pub results: Vec<Given>,
}

impl<'a> Said<'a> {
    /// Words and nothing else.
    pub fn words(message: usize, speaker: &str, text: &'a str) -> Self {
        let place = Place { message, turn: None, at: None };
        Said {
            place,
            speaker: speaker.into(),
            person: false,
            task: false,
            text,
            ran: None,
            calls: Vec::new(),
            results: Vec::new(),
        }
    }
}

/// Something that is no message and that detectors count.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A model chose the next speaker: how many attempts, and whether it named nobody that can speak.
    Picked {
        /// Attempts it took.
        attempts: u32,
        /// Whether the choice had to be made without it.
        fell_back: bool,
    },
    /// The conversation no longer fitted a model, or was cut down to fit.
    Squeezed,
    /// A turn is paid for.
    Paid(Money),
}
