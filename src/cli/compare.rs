//! `compare`: two branches or two sessions side by side.

use super::export::on_branch;
use super::{Trouble, safe};
use crate::compare::{Comparison, Course, compare};
use crate::journal::Store;
use crate::session::Session;
use crate::text::clean::json;
use crate::text::width::{take, width};
use crate::wire;
use clap::Args;
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary compare last:main last:branch-1\n  plenary compare 20261120-13 20261120-14 --json\n\n\
                  A side is a session, or session:branch. Exit code 1 when the two say different things.\n"
)]
pub(super) struct Arguments {
    /// A session, or session:branch
    left: String,
    /// A session, or session:branch
    right: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Columns of the table
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u16).range(40..=1000))]
    width: u16,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Trouble> {
    let store = wire::store(&wire::settings()?)?;
    let (left, right) = (side(&store, &arguments.left)?, side(&store, &arguments.right)?);
    let found = compare(&left, &right);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json(&as_json(&found)).map_err(std::io::Error::from)?)?;
    } else {
        table(&mut out, &found, usize::from(arguments.width))?;
    }
    Ok(u8::from(found.divergence.is_some()))
}

/// What `session` or `session:branch` names.
pub(super) fn side(store: &Store, named: &str) -> Result<Session, Trouble> {
    let (name, branch) = match named.split_once(':') {
        Some((name, branch)) => (name, Some(branch)),
        None => (named, None),
    };
    let session = Session::replay(store.read(name)?).map_err(|error| Trouble::failed(safe(&error.to_string())))?;
    match branch {
        Some(branch) => on_branch(&session, branch),
        None => Ok(session),
    }
}

fn as_json(found: &Comparison) -> serde_json::Value {
    let course = |course: &Course| {
        serde_json::json!({
            "session": course.session, "branch": course.branch, "messages": course.messages.len(),
            "tokens": course.tokens, "cost": course.cost.dollars(), "ended": course.ended, "findings": course.findings,
        })
    };
    let rows = found.rows.iter().map(|row| {
        let left = row.left.map(|place| &found.left.messages[place]);
        let right = row.right.map(|place| &found.right.messages[place]);
        serde_json::json!({
            "left": left.map(|message| message.id), "right": right.map(|message| message.id),
            "speaker": left.or(right).map(|message| message.author.name().to_owned()),
            "likeness": row.likeness, "same": row.same,
        })
    });
    serde_json::json!({
        "left": course(&found.left), "right": course(&found.right), "divergence": found.divergence,
        "rows": rows.collect::<Vec<_>>(),
    })
}

/// A text cut or filled to so many columns.
fn fit(text: &str, columns: usize) -> String {
    let cut = take(text, columns);
    format!("{cut}{}", " ".repeat(columns.saturating_sub(width(cut))))
}

fn table(out: &mut impl Write, found: &Comparison, columns: usize) -> std::io::Result<()> {
    let half = (columns - 3) / 2;
    let line = |out: &mut dyn Write, left: &str, mark: &str, right: &str| {
        let (left, right) = (fit(left, half), fit(right, half));
        writeln!(out, "{left} {mark} {}", right.trim_end())
    };
    let head = |course: &Course| format!("{} ▸ {}", safe(&course.session), safe(&course.branch));
    line(out, &head(&found.left), " ", &head(&found.right))?;
    let cost =
        |course: &Course| format!("{} messages · {} tokens · {}", course.messages.len(), course.tokens, course.cost);
    line(out, &cost(&found.left), " ", &cost(&found.right))?;
    let end = |course: &Course| match &course.ended {
        Some(text) => format!("ended: {}", safe(text)),
        None => "goes on".to_owned(),
    };
    line(out, &end(&found.left), " ", &end(&found.right))?;
    let findings = |course: &Course| safe(&course.findings.join(", "));
    if !(found.left.findings.is_empty() && found.right.findings.is_empty()) {
        line(out, &findings(&found.left), " ", &findings(&found.right))?;
    }
    let same = found.rows.iter().take_while(|row| row.same).count();
    if same > 0 {
        writeln!(out, "\n{same} messages are the same on both sides.")?;
    }
    let Some(first) = found.divergence else { return writeln!(out, "They say the same throughout.") };
    writeln!(out)?;
    for row in &found.rows[first..] {
        let said = |course: &Course, place: Option<usize>| {
            let Some(message) = place.map(|place| &course.messages[place]) else { return String::new() };
            format!("{} {}: {}", message.id.number(), safe(message.author.name()), safe(&message.told()))
        };
        let mark = match (row.left, row.right) {
            _ if row.same => "=",
            (Some(_), Some(_)) => "≠",
            (Some(_), None) => "<",
            _ => ">",
        };
        line(out, &said(&found.left, row.left), mark, &said(&found.right, row.right))?;
    }
    Ok(())
}
