//! `check`: everything that is wrong with a team file, and what will hurt later.

use super::{Trouble, colour, safe};
use crate::settings;
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary check team.toml\n  plenary check config/teams/lru-cache.toml\n\nExit code 2 \
                        when there are mistakes; warnings alone leave it at 0.\n"
)]
pub(super) struct Arguments {
    /// A team file, or the name of a ready team
    team: String,
}

pub(super) fn check(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let (loaded, source) = wire::team(&arguments.team, &settings)?;
    let mut out = std::io::stdout().lock();
    if !loaded.warnings.is_empty() {
        writeln!(out, "{}", settings::render(&arguments.team, &source, &loaded.warnings, colour()))?;
    }
    let team = &loaded.team;
    writeln!(
        out,
        "{}: {} agents, {} selection, at most {} messages, {}",
        safe(&team.name),
        team.agents.len(),
        team.speaker_selection_method.kind,
        team.max_round,
        match loaded.warnings.len() {
            0 => "nothing to complain about".to_owned(),
            1 => "1 warning".to_owned(),
            n => format!("{n} warnings"),
        }
    )?;
    Ok(0)
}
