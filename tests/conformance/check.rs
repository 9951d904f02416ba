//! Compares what came of a case with its data.

use super::case::{Case, End};
use super::play::{Played, kind};
use crate::chat::end::Summarized;
use crate::chat::event::{EndCause, Event};
use crate::chat::message::Completeness;
use crate::chat::request::{Prompt, Purpose, Request, Role};
use crate::engine::tests::world::World;
use crate::session::Waiting;
use std::fmt::Debug;

/// Where the world is not what the data says.
pub fn check(played: &Played, case: &Case) -> Result<(), String> {
    let world = &played.world;
    let mut wrong = Vec::new();
    let path = world.session.path();
    if let Some(said) = &case.said {
        compare(&mut wrong, "said", &told(world), said);
    }
    if let Some(chosen) = &case.chosen {
        compare(&mut wrong, "chosen", &world.choices(), chosen);
    }
    if let Some(asked) = &case.asked {
        let found: Vec<String> = path
            .iter()
            .filter_map(|record| match &record.event {
                Event::HumanAsked { agent, ask_kind, .. } => Some(format!("{agent} {}", kind(*ask_kind))),
                _ => None,
            })
            .collect();
        compare(&mut wrong, "asked", &found, asked);
    }
    if let Some(reasons) = &case.reasons {
        let found: Vec<String> = path
            .iter()
            .filter_map(|record| match &record.event {
                Event::SpeakerChosen { choice } => Some(choice.reason.clone()),
                _ => None,
            })
            .collect();
        let fits = found.len() == reasons.len() && found.iter().zip(reasons).all(|(found, part)| found.contains(part));
        if !fits {
            compare(&mut wrong, "reasons", &found, reasons);
        }
    }
    for (who, requests) in &case.sees {
        let found: Vec<Vec<String>> = requests_of(world, who).map(|request| seen(request, who)).collect();
        compare(&mut wrong, &format!("sees {who}"), &found, requests);
    }
    for (who, offers) in &case.offers {
        let described = |request: &Request| {
            request.tools.iter().map(|tool| format!("{}: {}", tool.name, tool.description)).collect::<Vec<_>>()
        };
        let found: Vec<Vec<String>> = requests_of(world, who).map(described).collect();
        let fits = |(found, wanted): (&String, &String)| {
            found == wanted || found.split_once(": ").is_some_and(|(name, _)| name == wanted)
        };
        let same = |(found, wanted): (&Vec<String>, &Vec<String>)| {
            found.len() == wanted.len() && found.iter().zip(wanted).all(fits)
        };
        if found.len() != offers.len() || !found.iter().zip(offers).all(same) {
            compare(&mut wrong, &format!("offers {who}"), &found, offers);
        }
    }
    if let Some(results) = &case.results {
        let entries = world.session.transcript().entries();
        let found = entries.iter().flat_map(|entry| entry.message.tool_results.iter());
        let found: Vec<String> =
            found.map(|result| format!("{}{}", if result.is_error { "! " } else { "" }, result.content)).collect();
        if found.len() != results.len() || found.iter().zip(results).any(|(found, part)| !found.starts_with(part)) {
            compare(&mut wrong, "results", &found, results);
        }
    }
    for (who, calls) in &case.calls {
        compare(&mut wrong, &format!("calls of {who}"), &requests_of(world, who).count(), calls);
    }
    for (number, parts) in &case.question {
        let place = number.parse::<usize>().unwrap_or_else(|_| panic!("question {number:?} is no number"));
        let text = requests_of(world, "selector")
            .nth(place - 1)
            .map(|request| request.messages.iter().map(|prompt| line(prompt) + "\n").collect::<String>());
        for part in parts {
            let (absent, part) = part.strip_prefix("! ").map_or((false, part.as_str()), |part| (true, part));
            let there = text.as_ref().is_some_and(|text| text.contains(part));
            if there == absent || text.is_none() {
                wrong.push(format!("question {number}: {part:?}, absent {absent}: {text:?}"));
            }
        }
    }
    for (who, count) in &case.counters {
        compare(&mut wrong, &format!("counter of {who}"), &world.session.meter(who).auto_replies, count);
    }
    if let Some(ran) = &case.ran {
        let found: Vec<String> = world
            .ran
            .iter()
            .map(|(_, _, payload)| {
                payload.blocks.iter().map(|block| block.code.to_string()).collect::<Vec<_>>().join(" ; ")
            })
            .collect();
        compare(&mut wrong, "ran", &found, ran);
    }
    let speakers: Vec<&str> = path
        .iter()
        .filter_map(|record| match &record.event {
            Event::SpeakerChosen { choice } => Some(&*choice.agent),
            _ => None,
        })
        .collect();
    let repeats = |name: &String| speakers.windows(2).any(|pair| pair[0] == name && pair[1] == name);
    for (names, wanted) in [(&case.never_twice, false), (&case.twice, true)] {
        let odd: Vec<_> = names.iter().filter(|name| repeats(name) != wanted).collect();
        if !odd.is_empty() {
            wrong.push(format!("twice in a row, which should be {wanted} of {odd:?}: {speakers:?}"));
        }
    }
    if let Some(summary) = &case.summary {
        let newest = path.iter().rev().find_map(|record| match &record.event {
            Event::Summarized(Summarized { text, .. }) => Some(text.to_string()),
            _ => None,
        });
        compare(&mut wrong, "summary", &newest, &Some(summary.clone()));
    }
    if let Some(cost) = case.cost {
        let found = world.session.spent().cost.dollars();
        if (found - cost).abs() > 1e-9 {
            wrong.push(format!("cost: {found}\n  wanted {cost}"));
        }
    }
    let waits: Vec<String> = played.waiting.iter().map(waits).collect();
    match (&case.waits, &case.end) {
        (Some(wanted), _) => compare(&mut wrong, "waits", &waits, wanted),
        (None, None) => {}
        (None, Some(_)) => compare(&mut wrong, "waits", &waits, &Vec::new()),
    }
    let ends: Vec<End> = path
        .iter()
        .filter_map(|record| match &record.event {
            Event::Ended { cause, text, agent, .. } => {
                let agent = agent.as_ref().map(ToString::to_string);
                Some(End { cause: cause_name(cause), text: Some(text.clone()), agent })
            }
            _ => None,
        })
        .collect();
    let last: Vec<End> = case.end.iter().cloned().collect();
    let wanted = case.ends.as_ref().unwrap_or(&last);
    if ends.len() != wanted.len() || ends.iter().zip(wanted).any(|(found, wanted)| !is_end(found, wanted)) {
        compare(&mut wrong, "end", &ends, wanted);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn compare<T: PartialEq + Debug>(wrong: &mut Vec<String>, what: &str, found: &T, wanted: &T) {
    if found != wanted {
        wrong.push(format!("{what}: {found:?}\n  wanted {wanted:?}"));
    }
}

/// What is not said of an end is not compared; of its text, the beginning is.
fn is_end(found: &End, wanted: &End) -> bool {
    let text = found.text.as_deref().unwrap_or_default();
    found.cause == wanted.cause
        && wanted.text.as_deref().is_none_or(|wanted| text.starts_with(wanted))
        && wanted.agent.as_ref().is_none_or(|agent| found.agent.as_ref() == Some(agent))
}

/// The name of a cause in the data.
fn cause_name(cause: &EndCause) -> String {
    match serde_json::to_value(cause).unwrap() {
        serde_json::Value::String(name) => name,
        other => {
            let (kind, value) = other.as_object().unwrap().iter().next().unwrap();
            format!("{kind}:{}", value.as_str().unwrap_or_default())
        }
    }
}

fn waits(item: &Waiting) -> String {
    match item {
        Waiting::Task => "task",
        Waiting::Approval(_) => "approval",
        Waiting::Ask(_) => "ask",
        Waiting::Pick => "pick",
        Waiting::Unknown(_) => "unknown",
        Waiting::Hold(_) => "hold",
    }
    .to_owned()
}

/// The transcript as `author: text`, with tool traffic written out; interrupted messages in brackets, and those said inside
/// a nested team below its name.
fn told(world: &World) -> Vec<String> {
    let shown = world.session.transcript().entries().iter().map(|entry| {
        let message = &entry.message;
        let line = format!("{}: {}", message.author_path().collect::<Vec<_>>().join("/"), message.told());
        if message.completeness == Completeness::Interrupted { format!("[{line}]") } else { line }
    });
    shown.collect()
}

fn requests_of<'a>(world: &'a World, who: &'a str) -> impl Iterator<Item = &'a Request> {
    world.asked.iter().filter(move |request| match request.purpose {
        Purpose::Select => who == "selector",
        Purpose::Summarize => who == "summary",
        Purpose::Judge => who == "judge",
        Purpose::Speak => &*request.agent == who,
    })
}

/// What a model was sent, a line a message. An agent's own instructions are left out.
fn seen(request: &Request, who: &str) -> Vec<String> {
    let shown = request.messages.iter().filter(|prompt| who == "selector" || prompt.role != Role::System);
    shown.map(line).collect()
}

fn line(prompt: &Prompt) -> String {
    let role = serde_json::to_value(prompt.role).unwrap();
    let name = prompt.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}: {}", role.as_str().unwrap(), prompt.content)
}
