//! Going in circles: one file a detector.
//!
//! A [`view::View`] keeps the newest steps of a conversation as fingerprints; each detector is a row with a pure function
//! over it, and everything the operator says, edits or picks clears what it looks at. Findings have a level: a badge,
//! a note to the agent that repeats itself (if the team allows it), a hold at the turn boundary - or the end of the run when
//! nobody is there (exit code 4). Because a view is read from a session or from a plain message list alike, stored
//! conversations are judged as live ones ([`replay`]). Pure; may import [`crate::session`], [`crate::chat`] and
//! [`crate::catalog`]. To add a detector: a file with a [`Row`], and its line in [`DETECTORS`]. Identifiers and
//! thresholds are those of the reference (supervision, section 3.2); docs/unstick.md says where they differ and why.

pub mod again;
mod calls;
mod chant;
mod context;
mod courtesy;
mod cycle;
mod echo;
mod empty;
pub mod from_messages;
pub mod from_session;
mod ledger;
mod monologue;
mod near;
mod no_effect;
mod no_progress;
mod own;
mod ping_pong;
mod repeat;
pub mod replay;
mod row;
mod same_call;
mod same_error;
mod same_failure;
mod selector;
pub mod silence;
mod spend;
pub mod triage;
pub mod view;

use crate::chat::watch::Detection;
pub use chant::{Chant, Chanted, Chanting};
pub use row::{Row, Seen};

use crate::chat::event::{Event, Judgement, Level};
use crate::chat::team::Team;
use crate::chat::watch::{Threshold, Watching};
use crate::session::{Judged, Session};
use from_session::Follower;
use view::View;

/// D16 as whoever listens to a stream needs it.
pub const CHANTING: Chanting = Chanting;

/// Every detector that reads messages. D18 looks at the clock: [`silence`].
pub static DETECTORS: &[&Row] = &[
    &repeat::ROW,
    &near::ROW,
    &echo::ROW,
    &cycle::ROW,
    &ping_pong::ROW,
    &same_call::ROW,
    &same_error::ROW,
    &same_failure::ROW,
    &no_effect::ROW,
    &monologue::ROW,
    &empty::ROW,
    &courtesy::ROW,
    &selector::ROW,
    &no_progress::ROW,
    &ledger::ROW,
    &chant::ROW,
    &context::ROW,
    &spend::ROW,
];

/// A finding with its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Which detector.
    pub row: &'static str,
    /// How grave.
    pub level: Level,
    /// What it sees.
    pub seen: Seen,
}

/// What every detector sees in a view, under a team's thresholds and an operator's judgements.
pub fn judge(view: &View, watching: &Watching, judged: &[Judged]) -> Vec<(&'static Row, Level, Seen)> {
    let mut raised = Vec::new();
    for row in DETECTORS {
        let Some(seen) = (row.see)(view) else { continue };
        let title = row.title();
        let about = |one: &&Judged| one.detector == title && one.pattern == seen.pattern;
        let mut times = 1u32;
        let mut allowed = 0;
        for one in judged.iter().filter(about) {
            match one.judgement {
                Judgement::NotALoop => times = times.saturating_mul(2),
                Judgement::Allowed(more) => allowed += more,
            }
        }
        let threshold = threshold(row, &seen, watching, view.is_patient());
        let counted = Seen { count: seen.count.saturating_sub(allowed), ..seen.clone() };
        if let Some(level) = row::level(&threshold, &counted, times) {
            raised.push((*row, level, seen));
        }
    }
    raised
}

/// The thresholds that apply: the row's own, the team's, the agent's, one step higher when the task asks for repetition.
fn threshold(row: &Row, seen: &Seen, watching: &Watching, patient: bool) -> Threshold {
    let mut threshold = row.thresholds;
    if patient {
        threshold = row::patient(threshold);
    }
    if let Some(over) = watching.detectors.get(row.id) {
        threshold = threshold.with(over);
    }
    let own = seen.agent.as_ref().and_then(|agent| watching.agents.get(agent));
    if let Some(over) = own.and_then(|own| own.get(row.id)) {
        threshold = threshold.with(over);
    }
    threshold
}

/// What one look led to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// Findings that changed, and progress while there were some.
    pub events: Vec<Event>,
    /// The words of a new alarm, if there is one.
    pub hold: Option<String>,
    /// The gravest new finding that an agent could be told of.
    pub nudge: Option<usize>,
}

/// All detectors, kept up to date with a session.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    follower: Follower,
    watching: Watching,
}

impl Watch {
    /// A watch under this team's thresholds.
    pub fn new(team: &Team) -> Self {
        let watching = team.watch.clone();
        Watch { follower: Follower::new(watching.courtesies.clone()), watching }
    }

    /// Reads what is new and says what has changed since it was last recorded.
    pub fn look(&mut self, session: &Session) -> Look {
        let mut progress = None;
        self.follower.follow(session, |view, record| {
            if let (Event::MessagePosted { message }, Some(what)) = (&record.event, view.progress()) {
                progress = Some((*what, message.id));
            }
        });
        let view = self.follower.view();
        let raised = judge(view, &self.watching, session.judged());
        let mut look = Look::default();
        if let Some((what, message)) = progress
            && !session.findings().is_empty()
        {
            look.events.push(Event::ProgressMade { what, message: Some(message) });
        }
        if raised.is_empty() && session.findings().is_empty() {
            return look;
        }
        for row in DETECTORS {
            let title = row.title();
            let before = session.findings().iter().find(|finding| finding.detector == title);
            let now = raised.iter().find(|(one, ..)| one.id == row.id);
            match (before, now) {
                (None, None) => {}
                (Some(before), Some((_, level, seen))) if (before.count, before.level) == (seen.count, *level) => {}
                (_, None) => look.events.push(changed(title, None, session)),
                (before, Some((_, level, seen))) => {
                    let more = seen.count > before.map_or(0, |before| before.count);
                    if more && *level == Level::Hold {
                        look.hold.get_or_insert_with(|| format!("{title}: {}", seen.text));
                    }
                    if more && *level >= Level::Nudge && seen.agent.is_some() {
                        look.nudge.get_or_insert(look.events.len());
                    }
                    look.events.push(changed(title, Some((*level, seen)), session));
                }
            }
        }
        look
    }
}

fn changed(detector: String, now: Option<(Level, &Seen)>, session: &Session) -> Event {
    let Some((level, seen)) = now else {
        let (text, turns, messages) = Default::default();
        return Event::DetectorChanged(Detection {
            detector,
            text,
            count: 0,
            turns,
            level: Level::Badge,
            agent: None,
            pattern: 0,
            messages,
        });
    };
    let entries: Vec<_> = seen.at.iter().filter_map(|at| session.transcript().entries().get(*at)).collect();
    let mut turns: Vec<_> = entries.iter().filter_map(|entry| entry.message.turn).collect();
    turns.dedup();
    Event::DetectorChanged(Detection {
        detector,
        text: seen.text.clone(),
        count: seen.count,
        turns,
        level,
        agent: seen.agent.clone(),
        pattern: seen.pattern,
        messages: entries.iter().map(|entry| entry.message.id).collect(),
    })
}

#[cfg(test)]
mod tests;
