//! `run`, `demo` and `open`: a session in the console or headless.

use super::{EXIT_CODES, Trouble, safe, trust};
use crate::chat::breaks::{Breakpoint, Deed, SetBy};
use crate::chat::event::EndCause;
use crate::engine::effect::Input;
use crate::headless::{self, Style};
use crate::rules::{Rule, RuleError};
use crate::settings::Settings;
use crate::tui;
use crate::wire::{self, Options, Run};
use clap::{Args, ValueEnum};
use std::io::Write;

const RUN_EXAMPLES: &str = "\
Examples:
  plenary run team.toml
  plenary run team.toml --task \"Write a parser for RFC 3339 dates\"
  plenary run debate                       a ready team by its name
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
    /// Trust the team as it is now: it may start its servers and do unasked what it says
    #[arg(long)]
    trust: bool,
    /// Hold where this rule is met; headless, end with exit code 6. May be given several times
    #[arg(long = "break", value_name = "RULE")]
    breaks: Vec<String>,
    /// Headless, end with exit code 6 when this rule was never met. May be given several times
    #[arg(long = "expect", value_name = "RULE")]
    expects: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Approve {
    /// None: the run ends with exit code 5 where a person would be asked
    None,
    /// Sandboxed: executions in containers are allowed, and the record says by this flag; others end the run
    Sandboxed,
    /// All: every execution is allowed, and the record says by this flag
    All,
}

pub(super) fn run(arguments: RunArguments) -> Result<u8, Trouble> {
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
    let headless = arguments.how.headless;
    if !headless {
        refuse_without_terminal()?;
    }
    let trusted = trust::ask(&team, &settings, arguments.how.trust, headless)?;
    let options = Options {
        untrusted: !trusted,
        headless,
        approve_all: (arguments.how.approve == Approve::All).then(|| "--approve all".to_owned()),
        approve_sandboxed: (arguments.how.approve == Approve::Sandboxed).then(|| "--approve sandboxed".to_owned()),
        ephemeral: arguments.how.ephemeral,
        ..Options::default()
    };
    let style = if arguments.how.json { Style::Json } else { Style::Text };
    begin(team, &settings, &options, style)
}

pub(super) fn demo(arguments: DemoArguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let (loaded, _) = wire::team("lru-cache", &settings)?;
    let options = Options {
        headless: arguments.headless,
        approve_all: arguments.headless.then(|| "demo --headless: the code ships with plenary".to_owned()),
        ephemeral: arguments.ephemeral,
        ..Options::default()
    };
    let style = if arguments.json { Style::Json } else { Style::Text };
    begin(loaded.team, &settings, &options, style)
}

pub(super) fn open(arguments: OpenArguments) -> Result<u8, Trouble> {
    refuse_without_terminal()?;
    let settings = wire::settings()?;
    let team = wire::stored_team(&arguments.session, &settings)?;
    let options = Options { untrusted: !trust::ask(&team, &settings, false, false)?, ..Options::default() };
    runtime()?.block_on(async {
        let run = wire::reopen(&arguments.session, &settings, &options)?;
        console(run, &settings).await
    })
}

/// A rule of the command line that cannot be read, with a caret at the place.
fn unreadable(option: &str, rule: &str, error: &RuleError) -> Trouble {
    let before = safe(rule.get(..error.at.start).unwrap_or_default()).chars().count();
    let help = error.help.as_ref().map(|help| format!("\n  {}", safe(help))).unwrap_or_default();
    let caret = " ".repeat(before);
    Trouble::usage(format!("{option}: {}\n  {}\n  {caret}^{help}", safe(&error.message), safe(rule)))
}

fn begin(team: crate::chat::team::Team, settings: &Settings, options: &Options, style: Style) -> Result<u8, Trouble> {
    if !options.headless {
        refuse_without_terminal()?;
    }
    runtime()?.block_on(async {
        let run = wire::start(team, settings, options)?;
        if options.headless { print(run, style).await } else { console(run, settings).await }
    })
}

fn refuse_without_terminal() -> Result<(), Trouble> {
    match tui::terminal::refuse_reason() {
        Some(reason) => Err(Trouble::usage(reason)),
        None => Ok(()),
    }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    crate::models::install_tls();
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

async fn console(run: Run, settings: &Settings) -> Result<u8, Trouble> {
    let Run { session, id, handle, shell } = run;
    let look = tui::Look::from(settings).map_err(|error| Trouble::usage(error.to_string()))?;
    let left =
        tui::run(tui::Console { session, commands: handle.commands, updates: handle.updates, look, shell }).await;
    // The console has let go of the engine; it writes what came of everything and stops.
    let session = handle.done.await.map_err(|error| Trouble::failed(format!("the engine failed: {error}")))?;
    let left = left?;
    let say = match session.ended() {
        Some(ended) => format!("ended: {}", safe(&ended.text)),
        None => "the run is saved and holds".to_owned(),
    };
    if !matches!(left, tui::Left::Gone) {
        let _ = writeln!(std::io::stderr(), "plenary: {say}. Go on with: plenary open {}", safe(&id));
    }
    Ok(match left {
        tui::Left::Quit => match session.ended() {
            Some(ended) if ended.cause == EndCause::Failed => 1,
            _ => 0,
        },
        tui::Left::Signal(number) => 128 + number,
        tui::Left::Gone => 129,
    })
}

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
