//! Rules, patterns and commands in a team file: checked where they stand, with the caret inside their text.

use super::World;
use crate::catalog::Row;
use crate::chat::team::{Agent, Spec};
use crate::rules::{Named, Naming, Rule};
use crate::settings::reader::{self, Fields, Node, Span};
use crate::settings::report::Finding;
use serde_json::{Value, json};
use std::ops::Range;
use std::path::Path;
use toml::de::DeValue;

/// What the operator is called in rules and lists of sources.
const OPERATOR: &str = "user";

impl World<'_> {
    /// The place of a part of a text in the file. Where the file spells the text in another way, with escapes, the
    /// whole text is meant.
    pub(super) fn inside(&self, node: Span, text: &str, at: &Range<usize>) -> Span {
        let written = self.source.get(node.clone()).unwrap_or_default();
        match written.find(text).filter(|_| !text.is_empty()) {
            Some(offset) => node.start + offset + at.start..node.start + offset + at.end,
            None => node,
        }
    }

    /// A rule. Whom it names is checked when all agents are known.
    pub(super) fn rule(&self, key: &str, node: &Node<'_>) -> Option<Rule> {
        let text = reader::text(self.findings, key, node)?;
        match Rule::parse(&text) {
            Ok(rule) => Some(rule),
            Err(error) => {
                let mut finding = Finding::error(format!("`{key}`: {error}"));
                finding.span = Some(self.inside(node.span(), &text, &error.at));
                finding.help = error.help;
                self.findings.push(finding);
                None
            }
        }
    }

    /// Reports whom a rule names and nobody is.
    pub(super) fn rule_names(&self, rule: &Rule, node: Span, agents: &[Agent]) {
        for Named { what, name, at } in rule.names() {
            if *what == Naming::Speaker && name != OPERATOR {
                self.known_agent(name, self.inside(node.clone(), rule.source(), at), agents);
            }
        }
    }

    /// Whom the rules of agents name, once all are known.
    pub(super) fn agents_rules(&self, agents: &[Agent], marks: &super::Marks) {
        for (rule, place) in marks.agents.iter().flat_map(|places| &places.rules) {
            self.rule_names(rule, place.clone(), agents);
        }
    }

    /// A name that may also be the operator's.
    pub(super) fn known_source(&self, name: &str, span: Span, agents: &[Agent]) -> bool {
        name == OPERATOR || self.known_agent(name, span, agents)
    }

    /// `[{ when = "…", speaker = "…" }, …]` as data.
    pub(super) fn cases(&self, key: &str, node: &Node<'_>) -> Option<Value> {
        const HELP: &str = "for example: [{ when = \"result == failed\", speaker = \"Coder\" }]";
        let Some(list) = node.get_ref().as_array().filter(|list| !list.is_empty()) else {
            let message = format!("`{key}` takes a list of tables with `when` and `speaker`");
            self.findings.push(Finding::error(message).at(node.span()).help(HELP));
            return None;
        };
        if !reader::few(self.findings, key, list.len(), node.span()) {
            return None;
        }
        let mut cases = Vec::new();
        for item in list.iter() {
            let Some(table) = item.get_ref().as_table() else {
                let message = format!("a case is a table, and this is {}", reader::found(item));
                self.findings.push(Finding::error(message).at(item.span()).help(HELP));
                continue;
            };
            let mut fields = Fields::new(self.findings, table, item.span(), format!("`{key}`"));
            let when = fields.get("when").map(|node| self.rule("when", node));
            let speaker = fields.filled("speaker");
            for (missing, name) in [(when.is_none(), "when"), (fields.span_of("speaker").is_none(), "speaker")] {
                if missing {
                    let finding = Finding::error(format!("this case has no `{name}`")).at(item.span());
                    self.findings.push(finding.help(HELP));
                }
            }
            fields.finish();
            if let (Some(Some(when)), Some(speaker)) = (when, speaker) {
                cases.push(json!({ "when": when.source(), "speaker": speaker }));
            }
        }
        Some(Value::Array(cases))
    }

    /// `["./pick.py", "--fast"]` as data: a program that is a path is relative to the file, and so is everything it does.
    pub(super) fn command(&self, key: &str, node: &Node<'_>) -> Option<Value> {
        const HELP: &str = "a list, never a line for a shell: [\"./pick.py\", \"--fast\"]";
        if !matches!(node.get_ref(), DeValue::Array(_)) {
            let message = format!("`{key}` takes a list of texts, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()).help(HELP));
            return None;
        }
        let mut words = reader::texts(self.findings, key, node)?.into_iter().map(|(word, _)| word);
        let program = words.next().filter(|program| !program.trim().is_empty());
        let words: Vec<String> = words.collect();
        let Some(program) = program.filter(|program| !program.contains('\0') && !words.concat().contains('\0')) else {
            let finding = Finding::error(format!("`{key}` names no program")).at(node.span());
            self.findings.push(finding.help(HELP));
            return None;
        };
        let path = Path::new(&program);
        let program = match path.components().count() > 1 || program.starts_with('.') {
            true => self.base.dir.join(path.strip_prefix(".").unwrap_or(path)).display().to_string(),
            false => program,
        };
        let argv: Vec<String> = std::iter::once(program).chain(words).collect();
        Some(json!({ "argv": argv, "dir": self.base.dir.display().to_string() }))
    }

    /// Reports whom the rules of a selector name and nobody is.
    pub(super) fn selector_rules(&self, node: &Node<'_>, agents: &[Agent]) {
        let cases = node.get_ref().as_table().and_then(|table| table.get("rules")?.get_ref().as_array());
        for case in cases.into_iter().flat_map(|list| list.iter()).filter_map(|case| case.get_ref().as_table()) {
            let when =
                case.get("when").and_then(|when| Some((when.span(), Rule::parse(when.get_ref().as_str()?).ok()?)));
            if let Some((span, rule)) = when {
                self.rule_names(&rule, span, agents);
            }
        }
    }

    /// Reports whom the rules of a condition name and nobody is.
    pub(super) fn option_rules(&self, row: &Row, spec: &Spec, node: &Node<'_>, agents: &[Agent]) {
        use crate::catalog::FieldKind;
        for field in row.fields.iter().filter(|field| field.kind == FieldKind::Rule) {
            let table = node.get_ref().as_table();
            let place = table.and_then(|table| table.get(field.name)).map_or(node.span(), |node| node.span());
            let source = spec.options.get(field.name).and_then(Value::as_str);
            if let Some(rule) = source.and_then(|source| Rule::parse(source).ok()) {
                self.rule_names(&rule, place, agents);
            }
        }
    }
}
