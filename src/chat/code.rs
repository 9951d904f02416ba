//! Code that a model wrote, where it would run, and what came of it.

use super::containment::{Bounds, Image, LanguageRow, Tier};
use super::team::Spec;
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The tier it runs in; an executor that cannot keep it refuses to run.
    #[serde(default, skip_serializing_if = "Tier::is_none")]
    pub tier: Tier,
    /// What it may use up.
    #[serde(default, skip_serializing_if = "Bounds::is_unlimited")]
    pub bounds: Bounds,
    /// The image, for containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Whether one container serves the whole session instead of each execution getting a fresh one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lasting: bool,
    /// Directory of a virtual environment whose Python runs the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venv: Option<String>,
    /// Languages that the settings add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageRow>,
}

impl Place {
    /// Whether nothing is set that the first version of the consent did not cover.
    fn is_plain(&self) -> bool {
        self.tier.is_none()
            && self.bounds.is_unlimited()
            && self.image.is_none()
            && !self.lasting
            && self.venv.is_none()
            && self.languages.is_empty()
    }

    /// What limits the code besides time, in words; empty when nothing does.
    pub fn bounds_in_words(&self) -> String {
        let bounds = &self.bounds;
        let memory = bounds.memory.map(|n| format!("memory {}", super::containment::bytes(n)));
        let processes = bounds.processes.map(|n| format!("{n} processes"));
        let cpu = bounds.cpu_millis.map(|n| format!("{} cores", f64::from(n) / 1000.0));
        let disk = bounds.disk.map(|n| format!("disk {}", super::containment::bytes(n)));
        [memory, processes, cpu, disk].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Everything that decides what an execution does. What was approved is identified by its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolUse {
    /// Name of the tool.
    pub name: String,
    /// The model's identity of the call.
    pub call_id: String,
    /// The program and its arguments, with `{name}` where an argument of the call is put in. Never a shell. Of a tool
    /// that is no program, what it does in the same form: `GET https://example.com/{id}`.
    pub argv: Vec<String>,
    /// What carries it out, from the catalog of tools; nothing for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Spec>,
    /// The same whenever this call is carried out again: whoever gets it can tell that it is no second call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
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
        let plain = self.place.is_plain();
        part(if plain { b"plenary consent v1" } else { b"plenary consent v2" });
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
        if !plain {
            // In the canonical form of the record: every field of these types is in it, also one that is added later.
            let rest = (&place.tier, &place.bounds, &place.image, &place.lasting, &place.venv, &place.languages);
            part(&serde_json::to_vec(&rest).unwrap_or_default());
        }
        if let Some(tool) = &self.tool {
            part(b"tool");
            part(tool.name.as_bytes());
            part(tool.call_id.as_bytes());
            part(&(tool.argv.len() as u64).to_be_bytes());
            tool.argv.iter().for_each(|word| part(word.as_bytes()));
            if let Some(source) = &tool.source {
                part(&serde_json::to_vec(source).unwrap_or_default());
            }
            if let Some(key) = &tool.key {
                part(b"key");
                part(key.as_bytes());
            }
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The tier in which it ran.
    #[serde(default, skip_serializing_if = "Tier::is_none")]
    pub tier: Tier,
    /// Most memory that its processes held together, in bytes, where that could be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// What it did to the files of its working directory, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Box<Effects>>,
}

/// What an execution did to the files of its working directory. Paths are relative to it and in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// Files that were not there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<FileNow>,
    /// Files that were there with another content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<FileNow>,
    /// Files that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
    /// Further files that are not listed, because there are too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unlisted: u64,
}

impl Effects {
    /// Whether no file was touched.
    pub fn is_empty(&self) -> bool {
        self == &Effects::default()
    }

    /// `2 created, 1 changed`: how many of each.
    pub fn in_words(&self) -> String {
        let counts =
            [(self.created.len(), "created"), (self.changed.len(), "changed"), (self.deleted.len(), "deleted")];
        let mut words: Vec<String> =
            counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if self.unlisted > 0 {
            words.push(format!("{} more", self.unlisted));
        }
        words.join(", ")
    }
}

/// A file as an execution left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNow {
    /// Below the working directory.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the content, in hex; empty for a file too large to read for this.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
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
    /// It used more than it may: the output says of what.
    OverLimit,
}

impl Execution {
    /// The message text the other agents see (AG2: ConversableAgent.generate_code_execution_reply).
    pub fn reply(&self) -> String {
        let status = if self.exit_code == 0 { "execution succeeded" } else { "execution failed" };
        format!("exitcode: {} ({status})\nCode output: {}", self.exit_code, self.output)
    }
}
