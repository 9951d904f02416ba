//! `team`: the team behind an agent, in this file or in one of its own.

use super::{AgentMarks, Base, Marks, World, parse_within, prompts};
use crate::chat::team::{AgentKind, ModelSpec, Nested, Team};
use crate::settings::file;
use crate::settings::paths;
use crate::settings::reader::{self, Fields, Node, suggestion};
use crate::settings::report::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// How deep teams may nest. Each level multiplies what one turn costs.
const DEEPEST: usize = 3;
/// The session numbers the members of nested teams by their places; see `session::inner`.
const MOST_MEMBERS: usize = 63;
/// Keys that mean something only beside `team`.
const BESIDE: [&str; 6] = ["team_when", "message", "carryover", "memory", "instruction", "response_prompt"];

impl<'a> World<'a> {
    /// The team behind an agent, if it has one.
    pub(super) fn nested(
        &self,
        fields: &mut Fields<'a>,
        who: &str,
        kind: AgentKind,
        models: &BTreeMap<String, ModelSpec>,
        marks: &mut AgentMarks,
    ) -> Option<Nested> {
        let Some(node) = fields.get("team") else {
            if kind == AgentKind::Team {
                let finding = Finding::error(format!("{who} is a team and does not say which")).at(marks.name.clone());
                self.findings.push(finding.help("write team = \"inner.toml\", or the name of a table in [teams]"));
            }
            for key in BESIDE {
                if let Some(node) = fields.get(key) {
                    let finding = Finding::error(format!("`{key}` means something only beside `team`"));
                    self.findings.push(finding.at(node.span()));
                }
            }
            return None;
        };
        let team = match node.get_ref() {
            DeValue::String(name) => self.named(name, node, models),
            DeValue::Table(table) => self.inline(who, table, node, models),
            _ => {
                let message = format!("`team` takes a file, a name or a table, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()));
                None
            }
        };
        let when = self.rule_text(fields, "team_when", marks);
        let message = fields.filled("message");
        let carryover = fields.flag("carryover").unwrap_or(false);
        let memory = fields.flag("memory").unwrap_or(false);
        let instruction = fields.filled("instruction").unwrap_or_else(|| prompts::TEAM_INSTRUCTION.into());
        let response_prompt = fields.filled("response_prompt").unwrap_or_else(|| prompts::TEAM_RESPONSE.into());
        let team = team?;
        if team.agents.len() > MOST_MEMBERS {
            let finding = Finding::error(format!("a nested team has at most {MOST_MEMBERS} members")).at(node.span());
            self.findings.push(finding.help("split it, or let some of its members be teams themselves"));
        }
        Some(Nested { team, when, message, carryover, memory, instruction, response_prompt })
    }

    /// A table of `[teams]`, or a file.
    fn named(&self, name: &str, node: &Node<'_>, models: &BTreeMap<String, ModelSpec>) -> Option<Team> {
        if let Some(inner) = self.teams.and_then(|teams| teams.get(name)) {
            let table = reader::table(self.findings, name, inner)?;
            return self.inline(name, table, node, models);
        }
        if !name.ends_with(".toml") {
            let known = self.teams.into_iter().flat_map(|teams| teams.iter().map(|(name, _)| &**name.get_ref()));
            let finding = Finding::error(format!("there is no team {name:?} in [teams]")).at(node.span());
            self.findings.push(finding.help(format!("{}; a file ends with .toml", suggestion(name, known))));
            return None;
        }
        let path = paths::absolute(&self.base.dir, name.as_ref());
        let around = self.entered(&path.to_string_lossy(), node)?;
        let fail = |why: String| {
            let finding = Finding::error(format!("the team in {name} cannot be used: {why}")).at(node.span());
            self.findings.push(finding.help(format!("`plenary check {name}` shows every mistake in it")));
        };
        let text = match file::read(&path) {
            Ok(text) => text,
            Err(report) => {
                fail(report.findings.first().map_or_else(String::new, |first| first.message.clone()));
                return None;
            }
        };
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        let base = Base { dir, ..self.base.clone() };
        match parse_within(&path.display().to_string(), &text, self.families, self.price_of, &base, &around) {
            Ok(loaded) => Some(loaded.team),
            Err(report) => {
                fail(report.findings.first().map_or_else(String::new, |first| first.message.clone()));
                None
            }
        }
    }

    /// A team in this file: its agents stand in its own table, and the models and tools are those of the file.
    fn inline(
        &self,
        name: &str,
        table: &'a DeTable<'a>,
        node: &Node<'_>,
        models: &BTreeMap<String, ModelSpec>,
    ) -> Option<Team> {
        let around = self.entered(name, node)?;
        let World { findings, families, price_of, base, source, teams, tools, servers, .. } = *self;
        let around = &around;
        let world = World { findings, families, price_of, base, source, around, teams, tools, servers, inline: true };
        let mut team =
            world.members(table, node.span(), name, table.get("agents"), models.clone(), &mut Marks::default())?;
        team.models = used(&team, models);
        Some(team)
    }

    /// The teams around one more; nothing when it would be in itself, or too deep.
    fn entered(&self, name: &str, node: &Node<'_>) -> Option<Vec<String>> {
        if self.around.iter().any(|around| around == name) {
            let way = self.around.iter().skip_while(|around| *around != name).map(String::as_str);
            let way = way.chain([name]).collect::<Vec<_>>().join(" > ");
            let finding = Finding::error(format!("this team contains itself: {way}")).at(node.span());
            self.findings.push(finding.help("a team may contain others, and none of those around it"));
            return None;
        }
        if self.around.len() >= DEEPEST {
            let finding = Finding::error(format!("teams nest at most {DEEPEST} deep")).at(node.span());
            self.findings.push(finding);
            return None;
        }
        Some(self.around.iter().cloned().chain([name.to_owned()]).collect())
    }
}

/// The models that a team uses, and those they fall back on.
fn used(team: &Team, models: &BTreeMap<String, ModelSpec>) -> BTreeMap<String, ModelSpec> {
    let mut open: Vec<&String> = team.agents.iter().filter_map(|agent| agent.model.as_ref()).collect();
    open.extend(&team.selector_model);
    let mut found = BTreeSet::new();
    while let Some(key) = open.pop() {
        if found.insert(key.clone()) {
            open.extend(models.get(key).into_iter().flat_map(|model| &model.fallback));
        }
    }
    models.iter().filter(|(key, _)| found.contains(*key)).map(|(key, model)| (key.clone(), model.clone())).collect()
}
