//! Figures and states in words, the same wherever they are shown.

use crate::chat::breaks::Until;
use crate::chat::event::{AskKind, Boundary, HoldReason};
use crate::chat::usage::Money;
use crate::session::turn::{Phase, Stage, Turn};
use crate::session::{Session, Waiting};

/// `812`, `4.1k`, `1.3M`.
pub fn tokens(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        1000..1_000_000 => format!("{:.1}k", n as f64 / 1000.0),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}

/// `812 B`, `4.1 MiB`: short, for a figure that moves.
pub fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n} B"),
        1024..0x10_0000 => format!("{} KiB", n >> 10),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", n as f64 / (1 << 20) as f64),
        _ => format!("{:.1} GiB", n as f64 / (1 << 30) as f64),
    }
}

/// `02:13`, `1:02:13`.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m:02}:{s:02}") }
}

/// `3.1 s`, `2 min`.
pub fn seconds(ms: u64) -> String {
    match ms {
        0..100_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} min", ms / 60_000),
    }
}

/// A sum that says when it does not know everything: `$0.031`, `$0.031+?`, `$?`.
pub fn money(cost: Money, unpriced: u32) -> String {
    match (cost.0, unpriced) {
        (_, 0) => cost.to_string(),
        (0, _) => "$?".to_owned(),
        _ => format!("{cost}+?"),
    }
}

/// What the run is doing, in one word.
pub fn state(session: &Session) -> &'static str {
    if session.ended().is_some() {
        return "ENDED";
    }
    let waiting = session.waiting();
    if session.acts() || (session.is_busy() && session.hold().is_none()) {
        return if session.hold_asked().is_some() { "PAUSING" } else { "RUNNING" };
    }
    match (session.hold(), waiting.is_empty()) {
        (Some(HoldReason::Failed { .. }), _) => "FAILED",
        (Some(HoldReason::Operator | HoldReason::Opened | HoldReason::Interrupted(_)), true) => "HELD",
        (Some(_), false) | (None, false) => "WAITING",
        (Some(_), true) => "HELD",
        (None, true) => "RUNNING",
    }
}

/// What is pending or holds the run, for the line above the keys. Empty when nothing is to be said.
pub fn pending(session: &Session) -> String {
    if let Some(ended) = session.ended() {
        let more = if session.is_busy() { " · a summary is being written" } else { "" };
        return format!("ended: {}{more}", ended.text);
    }
    let busy = session.turns().iter().find(|turn| turn.is_busy());
    if session.termination_asked() {
        return "ends when this turn is over".to_owned();
    }
    if let Some(boundary) = session.hold_asked() {
        let on = match (boundary, busy) {
            (Boundary::Turn, Some(turn)) => format!("after {}'s turn", turn.agent),
            (Boundary::Step, Some(turn)) if turn.is_running() => {
                format!("when {}'s program is done", turn.agent)
            }
            (Boundary::Step, Some(turn)) => format!("when {}'s model call is done", turn.agent),
            (_, None) if session.floor().selecting.inquiry.is_busy() => "when the selector has answered".to_owned(),
            (_, None) => "at the next boundary".to_owned(),
        };
        return format!("pause asked for: holds {on}");
    }
    match session.hold() {
        None => match session.waiting().first() {
            Some(Waiting::Approval(id)) => match session.approval(*id) {
                Some(asked) => {
                    format!("{} wants to run code: look at all of it before it runs, or deny it", asked.agent)
                }
                None => String::new(),
            },
            Some(Waiting::Pick) => "who speaks next? call on an agent by its number".to_owned(),
            Some(item @ Waiting::Ask(_)) => waiting(item, session),
            Some(Waiting::Unknown(_)) => "an execution was cut off by a crash; say what became of it".to_owned(),
            _ if session.is_stepping() => "one turn, then hold".to_owned(),
            _ if session.until().is_some() => session.until().map(Until::words).unwrap_or_default(),
            _ => String::new(),
        },
        Some(why) => held(why),
    }
}

/// Why the run holds.
pub fn held(why: &HoldReason) -> String {
    match why {
        HoldReason::Operator => "held by you".to_owned(),
        HoldReason::Interrupted(agent) => format!("{agent} was interrupted; what it said is kept"),
        HoldReason::Opened => "opened where it was; nothing goes on by itself".to_owned(),
        HoldReason::Failed { agent, text } => format!("{agent} could not speak: {text}"),
        HoldReason::Budget { text } | HoldReason::Ask { text } => text.clone(),
        HoldReason::Circles { text } => format!("going in circles? {text}"),
        HoldReason::Break { text } => format!("breakpoint: {text}"),
    }
}

/// One thing that waits, in a few words.
pub fn waiting(item: &Waiting, session: &Session) -> String {
    match item {
        Waiting::Task => "a task from you".to_owned(),
        Waiting::Approval(id) => match session.approval(*id) {
            Some(asked) => {
                let language = asked.payload.blocks.first().map_or("", |block| block.language.as_str());
                format!("{}  {language} {} ln", asked.agent, asked.payload.lines())
            }
            None => "code".to_owned(),
        },
        Waiting::Ask(id) => match session.ask(*id) {
            Some(ask) => match ask.kind {
                AskKind::Feedback => format!("{} asks for your words", ask.agent),
                AskKind::LastWord => format!("{}: a last word?", ask.agent),
                AskKind::LimitReached => format!("{}: limit reached", ask.agent),
            },
            None => "a question".to_owned(),
        },
        Waiting::Pick => match session.floor().wanted.as_ref() {
            Some(wanted) if wanted.candidates.is_empty() => "nobody may speak: let somebody back".to_owned(),
            _ => "who speaks next?".to_owned(),
        },
        Waiting::Unknown(op) => format!("execution {}: outcome unknown", op.0 + 1),
        Waiting::Hold(why) => held(why),
    }
}

/// What an agent is doing, in words.
pub fn agent_state(turn: Option<&Turn>, speaking: bool, now: i64) -> String {
    let Some(turn) = turn else { return "idle".to_owned() };
    let since = seconds_since(turn.stage_since, now);
    match (turn.front(), &turn.inquiry.phase) {
        (Stage::Consent(_), _) => "waits: run this code?".to_owned(),
        (Stage::Asked(_), _) => "waits for your words".to_owned(),
        (Stage::Unknown(_), _) => "outcome unknown".to_owned(),
        (Stage::Running(..), _) => format!("running {since}"),
        (Stage::Within, _) => "team".to_owned(),
        (Stage::Calling | Stage::Answered, Phase::Idle) => "calls tools".to_owned(),
        (Stage::Drafted, _) => "its reply is held back".to_owned(),
        (_, Phase::Backoff { until, model, .. }) => {
            let left = (until - now).max(0) as f64 / 1000.0;
            format!("failed; {model} again in {left:.0} s")
        }
        (_, Phase::Failed(_)) => "failed".to_owned(),
        (_, Phase::Calling(_)) if speaking => "speaking".to_owned(),
        (_, Phase::Calling(_)) => format!("thinking {since}"),
        _ => "has the floor".to_owned(),
    }
}

fn seconds_since(then: i64, now: i64) -> String {
    format!("{} s", now.saturating_sub(then).max(0) / 1000)
}
