//! What the moderator asks its model, and how a judgement of the progress is read.

use crate::chat::Name;
use crate::chat::ledger::{Ledger, Progress};
use crate::chat::team::Team;
use serde_json::Value;

/// What is asked for at the end.
pub const ANSWER: &str = "We are working on this request:\n\n{task}\n\nThe work above is what we have. Write the final \
    answer to the request, for the person who made it.";

/// Asks for what is known.
pub fn facts(task: &str) -> String {
    format!(
        "Below is a request. Before we begin, list what we know, under four headings:\n\n1. GIVEN OR VERIFIED FACTS\n2. \
         FACTS TO LOOK UP\n3. FACTS TO DERIVE\n4. EDUCATED GUESSES\n\nList facts only: no plan, no next steps.\n\n{task}"
    )
}

/// Asks for a plan.
pub fn plan(team: &Team) -> String {
    format!(
        "To work on this request we have the following team:\n\n{}\n\nMake a short plan of bullet points. Not every \
         member has to take part.",
        roles(team)
    )
}

/// Asks for what is known now that the team is stuck.
pub fn facts_again(task: &str, facts: &str) -> String {
    format!(
        "We make less progress than we should with this request:\n\n{task}\n\nHere is our list of facts. Bring it up to \
         date, add what was learned, and at least one new educated guess.\n\n{facts}"
    )
}

/// Asks for a new plan.
pub fn plan_again(team: &Team, facts: &str) -> String {
    format!(
        "Say in one sentence what went wrong on our last attempt, and then make a new plan that avoids it, in bullet \
         points.\n\nThe facts:\n{facts}\n\nThe team:\n{}",
        roles(team)
    )
}

/// Asks how far the team has come and who is next.
pub fn judge(task: &str, team: &Team, candidates: &[Name]) -> String {
    let names = candidates.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
    format!(
        "The request:\n\n{task}\n\nThe team:\n\n{}\n\nAnswer with a JSON object and nothing else. It has these five \
         entries, each {{\"reason\": text, \"answer\": value}}:\n\n- is_request_satisfied: true or false\n- is_in_loop: \
         true or false, whether the same is said or done again and again\n- is_progress_being_made: true or false\n- \
         next_speaker: one of {names}\n- instruction_or_question: what to tell that member",
        roles(team)
    )
}

/// What everybody is told: the request, the team, what is known and the plan.
pub fn task_ledger(task: &str, team: &Team, ledger: &Ledger) -> String {
    format!(
        "We are working on this request:\n\n{task}\n\nThe team:\n\n{}\n\nWhat we know:\n\n{}\n\nThe plan:\n\n{}",
        roles(team),
        ledger.facts,
        ledger.plan
    )
}

fn roles(team: &Team) -> String {
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let roles = team.agents.iter().map(|agent| format!("{}: {}", agent.name, line(&agent.description)));
    roles.collect::<Vec<_>>().join("\n")
}

/// Reads a judgement: one JSON object, bare, in a fence, or among words. A team of one needs no name. `None` when it
/// cannot be read or names nobody of the team.
pub fn progress(answer: &str, team: &Team) -> Option<Progress> {
    let start = answer.find('{')?;
    let mut read = serde_json::Deserializer::from_str(&answer[start..]).into_iter::<Value>();
    let judged = read.next()?.ok()?;
    let entry = |name: &str| judged.get(name).and_then(|entry| entry.get("answer"));
    let flag = |name: &str| entry(name).and_then(Value::as_bool);
    let text = |name: &str| entry(name).and_then(Value::as_str).map(str::to_owned);
    let reason = |name: &str| judged.get(name)?.get("reason")?.as_str().map(str::to_owned);
    let satisfied = flag("is_request_satisfied")?;
    let speaker = match team.agents.as_slice() {
        [only] => only.name.to_string(),
        _ => text("next_speaker").unwrap_or_default(),
    };
    let progress = Progress {
        satisfied,
        in_loop: flag("is_in_loop")?,
        forward: flag("is_progress_being_made")?,
        reason: reason(if satisfied { "is_request_satisfied" } else { "is_progress_being_made" }).unwrap_or_default(),
        speaker,
        instruction: text("instruction_or_question").unwrap_or_default(),
    };
    (satisfied || team.agent(&progress.speaker).is_some()).then_some(progress)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::speakers;

    fn judged(speaker: &str) -> String {
        format!(
            r#"{{"is_request_satisfied": {{"reason": "r", "answer": false}}, "is_in_loop": {{"answer": false}},
            "is_progress_being_made": {{"reason": "why", "answer": true}}, "next_speaker": {{"answer": "{speaker}"}},
            "instruction_or_question": {{"answer": "do it"}}}}"#
        )
    }

    #[test]
    fn a_judgement_is_found_bare_in_a_fence_and_among_words() {
        let team = speakers(&["a", "b"]);
        for text in [judged("b"), format!("```json\n{}\n```", judged("b")), format!("Well: {} So.", judged("b"))] {
            let progress = progress(&text, &team).unwrap();
            assert_eq!((progress.speaker.as_str(), progress.instruction.as_str()), ("b", "do it"));
            assert!(progress.forward && progress.reason == "why");
        }
        assert_eq!(progress(&judged("nobody"), &team), None);
        assert_eq!(progress("no object", &team), None);
        assert_eq!(progress("{\"is_request_satisfied\": 3}", &team), None);
        assert_eq!(progress(&judged("nobody"), &speakers(&["only"])).unwrap().speaker, "only");
    }
}
