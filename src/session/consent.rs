//! Commands about consent given in advance and about programs that run: what they amount to. Pure.

use super::decide::Refusal;
use super::{Session, Waiting};
use crate::chat::event::{Boundary, Event, Verdict};
use crate::chat::id::{ApprovalId, OpId};
use crate::chat::leash::Leash;
use crate::chat::{Name, UnixMillis};

type Decided = Result<Vec<Event>, Refusal>;

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(text.into()))
}

pub(super) fn deny_and_hold(session: &Session, id: ApprovalId, hash: &str, reason: &str) -> Decided {
    let waits = session.waiting().contains(&Waiting::Approval(id));
    let Some(asked) = session.approval(id).filter(|_| waits) else {
        return refuse("That request is no longer waiting.");
    };
    if asked.hash != hash {
        return refuse("What was on the screen is not what would run. Look again.");
    }
    let verdict = Verdict::Deny(reason.to_owned());
    let denied =
        Event::ApprovalDecided { approval: id, verdict, hash: hash.to_owned(), seen_in_full: false, remember: false };
    let mut events = vec![denied];
    if session.hold().is_none() {
        events.push(Event::HoldAsked { boundary: Boundary::Turn });
    }
    Ok(events)
}

pub(super) fn leash(
    session: &Session,
    agent: &Name,
    executions: Option<u32>,
    minutes: Option<u32>,
    now: UnixMillis,
) -> Decided {
    let member = session.team().and_then(|team| team.agent(agent));
    if member.is_none_or(|member| member.code_execution.is_none() && member.nested.is_none()) {
        return refuse(format!("{agent} runs no code, so there is nothing to allow."));
    }
    if (executions, minutes) == (None, None) || executions == Some(0) || minutes == Some(0) {
        return refuse("A leash has an end: some executions, some minutes, or both.");
    }
    let until = minutes.map(|minutes| now.saturating_add(i64::from(minutes) * 60_000));
    Ok(vec![Event::LeashGiven {
        agent: agent.clone(),
        leash: Leash { from: session.ids().approval, executions, until },
    }])
}

pub(super) fn revoke(session: &Session, agent: &Option<Name>) -> Decided {
    let of = |whose: &Name| agent.as_ref().is_none_or(|agent| agent == whose);
    let given = session.leashes().any(|(whose, _)| of(whose)) || session.grants().keys().any(|whose| of(whose));
    if !given {
        return refuse("Nothing is allowed in advance, so there is nothing to take back.");
    }
    Ok(vec![Event::ConsentRevoked { agent: agent.clone() }])
}

fn runs(session: &Session, op: OpId) -> Result<(), Refusal> {
    if session.running().contains(&op) { Ok(()) } else { refuse("That program does not run any more.") }
}

pub(super) fn end_program(session: &Session, op: OpId) -> Decided {
    runs(session, op).map(|()| Vec::new())
}

pub(super) fn extend_time(session: &Session, op: OpId, added_ms: u64) -> Decided {
    const MOST: u64 = 24 * 3600 * 1000;
    runs(session, op)?;
    if !(1..=MOST).contains(&added_ms) {
        return refuse("Time is added by a second at least and a day at most.");
    }
    Ok(vec![Event::TimeExtended { op, added_ms }])
}
