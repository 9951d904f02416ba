//! A change before it is made: what was and what is to be, line by line, and what is to become of what follows.

use super::list::{Choice, Line};
use super::{Overlay, Step};
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::diff::diff;
use crate::text::width::{take, width};
use crate::text::{Ink, Row};
use crate::tui::action::{Action, Context};
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// A change that waits for a last look.
#[derive(Debug)]
pub struct Review {
    title: String,
    before: String,
    after: String,
    choices: Vec<Line>,
    at: usize,
    scroll: usize,
    view: usize,
    rows: Vec<Row>,
    laid_out: Option<u16>,
}

impl Review {
    /// A look at a change; the first choice is chosen.
    pub fn new(title: impl Into<String>, before: &str, after: &str, choices: Vec<Line>) -> Self {
        Review {
            title: title.into(),
            before: before.to_owned(),
            after: after.to_owned(),
            choices,
            at: 0,
            scroll: 0,
            view: 1,
            rows: Vec::new(),
            laid_out: None,
        }
    }

    /// Where the difference and the choices stand.
    fn parts(&self, area: Rect) -> (Rect, Rect) {
        let inside = Rect {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(2),
        };
        let below = (self.choices.len() as u16 + 1).min(inside.height);
        let [diff, choices] = crate::tui::layout::above(inside, inside.height - below);
        (diff, choices)
    }
}

impl Overlay for Review {
    fn context(&self) -> Context {
        Context::List
    }

    fn act(&mut self, action: Action, _session: &Session, _now_ms: u64) -> Step {
        let page = self.view.saturating_sub(1).max(1);
        let last = self.rows.len().saturating_sub(self.view);
        match action {
            Action::Cancel | Action::Quit => return Step::Close,
            Action::Submit => match self.choices.get(self.at).map(|line| line.choice.clone()) {
                Some(Choice::Nothing) | None => return Step::Close,
                Some(choice) => return Step::Chosen(choice),
            },
            Action::SelectNext => self.at = (self.at + 1).min(self.choices.len().saturating_sub(1)),
            Action::SelectPrev => self.at = self.at.saturating_sub(1),
            Action::PageDown | Action::HalfDown => self.scroll = (self.scroll + page).min(last),
            Action::PageUp | Action::HalfUp => self.scroll = self.scroll.saturating_sub(page),
            Action::Top => self.scroll = 0,
            Action::Bottom => self.scroll = last,
            _ => return Step::Pass,
        }
        Step::Stay
    }

    fn measure(&mut self, area: Rect, _session: &Session) {
        let (body, _) = self.parts(area);
        let width = body.width.max(1);
        if self.laid_out != Some(width) {
            self.rows = diff(&self.before, &self.after, width);
            self.laid_out = Some(width);
        }
        self.view = usize::from(body.height).max(1);
        self.scroll = self.scroll.min(self.rows.len().saturating_sub(self.view));
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        paint::clear(buf, area, cx.theme);
        let count =
            |ink| self.rows.iter().filter(|row| row.pieces.first().is_some_and(|piece| piece.ink == ink)).count();
        let title = format!("{} · {} rows new, {} gone", self.title, count(Ink::Added), count(Ink::Removed));
        let title = take(&title, usize::from(area.width.saturating_sub(6)));
        paint::frame(buf, area, title, true, cx.theme, cx.unicode);
        let (body, below) = self.parts(area);
        for (n, row) in self.rows.iter().skip(self.scroll).take(usize::from(body.height)).enumerate() {
            paint::row(buf, body, body.x, body.y + n as u16, row, cx.theme);
        }
        for (n, line) in self.choices.iter().enumerate() {
            let y = below.y + 1 + n as u16;
            let text = one_line(&line.text);
            paint::words(buf, below, below.x + 1, y, &text, cx.theme.style(Role::Text));
            if n == self.at {
                let lit = Rect { y, height: 1, width: (width(&text) as u16 + 2).min(below.width), ..below };
                if y < below.bottom() {
                    paint::tint(buf, lit, cx.theme.style(Role::Selection));
                }
            }
        }
        if self.rows.len() > self.view {
            let text = format!(" {}/{} ", (self.scroll + self.view).min(self.rows.len()), self.rows.len());
            paint::words_right(buf, area, area.right() - 2, area.bottom() - 1, &text, cx.theme.style(Role::Dim));
        }
        None
    }

    fn hints(&self) -> &'static [(Action, &'static str)] {
        &[
            (Action::Submit, "do it"),
            (Action::SelectNext, "next choice"),
            (Action::PageDown, "more"),
            (Action::Cancel, "back"),
        ]
    }
}
