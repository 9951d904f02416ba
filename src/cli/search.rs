//! `search`: words, agents, tools and failures in all sessions.

use super::{Trouble, safe};
use crate::chat::usage::Money;
use crate::journal::{Index, Query};
use crate::text::clean::json;
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary search eviction order\n  plenary search '\"division by zero\"' --agent Executor\n  \
                  plenary search --failed --tool find --json | jq -r .session\n\n\
                  All words must be there, and each may be a beginning; words in quotes stand together. What is found is\n\
                  a record: `plenary replay SESSION --to RECORD` shows the session as it stood there.\n\
                  Exit code 1 when nothing is found.\n"
)]
pub(super) struct Arguments {
    /// What to look for
    words: Vec<String>,
    /// Only what this agent said or did (`user` is the operator)
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only calls and results of this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Only what failed: code, tools, models, agents
    #[arg(long)]
    failed: bool,
    /// Only in sessions of this team
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// Only in sessions that cost at least so many dollars
    #[arg(long, value_name = "DOLLARS")]
    min_cost: Option<f64>,
    /// Most places
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

pub(super) fn search(arguments: &Arguments) -> Result<u8, Trouble> {
    let words = arguments.words.join(" ");
    let narrowed = arguments.agent.is_some() || arguments.tool.is_some() || arguments.failed;
    if words.trim().is_empty() && !narrowed {
        return Err(Trouble::usage("Say what to look for: words, or one of --agent, --tool and --failed."));
    }
    let query = Query {
        words,
        agent: arguments.agent.clone(),
        tool: arguments.tool.clone(),
        failed: arguments.failed,
        cost: arguments.min_cost.map(|dollars| Money::from_dollars(dollars).0),
        team: arguments.team.clone(),
        most: arguments.limit,
    };
    let hits = Index::open(&wire::store(&wire::settings()?)?)?.search(&query)?;
    let mut out = std::io::stdout().lock();
    let mut last = "";
    for hit in &hits {
        if arguments.json {
            let line = serde_json::json!({
                "session": hit.session, "team": hit.team, "record": hit.seq, "kind": hit.kind, "agent": hit.agent,
                "tool": hit.tool, "at": hit.at, "excerpt": hit.excerpt,
            });
            writeln!(out, "{}", json(&line).map_err(std::io::Error::from)?)?;
            continue;
        }
        if last != hit.session {
            writeln!(out, "{}  {}", safe(&hit.session), safe(&hit.team))?;
            last = &hit.session;
        }
        let tool = hit.tool.as_ref().map(|tool| format!(" {}", safe(tool))).unwrap_or_default();
        let agent = safe(&hit.agent);
        writeln!(out, "  {:>6}  {agent:<14} {}{tool}: {}", hit.seq, hit.kind, safe(&hit.excerpt))?;
    }
    if hits.is_empty() && !arguments.json {
        let _ = writeln!(std::io::stderr(), "plenary: nothing found.");
    }
    Ok(u8::from(hits.is_empty()))
}
