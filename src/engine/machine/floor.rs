//! Between turns: is it over, may it go on, and who is next.

use super::reply::ask;
use super::{Machine, consult, ended, hold, needs_person};
use crate::chat::budget::Line;
use crate::chat::desk::Patience;
use crate::chat::event::{Actor, Boundary, Choice, EndCause, Event, HoldReason};
use crate::chat::request::{Purpose, Request};
use crate::chat::team::Team;
use crate::chat::{Name, UnixMillis};
use crate::engine::effect::Effect;
use crate::selection::candidates::Candidates;
use crate::selection::{Pick, SELECTOR};
use crate::session::spending::Crossing;
use crate::session::turn::Phase;
use crate::session::{Session, Waiting};
use std::sync::Arc;

impl Machine {
    /// No turn is in flight: end, hold, or hand the floor to somebody.
    pub(super) fn pass_floor(&mut self, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(team) = session.team().cloned() else { return Vec::new() };
        let floor = session.floor();
        let asking = matches!(floor.selecting.inquiry.phase, Phase::Calling(_));
        if let Some((key, _)) = session.consults().open() {
            let overruled = key == SELECTOR && !floor.queue.is_empty();
            return if overruled { self.hang_up_selector(session) } else { Vec::new() };
        }
        if asking && !floor.queue.is_empty() {
            // The operator decides; whatever else holds or ends the run at this point is seen to first.
            return self.hang_up_selector(session);
        }
        if !asking {
            if let Some(outcome) = self.endings.check(session, now) {
                return self.conclude(outcome, session, now);
            }
            if session.termination_asked() && !self.endings.weighs_requests() {
                let end = ended(EndCause::Operator, "External termination requested", None, session, now);
                return vec![Effect::append(Actor::Operator, vec![end])];
            }
            if session.rounds() >= team.max_round {
                let text = format!("Maximum rounds ({}) reached", team.max_round);
                return vec![Effect::append(Actor::System, vec![ended(EndCause::MaxRound, text, None, session, now)])];
            }
            if let Some(stopped) = self.over_budget(session, now) {
                return stopped;
            }
            if let Some(effects) = self.going_in_circles(session, now) {
                return effects;
            }
            if matches!(session.hold_asked(), Some(Boundary::Turn | Boundary::Step)) {
                return hold(HoldReason::Operator);
            }
            if let Some(effects) = self.consult_judge(session, now) {
                return effects;
            }
        }
        if let Some(agent) = floor.queue.first() {
            return start(plain(agent, "queue", "called by the operator"), Actor::Operator, session);
        }
        let retry: Vec<_> = floor.retry.iter().filter(|agent| floor.bar(agent).is_none()).collect();
        if !retry.is_empty() {
            let again = retry.into_iter().map(|agent| plain(agent, "retry", "its turn was interrupted"));
            return start_all(again.collect(), session);
        }
        if let Some(wanted) = &floor.wanted {
            let mut waits: Vec<Effect> = self.endings.wake(session, now).map(Effect::Wake).into_iter().collect();
            return match (wanted.until, &wanted.proposed) {
                (Some(until), Some(_)) if now < until => {
                    waits.push(Effect::Wake(until));
                    waits
                }
                (Some(_), Some(agent)) => {
                    let candidates = self.gates.candidates(session, &team);
                    if !candidates.eligible.contains(agent) {
                        // Something was said in the meantime, and its rule no longer holds.
                        return self.select(&team, session, now);
                    }
                    let why = "proposed, and nobody said otherwise";
                    let choice = candidates.choose(agent.clone(), "countdown", why, 0);
                    start(choice, Actor::Policy("pick_countdown".into()), session)
                }
                _ => waits,
            };
        }
        self.select(&team, session, now)
    }

    fn select(&mut self, team: &Arc<Team>, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if matches!(session.floor().selecting.inquiry.phase, Phase::Calling(_)) {
            return Vec::new();
        }
        let candidates = self.gates.candidates(session, team);
        if candidates.eligible.is_empty() {
            return self.nobody_may(candidates, session, now);
        }
        if session.floor().proposing {
            let pick = self.adviser.pick(&candidates, session);
            return match pick {
                Pick::Choose(choice) => {
                    let reason = format!("proposed: {}", choice.reason);
                    self.want_pick(candidates, Some((choice.agent, Some(reason))), session, now)
                }
                other => self.carry_out(other, candidates, team, session, now),
            };
        }
        if let [only] = candidates.eligible.as_slice()
            && self.selector.takes_the_only()
        {
            let choice = candidates.choose(only.clone(), "only", "the only candidate", 0);
            return start(choice, Actor::System, session);
        }
        let before = self.selector.before(session);
        if !before.is_empty() {
            return vec![Effect::append(Actor::System, before)];
        }
        let pick = self.selector.pick(&candidates, session);
        self.carry_out(pick, candidates, team, session, now)
    }

    /// What a selector wants, done.
    fn carry_out(
        &mut self,
        pick: Pick,
        candidates: Candidates,
        team: &Arc<Team>,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let barred = |choice: &Choice| session.floor().bar(&choice.agent).is_some();
        match pick {
            // Methods with an order of their own go by it, but never past the operator.
            Pick::Choose(choice) if barred(&choice) => self.want_pick(candidates, None, session, now),
            // The operator wants to see a choice before it takes effect.
            Pick::Choose(choice) if session.floor().patience != Patience::None && !self.rules.headless => {
                let why = format!("{}: {}", choice.mode, choice.reason);
                self.want_pick(candidates, Some((choice.agent, Some(why))), session, now)
            }
            Pick::Choose(choice) => start(choice, Actor::System, session),
            Pick::Together(mut choices) => {
                choices.retain(|choice| !barred(choice));
                if choices.is_empty() {
                    return self.want_pick(candidates, None, session, now);
                }
                // What would pass the limit waits for the operator to raise it.
                choices.truncate(team.max_round.saturating_sub(session.rounds()) as usize);
                start_all(choices, session)
            }
            Pick::End { cause, text } => {
                let agent = session.floor().last_speaker.clone();
                vec![Effect::append(Actor::System, vec![ended(cause, text, agent, session, now)])]
            }
            Pick::Consult(consultation) => consult::ask(consultation, session),
            Pick::Person { proposed } => {
                self.want_pick(candidates, proposed.map(|proposed| (proposed, None)), session, now)
            }
            Pick::Words { proposed } => {
                let mut effects = self.want_pick(candidates, proposed.map(|proposed| (proposed, None)), session, now);
                for effect in &mut effects {
                    if let Effect::Append { events, .. } = effect
                        && let Some(Event::SpeakerWanted { by_words, .. }) = events.first_mut()
                    {
                        *by_words = true;
                    }
                }
                effects
            }
            Pick::Ask(messages) => {
                let inquiry = &session.floor().selecting.inquiry;
                let model = match &inquiry.phase {
                    Phase::Calling(_) => return Vec::new(),
                    Phase::Backoff { until, .. } if now < *until => return vec![Effect::Wake(*until)],
                    Phase::Backoff { model, .. } => model.clone(),
                    Phase::Failed(failure) => {
                        return self.out_of_words(&"the selector".into(), &failure.message, session, now);
                    }
                    Phase::Idle => match &team.selector_model {
                        Some(model) => model.clone(),
                        None => return self.want_pick(candidates, None, session, now),
                    },
                };
                let asks = candidates.last.clone().unwrap_or_else(|| "".into());
                let request = Request::new(session.ids().call, asks, Purpose::Select, model, messages);
                let hash = request.hash();
                ask(request, hash, 0, None, inquiry.attempts + 1)
            }
        }
    }

    /// No candidate is left. What the operator barred the operator can let back; everything else ends the run.
    fn nobody_may(&self, candidates: Candidates, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if !session.floor().bars.is_empty() && !self.rules.headless {
            return self.want_pick(candidates, None, session, now);
        }
        let mut end = ended(EndCause::NoSpeaker, "No next speaker selected", None, session, now);
        if let Event::Ended { detail, .. } = &mut end {
            detail.values = candidates.barred.into_iter().map(|(name, cause)| (name.to_string(), cause)).collect();
        }
        vec![Effect::append(Actor::System, vec![end])]
    }

    fn want_pick(
        &self,
        candidates: Candidates,
        proposed: Option<(Name, Option<String>)>,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        if self.rules.headless {
            let text = format!("The team needs {}, and nobody is there.", needs_person(&Waiting::Pick));
            let end = ended(EndCause::NeedsPerson, text, None, session, now);
            return vec![Effect::append(Actor::System, vec![end])];
        }
        // Who is barred cannot be proposed: a countdown would wait for ever.
        let proposed = proposed.filter(|(agent, _)| candidates.eligible.contains(agent));
        let mut reasons = candidates.reasons(session);
        if let Some((agent, Some(why))) = &proposed
            && let Some((_, line)) = reasons.iter_mut().find(|(name, _)| name == agent)
        {
            line.clone_from(why);
        }
        let countdown = match session.floor().patience {
            Patience::None => session.team().and_then(|team| team.pick_countdown_ms),
            Patience::For(millis) => Some(millis),
            Patience::Forever => None,
        };
        let countdown = countdown.filter(|_| proposed.is_some());
        let wanted = Event::SpeakerWanted {
            candidates: candidates.eligible,
            barred: candidates.barred,
            proposed: proposed.map(|(agent, _)| agent),
            reasons,
            until: countdown.map(|millis| now.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX))),
            by_words: false,
        };
        vec![Effect::append(Actor::System, vec![wanted])]
    }

    /// Who would be next if nothing interferes, as far as anybody knows.
    pub(super) fn foresee(&self, session: &Session) -> Option<Choice> {
        let team = session.team()?;
        if session.ended().is_some() || session.transcript().is_empty() {
            return None;
        }
        let floor = session.floor();
        if let Some(agent) = floor.queue.first() {
            return Some(plain(agent, "queue", "called by the operator"));
        }
        if let Some(agent) = floor.retry.iter().find(|agent| floor.bar(agent).is_none()) {
            return Some(plain(agent, "retry", "its turn was interrupted"));
        }
        let candidates = self.gates.candidates(session, team);
        if let [only] = candidates.eligible.as_slice()
            && self.selector.takes_the_only()
        {
            return Some(plain(only, "only", "the only candidate"));
        }
        self.selector.foresee(&candidates, session)
    }

    /// A limit that is reached holds the run, or ends it where nobody can raise it.
    pub(super) fn over_budget(&self, session: &Session, now: UnixMillis) -> Option<Vec<Effect>> {
        let Some((limit, text)) = self.limit_reached(session, now) else { return self.over_line(session, now) };
        let then = if self.rules.headless {
            ended(EndCause::Budget, format!("limit {limit}: {text}"), None, session, now)
        } else {
            Event::Held { why: HoldReason::Budget { text: format!("limit {limit} reached: {text}") } }
        };
        Some(vec![Effect::append(Actor::Policy(limit.clone()), vec![Event::BudgetCrossed { limit, text }, then])])
    }

    /// A line of a budget: a hard one is a limit like any other, a soft one asks once, where somebody can be asked.
    fn over_line(&self, session: &Session, now: UnixMillis) -> Option<Vec<Effect>> {
        let Crossing { line, name: limit, text, .. } = session.crossed(now)?;
        let why = HoldReason::Budget { text: format!("budget reached: {limit}, {text}") };
        let then = match (line, self.rules.headless) {
            (Line::Hard, true) => Some(ended(EndCause::Budget, format!("budget {limit}: {text}"), None, session, now)),
            (Line::Soft, true) => None,
            (_, false) => Some(Event::Held { why }),
        };
        let events = [Event::BudgetCrossed { limit: limit.clone(), text }].into_iter().chain(then).collect();
        Some(vec![Effect::append(Actor::Policy(limit), events)])
    }

    /// The limit that is reached, and by how much.
    pub(super) fn limit_reached(&self, session: &Session, now: UnixMillis) -> Option<(String, String)> {
        let limits = session.limits()?;
        let spent = session.spent();
        let crossed = |limit: &str, text: String| Some((limit.to_owned(), text));
        match limits {
            _ if limits.max_cost.is_some_and(|max| spent.cost >= max) => {
                crossed("max_cost", format!("{} of {} spent", spent.cost, limits.max_cost?))
            }
            _ if limits.max_tokens.is_some_and(|max| spent.tokens.total() >= max) => {
                crossed("max_tokens", format!("{} of {} tokens used", spent.tokens.total(), limits.max_tokens?))
            }
            _ if limits.max_time_ms.is_some_and(|max| session.active_ms(now) >= max) => {
                crossed("max_time", format!("{} s of running time used", session.active_ms(now) / 1000))
            }
            _ if limits.max_executions.is_some_and(|max| spent.executions >= max) => {
                crossed("max_executions", format!("{} of {} executions used", spent.executions, limits.max_executions?))
            }
            _ => None,
        }
    }
}

/// A choice that was made without candidates.
fn plain(agent: &Name, mode: &str, reason: &str) -> Choice {
    Choice {
        agent: agent.clone(),
        mode: mode.to_owned(),
        reason: reason.to_owned(),
        candidates: Vec::new(),
        attempts: 0,
    }
}

/// Hands the floor to somebody.
fn start(choice: Choice, actor: Actor, session: &Session) -> Vec<Effect> {
    let agent = choice.agent.clone();
    let turn = session.ids().turn;
    vec![Effect::append(actor, vec![Event::SpeakerChosen { choice }, Event::TurnStarted { turn, agent, beside: None }])]
}

/// Hands the floor to several at once; none of them hears the others. One alone is a turn like any other.
fn start_all(choices: Vec<Choice>, session: &Session) -> Vec<Effect> {
    let first = session.ids().turn;
    let beside = (choices.len() > 1).then_some(first);
    let mut turn = first;
    let mut events = Vec::new();
    for choice in choices {
        let agent = choice.agent.clone();
        events.extend([Event::SpeakerChosen { choice }, Event::TurnStarted { turn, agent, beside }]);
        turn.0 += 1;
    }
    vec![Effect::append(Actor::System, events)]
}
