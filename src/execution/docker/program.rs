//! One program in a container: made, watched, ended, removed.

use super::create::{CODE, Container, WORKSPACE, user};
use super::engine::{Engine, Refusal};
use super::frames::Frames;
use super::merged;
use super::owner;
use crate::chat::code::{Payload, Place};
use crate::execution::file::WorkDir;
use crate::execution::language::{Language, Plan};
use crate::execution::meter::Meter;
use crate::execution::outbox::Outbox;
use crate::execution::output::Output;
use crate::execution::process::End;
use crate::execution::run::{Ended, Launcher, Start};
use crate::execution::stage;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often memory is asked for; the first time after half of it.
const ASK: Duration = Duration::from_millis(1000);
/// Time between looks at the working directory.
const LOOK: Duration = Duration::from_millis(25);
/// How long output may still come when the program is gone.
const GRACE: Duration = Duration::from_millis(300);
/// A container that serves a session.
#[derive(Debug)]
pub struct Lasting {
    engine: Engine,
    id: String,
    place: Place,
    /// Directory of the host that it sees as `/code`.
    code: PathBuf,
}

impl Lasting {
    /// Ends and removes it.
    pub fn remove(self) {
        let Lasting { engine, id, code, .. } = self;
        let _ = super::engine::blocking(async move { remove(&engine, &id).await });
        // Nothing depends on it: copies of code that was run.
        let _ = std::fs::remove_dir_all(code);
    }
}

async fn remove(engine: &Engine, id: &str) -> bool {
    match engine.delete(&format!("/containers/{id}?force=1&v=1")).await {
        Ok(_) | Err(Refusal { status: 404, .. }) => true,
        Err(_) => false,
    }
}

/// Runs programs in containers.
pub struct Containers {
    runtime: Option<String>,
    kept: Arc<Mutex<Option<Lasting>>>,
    engine: Option<Engine>,
    user: (u32, u32),
}

impl Containers {
    /// With this runtime, and the container that is kept between executions.
    pub fn new(runtime: Option<String>, kept: Arc<Mutex<Option<Lasting>>>) -> Containers {
        Containers { runtime, kept, engine: None, user: (0, 0) }
    }

    /// The engine, once it was found.
    pub(super) fn engine(&self) -> Result<Engine, String> {
        self.engine.clone().ok_or_else(|| "the container engine is not there".to_owned())
    }

    /// User and group of the code.
    pub(super) fn user(&self) -> (u32, u32) {
        self.user
    }

    /// The isolating runtime, if one is named.
    pub(super) fn runtime(&self) -> Option<&str> {
        self.runtime.as_deref()
    }

    fn container<'a>(&'a self, start: &Start<'a>, command: &'a [String], files: &'a [(&'a Path, String)]) -> Value {
        Container {
            place: &start.payload.place,
            run: start.run,
            command,
            work_dir: start.work_dir.path(),
            files,
            user: self.user,
            environment: &environment(&start.payload.place),
            runtime: self.runtime.as_deref(),
        }
        .body()
    }
}

/// The environment: variables of ours that are named, and what makes Python behave in a pipe.
pub(super) fn environment(place: &Place) -> Vec<(String, String)> {
    let fixed = [
        ("HOME", WORKSPACE),
        ("TMPDIR", "/tmp"),
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONPATH", WORKSPACE),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let named = place.environment.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
    fixed.chain(named.filter(|(name, _)| name != "PYTHONPATH")).collect()
}

impl Launcher for Containers {
    fn begin(&mut self, payload: &Payload, work_dir: &WorkDir) -> Result<(), String> {
        let image = payload.place.image.clone().unwrap_or_default();
        if image.digest.is_empty() {
            return Err(format!(
                "The image {} was not on this machine when the run began: run `docker pull {}`, then open the session \
                 again.",
                image.name, image.name
            ));
        }
        let engine = Engine::find().map_err(|words| format!("The code was not started: {words}."))?;
        let swept = {
            let engine = engine.clone();
            super::engine::blocking(async move { owner::sweep(&engine).await })?
        };
        swept.map_err(|refusal| format!("The code was not started: {refusal}."))?;
        // SAFETY: plain system calls.
        let operator = unsafe { (libc::geteuid(), libc::getegid()) };
        let meta = work_dir.path().metadata().map_err(|error| error.to_string())?;
        self.user = user(operator, (meta.uid(), meta.gid()));
        if operator.0 == 0 && meta.uid() == 0 {
            // Code does not run as root, and only the owner may write here: the directory is handed over.
            // SAFETY: a valid descriptor.
            if unsafe { libc::fchown(work_dir.fd(), self.user.0, self.user.1) } != 0 {
                let error = std::io::Error::last_os_error();
                return Err(format!("The working directory cannot be given to user {}: {error}.", self.user.0));
            }
        }
        self.engine = Some(engine);
        Ok(())
    }

    fn plan(&self, language: &Language) -> Plan {
        language.plan_unseen()
    }

    fn seen(&self, _work_dir: &WorkDir) -> Option<PathBuf> {
        Some(PathBuf::from(WORKSPACE))
    }

    fn program(&mut self, start: &Start<'_>, output: &mut Output, outbox: &mut Outbox) -> Ended {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let (Ok(runtime), Some(engine)) = (runtime, self.engine.clone()) else {
            return End::NotStarted("the container engine is not there".to_owned()).into();
        };
        let lasting = start.payload.place.lasting;
        let done = match lasting {
            false => runtime.block_on(self.fresh(&engine, start, output, outbox)),
            true => runtime.block_on(self.kept(&engine, start, output, outbox)),
        };
        done.unwrap_or_else(|refusal| End::NotStarted(refusal.words).into())
    }
}

/// What is mounted for the code, where, and the path of the code itself as the program sees it.
fn seen<'a>(start: &'a Start<'a>) -> Result<(&'a Path, String, String), Refusal> {
    let file = start.file;
    if let Some(copy) = &file.copy {
        let below = copy.path.strip_prefix(&copy.root).unwrap_or(&copy.path);
        return Ok((&copy.root, CODE.to_owned(), format!("{CODE}/{}", below.display())));
    }
    // The directory above it is closed to everybody else; the mount leads past that.
    std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o444))
        .map_err(|error| Refusal { status: 0, words: format!("the code cannot be made readable: {error}") })?;
    let inside = format!("{CODE}/{}", file.path.file_name().unwrap_or_default().to_string_lossy());
    Ok((&file.path, inside.clone(), inside))
}

impl Containers {
    /// In a container of its own.
    async fn fresh(
        &self,
        engine: &Engine,
        start: &Start<'_>,
        output: &mut Output,
        outbox: &mut Outbox,
    ) -> Result<Ended, Refusal> {
        let (host, mounted, inside) = seen(start)?;
        let files = [(host, mounted)];
        let command = merged::line(engine, &start.payload.place, start.line(&inside)).await;
        let made = engine.post("/containers/create", Some(&self.container(start, &command, &files))).await?;
        let id = made.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let ended = match merged::has_program(engine, &id, start.program()).await {
            Ok(true) => self.in_fresh(engine, &id, start, output, outbox).await,
            Ok(false) => Ok(End::NoProgram.into()),
            Err(refusal) => Err(refusal),
        };
        remove(engine, &id).await;
        ended
    }

    async fn in_fresh(
        &self,
        engine: &Engine,
        id: &str,
        start: &Start<'_>,
        output: &mut Output,
        outbox: &mut Outbox,
    ) -> Result<Ended, Refusal> {
        let attach = format!("/containers/{id}/attach?stream=1&stdout=1&stderr=1");
        let stream = engine.open(&attach, None).await?;
        engine.post(&format!("/containers/{id}/start"), None).await?;
        let watched = watch(engine, id, stream, start, output, outbox).await;
        let state = engine.get(&format!("/containers/{id}/json")).await?;
        let state = state.get("State").cloned().unwrap_or_default();
        let code = state.get("ExitCode").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or(1);
        let starved = state.get("OOMKilled").and_then(Value::as_bool).unwrap_or(false);
        Ok(watched.ended(code, starved, start))
    }

    /// In the container of the session, which is made when it is not there.
    async fn kept(
        &self,
        engine: &Engine,
        start: &Start<'_>,
        output: &mut Output,
        outbox: &mut Outbox,
    ) -> Result<Ended, Refusal> {
        let (id, code) = self.session(engine, start).await?;
        if !merged::has_program(engine, &id, start.program()).await? {
            return Ok(End::NoProgram.into());
        }
        let (host, mounted, inside) = seen(start)?;
        // Executions of a session see one another's code: each has a directory of its own.
        let number = uuid::Uuid::now_v7().simple().to_string();
        let local = |error: std::io::Error| Refusal { status: 0, words: format!("the code cannot be placed: {error}") };
        let own = code.join(&number);
        let below = inside.strip_prefix(CODE).unwrap_or(&inside).to_owned();
        if mounted == CODE {
            stage::copy(host, &own).map_err(local)?;
        } else {
            std::fs::create_dir(&own).map_err(local)?;
            std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).map_err(local)?;
            stage::copy(host, &own.join(below.trim_start_matches('/'))).map_err(local)?;
        }
        let command = start.line(&format!("{CODE}/{number}{below}"));
        let command = merged::line(engine, &start.payload.place, command).await;
        let body = json!({"Cmd": command, "AttachStdout": true, "AttachStderr": true, "WorkingDir": WORKSPACE});
        let made = engine.post(&format!("/containers/{id}/exec"), Some(&body)).await?;
        let exec = made.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let stream = engine.open(&format!("/exec/{exec}/start"), Some(&json!({"Detach": false, "Tty": false}))).await?;
        let watched = watch(engine, &id, stream, start, output, outbox).await;
        if watched.stopped.is_some() {
            // A single program in a container cannot be ended with all it started: the container goes, a new one comes.
            self.forget();
            remove(engine, &id).await;
            return Ok(watched.ended(1, false, start));
        }
        let state = engine.get(&format!("/exec/{exec}/json")).await?;
        let code = state.get("ExitCode").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or(1);
        Ok(watched.ended(code, false, start))
    }

    fn forget(&self) {
        if let Ok(mut kept) = self.kept.lock() {
            kept.take();
        }
    }

    async fn session(&self, engine: &Engine, start: &Start<'_>) -> Result<(String, PathBuf), Refusal> {
        let known = self.kept.lock().ok().and_then(|kept| {
            let kept = kept.as_ref().filter(|kept| kept.place == start.payload.place)?;
            Some((kept.id.clone(), kept.code.clone()))
        });
        if let Some((id, code)) = known {
            let state = engine.get(&format!("/containers/{id}/json")).await;
            if state.is_ok_and(|state| state.pointer("/State/Running").and_then(Value::as_bool) == Some(true)) {
                return Ok((id, code));
            }
        }
        let code = std::env::temp_dir().join(format!("plenary-session-{}", start.run));
        let local = |error: std::io::Error| Refusal { status: 0, words: format!("no place for code: {error}") };
        std::fs::create_dir(&code).map_err(local)?;
        std::fs::set_permissions(&code, std::fs::Permissions::from_mode(0o755)).map_err(local)?;
        let idle = ["sh", "-c", "while :; do sleep 3600; done"].map(str::to_owned);
        let files = [(code.as_path(), CODE.to_owned())];
        let made = engine.post("/containers/create", Some(&self.container(start, &idle, &files))).await?;
        let id = made.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Err(refusal) = engine.post(&format!("/containers/{id}/start"), None).await {
            remove(engine, &id).await;
            let _ = std::fs::remove_dir_all(&code);
            return Err(Refusal { status: 0, words: format!("a session's container needs `sh`: {refusal}") });
        }
        let place = start.payload.place.clone();
        let lasting = Lasting { engine: engine.clone(), id: id.clone(), place, code: code.clone() };
        let before = self.kept.lock().ok().and_then(|mut kept| kept.replace(lasting));
        if let Some(before) = before {
            before.remove();
        }
        Ok((id, code))
    }
}

/// What came of watching.
struct Watched {
    stopped: Option<End>,
    peak: Option<u64>,
}

impl Watched {
    fn ended(self, code: i32, starved: bool, start: &Start<'_>) -> Ended {
        let end = match self.stopped {
            Some(end) => end,
            None if starved => {
                let most = start.payload.place.bounds.memory.unwrap_or_default();
                let most = crate::chat::containment::bytes(most);
                End::OverLimit(format!("it used more memory than its limit of {most}"))
            }
            None => End::Exited(code),
        };
        Ended { end, left: Vec::new(), peak_memory: self.peak }
    }
}

/// Follows the output until the program ends or has to; in the latter case the container is killed.
async fn watch(
    engine: &Engine,
    id: &str,
    mut stream: reqwest::Response,
    start: &Start<'_>,
    output: &mut Output,
    outbox: &mut Outbox,
) -> Watched {
    let begin = Instant::now();
    outbox.started(0);
    let mut meter = Meter::new(start.payload.place.bounds, &[start.work_dir]);
    let mut frames = Frames::default();
    let mut watched = Watched { stopped: None, peak: None };
    let mut asked = begin;
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    loop {
        let now = Instant::now();
        let left = start.limit.now().saturating_sub(now - begin);
        if now - asked > ASK / 2 && tell.capacity() > 0 {
            asked = now + ASK / 2;
            tokio::spawn(memory(engine.clone(), id.to_owned(), tell.clone()));
        }
        let wait = outbox.flush().unwrap_or(LOOK).min(LOOK).min(left);
        tokio::select! {
            biased;
            () = start.stop.token().cancelled() => watched.stopped = Some(End::Killed),
            chunk = stream.chunk() => match chunk {
                Ok(Some(bytes)) => frames.push(&bytes, |content| {
                    let text = output.push(content);
                    outbox.push(&text);
                }),
                Ok(None) | Err(_) => break,
            },
            Some((held, most)) = told.recv() => {
                meter.saw(most);
                outbox.memory(held);
            }
            () = tokio::time::sleep(wait) => {}
        }
        if start.limit.now() <= begin.elapsed() {
            watched.stopped.get_or_insert(End::TimedOut);
        }
        if let Some(words) = meter.files_when_due(Instant::now()) {
            watched.stopped.get_or_insert(End::OverLimit(words));
        }
        if watched.stopped.is_some() {
            let path = format!("/containers/{id}/kill?signal=SIGKILL");
            let kill = engine.post(&path, None);
            let _ = tokio::time::timeout(Duration::from_secs(2), kill).await;
            let _ = tokio::time::timeout(GRACE, async {
                while let Ok(Some(bytes)) = stream.chunk().await {
                    frames.push(&bytes, |content| outbox.push(&output.push(content)));
                }
            })
            .await;
            break;
        }
    }
    outbox.push(output.end_of_stream());
    outbox.send();
    watched.peak = meter.peak();
    watched
}

/// Asks what memory the container holds now, caches aside, and what it held at most.
async fn memory(engine: Engine, id: String, tell: tokio::sync::mpsc::Sender<(u64, u64)>) {
    let Ok(stats) = engine.get(&format!("/containers/{id}/stats?stream=false&one-shot=true")).await else { return };
    let Some(memory) = stats.get("memory_stats") else { return };
    let number = |path: &str| memory.pointer(path).and_then(Value::as_u64);
    let cache = number("/stats/total_inactive_file").or(number("/stats/inactive_file")).unwrap_or(0);
    let held = number("/usage").map_or(0, |usage| usage.saturating_sub(cache));
    let _ = tell.send((held, number("/max_usage").unwrap_or(held))).await;
}
