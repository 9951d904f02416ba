//! A team as data: who takes part, who speaks next, when to stop, what it may spend.
//!
//! Everything is resolved here - defaults filled in, paths absolute - so that a session that stores its team can be
//! opened anywhere. Families that grow (selectors, conditions, providers, executors) appear as a [`Spec`], which only
//! their own catalog understands: an old log opens even when a family has lost a member.

use super::Name;
pub use super::agent::{Agent, AgentKind, ApprovalPolicy, CodeExecution, HumanInputMode, TerminationMatch};
use super::end::SummarySetup;
pub use super::handoff::{AfterWork, Handoff, Nested, Target};
use super::message::Author;
pub use super::server::ServerSetup;
pub use super::toolbox::{COMMAND, ToolSetup};
use super::usage::{Money, Price};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A member of a catalog family by name, with its options as the catalog row understands them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The row's name.
    pub kind: String,
    /// Options; what may stand here is the row's `fields`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

impl Spec {
    /// A spec without options.
    pub fn named(kind: impl Into<String>) -> Self {
        Spec { kind: kind.into(), options: Map::new() }
    }
}

/// A condition that ends the run, or a combination of conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Met when one of them is.
    Any(Vec<Condition>),
    /// Met when all of them have been.
    All(Vec<Condition>),
    /// A single condition from the termination catalog.
    One(Spec),
}

/// A team of agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// Shown in the title line and in the list of sessions.
    pub name: String,
    /// What to work on, unless it is given on start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What was said before it begins. Without a task the last of these is the task, whoever says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initial: Vec<Initial>,
    /// Every member is told first who takes part (AG2: GroupChat.send_introductions).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub send_introductions: bool,
    /// Members, in the order in which round robin calls them.
    pub agents: Vec<Agent>,
    /// Who speaks next (AG2: GroupChat.speaker_selection_method).
    pub speaker_selection_method: Spec,
    /// The model that `auto` asks; key into `models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector_model: Option<String>,
    /// Extra attempts when the selector's answer names nobody or several (AG2: max_retries_for_selecting_speaker).
    pub max_retries_for_selecting_speaker: u32,
    /// Who may speak twice in a row (AG2: GroupChat.allow_repeat_speaker).
    pub allow_repeat_speaker: Repeat,
    /// Who may follow whom, if that is restricted (AG2: allowed_or_disallowed_speaker_transitions).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_transitions: Option<Transitions>,
    /// How long a proposal waits for the operator before it is taken, in milliseconds; `None` waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick_countdown_ms: Option<u64>,
    /// Most messages in the transcript, the task included (AG2: GroupChat.max_round).
    pub max_round: u32,
    /// How a run is summed up when it is over; `None` means not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SummarySetup>,
    /// Any of these ends the run.
    pub termination: Vec<Condition>,
    /// Ceilings that hold (interactive) or end (headless) the run.
    pub limits: Limits,
    /// Models by key.
    pub models: BTreeMap<String, ModelSpec>,
    /// Seed of everything random in the run; recorded, so that a run can be repeated.
    pub seed: u64,
    /// Tools by name, for the agents that list them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, ToolSetup>,
    /// MCP servers whose tools agents may call, by the name that the team file gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp: BTreeMap<String, ServerSetup>,
    /// What all agents share besides the words (AG2: ContextVariables), as it is at the start.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context_variables: Map<String, Value>,
    /// When the run goes in circles.
    #[serde(default, skip_serializing_if = "super::watch::Watching::is_plain")]
    pub watch: super::watch::Watching,
    /// Where the run is to be stopped or looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breakpoints: Vec<super::breaks::Breakpoint>,
}

impl Team {
    /// A round-robin team without a task, a condition, a limit or a model.
    pub fn of(name: impl Into<String>, agents: Vec<Agent>) -> Self {
        Team {
            name: name.into(),
            task: None,
            initial: Vec::new(),
            send_introductions: false,
            summary: None,
            agents,
            speaker_selection_method: Spec::named("round_robin"),
            selector_model: None,
            max_retries_for_selecting_speaker: 2,
            allow_repeat_speaker: Repeat::Everyone,
            speaker_transitions: None,
            pick_countdown_ms: None,
            max_round: 10,
            termination: Vec::new(),
            limits: Limits { max_cost: None, max_tokens: None, max_time_ms: None, max_executions: None },
            models: BTreeMap::new(),
            seed: 0,
            tools: BTreeMap::new(),
            mcp: BTreeMap::new(),
            context_variables: Map::new(),
            watch: Default::default(),
            breakpoints: Vec::new(),
        }
    }

    /// The member of that name.
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| &*agent.name == name)
    }

    /// Whether it can begin without being given a task.
    pub fn has_task(&self) -> bool {
        self.task.is_some() || !self.initial.is_empty()
    }

    /// What every member is told before the first message, if it is told anything (AG2: GroupChat.introductions_msg; a
    /// greeting, who is there, and a line for each with its description). Not part of the transcript and not a round.
    pub fn introduction(&self) -> Option<String> {
        self.send_introductions.then(|| {
            let members = self.agents.iter().map(|agent| format!("{}: {}", agent.name, agent.description.trim()));
            let members = members.collect::<Vec<_>>().join("\n");
            format!("Welcome. We work on one task together. In attendance are:\n\n{members}")
        })
    }

    /// Position of a member in the team's order.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.agents.iter().position(|agent| &*agent.name == name)
    }
}

/// A message that stands at the beginning of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initial {
    /// Who says it.
    pub author: Author,
    /// What.
    pub content: String,
}

/// Who may speak twice in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Everybody.
    Everyone,
    /// Nobody.
    Nobody,
    /// Only these.
    Only(Vec<Name>),
}

/// Who may follow whom: a graph whose edges the team file lists, or all but the edges that it lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transitions {
    /// For every member the members that may speak after it, in the team's order; nobody means that it has the last
    /// word. Both of AG2's spellings (allowed, disallowed) come to this.
    pub after: BTreeMap<Name, Vec<Name>>,
}

impl Transitions {
    /// Whether `next` may speak after `last`. An author who is no member restricts nobody.
    pub fn allow(&self, last: &str, next: &str) -> bool {
        self.after.get(last).is_none_or(|after| after.iter().any(|name| &**name == next))
    }
}

/// Ceilings of one session. `None` means no ceiling of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Money, over all branches.
    pub max_cost: Option<Money>,
    /// Tokens, over all branches.
    pub max_tokens: Option<u64>,
    /// Wall time in milliseconds, waiting for the operator not counted.
    pub max_time_ms: Option<u64>,
    /// Executions of code.
    pub max_executions: Option<u64>,
}

/// A model as a team uses it. Holds the name of a key's variable, never a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// From the provider catalog; options are the provider's own fields.
    pub provider: Spec,
    /// The provider's name of the model.
    pub model: String,
    /// Keys of models that are tried next, in order, when this one fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<String>,
    /// Price, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Most tokens of input and output together, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// Sampling and the like, passed on as they stand (`temperature`, `top_p`, `max_tokens`, `seed`, `stop`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}
