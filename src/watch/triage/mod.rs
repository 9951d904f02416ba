//! Where it may have gone wrong: the first of each kind of trouble on the active branch, with what one could do about it.
//!
//! Rules only, each a row with a pure function; a model may rank what they find (`ask.rs`). None of this is proof:
//! [`CAUTION`] says how often such blame is right. To add a kind: a function, and its row in [`KINDS`].

pub mod ask;
mod contradiction;
mod effects;
mod unheard;

use super::replay;
use crate::chat::Name;
use crate::chat::id::{MessageId, Seq};
use crate::chat::watch::Watching;
use crate::session::Session;
use crate::session::transcript::Entry;

/// What anybody should know who reads a list of suspects.
pub const CAUTION: &str = "Suspects, not causes. In the literature (Who&When), automatic blame names the right agent in 53.5 % of failures and the \
     right step in 14.2 %, about one in seven. Try an edit before you believe it.";

/// A place where it may have gone wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// `failing_effect`, as in JSON.
    pub kind: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What was seen.
    pub text: String,
    /// The message it is about.
    pub message: MessageId,
    /// The record that posted it: where one goes back to.
    pub seq: Seq,
    /// Who said it.
    pub agent: Name,
    /// The part that shows it, as it stands in the message or its result.
    pub quote: String,
    /// What one could do.
    pub remedy: Remedy,
}

/// A ready way to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Change this message to this, and go on from there on a new branch.
    Edit {
        /// Which.
        message: MessageId,
        /// What it would say.
        content: String,
    },
    /// Tell somebody; nobody in particular is everybody.
    Tell {
        /// Whom.
        to: Option<Name>,
        /// What.
        text: String,
    },
}

/// A kind of suspect.
pub struct Kind {
    /// As in JSON.
    pub id: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// One sentence for the docs.
    pub about: &'static str,
    find: fn(&Session) -> Option<Suspicion>,
}

/// What a finder saw.
struct Suspicion {
    message: MessageId,
    text: String,
    quote: String,
    remedy: Remedy,
}

/// Every kind.
pub static KINDS: &[Kind] = &[
    Kind {
        id: "failing_effect",
        title: "first failing effect",
        about: "the first code or tool call that failed",
        find: effects::failing,
    },
    Kind {
        id: "contradiction",
        title: "first contradiction",
        about: "the first message that claims success while the newest result is a failure, or says the opposite of an earlier sentence",
        find: contradiction::find,
    },
    Kind {
        id: "detector",
        title: "first detector hit",
        about: "where a detector first saw the team going in circles",
        find: detected,
    },
    Kind {
        id: "empty_result",
        title: "first empty result",
        about: "the first result or message with nothing in it",
        find: effects::empty,
    },
    Kind {
        id: "unheard",
        title: "context that an agent never received",
        about: "the first message that speaks to an agent, or asks for it by name, and was not sent to it before it spoke",
        find: unheard::find,
    },
    Kind {
        id: "cut_off",
        title: "first reply that was cut off",
        about: "the first reply that hit the output limit",
        find: effects::cut_off,
    },
];

/// The suspects on the active branch, first things first.
pub fn triage(session: &Session) -> Vec<Suspect> {
    let found = KINDS.iter().filter_map(|kind| Some((kind, (kind.find)(session)?)));
    let mut suspects: Vec<Suspect> = found
        .filter_map(|(kind, Suspicion { message, text, quote, remedy })| {
            let entry = session.transcript().get(message)?;
            let agent = entry.message.author.name().into();
            Some(Suspect { kind: kind.id, title: kind.title, text, message, seq: entry.seq, agent, quote, remedy })
        })
        .collect();
    suspects.sort_by_key(|suspect| suspect.seq);
    suspects
}

/// Where the detectors first saw something graver than a badge, or else anything.
fn detected(session: &Session) -> Option<Suspicion> {
    let watching = session.team().map_or_else(Watching::default, |team| team.watch.clone());
    let hits = replay::session(session, &watching);
    let grave = hits.iter().find(|hit| hit.level > crate::chat::watch::Level::Badge);
    let hit = grave.or(hits.first())?;
    let entries = session.transcript().entries();
    let first = entries.get(*hit.turns.first()?)?;
    let last = entries.get(*hit.turns.last()?)?;
    let text = format!("{} {}: {}", hit.id, hit.name, hit.text);
    let told = format!(
        "{} This goes in circles. Do something else: try another way, ask for what is missing, or say that you are done.",
        hit.text
    );
    Some(Suspicion {
        message: first.message.id,
        text,
        quote: glance(&last.message.told()),
        remedy: Remedy::Tell { to: hit.agent.clone(), text: told },
    })
}

/// The beginning of a text, on one line: the first words that say something.
fn glance(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(160).collect()
}

/// A message with a remark at its end.
fn remarked(entry: &Entry, remark: &str) -> Remedy {
    let content = format!("{}\n\n{remark}", entry.message.content.trim_end());
    Remedy::Edit { message: entry.message.id, content }
}

#[cfg(test)]
mod tests;
