//! The conversation as a program of the user's is told about it: one JSON object.

use super::Session;
use crate::chat::consult::Told;
use crate::chat::message::Author;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a program reads on its standard input. `purpose` says what is asked of it; `more` adds what only that purpose
/// knows. The format only grows: `version` changes when something else must.
pub fn told(session: &Session, purpose: &str, more: &Value) -> Told {
    let team = session.team();
    let run = session.transcript().run().iter().filter(|entry| entry.message.is_shared());
    let messages: Vec<Value> = run
        .map(|entry| {
            let message = &entry.message;
            json!({
                "author": message.author.name(),
                "by_operator": message.by_operator || message.author == Author::Operator,
                "kind": message.kind,
                "content": &*message.content,
            })
        })
        .collect();
    let mut told = json!({
        "version": 1,
        "purpose": purpose,
        "team": team.map(|team| team.name.as_str()),
        "agents": team.map(|team| {
            let agents = team.agents.iter();
            agents.map(|agent| json!({ "name": &*agent.name, "description": agent.description })).collect::<Vec<_>>()
        }),
        "round": session.rounds(),
        "max_round": team.map(|team| team.max_round),
        "turns": session.transcript().tally().turns,
        "last_speaker": session.floor().last_speaker.as_deref(),
        "context": session.context(),
        "messages": messages,
    });
    if let (Some(told), Some(more)) = (told.as_object_mut(), more.as_object()) {
        told.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Arc::from(told.to_string())
}
