//! AG2 and AutoGen 0.2: `OAI_CONFIG_LIST`, and agents and groups written as JSON (reference: ag2-semantics 1.1, 8.1).

use super::Draft;
use super::fields::Fields;
use serde_json::{Map, Value};
use toml::Table;

/// Reads a list of model configurations, one agent, or a group.
pub fn read(draft: &mut Draft<'_>, value: &Value, stem: &str) -> Result<(), String> {
    const NOTHING: &str = "This is neither AutoGen component JSON (with `provider`), nor a gallery (`components`), nor an \
                           OAI_CONFIG_LIST (a list of objects with `model`), nor AG2 agents (`agents`).";
    let group = value.as_object();
    let listed = value.as_array().or_else(|| group?.get("config_list")?.as_array());
    if let Some(list) = listed.filter(|list| list.iter().all(|entry| entry.get("model").is_some()) && !list.is_empty())
    {
        return models_alone(draft, list, stem);
    }
    let Some(group) = group else {
        let agents = value.as_array().filter(|list| list.iter().any(is_agent)).ok_or(NOTHING)?;
        return team(draft, agents, &Map::new(), stem);
    };
    if is_agent(value) && !group.contains_key("agents") {
        return team(draft, std::slice::from_ref(value), &Map::new(), stem);
    }
    let agents = group.get("agents").and_then(Value::as_array).ok_or(NOTHING)?;
    let own = group.get("group_chat").or_else(|| group.get("groupchat")).and_then(Value::as_object).unwrap_or(group);
    let name = group.get("name").and_then(Value::as_str).unwrap_or(stem);
    team(draft, agents, own, name)
}

fn is_agent(value: &Value) -> bool {
    value.get("name").is_some()
        && ["system_message", "llm_config", "human_input_mode"].iter().any(|key| value.get(key).is_some())
}

/// Models without agents: a pair that tries them.
fn models_alone(draft: &mut Draft<'_>, list: &[Value], stem: &str) -> Result<(), String> {
    let first = chain(draft, list, "config_list");
    draft.name = stem.to_owned();
    draft.team.insert("name".into(), stem.into());
    draft.team.insert("speaker_selection_method".into(), "round_robin".into());
    let table = |name: &str, kind: &str| -> Table {
        [("name", name), ("kind", kind)].into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
    };
    let mut assistant = table("assistant", "assistant");
    assistant.insert("model".into(), first.ok_or("No model here can be expressed.")?.into());
    draft.agents = vec![assistant, table("user_proxy", "user_proxy")];
    draft.changed("config_list", "a list of models is no team; an assistant and your seat were added to use them");
    Ok(())
}

/// The models of a configuration list: the first, which falls back on the others in their order.
fn chain(draft: &mut Draft<'_>, list: &[Value], path: &str) -> Option<String> {
    let mut keys: Vec<String> = Vec::new();
    for (n, entry) in list.iter().enumerate() {
        let place = format!("{path}[{n}]");
        let Some(map) = entry.as_object() else { continue };
        let mut fields = Fields::new(map, place.clone());
        let name = fields.text("model").unwrap_or_default().to_owned();
        let kind = fields.text("api_type").unwrap_or("openai").to_owned();
        let base = fields.text("base_url").or_else(|| fields.text("api_base")).map(str::to_owned);
        let mut table = Table::new();
        let provider = match kind.as_str() {
            "openai" | "open_ai" if base.is_none() => "openai",
            "openai" | "open_ai" | "azure" | "deepseek" | "groq" | "mistral" | "together" | "cerebras" => "compatible",
            "ollama" => "ollama",
            "anthropic" if (draft.has_provider)("anthropic") => "anthropic",
            "google" if (draft.has_provider)("gemini") => "gemini",
            other => {
                draft.lost(&place, format!("there is no provider for api_type {other:?} here"));
                continue;
            }
        };
        match (provider, &base) {
            ("compatible", None) => {
                draft.lost(
                    &place,
                    format!("api_type {kind:?} without base_url: its address has to be written out here"),
                );
                continue;
            }
            (_, Some(base)) => {
                let base = base.trim_end_matches('/');
                let base = if kind == "azure" { format!("{base}/openai/v1") } else { base.to_owned() };
                drop(table.insert("base_url".into(), base.into()));
            }
            _ => {}
        }
        if fields.get("api_key").is_some() {
            let variable = if kind == "azure" { "AZURE_OPENAI_API_KEY" } else { "OPENAI_API_KEY" };
            if provider == "compatible" {
                table.insert("api_key_env".into(), variable.into());
            }
            draft.changed(
                &format!("{place}.api_key"),
                "keys never stand in a team file: export it, and name the variable in api_key_env",
            );
        }
        table.insert("provider".into(), provider.into());
        table.insert("model".into(), name.as_str().into());
        for key in ["temperature", "top_p", "max_tokens", "seed", "stop"] {
            if let Some(value) = map.get(key).and_then(super::toml_of) {
                table.insert(key.into(), value);
            }
        }
        if let Some([input, output]) = map.get("price").and_then(Value::as_array).map(Vec::as_slice)
            && let (Some(input), Some(output)) = (input.as_f64(), output.as_f64())
        {
            let mut price = Table::new();
            // Theirs is dollars for a thousand tokens, ours for a million.
            price.insert("input".into(), (input * 1000.0).into());
            price.insert("output".into(), (output * 1000.0).into());
            table.insert("price".into(), price.into());
        }
        fields.pass(&["api_version", "tags", "price", "temperature", "top_p", "max_tokens", "seed", "stop", "stream"]);
        fields.finish(draft);
        draft.kept(&place, format!("the model {name}"));
        keys.push(draft.keyed_model(&name, table));
    }
    let (first, rest) = keys.split_first()?;
    let rest: Vec<toml::Value> = rest.iter().filter(|key| *key != first).map(|key| key.as_str().into()).collect();
    if !rest.is_empty()
        && let Some(toml::Value::Table(model)) = draft.models.get_mut(first)
    {
        model.insert("fallback".into(), toml::Value::Array(rest));
    }
    Some(first.clone())
}

fn team(draft: &mut Draft<'_>, agents: &[Value], group: &Map<String, Value>, stem: &str) -> Result<(), String> {
    draft.name = stem.to_owned();
    draft.team.insert("name".into(), stem.into());
    for (n, value) in agents.iter().enumerate() {
        if let Some(map) = value.as_object() {
            let table = agent(draft, Fields::new(map, format!("agents[{n}]")));
            draft.agents.push(table);
        }
    }
    if draft.agents.is_empty() {
        return Err("There are no agents in it.".to_owned());
    }
    let mut fields = Fields::new(group, "group_chat");
    let method =
        fields.text("speaker_selection_method").unwrap_or(if agents.len() > 2 { "auto" } else { "round_robin" });
    let known = ["auto", "round_robin", "random", "manual"].contains(&method);
    if !known {
        draft.lost(
            "group_chat.speaker_selection_method",
            format!("there is no method {method:?}; a model selects here"),
        );
    }
    draft.team.insert("speaker_selection_method".into(), if known { method } else { "auto" }.into());
    if let Some(rounds) = fields.whole("max_round") {
        draft.team.insert("max_round".into(), rounds.into());
    }
    match fields.get("allow_repeat_speaker") {
        Some(Value::Bool(flag)) => drop(draft.team.insert("allow_repeat_speaker".into(), (*flag).into())),
        Some(list @ Value::Array(_)) => {
            draft.team.extend(super::toml_of(list).map(|list| ("allow_repeat_speaker".to_owned(), list)));
        }
        _ => {}
    }
    if let Some(messages) = fields.get("messages").and_then(Value::as_array).filter(|list| !list.is_empty()) {
        draft.lost(
            "group_chat.messages",
            format!("{} messages: a team file begins a conversation anew", messages.len()),
        );
    }
    for key in ["func_call_filter", "role_for_select_speaker_messages"] {
        if group.get(key).is_some() {
            draft.changed(&format!("group_chat.{key}"), "it is always so here");
        }
    }
    fields.pass(&[
        "agents",
        "name",
        "messages",
        "func_call_filter",
        "role_for_select_speaker_messages",
        "type",
        "admin_name",
    ]);
    fields.finish(draft);
    Ok(())
}

fn agent(draft: &mut Draft<'_>, mut fields: Fields<'_>) -> Table {
    let path = fields.path.clone();
    let given = fields.text("name").unwrap_or("agent").to_owned();
    let name = draft.fit_name(&format!("{path}.name"), &given, 32, |_, _| false);
    if name != given {
        draft.renamed.push((given, name.clone()));
    }
    let kind = fields.text("type").or_else(|| fields.text("class")).unwrap_or_default().to_owned();
    let llm = fields.get("llm_config").cloned();
    let code = fields.get("code_execution_config").cloned();
    let proxy = kind.contains("UserProxy") || kind == "user_proxy" || !llm.as_ref().is_some_and(Value::is_object);
    let mut table = Table::new();
    table.insert("name".into(), name.into());
    table.insert("kind".into(), if proxy { "user_proxy" } else { "assistant" }.into());
    for key in ["system_message", "description"] {
        if let Some(text) = fields.text(key) {
            table.insert(key.into(), text.into());
        }
    }
    if let Some(text) = fields.text("default_auto_reply") {
        table.insert("default_auto_reply".into(), text.into());
    }
    if let Some(mode) = fields.text("human_input_mode") {
        table.insert("human_input_mode".into(), mode.into());
    }
    if let Some(most) = fields.whole("max_consecutive_auto_reply") {
        table.insert("max_consecutive_auto_reply".into(), most.into());
    }
    let list = llm.as_ref().and_then(|llm| {
        let list = llm.get("config_list").and_then(Value::as_array).cloned();
        list.or_else(|| llm.get("model").map(|_| vec![llm.clone()]))
    });
    if let Some(list) = list
        && let Some(model) = chain(draft, &list, &format!("{path}.llm_config.config_list"))
    {
        table.insert("model".into(), model.into());
    }
    if llm.as_ref().is_some_and(|llm| llm.get("tools").or_else(|| llm.get("functions")).is_some()) {
        draft.lost(
            &format!("{path}.llm_config.tools"),
            "tools here need a program or an address: write them as [tools.NAME]",
        );
    }
    if let Some(code) = code.as_ref().and_then(Value::as_object) {
        let mut execution = Table::new();
        let mut own = Fields::new(code, format!("{path}.code_execution_config"));
        let docker = match own.get("use_docker") {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(image)) => {
                execution.insert("image".into(), image.as_str().into());
                true
            }
            _ => true,
        };
        execution.insert("executor".into(), if docker { "docker" } else { "local" }.into());
        if let Some(dir) = own.text("work_dir").filter(|dir| !dir.starts_with('/')) {
            execution.insert("work_dir".into(), dir.into());
        }
        if let Some(seconds) = own.number("timeout").filter(|seconds| *seconds >= 1.0) {
            execution.insert("timeout".into(), seconds.into());
        }
        match own.get("last_n_messages") {
            Some(Value::Number(n)) => drop(n.as_i64().map(|n| execution.insert("last_n_messages".into(), n.into()))),
            Some(Value::String(_)) => drop(execution.insert("last_n_messages".into(), "auto".into())),
            _ => {}
        }
        own.finish(draft);
        table.insert("code_execution".into(), execution.into());
        draft.changed(
            &format!("{path}.code_execution_config"),
            "code runs contained, and only after you have approved it",
        );
    }
    if fields.get("is_termination_msg").is_some() {
        draft.lost(
            &format!("{path}.is_termination_msg"),
            "a function; write is_termination_msg as a text or expression",
        );
    }
    fields.finish(draft);
    draft.kept(&path, if proxy { "a person's seat" } else { "an assistant" });
    table
}
