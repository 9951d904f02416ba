//! Why the detectors think that the team goes in circles: the turns that match beside each other, the rule, the counts,
//! what has moved and what has not - and the ways out, a key each.

use super::{Overlay, Step};
use crate::chat::event::Level;
use crate::chat::id::MessageId;
use crate::session::{Finding, Session};
use crate::text::clean::one_line;
use crate::text::side::side_by_side;
use crate::text::width::take;
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece, Row};
use crate::tui::action::{Action, Context};
use crate::tui::paint::{self, Draw};
use crate::tui::pane::foot;
use crate::tui::theme::Role;
use crate::watch::DETECTORS;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// A way out of a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Look at where it began.
    First,
    /// Edit the last message that matches.
    Edit,
    /// A note to who repeats.
    Note,
    /// A note to all.
    NoteAll,
    /// Another speaker.
    Another,
    /// Bar who repeats for some turns.
    Bar,
    /// Bar the tool that is called again and again.
    BarTool,
    /// Go back to before it began, on a new branch.
    Rewind,
    /// Let it go on for a while before it is said again.
    Allow,
    /// End with a summary.
    Conclude,
    /// It is no loop.
    NotALoop,
}

/// The panel.
#[derive(Debug)]
pub struct Why {
    detector: String,
    scroll: usize,
    view: usize,
    rows: Vec<(Row, Option<Row>)>,
    laid_out: Option<(u16, String, u32)>,
}

/// Above this width the turns stand beside each other.
const BESIDE: u16 = 64;

impl Why {
    /// The gravest finding. `None` when nothing is found.
    pub fn open(session: &Session) -> Option<Self> {
        let finding = gravest(session)?;
        Some(Why::of(&finding.detector))
    }

    fn of(detector: &str) -> Self {
        Why { detector: detector.to_owned(), scroll: 0, view: 1, rows: Vec::new(), laid_out: None }
    }

    /// The finding that is shown.
    pub fn finding<'a>(&self, session: &'a Session) -> Option<&'a Finding> {
        session.findings().iter().find(|finding| finding.detector == self.detector)
    }

    fn to(&mut self, row: usize) -> Step {
        self.scroll = row.min(self.rows.len().saturating_sub(self.view));
        Step::Stay
    }
}

impl Overlay for Why {
    fn context(&self) -> Context {
        Context::Why
    }

    fn follow(&mut self, session: &Session, _now_ms: u64) -> bool {
        if self.finding(session).is_none() {
            match gravest(session) {
                Some(other) => *self = Why::of(&other.detector),
                None => return false,
            }
        }
        true
    }

    fn act(&mut self, action: Action, session: &Session, _now_ms: u64) -> Step {
        let page = self.view.saturating_sub(1).max(1);
        let way = match action {
            Action::Cancel => return Step::Close,
            Action::ScrollDown => return self.to(self.scroll + 1),
            Action::ScrollUp => return self.to(self.scroll.saturating_sub(1)),
            Action::PageDown => return self.to(self.scroll + page),
            Action::PageUp => return self.to(self.scroll.saturating_sub(page)),
            Action::Top => return self.to(0),
            Action::Bottom => return self.to(usize::MAX),
            Action::NextFinding => {
                let all = session.findings();
                let at = all.iter().position(|finding| finding.detector == self.detector).unwrap_or(0);
                if let Some(next) = all.get((at + 1) % all.len().max(1)) {
                    *self = Why::of(&next.detector);
                }
                return Step::Stay;
            }
            Action::WayFirst => Way::First,
            Action::WayEdit => Way::Edit,
            Action::WayNote => Way::Note,
            Action::WayNoteAll => Way::NoteAll,
            Action::WayAnother => Way::Another,
            Action::WayBar => Way::Bar,
            Action::WayBarTool => Way::BarTool,
            Action::WayRewind => Way::Rewind,
            Action::WayAllow => Way::Allow,
            Action::WayConclude => Way::Conclude,
            Action::WayNotALoop => Way::NotALoop,
            _ => return Step::Pass,
        };
        Step::Out(way)
    }

    fn measure(&mut self, area: Rect, session: &Session) {
        self.view = usize::from(area.height.saturating_sub(5)).max(1);
        let width = area.width.saturating_sub(4).max(8);
        let Some(finding) = self.finding(session) else { return };
        let key = (width, finding.detector.clone(), finding.count);
        if self.laid_out.as_ref() != Some(&key) {
            self.rows = rows(finding, session, width);
            self.laid_out = Some(key);
        }
        self.scroll = self.scroll.min(self.rows.len().saturating_sub(self.view));
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        paint::clear(buf, area, cx.theme);
        let all = cx.session.findings();
        let at = all.iter().position(|finding| finding.detector == self.detector).unwrap_or(0);
        let more = if all.len() > 1 { format!(" ({}/{})", at + 1, all.len()) } else { String::new() };
        let title = format!("Going in circles? {}{more}", self.detector);
        let inside = paint::frame(buf, area, &title, true, cx.theme, cx.unicode);
        let body = Rect {
            x: inside.x + 1,
            width: inside.width.saturating_sub(2),
            height: inside.height.saturating_sub(3),
            ..inside
        };
        let half = column(body.width);
        for (n, (left, right)) in self.rows.iter().skip(self.scroll).take(usize::from(body.height)).enumerate() {
            let y = body.y + n as u16;
            match right {
                None => paint::row(buf, body, body.x, y, left, cx.theme),
                Some(right) => {
                    let column = Rect { width: half, ..body };
                    paint::row(buf, column, column.x, y, left, cx.theme);
                    let bar = if cx.unicode { "│" } else { "|" };
                    paint::words(buf, body, body.x + half + 1, y, bar, cx.theme.style(Role::Dim));
                    let column = Rect { x: body.x + half + 3, width: half, ..body };
                    paint::row(buf, column, column.x, y, right, cx.theme);
                }
            }
        }
        if self.rows.len() > self.view {
            let text = format!(" {}/{} ", (self.scroll + self.view).min(self.rows.len()), self.rows.len());
            paint::words_right(buf, area, area.right() - 2, area.bottom() - 1, &text, cx.theme.style(Role::Dim));
        }
        let first = [
            (Action::WayNotALoop, "not a loop"),
            (Action::WayNote, "note to it"),
            (Action::WayNoteAll, "note to all"),
            (Action::WayAnother, "another speaker"),
            (Action::WayBar, "bar it"),
            (Action::WayBarTool, "bar the tool"),
        ];
        let second = [
            (Action::WayFirst, "first time"),
            (Action::WayEdit, "edit the last"),
            (Action::WayRewind, "rewind"),
            (Action::WayAllow, "allow more"),
            (Action::WayConclude, "end, summed up"),
            (Action::Cancel, "back"),
        ];
        for (n, wanted) in [first.as_slice(), second.as_slice()].into_iter().enumerate() {
            let y = inside.bottom().saturating_sub(2 - n as u16);
            let line = Rect { y, height: 1, ..inside };
            foot::keys(line, buf, &foot::chosen(cx.keymap, Context::Why, wanted), cx.theme);
        }
        None
    }
}

/// Width of one of two columns.
fn column(width: u16) -> u16 {
    width.saturating_sub(3) / 2
}

/// The finding that would hold, or else the first.
fn gravest(session: &Session) -> Option<&Finding> {
    session.findings().iter().rev().max_by_key(|finding| finding.level)
}

/// Everything that is known about a finding.
fn rows(finding: &Finding, session: &Session, width: u16) -> Vec<(Row, Option<Row>)> {
    let mut rows: Vec<(Row, Option<Row>)> = Vec::new();
    let mut words =
        |text: String, ink| rows.extend(wrap(&[Piece::new(text, ink)], width, 0).into_iter().map(|row| (row, None)));
    words(one_line(&finding.text), Ink::Strong);
    let row = DETECTORS.iter().find(|row| row.title() == finding.detector);
    if let Some(row) = row {
        let about: Vec<&str> = row.about.split_whitespace().collect();
        words(format!("Rule: {}.", about.join(" ")), Ink::Plain);
        let limit = |limit: Option<u32>| limit.map_or("never".to_owned(), |limit| limit.to_string());
        let limits = row.thresholds;
        let team = session.team().map(|team| &team.watch);
        let over = team.and_then(|watch| watch.detectors.get(row.id)).copied().unwrap_or_default();
        let limits = limits.with(&over);
        words(
            format!(
                "Count {}: {}. Badge from {}, note from {}, hold from {}.",
                finding.count,
                match finding.level {
                    Level::Badge => "shown",
                    Level::Nudge => "worth a note",
                    Level::Hold => "holds the run",
                },
                limit(limits.badge),
                limit(limits.nudge),
                limit(limits.hold)
            ),
            Ink::Plain,
        );
        let judged = session.judged().iter().filter(|judged| judged.detector == finding.detector).count();
        if judged > 0 {
            words(
                format!("You have judged it {judged} times; that has raised the limits for what you judged."),
                Ink::Dim,
            );
        }
        let moved = match session.progress() {
            Some((what, Some(message))) => format!("Last progress: {} (message {}).", what.words(), message.0 + 1),
            Some((what, None)) => format!("Last progress: {}.", what.words()),
            None => "No progress was seen since it began.".to_owned(),
        };
        words(if row.progress { format!("{moved} Progress clears this.") } else { moved }, Ink::Plain);
    }
    words(String::new(), Ink::Plain);
    let entries: Vec<_> = finding.messages.iter().filter_map(|id| session.transcript().get(*id)).collect();
    // The newest pair of one speaker says most; a round of several is compared turn by turn.
    if let Some(last) = entries.last() {
        let same = |id: &MessageId| {
            session.transcript().get(*id).is_some_and(|entry| entry.message.author == last.message.author)
        };
        let before =
            finding.messages.iter().rev().skip(1).find(|id| same(id)).and_then(|id| session.transcript().get(*id));
        if let Some(before) = before {
            let told = |entry: &crate::session::transcript::Entry| entry.message.told().into_owned();
            let head = |entry: &crate::session::transcript::Entry| {
                format!("── {} {} ──", entry.message.id.0 + 1, one_line(entry.message.author.name()))
            };
            if width >= BESIDE {
                let half = column(width);
                let title =
                    |entry| Row::of(vec![Piece::new(take(&head(entry), usize::from(half)).to_owned(), Ink::Heading)]);
                rows.push((title(before), Some(title(last))));
                rows.extend(side_by_side(&told(before), &told(last), half).into_iter().map(|(a, b)| (a, Some(b))));
            } else {
                // Too narrow for two columns: one below the other, with the same marks.
                let both = side_by_side(&told(before), &told(last), width);
                let title =
                    |entry| Row::of(vec![Piece::new(take(&head(entry), usize::from(width)).to_owned(), Ink::Heading)]);
                rows.push((title(before), None));
                rows.extend(both.iter().map(|(a, _)| (a.clone(), None)).filter(|(row, _)| !row.text().is_empty()));
                rows.push((title(last), None));
                rows.extend(both.into_iter().map(|(_, b)| (b, None)).filter(|(row, _)| !row.text().is_empty()));
            }
            rows.push((Row::default(), None));
        }
    }
    if !entries.is_empty() {
        rows.push((
            Row::of(vec![Piece::new(format!("── all {} messages that match ──", entries.len()), Ink::Heading)]),
            None,
        ));
    }
    for entry in entries {
        let text = format!("{} {}: {}", entry.message.id.0 + 1, entry.message.author.name(), entry.message.told());
        let line = one_line(&text);
        rows.push((Row::of(vec![Piece::new(take(&line, usize::from(width)).to_owned(), Ink::Dim)]), None));
    }
    rows
}
