//! `doctor`: what this machine has of what Plenary needs, each with what to do about it.

use super::{Trouble, safe};
use crate::catalog;
use crate::chat::team::{ApprovalPolicy, CodeExecution, Spec};
use crate::execution::EXECUTORS;
use crate::models::{self, Environment};
use crate::settings::paths;
use crate::tui;
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary doctor\n  plenary doctor team.toml        also its models and executors\n\n\
                        Nothing is contacted and nothing is run. Exit code 1 when something is missing.\n"
)]
pub(super) struct Arguments {
    /// A team file, or the name of a ready team
    team: Option<String>,
}

pub(super) fn doctor(arguments: &Arguments) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    let mut problems = 0;
    let mut line = |ok: bool, what: &str, text: &str| -> std::io::Result<()> {
        if !ok {
            problems += 1;
        }
        writeln!(out, "{}  {what:<12} {}", if ok { "ok     " } else { "PROBLEM" }, safe(text))
    };
    let settings = match wire::settings() {
        Ok(settings) => {
            line(
                true,
                "settings",
                &match paths::settings_file() {
                    Ok(Some(path)) => path.display().to_string(),
                    _ => "the built-in ones; no file of your own".to_owned(),
                },
            )?;
            settings
        }
        Err(error) => {
            line(false, "settings", "your settings file has mistakes:")?;
            return Err(error.into());
        }
    };
    match wire::store(&settings) {
        Ok(store) => line(true, "sessions", &store.dir().display().to_string())?,
        Err(error) => line(false, "sessions", &error.to_string())?,
    }
    match tui::terminal::refuse_reason() {
        None => line(true, "terminal", "full screen is possible")?,
        Some(reason) => line(true, "terminal", &reason)?,
    }
    match tui::Look::from(&settings) {
        Ok(_) => line(true, "look", &format!("theme {}, keymap loads", settings.theme.value))?,
        Err(error) => line(false, "look", &error.to_string())?,
    }
    match &arguments.team {
        None => {
            // What code execution needs, independent of any team.
            let code = CodeExecution {
                executor: Spec::named("local"),
                work_dir: std::env::temp_dir().display().to_string(),
                timeout_ms: 60_000,
                approval: ApprovalPolicy::Always,
                last_n_messages: None,
                environment: vec!["PATH".into()],
                output_limit: 65_536,
            };
            executor(&code, "code", &mut line)?;
        }
        Some(name) => {
            let (loaded, _) = wire::team(name, &settings)?;
            for warning in &loaded.warnings {
                line(true, "warning", &warning.message)?;
            }
            let found = models::inspect(&loaded.team, &Environment);
            for key in loaded.team.models.keys() {
                let troubles: Vec<&String> =
                    found.iter().filter(|(model, _)| model == key).map(|(_, text)| text).collect();
                if troubles.is_empty() {
                    line(true, "model", &format!("{key}: nothing is missing"))?;
                }
                for text in troubles {
                    line(false, "model", &format!("{key}: {text}"))?;
                }
            }
            for agent in &loaded.team.agents {
                if let Some(code) = &agent.code_execution {
                    executor(code, &agent.name, &mut line)?;
                }
            }
        }
    }
    Ok(u8::from(problems > 0))
}

fn executor(
    code: &CodeExecution,
    who: &str,
    line: &mut impl FnMut(bool, &str, &str) -> std::io::Result<()>,
) -> Result<(), Trouble> {
    match catalog::build(EXECUTORS, &code.executor) {
        Err(error) => line(false, who, &error.to_string())?,
        Ok(executor) => {
            let troubles = executor.inspect(code);
            let place = executor.place(code);
            line(true, who, &format!("runs in {} ({})", place.work_dir, place.containment))?;
            for text in troubles {
                line(false, who, &text)?;
            }
        }
    }
    Ok(())
}
