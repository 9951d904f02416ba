//! `sessions`: every session of this user, newest first.

use super::{Trouble, safe};
use crate::text::clean::json;
use crate::text::width;
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  plenary sessions\n  plenary sessions --json | jq -r .session\n")]
pub(super) struct Arguments {
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

pub(super) fn list(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let summaries = wire::store(&settings)?.list()?;
    let mut out = std::io::stdout().lock();
    if summaries.is_empty() && !arguments.json {
        writeln!(out, "No sessions yet. Start one: plenary demo")?;
        return Ok(0);
    }
    for summary in summaries {
        if arguments.json {
            let line = serde_json::json!({
                "session": summary.session, "team": summary.team, "task": summary.task,
                "started": summary.started, "updated": summary.updated, "records": summary.records,
                "messages": summary.messages, "ended": summary.ended, "problem": summary.problem,
                "path": summary.path,
            });
            writeln!(out, "{}", json(&line).map_err(std::io::Error::from)?)?;
            continue;
        }
        let state = match (&summary.problem, &summary.ended) {
            (Some(problem), _) => format!("cannot be opened: {problem}"),
            (None, Some(ended)) => format!("ended: {ended}"),
            (None, None) => "open".to_owned(),
        };
        let updated = jiff::Timestamp::from_millisecond(summary.updated)
            .map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default();
        writeln!(out, "{}  {updated}  {:>4} messages  {}", safe(&summary.session), summary.messages, safe(&state))?;
        let task = safe(&summary.task);
        if !task.is_empty() {
            writeln!(out, "    {}", width::take(&task, 110))?;
        }
    }
    Ok(0)
}
