//! What a server lists, taken only as far as it can be used: a listing is written by a stranger.

use crate::chat::code::hex;
use crate::chat::format::Checker;
use crate::chat::server::{ListedTool, ServerSetup};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Most tools of one server.
pub const MOST: usize = 10_000;
/// Longest name, description and schema, in bytes.
const NAME: usize = 128;
const DESCRIPTION: usize = 16 << 10;
const SCHEMA: usize = 64 << 10;
/// How deep a schema may be.
const DEPTH: usize = 32;
/// Most reasons that are told.
const REASONS: usize = 20;

/// The usable tools of a listing, and why the others are not.
pub fn tools(setup: &ServerSetup, listed: Vec<Value>) -> (Vec<ListedTool>, Vec<String>) {
    let identity = setup.identity();
    let (mut taken, mut refused, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    for tool in listed.into_iter().take(MOST) {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !setup.tools.is_empty() && !setup.tools.contains(&name) {
            continue;
        }
        match read(&identity, &name, &tool) {
            Ok(_) if names.contains(&name) => refused.push(format!("{name:?} is listed twice; the first is taken")),
            Ok(tool) => {
                names.insert(name);
                taken.push(tool);
            }
            Err(why) => refused.push(format!("{:?} {why}", name.chars().take(NAME).collect::<String>())),
        }
    }
    for missing in setup.tools.iter().filter(|name| !names.contains(*name)) {
        refused.push(format!("{missing:?} is named in the team file and is not there"));
    }
    if refused.len() > REASONS {
        let more = refused.len() - REASONS;
        refused.truncate(REASONS);
        refused.push(format!("and {more} more"));
    }
    (taken, refused)
}

fn read(identity: &str, name: &str, tool: &Value) -> Result<ListedTool, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > NAME || !name.chars().all(fits) {
        return Err("is no name for a tool");
    }
    let description = tool.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    if description.len() > DESCRIPTION {
        return Err("has a description that is too long");
    }
    let parameters = tool.get("inputSchema").cloned().unwrap_or_else(|| json!({"type": "object"}));
    if depth(&parameters, DEPTH + 1) > DEPTH || parameters.to_string().len() > SCHEMA {
        return Err("has a schema that is too large");
    }
    if Checker::new(&parameters).is_err() {
        return Err("has no usable schema");
    }
    let mut hasher = Sha256::new();
    let rest = ["title", "annotations", "outputSchema"].map(|key| tool.get(key).cloned().unwrap_or_default());
    for part in [
        identity,
        name,
        &description,
        &sorted(&parameters).to_string(),
        &sorted(&Value::from(rest.to_vec())).to_string(),
    ] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hex(&hasher.finalize());
    Ok(ListedTool { name: name.to_owned(), description, parameters, hash, was: None })
}

/// How deep a value is; not looked at further than `most`.
fn depth(value: &Value, most: usize) -> usize {
    if most == 0 {
        return 1;
    }
    match value {
        Value::Array(items) => 1 + items.iter().map(|item| depth(item, most - 1)).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(|item| depth(item, most - 1)).max().unwrap_or(0),
        _ => 0,
    }
}

/// The same with the keys of every object in order: a server may list them in any.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(pairs.into_iter().collect())
        }
        plain => plain.clone(),
    }
}

/// What a result says, as text: what is no text is named.
pub fn text(result: &Value) -> String {
    let parts = result.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let word = |part: &Value, key: &str| part.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told: Vec<String> = parts
        .iter()
        .map(|part| match word(part, "type").as_str() {
            "text" => word(part, "text"),
            kind @ ("image" | "audio") => {
                format!("[{kind} {}, {} bytes in base64]", word(part, "mimeType"), word(part, "data").len())
            }
            "resource_link" => format!("[resource {} {}]", word(part, "uri"), word(part, "name")),
            "resource" => contents(part.get("resource").unwrap_or(&Value::Null)),
            other => format!("[{other}]"),
        })
        .collect();
    match (told.is_empty(), result.get("structuredContent")) {
        (true, Some(value)) => value.to_string(),
        _ => told.join("\n"),
    }
}

/// What a resource says, as text.
pub fn contents(resource: &Value) -> String {
    match resource.get("text").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => {
            let blob = resource.get("blob").and_then(Value::as_str).map_or(0, str::len);
            let uri = resource.get("uri").and_then(Value::as_str).unwrap_or_default();
            format!("[{uri}, {blob} bytes in base64]")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> ServerSetup {
        serde_json::from_value(json!({
            "command": ["server"], "approval": "always", "timeout_ms": 1, "start_ms": 1, "output_limit": 1, "result_limit": 1
        }))
        .unwrap()
    }

    fn deep(levels: usize) -> Value {
        (0..levels).fold(json!({}), |inner, _| json!({"properties": {"x": inner}, "type": "object"}))
    }

    #[test]
    fn what_cannot_be_a_tool_is_left_out_with_a_reason() {
        let listed = vec![
            json!({"name": "ok", "description": "fine", "inputSchema": {"type": "object"}}),
            json!({"name": "ok", "description": "again"}),
            json!({"name": "a/b"}),
            json!({"name": ""}),
            json!({"name": "x".repeat(200)}),
            json!({"name": "\u{1b}[31mred"}),
            json!({"name": "long", "description": "x".repeat(20_000)}),
            json!({"name": "deep", "inputSchema": deep(40)}),
            json!({"name": "list", "inputSchema": []}),
            json!({"name": "wrong", "inputSchema": {"type": "no type"}}),
            json!("no object"),
        ];
        let (taken, refused) = tools(&setup(), listed);
        assert_eq!(taken.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["ok"]);
        assert_eq!(refused.len(), 10, "{refused:#?}");
    }

    #[test]
    fn the_hash_covers_all_that_a_server_says_and_not_the_order_of_keys() {
        let hash = |tool: Value| tools(&setup(), vec![tool]).0[0].hash.clone();
        let plain = json!({"name": "t", "description": "d", "inputSchema": {"type": "object", "properties": {"a": {}, "b": {}}}});
        let turned = json!({"inputSchema": {"properties": {"b": {}, "a": {}}, "type": "object"}, "description": "d", "name": "t"});
        assert_eq!(hash(plain.clone()), hash(turned));
        for (key, value) in [
            ("description", json!("D")),
            ("inputSchema", json!({"type": "object"})),
            ("annotations", json!({"readOnlyHint": true})),
            ("title", json!("T")),
            ("name", json!("t2")),
        ] {
            let mut other = plain.clone();
            other[key] = value;
            assert_ne!(hash(plain.clone()), hash(other), "{key}");
        }
        let mut elsewhere = setup();
        elsewhere.command.push("--other".to_owned());
        assert_ne!(tools(&elsewhere, vec![plain.clone()]).0[0].hash, hash(plain));
    }

    #[test]
    fn only_named_tools_are_taken_and_missing_ones_are_told() {
        let setup = ServerSetup { tools: vec!["a".into(), "gone".into()], ..setup() };
        let (taken, refused) = tools(&setup, vec![json!({"name": "a"}), json!({"name": "b"})]);
        assert!(taken.len() == 1 && refused == ["\"gone\" is named in the team file and is not there"]);
    }

    #[test]
    fn results_become_text_whatever_they_hold() {
        let result = json!({"content": [
            {"type": "text", "text": "one"},
            {"type": "image", "mimeType": "image/png", "data": "AAAA"},
            {"type": "resource", "resource": {"uri": "file:///x", "text": "inside"}},
            {"type": "resource_link", "uri": "file:///y", "name": "why"},
            {"type": "new"}
        ], "structuredContent": {"n": 1}});
        let wanted = "one\n[image image/png, 4 bytes in base64]\ninside\n[resource file:///y why]\n[new]";
        assert_eq!(text(&result), wanted);
        assert_eq!(text(&json!({"content": [], "structuredContent": {"n": 1}})), "{\"n\":1}");
    }
}
