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

/// What may follow the keys that were pressed.
pub fn following(hints: &[Hint]) -> Vec<(String, String)> {
    hints.iter().map(|hint| (hint.chord.clone(), hint.action.help().to_owned())).collect()
}
