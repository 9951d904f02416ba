//! The answer of a chat completion, event by event: pure, so that every prefix and every cut can be tested.

use super::calls::Calls;
use super::lenient;
use crate::chat::request::{Chunk, Failure, FailureKind, Finish};
use crate::chat::usage::Tokens;
use crate::models::failure::Peer;
use crate::models::sse::{Event, Parser};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// Events in a row that carry nothing before we give up.
const EMPTY_LIMIT: u32 = 1_000;
/// Bytes of the body that are kept in order to show what came instead of a stream.
const HEAD: usize = 1_024;

/// Reads one answer. Chunks go to `out`; only [`Reading::end`] ever says [`Chunk::Finished`].
pub struct Reading {
    peer: Arc<Peer>,
    parser: Parser,
    head: Vec<u8>,
    served: String,
    refusal: String,
    finish: Option<Finish>,
    done: bool,
    said: bool,
    thought: bool,
    calls: Calls,
    understood: bool,
    values: u32,
    empty_events: u32,
    progress: u64,
}

impl Reading {
    /// At the start of a body.
    pub fn new(peer: Arc<Peer>) -> Self {
        Reading {
            peer,
            parser: Parser::new(),
            head: Vec::new(),
            served: String::new(),
            refusal: String::new(),
            finish: None,
            done: false,
            said: false,
            thought: false,
            calls: Calls::default(),
            understood: false,
            values: 0,
            empty_events: 0,
            progress: 0,
        }
    }

    /// Whether `[DONE]` came: nothing after it counts.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the model has said why it stopped; only usage and `[DONE]` may follow.
    pub fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Grows whenever something came that brings the answer forward. Comments and empty events do not.
    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// Takes more of a `text/event-stream` body.
    ///
    /// # Errors
    /// An error event, an unreadable event, or a limit. Nothing more is to be read then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), Failure> {
        if self.head.len() < HEAD {
            self.head.extend_from_slice(&bytes[..bytes.len().min(HEAD - self.head.len())]);
        }
        for event in self.parser.push(bytes) {
            if self.done {
                break;
            }
            match event {
                Ok(event) => self.event(&event, out)?,
                Err(limit) => return Err(self.garbled(format!("sent something unreadable: {limit}"))),
            }
        }
        Ok(())
    }

    /// Takes a whole `application/json` body: an error, or an answer from a server that does not stream.
    ///
    /// # Errors
    /// The error it contains, or that it is no answer.
    pub fn whole(&mut self, body: &[u8], out: &mut Vec<Chunk>) -> Result<(), Failure> {
        self.head = body[..body.len().min(HEAD)].to_vec();
        match std::str::from_utf8(body).ok().and_then(lenient::parse) {
            Some(value) => self.value(&value, "", out),
            None => Err(self.garbled(format!("sent broken JSON: {}", self.peer.quote(body)))),
        }
    }

    /// The body is over, by `[DONE]`, by its end, or (after a finish reason) because nothing more came.
    ///
    /// # Errors
    /// When there was no explicit end, or an end that is no answer.
    pub fn end(&mut self, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        if !self.done
            && let Some(event) = self.parser.rest()
        {
            // A torn event counts only if it is whole after all: the end marker, or JSON that closes.
            let whole = event.data.trim() == "[DONE]" || lenient::parse(&event.data).is_some();
            if whole {
                self.event(&event, out)?;
            }
        }
        let finish = self.conclude()?;
        // Arguments that the output limit may have cut are nothing to act on.
        if finish == Finish::Stop {
            out.extend(std::mem::take(&mut self.calls).whole().into_iter().map(Chunk::Call));
        }
        out.push(Chunk::Finished(finish));
        Ok(())
    }

    /// The connection broke. After a finish reason that is an end like any other.
    ///
    /// # Errors
    /// The answer was cut off.
    pub fn broken(&mut self, why: &str, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        if self.is_finished() { self.end(out) } else { Err(self.cut_off(why)) }
    }

    /// The failure of an answer that ended without an end.
    pub fn cut_off(&self, why: &str) -> Failure {
        self.peer.failure(
            FailureKind::CutOff,
            format!("{why}, before the model said that it was finished. Try again, or use another model"),
        )
    }

    /// The failure of an answer that is none.
    pub fn garbled(&self, what: impl std::fmt::Display) -> Failure {
        self.peer.failure(
            FailureKind::Garbled,
            format!(
                "{what}. Check that base_url leads to an OpenAI-compatible server and not to a login page or proxy"
            ),
        )
    }

    fn conclude(&self) -> Result<Finish, Failure> {
        if !self.refusal.is_empty() {
            let what = format!("the model refuses: {}", self.peer.quote(self.refusal.as_bytes()));
            return Err(self.peer.failure(FailureKind::Filtered, format!("{what}. Change what is asked of it")));
        }
        let finish = match self.finish {
            Some(finish) => finish,
            None if self.done => Finish::Stop,
            None if self.understood || self.values == 0 && looks_like_events(&self.head) => {
                return Err(self.cut_off("the answer ended"));
            }
            None => {
                let what = "answered with something that is no chat completion";
                return Err(self.garbled(format!("{what}: {}", self.peer.quote(&self.head))));
            }
        };
        if self.said || (finish == Finish::Stop && !self.calls.is_empty()) {
            return Ok(finish);
        }
        let (kind, what) = match finish {
            Finish::Filtered => {
                (FailureKind::Filtered, "the provider's filter let nothing through. Change what was asked")
            }
            Finish::Length => (
                FailureKind::Empty,
                "the output limit was used up before the first word of an answer. Raise max_tokens",
            ),
            Finish::Stop if self.thought => (FailureKind::Empty, "the model reasoned and then said nothing. Try again"),
            Finish::Stop => (FailureKind::Empty, "the model stopped without a word. Try again, or use another model"),
        };
        Err(self.peer.failure(kind, what))
    }

    fn event(&mut self, event: &Event, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        if data.is_empty() {
            return self.nothing();
        }
        match lenient::parse(data) {
            Some(value) => self.value(&value, &event.name, out),
            None if event.name == "error" => Err(self.peer.reported(&Value::String(data.to_owned()), Timestamp::now())),
            None => Err(self.garbled(format!("sent broken JSON: {}", self.peer.quote(data.as_bytes())))),
        }
    }

    fn value(&mut self, value: &Value, event_name: &str, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        let before = self.progress;
        self.values += 1;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            return Err(self.peer.reported(error, Timestamp::now()));
        }
        if event_name == "error" {
            return Err(self.peer.reported(value, Timestamp::now()));
        }
        if let Some(model) = value.get("model").and_then(Value::as_str)
            && !model.is_empty()
            && model != self.served
        {
            self.served = model.to_owned();
            out.push(Chunk::Served(self.served.clone()));
        }
        if let Some(Value::Array(choices)) = value.get("choices") {
            self.understood = true;
            // Only one answer was asked for; a server that sends several must not have them mixed.
            let ours = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
            for choice in choices.iter().filter(ours) {
                self.choice(choice, out)?;
            }
        }
        let usage = value.get("usage").or_else(|| value.get("x_groq").and_then(|groq| groq.get("usage")));
        if let Some(tokens) = usage.and_then(tokens) {
            self.understood = true;
            self.progress += 1;
            out.push(Chunk::Usage(tokens));
        }
        if self.progress == before {
            return self.nothing();
        }
        self.empty_events = 0;
        Ok(())
    }

    /// What was said comes before why it ended: several servers put both into one event.
    fn choice(&mut self, choice: &Value, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        // `message` is how a server that does not stream says it.
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            let reasoning = delta.get("reasoning_content").or_else(|| delta.get("reasoning"));
            if let Some(text) = reasoning.and_then(text_of) {
                self.progress += 1;
                self.thought = true;
                out.push(Chunk::Reasoning(text));
            }
            if let Some(text) = delta.get("content").and_then(text_of) {
                self.progress += 1;
                self.said |= text.chars().any(|c| !c.is_whitespace());
                out.push(Chunk::Text(text));
            }
            if let Some(text) = delta.get("refusal").and_then(text_of) {
                self.progress += 1;
                self.refusal.push_str(&text);
            }
            if self.calls.add(delta) {
                self.progress += 1;
            }
        }
        if let Some(error) = choice.get("error").filter(|error| !error.is_null()) {
            return Err(self.peer.reported(error, Timestamp::now()));
        }
        let reason = choice.get("finish_reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            self.progress += 1;
            self.finish = Some(match reason.to_ascii_lowercase().as_str() {
                "length" | "max_tokens" | "model_length" | "max_output_tokens" => Finish::Length,
                "content_filter" | "safety" | "recitation" | "prohibited_content" | "blocklist" | "spii"
                | "refusal" => Finish::Filtered,
                "error" => {
                    let what = "the provider broke off with an error it did not explain. Try again";
                    return Err(self.peer.failure(FailureKind::Server, what));
                }
                "malformed_function_call" | "unexpected_tool_call" => {
                    return Err(self.garbled(format!("the model produced an unusable tool call ({reason})")));
                }
                _ => Finish::Stop,
            });
        }
        Ok(())
    }

    fn nothing(&mut self) -> Result<(), Failure> {
        self.empty_events += 1;
        if self.empty_events > EMPTY_LIMIT {
            return Err(self.cut_off(&format!("{EMPTY_LIMIT} empty events came in a row")));
        }
        Ok(())
    }
}

/// Whether a body begins as an event stream does, however little of it came.
fn looks_like_events(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let word = head.split(|byte| matches!(byte, b':' | b'\n' | b'\r')).next().unwrap_or_default();
    word.is_empty() || [&b"data"[..], b"event", b"id", b"retry"].iter().any(|field| field.starts_with(word))
}

/// Text as a string, or as a list of parts that contain text. `None` when there is nothing in it.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.as_str().or_else(|| part.get("text").and_then(Value::as_str))).collect()
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Tokens as OpenAI reports them; DeepSeek has its own word for the cache.
fn tokens(usage: &Value) -> Option<Tokens> {
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
    let detail = |group: &str, name: &str| usage.get(group).and_then(|group| number(group, name));
    let (input, output) = (number(usage, "prompt_tokens"), number(usage, "completion_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Tokens {
        input: input.unwrap_or(0),
        cached: detail("prompt_tokens_details", "cached_tokens")
            .or_else(|| number(usage, "prompt_cache_hit_tokens"))
            .unwrap_or(0),
        output: output.unwrap_or(0),
        reasoning: detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0),
    })
}
