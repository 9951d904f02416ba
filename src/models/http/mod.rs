//! Everything that providers behind an HTTP API have in common; what tells them apart is a [`dialect`].
//!
//! `options` reads what a team file says, `transport` sends and keeps the clocks, `reading` turns bytes into chunks with
//! the help of a dialect, which tells an `answer`; `calls`, `history` and `lenient` are what several dialects need.
//! Imports what `models` may. No kept client library passes the failure catalogue: genai ends in silence on an error
//! event and on a cut-off stream, rig needs a newer compiler and moves fast, async-openai refuses compatible servers.
//! A new house that speaks a known dialect is one row in [`super::houses`]; a new dialect is one file with a `Dialect`.

pub mod answer;
mod calls;
pub mod dialect;
pub mod history;
mod lenient;
mod lines;
pub mod options;
mod reading;
mod transport;

use super::failure::Peer;
use super::{Model, Provider, ReplyStream, Secrets, prices, redact};
use crate::chat::request::{Chunk, Failure, FailureKind, Request};
use crate::chat::team::ModelSpec;
use dialect::{Asked, Dialect, join};
use futures_util::{StreamExt, future, stream};
use options::{HeaderSource, HttpProvider, RESERVED};
pub use reading::Reading;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;
use transport::Clocks;

impl HttpProvider {
    /// Whom a call goes to, and a client that may.
    fn client(&self, key: &str, spec: &ModelSpec, secrets: &dyn Secrets) -> Result<(Client, Peer), Failure> {
        super::install_tls();
        let dialect = self.house.dialect;
        let mut peer = Peer {
            key: key.to_owned(),
            model: spec.model.clone(),
            host: self.host(),
            server: dialect.server(),
            variable: self.variable.clone(),
            secrets: Vec::new(),
        };
        let mut headers = HeaderMap::new();
        let (header, lead) = dialect.key_header();
        let bearer = self.variable.as_ref().map(|variable| (header, variable, lead));
        let named = self.headers.iter().filter_map(|(name, source)| match source {
            HeaderSource::Variable(variable) => Some((name.as_str(), variable, "")),
            HeaderSource::Plain(_) => None,
        });
        for (name, variable, lead) in bearer.into_iter().chain(named) {
            let secret = match secrets.get(variable) {
                Ok(Some(secret)) => secret,
                Ok(None) => return Err(peer.failure(FailureKind::Key, super::keys::missing(variable))),
                Err(why) => return Err(peer.failure(FailureKind::Key, why)),
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
        for (name, value) in dialect.headers() {
            headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
        }
        headers.insert("accept", HeaderValue::from_static("text/event-stream, application/x-ndjson"));
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
        Ok((client, peer))
    }
}

impl Provider for HttpProvider {
    fn connect(&self, key: &str, spec: &ModelSpec, secrets: &dyn Secrets) -> Result<Arc<dyn Model>, Failure> {
        let (client, peer) = self.client(key, spec, secrets)?;
        let mut endpoint = self.base.clone();
        self.house.dialect.endpoint(&mut endpoint, self.deployment.as_ref().unwrap_or(&spec.model));
        Ok(Arc::new(HttpModel {
            client,
            endpoint,
            dialect: self.house.dialect,
            peer: Arc::new(peer),
            parameters: spec.parameters.clone(),
            body: self.body.clone(),
            window: spec.context_window,
            clocks: self.clocks,
        }))
    }

    fn inspect(&self, spec: &ModelSpec, secrets: &dyn Secrets) -> Vec<String> {
        let mut found = Vec::new();
        let variables = self.variables();
        for variable in &variables {
            match secrets.get(variable) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    found.push(format!("{variable} is not set: export it with a key, or name another variable"))
                }
                Err(why) => found.push(why),
            }
        }
        if self.base.scheme() == "http" && !self.is_local() && !variables.is_empty() {
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
        for name in spec.parameters.keys() {
            if RESERVED.contains(&name.as_str()) {
                found.push(format!("{name} is ours to set and is left out"));
            } else if self.house.dialect.unspoken().contains(&name.as_str()) {
                found.push(format!("{} knows no {name}: it is left out", self.house.dialect.server()));
            }
        }
        found
    }
}

struct HttpModel {
    client: Client,
    endpoint: Url,
    dialect: &'static dyn Dialect,
    peer: Arc<Peer>,
    parameters: Map<String, Value>,
    body: Map<String, Value>,
    window: Option<u64>,
    clocks: Clocks,
}

impl HttpModel {
    /// The body of a request, with what the team adds to it.
    fn write(&self, asked: &Asked<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let bytes = self.dialect.body(asked)?;
        if self.body.is_empty() {
            return Ok(bytes);
        }
        let mut body: Map<String, Value> = serde_json::from_slice(&bytes)?;
        join(&mut body, &self.body);
        serde_json::to_vec(&body)
    }
}

impl Model for HttpModel {
    fn stream(&self, request: &Request) -> ReplyStream {
        let mut parameters = self.parameters.clone();
        parameters.extend(request.parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
        parameters.retain(|name, _| !RESERVED.contains(&name.as_str()));
        let asked = Asked { request, model: &self.peer.model, parameters: &parameters, window: self.window };
        let body = match self.write(&asked) {
            Ok(body) => body,
            Err(error) => {
                let failure = self.peer.failure(FailureKind::Refused, format!("the request has no JSON form: {error}"));
                return Box::pin(stream::once(future::ready(Err(failure))));
            }
        };
        let made = request.messages.iter().flat_map(|prompt| &prompt.tool_calls);
        let taken: HashSet<String> = made.map(|call| call.id.clone()).collect();
        let reading = Reading::new(self.peer.clone(), self.dialect, taken);
        let answer = transport::reply(
            self.client.post(self.endpoint.clone()).body(body),
            reading,
            self.peer.clone(),
            self.clocks,
        );
        let answer = match self.dialect.silent_window(&asked) {
            Some(window) => whole(answer, self.peer.clone(), request.estimate(), window),
            None => answer,
        };
        redact::strike(answer, self.peer.secrets.clone())
    }
}

/// Ends an answer with a failure when its server had cut the question to the window without a word: the prompt fills the
/// window to the last token, or is far shorter than what was sent and would not have fitted.
fn whole(answer: ReplyStream, peer: Arc<Peer>, sent: u64, window: u64) -> ReplyStream {
    Box::pin(answer.flat_map(move |item| {
        let mut items = vec![item];
        if let Some(Ok(Chunk::Usage(tokens))) = items.first() {
            let input = tokens.input;
            let far_less = sent > window && input.saturating_mul(4) < sent.saturating_mul(3);
            if input > 0 && (input + 1 >= window || far_less) {
                let what = format!(
                    "the server silently left out the beginning of the conversation: about {sent} tokens were sent, {input} were read, {window} fit. Raise context_window of models.{}, or shorten the conversation",
                    peer.key
                );
                items.push(Err(peer.failure(FailureKind::ContextFull, what)));
            }
        }
        stream::iter(items)
    }).scan(false, |failed, item| {
        let over = *failed;
        *failed |= item.is_err();
        future::ready((!over).then_some(item))
    }))
}

#[cfg(test)]
mod tests;
