//! Whether a team may do what it says it does without asking: start servers, run unasked, send keys to addresses of its own.
//!
//! A team file that came with somebody's repository is a program in disguise. What it would do by itself is shown before
//! anything starts, and trusted as it is or not at all: one changed word asks anew (reference: reliability-security 1.14).
//! Without trust a team still opens; then no server starts and everything that acts is asked for.

use super::{Trouble, safe};
use crate::chat::agent::ApprovalPolicy;
use crate::chat::code::hex;
use crate::chat::team::Team;
use crate::settings::Settings;
use crate::wire;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

/// Most lines that are shown of what a team does.
const SHOWN: usize = 40;

/// What was trusted, by [`hash`].
#[derive(Debug, Default, Serialize, Deserialize)]
struct Trusted(BTreeMap<String, String>);

/// What the team would do without being asked for it, a line each; empty when there is nothing to trust it with.
pub(super) fn powers(team: &Team) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, server) in &team.mcp {
        let verb = if server.url.is_some() { "asks the MCP server" } else { "starts the MCP server" };
        lines.push(format!("{verb} {name}: {}", server.words()));
    }
    for (name, tool) in &team.tools {
        let unasked = !matches!(tool.execution.approval, ApprovalPolicy::Always);
        if unasked && tool.source.kind != "builtin" {
            let how = if tool.execution.approval == ApprovalPolicy::Never { "without asking" } else { "asking once" };
            lines.push(format!("calls the tool {name} {how}: {}", tool.command.join(" ")));
        }
    }
    for agent in &team.agents {
        if agent.code_execution.as_ref().is_some_and(|code| code.approval == ApprovalPolicy::Never) {
            lines.push(format!("runs code without asking, for {}", agent.name));
        }
        if let Some(nested) = &agent.nested {
            lines.extend(powers(&nested.team).into_iter().map(|line| format!("{}: {line}", agent.name)));
        }
    }
    let method = serde_json::to_value(&team.speaker_selection_method).unwrap_or_default();
    let ends = serde_json::to_value(&team.termination).unwrap_or_default();
    for argv in programs(&method).into_iter().chain(programs(&ends)) {
        lines.push(format!("asks the program {argv}"));
    }
    for (name, model) in &team.models {
        let option = |key: &str| model.provider.options.get(key).and_then(Value::as_str);
        let secret =
            option("api_key_env").or_else(|| model.provider.options.contains_key("headers").then_some("headers"));
        if let (Some(url), Some(secret)) = (option("base_url").filter(|url| !is_here(url)), secret) {
            lines.push(format!("sends the key in {secret} to {url}, for the model {name}"));
        }
    }
    lines
}

/// Every program in the options of a catalog's member.
fn programs(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let words = map.get("argv").and_then(Value::as_array);
            let own = words.map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
            own.into_iter().chain(map.values().flat_map(programs)).collect()
        }
        Value::Array(items) => items.iter().flat_map(programs).collect(),
        _ => Vec::new(),
    }
}

/// Whether an address is one of this machine.
fn is_here(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = if host.starts_with('[') { host.split(']').next() } else { host.split(':').next() };
    !host.contains('@') && name.is_some_and(|name| ["localhost", "127.0.0.1", "[::1"].contains(&name))
}

/// What is trusted: the team as it is, but for the task.
fn hash(team: &Team) -> String {
    let team = Team { task: None, ..team.clone() };
    hex(&Sha256::digest(serde_json::to_vec(&team).unwrap_or_default()))
}

fn file(settings: &Settings) -> Result<PathBuf, Trouble> {
    Ok(wire::data_dir(settings)?.join("trusted-teams.json"))
}

fn read(file: &Path) -> Trusted {
    // What cannot be read trusts nobody.
    std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn remember(file: &Path, team: &Team) -> Result<(), Trouble> {
    let mut trusted = read(file);
    trusted.0.insert(hash(team), team.name.clone());
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let beside = file.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&beside, serde_json::to_vec_pretty(&trusted).unwrap_or_default())?;
    Ok(std::fs::rename(&beside, file)?)
}

/// Whether the team is trusted; asks the person at the terminal where it is not known.
///
/// # Errors
/// When nobody is there to ask: exit code 2, with what to do.
pub(super) fn ask(team: &Team, settings: &Settings, given: bool, headless: bool) -> Result<bool, Trouble> {
    let powers = powers(team);
    if powers.is_empty() || wire::is_ready_team(team, settings) {
        return Ok(true);
    }
    let file = file(settings)?;
    if given {
        remember(&file, team)?;
        return Ok(true);
    }
    if read(&file).0.contains_key(&hash(team)) {
        return Ok(true);
    }
    let shown = powers.iter().take(SHOWN).map(|line| format!("  - it {}\n", safe(line))).collect::<String>();
    let more = powers.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("  … and {more} more\n") } else { String::new() };
    let name = safe(&team.name);
    if headless {
        return Err(Trouble::usage(format!(
            "The team {name} was not trusted yet, and without being asked\n{shown}{more}\
             If you have read its file and want that, pass --trust once. Nothing was started."
        )));
    }
    let mut err = std::io::stderr().lock();
    write!(
        err,
        "The team {name} was not trusted yet. By itself\n{shown}{more}\
         Type yes to trust it as it is now. Anything else opens it with no server started and everything asked for: "
    )?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() != "yes" {
        return Ok(false);
    }
    remember(&file, team)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_here() {
        for here in ["http://localhost:1234/v1", "http://127.0.0.1/v1", "http://[::1]:80/v1"] {
            assert!(is_here(here), "{here}");
        }
        let elsewhere =
            ["http://localhost.evil.test/", "http://localhost@evil.test/", "https://api.test/127.0.0.1", ""];
        for url in elsewhere {
            assert!(!is_here(url), "{url}");
        }
    }
}
