//! Two branches side by side, from the first message in which they differ.

use super::{Overlay, Step};
use crate::compare::{Comparison, Course, compare};
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::tui::action::{Action, Context};
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The panel.
#[derive(Debug)]
pub struct Compare {
    found: Comparison,
    scroll: usize,
    view: usize,
}

/// Lines above the rows: which branch, how much, how it ended, what detectors say.
const HEAD: u16 = 5;

impl Compare {
    /// The branch that is active, and another.
    pub fn of(here: &Session, there: &Session) -> Self {
        let found = compare(here, there);
        Compare { scroll: found.divergence.unwrap_or(0).saturating_sub(1), found, view: 1 }
    }

    fn to(&mut self, row: usize) -> Step {
        self.scroll = row.min(self.found.rows.len().saturating_sub(self.view));
        Step::Stay
    }

    fn head(course: &Course) -> [String; 4] {
        let figures = format!("{} messages · {} tokens · {}", course.messages.len(), course.tokens, course.cost);
        let end = course.ended.as_ref().map_or("goes on".to_owned(), |text| format!("ended: {}", one_line(text)));
        [one_line(&course.branch), figures, end, one_line(&course.findings.join(", "))]
    }
}

impl Overlay for Compare {
    fn context(&self) -> Context {
        Context::Help
    }

    fn act(&mut self, action: Action, _session: &Session, _now_ms: u64) -> Step {
        let page = self.view.saturating_sub(1).max(1);
        match action {
            Action::Cancel | Action::Submit => Step::Close,
            Action::ScrollDown => self.to(self.scroll + 1),
            Action::ScrollUp => self.to(self.scroll.saturating_sub(1)),
            Action::PageDown => self.to(self.scroll + page),
            Action::PageUp => self.to(self.scroll.saturating_sub(page)),
            Action::Top => self.to(0),
            Action::Bottom => self.to(usize::MAX),
            _ => Step::Pass,
        }
    }

    fn measure(&mut self, area: Rect, _session: &Session) {
        self.view = usize::from(area.height.saturating_sub(2 + HEAD)).max(1);
        self.scroll = self.scroll.min(self.found.rows.len().saturating_sub(self.view));
    }

    fn hints(&self) -> &'static [(Action, &'static str)] {
        &[(Action::ScrollDown, "down"), (Action::ScrollUp, "up"), (Action::Cancel, "back")]
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        paint::clear(buf, area, cx.theme);
        let title = match self.found.divergence {
            Some(row) => format!("Side by side: they part after {row} messages"),
            None => "Side by side: they say the same".to_owned(),
        };
        let inside = paint::frame(buf, area, &title, true, cx.theme, cx.unicode);
        let half = inside.width.saturating_sub(5) / 2;
        let columns =
            [Rect { x: inside.x + 1, width: half, ..inside }, Rect { x: inside.x + 4 + half, width: half, ..inside }];
        let put = |buf: &mut Buffer, column: Rect, y: u16, text: &str, role: Role| {
            if y < inside.bottom() {
                paint::words(buf, column, column.x, y, take(text, usize::from(column.width)), cx.theme.style(role));
            }
        };
        for (column, course) in columns.into_iter().zip([&self.found.left, &self.found.right]) {
            for (n, line) in Self::head(course).iter().enumerate() {
                put(buf, column, inside.y + n as u16, line, if n == 0 { Role::Strong } else { Role::Dim });
            }
        }
        let bar = if cx.unicode { "│" } else { "|" };
        for (n, row) in self.found.rows.iter().skip(self.scroll).take(self.view).enumerate() {
            let y = inside.y + HEAD + n as u16;
            let said = |course: &Course, place: Option<usize>| {
                let Some(message) = place.map(|place| &course.messages[place]) else { return String::new() };
                one_line(&format!("{} {}: {}", message.id.number(), message.author.name(), message.told()))
            };
            let role = if row.same { Role::Dim } else { Role::Text };
            put(buf, columns[0], y, &said(&self.found.left, row.left), role);
            put(buf, columns[1], y, &said(&self.found.right, row.right), role);
            if y < inside.bottom() {
                let mark = match (row.left, row.right) {
                    _ if row.same => bar,
                    (Some(_), Some(_)) if cx.unicode => "≠",
                    (Some(_), Some(_)) => "!",
                    (Some(_), None) => "<",
                    _ => ">",
                };
                paint::words(buf, inside, inside.x + half + 2, y, mark, cx.theme.style(Role::Warning));
            }
        }
        if self.found.rows.len() > self.view {
            let text = format!(" {}/{} ", (self.scroll + self.view).min(self.found.rows.len()), self.found.rows.len());
            paint::words_right(buf, area, area.right() - 2, area.bottom() - 1, &text, cx.theme.style(Role::Dim));
        }
        None
    }
}
