//! What happened between the messages, in our own words: a line for each kind of record that an operator should see in
//! its place. To show another kind: its row in [`super::item::Item::of`], and its words here.

use super::by_hand;
use super::item::Line;
use crate::chat::breaks::Breaks;
use crate::chat::code::Execution;
use crate::chat::containment::bytes;
use crate::chat::end::Summarized;
use crate::chat::event::{Event, Judgement, Record, Verdict};
use crate::chat::format::Rejection;
use crate::chat::watch::Detection;
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::markdown;
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece};
use crate::tui::theme::Role;
use crate::tui::words;

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

/// The rows of a record that is no message: our own words about what happened.
pub fn notice(record: &Record, session: &Session, width: u16) -> Vec<Line> {
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
            format!("? it is not known whether execution {} happened: Plenary was stopped meanwhile", op.0 + 1),
        ),
        Event::Outcome { execution, .. } if execution.effects.is_none() => return Vec::new(),
        Event::Outcome { execution, .. } => (Role::Dim, files(execution)),
        Event::ByHand(deed) => (Role::Warning, by_hand::told(deed)),
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
        Event::ToolBarred(bar) => match (bar.back, bar.turns) {
            (true, _) => (Role::Dim, format!("✓ {} is given back", bar.tool)),
            (false, Some(turns)) => (Role::Warning, format!("✗ {} is barred by you for {turns} turns", bar.tool)),
            (false, None) => (Role::Warning, format!("✗ {} is barred by you", bar.tool)),
        },
        Event::Breaks(Breaks::Hit { id, text, .. }) => (Role::Warning, format!("◉ breakpoint {id}, {text}")),
        Event::Breaks(Breaks::Marked { name, .. }) => (Role::Dim, format!("◈ this place is called {name}")),
        Event::Breaks(Breaks::Amended { .. }) => {
            (Role::Warning, "◉ the request is changed by you, this once".to_owned())
        }
        Event::Breaks(Breaks::Ran { id, advice }) => match &advice.failure {
            Some(why) => (Role::Error, format!("◉ the program of breakpoint {id} failed: {why}")),
            None => (Role::Dim, format!("◉ the program of breakpoint {id} was told")),
        },
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
pub(super) fn files(execution: &Execution) -> String {
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
