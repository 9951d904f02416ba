//! A team as data: who takes part, who speaks next, when to stop, what it may spend.
//!
//! Everything is resolved here - defaults filled in, paths absolute - so that a session that stores its team can be
//! opened anywhere. Families that grow (selectors, conditions, providers, executors) appear as a [`Spec`], which only
//! their own catalog understands: an old log opens even when a family has lost a member.

use super::Name;
use super::containment::{Bounds, LanguageRow, Tier};
use super::context::ContextRule;
use super::end::SummarySetup;
use super::failing::OnFailure;
use super::format::ResponseFormat;
pub use super::handoff::{AfterWork, Handoff, Nested, Target};
use super::message::Author;
use super::pattern::Pattern;
pub use super::toolbox::{COMMAND, ToolSetup};
use super::usage::{Money, Price};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// What all agents share besides the words (AG2: ContextVariables), as it is at the start.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context_variables: Map<String, Value>,
    /// When the run goes in circles.
    #[serde(default, skip_serializing_if = "super::watch::Watching::is_plain")]
    pub watch: super::watch::Watching,
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
            context_variables: Map::new(),
            watch: Default::default(),
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

/// What an agent is by default; each part can be set on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// Speaks through a model.
    Assistant,
    /// Stands for a person, and may run code.
    UserProxy,
    /// Only runs code.
    Executor,
    /// A team that answers as one (AgentChat: SocietyOfMindAgent).
    Team,
}

/// When the person behind an agent is asked (AG2: ConversableAgent.human_input_mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HumanInputMode {
    /// Before every reply.
    Always,
    /// Never.
    Never,
    /// On a termination message, and when the consecutive limit is reached.
    Terminate,
    /// Exactly before a code block or tool call runs, whatever is allowed otherwise; never for words.
    FunctionCall,
}

/// How an agent recognises that the conversation is over (AG2: is_termination_msg).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminationMatch {
    /// The whole message is this text, byte for byte. AG2's default is `TERMINATE`.
    Exactly(String),
    /// The message contains this text.
    Contains(String),
    /// The message ends with this text, trailing white space aside.
    EndsWith(String),
    /// The message matches this regular expression somewhere.
    Matches(Pattern),
    /// Never.
    Never,
}

impl TerminationMatch {
    /// Whether `text` says that the conversation is over.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            TerminationMatch::Exactly(wanted) => text == wanted,
            TerminationMatch::Contains(wanted) => text.contains(wanted.as_str()),
            TerminationMatch::EndsWith(wanted) => text.trim_end().ends_with(wanted.as_str()),
            TerminationMatch::Matches(pattern) => pattern.is_match(text),
            TerminationMatch::Never => false,
        }
    }
}

/// A member of the team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// `[A-Za-z0-9_-]{1,32}`, unique in the team.
    pub name: Name,
    /// What it is by default.
    pub kind: AgentKind,
    /// What the others (and the selector) are told about it.
    pub description: String,
    /// What its model is told first.
    pub system_message: String,
    /// Key into `Team::models`; `None` for agents without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When the person is asked.
    pub human_input_mode: HumanInputMode,
    /// Replies in a row without a person's word (AG2: max_consecutive_auto_reply, default 100).
    pub max_consecutive_auto_reply: u32,
    /// How it recognises the end.
    pub is_termination_msg: TerminationMatch,
    /// What it says when it has nothing else to say; `None` means it says nothing, which ends the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_auto_reply: Option<String>,
    /// Code execution, if it runs code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_execution: Option<CodeExecution>,
    /// What shape its answers have; `None` is words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Arc<ResponseFormat>>,
    /// What is done when it could not speak; `None` holds the run, or ends it where nobody is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Never chosen by any selection; the operator may call on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// The rule that must hold for it to be chosen (AG2: eligibility_policies; AgentChat: candidate_func).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_when: Option<String>,
    /// Who hears it; empty means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speaks_to: Vec<Name>,
    /// Which messages its model is sent.
    #[serde(default, skip_serializing_if = "ContextRule::is_full")]
    pub context: ContextRule,
    /// Tools its model may call: keys into [`Team::tools`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The team behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<Box<Nested>>,
    /// To whom its model may pass the floor by a tool call (AgentChat: Handoff; AG2: OnCondition).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handoffs: Vec<Handoff>,
    /// Who follows it when it has handed over to nobody; the first that applies (AG2: after_works).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_work: Vec<AfterWork>,
    /// Rounds of tool calls in one turn (AgentChat: AssistantAgent.max_tool_iterations, default 1).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub max_tool_iterations: u32,
    /// Ask the model once more, without tools, to put the last results into words (AgentChat: reflect_on_tool_use).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reflect_on_tool_use: bool,
    /// One line for each result when nobody puts them into words: `{tool_name}`, `{arguments}`, `{result}` and
    /// `{is_error}` are filled in (AgentChat: tool_call_summary_format, default `{result}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_summary_format: Option<String>,
}

impl Agent {
    /// An assistant of that name without a model, mode NEVER, that stops on exactly `TERMINATE`.
    pub fn named(name: impl Into<Name>) -> Self {
        Agent {
            name: name.into(),
            kind: AgentKind::Assistant,
            description: String::new(),
            system_message: String::new(),
            model: None,
            human_input_mode: HumanInputMode::Never,
            max_consecutive_auto_reply: 100,
            is_termination_msg: TerminationMatch::Exactly("TERMINATE".into()),
            default_auto_reply: None,
            code_execution: None,
            response_format: None,
            on_failure: None,
            speaks_to: Vec::new(),
            context: ContextRule::Full,
            silent: false,
            available_when: None,
            tools: Vec::new(),
            nested: None,
            handoffs: Vec::new(),
            after_work: Vec::new(),
            max_tool_iterations: 1,
            reflect_on_tool_use: false,
            tool_call_summary_format: None,
        }
    }
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

/// How an agent runs code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeExecution {
    /// From the executor catalog.
    pub executor: Spec,
    /// Absolute directory in which the code runs; created when missing.
    pub work_dir: String,
    /// Limit of one block, in milliseconds.
    pub timeout_ms: u64,
    /// Who decides.
    pub approval: ApprovalPolicy,
    /// How many trailing messages are searched for code (AG2: last_n_messages); `None` is `auto`: everything said
    /// since this agent last spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_n_messages: Option<u32>,
    /// Names of environment variables that are passed on; nothing else is.
    pub environment: Vec<String>,
    /// Most bytes of output that are kept.
    pub output_limit: u64,
    /// The weakest tier in which its code may run. Nothing runs where that cannot be kept.
    #[serde(default, skip_serializing_if = "Tier::is_none")]
    pub minimum_tier: Tier,
    /// Whether contained code may use the network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
    /// What an execution may use up.
    #[serde(default, skip_serializing_if = "Bounds::is_unlimited")]
    pub bounds: Bounds,
    /// Absolute directory of a virtual environment whose Python runs the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venv: Option<String>,
    /// Languages that the operator's settings add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageRow>,
}

impl Default for CodeExecution {
    /// The local executor without a directory, a minute for a block, 64 KiB of output, and no limit.
    fn default() -> Self {
        CodeExecution {
            executor: Spec::named("local"),
            work_dir: String::new(),
            timeout_ms: 60_000,
            approval: ApprovalPolicy::Always,
            last_n_messages: None,
            environment: Vec::new(),
            output_limit: 65_536,
            minimum_tier: Tier::None,
            network: false,
            bounds: Bounds::default(),
            venv: None,
            languages: Vec::new(),
        }
    }
}

/// Who decides whether code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalPolicy {
    /// The operator, every time.
    Always,
    /// Nobody: the team file says so, and every execution records that.
    Never,
    /// The operator, at the first call of a tool; a yes holds for all its calls on the branch.
    Ask,
    /// The operator, whenever a tool is called in another way than one that was approved on the branch.
    AskIfChanged,
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
