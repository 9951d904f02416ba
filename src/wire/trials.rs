//! Trying out what would have been: edited runs and controls, each a session of its own, side by side where that does no
//! harm.

use super::{Options, Run, WireError, allowed, concrete, session_id, store};
use crate::chat::command::Command;
use crate::chat::event::EndCause;
use crate::chat::trials::{Arm, Trials, WhatIf};
use crate::chat::update::Update;
use crate::compare::fork;
use crate::engine::{Clock, Engine, Parts};
use crate::journal::{Durability, Journal, Writer};
use crate::models::Models;
use crate::rules::Rule;
use crate::session::Session;
use crate::settings::Settings;
use futures_util::{StreamExt, stream};
use std::sync::Arc;

/// Most runs of each kind: money is spent on every one.
pub const MOST: u32 = 50;
/// Runs at the same time.
const BESIDE: usize = 3;

/// What is needed to try something out.
#[derive(Clone)]
pub struct Setup {
    /// The operator's settings.
    pub settings: Arc<Settings>,
    /// Whether code may run unasked.
    pub options: Options,
    /// When a run counts as solved; without it, when it ends by one of the team's own conditions.
    pub solved: Option<Rule>,
}

/// The quote, before anything runs.
pub fn quoted(session: &Session, asked: &WhatIf) -> Trials {
    let problem = match asked.runs {
        0 => Some("there is nothing to run".to_owned()),
        runs if runs > MOST => Some(format!("at most {MOST} runs of each kind")),
        _ => fork::arm(session, asked, true, 1, "trial").err(),
    };
    let quote = if problem.is_none() { fork::quote(session, asked) } else { None };
    Trials { asked: asked.clone(), quote, arms: Vec::new(), problem }
}

/// Runs all arms; `tell` hears of each that is over. A run that cannot even begin ends the trial.
pub async fn try_out(session: &Session, asked: &WhatIf, setup: &Setup, mut tell: impl FnMut(&Trials)) -> Trials {
    let mut trials = quoted(session, asked);
    if trials.problem.is_some() {
        return trials;
    }
    // Programs share a directory: what one run leaves there another would find.
    let acts = session.team().is_some_and(|team| {
        team.agents.iter().any(|agent| agent.code_execution.is_some() || agent.nested.is_some())
            || !team.tools.is_empty()
    });
    let arms = (1..=asked.runs).flat_map(|number| [(true, number), (false, number)]);
    let runs = arms.map(|(edited, number)| one(session, asked, setup, edited, number));
    let mut runs = std::pin::pin!(stream::iter(runs).buffer_unordered(if acts { 1 } else { BESIDE }));
    while let Some(done) = runs.next().await {
        match done {
            Ok(arm) => trials.arms.push(arm),
            Err(why) => {
                trials.problem = Some(why);
                break;
            }
        }
        tell(&trials);
    }
    trials
}

async fn one(session: &Session, asked: &WhatIf, setup: &Setup, edited: bool, number: u32) -> Result<Arm, String> {
    let kind = if edited { "edited" } else { "control" };
    let team = session.team().map_or("session", |team| team.name.as_str());
    let id = session_id(&format!("{team}-{kind}-{number}"));
    let line = fork::arm(session, asked, edited, number, &id)?;
    let begun = line.len();
    let Run { session: mut arm, handle, .. } = run(line, &id, setup).map_err(|error| error.to_string())?;
    let mut updates = handle.updates;
    // What was opened holds: it goes on because this was asked for.
    let mut resumed = false;
    while let Some(update) = updates.recv().await {
        if let Update::Record(record) = update {
            arm.apply(record).map_err(|error| error.to_string())?;
            if !resumed && arm.hold().is_some() {
                resumed = true;
                let _ = handle.commands.send(Command::Resume).await;
            } else if arm.hold().is_some() && !arm.is_busy() && resumed && arm.log().len() > begun + 2 {
                // Nobody is there to let it go on.
                break;
            }
            if arm.ended().is_some() && !arm.awaits_summary() {
                break;
            }
        }
    }
    drop(handle.commands);
    updates.close();
    let _ = handle.done.await;
    let solved = match (&setup.solved, arm.ended()) {
        (Some(rule), _) => rule.applies(&arm),
        (None, Some(ended)) => {
            matches!(ended.cause, EndCause::Condition(_) | EndCause::Member | EndCause::Complete | EndCause::NoSpeaker)
        }
        (None, None) => false,
    };
    let outcome = match (arm.ended(), arm.hold()) {
        (Some(ended), _) => ended.text.clone(),
        (None, Some(why)) => format!("holds: {why:?}"),
        (None, None) => "stopped".to_owned(),
    };
    let parted = fork::divergence(session, &arm, asked.from);
    let (cost, _) = fork::cost(&arm.log()[begun.min(arm.log().len())..]);
    let messages = arm.transcript().len()
        - session.transcript().place(asked.from).map_or(0, |place| place + 1).min(arm.transcript().len());
    Ok(Arm {
        edited,
        number,
        session: id,
        outcome,
        solved,
        divergence: parted.map(|(number, _)| number),
        at: parted.map(|(_, seq)| seq),
        cost,
        messages: messages as u32,
    })
}

/// Stores a forked log and starts an engine on it.
fn run(line: Vec<Arc<crate::chat::event::Record>>, id: &str, setup: &Setup) -> Result<Run, WireError> {
    let session = Session::replay(line.iter().cloned())?;
    let team = session.team().cloned().ok_or(crate::session::ApplyError::Start { seq: 1 })?;
    let options = Options { headless: true, ..setup.options.clone() };
    let (machine, executors) = concrete(&team, &allowed(&options, &setup.settings))?;
    let shell = super::shell(&executors);
    let journal = if options.ephemeral {
        let mut memory = crate::journal::Memory::default();
        memory.append(&line, Durability::Soft)?;
        Writer::spawn(Box::new(memory))
    } else {
        let mut journal = store(&setup.settings)?.create(id)?;
        journal.append(&line, Durability::Hard)?;
        Writer::spawn(Box::new(journal))
    };
    let handle = Engine::start(Parts {
        session: session.clone(),
        start: None,
        machine,
        journal,
        // Never from the cache: a control that is an old answer says nothing.
        models: Models::new(&team, super::keyring(&setup.settings)),
        executors,
        clock: Clock::system(),
    });
    Ok(Run { session, id: id.to_owned(), handle, shell })
}
