//! One speaker's turn: the person first, then code, then the model, then the default words.
//!
//! The order, the counters and the human decision table are AG2's ConversableAgent.generate_reply (reference:
//! ag2-semantics 1.3 and 1.4). One deliberate difference: where code waits for the operator's consent anyway, mode
//! ALWAYS does not ask a second time before it.

use super::{Machine, breaks, ended, last_word_unsaid, message, needs_person, standing_consent};
use crate::chat::UnixMillis;
use crate::chat::code::{CodeBlock, Payload};
use crate::chat::event::{Actor, AskKind, EndCause, Event, Verdict};
use crate::chat::id::{ApprovalId, MessageId};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::request::{Purpose, Request};
use crate::chat::team::{Agent, HumanInputMode};
use crate::chat::tool::ToolResult;
use crate::engine::context::Question;
use crate::engine::effect::Effect;
use crate::execution::blocks;
use crate::session::turn::{Phase, Stage, Turn};
use crate::session::{Session, Waiting};
use std::sync::Arc;

/// What the messages offer an agent that runs code.
enum Code {
    Nothing,
    Blocks(MessageId, Vec<CodeBlock>),
    CutOff,
}

impl Machine {
    /// The next step of a turn; nothing when it waits.
    pub(super) fn step(&mut self, turn: &Turn, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(agent) = session.team().and_then(|team| team.agent(&turn.agent)) else {
            // The team has no such member any more; the turn cannot go on.
            return vec![Effect::append(Actor::System, vec![Event::TurnEnded { turn: turn.id, finished: true }])];
        };
        match &turn.stage {
            Stage::Posted => {
                vec![Effect::append(Actor::System, vec![Event::TurnEnded { turn: turn.id, finished: true }])]
            }
            Stage::Begun => self.begin(turn, agent, session, now),
            Stage::Cleared if agent.max_consecutive_auto_reply == 0 => {
                // AG2: who may never reply by itself sends what the person sent, which is nothing (C044).
                let mut nothing = message(session, Author::Agent(agent.name.clone()), MessageKind::Human, "");
                nothing.turn = Some(turn.id);
                vec![finish_with(nothing, turn, Actor::Operator)]
            }
            Stage::Cleared => self.run_or_speak(turn, agent, session, now),
            Stage::Drafted => breaks::say(turn, session),
            Stage::Decided(approval) => self.act_on(*approval, turn, session, now),
            Stage::Within => self.go_on_within(turn, agent, session, now),
            Stage::Wording => self.speak(turn, agent, session, now),
            Stage::Calling => self.call_tools(turn, agent, session, now),
            Stage::Answered => self.after_tools(turn, agent, session, now),
            Stage::Ran(_, approval, execution) => super::heard::posted_result(*approval, execution, turn, session),
            Stage::Consent(approval) => match self.standing_consent(*approval, session, now) {
                Some(decided) => vec![decided],
                None => self.nobody_there(turn, session, now),
            },
            Stage::Asked(_) | Stage::Unknown(_) => self.nobody_there(turn, session, now),
            Stage::Running(..) => Vec::new(),
        }
    }

    /// Headless, what would wait for a person ends the run and says what for.
    pub(super) fn nobody_there(&self, turn: &Turn, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if !self.rules.headless {
            return Vec::new();
        }
        let wanted = session.waiting().first().map_or("a person".to_owned(), needs_person);
        let hint = match session.waiting().first() {
            Some(Waiting::Approval(_)) => {
                " Run it in the console, or pass --approve sandboxed (code in containers runs unasked) or --approve all."
            }
            _ => " Run it in the console.",
        };
        let text = format!("{} needs {wanted}, and nobody is there.{hint}", turn.agent);
        let agent = Some(turn.agent.clone());
        vec![Effect::append(Actor::System, vec![ended(EndCause::NeedsPerson, text, agent, session, now)])]
    }

    /// The human stage of the reply pipeline.
    fn begin(&mut self, turn: &Turn, agent: &Agent, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let last = session.transcript().last_heard_by(&agent.name);
        let over = last.is_some_and(|entry| agent.is_termination_msg.matches(&entry.message.content));
        let spent = session.meter(&agent.name).auto_replies >= agent.max_consecutive_auto_reply;
        let ask = match agent.human_input_mode {
            HumanInputMode::Always if over => Some(AskKind::LastWord),
            HumanInputMode::Always if self.consent_is_coming(agent, session, now) => None,
            HumanInputMode::Always => Some(AskKind::Feedback),
            HumanInputMode::Terminate if over => Some(AskKind::LastWord),
            HumanInputMode::Terminate if spent => Some(AskKind::LimitReached),
            HumanInputMode::Terminate => None,
            HumanInputMode::Never | HumanInputMode::FunctionCall if spent => {
                let text = format!("Maximum number of consecutive auto-replies reached by {}", agent.name);
                let end = ended(EndCause::Member, text, Some(agent.name.clone()), session, now);
                return vec![Effect::append(Actor::System, vec![end])];
            }
            HumanInputMode::Never | HumanInputMode::FunctionCall if over => {
                let text = format!("Termination message condition on agent '{}' met", agent.name);
                let end = ended(EndCause::Member, text, Some(agent.name.clone()), session, now);
                return vec![Effect::append(Actor::System, vec![end])];
            }
            HumanInputMode::Never | HumanInputMode::FunctionCall => None,
        };
        match ask {
            None => self.run_or_speak(turn, agent, session, now),
            // With nobody there to say a last word, none is said.
            Some(AskKind::LastWord) if self.rules.headless => {
                let end = last_word_unsaid(Some(agent.name.clone()), session, now);
                vec![Effect::append(Actor::System, vec![end])]
            }
            Some(ask_kind) => {
                let ask = session.ids().ask;
                let asked = Event::HumanAsked { ask, turn: turn.id, agent: agent.name.clone(), ask_kind };
                vec![Effect::append(Actor::System, vec![asked])]
            }
        }
    }

    fn consent_is_coming(&self, agent: &Agent, session: &Session, now: UnixMillis) -> bool {
        match find_code(agent, session) {
            Code::Blocks(_, blocks) => self.payload(agent, blocks, session).is_some_and(|payload| {
                let next = session.ids().approval;
                let shown = (&payload, &*payload.hash());
                standing_consent(&self.rules, session, next, &agent.name, shown, now).is_none()
            }),
            _ => false,
        }
    }

    fn payload(&self, agent: &Agent, blocks: Vec<CodeBlock>, session: &Session) -> Option<Payload> {
        let mut place = self.rules.places.get(&agent.name)?.clone();
        place.work_dir = session.workspace(&place.work_dir).to_owned();
        Some(Payload::code(blocks, place))
    }

    /// The code stage, then words.
    fn run_or_speak(&mut self, turn: &Turn, agent: &Agent, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if let Some(handed) = self.hand_over_by_rule(turn, agent, session) {
            return handed;
        }
        if let Some(entered) = self.enter(turn, agent, session, now) {
            return entered;
        }
        match find_code(agent, session) {
            Code::Nothing => self.speak(turn, agent, session, now),
            Code::CutOff => {
                let text = "The last message was cut off by the model's output limit, so its code was not run.";
                let mut cut = message(session, Author::Agent(agent.name.clone()), MessageKind::Auto, text);
                cut.turn = Some(turn.id);
                vec![finish_with(cut, turn, Actor::System)]
            }
            Code::Blocks(source, blocks) => {
                let Some(payload) = self.payload(agent, blocks, session) else {
                    return self.speak(turn, agent, session, now);
                };
                if let Some(stopped) = self.before_code(&payload.blocks, turn, session, now) {
                    return stopped;
                }
                let asked = Event::ApprovalAsked {
                    approval: session.ids().approval,
                    turn: turn.id,
                    agent: agent.name.clone(),
                    source,
                    hash: payload.hash(),
                    payload: Arc::new(payload),
                };
                vec![Effect::append(Actor::Agent(agent.name.clone()), vec![asked])]
            }
        }
    }

    /// The decision of a policy, where one stands, recorded under its name.
    pub(super) fn standing_consent(&self, approval: ApprovalId, session: &Session, now: UnixMillis) -> Option<Effect> {
        let asked = session.approval(approval)?;
        let policy =
            standing_consent(&self.rules, session, approval, &asked.agent, (&asked.payload, &asked.hash), now)?;
        let decided = Event::ApprovalDecided {
            approval,
            verdict: Verdict::Run,
            hash: asked.hash.clone(),
            seen_in_full: false,
            remember: false,
        };
        Some(Effect::append(Actor::Policy(policy), vec![decided]))
    }

    /// What a decision about code leads to.
    pub(super) fn act_on(&self, id: ApprovalId, turn: &Turn, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(asked) = session.approval(id) else { return Vec::new() };
        if let Some((Verdict::Deny(reason), _)) = &asked.decision {
            let reason = if reason.trim().is_empty() { "none was given" } else { reason.as_str() };
            if let Some(call) = super::tools::call_of(turn, &asked.payload) {
                let text = format!("Error: The operator did not approve this call. Reason: {reason}");
                return vec![super::tools::returned(turn, ToolResult::of(call, text, true))];
            }
            let text = format!(
                "exitcode: 1 (execution failed)\nCode output: The code was not run: the operator did not approve it. \
                 Reason: {reason}"
            );
            let mut denied = message(session, Author::Agent(turn.agent.clone()), MessageKind::CodeResult, text);
            denied.turn = Some(turn.id);
            return vec![finish_with(denied, turn, Actor::Operator)];
        }
        if let Some(stopped) = self.over_budget(session, now) {
            return stopped;
        }
        let op = session.ids().op;
        let intent = Event::Intent { op, approval: id, hash: asked.hash.clone() };
        vec![
            Effect::append(Actor::System, vec![intent]),
            Effect::Run { op, agent: turn.agent.clone(), payload: asked.payload.clone(), hash: asked.hash.clone() },
        ]
    }

    /// The model, or the default words of an agent that has none.
    pub(super) fn speak(&mut self, turn: &Turn, agent: &Agent, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(model) = &agent.model else {
            let Some(text) = &agent.default_auto_reply else {
                let text = format!("No reply generated by {}", agent.name);
                let end = ended(EndCause::Member, text, Some(agent.name.clone()), session, now);
                return vec![Effect::append(Actor::System, vec![end])];
            };
            let mut auto = message(session, Author::Agent(agent.name.clone()), MessageKind::Auto, text.as_str());
            auto.turn = Some(turn.id);
            return vec![finish_with(auto, turn, Actor::Agent(agent.name.clone()))];
        };
        let model = match &turn.inquiry.phase {
            Phase::Idle => model.clone(),
            Phase::Calling(_) => return Vec::new(),
            Phase::Backoff { until, .. } if now < *until => return vec![Effect::Wake(*until)],
            Phase::Backoff { model, .. } => model.clone(),
            Phase::Failed(failure) => return self.gave_up(failure, turn, agent, session, now),
        };
        if let Some(stopped) = self.over_budget(session, now) {
            return stopped;
        }
        if let Some(messages) = turn.entered.then(|| super::inner::digest(agent, session)).flatten() {
            let request = Request::new(session.ids().call, agent.name.clone(), Purpose::Speak, model, messages);
            let hash = request.hash();
            return self.send(request, hash, 0, turn, session, now);
        }
        if self.awaits_servers(agent) {
            return Vec::new();
        }
        let tools = self.offered(agent, turn, session);
        let Question { messages, hash, left_out } = self.contexts.question(agent, &model, &tools, session);
        let mut request = Request::new(session.ids().call, agent.name.clone(), Purpose::Speak, model, messages);
        request.tools = tools;
        let hash = match &agent.response_format {
            None => hash,
            Some(format) => {
                super::format::shape(&mut request, format, turn);
                request.hash()
            }
        };
        self.send(request, hash, left_out, turn, session, now)
    }
}

/// The record of a call and the call itself.
pub(super) fn ask(
    request: Request,
    hash: String,
    left_out: u32,
    turn: Option<crate::chat::id::TurnId>,
    attempt: u32,
) -> Vec<Effect> {
    let called = Event::ModelCalled {
        call: request.call,
        turn,
        agent: request.agent.clone(),
        purpose: request.purpose,
        model: request.model.clone(),
        attempt,
        request: hash,
        messages: request.messages.len() as u32,
        left_out,
        estimate: request.estimate(),
    };
    vec![Effect::append(Actor::System, vec![called]), Effect::Call(request)]
}

/// A message that ends its turn.
pub(super) fn finish_with(message: crate::chat::message::Message, turn: &Turn, actor: Actor) -> Effect {
    Effect::append(
        actor,
        vec![Event::MessagePosted { message: Arc::new(message) }, Event::TurnEnded { turn: turn.id, finished: true }],
    )
}

/// The newest code in the agent's window (AG2: last_n_messages; `auto` is everything since it last spoke). A window of
/// none is none: AG2 runs the whole history again there, a known defect.
fn find_code(agent: &Agent, session: &Session) -> Code {
    let Some(code) = &agent.code_execution else { return Code::Nothing };
    let own = Author::Agent(agent.name.clone());
    let heard = session.transcript().entries().iter().rev().filter(|entry| entry.message.is_heard_by(&agent.name));
    let window: Vec<_> = match code.last_n_messages {
        Some(n) => heard.take(n as usize).collect(),
        None => heard.take_while(|entry| entry.message.author != own).collect(),
    };
    for entry in window.into_iter().filter(|entry| entry.message.author != own) {
        let blocks = blocks::extract(&entry.message.content);
        if !blocks.is_empty() {
            return match entry.message.completeness {
                Completeness::Whole => Code::Blocks(entry.message.id, blocks),
                _ => Code::CutOff,
            };
        }
        if entry.message.completeness == Completeness::CutOff && entry.message.content.contains("```") {
            return Code::CutOff;
        }
    }
    Code::Nothing
}
