//! Who spent what, on all branches: by agent, model and role, with what was only carried along, what the cache saved,
//! how fast words came, and where it is going. Money that is spent stays spent, whatever branch one goes back to.

use super::decide::{Decided, refuse};
use super::turn::{Call, Inquiry, Phase};
use super::{Session, State};
use crate::chat::Name;
use crate::chat::budget::{Budget, Ceilings, Line, Whose};
use crate::chat::calling::Calling;
use crate::chat::event::{Event, HoldReason, Record};
use crate::chat::request::Purpose;
use crate::chat::usage::{Money, Tokens, Usage};
use std::collections::{BTreeMap, BTreeSet};

/// What a call was for, as the meters tell calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// An agent's own words.
    Speaker,
    /// Choosing who speaks, and keeping a ledger of the work.
    Selector,
    /// Summing up.
    Summary,
    /// Judging whether the team goes in circles.
    Judge,
    /// Asked again after a failure, for whatever purpose.
    Retry,
}

impl Part {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Part::Speaker => "speaker",
            Part::Selector => "selector",
            Part::Summary => "summary",
            Part::Judge => "judge",
            Part::Retry => "retry",
        }
    }

    fn of(call: &Call) -> Self {
        match call.purpose {
            _ if call.attempt > 1 => Part::Retry,
            Purpose::Speak => Part::Speaker,
            Purpose::Select => Part::Selector,
            Purpose::Summarize => Part::Summary,
            Purpose::Judge => Part::Judge,
        }
    }
}

/// A sum over calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Calls.
    pub calls: u32,
    /// Tokens.
    pub tokens: Tokens,
    /// Known cost.
    pub cost: Money,
    /// Calls whose cost is not known.
    pub unpriced: u32,
    /// Calls whose tokens are estimated.
    pub estimated: u32,
    /// Input that had been sent before: the history that is carried along. The rest of the input was new.
    pub carried: u64,
    /// What the cache saved: tokens and known cost.
    pub saved: (u64, Money),
    /// Output of answers that came to their end, and the time they took in milliseconds.
    pub spoken: (u64, u64),
}

impl Sum {
    /// Tokens a second of answers that came to their end, waiting for the first word included.
    pub fn rate(&self) -> Option<f64> {
        let (output, ms) = self.spoken;
        (ms > 0 && output > 0).then(|| output as f64 * 1000.0 / ms as f64)
    }

    fn add(&mut self, other: &Sum) {
        self.calls += other.calls;
        self.tokens += other.tokens;
        self.cost += other.cost;
        self.unpriced += other.unpriced;
        self.estimated += other.estimated;
        self.carried = self.carried.saturating_add(other.carried);
        self.saved.0 = self.saved.0.saturating_add(other.saved.0);
        self.saved.1 += other.saved.1;
        self.spoken.0 = self.spoken.0.saturating_add(other.spoken.0);
        self.spoken.1 = self.spoken.1.saturating_add(other.spoken.1);
    }
}

/// The account of a session.
#[derive(Debug, Clone, Default)]
pub struct Spending {
    rows: BTreeMap<(Name, String, Part), Sum>,
    /// Tokens in the latest conversation of each agent: so much of its next input is carried along.
    last: BTreeMap<Name, u64>,
    tools: BTreeMap<Name, u64>,
    turns: BTreeMap<Name, u64>,
    /// Cost and time of each turn that is over, in order.
    rounds: Vec<Money>,
    before: Money,
}

/// What the rest of the run may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Rounds to go.
    pub rounds: u32,
    /// As the cheapest of the last rounds would have it, at the end.
    pub low: Money,
    /// As all rounds so far would have it.
    pub likely: Money,
    /// As the dearest of the last rounds would have it.
    pub high: Money,
}

/// Rounds by which a forecast is made.
const RECENT: usize = 5;

impl Spending {
    /// Sums by agent, model and what for.
    pub fn rows(&self) -> impl Iterator<Item = (&Name, &str, Part, &Sum)> {
        self.rows.iter().map(|((agent, model, part), sum)| (agent, model.as_str(), *part, sum))
    }

    /// The sum of the rows that fit.
    pub fn sum(&self, fits: impl Fn(&Name, &str, Part) -> bool) -> Sum {
        let mut all = Sum::default();
        self.rows().filter(|(agent, model, part, _)| fits(agent, model, *part)).for_each(|(.., sum)| all.add(sum));
        all
    }

    /// Money a round, over the last rounds.
    pub fn burn(&self) -> Option<Money> {
        let recent = &self.rounds[self.rounds.len().saturating_sub(RECENT)..];
        let sum: u64 = recent.iter().map(|cost| cost.0).sum();
        (!recent.is_empty()).then(|| Money(sum / recent.len() as u64))
    }

    /// What it will have cost after so many rounds more. `None` before there is anything to go by.
    pub fn forecast(&self, rounds: u32) -> Option<Forecast> {
        if self.rounds.len() < 2 || self.before == Money(0) {
            return None;
        }
        let recent = &self.rounds[self.rounds.len().saturating_sub(RECENT)..];
        let mean = self.before.0 / self.rounds.len() as u64;
        let (least, most) =
            recent.iter().fold((mean, mean), |(least, most), cost| (least.min(cost.0), most.max(cost.0)));
        let after = |each: u64| Money(self.before.0.saturating_add(each.saturating_mul(u64::from(rounds))));
        Some(Forecast { rounds, low: after(least), likely: after(mean), high: after(most) })
    }

    fn answered(&mut self, call: &Call, usage: &Usage, latency_ms: Option<u64>) {
        let row = self.rows.entry((call.agent.clone(), call.model.clone(), Part::of(call))).or_default();
        row.calls += 1;
        row.tokens += usage.tokens;
        match usage.cost {
            Some(cost) => row.cost += cost,
            None => row.unpriced += 1,
        }
        // Nothing at all is known for certain.
        row.estimated += u32::from(usage.estimated && usage.tokens.total() > 0);
        if let Some(ms) = latency_ms.filter(|_| usage.tokens.output > 0) {
            row.spoken.0 += usage.tokens.output;
            row.spoken.1 += ms;
        }
        if call.purpose == Purpose::Speak && usage.tokens.input > 0 {
            let before = self.last.insert(call.agent.clone(), usage.tokens.total()).unwrap_or(0);
            row.carried += before.min(usage.tokens.input);
        }
    }
}

impl Session {
    /// The account, over all branches.
    pub fn spending(&self) -> &Spending {
        &self.spending
    }

    /// What the rest of the run may cost, up to `max_round`.
    pub fn forecast(&self) -> Option<Forecast> {
        let most = self.team()?.max_round;
        self.spending.forecast(most.saturating_sub(self.rounds()))
    }

    /// Books a record that says what something cost. Called before the record is folded, while its call is open.
    pub(super) fn book(&mut self, record: &Record) {
        match record.event.innermost().1 {
            Event::ModelAnswered { call, usage, latency_ms, .. } => {
                if let Some(call) = self.open_call(*call).cloned() {
                    self.spending.answered(&call, usage, Some(*latency_ms));
                }
            }
            Event::ModelFailed { call, usage, .. } | Event::ModelInterrupted { call, usage } => {
                if let Some(call) = self.open_call(*call).cloned() {
                    self.spending.answered(&call, usage, None);
                }
            }
            Event::Calling(Calling::Noted(note)) => {
                if let (Some(saved), Some(call)) = (note.saved, self.call(note.call).map(|call| call.into_owned())) {
                    let row = self.spending.rows.entry((call.agent.clone(), call.model.clone(), Part::of(&call)));
                    let row = row.or_default();
                    row.saved.0 += saved.tokens.total();
                    row.saved.1 += saved.cost.unwrap_or_default();
                }
            }
            Event::ToolReturned { turn, .. } => {
                if let Some(agent) = self.turns().iter().find(|open| open.id == *turn).map(|turn| turn.agent.clone()) {
                    *self.spending.tools.entry(agent).or_default() += 1;
                }
            }
            Event::TurnEnded { turn, finished: true } => {
                if let Some(agent) = self.turns().iter().find(|open| open.id == *turn).map(|turn| turn.agent.clone()) {
                    *self.spending.turns.entry(agent).or_default() += 1;
                    let cost = Money(self.spent.cost.0.saturating_sub(self.spending.before.0));
                    self.spending.rounds.push(cost);
                    self.spending.before = self.spent.cost;
                }
            }
            _ => {}
        }
    }

    /// What has been used of what a budget bounds: money, tokens, rounds, time and tool calls.
    fn used(&self, whose: &Whose, now: crate::chat::UnixMillis) -> Ceilings {
        let fits = |agent: &Name, model: &str, _| match whose {
            Whose::Session => true,
            Whose::Agent(name) => name == agent,
            Whose::Model(key) => key == model,
        };
        let sum = self.spending.sum(fits);
        let count = |counts: &BTreeMap<Name, u64>| match whose {
            Whose::Agent(name) => counts.get(name).copied().unwrap_or(0),
            _ => counts.values().sum(),
        };
        let time = match whose {
            Whose::Session => self.active_ms(now),
            _ => sum.spoken.1,
        };
        Ceilings {
            max_cost: Some(sum.cost),
            max_tokens: Some(sum.tokens.total()),
            max_rounds: Some(count(&self.spending.turns)),
            max_time_ms: Some(time),
            max_tool_calls: Some(count(&self.spending.tools)),
        }
    }

    /// The first line of a budget that is reached and was not passed on purpose, with its name and what to say of it.
    pub fn crossed(&self, now: crate::chat::UnixMillis) -> Option<Crossing> {
        let budgets = self.state.budgets.as_ref().or(self.team().map(|team| &team.budgets))?;
        let lines = [Line::Hard, Line::Soft];
        let all = lines.iter().flat_map(|line| budgets.iter().enumerate().map(move |(n, budget)| (*line, n, budget)));
        all.into_iter().find_map(|(line, n, budget)| {
            let (what, text) = budget.line(line).reached(&self.used(&budget.of, now))?;
            let name = format!("{line} {what} of {}", budget.of);
            let known = line == Line::Soft && self.state.crossed.names.contains(&name);
            (!known).then_some(Crossing { line, budget: n, name, text })
        })
    }
}

/// A line that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Whether it asks or holds.
    pub line: Line,
    /// Which budget of the team, by its place.
    pub budget: usize,
    /// Its name, which is the same whenever it is reached: `soft max_cost of Coder`.
    pub name: String,
    /// How much of how much.
    pub text: String,
}

impl State {
    /// A line that asks is asked about once on a branch.
    pub(super) fn fold_crossing(&mut self, limit: &str) {
        self.crossed.names.insert(limit.to_owned());
        self.crossed.last = limit.to_owned();
    }
}

/// Lines and limits that were reached on a branch.
#[derive(Debug, Clone, Default)]
pub(super) struct Crossed {
    names: BTreeSet<String>,
    last: String,
}

impl Session {
    /// Whether this line or limit was reached before on this branch.
    pub fn was_crossed(&self, limit: &str) -> bool {
        self.state.crossed.names.contains(limit)
    }

    /// Whether the run holds at a line that only asks.
    pub fn holds_at_soft_line(&self) -> bool {
        matches!(self.hold(), Some(HoldReason::Budget { .. })) && self.state.crossed.last.starts_with("soft ")
    }
}

/// Raises everything that was reached by half, and goes on.
pub(super) fn raise_limits(session: &Session) -> Decided {
    let Some(HoldReason::Budget { .. }) = session.hold() else {
        return refuse("No limit is reached; there is nothing to raise.");
    };
    let now = session.log().last().map_or(0, |record| record.at);
    let half_more = |n: u64| n.saturating_add((n / 2).max(1));
    let mut events = Vec::new();
    if let Some(mut limits) = session.limits() {
        let spent = session.spent();
        if let Some(cost) = limits.max_cost.as_mut().filter(|cost| spent.cost >= **cost) {
            *cost = Money(half_more(cost.0.max(spent.cost.0)));
        }
        if let Some(tokens) = limits.max_tokens.as_mut().filter(|tokens| spent.tokens.total() >= **tokens) {
            *tokens = half_more((*tokens).max(spent.tokens.total()));
        }
        if let Some(executions) = limits.max_executions.as_mut().filter(|most| spent.executions >= **most) {
            *executions = half_more((*executions).max(spent.executions));
        }
        // While the run holds, no active time passes after the newest record.
        if let Some(time) = limits.max_time_ms.as_mut().filter(|time| session.active_ms(now) >= **time) {
            *time = half_more((*time).max(session.active_ms(now)));
        }
        if Some(limits) != session.limits() {
            events.push(Event::LimitsChanged { limits });
        }
    }
    let budgets = session.state.budgets.as_ref().or(session.team().map(|team| &team.budgets));
    let mut raised: Vec<Budget> = budgets.cloned().unwrap_or_default();
    for budget in &mut raised {
        let used = session.used(&budget.of, now);
        budget.hard.raise(&used, half_more);
    }
    if budgets.is_some_and(|budgets| *budgets != raised) {
        events.push(Event::Calling(Calling::BudgetsChanged { budgets: raised }));
    }
    events.push(Event::Released { step: false });
    Ok(events.into())
}

/// Does not wait for the next attempt any longer.
pub(super) fn hasten(session: &Session, model: Option<&str>) -> Decided {
    let waits = |inquiry: &Inquiry| matches!(inquiry.phase, Phase::Backoff { .. });
    let waiting = session.turns().iter().any(|turn| waits(&turn.inquiry))
        || waits(&session.floor().selecting.inquiry)
        || waits(&session.summing().inquiry)
        || session.inners().any(|(_, inner)| inner.turns().iter().any(|turn| waits(&turn.inquiry)));
    if !waiting {
        return refuse("Nobody waits for another attempt.");
    }
    if let Some(model) = model
        && !session.team().is_some_and(|team| team.models.contains_key(model))
    {
        return refuse(format!("There is no model {model:?} in this team."));
    }
    Ok(vec![Event::Calling(Calling::Hastened { model: model.map(str::to_owned) })].into())
}
