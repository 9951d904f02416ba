//! The screen as text, without a terminal.

use super::world::SESSION;
use plenary::chat::UnixMillis;
use plenary::chat::event::{Event, Record};
use plenary::chat::message::{Message, MessageKind};
use plenary::chat::update::Update;
use plenary::session::Session;
use plenary::text::width::width;
use plenary::tui::app::App;
use plenary::tui::input::{Input, KeyPress};
use plenary::tui::look::Look;
use plenary::tui::theme::{Role, Themes};
use plenary::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Color;
use std::sync::Arc;
use std::time::Duration;

/// When every still session begins.
pub const BASE: UnixMillis = 1_763_640_301_000;

/// A console at this size in the dark theme, for an empty session.
pub fn console(size: (u16, u16)) -> App {
    App::new(Session::default(), Look::plain("dark"), BASE, size)
}

/// Lays out and draws one frame.
pub fn frame(app: &mut App, size: (u16, u16)) -> (Buffer, Option<Position>) {
    let area = Rect { x: 0, y: 0, width: size.0, height: size.1 };
    app.on_input(Input::Resize(size.0, size.1));
    view::measure(app, area);
    let mut buffer = Buffer::empty(area);
    let cursor = view::draw(app, area, &mut buffer);
    (buffer, cursor)
}

/// One frame as text: a line a row, without the blanks at its end.
pub fn picture(app: &mut App, size: (u16, u16)) -> String {
    let (buffer, _) = frame(app, size);
    rows(&buffer).into_iter().map(|row| row.trim_end().to_owned() + "\n").collect()
}

/// The rows of a buffer. Every row is exactly as wide as the buffer.
pub fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        let (mut x, mut text) = (0, String::new());
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += (width(symbol) as u16).max(1);
        }
        text
    };
    (0..area.height).map(row).collect()
}

/// Presses keys, written as in the keymap with spaces between.
pub fn press(app: &mut App, keys: &str) -> Vec<plenary::tui::app::Deed> {
    let press = |key: &str| Input::Key(key.parse::<KeyPress>().unwrap());
    keys.split_whitespace().flat_map(|key| app.on_input(press(key))).collect()
}

/// Sets the time since the console started.
pub fn at(app: &mut App, ms: u64) {
    app.now = Duration::from_millis(ms);
}

/// A look in which every role has a colour of its own, so that roles can be read off a frame.
pub fn by_role() -> Look {
    let rows = Role::ALL.iter().enumerate().map(|(n, role)| format!("{} = {{ fg = \"#00{n:04x}\" }}\n", role.name()));
    let text = format!("[roles]\n{}", rows.collect::<String>());
    let (themes, mistakes) = Themes::load(&[("roles", text.as_str())]);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    Look { themes, theme: "roles".into(), ..Look::plain("dark") }
}

/// The roles of a frame that was drawn in the look [`by_role`]: `row: role "text" role "text" …`, blanks left out.
pub fn roles(buffer: &Buffer) -> String {
    let role = |x, y| match buffer[(x, y)].fg {
        Color::Rgb(0, high, low) => Role::ALL[usize::from(high) << 8 | usize::from(low)].name(),
        _ => "none",
    };
    let mut lines = String::new();
    for y in 0..buffer.area.height {
        let mut runs: Vec<(&str, String)> = Vec::new();
        for x in 0..buffer.area.width {
            match runs.last_mut() {
                Some((last, text)) if *last == role(x, y) => text.push_str(buffer[(x, y)].symbol()),
                _ => runs.push((role(x, y), buffer[(x, y)].symbol().to_owned())),
            }
        }
        let runs = runs.into_iter().filter(|(_, text)| !text.trim().is_empty());
        let shown: Vec<String> = runs.map(|(role, text)| format!("{role} {:?}", text.trim())).collect();
        lines += &format!("{y:>2}: {}\n", shown.join("  "));
    }
    lines
}

/// The same updates, but for what depends on time, place and machine: a second passes with each record.
pub fn still(updates: &[Update], place: &str) -> Vec<Update> {
    let mut session = Session::default();
    let quiet = |update: &Update| match update {
        Update::Record(record) => {
            let mut record = still_record(record, place);
            if let Event::Ended { totals, .. } = &mut record.event {
                totals.active_ms = session.active_ms(record.at);
            }
            let record = Arc::new(record);
            session.apply(record.clone()).unwrap();
            Some(Update::Record(record))
        }
        Update::Delta(_) => None,
        other => Some(other.clone()),
    };
    updates.iter().filter_map(quiet).collect()
}

fn still_record(record: &Record, place: &str) -> Record {
    let mut record = record.clone();
    record.at = BASE + record.seq.0 as i64 * 1000;
    match &mut record.event {
        Event::SessionStarted { session, .. } => *session = SESSION.to_owned(),
        Event::MessagePosted { message } if message.kind == MessageKind::CodeResult => {
            let message = Arc::make_mut(message);
            *message = Message { content: still_output(&message.content, place).into(), ..message.clone() };
        }
        Event::ModelAnswered { latency_ms, .. } => *latency_ms = 1500,
        Event::ModelFailed { retry_ms: Some(wait), .. } => *wait = (*wait).min(500),
        Event::ApprovalAsked { payload, hash, .. } => {
            let payload = Arc::make_mut(payload);
            payload.place.work_dir = payload.place.work_dir.replace(place, "/team");
            *hash = payload.hash();
        }
        Event::Started { pid, .. } => *pid = 4711,
        Event::Outcome { execution, .. } => {
            execution.duration_ms = 300;
            execution.output = still_output(&execution.output, place).into();
        }
        _ => {}
    }
    record
}

/// Python 3.11 underlines in tracebacks what earlier ones do not, and files lie elsewhere each time.
fn still_output(text: &str, place: &str) -> String {
    let underline = |line: &&str| !line.trim().is_empty() && line.trim().chars().all(|c| matches!(c, '^' | '~'));
    let lines: Vec<&str> = text.lines().filter(|line| !underline(line)).collect();
    let text = lines.join("\n").replace(place, "/team");
    let file = regex::Regex::new(r#"File "[^"]*/([^/"]+)""#).unwrap();
    file.replace_all(&text, r#"File "…/$1""#).into_owned()
}
