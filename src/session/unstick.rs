//! Ways out of a circle that are decided here: judging a finding, and ending with a summary.

use super::decide::{Decided, refuse};
use super::{Finding, Session};
use crate::chat::event::{Event, HoldReason, Judgement};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::tool::ToolBarred;
use std::sync::Arc;

/// What the one who sums up is asked.
const SUM_UP: &str =
    "We stop here. Please sum up in a few lines: what was reached, what is open, and what you would try next.";

/// Says what a finding is worth; a run that holds because of circles goes on.
pub(super) fn judge(session: &Session, detector: &str, judgement: Judgement) -> Decided {
    let Some(finding) = session.findings().iter().find(|finding| finding.detector == detector) else {
        return refuse("The detectors no longer see that.");
    };
    // What other detectors see in the same messages is the same matter.
    let same = |other: &&Finding| {
        other.detector == finding.detector || other.messages.iter().any(|id| finding.messages.contains(id))
    };
    let judged =
        |one: &Finding| Event::DetectorJudged { detector: one.detector.clone(), pattern: one.pattern, judgement };
    let mut events: Vec<Event> = session.findings().iter().filter(same).map(judged).collect();
    if matches!(session.hold(), Some(HoldReason::Circles { .. })) {
        events.push(Event::Released { step: false });
    }
    Ok(events.into())
}

/// Has the run summed up by one who can speak, and ended then.
pub(super) fn conclude(session: &Session) -> Decided {
    if session.ended().is_some() {
        return refuse("The run has ended. Say something to go on.");
    }
    if !session.turns().is_empty() {
        return refuse("Somebody is speaking. Pause first, then end with a summary.");
    }
    let Some(team) = session.team() else { return refuse("The session has not started yet.") };
    // Who went in circles is the last to be asked.
    let repeats = session.findings().iter().find_map(|finding| finding.agent.clone());
    let speaks =
        || team.agents.iter().filter(|agent| agent.model.is_some() && session.floor().bar(&agent.name).is_none());
    let other = speaks().find(|agent| Some(&agent.name) != repeats.as_ref());
    let Some(agent) = other.or_else(|| speaks().next()).map(|agent| agent.name.clone()) else {
        return refuse("Nobody here speaks through a model; end the run instead.");
    };
    let asked = Message::new(session.ids().message, Author::Operator, MessageKind::Human, SUM_UP);
    let mut events = vec![
        Event::MessagePosted { message: Arc::new(asked) },
        Event::QueueChanged { queue: vec![agent.clone()] },
        Event::Concluding { agent },
    ];
    if session.hold().is_some() || session.hold_asked().is_some() {
        events.push(Event::Released { step: false });
    }
    Ok(events.into())
}

/// Takes a tool off the table for everybody, or gives it back.
pub(super) fn bar_tool(session: &Session, bar: &ToolBarred) -> Decided {
    let Some(team) = session.team() else { return refuse("The session has not started yet.") };
    let handed = |tool: &str| team.agents.iter().flat_map(|agent| &agent.handoffs).any(|handoff| handoff.name == tool);
    let known = session.tool(&bar.tool).is_some() || session.floor().is_tool_barred(&bar.tool);
    if !known && !handed(&bar.tool) {
        return refuse(format!("This team has no tool {:?}.", bar.tool));
    }
    if bar.turns == Some(0) {
        return refuse("A bar lasts for at least one turn.");
    }
    if bar.back && !session.floor().is_tool_barred(&bar.tool) {
        return refuse(format!("{} is not barred.", bar.tool));
    }
    Ok(vec![Event::ToolBarred(bar.clone())].into())
}
