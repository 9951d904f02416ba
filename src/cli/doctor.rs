//! `doctor`: what this machine has of what Plenary needs, each with what to do about it.

use super::{Trouble, safe};
use crate::catalog;
use crate::chat::request::Failure;
use crate::chat::team::{CodeExecution, ModelSpec};
use crate::execution::EXECUTORS;
use crate::models::{self, Secrets};
use crate::settings::paths;
use crate::tui;
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary doctor\n  plenary doctor team.toml        also its models and executors\n  \
                        plenary doctor --sandbox        try to escape from every tier, and say what held\n  \
                        plenary doctor --sandbox --image python:3.12-slim\n\n\
                        Without a team no network is used, and without --sandbox nothing is run; with a team its models' servers are asked what they serve. Exit code 1 when something is missing or broken.\n"
)]
pub(super) struct Arguments {
    /// A team file, or the name of a ready team
    team: Option<String>,
    /// Run the escape suite in every tier that this machine has
    #[arg(long, conflicts_with = "team")]
    sandbox: bool,
    /// With --sandbox: the image for the tier `container`; it needs Python
    #[arg(long, value_name = "NAME", requires = "sandbox")]
    image: Option<String>,
}

pub(super) fn doctor(arguments: &Arguments) -> Result<u8, Trouble> {
    if arguments.sandbox {
        return super::sandbox::prove(arguments.image.as_deref());
    }
    let mut out = std::io::stdout().lock();
    let mut problems = 0;
    // `None` is a remark: worth knowing, no hindrance.
    let mut line = |ok: Option<bool>, what: &str, text: &str| -> std::io::Result<()> {
        let mark = match ok {
            Some(true) => "ok     ",
            Some(false) => "PROBLEM",
            None => "note   ",
        };
        problems += usize::from(ok == Some(false));
        writeln!(out, "{mark}  {what:<12} {}", safe(text))
    };
    let settings = match wire::settings() {
        Ok(settings) => {
            line(
                Some(true),
                "settings",
                &match paths::settings_file() {
                    Ok(Some(path)) => path.display().to_string(),
                    _ => match paths::config_dir() {
                        Ok(dir) => {
                            format!("the built-in ones; your own would be {}", dir.join("settings.toml").display())
                        }
                        Err(error) => error.to_string(),
                    },
                },
            )?;
            settings
        }
        Err(error) => {
            line(Some(false), "settings", "your settings file has mistakes:")?;
            return Err(error.into());
        }
    };
    match wire::store(&settings) {
        Ok(store) => line(Some(true), "sessions", &store.dir().display().to_string())?,
        Err(error) => line(Some(false), "sessions", &error.to_string())?,
    }
    match tui::terminal::refuse_reason() {
        None => line(Some(true), "terminal", "full screen is possible")?,
        Some(reason) => line(None, "terminal", &reason)?,
    }
    match tui::Look::from(&settings) {
        Ok(_) => line(Some(true), "look", &format!("theme {}, keymap loads", settings.theme.value))?,
        Err(error) => line(Some(false), "look", &error.to_string())?,
    }
    match &arguments.team {
        None => {
            // What code execution needs, independent of any team.
            let code = CodeExecution {
                work_dir: std::env::temp_dir().display().to_string(),
                environment: vec!["PATH".into()],
                ..CodeExecution::default()
            };
            executor(&code, "code", &mut line)?;
        }
        Some(name) => {
            let (loaded, _) = wire::team(name, &settings)?;
            let keys = wire::keyring(&settings);
            let found = models::inspect(&loaded.team, &*keys);
            models::install_tls();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            for (key, spec) in &loaded.team.models {
                let troubles: Vec<&String> =
                    found.iter().filter(|(model, _)| model == key).map(|(_, text)| text).collect();
                if spec.provider.kind == "scripted" {
                    line(Some(true), "model", &format!("{key}: plays a script"))?;
                } else if troubles.iter().all(|text| text.contains("no price")) {
                    let served = runtime.block_on(models::served(key, spec, &*keys));
                    model(key, spec, &*keys, served, &mut line)?;
                }
                for text in troubles {
                    // An unknown price hinders nothing: the meters say that they do not know.
                    let hinders = !text.contains("no price");
                    line(hinders.then_some(false), "model", &format!("{key}: {text}"))?;
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

/// What is known of a model whose key was found: who answers, whether it knows the model, price and window.
fn model(
    key: &str,
    spec: &ModelSpec,
    keys: &dyn Secrets,
    served: Result<Vec<String>, Failure>,
    line: &mut impl FnMut(Option<bool>, &str, &str) -> std::io::Result<()>,
) -> Result<(), Trouble> {
    for name in models::keys_of(spec) {
        line(Some(true), "model", &format!("{key}: {name} found in {}", keys.origin(&name)))?;
    }
    let wanted = spec.model.trim_start_matches("models/");
    let known = |names: &[String]| names.iter().any(|name| name == wanted || name.split(':').next() == Some(wanted));
    match served {
        Ok(names) if names.is_empty() => line(Some(true), "model", &format!("{key}: the server answers"))?,
        Ok(names) if known(&names) => line(Some(true), "model", &format!("{key}: the server knows {wanted}"))?,
        Ok(names) => {
            let near = crate::settings::nearest(wanted, names.iter().map(String::as_str));
            let near = near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
            line(None, "model", &format!("{key}: the server does not list {wanted} among {}.{near}", names.len()))?;
        }
        Err(failure) => line(Some(false), "model", &failure.message)?,
    }
    if let Some(price) = &spec.price {
        line(Some(true), "model", &format!("{key}: ${} in, ${} out, a million tokens", price.input, price.output))?;
    }
    match spec.context_window {
        Some(window) => line(Some(true), "model", &format!("{key}: holds {window} tokens"))?,
        None => line(None, "model", &format!("{key}: it is not known how much it holds: set context_window"))?,
    }
    Ok(())
}

fn executor(
    code: &CodeExecution,
    who: &str,
    line: &mut impl FnMut(Option<bool>, &str, &str) -> std::io::Result<()>,
) -> Result<(), Trouble> {
    match catalog::build(EXECUTORS, &code.executor) {
        Err(error) => line(Some(false), who, &error.to_string())?,
        Ok(executor) => {
            let troubles = executor.inspect(code);
            let place = executor.place(code);
            line(Some(true), who, &format!("runs in {} ({})", place.work_dir, place.containment))?;
            for text in troubles {
                line(Some(false), who, &text)?;
            }
        }
    }
    Ok(())
}
