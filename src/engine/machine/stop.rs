//! Stopping what is in flight: calls are hung up at once and what they said is kept; programs are killed and report
//! back, so that their partial output is kept too.

use super::heard::interrupted;
use super::{Ending, Machine, ended};
use crate::chat::UnixMillis;
use crate::chat::event::{Actor, Boundary, EndCause, Event, HoldReason};
use crate::chat::id::CallId;
use crate::chat::request::Purpose;
use crate::engine::effect::Effect;
use crate::session::Session;
use crate::session::turn::Phase;
use std::sync::Arc;

impl Machine {
    /// Stops everything; then ends the run for `cause`, or holds.
    pub(super) fn stop(
        &mut self,
        cause: Option<EndCause>,
        actor: Actor,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        if session.ended().is_some() || session.team().is_none() {
            let mut effects = self.hang_up_summary(session);
            effects.extend(session.hands_running().map(Effect::Kill));
            return effects;
        }
        let speaker = session.turns().first().map(|turn| turn.agent.clone());
        let mut effects = self.hang_up(actor.clone(), session);
        let programs = session.running();
        effects.extend(programs.iter().map(|op| Effect::Kill(*op)));
        let last = match cause {
            Some(cause) => {
                let text = match cause {
                    EndCause::Operator => "by the operator",
                    EndCause::Interrupted => "interrupted by a signal",
                    _ => "stopped",
                };
                if !effects.is_empty() {
                    // The run ends when all has reported, and its figures count that.
                    let (text, detail) = (text.to_owned(), Default::default());
                    self.ending = Some(Ending { actor, cause, text, agent: None, detail });
                    return effects;
                }
                ended(cause, text, None, session, now)
            }
            None if !programs.is_empty() && session.hold().is_none() => Event::HoldAsked { boundary: Boundary::Step },
            None if session.hold().is_some() => {
                return if effects.is_empty() {
                    vec![Effect::Refuse("Already holding; there is nothing to stop.".into())]
                } else {
                    effects
                };
            }
            None => match (speaker, effects.is_empty()) {
                (Some(agent), false) => Event::Held { why: HoldReason::Interrupted(agent) },
                _ => Event::Held { why: HoldReason::Operator },
            },
        };
        effects.push(Effect::append(actor, vec![last]));
        effects
    }

    /// Hangs up every model call and ends its turn unfinished.
    pub(super) fn hang_up(&mut self, actor: Actor, session: &Session) -> Vec<Effect> {
        let mut effects = self.hang_up_selector(session);
        effects.extend(self.hang_up_summary(session));
        effects.extend(self.hang_up_judge(session));
        effects.extend(self.hang_up_within(&actor, session));
        let mut posted = 0;
        for turn in session.turns() {
            let mut events = Vec::new();
            if let Phase::Calling(id) = turn.inquiry.phase {
                effects.push(Effect::Cancel(id));
                let heard = self.heard.remove(&id).unwrap_or_default();
                if let Some(call) = session.open_call(id) {
                    events.push(Event::ModelInterrupted { call: id, usage: heard.usage(call, session) });
                    if call.purpose == Purpose::Speak && !heard.text.trim().is_empty() {
                        let mut said = interrupted(&heard, id, call, session);
                        // None of these is applied before all are made.
                        said.id.0 += posted;
                        posted += 1;
                        events.push(Event::MessagePosted { message: Arc::new(said) });
                    }
                }
            }
            if turn.inquiry.is_busy() {
                events.push(Event::TurnEnded { turn: turn.id, finished: false });
                effects.push(Effect::append(actor.clone(), events));
            }
        }
        effects
    }

    /// Hangs up the selector's call, and a program that is asked.
    pub(super) fn hang_up_selector(&mut self, session: &Session) -> Vec<Effect> {
        let mut effects = super::consult::hang_up(session);
        let Phase::Calling(id) = session.floor().selecting.inquiry.phase else { return effects };
        effects.extend(self.hang_up_call(id, session));
        effects
    }

    /// Hangs up one call that belongs to no turn; what it used so far is on record.
    pub(super) fn hang_up_call(&mut self, call: CallId, session: &Session) -> Vec<Effect> {
        let heard = self.heard.remove(&call).unwrap_or_default();
        let mut effects = vec![Effect::Cancel(call)];
        if let Some(open) = session.open_call(call) {
            let usage = heard.usage(open, session);
            effects.push(Effect::append(Actor::System, vec![Event::ModelInterrupted { call, usage }]));
        }
        effects
    }
}
