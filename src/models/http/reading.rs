//! An answer, byte by byte: pure, so that every prefix and every cut can be tested. The dialect says what an event
//! means; frames, limits, errors in mid-stream and ends are the same for all.

use super::answer::Answer;
use super::dialect::{Dialect, Framing, Hear};
use super::lenient;
use super::lines::Lines;
use crate::chat::request::{Chunk, Failure, Finish};
use crate::models::failure::Peer;
use crate::models::sse::{Event, Parser, TooLong};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Events in a row that carry nothing before we give up.
const EMPTY_LIMIT: u32 = 1_000;
/// Bytes of the body that are kept in order to show what came instead of a stream.
const HEAD: usize = 1_024;

/// Reads one answer. Chunks go to `out`; only [`Reading::end`] ever says [`Chunk::Finished`].
pub struct Reading {
    frames: Frames,
    dialect: Box<dyn Hear>,
    answer: Answer,
    taken: HashSet<String>,
    head: Vec<u8>,
    values: u32,
    empty_events: u32,
}

enum Frames {
    Events(Parser),
    Lines(Lines),
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) -> Vec<Result<Event, TooLong>> {
        match self {
            Frames::Events(parser) => parser.push(bytes),
            Frames::Lines(lines) => lines.push(bytes),
        }
    }

    fn rest(&mut self) -> Option<Event> {
        match self {
            Frames::Events(parser) => parser.rest(),
            Frames::Lines(lines) => lines.rest(),
        }
    }
}

impl Reading {
    /// At the start of a body. `taken` are identities of earlier tool calls, which no new one may have.
    pub fn new(peer: Arc<Peer>, dialect: &dyn Dialect, taken: HashSet<String>) -> Self {
        Reading {
            frames: match dialect.framing() {
                Framing::Events => Frames::Events(Parser::new()),
                Framing::Lines => Frames::Lines(Lines::default()),
            },
            dialect: dialect.hear(),
            answer: Answer::new(peer),
            taken,
            head: Vec::new(),
            values: 0,
            empty_events: 0,
        }
    }

    /// Whether the explicit end came: nothing after it counts.
    pub fn is_done(&self) -> bool {
        self.answer.done
    }

    /// Whether the model has said why it stopped; only usage and the end may follow.
    pub fn is_finished(&self) -> bool {
        self.answer.finish.is_some()
    }

    /// Grows whenever something came that brings the answer forward. Comments and empty events do not.
    pub fn progress(&self) -> u64 {
        self.answer.progress
    }

    /// Events that were read.
    pub fn events(&self) -> u32 {
        self.values
    }

    /// Takes more of a streamed body.
    ///
    /// # Errors
    /// An error event, an unreadable event, or a limit. Nothing more is to be read then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), Failure> {
        if self.head.len() < HEAD {
            self.head.extend_from_slice(&bytes[..bytes.len().min(HEAD - self.head.len())]);
        }
        for event in self.frames.push(bytes) {
            if self.answer.done {
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
        match std::str::from_utf8(body).ok().and_then(lenient::parse) {
            // Some endpoints answer with a list of what they would have streamed.
            Some(Value::Array(values)) => {
                self.head = body[..body.len().min(HEAD)].to_vec();
                values.iter().try_for_each(|value| self.value(value, "", out))
            }
            Some(value) => {
                self.head = body[..body.len().min(HEAD)].to_vec();
                self.value(&value, "", out)
            }
            None if matches!(self.frames, Frames::Lines(_)) => self.push(body, out),
            None => Err(self.garbled(format!("sent broken JSON: {}", self.answer.peer.quote(body)))),
        }
    }

    /// The body is over, by its explicit end, by its last byte, or (after a finish reason) because nothing more came.
    ///
    /// # Errors
    /// When there was no explicit end, or an end that is no answer.
    pub fn end(&mut self, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        if !self.answer.done
            && let Some(event) = self.frames.rest()
        {
            // A torn event counts only if it is whole after all: the end marker, or JSON that closes.
            let whole = event.data.trim() == END || lenient::parse(&event.data).is_some();
            if whole {
                self.event(&event, out)?;
            }
        }
        let events = self.values == 0 && looks_like_events(&self.head);
        let finish = self.answer.conclude(&self.head, events)?;
        // Arguments that the output limit may have cut are nothing to act on.
        if finish == Finish::Stop {
            let mut calls = std::mem::take(&mut self.answer.calls).whole(&self.taken);
            if let (Some(first), Some(echo)) = (calls.first_mut(), self.answer.echo.take()) {
                first.echo = Some(echo.into());
            }
            out.extend(calls.into_iter().map(Chunk::Call));
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
        self.answer.cut_off(why)
    }

    /// The failure of an answer that is none.
    pub fn garbled(&self, what: impl std::fmt::Display) -> Failure {
        self.answer.garbled(what)
    }

    fn event(&mut self, event: &Event, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        let data = event.data.trim();
        if data == END {
            self.answer.done();
            return Ok(());
        }
        if data.is_empty() {
            return self.nothing();
        }
        match lenient::parse(data) {
            Some(value) => self.value(&value, &event.name, out),
            None if event.name == "error" => Err(self.answer.reported(&Value::String(data.to_owned()))),
            None => Err(self.garbled(format!("sent broken JSON: {}", self.answer.peer.quote(data.as_bytes())))),
        }
    }

    fn value(&mut self, value: &Value, name: &str, out: &mut Vec<Chunk>) -> Result<(), Failure> {
        let before = self.answer.progress;
        self.values += 1;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            return Err(self.answer.reported(error));
        }
        if name == "error" {
            return Err(self.answer.reported(value));
        }
        let heard = self.dialect.hear(value, &mut self.answer);
        out.append(&mut self.answer.out);
        heard?;
        if self.answer.progress == before {
            return self.nothing();
        }
        self.empty_events = 0;
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

/// What OpenAI's dialect ends a stream with; some gateways put it behind any dialect.
const END: &str = "[DONE]";

/// Whether a body begins as a stream does, however little of it came.
fn looks_like_events(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let word = head.split(|byte| matches!(byte, b':' | b'\n' | b'\r')).next().unwrap_or_default();
    word.is_empty() || [&b"data"[..], b"event", b"id", b"retry"].iter().any(|field| field.starts_with(word))
}
