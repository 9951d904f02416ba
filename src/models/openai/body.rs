//! The request of a chat completion, as bytes.

use crate::chat::request::{Request, Role};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Line<'a>>,
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
}

/// What a team may not set, because the answer could not be read any more (or one model would pass for another).
pub const RESERVED: &[&str] = &["model", "messages", "stream", "stream_options", "n"];

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
            },
            name: prompt.name.as_deref().filter(|name| !name.is_empty()).map(allowed),
            content: &prompt.content,
        })
        .collect();
    let stream_options = StreamOptions { include_usage: true };
    serde_json::to_vec(&Body { model, messages, stream: true, stream_options, parameters })
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
    use crate::chat::id::CallId;
    use crate::chat::request::{Prompt, Purpose};
    use serde_json::json;

    #[test]
    fn roles_names_and_parameters_reach_the_body_as_they_stand() {
        let prompt = |role, name: Option<&str>, content: &str| Prompt {
            role,
            name: name.map(Into::into),
            content: content.into(),
        };
        let request = Request {
            call: CallId(1),
            agent: "Coder".into(),
            purpose: Purpose::Speak,
            model: "smart".into(),
            messages: vec![
                prompt(Role::System, None, "Be kind."),
                prompt(Role::User, Some("Reviewer"), "Why?"),
                prompt(Role::Assistant, Some("Zoë K"), "Because."),
            ],
        };
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
                ],
                "stream": true,
                "stream_options": {"include_usage": true},
                "temperature": 0.2,
                "stop": ["END"],
            })
        );
    }
}
