//! Records to write: one of every kind, and as many as wanted that are known by their number.

use super::SESSION;
use plenary::chat::breaks::{BreakId, Breakpoint, Breaks, SetBy};
use plenary::chat::by_hand::{ByHand, WorkCopy};
use plenary::chat::code::{CodeBlock, Execution, Payload, Place, Stopped};
use plenary::chat::configure::Change;
use plenary::chat::consult::Advice;
use plenary::chat::consult::ConsultAnswered;
use plenary::chat::consult::ConsultAsked;
use plenary::chat::context::ContextRule;
use plenary::chat::end::Summarized;
use plenary::chat::event::*;
use plenary::chat::format::Rejection;
use plenary::chat::id::*;
use plenary::chat::leash::Leash;
use plenary::chat::message::{Author, Completeness, Message, MessageKind};
use plenary::chat::request::{Failure, FailureKind, Finish, Purpose};
use plenary::chat::server::ToolsEvent;
use plenary::chat::team::{Limits, Team};
use plenary::chat::tool::{ToolBarred, ToolCall, ToolResult};
use plenary::chat::usage::{Money, Tokens, Usage};
use plenary::chat::watch::Detection;
use std::sync::Arc;

/// One sample of each kind, and a match over all kinds: a new kind does not compile before it has a sample here.
macro_rules! every_kind {
    ($($kind:ident { $($fields:tt)* })*) => {
        pub fn every_kind() -> Vec<Event> {
            vec![$(Event::$kind { $($fields)* }),*]
        }
        #[allow(dead_code)]
        fn has_a_sample(event: &Event) {
            match event {
                $(Event::$kind { .. } => {})*
            }
        }
    };
}

every_kind! {
    SessionStarted { session: SESSION.into(), format: FORMAT, team: Arc::new(team()), headless: true }
    MessagePosted { message: Arc::new(message(1, "Implement \"LRU\"\u{0}\u{1b}[31m\u{202e}\n\t文 🦀")) }
    MessageEdited { message: MessageId(1), content: "".into() }
    BranchMoved { name: "try two".into(), why: "edited".into() }
    Breaks { 0: Breaks::Set { id: BreakId(1), breakpoint: Breakpoint::new("speaker == A", SetBy::Operator) } }
    SpeakerWanted { candidates: vec!["A".into()], barred: vec![("B".into(), "spoke last".into())], proposed: None, reasons: vec![("A".into(), "has not spoken yet".into())], until: Some(7), by_words: true }
    ByHand { 0: ByHand::Copied { copies: vec![WorkCopy { from: "/w".into(), to: "/w-branch-2".into(), files: 3, bytes: 9, left_out: 1, skipped: 0 }] } }
    ConsultAsked { 0: ConsultAsked { op: OpId(3), turn: TurnId(1), key: "selector".into(), command: vec!["/x/pick.py".into()], input: "ab".into() } }
    ConsultAnswered { 0: ConsultAnswered { op: OpId(3), advice: Advice { answer: "A".into(), failure: Some("late".into()), duration_ms: 5 }, stopped: true } }
    TerminationAsked {}
    ProposalWanted {}
    SpeakerBarred { agent: "A".into(), turns: Some(2) }
    SpeakerUnbarred { agent: "A".into() }
    ToolBarred { 0: ToolBarred { tool: "find".into(), turns: Some(3), back: false } }
    SpeakerChosen { choice: choice() }
    SelectorAnswered { call: CallId(1), answer: "Coder, I think".into(), mentions: vec![("Coder".into(), 1)] }
    QueueChanged { queue: vec!["A".into(), "B".into()] }
    GraphStepped { taken: vec!["A -> B".into()], graph: Graph { ready: vec!["B".into()], armed: [("C".to_owned(), vec![2])].into() } }
    LedgerChanged { ledger: Default::default() }
    TurnStarted { turn: TurnId(1), agent: "A".into(), beside: None }
    TurnEnded { turn: TurnId(1), finished: false }
    ModelCalled {
        call: CallId(u64::MAX), turn: Some(TurnId(1)), agent: "A".into(), purpose: Purpose::Speak, model: "m".into(),
        attempt: 2, request: "ab".into(), messages: 7, left_out: 3, estimate: 99
    }
    ModelAnswered { call: CallId(1), usage: usage(), latency_ms: 9, finish: Finish::Length, served: Some("m-1".into()) }
    ModelFailed {
        call: CallId(1), usage: usage(), retry_ms: Some(500), fallback: None,
        failure: Failure { status: Some(429), ..Failure::new(FailureKind::RateLimited, "slow down") }
    }
    AnswerRejected { 0: Rejection {
        call: CallId(1), turn: TurnId(1), agent: "A".into(), answer: "{".into(), why: "not JSON".into(), last: true
    } }
    AgentFailed {
        turn: TurnId(1), agent: "A".into(), text: "down".into(),
        then: AfterFailure::Retry { nth: 1, of: 3, wait_ms: 30000 }
    }
    ModelInterrupted { call: CallId(1), usage: Usage::default() }
    ApprovalAsked {
        approval: ApprovalId(1), turn: TurnId(1), agent: "A".into(), source: MessageId(1), hash: payload().hash(),
        payload: Arc::new(payload())
    }
    ApprovalDecided {
        approval: ApprovalId(1), verdict: Verdict::RunEdited(payload().blocks), hash: "cd".into(), seen_in_full: true,
        remember: true
    }
    LeashGiven {
        agent: "A".into(), leash: Leash { from: ApprovalId(2), executions: Some(3), until: Some(1_763_640_301_000) }
    }
    ConsentRevoked { agent: Some("A".into()) }
    TimeExtended { op: OpId(1), added_ms: 60_000 }
    Intent { op: OpId(1), approval: ApprovalId(1), hash: "cd".into() }
    Started { op: OpId(1), pid: u32::MAX }
    Outcome {
        op: OpId(1),
        execution: Execution {
            exit_code: -9, output: "\r\n\u{fffd}".into(), omitted: 3, stopped: Some(Stopped::Killed), duration_ms: 8, ..Execution::default()
        }
    }
    OutcomeUnknown { op: OpId(1) }
    OutcomeResolved { op: OpId(1), resolution: Resolution::AskAgain }
    Tools { 0: ToolsEvent::Down { server: "git".into(), why: "it has ended".into() } }
    ToolReturned { turn: TurnId(1), result: result(), handoff: Some("Critic".into()) }
    ContextChanged { set: serde_json::Map::from_iter([("stage".to_owned(), serde_json::json!({"n": 1.5}))]) }
    Inner { agent: "A".into(), event: Box::new(Event::Held { why: HoldReason::Opened }) }
    HumanAsked { ask: AskId(1), turn: TurnId(1), agent: "A".into(), ask_kind: AskKind::LastWord }
    HumanAnswered { ask: AskId(1), answer: Answer::Say("go on".into()) }
    HoldAsked { boundary: Boundary::Step }
    Held { why: HoldReason::Failed { agent: "A".into(), text: "no key".into() } }
    Released { step: true }
    DetectorChanged { 0: Detection { detector: "same_failure".into(), text: "twice".into(), count: 2, turns: vec![TurnId(1), TurnId(2)],
        level: Level::Hold, agent: Some("A".into()), pattern: u64::MAX, messages: vec![MessageId(3)]
    } }
    Concluding { agent: "A".into() }
    ProgressMade { what: Progress::Passes, message: Some(MessageId(4)) }
    DetectorJudged { detector: "D1 exact repeat".into(), pattern: 7, judgement: Judgement::Allowed(3) }
    BudgetCrossed { limit: "max_cost".into(), text: "$1.00".into() }
    LimitsChanged {
        limits: Limits { max_cost: Some(Money(u64::MAX)), max_tokens: None, max_time_ms: Some(0), max_executions: None }
    }
    Configured {
        agent: "A".into(),
        change: Change {
            system_message: Some("You wait.".into()), model: Some("m".into()),
            context: Some(ContextRule::Last { messages: 3, keep_first_message: true }), ..Change::default()
        }
    }
    Summarized { 0: Summarized {
        method: SummaryMethod::ReflectionWithLlm, text: "all in all".into(), call: Some(CallId(1)),
        problem: Some("none".into())
    } }
    Ended {
        cause: EndCause::Condition("text_mention".into()), text: "TERMINATE".into(), agent: None,
        totals: Totals { rounds: 3, tokens: usage().tokens, cost: Money(1), unpriced_calls: 0, active_ms: 12 },
        detail: EndDetail { condition: Some("termination[0]".into()), values: vec![("text".into(), "TERMINATE".into())] },
        achieved: Some(Achieved { message: MessageId(1), agent: "A".into(), text: "so far".into() })
    }
}

fn team() -> Team {
    serde_json::from_value(serde_json::json!({
        "name": "lru-cache", "task": "Implement an LRUCache\nwith tests", "selector_model": "smart", "seed": u64::MAX,
        "agents": [{
            "name": "Coder", "kind": "assistant", "description": "writes", "system_message": "You write.", "model": "smart",
            "human_input_mode": "NEVER", "max_consecutive_auto_reply": 5, "is_termination_msg": {"ends_with": "DONE"},
            "code_execution": {
                "executor": {"kind": "local", "options": {"shell": true, "depth": [1, 2.5, null]}}, "work_dir": "/w",
                "timeout_ms": 30000, "approval": "always", "environment": ["PATH"], "output_limit": 65536
            }
        }],
        "speaker_selection_method": {"kind": "auto"}, "max_retries_for_selecting_speaker": 2,
        "allow_repeat_speaker": {"only": ["Coder"]}, "max_round": 12,
        "termination": [{"any": [{"all": [{"one": {"kind": "text_mention", "options": {"value": "X"}}}]}]}],
        "limits": {"max_cost": 1, "max_tokens": null, "max_time_ms": null, "max_executions": null},
        "models": {"smart": {
            "provider": {"kind": "openai"}, "model": "gpt-4o", "price": {"input": 2.5, "output": 0.1},
            "parameters": {"temperature": 0.7, "zeta": 1, "alpha": 2}
        }},
    }))
    .unwrap()
}

pub fn message(id: u64, text: &str) -> Message {
    Message {
        completeness: Completeness::CutOff,
        turn: Some(TurnId(1)),
        reasoning: Some("hm".into()),
        by_operator: true,
        drafted: None,
        ..Message::new(MessageId(id), Author::Agent("Coder".into()), MessageKind::Reply, text)
    }
}

fn result() -> ToolResult {
    let call = ToolCall { id: "c".into(), name: "find".into(), arguments: "{}".into(), echo: None };
    ToolResult::of(&call, "none", true)
}

fn choice() -> Choice {
    let candidates = vec!["Coder".into(), "Critic".into()];
    Choice { agent: "Coder".into(), mode: "auto".into(), reason: "asked".into(), candidates, attempts: 1 }
}

fn usage() -> Usage {
    let tokens = Tokens { input: 10, cached: 2, output: 3, reasoning: 1, ..Tokens::default() };
    Usage { tokens, estimated: true, cost: Some(Money(31)) }
}

fn payload() -> Payload {
    let place = Place {
        executor: "local".into(),
        containment: "none".into(),
        work_dir: "/w".into(),
        network: true,
        environment: vec!["PATH".into()],
        timeout_ms: 1,
        output_limit: 2,
        ..Place::default()
    };
    Payload::code(vec![CodeBlock { language: "python".into(), code: "print(1)\n".into() }], place)
}

pub fn record(seq: u64, event: Event) -> Arc<Record> {
    let actors = [Actor::Operator, Actor::Agent("Coder".into()), Actor::Policy("never".into()), Actor::System];
    Arc::new(Record {
        seq: Seq(seq),
        parent: seq.checked_sub(1).filter(|parent| *parent > 0).map(Seq),
        // The ends of both ranges, too: neither is a number that SQLite or JSON would take lightly.
        branch: BranchId(if seq.is_multiple_of(5) { u64::MAX } else { 0 }),
        actor: actors[seq as usize % 4].clone(),
        at: if seq.is_multiple_of(7) { i64::MIN } else { 1_763_640_301_000 + seq as i64 },
        event,
    })
}

/// A record that is known by its number alone, between 200 bytes and 40 KB long.
pub fn said(seq: u64) -> Arc<Record> {
    let length = if seq.is_multiple_of(11) { 40_000 } else { seq as usize * 131 % 900 };
    record(seq, Event::MessagePosted { message: Arc::new(message(seq, &format!("{seq} ").repeat(length / 4))) })
}

pub fn whole_log() -> Vec<Arc<Record>> {
    (1..).zip(every_kind()).map(|(seq, event)| record(seq, event)).collect()
}
