//! A team as AutoGen component JSON that `load_component` accepts (reference: agentchat-semantics 7).

use super::{Fate, Remark};
use crate::chat::context::ContextRule;
use crate::chat::team::{Agent, AgentKind, Condition, ModelSpec, Repeat, Team};
use serde_json::{Map, Value, json};

/// The component, and what of the team is not in it.
pub fn component(team: &Team) -> (Value, Vec<Remark>) {
    let mut out = Export { report: Vec::new(), team };
    let value = out.team(team, "team");
    (value, out.report)
}

struct Export<'t> {
    report: Vec<Remark>,
    team: &'t Team,
}

/// An envelope around a configuration without its empty parts.
fn envelope(provider: &str, kind: &str, version: u32, config: Value) -> Value {
    let mut config = config;
    if let Value::Object(map) = &mut config {
        map.retain(|_, value| !value.is_null());
    }
    json!({"provider": provider, "component_type": kind, "version": version, "component_version": version, "config": config})
}

/// A name as Python allows it for a variable, which AutoGen asks of agents.
fn identifier(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain }
}

impl Export<'_> {
    fn remark(&mut self, fate: Fate, path: &str, text: impl Into<String>) {
        self.report.push(Remark { fate, path: path.to_owned(), text: text.into() });
    }

    fn team(&mut self, team: &Team, path: &str) -> Value {
        let participants: Vec<Value> = team.agents.iter().map(|agent| self.agent(agent, team, path)).collect();
        let name = identifier(&team.name);
        let ends = self.ends(team, path);
        let turns = team.termination.iter().find_map(|condition| match condition {
            Condition::One(spec) if spec.kind == "max_turns" => spec.options.get("value").cloned(),
            _ => None,
        });
        let mut config = json!({
            "name": name, "participants": participants, "termination_condition": ends, "max_turns": turns
        });
        let method = &team.speaker_selection_method;
        let selector = team.selector_model.as_ref().and_then(|key| Some(self.model(key, team.models.get(key)?, path)));
        let option = |key: &str| method.options.get(key).cloned();
        let kind = match method.kind.as_str() {
            "auto" if selector.is_some() && team.agents.len() > 1 => {
                config["model_client"] = selector.unwrap_or_default();
                let prompt = "You select who speaks next. The members:\n{roles}\n\nThe conversation so far:\n{history}\n\n\
                              Name exactly one of {participants}.";
                let own = option("select_speaker_message_template").and_then(|text| text.as_str().map(str::to_owned));
                let own = own.map(|text| format!("{}\n\n{{history}}", text.replace("{agentlist}", "{participants}")));
                config["selector_prompt"] = own.unwrap_or_else(|| prompt.to_owned()).into();
                config["allow_repeated_speaker"] = (team.allow_repeat_speaker == Repeat::Everyone).into();
                config["max_selector_attempts"] = (team.max_retries_for_selecting_speaker + 1).into();
                "SelectorGroupChat"
            }
            "handoff" => "Swarm",
            "magentic" if selector.is_some() => {
                config["model_client"] = selector.unwrap_or_default();
                config["max_stalls"] = option("max_stalls").unwrap_or(json!(3));
                config["max_turns"] = option("max_turns").unwrap_or(json!(20));
                config["final_answer_prompt"] = option("final_answer_prompt").unwrap_or(json!(
                    "We are working on this task:\n{task}\n\nThe team has finished. Write the final answer for whoever asked."
                ));
                "MagenticOneGroupChat"
            }
            "graph" => {
                config["graph"] = self.graph(team);
                "GraphFlow"
            }
            "round_robin" => "RoundRobinGroupChat",
            other => {
                let text = format!("AutoGen has no way of choosing speakers like {other}; they speak in turns there");
                self.remark(Fate::Changed, &format!("{path}.speaker_selection_method"), text);
                "RoundRobinGroupChat"
            }
        };
        if team.task.is_some() {
            self.remark(Fate::Lost, &format!("{path}.task"), "a component holds no task; give it when the team is run");
        }
        envelope(&format!("autogen_agentchat.teams.{kind}"), "team", 1, config)
    }

    fn agent(&mut self, agent: &Agent, around: &Team, path: &str) -> Value {
        let path = format!("{path}.{}", agent.name);
        let name = identifier(&agent.name);
        if name != *agent.name {
            self.remark(Fate::Changed, &path, format!("it is called {name} there: names are Python's"));
        }
        if let Some(nested) = &agent.nested {
            let team = self.team(&nested.team, &path);
            let Some(model) = agent.model.as_ref().and_then(|key| Some((key, around.models.get(key)?))) else {
                return team;
            };
            let model = self.model(model.0, model.1, &path);
            let config = json!({
                "name": name, "team": team, "model_client": model, "description": agent.description,
                "instruction": nested.instruction, "response_prompt": nested.response_prompt
            });
            return envelope("autogen_agentchat.agents.SocietyOfMindAgent", "agent", 1, config);
        }
        if let (AgentKind::Executor, Some(code)) = (agent.kind, &agent.code_execution) {
            let seconds = (code.timeout_ms / 1000).max(1);
            let image = code.executor.options.get("image").cloned().unwrap_or(json!("python:3-slim"));
            let executor = match code.executor.kind.as_str() {
                "docker" => envelope(
                    "autogen_ext.code_executors.docker.DockerCommandLineCodeExecutor",
                    "code_executor",
                    1,
                    json!({"image": image, "timeout": seconds}),
                ),
                _ => {
                    self.remark(Fate::Changed, &path, "there its code runs uncontained and unasked");
                    let local = "autogen_ext.code_executors.local.LocalCommandLineCodeExecutor";
                    envelope(local, "code_executor", 1, json!({"timeout": seconds}))
                }
            };
            let config = json!({"name": name, "code_executor": executor, "description": agent.description});
            return envelope("autogen_agentchat.agents.CodeExecutorAgent", "agent", 1, config);
        }
        let model = agent.model.as_ref().and_then(|key| Some((key, around.models.get(key)?)));
        let Some((key, spec)) = model else {
            if agent.code_execution.is_some() {
                self.remark(Fate::Lost, &path, "a person's seat there runs no code");
            }
            let config = json!({"name": name, "description": agent.description});
            return envelope("autogen_agentchat.agents.UserProxyAgent", "agent", 1, config);
        };
        let client = self.model_of(key, spec, Some(&agent.name), &path);
        for tool in agent.tools.iter().filter(|name| !name.contains('/')) {
            self.remark(
                Fate::Lost,
                &format!("{path}.tools"),
                format!("the tool {tool}: a program or built-in is no component"),
            );
        }
        let benches: Vec<Value> = agent.mcp.iter().filter_map(|server| self.server(server, around)).collect();
        let handoffs: Vec<Value> = agent
            .handoffs
            .iter()
            .map(|handoff| {
                let message = &handoff.message;
                json!({"target": identifier(&handoff.target), "name": identifier(&handoff.name),
                       "description": handoff.description, "message": message})
            })
            .collect();
        let format = agent.tool_call_summary_format.as_deref().unwrap_or("{result}");
        let config = json!({
            "name": name, "description": agent.description, "system_message": agent.system_message,
            "model_client": client, "reflect_on_tool_use": agent.reflect_on_tool_use,
            "tool_call_summary_format": format, "max_tool_iterations": agent.max_tool_iterations,
            "handoffs": if handoffs.is_empty() { Value::Null } else { handoffs.into() },
            "workbench": if benches.is_empty() { Value::Null } else { benches.into() },
            "model_context": context(&agent.context)
        });
        envelope("autogen_agentchat.agents.AssistantAgent", "agent", 2, config)
    }

    fn server(&mut self, name: &str, team: &Team) -> Option<Value> {
        let setup = team.mcp.get(name)?;
        let params = match (&setup.url, setup.command.split_first()) {
            (Some(url), _) => json!({"type": "StreamableHttpServerParams", "url": url}),
            (None, Some((program, rest))) => {
                json!({"type": "StdioServerParams", "command": program, "args": rest,
                       "read_timeout_seconds": (setup.timeout_ms / 1000).max(1)})
            }
            (None, None) => return None,
        };
        self.remark(Fate::Changed, &format!("mcp.{name}"), "there its tools are neither pinned nor asked for");
        Some(envelope("autogen_ext.tools.mcp.McpWorkbench", "workbench", 1, json!({"server_params": params})))
    }

    fn model(&mut self, key: &str, spec: &ModelSpec, path: &str) -> Value {
        self.model_of(key, spec, None, path)
    }

    fn model_of(&mut self, key: &str, spec: &ModelSpec, agent: Option<&str>, path: &str) -> Value {
        let option = |name: &str| spec.provider.options.get(name).cloned();
        let info = json!({"vision": false, "function_calling": true, "json_output": true, "structured_output": false,
                          "family": "unknown", "multiple_system_messages": true});
        let mut config: Map<String, Value> = spec.parameters.clone();
        config.insert("model".into(), spec.model.as_str().into());
        let client = match spec.provider.kind.as_str() {
            "scripted" => {
                let reply = option("reply").and_then(|list| list.as_array().cloned()).unwrap_or_default();
                let mine =
                    |row: &&Value| row.get("agent").and_then(Value::as_str).is_none_or(|name| Some(name) == agent);
                let texts: Vec<Value> = reply.iter().filter(mine).filter_map(|row| row.get("text").cloned()).collect();
                let texts = if texts.is_empty() { vec![json!("…")] } else { texts };
                let config = json!({"chat_completions": texts, "model_info": info});
                let replay = "autogen_ext.models.replay.ReplayChatCompletionClient";
                return envelope(replay, "replay_chat_completion_client", 1, config);
            }
            "ollama" => {
                let host =
                    option("base_url").and_then(|url| url.as_str().map(|url| url.trim_end_matches("/v1").to_owned()));
                config.insert("host".into(), host.unwrap_or_else(|| "http://localhost:11434".into()).into());
                config.insert("model_info".into(), info);
                "autogen_ext.models.ollama.OllamaChatCompletionClient"
            }
            "anthropic" => "autogen_ext.models.anthropic.AnthropicChatCompletionClient",
            other => {
                if let Some(url) = option("base_url") {
                    config.insert("base_url".into(), url);
                    config.insert("model_info".into(), info);
                } else if other != "openai" {
                    self.remark(
                        Fate::Changed,
                        path,
                        format!("the model {key} is asked by OpenAI's client there, not by {other}"),
                    );
                }
                "autogen_ext.models.openai.OpenAIChatCompletionClient"
            }
        };
        if !spec.fallback.is_empty() && !self.report.iter().any(|remark| remark.path == format!("models.{key}")) {
            self.remark(Fate::Lost, &format!("models.{key}"), "a component names no model to fall back on");
        }
        envelope(client, "model", 1, Value::Object(config))
    }

    fn ends(&mut self, team: &Team, path: &str) -> Value {
        let mut list: Vec<Value> = team.termination.iter().filter_map(|condition| self.end(condition, path)).collect();
        if team.max_round < 1_000 {
            let most = json!({"max_messages": team.max_round, "include_agent_event": false});
            list.push(envelope("autogen_agentchat.conditions.MaxMessageTermination", "termination", 1, most));
        }
        match list.len() {
            0 => Value::Null,
            1 => list.remove(0),
            _ => {
                envelope("autogen_agentchat.base.OrTerminationCondition", "termination", 1, json!({"conditions": list}))
            }
        }
    }

    fn end(&mut self, condition: &Condition, path: &str) -> Option<Value> {
        let several = |out: &mut Self, list: &[Condition]| -> Vec<Value> {
            list.iter().filter_map(|condition| out.end(condition, path)).collect()
        };
        let spec = match condition {
            Condition::Any(list) => {
                let list = several(self, list);
                let or = "autogen_agentchat.base.OrTerminationCondition";
                return (!list.is_empty()).then(|| envelope(or, "termination", 1, json!({"conditions": list})));
            }
            Condition::All(list) => {
                let each = several(self, list);
                if each.len() < list.len() {
                    self.remark(Fate::Lost, path, "a condition `all` of which a part cannot be expressed");
                    return None;
                }
                let and = "autogen_agentchat.base.AndTerminationCondition";
                return Some(envelope(and, "termination", 1, json!({"conditions": each})));
            }
            Condition::One(spec) => spec,
        };
        let option = |key: &str| spec.options.get(key).cloned().unwrap_or_default();
        let value = option("value");
        let (kind, config) = match spec.kind.as_str() {
            "text_mention" => ("TextMentionTermination", json!({"text": value, "sources": option("sources")})),
            "max_messages" => {
                let events = option("include_events").as_bool().unwrap_or(false);
                ("MaxMessageTermination", json!({"max_messages": value, "include_agent_event": events}))
            }
            "source_match" => ("SourceMatchTermination", json!({"sources": value})),
            "text_message" => ("TextMessageTermination", json!({"source": option("source")})),
            "max_time" => ("TimeoutTermination", json!({"timeout_seconds": value.as_f64().unwrap_or(0.0) / 1000.0})),
            "handoff" => ("HandoffTermination", json!({"target": value})),
            "stop_message" => ("StopMessageTermination", json!({})),
            "function_call" => ("FunctionCallTermination", json!({"function_name": value})),
            "external" => ("ExternalTermination", json!({})),
            "max_tokens" => {
                let total = if value.is_null() { option("total") } else { value };
                // All three have to stand there, empty or not.
                let limits = json!({"max_total_token": total, "max_prompt_token": option("prompt"),
                                    "max_completion_token": option("completion")});
                let provider = "autogen_agentchat.conditions.TokenUsageTermination";
                return Some(json!({"provider": provider, "component_type": "termination", "version": 1,
                                   "component_version": 1, "config": limits}));
            }
            "max_turns" => return None,
            other => {
                self.remark(
                    Fate::Lost,
                    &format!("{path}.termination"),
                    format!("AutoGen has no condition like {other}"),
                );
                return None;
            }
        };
        Some(envelope(&format!("autogen_agentchat.conditions.{kind}"), "termination", 1, config))
    }

    fn graph(&mut self, team: &Team) -> Value {
        let options = &team.speaker_selection_method.options;
        let edges = options.get("edges").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut nodes = Map::new();
        for agent in &team.agents {
            let out = edges.iter().filter(|edge| edge.get("from").and_then(Value::as_str) == Some(&*agent.name));
            let out: Vec<Value> = out
                .map(|edge| {
                    let word = |key: &str| edge.get(key).and_then(Value::as_str);
                    if word("when").is_some() {
                        self.report.push(Remark {
                            fate: Fate::Lost,
                            path: format!("graph.{}", agent.name),
                            text: "the rule of an edge; only a text that a message contains can be said there".to_owned(),
                        });
                    }
                    let to = identifier(word("to").unwrap_or_default());
                    json!({"target": to, "condition": word("contains"), "activation_group": word("group").unwrap_or(&to),
                           "activation_condition": word("join").unwrap_or("all")})
                })
                .collect();
            let name = identifier(&agent.name);
            nodes.insert(name.clone(), json!({"name": name, "activation": "all", "edges": out}));
        }
        let start =
            options.get("start").and_then(Value::as_array).and_then(|list| list.first()?.as_str().map(identifier));
        let start = start.or_else(|| self.team.agents.first().map(|agent| identifier(&agent.name)));
        json!({"nodes": nodes, "default_start_node": start})
    }
}

fn context(rule: &ContextRule) -> Value {
    let (kind, config) = match rule {
        ContextRule::Last { messages, .. } => ("BufferedChatCompletionContext", json!({"buffer_size": messages})),
        ContextRule::HeadAndTail { head, tail } => {
            ("HeadAndTailChatCompletionContext", json!({"head_size": head, "tail_size": tail}))
        }
        _ => return Value::Null,
    };
    envelope(&format!("autogen_core.model_context.{kind}"), "chat_completion_context", 1, config)
}
