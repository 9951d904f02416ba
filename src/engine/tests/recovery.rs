//! A log that ends in mid-air, opened again: nothing goes on by itself, nothing runs twice.

use super::world::{Reply, World, fenced, say};
use crate::chat::command::Command;
use crate::chat::event::{Event, HoldReason, Resolution, Verdict};
use crate::chat::team::{ApprovalPolicy, Spec, Team};
use crate::engine::{Rules, recovery};
use crate::session::Waiting;
use crate::session::testing::{runner, speaker, speakers, team};

fn coding(approval: ApprovalPolicy) -> World {
    let mut world = World::of(Team { max_round: 9, ..team(vec![speaker("a"), runner("x", approval)]) });
    world.script("a", [say(&fenced("print(1)"))]);
    world.programs_last = true;
    world
}

fn opened(world: &World) -> World {
    let mut world = world.reopened(Rules::default());
    let log = world.session.log().len();
    world.go();
    assert_eq!(world.session.log().len(), log, "something went on by itself:\n{}", world.tail(4));
    assert!(world.asked.is_empty() && world.ran.is_empty());
    world
}

#[test]
fn a_call_without_an_end_was_interrupted_and_its_speaker_gets_the_floor_back() {
    let mut before = World::of(Team { max_round: 3, ..speakers(&["a", "b"]) });
    before.script("a", [Reply::Hang("lost words".into())]).begin("hi");
    let mut world = opened(&before);
    assert!(!world.session.is_busy() && world.session.turns().is_empty());
    assert_eq!(world.session.hold(), Some(&HoldReason::Opened));
    let call = before.open_calls()[0];
    assert!(world.session.call(call).unwrap().usage.unwrap().cost.is_none(), "unknown is not the same as nothing");
    world.command(Command::Resume);
    assert_eq!(world.choices()[1], "a retry");
}

#[test]
fn a_selectors_call_without_an_end_is_asked_again() {
    let team = Team {
        speaker_selection_method: Spec::named("auto"),
        selector_model: Some("main".into()),
        max_round: 2,
        ..speakers(&["a", "b"])
    };
    let mut before = World::of(team);
    before.script("selector", [Reply::Hang("b".into())]).begin("hi");
    let mut world = opened(&before);
    world.script("selector", [say("b")]).command(Command::Resume);
    assert_eq!(world.choices(), ["b auto"]);
}

#[test]
fn an_intent_without_an_outcome_is_unknown_and_only_the_operator_can_say() {
    let mut before = coding(ApprovalPolicy::Never);
    before.begin("hi");
    let op = before.running()[0];
    let table = [
        (Resolution::Done, 0, "the operator confirmed that the code ran"),
        (Resolution::GiveUp, 0, "it is not known whether the code ran"),
        (Resolution::AskAgain, 1, "Code output: ok"),
    ];
    for (resolution, runs, told) in table {
        let mut world = opened(&before);
        assert_eq!(world.session.waiting(), [Waiting::Unknown(op)]);
        world.command(Command::Resume);
        assert!(world.ran.is_empty(), "it was repeated unasked");
        assert_eq!(world.session.waiting(), [Waiting::Unknown(op)]);
        world.command(Command::Resolve { op, resolution });
        assert_eq!(world.ran.len(), runs, "{resolution:?}");
        let said = world.said();
        assert!(said[2].contains(told), "{resolution:?}: {said:?}");
        world.command(Command::Resolve { op, resolution });
        assert!(world.refused[0].contains("nothing to resolve"));
    }
}

/// Asking again is asking: without a standing policy a new consent is needed.
#[test]
fn running_an_unknown_effect_again_needs_a_new_consent() {
    let mut before = coding(ApprovalPolicy::Always);
    before.begin("hi");
    let consent = |world: &mut World| {
        let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{}", world.tail(4)) };
        let hash = world.session.approval(approval).unwrap().hash.clone();
        let verdict = Verdict::Run;
        world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    };
    consent(&mut before);
    let op = before.running()[0];
    let mut world = opened(&before);
    world.command(Command::Resume).command(Command::Resolve { op, resolution: Resolution::AskAgain });
    assert!(world.ran.is_empty());
    consent(&mut world);
    assert_eq!(world.ran.len(), 1);
}

#[test]
fn consent_that_a_crash_left_unused_is_void_and_is_asked_for_again() {
    let mut before = coding(ApprovalPolicy::Always);
    before.begin("hi").command(Command::Pause { boundary: crate::chat::event::Boundary::Step });
    let [Waiting::Approval(approval)] = before.session.waiting()[..] else { panic!("{}", before.tail(4)) };
    let hash = before.session.approval(approval).unwrap().hash.clone();
    let verdict = Verdict::Run;
    before.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    assert!(before.ran.is_empty());
    let mut world = opened(&before);
    world.command(Command::Resume);
    assert!(world.ran.is_empty(), "it ran on the consent of before");
    let [Waiting::Approval(again)] = world.session.waiting()[..] else { panic!("{}", world.tail(4)) };
    assert_ne!(again, approval);
    let hash = world.session.approval(again).unwrap().hash.clone();
    let verdict = Verdict::Run;
    world.command(Command::Decide { approval: again, hash, verdict, seen_in_full: true, remember: false });
    assert_eq!(world.ran.len(), 1);
}

#[test]
fn questions_that_were_open_are_open_again() {
    let mut before = coding(ApprovalPolicy::Always);
    before.begin("hi");
    let world = opened(&before);
    assert_eq!(world.session.waiting(), before.session.waiting());
    assert_eq!(world.said(), before.said());
}

#[test]
fn a_session_that_ended_or_never_began_has_nothing_to_settle() {
    let mut ended = World::of(Team { max_round: 2, ..speakers(&["a", "b"]) });
    ended.begin("hi");
    assert!(recovery::settle(&ended.session).is_empty());
    assert!(recovery::settle(&crate::session::Session::default()).is_empty());
}

#[test]
fn opening_twice_settles_once() {
    let mut before = coding(ApprovalPolicy::Never);
    before.begin("hi");
    let once = opened(&before);
    let twice = opened(&once);
    assert_eq!(once.session.log().len(), twice.session.log().len());
    assert_eq!(twice.count(|event| matches!(event, Event::OutcomeUnknown { .. })), 1);
}

/// Whatever record was the last on disk: the log opens, nothing happens by itself, and the run can come to its end.
#[test]
fn every_prefix_of_a_run_opens_and_can_be_finished() {
    let mut whole = coding(ApprovalPolicy::Never);
    whole.programs_last = false;
    whole.begin("hi");
    let log = whole.session.log().to_vec();
    for cut in 1..=log.len() {
        let mut prefix = World::from(
            crate::session::Session::replay(log[..cut].iter().cloned()).unwrap(),
            whole.session.team().unwrap(),
            Rules::default(),
        );
        let ran = prefix.count(|event| matches!(event, Event::Intent { .. }));
        prefix = opened(&prefix);
        if prefix.session.transcript().is_empty() {
            prefix.begin("hi");
        }
        if prefix.ended().is_none() {
            prefix.command(Command::Resume);
        }
        if let [Waiting::Unknown(op)] = prefix.session.waiting()[..] {
            prefix.command(Command::Resolve { op, resolution: Resolution::Done });
        }
        assert!(prefix.ended().is_some(), "cut after {cut}: it stands still:\n{}", prefix.tail(5));
        let intents = prefix.count(|event| matches!(event, Event::Intent { .. }));
        assert_eq!(intents, ran + prefix.ran.len());
        let session = &prefix.session;
        let runs_of_the_code = session.log().iter().filter(|record| match &record.event {
            Event::Intent { approval, .. } => {
                session.approval(*approval).is_some_and(|asked| asked.payload.blocks[0].code.as_ref() == "print(1)")
            }
            _ => false,
        });
        assert!(runs_of_the_code.count() <= 1, "cut after {cut}: it was run again");
    }
}
