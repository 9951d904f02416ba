//! What changes the console: inputs from the terminal and updates from the engine, in; deeds for the loop, out.
//!
//! No I/O and no clock: the time is in the [`App`]. `actions.rs` says where an action goes, the families beside it what it
//! does, `modals.rs` what a modal's answer leads to, `members.rs` what one looks up about an agent. To add a deed: an arm
//! in its family; a new family is a file and a line in `actions.rs`.

mod actions;
mod by_hand;
mod debug;
mod members;
mod modals;
mod reading;
mod screen;
mod speech;
mod steer;
mod tools;
mod unstick;

use super::app::{App, Deed, Focus};
use super::input::{Input, KeyPress};
use super::keymap::Outcome;
use super::modal::Overlay;
use crate::chat::by_hand::ByHand;
use crate::chat::event::{Event, Record};
use crate::chat::update::Update;

impl App {
    /// Something happened at the terminal. Signals and loss are the loop's own business.
    pub fn on_input(&mut self, input: Input) -> Vec<Deed> {
        match input {
            Input::Key(key) => {
                let deeds = self.on_key(key);
                // After the key was judged: it makes every request that is open, also one below, wait again.
                self.touch();
                deeds
            }
            Input::Paste { text, cut } => {
                self.on_paste(&text, cut);
                Vec::new()
            }
            Input::Resize(columns, rows) => {
                self.size = (columns, rows);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn on_key(&mut self, key: KeyPress) -> Vec<Deed> {
        let context = self.context();
        match self.look.keymap.lookup(context, &self.pending, key) {
            Outcome::Action(action, digit) => {
                self.pending.clear();
                self.following.clear();
                // What was said is read by whoever presses the next key.
                self.toast = None;
                self.act(action, digit)
            }
            Outcome::Pending(hints) => {
                self.pending.push(key);
                self.following = hints;
                Vec::new()
            }
            Outcome::None => {
                self.following.clear();
                // The keys of a chord that came to nothing are forgotten; a key by itself is typed.
                if std::mem::take(&mut self.pending).is_empty() && context.takes_text() {
                    self.type_key(key);
                }
                Vec::new()
            }
        }
    }

    /// Any key at all: the hands are not still.
    fn touch(&mut self) {
        let now = self.now_ms();
        for modal in &mut self.modals {
            modal.touch(now);
        }
    }

    fn type_key(&mut self, key: KeyPress) {
        match (self.modals.last_mut(), self.focus) {
            (Some(modal), _) => modal.key(key),
            (None, Focus::Composer) => self.compose(key),
            (None, Focus::Search) => {
                self.search.key(key);
                let needle = self.search.text();
                self.transcript.mark(&needle);
            }
            (None, Focus::Main) => {}
        }
    }

    /// A key in the composer; the arrows at its edges recall what was sent before.
    fn compose(&mut self, key: KeyPress) {
        use super::input::Key;
        let (first, last) = self.composer.at_edge();
        let up = key == KeyPress::plain(Key::Up) && first;
        let down = key == KeyPress::plain(Key::Down) && last;
        if (up || down) && !self.history.is_empty() {
            let next = match (self.recalled, up) {
                (None, true) => Some(self.history.len() - 1),
                (None, false) => None,
                (Some(at), true) => Some(at.saturating_sub(1)),
                (Some(at), false) => (at + 1 < self.history.len()).then_some(at + 1),
            };
            if self.recalled.is_some() || self.composer.is_empty() {
                self.recalled = next;
                let text = next.map(|at| self.history[at].clone()).unwrap_or_default();
                self.composer.set(&text);
                return;
            }
        }
        self.composer.key(key);
    }

    fn on_paste(&mut self, text: &str, cut: bool) {
        self.touch();
        self.pending.clear();
        let too_many = match (self.modals.last_mut(), self.focus) {
            (Some(modal), _) => modal.paste(text),
            (None, Focus::Search) => self.search.paste(text.lines().next().unwrap_or_default()),
            (None, Focus::Composer) => self.composer.paste(text),
            (None, Focus::Main) => {
                self.focus = Focus::Composer;
                self.composer.paste(text)
            }
        };
        if too_many > 0 || cut {
            self.say("The paste was too long and was cut; use $EDITOR for longer texts.");
        }
    }

    /// The engine says something.
    pub fn on_update(&mut self, update: Update) {
        match update {
            Update::Record(record) => self.on_record(&record),
            Update::Delta(delta) => {
                let wall = self.wall();
                self.live.add(delta, wall);
            }
            Update::File { file } => self.show_file(*file),
            Update::Outlook { next } => self.outlook = next,
            Update::Refused { text } => self.say(text),
            Update::Fault { text } => self.fault = (!text.is_empty()).then_some(text),
            Update::Closed => self.closed = true,
        }
    }

    fn on_record(&mut self, record: &std::sync::Arc<Record>) {
        if self.session.apply(record.clone()).is_err() {
            self.fault = Some("A record does not fit what is on the screen; leave and open the session again.".into());
            return;
        }
        let (within, event) = record.event.innermost();
        let mut own = false;
        match event {
            Event::ModelAnswered { call, .. }
            | Event::ModelFailed { call, .. }
            | Event::ModelInterrupted { call, .. } => self.live.end_call(*call),
            Event::Outcome { op, .. } => self.live.end_program(*op),
            // The operator's own request: it is what they want to see now.
            Event::ByHand(ByHand::Again { .. }) => own = true,
            Event::BranchMoved { .. } | Event::Ended { .. } if within.is_empty() => self.live.clear(),
            _ => {}
        }
        if let Some(deed) = self.carry_out(event) {
            self.deeds.push(deed);
        }
        self.transcript.see(record, &self.session);
        self.follow_modals();
        if own && self.modals.is_empty() {
            self.open_approvals();
        }
    }

    /// What was decided (here or elsewhere) leaves the screen.
    fn follow_modals(&mut self) {
        let now = self.now_ms();
        let session = &self.session;
        self.modals.retain_mut(|modal| modal.follow(session, now));
    }
}
