//! What has been heard of one answer, whatever the dialect: the words go out as they come, calls and the end wait.
//!
//! A dialect reads an event and tells this; [`super::reading`] asks it how the answer ended. Pure.

use super::calls::Calls;
use crate::chat::request::{Chunk, Failure, FailureKind, Finish};
use crate::chat::usage::Tokens;
use crate::models::failure::Peer;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// One answer under way.
pub struct Answer {
    /// Whom it comes from.
    pub peer: Arc<Peer>,
    /// Tool calls so far.
    pub calls: Calls,
    /// What the provider wants to have back with the first call of this answer, as JSON.
    pub echo: Option<String>,
    pub(super) out: Vec<Chunk>,
    pub(super) finish: Option<Finish>,
    pub(super) done: bool,
    pub(super) understood: bool,
    pub(super) progress: u64,
    refusal: String,
    served: String,
    said: bool,
    thought: bool,
    remarks: HashSet<String>,
}

impl Answer {
    /// Before the first event.
    pub fn new(peer: Arc<Peer>) -> Self {
        Answer {
            peer,
            calls: Calls::default(),
            echo: None,
            out: Vec::new(),
            finish: None,
            done: false,
            understood: false,
            progress: 0,
            refusal: String::new(),
            served: String::new(),
            said: false,
            thought: false,
            remarks: HashSet::new(),
        }
    }

    /// More text. Parts of one answer are joined as they come.
    pub fn text(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.moved();
            self.said |= text.chars().any(|c| !c.is_whitespace());
            self.out.push(Chunk::Text(text));
        }
    }

    /// More visible reasoning.
    pub fn reasoning(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.moved();
            self.thought = true;
            self.out.push(Chunk::Reasoning(text));
        }
    }

    /// More of a refusal, which is no answer.
    pub fn refusal(&mut self, text: &str) {
        if !text.is_empty() {
            self.moved();
            self.refusal.push_str(text);
        }
    }

    /// The model that really answers; only a change is told.
    pub fn served(&mut self, model: &str) {
        if !model.is_empty() && model != self.served {
            self.served = model.to_owned();
            self.out.push(Chunk::Served(self.served.clone()));
            if is_another(&self.peer.model, model) {
                self.remark(format!("{} was asked for, {model} answered", self.peer.model));
            }
        }
    }

    /// Tokens so far, as the provider counts them.
    pub fn usage(&mut self, tokens: Tokens) {
        self.understood();
        self.moved();
        self.out.push(Chunk::Usage(tokens));
    }

    /// The provider's identity of the call, where it stands in the body.
    pub fn identity(&mut self, id: &str) {
        if !id.is_empty() && self.remarks.insert(format!("id {id}")) {
            self.out.push(Chunk::Identity(id.to_owned()));
        }
    }

    /// Something odd that a person should know; said once.
    pub fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.remarks.insert(text.clone()) {
            self.out.push(Chunk::Remark(text));
        }
    }

    /// Why the model stopped.
    pub fn finish(&mut self, finish: Finish) {
        self.moved();
        self.finish = Some(finish);
    }

    /// The explicit end of the stream: nothing after it counts.
    pub fn done(&mut self) {
        self.moved();
        self.done = true;
    }

    /// The event belongs to the dialect.
    pub fn understood(&mut self) {
        self.understood = true;
    }

    /// The event brought the answer forward.
    pub fn moved(&mut self) {
        self.progress += 1;
    }

    /// An error that the provider reports inside its answer.
    pub fn reported(&self, error: &Value) -> Failure {
        self.peer.reported(error, Timestamp::now())
    }

    /// The provider broke off and did not say why.
    pub fn broke_off(&self) -> Failure {
        let what = "the provider broke off with an error it did not explain. Try again";
        self.peer.failure(FailureKind::Server, what)
    }

    /// The model tried to call a tool and failed at it; some gateways hide this behind an ordinary stop.
    pub fn bad_call(&self, reason: &str) -> Failure {
        let what = format!("the model produced an unusable tool call ({reason}). Try again, or simplify the tool");
        self.peer.failure(FailureKind::Garbled, what)
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
        let server = self.peer.server;
        self.peer.failure(
            FailureKind::Garbled,
            format!("{what}. Check that base_url leads to {server} and not to a login page or proxy"),
        )
    }

    /// How the answer ended. `head` is the beginning of the body, `events` whether it began like a stream.
    pub(super) fn conclude(&self, head: &[u8], events: bool) -> Result<Finish, Failure> {
        if !self.refusal.is_empty() {
            let what = format!("the model refuses: {}", self.peer.quote(self.refusal.as_bytes()));
            return Err(self.peer.failure(FailureKind::Filtered, format!("{what}. Change what is asked of it")));
        }
        let finish = match self.finish {
            Some(finish) => finish,
            None if self.done => Finish::Stop,
            None if self.understood || events => return Err(self.cut_off("the answer ended")),
            None => {
                let what = format!("answered with something that {} does not say", self.peer.server);
                return Err(self.garbled(format!("{what}: {}", self.peer.quote(head))));
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
}

/// Whether the name of the answering model is not just another way to write the one that was asked for: with its maker,
/// a date or a tag. A router's own name stands for whatever it chooses.
fn is_another(asked: &str, served: &str) -> bool {
    let plain = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        name.split([':', '@']).next().unwrap_or_default().replace('.', "-")
    };
    let (asked, served) = (plain(asked), plain(served));
    !asked.ends_with("auto") && !asked.is_empty() && !served.starts_with(&asked) && !asked.starts_with(&served)
}

#[cfg(test)]
mod tests {
    use super::is_another;

    #[test]
    fn a_substituted_model_is_told_from_one_with_a_longer_name() {
        for (asked, served) in [
            ("gpt-4o", "gpt-4o-2024-08-06"),
            ("openai/gpt-4o", "gpt-4o"),
            ("claude-sonnet-4.5", "anthropic/claude-sonnet-4-5-20250929"),
            ("llama3.3", "llama3.3:latest"),
            ("openrouter/auto", "mistralai/mistral-large"),
        ] {
            assert!(!is_another(asked, served), "{asked} {served}");
        }
        assert!(is_another("gpt-4o", "gpt-3.5-turbo") && is_another("claude-opus-5", "gpt-4o"));
    }
}
