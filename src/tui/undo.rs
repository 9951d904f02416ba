//! Taking back the operator's last change: found in the log, undone by commands like any other, so that the undoing is in
//! the log as well and can itself be taken back.

use crate::chat::amend::Amendment;
use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::event::{Actor, Event, Record};
use crate::chat::id::MessageId;
use crate::session::Session;
use std::sync::Arc;

/// What the newest change of the operator's was, and the command that takes it back. `None` when there is none on this
/// branch.
pub fn last_change(session: &Session) -> Option<(String, Command)> {
    let mut at = session.head();
    while let Some(record) = at.and_then(|seq| session.record(seq)) {
        if record.actor == Actor::Operator
            && let Some(found) = undone(record, session)
        {
            return Some(found);
        }
        at = record.parent;
    }
    None
}

fn undone(record: &Arc<Record>, session: &Session) -> Option<(String, Command)> {
    match &record.event {
        Event::Amended(Amendment { message, result, .. }) => {
            let before = said_before(record, *message, *result, session)?;
            let amendment = Amendment { message: *message, result: *result, content: before };
            Some((format!("the correction of message {}", message.number()), Command::Amend(amendment)))
        }
        Event::BranchMoved { name, .. } => {
            // Where the console stood before: the record that was written last.
            let before = record.seq.0.checked_sub(1).and_then(|seq| session.record(crate::chat::id::Seq(seq)))?;
            let branch = session.branches().iter().find(|branch| branch.id == before.branch)?;
            let undone = format!("the move to {name}: back on {}", branch.name);
            Some((undone, Command::MoveTo { seq: branch.tip }))
        }
        Event::Configured { agent, change } => {
            let before = change_before(record, agent, change, session);
            Some((
                format!("the change of {agent}: {change}"),
                Command::Configure { agent: agent.clone(), change: before },
            ))
        }
        Event::SpeakerBarred { agent, .. } if session.floor().bar(agent).is_some() => {
            Some((format!("the bar on {agent}"), Command::Unbar { agent: agent.clone() }))
        }
        Event::SpeakerUnbarred { agent } if session.floor().bar(agent).is_none() => {
            Some((format!("letting {agent} back"), Command::Bar { agent: agent.clone(), turns: None }))
        }
        _ => None,
    }
}

/// What a message (or a result of it) said before this record.
fn said_before(record: &Record, message: MessageId, result: Option<usize>, session: &Session) -> Option<Arc<str>> {
    let mut at = record.parent;
    while let Some(earlier) = at.and_then(|seq| session.record(seq)) {
        match &earlier.event {
            Event::Amended(amended) if amended.message == message && amended.result == result => {
                return Some(amended.content.clone());
            }
            Event::MessageEdited { message: edited, content } if *edited == message && result.is_none() => {
                return Some(content.clone());
            }
            Event::MessagePosted { message: posted } if posted.id == message => {
                return match result {
                    None => Some(posted.content.clone()),
                    Some(n) => posted.tool_results.get(n).map(|result| result.content.clone()),
                };
            }
            _ => at = earlier.parent,
        }
    }
    None
}

/// The change that makes an agent what it was before this record, as far as the record changed it.
fn change_before(record: &Record, agent: &str, change: &Change, session: &Session) -> Change {
    let mut before = Change::default();
    let mut at = record.parent;
    while let Some(earlier) = at.and_then(|seq| session.record(seq)) {
        match &earlier.event {
            Event::Configured { agent: other, change } if **other == *agent => fill(&mut before, change),
            Event::SessionStarted { team, .. } => {
                if let Some(agent) = team.agent(agent) {
                    let first = Change {
                        system_message: Some(agent.system_message.as_str().into()),
                        description: Some(agent.description.as_str().into()),
                        model: agent.model.clone(),
                        max_consecutive_auto_reply: Some(agent.max_consecutive_auto_reply),
                        context: Some(agent.context),
                    };
                    fill(&mut before, &first);
                }
            }
            _ => {}
        }
        at = earlier.parent;
    }
    // Only what was changed is put back.
    Change {
        system_message: change.system_message.as_ref().and(before.system_message),
        description: change.description.as_ref().and(before.description),
        model: change.model.as_ref().and(before.model),
        max_consecutive_auto_reply: change.max_consecutive_auto_reply.and(before.max_consecutive_auto_reply),
        context: change.context.and(before.context),
    }
}

/// Takes from an earlier change what is not known yet.
fn fill(known: &mut Change, earlier: &Change) {
    known.system_message = known.system_message.take().or_else(|| earlier.system_message.clone());
    known.description = known.description.take().or_else(|| earlier.description.clone());
    known.model = known.model.take().or_else(|| earlier.model.clone());
    known.max_consecutive_auto_reply = known.max_consecutive_auto_reply.or(earlier.max_consecutive_auto_reply);
    known.context = known.context.or(earlier.context);
}
