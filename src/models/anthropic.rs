//! Anthropic's Messages API, streamed.
//!
//! Thinking blocks carry a signature and must come back, untouched, before the tool calls of the same turn; they travel
//! as the echo of the first call. Usage stands in two places, and input without what the cache served.

use super::http::answer::Answer;
use super::http::dialect::{Asked, Dialect, Hear, KeyHeader, add, number_at, text_at};
use super::http::history::{Part, Side, history};
use super::openai::allowed;
use crate::chat::request::{Failure, Finish};
use crate::chat::usage::Tokens;
use reqwest::Url;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The Messages API.
pub struct Messages;

/// Most tokens of an answer where the team sets no `max_tokens`, which this API demands.
const MAX_TOKENS: u64 = 8_192;
/// What this API's echo is called in the log.
const ECHO: &str = "anthropic";

impl Dialect for Messages {
    fn server(&self) -> &'static str {
        "a server of Anthropic's Messages API"
    }

    fn key_header(&self) -> KeyHeader {
        ("x-api-key", "")
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn ending(&self) -> &'static str {
        "/messages"
    }

    fn endpoint(&self, base: &mut Url, _model: &str) {
        add(base, &["messages"]);
    }

    fn unspoken(&self) -> &'static [&'static str] {
        &["seed"]
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let Asked { request, model, parameters, .. } = asked;
        let history = history(&request.messages);
        let messages: Vec<Value> = history
            .said
            .iter()
            .map(|said| {
                let role = if said.side == Side::Own { "assistant" } else { "user" };
                // Results must come before words in the turn that answers a call.
                let mut content: Vec<Value> = said.parts.iter().flat_map(block).collect();
                // And thoughts before everything else.
                content.sort_by_key(|block| match text_at(block, "type") {
                    "thinking" | "redacted_thinking" => 0,
                    "tool_result" => 1,
                    _ => 2,
                });
                json!({"role": role, "content": content})
            })
            .collect();
        let mut body = json!({
            "model": model,
            "max_tokens": MAX_TOKENS,
            "messages": messages,
            "stream": true,
        });
        if !history.system.is_empty() {
            body["system"] = json!(history.system);
        }
        if !request.tools.is_empty() {
            body["tools"] = request
                .tools
                .iter()
                .map(
                    |tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters}),
                )
                .collect();
        }
        if let Some(format) = &request.format {
            body["output_config"]["format"] = json!({"type": "json_schema", "schema": format.schema});
        }
        for (name, value) in *parameters {
            match name.as_str() {
                "seed" => {}
                "stop" if value.is_string() => body["stop_sequences"] = json!([value]),
                "stop" => body["stop_sequences"] = value.clone(),
                "reasoning_effort" => effort(&mut body, model, value.as_str().unwrap_or_default()),
                _ => body[name] = value.clone(),
            }
        }
        if let (Some(budget), Some(most)) = (body["thinking"]["budget_tokens"].as_u64(), body["max_tokens"].as_u64()) {
            // The limit counts thoughts too; the words keep what the team allows them.
            body["max_tokens"] = json!(most + budget);
        }
        if let (true, Some(fields)) = (body["thinking"].is_object(), body.as_object_mut()) {
            // A model that thinks takes no temperature, and reading a field above may have made an empty one.
            fields.remove("temperature");
        } else if let Some(fields) = body.as_object_mut() {
            fields.remove("thinking");
        }
        serde_json::to_vec(&body)
    }

    fn hear(&self) -> Box<dyn Hear> {
        Box::<Heard>::default()
    }
}

/// How much to think. Models up to the generation 4.5 take a number of tokens, later ones a word.
fn effort(body: &mut Value, model: &str, effort: &str) {
    if effort == "none" {
        return;
    }
    let older = ["claude-3", "-4-0", "-4-1", "-4-5", "-4-20"].iter().any(|part| model.contains(part));
    if !older {
        body["thinking"] = json!({"type": "adaptive"});
        body["output_config"]["effort"] = json!(if effort == "minimal" { "low" } else { effort });
        return;
    }
    let budget = match effort {
        "minimal" | "low" => 2_048,
        "medium" => 8_192,
        _ => 24_576,
    };
    body["thinking"] = json!({"type": "enabled", "budget_tokens": budget});
}

fn block(part: &Part<'_>) -> Vec<Value> {
    match part {
        Part::Text(text) => vec![json!({"type": "text", "text": text})],
        Part::Result { id, content, .. } => {
            vec![json!({"type": "tool_result", "tool_use_id": id, "content": content})]
        }
        Part::Call(call) => {
            let thoughts = call.echo_of(ECHO).and_then(|echo| echo.as_array().cloned()).unwrap_or_default();
            let input = call.object().unwrap_or_default();
            let call = json!({"type": "tool_use", "id": call.id, "name": allowed(&call.name), "input": input});
            thoughts.into_iter().chain([call]).collect()
        }
    }
}

/// The events of one message.
#[derive(Default)]
struct Heard {
    /// Thinking blocks under way, by index.
    thoughts: BTreeMap<u64, Map<String, Value>>,
    tokens: Tokens,
}

impl Hear for Heard {
    fn hear(&mut self, value: &Value, answer: &mut Answer) -> Result<(), Failure> {
        let index = number_at(value, "index").unwrap_or(0);
        match text_at(value, "type") {
            "message_start" => {
                answer.understood();
                let Some(message) = value.get("message") else { return Ok(()) };
                self.begin(message, answer);
            }
            // A whole message, from a server that does not stream.
            "message" => {
                answer.understood();
                for (index, block) in value.get("content").and_then(Value::as_array).into_iter().flatten().enumerate() {
                    self.block(index as u64, block, answer);
                }
                self.begin(value, answer);
                self.stopped(text_at(value, "stop_reason"), answer);
            }
            "content_block_start" => {
                answer.understood();
                if let Some(block) = value.get("content_block") {
                    self.block(index, block, answer);
                }
            }
            "content_block_delta" => {
                answer.understood();
                if let Some(delta) = value.get("delta") {
                    self.delta(index, delta, answer);
                }
            }
            "content_block_stop" => answer.moved(),
            "message_delta" => {
                answer.understood();
                self.usage(value.get("usage"), answer);
                let delta = value.get("delta").unwrap_or(&Value::Null);
                self.stopped(text_at(delta, "stop_reason"), answer);
            }
            "message_stop" => {
                answer.understood();
                answer.done();
            }
            // `ping`, and whatever this API invents next: it promises new events.
            _ => {}
        }
        Ok(())
    }
}

impl Heard {
    fn begin(&mut self, message: &Value, answer: &mut Answer) {
        answer.moved();
        answer.served(text_at(message, "model"));
        answer.identity(text_at(message, "id"));
        self.usage(message.get("usage"), answer);
    }

    fn block(&mut self, index: u64, block: &Value, answer: &mut Answer) {
        match text_at(block, "type") {
            "text" => answer.text(text_at(block, "text")),
            "thinking" | "redacted_thinking" => {
                answer.reasoning(text_at(block, "thinking"));
                answer.moved();
                self.thoughts.insert(index, block.as_object().cloned().unwrap_or_default());
                self.keep(answer);
            }
            "tool_use" => {
                // The input is empty here and comes in pieces, or is whole and nothing follows.
                let input = block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
                let arguments = input.map(Value::to_string).unwrap_or_default();
                answer.calls.piece(Some(index), text_at(block, "id"), text_at(block, "name"), &arguments);
                answer.moved();
            }
            _ => {}
        }
    }

    fn delta(&mut self, index: u64, delta: &Value, answer: &mut Answer) {
        let mut grow = |name: &str| {
            let more = text_at(delta, name);
            let thought = self.thoughts.entry(index).or_default();
            let before = thought.get(name).and_then(Value::as_str).unwrap_or_default();
            thought.insert(name.to_owned(), Value::String(format!("{before}{more}")));
        };
        match text_at(delta, "type") {
            "text_delta" => answer.text(text_at(delta, "text")),
            "thinking_delta" => {
                grow("thinking");
                answer.reasoning(text_at(delta, "thinking"));
            }
            "signature_delta" => {
                grow("signature");
                answer.moved();
            }
            "input_json_delta" if answer.calls.piece(Some(index), "", "", text_at(delta, "partial_json")) => {
                answer.moved();
            }
            _ => {}
        }
        self.keep(answer);
    }

    /// What must come back: only what is signed.
    fn keep(&self, answer: &mut Answer) {
        let signed: Vec<&Map<String, Value>> = self
            .thoughts
            .values()
            .filter(|thought| thought.contains_key("data") || thought.get("signature").is_some_and(|it| it != ""))
            .collect();
        if !signed.is_empty() {
            answer.echo = Some(json!({ECHO: signed}).to_string());
        }
    }

    fn stopped(&self, reason: &str, answer: &mut Answer) {
        match reason {
            "" => {}
            "max_tokens" | "model_context_window_exceeded" => answer.finish(Finish::Length),
            "refusal" => answer.finish(Finish::Filtered),
            _ => answer.finish(Finish::Stop),
        }
    }

    /// Later reports are cumulative and may leave out what has not changed.
    fn usage(&mut self, usage: Option<&Value>, answer: &mut Answer) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let fresh = number_at(usage, "input_tokens");
        let read = number_at(usage, "cache_read_input_tokens");
        let written = number_at(usage, "cache_creation_input_tokens");
        if fresh.is_some() || read.is_some() || written.is_some() {
            let before = self.tokens;
            self.tokens.cached = read.unwrap_or(before.cached);
            self.tokens.written = written.unwrap_or(before.written);
            let fresh = fresh.unwrap_or(before.input.saturating_sub(before.cached + before.written));
            self.tokens.input = fresh + self.tokens.cached + self.tokens.written;
        }
        self.tokens.output = number_at(usage, "output_tokens").unwrap_or(self.tokens.output);
        if let Some(details) = usage.get("output_tokens_details") {
            self.tokens.reasoning = number_at(details, "thinking_tokens").unwrap_or(self.tokens.reasoning);
        }
        answer.usage(self.tokens);
    }
}
