//! Messages of the shared transcript.

use super::Name;
use super::id::{CallId, MessageId, TurnId};
use super::tool::{ToolCall, ToolResult};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A member of the team.
    Agent(Name),
    /// The person in the chair.
    Operator,
}

impl Author {
    /// The name under which the other agents see the author. The operator appears as `user`, as in AG2.
    pub fn name(&self) -> &str {
        match self {
            Author::Agent(name) => name,
            Author::Operator => "user",
        }
    }
}

/// What kind of thing was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The task that opens the conversation.
    Task,
    /// A model's words.
    Reply,
    /// The result of running code, in AG2's `exitcode:` form.
    CodeResult,
    /// A person's words: the operator speaking, or answering for a user proxy.
    Human,
    /// A fixed text: the default auto reply.
    Auto,
    /// A model wants tools called. Only its author hears it (AgentChat: ToolCallRequestEvent).
    ToolCalls,
    /// What came of the calls. Only the author of the calls hears it (AgentChat: ToolCallExecutionEvent).
    ToolResults,
    /// The results of an agent's calls in short, when its model does not put them into words. Only the others hear it
    /// (AgentChat: ToolCallSummaryMessage).
    ToolSummary,
    /// The author passes the floor to another agent (AgentChat: HandoffMessage).
    Handoff,
    /// What the moderator of the team says: a plan, an instruction, a final answer (AgentChat: Magentic).
    Moderation,
    /// A note of Plenary's to the team: somebody repeats itself. Marked as such; nobody's words.
    Note,
    /// What a conversation came to (AG2: summary_method; AgentChat: SocietyOfMindAgent).
    Summary,
}

impl MessageKind {
    /// What it is, where that is worth saying beside its author.
    pub fn label(self) -> Option<&'static str> {
        match self {
            MessageKind::Reply => None,
            MessageKind::Task => Some("task"),
            MessageKind::CodeResult => Some("code result"),
            MessageKind::Human => Some("by a person"),
            MessageKind::Auto => Some("auto reply"),
            MessageKind::ToolCalls => Some("calls tools"),
            MessageKind::ToolResults => Some("tool results"),
            MessageKind::ToolSummary => Some("results in short"),
            MessageKind::Handoff => Some("hands over"),
            MessageKind::Moderation => Some("moderates"),
            MessageKind::Note => Some("note by plenary"),
            MessageKind::Summary => Some("summary"),
        }
    }
}

/// Whether the text is all that its author meant to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// The author finished.
    Whole,
    /// The model hit its output limit. Visible to the others, but its code is not run.
    CutOff,
    /// Stopped by the operator or a broken stream. Kept for the operator; not sent to other agents, its code is not run.
    Interrupted,
}

/// One message of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Stable across edits.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// What kind of thing it is.
    pub kind: MessageKind,
    /// The text, exactly as it came. Made safe for display only when displayed.
    pub content: Arc<str>,
    /// Whether the text is whole.
    pub completeness: Completeness,
    /// The turn it belongs to; `None` for the task and for the operator's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The model call that produced it, which knows tokens, cost and time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// Reasoning the model showed, if any. Never sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Arc<str>>,
    /// The operator spoke in this agent's name; shown to the operator, hidden from the agents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_operator: bool,
    /// What its author had written, where the operator changed it before anybody heard it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafted: Option<Arc<str>>,
    /// Who hears it besides its author; empty means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Name>,
    /// The others are told that it was said to these, though not what.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announced: bool,
    /// The members of nested teams in whose conversation it was said, outermost first. Said to nobody outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Name>,
    /// Tools that its author wants called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What came of its author's calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_results: Vec<ToolResult>,
    /// To whom it passes the floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<Name>,
}

impl Message {
    /// A whole message of no turn, for everybody.
    pub fn new(id: MessageId, author: Author, kind: MessageKind, content: impl Into<Arc<str>>) -> Self {
        Message {
            id,
            author,
            kind,
            content: content.into(),
            completeness: Completeness::Whole,
            turn: None,
            call: None,
            reasoning: None,
            by_operator: false,
            drafted: None,
            to: Vec::new(),
            announced: false,
            within: Vec::new(),
            tool_calls: Vec::new(),
            tool_results: Vec::new(),
            handoff: None,
        }
    }

    /// The text with its tool traffic written out, a line each: `→ name(arguments)` and `← name: result`.
    pub fn told(&self) -> Cow<'_, str> {
        if self.tool_calls.is_empty() && self.tool_results.is_empty() {
            return Cow::Borrowed(&self.content);
        }
        let mut text = self.content.trim_end().to_owned();
        let mut line = |added: String| {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&added);
        };
        // Results follow their calls, which need not be told again.
        let calls = self.tool_calls.iter().filter(|_| self.tool_results.is_empty());
        calls.for_each(|call| line(format!("→ {}({})", call.name, call.arguments)));
        for result in &self.tool_results {
            let failed = if result.is_error { " failed" } else { "" };
            line(format!("← {}{failed}: {}", result.name, result.content));
        }
        Cow::Owned(text)
    }

    /// The names that lead to its author, nested teams outermost first; the last is the author.
    pub fn author_path(&self) -> impl Iterator<Item = &str> {
        self.within.iter().map(|name| &**name).chain(std::iter::once(self.author.name()))
    }

    /// Whether it is part of the conversation that all members share: it counts as a round, conditions and selectors
    /// see it. Interrupted words, an agent's dealings with its tools, and what is said inside a nested team are not.
    pub fn is_shared(&self) -> bool {
        self.completeness != Completeness::Interrupted
            && self.within.is_empty()
            && !matches!(self.kind, MessageKind::ToolCalls | MessageKind::ToolResults)
    }

    /// `only to Coder`, for a message that not everybody hears. Names stand as they are: whoever shows them makes them
    /// safe.
    pub fn audience(&self) -> Option<String> {
        let known = if self.announced { " (the others know)" } else { "" };
        (!self.to.is_empty()).then(|| format!("only to {}{known}", self.to.join(", ")))
    }

    /// The words as they reach this agent: whole, as a note that others were spoken to, or not at all.
    pub fn as_told_to(&self, agent: &str) -> Option<Arc<str>> {
        if self.is_heard_by(agent) {
            return Some(self.content.clone());
        }
        let noticed = self.announced && !self.to.is_empty() && self.is_shared();
        noticed.then(|| format!("(This was said to {} only.)", self.to.join(", ")).into())
    }

    /// Whether this agent hears it.
    pub fn is_heard_by(&self, agent: &str) -> bool {
        let own = matches!(&self.author, Author::Agent(name) if &**name == agent);
        match self.kind {
            _ if self.completeness == Completeness::Interrupted || !self.within.is_empty() => false,
            MessageKind::ToolCalls | MessageKind::ToolResults => own,
            MessageKind::ToolSummary if own => false,
            _ => own || self.to.is_empty() || self.to.iter().any(|name| &**name == agent),
        }
    }
}
