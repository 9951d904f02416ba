//! Answers of a given shape: checked, shown to the model again with what is wrong, and in the end a failure as any other.

use super::world::{World, say};
use crate::chat::event::{AfterFailure, EndCause, Event, HoldReason};
use crate::chat::failing::{GiveUp, OnFailure};
use crate::chat::format::ResponseFormat;
use crate::chat::request::Role;
use crate::chat::team::{Agent, Team};
use crate::session::testing::{speaker, team};
use serde_json::json;
use std::sync::Arc;

const GOOD: &str = "{\"score\": 3}";

fn shaped(retries: u32, send: bool, max_round: u32) -> Team {
    let schema = json!({"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}}});
    let format = ResponseFormat { name: "verdict".into(), schema, strict: false, send, retries };
    let judge = Agent { response_format: Some(Arc::new(format)), ..speaker("j") };
    Team { max_round, ..team(vec![judge, speaker("b")]) }
}

fn rejected(world: &World) -> usize {
    world.count(|event| matches!(event, Event::AnswerRejected(_)))
}

#[test]
fn an_answer_that_fits_is_said_as_it_came() {
    let mut world = World::of(shaped(2, true, 3));
    world.script("j", [say(GOOD)]).begin("judge");
    assert_eq!(world.said()[1], format!("j: {GOOD}"));
    assert_eq!(world.asked[0].format.as_ref().unwrap().name, "verdict");
    assert_eq!((world.asked[0].messages.len(), &world.asked[1].format), (2, &None));
}

#[test]
fn an_answer_that_does_not_fit_is_said_to_nobody_and_shown_to_the_model_with_the_reason() {
    let mut world = World::of(shaped(2, true, 3));
    world.script("j", [say("three"), say("{\"score\": \"3\"}"), say(GOOD)]).begin("judge");
    assert_eq!(world.said()[..2], ["user: judge".to_owned(), format!("j: {GOOD}")]);
    assert_eq!(rejected(&world), 2);
    let third: Vec<_> = world.asked[2].messages.iter().skip(2).map(|prompt| (prompt.role, &*prompt.content)).collect();
    assert_eq!(
        third.iter().map(|(role, _)| *role).collect::<Vec<_>>(),
        [Role::Assistant, Role::User, Role::Assistant, Role::User]
    );
    assert_eq!((third[0].1, third[2].1), ("three", "{\"score\": \"3\"}"));
    assert!(third[1].1.contains("not JSON") && third[3].1.contains("at /score"), "{third:?}");
    // Each attempt is counted; the others see none of it.
    assert_eq!(world.session.meter("j").tokens.total(), 45);
    assert_eq!(world.asked[3].messages.len(), 3);
}

#[test]
fn when_no_attempt_is_left_the_policy_decides() {
    let mut world = World::of(shaped(1, true, 4));
    world.script("j", [say("no"), say("no"), say(GOOD)]).begin("judge");
    assert!(matches!(world.session.hold(), Some(HoldReason::Failed { text, .. }) if text.contains("not JSON")));
    world.command(crate::chat::command::Command::Resume);
    assert_eq!(world.said()[1], format!("j: {GOOD}"), "going on asks anew");
    assert_eq!(world.asked[2].messages.len(), 2, "without what was wrong before");

    let mut team = shaped(0, true, 3);
    team.agents[0].on_failure = Some(OnFailure { retry: 1, wait_ms: 1000, then: GiveUp::Skip });
    let mut world = World::headless(team);
    world.script("j", [say("no"), say("again no"), say("no more")]).begin("judge");
    let after = world.session.log().iter().filter_map(|record| match &record.event {
        Event::AgentFailed { then, .. } => Some(*then),
        _ => None,
    });
    let after: Vec<_> = after.take(2).collect();
    assert_eq!(after, [AfterFailure::Retry { nth: 1, of: 1, wait_ms: 1000 }, AfterFailure::Skip]);
    assert!(world.said().iter().skip(1).all(|line| line.starts_with("b:")), "{:?}", world.said());
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
}

#[test]
fn a_provider_without_shapes_is_told_in_words() {
    let mut world = World::of(shaped(2, false, 2));
    world.script("j", [say(GOOD)]).begin("judge");
    let request = &world.asked[0];
    assert_eq!(request.format, None);
    let told = request.messages.last().unwrap();
    assert!(told.role == Role::System && told.content.contains("\"score\""), "{told:?}");
}
