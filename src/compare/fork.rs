//! The log of a run that tries something out: the original up to a message, and from there something otherwise or, for a
//! control, nothing.

use crate::chat::configure::Change;
use crate::chat::event::{Actor, Event, Record};
use crate::chat::id::{BranchId, MessageId, Seq};
use crate::chat::message::Message;
use crate::chat::trials::{Otherwise, WhatIf};
use crate::chat::usage::Money;
use crate::session::Session;
use std::sync::Arc;

/// The record after which a fork at this message goes on: where it was posted, or last edited, on the active branch.
fn fork_point(session: &Session, from: MessageId) -> Option<Seq> {
    let about = |record: &&Arc<Record>| match record.event.innermost().1 {
        Event::MessagePosted { message } => message.id == from,
        Event::MessageEdited { message, .. } => *message == from,
        _ => false,
    };
    session.path().iter().rev().find(about).map(|record| record.seq)
}

/// The log of one arm, as a session of that name in which nobody is there.
///
/// # Errors
/// When the question does not fit the session; said for a person.
pub fn arm(
    session: &Session,
    asked: &WhatIf,
    edited: bool,
    number: u32,
    name: &str,
) -> Result<Vec<Arc<Record>>, String> {
    let number_of = asked.from.number();
    let entry =
        session.transcript().get(asked.from).ok_or(format!("there is no message {number_of} on this branch"))?;
    if !entry.message.within.is_empty() {
        return Err(format!(
            "message {number_of} was said within a nested team; fork at one of the outer conversation"
        ));
    }
    let mut point = fork_point(session, asked.from).ok_or("the message is not on this branch")?;
    let mut follow = Vec::new();
    let mut team_changes: Option<(String, String, f64)> = None;
    match (&asked.change, edited) {
        (_, false) => {}
        (Otherwise::Message(text), true) => {
            if text.trim().is_empty() {
                return Err("a message cannot be emptied".to_owned());
            }
            follow.push(Event::MessageEdited { message: asked.from, content: text.clone() });
        }
        (Otherwise::ToolResult(text), true) => {
            let mut message: Message = (*entry.message).clone();
            let Some(result) = message.tool_results.first_mut() else {
                return Err(format!("message {number_of} holds no tool result"));
            };
            result.content = text.clone();
            // In the place of the results: the operator says what the tool would have said, and is marked as saying so.
            point = session.record(entry.seq).and_then(|record| record.parent).ok_or("nothing stands before it")?;
            message.by_operator = true;
            follow.push(Event::MessagePosted { message: Arc::new(message) });
        }
        (Otherwise::Agent(agent, change), true) => {
            follow.push(Event::Configured { agent: agent.clone(), change: change.clone() });
        }
        (Otherwise::Temperature(agent, thousandths), true) => {
            let team = session.team().ok_or("the session has not begun")?;
            let key = team.agent(agent).and_then(|agent| agent.model.clone());
            let key = key.ok_or(format!("{agent} speaks through no model"))?;
            let warmth = f64::from(*thousandths) / 1000.0;
            let other = format!("{key}, temperature {warmth}");
            let change = Change { model: Some(other.clone()), ..Change::default() };
            follow.push(Event::Configured { agent: agent.clone(), change });
            team_changes = Some((key, other, warmth));
        }
    }
    if let (Some(team), Some(Event::Configured { agent, change })) = (session.team(), follow.first()) {
        let known = team.agent(agent).ok_or(format!("{agent} is not a member of this team"))?;
        let model = change.model.as_ref().filter(|_| team_changes.is_none());
        if let Some(model) = model.filter(|model| !team.models.contains_key(*model)) {
            return Err(format!("this team has no model {model}"));
        }
        if change.applied(known) == *known {
            return Err(format!("{agent} would be as it is"));
        }
    }
    let mut line = session.line_to(point, name);
    if let Some(Event::SessionStarted { headless, team, .. }) =
        line.first_mut().map(|first| &mut Arc::make_mut(first).event)
    {
        *headless = true;
        if let Some((key, other, warmth)) = team_changes {
            let team = Arc::make_mut(team);
            let mut spec = team.models.get(&key).cloned().ok_or(format!("this team has no model {key}"))?;
            spec.parameters.insert("temperature".to_owned(), warmth.into());
            team.models.insert(other, spec);
        }
    }
    let kind = if edited { "edited" } else { "control" };
    let why = format!("what if: forked from {} at message {number_of}", session.id());
    let (parent, at) = line.last().map_or((None, 0), |last| (Some(last.seq), last.at));
    let branch = line.iter().map(|record| record.branch.0).filter(|branch| *branch < u64::MAX).max().unwrap_or(0) + 1;
    let moved = Event::BranchMoved { name: format!("{kind}-{number}"), why };
    let mut parent = parent;
    for event in std::iter::once(moved).chain(follow) {
        let seq = Seq(line.len() as u64 + 1);
        line.push(Arc::new(Record { seq, parent, branch: BranchId(branch), actor: Actor::Operator, at, event }));
        parent = Some(seq);
    }
    Session::replay(line.iter().cloned()).map_err(|error| format!("the fork does not add up: {error}"))?;
    Ok(line)
}

/// What calls in these records cost, and how many there are.
pub fn cost<'a>(records: impl IntoIterator<Item = &'a Arc<Record>>) -> (Money, u32) {
    let used = records.into_iter().filter_map(|record| match record.event.innermost().1 {
        Event::ModelAnswered { usage, .. }
        | Event::ModelFailed { usage, .. }
        | Event::ModelInterrupted { usage, .. } => Some(usage.cost),
        _ => None,
    });
    used.fold((Money::default(), 0), |(mut sum, unpriced), cost| match cost {
        Some(cost) => {
            sum += cost;
            (sum, unpriced)
        }
        None => (sum, unpriced + 1),
    })
}

/// About what all arms will cost: as much each as the original did from there on; what is missing to the last round costs
/// as the rounds so far. `None` when there is no price to go by.
pub fn quote(session: &Session, asked: &WhatIf) -> Option<Money> {
    let point = fork_point(session, asked.from)?;
    let path = session.path();
    let place = path.iter().position(|record| record.seq == point)?;
    let (after, unpriced) = cost(&path[place + 1..]);
    let (all, _) = cost(&path);
    if all == Money::default() && (unpriced > 0 || session.spent().calls > 0) {
        return (session.spent().unpriced_calls == 0).then(Money::default);
    }
    let mut each = after.0;
    if session.ended().is_none() {
        let rounds = u64::from(session.rounds().max(1));
        let missing = session.team().map_or(0, |team| u64::from(team.max_round)).saturating_sub(rounds);
        each = each.saturating_add(all.0 / rounds * missing);
    }
    Some(Money(each.saturating_mul(2 * u64::from(asked.runs))))
}

/// The first shared message after the fork that is not as in the original: its number and its record in the arm.
pub fn divergence(original: &Session, arm: &Session, from: MessageId) -> Option<(u64, Seq)> {
    let shared = |session: &Session| {
        let entries = session.transcript().entries().iter().filter(|entry| entry.message.is_shared()).cloned();
        entries.skip_while(|entry| entry.message.id != from).skip(1).collect::<Vec<_>>()
    };
    let (before, now) = (shared(original), shared(arm));
    now.iter().enumerate().find_map(|(place, entry)| {
        let same = before.get(place).is_some_and(|other| {
            other.message.author == entry.message.author && other.message.told() == entry.message.told()
        });
        (!same).then(|| (entry.message.id.number(), entry.seq))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::{Log, speakers};

    fn talk() -> (Log, MessageId) {
        let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
        let first = log.says("a", "one");
        log.says("b", "two");
        (log, first)
    }

    #[test]
    fn an_edited_arm_says_otherwise_from_the_message_on_and_a_control_says_the_same() {
        let (log, first) = talk();
        let change = Otherwise::Message("uno".into());
        let asked = WhatIf { from: first, change, runs: 3, agreed: true };
        for edited in [true, false] {
            let arm = Session::replay(arm(&log.session, &asked, edited, 1, "arm").unwrap()).unwrap();
            assert_eq!((arm.id(), arm.headless(), arm.transcript().len()), ("arm", true, 2));
            let last = arm.transcript().entries().last().unwrap();
            assert_eq!(&*last.message.content, if edited { "uno" } else { "one" });
            assert_eq!(arm.branch_name(), if edited { "edited-1" } else { "control-1" });
        }
        assert_eq!(quote(&log.session, &asked).unwrap().0, {
            let (after, _) = cost(&log.session.path()[7..]);
            let whole = cost(&log.session.path()).0;
            6 * (after.0 + whole.0 / 3 * (1000 - 3))
        });
    }

    #[test]
    fn an_arm_may_have_another_prompt_or_temperature_and_nonsense_is_refused() {
        let (log, first) = talk();
        let try_out =
            |change| arm(&log.session, &WhatIf { from: first, change, runs: 1, agreed: true }, true, 1, "arm");
        let warm = Session::replay(try_out(Otherwise::Temperature("a".into(), 200)).unwrap()).unwrap();
        let team = warm.team().unwrap();
        let key = team.agent("a").unwrap().model.clone().unwrap();
        assert_eq!(team.models[&key].parameters["temperature"], 0.2);
        let prompt = Change { system_message: Some("Be brief.".into()), ..Change::default() };
        let told = Session::replay(try_out(Otherwise::Agent("b".into(), prompt)).unwrap()).unwrap();
        assert_eq!(told.team().unwrap().agent("b").unwrap().system_message, "Be brief.");
        for (change, why) in [
            (Otherwise::Message(" ".into()), "emptied"),
            (Otherwise::ToolResult("x".into()), "no tool result"),
            (Otherwise::Agent("z".into(), Change::default()), "not a member"),
            (Otherwise::Agent("a".into(), Change::default()), "as it is"),
        ] {
            let refused = try_out(change).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
