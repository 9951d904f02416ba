//! "Stop when this happens again": the rule of a breakpoint that a message suggests.

use crate::chat::message::{Message, MessageKind};

/// How much of a message is asked for.
const ENOUGH: usize = 48;

/// A rule that is met when the like of this message is said, or wanted, again.
pub fn again(message: &Message) -> String {
    let speaker = named(message.author.name());
    if let Some(call) = message.tool_calls.first().filter(|_| message.tool_results.is_empty()) {
        return format!("speaker == {speaker} and tool == {}", named(&call.name));
    }
    if let Some(failed) = message.tool_results.iter().find(|result| result.is_error) {
        let part = telling(&failed.content);
        return format!("speaker == {speaker} and kind == tool_results and text contains {}", quoted(&part));
    }
    let part = telling(&message.content);
    let kind = match message.kind {
        MessageKind::CodeResult => "kind == code_result".to_owned(),
        _ => format!("speaker == {speaker}"),
    };
    if part.is_empty() { kind } else { format!("{kind} and text contains {}", quoted(&part)) }
}

/// The part of a text by which one knows it: a complaint where there is one, otherwise its first words.
fn telling(text: &str) -> String {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("```"));
    let complains = |line: &&str| {
        let line = line.to_lowercase();
        !line.starts_with("exitcode:")
            && ["error", "exception", "failed", "cannot"].iter().any(|word| line.contains(word))
    };
    let line = lines().rfind(complains).or_else(|| lines().next()).unwrap_or_default();
    let mut part: String = line.chars().take(ENOUGH).collect();
    if part.len() < line.len()
        && let Some(space) = part.rfind(' ').filter(|space| *space > ENOUGH / 2)
    {
        part.truncate(space);
    }
    part.trim_end().to_owned()
}

/// A name as a rule takes it without quotes, if it can be.
fn named(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain && begins { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::breaks::Point;
    use crate::chat::id::MessageId;
    use crate::chat::message::Author;
    use crate::chat::tool::{ToolCall, ToolResult};
    use crate::rules::Rule;
    use crate::rules::moment::{Asked, asked};

    fn message(author: &str, kind: MessageKind, text: &str) -> Message {
        Message::new(MessageId(1), Author::Agent(author.into()), kind, text)
    }

    #[test]
    fn every_message_suggests_a_rule_that_can_be_read_and_is_asked_where_it_happens() {
        let call = ToolCall { id: "1".into(), name: "shell".into(), arguments: "{}".into(), echo: Default::default() };
        let calls = Message { tool_calls: vec![call.clone()], ..message("Coder", MessageKind::ToolCalls, "") };
        let failed = ToolResult::of(&call, "x\nError: no \"such\" file\\here", true);
        let results = Message { tool_results: vec![failed], ..calls.clone() };
        let code = "exitcode: 1 (execution failed)\nCode output: Traceback\nTypeError: bad\n";
        for (message, rule) in [
            (calls, "speaker == Coder and tool == shell"),
            (
                Message { kind: MessageKind::ToolResults, ..results },
                "speaker == Coder and kind == tool_results and text contains \"Error: no \\\"such\\\" file\\\\here\"",
            ),
            (message("X", MessageKind::CodeResult, code), "kind == code_result and text contains \"TypeError: bad\""),
            (
                message(
                    "the critic",
                    MessageKind::Reply,
                    "I am not convinced by any of this, and I shall say so again.",
                ),
                "speaker == \"the critic\" and text contains \"I am not convinced by any of this, and I shall\"",
            ),
            (message("A", MessageKind::Reply, "  \n"), "speaker == A"),
        ] {
            assert_eq!(again(&message), rule);
            let rule = Rule::parse_breakpoint(rule).unwrap();
            let at = if message.kind == MessageKind::ToolCalls { Point::Act } else { Point::Said };
            assert_eq!(asked(&rule), Asked::At(vec![at]));
        }
    }
}
