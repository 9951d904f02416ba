//! A stream that says the same over and over is cut off as soon as that is certain; what was said is kept and marked.

use super::heard::interrupted;
use super::{Machine, ended};
use crate::chat::UnixMillis;
use crate::chat::event::{Actor, EndCause, Event, HoldReason, Judgement, Level};
use crate::chat::id::CallId;
use crate::chat::request::Chunk;
use crate::chat::watch::Detection;
use crate::engine::effect::Effect;
use crate::session::Session;
use crate::watch::{CHANTING, Chant, Chanted};
use std::sync::Arc;

/// What listens to one answer: its words, its reasoning and its arguments each by themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Ears {
    words: Chant,
    reasoning: Chant,
}

impl Ears {
    /// Hears the next piece; what is repeated, as soon as it is.
    pub fn hear(&mut self, chunk: &Chunk) -> Option<Chanted> {
        match chunk {
            Chunk::Text(text) => self.words.hear(text),
            Chunk::Reasoning(text) => self.reasoning.hear(text),
            Chunk::Call(call) => Chant::default().hear(&call.arguments),
            _ => None,
        }
    }
}

impl Machine {
    /// Cuts an answer off that chants, unless the team or the operator has said that it may.
    pub(super) fn cut_chant(
        &mut self,
        id: CallId,
        chanted: &Chanted,
        session: &Session,
        now: UnixMillis,
    ) -> Option<Vec<Effect>> {
        let call = session.open_call(id)?;
        let turn = call.turn.filter(|_| session.is_calling(id))?;
        let pattern = CHANTING.pattern(chanted);
        let watch = &session.team()?.watch;
        let own = watch.agents.get(&call.agent).and_then(|own| own.get(CHANTING.id()));
        let over = [watch.detectors.get(CHANTING.id()), own].into_iter().flatten();
        let limits = over.fold(CHANTING.thresholds(), |limits, over| limits.with(over));
        let judged = session.judged().iter().filter(|judged| judged.pattern == pattern);
        let allowed = judged.fold(1usize, |times, judged| match judged.judgement {
            Judgement::NotALoop => times * 2,
            Judgement::Allowed(more) => times + more as usize,
        });
        let often = CHANTING.least(chanted) * allowed;
        // One message that chants is one occurrence: a team that wants more of them is not cut off at the first.
        if limits.off || limits.hold.is_none_or(|hold| hold > 1) || chanted.times < often {
            return None;
        }
        let heard = self.heard.remove(&id).unwrap_or_default();
        let mut said = interrupted(&heard, id, call, session);
        said.turn = Some(turn);
        let text = format!("{} says “{}” over and over; the answer was cut off", call.agent, chanted.sample);
        let title = CHANTING.title();
        let hold = format!("{title}: {text}");
        let detection = Detection {
            detector: title,
            text,
            count: 1,
            turns: vec![turn],
            level: Level::Hold,
            agent: Some(call.agent.clone()),
            pattern,
            messages: vec![said.id],
        };
        let mut events = vec![Event::ModelInterrupted { call: id, usage: heard.usage(call, session) }];
        events.push(Event::MessagePosted { message: Arc::new(said) });
        events.push(Event::DetectorChanged(detection));
        events.push(Event::TurnEnded { turn, finished: false });
        events.push(if self.rules.headless {
            ended(EndCause::Circles, hold, Some(call.agent.clone()), session, now)
        } else {
            Event::Held { why: HoldReason::Circles { text: hold } }
        });
        Some(vec![Effect::Cancel(id), Effect::append(Actor::Policy("watch".into()), events)])
    }
}
