//! Tool calls as they come: in pieces, by index, with an identity only in the first - or whole, or in the old form.

use super::dialect::text_at;
use crate::chat::tool::ToolCall;
use serde_json::Value;
use std::collections::HashSet;

/// Calls of one answer, under way.
#[derive(Debug, Default)]
pub struct Calls(Vec<Partial>);

#[derive(Debug, Default)]
struct Partial {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    echo: Option<String>,
}

impl Calls {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|call| call.name.is_empty())
    }

    /// Takes what a delta (or a whole message) of chat completions says of calls. Returns whether it said anything.
    pub fn add(&mut self, delta: &Value) -> bool {
        let mut said = false;
        if let Some(Value::Array(pieces)) = delta.get("tool_calls") {
            for piece in pieces {
                said |= self.completion(piece, piece.get("function").unwrap_or(piece));
            }
        }
        if let Some(old) = delta.get("function_call").filter(|old| old.is_object()) {
            said |= self.completion(&Value::Null, old);
        }
        said
    }

    fn completion(&mut self, piece: &Value, function: &Value) -> bool {
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            // Some servers send the object itself.
            Some(value @ Value::Object(_)) => value.to_string(),
            _ => String::new(),
        };
        let index = piece.get("index").and_then(Value::as_u64);
        self.piece(index, text_at(piece, "id"), text_at(function, "name"), &arguments)
    }

    /// A piece of a call: where it belongs, if the server says so, and what is new of it.
    pub fn piece(&mut self, index: Option<u64>, id: &str, name: &str, arguments: &str) -> bool {
        if id.is_empty() && name.is_empty() && arguments.is_empty() {
            return false;
        }
        // A new identity begins a new call, whatever the index (vLLM gives parallel calls the index 0), and so does a
        // new name where there are arguments already. Some servers repeat identity and name with every piece.
        let last = match index {
            Some(_) => self.0.iter().rposition(|call| call.index == index),
            None => self.0.len().checked_sub(1),
        };
        let at = last.filter(|last| {
            let call = &self.0[*last];
            let same_id = id.is_empty() || call.id.is_empty() && index.is_some() || call.id == id;
            let same_name = name.is_empty()
                || call.name.is_empty()
                || call.arguments.is_empty() && index.is_some()
                || call.name == name && index.is_some() && !id.is_empty();
            same_id && same_name
        });
        let at = at.unwrap_or_else(|| {
            self.0.push(Partial { index, ..Partial::default() });
            self.0.len() - 1
        });
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = id.to_owned();
        }
        if call.name.is_empty() {
            call.name = name.to_owned();
        }
        call.arguments.push_str(arguments);
        true
    }

    /// A call that came whole, with what the provider wants to have back with it.
    pub fn add_whole(&mut self, id: &str, name: &str, arguments: String, echo: Option<String>) {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.0.push(Partial { index: None, id, name, arguments, echo });
    }

    /// The calls, in the order in which they began. A call without a name is none; a missing or repeated identity is
    /// replaced, since every result must find its call, in this answer and in all that came before.
    pub fn whole(self, taken: &HashSet<String>) -> Vec<ToolCall> {
        let mut calls: Vec<ToolCall> = Vec::new();
        for partial in self.0.into_iter().filter(|call| !call.name.is_empty()) {
            let free = |id: &String| !id.is_empty() && !taken.contains(id) && calls.iter().all(|call| call.id != *id);
            let numbered = || (calls.len() + 1 + taken.len()..).map(|n| format!("call_{n}")).find(free);
            let id = Some(partial.id).filter(free).or_else(numbered).unwrap_or_default();
            let (arguments, echo) = (partial.arguments.into(), partial.echo.map(Into::into));
            calls.push(ToolCall { id, name: partial.name, arguments, echo });
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
        calls.whole(&HashSet::new()).into_iter().map(|call| (call.id, call.name, call.arguments.to_string())).collect()
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
    fn parallel_calls_with_the_same_index_stay_apart_by_identity_or_name() {
        let piece = |id: &str, name: &str, arguments: &str| json!({"tool_calls": [{"index": 0, "id": id, "function": {"name": name, "arguments": arguments}}]});
        let by_id = [piece("a", "f", "{}"), piece("b", "f", "{\"x\":"), piece("", "", "1}")];
        assert_eq!(read(&by_id), [call("a", "f", "{}"), call("b", "f", "{\"x\":1}")]);
        let by_name = [piece("", "f", "{}"), piece("", "g", "{}")];
        assert_eq!(read(&by_name), [call("call_1", "f", "{}"), call("call_2", "g", "{}")]);
        let repeated = [piece("a", "f", "{\"x\""), piece("a", "f", ":1}")];
        assert_eq!(read(&repeated), [call("a", "f", "{\"x\":1}")]);
    }

    #[test]
    fn an_identity_that_an_earlier_answer_used_is_replaced() {
        let mut calls = Calls::default();
        calls.add_whole("0", "f", "{}".into(), None);
        calls.add_whole("", "g", "{}".into(), None);
        let taken = HashSet::from(["0".to_owned(), "call_3".to_owned()]);
        let ids: Vec<_> = calls.whole(&taken).into_iter().map(|call| call.id).collect();
        assert_eq!(ids, ["call_4", "call_5"]);
    }

    #[test]
    fn nothing_said_is_nothing() {
        let mut calls = Calls::default();
        for delta in [json!({}), json!({"tool_calls": null}), json!({"tool_calls": []}), json!({"function_call": null})]
        {
            assert!(!calls.add(&delta));
        }
        assert!(calls.is_empty() && calls.whole(&HashSet::new()).is_empty());
    }
}
