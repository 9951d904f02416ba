//! One item of the transcript, laid out: a message with its heading, or a notice.

use crate::chat::code::Execution;
use crate::chat::containment::bytes;
use crate::chat::end::Summarized;
use crate::chat::event::{Event, Judgement, Record, Verdict};
use crate::chat::format::Rejection;
use crate::chat::id::{MessageId, Seq};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::watch::Detection;
use crate::session::Session;
use crate::session::transcript::Entry;
use crate::text::clean::{Context, lines, one_line};
use crate::text::markdown;
use crate::text::wrap::{Break, flow, wrap};
use crate::text::{Ink, Piece, Row};
use crate::tui::theme::Role;
use crate::tui::words;

/// Rows of program output that are shown before it is folded.
const FOLD: usize = 24;
/// Rows kept above and below a fold.
const FOLD_HEAD: usize = 6;
const FOLD_TAIL: usize = 10;

/// Something in the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A message.
    Message(MessageId),
    /// A record that an operator should see in its place.
    Notice(Seq),
    /// A record that is shown only on demand: how a speaker was chosen.
    Detail(Seq),
}

/// Whether long parts are shown whole, and the key that changes it.
#[derive(Debug, Clone, Copy)]
pub struct Fold<'a> {
    /// Shown whole.
    pub unfolded: bool,
    /// Whether it is shown how speakers were chosen.
    pub details: bool,
    /// The key, for the words at the fold.
    pub key: &'a str,
}

/// One row of the transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A heading of ours: number, name, marks, and figures at the right.
    Head {
        /// Whose.
        role: Role,
        /// `7`.
        number: String,
        /// `Coder`.
        name: String,
        /// `edited`, `interrupted` …
        marks: String,
        /// `1.2k tok  $0.004  3.1 s`.
        figures: String,
    },
    /// What somebody else wrote: always behind a bar, so that it cannot pass for ours.
    Body {
        /// Colour of the bar.
        role: Role,
        /// The row.
        row: Row,
    },
    /// Our own words.
    Note {
        /// Tone.
        role: Role,
        /// The row.
        row: Row,
    },
    /// Nothing.
    Blank,
}

impl Item {
    /// What a record adds to the transcript, if anything.
    pub fn of(record: &Record) -> Option<Item> {
        match record.event.innermost().1 {
            Event::MessagePosted { message } => Some(Item::Message(message.id)),
            Event::SpeakerChosen { choice } if choice.mode == "auto fallback" => Some(Item::Notice(record.seq)),
            Event::SpeakerChosen { .. } | Event::SelectorAnswered { .. } => Some(Item::Detail(record.seq)),
            Event::ApprovalDecided { .. }
            | Event::ModelFailed { .. }
            | Event::AgentFailed { .. }
            | Event::AnswerRejected(_)
            | Event::Configured { .. }
            | Event::BranchMoved { .. }
            | Event::OutcomeUnknown { .. }
            | Event::LimitsChanged { .. }
            | Event::LeashGiven { .. }
            | Event::ConsentRevoked { .. }
            | Event::TimeExtended { .. }
            | Event::BudgetCrossed { .. }
            | Event::Summarized(_)
            | Event::Ended { .. } => Some(Item::Notice(record.seq)),
            Event::Outcome { execution, .. } if execution.effects.is_some() => Some(Item::Notice(record.seq)),
            Event::DetectorChanged(Detection { count, .. }) if *count > 0 => Some(Item::Notice(record.seq)),
            Event::ProgressMade { .. } | Event::DetectorJudged { .. } => Some(Item::Notice(record.seq)),
            _ => None,
        }
    }

    /// A guess at its size in bytes, for its height before it is laid out.
    pub fn bytes(&self, session: &Session) -> usize {
        match self {
            Item::Message(id) => session.transcript().get(*id).map_or(0, |entry| entry.message.content.len() + 200),
            Item::Notice(_) | Item::Detail(_) => 80,
        }
    }

    /// The rows of this item.
    pub fn lay_out(&self, session: &Session, width: u16, fold: Fold) -> Vec<Line> {
        match self {
            Item::Message(id) => match session.transcript().get(*id) {
                Some(entry) => message(entry, session, width, fold),
                None => Vec::new(),
            },
            Item::Detail(_) if !fold.details => Vec::new(),
            Item::Notice(seq) | Item::Detail(seq) => match session.record(*seq) {
                Some(record) => notice(record, session, width),
                None => Vec::new(),
            },
        }
    }
}

/// The colour of an author.
pub fn author_role(author: &Author, session: &Session) -> Role {
    match author {
        Author::Operator => Role::Operator,
        Author::Agent(name) => agent_role(name, session),
    }
}

/// The colour of an agent.
pub fn agent_role(name: &str, session: &Session) -> Role {
    let place = session.team().and_then(|team| team.position(name)).unwrap_or(0);
    Role::AGENTS[place % Role::AGENTS.len()]
}

fn message(entry: &Entry, session: &Session, width: u16, fold: Fold) -> Vec<Line> {
    let Fold { unfolded, key: unfold, .. } = fold;
    let message = &entry.message;
    let role = author_role(&message.author, session);
    let mut marks = Vec::new();
    match message.kind {
        MessageKind::Task => marks.push("task".to_owned()),
        MessageKind::Human if matches!(message.author, Author::Agent(_)) => marks.push("in your words".to_owned()),
        MessageKind::Human | MessageKind::CodeResult => {}
        kind => marks.extend(kind.label().map(str::to_owned)),
    }
    marks.extend(message.audience().map(|audience| one_line(&audience)));
    if message.by_operator {
        marks.push("spoken by you".to_owned());
    }
    if entry.revision > 0 {
        marks.push("edited".to_owned());
    }
    match message.completeness {
        Completeness::Whole => {}
        Completeness::CutOff => marks.push("CUT OFF by the output limit".to_owned()),
        Completeness::Interrupted => marks.push("INTERRUPTED, not sent to the others".to_owned()),
    }
    let name = match &message.author {
        // What a nested team is given comes from the agent that it stands behind.
        Author::Operator if !message.within.is_empty() => one_line(&message.within.join(" › ")),
        Author::Operator => "You".to_owned(),
        Author::Agent(_) => one_line(&message.author_path().collect::<Vec<_>>().join(" › ")),
    };
    let mut shown = vec![Line::Head {
        role,
        number: message.id.number().to_string(),
        name,
        marks: marks.join(" · "),
        figures: figures(entry, session),
    }];
    let inner = width.saturating_sub(2).max(1);
    if let Some(reasoning) = &message.reasoning {
        let note = format!("thought first, {} tok ({unfold} shows it)", words::tokens(reasoning.len() as u64 / 4));
        if unfolded {
            for line in lines(reasoning, Context::Prose, Ink::Dim) {
                shown.extend(wrap(&line, inner, 0).into_iter().map(|row| Line::Body { role, row }));
            }
        } else {
            shown.push(Line::Note { role: Role::Dim, row: Row::of(vec![Piece::new(note, Ink::Dim)]) });
        }
    }
    let rows = match message.kind {
        MessageKind::CodeResult => output(&message.content, inner, fold),
        MessageKind::ToolCalls | MessageKind::ToolResults => output(&message.told(), inner, fold),
        _ if message.content.trim().is_empty() => vec![Row::of(vec![Piece::new("(no words)", Ink::Dim)])],
        _ => markdown::render(&message.content, inner),
    };
    shown.extend(rows.into_iter().map(|row| Line::Body { role, row }));
    shown.push(Line::Blank);
    shown
}

fn figures(entry: &Entry, session: &Session) -> String {
    let message = &entry.message;
    if message.kind == MessageKind::CodeResult {
        let execution = session.record(entry.seq).and_then(|record| {
            let before = session.record(record.parent?)?;
            match &before.event {
                Event::Outcome { execution, .. } => Some(execution),
                _ => None,
            }
        });
        return match execution {
            Some(ran) => format!("exit {}  {}", ran.exit_code, words::seconds(ran.duration_ms)),
            None => "not run".to_owned(),
        };
    }
    let Some(call) = message.call.and_then(|id| session.call(id)) else { return String::new() };
    let usage = call.usage.unwrap_or_default();
    let mark = if usage.estimated { "~" } else { "" };
    let cost = usage.cost.map_or("$?".to_owned(), |cost| cost.to_string());
    let time = call.latency_ms.map(words::seconds).unwrap_or_default();
    format!("{mark}{} tok  {cost}  {time}", words::tokens(usage.tokens.total())).trim_end().to_owned()
}

fn output(content: &str, width: u16, Fold { unfolded, key: unfold, .. }: Fold) -> Vec<Row> {
    // Our own words stand before the program's, and nothing it prints can write over them.
    const OURS: &str = "Code output: ";
    let (ours, printed) = match content.find(OURS) {
        Some(at) => content.split_at(at + OURS.len()),
        None => (content, ""),
    };
    let tone = if content.starts_with("exitcode: 0 ") { Ink::Added } else { Ink::Removed };
    let mut all = lines(ours, Context::Prose, Ink::Code);
    all.iter_mut().take(1).flatten().for_each(|piece| piece.ink = tone);
    let mut printed = lines(printed.trim_end(), Context::Output, Ink::Code).into_iter();
    if let (Some(last), Some(first)) = (all.last_mut(), printed.next()) {
        last.extend(first);
    }
    all.extend(printed);
    let mut rows: Vec<Row> = all.iter().flat_map(|line| flow(line, width, &[], &[], Break::Words)).collect();
    if unfolded || rows.len() <= FOLD {
        return rows;
    }
    let hidden = rows.len() - FOLD_HEAD - FOLD_TAIL;
    let tail = rows.split_off(rows.len() - FOLD_TAIL);
    rows.truncate(FOLD_HEAD);
    rows.push(Row::of(vec![Piece::new(format!("… {hidden} more rows ({unfold} unfolds)"), Ink::Marker)]));
    rows.extend(tail);
    rows
}

/// Whether the attempt before this one failed in the same words; they need not be read again.
fn same_failure_before(record: &Record, session: &Session) -> bool {
    let Event::ModelFailed { failure, .. } = &record.event else { return false };
    let mut before = record.parent;
    for _ in 0..4 {
        let Some(earlier) = before.and_then(|seq| session.record(seq)) else { return false };
        match &earlier.event {
            Event::ModelFailed { failure: other, .. } => return other.message == failure.message,
            Event::MessagePosted { .. } | Event::TurnStarted { .. } => return false,
            _ => before = earlier.parent,
        }
    }
    false
}

/// The summary of a run: a heading of ours, and the words behind a bar.
fn summary(event: &Event, session: &Session, width: u16) -> Vec<Line> {
    let Event::Summarized(Summarized { method, text, call, problem }) = event else { return Vec::new() };
    let role = Role::StatusEnded;
    let used = call.and_then(|id| session.call(id)).and_then(|call| call.usage);
    let figures = used.map(|used| {
        let cost = used.cost.map_or("$?".to_owned(), |cost| cost.to_string());
        format!("{} tok  {cost}", words::tokens(used.tokens.total()))
    });
    let problem = problem.as_ref().map(|why| format!(" · the one wanted was not written: {}", one_line(why)));
    let marks = format!("{}{}", method.name(), problem.unwrap_or_default());
    let (name, number, figures) = ("Summary".to_owned(), String::new(), figures.unwrap_or_default());
    let mut shown = vec![Line::Head { role, number, name, marks, figures }];
    let rows = markdown::render(text.trim(), width.saturating_sub(2).max(1));
    shown.extend(rows.into_iter().map(|row| Line::Body { role, row }));
    shown.push(Line::Blank);
    shown
}

fn notice(record: &Record, session: &Session, width: u16) -> Vec<Line> {
    if matches!(record.event, Event::Summarized(_)) {
        return summary(&record.event, session, width);
    }
    let (within, event) = record.event.innermost();
    let (role, text) = match event {
        Event::SpeakerChosen { choice } => {
            let role = if choice.mode == "auto fallback" { Role::Warning } else { Role::Dim };
            (role, format!("→ {}, {}: {}", choice.agent, choice.mode, choice.reason))
        }
        Event::SelectorAnswered { call, answer, mentions } => {
            let names: Vec<String> = mentions.iter().map(|(name, count)| format!("{name} ×{count}")).collect();
            let used = session.call(*call).and_then(|call| call.usage).unwrap_or_default();
            let named = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            let figures = format!("{} tok", words::tokens(used.tokens.total()));
            (Role::Dim, format!("selector said {:?}, which names {named} ({figures})", answer.trim()))
        }
        Event::ApprovalDecided { approval, verdict, .. } => {
            let by = record.actor.called("you");
            let what = match session.approval(*approval).and_then(|asked| asked.payload.tool.as_ref()) {
                Some(tool) => format!("call of {}", tool.name),
                None => "code".to_owned(),
            };
            match verdict {
                Verdict::Run => (Role::Success, format!("✓ {what} allowed by {by}")),
                Verdict::RunEdited(_) => (Role::Success, format!("✓ {what} edited and allowed by {by}")),
                Verdict::Deny(reason) if reason.is_empty() => (Role::Warning, format!("✗ {what} denied by {by}")),
                Verdict::Deny(reason) => (Role::Warning, format!("✗ {what} denied by {by}: {reason}")),
            }
        }
        Event::ModelFailed { failure, retry_ms, fallback, .. } => {
            let then = match (retry_ms, fallback) {
                (_, Some(model)) => format!("trying {model}"),
                (Some(wait), None) => format!("trying again in {}", words::seconds(*wait)),
                (None, None) => "no attempt left".to_owned(),
            };
            if same_failure_before(record, session) {
                (Role::Error, format!("✗ the same again ({then})"))
            } else {
                (Role::Error, format!("✗ {} ({then})", failure.message))
            }
        }
        Event::AnswerRejected(Rejection { agent, why, last, .. }) => {
            let then = if *last { "no attempt left" } else { "asked again" };
            (Role::Warning, format!("✗ an answer of {agent} cannot be used ({then}). {why}"))
        }
        Event::Configured { agent, change } => (Role::Warning, format!("✎ {agent} changed by you: {change}")),
        Event::AgentFailed { agent, then, .. } => (Role::Warning, format!("✗ {agent} could not speak: {then}")),
        Event::BranchMoved { name, why } => (Role::Warning, format!("⑂ {name}: {why}")),
        Event::OutcomeUnknown { op } => (
            Role::Error,
            format!("? it is not known whether execution {} happened: Plenary was stopped meanwhile", op.0),
        ),
        Event::Outcome { execution, .. } => (Role::Dim, files(execution)),
        Event::LeashGiven { agent, leash } => {
            (Role::Warning, format!("{agent} may run code unasked: {}", leash.left(record.at)))
        }
        Event::ConsentRevoked { agent } => {
            let whose = agent.as_ref().map_or(String::new(), |agent| format!(" by {agent}"));
            (Role::Warning, format!("nothing may run unasked any more{whose}"))
        }
        Event::TimeExtended { added_ms, .. } => {
            (Role::Warning, format!("the program has {} more", words::seconds(*added_ms)))
        }
        Event::LimitsChanged { .. } => (Role::Warning, "limits raised by you".to_owned()),
        Event::BudgetCrossed { limit, text } => (Role::Warning, format!("limit {limit}: {text}")),
        Event::DetectorChanged(Detection { detector, text, .. }) => (Role::Warning, format!("↻ {detector}: {text}")),
        Event::ProgressMade { what, .. } => (Role::Dim, format!("↻ progress: {}", what.words())),
        Event::DetectorJudged { detector, judgement, .. } => {
            let words = match judgement {
                Judgement::NotALoop => "not a loop, you say: its limits are doubled for this".to_owned(),
                Judgement::Allowed(more) => format!("allowed by you {more} more times"),
            };
            (Role::Warning, format!("↻ {detector}: {words}"))
        }
        Event::Ended { text, .. } if !within.is_empty() => (Role::Dim, format!("■ has talked: {text}")),
        Event::Ended { text, totals, .. } => (Role::StatusEnded, format!("■ ended: {text} · {totals}")),
        _ => return Vec::new(),
    };
    let path: String = within.iter().map(|name| format!("{name} › ")).collect();
    let text = path + &text;
    let mut shown: Vec<Line> = wrap(&[Piece::new(one_line(&text), Ink::Plain)], width, 2)
        .into_iter()
        .map(|row| Line::Note { role, row })
        .collect();
    shown.push(Line::Blank);
    shown
}

/// What an execution did to files, and what memory it took at most.
fn files(execution: &Execution) -> String {
    const NAMED: usize = 6;
    let Some(effects) = &execution.effects else { return String::new() };
    let now = effects.created.iter().chain(&effects.changed);
    let now = now.map(|file| format!("{} ({})", file.path, bytes(file.size)));
    let gone = effects.deleted.iter().map(|path| format!("{path} (gone)"));
    let names: Vec<String> = now.chain(gone).take(NAMED).collect();
    let more = effects.created.len() + effects.changed.len() + effects.deleted.len() > NAMED;
    let peak = execution.peak_memory.map(|peak| format!(" · at most {} of memory", bytes(peak))).unwrap_or_default();
    format!("files: {}: {}{}{peak}", effects.in_words(), names.join(", "), if more { ", …" } else { "" })
}
