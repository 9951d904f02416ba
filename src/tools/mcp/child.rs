//! A server's program: started without a shell, with an empty environment but for the names it was given, in a process
//! group of its own that ends with it. Its standard error goes into a small buffer, never to the screen.

use crate::chat::server::ServerSetup;
use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Most bytes of standard error that are kept.
const KEPT: usize = 16 << 10;

/// What a program has written to standard error last.
#[derive(Debug, Clone, Default)]
pub struct Murmur(Arc<Mutex<VecDeque<u8>>>);

impl Murmur {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(|error| error.into_inner());
        kept.extend(bytes);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }

    /// Its last lines, as text.
    pub fn tail(&self, lines: usize) -> String {
        let kept = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let text = String::from_utf8_lossy(&kept.iter().copied().collect::<Vec<u8>>()).into_owned();
        let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// A program that runs. Dropping it ends it and everything in its process group.
pub struct Program {
    child: Child,
    /// What it says on standard error.
    pub murmur: Murmur,
    /// The thread that started it: a program is ended by the system when that one is gone.
    _thread: std::sync::mpsc::Sender<()>,
}

impl Drop for Program {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // SAFETY: a plain system call; the group is led by our child, which was not waited for yet.
            unsafe {
                libc::kill(-id, libc::SIGKILL);
            }
        }
        let _ = self.child.start_kill();
    }
}

/// Starts the program of a server.
///
/// # Errors
/// Why it could not be started.
pub async fn start(setup: &ServerSetup) -> Result<(Program, ChildStdout, ChildStdin), String> {
    let Some((program, arguments)) = setup.command.split_first() else {
        return Err("no program is named".to_owned());
    };
    if !setup.work_dir.is_empty() {
        std::fs::create_dir_all(&setup.work_dir)
            .map_err(|error| format!("{} cannot be made: {error}", setup.work_dir))?;
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    if !setup.work_dir.is_empty() {
        command.current_dir(&setup.work_dir);
    }
    for name in &setup.environment {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(target_os = "linux")]
    // SAFETY: between fork and exec only async-signal-safe calls are made.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    let (alive, gone) = std::sync::mpsc::channel::<()>();
    let (done, started) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("mcp".to_owned())
        .spawn(move || {
            let _entered = runtime.enter();
            let _ = done.send(command.spawn());
            // Until nobody holds the program any more.
            let _ = gone.recv();
        })
        .map_err(|error| format!("no thread could be started for it: {error}"))?;
    let spawned = started.await.map_err(|_| "the thread that starts it failed".to_owned())?;
    let mut child = spawned.map_err(|error| format!("{program} could not be started: {error}"))?;
    let (Some(stdout), Some(stdin), Some(stderr)) = (child.stdout.take(), child.stdin.take(), child.stderr.take())
    else {
        return Err(format!("{program} has no pipes"));
    };
    let murmur = Murmur::default();
    tokio::spawn(listen(stderr, murmur.clone()));
    Ok((Program { child, murmur, _thread: alive }, stdout, stdin))
}

async fn listen(mut stderr: impl AsyncRead + Unpin, murmur: Murmur) {
    let mut piece = [0; 4096];
    while let Ok(n @ 1..) = stderr.read(&mut piece).await {
        murmur.push(&piece[..n]);
    }
}
