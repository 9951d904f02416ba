//! From rows of text to cells: the only way words reach a buffer.
//!
//! What a stretch of text *is* ([`Ink`]) becomes a role of the theme here, and nowhere else. Everything is clipped to
//! its area, so that no pane can write into another, whatever it was given.

use super::keymap::Keymap;
use super::theme::{Role, Theme};
use crate::chat::UnixMillis;
use crate::session::Session;
use crate::text::width::{graphemes, width};
use crate::text::{Ink, Row};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// What drawing needs.
pub struct Draw<'a> {
    /// The session.
    pub session: &'a Session,
    /// The theme.
    pub theme: &'a Theme,
    /// The keys.
    pub keymap: &'a Keymap,
    /// Whether the terminal can show more than ASCII.
    pub unicode: bool,
    /// Milliseconds since the console started.
    pub now_ms: u64,
    /// Wall time.
    pub wall: UnixMillis,
}

/// The role of an ink.
pub fn role(ink: Ink) -> Role {
    match ink {
        Ink::Plain => Role::Text,
        Ink::Dim | Ink::Strike | Ink::Rule | Ink::Fence | Ink::TableBorder => Role::Dim,
        Ink::Strong | Ink::StrongEmphasis | Ink::Bullet => Role::Strong,
        Ink::Emphasis => Role::Emphasis,
        Ink::Heading => Role::Heading,
        Ink::Quote => Role::Quote,
        Ink::Link => Role::Link,
        Ink::InlineCode => Role::InlineCode,
        Ink::Code => Role::Code,
        Ink::Keyword => Role::Keyword,
        Ink::Str => Role::String,
        Ink::Number => Role::Number,
        Ink::Comment => Role::Comment,
        Ink::Function => Role::Function,
        Ink::Added => Role::Added,
        Ink::Removed => Role::Removed,
        Ink::Marker => Role::Marker,
        Ink::Match => Role::Match,
    }
}

/// Draws a row at `(x, y)` within `area`.
pub fn row(buf: &mut Buffer, area: Rect, x: u16, y: u16, row: &Row, theme: &Theme) {
    let mut at = x;
    for piece in &row.pieces {
        at = words(buf, area, at, y, &piece.text, theme.style(role(piece.ink)));
    }
}

/// Draws our own or cleaned words at `(x, y)`, cut at the right edge of `area`; returns where they end. Anything that
/// could act on the terminal is left out, as a last line of defence.
pub fn words(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    if y < area.top() || y >= area.bottom() || x < area.left() {
        return x;
    }
    let area = area.intersection(buf.area);
    let mut at = x;
    for grapheme in graphemes(text) {
        let cells = width(grapheme) as u16;
        if cells == 0 || grapheme.chars().any(char::is_control) {
            continue;
        }
        if at + cells > area.right() {
            break;
        }
        if let Some(cell) = buf.cell_mut((at, y)) {
            cell.set_symbol(grapheme).set_style(style);
        }
        for hidden in 1..cells {
            if let Some(cell) = buf.cell_mut((at + hidden, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
        at += cells;
    }
    at
}

/// Draws words so that they end at `right` (exclusive); returns where they begin.
pub fn words_right(buf: &mut Buffer, area: Rect, right: u16, y: u16, text: &str, style: Style) -> u16 {
    let cells = width(text) as u16;
    let x = right.saturating_sub(cells).max(area.left());
    words(buf, area, x, y, text, style);
    x
}

/// Draws a frame with a title, and returns what is inside. Without Unicode, with plain characters.
pub fn frame(buf: &mut Buffer, area: Rect, title: &str, focused: bool, theme: &Theme, unicode: bool) -> Rect {
    if area.width < 2 || area.height < 2 {
        return area;
    }
    let style = theme.style(if focused { Role::BorderFocus } else { Role::Border });
    let [h, v, tl, tr, bl, br] =
        if unicode { ["─", "│", "┌", "┐", "└", "┘"] } else { ["-", "|", "+", "+", "+", "+"] };
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let mut line = |x: u16, y: u16, symbol: &'static str| {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    for x in area.left()..=right {
        line(x, area.top(), h);
        line(x, bottom, h);
    }
    for y in area.top()..=bottom {
        line(area.left(), y, v);
        line(right, y, v);
    }
    line(area.left(), area.top(), tl);
    line(right, area.top(), tr);
    line(area.left(), bottom, bl);
    line(right, bottom, br);
    if !title.is_empty() && area.width > 6 {
        let room = Rect { x: area.x + 2, width: area.width - 4, ..area };
        let shown = if focused { theme.style(Role::BorderFocus) } else { theme.style(Role::Title) };
        words(buf, room, room.x, area.top(), &format!(" {title} "), shown);
    }
    Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
}

/// Signs that stand for shapes, and what stands for them where a terminal has ASCII only.
const PLAIN: [(&str, &str); 12] = [
    ("─━═┄┈╌―—–‐", "-"),
    ("│┃║▎▌▐▏▕┆┊╎", "|"),
    ("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝", "+"),
    ("●■▪•∙·⋅◆", "*"),
    ("○□▫◇", "o"),
    ("✓✔", "v"),
    ("✗✘×", "x"),
    ("→▸▶›»↪⑂", ">"),
    ("←◂◀‹«", "<"),
    ("▲△⚠", "!"),
    ("…⋮", "."),
    ("↻⟳≈", "~"),
];

/// Draws shapes as letters: the last thing done to a frame for a terminal without Unicode.
pub fn plain(buf: &mut Buffer, area: Rect) {
    for position in area.intersection(buf.area).positions() {
        let cell = &mut buf[position];
        if cell.symbol().is_ascii() {
            continue;
        }
        let sign = PLAIN.iter().find(|(shapes, _)| shapes.contains(cell.symbol())).map(|(_, sign)| *sign);
        if let Some(sign) = sign {
            cell.set_symbol(sign);
        }
    }
}

/// Empties an area in the theme's own background.
pub fn clear(buf: &mut Buffer, area: Rect, theme: &Theme) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let mut blank = Cell::default();
    blank.set_style(theme.base());
    for y in area.top()..area.bottom() {
        let row = buf.index_of(area.left(), y);
        buf.content[row..row + usize::from(area.width)].fill(blank.clone());
    }
}

/// Gives every cell of a line a style, keeping its words.
pub fn tint(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}
