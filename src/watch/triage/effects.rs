//! What was done and failed, came to nothing, or was cut off.

use super::{Remedy, Suspicion, glance, remarked};
use crate::chat::message::{Completeness, MessageKind};
use crate::session::Session;
use crate::session::transcript::Entry;

/// What a code result in AG2's form says: whether it failed, and what was printed.
pub(super) fn result(entry: &Entry) -> Option<(bool, &str)> {
    let message = &entry.message;
    if message.kind != MessageKind::CodeResult {
        return None;
    }
    let rest = message.content.strip_prefix("exitcode: ")?;
    let failed = !rest.starts_with("0 ") && !rest.starts_with("0\n");
    let output = rest.split_once("Code output:").map_or(rest, |(_, output)| output);
    Some((failed, output.trim()))
}

/// The line of an output that says what went wrong: the last one, as a rule.
fn complaint(output: &str) -> String {
    let mut said = output.lines().map(str::trim).filter(|line| !line.is_empty());
    let wrong = |line: &&str| {
        let line = line.to_lowercase();
        ["error", "exception", "failed", "denied", "not found"].iter().any(|word| line.contains(word))
    };
    let line = said.clone().rfind(wrong).or_else(|| said.next_back()).unwrap_or_default();
    line.chars().take(160).collect()
}

/// The newest message before this place that somebody else wrote: what the result is the result of.
fn cause(entries: &[Entry], place: usize) -> Option<&Entry> {
    let author = &entries[place].message.author;
    entries[..place].iter().rev().find(|entry| entry.message.author != *author && entry.message.is_shared())
}

pub(super) fn failing(session: &Session) -> Option<Suspicion> {
    let entries = session.transcript().entries();
    for (place, entry) in entries.iter().enumerate() {
        let message = &entry.message;
        if let Some((true, output)) = result(entry) {
            let what = complaint(output);
            let code = cause(entries, place).unwrap_or(entry);
            let remark = format!("(This code fails: {what}. Mend that first.)");
            return Some(Suspicion {
                message: message.id,
                text: format!("code fails for the first time: {what}"),
                quote: what,
                remedy: remarked(code, &remark),
            });
        }
        if let Some(failed) = message.tool_results.iter().find(|result| result.is_error) {
            let what = complaint(&failed.content);
            let agent = message.author.name();
            return Some(Suspicion {
                message: message.id,
                text: format!("{} fails for the first time: {what}", failed.name),
                quote: what.clone(),
                remedy: Remedy::Tell {
                    to: Some(agent.into()),
                    text: format!("{} failed: {what}. Look at the arguments before you call it again.", failed.name),
                },
            });
        }
    }
    None
}

/// Whether a result is one that says nothing.
fn says_nothing(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    matches!(text.as_str(), "" | "[]" | "{}" | "null" | "none" | "\"\"" | "()" | "0 results" | "no results")
        || ["no results found", "nothing found", "not found.", "no matches"].iter().any(|words| text == *words)
}

pub(super) fn empty(session: &Session) -> Option<Suspicion> {
    let entries = session.transcript().entries();
    entries.iter().enumerate().find_map(|(place, entry)| {
        let message = &entry.message;
        let agent = message.author.name();
        if let Some(result) =
            message.tool_results.iter().find(|result| !result.is_error && says_nothing(&result.content))
        {
            let text = format!("{} gave nothing, and nobody was told that this means something", result.name);
            let told = format!("{} gave an empty result. Do not go on as if it had answered.", result.name);
            let remedy = Remedy::Tell { to: Some(agent.into()), text: told };
            return Some(Suspicion { message: message.id, text, quote: result.content.trim().to_owned(), remedy });
        }
        if let Some((false, output)) = result(entry).filter(|(_, output)| says_nothing(output)) {
            let code = cause(entries, place).unwrap_or(entry);
            return Some(Suspicion {
                message: message.id,
                text: "the code ran and printed nothing".to_owned(),
                quote: output.to_owned(),
                remedy: remarked(code, "(Print what it finds, also when it finds nothing.)"),
            });
        }
        let speaks = matches!(message.kind, MessageKind::Reply | MessageKind::Summary | MessageKind::ToolSummary);
        (speaks && message.tool_calls.is_empty() && message.content.trim().is_empty()).then(|| Suspicion {
            message: message.id,
            text: format!("{agent} said nothing at all"),
            quote: String::new(),
            remedy: Remedy::Tell {
                to: Some(agent.into()),
                text: "Your last message was empty. Say it again.".to_owned(),
            },
        })
    })
}

pub(super) fn cut_off(session: &Session) -> Option<Suspicion> {
    let entry =
        session.transcript().entries().iter().find(|entry| entry.message.completeness == Completeness::CutOff)?;
    let last = entry.message.content.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Some(Suspicion {
        message: entry.message.id,
        text: format!(
            "{} was cut off by the output limit; what followed rests on half an answer",
            entry.message.author.name()
        ),
        quote: glance(last),
        remedy: Remedy::Tell {
            to: Some(entry.message.author.name().into()),
            text: "Your message was cut off. Say the rest, or say it again in fewer words.".to_owned(),
        },
    })
}
