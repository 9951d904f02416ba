//! Pause, step, interrupt, edit, go elsewhere.

use super::world::{Reply, World, fenced, say};
use crate::chat::command::Command;
use crate::chat::event::{Actor, Boundary, Event, HoldReason, Verdict};
use crate::chat::id::{BranchId, MessageId};
use crate::chat::message::Completeness;
use crate::chat::team::{ApprovalPolicy, Spec, Team};
use crate::session::testing::{runner, speaker, speakers, team};
use crate::session::{Session, Waiting};

const TURN: Command = Command::Pause { boundary: Boundary::Turn };
const STEP: Command = Command::Pause { boundary: Boundary::Step };

fn two() -> World {
    World::of(Team { max_round: 9, ..speakers(&["a", "b"]) })
}

fn coding(approval: ApprovalPolicy) -> World {
    let mut world = World::of(Team { max_round: 9, ..team(vec![speaker("a"), runner("x", approval)]) });
    world.script("a", [say(&fenced("print(1)"))]);
    world
}

/// The first thing that happens by itself is still to come.
fn asked_but_not_answered(mut world: World) -> World {
    world.input(crate::engine::effect::Input::Command(Command::Speak { text: "hi".into(), as_agent: None }));
    assert_eq!(world.open_calls().len(), 1);
    world
}

#[test]
fn a_pause_at_the_turn_lets_the_speaker_finish_and_nobody_follow() {
    let mut world = asked_but_not_answered(two());
    world.command(TURN);
    assert_eq!(world.said(), ["user: hi", "a: a says 0"]);
    assert_eq!(world.session.hold(), Some(&HoldReason::Operator));
    assert!(world.session.waiting().is_empty() && world.session.turns().is_empty());
    world.command(TURN);
    assert!(world.refused[0].contains("Already holding"));
}

#[test]
fn a_pause_at_the_turn_waits_through_code_and_one_at_the_step_does_not() {
    let mut at_turn = asked_but_not_answered(coding(ApprovalPolicy::Never));
    // Into the turn of the runner.
    at_turn.programs_last = true;
    at_turn.go();
    let op = at_turn.running()[0];
    at_turn.command(TURN).finish(op);
    at_turn.go();
    assert!(at_turn.session.turns().is_empty() && at_turn.session.hold().is_some());
    assert_eq!(at_turn.said().len(), 3);

    let mut at_step = asked_but_not_answered(coding(ApprovalPolicy::Always));
    at_step.command(STEP);
    assert_eq!((at_step.said().len(), at_step.session.hold()), (2, Some(&HoldReason::Operator)));
    assert_eq!(at_step.choices().len(), 1, "the runner has not begun");
}

#[test]
fn a_step_is_one_turn_each_time() {
    let mut world = two();
    world.command(TURN).begin("hi");
    for turns in 1..4 {
        world.command(Command::Step);
        assert_eq!((world.choices().len(), world.said().len()), (turns, turns + 1));
        assert_eq!(world.session.hold(), Some(&HoldReason::Operator));
    }
    world.command(Command::Resume);
    assert!(world.ended().is_some(), "after resume it goes on to its end");
}

#[test]
fn interrupted_words_are_kept_and_marked_and_resume_gives_the_same_agent_the_floor() {
    let mut world = two();
    world.script("a", [Reply::Hang("I was about".into()), say("whole")]).begin("hi");
    world.command(Command::Interrupt);
    assert!(world.open_calls().is_empty(), "the call was not hung up");
    assert_eq!(world.said(), ["user: hi", "[a: I was about]"]);
    assert_eq!(world.session.hold(), Some(&HoldReason::Interrupted("a".into())));
    assert!(world.session.turns().is_empty() && !world.session.is_busy());
    world.script("b", [Reply::Hang(String::new())]);
    world.command(Command::Resume);
    assert_eq!(world.choices()[..2], ["a round_robin", "a retry"]);
    assert_eq!(world.said().last().unwrap(), "a: whole");
    let sent = &world.asked[1].messages;
    assert!(sent.iter().all(|prompt| !prompt.content.contains("about")), "an interrupted message was sent on");
}

#[test]
fn after_an_interrupt_the_operator_may_call_on_somebody_else() {
    let mut world = two();
    world.script("a", [Reply::Hang("I was about".into())]).begin("hi").command(Command::Interrupt);
    world.command(Command::CallOn { agent: "b".into() });
    assert_eq!(world.choices().len(), 1, "the hold is still in force");
    world.command(Command::Step);
    assert_eq!(world.choices(), ["a round_robin", "b queue"]);
    world.command(Command::Step);
    assert_eq!(world.choices()[2], "a round_robin", "after b it is a's turn in the order, not by way of a retry");
}

#[test]
fn interrupting_twice_says_that_nothing_is_left_to_stop() {
    let mut world = two();
    world.script("a", [Reply::Hang("I".into())]).begin("hi").command(Command::Interrupt).command(Command::Interrupt);
    assert!(world.refused[0].contains("nothing to stop"), "{:?}", world.refused);
    assert!(world.ended().is_none());
}

#[test]
fn an_interrupted_program_reports_what_it_printed_and_then_the_run_holds() {
    let mut world = coding(ApprovalPolicy::Never);
    world.programs_last = true;
    world.begin("hi").command(Command::Interrupt);
    assert_eq!(world.said().last().unwrap(), "x: exitcode: 137 (execution failed)\nCode output: so far");
    assert!(world.session.hold().is_some() && world.running().is_empty());
    assert_eq!(world.ran.len(), 1);
}

#[test]
fn an_interrupt_while_something_waits_for_the_operator_only_holds() {
    let mut world = coding(ApprovalPolicy::Always);
    world.begin("hi").command(Command::Interrupt);
    assert_eq!(world.session.hold(), Some(&HoldReason::Operator));
    let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{:?}", world.session.waiting()) };
    let hash = world.session.approval(approval).unwrap().hash.clone();
    let verdict = Verdict::Run;
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    assert!(world.ran.is_empty(), "consent does not lift a hold");
    world.command(Command::Step);
    assert_eq!(world.ran.len(), 1);
}

#[test]
fn an_edit_while_a_call_is_in_flight_leaves_nothing_open_on_the_old_branch() {
    let mut world = two();
    world.script("a", [say("one")]).script("b", [Reply::Hang("tw".into()), say("zwei")]).begin("hi");
    let old = world.open_calls();
    let tip = |world: &World| world.session.branches()[0].tip;
    world.script("a", [Reply::Hang(String::new())]);
    world.command(Command::Edit { message: MessageId(1), content: "eins".into() });
    assert!(!world.open_calls().contains(&old[0]));
    assert_eq!(world.said()[..3], ["user: hi", "a: eins", "b: zwei"]);
    let on_old: Vec<_> = world.session.log().iter().filter(|record| record.seq <= tip(&world)).cloned().collect();
    let old = Session::replay(on_old).unwrap();
    assert!(!old.is_busy() && old.turns().is_empty(), "{:?}", old.turns());
    let partial = old.transcript().entries().last().unwrap();
    assert_eq!((&*partial.message.content, partial.message.completeness), ("tw", Completeness::Interrupted));
    // And one can go on there.
    world.command(Command::MoveTo { seq: tip(&world) });
    assert_eq!((world.session.branch(), world.session.hold()), (BranchId(0), Some(&HoldReason::Operator)));
    world.command(Command::Step);
    assert_eq!(world.said()[3..], [format!("b: b says {}", world.asked.last().unwrap().call)]);
}

/// The words of an operator stand in the log in the middle of a call. A branch that leaves from them goes on.
#[test]
fn a_branch_that_leaves_in_the_middle_of_a_call_or_a_program_goes_on() {
    let aside = || Command::Speak { text: "by the way".into(), as_agent: None };
    let mut world = asked_but_not_answered(two());
    world.command(aside());
    let id = world.session.transcript().entries()[1].message.id;
    world.command(Command::Edit { message: id, content: "by another way".into() });
    assert!(world.ended().is_some(), "it stands still:\n{}", world.tail(4));
    assert_eq!(world.said()[1..2], ["user: by another way"]);

    let mut world = coding(ApprovalPolicy::Always);
    world.programs_last = true;
    world.begin("hi");
    let consent = |world: &mut World| {
        let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{}", world.tail(5)) };
        let hash = world.session.approval(approval).unwrap().hash.clone();
        let verdict = Verdict::Run;
        world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    };
    consent(&mut world);
    world.command(aside());
    let op = world.running()[0];
    world.finish(op);
    world.go();
    let id = world.session.transcript().entries()[2].message.id;
    world.command(Command::Edit { message: id, content: "by another way".into() });
    assert_eq!(world.ran.len(), 1, "one consent, one run");
    consent(&mut world);
    assert_eq!(world.ran.len(), 2, "with a new consent it may run again");
}

#[test]
fn an_edit_of_the_task_begins_the_conversation_anew() {
    let mut world = two();
    world.begin("hi");
    assert!(world.ended().is_some());
    world.command(Command::Edit { message: MessageId(0), content: "hello".into() });
    assert_eq!((world.said()[0].as_str(), world.said().len()), ("user: hello", 9));
    assert_eq!(world.count(|event| matches!(event, Event::Ended { .. })), 2, "one end on each branch");
}

#[test]
fn an_edited_interrupted_message_is_the_words_of_its_turn() {
    let mut world = two();
    world.script("a", [Reply::Hang("I was about".into())]).begin("hi").command(Command::Interrupt);
    world.command(Command::Resume).command(Command::End);
    world.script("b", [Reply::Hang(String::new())]);
    let before = world.asked.len();
    world.command(Command::Edit { message: MessageId(1), content: "I was about to agree".into() });
    if world.session.hold().is_some() {
        world.command(Command::Resume);
    }
    assert_eq!(world.said(), ["user: hi", "a: I was about to agree"]);
    assert_eq!(&*world.asked[before].agent, "b");
}

#[test]
fn words_in_between_are_heard_by_the_next_and_stop_nobody() {
    let mut world = asked_but_not_answered(two());
    world.input(crate::engine::effect::Input::Command(Command::Speak { text: "psst".into(), as_agent: None }));
    world.input(crate::engine::effect::Input::Command(Command::Speak {
        text: "as b".into(),
        as_agent: Some("b".into()),
    }));
    assert_eq!(world.open_calls().len(), 1);
    world.go();
    assert_eq!(world.said()[..4], ["user: hi", "user: psst", "b: as b", "a: a says 0"]);
    let heard: Vec<_> = world.asked[1].messages.iter().map(|prompt| &*prompt.content).collect();
    assert_eq!(heard[1..], ["hi", "psst", "as b", "a says 0"]);
}

#[test]
fn what_the_operator_does_is_recorded_as_the_operators() {
    let manual = Team { speaker_selection_method: Spec::named("manual"), max_round: 2, ..speakers(&["a", "b"]) };
    let mut world = World::of(manual);
    world.begin("hi").command(TURN).command(Command::Resume).command(Command::CallOn { agent: "b".into() });
    for record in world.session.log() {
        let own = match &record.event {
            Event::SpeakerChosen { choice } => choice.mode == "operator",
            Event::HoldAsked { .. } | Event::Released { .. } | Event::Held { why: HoldReason::Operator } => true,
            _ => continue,
        };
        assert_eq!(record.actor == Actor::Operator, own, "{record:?}");
    }
}

/// Going back to words that were said while code ran takes up the turn that ran it. The code has run, on the branch that
/// was left: no policy lets it run a second time.
#[test]
fn code_that_ran_on_the_branch_one_left_asks_a_person_whatever_the_policy() {
    let mut world = coding(ApprovalPolicy::Never);
    world.programs_last = true;
    world.begin("hi");
    let op = world.running()[0];
    world.command(Command::Speak { text: "while it runs".into(), as_agent: None });
    let said = world.session.transcript().entries().last().unwrap().seq;
    world.finish(op);
    let ran = world.ran.len();
    world.command(Command::MoveTo { seq: said }).command(Command::Resume);
    assert_eq!(world.ran.len(), ran, "it ran again, unasked");
    assert!(matches!(world.session.waiting()[..], [Waiting::Approval(_)]), "{}", world.tail(5));
}
