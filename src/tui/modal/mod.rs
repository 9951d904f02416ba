//! What opens on top of the panes: one at a time, the newest has the keys.
//!
//! A modal is a file with a type that is an [`Overlay`], and a row of `modals!`; it answers keys with [`Step`]s and never
//! acts by itself. May import the session, [`crate::chat`], [`crate::text`] and the theme. To add one: its file, its row
//! here, and an action that opens it (`app.open(...)` in `update/`). With keys of its own: a row in `action.rs`'s contexts.

pub mod approval;
pub mod debug;
pub mod file;
pub mod list;
pub mod prompt;
pub mod why;

use super::action::{Action, Context};
use super::input::KeyPress;
use super::paint::Draw;
use crate::chat::command::Command;
use crate::session::Session;
use approval::Approval;
use debug::Debug;
use file::File;
use list::List;
use prompt::Prompt;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use why::Why;

/// What every modal does. What a modal does not care about, it leaves out.
pub trait Overlay {
    /// Which keys it has.
    fn context(&self) -> Context;

    /// An action of its context.
    fn act(&mut self, action: Action, session: &Session, now_ms: u64) -> Step;

    /// Prepares a frame of this size.
    fn measure(&mut self, _area: Rect, _session: &Session) {}

    /// Draws it and says where the cursor is to be.
    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position>;

    /// A key that the keymap did not want, in a context that takes text.
    fn key(&mut self, _key: KeyPress) {}

    /// Pasted text; says how many bytes were too many. A paste never acts and never approves.
    fn paste(&mut self, _text: &str) -> usize {
        0
    }

    /// Some key was pressed, whoever it was for: the hands are not still.
    fn touch(&mut self, _now_ms: u64) {}

    /// A record came. False when there is nothing left to show: the modal closes.
    fn follow(&mut self, _session: &Session, _now_ms: u64) -> bool {
        true
    }

    /// When it will look different although nothing happens, in milliseconds since the console started.
    fn changes_at(&self) -> Option<u64> {
        None
    }

    /// The keys for the line at the bottom, each with a short word.
    fn hints(&self) -> &'static [(Action, &'static str)] {
        &[]
    }

    /// What was written and would be lost by closing it.
    fn unsent(&self) -> Option<String> {
        None
    }
}

macro_rules! modals {
    ($($name:ident $about:literal;)+) => {
        /// Something on top of the panes.
        #[derive(Debug)]
        pub enum Modal {
            $(#[doc = $about] $name(Box<$name>),)+
        }

        impl Modal {
            fn overlay(&self) -> &dyn Overlay {
                match self { $(Modal::$name(modal) => modal.as_ref(),)+ }
            }

            fn overlay_mut(&mut self) -> &mut dyn Overlay {
                match self { $(Modal::$name(modal) => modal.as_mut(),)+ }
            }
        }

        $(impl From<$name> for Modal {
            fn from(modal: $name) -> Modal {
                Modal::$name(Box::new(modal))
            }
        })+
    };
}

modals! {
    Approval "The approval queue.";
    Prompt "A text to write or edit.";
    Why "Why the team may be going in circles.";
    Debug "Breakpoints, what is held back, suspects.";
    File "A file that code made, to be read.";
    List "A list to choose from: palette, help, branches, names, a confirmation.";
}

impl Overlay for Modal {
    fn context(&self) -> Context {
        self.overlay().context()
    }

    fn act(&mut self, action: Action, session: &Session, now_ms: u64) -> Step {
        self.overlay_mut().act(action, session, now_ms)
    }

    fn measure(&mut self, area: Rect, session: &Session) {
        self.overlay_mut().measure(area, session);
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        self.overlay().draw(area, buf, cx)
    }

    fn key(&mut self, key: KeyPress) {
        self.overlay_mut().key(key);
    }

    fn paste(&mut self, text: &str) -> usize {
        self.overlay_mut().paste(text)
    }

    fn touch(&mut self, now_ms: u64) {
        self.overlay_mut().touch(now_ms);
    }

    fn follow(&mut self, session: &Session, now_ms: u64) -> bool {
        self.overlay_mut().follow(session, now_ms)
    }

    fn changes_at(&self) -> Option<u64> {
        self.overlay().changes_at()
    }

    fn hints(&self) -> &'static [(Action, &'static str)] {
        self.overlay().hints()
    }

    fn unsent(&self) -> Option<String> {
        self.overlay().unsent()
    }
}

/// What an action in a modal leads to.
#[derive(Debug)]
pub enum Step {
    /// Nothing; the modal stays.
    Stay,
    /// The modal did not want it: perhaps the console does.
    Pass,
    /// The modal closes.
    Close,
    /// Send this; the modal stays and follows the records.
    Send(Command),
    /// Send these and close.
    SendAll(Vec<Command>),
    /// Open another on top of it.
    Open(Modal),
    /// Do this action, as if its key had been pressed, and close.
    Do(Action),
    /// Say something to the operator; the modal stays.
    Say(String),
    /// Close, and take this way out of a circle.
    Out(why::Way),
    /// Open a text field for the reason of a denial.
    AskReason,
    /// Open a text field for an answer in a tool's place.
    AskAnswer,
    /// The same for a denial that holds the run.
    AskReasonAndHold,
    /// Open a text field for how far an agent may go unasked.
    AskLeash,
    /// Open a text field with the code.
    EditCode,
    /// A text field is done.
    Written(prompt::Purpose, String),
    /// A row of a list was chosen.
    Chosen(list::Choice),
}

/// An area in the middle, at most so large.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}
