//! Going in circles: findings are recorded, an agent is told if the team allows it, the run holds or ends; and the ways
//! out that need more than an event.

use super::{Machine, ended, message};
use crate::chat::UnixMillis;
use crate::chat::event::{Actor, EndCause, Event, HoldReason};
use crate::chat::message::{Author, MessageKind};
use crate::chat::watch::Detection;
use crate::engine::effect::Effect;
use crate::session::Session;
use std::sync::Arc;

impl Machine {
    /// What the detectors see: new findings are recorded, and a strong one holds or ends the run.
    pub(super) fn going_in_circles(&mut self, session: &Session, now: UnixMillis) -> Option<Vec<Effect>> {
        if let Some(agent) = session.concluded() {
            let text = format!("by the operator, with a summary by {agent}");
            let end = ended(EndCause::Operator, text, Some(agent.clone()), session, now);
            return Some(vec![Effect::append(Actor::Operator, vec![end])]);
        }
        let look = self.watch.look(session);
        let mut events = look.events;
        let note = look.nudge.and_then(|at| self.note(&events[at], session));
        let told = note.is_some();
        events.extend(note);
        // Who was told just now gets one turn to do something else.
        let alarm = look.hold.filter(|_| !told).or_else(|| self.broken(session));
        if let Some(text) = alarm {
            events.push(if self.rules.headless {
                ended(EndCause::Circles, text, session.floor().last_speaker.clone(), session, now)
            } else {
                Event::Held { why: HoldReason::Circles { text } }
            });
        }
        (!events.is_empty()).then(|| vec![Effect::append(Actor::Policy("watch".into()), events)])
    }

    /// A note to the agent that repeats itself, once for each stretch of repeating, if the team allows it.
    fn note(&self, finding: &Event, session: &Session) -> Option<Event> {
        let Event::DetectorChanged(Detection { detector, text, agent: Some(agent), messages, .. }) = finding else {
            return None;
        };
        let team = session.team().filter(|team| team.watch.nudge)?;
        team.agent(agent)?;
        let first = messages.first().and_then(|id| session.transcript().place(*id)).unwrap_or(0);
        let since = &session.transcript().entries()[first..];
        let told = |text: &str| text.starts_with(&format!("{agent}: "));
        if since.iter().any(|entry| entry.message.kind == MessageKind::Note && told(&entry.message.content)) {
            return None;
        }
        let words = format!(
            "{agent}: {text} ({detector}). Do something else: try another way, ask for what is missing, or say that you are done."
        );
        Some(Event::MessagePosted { message: Arc::new(message(session, Author::Operator, MessageKind::Note, words)) })
    }

    /// The breaker: so many turns over all branches, whatever anybody has allowed. It speaks up once a turn.
    fn broken(&mut self, session: &Session) -> Option<String> {
        let limit = session.team()?.watch.breaker;
        let turns = session.turns_taken();
        if limit == 0 || turns < limit || self.broken_at == Some(turns) {
            return None;
        }
        self.broken_at = Some(turns);
        Some(format!("{turns} turns were taken, and the breaker is set to {limit}"))
    }
}
