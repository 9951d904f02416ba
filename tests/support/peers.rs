//! The loop rules of two peers, written from their description (reference: supervision 3.1), for comparison on one corpus.
//!
//! Both watch a single agent. In a conversation of several each agent is judged by itself, the others being its user;
//! code that is run counts as a call. What asks a model (Gemini's judge) is left out.

use plenary::watch::from_messages::Listed;
use std::collections::HashMap;

/// What one agent did, in the terms of a single-agent tool.
#[derive(Debug, Clone, PartialEq)]
enum Event {
    /// Somebody else spoke.
    User,
    /// It spoke and called nothing.
    Said,
    /// Thought, tool and arguments.
    Acted(String),
    /// A result, and whether it is an error.
    Saw(String, bool),
}

fn code(text: &str) -> Option<&str> {
    let open = text.find("```")?;
    let body = &text[open + 3..];
    Some(&body[..body.find("```").unwrap_or(body.len())])
}

/// The events of each agent.
fn agents(list: &[Listed]) -> HashMap<&str, Vec<Event>> {
    let mut events: HashMap<&str, Vec<Event>> = HashMap::new();
    let mut acting: Option<&str> = None;
    for message in list {
        let result = message
            .results
            .first()
            .map(|result| result.text.clone())
            .or_else(|| message.text.starts_with("exitcode:").then(|| message.text.clone()));
        if let (Some(text), Some(agent)) = (result, acting) {
            let error = text.starts_with("Error") || text.starts_with("exitcode:") && !text.starts_with("exitcode: 0");
            events.entry(agent).or_default().push(Event::Saw(text, error));
            continue;
        }
        for (name, seen) in &mut events {
            if *name != message.speaker {
                seen.push(Event::User);
            }
        }
        let own = events.entry(&message.speaker).or_default();
        if let Some(call) = message.calls.first() {
            own.push(Event::Acted(format!("{}\n{}\n{}", message.text, call.tool, call.arguments)));
            acting = Some(&message.speaker);
        } else if code(&message.text).is_some() {
            own.push(Event::Acted(message.text.clone()));
            acting = Some(&message.speaker);
        } else {
            own.push(Event::Said);
        }
    }
    events
}

/// OpenHands: whether `stuck` after some message.
pub fn openhands(list: &[Listed]) -> bool {
    agents(list).values().any(|all| (1..=all.len()).any(|end| stuck(&all[..end])))
}

fn stuck(all: &[Event]) -> bool {
    // The last 20 events, cut at the last user message.
    let window = &all[all.len().saturating_sub(20)..];
    let window = window.iter().rposition(|event| *event == Event::User).map_or(window, |at| &window[at + 1..]);
    let actions: Vec<&String> =
        window.iter().filter_map(|event| if let Event::Acted(text) = event { Some(text) } else { None }).collect();
    let results: Vec<(&String, bool)> = window
        .iter()
        .filter_map(|event| if let Event::Saw(text, error) = event { Some((text, *error)) } else { None })
        .collect();
    let same = |n: usize| {
        actions.len() >= n
            && results.len() >= n
            && actions.iter().rev().take(n).all(|one| one == actions.last().unwrap())
            && results.iter().rev().take(n).all(|one| one == results.last().unwrap())
    };
    // A run of one action whose result is an error, above 3.
    let errors = actions.len() >= 4
        && actions.iter().rev().take(4).all(|one| one == actions.last().unwrap())
        && results.len() >= 4
        && results.iter().rev().take(4).all(|(_, error)| *error);
    let monologue = window.iter().rev().take(3).filter(|event| **event == Event::Said).count() == 3;
    let alternating = actions.len() >= 6
        && results.len() >= 6
        && (0..4).all(|back| actions[actions.len() - 1 - back] == actions[actions.len() - 3 - back])
        && (0..4).all(|back| results[results.len() - 1 - back] == results[results.len() - 3 - back])
        && actions[actions.len() - 1] != actions[actions.len() - 2];
    same(4) || errors || monologue || alternating
}

/// Gemini CLI: whether a loop was detected after some message (tool loops and chanting).
pub fn gemini(list: &[Listed]) -> bool {
    let mut calls: Vec<String> = Vec::new();
    for message in list {
        for call in &message.calls {
            calls.push(format!("{}\n{}", call.tool, call.arguments));
        }
        if let Some(code) = code(&message.text) {
            calls.push(code.to_owned());
        }
        let kept = &calls[calls.len().saturating_sub(25)..];
        let cycles = |period: usize| {
            kept.len() >= 5 * period && {
                let last = &kept[kept.len() - 5 * period..];
                last.iter().zip(&last[period..]).all(|(a, b)| a == b)
            }
        };
        let called = !message.calls.is_empty() || code(&message.text).is_some();
        if called && (1..=5).any(cycles) || plenary::watch::Chant::default().hear(&message.text).is_some() {
            return true;
        }
    }
    false
}
