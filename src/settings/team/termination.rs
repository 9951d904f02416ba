//! `[[team.termination]]`: when the run ends.

use super::{Marks, World};
use crate::catalog::FieldKind;
use crate::chat::team::{Agent, Condition, Spec};
use crate::settings::reader::{self, Node, nearest, suggestion};
use crate::settings::report::Finding;
use toml::de::DeValue;

/// Options of conditions that name agents, whatever the condition: a name nobody has could never be met.
const NAMES: &[&str] = &["source", "sources", "agent", "agents"];
const COMBINATIONS: [&str; 2] = ["any", "all"];

impl World<'_> {
    pub(super) fn termination(&self, node: &Node<'_>, agents: &[Agent], marks: &mut Marks) -> Vec<Condition> {
        let Some(list) = node.get_ref().as_array() else {
            let message = format!("`termination` is a list of tables, and this is {}", reader::found(node));
            let finding = Finding::error(message).at(node.span());
            self.findings
                .push(finding.help("write [[team.termination]] in double brackets and one condition below it"));
            return Vec::new();
        };
        if list.is_empty() {
            let finding = Finding::error("`termination` is an empty list").at(node.span());
            self.findings
                .push(finding.help("name a condition, or leave `termination` out: then only `max_round` ends the run"));
        }
        if !reader::few(self.findings, "termination", list.len(), node.span()) {
            return Vec::new();
        }
        let conditions = list.iter().filter_map(|item| Some((self.condition(item, agents)?, item.span())));
        let (conditions, spans) = conditions.unzip();
        marks.conditions = spans;
        conditions
    }

    /// A table with exactly one key.
    fn condition(&self, node: &Node<'_>, agents: &[Agent]) -> Option<Condition> {
        let Some(table) = node.get_ref().as_table() else {
            let message = format!("a condition is a table, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()).help("for example: { max_messages = 20 }"));
            return None;
        };
        if table.is_empty() {
            let finding = Finding::error("this condition names nothing").at(node.span());
            let names = self.families.conditions.iter().map(|row| row.name).chain(COMBINATIONS);
            self.findings.push(finding.help(format!("one of: {}", names.collect::<Vec<_>>().join(", "))));
            return None;
        }
        if table.len() > 1 {
            let names: Vec<_> = table.iter().map(|(name, _)| format!("`{}`", name.get_ref())).collect();
            let message = format!("a condition has one key, and this has {}: {}", names.len(), names.join(", "));
            let second = table.iter().nth(1).map_or(node.span(), |(name, _)| name.span());
            self.findings.push(Finding::error(message).at(second).help(
                "for any of them write a [[team.termination]] table each; for all of them together write \
                 `all = [{ … }, { … }]`",
            ));
        }
        // With several keys each is still read, so that a mistake in one shows as well.
        let mut read = table.iter().map(|(name, value)| self.single(name.get_ref(), name.span(), value, agents));
        let first = read.next().flatten();
        read.for_each(drop);
        first
    }

    fn single(&self, name: &str, name_span: reader::Span, node: &Node<'_>, agents: &[Agent]) -> Option<Condition> {
        if COMBINATIONS.contains(&name) {
            let Some(list) = node.get_ref().as_array().filter(|list| !list.is_empty()) else {
                let message = format!("`{name}` takes a list of conditions with at least one in it");
                let help = format!("for example: {name} = [{{ max_messages = 20 }}, {{ max_cost = 1.00 }}]");
                self.findings.push(Finding::error(message).at(node.span()).help(help));
                return None;
            };
            let parts = list.iter().filter_map(|item| self.condition(item, agents)).collect();
            return Some(if name == "any" { Condition::Any(parts) } else { Condition::All(parts) });
        }
        let rows = &self.families.conditions;
        let Some(row) = rows.iter().find(|row| row.name == name) else {
            let known = rows.iter().map(|row| row.name).chain(COMBINATIONS);
            let mut finding = Finding::error(format!("there is no condition `{name}`")).at(name_span);
            finding.help = Some(match nearest(name, ["max_round", "task"]) {
                Some("max_round") => "`max_round` belongs in [team]".into(),
                _ => suggestion(name, known),
            });
            self.findings.push(finding);
            return None;
        };
        let value = row.fields.iter().find(|field| field.name == "value");
        let spec = match node.get_ref() {
            DeValue::Table(table) if value.is_none_or(|field| field.kind != FieldKind::Table) => {
                let given = table.iter().map(|(name, node)| (&**name.get_ref(), name.span(), node));
                self.spec(row, "condition", given, node.span(), &[])
            }
            _ if value.is_none() => {
                let finding = Finding::error(format!("condition `{name}` takes a table of options")).at(node.span());
                self.findings.push(finding.help(format!("for example: {}", row.example)));
                return None;
            }
            _ => self.spec(row, "condition", std::iter::once(("value", name_span, node)), node.span(), &[]),
        };
        self.names_in(&spec, node, agents);
        self.option_rules(row, &spec, node, agents);
        Some(Condition::One(spec))
    }

    /// Reports agents that a condition names and nobody is.
    fn names_in(&self, spec: &Spec, node: &Node<'_>, agents: &[Agent]) {
        if spec.kind == "source_match" {
            self.sources(node, agents);
        }
        let options = NAMES.iter().filter(|name| spec.options.contains_key(**name));
        for node in options.filter_map(|name| node.get_ref().as_table()?.get(*name)) {
            self.sources(node, agents);
        }
    }

    /// Reports authors that nobody is, in a text or a list of texts.
    fn sources(&self, node: &Node<'_>, agents: &[Agent]) {
        match node.get_ref() {
            DeValue::String(name) => drop(self.known_source(name, node.span(), agents)),
            DeValue::Array(list) => {
                for item in list.iter() {
                    if let Some(name) = item.get_ref().as_str() {
                        self.known_source(name, item.span(), agents);
                    }
                }
            }
            DeValue::Table(table) => {
                if let Some(value) = table.get("value") {
                    self.sources(value, agents);
                }
            }
            _ => {}
        }
    }
}
