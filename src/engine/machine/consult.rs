//! Programs of the user's that are asked who speaks next or whether it is over; and what conditions come to.

use super::{Machine, ended, hold};
use crate::chat::UnixMillis;
use crate::chat::code::hex;
use crate::chat::consult::ConsultAnswered;
use crate::chat::consult::ConsultAsked;
use crate::chat::consult::{Advice, Consultation};
use crate::chat::event::{Actor, EndCause, EndDetail, Event, HoldReason};
use crate::chat::id::OpId;
use crate::engine::effect::Effect;
use crate::session::Session;
use crate::termination::Outcome;
use sha2::{Digest, Sha256};

impl Machine {
    /// What the team's conditions come to.
    pub(super) fn conclude(&self, outcome: Outcome, session: &Session, now: UnixMillis) -> Vec<Effect> {
        let met = match outcome {
            Outcome::Consult(consultation) => return ask(consultation, session),
            Outcome::Ask(text) if self.rules.headless => {
                let text =
                    format!("The team needs a person to say whether the run is over, and nobody is there. {text}");
                return vec![Effect::append(
                    Actor::System,
                    vec![ended(EndCause::NeedsPerson, text, None, session, now)],
                )];
            }
            Outcome::Ask(text) => return hold(HoldReason::Ask { text }),
            Outcome::Met(met) => met,
        };
        let agent = met.agent.or_else(|| session.floor().last_speaker.clone());
        let mut end = ended(EndCause::Condition(met.kind), met.text, agent, session, now);
        if let Event::Ended { detail, .. } = &mut end {
            *detail = EndDetail { condition: Some(met.path), values: met.values };
        }
        vec![Effect::append(Actor::System, vec![end])]
    }
}

/// The record of a question to a program, and the question itself.
pub(super) fn ask(consultation: Consultation, session: &Session) -> Vec<Effect> {
    let ids = session.ids();
    let asked = Event::ConsultAsked(ConsultAsked {
        op: ids.op,
        turn: ids.turn,
        key: consultation.key.clone(),
        command: consultation.command.clone(),
        input: hex(&Sha256::digest(consultation.input.as_bytes())),
    });
    vec![Effect::append(Actor::System, vec![asked]), Effect::Consult { op: ids.op, consultation }]
}

/// A program is over. The answer to a question that was taken back is not wanted any more.
pub(super) fn answered(op: OpId, advice: Advice, session: &Session) -> Vec<Effect> {
    let wanted = session.consults().open().is_some_and(|(_, open)| open == op);
    let answered = Event::ConsultAnswered(ConsultAnswered { op, advice, stopped: false });
    if wanted { vec![Effect::append(Actor::System, vec![answered])] } else { Vec::new() }
}

/// Stops a program that is being asked.
pub(super) fn hang_up(session: &Session) -> Vec<Effect> {
    let Some((_, op)) = session.consults().open() else { return Vec::new() };
    let advice = Advice::failed("stopped before it had answered");
    let stopped = Event::ConsultAnswered(ConsultAnswered { op, advice, stopped: true });
    vec![Effect::Kill(op), Effect::append(Actor::System, vec![stopped])]
}
