//! `replay`: a recorded session, played without a network; and checked against the rules as they are now.

use super::compare::side;
use super::{Trouble, run, safe};
use crate::chat::event::Event;
use crate::chat::team::Team;
use crate::engine::check::{Checked, check};
use crate::headless::{self, Style};
use crate::replay::{Score, Stop, play};
use crate::session::Session;
use crate::text::clean::json;
use crate::tui;
use crate::wire::{self, Options};
use clap::Args;
use std::io::Write;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary replay last\n  plenary replay last --speed 8 --stop failure --stop Reviewer\n  \
                  plenary replay last:branch-1 --headless\n  plenary replay 20261120-1305 --check --team team.toml\n\n\
                  Nothing is asked and nothing runs: the answers are those in the log. In the console space stops and goes\n\
                  on, comma and full stop wind by a turn, < and > change the speed.\n\
                  --check asks the rules who would speak and whether it would end, at every point; exit code 1 when they\n\
                  decide otherwise than the log says.\n"
)]
pub(super) struct Arguments {
    /// A session, or session:branch
    session: String,
    /// How many times faster than it happened
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Stop there: failure, approval, hold, detector, operator, or an agent's name; may be given several times
    #[arg(long, value_name = "WHAT")]
    stop: Vec<String>,
    /// Begin at this record, standing still
    #[arg(long, value_name = "RECORD")]
    to: Option<u64>,
    /// Print it at once instead of opening the console
    #[arg(long)]
    headless: bool,
    /// Compare every decision with what the rules say now
    #[arg(long, conflicts_with_all = ["headless", "to", "stop"])]
    check: bool,
    /// With --check: the rules of this team file instead of those that were recorded
    #[arg(long, value_name = "FILE", requires = "check")]
    team: Option<String>,
    /// With --check or --headless: JSON
    #[arg(long)]
    json: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=100_000.0).contains(&speed) => Ok(speed),
        _ => Err("a speed is a number from 0.01 to 100000".to_owned()),
    }
}

pub(super) fn replay(arguments: &Arguments) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let session = side(&wire::store(&settings)?, &arguments.session)?;
    let Some(head) = session.head() else { return Err(Trouble::failed("The session is empty.")) };
    let mut line = session.line_to(head, session.id());
    if arguments.check {
        let team = match &arguments.team {
            Some(file) => Some(wire::team(file, &settings)?.0.team),
            None => None,
        };
        return report(&against(&mut line, team)?, arguments.json);
    }
    let places = line.len();
    let from = arguments.to.map_or(1, |to| usize::try_from(to).unwrap_or(usize::MAX)).clamp(1, places);
    if arguments.headless {
        let style = if arguments.json { Style::Json } else { Style::Text };
        return print(line, arguments.to.map(|_| from), style);
    }
    run::refuse_without_terminal()?;
    run::runtime()?.block_on(async {
        let begun =
            Session::replay(line[..from].iter().cloned()).map_err(|error| Trouble::failed(error.to_string()))?;
        let stops = arguments.stop.iter().map(|word| Stop::read(word)).collect();
        let (commands, updates) =
            play(Score { records: line, from, speed: arguments.speed, stops, going: arguments.to.is_none() });
        let look = tui::Look::from(&settings).map_err(|error| Trouble::usage(error.to_string()))?;
        let left = tui::run(tui::Console { session: begun, commands, updates, look, shell: no_shell() }).await?;
        Ok(match left {
            tui::Left::Signal(number) => 128 + number,
            tui::Left::Gone => 129,
            _ => 0,
        })
    })
}

/// Nothing runs here.
pub(super) fn no_shell() -> tui::Shell {
    Box::new(|_, _| Err("Nothing runs here, so there is no place for a shell.".to_owned()))
}

/// The log against its own rules, or those of a team as it is now.
fn against(line: &mut [Arc<crate::chat::event::Record>], team: Option<Team>) -> Result<Checked, Trouble> {
    if let (Some(team), Some(first)) = (team, line.first_mut())
        && let Event::SessionStarted { team: recorded, .. } = &mut Arc::make_mut(first).event
    {
        // What was said first is recorded; how it goes on is what is checked.
        *recorded = Arc::new(Team { task: recorded.task.clone(), initial: recorded.initial.clone(), ..team });
    }
    let Some(Event::SessionStarted { team, headless, .. }) = line.first().map(|first| &first.event) else {
        return Err(Trouble::failed("The session does not begin with its start."));
    };
    let options = Options { headless: *headless, ..Options::default() };
    wire::concrete(team, &options)?;
    let machine = || wire::concrete(team, &options).map(|(machine, _)| machine);
    // It was made once already, so that it can be made.
    check(line, || machine().unwrap_or_else(|error| unreachable!("{error}")))
        .map_err(|error| Trouble::failed(safe(&error.to_string())))
}

fn report(checked: &Checked, as_json: bool) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    let code = u8::from(checked.difference.is_some());
    if as_json {
        let difference = checked.difference.as_ref().map(|found| {
            serde_json::json!({
                "record": found.seq, "messages": found.messages, "then": found.then.to_string(),
                "now": found.now.to_string(),
            })
        });
        let line = serde_json::json!({"decisions": checked.decisions, "difference": difference});
        writeln!(out, "{}", json(&line).map_err(std::io::Error::from)?)?;
        return Ok(code);
    }
    match &checked.difference {
        None => writeln!(out, "{} decisions, all as recorded.", checked.decisions)?,
        Some(found) => {
            writeln!(
                out,
                "after message {}, at record {}:\n  then  {}\n  now   {}",
                found.messages,
                found.seq,
                safe(&found.then.to_string()),
                safe(&found.now.to_string())
            )?;
            writeln!(out, "{} decisions before it are as recorded.", checked.decisions - 1)?;
        }
    }
    Ok(code)
}

/// Prints the records one after another.
fn print(line: Vec<Arc<crate::chat::event::Record>>, to: Option<usize>, style: Style) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    headless::print(line.into_iter().take(to.unwrap_or(usize::MAX)), style, &mut out)?;
    Ok(0)
}
