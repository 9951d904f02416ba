//! `sessions`: every session of this user, newest first; and what is done to them.

use super::{Trouble, safe};
use crate::chat::UnixMillis;
use crate::chat::usage::Money;
use crate::journal::{Index, Store, Summary};
use crate::text::clean::json;
use crate::text::width;
use crate::wire;
use clap::{Args, Subcommand};
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  plenary sessions\n  plenary sessions --team lru-cache --open\n  \
                  plenary sessions --json | jq -r .session\n  plenary sessions delete 20261120-1305\n  \
                  plenary sessions delete --older-than 90\n\nNothing is deleted unless it is asked for.\n"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
struct List {
    /// One JSON object per line
    #[arg(long)]
    json: bool,
    /// Only of this team
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// Only those that have not ended
    #[arg(long, conflicts_with = "ended")]
    open: bool,
    /// Only those that have ended
    #[arg(long)]
    ended: bool,
    /// Only those written to in the last so many days
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    /// Only those that cost at least so many dollars
    #[arg(long, value_name = "DOLLARS")]
    min_cost: Option<f64>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Delete sessions, for good
    #[command(
        after_help = "Examples:\n  plenary sessions delete 20261120-1305\n  plenary sessions delete --older-than 90 --yes\n"
    )]
    Delete(Delete),
    /// Let an imported session go on as if it had begun here
    #[command(after_help = "Example:\n  plenary sessions trust from-autogen\n")]
    Trust {
        /// A session by its name, the beginning of its name, or `last`
        session: String,
    },
}

#[derive(Debug, Args)]
struct Delete {
    /// Sessions by their name or the beginning of it
    #[arg(required_unless_present = "older_than")]
    sessions: Vec<String>,
    /// All that were not written to for so many days
    #[arg(long, value_name = "DAYS", conflicts_with = "sessions")]
    older_than: Option<u32>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

const DAY: i64 = 24 * 3600 * 1000;

pub(super) fn sessions(arguments: Arguments) -> Result<u8, Trouble> {
    let store = wire::store(&wire::settings()?)?;
    match arguments.what {
        None => list(&store, &arguments.list),
        Some(What::Delete(wanted)) => delete(&store, &wanted),
        Some(What::Trust { session }) => {
            match store.trust(&session)? {
                Some(origin) => println!("{} (from {}) may go on now.", safe(&session), safe(&origin)),
                None => println!("{} began here; there is nothing to trust.", safe(&session)),
            }
            Ok(0)
        }
    }
}

fn now() -> UnixMillis {
    jiff::Timestamp::now().as_millisecond()
}

fn list(store: &Store, wanted: &List) -> Result<u8, Trouble> {
    // What only records know is looked up where it is asked for: the plain list reads none.
    let figures = if wanted.json || wanted.min_cost.is_some() {
        Index::open(store).and_then(|index| index.figures()).unwrap_or_default()
    } else {
        Default::default()
    };
    let least = wanted.min_cost.map(|dollars| Money::from_dollars(dollars).0);
    let since = wanted.days.map(|days| now() - i64::from(days) * DAY);
    let fits = |summary: &Summary| {
        wanted.team.as_ref().is_none_or(|team| summary.team.eq_ignore_ascii_case(team))
            && (!wanted.open || summary.ended.is_none())
            && (!wanted.ended || summary.ended.is_some())
            && since.is_none_or(|since| summary.updated >= since)
            && least.is_none_or(|least| figures.get(&summary.session).is_some_and(|known| known.cost >= least))
    };
    let all = store.list()?;
    let none = all.is_empty();
    let mut out = std::io::stdout().lock();
    let summaries: Vec<Summary> = all.into_iter().filter(fits).collect();
    if summaries.is_empty() && !wanted.json {
        let say = if none { "No sessions yet. Start one: plenary demo" } else { "No session fits." };
        writeln!(out, "{say}")?;
        return Ok(0);
    }
    for summary in summaries {
        if wanted.json {
            let known = figures.get(&summary.session).copied().unwrap_or_default();
            let line = serde_json::json!({
                "session": summary.session, "team": summary.team, "task": summary.task,
                "started": summary.started, "updated": summary.updated, "records": summary.records,
                "messages": summary.messages, "ended": summary.ended, "problem": summary.problem,
                "cost": Money(known.cost).dollars(), "failures": known.failures, "origin": summary.origin,
                "path": summary.path,
            });
            writeln!(out, "{}", json(&line).map_err(std::io::Error::from)?)?;
            continue;
        }
        let state = match (&summary.problem, &summary.ended, &summary.origin) {
            (Some(problem), _, _) => format!("cannot be opened: {problem}"),
            (None, _, Some(origin)) => format!("read-only, imported from {origin}"),
            (None, Some(ended), None) => format!("ended: {ended}"),
            (None, None, None) => "open".to_owned(),
        };
        writeln!(
            out,
            "{}  {}  {:>4} messages  {}",
            safe(&summary.session),
            minute(summary.updated),
            summary.messages,
            safe(&state)
        )?;
        let task = safe(&summary.task);
        if !task.is_empty() {
            writeln!(out, "    {}", width::take(&task, 110))?;
        }
    }
    Ok(0)
}

fn minute(at: UnixMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(at);
    at.map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn delete(store: &Store, wanted: &Delete) -> Result<u8, Trouble> {
    let names: Vec<String> = match wanted.older_than {
        Some(days) => {
            let before = now() - i64::from(days) * DAY;
            let old = store.list()?.into_iter().filter(|summary| summary.updated < before);
            old.map(|summary| summary.session).collect()
        }
        None => wanted
            .sessions
            .iter()
            .map(|name| {
                let path = store.path_of(name)?;
                Ok(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
            })
            .collect::<Result<_, Trouble>>()?,
    };
    if names.is_empty() {
        println!("No session is that old.");
        return Ok(0);
    }
    if !wanted.yes {
        for name in &names {
            println!("{}", safe(name));
        }
        print!(
            "Delete {} for good? Type yes: ",
            if names.len() == 1 { "it".into() } else { format!("all {}", names.len()) }
        );
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            println!("Nothing was deleted.");
            return Ok(1);
        }
    }
    for name in &names {
        store.delete(name)?;
        println!("deleted {}", safe(name));
    }
    // The words of what is gone leave the index, too.
    let _ = Index::open(store);
    Ok(0)
}
