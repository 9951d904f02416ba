//! One approved execution from its first block to its last, whatever runs the programs.
//!
//! Checks the consent, places the code, hands each block to a [`Launcher`], and puts the result together. Blocking;
//! lives on a thread of its own.

use super::file::{PlaceError, PrivateDir, Wish, WorkDir, wish};
use super::language::{self, Language, Plan};
use super::ledger::Ledger;
use super::outbox::Outbox;
use super::output::Output;
use super::process::{End, Stop};
use super::{Job, Progress, stage};
use crate::chat::code::{CodeBlock, Execution, Payload, Stopped, ToolUse, hex};
use crate::chat::tool;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Exit code of what was found but may not or cannot run.
pub const CANNOT_RUN: i32 = 126;
/// Exit code when the program that should run it is missing.
pub const NOT_FOUND: i32 = 127;
/// Exit code after a time-out.
const TIMED_OUT: i32 = 124;
/// Exit code of what was killed: 128 + SIGKILL.
const KILLED: i32 = 137;

/// Starts programs somewhere.
pub trait Launcher: Send {
    /// Before the first block: whether it can keep what the payload's place promises.
    ///
    /// # Errors
    /// What is missing and what to do; nothing runs then.
    fn begin(&mut self, payload: &Payload, work_dir: &WorkDir) -> Result<(), String>;

    /// What would run a file of this language, the best first.
    fn plan(&self, language: &Language) -> Plan;

    /// Where programs see the working directory, when named files are run from a copy that nobody can change; `None`
    /// when they are run as they stand there.
    fn seen(&self, work_dir: &WorkDir) -> Option<PathBuf>;

    /// Runs one program until everything it started is gone.
    fn program(&mut self, start: &Start<'_>, output: &mut Output, outbox: &mut Outbox) -> Ended;
}

/// A program to start.
pub struct Start<'a> {
    /// Identity of the run.
    pub run: &'a str,
    /// The interpreter and its arguments, to which the file is added; for a tool, the whole command.
    pub command: &'a [String],
    /// The file with the code.
    pub file: &'a CodeFile,
    /// The directory it runs in.
    pub work_dir: &'a WorkDir,
    /// What was approved.
    pub payload: &'a Payload,
    /// The request to stop.
    pub stop: &'a Stop,
    /// The time limit, which the operator may extend.
    pub limit: &'a TimeLimit,
}

/// A file with a block's code.
#[derive(Debug)]
pub struct CodeFile {
    /// Where it stands.
    pub path: PathBuf,
    /// Below the working directory, when the block named it; otherwise it stands in the private directory.
    pub named: Option<PathBuf>,
    /// A copy of a named file in the private directory, with a tree of its own: see `stage.rs`.
    pub copy: Option<Copy>,
}

/// A staged copy.
#[derive(Debug)]
pub struct Copy {
    /// The tree.
    pub root: PathBuf,
    /// The file in it.
    pub path: PathBuf,
}

/// A time limit that may grow while the program runs.
#[derive(Debug)]
pub struct TimeLimit {
    /// At first.
    pub first: Duration,
    /// Milliseconds that were added since.
    pub added: Arc<std::sync::atomic::AtomicU64>,
}

impl TimeLimit {
    /// What it is now.
    pub fn now(&self) -> Duration {
        self.first + Duration::from_millis(self.added.load(std::sync::atomic::Ordering::Relaxed))
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// In what way.
    pub end: End,
    /// Processes that could not be ended.
    pub left: Vec<u32>,
    /// Most memory its processes held, in bytes, if that could be seen.
    pub peak_memory: Option<u64>,
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        Ended { end, left: Vec::new(), peak_memory: None }
    }
}

/// Asks the thread to stop when the future that waits for it is dropped.
struct StopOnDrop(Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.ask();
    }
}

/// Runs `job` by the programs of `launcher`, if it was approved for the executor of that name.
pub async fn perform(
    job: Job,
    progress: mpsc::Sender<Progress>,
    executor: &'static str,
    launcher: impl FnOnce() -> Box<dyn Launcher> + Send + 'static,
) -> Execution {
    let begin = Instant::now();
    let tier = job.payload.place.tier;
    let not_started = |words: String| Execution {
        exit_code: CANNOT_RUN,
        output: words.into(),
        stopped: Some(Stopped::NotStarted),
        duration_ms: millis(begin.elapsed()),
        ..Execution::default()
    };
    if job.payload.hash() != job.hash {
        return not_started(
            "This is not the code that was approved, so it was not started. Ask for approval again.".into(),
        );
    }
    if job.payload.place.executor != executor {
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
    let limit = TimeLimit { first: Duration::from_millis(payload.place.timeout_ms), added: Arc::clone(&job.added_ms) };
    // A thread of its own: the program is ended when the thread that started it dies, and those of a pool come and go.
    let thread = std::thread::Builder::new().name("code".to_owned()).spawn(move || {
        let _ = done.send(Run::new(&payload, &stop, limit, progress, launcher()).blocks());
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
    if execution.stopped != Some(Stopped::NotStarted) {
        execution.tier = tier;
    }
    execution
}

/// A run of all blocks.
struct Run<'a> {
    payload: &'a Payload,
    stop: &'a Stop,
    limit: TimeLimit,
    launcher: Box<dyn Launcher>,
    /// Identity of the run: mark of its processes, name of its private directory.
    id: String,
    output: Output,
    outbox: Outbox,
    private: Option<PrivateDir>,
    /// Whether any block had an effect.
    began: bool,
    peak_memory: Option<u64>,
}

/// What became of a block: its exit code, and why it did not end by itself.
type Became<T = (i32, Option<Stopped>)> = Result<T, (i32, Option<Stopped>)>;

impl Start<'_> {
    /// The program that is to run.
    pub fn program(&self) -> &str {
        self.command.first().map(String::as_str).unwrap_or_default()
    }

    /// The command with the file where the program sees it. A tool has its arguments already.
    pub fn line(&self, file: &str) -> Vec<String> {
        let file = self.payload.tool.is_none().then(|| file.to_owned());
        self.command.iter().cloned().chain(file).collect()
    }
}

impl<'a> Run<'a> {
    fn new(
        payload: &'a Payload,
        stop: &'a Stop,
        limit: TimeLimit,
        progress: mpsc::Sender<Progress>,
        launcher: Box<dyn Launcher>,
    ) -> Self {
        Run {
            payload,
            stop,
            limit,
            launcher,
            id: uuid::Uuid::now_v7().simple().to_string(),
            output: Output::new(payload.place.output_limit),
            outbox: Outbox::new(progress),
            private: None,
            began: false,
            peak_memory: None,
        }
    }

    fn blocks(mut self) -> Execution {
        let mut effects = None;
        let result = match WorkDir::open(Path::new(&self.payload.place.work_dir)) {
            Err(words) => self.refuse(CANNOT_RUN, &words),
            Ok(work_dir) => match self.launcher.begin(self.payload, &work_dir) {
                Err(words) => self.refuse(CANNOT_RUN, &words),
                Ok(()) => {
                    let before = Ledger::of(&work_dir);
                    let result = self.each_block(&work_dir);
                    effects = Some(before.effects(&Ledger::of(&work_dir), &work_dir));
                    result
                }
            },
        };
        let (exit_code, stopped) = result;
        let (output, omitted) = self.output.finish();
        let effects = effects.filter(|effects| !effects.is_empty()).map(Box::new);
        let peak_memory = self.peak_memory;
        Execution { exit_code, output: output.into(), omitted, stopped, effects, peak_memory, ..Execution::default() }
    }

    fn each_block(&mut self, work_dir: &WorkDir) -> (i32, Option<Stopped>) {
        for (index, block) in self.payload.blocks.iter().enumerate() {
            let result = if self.stop.is_asked() {
                self.killed()
            } else {
                match self.block(work_dir, index, block) {
                    Ok(result) | Err(result) => result,
                }
            };
            if result != (0, None) {
                return result;
            }
        }
        (0, None)
    }

    fn block(&mut self, work_dir: &WorkDir, index: usize, block: &CodeBlock) -> Became {
        if let Some(tool) = &self.payload.tool {
            return self.tool(work_dir, tool, block);
        }
        let Some(language) = language::of(&block.language, &self.payload.place.languages) else {
            self.say(&format!("\nunknown language {}", block.language));
            return Err((1, None));
        };
        let plan = self.launcher.plan(&language);
        if let Plan::Missing(install) = &plan {
            return Err(self.missing(&block.language, install));
        }
        let named = match wish(&block.code) {
            Wish::Outside => return Err(self.outside(PlaceError::Outside)),
            Wish::Path(path) => Some(path),
            Wish::None if plan == Plan::Save => Some(saved_name(&block.code, &language)),
            Wish::None => None,
        };
        let file = match &named {
            Some(path) => {
                let written = work_dir.write(path, &block.code).map_err(|error| self.outside(error))?;
                let copy = match self.launcher.seen(work_dir).filter(|_| plan != Plan::Save) {
                    Some(seen) => {
                        let root = self.private()?.join((index + 1).to_string());
                        let staged = stage::stage(&root, path, &block.code, work_dir, &seen);
                        let path = staged.map_err(|error| self.unwritable(&error))?;
                        Some(Copy { root, path })
                    }
                    None => None,
                };
                CodeFile { path: written, named: Some(path.iter().collect()), copy }
            }
            None => {
                let name = format!("block_{}.{}", index + 1, language.extension);
                CodeFile { path: self.write_private(&name, &block.code)?, named: None, copy: None }
            }
        };
        match plan {
            Plan::Run(commands) => self.try_each(work_dir, &commands, &file, &language, block),
            _ => Ok(self.saved(&file.path)),
        }
    }

    /// Calls a tool: its command with the arguments of the block put in, word by word. No shell ever reads them.
    fn tool(&mut self, work_dir: &WorkDir, tool: &ToolUse, block: &CodeBlock) -> Became {
        let command = match tool::command(&tool.argv, &block.code) {
            Ok(command) => command,
            Err(words) => return Err(self.refuse(CANNOT_RUN, &words)),
        };
        let file = CodeFile { path: self.write_private("arguments.json", &block.code)?, named: None, copy: None };
        self.start(work_dir, &command, &file).ok_or_else(|| {
            let program = command.first().map_or("", String::as_str);
            self.refuse(NOT_FOUND, &format!("There is no program {program:?} where the tool {} runs.", tool.name))
        })
    }

    /// Runs one command to its end; nothing when there is no such program.
    fn start(&mut self, work_dir: &WorkDir, command: &[String], file: &CodeFile) -> Option<(i32, Option<Stopped>)> {
        let start = Start {
            run: &self.id,
            command,
            file,
            work_dir,
            payload: self.payload,
            stop: self.stop,
            limit: &self.limit,
        };
        let ended = self.launcher.program(&start, &mut self.output, &mut self.outbox);
        self.peak_memory = self.peak_memory.max(ended.peak_memory);
        (!matches!(ended.end, End::NoProgram)).then(|| self.ended(ended, command))
    }

    /// Runs the file with the first command that exists.
    fn try_each(
        &mut self,
        work_dir: &WorkDir,
        commands: &[Vec<String>],
        file: &CodeFile,
        language: &Language,
        block: &CodeBlock,
    ) -> Became {
        for command in commands {
            if let Some(became) = self.start(work_dir, command, file) {
                return Ok(became);
            }
        }
        if language.saves_otherwise {
            let name = saved_name(&block.code, language);
            let path = match &file.named {
                Some(_) => file.path.clone(),
                None => work_dir.write(&name, &block.code).map_err(|error| self.outside(error))?,
            };
            return Ok(self.saved(&path));
        }
        Err(self.missing(&block.language, &language.install))
    }

    fn ended(&mut self, ended: Ended, command: &[String]) -> (i32, Option<Stopped>) {
        if !ended.left.is_empty() {
            self.say(&format!("\nThese processes could not be ended: {:?}. Look at them with ps.", ended.left));
        }
        let result = match ended.end {
            End::Exited(code) => (code, None),
            End::TimedOut => {
                self.say(&format!("\nTimeout: stopped after its limit of {} s", self.limit.now().as_secs_f64()));
                (TIMED_OUT, Some(Stopped::TimedOut))
            }
            End::Killed => self.killed(),
            End::OverLimit(words) => {
                self.say(&format!("\nStopped: {words}"));
                (KILLED, Some(Stopped::OverLimit))
            }
            End::NotStarted(words) => {
                let program = command.first().map_or("the program", String::as_str);
                return self.refuse(CANNOT_RUN, &format!("{program} could not be started: {words}."));
            }
            End::NoProgram => (NOT_FOUND, None),
        };
        self.began = true;
        result
    }

    fn saved(&mut self, path: &Path) -> (i32, Option<Stopped>) {
        self.began = true;
        self.say(&format!("Code saved to {}\n", path.display()));
        (0, None)
    }

    fn missing(&mut self, language: &str, install: &str) -> (i32, Option<Stopped>) {
        self.refuse(NOT_FOUND, &format!("Nothing here runs {language}: {install}."))
    }

    fn write_private(&mut self, name: &str, code: &str) -> Became<PathBuf> {
        self.private()?;
        let written = self.private.as_ref().map(|dir| dir.write(name, code));
        written.unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into())).map_err(|error| self.unwritable(&error))
    }

    /// The private directory, made when it is needed first.
    fn private(&mut self) -> Became<PathBuf> {
        if self.private.is_none() {
            let made = PrivateDir::create(&self.id[self.id.len().saturating_sub(8)..]);
            self.private = Some(made.map_err(|error| self.unwritable(&error))?);
        }
        Ok(self.private.as_ref().map(|dir| dir.path().to_owned()).unwrap_or_default())
    }

    fn unwritable(&mut self, error: &std::io::Error) -> (i32, Option<Stopped>) {
        let place = std::env::temp_dir();
        let words =
            format!("The code could not be written to {}: {error}. Make room there, or set TMPDIR.", place.display());
        self.refuse(CANNOT_RUN, &words)
    }

    fn killed(&mut self) -> (i32, Option<Stopped>) {
        self.say("\nKilled: stopped before its end");
        (KILLED, Some(Stopped::Killed))
    }

    fn outside(&mut self, error: PlaceError) -> (i32, Option<Stopped>) {
        self.say(&error.to_string());
        (1, None)
    }

    /// Something needed is missing. Only when nothing has run yet may the whole be called not started.
    fn refuse(&mut self, code: i32, words: &str) -> (i32, Option<Stopped>) {
        self.say(words);
        (code, (!self.began).then_some(Stopped::NotStarted))
    }

    fn say(&mut self, words: &str) {
        self.output.say(words);
        self.outbox.push(words);
        self.outbox.send();
    }
}

/// The name of a file whose block does not say one (AG2: `tmp_code_<hash>`).
fn saved_name(code: &str, language: &Language) -> Vec<String> {
    let digest = hex(&Sha256::digest(code.as_bytes()));
    vec![format!("tmp_code_{}.{}", &digest[..32], language.extension)]
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
