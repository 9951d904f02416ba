//! What is in flight: turns, model calls, consents, questions.

use crate::chat::code::{Execution, Payload};
use crate::chat::event::{Actor, AskKind, Verdict};
use crate::chat::id::*;
use crate::chat::message::Message;
use crate::chat::request::{Failure, Purpose};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::chat::usage::Usage;
use crate::chat::{Name, UnixMillis};
use std::sync::Arc;

/// One turn of one speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Identity.
    pub id: TurnId,
    /// Speaker.
    pub agent: Name,
    /// How far it has come.
    pub stage: Stage,
    /// The line to the speaker's model.
    pub inquiry: Inquiry,
    /// How often the whole of it was tried again after it had failed.
    pub retries: u32,
    /// Answers that did not have their shape, each with what is wrong with it.
    pub rejected: Vec<(Arc<str>, String)>,
    /// Its tool calls, if it has made any.
    pub tools: Tools,
    /// Questions to its model that were answered.
    pub answered: u64,
    /// Its reply, while that is held back.
    pub draft: Option<Arc<Message>>,
    /// The first of the turns that began together with it, if several did.
    pub beside: Option<TurnId>,
    /// Whether the team behind it has talked in this turn.
    pub entered: bool,
    /// When it began.
    pub since: UnixMillis,
    /// When its stage was entered.
    pub stage_since: UnixMillis,
}

/// The tool calls of a turn. Those of one message are carried out side by side; each is answered exactly once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tools {
    /// The calls of the newest message that made any.
    pub calls: Vec<ToolCall>,
    /// How far each has come: [`Stage::Begun`] is not looked at yet, [`Stage::Posted`] is answered.
    pub stages: Vec<Stage>,
    /// Their results so far, in the order of the calls.
    pub results: Vec<Option<ToolResult>>,
    /// Messages of this turn that called tools.
    pub rounds: u32,
    /// To whom one of the calls has passed the floor; the first counts (AgentChat: AssistantAgent).
    pub handoff: Option<Name>,
}

impl Tools {
    /// A message wants these called.
    pub fn open(&mut self, calls: &[ToolCall]) {
        self.calls = calls.to_vec();
        self.stages = vec![Stage::Begun; calls.len()];
        self.results = vec![None; calls.len()];
        self.rounds += 1;
    }

    /// Calls without a result, each with its place and how far it has come.
    pub fn unanswered(&self) -> impl Iterator<Item = (usize, &ToolCall, &Stage)> {
        let calls = self.calls.iter().zip(&self.stages).enumerate();
        calls.filter(|(n, _)| self.results[*n].is_none()).map(|(n, (call, stage))| (n, call, stage))
    }

    /// The place of the first call of that identity that fits and has no result; otherwise of the first that fits.
    pub fn place_of(&self, id: &str, fits: impl Fn(&Stage) -> bool) -> Option<usize> {
        let fitting = || self.unanswered().filter(|(_, _, stage)| fits(stage));
        fitting().find(|(_, call, _)| call.id == id).or_else(|| fitting().next()).map(|(place, ..)| place)
    }

    /// The calls with their results; only what is answered.
    pub fn answered(&self) -> impl Iterator<Item = (&ToolCall, &ToolResult)> {
        self.calls.iter().zip(&self.results).filter_map(|(call, result)| Some((call, result.as_ref()?)))
    }

    /// Sets the first stage that fits. Returns whether there was one.
    pub fn advance(&mut self, fits: impl Fn(&Stage) -> bool, to: &Stage) -> bool {
        let found = self.stages.iter_mut().find(|stage| fits(stage));
        found.map(|stage| *stage = to.clone()).is_some()
    }
}

impl Turn {
    /// A turn that begins now.
    pub fn begun(id: TurnId, agent: Name, beside: Option<TurnId>, at: UnixMillis) -> Self {
        let (inquiry, tools) = Default::default();
        Turn {
            id,
            agent,
            stage: Stage::Begun,
            inquiry,
            retries: 0,
            rejected: Vec::new(),
            tools,
            answered: 0,
            draft: None,
            beside,
            entered: false,
            since: at,
            stage_since: at,
        }
    }

    /// Whether this turn hears what was said in that one: of the turns that began together none hears the others.
    pub fn hears(&self, other: TurnId) -> bool {
        other == self.id || self.beside.is_none_or(|first| other < first)
    }
}

/// How far a turn has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Nothing happened yet.
    Begun,
    /// A person is asked for words.
    Asked(AskId),
    /// The person let the agent go on by itself.
    Cleared,
    /// Code waits for consent.
    Consent(ApprovalId),
    /// Consent was given or refused.
    Decided(ApprovalId),
    /// Code runs, or is about to.
    Running(OpId, ApprovalId),
    /// Code ran.
    Ran(OpId, ApprovalId, Execution),
    /// A crash has hidden what became of it.
    Unknown(OpId),
    /// The team behind it talks, or has come to its end.
    Within,
    /// Nothing but words is wanted now: a model's, or the default ones.
    Wording,
    /// Its model wants tools called.
    Calling,
    /// All its calls are answered.
    Answered,
    /// Its reply is held back: nobody has heard it.
    Drafted,
    /// Its message is in the transcript; nothing is left to do.
    Posted,
}

impl Turn {
    /// Whether something goes on that will end by itself.
    pub fn is_busy(&self) -> bool {
        self.is_running() || self.inquiry.is_busy()
    }

    /// Its own stage, and those of its tool calls.
    pub fn stages(&self) -> impl Iterator<Item = &Stage> {
        std::iter::once(&self.stage).chain(&self.tools.stages)
    }

    /// Whether code or a tool of it is under way.
    pub fn is_running(&self) -> bool {
        self.stages().any(|stage| matches!(stage, Stage::Running(..)))
    }

    /// Whether it waits for a person.
    pub fn is_waiting(&self) -> bool {
        self.stages().any(|stage| matches!(stage, Stage::Consent(_) | Stage::Asked(_) | Stage::Unknown(_)))
    }

    /// The stage that says most about it: of its tool calls first one that waits for a person, then one that runs.
    pub fn front(&self) -> &Stage {
        let calls = || self.tools.stages.iter();
        calls()
            .find(|stage| matches!(stage, Stage::Consent(_) | Stage::Unknown(_)))
            .or_else(|| calls().find(|stage| matches!(stage, Stage::Running(..))))
            .unwrap_or(&self.stage)
    }
}

/// A question to a model with its retries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inquiry {
    /// Where it stands.
    pub phase: Phase,
    /// Attempts that were made, over all models.
    pub attempts: u32,
    /// Attempts that the present model has had.
    pub tries: u32,
    /// Models that were tried, in order; the last is the present one.
    pub models: Vec<String>,
}

/// Where a question to a model stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Phase {
    /// Nothing is under way.
    #[default]
    Idle,
    /// A call is under way.
    Calling(CallId),
    /// A call failed; the next attempt starts at `until`, with `model`.
    Backoff {
        /// When.
        until: UnixMillis,
        /// With which model.
        model: String,
        /// What failed.
        failure: Failure,
    },
    /// A call failed and nothing is left to try.
    Failed(Failure),
}

impl Inquiry {
    /// Whether it goes on by itself.
    pub fn is_busy(&self) -> bool {
        matches!(self.phase, Phase::Calling(_) | Phase::Backoff { .. })
    }
}

/// A model call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Who asked.
    pub agent: Name,
    /// What for.
    pub purpose: Purpose,
    /// Key of the model.
    pub model: String,
    /// The turn it served.
    pub turn: Option<TurnId>,
    /// When it was sent.
    pub since: UnixMillis,
    /// About how many tokens were sent; 0 when the log does not say.
    pub estimate: u64,
    /// What it used, once known.
    pub usage: Option<Usage>,
    /// How long it took, once known, in milliseconds.
    pub latency_ms: Option<u64>,
    /// The model that really answered, if the provider said.
    pub served: Option<String>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// A request for consent.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Identity.
    pub id: ApprovalId,
    /// The turn that waits; `None` when the operator wants it run by hand.
    pub turn: Option<TurnId>,
    /// The agent that would run it.
    pub agent: Name,
    /// The message with the code.
    pub source: MessageId,
    /// What would run, and where. After an edit: what may run.
    pub payload: Arc<Payload>,
    /// What was asked first, if the operator edited it.
    pub original: Option<Arc<Payload>>,
    /// Hash of `payload`.
    pub hash: String,
    /// When it was asked.
    pub at: UnixMillis,
    /// The decision and who made it.
    pub decision: Option<(Verdict, Actor)>,
}

/// A question to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Identity.
    pub id: AskId,
    /// The turn that waits.
    pub turn: TurnId,
    /// The agent the person speaks for.
    pub agent: Name,
    /// What kind of question.
    pub kind: AskKind,
    /// When it was asked.
    pub at: UnixMillis,
}
