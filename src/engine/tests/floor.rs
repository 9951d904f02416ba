//! Who gets the floor: the operator before the selector, the selector's model, a person's pick.

use super::world::{Reply, World, fail, say};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, EndCause, Event};
use crate::chat::request::{FailureKind, Purpose};
use crate::chat::team::{Repeat, Spec, Team};
use crate::engine::effect::{Effect, Input};
use crate::session::Waiting;
use crate::session::testing::{runner, speaker, speakers, team};

fn by(method: &str, names: &[&str], max_round: u32) -> Team {
    Team {
        speaker_selection_method: Spec::named(method),
        selector_model: Some("main".into()),
        max_round,
        ..speakers(names)
    }
}

fn queue(names: &[&str]) -> Command {
    Command::Queue { queue: names.iter().map(|name| (*name).into()).collect() }
}

/// AG2 2.3: max_round counts the messages of the transcript, the first included.
#[test]
fn max_round_counts_the_task() {
    for (max_round, said) in [(1, 1), (3, 3), (4, 4)] {
        let mut world = World::of(by("round_robin", &["a", "b", "c"], max_round));
        world.begin("hi");
        assert_eq!(world.said().len(), said);
        assert_eq!(world.ended().unwrap().1, format!("Maximum rounds ({max_round}) reached"));
        assert_eq!(world.session.ended().unwrap().totals.rounds, max_round);
    }
}

#[test]
fn a_queue_overrides_the_selector_until_it_is_empty() {
    let mut world = World::of(by("round_robin", &["a", "b", "c"], 6));
    world.command(queue(&["c", "c", "a"])).begin("hi");
    let modes = ["c queue", "c queue", "a queue", "b round_robin", "c round_robin"];
    assert_eq!(world.choices(), modes);
}

#[test]
fn the_operator_may_call_on_an_agent_that_may_not_repeat() {
    let team = Team { allow_repeat_speaker: Repeat::Nobody, ..by("round_robin", &["a", "b", "c"], 4) };
    let mut world = World::of(team);
    world.command(queue(&["a", "a"])).begin("hi");
    assert_eq!(world.choices(), ["a queue", "a queue", "b round_robin"]);
}

#[test]
fn calling_on_an_agent_puts_it_before_the_queue_and_lining_up_behind_it() {
    let mut world = World::of(by("round_robin", &["a", "b", "c"], 4));
    world.command(Command::Enqueue { agent: "b".into() }).command(Command::Enqueue { agent: "a".into() });
    world.command(Command::CallOn { agent: "c".into() }).begin("hi");
    assert_eq!(world.choices(), ["c queue", "b queue", "a queue"]);
}

#[test]
fn a_manual_pick_waits_for_the_operator_and_the_teams_order_is_proposed() {
    let mut world = World::of(by("manual", &["a", "b", "c"], 3));
    world.begin("hi");
    assert_eq!(world.session.waiting(), [Waiting::Pick]);
    world.command(Command::AcceptProposal).command(Command::CallOn { agent: "a".into() });
    assert_eq!(world.choices(), ["a operator", "a operator"]);
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
}

#[test]
fn headless_a_manual_pick_needs_a_person_exit_5() {
    let mut world = World::headless(by("manual", &["a", "b"], 3));
    world.begin("hi");
    assert_eq!((world.exit_code(), world.said().len()), (Some(5), 1));
    assert!(world.ended().unwrap().1.contains("next speaker"));
}

#[test]
fn a_queue_answers_an_open_pick() {
    let mut world = World::of(by("manual", &["a", "b"], 2));
    world.begin("hi").command(queue(&["b"]));
    assert_eq!(world.choices(), ["b queue"]);
    assert!(world.session.floor().queue.is_empty() && world.session.floor().wanted.is_none());
}

/// C083: one candidate is taken without asking anybody.
#[test]
fn the_only_candidate_is_never_asked_for() {
    for method in ["auto", "manual", "random", "round_robin"] {
        let team = Team { allow_repeat_speaker: Repeat::Nobody, ..by(method, &["a", "b"], 5) };
        let mut world = World::of(team);
        world.command(queue(&["a"])).begin("hi");
        assert_eq!(world.choices()[1..], ["b only", "a only", "b only"], "{method}");
        assert!(world.asked.iter().all(|request| request.purpose == Purpose::Speak), "{method}");
    }
}

#[test]
fn the_selectors_answer_names_the_speaker_and_the_exchange_is_on_record() {
    let mut world = World::of(by("auto", &["a", "b", "c"], 2));
    world.script("selector", [say("nobody"), say("b or c"), say("I choose **c**.")]).begin("hi");
    assert_eq!(world.choices(), ["c auto"]);
    let choice = world.session.floor().choice.clone().unwrap();
    assert_eq!((choice.attempts, choice.candidates.len()), (3, 3));
    assert_eq!(world.count(|event| matches!(event, Event::SelectorAnswered { .. })), 3);
    assert_eq!(world.session.selector_meter().tokens.total(), 45, "the selector's tokens are counted, and its own");
    assert_eq!(world.session.meter("c").tokens.total(), 15);
}

#[test]
fn after_the_last_attempt_the_teams_order_decides_and_that_is_seen() {
    let mut world = World::of(by("auto", &["a", "b", "c"], 3));
    world.script("selector", [say("a"), say("hm"), say("a, b"), say("")]);
    world.begin("hi");
    assert_eq!(world.choices(), ["a auto", "b auto fallback"]);
    assert!(world.session.floor().choice.as_ref().unwrap().reason.contains("3 selector answers"));
}

/// C094.
#[test]
fn a_selector_that_says_terminate_is_not_asked_again() {
    let mut world = World::of(by("auto", &["a", "b"], 2));
    world.script("selector", [say("TERMINATE")]).begin("hi");
    assert_eq!(world.choices(), ["a auto fallback"]);
    assert_eq!(world.asked.len(), 2);
}

#[test]
fn without_a_selector_model_the_operator_picks() {
    let mut world = World::of(Team { selector_model: None, ..by("auto", &["a", "b"], 2) });
    world.begin("hi");
    assert_eq!(world.session.waiting(), [Waiting::Pick]);
}

#[test]
fn a_selector_that_fails_holds_the_run_and_resume_asks_again() {
    let mut world = World::of(by("auto", &["a", "b"], 2));
    world.script("selector", [fail(FailureKind::Key), say("b")]).begin("hi");
    assert!(matches!(world.session.waiting().as_slice(), [Waiting::Hold(_)]), "{}", world.tail(4));
    world.command(Command::Resume);
    assert_eq!(world.choices(), ["b auto"]);
    let mut world = World::headless(by("auto", &["a", "b"], 2));
    world.script("selector", [fail(FailureKind::Key)]).begin("hi");
    assert_eq!(world.exit_code(), Some(1));
}

#[test]
fn calling_on_somebody_hangs_up_the_selector() {
    let mut world = World::of(by("auto", &["a", "b"], 2));
    world.script("selector", [Reply::Hang("b".into())]).begin("hi");
    assert_eq!(world.open_calls().len(), 1);
    world.command(Command::CallOn { agent: "a".into() });
    assert_eq!(world.choices(), ["a queue"]);
    assert!(world.open_calls().is_empty());
    assert_eq!(world.count(|event| matches!(event, Event::ModelInterrupted { .. })), 1);
}

#[test]
fn a_pause_asked_for_while_the_selector_thinks_holds_before_anybody_speaks() {
    let mut world = World::of(by("auto", &["a", "b"], 3));
    world.script("selector", [Reply::Hang("b".into())]).begin("hi");
    world.command(Command::Pause { boundary: Boundary::Turn }).command(Command::CallOn { agent: "a".into() });
    assert!(world.session.hold().is_some());
    assert!(world.choices().is_empty(), "{:?}", world.choices());
    world.command(Command::Resume);
    assert_eq!(world.choices()[0], "a queue");
}

#[test]
fn a_run_that_ended_while_the_selector_was_asked_begins_the_next_pick_anew() {
    let mut world = World::of(by("auto", &["a", "b"], 9));
    world.script("selector", [say("nobody"), Reply::Hang(String::new())]).begin("hi");
    world.command(Command::End);
    assert!(world.ended().is_some() && !world.session.is_busy());
    world.script("selector", [Reply::Hang(String::new())]);
    world.command(Command::Speak { text: "again".into(), as_agent: None });
    let question = world.asked.last().unwrap();
    assert!(question.messages.iter().all(|prompt| &*prompt.content != "nobody"), "an answer of the last run");
}

#[test]
fn a_team_without_candidates_ends_and_says_so() {
    let team = Team { allow_repeat_speaker: Repeat::Nobody, ..by("round_robin", &["a"], 5) };
    let mut world = World::of(team);
    world.begin("hi");
    assert_eq!(world.ended(), Some((EndCause::NoSpeaker, "No next speaker selected")));
}

#[test]
fn the_outlook_says_who_is_next_as_far_as_anybody_knows_and_only_when_it_changes() {
    let mut world = World::of(by("round_robin", &["a", "b"], 9));
    let next = |world: &mut World| match world.machine.outlook(&world.session) {
        Some(Effect::Outlook(choice)) => choice.map(|choice| format!("{} {}", choice.agent, choice.mode)),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(&mut world), None, "without a task nobody is next");
    world.script("a", [Reply::Hang("so".into())]).begin("hi");
    assert_eq!(next(&mut world).unwrap(), "b round_robin");
    assert!(world.machine.outlook(&world.session).is_none(), "said once is enough");
    world.input(Input::Command(queue(&["a"])));
    assert_eq!(next(&mut world).unwrap(), "a queue");
    world.command(queue(&[])).command(Command::Interrupt);
    assert_eq!(next(&mut world).unwrap(), "a retry");
    world.command(Command::End);
    assert_eq!(next(&mut world), None);
}

#[test]
fn the_task_of_the_team_file_begins_the_run_and_headless_without_one_ends_with_5() {
    let given = Team { task: Some("from the file".into()), ..by("round_robin", &["a", "b"], 2) };
    let mut world = World::of(given);
    world.go();
    assert_eq!(world.said()[0], "user: from the file");
    let mut nothing = World::headless(team(vec![speaker("a"), runner("x", crate::chat::team::ApprovalPolicy::Always)]));
    nothing.go();
    assert_eq!(nothing.exit_code(), Some(5));
}
