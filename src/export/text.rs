//! Plain text. Every line of a message is indented, so that none can imitate a heading of ours.

use super::story::{Kind, Story};
use crate::chat::UnixMillis;
use std::fmt::Write as _;

pub(super) fn write(story: &Story) -> String {
    let mut text = format!("{}  session {}  branch {}\n", story.team, story.session, story.branch);
    for passage in &story.passages {
        let at = clock(passage.at);
        // Writing to a text does not fail.
        let _ = match &passage.kind {
            Kind::Said { who, marks, body, before, spent, .. } => {
                let mut all = vec![at];
                all.extend(marks.iter().cloned());
                all.extend(spent.clone());
                let before = before.as_ref().map(|text| format!("  (before the edit:)\n{}", indented(text)));
                let before = before.unwrap_or_default();
                write!(text, "\n── {who} ── {}\n{}{before}", all.join(" · "), indented(body))
            }
            Kind::Note { text: what, body, .. } => {
                let body = body.as_deref().map(indented).unwrap_or_default();
                write!(text, "\n·· {at} {what}\n{body}")
            }
            Kind::Summary { method, body } => write!(text, "\n── Summary ── {method}\n{}", indented(body)),
            Kind::Ended { text: why, result } => {
                let result = result.as_ref().map(|result| format!("{result}\n")).unwrap_or_default();
                write!(text, "\n{why}\n{result}")
            }
        };
    }
    if let Some(note) = struck(story.struck) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

fn indented(body: &str) -> String {
    body.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}

/// The time of day where the reader is.
pub(super) fn clock(at: UnixMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(at);
    at.map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string()).unwrap_or_default()
}

/// What the reader is told about keys that were struck out.
pub(super) fn struck(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 thing that looks like a key was struck out.".to_owned()),
        n => Some(format!("{n} things that look like keys were struck out.")),
    }
}
