//! A member of a team as data: what it is, when its person is asked, and how it runs code.

use super::Name;
use super::containment::{Bounds, LanguageRow, Tier};
use super::context::ContextRule;
use super::failing::OnFailure;
use super::format::ResponseFormat;
use super::handoff::{AfterWork, Handoff, Nested};
use super::pattern::Pattern;
use super::team::Spec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// MCP servers all of whose tools its model may call: keys into [`super::team::Team::mcp`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcp: Vec<String>,
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
            mcp: Vec::new(),
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
