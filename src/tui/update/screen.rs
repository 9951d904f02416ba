//! The console itself: layouts, focus, colours, help, and leaving.

use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed, Focus};
use crate::tui::layout::Layout;
use crate::tui::modal::Modal;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::pane::{self, Pane};

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn screen(&mut self, action: Action) -> Option<Vec<Deed>> {
        match action {
            Action::FocusNext => self.move_focus(true),
            Action::FocusPrev => self.move_focus(false),
            Action::Zoom => self.arranged.zoomed = !self.arranged.zoomed,
            Action::TabNext => self.next_tab(),
            Action::Overview => self.lay(Layout::Overview),
            Action::Split => self.choose_split(),
            Action::LayoutNext => self.lay(self.arranged.layout.next()),
            Action::Wider => self.arranged.widen(1),
            Action::Narrower => self.arranged.widen(-1),
            Action::EvenOut => self.arranged.wider = 0,
            Action::ThemeNext => {
                let name = self.look.next_theme().to_owned();
                self.say(format!("theme: {name}"));
                return Some(vec![Deed::Redraw]);
            }
            Action::Cancel | Action::Dismiss => {
                self.toast = None;
                if !self.transcript.unselect() {
                    self.transcript.end();
                }
                self.transcript.mark("");
            }
            Action::Palette => self.open_palette(),
            Action::Help => self.open_help(),
            Action::Redraw => return Some(vec![Deed::Redraw]),
            Action::Suspend => return Some(vec![Deed::Suspend]),
            Action::Quit => return Some(self.quit()),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// What an action does to the pane with the keys; `None` when it does nothing to it.
    pub(super) fn in_pane(&mut self, action: Action) -> Option<Vec<Deed>> {
        let pane = self.pane_in_focus();
        pane::act(pane, self, action)
    }

    /// The pane that has the keys: the one in focus while it is on the screen, and else the first that is.
    pub fn pane_in_focus(&self) -> Pane {
        let shown = self.panes_shown();
        if shown.contains(&self.arranged.focus) {
            self.arranged.focus
        } else {
            shown.first().copied().unwrap_or_default()
        }
    }

    /// Changes the layout.
    pub(super) fn lay(&mut self, layout: Layout) {
        self.arranged.lay(layout);
        self.focus = Focus::Main;
        if self.is_narrow() {
            self.say(format!("layout: {}; it shows when the screen is wider", layout.name()));
        } else {
            self.say(format!("layout: {}", layout.name()));
        }
    }

    /// Moves the keys on to the next pane; after the last comes the composer.
    fn move_focus(&mut self, forward: bool) {
        let shown = self.panes_shown();
        let here = match self.focus {
            Focus::Main => shown.iter().position(|pane| *pane == self.pane_in_focus()).unwrap_or(0),
            _ => shown.len(),
        };
        let count = shown.len() + 1;
        let next = if forward { here + 1 } else { here + count - 1 } % count;
        match shown.get(next) {
            Some(pane) => {
                self.focus = Focus::Main;
                self.arranged.focus = *pane;
            }
            None => self.focus = Focus::Composer,
        }
    }

    fn next_tab(&mut self) {
        self.arranged.zoomed = false;
        self.arranged.tab = (self.arranged.tab + 1) % self.arranged.tabs().len();
        if let Some(pane) = self.arranged.tabs().get(self.arranged.tab) {
            self.arranged.focus = *pane;
        }
    }

    /// Lets the operator choose what stands beside the pane with the keys.
    fn choose_split(&mut self) {
        let here = self.pane_in_focus();
        let lines = Pane::ALL
            .iter()
            .filter(|pane| **pane != here)
            .map(|pane| Line {
                key: pane.name().to_owned(),
                text: pane.about().to_owned(),
                choice: Choice::Beside(here, *pane),
            })
            .collect();
        self.open(List::new(format!("{} on the left, and on the right", here.name()), lines));
    }

    fn open_palette(&mut self) {
        let lines = Action::ALL
            .iter()
            .filter(|action| {
                (action.belongs_in(Context::Main) || action.belongs_in(Context::Global)) && !action.takes_digit()
            })
            .filter(|action| {
                let typing = matches!(action, Action::EditorOpen | Action::Cancel | Action::CancelOrInterrupt);
                !typing && **action != Action::Palette
            })
            .map(|action| Line {
                key: self.look.keymap.chord_for(*action, Context::Main).unwrap_or_default(),
                text: format!("{} ({})", action.help(), action.name().replace('_', " ")),
                choice: Choice::Do(*action),
            })
            .collect();
        self.open(List::new("Commands", lines).palette());
    }

    fn open_help(&mut self) {
        let mut lines = Vec::new();
        let mut last = None;
        for row in self.look.keymap.help_rows() {
            if last != Some(row.context) {
                if last.is_some() {
                    lines.push(Line { key: String::new(), text: String::new(), choice: Choice::Nothing });
                }
                let text = format!("── {} ──", row.context.name());
                lines.push(Line { key: String::new(), text, choice: Choice::Nothing });
                last = Some(row.context);
            }
            lines.push(Line { key: row.chord, text: row.help.to_owned(), choice: Choice::Nothing });
        }
        self.open(List::new("Keys", lines).help());
    }

    /// Opens a modal.
    pub(super) fn open(&mut self, modal: impl Into<Modal>) {
        self.modals.push(modal.into());
    }

    /// Asks before something that cannot be taken back.
    pub(super) fn confirm(&mut self, title: &str, yes: &str, choice: Choice) {
        let line = |text: &str, choice| Line { key: String::new(), text: text.to_owned(), choice };
        self.open(List::new(title, vec![line("stay", Choice::Nothing), line(yes, choice)]));
    }

    fn quit(&mut self) -> Vec<Deed> {
        // Another process runs what is only attached here; and a replay runs nothing.
        let elsewhere = self.replay.is_some() || self.desk.as_ref().is_some_and(|desk| desk.lost.is_empty());
        if self.closed || elsewhere || self.session.ended().is_some() || !self.session.is_busy() {
            return vec![Deed::Quit];
        }
        self.confirm(
            "Leave? What runs is stopped; plenary open goes on later.",
            "leave and stop what runs",
            Choice::Quit,
        );
        Vec::new()
    }
}
