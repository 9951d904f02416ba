//! The console itself: layouts, focus, colours, help, and leaving.

use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed, Focus};
use crate::tui::layout::Layout;
use crate::tui::modal::Modal;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::pane::{self, Pane};

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn screen(&mut self, action: Action, digit: Option<u8>) -> Option<Vec<Deed>> {
        match action {
            Action::FocusNext => self.move_focus(true),
            Action::FocusPrev => self.move_focus(false),
            Action::Zoom => {
                self.arranged.focus = self.pane_in_focus();
                self.arranged.zoomed = !self.arranged.zoomed;
            }
            Action::TabNext => self.next_tab(),
            Action::Overview => return Some(self.lay(Layout::Overview)),
            Action::Grid => return Some(self.lay(Layout::Grid)),
            Action::Focus => return Some(self.lay(Layout::Focus)),
            Action::Timeline => return Some(self.lay(Layout::Timeline)),
            Action::FocusOn => {
                if self.numbered(digit).is_some() {
                    self.arranged.agent = usize::from(digit.unwrap_or(1)) - 1;
                    return Some(self.lay(Layout::Focus));
                }
            }
            Action::Split => self.choose_split(),
            Action::LayoutNext => return Some(self.lay(self.arranged.layout.next())),
            Action::Wider => {
                self.arranged.widen(1);
                return Some(vec![Deed::Remember]);
            }
            Action::Narrower => {
                self.arranged.widen(-1);
                return Some(vec![Deed::Remember]);
            }
            Action::EvenOut => {
                self.arranged.wider = 0;
                return Some(vec![Deed::Remember]);
            }
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
                self.transcript.mark(None);
            }
            Action::Themes => self.choose_theme(),
            Action::Reload => return Some(vec![Deed::Reload]),
            Action::Settings => self.open_settings(),
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
    pub(super) fn lay(&mut self, layout: Layout) -> Vec<Deed> {
        self.arranged.lay(layout);
        self.focus = Focus::Main;
        self.say(format!("layout: {}", layout.name()));
        vec![Deed::Remember]
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
        self.choose_tab((self.arranged.tab + 1) % self.arranged.tabs().len());
    }

    /// Shows this tab, by its place.
    pub(super) fn choose_tab(&mut self, tab: usize) {
        self.arranged.zoomed = false;
        self.arranged.tab = tab;
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
        let mut lines = Vec::new();
        let offered = Action::ALL.iter().filter(|action| {
            let typing = matches!(action, Action::EditorOpen | Action::Cancel | Action::CancelOrInterrupt);
            let here = action.belongs_in(Context::Main) || action.belongs_in(Context::Global);
            here && !typing && **action != Action::Palette
        });
        let team = self.session.team();
        let agents: Vec<String> =
            team.iter().flat_map(|team| team.agents.iter()).map(|agent| agent.name.to_string()).collect();
        for action in offered {
            let key = self.look.keymap.chord_for(*action, Context::Main).unwrap_or_default();
            let name = action.name().replace('_', " ");
            if !action.takes_digit() {
                lines.push(Line { key, text: format!("{name} · {}", action.help()), choice: Choice::Do(*action) });
                continue;
            }
            // One for each agent, so that it can be found by the agent's name as well.
            for (n, agent) in agents.iter().enumerate().take(9) {
                let digit = (n + 1) as u8;
                let key = key.replace("1-9", &digit.to_string());
                let text = format!("{name}: {agent} · {}", action.help());
                lines.push(Line { key, text, choice: Choice::DoFor(*action, digit) });
            }
        }
        self.open(List::new("Commands", lines).palette());
    }

    /// Shows every setting with its value and who says so.
    fn open_settings(&mut self) {
        let mut lines = Vec::new();
        for row in &self.look.settings {
            let text = format!("{} · {}", row.value, row.origin);
            lines.push(Line { key: row.key.clone(), text, choice: Choice::Nothing });
            lines.push(Line { key: String::new(), text: row.about.clone(), choice: Choice::Nothing });
        }
        self.open(List::new("Settings: what applies, and who says so", lines).help());
    }

    /// Lets the operator choose among the themes.
    fn choose_theme(&mut self) {
        let here = self.look.theme.clone();
        let names: Vec<String> = self.look.themes.names().into_iter().map(str::to_owned).collect();
        let line = |name: String| Line {
            key: if name == here { "●".into() } else { " ".into() },
            text: name.clone(),
            choice: Choice::Theme(name),
        };
        self.open(List::new("Colours", names.into_iter().map(line).collect()));
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
        let elsewhere = self.replay.is_some() || self.baton.as_ref().is_some_and(|baton| baton.lost.is_empty());
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
