//! What one agent's model is sent: its system message and the conversation as that agent sees it.

use crate::chat::Name;
use crate::chat::id::BranchId;
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::request::{Prompt, Request, RequestHasher, Role};
use crate::chat::team::Agent;
use crate::session::Session;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The conversation as `agent` sees it, oldest first: its own words as the assistant's, everybody else's as a user's
/// with their name (AG2: GroupChat members see the group through one peer). Interrupted messages are left out, and so
/// is what is said in turns that began together with its own. Bodies are shared, so the cost is a few words a message.
pub fn prompts_for(agent: &Agent, session: &Session) -> Vec<Prompt> {
    let entries = session.transcript().entries();
    let turn = session.turn_of(&agent.name);
    let mut prompts = Vec::with_capacity(entries.len() + 1);
    if !agent.system_message.is_empty() {
        prompts.push(Prompt::new(Role::System, None, filled(&agent.system_message, session.context())));
    }
    for entry in entries {
        let hears = |other| turn.is_none_or(|turn| turn.hears(other));
        if entry.message.turn.is_none_or(hears) {
            add(&entry.message, &agent.name, &mut prompts);
        }
    }
    prompts
}

/// A text with `{name}` replaced by the context variable of that name (AG2: UpdateSystemMessage). What is no variable
/// stays as it is.
fn filled(text: &str, context: &Map<String, Value>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(name, after)| Some((context.get(name)?, after)));
        match named {
            Some((value, after)) => {
                filled.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// A message as the agent of that name sees it, if it does. Calls are sent together with their results only: a
/// provider refuses a call without one, and what was interrupted has none.
fn add(message: &Message, agent: &Name, prompts: &mut Vec<Prompt>) {
    if !message.is_heard_by(agent) {
        return;
    }
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
        _ => prompts.push(Prompt::new(role, name, message.content.clone())),
    }
}

/// How far each agent's conversation has been hashed, so that a request costs the hash of what is new in it.
#[derive(Debug, Default)]
pub struct Hashes(HashMap<Name, Hashed>);

#[derive(Debug)]
struct Hashed {
    model: String,
    /// Its system message, filled in.
    told: Option<Arc<str>>,
    branch: BranchId,
    edits: u64,
    /// Entries of the transcript, and the last of them: the same message in the same place means the same before it.
    read: usize,
    last: Arc<Message>,
    hasher: RequestHasher,
}

impl Hashes {
    /// [`Request::hash`] of a request by this agent, whose messages are [`prompts_for`] it now.
    pub fn of(&mut self, agent: &Agent, request: &Request, session: &Session) -> String {
        let (transcript, model, prompts) = (session.transcript(), request.model.as_str(), &request.messages);
        let told = prompts.first().filter(|first| first.role == Role::System).map(|first| first.content.clone());
        if session.turn_of(&agent.name).is_some_and(|turn| turn.beside.is_some()) {
            // What it does not hear now it will hear later: nothing to build on.
            return request.hash();
        }
        let place = (session.branch(), transcript.edits());
        let known = self.0.remove(&agent.name).filter(|known| {
            let last = known.read.checked_sub(1).and_then(|last| transcript.entries().get(last));
            known.model == model
                && known.told == told
                && (known.branch, known.edits) == place
                && last.is_some_and(|entry| Arc::ptr_eq(&entry.message, &known.last))
        });
        let mut hasher = match &known {
            Some(known) => known.hasher.clone(),
            None => RequestHasher::new(model),
        };
        let from = known.map_or(0, |known| known.read);
        let new = &transcript.entries()[from..];
        if from == 0 {
            prompts.iter().for_each(|prompt| hasher.add(prompt));
        } else {
            let mut seen = Vec::new();
            new.iter().for_each(|entry| add(&entry.message, &agent.name, &mut seen));
            seen.iter().for_each(|prompt| hasher.add(prompt));
        }
        let hash = hasher.finish(&request.tools);
        if let Some(last) = transcript.entries().last() {
            let (model, last) = (model.to_owned(), last.message.clone());
            let hashed = Hashed { model, told, branch: place.0, edits: place.1, read: transcript.len(), last, hasher };
            self.0.insert(agent.name.clone(), hashed);
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::{Actor, Event, Record};
    use crate::chat::id::{CallId, MessageId, Seq};
    use crate::chat::message::Completeness;
    use crate::chat::request::Purpose;
    use crate::chat::team::Team;

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
        let mut hashes = Hashes::default();
        let mut seen = std::collections::BTreeSet::new();
        let mut check = |session: &Session| {
            for name in ["A", "B"] {
                let agent = session.team().unwrap().agent(name).unwrap().clone();
                for model in ["m", "n", "n"] {
                    let messages = prompts_for(&agent, session);
                    let request = Request::new(CallId(0), name.into(), Purpose::Speak, model, messages);
                    let hash = hashes.of(&agent, &request, session);
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
