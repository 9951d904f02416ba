//! What tool calls do.
//!
//! A [`Tool`] carries out calls that were consented to: it gets exactly the [`Job`] that was approved and answers with an
//! [`Execution`], as code does. `command` starts a program through an executor, `http` asks a web server, `builtin` reads
//! below the working directory. Nothing here decides about consent, and everything a tool answers is untrusted text.
//!
//! May import `chat`, `catalog`, `settings` and `execution`. To add a kind of tool, write one file with a type that
//! implements [`Tool`] and an [`Entry`], and add the row to [`TOOLS`]; the first field of a row is the key by which a team
//! file says that it means this kind.

pub mod address;
#[cfg(unix)]
mod below;
#[cfg(unix)]
pub mod builtin;
pub mod command;
pub mod http;
pub mod mcp;

use crate::catalog::Entry;
use crate::chat::code::{Execution, Place, Stopped};
use crate::chat::team::Spec;
use crate::chat::toolbox::ToolSetup;
use crate::execution::{Job, Progress};
use serde_json::Value;
use std::pin::Pin;
use tokio::sync::mpsc;

/// What is under way.
pub type Running = Pin<Box<dyn Future<Output = Execution> + Send>>;

/// Something that carries out calls.
pub trait Tool: Send + Sync {
    /// Where a call would be carried out and what it could touch; pure description, creates nothing.
    fn place(&self, setup: &ToolSetup) -> Place;

    /// Carries out one call, whose arguments are the only block of the payload. Cancelling `job.kill` or dropping the
    /// future stops it; no call takes longer than its time limit.
    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Running;

    /// Opens a shell where its calls are carried out, and returns when it is left.
    ///
    /// # Errors
    /// What is missing, for a person.
    fn shell(&self, _place: &Place) -> Result<(), String> {
        Err("This tool starts no program, so there is no shell to open where it runs.".to_owned())
    }

    /// Whether it can be called here.
    ///
    /// # Errors
    /// What is missing, and what to install or change.
    fn ready(&self, _setup: &ToolSetup) -> Result<(), String> {
        Ok(())
    }
}

/// The kinds of tools that are made from a team file alone.
pub static TOOLS: &[Entry<dyn Tool>] = &[
    #[cfg(unix)]
    builtin::ENTRY,
    http::ENTRY,
];

/// What a tool is when the team file says no more than its kind.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// What its model is told.
    pub description: Option<String>,
    /// JSON schema of its arguments.
    pub parameters: Option<Value>,
    /// What a call does, in the form of a command.
    pub words: Vec<String>,
}

/// What is known of a tool by its kind and options alone.
pub fn described(source: &Spec) -> Described {
    #[cfg(unix)]
    if let Some(row) = builtin::row(&source.options) {
        let words = std::iter::once(row.name).chain(row.arguments.iter().map(|argument| argument.0));
        let words = words.enumerate().map(|(n, word)| if n == 0 { word.to_owned() } else { format!("{{{word}}}") });
        let (description, parameters) = (Some(row.description.to_owned()), Some(row.schema()));
        return Described { description, parameters, words: words.collect() };
    }
    match source.kind.as_str() {
        "http" => Described { words: http::words(&source.options), ..Described::default() },
        _ => Described::default(),
    }
}

/// The end of a call that gave this text.
pub(crate) fn answered(text: impl Into<std::sync::Arc<str>>) -> Execution {
    Execution { output: text.into(), ..Execution::default() }
}

/// The end of a call that failed for this reason.
pub(crate) fn failed(text: impl Into<std::sync::Arc<str>>) -> Execution {
    Execution { exit_code: 1, output: text.into(), ..Execution::default() }
}

/// Carries out a call within the limits of its payload: the consent is checked, the time limit (which the operator may
/// extend) and the request to stop are kept, and what is longer than the place allows is cut.
pub(crate) fn bounded<F>(job: Job, work: F) -> Running
where
    F: Future<Output = Execution> + Send + 'static,
{
    Box::pin(async move {
        if job.payload.hash() != job.hash {
            let words = "This is not what was approved, so it was not carried out.";
            return Execution { stopped: Some(Stopped::NotStarted), ..failed(words) };
        }
        let began = std::time::Instant::now();
        let first = std::time::Duration::from_millis(job.payload.place.timeout_ms);
        let limit = async {
            loop {
                let added = job.added_ms.load(std::sync::atomic::Ordering::Relaxed);
                let left = (first + std::time::Duration::from_millis(added)).saturating_sub(began.elapsed());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left).await;
            }
        };
        let mut execution = tokio::select! {
            execution = work => execution,
            () = job.kill.cancelled() => Execution {
                exit_code: 137,
                stopped: Some(Stopped::Killed),
                ..failed("Stopped before its end. It may have taken effect.")
            },
            () = limit => {
                let text = format!("Timeout: stopped after its limit of {} s", first.as_secs_f64());
                Execution { exit_code: 124, stopped: Some(Stopped::TimedOut), ..failed(text) }
            }
        };
        execution.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        cut(&mut execution, job.payload.place.output_limit);
        execution
    })
}

/// Keeps no more of the output than its limit.
fn cut(execution: &mut Execution, limit: u64) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if execution.output.len() > limit {
        let at = (0..=limit).rev().find(|at| execution.output.is_char_boundary(*at)).unwrap_or(0);
        execution.omitted += (execution.output.len() - at) as u64;
        execution.output = execution.output[..at].into();
    }
}

/// The arguments of a call, as an object.
///
/// # Errors
/// When they are none, in words for whoever called.
pub(crate) fn arguments(job: &Job) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    let text = job.payload.blocks.first().map_or("", |block| &*block.code);
    crate::chat::tool::object(text)
}
