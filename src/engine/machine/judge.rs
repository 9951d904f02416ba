//! D20: a model judges whether the conversation goes in circles, if the team asks for one. It is asked between turns, from
//! a certain turn on and the more often the surer it is, and has a budget of its own.

use super::reply::ask;
use super::{Machine, ended};
use crate::chat::UnixMillis;
use crate::chat::event::{Actor, EndCause, Event, HoldReason, Level};
use crate::chat::id::CallId;
use crate::chat::message::{Author, MessageKind};
use crate::chat::request::{Purpose, Request};
use crate::chat::watch::{Detection, LoopJudged};
use crate::engine::effect::Effect;
use crate::session::Session;
use crate::session::turn::Phase;
use crate::watch::verdict::{self, Opinion, TITLE};

impl Machine {
    /// What the judge is for now: nothing, a wait for its answer, a question, or the record that it has none.
    pub(super) fn consult_judge(&mut self, session: &Session, now: UnixMillis) -> Option<Vec<Effect>> {
        let setup = session.team()?.watch.judge.as_ref()?;
        let judging = session.judging();
        if let Some(cleared) = self.spoken_to(session) {
            return Some(vec![cleared]);
        }
        let model = match &judging.inquiry.phase {
            Phase::Calling(_) => return Some(Vec::new()),
            Phase::Backoff { until, .. } if now < *until => return Some(vec![Effect::Wake(*until)]),
            Phase::Backoff { model, .. } => model.clone(),
            Phase::Failed(failure) => {
                let judged = LoopJudged::none(failure.message.clone(), session.turns_taken() + verdict::SELDOM);
                return Some(vec![Effect::append(policy(), vec![Event::LoopJudged(judged)])]);
            }
            Phase::Idle => {
                let spent = session.judge_meter();
                let broke = setup.max_cost.is_some_and(|max| spent.cost >= max) || judging.calls >= setup.max_calls;
                let first = u64::from(setup.after);
                if broke || session.turns_taken() < judging.next.max(first) {
                    return None;
                }
                setup.model.clone()
            }
        };
        let agent = session.floor().last_speaker.clone().unwrap_or_else(|| "".into());
        let prompts = verdict::question(session, judging.sure > 0);
        let request = Request::new(session.ids().call, agent, Purpose::Judge, model, prompts);
        let hash = request.hash();
        Some(ask(request, hash, 0, None, judging.inquiry.attempts + 1))
    }

    /// The operator has said something since: what was judged before does not count any more.
    fn spoken_to(&self, session: &Session) -> Option<Effect> {
        session.findings().iter().find(|finding| finding.detector == TITLE)?;
        let since = session.judging().at;
        let mut newest = session.transcript().entries().iter().rev().take_while(|entry| entry.seq > since);
        let stepped_in =
            newest.any(|entry| entry.message.author == Author::Operator && entry.message.kind != MessageKind::Note);
        let cleared = Detection { detector: TITLE.to_owned(), ..nothing() };
        stepped_in.then(|| Effect::append(policy(), vec![Event::DetectorChanged(cleared)]))
    }

    /// The judge has answered.
    pub(super) fn judged(
        &mut self,
        id: CallId,
        answered: Event,
        text: &str,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let turns = session.turns_taken();
        let judged = match verdict::read(text) {
            None => LoopJudged::none("it did not answer with a number".to_owned(), turns + verdict::SELDOM),
            Some(Opinion { percent, why }) => {
                let next = turns + if percent >= verdict::SURE { 0 } else { verdict::interval(percent) };
                LoopJudged { call: Some(id), percent: Some(percent), why, problem: String::new(), next }
            }
        };
        let percent = judged.percent.unwrap_or(0);
        let sure = if percent >= verdict::SURE { session.judging().sure + 1 } else { 0 };
        let overruled = session.judged().iter().any(|judged| judged.detector == TITLE);
        let level = match (percent, sure) {
            _ if overruled => Level::Badge,
            (_, 2..) => Level::Hold,
            (_, 1) => Level::Nudge,
            _ => Level::Badge,
        };
        let known = session.findings().iter().any(|finding| finding.detector == TITLE);
        let seen = format!("a model is {percent} % sure: {}", judged.why);
        let mut events = vec![answered, Event::LoopJudged(judged)];
        if percent >= verdict::LIKELY {
            events.push(Event::DetectorChanged(Detection {
                detector: TITLE.to_owned(),
                text: seen.clone(),
                count: sure.max(1),
                level,
                pattern: 20,
                messages: session.transcript().entries().last().map(|entry| entry.message.id).into_iter().collect(),
                ..nothing()
            }));
        } else if known {
            events.push(Event::DetectorChanged(Detection { detector: TITLE.to_owned(), ..nothing() }));
        }
        if percent >= verdict::LIKELY && level == Level::Hold {
            let text = format!("{TITLE}: {seen}");
            events.push(if self.rules.headless {
                ended(EndCause::Circles, text, session.floor().last_speaker.clone(), session, now)
            } else {
                Event::Held { why: HoldReason::Circles { text } }
            });
        }
        vec![Effect::append(policy(), events)]
    }

    /// Hangs up on the judge.
    pub(super) fn hang_up_judge(&mut self, session: &Session) -> Vec<Effect> {
        let Phase::Calling(call) = session.judging().inquiry.phase else { return Vec::new() };
        self.hang_up_call(call, session)
    }
}

fn policy() -> Actor {
    Actor::Policy("watch".to_owned())
}

/// A detection of nothing.
fn nothing() -> Detection {
    let (detector, text, turns, messages) = Default::default();
    Detection { detector, text, count: 0, turns, level: Level::Badge, agent: None, pattern: 0, messages }
}
