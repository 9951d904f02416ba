//! An operator who acts by a list: when this is the case, do that.

use super::world::{Running, Told, kind_of};
use plenary::chat::Name;
use plenary::chat::breaks::BreakCommand;
use plenary::chat::code::CodeBlock;
use plenary::chat::command::Command;
use plenary::chat::event::{Answer, Boundary, Event, Verdict};
use plenary::chat::id::{ApprovalId, AskId, MessageId, Seq};
use plenary::chat::request::{Prompt, Role};
use plenary::chat::team::{ApprovalPolicy, HumanInputMode};
use plenary::chat::update::{Delta, Update};
use plenary::session::{Session, Waiting};
use serde::Deserialize;
use std::collections::HashSet;

/// One step of the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub when: When,
    #[serde(rename = "do")]
    pub act: Act,
    // What the act is about, as it needs it.
    find: Option<String>,
    replace: Option<String>,
    reason: Option<String>,
    text: Option<String>,
    agent: Option<Name>,
    #[serde(default)]
    agents: Vec<Name>,
    #[serde(default)]
    announced: bool,
    /// Position in the transcript, from 1, as on the screen.
    message: Option<usize>,
    branch: Option<String>,
    boundary: Option<Boundary>,
    /// Name and sizes of a picture.
    name: Option<String>,
    #[serde(default)]
    pub sizes: Vec<(u16, u16)>,
}

/// What the operator waits for. Each thing is waited for once: the second `approval` is the second request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Code waits for consent.
    Approval,
    /// An agent asks for words.
    Ask,
    /// A speaker has to be picked.
    Pick,
    /// The run holds.
    Held,
    /// The run has ended.
    Ended,
    /// There is no task.
    Task,
    /// At once.
    Now,
    /// A message contains this.
    Message(String),
    /// A record of this kind came.
    Record(String),
    /// This agent's model is being heard.
    Speaking(Name),
    /// What is being said contains this.
    Heard(String),
    /// What is being printed contains this.
    Printed(String),
}

/// What the operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Approve,
    ApproveEdited,
    Remember,
    Deny,
    /// An answer to what is asked, otherwise words to the team; in an agent's name when one is given.
    Say,
    /// Words for `agents` only; with `announced` the others are told that they were spoken to.
    Whisper,
    Skip,
    EndChat,
    CallOn,
    Queue,
    AcceptProposal,
    /// Asks the model who should speak.
    Propose,
    Bar,
    Unbar,
    Terminate,
    Pause,
    Resume,
    Step,
    Interrupt,
    Edit,
    GoTo,
    RaiseLimits,
    End,
    /// Changes the reply that is held back.
    Revise,
    /// Adds `text` to the request that is held back.
    Amend,
    /// A picture of the screen, taken later from the same records.
    Screen,
    /// Closes the console.
    Leave,
}

/// A picture to take: after so many updates.
#[derive(Debug, Clone)]
pub struct Moment {
    pub name: String,
    pub after: usize,
    pub sizes: Vec<(u16, u16)>,
}

/// What was seen and done so far.
#[derive(Clone, Default)]
struct Seen {
    approvals: HashSet<ApprovalId>,
    asks: HashSet<AskId>,
    /// The newest record that was waited for.
    record: Seq,
    heard: String,
    printed: String,
    approval: Option<ApprovalId>,
    ask: Option<AskId>,
}

/// Lets the operator act until the list is done and the run has ended (or was left).
pub async fn operate(mut running: Running, steps: &[Step]) -> (Told, Vec<Moment>) {
    let mut seen = Seen::default();
    let mut moments = Vec::new();
    let mut steps = steps.iter();
    let mut step = steps.next();
    loop {
        while let Some(now) = step {
            let before = seen.clone();
            if !seen.meets(&now.when, &running) {
                break;
            }
            if now.act == Act::Screen {
                // Looking at something does not use it up.
                seen = before;
            }
            step = steps.next();
            match now.act {
                Act::Leave => {
                    assert!(step.is_none(), "nothing follows `leave`");
                    return (running.leave().await, moments);
                }
                Act::Screen => moments.push(Moment {
                    name: now.name.clone().expect("a screen needs a `name`"),
                    after: running.updates.len(),
                    sizes: now.sizes.clone(),
                }),
                _ => {
                    let command = seen.command(now, &running);
                    running.send(command).await;
                }
            }
        }
        if step.is_none() && running.session.ended().is_some() {
            return (running.leave().await, moments);
        }
        match running.next().await {
            Update::Delta(Delta::Text { text, .. }) => seen.heard.push_str(text),
            Update::Delta(Delta::Output { text, .. }) => seen.printed.push_str(text),
            Update::Record(record) => match &record.event {
                Event::ModelCalled { .. } => seen.heard.clear(),
                Event::Intent { .. } => seen.printed.clear(),
                _ => {}
            },
            _ => {}
        }
    }
}

impl Seen {
    fn meets(&mut self, when: &When, running: &Running) -> bool {
        let session = &running.session;
        match when {
            When::Now => true,
            When::Task => session.waiting().contains(&Waiting::Task),
            When::Approval => {
                let new = session.waiting().into_iter().find_map(|item| match item {
                    Waiting::Approval(id) if !self.approvals.contains(&id) && !stands(session, id) => Some(id),
                    _ => None,
                });
                self.approvals.extend(new);
                self.approval = new.or(self.approval);
                new.is_some()
            }
            When::Ask => {
                let new = session.waiting().into_iter().find_map(|item| match item {
                    Waiting::Ask(id) if !self.asks.contains(&id) => Some(id),
                    _ => None,
                });
                self.asks.extend(new);
                self.ask = new.or(self.ask);
                new.is_some()
            }
            When::Pick => self.comes(running, |event| matches!(event, Event::SpeakerWanted { .. })),
            When::Held => self.comes(running, |event| matches!(event, Event::Held { .. })),
            When::Ended => self.comes(running, |event| matches!(event, Event::Ended { .. })),
            When::Record(kind) => self.comes(running, |event| kind_of(event) == *kind),
            When::Message(part) => self.comes(
                running,
                |event| matches!(event, Event::MessagePosted { message } if message.content.contains(part.as_str())),
            ),
            When::Speaking(agent) => {
                session.turn_of(agent).is_some_and(|turn| turn.inquiry.is_busy()) && !self.heard.is_empty()
            }
            When::Heard(part) => self.heard.contains(part.as_str()),
            When::Printed(part) => self.printed.contains(part.as_str()),
        }
    }

    /// Whether such a record came after the one that was waited for last.
    fn comes(&mut self, running: &Running, fits: impl Fn(&Event) -> bool) -> bool {
        let log = running.session.log();
        let found = log.iter().find(|record| record.seq > self.record && fits(&record.event));
        self.record = found.map_or(self.record, |record| record.seq);
        found.is_some()
    }

    fn command(&self, step: &Step, running: &Running) -> Command {
        let session = &running.session;
        let decide = |verdict: Verdict, remember: bool| {
            let id = self.approval.expect("nothing was asked for approval");
            let asked = session.approval(id).unwrap();
            Command::Decide { approval: id, hash: asked.hash.clone(), verdict, seen_in_full: true, remember }
        };
        let reply = |answer: Answer| Command::Reply { ask: self.ask.expect("nobody asked for words"), answer };
        let agent = || step.agent.clone().expect("whose? `agent` is missing");
        let text = || step.text.as_deref().expect("what? `text` is missing").into();
        match step.act {
            Act::Approve => decide(Verdict::Run, false),
            Act::Remember => decide(Verdict::Run, true),
            Act::ApproveEdited => {
                let blocks = &session.approval(self.approval.unwrap()).unwrap().payload.blocks;
                let changed = |block: &CodeBlock| CodeBlock { code: step.change(&block.code).into(), ..block.clone() };
                decide(Verdict::RunEdited(blocks.iter().map(changed).collect()), false)
            }
            Act::Deny => decide(Verdict::Deny(step.reason.clone().unwrap_or_default()), false),
            Act::Say if matches!(step.when, When::Ask) => reply(Answer::Say(text())),
            Act::Say => Command::Speak { text: text(), as_agent: step.agent.clone() },
            Act::Whisper => Command::Whisper {
                text: text(),
                as_agent: step.agent.clone(),
                to: step.agents.clone(),
                announced: step.announced,
            },
            Act::Skip => reply(Answer::Skip),
            Act::EndChat => reply(Answer::End),
            Act::CallOn => Command::CallOn { agent: agent() },
            Act::Queue => Command::Queue { queue: step.agents.clone() },
            Act::AcceptProposal => Command::AcceptProposal,
            Act::Propose => Command::Propose,
            Act::Bar => Command::Bar { agent: agent(), turns: None },
            Act::Unbar => Command::Unbar { agent: agent() },
            Act::Terminate => Command::Terminate,
            Act::Pause => Command::Pause { boundary: step.boundary.unwrap_or(Boundary::Turn) },
            Act::Resume => Command::Resume,
            Act::Step => Command::Step,
            Act::Interrupt => Command::Interrupt,
            Act::Edit => {
                let place = step.message.expect("which? `message` is missing") - 1;
                let message = &session.transcript().entries()[place].message;
                let id: MessageId = message.id;
                Command::Edit { message: id, content: step.change(&message.content).into() }
            }
            Act::GoTo => {
                let name = step.branch.as_deref().expect("where? `branch` is missing");
                let branch = session.branches().iter().find(|branch| branch.name == name);
                Command::MoveTo { seq: branch.expect("there is no such branch").tip }
            }
            Act::Revise => {
                let (turn, draft) = session.draft().expect("no reply is held back");
                let content = step.change(&draft.content).into();
                Command::Break(BreakCommand::Revise { turn, content })
            }
            Act::Amend => {
                let shown = session.shown().expect("no request is held back");
                let mut messages = shown.request.messages.to_vec();
                messages.push(Prompt::new(Role::User, None, step.text.as_deref().expect("`text` is missing")));
                Command::Break(BreakCommand::Amend { turn: shown.turn, messages })
            }
            Act::RaiseLimits => Command::RaiseLimits,
            Act::End => Command::End,
            Act::Screen | Act::Leave => unreachable!("these are no commands"),
        }
    }
}

impl Step {
    fn change(&self, text: &str) -> String {
        let find = self.find.as_deref().expect("what? `find` is missing");
        assert!(text.contains(find), "there is no {find:?} in {text:?}");
        text.replace(find, self.replace.as_deref().expect("by what? `replace` is missing"))
    }
}

/// Whether a policy answers this request: its decision is a record of its own, right after the request.
fn stands(session: &Session, id: ApprovalId) -> bool {
    let asked = session.approval(id).unwrap();
    let agent = session.team().and_then(|team| team.agent(&asked.agent)).unwrap();
    let tool = asked.payload.tool.as_ref().and_then(|tool| Some(&session.team()?.tools.get(&tool.name)?.execution));
    let execution = tool.or(agent.code_execution.as_ref());
    let never = execution.is_some_and(|execution| execution.approval == ApprovalPolicy::Never)
        && agent.human_input_mode != HumanInputMode::FunctionCall;
    never || session.is_granted(&asked.agent, &asked.payload, &asked.hash)
}
