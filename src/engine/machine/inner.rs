//! The team behind an agent: a machine of its own on a session of its own. What it wants done is done in the name of the
//! agent; what it writes is written as [`Event::Inner`].

use super::{Machine, Rules, ended, message};
use crate::catalog::OptionError;
use crate::chat::code::Place;
use crate::chat::event::{Actor, EndCause, Event};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::request::{Prompt, Role};
use crate::chat::server::ToolsEvent;
use crate::chat::team::{Agent, Nested, Team};
use crate::chat::update::Delta;
use crate::chat::{Name, UnixMillis};
use crate::engine::effect::{Effect, Input};
use crate::rules;
use crate::session::turn::Turn;
use crate::session::{Session, summary};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What an agent says when its team had nothing to say (AgentChat: SocietyOfMindAgent).
const NO_RESPONSE: &str = "No response.";

/// The machines of all nested teams of a team.
pub(super) fn machines(team: &Team, rules: &Rules) -> Result<BTreeMap<Name, Machine>, OptionError> {
    let nested = team.agents.iter().filter_map(|agent| Some((agent, agent.nested.as_ref()?)));
    nested
        .map(|(agent, nested)| {
            let rules = Rules {
                places: below(&agent.name, &rules.places),
                tool_places: below(&agent.name, &rules.tool_places),
                programs: Vec::new(),
                ..rules.clone()
            };
            Ok((agent.name.clone(), Machine::new(&nested.team, rules)?))
        })
        .collect()
}

/// The places of one nested team: their keys are paths, `agent/member`.
fn below<K: AsRef<str> + for<'a> From<&'a str> + std::hash::Hash + Eq>(
    agent: &Name,
    places: &HashMap<K, Place>,
) -> HashMap<K, Place> {
    let ours = places.iter().filter_map(|(path, place)| {
        let rest = path.as_ref().strip_prefix(&**agent)?.strip_prefix('/')?;
        Some((K::from(rest), place.clone()))
    });
    ours.collect()
}

impl Machine {
    /// The nested team that an input is for.
    pub(super) fn addressee(&self, input: &Input, session: &Session) -> Option<Name> {
        if self.inner.is_empty() {
            return None;
        }
        let mut inners = session.inners();
        let found = match input {
            Input::Chunk { call, .. } | Input::Failed { call, .. } => inners.find(|(_, inner)| inner.is_calling(*call)),
            Input::Started { op, .. } | Input::Output { op, .. } | Input::Held { op, .. } | Input::Ran { op, .. } => {
                inners.find(|(_, inner)| inner.runs(*op))
            }
            Input::Advised { op, .. } => {
                inners.find(|(_, inner)| inner.consults().open().is_some_and(|(_, open)| open == *op))
            }
            Input::Command(command) => return session.inner_for(command).cloned(),
            Input::FileSeen(_)
            | Input::Copied { .. }
            | Input::Told { .. }
            | Input::Tick
            | Input::Stop { .. }
            | Input::Tools(_) => None,
        };
        found.map(|(name, _)| name.clone())
    }

    /// A server came or went. All teams know, and whoever waits for its tools goes on.
    pub(super) fn on_tools(&mut self, event: ToolsEvent, session: &Session) -> Vec<Effect> {
        if let ToolsEvent::Ready { server, .. } | ToolsEvent::Down { server, .. } = &event {
            self.report(server);
        }
        if session.servers().is_known(&event) {
            return Vec::new();
        }
        vec![Effect::append(Actor::System, vec![Event::Tools(event)])]
    }

    fn report(&mut self, server: &str) {
        self.reported.insert(server.to_owned());
        self.inner.values_mut().for_each(|inner| inner.report(server));
    }

    /// Whether a server whose tools the agent may call has not reported yet.
    pub(super) fn awaits_servers(&self, agent: &Agent) -> bool {
        let of_tools = agent.tools.iter().filter_map(|name| Some(name.split_once('/')?.0));
        let mut servers = agent.mcp.iter().map(String::as_str).chain(of_tools);
        servers.any(|server| self.rules.servers.contains(server) && !self.reported.contains(server))
    }

    /// Hands an input on to a nested team.
    pub(super) fn on_inner(&mut self, name: &Name, input: Input, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let (Some(machine), Some(inner)) = (self.inner.get_mut(name), session.inner(name)) else { return Vec::new() };
        wrap(name, machine.on(input, inner, now))
    }

    /// The team behind the agent begins to talk, if it is to be asked now.
    pub(super) fn enter(
        &mut self,
        turn: &Turn,
        agent: &Agent,
        session: &Session,
        now: UnixMillis,
    ) -> Option<Vec<Effect>> {
        let nested = agent.nested.as_deref().filter(|_| !turn.entered)?;
        if !nested.when.as_ref().is_none_or(|rule| rules::applies(rule, session)) {
            return None;
        }
        let text = opening(nested, agent, session);
        let mut events = Vec::new();
        let known = session.inner(&agent.name).filter(|_| nested.memory);
        if known.is_none() {
            events.push(Event::SessionStarted {
                session: format!("{}/{}", session.id(), agent.name),
                format: crate::chat::event::FORMAT,
                team: Arc::new(nested.team.clone()),
                headless: session.headless(),
            });
            let machine = self.inner.get_mut(&agent.name)?;
            // A team that was built once is built again.
            let reported = std::mem::take(&mut machine.reported);
            *machine = Machine { reported, ..Machine::new(&nested.team, machine.rules.clone()).ok()? };
        }
        if let Some(inner) = known.filter(|inner| inner.ended().is_none()) {
            // Its last conversation was left in the middle.
            events.push(ended(EndCause::Interrupted, "the run around it ended", None, inner, now));
        }
        let first =
            session.inner(&agent.name).map_or_else(|| session.inner_numbers(&agent.name), |inner| inner.ids().message);
        let task = Message::new(first, Author::Operator, MessageKind::Task, text);
        events.push(Event::MessagePosted { message: Arc::new(task) });
        let inner = |event| Event::Inner { agent: agent.name.clone(), event: Box::new(event) };
        Some(vec![Effect::append(Actor::Agent(agent.name.clone()), events.into_iter().map(inner).collect())])
    }

    /// The team behind the agent goes on, or has come to its end and the agent answers.
    pub(super) fn go_on_within(
        &mut self,
        turn: &Turn,
        agent: &Agent,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let Some(inner) = session.inner(&agent.name) else { return Vec::new() };
        if inner.ended().is_some() {
            return self.answer_for(turn, agent, inner, session, now);
        }
        if let Some(stopped) = self.over_budget(session, now) {
            return stopped;
        }
        let Some(machine) = self.inner.get_mut(&agent.name) else { return Vec::new() };
        wrap(&agent.name, machine.next(inner, now))
    }

    /// The agent says what its team came to: in its model's words, or in the team's last ones.
    fn answer_for(
        &mut self,
        turn: &Turn,
        agent: &Agent,
        inner: &Session,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        if let Some(end) = inner.ended().filter(|end| matches!(end.cause, EndCause::NeedsPerson)) {
            // Nobody was there for a member of it: nobody is there for the run.
            let end = ended(
                end.cause.clone(),
                format!("{}: {}", agent.name, end.text),
                Some(agent.name.clone()),
                session,
                now,
            );
            return vec![Effect::append(Actor::System, vec![end])];
        }
        let said = conversation(inner);
        let last = said.last().filter(|_| said.len() > 1);
        if agent.model.is_some() && last.is_some() {
            return self.speak(turn, agent, session, now);
        }
        // AG2: last_msg takes the word that ends chats out of the summary.
        let text = last.map_or(NO_RESPONSE.to_owned(), |last| summary::last_msg(&last.content).trim_end().to_owned());
        let mut answer = message(session, Author::Agent(agent.name.clone()), MessageKind::Summary, text);
        answer.turn = Some(turn.id);
        vec![super::reply::finish_with(answer, turn, Actor::Agent(agent.name.clone()))]
    }

    /// Hangs up every call of every nested team that is talking.
    pub(super) fn hang_up_within(&mut self, actor: &Actor, session: &Session) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (name, machine) in &mut self.inner {
            if let Some(inner) = session.inner(name) {
                effects.extend(wrap(name, machine.hang_up(actor.clone(), inner)));
            }
        }
        effects
    }
}

/// The shared messages of the team's present conversation.
fn conversation(inner: &Session) -> Vec<&Message> {
    let run = inner.transcript().run().iter().map(|entry| &*entry.message);
    run.filter(|message| message.is_shared()).collect()
}

/// What an agent's model is asked when its team has talked (AgentChat: SocietyOfMindAgent).
pub(super) fn digest(agent: &Agent, session: &Session) -> Option<Vec<Prompt>> {
    let (nested, inner) = (agent.nested.as_ref()?, session.inner(&agent.name)?);
    let mut prompts = vec![Prompt::new(Role::System, None, nested.instruction.as_str())];
    // The first message is the task, which the instruction speaks of.
    for message in conversation(inner).into_iter().skip(1) {
        let name = match &message.author {
            Author::Agent(name) => Some(name.clone()),
            Author::Operator => None,
        };
        prompts.push(Prompt::new(Role::User, name, message.content.clone()));
    }
    prompts.push(Prompt::new(Role::System, None, nested.response_prompt.as_str()));
    Some(prompts)
}

/// What the team's conversation begins with: the message of the team file, or what the agent has not answered yet; and
/// what earlier teams came to, if that is carried over (AG2: initiate_chats).
fn opening(nested: &Nested, agent: &Agent, session: &Session) -> String {
    let run = session.transcript().run();
    let heard = |message: &Message| message.is_shared() && message.is_heard_by(&agent.name);
    let own = |message: &Message| matches!(&message.author, Author::Agent(name) if *name == agent.name);
    let text = nested.message.clone().unwrap_or_else(|| {
        let mut unanswered: Vec<&Message> = run
            .iter()
            .rev()
            .map(|entry| &*entry.message)
            .take_while(|message| !own(message))
            .filter(|message| heard(message))
            .collect();
        unanswered.reverse();
        match unanswered.as_slice() {
            // AG2: a nested chat begins with the newest message, whoever said it.
            [] => run
                .iter()
                .rev()
                .map(|entry| &*entry.message)
                .find(|message| heard(message))
                .map_or_else(String::new, |newest| newest.content.to_string()),
            [only] => only.content.to_string(),
            several => {
                let told = several.iter().map(|message| format!("{}: {}", message.author.name(), message.content));
                told.collect::<Vec<_>>().join("\n\n")
            }
        }
    });
    if !nested.carryover {
        return text;
    }
    let came_to: Vec<&str> = run
        .iter()
        .map(|entry| &*entry.message)
        .filter(|message| heard(message) && matches!(&message.author, Author::Agent(name) if is_nested(name, session)))
        .map(|message| &*message.content)
        .collect();
    summary::with_carryover(&text, came_to)
}

fn is_nested(name: &str, session: &Session) -> bool {
    session.team().and_then(|team| team.agent(name)).is_some_and(|agent| agent.nested.is_some())
}

/// What a nested team wants done, in the name of its agent.
fn wrap(name: &Name, effects: Vec<Effect>) -> Vec<Effect> {
    let inner = |event| Event::Inner { agent: name.clone(), event: Box::new(event) };
    let wrapped = effects.into_iter().filter_map(|effect| {
        Some(match effect {
            Effect::Append { actor, events, .. } => Effect::append(actor, events.into_iter().map(inner).collect()),
            Effect::Call(mut request) => {
                request.within.insert(0, name.clone());
                Effect::Call(request)
            }
            Effect::Run { op, agent, payload, hash } => {
                Effect::Run { op, agent: format!("{name}/{agent}").into(), payload, hash }
            }
            Effect::Delta(delta) => Effect::Delta(match delta {
                Delta::Text { call, text, .. } => Delta::Text { call, agent: name.clone(), text },
                Delta::Reasoning { call, text, .. } => Delta::Reasoning { call, agent: name.clone(), text },
                Delta::Output { op, text, .. } => Delta::Output { op, agent: name.clone(), text },
                memory @ Delta::Memory { .. } => memory,
            }),
            // Who is next inside is nobody's outlook outside.
            Effect::Outlook(_) => return None,
            other @ (Effect::Cancel(_)
            | Effect::Kill(_)
            | Effect::Extend(..)
            | Effect::Refuse(_)
            | Effect::Wake(_)
            | Effect::Tools(_)
            | Effect::Look { .. }
            | Effect::Copy { .. }
            | Effect::Show(_)
            | Effect::Tell { .. }
            | Effect::Consult { .. }) => other,
        })
    });
    wrapped.collect()
}
