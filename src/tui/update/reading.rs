//! Reading: moving through the transcript, searching it, copying it, and going on from a message of it.

use crate::chat::command::Command;
use crate::chat::event::Event;
use crate::chat::id::MessageId;
use crate::session::Session;
use crate::session::search::messages_with;
use crate::text::clean::{Context as Clean, one_line, plain};
use crate::text::width::take;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed, Focus};
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose};

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn reading(&mut self, action: Action, digit: Option<u8>) -> Option<Vec<Deed>> {
        match action {
            Action::View => {
                if let Some(agent) = self.numbered(digit) {
                    self.show_view(&agent);
                }
            }
            Action::SelectNext => self.transcript.select(true, &self.session),
            Action::SelectPrev => self.transcript.select(false, &self.session),
            Action::ScrollDown => self.transcript.scroll(1, &self.session),
            Action::ScrollUp => self.transcript.scroll(-1, &self.session),
            Action::PageDown => self.scroll_pages(2),
            Action::PageUp => self.scroll_pages(-2),
            Action::HalfDown => self.scroll_pages(1),
            Action::HalfUp => self.scroll_pages(-1),
            Action::Top => self.transcript.begin(),
            Action::Bottom => self.transcript.end(),
            Action::ToggleFold => self.transcript.toggle_fold(),
            Action::ToggleDetails => {
                let shown = self.transcript.toggle_details();
                self.say(if shown {
                    "How each speaker was chosen: shown"
                } else {
                    "How each speaker was chosen: hidden"
                });
            }
            Action::CopyMessage => return Some(self.copy(false)),
            Action::CopyTranscript => return Some(self.copy(true)),
            Action::EditMessage => self.edit_message(),
            Action::ForkHere => return Some(self.fork()),
            Action::BranchList => self.list_branches(),
            Action::Search => {
                self.focus = Focus::Search;
                self.search.set("");
            }
            Action::SearchNext => return Some(self.find(true)),
            Action::SearchPrev => return Some(self.find(false)),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// What an action does to the search line; `None` when it does nothing to it.
    pub(super) fn in_search(&mut self, action: Action) -> Option<Vec<Deed>> {
        match action {
            Action::Submit | Action::SearchNext => return Some(self.find(true)),
            Action::SearchPrev => return Some(self.find(false)),
            Action::Cancel | Action::CancelOrInterrupt => {
                self.focus = Focus::Main;
                self.search.set("");
                self.transcript.mark("");
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn scroll_pages(&mut self, halves: i64) {
        let rows = (self.transcript.page() * halves / 2).abs().max(1) * halves.signum();
        self.transcript.scroll(rows, &self.session);
    }

    fn edit_message(&mut self) {
        let Some(id) = self.transcript.chosen() else {
            self.say("There is no message to edit.");
            return;
        };
        let Some(entry) = self.session.transcript().get(id) else { return };
        let title = format!("Edit message {} by {}", id.number(), one_line(entry.message.author.name()));
        let help = "The conversation goes on from here on a new branch; the old one stays.";
        let prompt = Prompt::new(Purpose::Message(id), &entry.message.content, title, help);
        self.open(prompt);
    }

    fn fork(&mut self) -> Vec<Deed> {
        let Some(entry) = self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) else {
            self.say("There is no message to go on from.");
            return Vec::new();
        };
        let seq = entry.seq;
        self.go_back(Command::MoveTo { seq })
    }

    fn list_branches(&mut self) {
        let here = self.session.branch();
        let lines = self
            .session
            .branches()
            .iter()
            .map(|branch| Line {
                key: if branch.id == here { "●".into() } else { " ".into() },
                text: match branch.from.and_then(|from| self.session.record(from)).map(|record| &record.event) {
                    Some(Event::MessagePosted { message }) => {
                        format!("{}  leaves at message {}", branch.name, message.id.number())
                    }
                    _ => branch.name.clone(),
                },
                choice: if branch.id == here { Choice::Nothing } else { Choice::Branch(branch.tip) },
            })
            .collect::<Vec<_>>();
        let marks = self.session.marks().iter().map(|mark| Line {
            key: "◈".into(),
            text: mark.name.clone(),
            choice: Choice::Branch(mark.seq),
        });
        let lines = lines.into_iter().chain(marks).collect();
        self.open(List::new("Branches", lines));
    }

    fn find(&mut self, forward: bool) -> Vec<Deed> {
        let needle = self.search.text();
        let places = messages_with(self.session.transcript(), &needle);
        let Some(next) =
            next_place(&self.session, self.transcript.has_selection(), self.transcript.chosen(), &places, forward)
        else {
            if needle.is_empty() {
                self.focus = Focus::Search;
            } else {
                self.say(format!("Nothing contains {:?}.", take(&one_line(&needle), 40)));
            }
            return Vec::new();
        };
        self.transcript.mark(&needle);
        self.focus = Focus::Main;
        let at = places.iter().position(|place| *place == next).unwrap_or(0);
        if let Some(entry) = self.session.transcript().entries().get(next) {
            let id = entry.message.id;
            self.transcript.go_to(id, &self.session);
        }
        self.say(format!("message {} of {} that contain it", at + 1, places.len()));
        Vec::new()
    }

    fn copy(&mut self, whole: bool) -> Vec<Deed> {
        let text = if whole {
            let said = self
                .session
                .transcript()
                .entries()
                .iter()
                .map(|entry| format!("{}:\n{}", entry.message.author.name(), entry.message.content.trim_end()));
            said.collect::<Vec<_>>().join("\n\n")
        } else {
            let chosen = self.transcript.chosen().and_then(|id| self.session.transcript().get(id));
            chosen.map(|entry| entry.message.content.to_string()).unwrap_or_default()
        };
        // Where it is pasted next may be a shell.
        vec![Deed::Copy(plain(&text, Clean::Prose))]
    }
}

/// The next hit after (or before) what is chosen; from the end when nothing is.
fn next_place(
    session: &Session,
    selected: bool,
    chosen: Option<MessageId>,
    places: &[usize],
    forward: bool,
) -> Option<usize> {
    let here = chosen.filter(|_| selected).and_then(|id| session.transcript().place(id));
    let found = match (here, forward) {
        (None, _) => places.last(),
        (Some(here), true) => places.iter().find(|place| **place > here).or(places.first()),
        (Some(here), false) => places.iter().rev().find(|place| **place < here).or(places.last()),
    };
    found.copied()
}
