//! What one agent's model is sent: its system message and the conversation as that agent sees it.

use crate::chat::message::{Author, Completeness};
use crate::chat::request::{Prompt, Role};
use crate::chat::team::Agent;
use crate::session::Session;
use std::sync::Arc;

/// The conversation as `agent` sees it, oldest first: its own words as the assistant's, everybody else's as a user's
/// with their name (AG2: GroupChat members see the group through one peer). Interrupted messages are left out. Bodies
/// are shared, so the cost is a few words a message.
pub fn prompts_for(agent: &Agent, session: &Session) -> Vec<Prompt> {
    let entries = session.transcript().entries();
    let mut prompts = Vec::with_capacity(entries.len() + 1);
    if !agent.system_message.is_empty() {
        prompts.push(Prompt { role: Role::System, name: None, content: Arc::from(agent.system_message.as_str()) });
    }
    for entry in entries {
        let message = &entry.message;
        if message.completeness == Completeness::Interrupted {
            continue;
        }
        let (role, name) = match &message.author {
            Author::Agent(name) if *name == agent.name => (Role::Assistant, Some(name.clone())),
            Author::Agent(name) => (Role::User, Some(name.clone())),
            Author::Operator => (Role::User, None),
        };
        prompts.push(Prompt { role, name, content: message.content.clone() });
    }
    prompts
}
