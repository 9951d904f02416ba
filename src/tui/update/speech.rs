//! Speaking: the operator's own words, to whom and in whose name.

use crate::chat::command::Command;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed, Focus, Whisper};
use crate::tui::modal::Modal;
use crate::tui::modal::list::{Choice, Line, List};

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn speech(&mut self, action: Action) -> Option<Vec<Deed>> {
        match action {
            Action::Composer => self.focus = Focus::Composer,
            Action::SpeakAs => self.choose_name(),
            Action::SpeakTo => self.choose_audience(),
            Action::EditorOpen if self.focus == Focus::Composer => {
                return Some(vec![Deed::Edit(self.composer.text())]);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// What an action does to the line that is written; `None` when it does nothing to it.
    pub(super) fn in_composer(&mut self, action: Action) -> Option<Vec<Deed>> {
        match action {
            Action::Submit => return Some(self.send_words()),
            Action::Newline => self.composer.newline(),
            Action::Cancel => self.focus = Focus::Main,
            Action::CancelOrInterrupt if !self.composer.is_empty() => {
                let text = self.composer.take();
                self.history.push(text);
                self.say("Put away; arrow up brings it back.");
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn send_words(&mut self) -> Vec<Deed> {
        if self.composer.text().trim().is_empty() {
            self.focus = Focus::Main;
            return Vec::new();
        }
        let text = self.composer.take();
        self.history.push(text.clone());
        self.recalled = None;
        self.focus = Focus::Main;
        self.transcript.end();
        let (text, as_agent) = (text.into(), self.speak_as.take());
        vec![Deed::Send(match self.speak_to.take() {
            Some(Whisper { to, announced }) => Command::Whisper { text, as_agent, to: vec![to], announced },
            None => Command::Speak { text, as_agent },
        })]
    }

    fn choose_name(&mut self) {
        let mut lines = vec![Line { key: String::new(), text: "yourself".into(), choice: Choice::SpeakAs(None) }];
        for agent in self.session.team().iter().flat_map(|team| team.agents.iter()) {
            lines.push(Line {
                key: String::new(),
                text: format!("{}  (marked as spoken by you)", agent.name),
                choice: Choice::SpeakAs(Some(agent.name.clone())),
            });
        }
        self.open(List::new("Speak as", lines));
    }

    /// What the operator wrote in `$EDITOR`.
    pub fn edited(&mut self, text: &str) {
        match self.modals.last_mut() {
            Some(Modal::Prompt(prompt)) => prompt.editor.set(text),
            _ => {
                self.composer.set(text);
                self.focus = Focus::Composer;
            }
        }
    }
}
