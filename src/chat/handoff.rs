//! Where a turn leads besides words: to another agent, or into a team of its own.

use super::Name;
use super::team::Team;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A team that answers in the name of a member (AgentChat: SocietyOfMindAgent; AG2: register_nested_chats).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    /// Its members and how they talk.
    pub team: Team,
    /// It is asked only while this rule holds, and the agent answers by itself otherwise (AG2: the trigger of nested
    /// chats). Always when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What its conversation begins with; what the agent has not answered yet when missing (AG2: `message`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Add what earlier teams came to (AG2: carryover of initiate_chats).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carryover: bool,
    /// Its members remember earlier conversations of this session. Otherwise each begins afresh (AgentChat: the inner
    /// team is reset after every turn).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub memory: bool,
    /// What the agent's model is told before the conversation of its team (AgentChat: `instruction`).
    pub instruction: String,
    /// What it is asked after it (AgentChat: `response_prompt`).
    pub response_prompt: String,
}

/// A way to pass the floor that a model is offered as a tool, or that a rule takes by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handoff {
    /// A member of the team, or `user` for the person in the chair.
    pub target: Name,
    /// Name of the tool; `transfer_to_<target>` in lower case unless given.
    pub name: String,
    /// What the model is told about it.
    pub description: String,
    /// What the others hear.
    pub message: String,
    /// Offered only while this rule holds (AG2: OnCondition.available).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_when: Option<String>,
    /// Taken without asking the model when this rule holds (AG2: OnContextCondition).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Context variables that it sets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
}

/// Who follows an agent that handed over to nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AfterWork {
    /// Applies while this rule holds; always when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Who or what.
    pub target: Target,
}

/// Where the floor goes (AG2: TransitionTarget).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To this agent.
    Agent(Name),
    /// Stays where it is.
    Stay,
    /// The run ends.
    Terminate,
    /// The person in the chair speaks; then the agent before has the floor again.
    User,
    /// The operator picks.
    Ask,
    /// Anybody else, by the seed.
    Random,
    /// A model picks (AG2: GroupManagerTarget).
    Auto,
}
