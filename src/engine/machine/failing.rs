//! What is done when an agent cannot speak: try again, skip its turn, hold, or end. Always on record.

use super::{Machine, ended};
use crate::chat::event::{Actor, AfterFailure, EndCause, Event, HoldReason};
use crate::chat::failing::{GiveUp, OnFailure};
use crate::chat::request::Failure;
use crate::chat::team::Agent;
use crate::chat::{Name, UnixMillis};
use crate::engine::effect::Effect;
use crate::session::Session;
use crate::session::turn::Turn;

impl Machine {
    /// The model's own retries and fallbacks are used up: the agent's policy decides.
    pub(super) fn gave_up(
        &self,
        failure: &Failure,
        turn: &Turn,
        agent: &Agent,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let hold = OnFailure { retry: 0, wait_ms: 0, then: GiveUp::Hold };
        let policy = agent.on_failure.unwrap_or(hold);
        let failed =
            |then| Event::AgentFailed { turn: turn.id, agent: agent.name.clone(), text: failure.message.clone(), then };
        let actor = Actor::Policy(format!("on_failure in the team file, for {}", agent.name));
        if turn.retries < policy.retry && failure.kind.is_passing() {
            let (nth, of, wait_ms) = (turn.retries + 1, policy.retry, u64::from(policy.wait_ms));
            return vec![Effect::append(actor, vec![failed(AfterFailure::Retry { nth, of, wait_ms })])];
        }
        let members = session.team().map_or(0, |team| team.agents.len());
        let nobody = session.floor().skipped as usize >= members;
        match policy.then {
            GiveUp::Skip if !nobody => {
                let skipped = failed(AfterFailure::Skip);
                vec![Effect::append(actor, vec![skipped, Event::TurnEnded { turn: turn.id, finished: true }])]
            }
            GiveUp::End => vec![Effect::append(actor, vec![silenced(&agent.name, &failure.message, session, now)])],
            GiveUp::Skip | GiveUp::Hold => self.out_of_words(&agent.name, &failure.message, session, now),
        }
    }

    /// Holds the run, or ends it where nobody is there to hold it for.
    pub(super) fn out_of_words(&self, agent: &Name, failure: &str, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let event = match self.rules.headless {
            true => silenced(agent, failure, session, now),
            false => Event::Held { why: HoldReason::Failed { agent: agent.clone(), text: failure.to_owned() } },
        };
        vec![Effect::append(Actor::System, vec![event])]
    }
}

/// The end of a run because somebody could not speak.
fn silenced(agent: &Name, failure: &str, session: &Session, now: UnixMillis) -> Event {
    ended(EndCause::Failed, format!("{agent} could not speak. {failure}"), Some(agent.clone()), session, now)
}
