//! What a dialect is: how requests are written and what the events of an answer mean. Everything between - sending,
//! clocks, frames, errors, keys - is the same for all, so a new dialect is one file with these two traits.

use super::answer::Answer;
use crate::chat::request::{Failure, Request};
use reqwest::Url;
use serde_json::{Map, Value};

/// How a body is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// A JSON object a line.
    Lines,
}

/// How an API says that a request is allowed: the header, and what stands before the key.
pub type KeyHeader = (&'static str, &'static str);

/// A question in all its parts.
pub struct Asked<'a> {
    /// What is asked.
    pub request: &'a Request,
    /// The provider's name of the model.
    pub model: &'a str,
    /// Sampling and the like under their common names (OpenAI's), the agent's own over the model's.
    pub parameters: &'a Map<String, Value>,
    /// How many tokens the model holds, if that is known.
    pub window: Option<u64>,
}

/// How one family of providers writes.
pub trait Dialect: Send + Sync {
    /// What its servers are called in a message.
    fn server(&self) -> &'static str;

    /// How answers are cut into events.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// Where a key goes.
    fn key_header(&self) -> KeyHeader {
        ("authorization", "Bearer ")
    }

    /// Headers that every request has.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// What a base URL must not end with, because it is added to it.
    fn ending(&self) -> &'static str;

    /// Adds the path of this dialect to a base URL.
    fn endpoint(&self, base: &mut Url, model: &str);

    /// Adds the path under which the dialect lists its models.
    fn listing(&self, base: &mut Url) {
        add(base, &["models"]);
    }

    /// Parameters that cannot be said in this dialect and are left out.
    fn unspoken(&self) -> &'static [&'static str] {
        &[]
    }

    /// The body of a request.
    ///
    /// # Errors
    /// Never in practice: strings and numbers always have a JSON form.
    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error>;

    /// A reader for one answer.
    fn hear(&self) -> Box<dyn Hear>;

    /// The window into which the server cuts what it is sent without saying so, if it is one of those.
    fn silent_window(&self, _asked: &Asked<'_>) -> Option<u64> {
        None
    }
}

/// Reads the events of one answer.
pub trait Hear: Send {
    /// Tells `answer` what this event says.
    ///
    /// # Errors
    /// The failure that it means.
    fn hear(&mut self, value: &Value, answer: &mut Answer) -> Result<(), Failure>;
}

/// Adds parts to the path of an address.
pub fn add(url: &mut Url, parts: &[&str]) {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(parts);
    }
}

/// Text as a string, or as a list of parts that contain text.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.as_str().or_else(|| part.get("text").and_then(Value::as_str))).collect()
        }
        _ => String::new(),
    }
}

/// A text among the fields of an object; nothing when it is not there.
pub fn text_at<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A number among the fields of an object.
pub fn number_at(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64)
}

/// Adds what a team wants in the body besides: tables are joined, everything else is replaced.
pub fn join(body: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match (body.get_mut(name), value) {
            (Some(Value::Object(there)), Value::Object(more)) => join(there, more),
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}
