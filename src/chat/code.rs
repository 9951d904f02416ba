//! Code that a model wrote, where it would run, and what came of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// One fenced block of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeBlock {
    /// The language as written after the fence, or inferred; empty when unknown.
    pub language: String,
    /// The bytes between the fences, exactly.
    pub code: Arc<str>,
}

/// Where code would run and what it could touch: shown before approval, part of the consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The executor's catalog name, e.g. `local`.
    pub executor: String,
    /// How strongly it is contained, in words a person can act on, e.g. `none: your own account`.
    pub containment: String,
    /// Absolute working directory.
    pub work_dir: String,
    /// Whether the code can reach the network.
    pub network: bool,
    /// Names (never values) of the environment variables passed on.
    pub environment: Vec<String>,
    /// Time limit of one block in milliseconds.
    pub timeout_ms: u64,
    /// Most bytes of output that are kept.
    pub output_limit: u64,
}

/// Everything that decides what an execution does. What was approved is identified by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The blocks in the order they run.
    pub blocks: Vec<CodeBlock>,
    /// Where they run.
    pub place: Place,
    /// The tool that is called, if it is one: then the only block holds its arguments as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolUse>,
}

/// A tool call as it would be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    /// Name of the tool.
    pub name: String,
    /// The model's identity of the call.
    pub call_id: String,
    /// The program and its arguments, with `{name}` where an argument of the call is put in. Never a shell.
    pub argv: Vec<String>,
}

impl Payload {
    /// Code that would run somewhere.
    pub fn code(blocks: Vec<CodeBlock>, place: Place) -> Self {
        Payload { blocks, place, tool: None }
    }

    /// The same with other blocks: what an edit before consent makes of it.
    pub fn with_blocks(&self, blocks: Vec<CodeBlock>) -> Self {
        Payload { blocks, place: self.place.clone(), tool: self.tool.clone() }
    }

    /// SHA-256 over a canonical encoding of every field, in hex. Two payloads that could act differently never
    /// share it: each part is preceded by its length.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        part(b"plenary consent v1");
        part(&(self.blocks.len() as u64).to_be_bytes());
        for block in &self.blocks {
            part(block.language.as_bytes());
            part(block.code.as_bytes());
        }
        let place = &self.place;
        part(place.executor.as_bytes());
        part(place.containment.as_bytes());
        part(place.work_dir.as_bytes());
        part(&[u8::from(place.network)]);
        part(&(place.environment.len() as u64).to_be_bytes());
        for name in &place.environment {
            part(name.as_bytes());
        }
        part(&place.timeout_ms.to_be_bytes());
        part(&place.output_limit.to_be_bytes());
        if let Some(tool) = &self.tool {
            part(b"tool");
            part(tool.name.as_bytes());
            part(tool.call_id.as_bytes());
            part(&(tool.argv.len() as u64).to_be_bytes());
            tool.argv.iter().for_each(|word| part(word.as_bytes()));
        }
        hex(&hasher.finalize())
    }

    /// Lines over all blocks, as an editor would count them.
    pub fn lines(&self) -> usize {
        self.blocks.iter().map(|block| block.code.lines().count().max(1)).sum()
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Exit code; 124 after a time-out, as AG2's executors report it.
    pub exit_code: i32,
    /// What it printed: standard error and output as they came, cut in the middle above the limit.
    pub output: Arc<str>,
    /// Bytes left out of `output`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
    /// Why it did not end by itself, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// From start to end.
    pub duration_ms: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Why an execution did not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The time limit passed.
    TimedOut,
    /// The operator (or the end of the run) stopped it.
    Killed,
    /// It could not be started; the output says why.
    NotStarted,
}

impl Execution {
    /// The message text the other agents see (AG2: ConversableAgent.generate_code_execution_reply).
    pub fn reply(&self) -> String {
        let status = if self.exit_code == 0 { "execution succeeded" } else { "execution failed" };
        format!("exitcode: {} ({status})\nCode output: {}", self.exit_code, self.output)
    }
}
