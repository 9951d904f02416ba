//! What one agent's model is sent: its system message and the conversation as that agent sees it.

use crate::chat::Name;
use crate::chat::id::BranchId;
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::request::{Prompt, RequestHasher, Role};
use crate::chat::team::Agent;
use crate::chat::tool::ToolSpec;
use crate::session::Session;
use crate::session::sight::{self, Sight};
use crate::session::transcript::Entry;
use std::collections::HashMap;
use std::sync::Arc;

/// What an agent's model is asked, with the facts about it that the record of the call keeps.
#[derive(Debug)]
pub struct Question {
    /// The messages; shared with whoever asks next, for whom only what is new is added.
    pub messages: Arc<Vec<Prompt>>,
    /// [`crate::chat::request::Request::hash`] of them.
    pub hash: String,
    /// Messages that the agent hears and its context rule leaves out.
    pub left_out: u32,
}

/// The conversation as `agent` is sent it, oldest first: its own words as the assistant's, everybody else's as a
/// user's with their name (AG2: GroupChat members see the group through one peer). Which messages these are says
/// [`sight`]. Bodies are shared, so the cost is a few words a message.
fn prompts(lead: &[Prompt], agent: &Agent, session: &Session, sight: &Sight, left_out: u32) -> Vec<Prompt> {
    let entries = session.transcript().entries();
    let mut prompts = lead.to_vec();
    prompts.reserve(sight.places.len() + 1);
    for (n, place) in sight.places.iter().enumerate() {
        if sight.gap == Some(n) {
            prompts.push(Prompt::new(Role::User, Some(SKIPPED_BY.into()), sight::skipped(left_out)));
        }
        add(&entries[*place].message, &agent.name, &mut prompts);
    }
    prompts
}

/// In whose name a model is told that messages were skipped (AgentChat: HeadAndTailChatCompletionContext).
const SKIPPED_BY: &str = "System";

/// In whose name members are introduced (AG2: GroupChatManager.name).
const INTRODUCED_BY: &str = "chat_manager";

/// What stands before the conversation: the system message, and who takes part.
fn lead(agent: &Agent, session: &Session) -> Vec<Prompt> {
    let mut lead = Vec::new();
    if !agent.system_message.is_empty() {
        lead.push(Prompt::new(Role::System, None, sight::filled(&agent.system_message, session.context())));
    }
    if let Some(text) = session.team().and_then(|team| team.introduction()) {
        lead.push(Prompt::new(Role::User, Some(INTRODUCED_BY.into()), text));
    }
    lead
}

/// A message as the agent of that name sees it, if it does. Calls are sent together with their results only: a
/// provider refuses a call without one, and what was interrupted has none.
fn add(message: &Message, agent: &Name, prompts: &mut Vec<Prompt>) {
    let Some(content) = message.as_told_to(agent) else { return };
    let (role, name) = match &message.author {
        Author::Agent(name) if name == agent => (Role::Assistant, Some(name.clone())),
        Author::Agent(name) => (Role::User, Some(name.clone())),
        Author::Operator => (Role::User, None),
    };
    match message.kind {
        MessageKind::ToolCalls if message.content.trim().is_empty() => {}
        MessageKind::ToolResults => {
            let mut calls = Prompt::new(role, name, "");
            calls.tool_calls = message.tool_calls.clone();
            prompts.push(calls);
            for result in &message.tool_results {
                let mut told = Prompt::new(Role::Tool, Some(result.name.as_str().into()), result.content.clone());
                told.tool_call_id = Some(result.call_id.clone());
                prompts.push(told);
            }
        }
        _ => prompts.push(Prompt::new(role, name, content)),
    }
}

/// How far each agent's conversation has been read, so that a question costs what is in it and what is new: the hash
/// goes on where it was, and so does the count of messages.
#[derive(Debug, Default)]
pub struct Contexts(HashMap<Name, Read>);

#[derive(Debug)]
struct Read {
    model: String,
    lead: Vec<Prompt>,
    branch: BranchId,
    edits: u64,
    /// Entries of the transcript, and the last of them: the same message in the same place means the same before it.
    entries: usize,
    last: Arc<Message>,
    /// How many of them reach the agent.
    reached: u32,
    /// The lead and all that reached the agent; only kept for an agent that is sent everything.
    whole: Option<Whole>,
}

/// A conversation that an agent is sent from beginning to end, ready to go on.
#[derive(Debug)]
struct Whole {
    messages: Arc<Vec<Prompt>>,
    hasher: RequestHasher,
}

impl Whole {
    fn begun(model: &str, lead: &[Prompt]) -> Self {
        let mut hasher = RequestHasher::new(model);
        lead.iter().for_each(|prompt| hasher.add(prompt));
        Whole { messages: Arc::new(lead.to_vec()), hasher }
    }

    /// Adds what the agent hears of these entries. Copies nothing once the last request has been answered.
    fn hear(&mut self, entries: &[Entry], agent: &Name) {
        let messages = Arc::make_mut(&mut self.messages);
        let before = messages.len();
        entries.iter().for_each(|entry| add(&entry.message, agent, messages));
        messages[before..].iter().for_each(|prompt| self.hasher.add(prompt));
    }
}

impl Contexts {
    /// What `agent` is to ask `model` now, with these tools.
    pub fn question(&mut self, agent: &Agent, model: &str, tools: &[ToolSpec], session: &Session) -> Question {
        let transcript = session.transcript();
        // What a turn does not hear now it will hear later: there is nothing to build on.
        let aside = session.turn_of(&agent.name).is_some_and(|turn| turn.beside.is_some());
        let known = if aside { None } else { self.known(agent, session) };
        let from = known.as_ref().map_or(0, |known| known.entries);
        let before = known.as_ref().map_or(0, |known| known.reached);
        let reached = before + sight::reached(&agent.name, session, from);
        let lead = lead(agent, session);
        let (messages, hash, left_out, whole) = if agent.context.is_full() && !aside {
            let known = known.filter(|known| known.model == model && known.lead == lead);
            let (mut whole, from) = match known.and_then(|known| known.whole) {
                Some(whole) => (whole, from),
                None => (Whole::begun(model, &lead), 0),
            };
            whole.hear(&transcript.entries()[from..], &agent.name);
            (Arc::clone(&whole.messages), whole.hasher.finish(tools), 0, Some(whole))
        } else {
            let sight = sight::sight(agent, session);
            let left_out = reached.saturating_sub(sight.places.len() as u32);
            let messages = prompts(&lead, agent, session, &sight, left_out);
            let mut hasher = RequestHasher::new(model);
            messages.iter().for_each(|message| hasher.add(message));
            (Arc::new(messages), hasher.finish(tools), left_out, None)
        };
        if let Some(last) = transcript.entries().last().filter(|_| !aside) {
            let read = Read {
                model: model.to_owned(),
                lead,
                branch: session.branch(),
                edits: transcript.edits(),
                entries: transcript.len(),
                last: last.message.clone(),
                reached,
                whole,
            };
            self.0.insert(agent.name.clone(), read);
        }
        Question { messages, hash, left_out }
    }

    /// What was read before, if the transcript still begins so.
    fn known(&mut self, agent: &Agent, session: &Session) -> Option<Read> {
        let transcript = session.transcript();
        self.0.remove(&agent.name).filter(|known| {
            let last = known.entries.checked_sub(1).and_then(|last| transcript.entries().get(last));
            (known.branch, known.edits) == (session.branch(), transcript.edits())
                && last.is_some_and(|entry| Arc::ptr_eq(&entry.message, &known.last))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::context::ContextRule;
    use crate::chat::event::{Actor, Event, Record};
    use crate::chat::id::{CallId, MessageId, Seq};
    use crate::chat::message::Completeness;
    use crate::chat::request::{Purpose, Request};
    use crate::chat::team::Team;

    const LAST_TWO: ContextRule = ContextRule::Last { messages: 2, keep_first_message: false };
    const ENDS: ContextRule = ContextRule::HeadAndTail { head: 1, tail: 1 };

    fn team() -> Team {
        let agent = |name: &str, told: &str| {
            serde_json::json!({
                "name": name, "kind": "assistant", "description": "", "system_message": told, "model": "m",
                "human_input_mode": "NEVER", "max_consecutive_auto_reply": 9, "is_termination_msg": "never",
            })
        };
        serde_json::from_value(serde_json::json!({
            "name": "t", "agents": [agent("A", "You are A."), agent("B", "")],
            "speaker_selection_method": {"kind": "round_robin"}, "max_retries_for_selecting_speaker": 2,
            "allow_repeat_speaker": "everyone", "max_round": 10, "termination": [], "seed": 1, "models": {},
            "limits": {"max_cost": null, "max_tokens": null, "max_time_ms": null, "max_executions": null},
        }))
        .unwrap()
    }

    fn add(session: &mut Session, parent: Option<u64>, branch: u64, event: Event) {
        let (seq, parent) = (session.next_seq(), parent.map(Seq));
        let record = Record { seq, parent, branch: BranchId(branch), actor: Actor::System, at: 1, event };
        session.apply(Arc::new(record)).unwrap();
    }

    fn say(session: &mut Session, branch: u64, author: Option<&str>, content: &str, completeness: Completeness) {
        let author = author.map_or(Author::Operator, |name| Author::Agent(name.into()));
        let message =
            Message { completeness, ..Message::new(session.ids().message, author, MessageKind::Reply, content) };
        let head = session.head().map(|head| head.0);
        add(session, head, branch, Event::MessagePosted { message: Arc::new(message) });
    }

    /// After every step of a session that grows, breaks off, forks, is edited and goes back.
    #[test]
    fn the_hash_in_steps_is_the_hash_of_the_whole_request() {
        let mut session = Session::default();
        let mut contexts = Contexts::default();
        let mut seen = std::collections::BTreeSet::new();
        let mut check = |session: &Session| {
            for name in ["A", "B"] {
                let mut agent = session.team().unwrap().agent(name).unwrap().clone();
                for (model, context) in
                    [("m", ContextRule::Full), ("n", ContextRule::Full), ("n", LAST_TWO), ("n", ENDS)]
                {
                    agent.context = context;
                    let fresh = Contexts::default().question(&agent, model, &[], session);
                    let Question { messages, hash, left_out } = contexts.question(&agent, model, &[], session);
                    assert_eq!(
                        (&messages, left_out),
                        (&fresh.messages, fresh.left_out),
                        "{name} at {:?}",
                        session.head()
                    );
                    let (call, purpose) = (CallId(0), Purpose::Speak);
                    let request = Request::new(call, name.into(), purpose, model, messages);
                    assert_eq!(hash, request.hash(), "{name} asks {model} at {:?}", session.head());
                    seen.insert(hash);
                }
            }
        };
        let team = Arc::new(team());
        add(&mut session, None, 0, Event::SessionStarted { session: "s".into(), format: 1, team, headless: false });
        say(&mut session, 0, None, "begin", Completeness::Whole);
        check(&session);
        for (name, text) in [("A", "one"), ("B", "two"), ("A", "three")] {
            say(&mut session, 0, Some(name), text, Completeness::Whole);
            check(&session);
        }
        say(&mut session, 0, Some("B"), "half", Completeness::Interrupted);
        check(&session);
        say(&mut session, 0, Some("B"), "whole", Completeness::CutOff);
        check(&session);
        let tip = session.head().unwrap().0;
        let moved = || Event::BranchMoved { name: "b".into(), why: "test".into() };
        add(&mut session, Some(4), 1, moved());
        check(&session);
        add(&mut session, Some(tip + 1), 1, Event::MessageEdited { message: MessageId(1), content: "eins".into() });
        check(&session);
        say(&mut session, 1, Some("B"), "zwei", Completeness::Whole);
        check(&session);
        add(&mut session, Some(tip), 0, moved());
        check(&session);
        say(&mut session, 0, None, "and on", Completeness::Whole);
        check(&session);
        assert!(seen.len() > 20, "{}", seen.len());
    }
}
