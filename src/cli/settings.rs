//! `settings`: what applies, and who says so.

use super::{Trouble, safe};
use crate::text::clean::json;
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary settings\n  plenary settings attention\n  plenary settings --json | jq -r .key\n"
)]
pub(super) struct Arguments {
    /// Only those whose name contains this
    part: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

pub(super) fn settings(arguments: &Arguments) -> Result<u8, Trouble> {
    let rows = wire::settings()?.rows();
    let part = arguments.part.as_deref().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let mut found = false;
    for row in rows.into_iter().filter(|row| row.key.contains(part)) {
        found = true;
        if arguments.json {
            let line =
                serde_json::json!({"key": row.key, "value": row.value, "origin": row.origin, "about": row.about});
            writeln!(out, "{}", json(&line).map_err(std::io::Error::from)?)?;
            continue;
        }
        writeln!(out, "{} = {}   ({})", safe(&row.key), safe(&row.value), safe(&row.origin))?;
        writeln!(out, "    {}", safe(&row.about))?;
    }
    if !found {
        return Err(Trouble::usage(format!("no setting's name contains {part:?}; `plenary settings` lists them all")));
    }
    Ok(0)
}
