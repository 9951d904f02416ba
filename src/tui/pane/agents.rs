//! The agents: each one's state, meters and live words.

use super::item::agent_role;
use crate::chat::team::{Agent, AgentKind};
use crate::session::Session;
use crate::session::turn::{Phase, Stage, Turn};
use crate::text::Row;
use crate::text::clean::one_line;
use crate::text::width::{take, width};
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::layout::Place;
use crate::tui::live::Live;
use crate::tui::paint::{self, Draw};
use crate::tui::pane::Pane;
use crate::tui::theme::Role;
use crate::tui::words;
use crate::watch::silence::silence;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What the agents' pane shows of the live streams; filled before a frame.
#[derive(Debug, Default)]
pub struct Agents {
    tails: Vec<Vec<Row>>,
    heights: Vec<u16>,
}

/// An agent's frame is no use below this.
const BOX: (u16, u16) = (28, 4);

/// Whether there is room for a frame for each agent; else each has a line.
fn boxed(place: Place, app: &App) -> bool {
    let count = app.session.team().map_or(0, |team| team.agents.len()) as u16;
    !place.bare && place.area.width >= BOX.0 && place.area.height >= BOX.1.saturating_mul(count)
}

/// Takes the newest rows of every stream.
pub fn measure(app: &mut App, place: Place) {
    if boxed(place, app) {
        app.agents.measure(place.area, &app.session, &mut app.live);
    }
}

/// Draws a frame for each agent, or a line where there is no room.
pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
    if boxed(place, app) {
        app.agents.draw(place.area, buf, cx, &app.live);
        return;
    }
    if !place.bare {
        paint::frame(buf, place.area, "Agents", app.has_keys(Pane::Agents), cx.theme, cx.unicode);
    }
    draw_lines(place.inside(), buf, cx, &app.live);
}

/// The agents want no key of their own.
pub fn act(_app: &mut App, _action: Action) -> Option<Vec<Deed>> {
    None
}

impl Agents {
    fn measure(&mut self, area: Rect, session: &Session, live: &mut Live) {
        let Some(team) = session.team() else { return };
        let count = team.agents.len() as u16;
        self.heights = share(area.height, count, session);
        let inner = area.width.saturating_sub(4).max(1);
        self.tails = team
            .agents
            .iter()
            .zip(&self.heights)
            .map(|(agent, height)| {
                let rows = usize::from(height.saturating_sub(4));
                match session.turn_of(&agent.name).map(|turn| (turn.front(), &turn.inquiry.phase)) {
                    Some((Stage::Running(op, _), _)) => {
                        live.program(*op).map(|printed| printed.tail(inner, rows)).unwrap_or_default()
                    }
                    Some(_) => session
                        .call_of(&agent.name)
                        .and_then(|call| live.call(call))
                        .map(|spoken| spoken.text.tail(inner, rows))
                        .unwrap_or_default(),
                    None => Vec::new(),
                }
            })
            .collect();
    }

    /// A framed pane for each agent, the one that acts the tallest.
    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw, live: &Live) {
        let Draw { session, theme, unicode, wall: now, .. } = *cx;
        let Some(team) = session.team() else { return };
        let mut y = area.y;
        for (place, agent) in team.agents.iter().enumerate() {
            let height = self.heights.get(place).copied().unwrap_or(3);
            if y >= area.bottom() {
                break;
            }
            let pane = Rect { y, height: height.min(area.bottom() - y), ..area };
            y += pane.height;
            let acts = session.turn_of(&agent.name).is_some();
            let title = format!("{} {} {}", place + 1, agent.name, if unicode { "──" } else { "--" });
            let title = format!("{title} {}", what(agent, session));
            let inside =
                paint::frame(buf, pane, take(&title, usize::from(pane.width.saturating_sub(6))), acts, theme, unicode);
            let lines = summary(agent, session, live, now, unicode, usize::from(inside.width.saturating_sub(1)));
            for (n, (text, role)) in lines.iter().enumerate() {
                let line = inside.y + n as u16;
                paint::words(buf, inside, inside.x + 1, line, text, theme.style(*role));
            }
            let from = inside.y + lines.len() as u16;
            for (n, row) in self.tails.get(place).into_iter().flatten().enumerate() {
                paint::words(
                    buf,
                    inside,
                    inside.x,
                    from + n as u16,
                    if unicode { "▎" } else { "|" },
                    theme.style(agent_role(&agent.name, session)),
                );
                paint::row(buf, inside, inside.x + 2, from + n as u16, row, theme);
            }
        }
    }
}

/// One line for each agent: number, name, state. For narrow screens.
fn draw_lines(area: Rect, buf: &mut Buffer, cx: &Draw, live: &Live) {
    let Draw { session, theme, unicode, wall: now, .. } = *cx;
    let Some(team) = session.team() else { return };
    for (place, agent) in team.agents.iter().enumerate() {
        let y = area.y + place as u16;
        if y >= area.bottom() {
            break;
        }
        let x = paint::words(buf, area, area.x, y, &format!("{} ", place + 1), theme.style(Role::HintKey));
        let x = paint::words(buf, area, x, y, &agent.name, theme.style(agent_role(&agent.name, session)));
        let (text, role) = state(agent, session, live, now, unicode);
        // The rate is given up first: a figure that is cut is another figure.
        let room = usize::from(area.right().saturating_sub(x + 1));
        let text = if width(&text) > room { text.split("  ").next().unwrap_or_default() } else { text.as_str() };
        paint::words(buf, area, x + 1, y, text, theme.style(role));
    }
}

/// The model or the place an agent works with.
fn what(agent: &Agent, session: &Session) -> String {
    let model = agent.model.as_ref().and_then(|key| session.team()?.models.get(key)).map(|model| model.model.clone());
    match (model, &agent.code_execution, agent.kind) {
        (Some(model), _, _) => crate::text::clean::one_line(&model),
        (None, Some(code), _) => {
            // Where its code really ran, or would: the team only says what it must be at least.
            let last = session.approvals().rev().find(|asked| asked.agent == agent.name);
            last.map_or(code.executor.kind.clone(), |asked| format!("tier {}", asked.payload.place.tier.name()))
        }
        (None, None, AgentKind::UserProxy) => "person".to_owned(),
        (None, None, _) => String::new(),
    }
}

fn state(agent: &Agent, session: &Session, live: &Live, now: i64, unicode: bool) -> (String, Role) {
    let turn = session.turn_of(&agent.name);
    let spoken = session.call_of(&agent.name).and_then(|call| live.spoken(call));
    let speaking = spoken.is_some_and(|spoken| !spoken.text.is_empty());
    let mut text = words::agent_state(turn, speaking, now);
    if let Some((quiet, passed)) = silence(&agent.name, spoken.map(|spoken| spoken.heard), session, now) {
        text = format!("{} {}", quiet.word(), words::clock(passed.max(0) as u64));
    }
    for name in session.speakers_within(&agent.name) {
        text = format!("{text} › {}", one_line(name));
    }
    if let Some(rate) = spoken.map(|spoken| spoken.rate()).filter(|rate| *rate > 0) {
        text = format!("{text}  {rate} tok/s");
    }
    let waits = turn.is_some_and(Turn::is_waiting);
    let failed = turn.is_some_and(|turn| matches!(turn.inquiry.phase, Phase::Failed(_) | Phase::Backoff { .. }));
    let (mark, role) = match (turn.is_some(), waits, failed) {
        (_, true, _) => (if unicode { "▲" } else { "!" }, Role::Waiting),
        (_, _, true) => (if unicode { "✗" } else { "x" }, Role::Failed),
        (true, _, _) => (if unicode { "●" } else { "*" }, Role::Speaking),
        (false, _, _) => (if unicode { "○" } else { "-" }, Role::Dim),
    };
    // What it repeats, by the gravest detector.
    let findings = session.findings().iter().filter(|finding| finding.agent.as_ref() == Some(&agent.name));
    if let Some(finding) = findings.max_by_key(|finding| finding.level) {
        let id = finding.detector.split(' ').next().unwrap_or_default();
        let sign = if unicode { "↻" } else { "~" };
        return (format!("{mark} {text}  {sign} {id} ×{}", finding.count), Role::Warning);
    }
    (format!("{mark} {text}"), role)
}

fn summary(agent: &Agent, session: &Session, live: &Live, now: i64, unicode: bool, room: usize) -> Vec<(String, Role)> {
    let meter = session.meter(&agent.name);
    let mut lines = vec![state(agent, session, live, now, unicode)];
    let mut figures = Vec::new();
    if let Some(spoken) = session.call_of(&agent.name).and_then(|call| live.spoken(call))
        && !spoken.text.is_empty()
    {
        figures.push(format!("now ~{} tok", words::tokens(spoken.text.len() as u64 / 4)));
    }
    if agent.model.is_some() {
        figures.push(format!("{} tok", words::tokens(meter.tokens.total())));
        figures.push(words::money(meter.cost, meter.unpriced_calls));
        let window = agent.model.as_ref().and_then(|key| session.team()?.models.get(key)?.context_window);
        if let Some(window) = window.filter(|window| *window > 0 && meter.context > 0) {
            figures.push(format!("ctx {} %", (meter.context * 100).div_ceil(window).min(999)));
        }
    }
    if let Some((_, leash)) = session.leashes().find(|(whose, leash)| **whose == agent.name && leash.holds(now)) {
        figures.push(format!("leash: {}", leash.left(now)));
    }
    if let Some(Stage::Running(op, _)) = session.turn_of(&agent.name).map(Turn::front)
        && let Some(printed) = live.program(*op)
    {
        if printed.memory > 0 {
            figures.push(words::bytes(printed.memory));
        }
        figures.push(format!("{} lines", printed.lines));
    }
    if let Some(exit) = meter.last_exit {
        figures.push(format!("last exit {exit}"));
    }
    match meter.turns {
        0 => {}
        1 => figures.push("1 turn".to_owned()),
        n => figures.push(format!("{n} turns")),
    }
    // Whole figures or none: a number that is cut is another number.
    while figures.len() > 1 && width(&figures.join("  ")) > room {
        figures.pop();
    }
    lines.push((figures.join("  "), Role::Dim));
    lines
}

/// Heights of the panes: who acts gets what the others do not need.
fn share(height: u16, count: u16, session: &Session) -> Vec<u16> {
    const LEAST: u16 = 4;
    let Some(team) = session.team() else { return Vec::new() };
    let least = LEAST.min(height.checked_div(count).unwrap_or(0).max(3));
    let mut heights = vec![least; usize::from(count)];
    let spare = height.saturating_sub(least * count);
    let acting = team.agents.iter().position(|agent| session.turn_of(&agent.name).is_some());
    let gets = acting.or_else(|| {
        let last = session.floor().last_speaker.as_ref()?;
        team.position(last)
    });
    if let Some(height) = heights.get_mut(gets.unwrap_or(0)) {
        *height += spare;
    }
    heights
}
