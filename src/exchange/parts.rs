//! What teams and agents are made of: models, tools, terminations, contexts, memory, executors (reference:
//! agentchat-semantics 7.4, 7.5).

use super::fields::{Fields, class, config};
use super::{Draft, toml_of};
use serde_json::Value;
use toml::Table;

/// Sampling options that a model of a team file takes.
const SAMPLING: [&str; 5] = ["temperature", "top_p", "max_tokens", "seed", "stop"];

fn one(key: &str, value: impl Into<toml::Value>) -> Table {
    [(key.to_owned(), value.into())].into_iter().collect()
}

impl Draft<'_> {
    /// The key of a model in `[models]`; the same model is there once.
    pub(super) fn model(&mut self, component: &Value, path: &str) -> String {
        let kind = class(component).to_owned();
        if kind == "ChatCompletionCache" {
            self.changed(path, "the cache around the model is left out");
            let inner = config(component).get("client").cloned().unwrap_or_default();
            return self.model(&inner, &format!("{path}.client"));
        }
        let mut fields = Fields::new(config(component), path);
        if kind == "ReplayChatCompletionClient" {
            let mut table = Table::new();
            table.insert("provider".into(), "scripted".into());
            table.insert("model".into(), "replay".into());
            let told = |reply: &Value| {
                reply.as_str().map(str::to_owned).or_else(|| Some(reply.get("content")?.as_str()?.to_owned()))
            };
            let replies = fields.list("chat_completions").iter().filter_map(told).enumerate().map(|(n, text)| {
                let mut reply = one("text", text);
                reply.insert("turn".into(), i64::try_from(n + 1).unwrap_or(1).into());
                toml::Value::Table(reply)
            });
            table.insert("pace".into(), 0.into());
            table.insert("reply".into(), toml::Value::Array(replies.collect()));
            fields.pass(&["model_info"]);
            fields.finish(self);
            self.kept(path, "scripted replies, in their order");
            return self.keyed_model("replay", table);
        }
        let name = fields.text("model").unwrap_or("unknown").to_owned();
        let base = fields.text("base_url").map(str::to_owned);
        let mut table = Table::new();
        let key_given = fields.text("api_key").is_some();
        let mut provider = match kind.as_str() {
            "OpenAIChatCompletionClient" | "openai_chat_completion_client" if base.is_some() => "compatible",
            "OpenAIChatCompletionClient" | "openai_chat_completion_client" => "openai",
            "AzureOpenAIChatCompletionClient" | "azure_openai_chat_completion_client" => "azure",
            "AnthropicChatCompletionClient" => "anthropic",
            "OllamaChatCompletionClient" | "ollama_chat_completion_client" => "ollama",
            _ => "",
        };
        let mut served = name.clone();
        if provider == "azure" {
            let endpoint = fields.text("azure_endpoint").unwrap_or_default().trim_end_matches('/').to_owned();
            served = fields.text("azure_deployment").unwrap_or(&name).to_owned();
            fields.pass(&["api_version"]);
            provider = "compatible";
            table.insert("base_url".into(), format!("{endpoint}/openai/v1").into());
            table.insert("api_key_env".into(), "AZURE_OPENAI_API_KEY".into());
            self.changed(path, "Azure is asked by its v1 address, with the key in AZURE_OPENAI_API_KEY");
        } else if let Some(base) = &base {
            table.insert("base_url".into(), base.as_str().into());
        }
        if let Some(host) = fields.text("host") {
            table.insert("base_url".into(), format!("{}/v1", host.trim_end_matches('/')).into());
        }
        if provider.is_empty() || !(self.has_provider)(provider) {
            self.lost(path, format!("there is no provider for {kind} here; `openai` stands in its place"));
            provider = "openai";
            table.remove("base_url");
        }
        if key_given && !table.contains_key("api_key_env") {
            if provider == "compatible" {
                table.insert("api_key_env".into(), "OPENAI_API_KEY".into());
            }
            self.changed(
                &format!("{path}.api_key"),
                "keys never stand in a team file: export it, and name the variable in api_key_env",
            );
        }
        table.insert("provider".into(), provider.into());
        table.insert("model".into(), served.into());
        for key in SAMPLING {
            if let Some(value) = fields.get(key).and_then(toml_of) {
                table.insert(key.into(), value);
            }
        }
        fields.pass(&[
            "model_info",
            "model_capabilities",
            "stream_options",
            "include_name_in_message",
            "add_name_prefixes",
        ]);
        if fields.get("max_retries").is_some() || fields.get("timeout").is_some() {
            self.changed(path, "retries and time limits of the model are Plenary's own");
        }
        fields.finish(self);
        self.kept(path, format!("the model {name}"));
        self.keyed_model(&name, table)
    }

    /// A model by its name alone, at OpenAI.
    pub(super) fn plain_model(&mut self, name: &str) -> String {
        let mut table = one("provider", "openai");
        table.insert("model".into(), name.into());
        self.keyed_model(name, table)
    }

    /// Puts a model into `[models]`, unless the same is there.
    pub(super) fn keyed_model(&mut self, name: &str, table: Table) -> String {
        let value = toml::Value::Table(table);
        if let Some((key, _)) = self.models.iter().find(|(_, known)| **known == value) {
            return key.clone();
        }
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect();
        let mut key = plain.clone();
        let mut n = 2;
        while self.models.contains_key(&key) {
            key = format!("{plain}-{n}");
            n += 1;
        }
        self.models.insert(key.clone(), value);
        key
    }

    /// The name of a tool in `[tools]`, if it can be one.
    pub(super) fn tool(&mut self, component: &Value, path: &str) -> Option<String> {
        let kind = class(component).to_owned();
        let mut fields = Fields::new(config(component), path);
        match kind.as_str() {
            "HttpTool" => {
                let given = fields.text("name").unwrap_or("http").to_owned();
                let name = self.fit_name(path, &given, 64, |draft, name| draft.tools.contains_key(name));
                let host = fields.text("host").unwrap_or_default().to_owned();
                let scheme = fields.text("scheme").unwrap_or("http").to_owned();
                let port = fields.whole("port").map(|port| format!(":{port}")).unwrap_or_default();
                let route = fields.text("path").unwrap_or("/").to_owned();
                let route = if route.starts_with('/') { route } else { format!("/{route}") };
                let mut table = one("url", format!("{scheme}://{host}{port}{route}"));
                table.insert("description".into(), fields.text("description").unwrap_or(&given).into());
                table.insert("method".into(), fields.text("method").unwrap_or("POST").into());
                if let Some(schema) = fields.get("json_schema").and_then(toml_of) {
                    table.insert("parameters".into(), schema);
                }
                if let Some(seconds) = fields.number("timeout") {
                    table.insert("timeout".into(), seconds.into());
                }
                if let Some(Value::Object(headers)) = fields.get("headers") {
                    for header in headers.keys() {
                        let place = format!("{path}.headers.{header}");
                        self.lost(
                            &place,
                            "values of headers are not copied: write headers = { NAME = { env = \"VARIABLE\" } }",
                        );
                    }
                }
                if ["localhost", "127.0.0.1", "::1"].contains(&host.as_str()) {
                    table.insert("allow".into(), toml::Value::Array(vec!["loopback".into()]));
                    self.changed(path, "it asks this machine, which a tool has to say: allow = [\"loopback\"]");
                }
                fields.pass(&["return_type"]);
                fields.finish(self);
                self.tools.insert(name.clone(), table.into());
                self.kept(path, format!("the HTTP tool {name}; every call asks you first"));
                Some(name)
            }
            "FunctionTool" => {
                let name = fields.text("name").unwrap_or("function").to_owned();
                if let Some(code) = fields.text("source_code") {
                    self.sources.push((name.clone(), code.to_owned()));
                }
                let text = format!(
                    "{name} is Python code, which is kept to be read and never run: make it a program, and a [tools.{name}] with its `command`"
                );
                self.lost(path, text);
                None
            }
            other => {
                self.lost(path, format!("there is nothing here for a tool like {other}"));
                None
            }
        }
    }

    /// Tools and servers of a workbench.
    pub(super) fn workbench(
        &mut self,
        component: &Value,
        path: &str,
        tools: &mut Vec<String>,
        servers: &mut Vec<String>,
    ) {
        let mut fields = Fields::new(config(component), path);
        match class(component) {
            "StaticWorkbench" | "StaticStreamWorkbench" => {
                for (n, tool) in fields.list("tools").iter().enumerate() {
                    tools.extend(self.tool(tool, &format!("{path}.tools[{n}]")));
                }
                if fields.get("tool_overrides").and_then(Value::as_object).is_some_and(|map| !map.is_empty()) {
                    self.lost(&format!("{path}.tool_overrides"), "tools keep their own names and descriptions");
                }
                fields.finish(self);
            }
            "McpWorkbench" => {
                if let Some(params) = fields.get("server_params").and_then(Value::as_object) {
                    let place = format!("{path}.server_params");
                    servers.extend(self.server(Fields::new(params, place)));
                }
                if fields.get("tool_overrides").and_then(Value::as_object).is_some_and(|map| !map.is_empty()) {
                    self.lost(
                        &format!("{path}.tool_overrides"),
                        "tools of servers keep their own names and descriptions",
                    );
                }
                fields.finish(self);
            }
            other => self.lost(path, format!("there is nothing here for a workbench like {other}")),
        }
    }

    fn server(&mut self, mut fields: Fields<'_>) -> Option<String> {
        let path = fields.path.clone();
        let kind = fields.text("type").unwrap_or_default().to_owned();
        let mut table = Table::new();
        let words = match kind.as_str() {
            "StdioServerParams" => {
                let mut argv = vec![fields.text("command").unwrap_or_default().to_owned()];
                argv.extend(fields.list("args").iter().filter_map(|word| word.as_str().map(str::to_owned)));
                if let Some(dir) = fields.text("cwd") {
                    table.insert("work_dir".into(), dir.into());
                }
                let mut names: Vec<String> = ["PATH", "HOME", "LANG"].map(str::to_owned).to_vec();
                if let Some(Value::Object(env)) = fields.get("env") {
                    for name in env.keys() {
                        names.push(name.clone());
                        self.changed(
                            &format!("{path}.env.{name}"),
                            "only its name is kept: export its value where plenary runs",
                        );
                    }
                }
                table.insert("environment".into(), toml::Value::Array(names.into_iter().map(Into::into).collect()));
                let last =
                    argv.iter().rev().find(|word| word.contains("mcp") || word.contains("server")).or(argv.last());
                let words = last.cloned().unwrap_or_default();
                table.insert("command".into(), toml::Value::Array(argv.into_iter().map(Into::into).collect()));
                words
            }
            "StreamableHttpServerParams" => {
                let url = fields.text("url").unwrap_or_default().to_owned();
                for header in fields.get("headers").and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
                    let text = "values of headers are not copied: write headers = { NAME = { env = \"VARIABLE\" } }";
                    self.lost(&format!("{path}.headers.{header}"), text);
                }
                table.insert("url".into(), url.as_str().into());
                url.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default().to_owned()
            }
            other => {
                self.lost(
                    &path,
                    format!("servers are spoken to by standard input and output or streamable HTTP, not by {other}"),
                );
                return None;
            }
        };
        if let Some(seconds) = fields.number("read_timeout_seconds").or_else(|| fields.number("timeout")) {
            table.insert("timeout".into(), seconds.into());
        }
        fields.pass(&["encoding", "encoding_error_handler", "sse_read_timeout", "terminate_on_close"]);
        fields.finish(self);
        let value = toml::Value::Table(table);
        if let Some((name, _)) = self.servers.iter().find(|(_, known)| **known == value) {
            return Some(name.clone());
        }
        let short: String = words.rsplit('/').next().unwrap_or_default().replace("mcp-server-", "").replace("@", "");
        let short = if short.is_empty() { "server".to_owned() } else { short };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let mut name: String = short.chars().map(|c| if fits(c) { c } else { '_' }).take(28).collect();
        while self.servers.contains_key(&name) {
            name.push('_');
        }
        self.servers.insert(name.clone(), value);
        self.kept(
            &path,
            format!("the MCP server {name}; it starts when you trust the team, and every call asks you first"),
        );
        Some(name)
    }

    /// Any of these ends the run.
    pub(super) fn conditions(&mut self, component: &Value, path: &str) -> Vec<toml::Value> {
        if class(component) == "OrTerminationCondition" {
            let inner = config(component).get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
            let each = inner.iter().enumerate();
            return each.flat_map(|(n, inner)| self.conditions(inner, &format!("{path}.conditions[{n}]"))).collect();
        }
        self.condition(component, path).map(toml::Value::Table).into_iter().collect()
    }

    fn condition(&mut self, component: &Value, path: &str) -> Option<Table> {
        let kind = class(component);
        let mut fields = Fields::new(config(component), path);
        let table = match kind {
            "AndTerminationCondition" => {
                let inner = fields.list("conditions").to_vec();
                let each = inner.iter().enumerate().filter_map(|(n, inner)| {
                    let place = format!("{path}.conditions[{n}]");
                    match class(inner) {
                        "OrTerminationCondition" => {
                            Some(one("any", toml::Value::Array(self.conditions(inner, &place))).into())
                        }
                        _ => self.condition(inner, &place).map(toml::Value::Table),
                    }
                });
                let each: Vec<toml::Value> = each.collect();
                if each.len() < inner.len() {
                    // One that is missing would make the others end the run too early.
                    self.lost(path, "not all of these can be expressed, so none of them ends the run");
                    return None;
                }
                one("all", toml::Value::Array(each))
            }
            "TextMentionTermination" => {
                let mut value = one("value", fields.text("text").unwrap_or_default());
                value.insert("scope".into(), "all".into());
                if let Some(sources) = fields.get("sources").and_then(toml_of) {
                    value.insert("sources".into(), sources);
                }
                one("text_mention", value)
            }
            "MaxMessageTermination" => {
                let most = fields.whole("max_messages").unwrap_or(1);
                match fields.flag("include_agent_event") {
                    false => one("max_messages", most),
                    true => {
                        let mut value = one("value", most);
                        value.insert("include_events".into(), true.into());
                        one("max_messages", value)
                    }
                }
            }
            "SourceMatchTermination" => {
                let sources = fields.list("sources").iter().filter_map(Value::as_str);
                let (here, elsewhere): (Vec<&str>, Vec<&str>) =
                    sources.partition(|name| *name == "user" || self.members.iter().any(|member| member == name));
                if !elsewhere.is_empty() {
                    let text =
                        format!("{} is no member of this team, whose words alone it can see", elsewhere.join(", "));
                    self.lost(path, text);
                }
                if here.is_empty() {
                    return None;
                }
                one("source_match", toml::Value::Array(here.into_iter().map(Into::into).collect()))
            }
            "TextMessageTermination" => {
                one("text_message", fields.text("source").map(|source| one("source", source)).unwrap_or_default())
            }
            "TimeoutTermination" => one("max_time", fields.number("timeout_seconds").unwrap_or(60.0)),
            "TokenUsageTermination" => {
                let mut value = Table::new();
                for (theirs, ours) in [
                    ("max_total_token", "total"),
                    ("max_prompt_token", "prompt"),
                    ("max_completion_token", "completion"),
                ] {
                    if let Some(most) = fields.whole(theirs) {
                        value.insert(ours.into(), most.into());
                    }
                }
                one("max_tokens", value)
            }
            "HandoffTermination" => one("handoff", fields.text("target").unwrap_or("user")),
            "StopMessageTermination" => one("stop_message", true),
            "FunctionCallTermination" => one("function_call", fields.text("function_name").unwrap_or_default()),
            "ExternalTermination" => {
                self.kept(path, "you can end a run at any time; nothing stands in the file for it");
                return None;
            }
            other => {
                self.lost(path, format!("there is no condition like {other} here"));
                return None;
            }
        };
        fields.finish(self);
        self.kept(path, kind);
        Some(table)
    }

    /// Which messages a model is sent.
    pub(super) fn context(&mut self, component: &Value, path: &str) -> Option<Table> {
        let mut fields = Fields::new(config(component), path);
        let mut table = Table::new();
        match class(component) {
            "UnboundedChatCompletionContext" => {}
            "BufferedChatCompletionContext" => {
                table.insert("last".into(), fields.whole("buffer_size").unwrap_or(10).into());
            }
            "HeadAndTailChatCompletionContext" => {
                table.insert("head".into(), fields.whole("head_size").unwrap_or(1).into());
                table.insert("tail".into(), fields.whole("tail_size").unwrap_or(1).into());
            }
            "TokenLimitedChatCompletionContext" => {
                fields.pass(&["model_client", "tool_schema"]);
                match fields.whole("token_limit") {
                    Some(limit) => drop(table.insert("max_tokens".into(), limit.into())),
                    None => self.lost(path, "a limit by what is left of the model's window"),
                }
            }
            other => self.lost(path, format!("there is no context like {other} here")),
        }
        fields.finish(self);
        (!table.is_empty()).then_some(table)
    }

    /// A list of memories becomes part of what the model is told first.
    pub(super) fn memory(&mut self, component: &Value, path: &str, agent: &mut Table) {
        let contents = config(component).get("memory_contents").and_then(Value::as_array);
        let Some(contents) = contents.filter(|_| class(component) == "ListMemory") else {
            self.lost(path, format!("there is no memory like {} here", class(component)));
            return;
        };
        let words: Vec<String> = contents
            .iter()
            .filter_map(|item| item.get("content")?.as_str())
            .enumerate()
            .map(|(n, text)| format!("{}. {text}", n + 1))
            .collect();
        if words.is_empty() {
            return;
        }
        let before = agent.get("system_message").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let told = format!("{before}\n\nRelevant memory content (in chronological order):\n{}", words.join("\n"));
        agent.insert("system_message".into(), told.trim().into());
        self.changed(path, "what it remembers stands in its system message, once");
    }

    /// What runs code.
    pub(super) fn executor(&mut self, component: &Value, path: &str) -> Table {
        let kind = class(component);
        let mut fields = Fields::new(config(component), path);
        let mut table = Table::new();
        match kind {
            "DockerCommandLineCodeExecutor" => {
                table.insert("executor".into(), "docker".into());
                if let Some(image) = fields.text("image") {
                    table.insert("image".into(), image.into());
                }
                fields.pass(&["auto_remove", "stop_container", "delete_tmp_files", "functions_module"]);
            }
            "LocalCommandLineCodeExecutor" => {
                table.insert("executor".into(), "local".into());
                fields.pass(&["cleanup_temp_files", "functions_module"]);
                self.changed(path, "code runs contained, without network, and only after you have approved it");
            }
            other => {
                table.insert("executor".into(), "local".into());
                self.lost(
                    path,
                    format!("there is no executor like {other} here; a contained local one stands in its place"),
                );
            }
        }
        if let Some(dir) = fields.text("work_dir").filter(|dir| !dir.starts_with('/')) {
            table.insert("work_dir".into(), dir.into());
        }
        if let Some(seconds) = fields.number("timeout").filter(|seconds| *seconds >= 1.0) {
            table.insert("timeout".into(), seconds.into());
        }
        fields.finish(self);
        table
    }
}
