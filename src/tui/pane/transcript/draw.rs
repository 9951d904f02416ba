//! From measured rows to cells.

use super::Transcript;
use crate::tui::paint;
use crate::tui::pane::item::Line;
use crate::tui::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

impl Transcript {
    /// Draws what was measured.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme, unicode: bool) {
        let bar = if unicode { "▎" } else { "|" };
        let inside = Rect { width: area.width.saturating_sub(1), ..area };
        for (n, (place, line)) in self.shown.iter().enumerate() {
            let y = area.y + n as u16;
            let Some(line) = line.line() else { continue };
            match line {
                Line::Blank => {}
                Line::Note { role, row } => {
                    let text = row.text();
                    paint::words(buf, inside, inside.x, y, &text, theme.style(*role));
                }
                Line::Body { role, row } => {
                    paint::words(buf, inside, inside.x, y, bar, theme.style(*role));
                    paint::row(buf, inside, inside.x + 2, y, row, theme);
                }
                Line::Head { role, number, name, marks, figures } => {
                    let x = paint::words(buf, inside, inside.x, y, &format!("{number} "), theme.style(Role::Dim));
                    let x = paint::words(buf, inside, x, y, name, theme.style(*role));
                    let x = paint::words(buf, inside, x + 2, y, marks, theme.style(Role::Warning));
                    let from = inside.right().saturating_sub(crate::text::width::width(figures) as u16);
                    if from > x {
                        paint::words(buf, inside, from, y, figures, theme.style(Role::Dim));
                    }
                }
            }
            if place.is_some() && *place == self.selected {
                let row = Rect { y, height: 1, ..inside };
                if matches!(line, Line::Head { .. }) {
                    paint::tint(buf, row, theme.style(Role::Selection));
                }
            }
        }
        self.draw_position(area, buf, theme, unicode);
    }

    /// A thumb at the right edge: where in the whole one is.
    fn draw_position(&self, area: Rect, buf: &mut Buffer, theme: &Theme, unicode: bool) {
        let total = self.heights.total().max(1);
        if total <= u64::from(area.height) || area.height == 0 {
            return;
        }
        let height = u64::from(area.height);
        let size = (height * height / total).clamp(1, height);
        let above = if self.follow { total - height.min(total) } else { self.heights.offset(self.top) };
        let from = (above * height / total).min(height - size);
        for n in from..from + size {
            let mark = if unicode { "▐" } else { "#" };
            paint::words(buf, area, area.right() - 1, area.y + n as u16, mark, theme.style(Role::Minimap));
        }
    }
}
