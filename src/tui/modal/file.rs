//! A file that code made, to be read only: its text cleaned and numbered as code is before it runs, its size, its hash,
//! and whether it still is what the execution left.

use super::{Overlay, Step};
use crate::chat::by_hand::FileSeen;
use crate::chat::containment::bytes;
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::text::{Row, code};
use crate::tui::action::{Action, Context};
use crate::tui::paint::{self, Draw};
use crate::tui::pane::foot;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// A file on the screen.
#[derive(Debug)]
pub struct File {
    file: FileSeen,
    /// Hash of the content as the execution left it; empty when that is not known.
    left: String,
    rows: Vec<Row>,
    width: u16,
    scroll: usize,
    view: usize,
}

impl File {
    /// The file, and the hash that the execution recorded for it.
    pub fn new(file: FileSeen, left: String) -> Self {
        File { file, left, rows: Vec::new(), width: 0, scroll: 0, view: 1 }
    }

    /// What is to be known about it, on one line.
    fn facts(&self) -> (String, Role) {
        let file = &self.file;
        if let Some(problem) = &file.problem {
            return (format!("It cannot be shown: {}.", one_line(problem)), Role::Warning);
        }
        let hash =
            if file.hash.is_empty() { "too large for a hash".to_owned() } else { take(&file.hash, 16).to_owned() };
        let (state, role) = match (self.left.is_empty(), self.left == file.hash) {
            (true, _) => ("", Role::Text),
            (false, true) => (" · as the execution left it", Role::Success),
            (false, false) => (" · changed since the execution", Role::Warning),
        };
        let cut = if file.cut { " · only its beginning is shown" } else { "" };
        (format!("{} · sha256 {hash}{state}{cut}", bytes(file.size)), role)
    }
}

impl Overlay for File {
    fn context(&self) -> Context {
        Context::Help
    }

    fn act(&mut self, action: Action, _session: &Session, _now_ms: u64) -> Step {
        let page = self.view.saturating_sub(1).max(1);
        let last = self.rows.len().saturating_sub(self.view);
        self.scroll = match action {
            Action::Cancel | Action::Submit => return Step::Close,
            Action::ScrollDown | Action::SelectNext => self.scroll + 1,
            Action::ScrollUp | Action::SelectPrev => self.scroll.saturating_sub(1),
            Action::PageDown | Action::HalfDown => self.scroll + page,
            Action::PageUp | Action::HalfUp => self.scroll.saturating_sub(page),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return Step::Pass,
        }
        .min(last);
        Step::Stay
    }

    fn measure(&mut self, area: Rect, _session: &Session) {
        let width = area.width.saturating_sub(4).max(8);
        if self.width != width {
            // The end of the name says how it is coloured.
            let language = self.file.path.rsplit_once('.').map_or("", |(_, extension)| extension);
            self.rows = code::listing(&self.file.text, language, width).rows;
            self.width = width;
        }
        self.view = usize::from(area.height.saturating_sub(5)).max(1);
        self.scroll = self.scroll.min(self.rows.len().saturating_sub(self.view));
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        paint::clear(buf, area, cx.theme);
        let title = format!("{} (read only)", one_line(&self.file.path));
        let title = take(&title, usize::from(area.width.saturating_sub(6)));
        let inside = paint::frame(buf, area, title, true, cx.theme, cx.unicode);
        let (facts, role) = self.facts();
        let room = usize::from(inside.width.saturating_sub(2));
        paint::words(buf, inside, inside.x + 1, inside.y, take(&facts, room), cx.theme.style(role));
        let body = Rect { x: inside.x + 1, y: inside.y + 1, width: inside.width.saturating_sub(2), ..inside };
        for (n, row) in self.rows.iter().skip(self.scroll).take(self.view).enumerate() {
            paint::row(buf, body, body.x, body.y + n as u16, row, cx.theme);
        }
        let wanted = [(Action::PageDown, "down"), (Action::PageUp, "up"), (Action::Cancel, "close")];
        let keys = foot::chosen(cx.keymap, Context::Help, &wanted);
        let line = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
        foot::keys(line, buf, &keys, cx.theme);
        if self.rows.len() > self.view {
            let text = format!(" {}/{} ", (self.scroll + self.view).min(self.rows.len()), self.rows.len());
            paint::words_right(buf, area, area.right() - 2, area.bottom() - 1, &text, cx.theme.style(Role::Dim));
        }
        None
    }
}
