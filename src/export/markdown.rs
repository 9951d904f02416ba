//! Markdown. No message can imitate a heading of ours or leave a fence open that goes on.

use super::story::{Kind, Story};
use super::text::clock;
use std::fmt::Write as _;

pub(super) fn write(story: &Story) -> String {
    let mut text = format!("# {}\n\nSession `{}`, branch `{}`.\n", story.team, story.session, story.branch);
    if !story.others.is_empty() {
        let _ = writeln!(text, "Other branches: {}.", story.others.join(", "));
    }
    text.push('\n');
    for passage in &story.passages {
        let at = clock(passage.at);
        // Writing to a text does not fail.
        let _ = match &passage.kind {
            Kind::Said { who, marks, body, output, before, .. } => {
                let mut all = vec![at];
                all.extend(marks.iter().cloned());
                let body = if *output { fenced(body) } else { quoted(body) };
                let before = before.as_ref().map(|text| format!("\nBefore the edit:\n\n{}\n", quoted(text)));
                writeln!(text, "## {who} ({})\n\n{body}\n{}", all.join(", "), before.unwrap_or_default())
            }
            Kind::Note { text: what, body: None, .. } => writeln!(text, "{at} {what}\n"),
            Kind::Note { text: what, body: Some(body), .. } => writeln!(text, "{at} {what}\n\n{}\n", quoted(body)),
            Kind::Summary { method, body } => writeln!(text, "\n## Summary ({method})\n\n{}", quoted(body)),
            Kind::Ended { text: why, result } => {
                let result = result.as_ref().map(|result| format!("\n{result}\n")).unwrap_or_default();
                writeln!(text, "---\n\n{why}\n{result}")
            }
        };
    }
    if let Some(note) = super::text::struck(story.struck) {
        let _ = writeln!(text, "{note}");
    }
    text
}

/// Words that stay within themselves: no heading in them is one of ours, and no fence they leave open goes on.
fn quoted(body: &str) -> String {
    body.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A fence that the body cannot close.
fn fenced(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{body}\n{fence}")
}
