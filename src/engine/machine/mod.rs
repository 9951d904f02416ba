//! The turn logic, pure: inputs and a session in, effects out.
//!
//! The session holds everything that decides what comes next, so [`Machine::next`] can be asked at any time - after a
//! record, after a crash, on a fork - and gives the same answer. What the machine keeps for itself can be lost without
//! harm: text that is still streaming, how far the conditions have read, and how far requests have been hashed.
//!
//! `reply.rs` knows one speaker's turn (AG2: the reply pipeline), `failing.rs` what is done when it
//! cannot speak, `floor.rs` what happens between turns, `heard.rs`
//! what models and programs send back, `stop.rs` how things in flight are stopped.

mod breaks;
mod by_hand;
mod chant;
mod circles;
mod consult;
mod failing;
mod floor;
mod format;
mod heard;
mod inner;
mod reply;
mod stop;
pub(super) mod summing;
mod tools;

use super::context::Contexts;
use super::effect::{Effect, Input};
use crate::catalog::{self, OptionError};
use crate::chat::code::{Payload, Place};
use crate::chat::command::Command;
use crate::chat::containment::Tier;
use crate::chat::event::{Actor, Answer, AskKind, Choice, EndCause, EndDetail, Event, HoldReason, Resolution};
use crate::chat::id::{ApprovalId, AskId, CallId, OpId};
use crate::chat::leash;
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::team::{ApprovalPolicy, HumanInputMode, Spec, Team};
use crate::chat::{Name, UnixMillis};
use crate::selection::candidates::Gates;
use crate::selection::{SELECTORS, Selector};
use crate::session::turn::{Stage, Turn};
use crate::session::{Session, Waiting, decide, summary};
use crate::termination::Endings;
use crate::watch::Watch;
use heard::Heard;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How the machine decides where the team file does not.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Nobody is there to ask: what would wait for a person ends the run instead.
    pub headless: bool,
    /// Run code without asking; the policy's name goes into the record.
    pub approve_all: Option<String>,
    /// Run code without asking in containers, and there only; the policy's name goes into the record.
    pub approve_sandboxed: Option<String>,
    /// Where each agent's code would run.
    pub places: HashMap<Name, Place>,
    /// Where each tool would run; those of a server under its name and a slash.
    pub tool_places: HashMap<String, Place>,
    /// Servers that were started and will report. Nobody who may call their tools is asked before they have.
    pub servers: BTreeSet<String>,
    /// Nobody has said that this team is to be trusted: whatever it says, everything that acts is asked for.
    pub untrusted: bool,
    /// Programs that breakpoints may run: those of the operator's own settings and command line, never of a file that
    /// came from somebody else.
    pub programs: Vec<Vec<String>>,
}

/// An end that waits until what is in flight has been stopped.
#[derive(Debug, Clone)]
struct Ending {
    actor: Actor,
    cause: EndCause,
    text: String,
    agent: Option<Name>,
    detail: EndDetail,
}

/// The turn logic of one session.
pub struct Machine {
    selector: Box<dyn Selector>,
    /// Whom the operator may ask for a proposal: the model that `auto` asks.
    adviser: Box<dyn Selector>,
    gates: Gates,
    endings: Endings,
    watch: Watch,
    broken_at: Option<u64>,
    breaks: breaks::Breaking,
    rules: Rules,
    heard: HashMap<CallId, Heard>,
    /// Servers that have reported since this process began.
    reported: BTreeSet<String>,
    contexts: Contexts,
    formats: format::Formats,
    ending: Option<Ending>,
    outlook: Option<Option<Choice>>,
    /// Those of nested teams, by the agent that they stand behind.
    inner: BTreeMap<Name, Machine>,
}

impl Machine {
    /// The machine of a team.
    ///
    /// # Errors
    /// When the team names a selector or condition that does not exist here, as an old session may.
    pub fn new(team: &Team, rules: Rules) -> Result<Self, OptionError> {
        Ok(Machine {
            selector: catalog::build(SELECTORS, &team.speaker_selection_method)?,
            adviser: catalog::build(SELECTORS, &Spec::named("auto"))?,
            gates: Gates::new(team)?,
            endings: Endings::new(&team.termination)?,
            watch: Watch::new(team),
            broken_at: None,
            breaks: breaks::Breaking::default(),
            inner: inner::machines(team, &rules)?,
            rules,
            heard: HashMap::new(),
            reported: BTreeSet::new(),
            contexts: Contexts::default(),
            formats: Default::default(),
            ending: None,
            outlook: None,
        })
    }

    /// What an input leads to. Afterwards ask [`Machine::next`] until it has nothing to append.
    pub fn on(&mut self, input: Input, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if let Some(name) = self.addressee(&input, session) {
            return self.on_inner(&name, input, session, now);
        }
        let effects = match input {
            Input::Command(command) => self.on_command(command, session, now),
            Input::Chunk { call, chunk } => self.on_chunk(call, chunk, session, now),
            Input::Failed { call, failure } => self.on_failure(call, failure, session, now),
            Input::Started { op, pid } => vec![Effect::append(Actor::System, vec![Event::Started { op, pid }])],
            Input::Output { op, text } => heard::output(op, text, session),
            Input::Ran { op, execution } => heard::ran(op, execution, session),
            Input::Tools(event) => self.on_tools(event, session),
            Input::Held { op, bytes } => by_hand::held(op, bytes, session),
            Input::FileSeen(seen) => by_hand::seen(*seen),
            Input::Copied { then, copies } => self.on_copied(*then, copies, session, now),
            Input::Advised { op, advice } => consult::answered(op, advice, session),
            Input::Told { id, advice } => self.told(id, advice),
            Input::Tick => Vec::new(),
            Input::Stop { cause } => self.stop(cause, Actor::System, session, now),
        };
        self.put_off(effects, session)
    }

    /// An end in one of several turns waits until the others have been stopped: nothing goes on after it.
    fn put_off(&mut self, mut effects: Vec<Effect>, session: &Session) -> Vec<Effect> {
        if session.turns().len() < 2 || !session.is_busy() {
            return effects;
        }
        for effect in &mut effects {
            let Effect::Append { actor, events, .. } = effect else { continue };
            if let Some(Event::Ended { cause, text, agent, detail, .. }) =
                events.pop_if(|event| matches!(event, Event::Ended { .. }))
            {
                self.ending = Some(Ending { actor: actor.clone(), cause, text, agent, detail });
            }
        }
        effects.retain(|effect| !matches!(effect, Effect::Append { events, .. } if events.is_empty()));
        effects
    }

    /// Stops what is in flight, and then ends.
    fn bring_to_end(&mut self, ending: Ending, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let mut effects = self.hang_up(ending.actor.clone(), session);
        effects.extend(session.running().into_iter().map(Effect::Kill));
        if !session.is_busy() {
            let Ending { actor, cause, text, agent, detail } = ending;
            let mut end = ended(cause, text, agent, session, now);
            if let Event::Ended { detail: known, .. } = &mut end {
                *known = detail;
            }
            effects.push(Effect::append(actor, vec![end]));
        }
        effects
    }

    /// What should happen now, given the session alone.
    pub fn next(&mut self, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if let Some(effects) = self.start_by_hand(session) {
            return effects;
        }
        if session.ended().is_some() {
            // What was to end has ended; words after it begin a run that this does not concern.
            self.ending = None;
            return self.sum_up(session, now);
        }
        if session.team().is_none() || session.ended().is_some() {
            return Vec::new();
        }
        if let Some(ending) = self.ending.clone() {
            return self.bring_to_end(ending, session, now);
        }
        let effects = self.go_on(session, now);
        self.put_off(effects, session)
    }

    fn go_on(&mut self, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if session.hold().is_some() {
            return Vec::new();
        }
        if session.transcript().is_empty() {
            return self.need_task(session, now);
        }
        if let Some(effects) = self.after_records(session, now) {
            return effects;
        }
        if session.hold_asked() == Some(crate::chat::event::Boundary::Step) && !session.acts() {
            return hold(HoldReason::Operator);
        }
        let mut waits = Vec::new();
        let mut ending = false;
        for turn in session.turns() {
            if ending && !turn.is_busy() {
                // Nothing new begins in a run that is about to end.
                continue;
            }
            let effects = self.step(turn, session, now);
            if ends(&effects) && session.turns().iter().any(|other| other.id != turn.id && other.is_busy()) {
                // Those beside it say first what they have to say.
                ending = true;
                continue;
            }
            if effects.iter().any(|effect| matches!(effect, Effect::Append { .. })) {
                return effects;
            }
            // One that waits for its time does not hold up those beside it.
            waits.extend(effects);
        }
        if session.turns().is_empty() { self.pass_floor(session, now) } else { waits }
    }

    /// Who would be next, when that has changed since it was last said.
    pub fn outlook(&mut self, session: &Session) -> Option<Effect> {
        let next = self.foresee(session);
        if self.outlook.as_ref() == Some(&next) {
            return None;
        }
        self.outlook = Some(next.clone());
        Some(Effect::Outlook(next))
    }

    fn need_task(&self, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let opening = opening(session);
        if !opening.is_empty() {
            return vec![Effect::append(Actor::Operator, opening)];
        }
        if self.rules.headless {
            let text = "There is no task: give one with --task or in the team file.";
            return vec![Effect::append(Actor::System, vec![ended(EndCause::NeedsPerson, text, None, session, now)])];
        }
        Vec::new()
    }

    fn on_command(&mut self, command: Command, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if let Command::Break(command) = &command
            && let Err(why) = self.readable(command)
        {
            return vec![Effect::Refuse(why)];
        }
        let decision = match decide::decide(session, &command, now) {
            Ok(decision) => decision,
            Err(refusal) => return vec![Effect::Refuse(refusal.0)],
        };
        let begin = |event: &Event| matches!(event, Event::MessagePosted { .. } | Event::Released { .. });
        if session.awaits_summary() && decision.moved.is_none() && decision.events.iter().any(begin) {
            // A new run begins; the one that is over is not summed up any more.
            let mut effects = self.hang_up_summary(session);
            effects.push(Effect::append(Actor::Operator, decision.events));
            return effects;
        }
        if let Some(effects) = by_hand::deeds(&command, session) {
            return effects;
        }
        let mut events = decision.events;
        match &command {
            Command::Interrupt => return self.stop(None, Actor::Operator, session, now),
            Command::End => return self.stop(Some(EndCause::Operator), Actor::Operator, session, now),
            Command::Edit { .. } | Command::MoveTo { .. } => {
                // Nothing may go on talking on the branch that is left.
                let mut effects = self.hang_up(Actor::Operator, session);
                effects.push(Effect::Append { actor: Actor::Operator, events, moved: decision.moved });
                return effects;
            }
            Command::Reply { ask, answer } => {
                let last_word = session.ask(*ask).is_some_and(|ask| ask.kind == AskKind::LastWord);
                let agent = session.ask(*ask).map(|ask| ask.agent.clone());
                match answer {
                    Answer::End => {
                        let text = "User requested to end the conversation";
                        events.push(ended(EndCause::Operator, text, agent, session, now));
                    }
                    Answer::Skip if !last_word && may_never_reply(agent.as_deref(), session) => {
                        events.extend(unsaid(*ask, session));
                    }
                    Answer::Skip if last_word => events.push(last_word_unsaid(agent, session, now)),
                    Answer::Skip | Answer::Say(_) => {}
                }
            }
            Command::Bar { .. } | Command::Unbar { .. } => {
                // What a selector is being asked is no longer the question.
                let mut effects = self.hang_up_selector(session);
                effects.push(Effect::append(Actor::Operator, events));
                return effects;
            }
            Command::EndProgram { op } => return vec![Effect::Kill(*op)],
            Command::ExtendTime { op, added_ms } => {
                return vec![Effect::append(Actor::Operator, events), Effect::Extend(*op, *added_ms)];
            }
            Command::Tools(asked) => {
                return vec![Effect::append(Actor::Operator, events), Effect::Tools(asked.clone())];
            }
            Command::Resolve { op, resolution } => events.extend(resolved(*op, *resolution, session)),
            _ => {}
        }
        vec![Effect::append(Actor::Operator, events)]
    }
}

/// What the team file says at the beginning: the initial messages and the task; without a task, the last of them is it.
fn opening(session: &Session) -> Vec<Event> {
    let Some(team) = session.team() else { return Vec::new() };
    let task = team.task.as_ref().map(|task| (Author::Operator, task.as_str()));
    let said: Vec<_> =
        team.initial.iter().map(|said| (said.author.clone(), said.content.as_str())).chain(task).collect();
    let last = said.len().saturating_sub(1);
    let posted = said.into_iter().enumerate().map(|(n, (author, content))| {
        let kind = match &author {
            _ if n == last => MessageKind::Task,
            Author::Operator => MessageKind::Human,
            Author::Agent(_) => MessageKind::Reply,
        };
        let mut message = Message::new(session.ids().message, author, kind, content);
        message.id.0 += n as u64;
        Event::MessagePosted { message: Arc::new(message) }
    });
    posted.collect()
}

/// A reply by somebody, with the next free identity, to those it speaks to.
fn message(session: &Session, author: Author, kind: MessageKind, content: impl Into<Arc<str>>) -> Message {
    let mut message = Message::new(session.ids().message, author, kind, content);
    message.to = session.hears(&message.author).to_vec();
    message
}

/// Whether these effects end the run.
fn ends(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Append { events, .. } => events.iter().any(|event| matches!(event, Event::Ended { .. })),
        _ => false,
    })
}

/// An end record with the figures of the moment.
fn ended(cause: EndCause, text: impl Into<String>, agent: Option<Name>, session: &Session, now: UnixMillis) -> Event {
    let (totals, achieved) = (session.totals(now), summary::achieved(session));
    Event::Ended { cause, text: text.into(), agent, totals, detail: EndDetail::default(), achieved }
}

/// Whether an agent may not reply even once by itself.
fn may_never_reply(agent: Option<&str>, session: &Session) -> bool {
    let agent = agent.and_then(|name| session.team()?.agent(name));
    agent.is_some_and(|agent| agent.max_consecutive_auto_reply == 0)
}

/// An agent that may not reply by itself says nothing at all, and that is its reply (AG2: limit 0 and an empty line).
fn unsaid(ask: AskId, session: &Session) -> Vec<Event> {
    let Some(asked) = session.ask(ask) else { return Vec::new() };
    let mut empty = message(session, Author::Agent(asked.agent.clone()), MessageKind::Human, "");
    empty.turn = Some(asked.turn);
    vec![Event::MessagePosted { message: Arc::new(empty) }, Event::TurnEnded { turn: asked.turn, finished: true }]
}

fn last_word_unsaid(agent: Option<Name>, session: &Session, now: UnixMillis) -> Event {
    let name = agent.as_deref().unwrap_or("the team");
    let text = format!("Termination message condition on agent '{name}' met and no human input provided");
    ended(EndCause::Member, text, agent, session, now)
}

fn hold(why: HoldReason) -> Vec<Effect> {
    let actor = if why == HoldReason::Operator { Actor::Operator } else { Actor::System };
    vec![Effect::append(actor, vec![Event::Held { why }])]
}

/// The words that stand for an outcome nobody knows.
fn resolved(op: OpId, resolution: Resolution, session: &Session) -> Vec<Event> {
    let text = match resolution {
        Resolution::AskAgain => return Vec::new(),
        Resolution::Done => {
            "exitcode: 0 (execution succeeded)\nCode output: (the output was lost; the operator \
                             confirmed that the code ran)"
        }
        Resolution::GiveUp => {
            "exitcode: 1 (execution failed)\nCode output: (it is not known whether the code ran: \
                               Plenary was stopped while it was under way)"
        }
    };
    let unknown = |turn: &&Turn| turn.stages().any(|stage| *stage == Stage::Unknown(op));
    let Some(turn) = session.turns().iter().find(unknown) else { return Vec::new() };
    if let Some(place) = turn.tools.stages.iter().position(|stage| *stage == Stage::Unknown(op)) {
        return vec![tools::resolved(turn, &turn.tools.calls[place], resolution)];
    }
    let mut posted = message(session, Author::Agent(turn.agent.clone()), MessageKind::CodeResult, text);
    posted.turn = Some(turn.id);
    vec![Event::MessagePosted { message: Arc::new(posted) }, Event::TurnEnded { turn: turn.id, finished: true }]
}

/// Whether an agent's code may run without a question, and by which policy.
fn standing_consent(
    rules: &Rules,
    session: &Session,
    approval: ApprovalId,
    agent: &str,
    (payload, hash): (&Payload, &str),
    now: UnixMillis,
) -> Option<String> {
    if session.ran_elsewhere(hash) {
        return None;
    }
    if session.is_granted(agent, payload, hash) {
        return Some("allowed for this branch by the operator".to_owned());
    }
    let tier = payload.place.tier;
    let leash = session.leashes().find(|(whose, _)| &***whose == agent).map(|(_, leash)| leash);
    if !tier.is_none() && leash.is_some_and(|leash| leash.covers(approval, now)) {
        return Some(leash::POLICY.to_owned());
    }
    if let Some(policy) = &rules.approve_all {
        return Some(policy.clone());
    }
    if let Some(policy) = rules.approve_sandboxed.as_ref().filter(|_| tier == Tier::Container) {
        return Some(policy.clone());
    }
    let team = session.team()?;
    let member = team.agent(agent)?;
    let (policy, whom) = match &payload.tool {
        Some(tool) => (session.tool(&tool.name)?.execution.approval, &tool.name as &str),
        None => (member.code_execution.as_ref()?.approval, agent),
    };
    // The mode asks before everything that runs; only the operator says otherwise.
    if rules.untrusted || member.human_input_mode == HumanInputMode::FunctionCall {
        return None;
    }
    match policy {
        ApprovalPolicy::Never => Some(format!("approval = \"never\" in the team file, for {whom}")),
        ApprovalPolicy::Always => None,
        ApprovalPolicy::Ask => session
            .has_approved(payload, false)
            .then(|| format!("approval = \"ask\" in the team file, and {whom} was approved before")),
        ApprovalPolicy::AskIfChanged => session.has_approved(payload, true).then(|| {
            format!("approval = \"ask_if_changed\" in the team file, and this call of {whom} was approved before")
        }),
    }
}

/// What waits for a person, in words, for an end without one.
fn needs_person(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Task => "a task".to_owned(),
        Waiting::Approval(_) => "approval to run code".to_owned(),
        Waiting::Ask(_) => "human input".to_owned(),
        Waiting::Pick => "a choice of the next speaker".to_owned(),
        Waiting::Unknown(_) => "a decision about an execution whose outcome is unknown".to_owned(),
        Waiting::Hold(_) => "a decision how to go on".to_owned(),
    }
}
