//! `attach`, and everything about consoles that come and go: a run that goes on without a terminal, and the way back.

use super::{Trouble, run, safe};
use crate::attach::{self, Attached, Desk, Kind, Seat, Served, Trier};
use crate::chat::command::Command;
use crate::chat::event::Boundary;
use crate::chat::trials::Trials;
use crate::chat::update::Update;
use crate::headless::{self, Style};
use crate::session::Session;
use crate::settings::Settings;
use crate::tui;
use crate::wire::{self, Options, Run, trials};
use clap::Args;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use tokio::task::JoinHandle;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  plenary run team.toml --detach\n  plenary attach last\n\n\
                  Any number of consoles may be attached; one holds the baton and commands, the others watch. Leaving an\n\
                  attached console leaves the run as it is.\n")]
pub(super) struct Arguments {
    /// A session by its name, the beginning of its name, or `last`
    session: String,
}

pub(super) fn attach(arguments: &Arguments) -> Result<u8, Trouble> {
    run::refuse_without_terminal()?;
    let settings = wire::settings()?;
    let path = wire::store(&settings)?.path_of(&arguments.session)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    run::runtime()?.block_on(to(&name, &settings))
}

/// Shows a session that another process runs.
pub(super) async fn to(session: &str, settings: &Settings) -> Result<u8, Trouble> {
    let socket = attach::socket_path(&wire::data(settings)?, session);
    let who = format!("the console of process {}", std::process::id());
    let attached = attach::attach(&socket, session, &who).await;
    let Attached { session: shown, commands, updates } =
        attached.map_err(|error| Trouble::failed(safe(&error.to_string())))?;
    let look = tui::Look::from(settings).map_err(|error| Trouble::usage(error.to_string()))?;
    let left =
        tui::run(tui::Console { session: shown, commands, updates, look, shell: super::replay::no_shell() }).await?;
    let _ = writeln!(std::io::stderr(), "plenary: left. Come back with: plenary attach {}", safe(session));
    Ok(match left {
        tui::Left::Quit | tui::Left::Detached => 0,
        tui::Left::Signal(number) => 128 + number,
        tui::Left::Gone => 129,
    })
}

/// A run with a desk before it, at which consoles of other processes may sit, too.
pub(super) struct Hosted {
    /// The desk.
    pub desk: Desk,
    /// Ends with the session.
    pub done: JoinHandle<Session>,
    /// Its name.
    pub id: String,
    _socket: Option<Served>,
}

/// Sets a desk before a run. One that is kept in memory has no socket; a socket that cannot be made is said and done without.
pub(super) fn desk(run: Run, settings: &Arc<Settings>, options: &Options) -> (Hosted, tui::Shell) {
    let Run { session, id, handle, shell } = run;
    let goes_on = settings.go_on_when_lost.value && !options.ephemeral;
    let trier = (!options.ephemeral).then(|| trier(settings, options));
    let desk = Desk::open(session.log().to_vec(), handle.commands, handle.updates, goes_on, trier);
    let mut socket = None;
    if !options.ephemeral {
        let made = wire::data(settings).map_err(|error| error.to_string()).and_then(|data| {
            attach::serve(&attach::socket_path(&data, &id), &id, desk.clone()).map_err(|error| error.to_string())
        });
        match made {
            Ok(made) => socket = Some(made),
            Err(why) => {
                let _ = writeln!(std::io::stderr(), "plenary: no other console can come to this run: {}", safe(&why));
            }
        }
    }
    (Hosted { desk, done: handle.done, id, _socket: socket }, shell)
}

/// Tries things out for a desk.
fn trier(settings: &Arc<Settings>, options: &Options) -> Trier {
    let setup = trials::Setup { settings: settings.clone(), options: options.clone(), solved: None };
    Arc::new(move |records, asked, tell| {
        let setup = setup.clone();
        tokio::spawn(async move {
            let session = match Session::replay(records) {
                Ok(session) => session,
                Err(error) => {
                    let trials = Trials { asked, quote: None, arms: Vec::new(), problem: Some(error.to_string()) };
                    let _ = tell.send(trials).await;
                    return;
                }
            };
            if !asked.agreed {
                let _ = tell.send(trials::quoted(&session, &asked)).await;
                return;
            }
            let so_far = tell.clone();
            let done = trials::try_out(&session, &asked, &setup, |trials| {
                // What does not get through is said with the next.
                let _ = so_far.try_send(trials.clone());
            });
            let _ = tell.send(done.await).await;
        });
    })
}

/// Shows a session in which nothing can be done, and says why.
pub(super) async fn look(session: Session, settings: &Settings, why: &str) -> Result<u8, Trouble> {
    let look = tui::Look::from(settings).map_err(|error| Trouble::usage(error.to_string()))?;
    let (commands, mut asked) = tokio::sync::mpsc::channel::<Command>(64);
    let (to, updates) = tokio::sync::mpsc::channel(64);
    let why = why.to_owned();
    tokio::spawn(async move {
        let _ = to.send(Update::Fault { text: format!("Read-only: {why}") }).await;
        while asked.recv().await.is_some() {
            let _ = to.send(Update::Refused { text: "Read-only: nothing can be changed here.".to_owned() }).await;
        }
    });
    let left = tui::run(tui::Console { session, commands, updates, look, shell: super::replay::no_shell() }).await?;
    Ok(match left {
        tui::Left::Signal(number) => 128 + number,
        tui::Left::Gone => 129,
        _ => 0,
    })
}

impl Hosted {
    /// Writes the conversation into a file as it goes on.
    pub(super) async fn mirror(&self, file: &str) -> Result<(), Trouble> {
        let mut options = std::fs::OpenOptions::new();
        options.append(true).create(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options
            .open(file)
            .map_err(|error| Trouble::usage(format!("--mirror: {} cannot be written: {error}.", safe(file))))?;
        if let Some(Seat { records, commands, mut updates }) = self.desk.sit("a mirror", Kind::Silent).await {
            tokio::spawn(async move {
                let _commands = commands;
                let session = Session::replay(records).unwrap_or_default();
                let (to, passed) = tokio::sync::mpsc::channel(4096);
                let pass = async move {
                    while let Some(update) = updates.recv().await {
                        // A fault is for the console; standard error may be its screen.
                        if matches!(update, Update::Record(_)) && to.send(update).await.is_err() {
                            return;
                        }
                    }
                };
                let _ = tokio::join!(pass, headless::follow(session, passed, Style::Text, &mut out));
            });
        }
        Ok(())
    }

    /// Ends the run and says how it stands.
    pub(super) async fn close(self) -> Result<Session, Trouble> {
        self.desk.close().await;
        self.done.await.map_err(|error| Trouble::failed(format!("the engine failed: {error}")))
    }

    /// Goes on without a terminal until the run has ended and nobody looks at it, or a signal comes.
    pub(super) async fn keep(self) -> Result<Session, Trouble> {
        alone();
        if let Some(Seat { records, commands: _kept, mut updates }) = self.desk.sit("nobody", Kind::Silent).await {
            let mut session = Session::replay(records).map_err(|error| Trouble::failed(safe(&error.to_string())))?;
            let mut viewers = 0;
            while session.ended().is_none() || session.awaits_summary() || viewers > 0 {
                tokio::select! {
                    update = updates.recv() => match update {
                        Some(Update::Record(record)) => drop(session.apply(record)),
                        Some(Update::Baton(standing)) => viewers = standing.viewers,
                        Some(_) => {}
                        None => break,
                    },
                    () = stopped() => break,
                }
            }
        }
        self.close().await
    }

    /// Holds the run at the next safe point and hands it to a process without a terminal.
    pub(super) async fn hand_over(self) -> Result<u8, Trouble> {
        let id = self.id.clone();
        let mut held = true;
        if let Some(Seat { records, commands: _kept, mut updates }) = self.desk.sit("nobody", Kind::Silent).await {
            let mut session = Session::replay(records).map_err(|error| Trouble::failed(safe(&error.to_string())))?;
            held = session.hold().is_some() || session.ended().is_some();
            let rests = |session: &Session| {
                session.ended().is_some()
                    || session.hold().is_some()
                    || !session.acts() && !session.waiting().is_empty()
            };
            if !rests(&session) {
                let _ = writeln!(std::io::stderr(), "plenary: waiting for the present step; ctrl-c stops it …");
                self.desk.tell(Command::Pause { boundary: Boundary::Step }).await;
            }
            while !rests(&session) {
                tokio::select! {
                    update = updates.recv() => match update {
                        Some(Update::Record(record)) => drop(session.apply(record)),
                        Some(_) => {}
                        None => break,
                    },
                    () = stopped() => break,
                }
            }
        }
        let session = self.close().await?;
        if session.ended().is_some() {
            let _ = writeln!(std::io::stderr(), "plenary: the run has ended. See it with: plenary open {}", safe(&id));
            return Ok(0);
        }
        let mut arguments = vec!["open".to_owned(), id, "--serve".to_owned()];
        if !held {
            arguments.push("--go-on".to_owned());
        }
        detached(&arguments)
    }
}

/// A signal that ends a run without a terminal.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Away from the terminal for good: its signals, its input and its output.
fn alone() {
    // SAFETY: changes signal handling, the process's session and its three standard descriptors; no memory is involved.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        // Fails for the leader of a group, which the shell then treats as a job like any other.
        libc::setsid();
        let nowhere = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if nowhere >= 0 {
            for standard in 0..3 {
                libc::dup2(nowhere, standard);
            }
        }
    }
}

/// Tells the process that began this one that consoles may come, and goes on alone.
pub(super) async fn serve(run: Hosted) -> Result<u8, Trouble> {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{}", run.id).and_then(|()| out.flush());
    let session = run.keep().await?;
    Ok(session.ended().map_or(0, |ended| ended.cause.exit_code()))
}

/// Begins a run in a process of its own, without a terminal.
pub(super) fn detached(arguments: &[String]) -> Result<u8, Trouble> {
    let mut process = Process::new(std::env::current_exe()?);
    process.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: one system call between fork and exec, which touches no memory of ours.
    unsafe {
        process.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
    let mut child = process.spawn()?;
    let mut id = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut id)?;
    }
    let id = id.trim();
    if id.is_empty() {
        let mut why = String::new();
        if let Some(mut err) = child.stderr.take() {
            err.read_to_string(&mut why)?;
        }
        let _ = child.wait();
        return Err(Trouble::failed(why));
    }
    println!("{}", safe(id));
    let number = child.id();
    let _ = writeln!(
        std::io::stderr(),
        "plenary: goes on without a terminal (process {number}). Come to it with: plenary attach {}",
        safe(id)
    );
    Ok(0)
}
