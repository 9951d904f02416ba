//! The executor `local`: runs code as a program under your own account.
//!
//! **It does not contain the code.** What runs here has your rights: it can read and change every file you can, use the
//! network, and look at your other processes - also at the memory and the original environment of this one, where keys
//! may be. What is bounded is the accident, not the attack: the environment is empty but for the names in the payload,
//! time and kept output have limits, no core files are written, and when a block ends or is stopped everything it
//! started is ended with it. Memory, disk and the number of processes have no limit but the system's. For code you
//! would not start yourself, use an executor that contains.
//!
//! Differences from AG2's LocalCommandLineCodeExecutor, all on purpose: unnamed code is written to a private directory
//! instead of the working directory (nothing there can replace it; `PYTHONPATH` makes up for the other `sys.path`);
//! code is never rewritten (`pip install` gets no `-qqq`); standard error and output come in order; JavaScript runs
//! when `node` is there; a time-out keeps what was printed; missing directories are created.

use super::file::{PlaceError, PrivateDir, Wish, WorkDir, wish};
use super::language::{Language, Plan, find_program};
use super::outbox::Outbox;
use super::output::Output;
use super::process::{self, End, Launch, Stop};
use super::{Executor, Job, Progress};
use crate::catalog::Entry;
use crate::chat::code::{CodeBlock, Execution, Payload, Place, Stopped, hex};
use crate::chat::team::CodeExecution;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// The catalog row.
pub const ENTRY: Entry<dyn Executor> = Entry {
    name: "local",
    about: "runs code under your own account, in the working directory; not contained",
    example: "code_execution = { executor = \"local\", work_dir = \"workspace\", timeout = \"30s\" }",
    fields: &[],
    build: |_| Ok(Box::new(Local)),
};

/// Exit code of what was found but may not or cannot run.
const CANNOT_RUN: i32 = 126;
/// Exit code when the program that should run it is missing.
const NOT_FOUND: i32 = 127;
/// Exit code after a time-out.
const TIMED_OUT: i32 = 124;
/// Exit code of what was killed: 128 + SIGKILL.
const KILLED: i32 = 137;

/// Runs code under the account of this process.
#[derive(Debug)]
pub struct Local;

impl Executor for Local {
    fn place(&self, code: &CodeExecution) -> Place {
        Place {
            executor: "local".to_owned(),
            containment: "none: your own account".to_owned(),
            work_dir: code.work_dir.clone(),
            network: true,
            environment: code.environment.iter().filter(|name| !is_secret(name)).cloned().collect(),
            timeout_ms: code.timeout_ms,
            output_limit: code.output_limit,
        }
    }

    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Pin<Box<dyn Future<Output = Execution> + Send>> {
        Box::pin(run(job, progress))
    }

    fn inspect(&self, code: &CodeExecution) -> Vec<String> {
        let mut problems = Vec::new();
        for word in ["python", "sh"] {
            if let Some(Plan::Missing(install)) = Language::of(word).map(|language| language.plan(find_program)) {
                problems.push(format!("{word} blocks cannot run: install {install}, or add its place to PATH."));
            }
        }
        problems.extend(WorkDir::inspect(Path::new(&code.work_dir)));
        if code.timeout_ms == 0 {
            problems.push("The time limit of a block is zero. Set timeout to at least \"1s\".".to_owned());
        }
        for name in code.environment.iter().filter(|name| is_secret(name)) {
            problems.push(format!(
                "The variable {name} is not passed on to code: its name says that it holds a secret. \
                 If code needs it, give it under another name."
            ));
        }
        problems
    }
}

/// Names that say a secret is in them. These are refused even when they are listed.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.ends_with("API_KEY") || name.ends_with("_TOKEN") || name == "TOKEN" || name.contains("SECRET")
}

/// Asks the thread to stop when the future that waits for it is dropped.
struct StopOnDrop(Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.ask();
    }
}

async fn run(job: Job, progress: mpsc::Sender<Progress>) -> Execution {
    let begin = Instant::now();
    let not_started = |words: String| Execution {
        exit_code: CANNOT_RUN,
        output: words.into(),
        omitted: 0,
        stopped: Some(Stopped::NotStarted),
        duration_ms: millis(begin.elapsed()),
    };
    if job.payload.hash() != job.hash {
        return not_started(
            "This is not the code that was approved, so it was not started. Ask for approval again.".into(),
        );
    }
    if job.payload.place.executor != "local" {
        let words =
            format!("This code was approved to run in {:?}, not here. It was not started.", job.payload.place.executor);
        return not_started(words);
    }
    let stop = match Stop::new() {
        Ok(stop) => Arc::new(stop),
        Err(error) => return not_started(format!("No program can be started: {error}.")),
    };
    let guard = StopOnDrop(Arc::clone(&stop));
    if job.kill.is_cancelled() {
        stop.ask();
    }
    let (done, mut result) = oneshot::channel();
    let payload = Arc::clone(&job.payload);
    // A thread of its own: the program is ended when the thread that started it dies, and those of a pool come and go.
    let thread = std::thread::Builder::new().name("code".to_owned()).spawn(move || {
        let _ = done.send(Run::new(&payload, &stop, progress).blocks());
    });
    if let Err(error) = thread {
        return not_started(format!("No thread could be started to watch over the program: {error}."));
    }
    let outcome = tokio::select! {
        biased;
        outcome = &mut result => outcome,
        () = job.kill.cancelled() => {
            guard.0.ask();
            result.await
        }
    };
    let mut execution = outcome
        .unwrap_or_else(|_| not_started("The executor failed while the code ran; what it did is not known.".into()));
    execution.duration_ms = millis(begin.elapsed());
    execution
}

/// A run of all blocks.
struct Run<'a> {
    payload: &'a Payload,
    stop: &'a Stop,
    /// Identity of the run: mark of its processes, name of its private directory.
    id: String,
    output: Output,
    outbox: Outbox,
    private: Option<PrivateDir>,
    /// Whether any block had an effect.
    began: bool,
}

/// What became of a block: its exit code, and why it did not end by itself.
type Result = (i32, Option<Stopped>);

impl<'a> Run<'a> {
    fn new(payload: &'a Payload, stop: &'a Stop, progress: mpsc::Sender<Progress>) -> Self {
        Run {
            payload,
            stop,
            id: uuid::Uuid::now_v7().simple().to_string(),
            output: Output::new(payload.place.output_limit),
            outbox: Outbox::new(progress),
            private: None,
            began: false,
        }
    }

    fn blocks(mut self) -> Execution {
        let mut result = (0, None);
        match WorkDir::open(Path::new(&self.payload.place.work_dir)) {
            Err(words) => result = self.refuse(CANNOT_RUN, &words),
            Ok(work_dir) => {
                for (index, block) in self.payload.blocks.iter().enumerate() {
                    result = if self.stop.is_asked() { self.killed() } else { self.block(&work_dir, index, block) };
                    if result != (0, None) {
                        break;
                    }
                }
            }
        }
        let (exit_code, stopped) = result;
        let (output, omitted) = self.output.finish();
        Execution { exit_code, output: output.into(), omitted, stopped, duration_ms: 0 }
    }

    fn block(&mut self, work_dir: &WorkDir, index: usize, block: &CodeBlock) -> Result {
        let Some(language) = Language::of(&block.language) else {
            self.say(&format!("\nunknown language {}", block.language));
            return (1, None);
        };
        let plan = language.plan(find_program);
        if let Plan::Missing(install) = plan {
            let words = format!("Nothing here runs {}: install {install}, or add its place to PATH.", block.language);
            return self.refuse(NOT_FOUND, &words);
        }
        let named = match wish(&block.code) {
            Wish::Outside => return self.outside(PlaceError::Outside),
            Wish::Path(path) => Some(path),
            Wish::None if plan == Plan::Save => {
                let digest = hex(&Sha256::digest(block.code.as_bytes()));
                Some(vec![format!("tmp_code_{}.{}", &digest[..32], language.extension)])
            }
            Wish::None => None,
        };
        let file = match named {
            Some(path) => work_dir.write(&path, &block.code).map_err(|error| self.outside(error)),
            None => self.write_private(&format!("block_{}.{}", index + 1, language.extension), &block.code),
        };
        match (plan, file) {
            (_, Err(result)) => result,
            (Plan::Run(program), Ok(file)) => self.program(work_dir, &program, &file),
            (_, Ok(file)) => {
                self.began = true;
                self.say(&format!("Code saved to {}\n", file.display()));
                (0, None)
            }
        }
    }

    fn write_private(&mut self, name: &str, code: &str) -> std::result::Result<PathBuf, Result> {
        let written = match &self.private {
            Some(dir) => dir.write(name, code),
            None => PrivateDir::create(&self.id[self.id.len().saturating_sub(8)..])
                .and_then(|dir| self.private.insert(dir).write(name, code)),
        };
        written.map_err(|error| {
            let place = std::env::temp_dir();
            let words = format!(
                "The code could not be written to {}: {error}. Make room there, or set TMPDIR.",
                place.display()
            );
            self.refuse(CANNOT_RUN, &words)
        })
    }

    fn program(&mut self, work_dir: &WorkDir, program: &Path, file: &Path) -> Result {
        let place = &self.payload.place;
        let environment = environment(place);
        let limit = Duration::from_millis(place.timeout_ms);
        let launch = Launch { program, file, work_dir: work_dir.fd(), environment: &environment, run: &self.id, limit };
        let (end, left) = process::run(&launch, self.stop, &mut self.output, &mut self.outbox);
        if !left.is_empty() {
            self.say(&format!("\nThese processes could not be ended: {left:?}. Look at them with ps."));
        }
        let result = match end {
            End::Exited(code) => (code, None),
            End::TimedOut => {
                self.say(&format!("\nTimeout: stopped after its limit of {} s", place.timeout_ms as f64 / 1000.0));
                (TIMED_OUT, Some(Stopped::TimedOut))
            }
            End::Killed => self.killed(),
            End::NotStarted(error) => {
                return self.refuse(CANNOT_RUN, &format!("{} could not be started: {error}.", program.display()));
            }
        };
        self.began = true;
        result
    }

    fn killed(&mut self) -> Result {
        self.say("\nKilled: stopped before its end");
        (KILLED, Some(Stopped::Killed))
    }

    fn outside(&mut self, error: PlaceError) -> Result {
        self.say(&error.to_string());
        (1, None)
    }

    /// Something needed is missing. Only when nothing has run yet may the whole be called not started.
    fn refuse(&mut self, code: i32, words: &str) -> Result {
        self.say(words);
        (code, (!self.began).then_some(Stopped::NotStarted))
    }

    fn say(&mut self, words: &str) {
        self.output.say(words);
        self.outbox.push(words);
        self.outbox.send();
    }
}

/// The whole environment of a program: the named variables of this process, and what makes Python behave in a pipe.
fn environment(place: &Place) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = vec![
        ("HOME".into(), place.work_dir.clone().into()),
        ("PYTHONUNBUFFERED".into(), "1".into()),
        ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
    ];
    let mut python_path = OsString::from(&place.work_dir);
    for name in place.environment.iter().filter(|name| !is_secret(name)) {
        let Some(value) = std::env::var_os(name) else { continue };
        if name == "PYTHONPATH" {
            python_path.push(":");
            python_path.push(value);
        } else {
            variables.push((name.into(), value));
        }
    }
    variables.push(("PYTHONPATH".into(), python_path));
    variables
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised_and_others_are_not() {
        for name in ["OPENAI_API_KEY", "api_key", "GITHUB_TOKEN", "TOKEN", "AWS_SECRET_ACCESS_KEY", "my_secret"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PATH", "LANG", "TOKENIZERS_PARALLELISM", "KEYBOARD", "HOME"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
