//! `import`: a conversation from outside becomes a session, read-only until it is trusted.

use super::{Trouble, safe};
use crate::import;
use crate::wire;
use clap::Args;
use std::io::{Read, Write};
use std::path::Path;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  plenary import talk.jsonl\n  plenary import state.json --name from-autogen\n  \
                  plenary import - < messages.json\n\n\
                  An input is what `plenary export --format jsonl` wrote, AutoGen's saved team state, or a message list of\n\
                  AG2 or AgentChat. The session is read-only until `plenary sessions trust NAME`.\n")]
pub(super) struct Arguments {
    /// A file, or `-` for standard input
    input: String,
    /// What the session is called; made from the time and the file's name otherwise
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Largest input, in bytes.
const LARGEST: u64 = 1 << 30;

pub(super) fn import(arguments: &Arguments) -> Result<u8, Trouble> {
    let mut bytes = Vec::new();
    let shown = if arguments.input == "-" { "standard input" } else { arguments.input.as_str() };
    let unreadable = |error: std::io::Error| Trouble::failed(format!("{} cannot be read: {error}.", safe(shown)));
    if arguments.input == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(&arguments.input).map_err(unreadable)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(Trouble::failed(format!("{} is larger than {} MiB.", safe(shown), LARGEST >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| Trouble::failed(format!("{} is not UTF-8 text.", safe(shown))))?;
    let stem = Path::new(&arguments.input).file_stem().map_or("import".into(), |stem| stem.to_string_lossy());
    let stem = if stem == "-" { "import".into() } else { stem };
    let name = arguments.name.clone().unwrap_or_else(|| wire::session_id(&stem));
    let now = jiff::Timestamp::now().as_millisecond();
    let read = import::read(&text, &name, &stem, now)
        .map_err(|why| Trouble::failed(format!("{} cannot be imported: {}.", safe(shown), safe(&why))))?;
    let store = wire::store(&wire::settings()?)?;
    store.import(&name, &read.records, shown)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", safe(&name))?;
    let mut err = std::io::stderr().lock();
    let _ = writeln!(
        err,
        "plenary: {}, {} records. It is read-only until: plenary sessions trust {}",
        read.shape,
        read.records.len(),
        safe(&name)
    );
    for left in &read.left_out {
        let _ = writeln!(err, "plenary: not taken over: {}", safe(left));
    }
    Ok(0)
}
