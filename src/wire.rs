//! The only place that builds concrete things and joins them.
//!
//! Catalogs become families for the settings, a team becomes an engine, an engine gets a journal. Everything else
//! receives what it needs; nothing else names a concrete provider, executor or store. May import everything.

pub mod trials;

use crate::catalog;
use crate::chat::Name;
use crate::chat::breaks::Deed;
use crate::chat::event::{Event, FORMAT};
use crate::chat::request::{Chunk, Request};
use crate::chat::team::{COMMAND, Team};
use crate::engine::driver::Executors;
use crate::engine::effect::Input;
use crate::engine::{Clock, Engine, Handle, Machine, Parts, Rules};
use crate::execution::EXECUTORS;
use crate::journal::{JournalError, Memory, Store, Writer};
use crate::models::cache::Cache;
use crate::models::{self, Keyring, Models, PROVIDERS};
use crate::selection::SELECTORS;
use crate::session::Session;
use crate::settings::{self, Base, Families, Loaded, Report, Settings, paths};
use crate::termination::CONDITIONS;
use crate::tools::command::Command;
use crate::tools::{self, TOOLS, Tool};
use futures_util::StreamExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A team that is ready to run.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// As typed after `plenary run`.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

impl Ready {
    /// The first comment of the file: what the team is.
    pub fn about(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
    }
}

/// The teams in `config/teams/`, which are also in the binary.
pub static READY: &[Ready] = &[
    Ready { name: "lru-cache", text: include_str!("../config/teams/lru-cache.toml") },
    Ready { name: "debate", text: include_str!("../config/teams/debate.toml") },
    Ready { name: "round-table", text: include_str!("../config/teams/round-table.toml") },
    Ready { name: "pair", text: include_str!("../config/teams/pair.toml") },
    Ready { name: "panel", text: include_str!("../config/teams/panel.toml") },
    Ready { name: "pipeline", text: include_str!("../config/teams/pipeline.toml") },
    Ready { name: "brainstorm", text: include_str!("../config/teams/brainstorm.toml") },
    Ready { name: "review-loop", text: include_str!("../config/teams/review-loop.toml") },
    Ready { name: "support", text: include_str!("../config/teams/support.toml") },
    Ready { name: "society", text: include_str!("../config/teams/society.toml") },
    Ready { name: "magentic", text: include_str!("../config/teams/magentic.toml") },
    Ready { name: "newsroom", text: include_str!("../config/teams/newsroom.toml") },
];

/// Something that stops a command before it begins, for a person.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A file has mistakes; the text is the whole report.
    #[error("{0}")]
    File(Box<Report>),
    /// Neither a file nor a ready team.
    #[error("{0}")]
    NoTeam(String),
    /// A place on disk could not be determined.
    #[error("{0}")]
    Path(#[from] paths::PathError),
    /// The log cannot be opened or written.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The team names something that this program does not have.
    #[error("this team cannot run here: {0}")]
    Team(#[from] catalog::OptionError),
    /// The log does not add up.
    #[error("the session's log does not add up: {0}")]
    Log(#[from] crate::session::ApplyError),
    /// The place where an agent's code should run cannot be had.
    #[error("{agent} cannot run code here: {why}.")]
    Place {
        /// The agent.
        agent: Name,
        /// What is missing, and what to do.
        why: String,
    },
    /// An executor cannot be made.
    #[error("{agent} cannot run code here: {why}")]
    Executor {
        /// The agent.
        agent: Name,
        /// What is wrong.
        why: catalog::OptionError,
    },
}

impl From<Report> for WireError {
    fn from(report: Report) -> Self {
        WireError::File(Box::new(report))
    }
}

/// Everything a team file may name.
pub fn families() -> Families {
    Families {
        selectors: catalog::rows(SELECTORS),
        conditions: catalog::rows(CONDITIONS),
        providers: catalog::rows(PROVIDERS),
        executors: catalog::rows(EXECUTORS),
        tools: catalog::rows(TOOLS),
        describe_tool: |source| {
            let tools::Described { description, parameters, words } = tools::described(source);
            (description, parameters, words)
        },
        review: crate::selection::review::review,
    }
}

/// The operator's settings.
///
/// # Errors
/// When the settings file has mistakes.
pub fn settings() -> Result<Settings, WireError> {
    Ok(Settings::load(paths::settings_file()?.as_deref())?)
}

/// Where everything is kept that a run leaves behind.
///
/// # Errors
/// When the directory cannot be determined.
pub fn data(settings: &Settings) -> Result<PathBuf, WireError> {
    Ok(paths::data_dir(settings.data_dir.value.as_deref())?)
}

/// Where sessions are kept.
///
/// # Errors
/// When the directory cannot be determined or made.
pub fn store(settings: &Settings) -> Result<Store, WireError> {
    let data = paths::data_dir(settings.data_dir.value.as_deref())?;
    Ok(Store::at(paths::sessions_dir(&data))?)
}

/// Reads a team: a file, or a ready team by its name.
///
/// # Errors
/// With every mistake in the file.
pub fn team(name: &str, settings: &Settings) -> Result<(Loaded, Arc<str>), WireError> {
    let defaults = settings.team.value.clone();
    let price_of = |provider: &str, model: &str| {
        (models::prices::price_of(provider, model), models::prices::context_window_of(provider, model))
    };
    let path = Path::new(name);
    if !path.exists()
        && let Some(ready) = READY.iter().find(|ready| ready.name == name)
    {
        // Ready teams work in a directory of their own, not wherever one happens to stand.
        let dir = paths::data_dir(settings.data_dir.value.as_deref())?.join("teams").join(ready.name);
        let base = Base { dir, defaults };
        let loaded = settings::parse_team(&format!("{name} (ready team)"), ready.text, &families(), &price_of, &base)?;
        return Ok((loaded, ready.text.into()));
    }
    if !path.exists() && !name.contains(['/', '\\', '.']) {
        let names = || READY.iter().map(|ready| ready.name);
        let nearest = settings::nearest(name, names()).map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
        let known = names().collect::<Vec<_>>().join(", ");
        return Err(WireError::NoTeam(format!(
            "There is no file {name:?} here and no ready team of that name.{nearest} Ready teams: {known}."
        )));
    }
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let base = Base { dir: full.parent().map_or_else(PathBuf::new, Path::to_owned), defaults };
    let loaded = settings::load_team(path, &families(), &price_of, &base)?;
    let text = std::fs::read_to_string(path).unwrap_or_default();
    Ok((loaded, text.into()))
}

/// How a run is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Nobody sits at a screen.
    pub headless: bool,
    /// Run code without asking, under this policy.
    pub approve_all: Option<String>,
    /// Run code in containers without asking, under this policy.
    pub approve_sandboxed: Option<String>,
    /// Keep the log in memory only.
    pub ephemeral: bool,
    /// Programs that breakpoints may run, besides those of the settings.
    pub programs: Vec<Vec<String>>,
}

/// A started run.
pub struct Run {
    /// The session as it stood before the engine began.
    pub session: Session,
    /// Its identity.
    pub id: String,
    /// The engine.
    pub handle: Handle,
    /// What opens a shell where code of the team runs.
    pub shell: crate::tui::Shell,
}

/// Starts a new session of a team.
///
/// # Errors
/// When the team cannot run here or the log cannot be made.
pub fn start(team: Team, settings: &Settings, options: &Options) -> Result<Run, WireError> {
    let (machine, executors) = concrete(&team, &allowed(options, settings))?;
    // A session that exists opens in any case; a new one does not begin where its code could never run.
    for agent in &team.agents {
        let (Some(code), Some(executor)) = (&agent.code_execution, executors.agents.get(&agent.name)) else { continue };
        executor.ready(code).map_err(|why| WireError::Place { agent: agent.name.clone(), why })?;
    }
    let shell = shell(&executors);
    let id = session_id(&team.name);
    let journal: Writer = if options.ephemeral {
        Writer::spawn(Box::new(Memory::default()))
    } else {
        Writer::spawn(Box::new(store(settings)?.create(&id)?))
    };
    let team = Arc::new(team);
    let start =
        Event::SessionStarted { session: id.clone(), format: FORMAT, team: team.clone(), headless: options.headless };
    let handle = Engine::start(Parts {
        session: Session::default(),
        start: Some(start),
        machine,
        journal,
        models: reached(&team, settings)?,
        executors,
        clock: Clock::system(),
    });
    Ok(Run { session: Session::default(), id, handle, shell })
}

/// Goes on with a session where it was.
///
/// # Errors
/// When there is no such session, it is damaged, newer or in use, or its team cannot run here.
pub fn reopen(name: &str, settings: &Settings, options: &Options) -> Result<Run, WireError> {
    let opened = store(settings)?.open(name)?;
    let session = Session::replay(opened.records)?;
    let team = session.team().cloned().ok_or(crate::session::ApplyError::Start { seq: 1 })?;
    let (machine, executors) = concrete(&team, &allowed(options, settings))?;
    let shell = shell(&executors);
    let id = session.id().to_owned();
    let handle = Engine::start(Parts {
        session: session.clone(),
        start: None,
        machine,
        journal: Writer::spawn(Box::new(opened.journal)),
        models: reached(&team, settings)?,
        executors,
        clock: Clock::system(),
    });
    if let Some(check) = opened.check {
        let stop = handle.stop.clone();
        tokio::spawn(async move {
            if let Some(problem) = check.problem().await {
                let _ = stop.send(Input::Fault(format!("{problem} Nothing more is written to it."))).await;
            }
        });
    }
    Ok(Run { session, id, handle, shell })
}

/// The models of a team with the operator's keys, and answers kept where a model has a `cache_seed`.
fn reached(team: &Team, settings: &Settings) -> Result<Models, WireError> {
    Ok(Models::new(team, keyring(settings)).cached(Cache::at(data(settings)?.join("answers"))))
}

/// Where the operator's keys are.
pub fn keyring(settings: &Settings) -> Arc<Keyring> {
    Arc::new(Keyring::new(settings.api_keys.value.clone()))
}

/// Puts another model in the place of one, for a run: `smart=cheap`, `smart=ollama/llama3.3`, `*=cheap`.
///
/// # Errors
/// What is wrong with the text, for a person.
pub fn swap_model(team: &mut Team, text: &str) -> Result<(), String> {
    let known = || team.models.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let Some((key, other)) = text.split_once('=').map(|(key, other)| (key.trim(), other.trim())) else {
        return Err(format!("--model takes KEY=OTHER, for example smart=cheap; this is {text:?}."));
    };
    if key != "*" && !team.models.contains_key(key) {
        return Err(format!("--model: there is no model {key:?} in this team; known are: {}.", known()));
    }
    let spec = match (team.models.get(other), other.split_once('/')) {
        (Some(spec), _) => spec.clone(),
        (None, Some((provider, model))) if PROVIDERS.iter().any(|row| row.name == provider) => {
            let mut spec = crate::chat::team::ModelSpec::named(provider, model);
            catalog::build(PROVIDERS, &spec.provider).map_err(|error| format!("--model {text}: {error}."))?;
            spec.price = models::prices::price_of(provider, model);
            spec.context_window = models::prices::context_window_of(provider, model);
            spec
        }
        _ => {
            return Err(format!(
                "--model: {other:?} is neither a model of this team ({}) nor PROVIDER/MODEL with a known provider.",
                known()
            ));
        }
    };
    for (name, place) in team.models.iter_mut().filter(|(name, _)| key == "*" || *name == key) {
        *place = spec.clone();
        // A model that stands in for another one does not fall back to itself.
        place.fallback.retain(|next| next != name);
    }
    Ok(())
}

/// The options with the programs that the operator's own breakpoints name.
fn allowed(options: &Options, settings: &Settings) -> Options {
    let mut options = options.clone();
    let own = settings.team.value.breakpoints.iter();
    options.programs.extend(own.filter_map(|breakpoint| match &breakpoint.deed {
        Deed::Run(argv) => Some(argv.clone()),
        _ => None,
    }));
    options
}

/// The machine and the executors of a team.
///
/// # Errors
/// When the team names something that is not here.
pub fn concrete(team: &Team, options: &Options) -> Result<(Machine, Executors), WireError> {
    models::install_tls();
    let mut executors = Executors::default();
    let mut rules = Rules {
        headless: options.headless,
        approve_all: options.approve_all.clone(),
        approve_sandboxed: options.approve_sandboxed.clone(),
        programs: options.programs.clone(),
        ..Rules::default()
    };
    furnish(team, "", &mut executors, &mut rules)?;
    Ok((Machine::new(team, rules)?, executors))
}

/// Opens shells by the executors of a team.
fn shell(executors: &Executors) -> crate::tui::Shell {
    let executors = executors.clone();
    Box::new(move |agent, payload| {
        let nothing = || format!("{agent} has no executor here");
        match &payload.tool {
            Some(tool) => {
                let within = agent.rsplit_once('/').map(|(within, _)| format!("{within}/")).unwrap_or_default();
                let tool = executors.tools.get(&format!("{within}{}", tool.name));
                tool.ok_or_else(nothing)?.shell(&payload.place)
            }
            None => executors.agents.get(agent).ok_or_else(nothing)?.shell(&payload.place),
        }
    })
}

/// The executors and places of a team and of those nested in it, each under its path: `agent/member`.
fn furnish(team: &Team, within: &str, executors: &mut Executors, rules: &mut Rules) -> Result<(), WireError> {
    for agent in &team.agents {
        let path = format!("{within}{}", agent.name);
        if let Some(nested) = &agent.nested {
            furnish(&nested.team, &format!("{path}/"), executors, rules)?;
        }
        let Some(code) = &agent.code_execution else { continue };
        let executor = catalog::build(EXECUTORS, &code.executor)
            .map_err(|why| WireError::Executor { agent: agent.name.clone(), why })?;
        rules.places.insert(path.as_str().into(), executor.place(code));
        executors.agents.insert(path.into(), Arc::from(executor));
    }
    for (name, tool) in &team.tools {
        let wrong = |why| WireError::Executor { agent: name.as_str().into(), why };
        let made: Arc<dyn Tool> = match tool.source.kind.as_str() {
            COMMAND => {
                Arc::new(Command(Arc::from(catalog::build(EXECUTORS, &tool.execution.executor).map_err(wrong)?)))
            }
            _ => Arc::from(catalog::build(TOOLS, &tool.source).map_err(wrong)?),
        };
        let path = format!("{within}{name}");
        rules.tool_places.insert(path.clone(), made.place(tool));
        executors.tools.insert(path, made);
    }
    Ok(())
}

/// What a model of the team says to one question, whole; for commands that ask outside of a run.
///
/// # Errors
/// In words, when the model cannot be asked or does not come to an end.
pub fn answer(team: &Arc<Team>, request: Request, settings: &Settings) -> Result<String, String> {
    models::install_tls();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let models = Models::new(team, keyring(settings));
        let mut stream = models.stream(&request);
        let mut text = String::new();
        while let Some(chunk) = stream.next().await {
            match chunk.map_err(|failure| failure.message)? {
                Chunk::Text(more) => text.push_str(&more),
                Chunk::Finished(_) => return Ok(text),
                _ => {}
            }
        }
        Err(format!("{} stopped in mid-answer.", request.model))
    })
}

/// `20261120-130501-lru-cache-7f3a`: sorts by time, says what it is, and does not collide.
pub fn session_id(team: &str) -> String {
    let slug: String =
        team.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(32).collect();
    let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S");
    let noise = uuid::Uuid::now_v7().as_u128() as u16;
    format!("{stamp}-{}-{noise:04x}", slug.trim_matches('-'))
}

#[cfg(test)]
#[path = "../tests/conformance/mod.rs"]
mod conformance;
