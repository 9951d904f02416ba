//! What opens on top of the panes: one at a time, the newest has the keys.
//!
//! A modal is a variant of [`Modal`] with its own file; it answers keys with [`Step`]s and never acts by itself. May
//! import the session, [`crate::chat`], [`crate::text`] and the theme. To add one: a file, a variant, and its arms here.

pub mod approval;
pub mod file;
pub mod list;
pub mod prompt;
pub mod why;

use super::action::{Action, Context};
use super::paint::Draw;
use crate::chat::command::Command;
use crate::session::Session;
use approval::Approval;
use file::File;
use list::List;
use prompt::Prompt;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use why::Why;

/// Something on top of the panes.
#[derive(Debug)]
pub enum Modal {
    /// The approval queue.
    Approval(Box<Approval>),
    /// A text to write or edit.
    Prompt(Box<Prompt>),
    /// Why the team may be going in circles.
    Why(Box<Why>),
    /// A file that code made.
    File(Box<File>),
    /// A list to choose from: palette, help, branches, names, a confirmation.
    List(Box<List>),
}

/// What an action in a modal leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing; the modal stays.
    Stay,
    /// The modal did not want it: perhaps the console does.
    Pass,
    /// The modal closes.
    Close,
    /// Send this and close.
    Send(Command),
    /// Do this action, as if its key had been pressed, and close.
    Do(Action),
    /// Say something to the operator; the modal stays.
    Say(String),
    /// Close, and take this way out of a circle.
    Out(why::Way),
    /// Open a text field for the reason of a denial.
    AskReason,
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

impl Modal {
    /// Which keys it has.
    pub fn context(&self) -> Context {
        match self {
            Modal::Approval(_) => Context::Approval,
            Modal::Why(_) => Context::Why,
            Modal::File(_) => Context::Help,
            Modal::Prompt(prompt) => prompt.context(),
            Modal::List(list) => list.context(),
        }
    }

    /// An action of its context.
    pub fn act(&mut self, action: Action, session: &Session, now_ms: u64) -> Step {
        match self {
            Modal::Approval(approval) => approval.act(action, session, now_ms),
            Modal::File(file) => file.act(action),
            Modal::Prompt(prompt) => prompt.act(action),
            Modal::Why(why) => why.act(action, session),
            Modal::List(list) => list.act(action),
        }
    }

    /// Prepares a frame of this size.
    pub fn measure(&mut self, area: Rect, session: &Session) {
        match self {
            Modal::Approval(approval) => approval.measure(area, session),
            Modal::File(file) => file.measure(area),
            Modal::Prompt(_) => {}
            Modal::Why(why) => why.measure(area, session),
            Modal::List(list) => list.measure(area),
        }
    }

    /// Draws it and says where the cursor is to be.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        match self {
            Modal::Approval(approval) => {
                approval.draw(area, buf, cx);
                None
            }
            Modal::File(file) => {
                file.draw(area, buf, cx);
                None
            }
            Modal::Prompt(prompt) => prompt.draw(area, buf, cx),
            Modal::Why(why) => {
                why.draw(area, buf, cx);
                None
            }
            Modal::List(list) => list.draw(area, buf, cx),
        }
    }
}

/// An area in the middle, at most so large.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}
