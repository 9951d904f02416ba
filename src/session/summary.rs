//! What a run has come to: its result, its summary, and what of it is carried over.

use super::Session;
use super::meters::AgentMeter;
use super::transcript::Entry;
use super::turn::Inquiry;
use crate::chat::event::{Achieved, SummaryMethod};
use crate::chat::message::Author;
use std::borrow::Cow;
use std::sync::Arc;

/// How far the summary of a run has come.
#[derive(Debug, Clone, Default)]
pub struct Summing {
    /// The line to the model that writes it.
    pub inquiry: Inquiry,
    /// The summary.
    pub done: Option<Summary>,
    /// What it used.
    pub meter: AgentMeter,
}

/// The summary of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How it was made.
    pub method: SummaryMethod,
    /// What it says.
    pub text: Arc<str>,
    /// Why it is not the summary that the team asks for.
    pub problem: Option<String>,
}

impl Session {
    /// The summary of the run that is over, and how far it has come.
    pub fn summing(&self) -> &Summing {
        &self.state.summing
    }

    /// Whether the run is over and its summary is still to come.
    pub fn awaits_summary(&self) -> bool {
        let wanted = self.team().is_some_and(|team| team.summary.is_some());
        wanted && self.state.ended.is_some() && self.state.summing.done.is_none()
    }
}

/// The word with which agents say that they are done (AG2: the default of is_termination_msg).
const DONE: &str = "TERMINATE";

/// The text of a message without the word `TERMINATE`; blanks stay (AG2: summary_method "last_msg").
pub fn last_msg(text: &str) -> Cow<'_, str> {
    if text.contains(DONE) { Cow::Owned(text.replace(DONE, "")) } else { Cow::Borrowed(text) }
}

/// The newest words of a member in the present run that are more than a sign to stop: the partial result of a run that
/// ends too early, and the result of one that does not.
pub fn achieved(session: &Session) -> Option<Achieved> {
    session.transcript().run().iter().rev().find_map(said)
}

fn said(entry: &Entry) -> Option<Achieved> {
    let message = &entry.message;
    let Author::Agent(agent) = &message.author else { return None };
    let text = last_msg(&message.content);
    let text = text.trim();
    let counts = message.is_shared() && !text.is_empty();
    counts.then(|| Achieved { message: message.id, agent: agent.clone(), text: Arc::from(text) })
}

/// The message that opens the next of several chats, with what was found before it (AG2: initiate_chats; the text, a line
/// `Context: `, and the items, a line each). Without items it is the message alone.
pub fn with_carryover<'a>(message: &str, items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.into_iter().collect();
    if items.is_empty() { message.to_owned() } else { format!("{message}\nContext: \n{}", items.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::{Completeness, MessageKind};
    use crate::session::testing::{Log, speakers};

    /// Reference: ag2-semantics 4.4.
    #[test]
    fn the_last_message_loses_the_word_and_keeps_its_blanks() {
        assert_eq!(last_msg("Answer 42. TERMINATE"), "Answer 42. ");
        assert_eq!(last_msg("TERMINATE"), "");
        assert_eq!(last_msg("as it is"), "as it is");
    }

    /// Reference: ag2-semantics 7.2 and C131.
    #[test]
    fn carryover_follows_the_message_line_by_line() {
        assert_eq!(with_carryover("t2", ["EXTRA", "S1 "]), "t2\nContext: \nEXTRA\nS1 ");
        assert_eq!(with_carryover("t3", ["x", "y", "S2"]), "t3\nContext: \nx\ny\nS2");
        assert_eq!(with_carryover("alone", []), "alone");
    }

    #[test]
    fn what_was_achieved_is_the_newest_that_says_anything() {
        let mut log = Log::with_task(speakers(&["a", "b"]), "task");
        assert_eq!(achieved(&log.session), None, "the task is no result");
        log.says("a", "42\n");
        log.says("b", " TERMINATE");
        let mut half = log.message(Author::Agent("a".into()), MessageKind::Reply, "and th");
        half.completeness = Completeness::Interrupted;
        log.post(half);
        let found = achieved(&log.session).unwrap();
        assert_eq!((&*found.agent, &*found.text, found.message.0), ("a", "42", 1));
    }
}
