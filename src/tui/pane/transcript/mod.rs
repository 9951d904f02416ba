//! The transcript: a virtual list of messages and notices, the newest at the bottom.
//!
//! Only what is on the screen is laid out; what was laid out is kept by (item, width, revision, fold). A position is
//! (item, row), so that a wrong estimate elsewhere can move the scroll bar and nothing else.

mod draw;
mod walk;

use super::Pane;
use super::item::{Fold, Item, Line};
use crate::chat::event::{Event, Record};
use crate::chat::id::MessageId;
use crate::session::Session;
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece, search};
use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed};
use crate::tui::layout::Place;
use crate::tui::live::Live;
use crate::tui::paint::{self, Draw};
use crate::tui::theme::Role;
use crate::tui::widget::heights::{Heights, Position};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Lays out what the pane will show.
pub fn measure(app: &mut App, place: Place) {
    let wall = app.wall();
    app.transcript.measure(place.inside(), &app.session, &mut app.live, wall);
}

/// Draws the pane.
pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
    let inside = place.inside();
    if !place.bare {
        let title = match app.transcript.unseen() {
            0 => "Transcript".to_owned(),
            n => format!("Transcript · {n} new below"),
        };
        paint::frame(buf, place.area, &title, app.has_keys(Pane::Transcript), cx.theme, cx.unicode);
    }
    app.transcript.draw(inside, buf, cx.theme, cx.unicode);
    if app.session.transcript().is_empty() {
        let key = cx.keymap.word(Action::Composer, Context::Main);
        let words = format!("Nothing was said yet. Press {key} and give the team a task.");
        let rows = wrap(&[Piece::new(words, Ink::Plain)], inside.width.saturating_sub(2).max(1), 0);
        for (y, row) in (inside.y..inside.bottom()).zip(&rows) {
            paint::words(buf, inside, inside.x + 1, y, &row.text(), cx.theme.style(Role::Dim));
        }
    }
}

/// The transcript's keys work whatever pane has them.
pub fn act(_app: &mut App, _action: Action) -> Option<Vec<Deed>> {
    None
}

/// How many laid out items are kept.
const KEPT: usize = 512;

/// The transcript's state on the screen.
#[derive(Debug)]
pub struct Transcript {
    items: Vec<Item>,
    heights: Heights,
    cache: HashMap<usize, (Key, Rc<Vec<Line>>)>,
    unfolded: HashSet<MessageId>,
    follow: bool,
    top: Position,
    seen: usize,
    selected: Option<usize>,
    needle: String,
    fold_key: String,
    details: bool,
    shown: Vec<(Option<usize>, Shown)>,
    height: u16,
    laid_out: u64,
}

/// A row on the screen: one of an item's, which are shared, or one of what is under way.
#[derive(Debug)]
enum Shown {
    Kept(Rc<Vec<Line>>, usize),
    Fresh(Line),
}

impl Shown {
    fn line(&self) -> Option<&Line> {
        match self {
            Shown::Kept(lines, row) => lines.get(*row),
            Shown::Fresh(line) => Some(line),
        }
    }
}

/// What the layout of an item depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    width: u16,
    revision: u32,
    unfolded: bool,
    needle: String,
}

impl Default for Transcript {
    fn default() -> Self {
        Transcript {
            items: Vec::new(),
            heights: Heights::new(1),
            cache: HashMap::new(),
            unfolded: HashSet::new(),
            follow: true,
            top: Position::default(),
            seen: 0,
            selected: None,
            needle: String::new(),
            fold_key: "o".to_owned(),
            details: false,
            shown: Vec::new(),
            height: 1,
            laid_out: 0,
        }
    }
}

impl Transcript {
    /// With the key that unfolds, for the words at a fold.
    pub fn with_fold_key(mut self, key: String) -> Self {
        self.fold_key = key;
        self
    }

    /// Starts over from the session's active branch.
    pub fn rebuild(&mut self, session: &Session) {
        self.items = session.path().iter().filter_map(|record| Item::of(record)).collect();
        let width = self.heights.width();
        self.heights = Heights::new(width);
        for place in 0..self.items.len() {
            self.measure_roughly(place, session);
        }
        self.cache.clear();
        self.selected = None;
        self.follow = true;
        self.seen = self.items.len();
    }

    /// A record came.
    pub fn see(&mut self, record: &Record, session: &Session) {
        match &record.event {
            Event::BranchMoved { .. } => self.rebuild(session),
            Event::MessageEdited { message, .. } => {
                if let Some(place) = self.items.iter().position(|item| *item == Item::Message(*message)) {
                    self.cache.remove(&place);
                    self.heights.resize(place, self.items[place].bytes(session));
                }
            }
            _ => {
                if let Some(item) = Item::of(record) {
                    self.items.push(item);
                    self.measure_roughly(self.items.len() - 1, session);
                }
            }
        }
        if self.follow {
            self.seen = self.items.len();
        }
    }

    /// A first guess at the height of a new item.
    fn measure_roughly(&mut self, place: usize, session: &Session) {
        let item = self.items[place];
        self.heights.push(item.bytes(session));
        if matches!(item, Item::Detail(_)) && !self.details {
            self.heights.set(place, 0, true);
        }
    }

    /// Messages and notices that came while one looked elsewhere.
    pub fn unseen(&self) -> usize {
        let new = &self.items[self.seen.min(self.items.len())..];
        new.iter().filter(|item| self.details || !matches!(item, Item::Detail(_))).count()
    }

    /// Whether the newest is always in sight.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// The selected message; without a selection, the newest.
    pub fn chosen(&self) -> Option<MessageId> {
        let at = |place: usize| match self.items.get(place) {
            Some(Item::Message(id)) => Some(*id),
            _ => None,
        };
        match self.selected {
            Some(place) => at(place),
            None => (0..self.items.len()).rev().find_map(at),
        }
    }

    /// Whether a message is selected.
    pub fn has_selection(&self) -> bool {
        self.selected.is_some()
    }

    /// How many items were ever laid out: a test counts that a frame does not depend on the length.
    pub fn laid_out(&self) -> u64 {
        self.laid_out
    }

    /// Folds or unfolds the chosen message.
    pub fn toggle_fold(&mut self) {
        if let Some(id) = self.chosen()
            && !self.unfolded.remove(&id)
        {
            self.unfolded.insert(id);
        }
    }

    /// Shows or hides how speakers were chosen; says which.
    pub fn toggle_details(&mut self) -> bool {
        self.details = !self.details;
        self.cache.clear();
        self.details
    }

    /// What a search looks for; empty for nothing.
    pub fn mark(&mut self, needle: &str) {
        if self.needle != needle {
            self.needle = needle.to_owned();
            self.cache.clear();
        }
    }

    fn rows_of(&mut self, place: usize, session: &Session) -> usize {
        self.lines_of(place, session).len()
    }

    fn lines_of(&mut self, place: usize, session: &Session) -> Rc<Vec<Line>> {
        let Some(item) = self.items.get(place).copied() else { return Rc::default() };
        let (revision, unfolded) = match item {
            Item::Message(id) => {
                (session.transcript().get(id).map_or(0, |entry| entry.revision), self.unfolded.contains(&id))
            }
            Item::Notice(_) | Item::Detail(_) => (0, false),
        };
        let key = Key { width: self.heights.width(), revision, unfolded, needle: self.needle.clone() };
        if let Some((kept, lines)) = self.cache.get(&place)
            && *kept == key
        {
            return lines.clone();
        }
        let mut lines = item.lay_out(session, key.width, Fold { unfolded, details: self.details, key: &self.fold_key });
        self.laid_out += 1;
        if !self.needle.is_empty() {
            for line in &mut lines {
                if let Line::Body { row, .. } = line {
                    search::highlight(std::slice::from_mut(row), &self.needle);
                }
            }
        }
        self.heights.set(place, lines.len() as u32, true);
        if self.cache.len() >= KEPT {
            self.cache.clear();
        }
        let lines = Rc::new(lines);
        self.cache.insert(place, (key, lines.clone()));
        lines
    }

    /// Lays out what will be on the screen.
    pub fn measure(&mut self, area: Rect, session: &Session, live: &mut Live, now: i64) {
        let width = area.width.saturating_sub(1).max(1);
        if self.heights.width() != width {
            self.heights.reset(width);
            self.cache.clear();
        }
        self.height = area.height;
        let height = usize::from(area.height);
        self.shown.clear();
        if height == 0 {
            return;
        }
        let tail = crate::tui::pane::under_way::lines(session, live, width, height, now);
        if !self.follow {
            self.fill_down(&tail, height, session);
            if self.shown.len() >= height || self.items.is_empty() {
                return;
            }
            // The end is in sight: from here on, stay there.
            self.follow = true;
            self.seen = self.items.len();
        }
        self.fill_up(tail, height, session);
    }

    fn fill_down(&mut self, tail: &[Line], height: usize, session: &Session) {
        self.shown.clear();
        let mut skip = self.top.row as usize;
        for place in self.top.message..self.items.len() {
            let lines = self.lines_of(place, session);
            let room = height - self.shown.len();
            let rows = (0..lines.len()).skip(skip).take(room);
            self.shown.extend(rows.map(|row| (Some(place), Shown::Kept(lines.clone(), row))));
            skip = 0;
            if self.shown.len() >= height {
                break;
            }
        }
        self.shown.extend(tail.iter().map(|line| (None, Shown::Fresh(line.clone()))));
        self.shown.truncate(height);
    }

    fn fill_up(&mut self, tail: Vec<Line>, height: usize, session: &Session) {
        let mut from_below: Vec<(Option<usize>, Shown)> =
            tail.into_iter().rev().map(|line| (None, Shown::Fresh(line))).collect();
        self.top = Position { message: self.items.len(), row: 0 };
        for place in (0..self.items.len()).rev() {
            if from_below.len() >= height {
                break;
            }
            let lines = self.lines_of(place, session);
            let room = height - from_below.len();
            let rows = (0..lines.len()).rev().take(room);
            from_below.extend(rows.map(|row| (Some(place), Shown::Kept(lines.clone(), row))));
            self.top = Position { message: place, row: lines.len().saturating_sub(room) as u32 };
        }
        from_below.truncate(height);
        from_below.reverse();
        self.shown = from_below;
    }
}
