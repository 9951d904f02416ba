//! The request of a chat completion, as bytes.

use crate::chat::request::{Request, Role};
use crate::chat::tool::{ToolCall, ToolSpec};
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

/// What a team may not set, because the answer could not be read any more (or one model would pass for another).
pub const RESERVED: &[&str] = &["model", "messages", "stream", "stream_options", "n", "tools", "response_format"];

/// The body of one request. `parameters` are passed on as they stand and hold none of [`RESERVED`].
///
/// # Errors
/// Never in practice: strings and numbers always have a JSON form.
pub fn body(request: &Request, model: &str, parameters: &Map<String, Value>) -> Result<Vec<u8>, serde_json::Error> {
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
fn allowed(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= 64 && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().take(64).map(|c| if fits(c) { c } else { '_' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::format::ResponseFormat;
    use crate::chat::id::CallId;
    use crate::chat::request::{Prompt, Purpose};

    #[test]
    fn a_shape_is_sent_as_the_dialect_wants_it() {
        let mut request = Request::new(CallId(1), "Judge".into(), Purpose::Speak, "smart", Vec::new());
        let bytes = |request: &Request| -> Value {
            serde_json::from_slice(&body(request, "gpt-x", &Map::new()).unwrap()).unwrap()
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
        let search = |arguments: &str| ToolCall { id: "c1".into(), name: "search".into(), arguments: arguments.into() };
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
        let sent: Value = serde_json::from_slice(&body(&request, "gpt-x", &parameters).unwrap()).unwrap();
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
