//! What happened: the durable vocabulary of a session.

pub use super::actor::Actor;
use super::breaks::Breaks;
use super::by_hand::ByHand;
use super::code::{Execution, Payload};
use super::configure::Change;
use super::consult::{ConsultAnswered, ConsultAsked};
pub use super::decision::*;
pub use super::end::{EndCause, EndDetail, Summarized, SummaryMethod, Totals};
pub use super::failing::{Achieved, AfterFailure};
use super::format::Rejection;
use super::id::*;
use super::leash::Leash;
use super::ledger::Ledger;
use super::message::Message;
pub use super::record::{FORMAT, Record};
use super::request::{Failure, Finish, Purpose};
use super::server::ToolsEvent;
use super::team::Team;
use super::tool::{ToolBarred, ToolResult};
use super::usage::Usage;
pub use super::watch::{Detection, Judgement, Level, Progress};
use super::{Name, UnixMillis};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that happened. Kinds are added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// First record of every session.
    SessionStarted {
        /// The session's identity.
        session: String,
        /// [`FORMAT`] of the writer.
        format: u32,
        /// The whole team as data.
        team: Arc<Team>,
        /// Whether nobody sits at a screen.
        headless: bool,
    },
    /// A message entered the transcript.
    MessagePosted {
        /// The message.
        message: Arc<Message>,
    },
    /// A message was changed; follows a [`Event::BranchMoved`] to the record that posted it.
    MessageEdited {
        /// Which.
        message: MessageId,
        /// The new text.
        content: Arc<str>,
    },
    /// HEAD moved; this record's parent is where it moved to.
    BranchMoved {
        /// Name of the branch that goes on from here.
        name: String,
        /// Why, for the timeline.
        why: String,
    },
    /// Breakpoints, steps, and what is held back before it is sent or said.
    Breaks(Breaks),
    /// A person has to pick the next speaker.
    SpeakerWanted {
        /// Who can be picked.
        candidates: Vec<Name>,
        /// Who cannot, each with the cause.
        barred: Vec<(Name, String)>,
        /// Who would speak if the choice were left to the team's order.
        proposed: Option<Name>,
        /// Why one might pick whom, a line each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<(Name, String)>,
        /// When the proposal is taken by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
        /// The floor was handed to the person: words answer it as well as a pick.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_words: bool,
    },
    /// A program of the user's is about to be asked. On disk before it is.
    ConsultAsked(ConsultAsked),
    /// The program is over.
    ConsultAnswered(ConsultAnswered),
    /// The run is to end at the next turn boundary.
    TerminationAsked,
    /// The operator wants a model's proposal for a pick.
    ProposalWanted,
    /// The operator took an agent off the floor.
    SpeakerBarred {
        /// Who.
        agent: Name,
        /// For how many turns of others; `None` until it is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turns: Option<u32>,
    },
    /// The operator took a tool off the table, or gave it back.
    ToolBarred(ToolBarred),
    /// The operator lets an agent speak again.
    SpeakerUnbarred {
        /// Who.
        agent: Name,
    },
    /// Somebody gets the floor.
    SpeakerChosen {
        /// Who, how and why.
        choice: Choice,
    },
    /// The selector's answer could not be used, or could.
    SelectorAnswered {
        /// The call that answered.
        call: CallId,
        /// The raw answer.
        answer: Arc<str>,
        /// Agents mentioned, with the number of mentions.
        mentions: Vec<(Name, u32)>,
    },
    /// The operator's queue of next speakers, whole.
    QueueChanged {
        /// First speaks first.
        queue: Vec<Name>,
    },
    /// A step of a graph is over: which edges were taken, and what follows.
    GraphStepped {
        /// The edges that were taken, as `from -> to`.
        taken: Vec<String>,
        /// The graph from now on.
        graph: Graph,
    },
    /// The moderator's ledger changed.
    LedgerChanged {
        /// The ledger from now on.
        ledger: Box<Ledger>,
    },
    /// A turn began.
    TurnStarted {
        /// Which turn.
        turn: TurnId,
        /// Whose.
        agent: Name,
        /// The first of the turns that began together with it, if several did: none of them hears the others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<TurnId>,
    },
    /// A turn is over.
    TurnEnded {
        /// Which turn.
        turn: TurnId,
        /// False when it was interrupted or failed and its speaker should get the floor back.
        finished: bool,
    },
    /// A request is about to be sent.
    ModelCalled {
        /// Identity of the attempt.
        call: CallId,
        /// The turn it serves; `None` for the selector.
        turn: Option<TurnId>,
        /// Who asks.
        agent: Name,
        /// What for.
        purpose: Purpose,
        /// Key of the model in the team.
        model: String,
        /// Which attempt of the same question, from 1.
        attempt: u32,
        /// Hash of the request.
        request: String,
        /// Messages in the request.
        messages: u32,
        /// Messages that the agent hears and its context rule left out.
        #[serde(default, skip_serializing_if = "super::failing::is_zero")]
        left_out: u32,
        /// About how many tokens the request has; 0 in a log that does not say.
        #[serde(default, skip_serializing_if = "super::usage::is_zero")]
        estimate: u64,
    },
    /// A reply came to its explicit end. A speaker's text is in the message that follows.
    ModelAnswered {
        /// The call.
        call: CallId,
        /// Tokens and cost.
        usage: Usage,
        /// From request to end, in milliseconds.
        latency_ms: u64,
        /// Why it ended.
        finish: Finish,
        /// The model that really answered, if the provider said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        served: Option<String>,
    },
    /// A call failed. What was heard of it follows as an interrupted message.
    ModelFailed {
        /// The call.
        call: CallId,
        /// What failed.
        failure: Failure,
        /// What the attempt used, as far as known.
        usage: Usage,
        /// When the next attempt starts (milliseconds from this record), if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
        /// The model of the next attempt, if it is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback: Option<String>,
    },
    /// An answer does not have the shape that the agent's answers must have; it is said to nobody.
    AnswerRejected(Rejection),
    /// An agent could not speak, and the run goes on as the team file says.
    AgentFailed {
        /// Its turn.
        turn: TurnId,
        /// Who.
        agent: Name,
        /// What failed.
        text: String,
        /// What is done.
        then: AfterFailure,
    },
    /// A call was cancelled, or found unfinished after a crash.
    ModelInterrupted {
        /// The call.
        call: CallId,
        /// What the attempt used, estimated.
        usage: Usage,
    },
    /// Code waits for consent.
    ApprovalAsked {
        /// Identity of the request.
        approval: ApprovalId,
        /// The turn that wants to run it.
        turn: TurnId,
        /// The agent that would run it.
        agent: Name,
        /// The message that contains the code.
        source: MessageId,
        /// Everything that decides what it does.
        payload: Arc<Payload>,
        /// [`Payload::hash`].
        hash: String,
    },
    /// Consent was given or refused. The record's actor says by whom.
    ApprovalDecided {
        /// The request.
        approval: ApprovalId,
        /// The decision.
        verdict: Verdict,
        /// Hash of what may run now; of what was refused otherwise.
        hash: String,
        /// Whether every line had been on the operator's screen.
        seen_in_full: bool,
        /// The same hash - or, for a tool, the same tool - needs no further consent for this agent on this branch.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        remember: bool,
    },
    /// The operator lets an agent run code unasked for a while, inside containment.
    LeashGiven {
        /// Which agent.
        agent: Name,
        /// How far.
        leash: Leash,
    },
    /// Consent in advance - leashes, and what was remembered - is taken back.
    ConsentRevoked {
        /// Of this agent; `None` of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<Name>,
    },
    /// The operator lets the program of the effect `op` run longer than its limit, by `added_ms` milliseconds.
    #[allow(missing_docs)]
    TimeExtended { op: OpId, added_ms: u64 },
    /// An effect is about to happen. On disk before it does.
    Intent {
        /// Identity of the effect.
        op: OpId,
        /// The consent it rests on.
        approval: ApprovalId,
        /// Hash of what will run.
        hash: String,
    },
    /// The effect began.
    Started {
        /// The effect.
        op: OpId,
        /// Process id of the first process.
        pid: u32,
    },
    /// The effect is over.
    Outcome {
        /// The effect.
        op: OpId,
        /// What came of it.
        execution: Execution,
    },
    /// Found after a crash: an intent without outcome. Only the operator can say what happened.
    OutcomeUnknown {
        /// The effect.
        op: OpId,
    },
    /// The operator said what became of it.
    OutcomeResolved {
        /// The effect.
        op: OpId,
        /// What to do.
        resolution: Resolution,
    },
    /// What came of a tool call is known; its model hears it when all calls of its message have been answered.
    ToolReturned {
        /// The turn that called.
        turn: TurnId,
        /// The result.
        result: ToolResult,
        /// To whom the call passes the floor, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handoff: Option<Name>,
    },
    /// A server came or went, or the operator decided about a tool.
    Tools(ToolsEvent),
    /// Context variables got these values; `null` removes one.
    ContextChanged {
        /// New values by name.
        set: serde_json::Map<String, serde_json::Value>,
    },
    /// A person is asked for words.
    HumanAsked {
        /// Identity of the question.
        ask: AskId,
        /// The turn that waits.
        turn: TurnId,
        /// The agent the person speaks for.
        agent: Name,
        /// What kind of question.
        ask_kind: AskKind,
    },
    /// The person answered.
    HumanAnswered {
        /// The question.
        ask: AskId,
        /// The answer.
        answer: Answer,
    },
    /// The operator asked for a pause; it takes hold at the boundary.
    HoldAsked {
        /// Where.
        boundary: Boundary,
    },
    /// Nothing new starts until released.
    Held {
        /// Why.
        why: HoldReason,
    },
    /// Going on.
    Released {
        /// Hold again after one turn.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        step: bool,
    },
    /// A detector's finding changed: raised, counted on, or cleared (`count` 0).
    DetectorChanged(Detection),
    /// Things moved on while a detector saw something.
    ProgressMade {
        /// What moved.
        what: Progress,
        /// The message that did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// The operator judged a finding.
    DetectorJudged {
        /// Catalog name of the detector.
        detector: String,
        /// The pattern it saw.
        pattern: u64,
        /// What the operator says about it.
        judgement: Judgement,
    },
    /// The run ends when this agent has summed it up.
    Concluding {
        /// Who sums up.
        agent: Name,
    },
    /// The operator did something by hand.
    ByHand(ByHand),
    /// Something happened inside the team behind an agent. It numbers turns, messages and calls on its own, so that no
    /// number stands for two things.
    Inner {
        /// The agent.
        agent: Name,
        /// What happened.
        event: Box<Event>,
    },
    /// A limit was reached.
    BudgetCrossed {
        /// Which limit: `max_cost`, `max_tokens`, `max_time`, `max_executions`.
        limit: String,
        /// In words.
        text: String,
    },
    /// The operator changed the limits of this session.
    LimitsChanged {
        /// The limits from now on.
        limits: super::team::Limits,
    },
    /// The operator changed an agent; the change belongs to this branch.
    Configured {
        /// Who.
        agent: Name,
        /// What.
        change: Change,
    },
    /// The run, which is over, was summed up.
    Summarized(Summarized),
    /// The run is over.
    Ended {
        /// Why.
        cause: EndCause,
        /// Why, for a person.
        text: String,
        /// The agent that caused it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<Name>,
        /// The figures.
        totals: Totals,
        /// Which condition, and what it saw.
        #[serde(default, skip_serializing_if = "EndDetail::is_empty")]
        detail: EndDetail,
        /// What there is, however it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        achieved: Option<Achieved>,
    },
}

impl Event {
    /// What really happened, and in which nested teams, outermost first.
    pub fn innermost(&self) -> (Vec<&Name>, &Event) {
        let (mut within, mut event) = (Vec::new(), self);
        while let Event::Inner { agent, event: inner } = event {
            within.push(agent);
            event = inner;
        }
        (within, event)
    }
}
