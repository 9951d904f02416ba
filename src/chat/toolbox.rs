//! Tools as a team file declares them.

use super::team::{CodeExecution, Spec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tool as a team file declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSetup {
    /// What it does and when to use it: for the model.
    pub description: String,
    /// JSON schema of its arguments: an object.
    pub parameters: Value,
    /// The program and its arguments, with `{name}` where an argument of the call is put in. Never a shell.
    pub command: Vec<String>,
    /// Where it runs, who decides, and its limits.
    pub execution: CodeExecution,
    /// From the catalog of tools: what a call does. `command` starts a program.
    #[serde(default = "command", skip_serializing_if = "is_command")]
    pub source: Spec,
    /// Most bytes of a result that its model is told; the record keeps all. `None` tells all that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_limit: Option<u64>,
    /// Whether its calls are carried out one after the other, never side by side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// Whether a call carries a key that is the same when it is carried out again, so that it takes effect once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotency_key: bool,
}

/// The tool that starts a program.
pub const COMMAND: &str = "command";

fn command() -> Spec {
    Spec::named(COMMAND)
}

fn is_command(source: &Spec) -> bool {
    source.kind == COMMAND
}

impl ToolSetup {
    /// A tool that starts this program.
    pub fn command(description: &str, parameters: Value, command: Vec<String>, execution: CodeExecution) -> Self {
        ToolSetup {
            description: description.to_owned(),
            parameters,
            command,
            execution,
            source: Spec::named(COMMAND),
            result_limit: None,
            alone: false,
            idempotency_key: false,
        }
    }
}
