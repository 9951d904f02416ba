//! The approval queue: code that a model wrote, all of it, before it runs.
//!
//! Consent is to bytes that were seen. Each request starts disarmed; it arms when every line has been in a drawn frame
//! and the hands have been still for half a second. What is approved is sent with the hash of what was shown; the
//! engine refuses anything else. (Reference: reliability-security 1.3 and 1.4.)

use super::{Overlay, Step};
use crate::chat::code::CodeBlock;
use crate::chat::command::Command;
use crate::chat::event::Verdict;
use crate::chat::id::ApprovalId;
use crate::session::{Session, Waiting};
use crate::text::clean::{Context as Clean, one_line};
use crate::text::width::take;
use crate::text::wrap::{Break, flow, wrap};
use crate::text::{Ink, Piece, Row, clean, code, diff, facts};
use crate::tui::action::{Action, Context};
use crate::tui::paint::{self, Draw};
use crate::tui::pane::foot;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// How long the hands must have been still.
const STILL_MS: u64 = 500;
/// Below this the whole truth does not fit.
pub const LEAST: (u16, u16) = (60, 16);

/// The approval queue on the screen.
#[derive(Debug)]
pub struct Approval {
    id: ApprovalId,
    edited: Option<Vec<CodeBlock>>,
    scroll: usize,
    rows: Vec<Row>,
    laid_out: Option<(u16, ApprovalId, bool, bool)>,
    /// Rows of code, as opposed to those of the comparison below it: these must be seen.
    seen: Vec<bool>,
    view: usize,
    fits: bool,
    touched_ms: u64,
}

/// Requests that wait, oldest first.
pub fn waiting(session: &Session) -> Vec<ApprovalId> {
    session
        .waiting()
        .into_iter()
        .filter_map(|item| match item {
            Waiting::Approval(id) => Some(id),
            _ => None,
        })
        .collect()
}

impl Approval {
    /// The queue, at its oldest request. `None` when nothing waits.
    pub fn open(session: &Session, now_ms: u64) -> Option<Self> {
        waiting(session).first().map(|id| Approval::at(*id, now_ms))
    }

    fn at(id: ApprovalId, now_ms: u64) -> Self {
        Approval {
            id,
            edited: None,
            scroll: 0,
            rows: Vec::new(),
            laid_out: None,
            seen: Vec::new(),
            view: 1,
            fits: true,
            touched_ms: now_ms,
        }
    }

    /// The request that is shown.
    pub fn id(&self) -> ApprovalId {
        self.id
    }

    /// When it may arm, if nothing is touched: for a frame at that time.
    pub fn arms_at(&self) -> u64 {
        self.touched_ms + STILL_MS
    }

    /// Takes code that the operator has changed. It must be seen like any other.
    pub fn take_edit(&mut self, blocks: Vec<CodeBlock>, now_ms: u64) {
        let id = self.id;
        *self = Approval { edited: Some(blocks), ..Approval::at(id, now_ms) };
    }

    /// The blocks as they would run.
    pub fn blocks(&self, session: &Session) -> Vec<CodeBlock> {
        self.edited
            .clone()
            .or_else(|| session.approval(self.id).map(|asked| asked.payload.blocks.clone()))
            .unwrap_or_default()
    }

    /// Whether every line has been on the screen.
    pub fn seen_in_full(&self) -> bool {
        self.fits && !self.seen.is_empty() && self.seen.iter().all(|seen| *seen)
    }

    fn armed(&self, now_ms: u64) -> bool {
        self.seen_in_full() && now_ms >= self.arms_at()
    }

    fn turn(&mut self, forward: bool, session: &Session, now_ms: u64) {
        let waiting = waiting(session);
        let Some(at) = waiting.iter().position(|id| *id == self.id) else { return };
        let next = if forward { at + 1 } else { at.wrapping_sub(1) };
        if let Some(id) = waiting.get(next) {
            *self = Approval::at(*id, now_ms);
        }
    }

    fn allow(&self, remember: bool, session: &Session) -> Step {
        let Some(asked) = session.approval(self.id) else { return Step::Close };
        let verdict = match &self.edited {
            Some(blocks) if *blocks != asked.payload.blocks => Verdict::RunEdited(blocks.clone()),
            _ => Verdict::Run,
        };
        Step::Send(Command::Decide {
            approval: self.id,
            hash: asked.hash.clone(),
            verdict,
            seen_in_full: true,
            remember,
        })
    }

    /// Denies with a reason; with `hold`, the run holds when the agent has been told.
    pub fn deny(&self, reason: String, hold: bool, session: &Session) -> Option<Command> {
        let asked = session.approval(self.id)?;
        if hold {
            return Some(Command::DenyAndHold { approval: self.id, hash: asked.hash.clone(), reason });
        }
        Some(Command::Decide {
            approval: self.id,
            hash: asked.hash.clone(),
            verdict: Verdict::Deny(reason),
            seen_in_full: self.seen_in_full(),
            remember: false,
        })
    }

    /// The rows, and how many of them are code.
    fn lay_out(&self, session: &Session, width: u16) -> (Vec<Row>, usize) {
        let blocks = self.blocks(session);
        let tool = session.approval(self.id).and_then(|asked| asked.payload.tool.clone());
        let mut rows = Vec::new();
        for (n, block) in blocks.iter().enumerate() {
            // The same letters mean one thing to Python and another to a shell: the language is part of what is seen.
            let language = match one_line(&block.language) {
                none if none.is_empty() => "no language named; it will not run".to_owned(),
                named => format!("run as {named}"),
            };
            let title = match &tool {
                Some(_) => "arguments".to_owned(),
                None => format!("block {} of {}: {language}", n + 1, blocks.len()),
            };
            rows.push(Row::of(vec![Piece::new(title, Ink::Heading)]));
            rows.extend(code::listing(&block.code, &block.language, width).rows);
        }
        if let Some(tool) = &tool {
            // What really runs: a word a line, since no shell puts them together.
            let arguments = blocks.first().map_or("", |block| &*block.code);
            let (title, text) = match crate::chat::tool::command(&tool.argv, arguments) {
                Ok(words) if tool.source.is_some() => ("does, a word a line".to_owned(), words.join("\n")),
                Ok(words) => ("runs, a word a line (no shell)".to_owned(), words.join("\n")),
                Err(why) => (format!("cannot run: {}", one_line(&why)), String::new()),
            };
            rows.push(Row::of(vec![Piece::new(title, Ink::Heading)]));
            rows.extend(code::listing(&text, "", width).rows);
        }
        let code = rows.len();
        if let Some(last) = self.last_run(session) {
            let now: String = blocks.iter().map(|block| block.code.to_string()).collect::<Vec<_>>().join("\n");
            if last != now {
                rows.push(Row::default());
                let title = "changed since the code this agent ran last (- was, + is):";
                rows.push(Row::of(vec![Piece::new(title, Ink::Heading)]));
                rows.extend(diff::diff(&last, &now, width));
            }
        }
        (rows, code)
    }

    /// The code this agent ran last.
    fn last_run(&self, session: &Session) -> Option<String> {
        let asked = session.approval(self.id)?;
        let last = session.approvals().rev().find(|earlier| {
            earlier.id < self.id
                && earlier.agent == asked.agent
                && matches!(earlier.decision, Some((Verdict::Run | Verdict::RunEdited(_), _)))
        })?;
        Some(last.payload.blocks.iter().map(|block| block.code.to_string()).collect::<Vec<_>>().join("\n"))
    }

    /// Who asks, where it would run, what it can touch: from the structured request, never from the model's words.
    fn header(&self, session: &Session, area: Rect) -> Vec<(String, Role)> {
        let Some(asked) = session.approval(self.id) else { return Vec::new() };
        let place = &asked.payload.place;
        let payload = asked.payload.with_blocks(self.blocks(session));
        let mut lines = vec![
            (
                format!(
                    "{} to {} from message {}",
                    match asked.turn {
                        Some(_) => format!("{} wants", one_line(&asked.agent)),
                        None => format!("By hand, as {}: you want", one_line(&asked.agent)),
                    },
                    match &payload.tool {
                        Some(tool) => format!("call the tool {}", one_line(&tool.name)),
                        None => format!("run {}", languages(&payload.blocks)),
                    },
                    asked.source.number()
                ),
                Role::Strong,
            ),
            (format!("where  {} · {}", one_line(&place.executor), one_line(&place.containment)), Role::Warning),
            (format!("in     {}", one_line(&place.work_dir)), Role::Text),
            (
                format!(
                    "limit  {} s a block · network {} · environment {}",
                    place.timeout_ms / 1000,
                    if place.network { "reachable" } else { "none" },
                    if place.environment.is_empty() {
                        "empty".to_owned()
                    } else {
                        one_line(&place.environment.join(" "))
                    }
                ),
                Role::Text,
            ),
        ];
        let bounds = place.bounds_in_words();
        let kept = crate::chat::containment::bytes(place.output_limit);
        let bounds = if bounds.is_empty() { "memory, disk and processes without limit".to_owned() } else { bounds };
        lines.push((format!("bounds {bounds} · output {kept}"), Role::Text));
        if let Some(image) = &place.image {
            lines.push((format!("image  {} · {}", one_line(&image.name), one_line(&image.digest)), Role::Text));
        }
        let all: String = payload.blocks.iter().map(|block| block.code.to_string()).collect::<Vec<_>>().join("\n");
        lines.push((format!("facts  {}", facts::facts(&all).join(" · ")), Role::Text));
        if self.edited.is_some() {
            lines.push(("edited by you; the agents will be told what you changed".to_owned(), Role::Operator));
        }
        if let Some(reason) = reason(session, asked.source) {
            lines.push((format!("says   \u{201c}{reason}\u{201d} (its own words, not checked)"), Role::Dim));
        }
        // Long lines are folded, not cut: a path that is cut is a path that is hidden.
        let width = area.width.saturating_sub(4).max(1);
        lines
            .into_iter()
            .flat_map(|(text, role)| {
                let pieces = clean::clean(&text, Clean::Prose, Ink::Plain);
                let rest = [Piece::new("       ", Ink::Plain)];
                flow(&pieces, width, &[], &rest, Break::Words).into_iter().map(move |row| (row.text(), role))
            })
            .collect()
    }

    fn draw_foot(&self, line: Rect, buf: &mut Buffer, cx: &Draw) {
        let seen = self.seen.iter().filter(|seen| **seen).count();
        let (text, role) = if !self.seen_in_full() {
            (format!("{seen} of {} rows seen", self.seen.len()), Role::Warning)
        } else if !self.armed(cx.now_ms) {
            ("one moment …".to_owned(), Role::Dim)
        } else {
            ("seen in full".to_owned(), Role::Success)
        };
        let x = paint::words(buf, line, line.x + 1, line.y, take(&text, 48), cx.theme.style(role));
        let mut wanted = vec![
            (Action::ApproveDeny, "deny"),
            (Action::ApproveEdit, "edit"),
            (Action::ApproveRemember, "run and remember"),
            (Action::ApproveLeash, "leash"),
            (Action::Cancel, "later"),
        ];
        if self.armed(cx.now_ms) {
            wanted.insert(0, (Action::ApproveRun, "run"));
        } else if !self.seen_in_full() {
            wanted.insert(0, (Action::ApproveRun, "read on"));
        }
        let keys = foot::chosen(cx.keymap, Context::Approval, &wanted);
        foot::keys(Rect { x: x + 1, width: line.right().saturating_sub(x + 1), ..line }, buf, &keys, cx.theme);
    }
}

impl Overlay for Approval {
    fn context(&self) -> Context {
        Context::Approval
    }

    fn changes_at(&self) -> Option<u64> {
        Some(self.arms_at())
    }

    fn touch(&mut self, now_ms: u64) {
        self.touched_ms = now_ms;
    }

    fn follow(&mut self, session: &Session, now_ms: u64) -> bool {
        let waiting = waiting(session);
        if waiting.contains(&self.id) {
            return true;
        }
        match waiting.first() {
            Some(next) => {
                *self = Approval::at(*next, now_ms);
                true
            }
            None => false,
        }
    }

    fn act(&mut self, action: Action, session: &Session, now_ms: u64) -> Step {
        let armed = self.armed(now_ms);
        self.touched_ms = now_ms;
        let page = self.view.saturating_sub(1).max(1);
        match action {
            Action::Cancel => return Step::Close,
            Action::ScrollDown => self.scroll += 1,
            Action::ScrollUp => self.scroll = self.scroll.saturating_sub(1),
            Action::PageDown => self.scroll += page,
            Action::PageUp => self.scroll = self.scroll.saturating_sub(page),
            Action::HalfDown => self.scroll += page / 2,
            Action::HalfUp => self.scroll = self.scroll.saturating_sub(page / 2),
            Action::Top => self.scroll = 0,
            Action::Bottom => self.scroll = self.rows.len(),
            Action::NextRequest | Action::PreviousRequest => self.turn(action == Action::NextRequest, session, now_ms),
            Action::ApproveDeny => return Step::AskReason,
            Action::ApproveDenyHold => return Step::AskReasonAndHold,
            Action::ApproveAnswer => {
                return match session.approval(self.id).is_some_and(|asked| asked.payload.tool.is_some()) {
                    true => Step::AskAnswer,
                    false => Step::Say("Only a tool can be answered for; this is code.".into()),
                };
            }
            Action::ApproveLeash => {
                let tier = session.approval(self.id).map(|asked| asked.payload.place.tier);
                if tier.is_none_or(|tier| tier.is_none()) {
                    return Step::Say(
                        "There is no leash without containment: this runs under your own account.".into(),
                    );
                }
                return Step::AskLeash;
            }
            Action::ApproveEdit => return Step::EditCode,
            Action::ApproveRun | Action::ApproveRemember => {
                if !self.fits {
                    return Step::Say(format!("Too small to show the whole code; enlarge to {}x{}.", LEAST.0, LEAST.1));
                }
                if let Some(unseen) = self.seen.iter().position(|seen| !seen) {
                    // The same key leads through the code, page by page; it runs nothing before the last line was read.
                    self.scroll = unseen.min(self.rows.len().saturating_sub(self.view));
                    return Step::Say("Not every line has been on the screen yet; here is what comes next.".into());
                }
                if !armed {
                    return Step::Say("Too quick: look for half a second, then press it again.".into());
                }
                return self.allow(action == Action::ApproveRemember, session);
            }
            _ => return Step::Pass,
        }
        self.scroll = self.scroll.min(self.rows.len().saturating_sub(self.view));
        Step::Stay
    }

    fn measure(&mut self, area: Rect, session: &Session) {
        self.fits = area.width >= LEAST.0 && area.height >= LEAST.1.saturating_sub(2);
        let header = self.header(session, area);
        let (_, body) = split(area, pinned(&header, area).len() as u16);
        let width = body.width.max(1);
        let scrolls = pinned(&header, area).len() < header.len();
        let key = (width, self.id, self.edited.is_some(), scrolls);
        if self.laid_out != Some(key) {
            let (mut rows, mut code) = self.lay_out(session, width);
            // A header that is too tall to stay in sight scrolls with the code, and must be seen like it.
            if scrolls {
                let head = header.iter().skip(1).map(|(text, _)| Row::of(vec![Piece::new(text.clone(), Ink::Plain)]));
                let head: Vec<Row> = head.chain([Row::default()]).collect();
                code += head.len();
                rows.splice(0..0, head);
            }
            self.rows = rows;
            self.seen = vec![false; code];
            self.laid_out = Some(key);
        }
        self.view = usize::from(body.height).max(1);
        self.scroll = self.scroll.min(self.rows.len().saturating_sub(self.view));
        if self.fits {
            let end = (self.scroll + usize::from(body.height)).min(self.seen.len());
            self.seen[self.scroll.min(end)..end].fill(true);
        }
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        paint::clear(buf, area, cx.theme);
        let queue = waiting(cx.session);
        let at = queue.iter().position(|id| *id == self.id).map_or(1, |at| at + 1);
        let title = format!("Run this? {at} of {}", queue.len().max(1));
        let inside = paint::frame(buf, area, &title, true, cx.theme, cx.unicode);
        if !self.fits {
            let words = format!("Too small to show the whole code. Enlarge the terminal to {}x{}.", LEAST.0, LEAST.1);
            let pieces = [Piece::new(words, Ink::Plain)];
            for (n, row) in wrap(&pieces, inside.width.saturating_sub(2), 0).iter().enumerate() {
                let y = inside.y + n as u16;
                paint::words(buf, inside, inside.x + 1, y, &row.text(), cx.theme.style(Role::Warning));
            }
            let keys =
                foot::chosen(cx.keymap, Context::Approval, &[(Action::ApproveDeny, "deny"), (Action::Cancel, "later")]);
            let line = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
            foot::keys(line, buf, &keys, cx.theme);
            return None;
        }
        let header = self.header(cx.session, area);
        let header = pinned(&header, area);
        let (head, body) = split(area, header.len() as u16);
        for (n, (text, role)) in header.iter().enumerate() {
            paint::words(buf, head, head.x, head.y + n as u16, text, cx.theme.style(*role));
        }
        for (n, row) in self.rows.iter().skip(self.scroll).take(usize::from(body.height)).enumerate() {
            paint::row(buf, body, body.x, body.y + n as u16, row, cx.theme);
        }
        self.draw_foot(Rect { y: area.bottom().saturating_sub(2), height: 1, ..inside }, buf, cx);
        None
    }
}

/// The first words of a message outside its code: why its author wants it to run. Data, never a fact.
fn reason(session: &Session, source: crate::chat::id::MessageId) -> Option<String> {
    const WORDS: usize = 160;
    let text = session.transcript().get(source)?.message.content.clone();
    let mut fenced = false;
    let line = text.lines().find(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced && !line.trim().is_empty()
    })?;
    let line = one_line(line.trim());
    Some(if line.chars().count() > WORDS { format!("{} …", take(&line, WORDS)) } else { line })
}

/// The part of the header that stays in sight: all of it, or the first line where it would leave the code no room.
fn pinned(header: &[(String, Role)], area: Rect) -> &[(String, Role)] {
    let room = usize::from(area.height.saturating_sub(3)) / 2;
    if header.len() <= room.max(1) { header } else { &header[..1.min(header.len())] }
}

/// `python`, `sh and python`: what the blocks are written in.
fn languages(blocks: &[CodeBlock]) -> String {
    let mut names: Vec<String> = blocks.iter().map(|block| one_line(&block.language)).collect();
    names.dedup();
    names.join(" and ")
}

/// Header and code within the frame; a line of keys stays free below.
fn split(area: Rect, header: u16) -> (Rect, Rect) {
    let inside = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(3),
    };
    let header = header.min(inside.height.saturating_sub(3));
    let head = Rect { height: header, ..inside };
    let body = Rect { y: inside.y + header + 1, height: inside.height.saturating_sub(header + 1), ..inside };
    (head, body)
}
