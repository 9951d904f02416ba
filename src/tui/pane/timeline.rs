//! A row for each turn: who, when within what is shown, how long, how much, what happened, and its first words.
//!
//! It has no place of its own: the row of the selected message is the selected row, and moving here moves there. Draws
//! what is in sight, whatever the length of the conversation.

use super::Pane;
use super::item::agent_role;
use super::minimap::mark_role;
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::index::{Cell, Index, Mark};
use crate::tui::layout::Place;
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use crate::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Nothing is kept from frame to frame.
pub fn measure(_app: &mut App, _place: Place) {}

/// The selected row, if a message is selected.
fn selected(app: &App) -> Option<usize> {
    app.transcript.here(&app.session).and_then(|seq| app.transcript.index().cell_of(seq))
}

/// Draws the pane.
pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
    let inside = place.inside();
    let index = app.transcript.index();
    let cells = index.cells();
    if !place.bare {
        let title = format!("Timeline · {} turns", cells.len());
        paint::frame(buf, place.area, &title, app.has_keys(Pane::Timeline), cx.theme, cx.unicode);
    }
    if inside.height < 2 {
        return;
    }
    if cells.is_empty() {
        paint::words(buf, inside, inside.x + 1, inside.y, "no turn yet", cx.theme.style(Role::Dim));
        return;
    }
    let here = selected(app);
    let room = usize::from(inside.height - 1);
    let last = cells.len().saturating_sub(room);
    let start = here.map_or(last, |here| here.saturating_sub(room / 2).min(last));
    let shown = &cells[start..(start + room).min(cells.len())];
    let columns = Columns::of(inside, cx.session);
    columns.head(inside, buf, cx);
    let until = |cell: &Cell| cell.at + cell.took_ms.map_or((cx.wall - cell.at).max(0), i64::from);
    let from = shown.first().map_or(0, |cell| cell.at);
    let to = shown.iter().map(until).max().unwrap_or(from);
    for n in 0..shown.len() {
        let y = inside.y + 1 + n as u16;
        columns.row(Rect { y, height: 1, ..inside }, buf, cx, (index, start + n), (from, to));
        if here == Some(start + n) {
            paint::tint(buf, Rect { y, height: 1, ..inside }, cx.theme.style(Role::Selection));
        }
    }
}

/// Moving here selects the first message of a turn.
pub fn act(app: &mut App, action: Action) -> Option<Vec<Deed>> {
    let count = app.transcript.index().cells().len();
    let last = count.checked_sub(1)?;
    let here = selected(app);
    let page = usize::from(app.size.1 / 2).max(1);
    let to = match action {
        Action::SelectNext | Action::ScrollDown => here.map_or(last, |at| (at + 1).min(last)),
        Action::SelectPrev | Action::ScrollUp => here.map_or(last, |at| at.saturating_sub(1)),
        Action::PageDown | Action::HalfDown => here.map_or(last, |at| (at + page).min(last)),
        Action::PageUp | Action::HalfUp => here.unwrap_or(last).saturating_sub(page),
        Action::Top => 0,
        Action::Bottom => {
            app.transcript.end();
            return Some(Vec::new());
        }
        _ => return None,
    };
    let seq = words_of(app.transcript.index(), to, &app.session)?;
    app.transcript.go_to_seq(seq, &app.session);
    Some(Vec::new())
}

/// The record of the first message of a turn, or of the turn itself.
fn words_of(index: &Index, at: usize, session: &Session) -> Option<crate::chat::id::Seq> {
    let cell = index.cells().get(at)?;
    Some(message_of(index, at, session).map_or(cell.seq, |entry| entry.seq))
}

fn message_of<'a>(index: &Index, at: usize, session: &'a Session) -> Option<&'a crate::session::transcript::Entry> {
    let seq = index.cells().get(at)?.seq;
    let next = index.cells().get(at + 1).map(|next| next.seq);
    let entries = session.transcript().entries();
    let entry = entries.get(entries.partition_point(|entry| entry.seq < seq))?;
    next.is_none_or(|next| entry.seq < next).then_some(entry)
}

/// Where the columns stand; those for which there is no room have no width.
struct Columns {
    name: u16,
    bar: u16,
    figures: bool,
}

/// Widths of number, time, tokens, cost and marks.
const NUMBER: u16 = 6;
const TIME: u16 = 8;
const TOKENS: u16 = 7;
const COST: u16 = 9;
const MARKS: u16 = 6;

impl Columns {
    fn of(area: Rect, session: &Session) -> Columns {
        let longest = session.team().iter().flat_map(|team| team.agents.iter()).map(|agent| agent.name.len()).max();
        let name = (longest.unwrap_or(4) as u16).clamp(4, 16) + 1;
        let figures = area.width >= 56;
        let used = NUMBER + name + TIME + MARKS + if figures { TOKENS + COST } else { 0 };
        let bar = (area.width.saturating_sub(used) / 3).min(48);
        Columns { name, bar: if bar >= 8 { bar } else { 0 }, figures }
    }

    fn head(&self, area: Rect, buf: &mut Buffer, cx: &Draw) {
        let style = cx.theme.style(Role::Dim);
        let mut x = paint::words(buf, area, area.x + 1, area.y, "turn", style).max(area.x + NUMBER);
        x = paint::words(buf, area, x, area.y, "who", style).max(x + self.name);
        if self.bar > 0 {
            paint::words(buf, area, x, area.y, "when", style);
            x += self.bar + 1;
        }
        paint::words_right(buf, area, x + TIME - 1, area.y, "took", style);
        x += TIME;
        if self.figures {
            paint::words_right(buf, area, x + TOKENS - 1, area.y, "tokens", style);
            paint::words_right(buf, area, x + TOKENS + COST - 1, area.y, "cost", style);
            x += TOKENS + COST;
        }
        paint::words(buf, area, x + MARKS, area.y, "first words", style);
    }

    fn row(&self, line: Rect, buf: &mut Buffer, cx: &Draw, (index, at): (&Index, usize), (from, to): (i64, i64)) {
        let Some(cell) = index.cells().get(at) else { return };
        let Draw { session, theme, unicode, .. } = *cx;
        let dim = theme.style(Role::Dim);
        let name = cell.who.and_then(|who| session.team()?.agents.get(usize::from(who))).map(|agent| &agent.name);
        let role = name.map_or(Role::Operator, |name| agent_role(name, session));
        paint::words_right(buf, line, line.x + NUMBER - 1, line.y, &(at + 1).to_string(), dim);
        let mut x = line.x + NUMBER;
        let shown = name.map_or("You".to_owned(), |name| one_line(name));
        paint::words(buf, line, x, line.y, take(&shown, usize::from(self.name - 1)), theme.style(role));
        x += self.name;
        if self.bar > 0 {
            let scale = |time: i64| {
                let whole = (to - from).max(1);
                ((time - from).clamp(0, whole) * i64::from(self.bar) / whole) as u16
            };
            let end = cell.at + cell.took_ms.map_or((cx.wall - cell.at).max(0), i64::from);
            let (begin, end) = (scale(cell.at).min(self.bar - 1), scale(end).min(self.bar));
            let sign = match (unicode, cell.took_ms) {
                (true, Some(0)) => "·",
                (true, _) => "▆",
                (false, _) => "#",
            };
            for column in begin..end.max(begin + 1) {
                paint::words(buf, line, x + column, line.y, sign, theme.style(role));
            }
            x += self.bar + 1;
        }
        let took = match cell.took_ms {
            None => "now".to_owned(),
            Some(0) => String::new(),
            Some(ms) => words::seconds(u64::from(ms)),
        };
        paint::words_right(buf, line, x + TIME - 1, line.y, &took, dim);
        x += TIME;
        if self.figures {
            if cell.tokens > 0 {
                let tokens = words::tokens(u64::from(cell.tokens));
                paint::words_right(buf, line, x + TOKENS - 1, line.y, &tokens, dim);
                paint::words_right(buf, line, x + TOKENS + COST - 1, line.y, &cell.cost.to_string(), dim);
            }
            x += TOKENS + COST;
        }
        for (n, mark) in Mark::ALL.into_iter().filter(|mark| cell.has(*mark)).enumerate() {
            paint::words(buf, line, x + n as u16, line.y, mark.sign(unicode), theme.style(mark_role(mark)));
        }
        x += MARKS;
        if let Some(entry) = message_of(index, at, session) {
            let told = entry.message.told();
            let room = usize::from(line.right().saturating_sub(x));
            let line_of = told.trim_start().lines().next().unwrap_or_default();
            let first: String = line_of.chars().take(room + 1).collect();
            paint::words(buf, line, x, line.y, take(&one_line(&first), room), theme.style(Role::Text));
        }
    }
}
