//! Plays a case: reads its team as a team file, and lets the machine and the operator act.

use super::case::{Case, File, Reply, Step};
use super::check;
use crate::chat::Name;
use crate::chat::command::Command;
use crate::chat::event::{Answer, AskKind, Boundary, Verdict};
use crate::engine::Rules;
use crate::engine::tests::world::{Reply as Says, World};
use crate::session::Waiting;
use crate::settings::{Base, Defaults, parse_team};
use crate::wire;
use std::sync::Arc;
use toml::{Table, Value};

/// What a case's world is made of.
pub struct Played {
    /// The world at the end.
    pub world: World,
    /// What waited when it came to rest.
    pub waiting: Vec<Waiting>,
}

/// Plays a case and compares.
pub fn play(file: &File, case: &Case) -> Result<(), String> {
    let text = toml::to_string(&team_file(file, case)).map_err(|error| error.to_string())?;
    let defaults = Defaults {
        limits: crate::chat::team::Limits { max_cost: None, max_tokens: None, max_time_ms: None, max_executions: None },
        languages: Vec::new(),
        watch: Default::default(),
        breakpoints: Vec::new(),
    };
    let base = Base { dir: "/case".into(), defaults };
    let loaded = parse_team("team.toml", &text, &wire::families(), &|_, _| (None, None), &base);
    let team = match (loaded, &case.refuses) {
        (Ok(loaded), None) => loaded.team,
        (Ok(_), Some(part)) => return Err(format!("team: it was taken, and not refused with {part:?}\n{text}")),
        (Err(report), Some(part)) => {
            let said = report.to_string();
            return if said.contains(part.as_str()) { Ok(()) } else { Err(format!("team: {said}")) };
        }
        (Err(report), None) => return Err(format!("team: {report}\n{text}")),
    };
    let rules = Rules { headless: case.headless, ..Rules::default() };
    let mut world = World::with(team, rules);
    for (who, replies) in &case.replies {
        world.script(who, replies.iter().map(says));
    }
    world.outcomes = case.outcomes.iter().map(|(code, text)| (*code, &*text.clone().leak())).collect();
    match &case.begin {
        Some(text) => world.command(speak(text, case.by.as_deref())),
        None => world.go(),
    };
    for (number, step) in case.steps.iter().enumerate() {
        act(&mut world, step, case).map_err(|why| format!("steps: number {}: {why}\n{}", number + 1, world.tail(6)))?;
    }
    let waiting = world.session.waiting();
    check::check(&Played { world, waiting }, case)
}

fn says(reply: &Reply) -> Says {
    match reply {
        Reply::Says(text) => Says::Say(text.clone()),
        Reply::Does(deed) => match (&deed.cut, deed.fail) {
            (Some(text), _) => Says::Cut(text.clone()),
            (None, Some(kind)) => Says::Fail(deed.after.clone(), kind),
            (None, None) if !deed.calls.is_empty() => Says::Call(deed.after.clone(), deed.calls.clone()),
            (None, None) if deed.hangs => Says::Hang(deed.after.clone()),
            (None, None) => panic!("this reply does nothing: {deed:?}"),
        },
    }
}

fn speak(text: &str, by: Option<&str>) -> Command {
    Command::Speak { text: text.into(), as_agent: by.map(Name::from) }
}

/// The team file of a case.
fn team_file(file: &File, case: &Case) -> Table {
    let mut team = file.team.clone();
    team.extend(case.team.clone());
    team.entry("name").or_insert("case".into());
    let agents: Vec<Value> = case.agents.iter().map(|agent| stub(file, agent)).collect();
    let mut models = case.models.clone();
    let unused = Value::Table(Table::from_iter([("text".to_owned(), Value::from("unused"))]));
    for model in std::iter::once("main").filter(|_| case.models.is_empty()).chain(case.models.keys().map(|key| &**key))
    {
        let table = models.entry(model).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(table) = table {
            table.entry("provider").or_insert("scripted".into());
            table.entry("model").or_insert("words".into());
            if table["provider"].as_str() == Some("scripted") {
                table.entry("reply").or_insert(Value::Array(vec![unused.clone()]));
            }
        }
    }
    let mut whole = case.tables.clone();
    whole.insert("team".into(), Value::Table(team));
    whole.insert("agents".into(), Value::Array(agents));
    whole.insert("models".into(), Value::Table(models));
    whole
}

/// An agent as it stands in a team file. Without a kind it is the references' stub: no model, never asks, always says
/// the same.
fn stub(file: &File, agent: &Value) -> Value {
    let mut table = match agent {
        Value::String(name) => Table::from_iter([("name".to_owned(), Value::from(name.as_str()))]),
        Value::Table(table) => table.clone(),
        other => panic!("an agent is a name or a table, not {other}"),
    };
    // The members of a nested team, too.
    let members = table.get_mut("team").and_then(Value::as_table_mut).and_then(|team| team.get_mut("agents"));
    if let Some(members) = members.and_then(Value::as_array_mut) {
        members.iter_mut().for_each(|member| *member = stub(file, member));
    }
    if !table.contains_key("kind") {
        let name = table["name"].as_str().unwrap_or_default().to_owned();
        let words = file.stub.replace("{name}", &name).replace("{NAME}", &name.to_uppercase());
        table.insert("kind".into(), "user_proxy".into());
        table.entry("human_input_mode").or_insert("NEVER".into());
        table.entry("default_auto_reply").or_insert(words.into());
    }
    Value::Table(table)
}

fn act(world: &mut World, step: &Step, case: &Case) -> Result<(), String> {
    let before = world.refused.len();
    if step.reopen {
        let rules = Rules { headless: case.headless, ..Rules::default() };
        let (scripts, outcomes) = (std::mem::take(&mut world.scripts), std::mem::take(&mut world.outcomes));
        *world = world.reopened(rules);
        world.scripts = scripts;
        world.outcomes = outcomes;
        world.go();
        return Ok(());
    }
    let command = command(world, step)?;
    world.command(command);
    let refused = &world.refused[before..];
    match &step.refused {
        Some(part) if !refused.iter().any(|text| text.contains(part.as_str())) => {
            Err(format!("it was not refused with {part:?} but {refused:?}"))
        }
        None if !refused.is_empty() => Err(format!("it was refused: {refused:?}")),
        _ => Ok(()),
    }
}

fn command(world: &World, step: &Step) -> Result<Command, String> {
    let waiting = world.session.waiting();
    if let Some(asked) = &step.ask {
        let open = waiting.iter().find_map(|item| match item {
            Waiting::Ask(id) => world.session.ask(*id),
            _ => None,
        });
        let ask = open.ok_or(format!("nobody asks; waiting: {waiting:?}"))?;
        let found = format!("{} {}", ask.agent, kind(ask.kind));
        if found != *asked {
            return Err(format!("{found:?} is asked, not {asked:?}"));
        }
        let answer = match &step.say {
            Some(text) => Answer::Say(text.as_str().into()),
            None if step.end => Answer::End,
            None if step.skip => Answer::Skip,
            None => return Err("no answer is given".into()),
        };
        return Ok(Command::Reply { ask: ask.id, answer });
    }
    if step.pick.is_some() || step.accept || step.of.is_some() {
        let wanted = world.session.floor().wanted.as_ref().ok_or(format!("no pick is wanted; waiting: {waiting:?}"))?;
        let candidates: Vec<String> = wanted.candidates.iter().map(ToString::to_string).collect();
        if let Some(of) = &step.of
            && *of != candidates
        {
            return Err(format!("the pick is among {candidates:?}"));
        }
    }
    if step.approve || step.remember || step.deny.is_some() {
        let id = waiting.iter().find_map(|item| match item {
            Waiting::Approval(id) => Some(*id),
            _ => None,
        });
        let asked = id.and_then(|id| world.session.approval(id)).ok_or(format!("no code waits: {waiting:?}"))?;
        let verdict = step.deny.clone().map_or(Verdict::Run, Verdict::Deny);
        let (approval, hash) = (asked.id, asked.hash.clone());
        return Ok(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: step.remember });
    }
    let name = |name: &String| Name::from(name.as_str());
    Ok(match step {
        Step { pick: Some(agent), .. } | Step { call_on: Some(agent), .. } => Command::CallOn { agent: name(agent) },
        Step { accept: true, .. } => Command::AcceptProposal,
        Step { queue: Some(queue), .. } => Command::Queue { queue: queue.iter().map(name).collect() },
        Step { speak: Some(text), by, .. } => speak(text, by.as_deref()),
        Step { go_on: true, .. } => Command::Continue,
        Step { resume: true, .. } => Command::Resume,
        Step { step: true, .. } => Command::Step,
        Step { pause: true, .. } => Command::Pause { boundary: Boundary::Turn },
        Step { interrupt: true, .. } => Command::Interrupt,
        Step { terminate: true, .. } => Command::Terminate,
        Step { end: true, .. } => Command::End,
        Step { edit: Some(number), to: Some(text), .. } => {
            let entry = &world.session.transcript().entries()[number - 1];
            Command::Edit { message: entry.message.id, content: Arc::from(text.as_str()) }
        }
        other => return Err(format!("this step does nothing: {other:?}")),
    })
}

/// The name of a question in the data.
pub fn kind(kind: AskKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}
