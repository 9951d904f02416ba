//! What a log that ends in mid-air means.
//!
//! A model call without an end was interrupted: nothing of it is used, its turn gives the floor back. An execution
//! with an intent and no outcome is *unknown*: it may or may not have happened, and only the operator can say. Nothing
//! with an effect is ever repeated by us (reference: reliability-security 3.3).

use crate::chat::by_hand::ByHand;
use crate::chat::consult::Advice;
use crate::chat::consult::ConsultAnswered;
use crate::chat::event::{Actor, Event, HoldReason};
use crate::chat::tool::ToolResult;
use crate::chat::usage::Usage;
use crate::engine::machine::summing::plain;
use crate::session::Session;
use crate::session::turn::{Phase, Stage};

/// The events that settle what was in flight when the log ended, and hold the session until the operator says go.
/// Empty for a session that has ended.
pub fn settle(session: &Session) -> Vec<(Actor, Vec<Event>)> {
    if session.team().is_none() {
        return Vec::new();
    }
    if session.ended().is_some() {
        let hands = by_hand(session);
        let mut settled = unsummed(session);
        settled.extend((!hands.is_empty()).then_some((Actor::System, hands)));
        return settled;
    }
    let mut events = Vec::new();
    if session.hold().is_none() {
        // First, so that the time in which nobody was here counts for nothing.
        events.push(Event::Held { why: HoldReason::Opened });
    }
    events.extend(by_hand(session));
    if session.leashes().next().is_some() || !session.grants().is_empty() || session.remembers_tools() {
        // Whoever is there now has seen nothing yet.
        events.push(Event::ConsentRevoked { agent: None });
    }
    if let Phase::Calling(call) = session.floor().selecting.inquiry.phase {
        events.push(Event::ModelInterrupted { call, usage: unknown() });
    }
    if let Some((_, op)) = session.consults().open() {
        // A program may have done something: it is not asked a second time for the same turn.
        let advice = Advice::failed("Plenary was stopped while it ran; its answer is not known");
        events.push(Event::ConsultAnswered(ConsultAnswered { op, advice, stopped: false }));
    }
    for turn in session.turns() {
        if let Phase::Calling(call) = turn.inquiry.phase {
            events.push(Event::ModelInterrupted { call, usage: unknown() });
        }
        if turn.inquiry.is_busy() {
            events.push(Event::TurnEnded { turn: turn.id, finished: false });
        }
        for stage in turn.stages() {
            if let Stage::Running(op, _) = stage {
                events.push(Event::OutcomeUnknown { op: *op });
            }
        }
        // Consent that had not led to an intent is void: its agent gets the floor back and asks again.
        if let Stage::Decided(_) = turn.stage {
            events.push(Event::TurnEnded { turn: turn.id, finished: false });
        }
        let void = turn.tools.unanswered().filter(|(_, _, stage)| matches!(stage, Stage::Decided(_)));
        events.extend(void.map(|(_, call, _)| {
            let text = "Error: Plenary was stopped before this call was carried out.";
            Event::ToolReturned { turn: turn.id, result: ToolResult::of(call, text, true), handoff: None }
        }));
    }
    for (agent, inner) in
        session.inners().filter(|(agent, _)| session.turn_of(agent).is_some_and(|turn| turn.stage == Stage::Within))
    {
        let inside = settle(inner).into_iter().flat_map(|(_, events)| events);
        // The run around it holds; the team inside goes on when that does.
        let inside = inside.filter(|event| !matches!(event, Event::Held { .. }));
        events.extend(inside.map(|event| Event::Inner { agent: agent.clone(), event: Box::new(event) }));
    }
    if events.is_empty() { Vec::new() } else { vec![(Actor::System, events)] }
}

/// What waited by hand is void, and what ran by hand may have happened or not.
fn by_hand(session: &Session) -> Vec<Event> {
    let mut events: Vec<Event> = session.hands_running().map(|op| Event::OutcomeUnknown { op }).collect();
    if session.by_hand().iter().any(|hand| hand.op.is_none()) {
        events.push(Event::ByHand(ByHand::Void));
    }
    events
}

/// A summary that was not written before the log ended is not written by itself: the last message stands in for it.
fn unsummed(session: &Session) -> Vec<(Actor, Vec<Event>)> {
    if !session.awaits_summary() {
        return Vec::new();
    }
    let mut events = Vec::new();
    if let Phase::Calling(call) = session.summing().inquiry.phase {
        events.push(Event::ModelInterrupted { call, usage: unknown() });
    }
    events.push(plain(session, Some("Plenary was stopped before it was written".to_owned())));
    vec![(Actor::System, events)]
}

/// A call of which nothing is known was still paid for, perhaps: no price rather than zero.
fn unknown() -> Usage {
    Usage { tokens: Default::default(), estimated: true, cost: None }
}
