//! One item of the transcript, laid out: a message with its heading, or a notice.

use super::by_hand;
use super::notice::notice;
use crate::chat::breaks::Breaks;
use crate::chat::event::{Event, Record};
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
            | Event::ByHand(_)
            | Event::BudgetCrossed { .. }
            | Event::Summarized(_)
            | Event::Ended { .. } => Some(Item::Notice(record.seq)),
            // Whether it ran by hand is seen when it is laid out.
            Event::Outcome { .. } => Some(Item::Notice(record.seq)),
            Event::DetectorChanged(Detection { count, .. }) if *count > 0 => Some(Item::Notice(record.seq)),
            Event::ProgressMade { .. } | Event::DetectorJudged { .. } => Some(Item::Notice(record.seq)),
            Event::ToolBarred(_) => Some(Item::Notice(record.seq)),
            Event::Breaks(Breaks::Hit { .. } | Breaks::Marked { .. } | Breaks::Amended { .. } | Breaks::Ran { .. }) => {
                Some(Item::Notice(record.seq))
            }
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
                Some(record) => {
                    by_hand::outcome(record, session, width, fold).unwrap_or_else(|| notice(record, session, width))
                }
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
    if message.drafted.is_some() {
        marks.push("edited by you before it was said".to_owned());
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

pub(super) fn output(content: &str, width: u16, Fold { unfolded, key: unfold, .. }: Fold) -> Vec<Row> {
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
