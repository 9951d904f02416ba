//! Answers of a given shape: asked for, checked, and asked for again with what is wrong.

use super::Machine;
use super::heard::Heard;
use crate::chat::Name;
use crate::chat::event::{Actor, Event};
use crate::chat::format::Rejection;
use crate::chat::format::{Checker, ResponseFormat};
use crate::chat::id::CallId;
use crate::chat::request::{Prompt, Request, Role};
use crate::engine::effect::Effect;
use crate::session::Session;
use crate::session::turn::Turn;
use std::collections::HashMap;
use std::sync::Arc;

/// The shapes of the agents that have one, ready to check.
#[derive(Debug, Default)]
pub(super) struct Formats(HashMap<Name, (Arc<ResponseFormat>, Checker)>);

impl Formats {
    /// What is wrong with an agent's answer, if anything.
    fn complaint(&mut self, agent: &Name, format: &Arc<ResponseFormat>, text: &str) -> Option<String> {
        let known = self.0.get(agent).is_some_and(|(known, _)| Arc::ptr_eq(known, format) || known == format);
        if !known {
            match Checker::new(&format.schema) {
                Ok(checker) => drop(self.0.insert(agent.clone(), (format.clone(), checker))),
                // Only a log that somebody else wrote has such a team.
                Err(why) => return Some(format!("Its schema cannot be used: {why}.")),
            }
        }
        self.0.get(agent).and_then(|(_, checker)| checker.check(text).err())
    }
}

/// The shape an answer must have, and the answers so far that did not have it.
pub(super) fn shape(request: &mut Request, format: &Arc<ResponseFormat>, turn: &Turn) {
    if format.send {
        request.format = Some(format.clone());
    }
    if format.send && turn.rejected.is_empty() {
        return;
    }
    let messages = Arc::make_mut(&mut request.messages);
    if !format.send {
        messages.push(Prompt::new(Role::System, None, format.instruction()));
    }
    for (answer, why) in &turn.rejected {
        messages.push(Prompt::new(Role::Assistant, Some(turn.agent.clone()), answer.clone()));
        let told = format!("That answer cannot be used. {why} Answer again, with nothing but the corrected JSON.");
        messages.push(Prompt::new(Role::User, None, told));
    }
}

impl Machine {
    /// What follows an answer that does not have its shape; `None` when it has, or need not.
    pub(super) fn reject(
        &mut self,
        call: CallId,
        answered: &Event,
        heard: &Heard,
        turn: &Turn,
        session: &Session,
    ) -> Option<Vec<Effect>> {
        let agent = session.team()?.agent(&turn.agent)?;
        let format = agent.response_format.as_ref().filter(|_| heard.calls.is_empty())?;
        let why = self.formats.complaint(&agent.name, format, &heard.text)?;
        let rejected = Event::AnswerRejected(Rejection {
            call,
            turn: turn.id,
            agent: agent.name.clone(),
            answer: heard.text.as_str().into(),
            why,
            last: turn.rejected.len() >= format.retries as usize,
        });
        Some(vec![Effect::append(Actor::System, vec![answered.clone(), rejected])])
    }
}
