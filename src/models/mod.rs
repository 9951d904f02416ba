//! Where words come from: providers, and the models a team reaches through them.
//!
//! A provider is a row of [`PROVIDERS`]; connected with a model's settings it becomes a [`Model`], which answers a
//! request with a stream of chunks. May import `chat`, `catalog` and `settings`. A new provider is one row in `houses`;
//! a new dialect is one file beside `openai`, and `http` does the rest. Nothing here retries: `retry` says whether and
//! when, the engine decides and records; `reach` is the way from a team to its models, with queues and a cache.

pub mod anthropic;
pub mod cache;
pub mod failure;
pub mod gemini;
pub mod hint;
mod houses;
pub mod http;
pub mod keys;
pub mod ollama;
pub mod openai;
pub mod prices;
mod reach;
mod redact;
pub mod retry;
pub mod scripted;
pub mod sse;
mod traffic;

use crate::catalog::{self, Entry};
use crate::chat::request::{Chunk, Failure, Request};
use crate::chat::team::{ModelSpec, Team};
use futures_util::Stream;
pub use houses::{USUAL_PORTS, at_home};
use http::options::Traffic;
pub use keys::{Environment, Keyring, Secrets};
pub use reach::{Models, served};
use std::pin::Pin;
use std::sync::Arc;

/// A reply as it comes. Ends after [`Chunk::Finished`] or after one failure; dropping it cancels the call.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<Chunk, Failure>> + Send>>;

/// Names of models, when the server has said them.
pub type Served = Pin<Box<dyn Future<Output = Result<Vec<String>, Failure>> + Send>>;

/// A connected model.
pub trait Model: Send + Sync {
    /// Asks. Nothing is sent before the stream is first polled, and dropping it cancels the call.
    fn stream(&self, request: &Request) -> ReplyStream;
}

/// A provider with its options: the product of a catalog row.
pub trait Provider: Send + Sync {
    /// Makes the model `key` of a team usable, without contacting anyone.
    ///
    /// # Errors
    /// When something that a call needs is missing, above all a key.
    fn connect(&self, key: &str, spec: &ModelSpec, secrets: &dyn Secrets) -> Result<Arc<dyn Model>, Failure>;

    /// The way to it that all agents share: its name and limits. `None` for what is not reached over a network.
    fn lane(&self) -> Option<(String, Traffic)> {
        None
    }

    /// Names of the keys that a call needs.
    fn keys(&self) -> Vec<String> {
        Vec::new()
    }

    /// Asks the server which models it serves: for `doctor` and `models`. The only thing here that contacts anybody
    /// without a request.
    fn served(&self, _key: &str, _spec: &ModelSpec, _secrets: &dyn Secrets) -> Served {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// What is missing or odd about this model, found without contacting anyone: for `check` and `doctor`.
    fn inspect(&self, spec: &ModelSpec, secrets: &dyn Secrets) -> Vec<String>;
}

/// Every provider.
pub static PROVIDERS: &[Entry<dyn Provider>] = &[
    houses::OPENAI,
    houses::ANTHROPIC,
    houses::GEMINI,
    houses::AZURE,
    houses::OLLAMA,
    houses::OPENROUTER,
    houses::GROQ,
    houses::DEEPSEEK,
    houses::MISTRAL,
    houses::XAI,
    houses::TOGETHER,
    houses::VLLM,
    houses::LMSTUDIO,
    houses::LITELLM,
    houses::LOCAL,
    houses::COMPATIBLE,
    scripted::ROW,
];

/// What is missing or odd about the models of a team, each with its key: for `check` and `doctor`. Contacts nobody.
pub fn inspect(team: &Team, secrets: &dyn Secrets) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, spec) in &team.models {
        let remarks = match catalog::build(PROVIDERS, &spec.provider) {
            Ok(provider) => provider.inspect(spec, secrets),
            Err(error) => vec![error.to_string()],
        };
        found.extend(remarks.into_iter().map(|remark| (key.clone(), remark)));
    }
    found
}

/// Names of the keys that a model needs.
pub fn keys_of(spec: &ModelSpec) -> Vec<String> {
    catalog::build(PROVIDERS, &spec.provider).map(|provider| provider.keys()).unwrap_or_default()
}

/// Makes ring the provider of TLS for the process. May be called any number of times.
pub fn install_tls() {
    // The error only says that a provider is installed already, which is the wish.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
