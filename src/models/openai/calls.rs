//! Tool calls as they come: in pieces, by index, with an identity only in the first - or whole, or in the old form.

use crate::chat::tool::ToolCall;
use serde_json::Value;

/// Calls of one answer, under way.
#[derive(Debug, Default)]
pub struct Calls(Vec<Partial>);

#[derive(Debug, Default)]
struct Partial {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|call| call.name.is_empty())
    }

    /// Takes what a delta (or a whole message) says of calls. Returns whether it said anything.
    pub fn add(&mut self, delta: &Value) -> bool {
        let mut said = false;
        if let Some(Value::Array(pieces)) = delta.get("tool_calls") {
            for piece in pieces {
                said |= self.piece(piece, piece.get("function").unwrap_or(piece));
            }
        }
        if let Some(old) = delta.get("function_call").filter(|old| old.is_object()) {
            said |= self.piece(&Value::Null, old);
        }
        said
    }

    fn piece(&mut self, piece: &Value, function: &Value) -> bool {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, name) = (text(piece, "id"), text(function, "name"));
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            // Some servers send the object itself.
            Some(value @ Value::Object(_)) => value.to_string(),
            _ => String::new(),
        };
        if id.is_empty() && name.is_empty() && arguments.is_empty() {
            return false;
        }
        let index = piece.get("index").and_then(Value::as_u64);
        // Without an index, a new identity begins a new call, and so does a name where there are arguments already.
        let at = match index {
            Some(_) => self.0.iter().position(|call| call.index == index),
            None => self.0.len().checked_sub(1).filter(|last| {
                let last = &self.0[*last];
                (id.is_empty() || last.id == id)
                    && (name.is_empty() || last.arguments.is_empty() && last.name.is_empty())
            }),
        };
        let at = at.unwrap_or_else(|| {
            self.0.push(Partial { index, ..Partial::default() });
            self.0.len() - 1
        });
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = id;
        }
        // The name comes whole and some servers repeat it with every piece.
        if call.name.is_empty() {
            call.name = name;
        }
        call.arguments.push_str(&arguments);
        true
    }

    /// The calls, in the order in which they began. A call without a name is none; a missing or repeated identity is
    /// replaced, since every result must find its call.
    pub fn whole(self) -> Vec<ToolCall> {
        let mut calls: Vec<ToolCall> = Vec::new();
        for partial in self.0.into_iter().filter(|call| !call.name.is_empty()) {
            let taken = partial.id.is_empty() || calls.iter().any(|call| call.id == partial.id);
            let id = if taken { format!("call_{}", calls.len() + 1) } else { partial.id };
            calls.push(ToolCall { id, name: partial.name, arguments: partial.arguments.into() });
        }
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(deltas: &[Value]) -> Vec<(String, String, String)> {
        let mut calls = Calls::default();
        deltas.iter().for_each(|delta| assert!(calls.add(delta), "{delta}"));
        calls.whole().into_iter().map(|call| (call.id, call.name, call.arguments.to_string())).collect()
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.into(), name.into(), arguments.into())
    }

    #[test]
    fn pieces_find_their_call_by_index() {
        let piece = |index: u64, id: Option<&str>, name: Option<&str>, arguments: &str| json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]});
        let read = read(&[
            piece(0, Some("a"), Some("search"), ""),
            piece(1, Some("b"), Some("fetch"), "{"),
            piece(0, None, None, "{\"q\":"),
            piece(1, None, None, "}"),
            piece(0, None, None, "1}"),
        ]);
        assert_eq!(read, [call("a", "search", "{\"q\":1}"), call("b", "fetch", "{}")]);
    }

    #[test]
    fn whole_calls_without_index_or_identity_stay_apart() {
        let two = json!({"tool_calls": [
            {"id": "a", "function": {"name": "f", "arguments": "{}"}},
            {"id": "a", "function": {"name": "g", "arguments": {"x": 1}}},
        ]});
        assert_eq!(read(&[two]), [call("a", "f", "{}"), call("call_2", "g", "{\"x\":1}")]);
        let old = json!({"function_call": {"name": "f", "arguments": "{}"}});
        assert_eq!(read(&[old]), [call("call_1", "f", "{}")]);
    }

    #[test]
    fn nothing_said_is_nothing() {
        let mut calls = Calls::default();
        for delta in [json!({}), json!({"tool_calls": null}), json!({"tool_calls": []}), json!({"function_call": null})]
        {
            assert!(!calls.add(&delta));
        }
        assert!(calls.is_empty() && calls.whole().is_empty());
    }
}
