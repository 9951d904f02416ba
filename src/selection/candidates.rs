//! Who may speak next, and why the others may not.

use crate::chat::Name;
use crate::chat::event::Choice;
use crate::chat::team::{Repeat, Team};
use crate::session::Session;

/// Who may speak next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidates {
    /// Who may, in the team's order.
    pub eligible: Vec<Name>,
    /// Who may not, each with the cause.
    pub barred: Vec<(Name, String)>,
    /// Who spoke last and finished; `None` at the start or after somebody outside the team.
    pub last: Option<Name>,
}

/// The candidates of the present moment. `speaking` is taken as the last speaker while a turn is under way.
pub fn candidates(session: &Session, team: &Team) -> Candidates {
    let last = match session.turns().last() {
        Some(turn) => Some(turn.agent.clone()),
        None => session.floor().last_speaker.clone(),
    };
    let mut found = Candidates { last, ..Candidates::default() };
    for agent in &team.agents {
        let repeats = found.last.as_ref() == Some(&agent.name);
        let may = match &team.allow_repeat_speaker {
            Repeat::Everyone => true,
            Repeat::Nobody => !repeats,
            Repeat::Only(names) => !repeats || names.contains(&agent.name),
        };
        if may {
            found.eligible.push(agent.name.clone());
        } else {
            found.barred.push((agent.name.clone(), "spoke last; may not repeat".to_owned()));
        }
    }
    found
}

impl Candidates {
    /// The candidate after the last speaker in the team's order (AG2: GroupChat.next_agent).
    pub fn after_last(&self, team: &Team) -> Option<Name> {
        let start = self.last.as_ref().and_then(|last| team.position(last)).map_or(0, |place| place + 1);
        (0..team.agents.len())
            .map(|step| &team.agents[(start + step) % team.agents.len()].name)
            .find(|name| self.eligible.contains(name))
            .cloned()
    }

    /// A choice among these candidates.
    pub fn choose(&self, agent: Name, mode: &str, reason: impl Into<String>, attempts: u32) -> Choice {
        Choice { agent, mode: mode.to_owned(), reason: reason.into(), candidates: self.eligible.clone(), attempts }
    }
}
