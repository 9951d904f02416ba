//! Answers on disk (AG2: `cache_seed`): the same request gets the same answer, and it costs nothing.
//!
//! One file an answer, named by a hash of the provider, the model, its parameters, the seed and the whole request. Only
//! answers that came to their end are kept, as they were passed on: without secrets. Off unless a model says a seed.

use crate::chat::request::{Chunk, Finish, Request};
use crate::chat::team::ModelSpec;
use crate::chat::tool::ToolCall;
use crate::chat::usage::Tokens;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Largest answer that is kept, in bytes.
const LARGEST: usize = 4 << 20;

/// A directory of answers.
#[derive(Debug, Clone)]
pub struct Cache(PathBuf);

/// An answer as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kept {
    text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reasoning: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<ToolCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    served: Option<String>,
    tokens: Tokens,
}

impl Cache {
    /// Answers are kept in this directory, which is made when the first one is.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Cache(dir.into())
    }

    /// Where the answer to this request is, or will be; `None` when the model does not want its answers kept.
    pub fn place(&self, spec: &ModelSpec, request: &Request) -> Option<PathBuf> {
        let seed = spec.cache_seed?;
        let about = serde_json::to_string(&(&spec.provider, &spec.model, &spec.parameters, seed)).ok()?;
        let mut hasher = Sha256::new();
        for part in [about.as_str(), &request.hash()] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let name: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.0.join(format!("{name}.json")))
    }
}

/// The answer at this place; one that cannot be read is none.
pub fn read(place: &Path) -> Option<Kept> {
    serde_json::from_slice(&fs::read(place).ok()?).ok()
}

impl Kept {
    /// Takes note of a piece of an answer.
    pub fn hear(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Text(text) => self.text.push_str(text),
            Chunk::Reasoning(text) => self.reasoning.push_str(text),
            Chunk::Call(call) => self.calls.push(call.clone()),
            Chunk::Served(model) => self.served = Some(model.clone()),
            Chunk::Usage(tokens) => self.tokens = *tokens,
            Chunk::Identity(_) | Chunk::Remark(_) | Chunk::Cached(_) | Chunk::Finished(_) => {}
        }
    }

    /// Writes it, whole or not at all, for nobody else to read.
    ///
    /// # Errors
    /// When the disk does not take it; nothing is lost by that.
    pub fn write(&self, place: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        if bytes.len() > LARGEST {
            return Ok(());
        }
        let dir = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let beside = place.with_extension(format!("{}.part", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&beside)?.write_all(&bytes)?;
        fs::rename(&beside, place)
    }

    /// The answer once more.
    pub fn chunks(self) -> Vec<Chunk> {
        let Kept { text, reasoning, calls, served, tokens } = self;
        let mut chunks = vec![Chunk::Cached(tokens)];
        chunks.extend(served.map(Chunk::Served));
        chunks.extend((!reasoning.is_empty()).then_some(Chunk::Reasoning(reasoning)));
        chunks.extend((!text.is_empty()).then_some(Chunk::Text(text)));
        chunks.extend(calls.into_iter().map(Chunk::Call));
        chunks.push(Chunk::Finished(Finish::Stop));
        chunks
    }
}
