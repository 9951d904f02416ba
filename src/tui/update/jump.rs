//! Jumping: to the next of something, to what a filter leaves, to a bookmark.

use crate::chat::id::Seq;
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::index::{Mark, next_of};
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::pane::transcript::Filter;
use crate::tui::words;

/// How much of a bookmarked message its list shows, in cells.
const GLANCE: usize = 100;

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn jump(&mut self, action: Action, digit: Option<u8>) -> Option<Vec<Deed>> {
        match action {
            Action::NextOfAgent => self.jump_to_agent(true),
            Action::PrevOfAgent => self.jump_to_agent(false),
            Action::NextAsked => self.jump_to(Mark::Asked, true),
            Action::PrevAsked => self.jump_to(Mark::Asked, false),
            Action::NextFailure => self.jump_to(Mark::Failure, true),
            Action::PrevFailure => self.jump_to(Mark::Failure, false),
            Action::NextEdit => self.jump_to(Mark::Edit, true),
            Action::PrevEdit => self.jump_to(Mark::Edit, false),
            Action::NextDetector => self.jump_to(Mark::Detector, true),
            Action::PrevDetector => self.jump_to(Mark::Detector, false),
            Action::NextBranch => self.jump_to(Mark::Branch, true),
            Action::PrevBranch => self.jump_to(Mark::Branch, false),
            Action::NextBookmark => self.jump_to_bookmark(true),
            Action::PrevBookmark => self.jump_to_bookmark(false),
            Action::Bookmark => return Some(self.set_bookmark()),
            Action::Bookmarks => self.list_bookmarks(),
            Action::Filter => self.choose_filter(),
            Action::FilterAgent => {
                if let Some(agent) = self.numbered(digit) {
                    self.show_only(Filter::Agent(agent));
                }
            }
            Action::FilterOff => self.show_only(Filter::All),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn jump_to(&mut self, mark: Mark, forward: bool) {
        let all = self.transcript.index().marked(mark).to_vec();
        self.leap(&all, forward, mark.name());
    }

    fn jump_to_bookmark(&mut self, forward: bool) {
        let all: Vec<Seq> = self.transcript.bookmarks().iter().copied().collect();
        self.leap(&all, forward, "bookmark");
    }

    /// To the next message of the agent whose message is selected (or was the last).
    fn jump_to_agent(&mut self, forward: bool) {
        let index = self.transcript.index();
        let here = self.transcript.here(&self.session).and_then(|seq| index.cell_of(seq));
        let newest = || (0..index.cells().len()).rev().find(|at| index.cells()[*at].who.is_some());
        let who = here.or_else(newest).and_then(|at| index.cells()[at].who).map(usize::from);
        let agent = who.and_then(|place| Some((place, self.session.team()?.agents.get(place)?.name.clone())));
        let Some((place, name)) = agent else {
            self.say("Select a message of an agent first.");
            return;
        };
        let all = self.transcript.index().said_by(place).to_vec();
        self.leap(&all, forward, &format!("message of {name}"));
    }

    fn leap(&mut self, all: &[Seq], forward: bool, what: &str) {
        let Some((seq, around)) = next_of(all, self.transcript.here(&self.session), forward) else {
            self.say(format!("There is no {what}."));
            return;
        };
        self.transcript.go_to_seq(seq, &self.session);
        let at = all.partition_point(|other| *other <= seq);
        let around = if around { ", around the end" } else { "" };
        self.say(format!("{what} {at} of {}{around}", all.len()));
    }

    fn set_bookmark(&mut self) -> Vec<Deed> {
        match self.transcript.bookmark(&self.session) {
            Some(true) => self.say("Bookmark set."),
            Some(false) => self.say("Bookmark taken away."),
            None => {
                self.say("There is no message to mark.");
                return Vec::new();
            }
        }
        vec![Deed::Remember]
    }

    fn list_bookmarks(&mut self) {
        let entries = self.session.transcript().entries();
        let line = |seq: &Seq| {
            let at = entries.partition_point(|entry| entry.seq <= *seq).checked_sub(1)?;
            let entry = entries.get(at)?;
            let after = if entry.seq == *seq { "" } else { "after: " };
            let text = format!("{after}{}: {}", entry.message.author.name(), words::glance(&entry.message.told()));
            Some(Line {
                key: entry.message.id.number().to_string(),
                text: take(&one_line(&text), GLANCE).to_owned(),
                choice: Choice::GoToRecord(*seq),
            })
        };
        let lines: Vec<Line> = self.transcript.bookmarks().iter().filter_map(line).collect();
        if lines.is_empty() {
            self.say("There is no bookmark on this branch.");
            return;
        }
        self.open(List::new("Bookmarks", lines));
    }

    fn choose_filter(&mut self) {
        let line = |key: String, filter: Filter| Line { key, text: filter.words(), choice: Choice::Show(filter) };
        let mut lines: Vec<Line> = Filter::KINDS.into_iter().map(|kind| line(String::new(), kind)).collect();
        let team = self.session.team();
        let agents = team.iter().flat_map(|team| team.agents.iter().enumerate());
        lines.extend(agents.map(|(n, agent)| line((n + 1).to_string(), Filter::Agent(agent.name.clone()))));
        self.open(List::new("Show in the transcript", lines));
    }

    /// Shows only a part of the transcript.
    pub(super) fn show_only(&mut self, filter: Filter) {
        self.say(format!("transcript: {}", filter.words()));
        self.transcript.show_only(filter, &self.session);
    }
}
