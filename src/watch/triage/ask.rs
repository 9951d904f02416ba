//! Asking a model which message it was: the question, and reading the answer. What it quotes must stand in the message.

use super::{CAUTION, Suspect};
use crate::chat::id::MessageId;
use crate::chat::request::{Prompt, Role};
use crate::session::Session;
use serde::{Deserialize, Serialize};

/// Most messages that are shown to the model, and most characters of each.
const MESSAGES: usize = 200;
const CHARACTERS: usize = 1500;
/// Most suspects that are taken from an answer.
const MOST: usize = 5;

/// What a model says about one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blamed {
    /// The message, as people count.
    pub message: u64,
    /// Which kind of failure, in MAST's words.
    #[serde(default)]
    pub tag: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// What it says there, word for word.
    #[serde(default)]
    pub quote: String,
    /// Whether the quote stands in that message.
    #[serde(default)]
    pub quoted: bool,
}

/// The question about a session, with what the rules have found.
pub fn question(session: &Session, suspects: &[Suspect]) -> Vec<Prompt> {
    let system = format!(
        "You look for the step at which a team of agents went wrong. {CAUTION}\n\nAnswer with JSON only: \
         {{\"suspects\": [{{\"message\": 3, \"tag\": \"…\", \"why\": \"…\", \"quote\": \"…\"}}]}}, at most {MOST}, the most likely first. \
         `message` is the number in brackets. `quote` is copied word for word from that message and is the evidence. `tag` is one of: \
         disobeys task, disobeys role, step repetition, loss of history, unaware of stopping, conversation reset, no clarification, \
         derailment, withheld information, ignored input, reasoning and action differ, ends too early, no verification, wrong verification."
    );
    let entries = session.transcript().run();
    let skipped = entries.len().saturating_sub(MESSAGES);
    let mut said = String::new();
    for entry in &entries[skipped..] {
        let message = &entry.message;
        let told = message.told();
        let cut: String = told.chars().take(CHARACTERS).collect();
        let more = if cut.len() < told.len() { " …" } else { "" };
        said.push_str(&format!("[{}] {}: {cut}{more}\n\n", message.id.number(), message.author.name()));
    }
    let rules: Vec<String> = suspects
        .iter()
        .map(|suspect| format!("- [{}] {}: {}", suspect.message.number(), suspect.title, suspect.text))
        .collect();
    let hint = match rules.is_empty() {
        true => "Rules have found nothing.".to_owned(),
        false => format!("Rules have found this, which may or may not matter:\n{}", rules.join("\n")),
    };
    vec![Prompt::new(Role::System, None, system), Prompt::new(Role::User, None, format!("{said}{hint}"))]
}

/// What the answer says, each quote held against its message. `None` when there is no such JSON in it.
pub fn read(answer: &str, session: &Session) -> Option<Vec<Blamed>> {
    #[derive(Deserialize)]
    struct Answer {
        suspects: Vec<Blamed>,
    }
    let (from, to) = (answer.find('{')?, answer.rfind('}')?);
    let mut blamed = serde_json::from_str::<Answer>(answer.get(from..=to)?).ok()?.suspects;
    blamed.truncate(MOST);
    blamed.retain(|one| message(one.message, session).is_some());
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for one in &mut blamed {
        let told = message(one.message, session)
            .map(|id| session.transcript().get(id).map(|entry| plain(&entry.message.told())));
        let quote = plain(&one.quote);
        one.quoted = !quote.is_empty() && told.flatten().is_some_and(|told| told.contains(&quote));
    }
    Some(blamed)
}

/// The message of that number in the outermost conversation.
pub fn message(number: u64, session: &Session) -> Option<MessageId> {
    let id = MessageId(number.checked_sub(1)?);
    session.transcript().get(id).map(|entry| entry.message.id)
}
