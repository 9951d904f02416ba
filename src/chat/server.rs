//! MCP servers: as a team declares them, and what they say of themselves while it runs.

use super::code::hex;
use super::team::ApprovalPolicy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kind of a tool that a server carries out.
pub const MCP: &str = "mcp";

/// A server whose tools the team may use. Either `command` or `url` says what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerSetup {
    /// The program and its arguments, started once for the session; empty for a server that is asked over HTTP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Address of a server that speaks streamable HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Absolute directory in which the program runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub work_dir: String,
    /// Names of environment variables that are passed on; nothing else is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// Headers whose values are in environment variables: name of the header to name of the variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Only these tools, by the server's own names; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Who decides about calls.
    pub approval: ApprovalPolicy,
    /// Limit of one call in milliseconds.
    pub timeout_ms: u64,
    /// How long it may take until the server answers and has listed its tools, in milliseconds.
    pub start_ms: u64,
    /// Most bytes of a result that are kept, and that a model is told.
    pub output_limit: u64,
    /// Most bytes of a result that a model is told.
    pub result_limit: u64,
    /// Whether its calls carry a key that is the same when they are made again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotency_key: bool,
}

impl ServerSetup {
    /// What it is: SHA-256 over program or address and directory, in hex. What was accepted of one server says nothing
    /// about another.
    pub fn identity(&self) -> String {
        let parts = (&self.command, &self.url, &self.work_dir);
        hex(&Sha256::digest(serde_json::to_vec(&parts).unwrap_or_default()))
    }

    /// The program or address, in words.
    pub fn words(&self) -> String {
        self.url.clone().unwrap_or_else(|| self.command.join(" "))
    }
}

/// A tool as its server lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedTool {
    /// The server's own name for it.
    pub name: String,
    /// What it says it does.
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Value,
    /// SHA-256 over the server's identity and all that it says of the tool, in hex.
    pub hash: String,
    /// What it was when it was accepted, if it has changed since: it is not offered and not called until that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
}

impl ListedTool {
    /// All that its server says of it that a model is told, as a text to compare.
    pub fn text(&self) -> String {
        let schema = serde_json::to_string_pretty(&self.parameters).unwrap_or_default();
        format!("{}\n\n{schema}", self.description)
    }
}

/// What happens to the servers and tools of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ToolsEvent {
    /// A server answers, and these are its tools now.
    Ready {
        /// Which.
        server: String,
        /// Name and version, as it says.
        about: String,
        /// Its tools.
        tools: Arc<Vec<ListedTool>>,
        /// What of its list was not taken, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<String>,
    },
    /// A server does not answer.
    Down {
        /// Which.
        server: String,
        /// Why.
        why: String,
    },
    /// The operator accepted a tool as it is now.
    Accepted {
        /// Its server.
        server: String,
        /// The server's name for it.
        tool: String,
        /// What was accepted: [`ListedTool::hash`].
        hash: String,
    },
}

/// What the operator asks of servers and tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ToolsCommand {
    /// Accept a changed tool as it is now.
    Accept {
        /// Its server.
        server: String,
        /// The server's name for it.
        tool: String,
        /// What was on the screen: [`ListedTool::hash`].
        hash: String,
    },
    /// Start a server anew.
    Restart {
        /// Which.
        server: String,
    },
    /// Answer a call that waits for consent in the tool's place: it is not carried out.
    Answer {
        /// The request for consent.
        approval: super::id::ApprovalId,
        /// What the model is told.
        text: Arc<str>,
    },
}
