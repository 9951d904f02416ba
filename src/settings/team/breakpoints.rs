//! `[[breakpoints]]`, in a team file and in the settings: where a run is to be stopped or looked at.

use super::World;
use crate::chat::breaks::{Breakpoint, Deed, SetBy};
use crate::chat::team::Agent;
use crate::rules::Rule;
use crate::settings::reader::{self, Fields, Findings, Node, Span};
use crate::settings::report::Finding;

const HELP: &str = "write [[breakpoints]] in double brackets, and below it: when = 'speaker == Coder'";

const DEEDS: &[(&str, u8)] = &[("hold", 0), ("notify", 1), ("snapshot", 2), ("expect", 3)];

/// A breakpoint of a file, with its rule and where that stands.
pub(in crate::settings) type Placed = (Breakpoint, Rule, Span);

/// Reads a list of breakpoints.
pub(in crate::settings) fn read_breakpoints(findings: &Findings, node: &Node<'_>, by: SetBy) -> Vec<Placed> {
    let Some(list) = node.get_ref().as_array() else {
        let message = format!("`breakpoints` is a list of tables, and this is {}", reader::found(node));
        findings.push(Finding::error(message).at(node.span()).help(HELP));
        return Vec::new();
    };
    if !reader::few(findings, "breakpoints", list.len(), node.span()) {
        return Vec::new();
    }
    list.iter().filter_map(|item| one(findings, item, by)).collect()
}

fn one(findings: &Findings, node: &Node<'_>, by: SetBy) -> Option<Placed> {
    let table = reader::table(findings, "breakpoints", node)?;
    let mut fields = Fields::new(findings, table, node.span(), "[[breakpoints]]");
    let when = fields.filled("when");
    let span = fields.span_of("when");
    if span.is_none() {
        findings.push(Finding::error("this breakpoint has no `when`").at(node.span()).help(HELP));
    }
    let name = fields.filled("name").unwrap_or_default();
    let word = fields.word("do", DEEDS);
    let argv = fields.texts("run").map(|words| words.into_iter().map(|(word, _)| word).collect::<Vec<_>>());
    let once = fields.flag("once").unwrap_or(false);
    let every = fields.small("every", 1).unwrap_or(1);
    let deed = match (word, argv) {
        (Some(_), Some(_)) => {
            let message = "a breakpoint either does something by itself or runs a program";
            let at = fields.span_of("run").unwrap_or_else(|| node.span());
            findings.push(Finding::error(message).at(at).help("leave out `do` or `run`"));
            return None;
        }
        (_, Some(argv)) if argv.first().is_none_or(|program| program.trim().is_empty()) => {
            let at = fields.span_of("run").unwrap_or_else(|| node.span());
            let finding = Finding::error("`run` names no program").at(at);
            findings.push(finding.help("a list, never a line for a shell: [\"notify-send\", \"plenary\"]"));
            return None;
        }
        (_, Some(argv)) => Deed::Run(argv),
        (Some(1), _) => Deed::Notify,
        (Some(2), _) => Deed::Snapshot,
        (Some(3), _) => Deed::Expect,
        _ => Deed::Hold,
    };
    if let (Deed::Run(_), SetBy::Team, Some(at)) = (&deed, by, fields.span_of("run")) {
        let message = "programs of breakpoints are run from your settings only: this one is not run";
        findings
            .push(Finding::warning(message).at(at).help("write the breakpoint into your settings.toml to allow it"));
    }
    fields.finish();
    let (when, span) = (when?, span?);
    match Rule::parse_breakpoint(&when) {
        Ok(rule) => Some((Breakpoint { when, deed, once, every, name, by }, rule, span)),
        Err(error) => {
            let mut finding = Finding::error(format!("`when`: {error}"));
            finding.span = Some(span);
            finding.help = error.help;
            findings.push(finding);
            None
        }
    }
}

impl World<'_> {
    /// The breakpoints of the file, after those of the settings.
    pub(super) fn breakpoints(&self, node: Option<&Node<'_>>, agents: &[Agent]) -> Vec<Breakpoint> {
        let mut all = match self.around {
            [] => self.base.defaults.breakpoints.clone(),
            // A team in a team has those of its own file.
            _ => Vec::new(),
        };
        for (breakpoint, rule, span) in
            node.map(|node| read_breakpoints(self.findings, node, SetBy::Team)).unwrap_or_default()
        {
            self.rule_names(&rule, span, agents);
            all.push(breakpoint);
        }
        all
    }
}
