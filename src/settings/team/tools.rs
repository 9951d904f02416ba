//! `[tools.<name>]`, and what an agent says of tools and of passing the floor.

use super::code::{TOOL_POLICIES, WORK_DIR};
use super::{AgentMarks, World};
use crate::catalog::Row;
use crate::chat::Name;
use crate::chat::containment::{Bounds, Tier};
use crate::chat::format::Checker;
use crate::chat::team::{
    AfterWork, Agent, ApprovalPolicy, COMMAND, CodeExecution, Handoff, ServerSetup, Spec, Target, ToolSetup,
};
use crate::settings::reader::{self, Fields, Node, Span};
use crate::settings::report::Finding;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// AG2: tool names; the dialects follow it.
const LONGEST_NAME: usize = 64;
/// Most bytes of a result that its model is told, and that are kept, where the team file does not say.
pub(super) const RESULT: u64 = 65_536;
pub(super) const KEPT: u64 = 4 << 20;
pub(super) const LEAST_RESULT: u64 = 256;
/// Time limit of a call that starts no program.
const IN_PROCESS_MS: u64 = 30_000;
/// Types of JSON schema that a short form may name.
const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
/// Words of `after_work` that are no agents (AG2: TransitionTarget).
const TARGETS: [(&str, Target); 6] = [
    ("stay", Target::Stay),
    ("terminate", Target::Terminate),
    ("user", Target::User),
    ("ask", Target::Ask),
    ("random", Target::Random),
    ("auto", Target::Auto),
];
/// The person in the chair as the target of a hand-off (AgentChat: HandoffTermination("user")).
const USER: &str = "user";

impl<'a> World<'a> {
    pub(super) fn tools(&self, node: &'a Node<'a>) -> BTreeMap<String, ToolSetup> {
        let mut tools = BTreeMap::new();
        let Some(table) = reader::table(self.findings, "tools", node) else { return tools };
        for (name, node) in table.iter() {
            let (name, span) = (name.get_ref().to_string(), name.span());
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
                let message = "a tool's name is 1 to 64 letters (a-z, A-Z), digits, `_` and `-`";
                self.findings.push(Finding::error(message).at(span.clone()));
            }
            let Some(table) = reader::table(self.findings, &name, node) else { continue };
            let fields = Fields::new(self.findings, table, node.span(), format!("[tools.{name}]"));
            if let Some(tool) = self.tool(fields, &name, span) {
                tools.insert(name, tool);
            }
        }
        tools
    }

    fn tool(&self, mut fields: Fields<'a>, name: &str, span: Span) -> Option<ToolSetup> {
        let description = fields.filled("description");
        let given = fields.get("parameters");
        let result_limit = fields.whole("result_limit", LEAST_RESULT..=1 << 30).unwrap_or(RESULT);
        let alone = fields.flag("alone").unwrap_or(false);
        let idempotency_key = fields.flag("idempotency_key").unwrap_or(false);
        let meant = |row: &&Row| row.fields.first().is_some_and(|field| fields.has(field.name));
        let rows: Vec<&Row> = self.families.tools.iter().filter(meant).collect();
        let keeps = fields.has("output_limit");
        let (source, mut execution, command) = match rows.as_slice() {
            [] => {
                let command: Vec<String> =
                    fields.texts("command").unwrap_or_default().into_iter().map(|(word, _)| word).collect();
                if command.first().is_none_or(|program| program.trim().is_empty()) {
                    let kinds = self.families.tools.iter().filter_map(|row| Some(row.fields.first()?.name));
                    let kinds = kinds.map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or ");
                    let finding = Finding::error(format!("tool {name:?} has no `command`")).at(span.clone());
                    let help =
                        format!("for example: command = [\"grep\", \"-rn\", \"{{pattern}}\", \".\"]; or {kinds}");
                    self.findings.push(finding.help(help));
                }
                let execution = self.execution(fields, &mut AgentMarks::default(), TOOL_POLICIES);
                (Spec::named(COMMAND), execution, Some(command))
            }
            [row] if !fields.has("command") => {
                let (source, execution) = self.in_process(row, fields, span.clone());
                (source, execution, None)
            }
            _ => {
                let message = format!("tool {name:?} says twice what a call does");
                let help = "one of `command`, `url`, `builtin`: the others belong into tools of their own";
                self.findings.push(Finding::error(message).at(span).help(help));
                return None;
            }
        };
        if !keeps {
            execution.output_limit = KEPT;
        }
        let (known, schema, words) = (self.families.describe_tool)(&source);
        let parameters = match given {
            Some(node) => {
                let schema = self.schema(node);
                if let Err(why) = Checker::new(&schema) {
                    let finding = Finding::error(format!("`parameters` is no JSON schema: {why}")).at(node.span());
                    self.findings.push(finding.help("for example: parameters = { query = \"string\" }"));
                }
                schema
            }
            None => schema.unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        };
        let description = description.or(known);
        if description.is_none() {
            let finding = Finding::error(format!("tool {name:?} has no `description`")).at(span);
            self.findings.push(finding.help("say what it does and when to use it: that is all its model knows"));
        }
        Some(ToolSetup {
            source,
            result_limit: Some(result_limit),
            alone,
            idempotency_key,
            ..ToolSetup::command(&description?, parameters, command.unwrap_or(words), execution)
        })
    }

    /// A tool that is no program: its kind, and the limits that it has all the same.
    fn in_process(&self, row: &Row, mut fields: Fields<'a>, span: Span) -> (Spec, CodeExecution) {
        let approval = fields.word("approval", TOOL_POLICIES).unwrap_or(ApprovalPolicy::Always);
        let timeout = fields.duration("timeout");
        let output_limit = fields.whole("output_limit", LEAST_RESULT..=1 << 30);
        let work_dir = fields.filled("work_dir");
        let beside = fields.asked().to_vec();
        let source = self.spec(row, "tool", fields.rest(), span, &beside);
        let plain = self.place(Spec::named(row.name), work_dir.as_deref().unwrap_or(WORK_DIR), None);
        let execution = CodeExecution {
            approval,
            timeout_ms: timeout.unwrap_or(IN_PROCESS_MS),
            output_limit: output_limit.unwrap_or(plain.output_limit),
            minimum_tier: Tier::None,
            bounds: Bounds::default(),
            environment: Vec::new(),
            ..plain
        };
        (source, execution)
    }

    /// A JSON schema of an object, or the short form: a table of names, each with a type or a schema of its own. All
    /// names of the short form are required unless they have a `default`.
    fn schema(&self, node: &Node<'_>) -> Value {
        let none = || json!({"type": "object", "properties": {}});
        let Some(Value::Object(given)) = super::options::json(self.findings, "parameters", node) else {
            let message = format!("`parameters` takes a table, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()));
            return none();
        };
        if given.get("type").is_some_and(|kind| kind == "object") {
            return Value::Object(given);
        }
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, value) in given {
            let schema = match value {
                Value::String(kind) if TYPES.contains(&kind.as_str()) => json!({"type": kind}),
                Value::String(kind) => {
                    let finding = Finding::error(format!("`{name}` has no type {kind:?}")).at(node.span());
                    self.findings.push(finding.help(reader::suggestion(&kind, TYPES)));
                    continue;
                }
                Value::Object(schema) => Value::Object(schema),
                _ => {
                    let finding = Finding::error(format!("`{name}` takes a type or a schema")).at(node.span());
                    self.findings.push(finding.help("for example: parameters = { query = \"string\" }"));
                    continue;
                }
            };
            if schema.get("default").is_none() {
                required.push(Value::from(name.clone()));
            }
            properties.insert(name, schema);
        }
        json!({"type": "object", "properties": properties, "required": required})
    }

    /// `handoffs`: a name, or a list of names and tables.
    pub(super) fn handoffs(&self, node: &'a Node<'a>, marks: &mut AgentMarks) -> Vec<Handoff> {
        const HELP: &str = "for example: handoffs = [\"Billing\", { target = \"Expert\", description = \"…\" }]";
        let Some(list) = node.get_ref().as_array() else {
            let message = format!("`handoffs` takes a list, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()).help(HELP));
            return Vec::new();
        };
        let mut handoffs: Vec<Handoff> = Vec::new();
        for item in list.iter() {
            let read = match item.get_ref() {
                DeValue::String(target) => Some(handoff(target)),
                DeValue::Table(table) => self.handoff(table, item.span(), marks),
                _ => {
                    let message = format!("a hand-off is a name or a table, and this is {}", reader::found(item));
                    self.findings.push(Finding::error(message).at(item.span()).help(HELP));
                    None
                }
            };
            let Some(read) = read else { continue };
            if handoffs.iter().any(|other| other.name == read.name) {
                let finding = Finding::error(format!("two hand-offs are called {:?}", read.name)).at(item.span());
                self.findings.push(finding.help("give one of them another `name`"));
            }
            marks.targets.push((read.target.clone(), item.span()));
            handoffs.push(read);
        }
        handoffs
    }

    fn handoff(&self, table: &'a DeTable<'a>, span: Span, marks: &mut AgentMarks) -> Option<Handoff> {
        let mut fields = Fields::new(self.findings, table, span.clone(), "this hand-off");
        let target = fields.filled("target");
        if target.is_none() && fields.span_of("target").is_none() {
            self.findings.push(Finding::error("this hand-off has no `target`").at(span));
        }
        let (name, description) = (fields.filled("name"), fields.filled("description"));
        let message = fields.filled("message");
        let available_when = self.rule_text(&mut fields, "available_when", marks);
        let when = self.rule_text(&mut fields, "when", marks);
        let set = fields.get("set").map(|node| self.variables("set", node)).unwrap_or_default();
        fields.finish();
        let plain = handoff(&target?);
        Some(Handoff {
            name: name.unwrap_or(plain.name),
            description: description.unwrap_or(plain.description),
            message: message.unwrap_or(plain.message),
            available_when,
            when,
            set,
            ..plain
        })
    }

    /// `after_work`: a target, or a list of tables with `target` and `when`.
    pub(super) fn after_work(&self, node: &'a Node<'a>, marks: &mut AgentMarks) -> Vec<AfterWork> {
        match node.get_ref() {
            DeValue::String(name) => vec![AfterWork { when: None, target: target(name, node.span(), marks) }],
            DeValue::Array(list) => {
                let read = |item: &'a Node<'a>, marks: &mut AgentMarks| {
                    let table = reader::table(self.findings, "after_work", item)?;
                    let mut fields = Fields::new(self.findings, table, item.span(), "`after_work`");
                    let name = fields.filled("target");
                    let span = fields.span_of("target").unwrap_or(item.span());
                    if name.is_none() {
                        let finding = Finding::error("this entry has no `target`").at(item.span());
                        self.findings
                            .push(finding.help("for example: { when = \"round > 8\", target = \"terminate\" }"));
                    }
                    let when = self.rule_text(&mut fields, "when", marks);
                    fields.finish();
                    Some(AfterWork { when, target: target(&name?, span, marks) })
                };
                list.iter().filter_map(|item| read(item, marks)).collect()
            }
            _ => {
                let message = format!("`after_work` takes a text or a list, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()));
                Vec::new()
            }
        }
    }

    /// The text of a rule that was read.
    pub(super) fn rule_text(
        &self,
        fields: &mut Fields<'a>,
        key: &'static str,
        marks: &mut AgentMarks,
    ) -> Option<String> {
        let node = fields.get(key)?;
        let rule = self.rule(key, node)?;
        let text = rule.source().to_owned();
        // Whom it names is checked when all agents are known.
        marks.rules.push((rule, node.span()));
        Some(text)
    }

    /// A table of context variables.
    pub(super) fn variables(&self, key: &str, node: &Node<'_>) -> Map<String, Value> {
        match super::options::json(self.findings, key, node) {
            Some(Value::Object(map)) => map,
            _ => {
                let message = format!("`{key}` takes a table, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()));
                Map::new()
            }
        }
    }

    /// Reports hand-offs to nobody, to oneself, and tools that are not declared, once all agents are known.
    pub(super) fn known_targets(
        &self,
        agents: &[Agent],
        tools: &BTreeMap<String, ToolSetup>,
        servers: &BTreeMap<String, ServerSetup>,
        marks: &[AgentMarks],
    ) {
        for (agent, marks) in agents.iter().zip(marks) {
            for (target, span) in &marks.targets {
                if *target == agent.name {
                    let finding = Finding::error(format!("{target} cannot hand over to itself")).at(span.clone());
                    self.findings.push(finding.help("it keeps the floor with after_work = \"stay\""));
                } else if &**target != USER {
                    self.known_agent(target, span.clone(), agents);
                }
            }
            let of_tools = marks.tools.iter().filter_map(|(name, span)| Some((name.split_once('/')?.0, span)));
            let whole = marks.servers.iter().map(|(name, span)| (name.as_str(), span));
            for (name, span) in whole.chain(of_tools).filter(|(name, _)| !servers.contains_key(*name)) {
                let finding = Finding::error(format!("there is no server {name:?} in [mcp]")).at(span.clone());
                self.findings.push(finding.help(reader::suggestion(name, servers.keys().map(String::as_str))));
            }
            for (name, span) in marks.tools.iter().filter(|(name, _)| !name.contains('/')) {
                if !tools.contains_key(name) {
                    let finding = Finding::error(format!("there is no tool {name:?} in [tools]")).at(span.clone());
                    self.findings.push(finding.help(reader::suggestion(name, tools.keys().map(String::as_str))));
                }
                if agent.handoffs.iter().any(|handoff| handoff.name == *name) {
                    let finding = Finding::error(format!("a hand-off has the name of tool {name:?}")).at(span.clone());
                    self.findings.push(finding.help("give the hand-off another `name`"));
                }
            }
        }
    }
}

/// A hand-off as it is when only its target is given (AgentChat: Handoff).
fn handoff(target: &str) -> Handoff {
    let lower: String =
        target.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Handoff {
        target: Name::from(target),
        name: format!("transfer_to_{lower}"),
        description: format!("Handoff to {target}."),
        message: format!("Transferred to {target}, adopting the role of {target} immediately."),
        available_when: None,
        when: None,
        set: Map::new(),
    }
}

fn target(name: &str, span: Span, marks: &mut AgentMarks) -> Target {
    match TARGETS.iter().find(|(word, _)| *word == name) {
        Some((_, target)) => target.clone(),
        None => {
            marks.after.push((Name::from(name), span));
            Target::Agent(Name::from(name))
        }
    }
}
