//! A tile for each agent: what it does, its figures, and its words as they stream or the last it said.

use super::Pane;
use super::agents::{heading, live_tail, state, summary};
use super::item::agent_role;
use crate::chat::id::Seq;
use crate::chat::message::MessageKind;
use crate::session::Session;
use crate::session::transcript::Entry;
use crate::text::clean::{Context, lines};
use crate::text::wrap::{Break, flow};
use crate::text::{Ink, Row, markdown};
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::index::sparkline;
use crate::tui::layout::Place;
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::rc::Rc;

/// The least a tile takes: below this height it has no frame.
const LEAST: (u16, u16) = (26, 5);
/// Bytes of a message that a tile looks at: more is never in sight.
const GLANCE: usize = 8 * 1024;
/// Turns in a sparkline.
const SPARK: usize = 12;

/// What the tiles show; filled before a frame.
#[derive(Debug, Default)]
pub struct Grid {
    tiles: Vec<Rc<Vec<Row>>>,
    /// The last message of each agent, laid out: by record, revision and width.
    kept: HashMap<usize, (Key, Rc<Vec<Row>>)>,
}

/// What a laid out message depends on: its record, how often it was edited, the width.
type Key = (Seq, u32, u16);

/// Takes the newest rows of every agent.
pub fn measure(app: &mut App, place: Place) {
    let Some(team) = app.session.team().cloned() else { return };
    let areas = tiles(place.area, team.agents.len());
    let mut rows = Vec::with_capacity(team.agents.len());
    for (n, (agent, area)) in team.agents.iter().zip(&areas).enumerate() {
        let width = area.width.saturating_sub(4).max(1);
        let most = usize::from(area.height);
        let tail = live_tail(&agent.name, &app.session, &mut app.live, width, most);
        rows.push(match tail {
            Some(tail) if !tail.is_empty() => Rc::new(tail),
            _ => app.grid.last_words(n, &app.session, app.transcript.index().last_said(n), width),
        });
    }
    app.grid.tiles = rows;
}

impl Grid {
    fn last_words(&mut self, agent: usize, session: &Session, said: Option<Seq>, width: u16) -> Rc<Vec<Row>> {
        let entries = session.transcript().entries();
        let Some(entry) = said.and_then(|seq| entries.get(entries.partition_point(|entry| entry.seq < seq))) else {
            return Rc::default();
        };
        let key = (entry.seq, entry.revision, width);
        if let Some((kept, rows)) = self.kept.get(&agent)
            && *kept == key
        {
            return rows.clone();
        }
        let rows = Rc::new(said_rows(entry, width));
        self.kept.insert(agent, (key, rows.clone()));
        rows
    }
}

/// A message as rows, the end of it if it is long.
pub(super) fn said_rows(entry: &Entry, width: u16) -> Vec<Row> {
    let told = entry.message.told();
    let plain = told.len() > GLANCE || entry.message.kind == MessageKind::CodeResult;
    if !plain {
        return markdown::render(&told, width);
    }
    let from = (told.len().saturating_sub(GLANCE)..=told.len()).find(|at| told.is_char_boundary(*at)).unwrap_or(0);
    let lines = lines(&told[from..], Context::Output, Ink::Plain);
    lines.iter().flat_map(|line| flow(line, width, &[], &[], Break::Words)).collect()
}

/// Draws the tiles.
pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
    let Some(team) = cx.session.team() else { return };
    let areas = tiles(place.area, team.agents.len());
    for (n, (agent, area)) in team.agents.iter().zip(&areas).enumerate() {
        let acts = cx.session.turn_of(&agent.name).is_some();
        let chosen = app.arranged.agent == n && app.has_keys(Pane::Grid);
        let framed = area.height >= LEAST.1;
        let title = heading(n, agent, cx);
        let inside = match framed {
            true => paint::frame(buf, *area, &title, acts || chosen, cx.theme, cx.unicode),
            false => {
                let role = if chosen { Role::Selection } else { agent_role(&agent.name, cx.session) };
                paint::words(buf, *area, area.x + 1, area.y, &title, cx.theme.style(role));
                Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..*area }
            }
        };
        let mut lines = match framed {
            true => summary(agent, app, cx, usize::from(inside.width.saturating_sub(1))),
            false => vec![state(agent, app, cx)],
        };
        lines.truncate(usize::from(inside.height));
        for (row, (text, role)) in lines.iter().enumerate() {
            paint::words(buf, inside, inside.x + 1, inside.y + row as u16, text, cx.theme.style(*role));
        }
        if framed {
            let spark = sparkline(&app.transcript.index().tokens(n, SPARK), cx.unicode);
            let right = inside.right().saturating_sub(1);
            let free = usize::from(inside.width).saturating_sub(crate::text::width::width(&lines[0].0) + 3);
            if crate::text::width::width(&spark) <= free {
                paint::words_right(buf, inside, right, inside.y, &spark, cx.theme.style(Role::Dim));
            }
        }
        let room = usize::from(inside.height).saturating_sub(lines.len());
        let Some(rows) = app.grid.tiles.get(n).filter(|_| room > 0) else { continue };
        let from = inside.y + lines.len() as u16;
        let bar = cx.theme.style(agent_role(&agent.name, cx.session));
        for (row, line) in rows[rows.len().saturating_sub(room)..].iter().enumerate() {
            let y = from + row as u16;
            paint::words(buf, inside, inside.x, y, if cx.unicode { "▎" } else { "|" }, bar);
            paint::row(buf, inside, inside.x + 2, y, line, cx.theme);
        }
    }
}

/// The arrows and j, k choose a tile; o looks at its agent alone.
pub fn act(app: &mut App, action: Action) -> Option<Vec<Deed>> {
    super::agents::act(app, action)
}

/// Where the tiles stand: as many columns as keep them readable.
fn tiles(area: Rect, count: usize) -> Vec<Rect> {
    if count == 0 || area.is_empty() {
        return Vec::new();
    }
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let most = (area.width / LEAST.0).clamp(1, 4);
    let wanted = match count {
        1 => 1,
        2..=4 => 2,
        5..=9 => 3,
        _ => 4,
    };
    let columns = wanted.min(most);
    let rows = count.div_ceil(columns);
    (0..count)
        .map(|n| {
            let (row, column) = (n / columns, n % columns);
            // The last row may have fewer tiles: they share its width.
            let here = if row + 1 == rows { count - row * columns } else { columns };
            let cut = |whole: u16, at: u16, of: u16| (u32::from(whole) * u32::from(at) / u32::from(of)) as u16;
            let (left, right) = (cut(area.width, column, here), cut(area.width, column + 1, here));
            let (top, bottom) = (cut(area.height, row, rows), cut(area.height, row + 1, rows));
            Rect { x: area.x + left, y: area.y + top, width: right - left, height: bottom - top }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_cover_the_area_and_do_not_overlap(width in 0u16..300, height in 0u16..100, count in 0usize..17) {
            let area = Rect { x: 2, y: 3, width, height };
            let all = tiles(area, count);
            let covered: u32 = all.iter().map(|tile| tile.area()).sum();
            prop_assert_eq!(covered, if count == 0 { 0 } else { area.area() });
            prop_assert_eq!(all.len(), if area.is_empty() { 0 } else { count });
            for (n, tile) in all.iter().enumerate() {
                prop_assert_eq!(tile.intersection(area), *tile);
                prop_assert!(all[n + 1..].iter().all(|other| tile.intersection(*other).is_empty()));
            }
        }
    }
}
