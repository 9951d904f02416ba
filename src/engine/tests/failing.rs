//! An agent that fails does not take the run with it: again, without it, or an orderly end with what there is.

use super::world::{World, fail, say};
use crate::chat::event::{AfterFailure, EndCause, Event, HoldReason};
use crate::chat::failing::{GiveUp, OnFailure};
use crate::chat::request::FailureKind::{Key, Server};
use crate::chat::team::{Agent, Team};
use crate::session::testing::{speaker, team};

fn fails(name: &str, retry: u32, then: GiveUp) -> Agent {
    Agent { on_failure: Some(OnFailure { retry, wait_ms: 30_000, then }), ..speaker(name) }
}

fn trio(broken: Agent, max_round: u32) -> Team {
    Team { max_round, ..team(vec![speaker("a"), broken, speaker("c")]) }
}

fn after(world: &World) -> Vec<AfterFailure> {
    let failed = world.session.log().iter().filter_map(|record| match &record.event {
        Event::AgentFailed { then, agent, .. } => {
            assert_eq!(&**agent, "b");
            Some(*then)
        }
        _ => None,
    });
    failed.collect()
}

#[test]
fn a_skipped_turn_is_on_record_and_the_floor_passes_on() {
    let mut world = World::headless(trio(fails("b", 0, GiveUp::Skip), 6));
    world.script("b", (0..9).map(|_| fail(Key))).begin("go");
    assert_eq!(world.said(), ["user: go", "a: a says 0", "c: c says 2", "a: a says 3", "c: c says 5", "a: a says 6"]);
    assert_eq!(after(&world), [AfterFailure::Skip, AfterFailure::Skip]);
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
}

#[test]
fn when_nobody_can_speak_any_more_skipping_comes_to_an_end() {
    for headless in [true, false] {
        let all = team(["a", "b"].map(|name| fails(name, 0, GiveUp::Skip)).to_vec());
        let mut world = if headless { World::headless(all) } else { World::of(all) };
        world.script("a", (0..9).map(|_| fail(Key))).script("b", (0..9).map(|_| fail(Key))).begin("go");
        assert_eq!(world.count(|event| matches!(event, Event::AgentFailed { .. })), 2);
        match headless {
            true => assert_eq!(world.ended().unwrap().0, EndCause::Failed),
            false => assert!(matches!(world.session.hold(), Some(HoldReason::Failed { .. }))),
        }
    }
}

#[test]
fn retry_goes_through_the_whole_chain_again_after_a_pause_and_then_does_what_the_policy_says() {
    let mut world = World::headless(trio(fails("b", 2, GiveUp::Skip), 4));
    // Five attempts make one whole failure; the third round of them is answered.
    world.script("b", (0..10).map(|_| fail(Server))).script("b", [say("at last")]).begin("go");
    assert_eq!(
        after(&world),
        [1, 2].map(|nth| AfterFailure::Retry { nth, of: 2, wait_ms: 30_000 }),
        "{}",
        world.tail(4)
    );
    assert_eq!(world.said()[2], "b: at last");
    let mut world = World::headless(trio(fails("b", 1, GiveUp::Skip), 3));
    world.script("b", (0..99).map(|_| fail(Server))).begin("go");
    assert_eq!(after(&world).last(), Some(&AfterFailure::Skip));
}

/// A missing key does not come by waiting.
#[test]
fn what_trying_again_cannot_help_is_not_tried_again() {
    let mut world = World::headless(trio(fails("b", 5, GiveUp::End), 9));
    world.script("b", [fail(Key)]).begin("go");
    assert_eq!(after(&world), []);
    let (cause, text) = world.ended().unwrap();
    assert_eq!(cause, EndCause::Failed);
    assert!(text.starts_with("b could not speak."), "{text}");
}

#[test]
fn the_end_says_what_there_is() {
    let mut world = World::of(trio(fails("b", 0, GiveUp::End), 9));
    world.script("a", [say("half the answer. TERMINATE")]).script("b", [fail(Key)]).begin("go");
    let achieved = world.session.ended().unwrap().achieved.clone().unwrap();
    assert_eq!((&*achieved.agent, &*achieved.text, achieved.message.0), ("a", "half the answer.", 1));
}

#[test]
fn without_a_policy_a_person_decides_and_nobody_there_means_the_end() {
    let mut world = World::of(trio(speaker("b"), 9));
    world.script("b", [fail(Key)]).begin("go");
    assert!(matches!(world.session.hold(), Some(HoldReason::Failed { agent, .. }) if &**agent == "b"));
    let mut world = World::headless(trio(fails("b", 0, GiveUp::Hold), 9));
    world.script("b", [fail(Key)]).begin("go");
    assert_eq!(world.ended().unwrap().0, EndCause::Failed);
}
