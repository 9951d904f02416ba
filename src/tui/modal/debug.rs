//! The workbench: breakpoints with their counts, what is held back before it is sent or said, and the suspects of a
//! triage. Three pages of one shape: parts with a heading each, one of them selected.

use super::prompt::{Prompt, Purpose};
use super::{Overlay, Step};
use crate::chat::breaks::{BreakCommand, Deed};
use crate::chat::command::Command;
use crate::chat::message::Message;
use crate::chat::request::{Prompt as Sent, Role as Speaks};
use crate::chat::usage::estimate_tokens;
use crate::session::Session;
use crate::session::breaks::Armed;
use crate::text::clean::{Context as Clean, lines, one_line};
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece, Row};
use crate::tui::action::{Action, Context};
use crate::tui::modal::list::Choice;
use crate::tui::paint::{self, Draw};
use crate::tui::pane::foot;
use crate::tui::theme::Role;
use crate::tui::words;
use crate::watch::triage::{CAUTION, Remedy, Suspect};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// What the workbench shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// All breakpoints.
    Breakpoints,
    /// The request or the reply that is held back.
    Held,
    /// Where it may have gone wrong.
    Suspects(Vec<Suspect>),
}

/// The workbench.
#[derive(Debug)]
pub struct Debug {
    page: Page,
    /// The part that is selected.
    at: usize,
    scroll: usize,
    view: usize,
    /// Rows, each with its part.
    rows: Vec<(usize, Row)>,
    width: u16,
}

/// A heading and what stands below it.
struct Part {
    head: String,
    body: String,
}

impl Debug {
    /// A page of it.
    pub fn new(page: Page) -> Self {
        Debug { page, at: 0, scroll: 0, view: 1, rows: Vec::new(), width: 0 }
    }

    fn parts(&self, session: &Session) -> Vec<Part> {
        match &self.page {
            Page::Breakpoints => session.breakpoints().iter().map(armed).collect(),
            Page::Held => held(session),
            Page::Suspects(suspects) => suspects.iter().map(suspect).collect(),
        }
    }

    fn title(&self, session: &Session) -> String {
        match &self.page {
            Page::Breakpoints => match session.breakpoints().len() {
                0 => "Breakpoints: none".to_owned(),
                count => format!("Breakpoints ({count})"),
            },
            Page::Held => match (session.draft(), session.shown()) {
                (Some((_, draft)), _) => format!("{} would say this", one_line(draft.author.name())),
                (None, Some(shown)) => {
                    let tokens = words::tokens(shown.request.estimate());
                    let changed = if shown.amended { ", changed by you" } else { "" };
                    format!("{} would send this: ~{tokens} tok{changed}", one_line(&shown.request.agent))
                }
                (None, None) => "Nothing is held back".to_owned(),
            },
            Page::Suspects(suspects) => format!("Where it may have gone wrong ({})", suspects.len()),
        }
    }

    /// Selects a part and brings its heading into sight.
    fn select(&mut self, at: usize, count: usize) -> Step {
        self.at = at.min(count.saturating_sub(1));
        let first = self.rows.iter().position(|(part, _)| *part == self.at).unwrap_or(0);
        let last = self.rows.iter().rposition(|(part, _)| *part == self.at).unwrap_or(0);
        if first < self.scroll || last >= self.scroll + self.view {
            self.scroll = first.min(self.rows.len().saturating_sub(self.view));
        }
        Step::Stay
    }

    fn to(&mut self, row: usize) -> Step {
        self.scroll = row.min(self.rows.len().saturating_sub(self.view));
        Step::Stay
    }

    fn on_breakpoint(&self, action: Action, session: &Session) -> Step {
        let chosen = session.breakpoints().get(self.at);
        let send = |command| Step::Send(Command::Break(command));
        match (action, chosen) {
            (Action::PartAdd, _) => Step::Open(breakpoint(None, "").into()),
            (_, None) => Step::Say("There is no breakpoint here; add one.".to_owned()),
            (Action::PartEdit, Some(armed)) => {
                Step::Open(breakpoint(Some(armed.id), &armed.breakpoint.written()).into())
            }
            (Action::PartRest, Some(armed)) => send(BreakCommand::Rest { id: armed.id, rests: !armed.rests }),
            (Action::PartRemove, Some(armed)) => send(BreakCommand::Clear { id: armed.id }),
            _ => Step::Pass,
        }
    }

    fn on_held(&self, action: Action, session: &Session) -> Step {
        let send = |command| Step::Send(Command::Break(command));
        if let Some((turn, draft)) = session.draft() {
            return match action {
                Action::PartEdit => {
                    let title = format!("What {} is to say", one_line(draft.author.name()));
                    let help = "The others hear it so when you let it go; what it had written stays in the log.";
                    Step::Open(Prompt::new(Purpose::Draft(turn), &draft.content, title, help).into())
                }
                Action::PartDiscard => send(BreakCommand::Discard { turn }),
                Action::Resume => Step::SendAll(vec![Command::Resume]),
                _ => Step::Pass,
            };
        }
        let Some(shown) = session.shown() else { return Step::Close };
        let (turn, messages) = (shown.turn, &shown.request.messages);
        match action {
            Action::PartEdit => match messages.get(self.at) {
                Some(message) if message.tool_calls.is_empty() => {
                    let help = "It is sent so this once; the conversation itself stays as it is.";
                    let title = format!("Part {} of the request", self.at + 1);
                    Step::Open(Prompt::new(Purpose::Part(turn, self.at), &message.content, title, help).into())
                }
                _ => Step::Say("The calls of an agent are sent as they were made.".to_owned()),
            },
            Action::PartAdd => {
                let help = "A last word to this agent, in this request only.";
                Step::Open(Prompt::new(Purpose::Part(turn, messages.len()), "", "Add to the request", help).into())
            }
            Action::PartRemove => {
                let mut messages = messages.to_vec();
                let paired =
                    messages.get(self.at).is_some_and(|one| !one.tool_calls.is_empty() || one.tool_call_id.is_some());
                if paired {
                    return Step::Say(
                        "A call and its result are sent together or not at all; edit them instead.".to_owned(),
                    );
                }
                if self.at < messages.len() {
                    messages.remove(self.at);
                }
                send(BreakCommand::Amend { turn, messages })
            }
            Action::PartDiscard => {
                Step::Say("A request cannot be thrown away; bar the agent, or end the run.".to_owned())
            }
            Action::Resume => Step::SendAll(vec![Command::Resume]),
            _ => Step::Pass,
        }
    }

    fn on_suspect(&self, action: Action, session: &Session) -> Step {
        let Page::Suspects(suspects) = &self.page else { return Step::Pass };
        let Some(suspect) = suspects.get(self.at) else { return Step::Say("The rules found nothing.".to_owned()) };
        match action {
            Action::PartGo => Step::Chosen(Choice::GoTo(suspect.message)),
            Action::PartRewind => Step::SendAll(vec![Command::MoveTo { seq: suspect.seq }]),
            Action::PartEdit => Step::Open(remedy(suspect, session).into()),
            _ => Step::Pass,
        }
    }
}

impl Overlay for Debug {
    fn context(&self) -> Context {
        match self.page {
            Page::Breakpoints => Context::Breakpoints,
            Page::Held => Context::Held,
            Page::Suspects(_) => Context::Suspects,
        }
    }

    fn follow(&mut self, session: &Session, _now_ms: u64) -> bool {
        self.width = 0;
        self.page != Page::Held || session.draft().is_some() || session.shown().is_some()
    }

    fn act(&mut self, action: Action, session: &Session, _now_ms: u64) -> Step {
        let page = self.view.saturating_sub(1).max(1);
        let count = self.rows.last().map_or(0, |(part, _)| part + 1);
        match action {
            Action::Cancel => Step::Close,
            Action::SelectNext => self.select(self.at + 1, count),
            Action::SelectPrev => self.select(self.at.saturating_sub(1), count),
            Action::ScrollDown => self.to(self.scroll + 1),
            Action::ScrollUp => self.to(self.scroll.saturating_sub(1)),
            Action::PageDown => self.to(self.scroll + page),
            Action::PageUp => self.to(self.scroll.saturating_sub(page)),
            Action::Top => self.select(0, count),
            Action::Bottom => self.select(usize::MAX, count),
            action => match self.page {
                Page::Breakpoints => self.on_breakpoint(action, session),
                Page::Held => self.on_held(action, session),
                Page::Suspects(_) => self.on_suspect(action, session),
            },
        }
    }

    fn measure(&mut self, area: Rect, session: &Session) {
        self.view = usize::from(area.height.saturating_sub(4)).max(1);
        let width = area.width.saturating_sub(4).max(8);
        if self.width != width {
            self.width = width;
            let parts = self.parts(session);
            self.at = self.at.min(parts.len().saturating_sub(1));
            self.rows = rows(&parts, width);
            if let Page::Suspects(_) = self.page {
                let caution = CAUTION.split_whitespace().collect::<Vec<_>>().join(" ");
                let rows = wrap(&[Piece::new(caution, Ink::Dim)], width, 0);
                let last = parts.len().saturating_sub(1);
                self.rows.extend(rows.into_iter().map(|row| (last, row)));
            }
        }
        self.scroll = self.scroll.min(self.rows.len().saturating_sub(self.view));
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        paint::clear(buf, area, cx.theme);
        let inside = paint::frame(buf, area, &self.title(cx.session), true, cx.theme, cx.unicode);
        let body = Rect {
            x: inside.x + 1,
            width: inside.width.saturating_sub(2),
            height: inside.height.saturating_sub(2),
            ..inside
        };
        if self.rows.is_empty() {
            let text = match self.page {
                Page::Breakpoints => "none yet: a rule on the conversation, and the run holds when it is met",
                _ => "nothing was found",
            };
            paint::words(buf, body, body.x, body.y, text, cx.theme.style(Role::Dim));
        }
        let mut marked = false;
        for (n, (part, row)) in self.rows.iter().skip(self.scroll).take(usize::from(body.height)).enumerate() {
            let y = body.y + n as u16;
            paint::row(buf, body, body.x, y, row, cx.theme);
            if *part == self.at && !marked {
                // Not by colour alone.
                let mark = if cx.unicode { "▸" } else { ">" };
                paint::words(buf, inside, inside.x, y, mark, cx.theme.style(Role::HintKey));
                paint::tint(buf, Rect { y, height: 1, ..inside }, cx.theme.style(Role::Selection));
                marked = true;
            }
        }
        if self.rows.len() > self.view {
            let text = format!(" {}/{} ", (self.scroll + self.view).min(self.rows.len()), self.rows.len());
            paint::words_right(buf, area, area.right() - 2, area.bottom() - 1, &text, cx.theme.style(Role::Dim));
        }
        let wanted: &[(Action, &str)] = match (&self.page, cx.session.draft()) {
            (Page::Breakpoints, _) => &[
                (Action::PartAdd, "add"),
                (Action::PartEdit, "edit"),
                (Action::PartRest, "rest, wake"),
                (Action::PartRemove, "remove"),
                (Action::Cancel, "back"),
            ],
            (Page::Held, Some(_)) => &[
                (Action::Resume, "let it be said"),
                (Action::PartEdit, "edit"),
                (Action::PartDiscard, "throw away"),
                (Action::Cancel, "back"),
            ],
            (Page::Held, None) => &[
                (Action::Resume, "send"),
                (Action::PartEdit, "edit"),
                (Action::PartAdd, "add"),
                (Action::PartRemove, "leave out"),
                (Action::Cancel, "back"),
            ],
            (Page::Suspects(_), _) => &[
                (Action::PartGo, "go there"),
                (Action::PartEdit, "ready remedy"),
                (Action::PartRewind, "fork there"),
                (Action::Cancel, "back"),
            ],
        };
        let line = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
        foot::keys(line, buf, &foot::chosen(cx.keymap, self.context(), wanted), cx.theme);
        None
    }
}

/// A text field for a breakpoint.
pub fn breakpoint(id: Option<crate::chat::breaks::BreakId>, text: &str) -> Prompt {
    let help = "A rule: speaker == Coder and tool == shell · cost > $2 · at == reply · finding(D8) · fill > 0.8. Before it may stand \
                what is done: notify once every 5 when …, or snapshot, expect, run PROGRAM.";
    Prompt::new(Purpose::Breakpoint(id), text, "Stop when …", help)
}

/// The field in which a remedy is changed and used.
fn remedy(suspect: &Suspect, session: &Session) -> Prompt {
    match &suspect.remedy {
        Remedy::Edit { message, content } => {
            let by =
                session.transcript().get(*message).map_or(String::new(), |entry| one_line(entry.message.author.name()));
            let title = format!("Edit message {} by {by}", message.number());
            let help = "The conversation goes on from here on a new branch; the old one stays.";
            Prompt::new(Purpose::Message(*message), content, title, help)
        }
        Remedy::Tell { to, text } => {
            let title = to.as_ref().map_or("Tell all".to_owned(), |name| format!("Tell {}", one_line(name)));
            Prompt::new(Purpose::Note(to.clone()), text, title, "It is said in your name. The run goes on then.")
        }
    }
}

fn armed(armed: &Armed) -> Part {
    let Armed { id, breakpoint, hits, rests } = armed;
    let deed = match &breakpoint.deed {
        Deed::Run(argv) => format!("run {}", argv.join(" ")),
        deed => deed.word().to_owned(),
    };
    let mut marks = vec![deed];
    if breakpoint.once {
        marks.push("once".to_owned());
    }
    if breakpoint.every > 1 {
        marks.push(format!("every {}", breakpoint.every));
    }
    let state = if *rests { "rests" } else { "watches" };
    let times = if *hits == 1 { "time" } else { "times" };
    let name = if breakpoint.name.is_empty() { String::new() } else { format!("{}  ", one_line(&breakpoint.name)) };
    let head = format!(
        "{id}  {name}{state} · met {hits} {times} · {} · {}",
        one_line(&marks.join(" ")),
        breakpoint.by.words()
    );
    Part { head, body: breakpoint.when.clone() }
}

fn held(session: &Session) -> Vec<Part> {
    if let Some((_, draft)) = session.draft() {
        return vec![Part { head: "nobody has heard it yet".to_owned(), body: drafted(draft) }];
    }
    let Some(shown) = session.shown() else { return Vec::new() };
    let mut parts: Vec<Part> = shown.request.messages.iter().enumerate().map(|(n, sent)| part(n, sent)).collect();
    let tools: Vec<&str> = shown.request.tools.iter().map(|tool| tool.name.as_str()).collect();
    if !tools.is_empty() {
        parts.push(Part { head: format!("offered: {} tools", tools.len()), body: tools.join(", ") });
    }
    parts
}

fn drafted(draft: &Message) -> String {
    let told = draft.told().into_owned();
    match &draft.drafted {
        Some(before) if **before != *draft.content => format!("{told}\n\n── it had written ──\n{before}"),
        _ => told,
    }
}

fn part(n: usize, sent: &Sent) -> Part {
    let role = match sent.role {
        Speaks::System => "system",
        Speaks::User => "user",
        Speaks::Assistant => "assistant",
        Speaks::Tool => "tool result",
    };
    let name = sent.name.as_deref().map(|name| format!(" {}", one_line(name))).unwrap_or_default();
    let mut body = sent.content.to_string();
    for call in &sent.tool_calls {
        body.push_str(&format!("\n→ {}({})", call.name, call.arguments));
    }
    Part { head: format!("{}  {role}{name} · ~{} tok", n + 1, words::tokens(estimate_tokens(&body))), body }
}

fn suspect(suspect: &Suspect) -> Part {
    let head = format!("{} · message {} by {}", suspect.title, suspect.message.number(), one_line(&suspect.agent));
    let quote = if suspect.quote.is_empty() { String::new() } else { format!("\n“{}”", suspect.quote) };
    let remedy = match &suspect.remedy {
        Remedy::Edit { message, .. } => format!("edit message {}", message.number()),
        Remedy::Tell { to: Some(to), .. } => format!("tell {to}"),
        Remedy::Tell { to: None, .. } => "tell all".to_owned(),
    };
    Part { head, body: format!("{}{quote}\nready: {remedy}", suspect.text) }
}

fn rows(parts: &[Part], width: u16) -> Vec<(usize, Row)> {
    let mut rows = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let head = wrap(&[Piece::new(part.head.clone(), Ink::Heading)], width, 2);
        rows.extend(head.into_iter().map(|row| (n, row)));
        for line in lines(&part.body, Clean::Prose, Ink::Plain) {
            let mut pieces = vec![Piece::new("  ", Ink::Plain)];
            pieces.extend(line);
            rows.extend(wrap(&pieces, width, 2).into_iter().map(|row| (n, row)));
        }
        rows.push((n, Row::of(Vec::new())));
    }
    rows
}
