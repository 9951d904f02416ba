//! OpenAI's chat completions, streamed: OpenAI itself, Ollama, and every server that speaks the same dialect.
//!
//! `options` reads what a team file says, `body` writes the request, `transport` sends it and keeps the clocks, `reading`
//! turns events into chunks, `lenient` reads what servers call JSON. Imports what `models` may. Another house that speaks
//! the dialect is one more `House` here and one row in [`super::PROVIDERS`].

mod body;
mod calls;
mod lenient;
mod options;
mod reading;
mod transport;

use super::failure::Peer;
use super::{Model, Provider, ReplyStream, Secrets, prices, redact};
use crate::catalog::{Entry, Field, FieldKind};
use crate::chat::request::{Failure, FailureKind, Request};
use crate::chat::team::ModelSpec;
use futures_util::{future, stream};
use options::{COMPATIBLE, ChatProvider, HeaderSource, OLLAMA, OPENAI};
pub use reading::Reading;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde_json::{Map, Value};
use std::sync::Arc;
use transport::Clocks;

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
                let what = format!(
                    "{variable} is not set. Leave, export it with a key and open the session again, or name another variable with api_key_env"
                );
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
                let answer = transport::reply(request, self.peer.clone(), self.clocks);
                redact::strike(answer, self.peer.secrets.clone())
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

#[cfg(test)]
mod tests;
