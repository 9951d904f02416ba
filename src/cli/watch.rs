//! `watch`: the detectors over stored conversations, so that thresholds come from evidence.

use super::{Trouble, safe};
use crate::chat::event::{Level, Record};
use crate::chat::watch::Watching;
use crate::session::Session;
use crate::text::clean::json;
use crate::watch::from_messages::{self, Listed};
use crate::watch::replay::{self, Hit};
use crate::wire;
use clap::Args;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary watch last\n  plenary watch --json chats/*.json | jq .level\n  plenary export last --format jsonl | plenary watch -\n\n\
                  An input is a session of this user, what `plenary export --format jsonl` wrote, or a message list of\n\
                  AG2 or AgentChat: a JSON array of {name, role, content, tool_calls, …}, or one message a line.\n\
                  Exit code 4 when something would have held the run.\n"
)]
pub(super) struct Arguments {
    /// Files, sessions by name or the beginning of it, `last`, or `-` for standard input
    #[arg(required = true)]
    inputs: Vec<String>,
    /// One JSON object per input
    #[arg(long)]
    json: bool,
}

/// Largest input, in bytes.
const LARGEST: u64 = 256 << 20;

pub(super) fn watch(arguments: &Arguments) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    let (mut held, mut failed) = (false, false);
    for input in &arguments.inputs {
        let read = match read(input) {
            Ok(read) => read,
            // One file that cannot be read does not keep the others from being judged.
            Err(trouble) => {
                failed = true;
                if arguments.json {
                    writeln!(
                        out,
                        "{}",
                        json(&json!({"input": input, "error": trouble.text})).map_err(std::io::Error::from)?
                    )?;
                } else {
                    trouble.say();
                }
                continue;
            }
        };
        held |= read.hits.iter().any(|hit| hit.held.is_some());
        if arguments.json {
            writeln!(out, "{}", json(&report(input, &read)).map_err(std::io::Error::from)?)?;
        } else {
            say(&mut out, input, &read)?;
        }
    }
    out.flush()?;
    Ok(if failed {
        1
    } else if held {
        4
    } else {
        0
    })
}

/// An input that was judged.
struct Judged {
    kind: &'static str,
    messages: usize,
    hits: Vec<Hit>,
}

fn read(input: &str) -> Result<Judged, Trouble> {
    if input == "-" {
        let mut text = Vec::new();
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut text)?;
        return of_text("standard input", &text);
    }
    let path = Path::new(input);
    if path.is_file() {
        let size = path.metadata().map_or(0, |data| data.len());
        if size > LARGEST {
            return Err(Trouble::failed(format!("{} is larger than {} MiB.", safe(input), LARGEST >> 20)));
        }
        let text = std::fs::read(path)
            .map_err(|error| Trouble::failed(format!("{} cannot be read: {error}.", safe(input))))?;
        return of_text(input, &text);
    }
    if path.is_dir() || input.contains(['/', '\\']) || input.ends_with(".json") || input.ends_with(".jsonl") {
        return Err(Trouble::usage(format!("There is no file {} here.", safe(input))));
    }
    let settings = wire::settings()?;
    let records = wire::store(&settings)?.read(input)?;
    of_records(records)
}

fn of_records(records: Vec<Arc<Record>>) -> Result<Judged, Trouble> {
    let session = Session::replay(records).map_err(|error| Trouble::failed(safe(&error.to_string())))?;
    let watching = session.team().map(|team| team.watch.clone()).unwrap_or_default();
    Ok(Judged { kind: "session", messages: session.transcript().len(), hits: replay::session(&session, &watching) })
}

fn of_list(list: &[Listed]) -> Judged {
    Judged { kind: "messages", messages: list.len(), hits: replay::messages(list, &Watching::default()) }
}

fn of_text(name: &str, bytes: &[u8]) -> Result<Judged, Trouble> {
    let not_text = |_| Trouble::failed(format!("{} is not UTF-8 text.", safe(name)));
    let text = std::str::from_utf8(bytes).map_err(not_text)?.trim_start_matches('\u{feff}');
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        if let Some(list) = from_messages::list(&value) {
            return Ok(of_list(&list));
        }
        // A file of one line.
        if value.as_object().is_some_and(from_messages::is_message) {
            return Ok(of_list(&from_messages::list(&Value::Array(vec![value])).unwrap_or_default()));
        }
    }
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let bad = |at: usize, error: serde_json::Error| {
        Trouble::failed(format!("{}, line {}: neither a record nor a message: {error}.", safe(name), at + 1))
    };
    let Some((at, first)) = lines().next() else { return Err(Trouble::failed(format!("{} is empty.", safe(name)))) };
    let value: Value = serde_json::from_str(first).map_err(|error| bad(at, error))?;
    if value.get("seq").is_some() && value.get("event").is_some() {
        let records = lines()
            .map(|(at, line)| serde_json::from_str::<Record>(line).map(Arc::new).map_err(|error| bad(at, error)));
        return of_records(records.collect::<Result<_, _>>()?);
    }
    let values = lines().map(|(at, line)| serde_json::from_str::<Value>(line).map_err(|error| bad(at, error)));
    let list = from_messages::list(&Value::Array(values.collect::<Result<_, _>>()?));
    list.map(|list| of_list(&list)).ok_or_else(|| {
        Trouble::failed(format!("{} is neither a session's records nor a list of messages.", safe(name)))
    })
}

fn report(input: &str, read: &Judged) -> Value {
    let hits: Vec<Value> = read
        .hits
        .iter()
        .map(|hit| {
            json!({
                "detector": format!("{} {}", hit.id, hit.name), "id": hit.id, "name": hit.name,
                "level": hit.level.word(), "count": hit.count, "text": hit.text, "turns": hit.turns,
                "agent": hit.agent, "raised": hit.raised, "held": hit.held, "cleared": hit.cleared,
            })
        })
        .collect();
    let level = read.hits.iter().map(|hit| hit.level).max();
    json!({
        "input": input, "kind": read.kind, "messages": read.messages,
        "level": level.map(Level::word), "held": read.hits.iter().filter_map(|hit| hit.held).min(), "hits": hits,
    })
}

fn say(out: &mut impl Write, input: &str, read: &Judged) -> std::io::Result<()> {
    let held = read.hits.iter().filter_map(|hit| hit.held).min();
    let verdict = match held {
        Some(at) => format!("would have held after message {}", at + 1),
        None if read.hits.is_empty() => "nothing repeats".to_owned(),
        None => "would not have held".to_owned(),
    };
    writeln!(out, "{}: {} messages, {verdict}", safe(input), read.messages)?;
    for hit in &read.hits {
        let turns: Vec<String> = hit.turns.iter().rev().take(12).rev().map(|turn| (turn + 1).to_string()).collect();
        let more = if hit.turns.len() > 12 { "… " } else { "" };
        writeln!(
            out,
            "  {:<5}  {} {}: {} (messages {more}{})",
            hit.level.word(),
            hit.id,
            hit.name,
            safe(&hit.text),
            turns.join(" ")
        )?;
    }
    Ok(())
}
