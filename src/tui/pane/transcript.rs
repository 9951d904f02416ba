//! The transcript: a virtual list of messages and notices, the newest at the bottom.
//!
//! Only what is on the screen is laid out; what was laid out is kept by (item, width, revision, fold). A position is
//! (item, row), so that a wrong estimate elsewhere can move the scroll bar and nothing else.

use super::item::{Fold, Item, Line};
use crate::chat::event::{Event, Record};
use crate::chat::id::MessageId;
use crate::session::Session;
use crate::text::{Ink, search};
use crate::tui::live::Live;
use crate::tui::paint;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::heights::{Heights, Position};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

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

    /// Selects the next (or previous) message and brings it into sight.
    pub fn select(&mut self, forward: bool, session: &Session) {
        let is_message = |place: &usize| matches!(self.items.get(*place), Some(Item::Message(_)));
        let count = self.items.len();
        let next = match (self.selected, forward) {
            (None, false) => (0..count).rev().find(is_message),
            (None, true) => return,
            (Some(at), false) => (0..at).rev().find(is_message).or(Some(at)),
            (Some(at), true) => match (at + 1..count).find(is_message) {
                Some(next) => Some(next),
                None => {
                    self.end();
                    return;
                }
            },
        };
        self.selected = next;
        if let Some(place) = next {
            self.reveal(place, session);
        }
    }

    /// Selects this message and brings it into sight.
    pub fn go_to(&mut self, id: MessageId, session: &Session) {
        if let Some(place) = self.items.iter().position(|item| *item == Item::Message(id)) {
            self.selected = Some(place);
            self.reveal(place, session);
            self.reveal_match(place, session);
        }
    }

    /// Brings the first marked row of an item into sight.
    fn reveal_match(&mut self, place: usize, session: &Session) {
        let marked = |line: &Line| match line {
            Line::Body { row, .. } => row.pieces.iter().any(|piece| piece.ink == Ink::Match),
            _ => false,
        };
        if self.shown.iter().any(|(item, shown)| *item == Some(place) && shown.line().is_some_and(marked)) {
            return;
        }
        let lines = self.lines_of(place, session);
        if let Some(row) = lines.iter().position(marked) {
            self.follow = false;
            self.top = Position { message: place, row: row as u32 };
            self.walk(-i64::from(self.height / 3), session);
        }
    }

    /// Drops the selection. False when there was none.
    pub fn unselect(&mut self) -> bool {
        self.selected.take().is_some()
    }

    fn reveal(&mut self, place: usize, session: &Session) {
        let on_screen = self.shown.iter().filter(|(item, _)| *item == Some(place)).count();
        let rows = self.rows_of(place, session);
        if on_screen < rows.min(usize::from(self.height)) {
            self.follow = false;
            self.top = Position { message: place, row: 0 };
            // Some of what came before gives the eye a hold.
            let room = i64::from(self.height) - rows as i64;
            self.walk(-(room / 3).max(0), session);
        }
    }

    /// Shows the beginning.
    pub fn begin(&mut self) {
        self.follow = false;
        self.top = Position::default();
    }

    /// Shows the end and follows it.
    pub fn end(&mut self) {
        self.follow = true;
        self.selected = None;
        self.seen = self.items.len();
    }

    /// Scrolls by rows, down if positive.
    pub fn scroll(&mut self, rows: i64, session: &Session) {
        if self.follow && rows > 0 {
            return;
        }
        if self.follow {
            self.follow = false;
            self.seen = self.items.len();
        }
        self.walk(rows, session);
    }

    /// Rows in sight.
    pub fn page(&self) -> i64 {
        i64::from(self.height.saturating_sub(2).max(1))
    }

    /// Moves the top row exactly, item by item.
    fn walk(&mut self, mut rows: i64, session: &Session) {
        while rows < 0 {
            if self.top.row > 0 {
                let step = i64::from(self.top.row).min(-rows);
                self.top.row -= step as u32;
                rows += step;
            } else if self.top.message > 0 {
                self.top.message -= 1;
                self.top.row = self.rows_of(self.top.message, session) as u32;
            } else {
                return;
            }
        }
        while rows > 0 && self.top.message < self.items.len() {
            let left = (self.rows_of(self.top.message, session) as i64 - i64::from(self.top.row)).max(0);
            if rows < left {
                self.top.row += rows as u32;
                return;
            }
            rows -= left;
            if self.top.message + 1 >= self.items.len() {
                return;
            }
            self.top = Position { message: self.top.message + 1, row: 0 };
        }
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
        let tail = super::under_way::lines(session, live, width, height, now);
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

    /// Draws what was measured.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme, unicode: bool) {
        let bar = if unicode { "▎" } else { "|" };
        let inside = Rect { width: area.width.saturating_sub(1), ..area };
        for (n, (place, line)) in self.shown.iter().enumerate() {
            let y = area.y + n as u16;
            let Some(line) = line.line() else { continue };
            match line {
                Line::Blank => {}
                Line::Note { role, row } => {
                    let text = row.text();
                    paint::words(buf, inside, inside.x, y, &text, theme.style(*role));
                }
                Line::Body { role, row } => {
                    paint::words(buf, inside, inside.x, y, bar, theme.style(*role));
                    paint::row(buf, inside, inside.x + 2, y, row, theme);
                }
                Line::Head { role, number, name, marks, figures } => {
                    let x = paint::words(buf, inside, inside.x, y, &format!("{number} "), theme.style(Role::Dim));
                    let x = paint::words(buf, inside, x, y, name, theme.style(*role));
                    let x = paint::words(buf, inside, x + 2, y, marks, theme.style(Role::Warning));
                    let from = inside.right().saturating_sub(crate::text::width::width(figures) as u16);
                    if from > x {
                        paint::words(buf, inside, from, y, figures, theme.style(Role::Dim));
                    }
                }
            }
            if place.is_some() && *place == self.selected {
                let row = Rect { y, height: 1, ..inside };
                if matches!(line, Line::Head { .. }) {
                    paint::tint(buf, row, theme.style(Role::Selection));
                }
            }
        }
        self.draw_position(area, buf, theme, unicode);
    }

    /// A thumb at the right edge: where in the whole one is.
    fn draw_position(&self, area: Rect, buf: &mut Buffer, theme: &Theme, unicode: bool) {
        let total = self.heights.total().max(1);
        if total <= u64::from(area.height) || area.height == 0 {
            return;
        }
        let height = u64::from(area.height);
        let size = (height * height / total).clamp(1, height);
        let above = if self.follow { total - height.min(total) } else { self.heights.offset(self.top) };
        let from = (above * height / total).min(height - size);
        for n in from..from + size {
            let mark = if unicode { "▐" } else { "#" };
            paint::words(buf, area, area.right() - 1, area.y + n as u16, mark, theme.style(Role::Minimap));
        }
    }
}
