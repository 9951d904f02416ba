//! Reading a plain message list: AG2's `chat_messages` (an array of `{name, role, content, tool_calls, …}`), AgentChat's
//! message dumps, or either of them one object a line. Unknown fields are passed over; nothing in it is trusted.

use super::view::{Asked, Given, Said, step::Place};
use serde_json::Value;

/// A message of a list, with what it points to.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Who said it.
    pub speaker: String,
    /// The text.
    pub text: String,
    /// Calls in it.
    pub calls: Vec<Asked>,
    /// Results in it.
    pub results: Vec<Given>,
    /// The operator of a console said it, not a member.
    pub operator: bool,
    /// It is a system message, which nobody said.
    pub system: bool,
}

/// The messages in a JSON value: an array, or an object that holds one under `messages` or `chat_history`.
pub fn list(value: &Value) -> Option<Vec<Listed>> {
    let messages = match value {
        Value::Array(messages) => messages,
        Value::Object(object) => ["messages", "chat_history", "history", "conversation", "transcript"]
            .iter()
            .find_map(|key| object.get(*key).and_then(Value::as_array))?,
        _ => return None,
    };
    let readable = |value: &Value| value.as_object().is_some_and(is_message);
    messages.iter().all(readable).then(|| messages.iter().map(one).collect())
}

/// Whether an object looks like a message.
pub fn is_message(object: &serde_json::Map<String, Value>) -> bool {
    ["content", "role", "tool_calls", "tool_responses", "function_call"].iter().any(|key| object.contains_key(*key))
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        // Parts: [{"type": "text", "text": …}]
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()));
            texts.collect::<Vec<_>>().join("\n")
        }
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn word(value: &Value, keys: &[&str]) -> Option<String> {
    let text = keys.iter().find_map(|key| value.get(*key).and_then(Value::as_str))?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn asked(call: &Value) -> Option<Asked> {
    let function = call.get("function").unwrap_or(call);
    let arguments = match function.get("arguments").or_else(|| function.get("input")) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Some(Asked { id: word(call, &["id", "call_id"]).unwrap_or_default(), tool: word(function, &["name"])?, arguments })
}

fn given(result: &Value) -> Given {
    Given {
        id: word(result, &["tool_call_id", "call_id", "id"]).unwrap_or_default(),
        text: text_of(result.get("content")),
        failed: result.get("is_error").and_then(Value::as_bool).filter(|failed| *failed),
    }
}

fn one(value: &Value) -> Listed {
    let role = word(value, &["role"]).unwrap_or_default();
    let speaker = word(value, &["name", "source", "speaker", "sender"])
        .unwrap_or_else(|| if role.is_empty() { "somebody".into() } else { role.clone() });
    let parts = value.get("content").and_then(Value::as_array);
    let mut listed = Listed {
        operator: speaker.eq_ignore_ascii_case("operator"),
        system: role == "system",
        speaker,
        ..Listed::default()
    };
    if let Some(calls) = value.get("tool_calls").and_then(Value::as_array) {
        listed.calls = calls.iter().filter_map(asked).collect();
    } else if let Some(call) = value.get("function_call").filter(|call| call.is_object()) {
        listed.calls = asked(call).into_iter().collect();
    } else if let Some(parts) = parts.filter(|parts| parts.iter().any(|part| part.get("arguments").is_some())) {
        listed.calls = parts.iter().filter_map(asked).collect();
    }
    if let Some(results) = value.get("tool_responses").and_then(Value::as_array) {
        listed.results = results.iter().map(given).collect();
    } else if role == "tool" || role == "function" {
        listed.results = vec![given(value)];
    } else if let Some(parts) =
        parts.filter(|parts| parts.iter().any(|part| part.get("call_id").is_some() && part.get("arguments").is_none()))
    {
        listed.results = parts.iter().map(given).collect();
    }
    let traffic = parts.is_some() && !(listed.calls.is_empty() && listed.results.is_empty());
    if !traffic {
        listed.text = text_of(value.get("content"));
    }
    listed
}

impl Listed {
    /// As detectors hear it. The first message of a list is its task.
    pub fn said(&self, index: usize) -> Said<'_> {
        Said {
            place: Place { message: index, turn: None, at: None },
            speaker: self.speaker.as_str().into(),
            person: self.operator,
            task: self.system,
            text: &self.text,
            ran: None,
            calls: self.calls.clone(),
            results: self.results.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_of_every_family_are_read() {
        let listed = list(&json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "name": "coder", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "a.txt"},
            {"role": "tool", "name": "user", "tool_responses": [{"tool_call_id": "2", "role": "tool", "content": "b"}], "content": "b"},
            {"source": "web", "type": "ToolCallRequestEvent", "content": [{"id": "3", "name": "get", "arguments": "{}"}]},
            {"source": "web", "type": "ToolCallExecutionEvent", "content": [{"call_id": "3", "name": "get", "content": "c", "is_error": true}]},
            {"role": "assistant", "content": [{"type": "text", "text": "parts"}]},
        ])).unwrap();
        assert_eq!(
            (listed[0].speaker.as_str(), listed[1].calls[0].tool.as_str(), listed[2].results[0].id.as_str()),
            ("user", "ls", "1")
        );
        assert_eq!((listed[3].results[0].text.as_str(), listed[4].calls[0].id.as_str()), ("b", "3"));
        assert_eq!((listed[5].results[0].failed, listed[6].text.as_str()), (Some(true), "parts"));
        assert!(list(&json!({"messages": [{"role": "user", "content": "x"}]})).is_some());
        assert!(list(&json!([1, 2])).is_none() && list(&json!("x")).is_none());
    }
}
