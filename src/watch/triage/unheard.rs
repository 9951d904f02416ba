//! What an agent never received: said to others only, or left out by its context rule, although it was meant.

use super::{Remedy, Suspicion, glance};
use crate::chat::message::{Author, Completeness, Message};
use crate::chat::team::Agent;
use crate::session::Session;
use crate::session::sight;
use std::collections::HashSet;

pub(super) fn find(session: &Session) -> Option<Suspicion> {
    let team = session.team()?;
    let found = team.agents.iter().filter_map(|agent| missed(agent, session));
    found.min_by_key(|(place, _)| *place).map(|(_, suspicion)| suspicion)
}

/// The first message that names this agent, does not reach it, and after which it speaks.
fn missed(agent: &Agent, session: &Session) -> Option<(usize, Suspicion)> {
    let entries = session.transcript().entries();
    let own = |message: &Message| matches!(&message.author, Author::Agent(name) if *name == agent.name);
    let last_own = entries.iter().rposition(|entry| own(&entry.message))?;
    let sent: HashSet<usize> = sight::sight(agent, session).places.into_iter().collect();
    let (place, entry) = entries[..last_own].iter().enumerate().find(|(place, entry)| {
        let message = &entry.message;
        let meant = names(&message.content, &agent.name) && !own(message) && message.within.is_empty();
        let heard = message.is_heard_by(&agent.name) && sent.contains(place);
        meant && !heard && message.completeness != Completeness::Interrupted
    })?;
    let message = &entry.message;
    let why = match message.audience() {
        Some(audience) => format!("it was said {audience}"),
        None => format!("its context rule ({}) leaves it out", agent.context),
    };
    let suspicion = Suspicion {
        message: message.id,
        text: format!("{} is named here and was never sent this: {why}", agent.name),
        quote: glance(&message.content),
        remedy: Remedy::Tell {
            to: Some(agent.name.clone()),
            text: format!("{} said this, which you have not received:\n\n{}", message.author.name(), message.content),
        },
    };
    Some((place, suspicion))
}

/// Whether a text has this name as a word.
fn names(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !word(c));
        before && text[at + name.len()..].chars().next().is_none_or(|c| !word(c))
    })
}
