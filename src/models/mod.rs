//! Where words come from: providers, and the models a team reaches through them.
//!
//! A provider is a row of [`PROVIDERS`]; connected with a model's settings it becomes a [`Model`], which answers a
//! request with a stream of chunks. May import `chat`, `catalog` and `settings`. A new provider is one row in `houses`;
//! a new dialect is one file beside `openai`, and `http` does the rest. Nothing here retries: `retry` says whether and
//! when, the engine decides and records.

pub mod anthropic;
pub mod failure;
pub mod gemini;
pub mod hint;
mod houses;
pub mod http;
pub mod keys;
pub mod ollama;
pub mod openai;
pub mod prices;
mod redact;
pub mod retry;
pub mod scripted;
pub mod sse;

use crate::catalog::{self, Entry};
use crate::chat::request::{Chunk, Failure, FailureKind, Request};
use crate::chat::team::{ModelSpec, Team};
use futures_util::{Stream, future, stream};
pub use keys::{Environment, Secrets};
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// A reply as it comes. Ends after [`Chunk::Finished`] or after one failure; dropping it cancels the call.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<Chunk, Failure>> + Send>>;

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
    houses::COMPATIBLE,
    scripted::ROW,
];

/// All models of a team, connected when first asked, so that one missing key stops only those who need it.
pub struct Models {
    specs: BTreeMap<String, ModelSpec>,
    secrets: Arc<dyn Secrets>,
    connected: Mutex<HashMap<String, Arc<dyn Model>>>,
}

impl Models {
    /// The models of `team`. Contacts nobody and asks for no key yet.
    pub fn new(team: &Team, secrets: Arc<dyn Secrets>) -> Self {
        let mut specs = BTreeMap::new();
        gather(team, "", &mut specs);
        Models { specs, secrets, connected: Mutex::default() }
    }

    /// Asks the model that the request names. An unknown model or a missing key is a stream with one failure.
    pub fn stream(&self, request: &Request) -> ReplyStream {
        let within = request.within.iter().map(|name| format!("{name}/"));
        match self.model(&(within.collect::<String>() + &request.model)) {
            Ok(model) => model.stream(request),
            Err(failure) => Box::pin(stream::once(future::ready(Err(failure)))),
        }
    }

    fn model(&self, key: &str) -> Result<Arc<dyn Model>, Failure> {
        // A poisoned map is still a map: every entry was whole when it went in.
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = connected.get(key) {
            return Ok(model.clone());
        }
        let refused = |message: String| Failure::new(FailureKind::Refused, message);
        let spec = self.specs.get(key).ok_or_else(|| {
            let known = self.specs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            refused(format!("there is no model {key:?} in this team; known are: {known}. Add [models.{key}]"))
        })?;
        let provider = catalog::build(PROVIDERS, &spec.provider)
            .map_err(|error| refused(format!("model {key:?}: {error}. Correct [models.{key}] in the team file")))?;
        let model = provider.connect(key, spec, &*self.secrets)?;
        connected.insert(key.to_owned(), model.clone());
        Ok(model)
    }
}

/// The models of a team and of those nested in it, each under its path: `agent/key`.
fn gather(team: &Team, within: &str, specs: &mut BTreeMap<String, ModelSpec>) {
    specs.extend(team.models.iter().map(|(key, spec)| (format!("{within}{key}"), spec.clone())));
    for agent in &team.agents {
        if let Some(nested) = &agent.nested {
            gather(&nested.team, &format!("{within}{}/", agent.name), specs);
        }
    }
}

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

/// Makes ring the provider of TLS for the process. May be called any number of times.
pub fn install_tls() {
    // The error only says that a provider is installed already, which is the wish.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
