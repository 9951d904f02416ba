//! The same session on stdout, for scripts and CI.
//!
//! Either the conversation as a person would read it, or one record per line - the same records the journal holds.
//! Nothing a model or program wrote reaches the output unfiltered. May import [`crate::session`], [`crate::watch`],
//! [`crate::chat`], [`crate::settings`], [`crate::catalog`] and [`crate::text`]. To show another kind of record, add an
//! arm in `Printer::record`.

use crate::chat::breaks::Breaks;
use crate::chat::consult::Advice;
use crate::chat::end::Summarized;
use crate::chat::event::{Achieved, EndCause, Event, HoldReason, Record, Verdict};
use crate::chat::format::Rejection;
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::update::Update;
use crate::chat::watch::Detection;
use crate::session::Session;
use crate::text::clean::{Context, json, one_line, plain};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::mpsc;

/// How many characters of the result stand in its line; all of it is in the conversation above, and in the record.
const GLANCE: usize = 160;

/// How the run is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For people.
    Text,
    /// One record per line.
    Json,
}

/// What a headless run came to.
#[derive(Debug)]
pub struct Result {
    /// Why it ended; `None` when the engine stopped without an end.
    pub cause: Option<EndCause>,
    /// Rules that were to be met before the end and never were.
    pub missed: Vec<String>,
}

impl Result {
    /// The process exit code.
    pub fn exit_code(&self) -> u8 {
        match self.cause.as_ref().map_or(1, EndCause::exit_code) {
            0 if !self.missed.is_empty() => EndCause::Breakpoint.exit_code(),
            code => code,
        }
    }

    fn of(session: &Session) -> Self {
        let missed = session.missed().map(|armed| armed.breakpoint.title().to_owned()).collect();
        Result { cause: session.ended().map(|ended| ended.cause.clone()), missed }
    }
}

/// Prints a run until it ends.
///
/// # Errors
/// When the output cannot be written (a broken pipe, say); the run is then to be stopped by the caller.
pub async fn follow(
    mut session: Session,
    mut updates: mpsc::Receiver<Update>,
    style: Style,
    out: &mut (impl Write + ?Sized),
) -> io::Result<Result> {
    let mut printer = Printer { out, style };
    while let Some(update) = updates.recv().await {
        match update {
            Update::Record(record) => {
                if session.apply(record.clone()).is_err() {
                    return Err(io::Error::other("the engine sent a record that does not fit its log"));
                }
                printer.record(&record, &session)?;
                let over = matches!(record.event, Event::Ended { .. } | Event::Summarized(_));
                if over && session.ended().is_some() && !session.awaits_summary() {
                    let result = Result::of(&session);
                    printer.missed(&result)?;
                    return Ok(result);
                }
            }
            Update::Fault { text } if !text.is_empty() => {
                // Standard error may be closed; the run goes on all the same.
                let _ = writeln!(io::stderr(), "plenary: {}", plain(&text, Context::Prose));
            }
            Update::Closed => break,
            _ => {}
        }
    }
    Ok(Result::of(&session))
}

struct Printer<'a, W: Write + ?Sized> {
    out: &'a mut W,
    style: Style,
}

impl<W: Write + ?Sized> Printer<'_, W> {
    fn record(&mut self, record: &Arc<Record>, session: &Session) -> io::Result<()> {
        if self.style == Style::Json {
            writeln!(self.out, "{}", json(&**record)?)?;
            return self.out.flush();
        }
        let (within, event) = record.event.innermost();
        match event {
            Event::SessionStarted { .. } if !within.is_empty() => {}
            Event::SessionStarted { session: id, team, .. } => {
                writeln!(self.out, "plenary  {}  session {}", one_line(&team.name), one_line(id))?;
            }
            Event::MessagePosted { message } => {
                let label = match message.kind {
                    MessageKind::CodeResult => self.ran(session, message.turn),
                    MessageKind::Human => "said by a person".to_owned(),
                    kind => match (kind.label(), message.call) {
                        (Some(label), None) => label.to_owned(),
                        (Some(label), call) => format!("{label} · {}", spoken(session, call)),
                        (None, call) => spoken(session, call),
                    },
                };
                let mark = match message.completeness {
                    Completeness::Whole => "",
                    Completeness::CutOff => "  [cut off by the output limit]",
                    Completeness::Interrupted => "  [interrupted; not sent to the others]",
                };
                let audience =
                    message.audience().map(|audience| format!("  [{}]", one_line(&audience))).unwrap_or_default();
                let context = match message.kind {
                    MessageKind::CodeResult | MessageKind::ToolResults => Context::Output,
                    _ => Context::Prose,
                };
                let author = match &message.author {
                    Author::Operator if within.is_empty() => "Operator".to_owned(),
                    author => {
                        let path = within.iter().map(|name| &***name).chain([author.name()]);
                        one_line(&path.collect::<Vec<_>>().join(" › "))
                    }
                };
                writeln!(self.out, "\n── {author} ── {label}{audience}{mark}")?;
                // Every line is indented, so that no message can imitate a heading of ours.
                for line in plain(message.told().trim_end(), context).lines() {
                    writeln!(self.out, "  {line}")?;
                }
            }
            Event::SpeakerChosen { choice } if choice.mode.contains("fallback") => {
                writeln!(self.out, "\n·· {}: {}", one_line(&choice.agent), one_line(&choice.reason))?;
            }
            Event::ApprovalDecided { verdict, .. } => {
                let by = one_line(&record.actor.called("the operator"));
                let what = match verdict {
                    Verdict::Run => "allowed",
                    Verdict::RunEdited(_) => "edited and allowed",
                    Verdict::Deny(_) => "denied",
                };
                writeln!(self.out, "\n·· code {what} by {by}")?;
            }
            Event::ModelFailed { failure, retry_ms, fallback, .. } => {
                let then = match (retry_ms, fallback) {
                    (_, Some(model)) => format!("trying {model}"),
                    (Some(wait), None) => format!("trying again in {:.1} s", *wait as f64 / 1000.0),
                    (None, None) => "giving up".to_owned(),
                };
                writeln!(self.out, "\n·· {} ({then})", plain(&failure.message, Context::Prose))?;
            }
            Event::AnswerRejected(Rejection { agent, why, .. }) => {
                writeln!(self.out, "\n·· an answer of {} cannot be used. {}", one_line(agent), one_line(why))?;
            }
            Event::Configured { agent, change } => {
                writeln!(self.out, "\n·· {} changed: {}", one_line(agent), one_line(&change.to_string()))?;
            }
            Event::AgentFailed { agent, then, .. } => {
                writeln!(self.out, "\n·· {} could not speak: {then}", one_line(agent))?;
            }
            Event::Held { why: HoldReason::Failed { text, .. } } => {
                writeln!(self.out, "\n·· {}", plain(text, Context::Prose))?;
            }
            Event::DetectorChanged(Detection { detector, text, count, .. }) if *count > 0 => {
                writeln!(self.out, "\n·· {detector}: {}", plain(text, Context::Prose))?;
            }
            Event::Breaks(Breaks::Hit { text, .. }) => {
                writeln!(self.out, "\n·· breakpoint: {}", one_line(text))?;
            }
            Event::Breaks(Breaks::Ran { advice: Advice { failure: Some(why), .. }, .. }) => {
                writeln!(self.out, "\n·· the program of a breakpoint failed: {}", one_line(why))?;
            }
            Event::Ended { text, .. } if !within.is_empty() => {
                let names = within.iter().map(|name| &***name).collect::<Vec<_>>().join(" › ");
                writeln!(self.out, "\n·· {} has talked: {}", one_line(&names), plain(text, Context::Prose))?;
            }
            Event::Summarized(Summarized { method, text, call, problem }) => {
                if let Some(problem) = problem {
                    writeln!(self.out, "\n·· the summary could not be written: {}", plain(problem, Context::Prose))?;
                }
                let cost = call.map(|call| format!(" · {}", spoken(session, Some(call)))).unwrap_or_default();
                writeln!(self.out, "\n── Summary ── {}{cost}", method.name())?;
                for line in plain(text.trim(), Context::Prose).lines() {
                    writeln!(self.out, "  {line}")?;
                }
            }
            Event::Ended { text, totals, achieved, .. } => {
                writeln!(self.out, "\nended: {} · {totals}", plain(text, Context::Prose))?;
                if let Some(Achieved { message, agent, text }) = achieved {
                    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
                    let glance: String = first.chars().take(GLANCE).collect();
                    let more = if glance.len() < text.len() { "…" } else { "" };
                    let (agent, glance) = (one_line(agent), one_line(&glance));
                    writeln!(self.out, "result: message {} by {agent}: {glance}{more}", message.number())?;
                }
            }
            _ => return Ok(()),
        }
        self.out.flush()
    }

    fn missed(&mut self, result: &Result) -> io::Result<()> {
        if self.style == Style::Text {
            for rule in &result.missed {
                writeln!(self.out, "expected, and never met: {}", one_line(rule))?;
            }
        }
        self.out.flush()
    }

    fn ran(&self, session: &Session, turn: Option<crate::chat::id::TurnId>) -> String {
        let execution = session.log().iter().rev().take(8).find_map(|record| match record.event.innermost().1 {
            Event::Outcome { execution, .. } => Some(execution),
            _ => None,
        });
        let languages = session
            .approvals()
            .rev()
            .find(|asked| asked.turn.is_some() && asked.turn == turn)
            .map(|asked| {
                asked.payload.blocks.iter().map(|block| block.language.as_str()).collect::<Vec<_>>().join(", ")
            })
            .unwrap_or_default();
        match execution {
            Some(execution) => format!(
                "ran {} · exit {} · {:.1} s",
                plain(&languages, Context::Prose),
                execution.exit_code,
                execution.duration_ms as f64 / 1000.0
            ),
            None => "not run".to_owned(),
        }
    }
}

fn spoken(session: &Session, call: Option<crate::chat::id::CallId>) -> String {
    let Some(call) = call.and_then(|call| session.call(call)) else { return "reply".to_owned() };
    let usage = call.usage.unwrap_or_default();
    let mark = if usage.estimated { "~" } else { "" };
    let cost = usage.cost.map_or("price unknown".to_owned(), |cost| cost.to_string());
    format!("{} · {mark}{} tokens · {cost}", plain(&call.model, Context::Prose), usage.tokens.total())
}
