//! A list to choose from: the palette, the keys, branches, names, yes or no.

use super::{Overlay, Step, centred};
use crate::chat::Name;
use crate::chat::breaks::BreakCommand;
use crate::chat::command::Command;
use crate::chat::event::Resolution;
use crate::chat::id::{MessageId, OpId, Seq};
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::width::{take, width};
use crate::tui::action::{Action, Context};
use crate::tui::app::Whisper;
use crate::tui::input::KeyPress;
use crate::tui::paint::{self, Draw};
use crate::tui::pane::Pane;
use crate::tui::theme::Role;
use crate::tui::widget::editor::Editor;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// What choosing a row does.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Carry out an action.
    Do(Action),
    /// Go to the tip of a branch.
    Branch(Seq),
    /// Speak in this name; `None` in one's own.
    SpeakAs(Option<Name>),
    /// Speak to this member only, or to everybody.
    SpeakTo(Option<Whisper>),
    /// Give this agent that model.
    Model(Name, String),
    /// Say what became of an execution.
    Resolve(OpId, Resolution),
    /// Take back consent given in advance: of one agent, or of all.
    Revoke(Option<Name>),
    /// Something about breakpoints and steps.
    Break(BreakCommand),
    /// Go to this message.
    GoTo(MessageId),
    /// Give this agent the floor, and go on.
    CallOn(Name),
    /// Show what can be done with an execution.
    Execution(OpId),
    /// Go back, though something stays done.
    Back(Box<Command>),
    /// Show what has changed of a server's tool.
    Changed(String, String),
    /// Send these.
    Send(Vec<Command>),
    /// Put these two panes beside each other.
    Beside(Pane, Pane),
    /// Leave the console.
    Quit,
    /// End the run.
    End,
    /// Nothing: it was only to be read.
    Nothing,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What stands at the left: a key, a mark.
    pub key: String,
    /// The words.
    pub text: String,
    /// What choosing it does.
    pub choice: Choice,
}

/// A list to choose from.
#[derive(Debug)]
pub struct List {
    title: String,
    lines: Vec<Line>,
    /// The palette's line to type in.
    filter: Option<Editor>,
    context: Context,
    found: Vec<usize>,
    at: usize,
    scroll: usize,
    view: usize,
}

impl List {
    /// A list with its first row chosen.
    pub fn new(title: impl Into<String>, lines: Vec<Line>) -> Self {
        let found = (0..lines.len()).collect();
        List { title: title.into(), lines, filter: None, context: Context::List, found, at: 0, scroll: 0, view: 1 }
    }

    /// With a line to type in that narrows it.
    pub fn palette(mut self) -> Self {
        self.filter = Some(Editor::new("", "type a few letters"));
        self.context = Context::Palette;
        self
    }

    /// Only to be read.
    pub fn help(mut self) -> Self {
        self.context = Context::Help;
        self
    }

    /// Narrows the list to what was typed.
    fn narrow(&mut self) {
        let wanted = self.filter.as_ref().map(Editor::text).unwrap_or_default();
        let mut scored: Vec<(usize, usize)> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(n, line)| Some((score(&format!("{} {}", line.text, line.key), &wanted)?, n)))
            .collect();
        scored.sort();
        self.found = scored.into_iter().map(|(_, n)| n).collect();
        self.at = 0;
        self.scroll = 0;
    }

    fn move_to(&mut self, at: usize, reads: bool) {
        self.at = at;
        if reads {
            self.at = at.min(self.found.len().saturating_sub(self.view));
            self.scroll = self.at;
        }
    }

    fn place(&self, area: Rect) -> Rect {
        let widest = self.lines.iter().map(|line| self.key_width() + 3 + width(&line.text)).max().unwrap_or(0);
        let wanted = (widest.max(width(&self.title) + 4).max(36) + 4).min(96) as u16;
        let rows = self.lines.len() as u16 + 2 + 2 * u16::from(self.filter.is_some());
        centred(area, wanted, rows.min(area.height.saturating_sub(2)).max(5))
    }

    fn key_width(&self) -> usize {
        self.lines.iter().map(|line| width(&line.key)).max().unwrap_or(0)
    }
}

impl Overlay for List {
    fn context(&self) -> Context {
        self.context
    }

    fn act(&mut self, action: Action, _session: &Session, _now_ms: u64) -> Step {
        let last = self.found.len().saturating_sub(1);
        let page = self.view.saturating_sub(1).max(1);
        let reads = self.context == Context::Help;
        match action {
            Action::Cancel | Action::CancelOrInterrupt => return Step::Close,
            Action::Quit if self.context == Context::List => return Step::Close,
            Action::Submit => {
                return match self.found.get(self.at).map(|n| self.lines[*n].choice.clone()) {
                    Some(Choice::Nothing) | None => Step::Close,
                    Some(choice) => Step::Chosen(choice),
                };
            }
            Action::SelectNext | Action::ScrollDown => self.move_to(self.at.saturating_add(1).min(last), reads),
            Action::SelectPrev | Action::ScrollUp => self.move_to(self.at.saturating_sub(1), reads),
            Action::PageDown | Action::HalfDown => self.move_to((self.at + page).min(last), reads),
            Action::PageUp | Action::HalfUp => self.move_to(self.at.saturating_sub(page), reads),
            Action::Top => self.move_to(0, reads),
            Action::Bottom => self.move_to(last, reads),
            _ => return Step::Pass,
        }
        Step::Stay
    }

    fn measure(&mut self, area: Rect, _session: &Session) {
        let size = self.place(area);
        self.view = usize::from(size.height.saturating_sub(2 + 2 * u16::from(self.filter.is_some()))).max(1);
        if self.at < self.scroll {
            self.scroll = self.at;
        } else if self.context != Context::Help && self.at >= self.scroll + self.view {
            self.scroll = self.at + 1 - self.view;
        }
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        let area = self.place(area);
        paint::clear(buf, area, cx.theme);
        let inside = paint::frame(buf, area, &self.title, true, cx.theme, cx.unicode);
        let mut cursor = None;
        let mut top = inside.y;
        if let Some(filter) = &self.filter {
            let field = Rect { x: inside.x + 1, height: 1, width: inside.width.saturating_sub(2), ..inside };
            cursor = filter.draw(field, buf, cx.theme, true);
            top += 2;
            if self.found.is_empty() {
                paint::words(buf, inside, inside.x + 1, top, "nothing fits", cx.theme.style(Role::Dim));
            }
        }
        let keys = self.key_width() as u16;
        for (row, n) in self.found.iter().skip(self.scroll).take(self.view).enumerate() {
            let y = top + row as u16;
            let Some(line) = self.lines.get(*n).filter(|_| y < inside.bottom()) else { break };
            paint::words(buf, inside, inside.x + 1, y, &line.key, cx.theme.style(Role::HintKey));
            let room = usize::from(inside.width.saturating_sub(keys + 4));
            let text = one_line(&line.text);
            paint::words(buf, inside, inside.x + 3 + keys, y, take(&text, room), cx.theme.style(Role::Text));
            if self.scroll + row == self.at && self.context != Context::Help {
                paint::tint(buf, Rect { y, height: 1, ..inside }, cx.theme.style(Role::Selection));
            }
        }
        if self.found.len() > self.view {
            let text = format!(" {}/{} ", (self.scroll + self.view).min(self.found.len()), self.found.len());
            paint::words_right(buf, area, area.right() - 2, area.bottom() - 1, &text, cx.theme.style(Role::Dim));
        }
        cursor
    }

    fn key(&mut self, key: KeyPress) {
        if let Some(filter) = &mut self.filter {
            filter.key(key);
            self.narrow();
        }
    }

    fn paste(&mut self, text: &str) -> usize {
        let line = text.lines().next().unwrap_or_default();
        let Some(filter) = &mut self.filter else { return 0 };
        let cut = filter.paste(line);
        self.narrow();
        cut
    }

    fn hints(&self) -> &'static [(Action, &'static str)] {
        match self.context {
            Context::Help => &[(Action::PageDown, "more"), (Action::Cancel, "close")],
            _ => &[(Action::Submit, "choose"), (Action::Cancel, "close")],
        }
    }
}

/// How well a text fits what was typed: lower is better, `None` is not at all. Letters must come in order.
fn score(text: &str, wanted: &str) -> Option<usize> {
    let text = text.to_lowercase();
    let mut at = 0;
    let mut gaps = 0;
    for c in wanted.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = text[at..].find(c)?;
        gaps += found;
        at += found + c.len_utf8();
    }
    Some(gaps)
}
