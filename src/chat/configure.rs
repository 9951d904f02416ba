//! What may be changed about an agent while a session goes on.

use super::context::ContextRule;
use super::team::Agent;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A change to an agent. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Change {
    /// What its model is told first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_message: Option<Arc<str>>,
    /// What the others are told about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// Its model; key into `Team::models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Replies in a row without a person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_consecutive_auto_reply: Option<u32>,
    /// Which messages its model is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRule>,
}

impl Change {
    /// The agent as it is from now on.
    pub fn applied(&self, agent: &Agent) -> Agent {
        let mut agent = agent.clone();
        if let Some(text) = &self.system_message {
            agent.system_message = text.to_string();
        }
        if let Some(text) = &self.description {
            agent.description = text.to_string();
        }
        if let Some(model) = &self.model {
            agent.model = Some(model.clone());
        }
        if let Some(limit) = self.max_consecutive_auto_reply {
            agent.max_consecutive_auto_reply = limit;
        }
        if let Some(context) = self.context {
            agent.context = context;
        }
        agent
    }
}

impl std::fmt::Display for Change {
    /// `new system message, model smart`. Keys stand as they are: whoever shows them makes them safe.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            self.system_message.as_ref().map(|_| "new system message".to_owned()),
            self.description.as_ref().map(|_| "new description".to_owned()),
            self.model.as_ref().map(|model| format!("model {model}")),
            self.max_consecutive_auto_reply.map(|limit| format!("at most {limit} replies in a row")),
            self.context.map(|context| format!("is sent {context}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
