//! The bottom: what is pending or was just said, and the keys that matter now.

use crate::text::width::width;
use crate::tui::action::{Action, Context};
use crate::tui::keymap::{Hint, Keymap};
use crate::tui::paint;
use crate::tui::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws keys with what they do, as many as fit.
pub fn keys(area: Rect, buf: &mut Buffer, hints: &[(String, String)], theme: &Theme) {
    let mut x = area.x + 1;
    for (chord, what) in hints {
        let needed = (width(chord) + 1 + width(what)) as u16;
        if x + needed > area.right() {
            break;
        }
        x = paint::words(buf, area, x, area.y, chord, theme.style(Role::HintKey));
        x = paint::words(buf, area, x + 1, area.y, what, theme.style(Role::HintText)) + 2;
    }
}

/// The keys of some actions in a context, with a short word for each, from the keymap.
pub fn chosen(keymap: &Keymap, context: Context, wanted: &[(Action, &str)]) -> Vec<(String, String)> {
    wanted.iter().filter_map(|(action, word)| Some((keymap.chord_for(*action, context)?, (*word).to_owned()))).collect()
}

/// The least width of a column of the list of what may follow.
const COLUMN: u16 = 44;

/// A list of what may follow the keys that were pressed, above `bottom`.
pub fn what_follows(area: Rect, buf: &mut Buffer, typed: &str, hints: &[Hint], theme: &Theme, unicode: bool) {
    let columns = (area.width.saturating_sub(2) / COLUMN).max(1);
    let column_width = area.width.saturating_sub(3) / columns;
    let rows = (hints.len() as u16).div_ceil(columns);
    let height = (rows + 2).min(area.height);
    if height < 3 || hints.is_empty() {
        return;
    }
    let place = Rect { y: area.bottom() - height, height, ..area };
    paint::clear(buf, place, theme);
    let inside = paint::frame(buf, place, &format!("{typed} …"), true, theme, unicode);
    for (n, hint) in hints.iter().enumerate() {
        let (column, row) = (n as u16 / rows, n as u16 % rows);
        let (x, y) = (inside.x + 1 + column * column_width, inside.y + row);
        let line = Rect { x, y, width: column_width.min(inside.right().saturating_sub(x)), height: 1 };
        if y >= inside.bottom() || x >= inside.right() {
            continue;
        }
        let end = paint::words(buf, line, x, y, &hint.chord, theme.style(Role::HintKey));
        let help = hint.action.help();
        let room = usize::from(line.right().saturating_sub(end + 2));
        paint::words(buf, line, end + 1, y, crate::text::width::take(help, room), theme.style(Role::HintText));
    }
}

/// What may follow the keys that were pressed.
pub fn following(hints: &[Hint]) -> Vec<(String, String)> {
    hints.iter().map(|hint| (hint.chord.clone(), hint.action.help().to_owned())).collect()
}
