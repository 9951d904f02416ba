//! `export`: a session as a readable, attributed transcript, or as its records.

use super::{Trouble, safe};
use crate::chat::end::Summarized;
use crate::chat::event::{Event, Record, Verdict};
use crate::chat::format::Rejection;
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::session::Session;
use crate::text::clean::{Context, json, one_line, plain};
use crate::wire;
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary export last > transcript.md\n  plenary export 20261120-1305 --format jsonl\n  plenary export team.toml --format autogen > team.json\n\n\
                        A damaged session is exported as far as it is good.\n"
)]
pub(super) struct Arguments {
    /// A session by its name, the beginning of its name, or `last`
    session: String,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown: the active branch, for people
    Md,
    /// Every record of every branch, one JSON object per line
    Jsonl,
    /// The team alone, as component JSON that AutoGen loads; a team file or ready team can stand for a session
    Autogen,
}

pub(super) fn export(arguments: &Arguments) -> Result<u8, Trouble> {
    if arguments.format == Format::Autogen {
        return super::import::component(&arguments.session);
    }
    let settings = wire::settings()?;
    let store = wire::store(&settings)?;
    let (records, problem) = match store.read(&arguments.session) {
        Ok(records) => (records, None),
        Err(error) => match store.rescue(&arguments.session) {
            (records, _) if records.is_empty() => return Err(error.into()),
            (records, _) => (records, Some(error)),
        },
    };
    let mut out = std::io::stdout().lock();
    match arguments.format {
        Format::Jsonl => {
            for record in &records {
                writeln!(out, "{}", json(&**record).map_err(std::io::Error::from)?)?;
            }
        }
        Format::Autogen => {}
        Format::Md => {
            let session = Session::replay(records).map_err(|error| Trouble::failed(error.to_string()))?;
            out.write_all(markdown(&session).as_bytes())?;
        }
    }
    out.flush()?;
    match problem {
        Some(error) => {
            Err(Trouble::failed(format!("{} Everything before that was exported.", safe(&error.to_string()))))
        }
        None => Ok(0),
    }
}

/// The active branch as markdown. Control characters are made visible: the file may be read in a terminal.
pub(super) fn markdown(session: &Session) -> String {
    let mut text = String::new();
    let team = session.team();
    let _ = writeln!(text, "# {}\n", safe(team.map_or("session", |team| &team.name)));
    let _ = writeln!(text, "Session `{}`, branch `{}`.\n", session.id(), session.branch_name());
    for record in session.path() {
        write_record(&mut text, &record, session);
    }
    text
}

fn write_record(text: &mut String, record: &Arc<Record>, session: &Session) {
    let at = jiff::Timestamp::from_millisecond(record.at)
        .map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string())
        .unwrap_or_default();
    let _ = match &record.event {
        Event::MessagePosted { message } => {
            let Some(entry) = session.transcript().get(message.id) else { return };
            let message = &entry.message;
            let who = match &message.author {
                Author::Operator => "Operator".to_owned(),
                Author::Agent(_) => one_line(&message.author_path().collect::<Vec<_>>().join(" › ")),
            };
            let mut marks = vec![at];
            marks.extend(message.kind.label().map(str::to_owned));
            marks.extend(message.audience().map(|audience| one_line(&audience)));
            if message.by_operator {
                marks.push("spoken by the operator".into());
            }
            if entry.revision > 0 {
                marks.push("edited by the operator".into());
            }
            match message.completeness {
                Completeness::Whole => {}
                Completeness::CutOff => marks.push("cut off".into()),
                Completeness::Interrupted => marks.push("interrupted, not sent to the others".into()),
            }
            let body = plain(message.told().trim_end(), Context::Prose);
            let body = if message.kind == MessageKind::CodeResult { fenced(&body) } else { quoted(&body) };
            writeln!(text, "## {who} ({})\n\n{body}\n", marks.join(", "))
        }
        Event::ApprovalDecided { verdict, hash, .. } => {
            let by = one_line(&record.actor.called("the operator"));
            let what = match verdict {
                Verdict::Run => "allowed to run".to_owned(),
                Verdict::RunEdited(_) => "edited, then allowed to run".to_owned(),
                Verdict::Deny(reason) => format!("denied: {}", safe(reason)),
            };
            writeln!(text, "{at} code `{}` {what}, by {by}\n", hash.get(..12).unwrap_or(hash))
        }
        Event::BranchMoved { name, why } => {
            writeln!(text, "{at} branch {}: {}\n", safe(name), safe(why))
        }
        Event::Summarized(Summarized { method, text: summary, problem, .. }) => {
            let body = quoted(&plain(summary.trim(), Context::Prose));
            let problem = problem.as_ref().map(|why| format!("; the one wanted was not written: {}", one_line(why)));
            writeln!(text, "\n## Summary ({}{})\n\n{body}", method.name(), problem.unwrap_or_default())
        }
        Event::AnswerRejected(Rejection { agent, answer, why, .. }) => {
            let body = quoted(&plain(answer.trim(), Context::Prose));
            writeln!(text, "{at} an answer of {} cannot be used. {}\n\n{body}\n", safe(agent), safe(why))
        }
        Event::Configured { agent, change } => {
            let _ = writeln!(text, "{at} {} changed by the operator: {}\n", safe(agent), safe(&change.to_string()));
            match &change.system_message {
                Some(told) => writeln!(text, "{}\n", quoted(&plain(told, Context::Prose))),
                None => Ok(()),
            }
        }
        Event::AgentFailed { agent, text: why, then, .. } => {
            writeln!(text, "{at} {} could not speak ({then}): {}\n", safe(agent), safe(why))
        }
        Event::Ended { text: why, totals, achieved, .. } => {
            let ended = writeln!(text, "---\n\nEnded: {} · {totals}", plain(why, Context::Prose));
            match achieved {
                Some(found) => {
                    writeln!(text, "\nResult: message {} by {}.", found.message.number(), one_line(&found.agent))
                }
                None => ended,
            }
        }
        _ => Ok(()),
    };
}

/// Words that stay within themselves: no heading in them is one of ours, and no fence they leave open goes on.
fn quoted(body: &str) -> String {
    body.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A fence that the body cannot close.
fn fenced(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{body}\n{fence}")
}
