//! `triage`: where a stored session may have gone wrong.

use super::{Trouble, safe};
use crate::session::Session;
use crate::text::clean::{Context, json, plain};
use crate::watch::triage::{CAUTION, Remedy, Suspect, triage};
use crate::wire;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary triage last\n  plenary triage last --json | jq -r '.suspects[].title'\n\n\
                  Rules only: the first failing effect, contradiction, detector hit, empty result, message that an agent never\n\
                  received, and cut-off reply, in the order of the conversation, each with a ready remedy.\n"
)]
pub(super) struct Arguments {
    /// A session by its name, the beginning of its name, or `last`
    session: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn show(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let records = wire::store(&settings)?.read(&arguments.session)?;
    let session = Session::replay(records).map_err(|error| Trouble::failed(error.to_string()))?;
    let suspects = triage(&session);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "session": session.id(),
            "branch": session.branch_name(),
            "suspects": suspects.iter().map(object).collect::<Vec<_>>(),
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
    writeln!(out, "\n{}", caution())?;
    Ok(0)
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
