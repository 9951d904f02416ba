//! `run`, `demo` and `open`: a session in the console or headless.

use super::{EXIT_CODES, Trouble, attach, safe};
use crate::attach::{Kind, Seat};
use crate::chat::breaks::{Breakpoint, Deed, SetBy};
use crate::chat::command::Command;
use crate::chat::event::EndCause;
use crate::engine::effect::Input;
use crate::headless::{self, Style};
use crate::journal::JournalError;
use crate::rules::{Rule, RuleError};
use crate::session::Session;
use crate::settings::Settings;
use crate::tui;
use crate::wire::{self, Options, Run, WireError};
use clap::{Args, ValueEnum};
use std::io::Write;
use std::sync::Arc;

const RUN_EXAMPLES: &str = "\
Examples:
  plenary run team.toml
  plenary run team.toml --task \"Write a parser for RFC 3339 dates\"
  plenary run debate                       a ready team by its name
  plenary run team.toml --model smart=cheap
  plenary run team.toml --headless --approve all
  plenary run team.toml --headless --json | jq .kind
  plenary run team.toml --break 'speaker == Critic and text contains \"APPROVE\"'
  plenary run team.toml --headless --break 'cost > $2' --expect 'last.exit == 0'

";

#[derive(Debug, Args)]
#[command(after_help = format!("{RUN_EXAMPLES}{EXIT_CODES}"))]
pub(super) struct RunArguments {
    /// A team file, or the name of a ready team (lru-cache, pair, debate, panel, newsroom, round-table)
    team: String,
    /// What to work on, instead of the team file's task
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Use another model for this run: KEY=OTHER, both keys of the team file, or KEY=PROVIDER/MODEL; * is every model.
    /// May be given several times
    #[arg(long = "model", value_name = "KEY=OTHER")]
    models: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  plenary demo\n  plenary demo --headless\n\nWith --headless the demo's own code, \
                        which ships with Plenary, runs unasked; the record says so.\n")]
pub(super) struct DemoArguments {
    /// Print the conversation instead of opening the console
    #[arg(long)]
    headless: bool,
    /// With --headless: print one record per line
    #[arg(long, requires = "headless")]
    json: bool,
    /// Keep nothing on disk
    #[arg(long)]
    ephemeral: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary open last\n  plenary open 20261120-1305\n\nNothing starts by itself: the \
                        session opens holding, and space lets it go on.\n"
)]
pub(super) struct OpenArguments {
    /// A session by its name, the beginning of its name, or `last`
    session: String,
    /// Write the conversation into this file as it goes on, too
    #[arg(long, value_name = "FILE")]
    mirror: Option<String>,
    /// Go on without a terminal; for `plenary` itself
    #[arg(long, hide = true)]
    serve: bool,
    /// Do not hold
    #[arg(long, hide = true, requires = "serve")]
    go_on: bool,
}

#[derive(Debug, Args)]
struct How {
    /// Print the conversation instead of opening the console
    #[arg(long)]
    headless: bool,
    /// With --headless: print one record per line, as the journal holds them
    #[arg(long, requires = "headless")]
    json: bool,
    /// With --headless: whether code may run without anybody being asked
    #[arg(long, value_enum, default_value_t = Approve::None, requires = "headless")]
    approve: Approve,
    /// Keep nothing on disk
    #[arg(long)]
    ephemeral: bool,
    /// Let it run without a terminal; `plenary attach` comes to it
    #[arg(long, conflicts_with_all = ["headless", "ephemeral"])]
    detach: bool,
    /// Write the conversation into this file as it goes on, too
    #[arg(long, value_name = "FILE", conflicts_with = "headless")]
    mirror: Option<String>,
    /// Run without a terminal; for `plenary` itself
    #[arg(long, hide = true, conflicts_with_all = ["headless", "ephemeral"])]
    serve: bool,
    /// Hold where this rule is met; headless, end with exit code 6. May be given several times
    #[arg(long = "break", value_name = "RULE")]
    breaks: Vec<String>,
    /// Headless, end with exit code 6 when this rule was never met. May be given several times
    #[arg(long = "expect", value_name = "RULE")]
    expects: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Approve {
    /// None: the run ends with exit code 5 where a person would be asked
    None,
    /// Sandboxed: executions in containers are allowed, and the record says by this flag; others end the run
    Sandboxed,
    /// All: every execution is allowed, and the record says by this flag
    All,
}

pub(super) fn run(arguments: RunArguments) -> Result<u8, Trouble> {
    if arguments.how.detach {
        // The same in a process of its own, which serves those who come.
        let again = std::env::args().skip(1).map(|word| if word == "--detach" { "--serve".to_owned() } else { word });
        return attach::detached(&again.collect::<Vec<_>>());
    }
    let settings = wire::settings()?;
    let (loaded, _) = wire::team(&arguments.team, &settings)?;
    let mut team = loaded.team;
    let given = arguments.task.is_some();
    if let Some(task) = arguments.task {
        if task.trim().is_empty() {
            return Err(Trouble::usage("--task is empty; say what to work on, or leave it out."));
        }
        team.task = Some(task);
    }
    for swap in &arguments.models {
        wire::swap_model(&mut team, swap).map_err(Trouble::usage)?;
    }
    if arguments.how.headless && !team.has_task() {
        return Err(Trouble::usage("This team has no task: give one with --task, or set `task` in its [team] table."));
    }
    if given && team.models.values().all(|model| model.provider.kind == "scripted") {
        eprintln!("plenary: the models of this team play a script; they take no notice of your task.");
    }
    for (option, rules, deed) in
        [("--break", &arguments.how.breaks, Deed::Hold), ("--expect", &arguments.how.expects, Deed::Expect)]
    {
        for rule in rules {
            Rule::parse_breakpoint(rule).map_err(|error| unreadable(option, rule, &error))?;
            let breakpoint = Breakpoint { deed: deed.clone(), ..Breakpoint::new(rule, SetBy::CommandLine) };
            team.breakpoints.push(breakpoint);
        }
    }
    let options = Options {
        headless: arguments.how.headless,
        approve_all: (arguments.how.approve == Approve::All).then(|| "--approve all".to_owned()),
        approve_sandboxed: (arguments.how.approve == Approve::Sandboxed).then(|| "--approve sandboxed".to_owned()),
        ephemeral: arguments.how.ephemeral,
        programs: Vec::new(),
    };
    let style = if arguments.how.json { Style::Json } else { Style::Text };
    begin(team, settings, &options, style, arguments.how.serve, arguments.how.mirror.as_deref())
}

pub(super) fn demo(arguments: DemoArguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let (loaded, _) = wire::team("lru-cache", &settings)?;
    let options = Options {
        headless: arguments.headless,
        approve_all: arguments.headless.then(|| "demo --headless: the code ships with plenary".to_owned()),
        approve_sandboxed: None,
        ephemeral: arguments.ephemeral,
        programs: Vec::new(),
    };
    let style = if arguments.json { Style::Json } else { Style::Text };
    begin(loaded.team, settings, &options, style, false, None)
}

pub(super) fn open(arguments: OpenArguments) -> Result<u8, Trouble> {
    if !arguments.serve {
        refuse_without_terminal()?;
    }
    let settings = wire::settings()?;
    let options = Options::default();
    runtime()?.block_on(async {
        let opened = wire::reopen(&arguments.session, &settings, &options);
        let why = match opened {
            Ok(run) if arguments.serve => {
                if arguments.go_on {
                    let _ = run.handle.commands.send(Command::Resume).await;
                }
                return attach::serve(attach::desk(run, &Arc::new(settings), &options).0).await;
            }
            Ok(run) => return console(run, settings, &options, arguments.mirror.as_deref()).await,
            Err(WireError::Journal(
                why @ (JournalError::InUse { .. } | JournalError::Untrusted { .. } | JournalError::Newer { .. }),
            )) if !arguments.serve => why,
            Err(why) => return Err(why.into()),
        };
        let store = wire::store(&settings)?;
        if let JournalError::InUse { .. } = why {
            let path = store.path_of(&arguments.session)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // Whoever has it lets others look; if not, the refusal says who has it.
            return match attach::to(&name, &settings).await {
                Err(_) => Err(why.into()),
                shown => shown,
            };
        }
        let (records, _) = store.rescue(&arguments.session);
        match Session::replay(records) {
            Ok(session) if session.team().is_some() => attach::look(session, &settings, &why.to_string()).await,
            _ => Err(why.into()),
        }
    })
}

/// A rule of the command line that cannot be read, with a caret at the place.
fn unreadable(option: &str, rule: &str, error: &RuleError) -> Trouble {
    let before = safe(rule.get(..error.at.start).unwrap_or_default()).chars().count();
    let help = error.help.as_ref().map(|help| format!("\n  {}", safe(help))).unwrap_or_default();
    let caret = " ".repeat(before);
    Trouble::usage(format!("{option}: {}\n  {}\n  {caret}^{help}", safe(&error.message), safe(rule)))
}

fn begin(
    team: crate::chat::team::Team,
    settings: Settings,
    options: &Options,
    style: Style,
    serve: bool,
    mirror: Option<&str>,
) -> Result<u8, Trouble> {
    if !options.headless && !serve {
        refuse_without_terminal()?;
    }
    runtime()?.block_on(async {
        let run = wire::start(team, &settings, options)?;
        if options.headless {
            return print(run, style).await;
        }
        if serve {
            return attach::serve(attach::desk(run, &Arc::new(settings), options).0).await;
        }
        console(run, settings, options, mirror).await
    })
}

pub(super) fn refuse_without_terminal() -> Result<(), Trouble> {
    match tui::terminal::refuse_reason() {
        Some(reason) => Err(Trouble::usage(reason)),
        None => Ok(()),
    }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    crate::models::install_tls();
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

async fn console(run: Run, settings: Settings, options: &Options, mirror: Option<&str>) -> Result<u8, Trouble> {
    let look = tui::Look::from(&settings).map_err(|error| Trouble::usage(error.to_string()))?;
    let (session, id, settings) = (run.session.clone(), run.id.clone(), Arc::new(settings));
    let (run, shell) = attach::desk(run, &settings, options);
    let Some(Seat { records, commands, updates }) = run.desk.sit("the console that began it", Kind::Local).await else {
        return Err(Trouble::failed("the engine stopped before the console began"));
    };
    let mut session = session;
    // What was said before it sat down, it is not told again.
    for record in records.into_iter().skip(session.log().len()) {
        session.apply(record).map_err(|error| Trouble::failed(safe(&error.to_string())))?;
    }
    if let Some(file) = mirror {
        run.mirror(file).await?;
    }
    let left = tui::run(tui::Console { session, commands, updates, look, shell }).await;
    let lost = matches!(left, Ok(tui::Left::Gone | tui::Left::Signal(1)));
    if matches!(left, Ok(tui::Left::Detached)) {
        if !options.ephemeral {
            return run.hand_over().await;
        }
        let _ = writeln!(std::io::stderr(), "plenary: a run that is kept in memory cannot go on without its console.");
    }
    if lost && run.desk.goes_on().await {
        let session = run.keep().await?;
        return Ok(session.ended().map_or(129, |ended| ended.cause.exit_code()));
    }
    // The engine is let go; it writes what came of everything and stops.
    let session = run.close().await?;
    let left = left?;
    let say = match session.ended() {
        Some(ended) => format!("ended: {}", safe(&ended.text)),
        None => "the run is saved and holds".to_owned(),
    };
    if !matches!(left, tui::Left::Gone) {
        let _ = writeln!(std::io::stderr(), "plenary: {say}. Go on with: plenary open {}", safe(&id));
    }
    Ok(match left {
        tui::Left::Quit | tui::Left::Detached => match session.ended() {
            Some(ended) if ended.cause == EndCause::Failed => 1,
            _ => 0,
        },
        tui::Left::Signal(number) => 128 + number,
        tui::Left::Gone => 129,
    })
}

/// How long a run without a screen may take to end when it is told to.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(5);

async fn print(run: Run, style: Style) -> Result<u8, Trouble> {
    let Run { session, id, handle, .. } = run;
    let stop = handle.stop.clone();
    let signals = tokio::spawn(async move {
        let mut first = true;
        while signal().await.is_ok() {
            if !first {
                std::process::exit(130);
            }
            first = false;
            // A log that waits for room, or a reader that has stalled, must not keep the program.
            tokio::spawn(async {
                tokio::time::sleep(LAST_WORDS).await;
                let _ = writeln!(std::io::stderr(), "plenary: stopped; the end could not be written");
                std::process::exit(130);
            });
            let _ = stop.send(Input::Stop { cause: Some(EndCause::Interrupted) }).await;
        }
    });
    let mut out = std::io::stdout().lock();
    let result = headless::follow(session, handle.updates, style, &mut out).await;
    drop(handle.commands);
    let _ = handle.done.await;
    signals.abort();
    let result = result?;
    if result.cause.is_none() {
        return Err(Trouble::failed(format!("the run stopped without an end; see: plenary export {id}")));
    }
    if style == Style::Text {
        writeln!(out, "session: {}", safe(&id))?;
    }
    Ok(result.exit_code())
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
