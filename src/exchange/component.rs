//! Teams and agents of AutoGen AgentChat, as component JSON (reference: agentchat-semantics 7.2, 7.3).

use super::fields::{Fields, class, config};
use super::{Draft, toml_of};
use serde_json::Value;
use toml::Table;

/// What AgentChat's AssistantAgent says when nobody set it anything else stops a run.
const ROUNDS: i64 = 1_000;

impl Draft<'_> {
    /// A component that stands alone: a team, or an agent, which becomes a team of one.
    pub(super) fn root(&mut self, component: &Value, stem: &str) -> Result<(), String> {
        let named = component.get("label").and_then(Value::as_str).unwrap_or(stem);
        if self.is_team(component) {
            let (team, agents) = self.team(component, stem, "");
            self.name = team.get("name").and_then(toml::Value::as_str).unwrap_or(named).to_owned();
            (self.team, self.agents) = (team, agents);
            return Ok(());
        }
        if class(component).ends_with("Agent") || component.get("component_type").is_some_and(|kind| kind == "agent") {
            return self.loose(std::slice::from_ref(component), named);
        }
        Err(format!("{} is no team and no agent; only these become a team file.", class(component)))
    }

    /// Agents without a team around them, in turns.
    pub(super) fn loose(&mut self, agents: &[Value], name: &str) -> Result<(), String> {
        self.name = name.to_owned();
        self.team.insert("name".into(), name.into());
        self.team.insert("speaker_selection_method".into(), "round_robin".into());
        for (n, agent) in agents.iter().enumerate() {
            let table = self.participant(agent, &format!("agents[{n}]"));
            self.agents.extend(table);
        }
        match self.agents.is_empty() {
            true => Err("No agent here can be expressed.".to_owned()),
            false => Ok(()),
        }
    }

    fn is_team(&self, component: &Value) -> bool {
        component.get("component_type").is_some_and(|kind| kind == "team")
            || ["RoundRobinGroupChat", "SelectorGroupChat", "Swarm", "MagenticOneGroupChat", "GraphFlow"]
                .contains(&class(component))
    }

    /// A team's own table, and its agents.
    fn team(&mut self, component: &Value, stem: &str, around: &str) -> (Table, Vec<Table>) {
        let kind = class(component);
        let path = if around.is_empty() { kind.to_owned() } else { format!("{around} > {kind}") };
        let mut fields = Fields::new(config(component), path.clone());
        let mut team = Table::new();
        let name = fields.text("name").unwrap_or(stem).to_owned();
        team.insert("name".into(), name.as_str().into());
        fields.pass(&["description", "emit_team_events", "model_client_streaming"]);
        let graph = fields.get("graph").cloned();
        let participants = fields.list("participants").to_vec();
        let mut agents = Vec::new();
        for (n, participant) in participants.iter().enumerate() {
            let place = format!("{path}.participants[{n}]");
            agents.extend(self.participant(participant, &place));
        }
        let names: Vec<String> =
            agents.iter().filter_map(|agent| Some(agent.get("name")?.as_str()?.to_owned())).collect();
        let old = |name: &String| {
            self.renamed.iter().find(|(_, new)| new == name).map_or(name.clone(), |(old, _)| old.clone())
        };
        self.members = names.iter().map(old).collect();
        let turns = fields.whole("max_turns");
        let mut ends: Vec<toml::Value> = Vec::new();
        if let Some(condition) = fields.get("termination_condition") {
            ends = self.conditions(condition, &format!("{path}.termination_condition"));
        }
        match kind {
            "SelectorGroupChat" => {
                let mut auto = Table::new();
                auto.insert("method".into(), "auto".into());
                if let Some(prompt) = fields.text("selector_prompt") {
                    let here = prompt
                        .replace("{participants}", "{agentlist}")
                        .replace("{history}", "(the conversation above)");
                    auto.insert("select_speaker_message_template".into(), here.into());
                    let text = "the prompt is told before the conversation, which follows as messages and not in place of {history}";
                    self.changed(&format!("{path}.selector_prompt"), text);
                }
                team.insert("speaker_selection_method".into(), auto.into());
                let repeats = fields.flag("allow_repeated_speaker");
                team.insert("allow_repeat_speaker".into(), repeats.into());
                if let Some(attempts) = fields.whole("max_selector_attempts") {
                    team.insert("max_retries_for_selecting_speaker".into(), (attempts - 1).max(0).into());
                }
                if let Some(model) = fields.get("model_client") {
                    let key = self.model(model, &format!("{path}.model_client"));
                    team.insert("selector_model".into(), key.into());
                }
                self.kept(&path, "a model selects the speaker");
            }
            "Swarm" => {
                let mut handoff = Table::new();
                handoff.insert("method".into(), "handoff".into());
                handoff.insert("after_work".into(), "stay".into());
                if let Some(first) = names.first() {
                    handoff.insert("initial".into(), first.as_str().into());
                }
                team.insert("speaker_selection_method".into(), handoff.into());
                self.kept(&path, "the floor is handed over, and stays with who has it otherwise");
            }
            "MagenticOneGroupChat" => {
                let mut magentic = Table::new();
                magentic.insert("method".into(), "magentic".into());
                if let Some(stalls) = fields.whole("max_stalls") {
                    magentic.insert("max_stalls".into(), stalls.into());
                }
                magentic.insert("max_turns".into(), turns.unwrap_or(20).into());
                if let Some(prompt) = fields.text("final_answer_prompt") {
                    magentic.insert("final_answer_prompt".into(), prompt.into());
                }
                team.insert("speaker_selection_method".into(), magentic.into());
                if let Some(model) = fields.get("model_client") {
                    let key = self.model(model, &format!("{path}.model_client"));
                    team.insert("selector_model".into(), key.into());
                }
                self.kept(&path, "a moderator plans and says who does what");
            }
            "GraphFlow" => {
                let graph = self.graph(graph.as_ref(), &path);
                team.insert("speaker_selection_method".into(), graph.into());
                self.kept(&path, "agents are nodes of a graph");
            }
            _ => {
                team.insert("speaker_selection_method".into(), "round_robin".into());
                match kind {
                    "RoundRobinGroupChat" => self.kept(&path, "agents speak in turns"),
                    other => self.lost(&path, format!("how {other} chooses who speaks; they speak in turns here")),
                }
            }
        }
        if let Some(turns) = turns.filter(|_| kind != "MagenticOneGroupChat") {
            let mut limit = Table::new();
            limit.insert("max_turns".into(), turns.into());
            ends.push(limit.into());
        }
        if !ends.is_empty() {
            team.insert("termination".into(), toml::Value::Array(ends));
        }
        team.insert("max_round".into(), ROUNDS.into());
        fields.finish(self);
        (team, agents)
    }

    /// Edges and starts of a GraphFlow.
    fn graph(&mut self, graph: Option<&Value>, path: &str) -> Table {
        let mut method = Table::new();
        method.insert("method".into(), "graph".into());
        let nodes = graph.and_then(|graph| graph.get("nodes")).and_then(Value::as_object);
        let mut edges = Vec::new();
        for (from, node) in nodes.into_iter().flatten() {
            let any = node.get("activation").is_some_and(|kind| kind == "any");
            if any {
                self.changed(&format!("{path}.graph.nodes.{from}"), "its activation `any` is said at the edges to it");
            }
            for edge in node.get("edges").and_then(Value::as_array).into_iter().flatten() {
                let word = |key: &str| edge.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
                let Some(to) = word("target") else { continue };
                let mut table = Table::new();
                table.insert("from".into(), from.as_str().into());
                table.insert("to".into(), to.into());
                if let Some(text) = word("condition") {
                    table.insert("contains".into(), text.into());
                } else if edge.get("condition_function").is_some_and(|function| !function.is_null()) {
                    self.lost(
                        &format!("{path}.graph.nodes.{from}"),
                        format!("the condition of the edge to {to} is code"),
                    );
                }
                if let Some(group) = word("activation_group").filter(|group| *group != to) {
                    table.insert("group".into(), group.into());
                }
                let into_any =
                    nodes.and_then(|nodes| nodes.get(to)?.get("activation")).is_some_and(|kind| kind == "any");
                if word("activation_condition") == Some("any") || into_any {
                    table.insert("join".into(), "any".into());
                }
                edges.push(toml::Value::Table(table));
            }
        }
        if let Some(start) = graph.and_then(|graph| graph.get("default_start_node")).and_then(Value::as_str) {
            method.insert("start".into(), toml::Value::Array(vec![start.into()]));
        }
        method.insert("edges".into(), toml::Value::Array(edges));
        method
    }

    /// A member of a team: an agent, or a team that answers as one.
    fn participant(&mut self, component: &Value, path: &str) -> Option<Table> {
        if self.is_team(component) {
            return Some(self.inner_team(component, component, path, None));
        }
        let kind = class(component);
        let mut fields = Fields::new(config(component), path);
        match kind {
            "AssistantAgent" | "MagenticOneCoderAgent" | "OpenAIAgent" => Some(self.assistant(fields, kind)),
            "UserProxyAgent" => {
                let mut agent = self.named(&mut fields, "user_proxy");
                if fields.get("input_func").is_some() {
                    self.lost(&format!("{path}.input_func"), "you are asked at the screen instead");
                }
                agent.insert("human_input_mode".into(), "ALWAYS".into());
                fields.finish(self);
                self.kept(path, "a person's seat: you are asked for its words");
                Some(agent)
            }
            "CodeExecutorAgent" => {
                let mut agent = self.named(&mut fields, "executor");
                if let Some(executor) = fields.get("code_executor") {
                    let code = self.executor(executor, &format!("{path}.code_executor"));
                    agent.insert("code_execution".into(), code.into());
                }
                if fields.get("model_client").is_some() {
                    self.lost(&format!("{path}.model_client"), "an executor here runs code and writes none");
                }
                fields.pass(&["system_message", "model_client_stream"]);
                fields.finish(self);
                self.kept(path, "runs code, after you have approved each block");
                Some(agent)
            }
            "SocietyOfMindAgent" => {
                let team = fields.get("team").cloned()?;
                let model = fields.get("model_client").map(|model| self.model(model, &format!("{path}.model_client")));
                let mut agent = self.inner_team(component, &team, path, model);
                for key in ["instruction", "response_prompt"] {
                    if let Some(text) = config(component).get(key).and_then(Value::as_str) {
                        agent.insert(key.into(), text.into());
                    }
                }
                fields.pass(&["name", "description", "instruction", "response_prompt"]);
                fields.finish(self);
                Some(agent)
            }
            "MessageFilterAgent" => {
                let inner = fields.get("wrapped_agent").cloned()?;
                let agent = self.participant(&inner, &format!("{path}.wrapped_agent"))?;
                if fields.get("filter").is_some() {
                    self.lost(
                        &format!("{path}.filter"),
                        "it hears everything here; `context` and `speaks_to` can narrow that",
                    );
                }
                Some(agent)
            }
            other => {
                self.lost(path, format!("there is no agent like {other} here; a placeholder stands in its place"));
                let mut agent = self.named(&mut fields, "user_proxy");
                agent.insert("human_input_mode".into(), "ALWAYS".into());
                Some(agent)
            }
        }
    }

    /// Name and description.
    fn named(&mut self, fields: &mut Fields<'_>, kind: &str) -> Table {
        let given = fields.text("name").unwrap_or("agent").to_owned();
        let path = format!("{}.name", fields.path);
        let name = self.fit_name(&path, &given, 32, |_, _| false);
        if name != given {
            self.renamed.push((given, name.clone()));
        }
        let mut agent = Table::new();
        agent.insert("name".into(), name.into());
        agent.insert("kind".into(), kind.into());
        if let Some(description) = fields.text("description").filter(|text| !text.trim().is_empty()) {
            agent.insert("description".into(), description.into());
        }
        agent
    }

    fn assistant(&mut self, mut fields: Fields<'_>, kind: &str) -> Table {
        let path = fields.path.clone();
        let mut agent = self.named(&mut fields, "assistant");
        let system = fields.text("system_message").or_else(|| fields.text("instructions"));
        // AgentChat: in JSON a missing system message means none.
        agent.insert("system_message".into(), system.unwrap_or_default().into());
        if let Some(model) = fields.get("model_client") {
            let key = self.model(model, &format!("{path}.model_client"));
            agent.insert("model".into(), key.into());
        } else if let Some(model) = fields.text("model") {
            let key = self.plain_model(model);
            agent.insert("model".into(), key.into());
        }
        let mut tools = Vec::new();
        for (n, tool) in fields.list("tools").iter().enumerate() {
            tools.extend(self.tool(tool, &format!("{path}.tools[{n}]")));
        }
        let mut servers = Vec::new();
        let benches = match fields.get("workbench") {
            Some(Value::Array(benches)) => benches.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for (n, bench) in benches.iter().enumerate() {
            self.workbench(bench, &format!("{path}.workbench[{n}]"), &mut tools, &mut servers);
        }
        let texts = |names: Vec<String>| toml::Value::Array(names.into_iter().map(toml::Value::String).collect());
        if !tools.is_empty() {
            agent.insert("tools".into(), texts(tools));
        }
        if !servers.is_empty() {
            agent.insert("mcp".into(), texts(servers));
        }
        let handoffs: Vec<toml::Value> = fields.list("handoffs").iter().filter_map(toml_of).collect();
        if !handoffs.is_empty() {
            agent.insert("handoffs".into(), toml::Value::Array(handoffs));
        }
        if let Some(rounds) = fields.whole("max_tool_iterations").filter(|rounds| *rounds > 1) {
            agent.insert("max_tool_iterations".into(), rounds.into());
        }
        if fields.flag("reflect_on_tool_use") {
            agent.insert("reflect_on_tool_use".into(), true.into());
        }
        if let Some(format) = fields.text("tool_call_summary_format").filter(|format| *format != "{result}") {
            agent.insert("tool_call_summary_format".into(), format.into());
        }
        if let Some(context) = fields.get("model_context") {
            let rule = self.context(context, &format!("{path}.model_context"));
            if let Some(rule) = rule {
                agent.insert("context".into(), rule.into());
            }
        }
        for (n, memory) in fields.list("memory").iter().enumerate() {
            self.memory(memory, &format!("{path}.memory[{n}]"), &mut agent);
        }
        if let Some(factory) = fields.get("structured_message_factory")
            && let Some(schema) = config(factory).get("json_schema").and_then(toml_of)
        {
            agent.insert(
                "response_format".into(),
                toml::Value::Table([("schema".to_owned(), schema)].into_iter().collect()),
            );
        }
        fields.pass(&["model_client_stream"]);
        fields.finish(self);
        match kind {
            "AssistantAgent" => self.kept(&path, "an assistant"),
            other => self.changed(&path, format!("{other} is a plain assistant here")),
        }
        agent
    }

    /// A team that stands where an agent may: it goes into `[teams]`.
    fn inner_team(&mut self, component: &Value, team: &Value, path: &str, model: Option<String>) -> Table {
        let mut fields = Fields::new(config(component), path);
        let mut agent = self.named(&mut fields, "team");
        let name = agent.get("name").and_then(toml::Value::as_str).unwrap_or("team").to_owned();
        let (mut inner, agents) = self.team(team, &name, path);
        let mut key = name;
        while self.teams.contains_key(&key) {
            key.push('_');
        }
        inner.remove("name");
        inner.insert("agents".into(), toml::Value::Array(agents.into_iter().map(toml::Value::Table).collect()));
        self.teams.insert(key.clone(), inner.into());
        agent.insert("team".into(), key.into());
        if let Some(model) = model {
            agent.insert("model".into(), model.into());
        }
        agent
    }
}
