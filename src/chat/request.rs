//! What is asked of a model, and what comes back.

use super::Name;
use super::format::ResponseFormat;
use super::id::CallId;
use super::tool::{ToolCall, ToolSpec};
use super::usage::{Tokens, estimate_tokens};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// On whose behalf a model is called: the meters keep these apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// An agent's own turn.
    Speak,
    /// Choosing the next speaker.
    Select,
    /// Summing up when the run is over.
    Summarize,
}

/// The role of a message in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// Somebody else's words.
    User,
    /// The asked agent's own words.
    Assistant,
    /// What came of one of its tool calls.
    Tool,
}

/// One message as a model sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Role of the text.
    pub role: Role,
    /// Its author, where the dialect has a place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The text.
    pub content: Arc<str>,
    /// Calls that the asked agent wanted made; only with [`Role::Assistant`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call this is the result of; only with [`Role::Tool`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Prompt {
    /// Words in this role.
    pub fn new(role: Role, name: Option<Name>, content: impl Into<Arc<str>>) -> Self {
        Prompt { role, name, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// A request to a model, independent of any provider's dialect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Identity of this attempt.
    pub call: CallId,
    /// The agent that asks; for the others the last speaker, if there is one.
    pub agent: Name,
    /// On whose behalf.
    pub purpose: Purpose,
    /// Key of the model in `Team::models`.
    pub model: String,
    /// The conversation, oldest first, system message included. Shared: a long one is not copied for each request.
    pub messages: Arc<Vec<Prompt>>,
    /// Tools it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// The shape its answer must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Arc<ResponseFormat>>,
    /// Sampling and the like that the agent sets for itself, over its model's (`temperature`, `max_tokens`, …).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// The members in whose nested team the model is described, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Name>,
}

impl Request {
    /// A request without tools. `agent` asks; for [`Purpose::Select`] it is the last speaker, if there is one.
    pub fn new(
        call: CallId,
        agent: Name,
        purpose: Purpose,
        model: impl Into<String>,
        messages: impl Into<Arc<Vec<Prompt>>>,
    ) -> Self {
        Request {
            call,
            agent,
            purpose,
            model: model.into(),
            messages: messages.into(),
            tools: Vec::new(),
            format: None,
            parameters: Map::new(),
            within: Vec::new(),
        }
    }

    /// About how many tokens it has: words, calls and the tools that are offered.
    pub fn estimate(&self) -> u64 {
        let said = self.messages.iter().map(|prompt| {
            let calls = prompt.tool_calls.iter();
            let calls = calls.map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments));
            estimate_tokens(&prompt.content) + calls.sum::<u64>()
        });
        let offered = self.tools.iter().map(|tool| {
            let schema = estimate_tokens(&tool.parameters.to_string());
            estimate_tokens(&tool.name) + estimate_tokens(&tool.description) + schema
        });
        said.sum::<u64>() + offered.sum::<u64>()
    }

    /// SHA-256 over model, messages and tools, in hex: the same question has the same hash.
    pub fn hash(&self) -> String {
        let mut hasher = RequestHasher::new(&self.model);
        self.messages.iter().for_each(|message| hasher.add(message));
        let hash = hasher.finish(&self.tools);
        if self.format.is_none() && self.parameters.is_empty() {
            return hash;
        }
        let mut shaped = RequestHasher::new(&hash);
        if let Some(format) = &self.format {
            shaped.part(&format.name);
            shaped.part(&format.schema.to_string());
        }
        for (name, value) in &self.parameters {
            shaped.part(name);
            shaped.part(&value.to_string());
        }
        shaped.finish(&[])
    }
}

/// [`Request::hash`] message by message, for whoever asks again and again about a conversation that grows.
#[derive(Debug, Clone)]
pub struct RequestHasher(Sha256);

impl RequestHasher {
    /// Before the first message, for the key of a model.
    pub fn new(model: &str) -> Self {
        let mut hasher = RequestHasher(Sha256::new());
        hasher.part(model);
        hasher
    }

    fn part(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    /// One more message.
    pub fn add(&mut self, message: &Prompt) {
        self.part(match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        });
        self.part(message.name.as_deref().unwrap_or(""));
        self.part(&message.content);
        for call in &message.tool_calls {
            self.part("call");
            self.part(&call.id);
            self.part(&call.name);
            self.part(&call.arguments);
        }
        if let Some(id) = &message.tool_call_id {
            self.part(id);
        }
    }

    /// The hash of what was added so far, asked with these tools; more may follow.
    pub fn finish(&self, tools: &[ToolSpec]) -> String {
        let mut whole = self.clone();
        for tool in tools {
            whole.part("tool");
            whole.part(&tool.name);
            whole.part(&tool.description);
            whole.part(&tool.parameters.to_string());
        }
        super::code::hex(&whole.0.finalize())
    }
}

/// One piece of a streamed reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// More text.
    Text(String),
    /// More visible reasoning.
    Reasoning(String),
    /// A tool that is to be called, whole. Comes before [`Chunk::Finished`].
    Call(ToolCall),
    /// Tokens as the provider counts them; the last report wins.
    Usage(Tokens),
    /// The model that really answers, when the provider says so.
    Served(String),
    /// The provider's identity of the request, for its support; the first one counts.
    Identity(String),
    /// Something odd about the answer that a person should know.
    Remark(String),
    /// The explicit end. A stream that ends without it was cut off.
    Finished(Finish),
}

/// Why a model stopped talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    Stop,
    /// Its output limit cut it off.
    Length,
    /// The provider's filter stopped it.
    Filtered,
}

/// What went wrong with a call: decides whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nobody answered: refused, unresolvable, TLS, time-out before the first byte.
    Unreachable,
    /// 429 with room for hope.
    RateLimited,
    /// 5xx and overload.
    Server,
    /// The stream ended, broke or fell silent without an explicit end.
    CutOff,
    /// What came is not what the dialect promises: HTML, broken JSON, unknown shape.
    Garbled,
    /// An explicit end with no text at all.
    Empty,
    /// The key is missing, wrong or not allowed.
    Key,
    /// No credit, no quota.
    Quota,
    /// The request is wrong in a way that repeating cannot mend.
    Refused,
    /// The conversation no longer fits the model.
    ContextFull,
    /// A filter refused to answer.
    Filtered,
}

impl FailureKind {
    /// Whether the same request may succeed a little later.
    pub fn is_passing(self) -> bool {
        use FailureKind::*;
        matches!(self, Unreachable | RateLimited | Server | CutOff | Garbled | Empty)
    }
}

/// A failed call, said for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Decides what happens next.
    pub kind: FailureKind,
    /// What failed, where, and what to do. Contains no secret.
    pub message: String,
    /// HTTP status, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's own hint when to come back, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The provider's identity of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without status or hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), status: None, retry_after_ms: None, request_id: None }
    }
}
