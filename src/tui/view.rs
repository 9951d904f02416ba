//! The screen: which pane stands where at which size, and one frame of it.
//!
//! `measure` fills what a frame needs (layouts of visible messages, tails of streams); `draw` only reads.

use super::action::{Action, Context};
use super::app::{App, Focus, Whisper};
use super::layout::{self, Place, TABS_BELOW};
use super::modal::Overlay;
use super::paint::{self, Draw};
use super::pane::{self, Pane, foot, status};
use super::theme::Role;
use super::words;
use crate::chat::event::{Boundary, HoldReason};
use crate::session::Waiting;
use crate::text::clean::one_line;
use crate::text::width::{take, width};

use crate::tui::clock::Time;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Below this nothing useful fits.
const LEAST: (u16, u16) = (20, 6);
/// Where everything stands.
#[derive(Debug, Clone, Default)]
pub struct Places {
    status: Rect,
    tabs: Rect,
    composer: Rect,
    note: Rect,
    keys: Rect,
    panes: Vec<Place>,
}

/// The places on a screen of this size.
pub fn places(app: &App, area: Rect) -> Places {
    let mut places = Places { status: Rect { height: 1, ..area }, ..Places::default() };
    let small = area.height < 16;
    let bottom = area.bottom();
    places.keys = Rect { y: bottom - 1, height: 1, ..area };
    places.note = Rect { y: bottom - 2, height: 1, ..area };
    let writing = app.focus == Focus::Composer;
    let rows = app.composer.rows(area.width.saturating_sub(4)).min(usize::from(u16::MAX)) as u16;
    let lines = rows.clamp(1, (area.height / 3).max(1));
    let composer = if writing || !small { lines } else { 0 };
    places.composer = Rect { y: bottom - 2 - composer, height: composer, ..area };
    let main = Rect { y: area.y + 1, height: area.height.saturating_sub(3 + composer), ..area };
    if layout::is_narrow(main) && !app.arranged.zoomed {
        places.tabs = Rect { height: 1, ..main };
    }
    let agents = app.session.team().map_or(0, |team| team.agents.len()) as u16;
    places.panes = app.arranged.panes(main, agents);
    places
}

impl App {
    /// The panes that the screen shows now, in reading order.
    pub fn panes_shown(&self) -> Vec<Pane> {
        let (width, height) = self.size;
        if width < LEAST.0 || height < LEAST.1 {
            return Vec::new();
        }
        places(self, Rect { x: 0, y: 0, width, height }).panes.iter().map(|place| place.pane).collect()
    }

    /// Whether the screen shows one pane at a time.
    pub fn is_narrow(&self) -> bool {
        let (width, height) = self.size;
        layout::is_narrow(Rect { x: 0, y: 0, width, height: height.saturating_sub(4) })
    }

    /// Whether this pane has the keys.
    pub fn has_keys(&self, pane: Pane) -> bool {
        self.focus == Focus::Main && self.modals.is_empty() && self.pane_in_focus() == pane
    }
}

/// Fills what the next frame needs.
pub fn measure(app: &mut App, area: Rect) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return;
    }
    let places = places(app, area);
    for place in places.panes {
        pane::measure(app, place);
    }
    if let Some((_, until)) = &app.toast
        && *until <= app.now
    {
        app.toast = None;
    }
    app.arms_at = None;
    if let Some(modal) = app.modals.last_mut() {
        modal.measure(modal_area(area), &app.session);
        app.arms_at = modal.changes_at().map(Time::from_millis);
    }
}

/// Modals leave the status line and the keys in sight.
fn modal_area(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area }
}

/// Draws one frame into a blank buffer and says where the cursor is to be.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = app.look.theme();
    // Every cell of a large screen is a lot of memory: what is blank already is not emptied again.
    paint::tint(buf, area, theme.base());
    if area.width < LEAST.0 || area.height < LEAST.1 {
        paint::words(buf, area, area.x, area.y, "enlarge to 20x6", theme.style(Role::Warning));
        return None;
    }
    let unicode = app.look.unicode;
    let places = places(app, area);
    let wall = app.wall();
    let cx = Draw { session: &app.session, theme, keymap: &app.look.keymap, unicode, now_ms: app.now_ms(), wall };
    status::draw(places.status, buf, &app.session, wall, theme, unicode);
    if places.tabs.height > 0 {
        draw_tabs(app, places.tabs, buf);
    }
    for place in &places.panes {
        pane::draw(app, *place, buf, &cx);
    }
    let mut cursor = draw_composer(app, places.composer, buf);
    cursor = draw_note(app, places.note, buf).or(cursor);
    draw_keys(app, places.keys, buf);
    for modal in &app.modals {
        cursor = modal.draw(modal_area(area), buf, &cx);
    }
    cursor
}

fn draw_tabs(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.look.theme();
    let mut x = area.x + 1;
    for (n, pane) in app.arranged.tabs().iter().enumerate() {
        let (here, name) = (n == app.arranged.tab, pane.name());
        let waits = *pane == Pane::Floor && !app.session.waiting().is_empty();
        let unseen = *pane == Pane::Transcript && app.transcript.unseen() > 0;
        let waits = waits || unseen;
        let text = match (here, waits) {
            (true, true) => format!("[{name} !]"),
            (true, false) => format!("[{name}]"),
            (false, true) => format!(" {name} ! "),
            (false, false) => format!(" {name} "),
        };
        let role = if here {
            Role::Title
        } else if waits {
            Role::Waiting
        } else {
            Role::Dim
        };
        x = paint::words(buf, area, x, area.y, &text, theme.style(role)) + 1;
    }
}

fn draw_composer(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    if area.height == 0 {
        return None;
    }
    let theme = app.look.theme();
    let who = match &app.speak_as {
        Some(name) => format!("as {name} "),
        None => String::new(),
    };
    let to = match &app.speak_to {
        Some(Whisper { to, announced: true }) => format!("to {to} only "),
        Some(Whisper { to, announced: false }) => format!("to {to} only, quietly "),
        None => String::new(),
    };
    let who = format!("{who}{to}");
    let mark = if app.look.unicode { "› " } else { "> " };
    let x = paint::words(buf, area, area.x + 1, area.y, &format!("{who}{mark}"), theme.style(Role::Operator));
    let field = Rect { x, width: area.right().saturating_sub(x + 1), ..area };
    let focused = app.focus == Focus::Composer;
    if !focused && app.composer.is_empty() {
        let key = app.look.keymap.word(Action::Composer, Context::Main);
        let empty = app.session.transcript().is_empty();
        let text = if empty { "give the team a task" } else { "say something to the team" };
        paint::words(buf, field, field.x, field.y, &format!("{text} ({key})"), theme.style(Role::Dim));
        return None;
    }
    app.composer.draw(field, buf, theme, focused)
}

/// The line above the keys: a search, a fault, a notice, or what is pending.
fn draw_note(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = app.look.theme();
    if app.focus == Focus::Search {
        let x = paint::words(buf, area, area.x + 1, area.y, "search: ", theme.style(Role::HintKey));
        let field = Rect { x, width: area.right().saturating_sub(x), ..area };
        let cursor = app.search.draw(field, buf, theme, true);
        if let Some((text, _)) = &app.toast {
            paint::words_right(buf, area, area.right().saturating_sub(1), area.y, text, theme.style(Role::Warning));
        }
        return cursor;
    }
    let (text, role) = if let Some(fault) = &app.fault {
        (fault.clone(), Role::Error)
    } else if let Some((text, _)) = &app.toast {
        (text.clone(), Role::Strong)
    } else {
        let role = match app.session.hold() {
            Some(HoldReason::Failed { .. }) => Role::Error,
            Some(HoldReason::Budget { .. } | HoldReason::Circles { .. } | HoldReason::Break { .. }) => Role::Warning,
            _ => Role::StatusHeld,
        };
        (words::pending(&app.session), role)
    };
    let text = one_line(&text);
    let room = usize::from(area.width.saturating_sub(2));
    let shown = if width(&text) > room { format!("{}…", take(&text, room.saturating_sub(1))) } else { text };
    paint::words(buf, area, area.x + 1, area.y, &shown, theme.style(role));
    None
}

/// The keys that matter now.
fn draw_keys(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.look.theme();
    if !app.following.is_empty() {
        let typed: Vec<String> = app.pending.iter().map(ToString::to_string).collect();
        let mut hints = vec![(typed.join(" "), "…".to_owned())];
        hints.extend(foot::following(&app.following));
        foot::keys(area, buf, &hints, theme);
        return;
    }
    let context = app.context();
    let keys = match (app.modals.last(), context) {
        (Some(modal), _) => foot::chosen(&app.look.keymap, context, modal.hints()),
        (None, Context::Composer) => foot::chosen(
            &app.look.keymap,
            context,
            &[
                (Action::Submit, "send"),
                (Action::Newline, "new line"),
                (Action::Cancel, "back"),
                (Action::EditorOpen, "$EDITOR"),
                (Action::SpeakAs, "speak as"),
            ],
        ),
        (None, Context::Search) => {
            foot::chosen(&app.look.keymap, context, &[(Action::Submit, "find"), (Action::Cancel, "back")])
        }
        (None, _) => foot::chosen(&app.look.keymap, context, &wanted(app)),
    };
    foot::keys(area, buf, &keys, theme);
}

/// What an operator is likely to want now, first things first.
fn wanted(app: &App) -> Vec<(Action, &'static str)> {
    let session = &app.session;
    let mut keys = Vec::new();
    if app.size.0 < TABS_BELOW {
        keys.push((Action::TabNext, "tab"));
    }
    let waiting = session.waiting();
    if waiting.contains(&Waiting::Task) {
        keys.push((Action::Composer, "give a task"));
    }
    if waiting.iter().any(|item| matches!(item, Waiting::Approval(_))) {
        keys.push((Action::Approvals, "approve"));
    }
    if waiting.iter().any(|item| matches!(item, Waiting::Ask(_) | Waiting::Unknown(_))) {
        keys.push((Action::Answer, "answer"));
    }
    if waiting.contains(&Waiting::Pick) {
        if session.floor().wanted.as_ref().is_some_and(|wanted| wanted.proposed.is_some()) {
            keys.push((Action::AcceptProposal, "take the proposed"));
        }
        if session.team().is_some_and(|team| team.selector_model.is_some()) {
            keys.push((Action::Propose, "ask the model"));
        }
    }
    match session.hold() {
        _ if session.ended().is_some() => {}
        Some(HoldReason::Budget { .. }) => {
            keys.extend([(Action::RaiseLimits, "raise limits"), (Action::EndRun, "end")])
        }
        Some(HoldReason::Failed { .. }) => keys.extend([(Action::Retry, "retry"), (Action::EndRun, "end")]),
        Some(HoldReason::Circles { .. }) => {
            keys.extend([(Action::Why, "why, and ways out"), (Action::Pause, "go on"), (Action::EndRun, "end")])
        }
        Some(HoldReason::Break { .. }) => {
            if session.draft().is_some() || session.shown().is_some() {
                keys.push((Action::HeldBack, "look at it"));
            }
            keys.extend([(Action::Pause, "go on"), (Action::StepMenu, "step …"), (Action::EndRun, "end")]);
        }
        Some(HoldReason::Ask { .. }) => keys.extend([(Action::Pause, "go on"), (Action::EndRun, "end")]),
        Some(_) => keys.push((Action::Pause, "go on")),
        None => keys.push(match session.hold_asked() {
            None => (Action::Pause, "pause"),
            Some(Boundary::Turn) => (Action::Pause, "pause sooner"),
            Some(Boundary::Step) => (Action::Pause, "go on after all"),
        }),
    }
    if session.is_busy() {
        keys.push((Action::Interrupt, "stop"));
    }
    if session.ended().is_some() {
        keys.push((Action::Composer, "say more"));
    } else {
        keys.push((Action::CallOn, "call on"));
    }
    keys.extend([(Action::Help, "help"), (Action::Quit, "quit"), (Action::EditMessage, "edit")]);
    if session.ended().is_none() && waiting.is_empty() {
        keys.push((Action::Step, "step"));
    }
    keys.extend([(Action::ForkHere, "fork"), (Action::Search, "search"), (Action::Palette, "commands")]);
    keys
}
