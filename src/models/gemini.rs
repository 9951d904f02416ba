//! Google's Gemini API: `streamGenerateContent` over server-sent events.
//!
//! Calls have no identity (older models) and come whole; the signature of a thought stands beside a call and must come
//! back with it. There is no end marker: the finish reason is the end.

use super::http::answer::Answer;
use super::http::dialect::{Asked, Dialect, Hear, KeyHeader, add, number_at, text_at};
use super::http::history::{Part, Side, history};
use super::openai::allowed;
use crate::chat::request::{Failure, FailureKind, Finish};
use crate::chat::usage::Tokens;
use reqwest::Url;
use serde_json::{Map, Value, json};

/// `generateContent`.
pub struct Contents;

/// What this API's echo is called in the log.
const ECHO: &str = "gemini";

impl Dialect for Contents {
    fn server(&self) -> &'static str {
        "a server of Google's Gemini API"
    }

    fn key_header(&self) -> KeyHeader {
        ("x-goog-api-key", "")
    }

    fn ending(&self) -> &'static str {
        ":streamGenerateContent"
    }

    fn endpoint(&self, base: &mut Url, model: &str) {
        let name = model.strip_prefix("models/").unwrap_or(model);
        add(base, &["models", &format!("{name}:streamGenerateContent")]);
        base.query_pairs_mut().append_pair("alt", "sse");
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let Asked { request, parameters, model, .. } = asked;
        let history = history(&request.messages);
        let contents: Vec<Value> = history
            .said
            .iter()
            .map(|said| {
                let role = if said.side == Side::Own { "model" } else { "user" };
                json!({"role": role, "parts": said.parts.iter().map(part).collect::<Vec<_>>()})
            })
            .collect();
        let mut body = json!({"contents": contents});
        if !history.system.is_empty() {
            body["systemInstruction"] = json!({"parts": [{"text": history.system}]});
        }
        if !request.tools.is_empty() {
            let declared: Vec<Value> = request
                .tools
                .iter()
                .map(|tool| json!({"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}))
                .collect();
            body["tools"] = json!([{"functionDeclarations": declared}]);
        }
        let mut config = Map::new();
        for (name, value) in *parameters {
            match name.as_str() {
                "max_tokens" => config.insert("maxOutputTokens".into(), value.clone()),
                "top_p" => config.insert("topP".into(), value.clone()),
                "stop" if value.is_string() => config.insert("stopSequences".into(), json!([value])),
                "stop" => config.insert("stopSequences".into(), value.clone()),
                "reasoning_effort" => config.insert("thinkingConfig".into(), thinking(model, value.as_str())),
                _ => config.insert(name.clone(), value.clone()),
            };
        }
        if let Some(format) = &request.format {
            config.insert("responseMimeType".into(), json!("application/json"));
            config.insert("responseJsonSchema".into(), format.schema.clone());
        }
        if !config.is_empty() {
            body["generationConfig"] = Value::Object(config);
        }
        serde_json::to_vec(&body)
    }

    fn hear(&self) -> Box<dyn Hear> {
        Box::new(Heard)
    }
}

/// How much to think: the generation 2.5 takes a number of tokens, later ones a word.
fn thinking(model: &str, effort: Option<&str>) -> Value {
    let effort = effort.unwrap_or("medium");
    if !model.contains("2.5") {
        let level = match effort {
            "none" => "minimal",
            "xhigh" => "high",
            other => other,
        };
        return json!({"includeThoughts": true, "thinkingLevel": level});
    }
    let budget = match effort {
        "none" => 0,
        "minimal" | "low" => 1_024,
        "medium" => 8_192,
        _ => 24_576,
    };
    json!({"includeThoughts": budget > 0, "thinkingBudget": budget})
}

fn part(part: &Part<'_>) -> Value {
    match part {
        Part::Text(text) => json!({"text": text}),
        Part::Call(call) => {
            let mut part =
                json!({"functionCall": {"name": allowed(&call.name), "args": call.object().unwrap_or_default()}});
            if let Some(signature) = call.echo_of(ECHO) {
                part["thoughtSignature"] = signature;
            }
            part
        }
        Part::Result { name, content, .. } => {
            let response = match serde_json::from_str::<Value>(content) {
                Ok(value @ Value::Object(_)) => value,
                _ => json!({"result": content}),
            };
            json!({"functionResponse": {"name": name, "response": response}})
        }
    }
}

/// The events of one answer.
struct Heard;

impl Hear for Heard {
    fn hear(&mut self, value: &Value, answer: &mut Answer) -> Result<(), Failure> {
        answer.served(text_at(value, "modelVersion"));
        answer.identity(text_at(value, "responseId"));
        let blocked = value.get("promptFeedback").map(|feedback| text_at(feedback, "blockReason")).unwrap_or_default();
        for candidate in value.get("candidates").and_then(Value::as_array).into_iter().flatten() {
            answer.understood();
            match number_at(candidate, "index").unwrap_or(0) {
                0 => chosen(candidate, answer)?,
                _ => answer.remark("the server sent several answers; the first one counts"),
            }
        }
        if let Some(usage) = value.get("usageMetadata").and_then(tokens) {
            answer.usage(usage);
        }
        if !blocked.is_empty() {
            let what = format!("the provider's filter stopped the question ({blocked}). Change what is asked");
            return Err(answer.peer.failure(FailureKind::Filtered, what));
        }
        Ok(())
    }
}

fn chosen(candidate: &Value, answer: &mut Answer) -> Result<(), Failure> {
    let parts = candidate.get("content").and_then(|content| content.get("parts")).and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        let text = text_at(part, "text");
        match part.get("thought").and_then(Value::as_bool) {
            Some(true) => answer.reasoning(text),
            _ => answer.text(text),
        }
        if let Some(call) = part.get("functionCall") {
            let signature = part.get("thoughtSignature").map(|signature| json!({ECHO: signature}).to_string());
            let arguments = call.get("args").filter(|args| args.is_object()).map_or("{}".to_owned(), Value::to_string);
            answer.calls.add_whole(text_at(call, "id"), text_at(call, "name"), arguments, signature);
            answer.moved();
        }
    }
    let reason = text_at(candidate, "finishReason");
    match reason {
        "" | "FINISH_REASON_UNSPECIFIED" => {}
        "MAX_TOKENS" => answer.finish(Finish::Length),
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => {
            answer.finish(Finish::Filtered);
        }
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" | "MISSING_THOUGHT_SIGNATURE" => {
            return Err(answer.bad_call(reason));
        }
        "OTHER" | "MALFORMED_RESPONSE" => return Err(answer.broke_off()),
        _ => answer.finish(Finish::Stop),
    }
    Ok(())
}

/// Thoughts are counted beside the words, and paid for like them.
fn tokens(usage: &Value) -> Option<Tokens> {
    let input = number_at(usage, "promptTokenCount")?;
    let thoughts = number_at(usage, "thoughtsTokenCount").unwrap_or(0);
    Some(Tokens {
        input: input + number_at(usage, "toolUsePromptTokenCount").unwrap_or(0),
        cached: number_at(usage, "cachedContentTokenCount").unwrap_or(0),
        output: number_at(usage, "candidatesTokenCount").unwrap_or(0) + thoughts,
        reasoning: thoughts,
        ..Tokens::default()
    })
}
