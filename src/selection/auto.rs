//! A model names the next speaker (AG2: speaker_selection_method="auto").
//!
//! The exchange is ordinary data: each question is a function of the session and of the answers so far, so it can be
//! recorded, counted, shown and replayed. Differences from AG2: the fallback is visible, the tokens are counted, and
//! the longest name wins when names overlap.

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options, text};
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
    fields: &[
        Field {
            name: "select_speaker_message_template",
            kind: FieldKind::Text,
            required: false,
            about: "what it is told first; `{roles}` and `{agentlist}` are filled in, other braces stay",
        },
        Field {
            name: "select_speaker_prompt_template",
            kind: FieldKind::Text,
            required: false,
            about: "what it is told after the conversation; `{agentlist}` is filled in",
        },
        Field {
            name: "select_speaker_auto_multiple_template",
            kind: FieldKind::Text,
            required: false,
            about: "what it is told when it named several; `{agentlist}` is filled in",
        },
        Field {
            name: "select_speaker_auto_none_template",
            kind: FieldKind::Text,
            required: false,
            about: "what it is told when it named nobody; `{agentlist}` is filled in",
        },
    ],
    build: |options| Ok(Box::new(Auto(Templates::read(options)?))),
};

const MESSAGE: &str = "Several roles share one conversation. The roles are:\n{roles}\n\nRead the conversation. Then choose \
                       who of {agentlist} should speak next. Answer with that name only.";
const PROMPT: &str = "Read the conversation above. Who of {agentlist} should speak next? Answer with the name only.";
const MULTIPLE: &str = "More than one name was given. If you spoke as one of them, give that one; otherwise the one you \
                        called next; otherwise the first. Answer with exactly one name and nothing else.";
const NONE: &str = "No speaker was named. Names are case-sensitive and not abbreviated. Answer with exactly one of \
                    {agentlist} and nothing else.";

/// What the selector's model is told (AG2: the templates of GroupChat).
struct Templates {
    message: String,
    prompt: String,
    multiple: String,
    none: String,
}

impl Default for Templates {
    fn default() -> Self {
        Templates { message: MESSAGE.into(), prompt: PROMPT.into(), multiple: MULTIPLE.into(), none: NONE.into() }
    }
}

impl Templates {
    fn read(options: &Options) -> Result<Self, OptionError> {
        let mut templates = Templates::default();
        for (name, template) in [
            ("select_speaker_message_template", &mut templates.message),
            ("select_speaker_prompt_template", &mut templates.prompt),
            ("select_speaker_auto_multiple_template", &mut templates.multiple),
            ("select_speaker_auto_none_template", &mut templates.none),
        ] {
            match text(options, name) {
                Some(words) if words.trim().is_empty() => {
                    return Err(OptionError::of(name, "is empty: the model would not know what is asked of it"));
                }
                Some(words) => words.clone_into(template),
                None => {}
            }
        }
        Ok(templates)
    }
}

struct Auto(Templates);

impl Selector for Auto {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        exchange(candidates, session, &self.0)
    }

    fn foresee(&self, _candidates: &Candidates, _session: &Session) -> Option<Choice> {
        None
    }
}

/// What the exchange with the model has come to, or the next question.
pub(super) fn pick(candidates: &Candidates, session: &Session) -> Pick {
    exchange(candidates, session, &Templates::default())
}

fn exchange(candidates: &Candidates, session: &Session, templates: &Templates) -> Pick {
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
    Pick::Ask(question(candidates, session, team, templates))
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

fn question(candidates: &Candidates, session: &Session, team: &Team, templates: &Templates) -> Vec<Prompt> {
    let roles: Vec<String> = candidates
        .eligible
        .iter()
        .filter_map(|name| team.agent(name))
        .map(|agent| {
            // A description of several lines would look like several roles.
            let words: Vec<&str> = agent.description.split_whitespace().collect();
            format!("{}: {}", agent.name, words.join(" ")).trim().to_owned()
        })
        .collect();
    let list: Vec<String> = candidates.eligible.iter().map(|name| format!("'{name}'")).collect();
    let list = format!("[{}]", list.join(", "));
    let system = |text: String| Prompt::new(Role::System, None, text);
    let filled = |template: &str| template.replace("{agentlist}", &list);
    // The list first: a description may contain what looks like a place for it.
    let mut prompts = vec![system(filled(&templates.message).replace("{roles}", &roles.join("\n")))];
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
    prompts.push(system(filled(&templates.prompt)));
    if let Some(hint) = &session.floor().hint {
        prompts.push(system(format!("The operator of this conversation adds: {}", hint.trim())));
    }
    for attempt in &session.floor().selecting.attempts {
        prompts.push(Prompt::new(Role::Assistant, None, attempt.answer.clone()));
        let complaint = if attempt.mentions.is_empty() { &templates.none } else { &templates.multiple };
        prompts.push(system(filled(complaint)));
    }
    prompts
}
