//! What an agent is sent next, and what it does not see.
//!
//! [`sight`] picks the messages of the transcript by the agent's [`ContextRule`]; the engine makes the request of them,
//! and [`view`] explains the same choice to a person.

use super::Session;
use crate::chat::context::ContextRule;
use crate::chat::id::MessageId;
use crate::chat::message::{Author, Completeness, Message, MessageKind};
use crate::chat::team::Agent;
use crate::chat::usage::estimate_tokens;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The messages an agent is sent, as places in the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    /// Places, in order.
    pub places: Vec<usize>,
    /// Before which of `places` the model is told that messages were skipped (AgentChat does so between head and tail).
    pub gap: Option<usize>,
}

/// Whether a message reaches this agent, be it only as a note that others were spoken to. What is said in a turn that
/// began together with its own does not reach it before that is over.
pub fn reaches(message: &Message, agent: &str, session: &Session) -> bool {
    reach(agent, session)(message)
}

/// [`reaches`] for one agent at one moment: its turn is looked up once, however many messages are asked about.
fn reach<'a>(agent: &'a str, session: &'a Session) -> impl Fn(&Message) -> bool + 'a {
    let turn = session.turn_of(agent);
    move |message| {
        let both = turn.zip(message.turn);
        both.is_none_or(|(turn, other)| turn.hears(other)) && is_sent(message, agent)
    }
}

/// Calls that came with words are sent as these words: the calls themselves go with their results.
fn is_sent(message: &Message, agent: &str) -> bool {
    let silent = message.kind == MessageKind::ToolCalls && message.content.trim().is_empty();
    !silent && (message.is_heard_by(agent) || (message.announced && message.as_told_to(agent).is_some()))
}

/// How many messages reach the agent, counted from this place of the transcript on.
pub fn reached(agent: &str, session: &Session, from: usize) -> u32 {
    let entries = session.transcript().entries();
    let reaches = reach(agent, session);
    entries[from.min(entries.len())..].iter().filter(|entry| reaches(&entry.message)).count() as u32
}

/// About how many tokens a message takes for this agent: what was said, and what was called and came of it.
pub fn weight(message: &Message, agent: &str) -> u64 {
    if !message.is_heard_by(agent) {
        return message.as_told_to(agent).map_or(0, |note| estimate_tokens(&note));
    }
    if message.kind == MessageKind::ToolCalls {
        return estimate_tokens(&message.content);
    }
    let calls = message.tool_calls.iter().map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments));
    let results = message.tool_results.iter().map(|result| estimate_tokens(&result.content));
    estimate_tokens(&message.content) + calls.sum::<u64>() + results.sum::<u64>()
}

/// What this agent is sent of the conversation now. Costs by what is sent, not by what was said.
pub fn sight(agent: &Agent, session: &Session) -> Sight {
    let entries = session.transcript().entries();
    let reaches = reach(&agent.name, session);
    let heard = |place: &usize| reaches(&entries[*place].message);
    let newest = || (0..entries.len()).rev().filter(heard);
    let first = || (0..entries.len()).find(heard);
    let (head, mut tail): (Vec<usize>, Vec<usize>) = match agent.context {
        ContextRule::Full => return Sight { places: (0..entries.len()).filter(heard).collect(), gap: None },
        ContextRule::Last { messages, keep_first_message } => {
            let tail: Vec<usize> = newest().take(messages.max(1) as usize).collect();
            match first().filter(|first| keep_first_message && tail.last() != Some(first)) {
                Some(first) => (vec![first], tail[..tail.len() - 1].to_vec()),
                None => (Vec::new(), tail),
            }
        }
        ContextRule::MaxTokens { tokens, keep_first_message } => {
            let first = first().filter(|_| keep_first_message);
            let mut left = tokens.saturating_sub(first.map_or(0, |place| weight(&entries[place].message, &agent.name)));
            let mut tail = Vec::new();
            for place in newest().take_while(|place| Some(*place) != first) {
                let cost = weight(&entries[place].message, &agent.name);
                if cost <= left || tail.is_empty() {
                    tail.push(place);
                }
                if cost > left {
                    break;
                }
                left -= cost;
            }
            (first.into_iter().collect(), tail)
        }
        ContextRule::HeadAndTail { head, tail } => {
            let head: Vec<usize> = (0..entries.len()).filter(heard).take(head as usize).collect();
            let rest = newest().take_while(|place| head.last().is_none_or(|last| place > last));
            let tail = rest.take(tail as usize).collect();
            (head, tail)
        }
    };
    tail.reverse();
    let from = head.last().map_or(0, |last| last + 1);
    let to = tail.first().copied().unwrap_or(entries.len());
    let told = matches!(agent.context, ContextRule::HeadAndTail { .. }) && (from..to).any(|place| heard(&place));
    let gap = told.then_some(head.len());
    Sight { places: head.into_iter().chain(tail).collect(), gap }
}

/// A text with `{name}` replaced by the context variable of that name (AG2: UpdateSystemMessage). What is no variable
/// stays as it is.
pub fn filled(text: &str, context: &Map<String, Value>) -> String {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    crate::chat::tool::filled(text, |name| context.get(name).map(value))
}

/// One part of what an agent is sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub what: What,
    /// About how many tokens.
    pub tokens: u64,
}

/// What a part of a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The agent's system message.
    System,
    /// Who takes part, where the team sends introductions.
    Introduction,
    /// A message of the transcript.
    Said(MessageId),
    /// So many messages were skipped here, and the model is told.
    Skipped(u32),
}

/// A message that an agent is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Which.
    pub message: MessageId,
    /// Why not.
    pub cause: Cause,
}

/// Why an agent is not sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its context rule leaves it out.
    LeftOut,
    /// It was said to others only.
    Private,
    /// It is another agent's dealing with its tools.
    Dealings,
    /// Its own calls, which are sent together with what came of them.
    WithResults,
    /// It put into words what it knows from its own calls.
    Known,
    /// It was said in a turn that began together with its own.
    Beside,
    /// It was said inside a nested team.
    Inside,
    /// It was never finished.
    Interrupted,
}

impl Cause {
    /// The cause in words.
    pub fn words(self) -> &'static str {
        match self {
            Cause::LeftOut => "left out by its context rule",
            Cause::Private => "said to others only",
            Cause::Dealings => "another agent's tool traffic",
            Cause::WithResults => "sent with its results",
            Cause::Known => "sent as tool results",
            Cause::Beside => "said at the same time",
            Cause::Inside => "said inside a nested team",
            Cause::Interrupted => "interrupted",
        }
    }
}

/// What an agent is sent next and what it does not see: moment 8 of the design.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// What it is sent, in order.
    pub parts: Vec<Part>,
    /// What it does not see, in the order of the transcript.
    pub unseen: Vec<Unseen>,
}

impl View {
    /// About how many tokens its next request has.
    pub fn tokens(&self) -> u64 {
        self.parts.iter().map(|part| part.tokens).sum()
    }

    /// How many messages its context rule leaves out.
    pub fn left_out(&self) -> usize {
        self.unseen.iter().filter(|unseen| unseen.cause == Cause::LeftOut).count()
    }
}

/// What this agent would be sent if it spoke now. Walks the whole transcript: for a person who looks, not for a request.
pub fn view(agent: &Agent, session: &Session) -> View {
    let entries = session.transcript().entries();
    let sight = sight(agent, session);
    let mut view = View::default();
    if !agent.system_message.is_empty() {
        view.parts.push(Part {
            what: What::System,
            tokens: estimate_tokens(&filled(&agent.system_message, session.context())),
        });
    }
    if let Some(text) = session.team().and_then(|team| team.introduction()) {
        view.parts.push(Part { what: What::Introduction, tokens: estimate_tokens(&text) });
    }
    let left_out = reached(&agent.name, session, 0).saturating_sub(sight.places.len() as u32);
    for (n, place) in sight.places.iter().enumerate() {
        if sight.gap == Some(n) {
            view.parts.push(Part { what: What::Skipped(left_out), tokens: estimate_tokens(&skipped(left_out)) });
        }
        let message = &entries[*place].message;
        view.parts.push(Part { what: What::Said(message.id), tokens: weight(message, &agent.name) });
    }
    let sent: HashSet<usize> = sight.places.into_iter().collect();
    for (_, entry) in entries.iter().enumerate().filter(|(place, _)| !sent.contains(place)) {
        view.unseen.push(Unseen { message: entry.message.id, cause: cause(&entry.message, &agent.name, session) });
    }
    view
}

fn cause(message: &Message, agent: &str, session: &Session) -> Cause {
    let own = matches!(&message.author, Author::Agent(name) if &**name == agent);
    match message.kind {
        _ if message.completeness == Completeness::Interrupted => Cause::Interrupted,
        _ if !message.within.is_empty() => Cause::Inside,
        MessageKind::ToolCalls | MessageKind::ToolResults if !own => Cause::Dealings,
        MessageKind::ToolCalls if !is_sent(message, agent) => Cause::WithResults,
        MessageKind::ToolSummary if own => Cause::Known,
        _ if reaches(message, agent, session) => Cause::LeftOut,
        _ if is_sent(message, agent) => Cause::Beside,
        _ => Cause::Private,
    }
}

/// What a model is told in place of messages that were skipped (AgentChat: HeadAndTailChatCompletionContext).
pub fn skipped(messages: u32) -> String {
    format!("Skipped {messages} messages.")
}
