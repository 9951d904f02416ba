//! The executor `local`: runs code as a program of this machine, contained as strongly as the machine can.
//!
//! Its tiers are `namespace` (bubblewrap), `process` (Landlock and seccomp, or sandbox-exec on macOS) and, where a team
//! file opts into it by name, `none`: then the code has your rights, can read and change every file you can, use the
//! network, and look at your other processes. In every tier the environment is empty but for the names in the payload,
//! time, kept output, memory, disk and processes have limits, and when a block ends or is stopped everything it started
//! is ended with it.
//!
//! Differences from AG2's LocalCommandLineCodeExecutor, all on purpose: unnamed code is written to a private directory
//! instead of the working directory (nothing there can replace it; `PYTHONPATH` makes up for the other `sys.path`);
//! code is never rewritten (`pip install` gets no `-qqq`); standard error and output come in order; JavaScript runs
//! when `node` is there; a time-out keeps what was printed; missing directories are created.

use super::file::{PrivateDir, WorkDir};
use super::language::{self, Language, Plan, find_program};
use super::meter::Meter;
use super::outbox::Outbox;
use super::output::Output;
use super::process::{self, End, Launch};
use super::run::{self, Ended, Launcher, Start};
use super::sandbox::Means;
use super::sandbox::roots::Roots;
use super::{Executor, Job, Progress};
use crate::catalog::{self, Entry, Field, FieldKind, OptionError};
use crate::chat::code::{Execution, Payload, Place};
use crate::chat::containment::{Bounds, Tier};
use crate::chat::team::CodeExecution;
use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use tokio::sync::mpsc;

/// The catalog row.
pub const ENTRY: Entry<dyn Executor> = Entry {
    name: "local",
    about: "runs code on this machine, contained by bubblewrap or by Landlock and seccomp",
    example: "code_execution = { executor = \"local\", work_dir = \"workspace\", timeout = \"30s\" }",
    fields: &[Field {
        name: "tier",
        kind: FieldKind::Text,
        required: false,
        about: "exactly this tier: namespace, process, or none (your own account); without it the strongest there is",
    }],
    build: |options| {
        let tier = match catalog::text(options, "tier") {
            None => None,
            Some(name) => Some(Tier::of(name).filter(|tier| *tier < Tier::Container).ok_or_else(|| {
                OptionError::of("tier", format!("there is no tier {name:?} here: namespace, process or none"))
            })?),
        };
        Ok(Box::new(Local { tier }))
    },
};

/// Runs code as programs of this machine.
#[derive(Debug)]
pub struct Local {
    tier: Option<Tier>,
}

impl Executor for Local {
    fn place(&self, code: &CodeExecution) -> Place {
        let means = Means::here();
        let (tier, containment) = match means.choose(code.minimum_tier, self.tier) {
            Ok(tier) => (tier, means.containment(tier, code.network)),
            Err(words) => {
                let tier = self.tier.unwrap_or(code.minimum_tier);
                (tier, format!("{}, which is not here, so nothing will run: {words}", tier.name()))
            }
        };
        // The kernel can keep no share of a processor without a control group; whole ones it can.
        let cpu_millis = code.bounds.cpu_millis.map(|cpu| cpu.div_ceil(1000) * 1000);
        Place {
            executor: "local".to_owned(),
            containment,
            work_dir: code.work_dir.clone(),
            network: tier.is_none() || code.network,
            environment: code.environment.iter().filter(|name| !is_secret(name)).cloned().collect(),
            timeout_ms: code.timeout_ms,
            output_limit: code.output_limit,
            tier,
            bounds: Bounds { cpu_millis, ..code.bounds },
            image: None,
            lasting: false,
            venv: code.venv.clone(),
            languages: code.languages.clone(),
        }
    }

    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Pin<Box<dyn Future<Output = Execution> + Send>> {
        Box::pin(run::perform(job, progress, "local", || Box::new(Programs::default())))
    }

    fn shell(&self, place: &Place) -> Result<(), String> {
        super::shell::local(place)
    }

    fn ready(&self, code: &CodeExecution) -> Result<(), String> {
        Means::here().choose(code.minimum_tier, self.tier).map(drop)
    }

    fn inspect(&self, code: &CodeExecution) -> Vec<String> {
        let mut problems = Vec::new();
        let tier = Means::here().choose(code.minimum_tier, self.tier);
        let programs = Programs::of(tier.clone().unwrap_or_default(), code.venv.as_deref());
        problems.extend(tier.err().map(|words| format!("Its code cannot run here: {words}.")));
        for word in ["python", "sh"] {
            let language = language::of(word, &code.languages);
            if let Some(Plan::Missing(install)) = language.map(|language| programs.plan(&language)) {
                problems.push(format!("{word} blocks cannot run: {install}."));
            }
        }
        problems.extend(WorkDir::inspect(Path::new(&code.work_dir)));
        if code.timeout_ms == 0 {
            problems.push("The time limit of a block is zero. Set timeout to at least \"1s\".".to_owned());
        }
        if let Some(venv) = &code.venv
            && !Path::new(venv).join("bin/python").exists()
        {
            problems.push(format!("There is no virtual environment in {venv}. Make one: python3 -m venv {venv}"));
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

/// The programs of this machine.
#[derive(Debug, Default)]
pub(super) struct Programs {
    pub(super) tier: Tier,
    venv: Option<PathBuf>,
    pub(super) roots: RefCell<Option<Roots>>,
    /// Whether it is on a terminal: a shell of the operator's.
    pub(super) terminal: bool,
    /// Place for temporary files of the code, where it has no file system of its own.
    pub(super) scratch: Option<(WorkDir, PrivateDir)>,
}

impl Programs {
    fn of(tier: Tier, venv: Option<&str>) -> Programs {
        let roots = (!tier.is_none()).then(|| Roots::new(venv));
        Programs { tier, venv: venv.map(PathBuf::from), roots: RefCell::new(roots), ..Programs::default() }
    }

    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        match self.roots.borrow_mut().as_mut() {
            Some(roots) => roots.find(name),
            None => find_program(name),
        }
    }
}

impl Launcher for Programs {
    fn begin(&mut self, payload: &Payload, _work_dir: &WorkDir) -> Result<(), String> {
        let place = &payload.place;
        if let Some(words) = Means::here().lacks(place.tier) {
            return Err(format!("The code was not started: {words}."));
        }
        *self = Programs::of(place.tier, place.venv.as_deref());
        if place.tier == Tier::Process {
            let dir = PrivateDir::create(&format!("tmp-{}", uuid::Uuid::now_v7().simple()))
                .map_err(|error| format!("No place for temporary files could be made: {error}. Set TMPDIR."))?;
            self.scratch = Some((WorkDir::open(dir.path())?, dir));
        }
        Ok(())
    }

    fn plan(&self, language: &Language) -> Plan {
        if let Some(venv) = self.venv.as_ref().filter(|_| language.is_python) {
            let python = venv.join("bin/python");
            return match python.exists() {
                true => Plan::Run(vec![vec![python.to_string_lossy().into_owned()]]),
                false => Plan::Missing(format!("there is no virtual environment in {}", venv.display())),
            };
        }
        language.plan(|name| self.find(name))
    }

    fn seen(&self, work_dir: &WorkDir) -> Option<PathBuf> {
        (!self.tier.is_none()).then(|| work_dir.path().to_owned())
    }

    fn program(&mut self, start: &Start<'_>, output: &mut Output, outbox: &mut Outbox) -> Ended {
        let place = &start.payload.place;
        let mut environment = environment(place);
        let (command, confine) = match self.contain(start, &mut environment) {
            Ok(contained) => contained,
            Err(words) => return End::NotStarted(words).into(),
        };
        let mut trees = vec![start.work_dir];
        trees.extend(self.scratch.as_ref().map(|(dir, _)| dir));
        let launch = Launch {
            command: &command,
            work_dir: start.work_dir,
            environment: &environment,
            run: start.run,
            limit: start.limit,
            meter: Meter::new(place.bounds, &trees),
        };
        process::run(launch, confine, start.stop, output, outbox)
    }
}

/// The whole environment of a program: the named variables of this process, and what makes Python behave in a pipe.
pub(super) fn environment(place: &Place) -> Vec<(OsString, OsString)> {
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
