//! `export`: a session as a readable, attributed story, or as its records.

use super::{Trouble, safe};
use crate::export::{self, FORMATS};
use crate::session::Session;
use crate::settings::nearest;
use crate::text::clean::json;
use crate::wire;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::io::Write;

/// Every record of every branch.
const RECORDS: &str = "jsonl";

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary export last > talk.md\n  plenary export last --format html > talk.html\n  \
                  plenary export 20261120-1305 --branch branch-1\n  plenary export last --format jsonl > talk.jsonl\n\n\
                  md, html and txt tell one branch; jsonl has every record of every branch (docs/journal-format.md).\n\
                  A damaged session is exported as far as it is good.\n"
)]
pub(super) struct Arguments {
    /// A session by its name, the beginning of its name, or `last`
    session: String,
    /// What to write: markdown, one HTML file, plain text, or records as JSON lines
    #[arg(long, default_value = "md", value_parser = formats())]
    format: String,
    /// Which branch, instead of the active one
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Leave in what looks like a key
    #[arg(long)]
    keep_keys: bool,
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| format.name).chain([RECORDS]).collect::<Vec<_>>().into()
}

pub(super) fn export(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let store = wire::store(&settings)?;
    let (records, problem) = store.rescue(&arguments.session);
    let problem = match problem {
        Some(problem) if records.is_empty() => return Err(problem.into()),
        problem => problem,
    };
    let mut out = std::io::stdout().lock();
    let mut struck = 0;
    match FORMATS.iter().find(|format| format.name == arguments.format) {
        None => {
            for record in &records {
                let line = json(&**record).map_err(std::io::Error::from)?;
                let (line, keys) = if arguments.keep_keys { (line, 0) } else { export::strike_keys(&line) };
                struck += keys;
                writeln!(out, "{line}")?;
            }
        }
        Some(format) => {
            let session = Session::replay(records).map_err(|error| Trouble::failed(error.to_string()))?;
            let session = match &arguments.branch {
                Some(branch) => on_branch(&session, branch)?,
                None => session,
            };
            let story = export::story(&session, arguments.keep_keys);
            struck = story.struck;
            out.write_all((format.write)(&story).as_bytes())?;
        }
    }
    out.flush()?;
    if struck > 0 {
        let _ = writeln!(std::io::stderr(), "plenary: {struck} things that look like keys were struck out.");
    }
    match problem {
        Some(error) => {
            Err(Trouble::failed(format!("{} Everything before that was exported.", safe(&error.to_string()))))
        }
        None => Ok(0),
    }
}

/// The session with HEAD at the end of that branch.
pub(super) fn on_branch(session: &Session, name: &str) -> Result<Session, Trouble> {
    let branches = session.branches();
    if let Some(branch) = branches.iter().find(|branch| branch.name == name)
        && let Some(there) = session.at(branch.tip)
    {
        return Ok(there);
    }
    let names = || branches.iter().map(|branch| branch.name.as_str());
    let near = nearest(name, names()).map(|near| format!(" Did you mean {}?", safe(near))).unwrap_or_default();
    let known = names().map(safe).collect::<Vec<_>>().join(", ");
    Err(Trouble::usage(format!("The session has no branch {name:?}.{near} It has: {known}.")))
}
