//! D18: silence. Three kinds, in three words: a stream that has stalled, a program that runs long, a question that waits for
//! the operator. What is seen depends on the clock, so it is no record and holds nothing: it is shown where it happens.

use crate::chat::event::HoldReason;
use crate::chat::{Name, UnixMillis};
use crate::session::Session;
use crate::session::turn::{Phase, Stage};

/// How long a stream may say nothing, in milliseconds.
pub const STALLED: i64 = 60_000;
/// How long a program may run before it is called long, in milliseconds.
pub const LONG: i64 = 600_000;
/// How long the operator may be waited for before it is said, in milliseconds.
pub const WAITED: i64 = 300_000;

/// What kind of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// A model's stream has said nothing for a while: it has probably stalled.
    Stalled,
    /// A program runs and runs: it probably works.
    LongTool,
    /// It waits for the operator.
    WaitsForYou,
}

impl Quiet {
    /// In a word, for the screen.
    pub fn word(self) -> &'static str {
        match self {
            Quiet::Stalled => "stalled",
            Quiet::LongTool => "long tool",
            Quiet::WaitsForYou => "waiting for you",
        }
    }
}

/// The silence of this agent, and for how many milliseconds. `heard` is when its stream last said something, if it has.
pub fn silence(agent: &Name, heard: Option<UnixMillis>, session: &Session, now: UnixMillis) -> Option<(Quiet, i64)> {
    let turn = session.turn_of(agent)?;
    let since = |then: UnixMillis, limit: i64, quiet| {
        let passed = now.saturating_sub(then);
        (passed >= limit).then_some((quiet, passed))
    };
    match (&turn.stage, &turn.inquiry.phase) {
        (Stage::Running(..), _) => since(turn.stage_since, LONG, Quiet::LongTool),
        (Stage::Consent(_) | Stage::Asked(_) | Stage::Unknown(_) | Stage::Drafted, _) => {
            since(turn.stage_since, WAITED, Quiet::WaitsForYou)
        }
        (_, Phase::Calling(call)) if session.hold().is_none() => {
            let sent = session.open_call(*call).map_or(turn.stage_since, |call| call.since);
            since(heard.unwrap_or(sent).max(sent), STALLED, Quiet::Stalled)
        }
        _ => None,
    }
}

/// For how long a hold has waited for the operator, when that is long; what the operator asked for waits for nobody.
pub fn held_long(session: &Session, now: UnixMillis) -> Option<i64> {
    match session.hold()? {
        HoldReason::Operator | HoldReason::Opened => None,
        _ => {
            let passed = now.saturating_sub(session.log().last().map_or(now, |record| record.at));
            (passed >= WAITED).then_some(passed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::Event;
    use crate::session::testing::{Log, speakers};

    #[test]
    fn a_stalled_stream_and_a_question_that_waits_are_two_things() {
        let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
        let turn = log.turn("a");
        log.call(turn, "a");
        let sent = log.session.log().last().unwrap().at;
        let name: Name = "a".into();
        let quiet = |log: &Log, heard, now| silence(&name, heard, &log.session, now).map(|(quiet, _)| quiet);
        assert_eq!(quiet(&log, None, sent + STALLED - 1), None);
        assert_eq!(quiet(&log, None, sent + STALLED), Some(Quiet::Stalled));
        assert_eq!(quiet(&log, Some(sent + 50_000), sent + STALLED), None, "it has said something");
        assert_eq!(silence(&"b".into(), None, &log.session, sent + LONG), None);
        assert_eq!(held_long(&log.session, sent + LONG), None);
        log.add(vec![Event::Held { why: HoldReason::Circles { text: "x".into() } }]);
        let held = log.session.log().last().unwrap().at;
        assert_eq!(held_long(&log.session, held + WAITED), Some(WAITED));
    }
}
