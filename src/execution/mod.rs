//! What code does: finding it in a message, and running what was approved.
//!
//! [`blocks`] reads code blocks out of text and is pure. An [`Executor`] describes where code of an agent would run
//! ([`Executor::place`], shown before consent) and runs exactly the payload that was consented to. This module decides
//! nothing about consent; it only refuses a payload whose hash is not the approved one.
//!
//! May import `chat`, `catalog` and `settings`. To add an executor, write one file with a type that implements
//! [`Executor`] and an [`Entry`], and add the row to [`EXECUTORS`]. To add a language of the local executor, add a row
//! to its table in `language.rs`.

pub mod blocks;
pub mod consult;
#[cfg(unix)]
mod contain;
#[cfg(unix)]
pub mod copy;
#[cfg(unix)]
pub mod docker;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod language;
#[cfg(unix)]
mod ledger;
#[cfg(unix)]
pub mod local;
#[cfg(unix)]
pub mod look;
#[cfg(unix)]
mod meter;
#[cfg(unix)]
mod outbox;
#[cfg(unix)]
mod output;
#[cfg(unix)]
pub mod probes;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod run;
#[cfg(unix)]
pub mod sandbox;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod stage;
#[cfg(target_os = "linux")]
mod supervisor;
#[cfg(unix)]
mod tree;
#[cfg(unix)]
mod usage;

use crate::catalog::Entry;
use crate::chat::code::{Execution, Payload, Place};
use crate::chat::team::CodeExecution;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Something that runs code.
pub trait Executor: Send + Sync {
    /// Where code of this agent would run; pure description, creates nothing.
    fn place(&self, code: &CodeExecution) -> Place;

    /// Runs the blocks of `job` in order and stops at the first that fails. Resolves when the process tree is gone.
    ///
    /// Cancelling `job.kill` stops it within two seconds and keeps what was printed; dropping the future kills it too.
    /// A slow reader of `progress` never holds up the program: pieces of output are merged, and the oldest dropped.
    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Pin<Box<dyn Future<Output = Execution> + Send>>;

    /// Opens a shell for the operator where code of that place runs, on this process's own terminal, and returns when
    /// it is left. Blocking. The caller has left the screen before.
    ///
    /// # Errors
    /// What is missing; nothing was started then.
    fn shell(&self, place: &Place) -> Result<(), String>;

    /// Whether the tier that the team wants can be kept here.
    ///
    /// # Errors
    /// What is missing, and what to install or change.
    fn ready(&self, code: &CodeExecution) -> Result<(), String>;

    /// Problems that would stop it or that its user should know (for `doctor`): interpreter missing, directory not
    /// writable, a variable that is not passed on. Creates nothing.
    fn inspect(&self, code: &CodeExecution) -> Vec<String>;
}

/// One execution that was approved.
#[derive(Debug, Clone)]
pub struct Job {
    /// What to run, and where.
    pub payload: Arc<Payload>,
    /// What was approved: [`Payload::hash`]. The executor computes it anew and refuses to start when it differs.
    pub hash: String,
    /// Cancel to stop the process tree.
    pub kill: CancellationToken,
    /// Milliseconds that the operator adds to the time limit while it runs.
    pub added_ms: Arc<AtomicU64>,
}

impl Job {
    /// A job that nobody has asked to stop yet.
    pub fn new(payload: Arc<Payload>, hash: String) -> Job {
        Job { payload, hash, kill: CancellationToken::new(), added_ms: Arc::default() }
    }
}

/// What happens while code runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A block's first process exists. Sent once for each block that runs.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// More output, as text.
    Output(String),
    /// Memory that its processes hold now, in bytes. Sent now and then.
    Memory(u64),
}

/// The executors.
pub static EXECUTORS: &[Entry<dyn Executor>] = &[
    #[cfg(unix)]
    local::ENTRY,
    #[cfg(unix)]
    docker::ENTRY,
];
