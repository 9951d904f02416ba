//! OpenAI's chat completions, streamed: OpenAI itself, Ollama, and every server that speaks the same dialect.
//!
//! `body` writes the request, `transport` sends it and keeps the clocks, `reading` turns events into chunks, `lenient`
//! reads what servers call JSON. Imports what `models` may. Another OpenAI-compatible house is one more [`House`] and
//! one row in [`super::PROVIDERS`].

mod body;
mod lenient;
mod reading;
mod transport;

use super::failure::Peer;
use super::{Model, Provider, ReplyStream, Secrets, prices};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options, count, text};
use crate::chat::request::{Failure, FailureKind, Request};
use crate::chat::team::ModelSpec;
use futures_util::{future, stream};
pub use reading::Reading;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use transport::Clocks;

/// What tells one house from another: its defaults.
struct House {
    base_url: Option<&'static str>,
    api_key_env: Option<&'static str>,
}

const OPENAI: House = House { base_url: Some("https://api.openai.com/v1"), api_key_env: Some("OPENAI_API_KEY") };
const OLLAMA: House = House { base_url: Some("http://localhost:11434/v1"), api_key_env: None };
const COMPATIBLE: House = House { base_url: None, api_key_env: None };

const BASE_URL: Field = Field {
    name: "base_url",
    kind: FieldKind::Text,
    required: false,
    about: "address of the API, up to but without /chat/completions",
};
const API_KEY_ENV: Field = Field {
    name: "api_key_env",
    kind: FieldKind::Text,
    required: false,
    about: "environment variable that holds the key",
};
const HEADERS: Field = Field {
    name: "headers",
    kind: FieldKind::Table,
    required: false,
    about: "more headers; a secret one as { env = \"VARIABLE\" }",
};
const fn clock(name: &'static str, about: &'static str) -> Field {
    Field { name, kind: FieldKind::Duration, required: false, about }
}
const CONNECT: Field = clock("connect_timeout", "longest wait for a connection (10s)");
const FIRST_BYTE: Field = clock("first_byte_timeout", "longest wait for the first byte of an answer (5m)");
const IDLE: Field = clock("idle_timeout", "longest silence inside an answer, keep-alives count as sound (2m)");
const PROGRESS: Field = clock("progress_timeout", "longest time in which only keep-alives come (10m)");
const TOTAL: Field = clock("total_timeout", "longest time of a whole call (20m)");

/// OpenAI itself.
pub const OPENAI_ROW: Entry<dyn Provider> = Entry {
    name: "openai",
    about: "OpenAI, by chat completions",
    example: r#"smart = { provider = "openai", model = "gpt-4o", api_key_env = "OPENAI_API_KEY" }"#,
    fields: &[BASE_URL, API_KEY_ENV, HEADERS, CONNECT, FIRST_BYTE, IDLE, PROGRESS, TOTAL],
    build: |options| Ok(Box::new(ChatProvider::new(options, OPENAI)?)),
};

/// Ollama on this machine; no key.
pub const OLLAMA_ROW: Entry<dyn Provider> = Entry {
    name: "ollama",
    about: "Ollama on this machine (or at base_url), no key needed",
    example: r#"local = { provider = "ollama", model = "llama3.3" }"#,
    fields: &[BASE_URL, API_KEY_ENV, HEADERS, CONNECT, FIRST_BYTE, IDLE, PROGRESS, TOTAL],
    build: |options| Ok(Box::new(ChatProvider::new(options, OLLAMA)?)),
};

/// Anything else that speaks the dialect.
pub const COMPATIBLE_ROW: Entry<dyn Provider> = Entry {
    name: "compatible",
    about: "any server that speaks OpenAI's chat completions: vLLM, llama.cpp, OpenRouter, LiteLLM, Azure v1, Gemini",
    example: r#"other = { provider = "compatible", model = "qwen3", base_url = "http://localhost:8000/v1" }"#,
    fields: &[Field { required: true, ..BASE_URL }, API_KEY_ENV, HEADERS, CONNECT, FIRST_BYTE, IDLE, PROGRESS, TOTAL],
    build: |options| Ok(Box::new(ChatProvider::new(options, COMPATIBLE)?)),
};

/// A header's value: written out, or the variable that holds it.
enum HeaderSource {
    Plain(String),
    Variable(String),
}

struct ChatProvider {
    endpoint: Url,
    variable: Option<String>,
    headers: BTreeMap<String, HeaderSource>,
    connect: Duration,
    clocks: Clocks,
}

impl ChatProvider {
    fn new(options: &Options, house: House) -> Result<Self, OptionError> {
        let base = text(options, "base_url").or(house.base_url).ok_or_else(|| {
            OptionError::of("base_url", "base_url is missing: where is the server, e.g. \"http://localhost:8000/v1\"?")
        })?;
        let variable = text(options, "api_key_env").or(house.api_key_env).map(str::to_owned);
        if let Some(variable) = &variable {
            check_variable("api_key_env", variable)?;
        }
        let time = |field: &str, seconds: u64| match count(options, field) {
            Some(0) => Err(OptionError::of(field, format!("{field} must be longer than zero"))),
            Some(ms) => Ok(Duration::from_millis(ms)),
            None => Ok(Duration::from_secs(seconds)),
        };
        Ok(ChatProvider {
            endpoint: endpoint(base)?,
            variable,
            headers: headers(options)?,
            connect: time("connect_timeout", 10)?,
            clocks: Clocks {
                first_byte: time("first_byte_timeout", 300)?,
                idle: time("idle_timeout", 120)?,
                progress: time("progress_timeout", 600)?,
                total: time("total_timeout", 1_200)?,
            },
        })
    }

    fn host(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn is_local(&self) -> bool {
        let host = self.endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Provider for ChatProvider {
    fn connect(&self, key: &str, spec: &ModelSpec, secrets: &dyn Secrets) -> Result<Arc<dyn Model>, Failure> {
        super::install_tls();
        let mut peer = Peer {
            key: key.to_owned(),
            model: spec.model.clone(),
            host: self.host(),
            variable: self.variable.clone(),
            secrets: Vec::new(),
        };
        let mut headers = HeaderMap::new();
        let bearer = self.variable.as_ref().map(|variable| ("authorization", variable, "Bearer "));
        let named = self.headers.iter().filter_map(|(name, source)| match source {
            HeaderSource::Variable(variable) => Some((name.as_str(), variable, "")),
            HeaderSource::Plain(_) => None,
        });
        for (name, variable, lead) in bearer.into_iter().chain(named) {
            let Some(secret) = secret(secrets, variable) else {
                let what = format!("{variable} is not set. Export it with a key, or name another variable");
                return Err(peer.failure(FailureKind::Key, what));
            };
            let value = HeaderValue::from_str(&format!("{lead}{secret}"));
            let (Ok(mut value), Ok(name)) = (value, HeaderName::try_from(name)) else {
                let what = format!("{variable} holds characters that cannot stand in a header. Set it again");
                return Err(peer.failure(FailureKind::Key, what));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
            peer.secrets.push(secret);
        }
        for (name, source) in &self.headers {
            if let HeaderSource::Plain(text) = source
                && let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(text))
            {
                headers.insert(name, value);
            }
        }
        headers.insert("accept", HeaderValue::from_static("text/event-stream"));
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let mut client = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("plenary/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect)
            .tcp_nodelay(true)
            // A redirect would carry the conversation, and custom key headers, to a place nobody named.
            .redirect(reqwest::redirect::Policy::none());
        if self.is_local() {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| {
            peer.failure(FailureKind::Unreachable, format!("no HTTP client: {}", super::failure::causes(error)))
        })?;
        let allowed = |name: &String| !body::RESERVED.contains(&name.as_str());
        let parameters = spec.parameters.iter().filter(|(name, _)| allowed(name));
        Ok(Arc::new(ChatModel {
            client,
            endpoint: self.endpoint.clone(),
            peer: Arc::new(peer),
            parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
            clocks: self.clocks,
        }))
    }

    fn inspect(&self, spec: &ModelSpec, secrets: &dyn Secrets) -> Vec<String> {
        let mut found = Vec::new();
        let named = self.headers.values().filter_map(|source| match source {
            HeaderSource::Variable(variable) => Some(variable),
            HeaderSource::Plain(_) => None,
        });
        let variables: Vec<_> = self.variable.iter().chain(named).collect();
        for variable in &variables {
            if secret(secrets, variable).is_none() {
                found.push(format!("{variable} is not set: export it with a key, or name another variable"));
            }
        }
        if self.endpoint.scheme() == "http" && !self.is_local() && !variables.is_empty() {
            found.push(format!("the key and every word go to {} without encryption: use https", self.host()));
        }
        if spec.model.trim().is_empty() {
            found.push("model is empty: which model should answer?".to_owned());
        } else if spec.price.is_none() && prices::price_of(&spec.provider.kind, &spec.model).is_none() {
            found.push(format!(
                "no price is known for {:?}, so no limit on cost can hold: set price = {{ input = …, output = … }}",
                spec.model
            ));
        }
        for name in spec.parameters.keys().filter(|name| body::RESERVED.contains(&name.as_str())) {
            found.push(format!("{name} is ours to set and is left out"));
        }
        found
    }
}

struct ChatModel {
    client: Client,
    endpoint: Url,
    peer: Arc<Peer>,
    parameters: Map<String, Value>,
    clocks: Clocks,
}

impl Model for ChatModel {
    fn stream(&self, request: &Request) -> ReplyStream {
        match body::body(request, &self.peer.model, &self.parameters) {
            Ok(body) => {
                let request = self.client.post(self.endpoint.clone()).body(body);
                transport::reply(request, self.peer.clone(), self.clocks)
            }
            Err(error) => {
                let failure = self.peer.failure(FailureKind::Refused, format!("the request has no JSON form: {error}"));
                Box::pin(stream::once(future::ready(Err(failure))))
            }
        }
    }
}

/// The value of a variable; an empty one is as good as none.
fn secret(secrets: &dyn Secrets, variable: &str) -> Option<String> {
    secrets.get(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Keys never stand in a team file, not even by mistake; the message does not repeat what was written.
fn check_variable(field: &str, name: &str) -> Result<(), OptionError> {
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    let message = format!("{field} takes the name of an environment variable such as OPENAI_API_KEY, never a key");
    Err(OptionError::of(field, message))
}

fn endpoint(base: &str) -> Result<Url, OptionError> {
    let wrong = |what: &str| OptionError::of("base_url", format!("base_url {what}"));
    let mut url = Url::parse(base.trim()).map_err(|error| wrong(&format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("must begin with http:// or https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user or password: keys never stand in the team file"));
    }
    if url.path().trim_end_matches('/').ends_with("/chat/completions") {
        return Err(wrong("must end before /chat/completions, which is added to it"));
    }
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["chat", "completions"]);
    }
    Ok(url)
}

fn headers(options: &Options) -> Result<BTreeMap<String, HeaderSource>, OptionError> {
    let wrong = |message: String| OptionError::of("headers", message);
    let table = match options.get("headers") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(table)) => table,
        Some(_) => return Err(wrong("headers takes a table such as { x-title = \"Plenary\" }".to_owned())),
    };
    let mut found = BTreeMap::new();
    for (name, value) in table {
        if HeaderName::try_from(name.as_str()).is_err() {
            return Err(wrong(format!("{name:?} cannot be the name of a header")));
        }
        let source = match (value, value.get("env").and_then(Value::as_str)) {
            (Value::String(text), _) if HeaderValue::from_str(text).is_ok() => HeaderSource::Plain(text.clone()),
            (Value::Object(table), Some(variable)) if table.len() == 1 => {
                check_variable("headers", variable)?;
                HeaderSource::Variable(variable.to_owned())
            }
            _ => return Err(wrong(format!("the header {name} takes a text, or {{ env = \"VARIABLE\" }}"))),
        };
        found.insert(name.to_ascii_lowercase(), source);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
