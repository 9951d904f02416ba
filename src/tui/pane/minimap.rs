//! The strip below the transcript: a cell for each turn with its agent's letter, and below it what happened there.
//!
//! Letters and signs say everything; colours only repeat it. Draws as many cells as there are columns, whatever the
//! length of the conversation.

use crate::chat::id::Seq;
use crate::session::Session;
use crate::tui::index::{Index, Mark, letters};
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use std::collections::BTreeSet;

/// Rows that the strip takes.
pub const ROWS: u16 = 2;

/// The role of a mark.
pub fn mark_role(mark: Mark) -> Role {
    match mark {
        Mark::Failure => Role::Failed,
        Mark::Asked => Role::Waiting,
        Mark::Detector => Role::Warning,
        Mark::Edit => Role::Operator,
        Mark::Branch => Role::Dim,
    }
}

/// Draws the strip. `sight` are the first and the last record that the transcript shows.
pub fn draw(
    area: Rect,
    buf: &mut Buffer,
    cx: &Draw,
    index: &Index,
    sight: Option<(Seq, Seq)>,
    bookmarks: &BTreeSet<Seq>,
) {
    let cells = index.cells();
    let width = usize::from(area.width);
    if width < 3 || area.height < ROWS || cells.is_empty() {
        return;
    }
    let (from, to) = sight.map_or((cells.len(), cells.len()), |(first, last)| {
        (index.cell_of(first).unwrap_or(0), index.cell_of(last).unwrap_or(0))
    });
    let start = window(cells.len(), width, from, to);
    let end = (start + width).min(cells.len());
    let signs = team_letters(cx.session);
    let roles = |who: Option<u16>| match who {
        Some(who) => Role::AGENTS[usize::from(who) % Role::AGENTS.len()],
        None => Role::Operator,
    };
    for (n, cell) in cells[start..end].iter().enumerate() {
        let (x, at) = (area.x + n as u16, start + n);
        let letter = cell.who.map_or('@', |who| signs.get(usize::from(who)).copied().unwrap_or('?'));
        let mut style = cx.theme.style(roles(cell.who));
        if (from..=to).contains(&at) {
            // What is in sight keeps its agent's colour, which a ground might swallow.
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        paint::words(buf, area, x, area.y, letter.encode_utf8(&mut [0; 4]), style);
        let next = cells.get(at + 1).map_or(Seq(u64::MAX), |next| next.seq);
        if let Some(mark) = cell.gravest() {
            paint::words(buf, area, x, area.y + 1, mark.sign(cx.unicode), cx.theme.style(mark_role(mark)));
        } else if bookmarks.range(cell.seq..next).next().is_some() {
            paint::words(buf, area, x, area.y + 1, star(cx.unicode), cx.theme.style(Role::Operator));
        }
    }
    let dim = cx.theme.style(Role::Minimap);
    if start > 0 {
        paint::words(buf, area, area.x, area.y + 1, if cx.unicode { "‹" } else { "<" }, dim);
    }
    if end < cells.len() {
        paint::words(buf, area, area.right() - 1, area.y + 1, if cx.unicode { "›" } else { ">" }, dim);
    }
}

/// The sign of a bookmark.
pub fn star(unicode: bool) -> &'static str {
    if unicode { "★" } else { "*" }
}

/// The letters of a session's agents.
pub fn team_letters(session: &Session) -> Vec<char> {
    letters(session.team().iter().flat_map(|team| team.agents.iter().map(|agent| &agent.name)))
}

/// The first cell that is shown, so that what is in sight stands in the middle, or the end at the right.
fn window(count: usize, width: usize, from: usize, to: usize) -> usize {
    let last = count.saturating_sub(width);
    let middle = from + to.saturating_sub(from) / 2;
    middle.saturating_sub(width / 2).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_holds_what_is_in_sight_and_never_leaves_the_ends() {
        assert_eq!(window(5, 10, 5, 5), 0);
        assert_eq!(window(100, 10, 100, 100), 90);
        assert_eq!(window(100, 10, 50, 52), 46);
        assert_eq!(window(100, 10, 0, 3), 0);
    }
}
