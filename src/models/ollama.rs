//! Ollama's own API, `/api/chat`: a JSON object a line.
//!
//! The compatible endpoint of Ollama drops tool calls while streaming and takes no `num_ctx`, so this is the default.
//! Ollama drops the oldest messages without a word when they do not fit; the size of the window is therefore always
//! sent, and what came of it is compared with what was sent.

use super::http::answer::Answer;
use super::http::dialect::{Asked, Dialect, Framing, Hear, add, number_at, text_at};
use super::http::history::told;
use crate::chat::request::{Failure, Finish, Role};
use crate::chat::usage::Tokens;
use reqwest::Url;
use serde_json::{Map, Value, json};

/// `/api/chat`.
pub struct Chat;

/// Tokens that fit where neither the team nor anybody else says how many.
pub const WINDOW: u64 = 8_192;

impl Dialect for Chat {
    fn server(&self) -> &'static str {
        "an Ollama server"
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn ending(&self) -> &'static str {
        "/api/chat"
    }

    fn endpoint(&self, base: &mut Url, _model: &str) {
        root(base);
        add(base, &["api", "chat"]);
    }

    fn listing(&self, base: &mut Url) {
        root(base);
        add(base, &["api", "tags"]);
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let Asked { request, model, parameters, .. } = asked;
        let messages: Vec<Value> = request
            .messages
            .iter()
            .map(|prompt| match prompt.role {
                Role::Tool => {
                    json!({"role": "tool", "tool_name": prompt.name.as_deref().unwrap_or_default(), "content": &*prompt.content})
                }
                role => {
                    let role = match role {
                        Role::System => "system",
                        Role::Assistant => "assistant",
                        _ => "user",
                    };
                    let mut message = json!({"role": role, "content": told(prompt)});
                    if !prompt.tool_calls.is_empty() {
                        message["tool_calls"] = prompt
                            .tool_calls
                            .iter()
                            .map(|call| json!({"function": {"name": call.name, "arguments": call.object().unwrap_or_default()}}))
                            .collect();
                    }
                    message
                }
            })
            .collect();
        let mut body = json!({"model": model, "messages": messages, "stream": true});
        let mut options = Map::from_iter([("num_ctx".to_owned(), json!(window(asked)))]);
        for (name, value) in *parameters {
            match name.as_str() {
                "max_tokens" => {
                    options.insert("num_predict".into(), value.clone());
                }
                "stop" if value.is_string() => {
                    options.insert("stop".into(), json!([value]));
                }
                "reasoning_effort" => {
                    body["think"] = match value.as_str() {
                        Some("none") => json!(false),
                        // Only gpt-oss knows levels; everybody else thinks or does not.
                        Some(level) if model.starts_with("gpt-oss") => json!(level),
                        _ => json!(true),
                    };
                }
                _ => {
                    options.insert(name.clone(), value.clone());
                }
            }
        }
        body["options"] = Value::Object(options);
        if !request.tools.is_empty() {
            body["tools"] = request
                .tools
                .iter()
                .map(|tool| {
                    let function =
                        json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
                    json!({"type": "function", "function": function})
                })
                .collect();
        }
        if let Some(format) = &request.format {
            body["format"] = format.schema.clone();
        }
        serde_json::to_vec(&body)
    }

    fn hear(&self) -> Box<dyn Hear> {
        Box::new(Heard)
    }

    fn silent_window(&self, asked: &Asked<'_>) -> Option<u64> {
        Some(window(asked))
    }
}

/// A base URL may be that of the compatible endpoint, which is better known.
fn root(base: &mut Url) {
    if base.path().trim_end_matches('/').ends_with("/v1")
        && let Ok(mut path) = base.path_segments_mut()
    {
        path.pop_if_empty().pop();
    }
}

fn window(asked: &Asked<'_>) -> u64 {
    asked.parameters.get("num_ctx").and_then(Value::as_u64).or(asked.window).unwrap_or(WINDOW)
}

/// The lines of one answer.
struct Heard;

impl Hear for Heard {
    fn hear(&mut self, value: &Value, answer: &mut Answer) -> Result<(), Failure> {
        answer.served(text_at(value, "model"));
        if let Some(message) = value.get("message") {
            answer.understood();
            answer.reasoning(text_at(message, "thinking"));
            answer.text(text_at(message, "content"));
            for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                let function = call.get("function").unwrap_or(call);
                let arguments = match function.get("arguments") {
                    Some(Value::String(text)) => text.clone(),
                    Some(value @ Value::Object(_)) => value.to_string(),
                    _ => "{}".to_owned(),
                };
                answer.calls.add_whole(text_at(call, "id"), text_at(function, "name"), arguments, None);
                answer.moved();
            }
        }
        if value.get("done").and_then(Value::as_bool) == Some(true) {
            answer.understood();
            // Older servers leave the input out when it is cached: no report at all is better than half of one.
            if let (Some(input), Some(output)) = (number_at(value, "prompt_eval_count"), number_at(value, "eval_count"))
            {
                answer.usage(Tokens { input, output, ..Tokens::default() });
            }
            answer.finish(if text_at(value, "done_reason") == "length" { Finish::Length } else { Finish::Stop });
            answer.done();
        }
        Ok(())
    }
}
