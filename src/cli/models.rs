//! `models`: which providers there are, and who serves models on this machine.

use super::{Trouble, safe};
use crate::models::{self, PROVIDERS};
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary models\n  plenary models --providers\n  plenary models --prices-from model_prices.json > config/prices.toml\n\n\
                        Asks the usual ports of this machine only: Ollama, LM Studio, vLLM, llama.cpp, LiteLLM. Exit code 1 when nobody answers.\n"
)]
pub(super) struct Arguments {
    /// List the providers that a team file may name, and contact nobody
    #[arg(long)]
    providers: bool,
    /// Print a new table of prices, made from a local copy of litellm's model_prices_and_context_window.json
    #[arg(long, value_name = "FILE", conflicts_with = "providers")]
    prices_from: Option<std::path::PathBuf>,
    /// With --prices-from: which copy that is, for the head of the table
    #[arg(long, value_name = "TEXT", requires = "prices_from")]
    source: Option<String>,
}

pub(super) fn models(arguments: &Arguments) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    if arguments.providers {
        for entry in PROVIDERS {
            writeln!(out, "{:<12} {}", entry.name, entry.about)?;
        }
        return Ok(0);
    }
    if let Some(path) = &arguments.prices_from {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Trouble::usage(format!("{} cannot be read: {error}.", path.display())))?;
        let source = arguments.source.clone().unwrap_or_else(|| safe(&path.display().to_string()));
        let date = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
        let table = models::prices::refresh::table(&text, &source, &date).map_err(Trouble::usage)?;
        out.write_all(table.as_bytes())?;
        return Ok(0);
    }
    models::install_tls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(models::at_home());
    if found.is_empty() {
        writeln!(out, "Nobody serves models on this machine (asked: {}).", models::USUAL_PORTS)?;
        return Ok(1);
    }
    for (name, port, served) in &found {
        writeln!(out, "{name} on port {port}")?;
        match served {
            Ok(names) if names.is_empty() => writeln!(out, "  serves no model yet")?,
            Ok(names) => {
                for name in names {
                    writeln!(out, "  {}", safe(name))?;
                }
            }
            Err(failure) => writeln!(out, "  does not say: {}", safe(&failure.message))?,
        }
    }
    let first = found.iter().find_map(|(_, _, served)| served.as_ref().ok()?.first());
    if let Some(name) = first {
        writeln!(out, "\nIn a team file:\n  [models.local]\n  provider = \"local\"\n  model = \"{}\"", safe(name))?;
    }
    Ok(0)
}
