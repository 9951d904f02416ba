//! The escape suite: what contained code must not be able to do, tried in a tier and compared with what it promises.
//!
//! The probes are data: `probes.toml` for single acts, `bombs.toml` for programs that use everything up; `prelude.py` is
//! what both build on. [`run`] tries them through an executor exactly as code of a team would run, and looks afterwards
//! at what the machine itself finds. Nothing outside of directories of its own is changed, whatever a tier lets through.
//! To add a probe, add it to the file.

mod scene;

use super::{Executor, Job};
use crate::chat::code::{CodeBlock, Execution, Payload, Stopped};
use crate::chat::containment::{Bounds, Tier};
use crate::chat::team::CodeExecution;
use scene::Scene;
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A single act.
#[derive(Debug, Deserialize)]
struct Probe {
    name: String,
    about: String,
    code: String,
    #[serde(default = "contained")]
    held: Tier,
    #[serde(default)]
    outside: Vec<Tier>,
    #[serde(default)]
    host: bool,
}

/// A program that uses everything up.
#[derive(Debug, Deserialize)]
struct Bomb {
    name: String,
    about: String,
    code: String,
    #[serde(default)]
    outside: Vec<Tier>,
    #[serde(default)]
    ends: bool,
    #[serde(default)]
    after: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Probes {
    probe: Vec<Probe>,
}

#[derive(Debug, Deserialize)]
struct Bombs {
    bomb: Vec<Bomb>,
}

fn contained() -> Tier {
    Tier::Process
}

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub name: String,
    /// What it tried.
    pub about: String,
    /// Whether the tier promises that it fails.
    pub promised: bool,
    /// Whether it failed.
    pub held: bool,
    /// What else is worth saying.
    pub note: String,
}

impl Finding {
    /// Whether a promise is broken.
    pub fn is_breach(&self) -> bool {
        self.promised && !self.held
    }
}

/// How much an execution of the suite may use.
const BOUNDS: Bounds =
    Bounds { memory: Some(256 << 20), processes: Some(64), cpu_millis: Some(1000), disk: Some(128 << 20) };

/// Number of probes and bombs.
pub fn count() -> usize {
    probes().len() + bombs().len()
}

#[allow(clippy::expect_used)] // Both files are in the binary; a test reads them.
fn probes() -> Vec<Probe> {
    let all: Probes = toml::from_str(include_str!("probes.toml")).expect("the embedded probes are TOML");
    all.probe
}

#[allow(clippy::expect_used)]
fn bombs() -> Vec<Bomb> {
    let all: Bombs = toml::from_str(include_str!("bombs.toml")).expect("the embedded bombs are TOML");
    all.bomb
}

/// Tries every probe with this executor, which must run Python, in the tier that it has here.
///
/// # Errors
/// When the code cannot run there at all: the words of the executor.
pub async fn run(executor: &dyn Executor) -> Result<(Tier, Vec<Finding>), String> {
    let scene = Scene::set().map_err(|error| format!("the suite cannot set its scene: {error}"))?;
    let code = CodeExecution {
        work_dir: scene.work_dir().display().to_string(),
        environment: vec!["PATH".to_owned(), "LANG".to_owned()],
        bounds: BOUNDS,
        ..CodeExecution::default()
    };
    executor.ready(&code)?;
    let tier = executor.place(&code).tier;
    let mut findings = Vec::new();

    let all = probes();
    let execution = perform(executor, &code, &script(&all, &scene)).await;
    let answers: HashMap<&str, &str> = execution.output.lines().filter_map(|line| line.split_once(' ')).collect();
    if answers.is_empty() {
        return Err(format!("the suite did not run: {}", execution.output.trim()));
    }
    for probe in &all {
        let answer = answers.get(probe.name.as_str()).and_then(|answer| answer.split_once(' '));
        let held = match answer {
            _ if probe.host => !scene.shows(&probe.name),
            answer => answer.is_some_and(|(word, _)| word == "held"),
        };
        let note = answer.map_or("no answer".to_owned(), |(_, seconds)| format!("{seconds} s"));
        findings.push(Finding {
            name: probe.name.clone(),
            about: probe.about.clone(),
            promised: tier >= probe.held && !probe.outside.contains(&tier),
            held: held && answer.is_some(),
            note,
        });
    }
    for bomb in bombs() {
        scene.clear();
        let execution = perform(executor, &code, &bomb.code).await;
        let mut held = bomb.ends || !execution.output.lines().any(|line| line.starts_with("over"));
        if let Some(file) = &bomb.after {
            tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
            held &= !scene.work_dir().join(file).exists();
        }
        held &= execution.output.len() as u64 <= code.output_limit && execution.stopped != Some(Stopped::NotStarted);
        let note = match execution.stopped {
            Some(Stopped::OverLimit) => execution.output.lines().last().unwrap_or_default().to_owned(),
            _ => format!("exit {}", execution.exit_code),
        };
        let note = format!("{note} after {:.1} s", execution.duration_ms as f64 / 1000.0);
        let promised = !bomb.outside.contains(&tier);
        findings.push(Finding { name: bomb.name, about: bomb.about, promised, held, note });
    }
    Ok((tier, findings))
}

async fn perform(executor: &dyn Executor, code: &CodeExecution, text: &str) -> Execution {
    let block = CodeBlock { language: "python".into(), code: text.into() };
    let payload = Payload::code(vec![block], executor.place(code));
    let hash = payload.hash();
    let (sender, mut receiver) = mpsc::channel(16);
    let run = executor.run(Job::new(Arc::new(payload), hash), sender);
    let drain = async { while receiver.recv().await.is_some() {} };
    tokio::join!(run, drain).0
}

/// All probes as one program.
fn script(probes: &[Probe], scene: &Scene) -> String {
    let mut text = String::from(include_str!("prelude.py"));
    text.push_str(&scene.names());
    for (n, probe) in probes.iter().enumerate() {
        let _ = writeln!(text, "def probe_{n}():");
        for line in probe.code.trim().lines() {
            let _ = writeln!(text, "    {line}");
        }
        let _ = writeln!(text, "judge({:?}, probe_{n})\n", probe.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_is_readable_and_every_name_stands_once() {
        let mut names: Vec<String> = probes().into_iter().map(|probe| probe.name).collect();
        names.extend(bombs().into_iter().map(|bomb| bomb.name));
        assert!(names.len() >= 60, "{}", names.len());
        assert_eq!(names.len(), count());
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn what_the_machine_finds_afterwards_is_known_for_every_probe_that_asks_for_it() {
        let scene = Scene::set().unwrap();
        for probe in probes().iter().filter(|probe| probe.host) {
            assert!(!scene.shows(&probe.name), "{} shows before it was tried", probe.name);
        }
    }
}
