//! A text field: one line or many.
//!
//! A thin coat around `tui-textarea`: only editing keys reach it, pastes are bounded, the real cursor is placed, and
//! what is typed is shown as it is. The text is the operator's own, but a paste may hold anything, so control
//! characters other than line ends and tabs never enter.

use crate::text::clean::one_line;
use crate::text::width::{GRAPHEME_BYTES, width};
use crate::tui::input::{Key, KeyPress};
use crate::tui::paint;
use crate::tui::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;
use tui_textarea::{CursorMove, Input, TextArea, WrapMode};

/// Most bytes in a field: beyond this every key would be slow.
pub const LIMIT: usize = 256 * 1024;

/// Lines that page up and page down go.
const PAGE: usize = 10;

/// A text field.
#[derive(Debug, Clone)]
pub struct Editor {
    area: TextArea<'static>,
    placeholder: String,
    refused: bool,
}

impl Editor {
    /// A field with this text, the cursor at its end.
    pub fn new(text: &str, placeholder: &str) -> Self {
        let mut area = TextArea::new(clean(text).split('\n').map(str::to_owned).collect());
        area.set_max_histories(10_000);
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        area.set_placeholder_text(placeholder);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Editor { area, placeholder: placeholder.to_owned(), refused: false }
    }

    /// Puts the cursor at the beginning.
    pub fn at_start(mut self) -> Self {
        self.area.move_cursor(CursorMove::Top);
        self.area.move_cursor(CursorMove::Head);
        self
    }

    /// The text.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.area.lines().iter().all(String::is_empty)
    }

    /// Rows the text takes at a width, about: at least one a line.
    pub fn rows(&self, cells: u16) -> usize {
        let cells = usize::from(cells.max(1));
        self.area.lines().iter().map(|line| (width(line) + 1).div_ceil(cells).max(1)).sum::<usize>().max(1)
    }

    /// Whether the cursor is in the first line; in the last.
    pub fn at_edge(&self) -> (bool, bool) {
        let row = self.area.cursor().0;
        (row == 0, row + 1 >= self.area.lines().len())
    }

    /// Empties it and returns what was in it.
    pub fn take(&mut self) -> String {
        let text = self.text();
        *self = Editor::new("", &self.placeholder);
        text
    }

    /// Replaces the text.
    pub fn set(&mut self, text: &str) {
        *self = Editor::new(text, &self.placeholder);
    }

    /// A key that the keymap did not want.
    pub fn key(&mut self, key: KeyPress) {
        if let Some(c) = key.typed() {
            if self.room() > 0 {
                self.area.insert_char(c);
            } else {
                self.refused = true;
            }
            return;
        }
        if key.key == Key::Enter {
            self.newline();
            return;
        }
        // The habits of the shell: these are what fingers expect in a line of text.
        match (key.key, key.ctrl, key.alt) {
            (Key::Char('a'), true, _) | (Key::Home, false, _) => self.area.move_cursor(CursorMove::Head),
            (Key::Char('e'), true, _) | (Key::End, false, _) => self.area.move_cursor(CursorMove::End),
            (Key::Home, true, _) => self.area.move_cursor(CursorMove::Top),
            (Key::End, true, _) => self.area.move_cursor(CursorMove::Bottom),
            (Key::Char('p'), true, _) | (Key::Up, false, _) => self.area.move_cursor(CursorMove::Up),
            (Key::Char('n'), true, _) | (Key::Down, false, _) => self.area.move_cursor(CursorMove::Down),
            (Key::Char('b'), true, _) | (Key::Left, false, false) => self.area.move_cursor(CursorMove::Back),
            (Key::Char('f'), true, _) | (Key::Right, false, false) => self.area.move_cursor(CursorMove::Forward),
            (Key::PageUp, ..) => (0..PAGE).for_each(|_| self.area.move_cursor(CursorMove::Up)),
            (Key::PageDown, ..) => (0..PAGE).for_each(|_| self.area.move_cursor(CursorMove::Down)),
            (Key::Char('u'), true, _) => _ = self.area.delete_line_by_head(),
            (Key::Char('k'), true, _) => _ = self.area.delete_line_by_end(),
            (Key::Char('w'), true, _) => _ = self.area.delete_word(),
            (Key::Char('z' | '_'), true, _) => _ = self.area.undo(),
            (Key::Char('r'), true, _) => _ = self.area.redo(),
            (Key::Char('b'), _, true) | (Key::Left, ..) => self.area.move_cursor(CursorMove::WordBack),
            (Key::Char('f'), _, true) | (Key::Right, ..) => self.area.move_cursor(CursorMove::WordForward),
            _ => _ = self.area.input_without_shortcuts(Input::from(key)),
        }
    }

    /// Whether a key was not taken because the field is full; says so once.
    pub fn refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// A new line.
    pub fn newline(&mut self) {
        if self.room() > 0 {
            self.area.insert_newline();
        }
    }

    /// Pasted text. Returns how many bytes were too many.
    pub fn paste(&mut self, text: &str) -> usize {
        let text = clean(text);
        let mut end = text.len().min(self.room());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.area.insert_str(&text[..end]);
        text.len() - end
    }

    fn room(&self) -> usize {
        LIMIT.saturating_sub(self.area.lines().iter().map(|line| line.len() + 1).sum())
    }

    /// Draws the field; with the focus, returns where the cursor is to be.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme, focused: bool) -> Option<Position> {
        if area.is_empty() {
            return None;
        }
        let mut shown = self.area.clone();
        shown.set_style(theme.style(Role::Text));
        shown.set_cursor_line_style(theme.style(Role::Text));
        shown.set_cursor_style(theme.style(Role::Text));
        shown.set_placeholder_style(theme.style(Role::Dim));
        paint::clear(buf, area, theme);
        (&shown).render(area, buf);
        show_hidden(area, buf, theme);
        if !focused {
            return None;
        }
        let cursor = shown.screen_cursor();
        let (x, y) = (area.x + cursor.col as u16, area.y + cursor.row as u16);
        Some(Position { x: x.min(area.right() - 1), y: y.min(area.bottom() - 1) })
    }
}

/// The field keeps what a model wrote as it is; a cell that would hide something, or pile it up, shows a sign instead.
fn show_hidden(area: Rect, buf: &mut Buffer, theme: &Theme) {
    for position in area.intersection(buf.area).positions() {
        let cell = &mut buf[position];
        let symbol = cell.symbol();
        let plain = symbol.len() <= GRAPHEME_BYTES && (symbol.is_ascii() || one_line(symbol) == symbol);
        if !plain {
            cell.set_symbol("\u{fffd}").set_style(theme.style(Role::Marker));
        }
    }
}

/// Line ends as `\n`, tabs kept, other control characters gone.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}
