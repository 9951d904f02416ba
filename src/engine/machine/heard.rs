//! What models and programs send back.

use super::chant::Ears;
use super::reply::finish_with;
use super::tools::{call_of, result_of, returned};
use super::{Machine, message};
use crate::chat::UnixMillis;
use crate::chat::code::{Execution, Payload};
use crate::chat::end::Summarized;
use crate::chat::event::{Actor, Event, SummaryMethod, Verdict};
use crate::chat::id::{ApprovalId, CallId, OpId};
use crate::chat::message::{Author, Completeness, Message, MessageKind};
use crate::chat::request::{Chunk, Failure, FailureKind, Finish, Purpose};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::chat::update::Delta;
use crate::chat::usage::{Tokens, Usage, estimate_tokens};
use crate::engine::effect::Effect;
use crate::models::retry;
use crate::session::Session;
use crate::session::turn::{Call, Inquiry, Phase, Stage, Turn};
use std::fmt::Write as _;
use std::sync::Arc;

/// Most bytes of one answer, reasoning included. A stream that never ends must not fill memory, log and every later
/// request (reference: reliability-security 1.15).
const ANSWER_LIMIT: usize = 4 << 20;
/// Most tool calls of one answer: more is a model that has lost itself.
const CALL_LIMIT: usize = 128;

/// What has been heard of a call that is still open.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<ToolCall>,
    ears: Ears,
    tokens: Option<Tokens>,
    served: Option<String>,
}

impl Heard {
    /// Tokens and cost: as reported, or estimated from what was sent and heard.
    pub fn usage(&self, call: &Call, session: &Session) -> Usage {
        let price = session.team().and_then(|team| team.models.get(&call.model)).and_then(|model| model.price);
        let (tokens, estimated) = match self.tokens {
            Some(tokens) if tokens.total() > 0 || (self.text.is_empty() && self.reasoning.is_empty()) => {
                (tokens, false)
            }
            None if self.text.is_empty() && self.reasoning.is_empty() => (Tokens::default(), true),
            // A report of nothing for something said is no report.
            _ => {
                let output = estimate_tokens(&self.text) + estimate_tokens(&self.reasoning);
                (Tokens { input: call.estimate, output, ..Tokens::default() }, true)
            }
        };
        let nothing = tokens == Tokens::default();
        let cost = price.map(|price| price.of(tokens)).or(nothing.then(Default::default));
        Usage { tokens, estimated, cost }
    }
}

impl Machine {
    pub(super) fn on_chunk(&mut self, id: CallId, chunk: Chunk, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(call) = open_call(id, session) else { return Vec::new() };
        let agent = call.agent.clone();
        let speaks = call.purpose == Purpose::Speak;
        let heard = self.heard.entry(id).or_default();
        let more = match &chunk {
            Chunk::Text(text) | Chunk::Reasoning(text) => text.len(),
            Chunk::Call(call) => call.arguments.len() + call.name.len(),
            _ => 0,
        };
        let called: usize = heard.calls.iter().map(|call| call.arguments.len()).sum();
        if heard.text.len() + heard.reasoning.len() + called + more > ANSWER_LIMIT || heard.calls.len() > CALL_LIMIT {
            let text =
                format!("{} said more than {} MiB in one answer; it was hung up.", call.model, ANSWER_LIMIT >> 20);
            let mut effects = vec![Effect::Cancel(id)];
            effects.extend(self.on_failure(id, Failure::new(FailureKind::Refused, text), session, now));
            return effects;
        }
        if speaks && let Some(chanted) = heard.ears.hear(&chunk) {
            match &chunk {
                Chunk::Text(text) => heard.text.push_str(text),
                Chunk::Reasoning(text) => heard.reasoning.push_str(text),
                _ => {}
            }
            if let Some(cut) = self.cut_chant(id, &chanted, session, now) {
                return cut;
            }
            return match chunk {
                Chunk::Text(text) => vec![Effect::Delta(Delta::Text { call: id, agent, text })],
                Chunk::Reasoning(text) => vec![Effect::Delta(Delta::Reasoning { call: id, agent, text })],
                Chunk::Call(call) => {
                    self.heard.entry(id).or_default().calls.push(call);
                    Vec::new()
                }
                _ => Vec::new(),
            };
        }
        match chunk {
            Chunk::Text(text) => {
                heard.text.push_str(&text);
                if speaks { vec![Effect::Delta(Delta::Text { call: id, agent, text })] } else { Vec::new() }
            }
            Chunk::Reasoning(text) => {
                heard.reasoning.push_str(&text);
                if speaks { vec![Effect::Delta(Delta::Reasoning { call: id, agent, text })] } else { Vec::new() }
            }
            Chunk::Call(call) => {
                heard.calls.push(call);
                Vec::new()
            }
            Chunk::Usage(tokens) => {
                heard.tokens = Some(tokens);
                Vec::new()
            }
            Chunk::Served(model) => {
                heard.served = Some(model);
                Vec::new()
            }
            Chunk::Identity(_) | Chunk::Remark(_) => Vec::new(),
            Chunk::Finished(finish) => self.on_finish(id, finish, session, now),
        }
    }

    fn on_finish(&mut self, id: CallId, finish: Finish, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(call) = open_call(id, session) else { return Vec::new() };
        let offered = call.turn.and_then(|turn| open_turn(turn, session)).is_some_and(|turn| {
            let agent = session.team().and_then(|team| team.agent(&turn.agent));
            agent.is_some_and(|agent| !self.offered(agent, turn, session).is_empty())
        });
        let heard = self.heard.entry(id).or_default();
        if !offered || finish != Finish::Stop {
            // Nobody may call what was not offered, nor what may have been cut off.
            heard.calls.clear();
        }
        // AG2: a selector's empty answer is one that names nobody, which has retries of its own.
        if heard.text.trim().is_empty()
            && heard.calls.is_empty()
            && finish != Finish::Filtered
            && call.purpose != Purpose::Select
        {
            let text = format!("{} answered with nothing at all.", call.model);
            return self.on_failure(id, Failure::new(FailureKind::Empty, text), session, now);
        }
        if finish == Finish::Filtered {
            let text = format!("{}'s content filter stopped the answer. Change the message or the model.", call.model);
            return self.on_failure(id, Failure::new(FailureKind::Filtered, text), session, now);
        }
        let heard = self.heard.remove(&id).unwrap_or_default();
        let answered = Event::ModelAnswered {
            call: id,
            usage: heard.usage(call, session),
            latency_ms: now.saturating_sub(call.since).max(0) as u64,
            finish,
            served: heard.served.clone(),
        };
        let actor = Actor::Agent(call.agent.clone());
        match (call.purpose, call.turn.and_then(|turn| open_turn(turn, session))) {
            (Purpose::Select, _) => {
                let candidates = match session.team() {
                    Some(team) => self.gates.candidates(session, team),
                    None => Default::default(),
                };
                let mentions = self.selector.read(&heard.text, &candidates);
                let answer = Event::SelectorAnswered { call: id, answer: Arc::from(heard.text), mentions };
                vec![Effect::append(Actor::System, vec![answered, answer])]
            }
            (Purpose::Speak, Some(turn)) => {
                if let Some(rejected) = self.reject(id, &answered, &heard, turn, session) {
                    return rejected;
                }
                let mut said = spoken(&heard, call, session);
                said.completeness = if finish == Finish::Length { Completeness::CutOff } else { Completeness::Whole };
                said.call = Some(id);
                said.turn = Some(turn.id);
                if !heard.calls.is_empty() {
                    said.kind = MessageKind::ToolCalls;
                    said.tool_calls = told_apart(heard.calls);
                }
                self.reply(answered, said, turn, session, now)
            }
            (Purpose::Summarize, _) => {
                let (method, text) = (SummaryMethod::ReflectionWithLlm, heard.text.trim().into());
                let summary = Event::Summarized(Summarized { method, text, call: Some(id), problem: None });
                vec![Effect::append(Actor::System, vec![answered, summary])]
            }
            (Purpose::Speak, None) => vec![Effect::append(actor, vec![answered])],
        }
    }

    pub(super) fn on_failure(
        &mut self,
        id: CallId,
        failure: Failure,
        session: &Session,
        _now: UnixMillis,
    ) -> Vec<Effect> {
        let Some(call) = open_call(id, session) else { return Vec::new() };
        let heard = self.heard.remove(&id).unwrap_or_default();
        let usage = heard.usage(call, session);
        let inquiry = line(call, session);
        let (retry_ms, fallback) = inquiry
            .map(|inquiry| next_attempt(inquiry, call, id, &failure, !heard.text.is_empty(), session))
            .unwrap_or_default();
        let mut events = vec![Event::ModelFailed { call: id, failure, usage, retry_ms, fallback }];
        if call.purpose == Purpose::Speak && !heard.text.trim().is_empty() {
            events.push(Event::MessagePosted { message: Arc::new(interrupted(&heard, id, call, session)) });
        }
        vec![Effect::append(Actor::System, events)]
    }
}

/// When and with which model to try again.
fn next_attempt(
    inquiry: &Inquiry,
    call: &Call,
    id: CallId,
    failure: &Failure,
    had_text: bool,
    session: &Session,
) -> (Option<u64>, Option<String>) {
    // What a content filter stops, another model is not asked for (AG2: content_filter is raised at once).
    if failure.kind == FailureKind::Filtered {
        return (None, None);
    }
    // After visible text one more try is made by itself, no more: each is paid for.
    let patient = !had_text || inquiry.tries <= 1;
    let seed = session.team().map_or(0, |team| team.seed);
    if patient && let Some(wait) = retry::delay_ms(inquiry.tries, failure, jitter(seed, id)) {
        return (Some(wait), None);
    }
    let first = inquiry.models.first().unwrap_or(&call.model);
    let chain = session.team().and_then(|team| team.models.get(first)).map(|model| model.fallback.as_slice());
    match chain.unwrap_or_default().iter().find(|model| !inquiry.models.contains(model)) {
        Some(next) => (Some(0), Some(next.clone())),
        None => (None, None),
    }
}

/// A number in 0..1 that is the same for the same run.
fn jitter(seed: u64, call: CallId) -> f64 {
    let mut n = seed ^ call.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    n = (n ^ (n >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n ^= n >> 29;
    (n >> 11) as f64 / (1u64 << 53) as f64
}

fn open_call(id: CallId, session: &Session) -> Option<&Call> {
    let call = session.open_call(id)?;
    line(call, session).is_some_and(|inquiry| inquiry.phase == Phase::Calling(id)).then_some(call)
}

/// The line that a call is on.
fn line<'a>(call: &Call, session: &'a Session) -> Option<&'a Inquiry> {
    match call.turn {
        None if call.purpose == Purpose::Summarize => Some(&session.summing().inquiry),
        None => Some(&session.floor().selecting.inquiry),
        Some(turn) => open_turn(turn, session).map(|turn| &turn.inquiry),
    }
}

fn open_turn(id: crate::chat::id::TurnId, session: &Session) -> Option<&Turn> {
    session.turns().iter().find(|turn| turn.id == id)
}

fn spoken(heard: &Heard, call: &Call, session: &Session) -> Message {
    let author = Author::Agent(call.agent.clone());
    let mut said = message(session, author, MessageKind::Reply, heard.text.as_str());
    said.reasoning = (!heard.reasoning.is_empty()).then(|| Arc::from(heard.reasoning.as_str()));
    said
}

/// What was said before a call broke off: kept for the operator, not for the others.
pub(super) fn interrupted(heard: &Heard, id: CallId, call: &Call, session: &Session) -> Message {
    let mut said = spoken(heard, call, session);
    said.completeness = Completeness::Interrupted;
    said.call = Some(id);
    said
}

/// Calls whose identities are unique, as answers need them: a model that repeats one gets it back with a number.
fn told_apart(mut calls: Vec<ToolCall>) -> Vec<ToolCall> {
    for n in 1..calls.len() {
        let (before, call) = calls.split_at_mut(n);
        let call = &mut call[0];
        while call.id.is_empty() || before.iter().any(|other| other.id == call.id) {
            call.id = format!("{}_{n}", call.id);
        }
    }
    calls
}

/// A program printed something.
pub(super) fn output(op: OpId, text: String, session: &Session) -> Vec<Effect> {
    let runs = |turn: &&Turn| turn.stages().any(|stage| matches!(stage, Stage::Running(running, _) if *running == op));
    match session.turns().iter().find(runs) {
        Some(turn) => vec![Effect::Delta(Delta::Output { op, agent: turn.agent.clone(), text })],
        None => match session.hand(op) {
            Some(hand) => vec![Effect::Delta(Delta::Output { op, agent: hand.agent.clone(), text })],
            None => Vec::new(),
        },
    }
}

/// A program is over.
pub(super) fn ran(op: OpId, execution: Execution, session: &Session) -> Vec<Effect> {
    let running = session.turns().iter().find_map(|turn| {
        turn.stages().find_map(|stage| match stage {
            Stage::Running(running, approval) if *running == op => Some((turn, *approval)),
            _ => None,
        })
    });
    if session.hand(op).is_some() {
        return vec![Effect::append(Actor::System, vec![Event::Outcome { op, execution }])];
    }
    let Some((turn, approval)) = running else { return Vec::new() };
    let mut effects = vec![Effect::append(Actor::System, vec![Event::Outcome { op, execution: execution.clone() }])];
    effects.extend(match tool_result(op, approval, &execution, turn, session) {
        Some(told) => vec![told],
        None => posted_result(approval, &execution, turn, session),
    });
    effects
}

/// What came of a tool call, for its model; nothing when it was code.
pub(super) fn tool_result(
    op: OpId,
    approval: ApprovalId,
    execution: &Execution,
    turn: &Turn,
    session: &Session,
) -> Option<Effect> {
    let asked = session.approval(approval)?;
    let call = call_of(turn, &asked.payload)?;
    let edited = asked.original.as_ref().and_then(|_| asked.payload.blocks.first());
    let limit = asked.payload.tool.as_ref().and_then(|tool| session.tool(&tool.name)?.result_limit);
    let program = asked.payload.tool.as_ref().is_some_and(|tool| tool.source.is_none());
    let result = result_of(call, execution, program, limit, edited.map(|block| &*block.code));
    Some(returned(turn, ToolResult { op: Some(op), ..result }))
}

/// The message that tells the others what came of the code.
pub(super) fn posted_result(
    approval: ApprovalId,
    execution: &Execution,
    turn: &Turn,
    session: &Session,
) -> Vec<Effect> {
    let mut text = execution.reply();
    if let Some(asked) = session.approval(approval)
        && let (Some(original), Some((Verdict::RunEdited(_), _))) = (&asked.original, &asked.decision)
    {
        let _ = write!(
            text,
            "\n\nThe operator changed the code before it ran (- was, + ran):\n{}",
            changes(original, &asked.payload)
        );
    }
    let author = Author::Agent(turn.agent.clone());
    let mut result = message(session, author, MessageKind::CodeResult, text);
    result.turn = Some(turn.id);
    vec![finish_with(result, turn, Actor::Agent(turn.agent.clone()))]
}

fn changes(before: &Payload, after: &Payload) -> String {
    let text =
        |payload: &Payload| payload.blocks.iter().map(|block| block.code.to_string()).collect::<Vec<_>>().join("\n\n");
    let (old, new) = (text(before), text(after));
    let diff = similar::TextDiff::from_lines(&old, &new);
    let mut lines = String::new();
    for change in diff.iter_all_changes() {
        let mark = match change.tag() {
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
            similar::ChangeTag::Equal => continue,
        };
        let _ = writeln!(lines, "{mark} {}", change.value().trim_end_matches('\n'));
    }
    lines
}
