//! Tools as models see them: what may be called, a call, and what came of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// A tool as it is offered to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// `[A-Za-z0-9_-]{1,64}`, unique in one request.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON schema of the arguments: an object.
    pub parameters: Value,
}

/// What a model wants called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's identity of the call, unique in its message.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments as the model wrote them: JSON if it kept to the rules, which nobody may assume.
    pub arguments: Arc<str>,
}

impl ToolCall {
    /// The arguments with the line breaks and tabs escaped that a model has left raw inside a text (AG2 repairs them, too):
    /// what is shown, approved and run.
    pub fn repaired(&self) -> Arc<str> {
        let (mut within, mut escaped) = (false, false);
        let mut text = String::new();
        for c in self.arguments.chars() {
            match c {
                '\n' if within => text.push_str("\\n"),
                '\r' if within => text.push_str("\\r"),
                '\t' if within => text.push_str("\\t"),
                _ => text.push(c),
            }
            within ^= c == '"' && !escaped;
            escaped = within && c == '\\' && !escaped;
        }
        if text == *self.arguments { self.arguments.clone() } else { text.into() }
    }

    /// The arguments as an object; an empty text means none.
    ///
    /// # Errors
    /// When they are not a JSON object; the text is for the model that wrote them.
    pub fn object(&self) -> Result<serde_json::Map<String, Value>, String> {
        if self.arguments.trim().is_empty() {
            return Ok(serde_json::Map::new());
        }
        match serde_json::from_str(&self.repaired()) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("The argument must be in JSON format: an object with the named arguments.".to_owned()),
            Err(error) => Err(format!("The argument must be in JSON format: {error}.")),
        }
    }
}

/// What came of a call. Every call has exactly one before its model is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// [`ToolCall::id`].
    pub call_id: String,
    /// [`ToolCall::name`].
    pub name: String,
    /// What the model is told.
    pub content: Arc<str>,
    /// Whether the call failed, was refused or never ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

impl ToolResult {
    /// The result of `call`.
    pub fn of(call: &ToolCall, content: impl Into<Arc<str>>, is_error: bool) -> Self {
        ToolResult { call_id: call.id.clone(), name: call.name.clone(), content: content.into(), is_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(arguments: &str) -> ToolCall {
        ToolCall { id: "1".into(), name: "find".into(), arguments: arguments.into() }
    }

    #[test]
    fn raw_line_breaks_inside_texts_are_escaped_and_nothing_else_is_touched() {
        let table = [
            ("{\"q\":\"a\nb\tc\"}", "{\"q\":\"a\\nb\\tc\"}"),
            ("{\n\t\"q\": \"a\"\n}", "{\n\t\"q\": \"a\"\n}"),
            ("{\"q\":\"say \\\"x\n\\\" and\\\\\"}", "{\"q\":\"say \\\"x\\n\\\" and\\\\\"}"),
            ("{\"q\":\"a\\nb\"}", "{\"q\":\"a\\nb\"}"),
            ("no \n json", "no \n json"),
        ];
        for (written, wanted) in table {
            assert_eq!(&*called(written).repaired(), wanted, "{written:?}");
        }
        assert_eq!(called(table[0].0).object().unwrap()["q"], "a\nb\tc");
        assert!(called("").object().unwrap().is_empty());
        assert!(called("[1]").object().unwrap_err().contains("must be in JSON format"));
    }
}
