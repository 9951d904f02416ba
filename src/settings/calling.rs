//! `[attention]`: how the console calls for the operator.

use super::reader::{Fields, Findings, Node, table};
use super::report::Finding;

/// How the console calls for the operator, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calling {
    /// The window's title says what waits.
    pub title: bool,
    /// The terminal's bell rings.
    pub bell: bool,
    /// The dialect of notifications: `auto`, `osc9`, `osc777`, `osc99` or `none`.
    pub notify: String,
    /// A program and its arguments, started with the text as its last argument; empty for none.
    pub command: Vec<String>,
    /// When: `waiting`, `ended`, `detector`.
    pub when: Vec<String>,
    /// Also while the window has the focus.
    pub while_focused: bool,
}

/// The dialects of notifications.
pub const DIALECTS: [&str; 5] = ["auto", "osc9", "osc777", "osc99", "none"];
/// What one may be called for.
pub const REASONS: [&str; 3] = ["waiting", "ended", "detector"];

impl Default for Calling {
    /// As in `config/settings.toml`.
    fn default() -> Self {
        Calling {
            title: true,
            bell: true,
            notify: "auto".into(),
            command: Vec::new(),
            when: REASONS.map(str::to_owned).into(),
            while_focused: false,
        }
    }
}

/// Lays what `[attention]` says over what applies without it.
pub(super) fn read(findings: &Findings, node: &Node<'_>, calling: &mut Calling) {
    let Some(inside) = table(findings, "attention", node) else { return };
    let mut fields = Fields::new(findings, inside, node.span(), "[attention]");
    calling.title = fields.flag("title").unwrap_or(calling.title);
    calling.bell = fields.flag("bell").unwrap_or(calling.bell);
    if let Some(dialect) = fields.filled("notify") {
        if !DIALECTS.contains(&dialect.as_str()) {
            let finding = Finding::error(format!("there is no dialect {dialect:?} of notifications")).at(node.span());
            findings.push(finding.help(format!("there are: {}", DIALECTS.join(", "))));
        }
        calling.notify = dialect;
    }
    if let Some(command) = fields.texts("command") {
        calling.command = command.into_iter().map(|(part, _)| part).collect();
    }
    if let Some(when) = fields.texts("when") {
        for (reason, span) in &when {
            if !REASONS.contains(&reason.as_str()) {
                let finding = Finding::error(format!("nobody is called for {reason:?}")).at(span.clone());
                findings.push(finding.help(format!("there are: {}", REASONS.join(", "))));
            }
        }
        calling.when = when.into_iter().map(|(reason, _)| reason).collect();
    }
    calling.while_focused = fields.flag("while_focused").unwrap_or(calling.while_focused);
    fields.finish();
}
