//! `triage`: where a stored session may have gone wrong.

use super::{Trouble, safe};
use crate::chat::request::{Purpose, Request};
use crate::session::Session;
use crate::text::clean::{Context, json, plain};
use crate::watch::triage::ask::{self, Blamed};
use crate::watch::triage::{CAUTION, Remedy, Suspect, triage};
use crate::wire;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary triage last\n  plenary triage last --json | jq -r '.suspects[].title'\n  plenary triage last --model smart\n\n\
                  Rules only: the first failing effect, contradiction, detector hit, empty result, message that an agent never\n\
                  received, and cut-off reply, in the order of the conversation, each with a ready remedy.\n"
)]
pub(super) struct Arguments {
    /// A session by its name, the beginning of its name, or `last`
    session: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Also ask this model of the team, by its key, to rank up to five suspects; it is paid for
    #[arg(long, value_name = "KEY")]
    model: Option<String>,
}

pub(super) fn show(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let records = wire::store(&settings)?.read(&arguments.session)?;
    let session = Session::replay(records).map_err(|error| Trouble::failed(error.to_string()))?;
    let suspects = triage(&session);
    let blamed = match &arguments.model {
        Some(key) => Some(blame(&session, &suspects, key)?),
        None => None,
    };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "session": session.id(),
            "branch": session.branch_name(),
            "suspects": suspects.iter().map(object).collect::<Vec<_>>(),
            "model": blamed,
            "caution": caution(),
        });
        writeln!(out, "{}", json(&report).map_err(std::io::Error::from)?)?;
        return Ok(0);
    }
    writeln!(out, "{}, branch {}", safe(session.id()), safe(session.branch_name()))?;
    for suspect in &suspects {
        writeln!(out, "\n{} · message {} by {}", suspect.title, suspect.message.number(), safe(&suspect.agent))?;
        let mut lines = vec![suspect.text.clone()];
        if !suspect.quote.is_empty() {
            lines.push(format!("“{}”", suspect.quote));
        }
        lines.push(match &suspect.remedy {
            Remedy::Edit { message, content } => {
                let last = content.lines().last().unwrap_or_default();
                format!("ready: edit message {}: … {last}", message.number())
            }
            Remedy::Tell { to, text } => format!("ready: tell {}: {text}", to.as_deref().unwrap_or("all")),
        });
        for line in plain(&lines.join("\n"), Context::Prose).lines() {
            writeln!(out, "  {line}")?;
        }
    }
    if suspects.is_empty() {
        writeln!(out, "\nThe rules found nothing.")?;
    }
    for (n, one) in blamed.iter().flatten().enumerate() {
        let tag = if one.tag.is_empty() { String::new() } else { format!(" · {}", safe(&one.tag)) };
        writeln!(out, "\n{}. a model suspects message {}{tag}", n + 1, one.message)?;
        writeln!(out, "  {}", safe(&one.why))?;
        let held = if one.quoted { "" } else { "  (it does not say that there)" };
        writeln!(out, "  “{}”{held}", safe(&one.quote))?;
    }
    writeln!(out, "\n{}", caution())?;
    Ok(0)
}

/// Asks a model of the team.
fn blame(session: &Session, suspects: &[Suspect], key: &str) -> Result<Vec<Blamed>, Trouble> {
    let team = session.team().ok_or_else(|| Trouble::failed("the session has not started"))?;
    if !team.models.contains_key(key) {
        let known = team.models.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Trouble::usage(format!("This team has no model {}. It has: {}.", safe(key), safe(&known))));
    }
    let prompts = ask::question(session, suspects);
    let request = Request::new(session.ids().call, "".into(), Purpose::Judge, key, prompts);
    let answer = wire::answer(team, request, &wire::settings()?).map_err(|why| Trouble::failed(safe(&why)))?;
    ask::read(&answer, session).ok_or_else(|| {
        let said: String = answer.chars().take(200).collect();
        Trouble::failed(format!("{} did not answer with suspects, but: {}", safe(key), safe(&said)))
    })
}

fn caution() -> String {
    CAUTION.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn object(suspect: &Suspect) -> Value {
    let remedy = match &suspect.remedy {
        Remedy::Edit { message, content } => json!({"do": "edit", "message": message.number(), "content": content}),
        Remedy::Tell { to, text } => json!({"do": "tell", "to": to, "text": text}),
    };
    json!({
        "kind": suspect.kind,
        "title": suspect.title,
        "text": suspect.text,
        "message": suspect.message.number(),
        "record": suspect.seq.0,
        "agent": suspect.agent,
        "quote": suspect.quote,
        "remedy": remedy,
    })
}
