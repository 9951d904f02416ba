//! OpenAI's chat completions, streamed: OpenAI itself, Azure, and every server that speaks the same dialect.
//!
//! What Azure does differently is an address and a header ([`Azure`]); what others do differently is read leniently
//! here, since nobody can tell them to stop.

use super::http::answer::Answer;
use super::http::dialect::{Asked, Dialect, Hear, KeyHeader, add, number_at, text_at, text_of};
use crate::chat::request::{Failure, Finish, Role};
use crate::chat::tool::{ToolCall, ToolSpec};
use crate::chat::usage::Tokens;
use reqwest::Url;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(flatten)]
    parameters: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

/// Chat completions.
pub struct Completions;

/// Chat completions as Azure serves them: the deployment stands in the address.
pub struct Azure;

/// The version of Azure's interface unless a team names another.
pub const AZURE_VERSION: &str = "2024-10-21";

impl Dialect for Completions {
    fn server(&self) -> &'static str {
        "an OpenAI-compatible server"
    }

    fn ending(&self) -> &'static str {
        "/chat/completions"
    }

    fn endpoint(&self, base: &mut Url, _model: &str) {
        add(base, &["chat", "completions"]);
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
        body(asked)
    }

    fn hear(&self) -> Box<dyn Hear> {
        Box::new(Heard)
    }
}

impl Dialect for Azure {
    fn server(&self) -> &'static str {
        "an Azure OpenAI resource"
    }

    fn key_header(&self) -> KeyHeader {
        ("api-key", "")
    }

    fn ending(&self) -> &'static str {
        "/chat/completions"
    }

    /// `https://NAME.openai.azure.com` becomes the address of a deployment; one that ends in `/openai/v1` is Azure's
    /// newer interface, which is OpenAI's own.
    fn endpoint(&self, base: &mut Url, model: &str) {
        if !base.path().trim_end_matches('/').ends_with("/v1") {
            add(base, &["openai", "deployments", model]);
        }
        add(base, &["chat", "completions"]);
    }

    fn listing(&self, base: &mut Url) {
        if base.path().trim_end_matches('/').ends_with("/v1") {
            add(base, &["models"])
        } else {
            add(base, &["openai", "models"])
        }
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
        body(asked)
    }

    fn hear(&self) -> Box<dyn Hear> {
        Box::new(Heard)
    }
}

fn body(asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let Asked { request, model, parameters, .. } = *asked;
    let messages = request
        .messages
        .iter()
        .map(|prompt| Line {
            role: match prompt.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
                Role::Tool => "tool",
            },
            name: prompt.name.as_deref().filter(|name| !name.is_empty()).map(allowed),
            content: &prompt.content,
            tool_calls: prompt.tool_calls.iter().map(call).collect(),
            tool_call_id: prompt.tool_call_id.as_deref(),
        })
        .collect();
    let tools = request.tools.iter().map(tool).collect();
    let response_format = request.format.as_ref().map(|format| {
        let shape = json!({"name": allowed(&format.name), "strict": format.strict, "schema": format.schema});
        json!({"type": "json_schema", "json_schema": shape})
    });
    let stream_options = StreamOptions { include_usage: true };
    serde_json::to_vec(&Body { model, messages, tools, response_format, stream: true, stream_options, parameters })
}

fn call(call: &ToolCall) -> Value {
    // Servers refuse a history with arguments that are no object, even where the model itself wrote them.
    let given = call.object().is_ok() && !call.arguments.trim().is_empty();
    let arguments = if given { call.repaired() } else { "{}".into() };
    json!({"id": call.id, "type": "function", "function": {"name": allowed(&call.name), "arguments": arguments}})
}

fn tool(tool: &ToolSpec) -> Value {
    let ToolSpec { name, description, parameters } = tool;
    json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
}

/// OpenAI takes `[A-Za-z0-9_-]{1,64}` as a name and refuses the whole request otherwise.
pub(super) fn allowed(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= 64 && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().take(64).map(|c| if fits(c) { c } else { '_' }).collect())
}

/// The events of a chat completion.
struct Heard;

impl Hear for Heard {
    fn hear(&mut self, value: &Value, answer: &mut Answer) -> Result<(), Failure> {
        answer.served(text_at(value, "model"));
        answer.identity(text_at(value, "id"));
        if let Some(Value::Array(choices)) = value.get("choices") {
            answer.understood();
            // Only one answer was asked for; a server that sends several must not have them mixed.
            for choice in choices {
                match number_at(choice, "index").unwrap_or(0) {
                    0 => chosen(choice, answer)?,
                    _ => answer.remark("the server sent several answers; the first one counts"),
                }
            }
        }
        let usage = value.get("usage").or_else(|| value.get("x_groq").and_then(|groq| groq.get("usage")));
        if let Some(tokens) = usage.and_then(tokens) {
            answer.usage(tokens);
        }
        Ok(())
    }
}

/// What was said comes before why it ended: several servers put both into one event.
fn chosen(choice: &Value, answer: &mut Answer) -> Result<(), Failure> {
    // `message` is how a server that does not stream says it.
    if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
        let text = |name: &str| delta.get(name).map(text_of).unwrap_or_default();
        let reasoning = text("reasoning_content");
        answer.reasoning(if reasoning.is_empty() { text("reasoning") } else { reasoning });
        answer.text(text("content"));
        answer.refusal(&text("refusal"));
        if answer.calls.add(delta) {
            answer.moved();
        }
    }
    if let Some(error) = choice.get("error").filter(|error| !error.is_null()) {
        return Err(answer.reported(error));
    }
    let reason = text_at(choice, "finish_reason");
    match reason.to_ascii_lowercase().as_str() {
        "" => return Ok(()),
        "length" | "max_tokens" | "model_length" | "max_output_tokens" => answer.finish(Finish::Length),
        "content_filter" | "safety" | "recitation" | "prohibited_content" | "blocklist" | "spii" | "refusal" => {
            answer.finish(Finish::Filtered);
        }
        "error" => return Err(answer.broke_off()),
        "malformed_function_call" | "unexpected_tool_call" => return Err(answer.bad_call(reason)),
        _ => answer.finish(Finish::Stop),
    }
    Ok(())
}

/// Tokens as OpenAI reports them; DeepSeek has its own word for the cache.
fn tokens(usage: &Value) -> Option<Tokens> {
    let detail = |group: &str, name: &str| usage.get(group).and_then(|group| number_at(group, name));
    let (input, output) = (number_at(usage, "prompt_tokens"), number_at(usage, "completion_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Tokens {
        input: input.unwrap_or(0),
        cached: detail("prompt_tokens_details", "cached_tokens")
            .or_else(|| number_at(usage, "prompt_cache_hit_tokens"))
            .unwrap_or(0),
        output: output.unwrap_or(0),
        reasoning: detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0),
        ..Tokens::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::format::ResponseFormat;
    use crate::chat::id::CallId;
    use crate::chat::request::{Prompt, Purpose, Request};

    #[test]
    fn a_shape_is_sent_as_the_dialect_wants_it() {
        let mut request = Request::new(CallId(1), "Judge".into(), Purpose::Speak, "smart", Vec::new());
        let bytes = |request: &Request| -> Value {
            let asked = Asked { request, model: "gpt-x", parameters: &Map::new(), window: None };
            serde_json::from_slice(&body(&asked).unwrap()).unwrap()
        };
        let plain = bytes(&request);
        assert_eq!(plain.get("response_format"), None);
        let hash = request.hash();
        let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
        let format =
            ResponseFormat { name: "a verdict".into(), schema: schema.clone(), strict: true, send: true, retries: 2 };
        request.format = Some(format.into());
        assert_eq!(
            bytes(&request)["response_format"],
            json!({"type": "json_schema", "json_schema": {"name": "a_verdict", "strict": true, "schema": schema}})
        );
        assert_ne!(request.hash(), hash, "another question");
    }

    #[test]
    fn roles_names_and_parameters_reach_the_body_as_they_stand() {
        let prompt = |role, name: Option<&str>, content: &str| Prompt::new(role, name.map(Into::into), content);
        let search = |arguments: &str| ToolCall {
            id: "c1".into(),
            name: "search".into(),
            arguments: arguments.into(),
            echo: None,
        };
        let mut calls = prompt(Role::Assistant, None, "");
        calls.tool_calls = vec![search("{\"q\":1}"), search("not json")];
        let mut result = prompt(Role::Tool, None, "found");
        result.tool_call_id = Some("c1".into());
        let messages = vec![
            prompt(Role::System, None, "Be kind."),
            prompt(Role::User, Some("Reviewer"), "Why?"),
            prompt(Role::Assistant, Some("Zoë K"), "Because."),
            calls,
            result,
        ];
        let mut request = Request::new(CallId(1), "Coder".into(), Purpose::Speak, "smart", messages);
        let (name, description) = ("search".to_owned(), "Finds.".to_owned());
        request.tools = vec![ToolSpec { name, description, parameters: json!({"type": "object"}) }];
        let Value::Object(parameters) = json!({"temperature": 0.2, "stop": ["END"]}) else { unreachable!() };
        let asked = Asked { request: &request, model: "gpt-x", parameters: &parameters, window: None };
        let sent: Value = serde_json::from_slice(&body(&asked).unwrap()).unwrap();
        assert_eq!(
            sent,
            json!({
                "model": "gpt-x",
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "user", "name": "Reviewer", "content": "Why?"},
                    {"role": "assistant", "name": "Zo__K", "content": "Because."},
                    {"role": "assistant", "content": "", "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{\"q\":1}"}},
                        {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}},
                    ]},
                    {"role": "tool", "content": "found", "tool_call_id": "c1"},
                ],
                "tools": [{"type": "function", "function":
                    {"name": "search", "description": "Finds.", "parameters": {"type": "object"}}}],
                "stream": true,
                "stream_options": {"include_usage": true},
                "temperature": 0.2,
                "stop": ["END"],
            })
        );
    }
}
