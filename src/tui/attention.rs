//! When to call for the operator: somebody waits, a detector holds, the run ends. Quiet while the window has the focus.
//!
//! Pure: it compares what is with what was and says what to tell; the loop rings, writes and starts the command.

use super::app::App;
use super::words;
use crate::text::clean::one_line;
use crate::text::width::take;
use std::collections::BTreeSet;

/// Longest text of a call, in cells: notifications are small.
const LONGEST: usize = 120;

/// What is known of the window, and what was told last.
#[derive(Debug, Default)]
pub struct Attention {
    /// Whether the window has the focus; `None` while the terminal has not said.
    focused: Option<bool>,
    waiting: usize,
    ended: bool,
    findings: BTreeSet<String>,
}

/// A call for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What it is about: `waiting`, `ended` or `detector`.
    pub why: &'static str,
    /// What to say.
    pub text: String,
}

impl Attention {
    /// The window got or lost the focus.
    pub fn focus(&mut self, focused: bool) {
        self.focused = Some(focused);
    }

    /// Whether the operator is known to look.
    pub fn is_watched(&self) -> bool {
        self.focused == Some(true)
    }
}

impl App {
    /// What is to be told since the last time this was asked. What has gone before it was told is told no more.
    pub fn calls(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        let session = &self.session;
        let team = session.team().map_or(String::new(), |team| one_line(&team.name));
        let waiting = session.waiting();
        if waiting.len() > self.attention.waiting
            && let Some(item) = waiting.last()
        {
            let more = if waiting.len() > 1 { format!(" (and {} more)", waiting.len() - 1) } else { String::new() };
            calls.push(Call { why: "waiting", text: format!("{team}: {}{more}", words::waiting(item, session)) });
        }
        self.attention.waiting = waiting.len();
        let ended = session.ended();
        if let Some(end) = ended.filter(|_| !self.attention.ended) {
            calls.push(Call { why: "ended", text: format!("{team}: ended: {}", one_line(&end.text)) });
        }
        self.attention.ended = ended.is_some();
        let findings: BTreeSet<String> = session.findings().iter().map(|finding| finding.detector.clone()).collect();
        for finding in session.findings().iter().filter(|one| !self.attention.findings.contains(&one.detector)) {
            let text = format!("{team}: {}: {}", finding.detector, one_line(&finding.text));
            calls.push(Call { why: "detector", text });
        }
        self.attention.findings = findings;
        for call in &mut calls {
            call.text = take(&one_line(&call.text), LONGEST).to_owned();
        }
        calls
    }
}

/// The bytes that make a terminal show a notification; none for a dialect nobody knows. Only for cleaned words: control
/// characters would end the sequence, so they are left out all the same.
pub fn notification(dialect: &str, text: &str) -> Vec<u8> {
    let text: String = text.chars().filter(|c| !c.is_control() && *c != ';').collect();
    match dialect {
        "osc9" => format!("\x1b]9;{text}\x1b\\"),
        "osc777" => format!("\x1b]777;notify;plenary;{text}\x1b\\"),
        "osc99" => format!("\x1b]99;;{text}\x1b\\"),
        _ => String::new(),
    }
    .into_bytes()
}

/// The dialect that this terminal is known to understand; `none` when it is not known.
pub fn dialect(variable: impl Fn(&str) -> Option<String>) -> &'static str {
    let is = |name: &str, part: &str| variable(name).is_some_and(|value| value.to_ascii_lowercase().contains(part));
    if is("TERM", "kitty") || variable("KITTY_WINDOW_ID").is_some() {
        "osc99"
    } else if is("TERM_PROGRAM", "iterm")
        || is("TERM_PROGRAM", "wezterm")
        || is("TERM_PROGRAM", "ghostty")
        || variable("WT_SESSION").is_some()
    {
        "osc9"
    } else if is("TERM", "foot") || is("TERM", "rxvt") || variable("VTE_VERSION").is_some() {
        "osc777"
    } else {
        "none"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_holds_nothing_that_could_end_it_early() {
        let bytes = notification("osc777", "a\x1b\\;b\x07c");
        assert_eq!(bytes, b"\x1b]777;notify;plenary;a\\bc\x1b\\");
        assert_eq!(notification("none", "text"), b"");
    }

    #[test]
    fn the_dialect_follows_the_terminal() {
        let with = |set: &[(&str, &str)]| {
            dialect(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[("TERM", "xterm-kitty")]), "osc99");
        assert_eq!(with(&[("TERM_PROGRAM", "WezTerm")]), "osc9");
        assert_eq!(with(&[("VTE_VERSION", "7600")]), "osc777");
        assert_eq!(with(&[("TERM", "xterm")]), "none");
    }
}
