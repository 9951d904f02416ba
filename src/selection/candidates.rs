//! Who may speak next, and why the others may not.
//!
//! Narrowed, in this order, by what the operator barred, silent members, `allow_repeat_speaker`, the transition graph
//! and each member's `available_when` (AG2: GroupChat, steps 5 to 8 of selecting a speaker). A list of successors that
//! is empty means the last word, not "anybody", as AG2 takes it.

use crate::catalog::OptionError;
use crate::chat::Name;
use crate::chat::event::Choice;
use crate::chat::team::{Agent, Repeat, Team};
use crate::rules::Rule;
use crate::session::Session;
use std::collections::HashMap;

/// Who may speak next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidates {
    /// Who may, in the team's order.
    pub eligible: Vec<Name>,
    /// Why, for those of whom something is known.
    pub because: Vec<(Name, String)>,
    /// Who may not, each with the cause.
    pub barred: Vec<(Name, String)>,
    /// Who spoke last and finished; `None` at the start or after somebody outside the team.
    pub last: Option<Name>,
}

/// The rules of a team's members, compiled once.
#[derive(Debug, Default)]
pub struct Gates(HashMap<String, Rule>);

impl Gates {
    /// The gates of a team.
    ///
    /// # Errors
    /// When a member's `available_when` is no rule.
    pub fn new(team: &Team) -> Result<Gates, OptionError> {
        let mut gates = HashMap::new();
        for agent in &team.agents {
            let Some(source) = &agent.available_when else { continue };
            let rule = Rule::parse(source).map_err(|error| OptionError {
                field: Some("available_when".to_owned()),
                message: format!("{}: {error}", agent.name),
                at: Some(error.at),
            })?;
            gates.insert(source.clone(), rule);
        }
        Ok(Gates(gates))
    }

    /// The candidates of the present moment. Whose turn is under way is taken as the last speaker.
    pub fn candidates(&self, session: &Session, team: &Team) -> Candidates {
        let last = match session.turns().last() {
            Some(turn) => Some(turn.agent.clone()),
            None => session.floor().last_speaker.clone(),
        };
        let mut found = Candidates { last, ..Candidates::default() };
        for agent in &team.agents {
            match self.verdict(agent, found.last.as_ref(), session, team) {
                Ok(why) => {
                    found.eligible.push(agent.name.clone());
                    found.because.extend(why.map(|why| (agent.name.clone(), why)));
                }
                Err(cause) => found.barred.push((agent.name.clone(), cause)),
            }
        }
        found
    }

    /// Why this agent may speak, where that is known, or why not.
    fn verdict(
        &self,
        agent: &Agent,
        last: Option<&Name>,
        session: &Session,
        team: &Team,
    ) -> Result<Option<String>, String> {
        if let Some(bar) = session.floor().bar(&agent.name) {
            return Err(bar.words());
        }
        if agent.silent {
            return Err("silent: speaks only when you call on it".to_owned());
        }
        let repeats = last == Some(&agent.name);
        let may_repeat = match &team.allow_repeat_speaker {
            Repeat::Everyone => true,
            Repeat::Nobody => false,
            Repeat::Only(names) => names.contains(&agent.name),
        };
        if repeats && !may_repeat {
            return Err("spoke last; may not repeat".to_owned());
        }
        let mut why = None;
        if let (Some(transitions), Some(last)) = (&team.speaker_transitions, last) {
            if !transitions.allow(last, &agent.name) {
                return Err(format!("may not follow {last}"));
            }
            why = Some(format!("may follow {last}"));
        }
        if let Some(source) = &agent.available_when {
            let holds = match self.0.get(source) {
                Some(rule) => rule.applies(session),
                // A team that was changed while it ran.
                None => match Rule::parse(source) {
                    Ok(rule) => rule.applies(session),
                    Err(error) => return Err(format!("its rule cannot be read: {error}")),
                },
            };
            if !holds {
                return Err(format!("waits until {source}"));
            }
            why = Some(source.clone());
        }
        Ok(why)
    }
}

/// The candidates of the present moment, without rules that were compiled before.
pub fn candidates(session: &Session, team: &Team) -> Candidates {
    Gates::default().candidates(session, team)
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

    /// A line on each candidate for whoever picks by hand: why it may speak, and when it last did.
    pub fn reasons(&self, session: &Session) -> Vec<(Name, String)> {
        let transcript = session.transcript();
        let lines = self.eligible.iter().map(|name| {
            let spoken = transcript.tally().by(name);
            let ago = transcript.rounds().saturating_sub(spoken.round);
            let when = match (spoken.messages, ago) {
                (0, _) => "has not spoken yet".to_owned(),
                (_, 0) => "spoke last".to_owned(),
                (_, 1) => "spoke 1 message ago".to_owned(),
                (_, ago) => format!("spoke {ago} messages ago"),
            };
            let why = self.because.iter().find(|(known, _)| known == name).map(|(_, why)| format!("{why}; "));
            (name.clone(), format!("{}{when}", why.unwrap_or_default()))
        });
        lines.collect()
    }
}
