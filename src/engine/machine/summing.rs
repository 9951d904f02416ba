//! After the end: the run is summed up, if the team wants that. A summary that fails never hides the end: the last
//! message stands in for it, and the record says why.

use super::Machine;
use super::reply::ask;
use crate::chat::UnixMillis;
use crate::chat::end::Summarized;
use crate::chat::end::SummarySetup;
use crate::chat::event::{Actor, EndCause, Event, SummaryMethod};
use crate::chat::message::Author;
use crate::chat::request::{Prompt, Purpose, Request, Role};
use crate::engine::effect::Effect;
use crate::session::turn::Phase;
use crate::session::{Session, summary};
use std::sync::Arc;

/// What a model is told that sums up (AG2: summary_method "reflection_with_llm"; the words are ours).
const INSTRUCTION: &str = "Sum up what came of the conversation above: the result first, then what is still open. Begin at \
                           once with it, without any introduction.";

impl Machine {
    /// What is still to be done for a run that is over.
    pub(super) fn sum_up(&mut self, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let Some(setup) = session.team().and_then(|team| team.summary.clone()) else { return Vec::new() };
        if !session.awaits_summary() {
            return Vec::new();
        }
        if setup.method == SummaryMethod::LastMsg {
            return vec![Effect::append(Actor::System, vec![plain(session, None)])];
        }
        let inquiry = &session.summing().inquiry;
        let model = match &inquiry.phase {
            Phase::Calling(_) => return Vec::new(),
            Phase::Backoff { until, .. } if now < *until => return vec![Effect::Wake(*until)],
            Phase::Backoff { model, .. } => model.clone(),
            Phase::Failed(failure) => return instead(session, &failure.message),
            Phase::Idle if inquiry.attempts > 0 => return instead(session, "it was interrupted"),
            Phase::Idle => match self.why_not(&setup, session, now) {
                Err(why) => return instead(session, &why),
                Ok(model) => model,
            },
        };
        let agent = session.floor().last_speaker.clone().unwrap_or_else(|| "".into());
        let request = Request::new(session.ids().call, agent, Purpose::Summarize, model, reflection(&setup, session));
        let hash = request.hash();
        ask(request, hash, 0, None, inquiry.attempts + 1)
    }

    /// The model that sums up, or why none is asked.
    fn why_not(&self, setup: &SummarySetup, session: &Session, now: UnixMillis) -> Result<String, String> {
        if session.ended().is_some_and(|end| end.cause == EndCause::Interrupted) {
            return Err("the run was interrupted".to_owned());
        }
        if let Some((limit, text)) = self.limit_reached(session, now) {
            return Err(format!("limit {limit} is reached: {text}"));
        }
        setup.model.clone().ok_or_else(|| "the team has no model for it".to_owned())
    }

    /// Hangs up a summary that is being written.
    pub(super) fn hang_up_summary(&mut self, session: &Session) -> Vec<Effect> {
        let Phase::Calling(call) = session.summing().inquiry.phase else { return Vec::new() };
        self.hang_up_call(call, session)
    }
}

/// The last message instead of the summary that was wanted.
fn instead(session: &Session, why: &str) -> Vec<Effect> {
    vec![Effect::append(Actor::System, vec![plain(session, Some(why.to_owned()))])]
}

/// The last message as the summary.
pub(in crate::engine) fn plain(session: &Session, problem: Option<String>) -> Event {
    let last = session.transcript().run().iter().rev().find(|entry| entry.message.is_shared());
    let text = last.map(|entry| summary::last_msg(&entry.message.content).into_owned()).unwrap_or_default();
    Event::Summarized(Summarized { method: SummaryMethod::LastMsg, text: text.into(), call: None, problem })
}

/// What a model is asked: the run as all heard it, and what to make of it.
fn reflection(setup: &SummarySetup, session: &Session) -> Vec<Prompt> {
    let run = session.transcript().run().iter().map(|entry| &entry.message);
    let said = run.filter(|message| message.is_shared() && message.to.is_empty()).map(|message| {
        let name = match &message.author {
            Author::Agent(name) => Some(name.clone()),
            Author::Operator => None,
        };
        Prompt::new(Role::User, name, message.content.clone())
    });
    let instruction: Arc<str> = setup.prompt.as_deref().unwrap_or(INSTRUCTION).into();
    said.chain([Prompt::new(Role::System, None, instruction)]).collect()
}
