//! What one looks up and changes about a member: what its model is sent, who hears one's words, prompt and model.

use crate::chat::Name;
use crate::chat::id::MessageId;
use crate::session::Session;
use crate::session::sight::{What, view};
use crate::tui::app::{App, Whisper};
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose};
use crate::tui::words;

/// How much of a message is shown of it in one line.
const GLANCE: usize = 120;

impl App {
    /// Lets the operator say who is to hear the words, and whether the others know.
    pub(super) fn choose_audience(&mut self) {
        let line = |text: String, whom| Line { key: String::new(), text, choice: Choice::SpeakTo(whom) };
        let mut lines = vec![line("everybody".to_owned(), None)];
        for agent in self.session.team().iter().flat_map(|team| team.agents.iter()) {
            let to = |announced| Some(Whisper { to: agent.name.clone(), announced });
            lines.push(line(format!("only {}; the others are told that you spoke to it", agent.name), to(true)));
            lines.push(line(format!("only {}; the others are told nothing", agent.name), to(false)));
        }
        self.open(List::new("Speak to", lines));
    }

    /// Lets the operator change what this agent's model is told first.
    pub(super) fn edit_prompt(&mut self, name: &Name) {
        let Some(agent) = self.session.team().and_then(|team| team.agent(name)) else { return };
        if agent.model.is_none() {
            self.say(format!("{name} has no model; there is nobody to tell anything."));
            return;
        }
        let title = format!("What {name}'s model is told first");
        let help = "It counts from its next request on, and only on this branch; what it was stays in the log.";
        let prompt = Prompt::new(Purpose::SystemMessage(name.clone()), &agent.system_message, title, help);
        self.open(prompt);
    }

    /// Lets the operator give this agent another model of the team.
    pub(super) fn choose_model(&mut self, name: &Name) {
        let Some(team) = self.session.team() else { return };
        let Some(present) = team.agent(name).and_then(|agent| agent.model.clone()) else {
            self.say(format!("{name} has no model."));
            return;
        };
        let lines = team.models.iter().map(|(key, model)| {
            let here = *key == present;
            Line {
                key: if here { "●".into() } else { " ".into() },
                text: format!("{key}  {} ({})", model.model, model.provider.kind),
                choice: if here { Choice::Nothing } else { Choice::Model(name.clone(), key.clone()) },
            }
        });
        let lines = lines.collect();
        self.open(List::new(format!("Model of {name}"), lines));
    }

    /// Shows what this agent will be sent next, part by part, and what it does not see.
    pub(super) fn show_view(&mut self, name: &Name) {
        let Some(agent) = self.session.team().and_then(|team| team.agent(name)) else { return };
        let view = view(agent, &self.session);
        let row = |key: String, text: String| Line { key, text, choice: Choice::Nothing };
        let heading = |text: String| row(String::new(), text);
        let mut lines = Vec::new();
        if agent.model.is_none() {
            lines.push(heading("It has no model: nothing of this is sent anywhere.".into()));
        }
        lines.push(heading(format!("── sent next: {}, about {} tok ──", agent.context, words::tokens(view.tokens()))));
        for part in &view.parts {
            let text = match &part.what {
                What::System => format!("system message: {}", glance(&agent.system_message)),
                What::Introduction => "introductions: who takes part".to_owned(),
                What::Said(id) => said(*id, &self.session),
                What::Skipped(count) => format!("(says that {count} messages are skipped)"),
            };
            lines.push(row(format!("~{}", words::tokens(part.tokens)), text));
        }
        lines.push(heading(String::new()));
        lines.push(heading(format!("── not seen: {} ──", view.unseen.len())));
        for unseen in &view.unseen {
            lines.push(row(unseen.cause.words().into(), said(unseen.message, &self.session)));
        }
        self.open(List::new(format!("What {name} sees"), lines).help());
    }
}

fn glance(text: &str) -> String {
    text.chars().take(GLANCE).collect()
}

/// `7 Coder: You are right`.
fn said(id: MessageId, session: &Session) -> String {
    let Some(entry) = session.transcript().get(id) else { return format!("{}", id.number()) };
    let who = entry.message.author_path().collect::<Vec<_>>().join(" › ");
    format!("{} {who}: {}", id.number(), glance(&entry.message.told()))
}
