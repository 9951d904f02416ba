//! What cannot both be so: success while the newest result is a failure, and a sentence and its opposite.

use super::effects::result;
use super::{Remedy, Suspicion, remarked};
use crate::chat::message::{Message, MessageKind};
use crate::session::Session;
use std::collections::HashMap;

/// Words that claim that it works.
const SUCCESS: &[&str] = &[
    "all tests pass",
    "all tests are passing",
    "the tests pass",
    "tests pass now",
    "everything works",
    "it works",
    "works as expected",
    "works now",
    "runs without error",
    "successfully",
    "is fixed",
    "problem is solved",
    "issue is resolved",
    "task is complete",
    "task is done",
];

/// Words that take a claim back: a plan, a wish, a question.
const DOUBT: &[&str] = &[
    "should",
    "would",
    "will",
    "once",
    "when",
    "if ",
    "until",
    "not ",
    "n't",
    "?",
    "let us",
    "let's",
    "make sure",
    "to see",
    "want",
    "need",
    "must",
    "cannot",
    "after",
];

/// Shortest sentence whose opposite is looked for, in words.
const WORDS: usize = 4;

pub(super) fn find(session: &Session) -> Option<Suspicion> {
    let mut failure: Option<String> = None;
    let mut said: HashMap<String, (bool, u64)> = HashMap::new();
    for entry in session.transcript().run() {
        let message = &entry.message;
        if let Some((failed, output)) = result(entry) {
            let last = output.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            failure = failed.then(|| last.chars().take(160).collect());
            continue;
        }
        for result in &message.tool_results {
            failure = result.is_error.then(|| result.content.chars().take(160).collect());
        }
        if !speaks(message) {
            continue;
        }
        for sentence in sentences(&message.content) {
            if let Some(failed) = &failure
                && claims(sentence)
            {
                let remark = format!("(The last result says otherwise: {failed}.)");
                return Some(Suspicion {
                    message: message.id,
                    text: format!("claims success, and the newest result is a failure: {failed}"),
                    quote: sentence.to_owned(),
                    remedy: remarked(entry, &remark),
                });
            }
            let Some((core, negated)) = core(sentence) else { continue };
            match said.get(&core) {
                Some((before, number)) if *before != negated => {
                    let number = *number;
                    return Some(Suspicion {
                        message: message.id,
                        text: format!("says the opposite of message {number}"),
                        quote: sentence.to_owned(),
                        remedy: Remedy::Tell {
                            to: Some(message.author.name().into()),
                            text: format!(
                                "You say {sentence:?}, and message {number} says the opposite. Which is it, and how do you know?"
                            ),
                        },
                    });
                }
                _ => {
                    said.insert(core, (negated, message.id.number()));
                }
            }
        }
    }
    None
}

fn speaks(message: &Message) -> bool {
    matches!(message.kind, MessageKind::Reply | MessageKind::Summary | MessageKind::ToolSummary) && message.is_shared()
}

/// The sentences of a text outside of fences.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    let prose = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    prose.flat_map(|line| line.split_inclusive(['.', '!', '?'])).map(str::trim).filter(|sentence| !sentence.is_empty())
}

fn claims(sentence: &str) -> bool {
    let sentence = sentence.to_lowercase();
    SUCCESS.iter().any(|words| sentence.contains(words)) && !DOUBT.iter().any(|word| sentence.contains(word))
}

/// A plain statement without its negation, and whether it had one. Questions and wishes are none.
fn core(sentence: &str) -> Option<(String, bool)> {
    let lower = sentence.to_lowercase().replace("n't", " not").replace("cannot", "can not");
    if lower.ends_with('?')
        || ["if ", "should", "would", "maybe", "perhaps", "i "].iter().any(|word| lower.contains(word))
    {
        return None;
    }
    let clean = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned();
    let words: Vec<String> = lower.split_whitespace().map(clean).filter(|word| !word.is_empty()).collect();
    let negations = words.iter().filter(|word| *word == "not" || *word == "no" || *word == "never").count();
    let core: Vec<&str> = words
        .iter()
        .filter(|word| !["not", "no", "never", "does", "do", "did"].contains(&word.as_str()))
        .map(String::as_str)
        .collect();
    (core.len() >= WORDS)
        .then(|| (core.iter().map(|word| stem(word)).collect::<Vec<_>>().join(" "), negations % 2 == 1))
}

/// `supports` and `support` are one word here.
fn stem(word: &str) -> &str {
    if word.len() > 4 { word.strip_suffix('s').unwrap_or(word) } else { word }
}
