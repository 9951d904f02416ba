//! Reading: moving through the transcript, searching it, copying it, and going on from a message of it.

use super::copy::What;
use crate::chat::command::Command;
use crate::chat::event::Event;
use crate::chat::id::MessageId;
use crate::session::Session;
use crate::session::search::messages_that;
use crate::text::clean::one_line;
use crate::text::search::Needle;
use crate::text::width::take;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed, Focus};
use crate::tui::modal::list::{Choice, Line, List};

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
            Action::CopyMessage => return Some(self.copy_that(What::Message)),
            Action::CopyTranscript => return Some(self.copy_that(What::Branch)),
            Action::CopyMenu => self.choose_copy(),
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
                self.transcript.mark(None);
            }
            Action::SearchMode => {
                self.search_expression = !self.search_expression;
                self.mark_search();
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn scroll_pages(&mut self, halves: i64) {
        let rows = (self.transcript.page() * halves / 2).abs().max(1) * halves.signum();
        self.transcript.scroll(rows, &self.session);
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

    /// What is typed in the search line, as something to look for.
    fn needle(&self) -> Result<Option<Needle>, String> {
        let text = self.search.text();
        match self.search_expression && !text.is_empty() {
            true => Needle::expression(&text).map(Some),
            false => Ok(Needle::words(&text)),
        }
    }

    /// Marks what is typed while it is typed.
    pub(super) fn mark_search(&mut self) {
        let needle = self.needle().unwrap_or_default();
        self.transcript.mark(needle);
    }

    fn find(&mut self, forward: bool) -> Vec<Deed> {
        let needle = match self.needle() {
            Ok(Some(needle)) => needle,
            Ok(None) => {
                self.focus = Focus::Search;
                return Vec::new();
            }
            Err(why) => {
                self.say(format!("That is no regular expression: {why}"));
                return Vec::new();
            }
        };
        let places = messages_that(self.session.transcript(), |text| needle.is_in(text));
        let found =
            next_place(&self.session, self.transcript.has_selection(), self.transcript.chosen(), &places, forward);
        let Some(next) = found else {
            self.say(format!("Nothing contains {:?}.", take(&one_line(&self.search.text()), 40)));
            return Vec::new();
        };
        self.transcript.mark(Some(needle));
        self.focus = Focus::Main;
        let at = places.iter().position(|place| *place == next).unwrap_or(0);
        if let Some(entry) = self.session.transcript().entries().get(next) {
            let (id, seq) = (entry.message.id, entry.seq);
            self.transcript.go_to(id, &self.session);
            if self.transcript.here(&self.session) != Some(seq) {
                self.say(format!("message {} contains it, but the filter hides it", id.number()));
                return Vec::new();
            }
        }
        self.say(format!("message {} of {} that contain it", at + 1, places.len()));
        Vec::new()
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
