//! `what-if`: edited runs and controls from a message of a session.

use super::compare::side;
use super::run::{Approve, runtime};
use super::{Trouble, safe};
use crate::chat::Name;
use crate::chat::configure::Change;
use crate::chat::id::MessageId;
use crate::chat::trials::{Otherwise, Trials, WhatIf};
use crate::rules::Rule;
use crate::session::Session;
use crate::text::clean::json;
use crate::wire::trials::{Setup, quoted, try_out};
use crate::wire::{self, Options};
use clap::Args;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  plenary what-if last --at 2 --edit \"Use a linked hash map.\" --yes\n  \
                  plenary what-if last --at 2 --prompt \"Reviewer=Be strict.\" --solved 'last contains \"APPROVE\"'\n  \
                  plenary what-if last:main --at 4 --temperature Coder=0.2 --runs 5 --json\n\n\
                  Runs go on from the message, k with the change and k without, each a session of its own; the cost is said\n\
                  first. Nobody is there in them: code runs only as --approve says. Runs that execute code follow one\n\
                  another, others run side by side.\n")]
pub(super) struct Arguments {
    /// A session, or session:branch
    session: String,
    /// Number of the message from which to go on, as the transcript shows it
    #[arg(long, value_name = "MESSAGE")]
    at: u64,
    #[command(flatten)]
    change: Wanted,
    /// Runs with the change, and as many without
    #[arg(long, short = 'k', value_name = "K", default_value_t = 3)]
    runs: u32,
    /// A rule that says when a run is solved (docs/rules.md); otherwise when one of the team's conditions ends it
    #[arg(long, value_name = "RULE")]
    solved: Option<String>,
    /// Whether code may run without anybody being asked
    #[arg(long, value_enum, default_value_t = Approve::None)]
    approve: Approve,
    /// Do not ask whether the cost is all right
    #[arg(long)]
    yes: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Wanted {
    /// The message says this instead
    #[arg(long, value_name = "TEXT")]
    edit: Option<String>,
    /// The first code block of the message is what stands in this file
    #[arg(long, value_name = "FILE")]
    code: Option<String>,
    /// The first tool result in the message is this instead
    #[arg(long, value_name = "TEXT")]
    tool_result: Option<String>,
    /// AGENT=TEXT: what the agent's model is told first
    #[arg(long, value_name = "AGENT=TEXT")]
    prompt: Option<String>,
    /// AGENT=KEY: another model of the team
    #[arg(long, value_name = "AGENT=KEY")]
    model: Option<String>,
    /// AGENT=NUMBER: another temperature
    #[arg(long, value_name = "AGENT=NUMBER")]
    temperature: Option<String>,
}

fn pair(text: &str) -> Result<(Name, &str), Trouble> {
    match text.split_once('=') {
        Some((agent, value)) if !agent.trim().is_empty() => Ok((agent.trim().into(), value)),
        _ => Err(Trouble::usage("Say which agent: AGENT=VALUE.")),
    }
}

/// The text with what stands in its first fence replaced.
fn with_code(text: &str, code: &str) -> Option<String> {
    let open = text.lines().position(|line| line.trim_start().starts_with("```"))?;
    let lines: Vec<&str> = text.lines().collect();
    let close = open + 1 + lines[open + 1..].iter().position(|line| line.trim_start().starts_with("```"))?;
    let parts = [&lines[..=open], &code.lines().collect::<Vec<_>>(), &lines[close..]];
    Some(parts.concat().join("\n"))
}

impl Wanted {
    fn otherwise(&self, session: &Session, from: MessageId) -> Result<Otherwise, Trouble> {
        if let Some(text) = &self.edit {
            return Ok(Otherwise::Message(text.as_str().into()));
        }
        if let Some(file) = &self.code {
            let code = std::fs::read_to_string(file)
                .map_err(|error| Trouble::usage(format!("{} cannot be read: {error}.", safe(file))))?;
            let entry = session.transcript().get(from);
            let text = entry.and_then(|entry| with_code(&entry.message.content, &code));
            let text = text.ok_or_else(|| Trouble::usage("There is no code block in that message."))?;
            return Ok(Otherwise::Message(text.into()));
        }
        if let Some(text) = &self.tool_result {
            return Ok(Otherwise::ToolResult(text.as_str().into()));
        }
        if let Some(text) = &self.prompt {
            let (agent, told) = pair(text)?;
            return Ok(Otherwise::Agent(agent, Change { system_message: Some(told.into()), ..Change::default() }));
        }
        if let Some(text) = &self.model {
            let (agent, key) = pair(text)?;
            return Ok(Otherwise::Agent(agent, Change { model: Some(key.to_owned()), ..Change::default() }));
        }
        let (agent, number) = pair(self.temperature.as_deref().unwrap_or_default())?;
        match number.parse::<f64>() {
            Ok(warmth) if (0.0..=2.0).contains(&warmth) => {
                Ok(Otherwise::Temperature(agent, (warmth * 1000.0).round() as u32))
            }
            _ => Err(Trouble::usage("A temperature is a number from 0 to 2.")),
        }
    }
}

pub(super) fn what_if(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let session = side(&wire::store(&settings)?, &arguments.session)?;
    let Some(from) = arguments.at.checked_sub(1).map(MessageId) else {
        return Err(Trouble::usage("Messages are counted from 1."));
    };
    let change = arguments.change.otherwise(&session, from)?;
    let asked = WhatIf { from, change, runs: arguments.runs, agreed: true };
    let solved = match &arguments.solved {
        Some(rule) => {
            Some(Rule::parse(rule).map_err(|error| Trouble::usage(format!("--solved: {}.", safe(&error.message))))?)
        }
        None => None,
    };
    let quote = quoted(&session, &asked);
    if let Some(problem) = &quote.problem {
        return Err(Trouble::usage(format!("This cannot be tried out: {}.", safe(problem))));
    }
    if !arguments.yes && !agreed(&quote)? {
        println!("Nothing was run.");
        return Ok(1);
    }
    let options = Options {
        headless: true,
        approve_all: (arguments.approve == Approve::All).then(|| "--approve all".to_owned()),
        approve_sandboxed: (arguments.approve == Approve::Sandboxed).then(|| "--approve sandboxed".to_owned()),
        ..Options::default()
    };
    let setup = Setup { settings: Arc::new(settings), options, solved };
    let of = 2 * asked.runs;
    let trials = runtime()?.block_on(try_out(&session, &asked, &setup, |so_far| {
        let _ = writeln!(std::io::stderr(), "plenary: {} of {of} runs are over", so_far.arms.len());
    }));
    report(&trials, arguments.json)
}

fn agreed(quote: &Trials) -> Result<bool, Trouble> {
    let runs = quote.asked.runs;
    let cost = quote.quote.map_or("a price nobody knows".to_owned(), |cost| format!("about {cost}"));
    if !std::io::stdin().is_terminal() {
        return Err(Trouble::usage(format!(
            "{runs} edited and {runs} unedited runs cost {cost}. Say --yes to run them."
        )));
    }
    print!("{runs} edited and {runs} unedited runs cost {cost}. Type yes: ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

fn report(trials: &Trials, as_json: bool) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let line = serde_json::json!({"trials": trials, "summary": trials.summary()});
        writeln!(out, "{}", json(&line).map_err(std::io::Error::from)?)?;
    } else {
        let mut arms: Vec<_> = trials.arms.iter().collect();
        arms.sort_by_key(|arm| (!arm.edited, arm.number));
        for arm in arms {
            let kind = if arm.edited { "edited " } else { "control" };
            let solved = if arm.solved { "solved    " } else { "not solved" };
            let parted = arm.divergence.map_or("as before".to_owned(), |at| format!("other from message {at}"));
            writeln!(
                out,
                "{kind} {}  {solved}  {:>3} messages  {}  {parted}  {}\n           {}",
                arm.number,
                arm.messages,
                arm.cost,
                safe(&arm.outcome),
                safe(&arm.session)
            )?;
        }
        writeln!(out, "\n{}", trials.summary())?;
    }
    match &trials.problem {
        Some(problem) => Err(Trouble::failed(format!("The trial stopped: {}.", safe(problem)))),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::with_code;

    #[test]
    fn only_the_first_code_block_is_replaced() {
        let text = "See:\n```python\nold()\n```\nand\n```\nother\n```";
        assert_eq!(
            with_code(text, "new()\nmore()").unwrap(),
            "See:\n```python\nnew()\nmore()\n```\nand\n```\nother\n```"
        );
        assert_eq!(with_code("no code", "x"), None);
    }
}
