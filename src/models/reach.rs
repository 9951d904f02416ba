//! The way from a team to its models: connected when first asked, through the lane that all agents share, past the cache.

use super::cache::{self, Cache, Kept};
use super::http::options::Traffic;
use super::traffic::{Lane, Place};
use super::{Model, PROVIDERS, ReplyStream, Secrets};
use crate::catalog;
use crate::chat::request::{Chunk, Failure, FailureKind, Finish, Request};
use crate::chat::team::{ModelSpec, Team};
use futures_util::{StreamExt, future, stream};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All models of a team, connected when first asked, so that one missing key stops only those who need it.
pub struct Models {
    specs: BTreeMap<String, ModelSpec>,
    secrets: Arc<dyn Secrets>,
    connected: Arc<Mutex<HashMap<String, Connected>>>,
    lanes: Mutex<HashMap<String, Arc<Lane>>>,
    cache: Option<Cache>,
}

#[derive(Clone)]
struct Connected {
    model: Arc<dyn Model>,
    lane: Option<Arc<Lane>>,
    /// Its keys, and what they were when it was connected.
    keys: Vec<(String, Option<String>)>,
}

impl Models {
    /// The models of `team`. Contacts nobody and asks for no key yet.
    pub fn new(team: &Team, secrets: Arc<dyn Secrets>) -> Self {
        let mut specs = BTreeMap::new();
        gather(team, "", &mut specs);
        Models { specs, secrets, connected: Arc::default(), lanes: Mutex::default(), cache: None }
    }

    /// The same with a place for the answers of models that have a `cache_seed`.
    pub fn cached(self, cache: Cache) -> Self {
        Models { cache: Some(cache), ..self }
    }

    /// Asks the model that the request names. An unknown model or a missing key is a stream with one failure.
    pub fn stream(&self, request: &Request) -> ReplyStream {
        let within = request.within.iter().map(|name| format!("{name}/"));
        let key = within.collect::<String>() + &request.model;
        let spec = self.specs.get(&key);
        let place = spec.and_then(|spec| self.cache.as_ref()?.place(spec, request));
        if let Some(kept) = place.as_deref().and_then(cache::read) {
            return Box::pin(stream::iter(kept.chunks().into_iter().map(Ok)));
        }
        let answer = match self.connect(&key) {
            Ok(connected) => self.ask(&key, connected, request),
            Err(failure) => Box::pin(stream::once(future::ready(Err(failure)))),
        };
        match place {
            Some(place) => keep(answer, place),
            None => answer,
        }
    }

    /// Every key that a call has used so far; shorter values than any key has are left out.
    pub fn keys_in_use(&self) -> Vec<String> {
        let connected = lock(&self.connected);
        let all = connected.values().flat_map(|connected| connected.keys.iter().filter_map(|(_, key)| key.clone()));
        all.filter(|key| key.len() >= 8).collect()
    }

    /// Through the lane, if there is one; nothing is sent before a place on it is free.
    fn ask(&self, key: &str, connected: Connected, request: &Request) -> ReplyStream {
        let answer = connected.model.stream(request);
        let Some(lane) = connected.lane else { return answer };
        let (tokens, attempt) = (request.estimate(), request.attempt);
        let refused = self.refused(key.to_owned(), connected.keys);
        let waiting = async move {
            let place = match lane.enter(tokens, attempt).await {
                Ok(place) => place,
                Err(failure) => return Box::pin(stream::once(future::ready(Err(failure)))) as ReplyStream,
            };
            Box::pin(driven(answer, lane, place, refused))
        };
        Box::pin(stream::once(waiting).flatten())
    }

    /// What to do when a key is refused: if another one can be had by now, the next attempt uses it.
    fn refused(&self, key: String, keys: Vec<(String, Option<String>)>) -> impl Fn(Failure) -> Failure + Send + use<> {
        let (secrets, connected) = (self.secrets.clone(), self.connected.clone());
        move |mut failure| {
            if failure.kind != FailureKind::Key {
                return failure;
            }
            lock(&connected).remove(&key);
            let renewed = keys.iter().any(|(name, before)| {
                secrets.forget(name);
                secrets.get(name).is_ok_and(|now| now.is_some() && now != *before)
            });
            failure.retry_after_ms = renewed.then_some(0);
            failure
        }
    }

    fn connect(&self, key: &str) -> Result<Connected, Failure> {
        if let Some(known) = lock(&self.connected).get(key) {
            return Ok(known.clone());
        }
        let refused = |message: String| Failure::new(FailureKind::Refused, message);
        let spec = self.specs.get(key).ok_or_else(|| {
            let known = self.specs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            refused(format!("there is no model {key:?} in this team; known are: {known}. Add [models.{key}]"))
        })?;
        let provider = catalog::build(PROVIDERS, &spec.provider)
            .map_err(|error| refused(format!("model {key:?}: {error}. Correct [models.{key}] in the team file")))?;
        let model = provider.connect(key, spec, &*self.secrets)?;
        let lane = provider.lane().map(|(name, limits)| self.lane(name, limits));
        let keys = provider.keys().into_iter().map(|name| (self.secrets.get(&name).ok().flatten(), name));
        let connected = Connected { model, lane, keys: keys.map(|(key, name)| (name, key)).collect() };
        lock(&self.connected).insert(key.to_owned(), connected.clone());
        Ok(connected)
    }

    /// The lane of that name, with the strictest limits that any model of the team sets for it.
    fn lane(&self, name: String, own: Traffic) -> Arc<Lane> {
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get(&name) {
            return lane.clone();
        }
        let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        let others = self.specs.values().filter_map(|spec| catalog::build(PROVIDERS, &spec.provider).ok()?.lane());
        let limits = others.filter(|(other, _)| *other == name).fold(own, |all, (_, one)| Traffic {
            max_concurrent: least(all.max_concurrent, one.max_concurrent),
            rpm: least(all.rpm, one.rpm),
            tpm: least(all.tpm, one.tpm),
        });
        let lane = Arc::new(Lane::new(name.clone(), limits));
        lanes.insert(name, lane.clone());
        lane
    }
}

/// A poisoned map is still a map: every entry was whole when it went in.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer that holds its place on the lane, and tells the lane how it went.
fn driven(
    answer: ReplyStream,
    lane: Arc<Lane>,
    place: Place,
    refused: impl Fn(Failure) -> Failure + Send + 'static,
) -> impl futures_util::Stream<Item = Result<Chunk, Failure>> + Send {
    let waited = place.waited.clone().map(|text| Ok(Chunk::Remark(text)));
    stream::iter(waited).chain(answer.map(move |item| {
        // The place is given back when the stream is dropped.
        let _ = &place;
        match item {
            Ok(Chunk::Finished(finish)) => {
                lane.answered();
                Ok(Chunk::Finished(finish))
            }
            Err(failure) => {
                lane.failed(&failure);
                Err(refused(failure))
            }
            other => other,
        }
    }))
}

/// An answer that is written down when it has come to its end.
fn keep(answer: ReplyStream, place: PathBuf) -> ReplyStream {
    let mut kept = Kept::default();
    Box::pin(answer.inspect(move |item| match item {
        Ok(Chunk::Finished(Finish::Stop)) => {
            // A full disk costs only what it saves.
            let _ = kept.write(&place);
        }
        Ok(chunk) => kept.hear(chunk),
        Err(_) => {}
    }))
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

/// Which models the server of this model serves; contacts it.
///
/// # Errors
/// Why it does not say.
pub async fn served(key: &str, spec: &ModelSpec, secrets: &dyn Secrets) -> Result<Vec<String>, Failure> {
    let provider = catalog::build(PROVIDERS, &spec.provider)
        .map_err(|error| Failure::new(FailureKind::Refused, error.to_string()))?;
    // The future owns what it needs.
    let served = provider.served(key, spec, secrets);
    served.await
}
