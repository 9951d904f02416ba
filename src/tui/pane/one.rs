//! One agent: what it does and uses, what it is sent next part by part, what it does not see, and what it says.

use super::Pane;
use super::agents::{heading, live_tail, summary};
use super::grid::said_rows;
use super::item::agent_role;
use crate::chat::id::Seq;
use crate::session::sight::{View, What, view};
use crate::text::Row;
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::index::sparkline;
use crate::tui::layout::Place;
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use crate::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Turns in the sparkline.
const SPARK: usize = 24;
/// Cells of a weight's bar.
const BAR: u64 = 8;

/// What the pane shows; filled before a frame.
#[derive(Debug, Default)]
pub struct One {
    view: View,
    /// What the view was made of: the agent and the newest record.
    of: Option<(usize, Option<Seq>)>,
    rows: Vec<Row>,
    speaks: bool,
}

/// Looks up what the agent is sent, when anything has changed, and its newest words.
pub fn measure(app: &mut App, place: Place) {
    let Some(team) = app.session.team().cloned() else { return };
    app.arranged.agent = app.arranged.agent.min(team.agents.len().saturating_sub(1));
    let at = app.arranged.agent;
    let Some(agent) = team.agents.get(at) else { return };
    let of = Some((at, app.session.head()));
    if app.one.of != of {
        app.one.view = view(agent, &app.session);
        app.one.of = of;
    }
    let inside = place.inside();
    let (width, most) = (inside.width.saturating_sub(3).max(1), usize::from(inside.height));
    let tail = live_tail(&agent.name, &app.session, &mut app.live, width, most).filter(|rows| !rows.is_empty());
    app.one.speaks = tail.is_some();
    app.one.rows = tail.unwrap_or_else(|| {
        let entries = app.session.transcript().entries();
        let said = app.transcript.index().last_said(at);
        let entry = said.and_then(|seq| entries.get(entries.partition_point(|entry| entry.seq < seq)));
        entry.map(|entry| said_rows(entry, width)).unwrap_or_default()
    });
}

/// Draws the pane.
pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
    let inside = place.inside();
    let team = cx.session.team();
    let Some(agent) = team.and_then(|team| team.agents.get(app.arranged.agent)) else { return };
    if !place.bare {
        let title = heading(app.arranged.agent, agent, cx);
        paint::frame(buf, place.area, &title, app.has_keys(Pane::One), cx.theme, cx.unicode);
    }
    let mut lines: Vec<(String, Role)> = Vec::new();
    lines.extend(summary(agent, app, cx, usize::from(inside.width.saturating_sub(1))));
    let tokens = app.transcript.index().tokens(app.arranged.agent, SPARK);
    if let Some(most) = tokens.iter().max().filter(|most| **most > 0) {
        let most = words::tokens(u64::from(*most));
        lines.push((format!("tokens a turn {} up to {most}", sparkline(&tokens, cx.unicode)), Role::Dim));
    }
    let View { parts, unseen } = &app.one.view;
    let total = app.one.view.tokens();
    let rest = usize::from(inside.height).saturating_sub(lines.len());
    if agent.model.is_some() && rest > 4 {
        let window =
            agent.model.as_ref().and_then(|key| team?.models.get(key)?.context_window).filter(|size| *size > 0);
        let share = window.map_or(String::new(), |window| format!(" of {}", words::tokens(window)));
        lines.push((String::new(), Role::Dim));
        lines.push((
            format!("Sent next: {} parts, about {} tok{share}", parts.len(), words::tokens(total)),
            Role::Title,
        ));
        // The heaviest say most: where its context goes.
        let room = (rest / 2).saturating_sub(3).max(1);
        let mut heaviest: Vec<_> = parts.iter().collect();
        heaviest.sort_by_key(|part| std::cmp::Reverse(part.tokens));
        let most = heaviest.first().map_or(1, |part| part.tokens.max(1));
        for part in heaviest.iter().take(room) {
            let text = match &part.what {
                What::System => "what it is told first".to_owned(),
                What::Introduction => "who takes part".to_owned(),
                What::Said(id) => words::said(*id, cx.session),
                What::Skipped(count) => format!("(that {count} messages are skipped)"),
            };
            let bar = bar(part.tokens, most, cx.unicode);
            let text = format!("{bar} {:>6}  {}", words::tokens(part.tokens), one_line(&text));
            lines.push((take(&text, usize::from(inside.width.saturating_sub(2))).to_owned(), Role::Text));
        }
        if parts.len() > room {
            lines.push((format!("… and {} lighter ones", parts.len() - room), Role::Dim));
        }
        if !unseen.is_empty() {
            let cause = unseen.last().map_or("", |unseen| unseen.cause.words());
            lines.push((format!("Does not see {} messages; the newest: {cause}", unseen.len()), Role::Warning));
        }
    }
    let said = if app.one.speaks { "Says now" } else { "Said last" };
    if usize::from(inside.height) > lines.len() + 2 && !app.one.rows.is_empty() {
        lines.push((String::new(), Role::Dim));
        lines.push((said.to_owned(), Role::Title));
    }
    lines.truncate(usize::from(inside.height));
    for (n, (text, role)) in lines.iter().enumerate() {
        paint::words(buf, inside, inside.x + 1, inside.y + n as u16, text, cx.theme.style(*role));
    }
    let y = inside.y + lines.len() as u16;
    let below = Rect { y, height: inside.bottom().saturating_sub(y), ..inside };
    let role = cx.theme.style(agent_role(&agent.name, cx.session));
    let rows = &app.one.rows;
    for (n, row) in rows[rows.len().saturating_sub(usize::from(below.height))..].iter().enumerate() {
        let y = below.y + n as u16;
        paint::words(buf, below, below.x + 1, y, if cx.unicode { "▎" } else { "|" }, role);
        paint::row(buf, below, below.x + 3, y, row, cx.theme);
    }
}

/// The arrows and j, k go to the next agent.
pub fn act(app: &mut App, action: Action) -> Option<Vec<Deed>> {
    super::agents::act(app, action)
}

/// A weight as a bar, the heaviest as long as it gets.
fn bar(part: u64, most: u64, unicode: bool) -> String {
    let full = (part * BAR).div_ceil(most.max(1)).min(BAR) as usize;
    let sign = if unicode { "▆" } else { "#" };
    format!("{}{}", sign.repeat(full), " ".repeat(BAR as usize - full))
}
