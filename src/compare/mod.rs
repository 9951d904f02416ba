//! Two courses of a conversation side by side: two branches of a session, or two sessions.
//!
//! Messages are aligned by speaker and likeness, so that one that is missing on a side moves nothing out of its row. May
//! import `session`, `chat` and `watch` (whose detectors judge both sides). Pure. A new figure is a field of [`Course`].

mod align;
pub mod fork;

pub use align::{Row, align, likeness};

use crate::chat::event::Level;
use crate::chat::message::Message;
use crate::chat::usage::Money;
use crate::session::Session;
use crate::watch::replay;
use std::sync::Arc;

/// What one side came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The session.
    pub session: String,
    /// The branch.
    pub branch: String,
    /// Messages that the team shares.
    pub messages: Vec<Arc<Message>>,
    /// Tokens on this branch.
    pub tokens: u64,
    /// Known cost of this branch.
    pub cost: Money,
    /// Why it ended; `None` while it goes on.
    pub ended: Option<String>,
    /// What detectors say about it, the gravest level first: `D1 repetition (hold)`.
    pub findings: Vec<String>,
}

/// Two sides, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The left side.
    pub left: Course,
    /// The right side.
    pub right: Course,
    /// The rows, in order; each points into the messages of its side.
    pub rows: Vec<Row>,
    /// The first row whose sides do not say the same.
    pub divergence: Option<usize>,
}

/// What the active branch of a session came to.
pub fn course(session: &Session) -> Course {
    let shared = session.transcript().entries().iter().filter(|entry| entry.message.is_shared());
    let watching = session.team().map(|team| team.watch.clone()).unwrap_or_default();
    let mut hits = replay::session(session, &watching);
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.level));
    let level = |level: Level| level.word();
    let findings = hits.iter().map(|hit| format!("{} {} ({})", hit.id, hit.name, level(hit.level)));
    let mut meter = session.selector_meter();
    let agents = session.team().map(|team| team.agents.clone()).unwrap_or_default();
    for agent in &agents {
        let own = session.meter(&agent.name);
        meter.tokens += own.tokens;
        meter.cost += own.cost;
    }
    Course {
        session: session.id().to_owned(),
        branch: session.branch_name().to_owned(),
        messages: shared.map(|entry| entry.message.clone()).collect(),
        tokens: meter.tokens.total(),
        cost: meter.cost,
        ended: session.ended().map(|ended| ended.text.clone()),
        findings: findings.collect(),
    }
}

/// Aligns two sides.
pub fn compare(left: &Session, right: &Session) -> Comparison {
    let (left, right) = (course(left), course(right));
    let rows = align(&left.messages, &right.messages);
    let divergence = rows.iter().position(|row| !row.same);
    Comparison { left, right, rows, divergence }
}
