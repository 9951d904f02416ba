//! A team that a moderator leads.

use super::world::{Reply, World, say};
use crate::chat::command::Command;
use crate::chat::event::{EndCause, Event};
use crate::chat::request::Purpose;
use crate::chat::team::{Spec, Team};
use crate::engine::Rules;
use crate::session::testing::speakers;

fn led(max_stalls: u64, max_replans: u64) -> Team {
    let mut team = speakers(&["a", "b"]);
    team.speaker_selection_method = Spec::named("magentic");
    let options = &mut team.speaker_selection_method.options;
    options.insert("max_stalls".into(), max_stalls.into());
    options.insert("max_replans".into(), max_replans.into());
    options.insert("max_turns".into(), 6.into());
    team.selector_model = Some("main".into());
    team.max_round = 40;
    team
}

fn judged(satisfied: bool, forward: bool, speaker: &str) -> Reply {
    say(&format!(
        r#"{{"is_request_satisfied": {{"reason": "it is all there", "answer": {satisfied}}},
        "is_in_loop": {{"reason": "", "answer": false}},
        "is_progress_being_made": {{"reason": "as planned", "answer": {forward}}},
        "next_speaker": {{"reason": "", "answer": "{speaker}"}},
        "instruction_or_question": {{"reason": "", "answer": "do your part, {speaker}"}}}}"#
    ))
}

/// AgentChat 101: facts, plan, ledger, (a), ledger, (b), ledger, final; the end is the ledger's reason.
#[test]
fn the_moderator_plans_tells_each_what_to_do_and_writes_the_answer() {
    let mut world = World::of(led(3, 3));
    let yes = judged(true, true, "a");
    let selector =
        [say("facts"), say("plan"), judged(false, true, "a"), judged(false, true, "b"), yes, say("the answer")];
    world.script("selector", selector);
    world.begin("the task");
    let said = world.said();
    assert!(said[1].starts_with("Orchestrator: We are working on this request:\n\nthe task"), "{said:#?}");
    assert!(said[1].contains("facts") && said[1].ends_with("plan"));
    assert_eq!(said[2], "Orchestrator: do your part, a");
    assert!(said[3].starts_with("a: ") && said[5].starts_with("b: "), "{said:#?}");
    assert_eq!(said[6], "Orchestrator: the answer");
    assert_eq!(world.ended().unwrap(), (EndCause::Complete, "it is all there"));
    let asked: Vec<_> = world.asked.iter().map(|request| (request.purpose, request.messages.len())).collect();
    use Purpose::{Select, Speak};
    let purposes: Vec<_> = asked.iter().map(|(purpose, _)| *purpose).collect();
    assert_eq!(purposes, [Select, Select, Select, Speak, Select, Speak, Select, Select]);
    assert_eq!((asked[0].1, asked[1].1, asked[2].1), (1, 3, 3));
    // What the moderator used is counted.
    assert_eq!(world.session.selector_meter().tokens.total(), 90);
    let heard: Vec<_> = world.asked[3].messages.iter().map(|message| message.content.to_string()).collect();
    assert_eq!(heard.last().unwrap(), "do your part, a");
}

#[test]
fn without_progress_it_makes_a_new_plan_and_counts_from_nothing_and_gives_up_in_the_end() {
    let mut world = World::of(led(2, 1));
    let stalled = || judged(false, false, "a");
    let selector =
        [say("f"), say("p"), stalled(), stalled(), say("f2"), say("p2"), stalled(), stalled(), say("what there is")];
    world.script("selector", selector);
    world.begin("the task");
    let ledgers: Vec<_> = world
        .session
        .log()
        .iter()
        .filter_map(|record| match &record.event {
            Event::LedgerChanged { ledger } => Some((ledger.stalls, ledger.replans)),
            _ => None,
        })
        .collect();
    assert_eq!(ledgers, [(0, 0), (0, 0), (1, 0), (0, 1), (0, 1), (0, 1), (1, 1), (2, 1), (2, 1)]);
    assert_eq!(world.said().last().unwrap(), "Orchestrator: what there is");
    assert_eq!(world.ended().unwrap(), (EndCause::Complete, "No progress after 1 new plans."));
    assert!(world.said().iter().any(|line| line.contains("f2") && line.ends_with("p2")));
}

/// Reference: agentchat-semantics 12, no. 19.
#[test]
fn a_judgement_that_cannot_be_read_is_a_round_and_a_stall_and_never_goes_on_for_ever() {
    let mut world = World::of(led(3, 1));
    world.script("selector", [say("f"), say("p")]);
    // Without a script the model says something that is no judgement, every time.
    world.begin("the task");
    let judgements = world.count(|event| matches!(event, Event::LedgerChanged { ledger } if ledger.rounds > 0));
    assert!(judgements < 12, "{judgements}");
    assert_eq!(world.ended().unwrap().0, EndCause::Complete);
    assert!(world.choices().is_empty());
}

#[test]
fn the_limit_of_turns_is_exact_and_every_task_has_its_own() {
    let mut world = World::of(led(9, 1));
    let mut script = vec![say("f"), say("p")];
    script.extend((0..7).map(|n| judged(false, true, if n % 2 == 0 { "a" } else { "b" })));
    script.push(say("enough"));
    world.script("selector", script.clone());
    world.begin("the task");
    assert_eq!(world.choices().len(), 6);
    assert_eq!(world.ended().unwrap(), (EndCause::Complete, "Max rounds reached."));
    world.script("selector", script);
    world.command(Command::Speak { text: "another task".into(), as_agent: None });
    assert_eq!(world.choices().len(), 12);
}

#[test]
fn a_crash_between_plan_and_judgement_goes_on_there() {
    let mut world = World::of(led(3, 3));
    world.script("selector", [say("f"), say("p"), Reply::Hang("{".into())]);
    world.begin("the task");
    let mut again = world.reopened(Rules::default());
    again.script("selector", [judged(false, true, "b"), judged(true, true, "a"), say("done")]);
    again.command(Command::Resume);
    assert_eq!(again.choices(), ["b magentic"]);
    assert_eq!(again.said().last().unwrap(), "Orchestrator: done");
}
