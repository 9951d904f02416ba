//! The line at the top: which team, what it is doing, how far, how long, how much, and what waits.

use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::width::{take, width};
use crate::tui::paint;
use crate::tui::theme::{Role, Theme};
use crate::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The role of a state word.
pub fn state_role(state: &str) -> Role {
    match state {
        "RUNNING" => Role::StatusRunning,
        "PAUSING" | "HELD" => Role::StatusHeld,
        "WAITING" => Role::StatusWaiting,
        "FAILED" => Role::StatusFailed,
        _ => Role::StatusEnded,
    }
}

/// Draws the line. Parts that do not fit are left out, the least important first.
pub fn draw(area: Rect, buf: &mut Buffer, session: &Session, now: i64, theme: &Theme, unicode: bool) {
    paint::tint(buf, area, theme.style(Role::Status));
    let Some(team) = session.team() else { return };
    let state = words::state(session);
    let dot = match (unicode, state) {
        (false, _) => "*",
        (_, "RUNNING") => "●",
        (_, "ENDED") => "■",
        (_, "WAITING" | "FAILED") => "▲",
        _ => "‖",
    };
    let waiting = session.waiting().len();
    let spent = session.spent();
    let limit = session.limits().and_then(|limits| limits.max_cost);
    let money = words::money(spent.cost, spent.unpriced_calls);
    let of = limit.map(|limit| format!("/ ${:.2}{}", limit.dollars(), gauge(spent.cost.0, limit.0, unicode)));
    let name = one_line(&team.name);
    let place = if unicode { "▸" } else { ">" };
    // From left to right, with how early each is given up.
    let mut parts: Vec<(u8, String, Role)> = vec![
        (4, "plenary".into(), Role::Dim),
        (1, format!("{} {place} {}", take(&name, 24), session.branch_name()), Role::Title),
        (0, format!("{dot} {state}"), state_role(state)),
        (2, format!("round {}/{}", session.rounds(), team.max_round), Role::Status),
        (3, words::clock(session.active_ms(now)), Role::Status),
        (3, format!("{} tok", words::tokens(spent.tokens.total())), Role::Status),
        (1, money, Role::Money),
    ];
    if let Some(of) = of {
        parts.push((2, of, Role::Money));
    }
    if waiting > 0 {
        parts.push((0, format!("{waiting} waiting"), Role::StatusWaiting));
    }
    while parts.iter().map(|part| width(&part.1) + 2).sum::<usize>() > usize::from(area.width) {
        let Some(least) = parts.iter().map(|part| part.0).max().filter(|rank| *rank > 0) else { break };
        let Some(at) = parts.iter().rposition(|part| part.0 == least) else { break };
        parts.remove(at);
    }
    let mut x = area.x + 1;
    for (_, text, role) in parts {
        // A limit belongs to the figure before it.
        let from = if text.starts_with('/') { x.saturating_sub(1) } else { x };
        x = paint::words(buf, area, from, area.y, &text, theme.style(role)) + 2;
    }
}

/// A small gauge: eighths of a cell, or `[##  ]`.
fn gauge(part: u64, whole: u64, unicode: bool) -> String {
    const CELLS: u64 = 4;
    let eighths = (part.saturating_mul(CELLS * 8) / whole.max(1)).min(CELLS * 8);
    if !unicode {
        let full = (eighths / 8) as usize;
        return format!(" [{}{}]", "#".repeat(full), " ".repeat(CELLS as usize - full));
    }
    let mut text = String::from(" ▕");
    for cell in 0..CELLS {
        let filled = eighths.saturating_sub(cell * 8).min(8) as usize;
        text.push([' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'][filled]);
    }
    text.push('▏');
    text
}
