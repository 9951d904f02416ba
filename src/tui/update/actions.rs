//! Where an action goes: to the modal on top, to the line that is written, to the pane with the keys, or to the family
//! of deeds that knows it. Each family is a file with one arm an action: `steer.rs` the run and the floor, `debug.rs`
//! breakpoints and steps, `speech.rs`
//! the operator's words, `reading.rs` the transcript, `screen.rs` the console itself.

use crate::tui::action::Action;
use crate::tui::app::{App, Deed, Focus};
use crate::tui::modal::Overlay;

impl App {
    /// Carries out an action: a modal's first, the console's otherwise.
    pub(super) fn act(&mut self, action: Action, digit: Option<u8>) -> Vec<Deed> {
        let now = self.now_ms();
        if let Some(modal) = self.modals.last_mut() {
            let step = modal.act(action, &self.session, now);
            return self.after(step, action);
        }
        let taken = match self.focus {
            Focus::Composer => self.in_composer(action),
            Focus::Search => self.in_search(action),
            Focus::Main => self.in_pane(action),
        };
        taken.unwrap_or_else(|| self.deed(action, digit))
    }

    /// What an action does, whatever has the keys. An action that no family knows does nothing.
    pub(super) fn deed(&mut self, action: Action, digit: Option<u8>) -> Vec<Deed> {
        self.steer(action, digit)
            .or_else(|| self.debug(action))
            .or_else(|| self.speech(action))
            .or_else(|| self.reading(action, digit))
            .or_else(|| self.screen(action))
            .unwrap_or_default()
    }
}
