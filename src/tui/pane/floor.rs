//! The floor: who speaks now, who is next and why, who is queued; what waits for the operator; what the detectors see.

use super::item::agent_role;
use crate::chat::UnixMillis;
use crate::chat::event::{Choice, Level};
use crate::chat::ledger::Ledger;
use crate::session::{Session, Waiting};
use crate::text::clean::one_line;
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece};
use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed};
use crate::tui::keymap::Keymap;
use crate::tui::layout::Place;
use crate::tui::paint::{self, Draw};
use crate::tui::pane::Pane;
use crate::tui::theme::{Role, Theme};
use crate::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// One line of the pane.
struct Entry {
    label: &'static str,
    text: String,
    aside: String,
    role: Role,
}

/// Nothing is kept from frame to frame.
pub fn measure(_app: &mut App, _place: Place) {}

/// The floor wants no key of its own.
pub fn act(_app: &mut App, _action: Action) -> Option<Vec<Deed>> {
    None
}

/// Draws the pane's three parts in one column.
pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
    let (area, outlook, focused) = (place.area, app.outlook.as_ref(), app.has_keys(Pane::Floor));
    let Draw { session, theme, unicode, keymap, wall, .. } = *cx;
    let floor = floor_lines(session, outlook, keymap, wall);
    let waiting = waiting_lines(session, keymap);
    let mut watch: Vec<String> = session
        .findings()
        .iter()
        .map(|finding| {
            let grave = if finding.level == Level::Hold { "! " } else { "" };
            format!("{grave}{} ×{}: {}", finding.detector, finding.count, finding.text)
        })
        .collect();
    if !watch.is_empty() {
        if let Some((what, Some(message))) = session.progress() {
            watch.push(format!("moved last: {} ({})", what.words(), message.0 + 1));
        }
        watch.push(format!("{}  why, and ways out", keymap.word(Action::Why, Context::Main)));
    }
    let inner = area.width.saturating_sub(4).max(1);
    let note = |text: &str| wrap(&[Piece::new(one_line(text), Ink::Plain)], inner, 0);
    let floor_rows: u16 =
        floor.iter().map(|entry| 1 + u16::from(!entry.aside.is_empty()) * note(&entry.aside).len().min(3) as u16).sum();
    let waiting_rows: u16 = waiting.iter().map(|(text, _)| note(text).len().min(4) as u16).sum();
    let wanted = [floor_rows + 2, waiting_rows.max(1) + 2];
    // Where not everything fits, what waits for the operator comes first.
    let short = !waiting.is_empty() && wanted[0] + wanted[1] > area.height;
    let heights = if short {
        let below = wanted[1].min(area.height);
        [area.height - below, below]
    } else {
        [wanted[0].min(area.height), wanted[1].min(area.height.saturating_sub(wanted[0]))]
    };
    let mut y = area.y;
    let mut part = |height: u16, title: &str, role: bool, buf: &mut Buffer| {
        let pane = Rect { y, height, ..area };
        y += height;
        (height >= 3).then(|| paint::frame(buf, pane, title, role, theme, unicode))
    };
    if let Some(inside) = part(heights[0], "Floor", focused, buf) {
        draw_floor(inside, buf, &floor, session, theme);
    }
    let title =
        if waiting.is_empty() { "Waiting for you".to_owned() } else { format!("Waiting for you ({})", waiting.len()) };
    if let Some(inside) = part(heights[1], &title, !waiting.is_empty(), buf) {
        let mut line = inside.y;
        if waiting.is_empty() {
            paint::words(buf, inside, inside.x + 1, line, "nothing", theme.style(Role::Dim));
        }
        for (text, role) in &waiting {
            for row in note(text).iter().take(4) {
                paint::words(buf, inside, inside.x + 1, line, &row.text(), theme.style(*role));
                line += 1;
            }
        }
    }
    let rest = area.height.saturating_sub(heights[0] + heights[1]);
    if let Some(inside) = part(rest, "Watch", false, buf) {
        let mut line = inside.y;
        if watch.is_empty() {
            paint::words(buf, inside, inside.x + 1, line, "nothing repeats", theme.style(Role::Dim));
        }
        for text in &watch {
            for row in note(text) {
                paint::words(buf, inside, inside.x + 1, line, &row.text(), theme.style(Role::Warning));
                line += 1;
            }
        }
    }
}

fn draw_floor(inside: Rect, buf: &mut Buffer, entries: &[Entry], session: &Session, theme: &Theme) {
    let mut y = inside.y;
    let width = inside.width.saturating_sub(2).max(1);
    for entry in entries {
        let x = paint::words(buf, inside, inside.x + 1, y, &format!("{:<5}", entry.label), theme.style(Role::Dim));
        let role = if entry.role == Role::Speaker { agent_role(&entry.text, session) } else { entry.role };
        paint::words(buf, inside, x + 1, y, &entry.text, theme.style(role));
        y += 1;
        if !entry.aside.is_empty() {
            for row in wrap(&[Piece::new(one_line(&entry.aside), Ink::Plain)], width, 0).iter().take(3) {
                paint::words(buf, inside, inside.x + 1, y, &row.text(), theme.style(Role::Dim));
                y += 1;
            }
        }
    }
}

fn floor_lines(session: &Session, outlook: Option<&Choice>, keymap: &Keymap, now: UnixMillis) -> Vec<Entry> {
    let key = |action| keymap.word(action, Context::Main);
    let floor = session.floor();
    let entry = |label, text: String, aside: String, role| Entry { label, text, aside, role };
    let mut lines = Vec::new();
    let selecting = floor.selecting.inquiry.is_busy();
    let asked = session.consults().open().map(|(key, _)| key);
    match session.turns().first() {
        Some(turn) => {
            let why = floor.choice.as_ref().filter(|choice| choice.agent == turn.agent);
            let aside = why.map(|choice| format!("{}: {}", choice.mode, choice.reason)).unwrap_or_default();
            lines.push(entry("now", turn.agent.to_string(), aside, Role::Speaker));
        }
        None if selecting => {
            let n = floor.selecting.attempts.len() + 1;
            let text = if n > 1 { format!("selector, attempt {n}") } else { "selector is choosing".to_owned() };
            lines.push(entry("now", text, String::new(), Role::Speaking));
        }
        None if asked.is_some() => {
            let chooses = asked == Some("selector");
            let text = if chooses { "a program is choosing" } else { "a program is asked whether it is over" };
            lines.push(entry("now", text.to_owned(), String::new(), Role::Speaking));
        }
        None => lines.push(entry("now", "nobody".to_owned(), String::new(), Role::Dim)),
    }
    match outlook {
        Some(choice) => {
            let aside = format!("{}: {}", choice.mode, choice.reason);
            lines.push(entry("next", choice.agent.to_string(), aside, Role::Speaker));
        }
        None => {
            let mut aside = String::new();
            let text = match (session.ended().is_some(), &floor.wanted) {
                (true, _) => "nobody".to_owned(),
                (_, Some(wanted)) => {
                    if let Some(name) = &wanted.proposed {
                        aside = format!("{} picks, {} takes {name}", key(Action::CallOn), key(Action::AcceptProposal));
                        if let Some(until) = wanted.until {
                            let left = until.saturating_sub(now).max(0) as u64;
                            aside = format!("{aside}; by itself in {} s", left.div_ceil(1000));
                        }
                    }
                    "you pick".to_owned()
                }
                _ => match session.team().map(|team| team.speaker_selection_method.kind.as_str()) {
                    Some("auto") => "decided by auto".to_owned(),
                    Some("manual") => "you decide".to_owned(),
                    Some("random") => "drawn by lot".to_owned(),
                    Some("rule") => "decided by the team's rules".to_owned(),
                    Some("command") => "decided by a program".to_owned(),
                    _ => "not known yet".to_owned(),
                },
            };
            lines.push(entry("next", text, aside, Role::Dim));
        }
    }
    let queued = if outlook.is_some_and(|choice| choice.mode == "queue") { 1 } else { 0 };
    for name in floor.queue.iter().skip(queued) {
        lines.push(entry("then", name.to_string(), String::new(), Role::Speaker));
    }
    match &floor.wanted {
        Some(wanted) => {
            for (name, why) in &wanted.reasons {
                let digit = session.team().and_then(|team| team.position(name)).map_or(0, |place| place + 1);
                lines.push(entry("may", format!("{digit} {name}"), why.clone(), Role::Text));
            }
            for (name, why) in &wanted.barred {
                lines.push(entry("not", name.to_string(), why.clone(), Role::Dim));
            }
        }
        None => {
            for bar in &floor.bars {
                lines.push(entry("not", bar.agent.to_string(), bar.words(), Role::Dim));
            }
        }
    }
    if let Some(ledger) = &session.floor().ledger {
        let progress = ledger.progress.as_ref();
        let state = match progress {
            Some(progress) if progress.satisfied => "satisfied",
            Some(progress) if progress.in_loop => "in a loop",
            Some(progress) if progress.forward => "progress",
            Some(_) => "no progress",
            None if ledger.rounds > 0 => "not readable",
            None => "not judged yet",
        };
        let why = progress.map(|progress| format!(": {}", one_line(&progress.reason))).unwrap_or_default();
        let Ledger { rounds, stalls, replans, .. } = **ledger;
        let counts = format!("judged {rounds} · stalls {stalls} · new plans {replans}{why}");
        lines.push(entry("plan", state.to_owned(), counts, Role::Text));
    }
    let used = session.selector_meter();
    if used.tokens.total() > 0 {
        let text =
            format!("{} tok  {}", words::tokens(used.tokens.total()), words::money(used.cost, used.unpriced_calls));
        lines.push(entry("sel.", text, String::new(), Role::Dim));
    }
    lines
}

fn waiting_lines(session: &Session, keymap: &Keymap) -> Vec<(String, Role)> {
    let key = |action| keymap.word(action, Context::Main);
    session
        .waiting()
        .iter()
        .map(|item| {
            let wanted = match item {
                Waiting::Approval(_) => Some(Action::Approvals),
                Waiting::Ask(_) | Waiting::Unknown(_) => Some(Action::Answer),
                Waiting::Pick => Some(Action::CallOn),
                Waiting::Task => Some(Action::Composer),
                Waiting::Hold(_) => None,
            };
            let key = wanted.map(|action| format!("{}  ", key(action))).unwrap_or_default();
            let role = if matches!(item, Waiting::Hold(_)) { Role::Failed } else { Role::Waiting };
            (format!("{key}{}", words::waiting(item, session)), role)
        })
        .collect()
}
