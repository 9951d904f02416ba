//! A model names the next speaker (AG2: speaker_selection_method="auto").
//!
//! The exchange is ordinary data: each question is a function of the session and of the answers so far, so it can be
//! recorded, counted, shown and replayed. Differences from AG2: the fallback is visible, the tokens are counted, and
//! the longest name wins when names overlap.

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::Entry;
use crate::chat::event::Choice;
use crate::chat::message::Author;
use crate::chat::request::{Prompt, Role};
use crate::chat::team::Team;
use crate::session::Session;

/// `speaker_selection_method = "auto"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "auto",
    about: "a model reads the conversation and names the next speaker",
    example: "speaker_selection_method = \"auto\"",
    fields: &[],
    build: |_| Ok(Box::new(Auto)),
};

struct Auto;

impl Selector for Auto {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        pick(candidates, session)
    }

    fn foresee(&self, _candidates: &Candidates, _session: &Session) -> Option<Choice> {
        None
    }
}

/// What the exchange with the model has come to, or the next question.
pub(super) fn pick(candidates: &Candidates, session: &Session) -> Pick {
    let Some(team) = session.team() else { return Pick::Person { proposed: None } };
    let attempts = &session.floor().selecting.attempts;
    if let Some(last) = attempts.last() {
        // Who may speak can have changed since the answer was read.
        let mentioned: Vec<_> = last.mentions.iter().filter(|(name, _)| candidates.eligible.contains(name)).collect();
        if let [(name, _)] = mentioned.as_slice() {
            let reason = reason_of(&last.answer, name);
            return Pick::Choose(candidates.choose(name.clone(), "auto", reason, attempts.len() as u32));
        }
        // AG2: exactly TERMINATE ends the inner chat at once, and so does running out of attempts.
        if last.answer.trim() == "TERMINATE" || attempts.len() as u32 > team.max_retries_for_selecting_speaker {
            return match candidates.after_last(team) {
                Some(agent) => {
                    let reason = format!(
                        "fallback to the team's order: {} selector answers named nobody or several",
                        attempts.len()
                    );
                    Pick::Choose(candidates.choose(agent, "auto fallback", reason, attempts.len() as u32))
                }
                None => Pick::Person { proposed: None },
            };
        }
    }
    Pick::Ask(question(candidates, session, team))
}

/// What else the selector said, as the reason; short answers are only the name.
fn reason_of(answer: &str, name: &str) -> String {
    let rest = answer.trim();
    if rest.len() <= name.len() + 2 {
        return "named by the selector".to_owned();
    }
    let line = rest.lines().next().unwrap_or_default();
    let short: String = line.chars().take(120).collect();
    format!("selector: {short}")
}

fn question(candidates: &Candidates, session: &Session, team: &Team) -> Vec<Prompt> {
    let roles: Vec<String> = candidates
        .eligible
        .iter()
        .filter_map(|name| team.agent(name))
        .map(|agent| format!("{}: {}", agent.name, agent.description.trim()).trim().to_owned())
        .collect();
    let list: Vec<String> = candidates.eligible.iter().map(|name| format!("'{name}'")).collect();
    let list = format!("[{}]", list.join(", "));
    let system = |text: String| Prompt::new(Role::System, None, text);
    let mut prompts = vec![system(format!(
        "Several roles share one conversation. The roles are:\n{}\n\nRead the conversation. Then choose who of {list} \
         should speak next. Answer with that name only.",
        roles.join("\n")
    ))];
    for entry in session.transcript().entries() {
        let message = &entry.message;
        if !message.is_shared() || !message.to.is_empty() {
            continue;
        }
        let name = match &message.author {
            Author::Agent(name) => Some(name.clone()),
            Author::Operator => None,
        };
        prompts.push(Prompt::new(Role::User, name, message.content.clone()));
    }
    prompts.push(system(format!(
        "Read the conversation above. Who of {list} should speak next? Answer with the name only."
    )));
    for attempt in &session.floor().selecting.attempts {
        prompts.push(Prompt::new(Role::Assistant, None, attempt.answer.clone()));
        let complaint = if attempt.mentions.is_empty() {
            format!(
                "No speaker was named. Names are case-sensitive and not abbreviated. Answer with exactly one of {list} \
                 and nothing else."
            )
        } else {
            "More than one name was given. If you spoke as one of them, give that one; otherwise the one you called \
             next; otherwise the first. Answer with exactly one name and nothing else."
                .to_owned()
        };
        prompts.push(system(complaint));
    }
    prompts
}
