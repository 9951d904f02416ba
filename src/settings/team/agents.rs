//! `[[agents]]`: who takes part.

use super::{AgentMarks, Marks, World, prompts};
use crate::chat::Name;
use crate::chat::pattern::Pattern;
use crate::chat::team::{Agent, AgentKind, HumanInputMode, ModelSpec, TerminationMatch};
use crate::settings::reader::{self, Fields, Node, suggestion};
use crate::settings::report::Finding;
use std::collections::BTreeMap;
use toml::de::DeValue;

const KINDS: &[(&str, AgentKind)] = &[
    ("assistant", AgentKind::Assistant),
    ("user_proxy", AgentKind::UserProxy),
    ("executor", AgentKind::Executor),
    ("team", AgentKind::Team),
];
const MODES: &[(&str, HumanInputMode)] = &[
    ("ALWAYS", HumanInputMode::Always),
    ("NEVER", HumanInputMode::Never),
    ("TERMINATE", HumanInputMode::Terminate),
    ("FUNCTION_CALL", HumanInputMode::FunctionCall),
];
/// Names that mean something else in prompts and records.
const RESERVED: &[&str] = &["user", "system", "operator", "tool"];
const LONGEST_NAME: usize = 32;
/// AG2: ConversableAgent.MAX_CONSECUTIVE_AUTO_REPLY.
const AUTO_REPLIES: u32 = 100;

impl<'a> World<'a> {
    pub(super) fn agents(
        &self,
        node: Option<&'a Node<'a>>,
        models: &BTreeMap<String, ModelSpec>,
        marks: &mut Marks,
    ) -> Vec<Agent> {
        const HELP: &str = "write [[agents]] in double brackets, and below it a name and a kind";
        let mut agents: Vec<Agent> = Vec::new();
        let Some(node) = node else {
            self.findings.push(Finding::error("this team has no agents").help(HELP));
            return agents;
        };
        let Some(list) = node.get_ref().as_array() else {
            let message = format!("`agents` is a list of tables, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()).help(HELP));
            return agents;
        };
        if list.is_empty() {
            self.findings.push(Finding::error("this team has no agents").at(node.span()).help(HELP));
        }
        if !reader::few(self.findings, "agents", list.len(), node.span()) {
            return agents;
        }
        for node in list.iter() {
            let Some(table) = node.get_ref().as_table() else {
                let message = format!("an agent is a table, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()).help(HELP));
                continue;
            };
            let mut fields = Fields::new(self.findings, table, node.span(), "[[agents]]");
            let mut places = AgentMarks { name: node.span(), ..AgentMarks::default() };
            let agent = self.agent(&mut fields, models, &mut places);
            if !agent.name.is_empty() && agents.iter().any(|other| other.name == agent.name) {
                let finding =
                    Finding::error(format!("two agents are called {:?}", &*agent.name)).at(places.name.clone());
                self.findings.push(finding.help("names tell agents apart; give this one another"));
            }
            agents.push(agent);
            marks.agents.push(places);
        }
        for (name, span) in marks.agents.iter().flat_map(|places| &places.speaks_to) {
            self.known_agent(name, span.clone(), &agents);
        }
        agents
    }

    fn agent(&self, fields: &mut Fields<'a>, models: &BTreeMap<String, ModelSpec>, marks: &mut AgentMarks) -> Agent {
        let name = self.name(fields, marks);
        let who = if name.is_empty() { "this agent".to_owned() } else { format!("agent {name:?}") };
        let kind = fields.word("kind", KINDS);
        if fields.span_of("kind").is_none() {
            let finding = Finding::error(format!("{who} has no `kind`")).at(marks.name.clone());
            self.findings.push(finding.help("one of: assistant, user_proxy, executor, team"));
        }
        // What follows from the kind is only right, and only missed, when the kind is known.
        let assumed = kind.unwrap_or(AgentKind::UserProxy);
        let mode = fields.word("human_input_mode", MODES).unwrap_or(match assumed {
            AgentKind::UserProxy => HumanInputMode::Always,
            AgentKind::Assistant | AgentKind::Executor | AgentKind::Team => HumanInputMode::Never,
        });
        let limit = fields.small("max_consecutive_auto_reply", 0).unwrap_or(AUTO_REPLIES);
        marks.limit = fields.span_of("max_consecutive_auto_reply");
        let end = fields.get("is_termination_msg").map(|node| self.end(node));
        let reply = fields.get("default_auto_reply").map(|node| self.reply(node));
        let code = self.code(fields, &who, assumed, marks);
        let on_failure = fields.get("on_failure").and_then(|node| self.on_failure(node));
        let speaks_to = self.audience(fields, &name, marks);
        let context = fields.get("context").map(|node| self.context(node)).unwrap_or_default();
        marks.context = fields.span_of("context");
        let system = fields.text("system_message");
        let description = fields.text("description");
        marks.description = fields.span_of("description");
        marks.system_message = fields.span_of("system_message");
        marks.watch = fields.get("watch").map(|node| super::watch::read_agent(self.findings, node)).unwrap_or_default();
        let silent = fields.flag("silent").unwrap_or(false);
        let available_when = self.rule_text(fields, "available_when", marks);
        let model = self.agent_model(fields, &who, kind, models, marks);
        let response_format = self.response_format(fields, model.is_some() || kind == Some(AgentKind::Assistant));
        let tools = fields.texts("tools").unwrap_or_default();
        marks.tools = tools.clone();
        let mcp = fields.texts("mcp").unwrap_or_default();
        marks.servers = mcp.clone();
        let handoffs = fields.get("handoffs").map(|node| self.handoffs(node, marks)).unwrap_or_default();
        let after_work = fields.get("after_work").map(|node| self.after_work(node, marks)).unwrap_or_default();
        let nested = self.nested(fields, &who, assumed, models, marks);
        let max_tool_iterations = fields.small("max_tool_iterations", 1).unwrap_or(1);
        let reflect_on_tool_use = fields.flag("reflect_on_tool_use").unwrap_or(false);
        let tool_call_summary_format = fields.filled("tool_call_summary_format");
        fields.finish();

        let description = description.or_else(|| system.clone().filter(|text| !text.trim().is_empty()));
        let description = description.unwrap_or_else(|| match assumed {
            AgentKind::Assistant => prompts::ASSISTANT_DESCRIPTION.into(),
            AgentKind::UserProxy => prompts::user_proxy(mode, code.is_some()).into(),
            AgentKind::Executor => prompts::EXECUTOR.into(),
            AgentKind::Team => prompts::TEAM.into(),
        });
        let system_message = system.unwrap_or_else(|| match assumed {
            AgentKind::Assistant => prompts::ASSISTANT.into(),
            AgentKind::UserProxy | AgentKind::Executor | AgentKind::Team => String::new(),
        });
        Agent {
            name: Name::from(name),
            kind: assumed,
            description,
            system_message,
            model,
            human_input_mode: mode,
            max_consecutive_auto_reply: limit,
            is_termination_msg: end.flatten().unwrap_or_else(|| TerminationMatch::Exactly("TERMINATE".into())),
            default_auto_reply: reply.unwrap_or_else(|| match assumed {
                AgentKind::Executor => Some(prompts::NOTHING_TO_RUN.into()),
                AgentKind::Assistant | AgentKind::UserProxy | AgentKind::Team => Some(String::new()),
            }),
            code_execution: code,
            nested: nested.map(Box::new),
            response_format,
            on_failure,
            speaks_to,
            context,
            silent,
            available_when,
            tools: tools.into_iter().map(|(name, _)| name).collect(),
            mcp: mcp.into_iter().map(|(name, _)| name).collect(),
            handoffs,
            after_work,
            max_tool_iterations,
            reflect_on_tool_use,
            tool_call_summary_format,
        }
    }

    /// The name, or an empty text when there is none that can be shown.
    fn name(&self, fields: &mut Fields<'a>, marks: &mut AgentMarks) -> String {
        let Some(node) = fields.get("name") else {
            let finding = Finding::error("this agent has no `name`").at(fields.span.clone());
            self.findings.push(finding.help("add for example name = \"Coder\""));
            return String::new();
        };
        marks.name = node.span();
        let Some(name) = reader::text(self.findings, "name", node) else { return String::new() };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
            let message = "an agent's name is 1 to 32 letters (a-z, A-Z), digits, `_` and `-`";
            let mut finding = Finding::error(message).at(node.span());
            let better: String =
                name.trim().chars().map(|c| if fits(c) { c } else { '_' }).take(LONGEST_NAME).collect();
            if better.chars().any(|c| c.is_ascii_alphanumeric()) {
                finding = finding.help(format!("for example {better:?}"));
            }
            self.findings.push(finding);
        } else if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            let message = format!("an agent cannot be called {name:?}");
            let help = format!("{} have a meaning of their own in prompts and records", RESERVED.join(", "));
            self.findings.push(Finding::error(message).at(node.span()).help(help));
        }
        name
    }

    fn agent_model(
        &self,
        fields: &mut Fields<'a>,
        who: &str,
        kind: Option<AgentKind>,
        models: &BTreeMap<String, ModelSpec>,
        marks: &AgentMarks,
    ) -> Option<String> {
        if let Some(node) = fields.get("model") {
            let key = reader::text(self.findings, "model", node)?;
            self.known_model(&key, node.span(), models);
            return Some(key);
        }
        if kind != Some(AgentKind::Assistant) {
            return None;
        }
        if models.len() != 1 {
            let message = format!("{who} speaks through a model and does not say which");
            let help = match models.is_empty() {
                true => "describe one in [models.<key>]; while it is the only one, every assistant uses it".to_owned(),
                false => format!("write model = \"…\"; known here: {}", names(models)),
            };
            self.findings.push(Finding::error(message).at(marks.name.clone()).help(help));
        }
        models.keys().next().filter(|_| models.len() == 1).cloned()
    }

    /// Whom it speaks to. Whether these are agents shows when all are known.
    fn audience(&self, fields: &mut Fields<'a>, name: &str, marks: &mut AgentMarks) -> Vec<Name> {
        let named = fields.texts("speaks_to").unwrap_or_default();
        if let (Some(span), true) = (fields.span_of("speaks_to"), named.iter().all(|(other, _)| other == name)) {
            let finding = Finding::error("`speaks_to` names nobody else: nobody would hear this agent").at(span);
            self.findings.push(finding.help("name those who hear it, or leave `speaks_to` out: then everybody does"));
        }
        let mut audience: Vec<Name> = Vec::new();
        for (other, _) in named.iter().filter(|(other, _)| other != name) {
            if !audience.iter().any(|known| &**known == other) {
                audience.push(other.as_str().into());
            }
        }
        marks.speaks_to = named;
        audience
    }

    fn end(&self, node: &Node<'_>) -> Option<TerminationMatch> {
        const HELP: &str = "a text (the whole message), { exactly = \"…\" }, { contains = \"…\" }, \
            { ends_with = \"…\" }, { matches = \"regular expression\" }, or false";
        const WAYS: [&str; 4] = ["exactly", "contains", "ends_with", "matches"];
        let refuse = |message: String, span| {
            self.findings.push(Finding::error(message).at(span).help(HELP));
            None
        };
        match node.get_ref() {
            DeValue::Boolean(false) => Some(TerminationMatch::Never),
            DeValue::String(text) => self.wanted(text, node).map(TerminationMatch::Exactly),
            DeValue::Table(table) => {
                if let Some((key, _)) = table.iter().find(|(key, _)| !WAYS.contains(&&**key.get_ref())) {
                    let finding = Finding::error(format!("unknown key `{}` in `is_termination_msg`", key.get_ref()));
                    self.findings.push(finding.at(key.span()).help(suggestion(key.get_ref(), WAYS)));
                    return None;
                }
                if table.len() != 1 {
                    return refuse("`is_termination_msg` takes exactly one of its keys".into(), node.span());
                }
                let (key, node) = table.iter().next()?;
                let text = reader::text(self.findings, key.get_ref(), node)?;
                let text = self.wanted(&text, node)?;
                Some(match &**key.get_ref() {
                    "contains" => TerminationMatch::Contains(text),
                    "ends_with" => TerminationMatch::EndsWith(text),
                    "matches" => match Pattern::new(&text) {
                        Ok(pattern) => TerminationMatch::Matches(pattern),
                        Err(why) => {
                            let message = format!("this regular expression cannot be used: {why}");
                            self.findings.push(Finding::error(message).at(node.span()));
                            return None;
                        }
                    },
                    _ => TerminationMatch::Exactly(text),
                })
            }
            _ => refuse(format!("`is_termination_msg` cannot be {}", reader::found(node)), node.span()),
        }
    }

    /// A text that is looked for; an empty one would be found in every message.
    fn wanted(&self, text: &str, node: &Node<'_>) -> Option<String> {
        if text.trim().is_empty() {
            let finding = Finding::error("the text that ends the chat is empty").at(node.span());
            self.findings.push(finding.help("write `is_termination_msg = false` if no message should end it"));
            return None;
        }
        Some(text.to_owned())
    }

    fn reply(&self, node: &Node<'_>) -> Option<String> {
        match node.get_ref() {
            DeValue::Boolean(false) => None,
            DeValue::String(text) => Some(text.to_string()),
            _ => {
                let message =
                    format!("`default_auto_reply` takes a text or false, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()));
                None
            }
        }
    }
}

fn names(models: &BTreeMap<String, ModelSpec>) -> String {
    models.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
