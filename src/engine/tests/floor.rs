//! Who gets the floor: the operator before the selector, the selector's model, a person's pick.

use super::world::{Reply, World, fail, say};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, EndCause, Event};
use crate::chat::request::{FailureKind, Purpose};
use crate::chat::team::{Agent, Repeat, Spec, Team, Transitions};
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

fn barred(agent: &str, turns: Option<u32>) -> Command {
    Command::Bar { agent: agent.into(), turns }
}

#[test]
fn whom_the_operator_bars_nobody_hands_the_floor_until_the_turns_are_over() {
    let mut world = World::of(by("round_robin", &["a", "b", "c"], 9));
    world.command(barred("b", Some(3))).begin("hi");
    let order: Vec<String> = world.choices().iter().map(|choice| choice[..1].to_owned()).collect();
    assert_eq!(order.concat(), "acabcabc", "b is back after three turns of the others: {order:?}");
    let mut world = World::of(by("round_robin", &["a", "b", "c"], 4));
    world.command(queue(&["b", "c"])).command(barred("b", None));
    assert_eq!(world.session.floor().queue, ["c".into()], "the queue lets go of who is barred");
    world.command(Command::CallOn { agent: "b".into() }).command(Command::Enqueue { agent: "b".into() });
    world.command(queue(&["b"])).command(barred("zed", None)).command(barred("a", Some(0)));
    assert_eq!(world.refused.len(), 5, "{:?}", world.refused);
    assert!(world.refused[0].contains("b is barred by the operator"));
    world.begin("hi");
    assert_eq!(world.choices(), ["c queue", "a round_robin", "c round_robin"]);
    world.command(Command::Unbar { agent: "a".into() });
    assert!(world.refused.last().unwrap().contains("not barred"));
}

#[test]
fn barring_everybody_waits_for_the_operator_instead_of_ending_the_run() {
    let mut world = World::of(by("round_robin", &["a", "b"], 3));
    world.command(barred("a", None)).command(barred("b", None)).begin("hi");
    assert_eq!(world.session.waiting(), [Waiting::Pick]);
    let wanted = world.session.floor().wanted.clone().unwrap();
    assert_eq!((wanted.candidates.len(), wanted.barred.len(), wanted.proposed), (0, 2, None));
    world.command(Command::Unbar { agent: "b".into() });
    assert_eq!(world.choices(), ["b only", "b only"]);
}

#[test]
fn a_bar_while_the_selector_is_asked_asks_it_anew_among_the_others() {
    let mut world = World::of(by("auto", &["a", "b", "c"], 2));
    world.script("selector", [Reply::Hang("b".into()), say("c")]).begin("hi");
    world.command(barred("b", None));
    assert_eq!(world.choices(), ["c auto"]);
    let asked: Vec<_> = world.asked.iter().filter(|request| request.purpose == Purpose::Select).collect();
    assert!(asked[1].messages[0].content.contains("['a', 'c']") && !asked[1].messages[0].content.contains("what b is"));
}

#[test]
fn nobody_left_by_rules_or_graph_ends_the_run_and_says_why_each_may_not() {
    let after = [("a".into(), vec!["b".into()]), ("b".into(), Vec::new())].into();
    let mut world =
        World::of(Team { speaker_transitions: Some(Transitions { after }), ..by("round_robin", &["a", "b"], 9) });
    world.begin("hi");
    assert_eq!(world.choices(), ["a round_robin", "b only"]);
    assert_eq!(world.ended().unwrap(), (EndCause::NoSpeaker, "No next speaker selected"));
    let detail = &world.session.ended().unwrap().detail;
    let cause = "may not follow b".to_owned();
    assert_eq!(detail.values, [("a".to_owned(), cause.clone()), ("b".to_owned(), cause)]);
}

#[test]
fn a_silent_member_speaks_only_when_the_operator_calls() {
    let silent = Agent { silent: true, ..speaker("s") };
    let mut world = World::of(Team { max_round: 5, ..team(vec![speaker("a"), silent, speaker("b")]) });
    world.command(queue(&["s"])).begin("hi");
    assert_eq!(world.choices(), ["s queue", "b round_robin", "a round_robin", "b round_robin"]);
}

#[test]
fn a_member_is_available_only_while_its_rule_holds() {
    let critic = Agent { available_when: Some("count(a) >= 2".into()), ..speaker("critic") };
    let mut world = World::of(Team { max_round: 6, ..team(vec![speaker("a"), critic, speaker("b")]) });
    world.begin("hi");
    let order = ["a round_robin", "b round_robin", "a round_robin", "critic round_robin", "b round_robin"];
    assert_eq!(world.choices(), order);
}

#[test]
fn a_pick_says_why_one_might_choose_whom() {
    let critic = Agent { available_when: Some("round > 1".into()), ..speaker("critic") };
    let late = Agent { available_when: Some("round > 5".into()), ..speaker("late") };
    let quiet = Agent { silent: true, ..speaker("quiet") };
    let team = Team { max_round: 9, ..team(vec![speaker("a"), speaker("b"), critic, late, quiet]) };
    let mut world = World::of(Team { speaker_selection_method: Spec::named("manual"), ..team });
    world.begin("hi");
    for agent in ["a", "b"] {
        world.command(Command::CallOn { agent: agent.into() });
    }
    let wanted = world.session.floor().wanted.clone().unwrap();
    let lines = |list: &[(crate::chat::Name, String)]| -> Vec<String> {
        list.iter().map(|(name, line)| format!("{name}: {line}")).collect()
    };
    let reasons = ["a: spoke 1 message ago", "b: spoke last", "critic: round > 1; has not spoken yet"];
    assert_eq!(lines(&wanted.reasons), reasons);
    assert_eq!(
        lines(&wanted.barred),
        ["late: waits until round > 5", "quiet: silent: speaks only when you call on it"]
    );
}

#[test]
fn a_countdown_turns_the_proposal_into_a_choice_unless_the_operator_says_otherwise() {
    let countdown = |max_round| Team { pick_countdown_ms: Some(10_000), ..by("manual", &["a", "b", "c"], max_round) };
    let mut world = World::of(countdown(4));
    world.input(Input::Command(Command::Speak { text: "hi".into(), as_agent: None }));
    let until = world.session.floor().wanted.as_ref().unwrap().until.unwrap();
    assert_eq!(until - world.now, 10_000);
    world.command(Command::CallOn { agent: "c".into() });
    assert_eq!(world.choices(), ["c operator", "a countdown", "b countdown"]);
    assert!(world.now > until);
    // A pause does not use the time up: the pick is asked for again.
    let mut world = World::of(countdown(9));
    world.input(Input::Command(Command::Speak { text: "hi".into(), as_agent: None }));
    world.input(Input::Command(Command::Interrupt));
    world.now += 60_000;
    world.input(Input::Command(Command::Resume));
    assert_eq!((world.choices().len(), world.session.waiting()), (0, vec![Waiting::Pick]));
    let until = world.session.floor().wanted.as_ref().unwrap().until.unwrap();
    assert_eq!(until - world.now, 10_000);
}

#[test]
fn an_empty_choice_asks_the_model_for_a_proposal_and_the_operator_takes_it_or_not() {
    let mut world = World::of(by("manual", &["a", "b", "c"], 4));
    world.script("selector", [say("b and c"), say("c is best")]).begin("hi");
    world.command(Command::Propose);
    let wanted = world.session.floor().wanted.clone().unwrap();
    assert_eq!(wanted.proposed.as_deref(), Some("c"));
    let reasons: Vec<_> = wanted.reasons.iter().map(|(name, line)| format!("{name} {line}")).collect();
    assert!(reasons[2].starts_with("c proposed: selector: c is best"), "{reasons:?}");
    assert_eq!(world.choices(), [""; 0], "a proposal is no choice");
    world.command(Command::AcceptProposal);
    assert_eq!(world.choices(), ["c operator"]);
    let mut world = World::of(Team { selector_model: None, ..by("manual", &["a", "b"], 4) });
    world.command(Command::Propose).begin("hi").command(Command::Propose);
    assert!(world.refused[0].contains("no pick") && world.refused[1].contains("selector_model"), "{:?}", world.refused);
}
