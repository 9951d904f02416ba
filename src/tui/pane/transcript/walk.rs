//! Moving: selecting, scrolling by exact rows, bringing something into sight.

use super::Transcript;
use crate::chat::id::MessageId;
use crate::session::Session;
use crate::text::Ink;
use crate::tui::pane::item::{Item, Line};
use crate::tui::widget::heights::Position;

impl Transcript {
    /// Selects the next (or previous) message and brings it into sight.
    pub fn select(&mut self, forward: bool, session: &Session) {
        let is_message = |place: &usize| matches!(self.items.get(*place), Some(Item::Message(_)));
        let count = self.items.len();
        let next = match (self.selected, forward) {
            (None, false) => (0..count).rev().find(is_message),
            (None, true) => return,
            (Some(at), false) => (0..at).rev().find(is_message).or(Some(at)),
            (Some(at), true) => match (at + 1..count).find(is_message) {
                Some(next) => Some(next),
                None => {
                    self.end();
                    return;
                }
            },
        };
        self.selected = next;
        if let Some(place) = next {
            self.reveal(place, session);
        }
    }

    /// Selects this message and brings it into sight.
    pub fn go_to(&mut self, id: MessageId, session: &Session) {
        if let Some(place) = self.items.iter().position(|item| *item == Item::Message(id)) {
            self.selected = Some(place);
            self.reveal(place, session);
            self.reveal_match(place, session);
        }
    }

    /// Brings the first marked row of an item into sight.
    fn reveal_match(&mut self, place: usize, session: &Session) {
        let marked = |line: &Line| match line {
            Line::Body { row, .. } => row.pieces.iter().any(|piece| piece.ink == Ink::Match),
            _ => false,
        };
        if self.shown.iter().any(|(item, shown)| *item == Some(place) && shown.line().is_some_and(marked)) {
            return;
        }
        let lines = self.lines_of(place, session);
        if let Some(row) = lines.iter().position(marked) {
            self.follow = false;
            self.top = Position { message: place, row: row as u32 };
            self.walk(-i64::from(self.height / 3), session);
        }
    }

    /// Drops the selection. False when there was none.
    pub fn unselect(&mut self) -> bool {
        self.selected.take().is_some()
    }

    fn reveal(&mut self, place: usize, session: &Session) {
        let on_screen = self.shown.iter().filter(|(item, _)| *item == Some(place)).count();
        let rows = self.rows_of(place, session);
        if on_screen < rows.min(usize::from(self.height)) {
            self.follow = false;
            self.top = Position { message: place, row: 0 };
            // Some of what came before gives the eye a hold.
            let room = i64::from(self.height) - rows as i64;
            self.walk(-(room / 3).max(0), session);
        }
    }

    /// Shows the beginning.
    pub fn begin(&mut self) {
        self.follow = false;
        self.top = Position::default();
    }

    /// Shows the end and follows it.
    pub fn end(&mut self) {
        self.follow = true;
        self.selected = None;
        self.seen = self.items.len();
    }

    /// Scrolls by rows, down if positive.
    pub fn scroll(&mut self, rows: i64, session: &Session) {
        if self.follow && rows > 0 {
            return;
        }
        if self.follow {
            self.follow = false;
            self.seen = self.items.len();
        }
        self.walk(rows, session);
    }

    /// Rows in sight.
    pub fn page(&self) -> i64 {
        i64::from(self.height.saturating_sub(2).max(1))
    }

    /// Moves the top row exactly, item by item.
    fn walk(&mut self, mut rows: i64, session: &Session) {
        while rows < 0 {
            if self.top.row > 0 {
                let step = i64::from(self.top.row).min(-rows);
                self.top.row -= step as u32;
                rows += step;
            } else if self.top.message > 0 {
                self.top.message -= 1;
                self.top.row = self.rows_of(self.top.message, session) as u32;
            } else {
                return;
            }
        }
        while rows > 0 && self.top.message < self.items.len() {
            let left = (self.rows_of(self.top.message, session) as i64 - i64::from(self.top.row)).max(0);
            if rows < left {
                self.top.row += rows as u32;
                return;
            }
            rows -= left;
            if self.top.message + 1 >= self.items.len() {
                return;
            }
            self.top = Position { message: self.top.message + 1, row: 0 };
        }
    }
}
