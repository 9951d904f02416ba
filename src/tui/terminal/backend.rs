//! ratatui's output as bytes in a buffer, with nothing asked of the terminal.
//!
//! Like ratatui's crossterm backend, and different in three ways. It never asks for the cursor or the size, so that
//! no answer can get lost among the keys. It writes nothing when nothing changed. And it is the last gate before the
//! terminal: whatever a widget put into a cell, no control character, hidden character or pile of marks passes; and
//! after a cell that a terminal may count differently than we do, the cursor is placed anew.

use crossterm::cursor::{Hide, MoveRight, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{
    Attribute, Attributes, Colors, Print, SetAttribute, SetAttributes, SetBackgroundColor, SetColors,
    SetForegroundColor, SetUnderlineColor,
};
use crossterm::terminal::{Clear, ClearType as Part};
use ratatui::backend::{Backend, ClearType, IntoCrossterm, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Modifier, Style};
use std::borrow::Cow;
use std::io::{self, Write};

/// Most code points and bytes that one cell may send.
const CELL_POINTS: usize = 8;
const CELL_BYTES: usize = 32;

/// A ratatui backend that collects one frame.
#[derive(Debug)]
pub(super) struct FrameBackend {
    pub bytes: Vec<u8>,
    size: Size,
    /// Where the terminal's cursor stands, if we know.
    at: Option<Position>,
    /// Whether it is shown, if we know.
    shown: Option<bool>,
}

impl FrameBackend {
    pub fn new(size: Size) -> Self {
        FrameBackend { bytes: Vec::new(), size, at: None, shown: None }
    }

    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Nothing is known any more of the terminal's cursor.
    pub fn forget(&mut self) {
        self.at = None;
        self.shown = None;
    }

    fn move_to(&mut self, to: Position) -> io::Result<()> {
        match self.at {
            Some(at) if at == to => {}
            // Shorter than a place, and most gaps are within a row.
            Some(at) if at.y == to.y && at.x < to.x => queue!(self.bytes, MoveRight(to.x - at.x))?,
            _ => queue!(self.bytes, MoveTo(to.x, to.y))?,
        }
        self.at = Some(to);
        Ok(())
    }

    fn change(&mut self, from: Option<&Cell>, to: &Cell) -> io::Result<()> {
        let (fg, bg) = (to.fg.into_crossterm(), to.bg.into_crossterm());
        let colours = Colors::new(fg, bg);
        match from {
            Some(from) if from.modifier == to.modifier => {
                match (from.fg != to.fg, from.bg != to.bg) {
                    (true, true) => queue!(self.bytes, SetColors(colours))?,
                    (true, false) => queue!(self.bytes, SetForegroundColor(fg))?,
                    (false, true) => queue!(self.bytes, SetBackgroundColor(bg))?,
                    (false, false) => {}
                }
                if from.underline_color != to.underline_color {
                    queue!(self.bytes, SetUnderlineColor(to.underline_color.into_crossterm()))?;
                }
            }
            _ => {
                queue!(self.bytes, SetAttribute(Attribute::Reset))?;
                let attributes = attributes(to.modifier);
                if !attributes.is_empty() {
                    queue!(self.bytes, SetAttributes(attributes))?;
                }
                let plain = Cell::EMPTY;
                if (to.fg, to.bg) != (plain.fg, plain.bg) {
                    queue!(self.bytes, SetColors(colours))?;
                }
                if to.underline_color != plain.underline_color {
                    queue!(self.bytes, SetUnderlineColor(to.underline_color.into_crossterm()))?;
                }
            }
        }
        Ok(())
    }
}

/// ratatui knows how its modifiers are called in crossterm, as a part of a style.
fn attributes(modifier: Modifier) -> Attributes {
    Style::new().add_modifier(modifier).into_crossterm().attributes
}

/// The text of a cell as it may be sent, and whether any terminal would give it the width that ratatui did.
fn sendable(symbol: &str) -> (Cow<'_, str>, bool) {
    let mut chars = symbol.chars();
    let (first, second) = (chars.next(), chars.next());
    match (first, second) {
        (None, _) => (Cow::Borrowed(" "), true),
        (Some(c), None) if !is_hidden(c) => (Cow::Borrowed(symbol), has_sure_width(c)),
        _ if symbol.len() <= CELL_BYTES
            && symbol.chars().nth(CELL_POINTS).is_none()
            && !symbol.chars().any(is_hidden) =>
        {
            (Cow::Borrowed(symbol), false)
        }
        _ => {
            let mut kept = String::new();
            for c in symbol.chars().filter(|c| !is_hidden(*c)).take(CELL_POINTS) {
                if kept.len() + c.len_utf8() > CELL_BYTES {
                    break;
                }
                kept.push(c);
            }
            if kept.is_empty() {
                kept.push('\u{fffd}');
            }
            (Cow::Owned(kept), false)
        }
    }
}

/// Characters that act on a terminal or that nobody can see: C0, DEL, C1, direction marks, line separators,
/// annotations, tags. What they stood for is shown by the text layer, long before this.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether terminals agree on the width of this character. Those that differ over it differ over signs and emoji;
/// lines, blocks and braille are in every cell of a border and are safe.
fn has_sure_width(c: char) -> bool {
    matches!(c, ' '..='\u{22ff}' | '\u{2500}'..='\u{25ff}' | '\u{2800}'..='\u{28ff}')
}

impl Backend for FrameBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut last: Option<&Cell> = None;
        for (x, y, cell) in content {
            self.move_to(Position { x, y })?;
            self.change(last, cell)?;
            last = Some(cell);
            let (text, sure) = sendable(cell.symbol());
            queue!(self.bytes, Print(text))?;
            // At the right edge terminals differ on where the cursor is; elsewhere it went on by one.
            self.at = (sure && x + 1 < self.size.width).then_some(Position { x: x + 1, y });
        }
        if last.is_some() {
            queue!(self.bytes, SetAttribute(Attribute::Reset))?;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown != Some(false) {
            queue!(self.bytes, Hide)?;
            self.shown = Some(false);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown != Some(true) {
            queue!(self.bytes, Show)?;
            self.shown = Some(true);
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.move_to(position.into())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, part: ClearType) -> io::Result<()> {
        let part = match part {
            ClearType::All => Part::All,
            ClearType::AfterCursor => Part::FromCursorDown,
            ClearType::BeforeCursor => Part::FromCursorUp,
            ClearType::CurrentLine => Part::CurrentLine,
            ClearType::UntilNewLine => Part::UntilNewLine,
        };
        queue!(self.bytes, SetAttribute(Attribute::Reset), Clear(part))
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bytes.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_or_hides_leaves_a_cell() {
        for c in (0..=0x10ffff).filter_map(char::from_u32).filter(|c| c.is_control()) {
            assert_eq!(sendable(&c.to_string()).0, "\u{fffd}");
            assert_eq!(sendable(&format!("a{c}")).0, "a");
        }
        assert_eq!(sendable("a\u{e0041}\u{e0042}").0, "a");
        assert_eq!(sendable("\u{202e}").0, "\u{fffd}");
        let pile = format!("a{}", "\u{301}".repeat(100_000));
        assert!(sendable(&pile).0.len() <= CELL_BYTES);
        assert_eq!(sendable("👩‍👩‍👧").0, "👩‍👩‍👧");
    }

    #[test]
    fn only_cells_of_sure_width_need_no_new_cursor_position() {
        for sure in ["a", "é", "─", "█", "⣿"] {
            assert!(sendable(sure).1, "{sure}");
        }
        for unsure in ["漢", "👩‍👩‍👧", "☂\u{fe0f}", "⚠", "e\u{301}", "ﾊﾞ"] {
            assert!(!sendable(unsure).1, "{unsure}");
        }
    }

    #[test]
    fn a_gap_within_a_row_is_stepped_over_and_one_colour_changes_alone() {
        let mut backend = FrameBackend::new(Size::new(20, 2));
        let cell = |symbol, style: Style| {
            let mut cell = Cell::new(symbol);
            cell.set_style(style.on_yellow());
            cell
        };
        let plain = Style::new();
        let cells = [cell("a", plain.red()), cell("b", plain.green()), cell("c", plain), cell("d", plain)];
        let places = [(2, 0), (3, 0), (9, 0), (1, 1)];
        backend.draw(places.iter().zip(&cells).map(|((x, y), cell)| (*x, *y, cell))).unwrap();
        let sent = String::from_utf8(backend.bytes).unwrap();
        assert_eq!(sent, "\x1b[1;3H\x1b[0m\x1b[38;5;1;48;5;3ma\x1b[38;5;2mb\x1b[5C\x1b[39mc\x1b[2;2Hd\x1b[0m");
    }

    #[test]
    fn after_a_cell_of_unsure_width_the_cursor_is_placed_anew() {
        let sent = |first: &'static str| {
            let mut backend = FrameBackend::new(Size::new(10, 1));
            let cells = [Cell::new(first), Cell::new("x"), Cell::new("y")];
            backend.draw((0..).zip(&cells).map(|(x, cell)| (x, 0, cell))).unwrap();
            String::from_utf8(backend.bytes).unwrap()
        };
        assert!(sent("e\u{301}").contains("e\u{301}\x1b[1;2Hxy"));
        assert!(sent("⚠").contains("⚠\x1b[1;2Hxy"));
        assert!(sent("e").contains("exy"));
    }
}
