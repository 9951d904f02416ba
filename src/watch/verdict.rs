//! D20: what a model is asked that judges whether a conversation goes in circles, and what its answer says.

use crate::chat::request::{Prompt, Role};
use crate::session::Session;
use serde::Deserialize;

/// As in the records.
pub const TITLE: &str = "D20 judge model";
/// From how many percent on it is shown.
pub const LIKELY: u8 = 70;
/// From how many percent on it is asked again at once, in other words; twice holds the run.
pub const SURE: u8 = 90;
/// Turns between two questions, at most and at least.
pub const SELDOM: u64 = 15;
const OFTEN: u64 = 5;
/// Messages that it reads, and characters of each.
const MESSAGES: usize = 24;
const CHARACTERS: usize = 800;

const FIRST: &str = "You watch a conversation between agents and judge one thing: are they going in circles, that is, do the last turns \
     repeat what was said, tried or asked before without getting on? Slow work, polite debate, waiting for something that moves, and working \
     through a list are not circles.";
const SECOND: &str = "You audit a conversation between agents. For each of its last ten turns ask yourself: what does it add that was not there \
     before - a fact, a result, a decision? Then judge how likely it is that, left alone, the next ten turns would add nothing either. \
     Slow but real progress is progress.";
const SHAPE: &str = "Answer with JSON only: {\"confidence\": 0.0 to 1.0, \"why\": \"one sentence\"}.";

/// What a judge thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// How sure it is that the team goes in circles.
    pub percent: u8,
    /// Why.
    pub why: String,
}

/// The question; in other words when it is asked a second time.
pub fn question(session: &Session, again: bool) -> Vec<Prompt> {
    let told = if again { SECOND } else { FIRST };
    let run = session.transcript().run();
    let mut said = String::new();
    for entry in &run[run.len().saturating_sub(MESSAGES)..] {
        let told = entry.message.told();
        let cut: String = told.chars().take(CHARACTERS).collect();
        said.push_str(&format!("[{}] {}: {cut}\n\n", entry.message.id.number(), entry.message.author.name()));
    }
    vec![Prompt::new(Role::System, None, format!("{told}\n\n{SHAPE}")), Prompt::new(Role::User, None, said)]
}

/// What the answer says; `None` when there is no number in it.
pub fn read(answer: &str) -> Option<Opinion> {
    #[derive(Deserialize)]
    struct Answer {
        confidence: f64,
        #[serde(default)]
        why: String,
    }
    let (from, to) = (answer.find('{')?, answer.rfind('}')?);
    let Answer { confidence, why } = serde_json::from_str(answer.get(from..=to)?).ok()?;
    let percent = (confidence.clamp(0.0, 1.0) * 100.0).round() as u8;
    Some(Opinion { percent, why: why.chars().take(300).collect() })
}

/// Turns until the next question: the surer, the sooner.
pub fn interval(percent: u8) -> u64 {
    SELDOM - (SELDOM - OFTEN) * u64::from(percent.min(100)) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_with_a_reason_and_the_surer_it_is_the_sooner_it_is_asked_again() {
        let opinion = read("Well: {\"confidence\": 0.93, \"why\": \"They repeat the plan.\"}").unwrap();
        assert_eq!((opinion.percent, opinion.why.as_str()), (93, "They repeat the plan."));
        assert_eq!(read("{\"confidence\": 7}").unwrap().percent, 100);
        assert_eq!((read("no"), read("{\"sure\": 1}")), (None, None));
        assert_eq!((interval(0), interval(50), interval(100)), (15, 10, 5));
    }
}
