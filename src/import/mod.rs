//! Records and message lists from outside, as the log of a session.
//!
//! Three shapes are read: what `plenary export --format jsonl` wrote; AutoGen's saved team state (`save_state()`); and
//! message lists of AG2 and AgentChat. Nothing in them is trusted: what a log cannot hold is refused, and whoever stores
//! the result stores it read-only. May import `session`, `chat` and `watch`, which reads the lists. Pure. A new shape is
//! a function here that recognises it.

use crate::chat::UnixMillis;
use crate::chat::event::{Actor, Event, FORMAT, Record};
use crate::chat::id::{BranchId, MessageId, Seq};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::team::{Agent, Team};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::session::Session;
use crate::watch::from_messages::{self, Listed};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was read.
#[derive(Debug)]
pub struct Imported {
    /// What it is, in words.
    pub shape: &'static str,
    /// A log.
    pub records: Vec<Arc<Record>>,
    /// What could not be taken over, in words, a line each.
    pub left_out: Vec<String>,
}

/// The log of a session of that name in `text`, begun at `now` where the text does not say.
///
/// # Errors
/// When it is none of the shapes, or does not add up; said for a person.
pub fn read(text: &str, session: &str, name: &str, now: UnixMillis) -> Result<Imported, String> {
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        if value.get("agent_states").is_some() {
            return team_state(&value, session, name, now);
        }
        if let Some(list) = from_messages::list(&value) {
            return messages("a message list", &list, session, name, now);
        }
    }
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let Some((_, first)) = lines.peek() else { return Err("it is empty".to_owned()) };
    let first: Value = serde_json::from_str(first).map_err(|error| format!("line 1 is not JSON: {error}"))?;
    if first.get("seq").is_some() && first.get("event").is_some() {
        return records(lines);
    }
    let values: Result<Vec<Value>, _> = lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|error| format!("line {} is not JSON: {error}", at + 1)))
        .collect();
    match from_messages::list(&Value::Array(values?)) {
        Some(list) => messages("a message list", &list, session, name, now),
        None => Err("it is neither a session's records, nor a saved team state, nor a list of messages".to_owned()),
    }
}

fn records<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Result<Imported, String> {
    let mut records = Vec::new();
    for (at, line) in lines {
        let record: Record =
            serde_json::from_str(line).map_err(|error| format!("line {} is not a record: {error}", at + 1))?;
        if let Event::SessionStarted { format, .. } = &record.event
            && *format > FORMAT
        {
            return Err(format!("it has format {format}; this program knows {FORMAT}. Update Plenary to read it"));
        }
        if matches!(record.event, Event::Opaque(_)) {
            return Err(format!("line {} was written by a newer Plenary", at + 1));
        }
        records.push(Arc::new(record));
    }
    Session::replay(records.iter().cloned()).map_err(|error| format!("its records do not add up: {error}"))?;
    Ok(Imported { shape: "a session's records", records, left_out: Vec::new() })
}

/// AutoGen AgentChat: the state of a team as `save_state()` gives it. The manager's thread is the conversation.
fn team_state(value: &Value, session: &str, name: &str, now: UnixMillis) -> Result<Imported, String> {
    let states = value.get("agent_states").and_then(Value::as_object).ok_or("its agent_states is no object")?;
    let thread = states.values().find_map(|state| state.get("message_thread"));
    let thread = thread.ok_or("none of its agents has a message_thread: it holds no conversation")?;
    let list = from_messages::list(thread).ok_or("its message_thread is no list of messages")?;
    let mut imported = messages("a saved team state of AutoGen", &list, session, name, now)?;
    if let Some(Event::SessionStarted { team, .. }) =
        imported.records.first_mut().map(|record| &mut Arc::make_mut(record).event)
    {
        let team = Arc::make_mut(team);
        for (member, state) in states.iter().filter(|(_, state)| state.get("message_thread").is_none()) {
            if team.agent(member).is_none() {
                team.agents.push(Agent::named(member.as_str()));
            }
            if state.get("agent_states").is_some() {
                imported.left_out.push(format!("the conversation of the team behind {member}"));
            }
        }
    }
    Ok(imported)
}

fn messages(
    shape: &'static str,
    list: &[Listed],
    session: &str,
    name: &str,
    now: UnixMillis,
) -> Result<Imported, String> {
    let mut left_out = Vec::new();
    let mut agents: Vec<Agent> = Vec::new();
    let person = |said: &Listed| said.operator || said.speaker == "user";
    for said in list.iter().filter(|said| !person(said) && !said.system) {
        if !agents.iter().any(|agent| *agent.name == *said.speaker) {
            agents.push(Agent::named(said.speaker.as_str()));
        }
    }
    if list.iter().all(|said| said.system) {
        return Err("there is no message in it".to_owned());
    }
    let hidden = list.iter().filter(|said| said.system).count();
    if hidden > 0 {
        left_out.push(format!("{hidden} system messages, which nobody said"));
    }
    let team = Arc::new(Team::of(name, agents));
    let mut events = vec![(
        Actor::Operator,
        Event::SessionStarted { session: session.to_owned(), format: FORMAT, team, headless: false },
    )];
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    for said in list.iter().filter(|said| !said.system) {
        let id = MessageId(events.len() as u64 - 1);
        let author = if person(said) { Author::Operator } else { Author::Agent(said.speaker.as_str().into()) };
        let kind = match (events.len(), &author) {
            _ if !said.calls.is_empty() => MessageKind::ToolCalls,
            _ if !said.results.is_empty() => MessageKind::ToolResults,
            (1, _) => MessageKind::Task,
            (_, Author::Operator) => MessageKind::Human,
            _ => MessageKind::Reply,
        };
        let calls = said.calls.iter().map(|call| {
            asked.insert(call.id.clone(), call.tool.clone());
            ToolCall {
                id: call.id.clone(),
                name: call.tool.clone(),
                arguments: call.arguments.as_str().into(),
                echo: None,
            }
        });
        let tool_calls: Vec<ToolCall> = calls.collect();
        let results = said.results.iter().map(|result| ToolResult {
            call_id: result.id.clone(),
            name: asked.get(&result.id).cloned().unwrap_or_else(|| "tool".to_owned()),
            content: result.text.as_str().into(),
            is_error: result.failed.unwrap_or(false),
            op: None,
        });
        let tool_results = results.collect();
        let message = Message { tool_calls, tool_results, ..Message::new(id, author, kind, said.text.as_str()) };
        let actor = if person(said) { Actor::Operator } else { Actor::Agent(said.speaker.as_str().into()) };
        events.push((actor, Event::MessagePosted { message: Arc::new(message) }));
    }
    let record = |(place, (actor, event)): (usize, (Actor, Event))| {
        let seq = Seq(place as u64 + 1);
        let parent = (place > 0).then_some(Seq(place as u64));
        Arc::new(Record { seq, parent, branch: BranchId(0), actor, at: now, event })
    };
    let records = events.into_iter().enumerate().map(record).collect();
    Ok(Imported { shape, records, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn session(text: &str) -> Session {
        let imported = read(text, "s-1", "talk", 7).unwrap();
        Session::replay(imported.records).unwrap()
    }

    #[test]
    fn a_saved_team_state_of_autogen_becomes_the_conversation_of_its_thread() {
        let message =
            |source: &str, content: &str| json!({"source": source, "content": content, "type": "TextMessage"});
        let state = json!({"type": "TeamState", "version": "1.0.0", "agent_states": {
            "a": {"type": "ChatAgentContainerState", "agent_state": {}, "message_buffer": []},
            "b": {"type": "ChatAgentContainerState", "agent_state": {}, "message_buffer": []},
            "RoundRobinGroupChatManager": {"type": "RoundRobinManagerState",
                "message_thread": [message("user", "hi"), message("a", "one")], "current_turn": 0},
        }});
        let session = session(&state.to_string());
        let said: Vec<_> = session.transcript().entries().iter().map(|entry| entry.message.author.name()).collect();
        assert_eq!(said, ["user", "a"]);
        let names: Vec<&str> = session.team().unwrap().agents.iter().map(|agent| &*agent.name).collect();
        assert_eq!(names, ["a", "b"], "whoever has not spoken is a member all the same");
    }

    #[test]
    fn a_message_list_keeps_its_authors_calls_and_results() {
        let list = json!([
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": "List the files."},
            {"role": "assistant", "name": "coder", "content": null,
             "tool_calls": [{"id": "1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "a.txt", "name": "coder"},
            {"role": "assistant", "name": "coder", "content": "One file."},
        ]);
        let imported = read(&list.to_string(), "s-1", "talk", 7).unwrap();
        assert_eq!(imported.left_out.len(), 1);
        let session = Session::replay(imported.records).unwrap();
        let entries = session.transcript().entries();
        assert_eq!(entries.len(), 4);
        assert_eq!((entries[0].message.kind, &*entries[0].message.content), (MessageKind::Task, "List the files."));
        assert_eq!(entries[2].message.tool_results[0].name, "ls");
    }

    #[test]
    fn what_is_no_log_is_refused_in_words() {
        for (text, why) in [
            ("", "empty"),
            ("[1, 2]", "neither"),
            ("nonsense", "not JSON"),
            ("{\"agent_states\": {}}", "no conversation"),
            ("[{\"role\": \"system\", \"content\": \"x\"}]", "no message"),
            ("{\"seq\": 2, \"event\": {}}", "line 1 is not a record"),
        ] {
            let refused = read(text, "s", "n", 0).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
