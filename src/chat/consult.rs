//! Questions to a program of the user's own: who speaks next, or whether it is over.

use super::id::{OpId, TurnId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a program is asked, and how it is run. Never through a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// Which selector or condition asks: `selector`, or the path of a condition. One answer for each and turn.
    pub key: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The directory in which it runs.
    pub dir: String,
    /// Names of the environment variables that are passed on; nothing else is.
    pub environment: Vec<String>,
    /// Time limit in milliseconds.
    pub timeout_ms: u64,
    /// One JSON object, on its standard input.
    pub input: Arc<str>,
}

/// What a program reads: JSON as text.
pub type Told = Arc<str>;

/// A program of the user's, as the team file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The directory in which it runs.
    pub dir: String,
    /// Names of the environment variables that are passed on.
    pub environment: Vec<String>,
    /// Time limit in milliseconds.
    pub timeout_ms: u64,
}

impl Program {
    /// The question to it.
    pub fn consultation(&self, key: &str, input: Told) -> Consultation {
        Consultation {
            key: key.to_owned(),
            command: self.command.clone(),
            dir: self.dir.clone(),
            environment: self.environment.clone(),
            timeout_ms: self.timeout_ms,
            input,
        }
    }

    /// For people: the program's own name.
    pub fn shown(&self) -> &str {
        let program = self.command.first().map_or("", String::as_str);
        program.rsplit('/').next().unwrap_or(program)
    }
}

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Advice {
    /// What it printed, white space around it aside.
    pub answer: Arc<str>,
    /// Why there is no answer: it could not be started, failed, or took too long. With what it wrote to standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// From start to end, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
}

impl Advice {
    /// No answer, for this reason.
    pub fn failed(why: impl Into<String>) -> Self {
        Advice { failure: Some(why.into()), ..Advice::default() }
    }
}

/// A program of the user's is about to be asked. On disk before it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsultAsked {
    /// Identity of the effect.
    pub op: OpId,
    /// The turn that would come next.
    pub turn: TurnId,
    /// Which selector or condition asks.
    pub key: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// SHA-256 of what it is told, in hex.
    pub input: String,
}

/// The program is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsultAnswered {
    /// The effect.
    pub op: OpId,
    /// What it said, or why it said nothing.
    pub advice: Advice,
    /// It was stopped on request, and will be asked anew if its answer is still wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}
