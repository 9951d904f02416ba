//! One scripted reply: when it fits, and what it says.

use crate::chat::request::{FailureKind, Finish, Prompt, Purpose, Request, Role};
use crate::models::hint::duration_ms;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// How the newest execution of code in a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResult {
    /// Exit code 0.
    Succeeded,
    /// Any other exit code.
    Failed,
    /// Nothing was executed.
    None,
}

impl LastResult {
    fn word(self) -> &'static str {
        match self {
            LastResult::Succeeded => "succeeded",
            LastResult::Failed => "failed",
            LastResult::None => "none",
        }
    }
}

/// One table of `reply`. Conditions that are not given fit everything.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    agent: Option<String>,
    #[serde(default = "speak")]
    purpose: Purpose,
    turn: Option<u64>,
    last_result: Option<LastResult>,
    contains: Option<String>,
    /// The newest message is the result of this tool.
    after_tool: Option<String>,
    /// What is said.
    #[serde(default)]
    pub text: Arc<str>,
    /// What is thought before it is said.
    pub reasoning: Option<Arc<str>>,
    /// Tokens, where they should not be estimated.
    pub usage: Option<UsageRow>,
    /// Tools it calls.
    #[serde(default)]
    pub tool_calls: Vec<CallRow>,
    /// How it ends.
    #[serde(default = "stop")]
    pub finish: Finish,
    /// How it fails.
    pub fail: Option<Fail>,
}

/// A tool that is called.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRow {
    /// Which.
    pub name: String,
    /// With what: a table, or a text that is sent as it stands, however broken.
    #[serde(default)]
    pub arguments: Value,
}

/// Tokens of a reply; what is missing is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRow {
    /// Input tokens.
    pub input: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
}

/// A failure on cue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// What kind.
    pub kind: FailureKind,
    /// In whose words; ours when missing.
    pub message: Option<String>,
    /// Characters said before it.
    #[serde(default)]
    pub after: usize,
    /// When to come back, in milliseconds.
    #[serde(default, rename = "retry_after", deserialize_with = "duration")]
    pub retry_after_ms: Option<u64>,
}

fn speak() -> Purpose {
    Purpose::Speak
}

/// What for, where that is not an agent's own turn.
fn doing(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Speak => "",
        Purpose::Select => " select",
        Purpose::Summarize => " summarize",
        Purpose::Judge => " judge",
    }
}

fn stop() -> Finish {
    Finish::Stop
}

/// `"2s"`, or a number of seconds.
fn duration<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(source)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let wrong = || serde::de::Error::custom("retry_after takes a time such as \"2s\", or a number of seconds");
    duration_ms(&text).map(Some).ok_or_else(wrong)
}

impl Row {
    /// Reads one table.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(value: &Value) -> Result<Self, String> {
        let row = Row::deserialize(value).map_err(|error| error.to_string())?;
        if value.get("text").is_none() && row.fail.is_none() && row.tool_calls.is_empty() {
            return Err("it needs `text` (what is said), `tool_calls` or `fail` (how it fails)".to_owned());
        }
        if row.turn == Some(0) {
            return Err("turns are counted from 1".to_owned());
        }
        Ok(row)
    }

    /// Whether this row answers in that situation.
    pub fn fits(&self, situation: &Situation) -> bool {
        self.purpose == situation.purpose
            && self.agent.as_deref().is_none_or(|agent| agent == situation.agent)
            && self.turn.is_none_or(|turn| turn == situation.turn)
            && self.last_result.is_none_or(|result| result == situation.last_result)
            && self.contains.as_deref().is_none_or(|part| situation.newest.contains(part))
            && self.after_tool.as_deref().is_none_or(|tool| situation.after_tool == Some(tool))
    }

    /// Whether this row fits wherever `other` fits.
    pub fn covers(&self, other: &Row) -> bool {
        self.purpose == other.purpose
            && (self.agent.is_none() || self.agent == other.agent)
            && (self.turn.is_none() || self.turn == other.turn)
            && (self.last_result.is_none() || self.last_result == other.last_result)
            && self.contains.as_deref().is_none_or(|part| other.contains.as_deref().is_some_and(|o| o.contains(part)))
            && (self.after_tool.is_none() || self.after_tool == other.after_tool)
    }
}

impl fmt::Display for Row {
    /// The conditions, as they would stand in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.agent.as_deref().unwrap_or("any agent"))?;
        f.write_str(doing(self.purpose))?;
        if let Some(turn) = self.turn {
            write!(f, " turn {turn}")?;
        }
        if let Some(result) = self.last_result {
            write!(f, " last result {}", result.word())?;
        }
        if let Some(part) = &self.contains {
            write!(f, " containing {part:?}")?;
        }
        if let Some(tool) = &self.after_tool {
            write!(f, " after tool {tool}")?;
        }
        Ok(())
    }
}

/// What of a request decides the reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation<'a> {
    agent: &'a str,
    purpose: Purpose,
    /// Times the agent has spoken, and this one.
    turn: u64,
    last_result: LastResult,
    newest: &'a str,
    /// The tool whose result is the newest message.
    after_tool: Option<&'a str>,
}

impl<'a> Situation<'a> {
    /// Reads the situation off a request: an agent's own words are those in the role of the assistant.
    pub fn of(request: &'a Request) -> Self {
        // What calls tools is not yet the answer of its turn.
        let answers = |message: &&Prompt| message.role == Role::Assistant && message.tool_calls.is_empty();
        let spoken = request.messages.iter().filter(answers).count();
        let newest = request.messages.iter().rev().find(|message| message.role != Role::System);
        let last_result = request.messages.iter().rev().find_map(|message| exit_code(&message.content));
        Situation {
            agent: &request.agent,
            purpose: request.purpose,
            turn: spoken as u64 + 1,
            last_result: match last_result {
                None => LastResult::None,
                Some("0") => LastResult::Succeeded,
                Some(_) => LastResult::Failed,
            },
            // Instructions are not part of the conversation: the selector's question ends with one.
            newest: newest.map_or("", |message| &message.content),
            after_tool: newest.filter(|message| message.role == Role::Tool).and_then(|message| message.name.as_deref()),
        }
    }
}

impl fmt::Display for Situation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = doing(self.purpose);
        write!(f, "{}{doing} turn {} last result {}", self.agent, self.turn, self.last_result.word())
    }
}

/// N of a text that begins with `exitcode: N (` (AG2: generate_code_execution_reply).
fn exit_code(text: &str) -> Option<&str> {
    let code = text.strip_prefix("exitcode: ")?.split_once(" (")?.0;
    code.parse::<i64>().is_ok().then_some(code)
}
