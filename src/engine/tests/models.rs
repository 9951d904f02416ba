//! Calls that fail: retry, then the fallback chain, then a person or the end. What was heard is kept and not sent.

use super::world::{Reply, World, fail, say};
use crate::chat::command::Command;
use crate::chat::event::{Event, HoldReason};
use crate::chat::message::Completeness;
use crate::chat::request::FailureKind::{self, CutOff, Empty, Filtered, Key, Server};
use crate::chat::team::{ModelSpec, Team};
use crate::session::testing::speakers;

/// A team whose model falls back on `second`, and that on nothing.
fn chained() -> Team {
    let mut team = Team { max_round: 2, ..speakers(&["a", "b"]) };
    let main = team.models["main"].clone();
    team.models.insert("second".into(), main.clone());
    team.models.insert("main".into(), ModelSpec { fallback: vec!["second".into()], ..main });
    team
}

fn models(world: &World) -> Vec<&str> {
    world.asked.iter().map(|request| request.model.as_str()).collect()
}

#[test]
fn a_passing_failure_is_tried_again_with_growing_patience_then_the_next_model_speaks() {
    let mut world = World::of(chained());
    world.script("a", (0..5).map(|_| fail(Server))).script("a", [say("at last")]).begin("go");
    assert_eq!(models(&world), ["main", "main", "main", "main", "main", "second"]);
    assert_eq!(world.said(), ["user: go", "a: at last"]);
    let waits = world.session.log().iter().filter_map(|record| match &record.event {
        Event::ModelFailed { retry_ms, fallback, .. } => Some((*retry_ms, fallback.clone())),
        _ => None,
    });
    let waits: Vec<_> = waits.collect();
    for (place, (wait, fallback)) in waits[..4].iter().enumerate() {
        assert!(wait.unwrap() <= 500 << place && fallback.is_none(), "{waits:?}");
    }
    assert_eq!(waits[4], (Some(0), Some("second".into())));
}

#[test]
fn nothing_is_sent_before_its_time() {
    let mut world = World::of(chained());
    world.script("a", [fail(Server), say("now")]);
    world.input(crate::engine::effect::Input::Command(Command::Speak { text: "go".into(), as_agent: None }));
    world.step();
    let failed = world.session.log().last().unwrap();
    let Event::ModelFailed { retry_ms: Some(wait), .. } = failed.event else { panic!("{failed:?}") };
    let due = failed.at + wait as i64;
    assert!(wait > 2, "the seed gives no wait worth testing");
    world.now = due - 2;
    world.input(crate::engine::effect::Input::Tick);
    assert_eq!(world.asked.len(), 1, "too early");
    world.input(crate::engine::effect::Input::Tick);
    assert_eq!((world.now, world.asked.len()), (due, 2));
}

#[test]
fn when_everything_has_failed_a_person_is_asked_and_resume_starts_over() {
    let mut world = World::of(chained());
    world.script("a", [fail(Key), fail(Key), say("the key is there now")]).begin("go");
    assert_eq!(models(&world), ["main", "second"]);
    let Some(HoldReason::Failed { agent, text }) = world.session.hold() else { panic!("{}", world.tail(5)) };
    assert_eq!((&**agent, text.as_str()), ("a", "second failed: Key."));
    world.command(Command::Resume);
    assert_eq!(models(&world), ["main", "second", "main"], "from the start, not from where it failed");
    assert_eq!(world.said().last().unwrap(), "a: the key is there now");
}

#[test]
fn at_a_failure_somebody_else_can_be_called_on() {
    let mut world = World::of(Team { max_round: 3, ..chained() });
    world.script("a", [fail(Key), fail(Key)]).script("b", [say("I can")]).begin("go");
    world.command(Command::CallOn { agent: "b".into() });
    assert_eq!(world.said()[..2], ["user: go", "b: I can"]);
}

#[test]
fn headless_a_failure_beyond_retry_ends_with_exit_1() {
    let mut world = World::headless(chained());
    world.script("a", [fail(Key), fail(Filtered)]).begin("go");
    assert_eq!(world.exit_code(), Some(1));
    assert!(world.ended().unwrap().1.contains("a could not speak. second failed"), "{:?}", world.ended());
}

#[test]
fn a_broken_stream_is_kept_marked_not_counted_and_sent_to_nobody() {
    let mut world = World::of(chained());
    world.script("a", [Reply::Fail("I was about".into(), CutOff), say("whole")]).begin("go");
    assert_eq!(world.said(), ["user: go", "[a: I was about]", "a: whole"]);
    let partial = &world.session.transcript().entries()[1].message;
    assert_eq!((partial.completeness, partial.turn), (Completeness::Interrupted, None));
    assert!(partial.call.is_some(), "its cost can be found");
    for request in &world.asked {
        assert!(request.messages.iter().all(|prompt| !prompt.content.contains("about")));
    }
    assert_eq!(world.session.rounds(), 2);
}

/// Each repetition of visible text is paid for: one by itself, no more.
#[test]
fn after_visible_text_one_more_try_is_made() {
    let broken = || Reply::Fail("I was".into(), CutOff);
    let mut world = World::of(chained());
    world.script("a", [broken(), broken(), say("done")]).begin("go");
    assert_eq!(models(&world), ["main", "main", "second"]);
}

#[test]
fn an_empty_answer_is_a_failure_and_a_filtered_one_is_asked_of_nobody_else() {
    let mut world = World::of(chained());
    world.script("a", [say(""), say(" \n"), say("words")]).begin("go");
    assert_eq!(models(&world), ["main", "main", "second"], "chance may help once");
    let empty = |event: &Event| matches!(event, Event::ModelFailed { failure, .. } if failure.kind == Empty);
    assert_eq!(world.count(empty), 2);
    let mut world = World::of(chained());
    world.script("a", [fail(Filtered), say("words")]).begin("go");
    assert_eq!(models(&world), ["main"]);
    assert!(matches!(world.session.hold(), Some(HoldReason::Failed { .. })), "a person decides");
}

#[test]
fn what_a_failed_or_broken_call_used_is_counted() {
    let mut world = World::of(chained());
    world.script("a", [Reply::Fail("x".repeat(400), CutOff), say("done")]).begin("four words of task");
    let calls = world.session.spent().calls;
    let failed = world.session.log().iter().find_map(|record| match &record.event {
        Event::ModelFailed { usage, .. } => Some(*usage),
        _ => None,
    });
    let usage = failed.unwrap();
    assert!(usage.estimated && usage.tokens.output == 100 && usage.cost.is_some(), "{usage:?}");
    assert_eq!(calls, 2);
    assert_eq!(world.session.spent().tokens.total(), usage.tokens.total() + 15);
}

#[test]
fn late_words_of_a_call_that_is_over_change_nothing() {
    use crate::chat::request::{Chunk, Failure, Finish};
    use crate::engine::effect::Input;
    let mut world = World::of(chained());
    world.begin("go");
    let (call, before) = (world.asked[0].call, world.session.log().len());
    world.input(Input::Chunk { call, chunk: Chunk::Text("ghost".into()) });
    world.input(Input::Chunk { call, chunk: Chunk::Finished(Finish::Stop) });
    world.input(Input::Failed { call, failure: Failure::new(FailureKind::Server, "late") });
    assert_eq!(world.session.log().len(), before);
}

#[test]
fn each_agent_is_sent_the_conversation_as_it_sees_it() {
    use crate::chat::request::Role::{Assistant, System, User};
    let mut world = World::of(Team { max_round: 4, ..speakers(&["a", "b"]) });
    world.script("a", [say("one")]).script("b", [say("two")]).begin("go");
    let last: Vec<_> = world.asked[2]
        .messages
        .iter()
        .map(|prompt| (prompt.role, prompt.name.as_deref().unwrap_or(""), &*prompt.content))
        .collect();
    assert_eq!(last, [(System, "", "You are a."), (User, "", "go"), (Assistant, "a", "one"), (User, "b", "two")]);
}

#[test]
fn an_answer_that_never_ends_is_hung_up_and_not_asked_for_again() {
    let mut world = World::of(speakers(&["a", "b"]));
    world.script("a", [Reply::Say("x".repeat((4 << 20) + 1))]).begin("hi");
    let Some(HoldReason::Failed { text, .. }) = world.session.hold() else { panic!("{}", world.tail(5)) };
    assert!(text.contains("MiB"), "{text}");
    assert_eq!(world.count(|event| matches!(event, Event::ModelCalled { .. })), 1);
}

#[test]
fn the_operator_need_not_wait_for_the_next_attempt_and_may_choose_its_model() {
    for (other, model) in [(None, "main"), (Some("second".to_owned()), "second")] {
        let mut world = World::of(chained());
        world.script("a", [Reply::Fail(String::new(), FailureKind::RateLimited), say("now")]);
        world.input(crate::engine::effect::Input::Command(Command::Speak { text: "go".into(), as_agent: None }));
        world.step();
        let waits = world.session.turn_of("a").unwrap().inquiry.phase.clone();
        assert!(matches!(waits, crate::session::turn::Phase::Backoff { .. }), "{waits:?}");
        assert_eq!(world.asked.len(), 1);
        let at = world.now;
        world.input(crate::engine::effect::Input::Command(Command::Hasten { model: other }));
        assert_eq!(world.asked.len(), 2, "{}", world.tail(5));
        assert_eq!(world.asked[1].model, model);
        assert!(world.now - at <= 2, "nobody waited");
    }
    let mut calm = World::of(chained());
    calm.script("a", [say("hello")]);
    calm.command(Command::Hasten { model: None });
    assert!(!calm.refused.is_empty());
}

#[test]
fn who_is_left_alone_gives_way_to_the_fallback_at_once() {
    let mut world = World::of(chained());
    world.script("a", [fail(FailureKind::Resting), say("at last")]).begin("go");
    assert_eq!(models(&world), ["main", "second"]);
}

#[test]
fn before_a_context_is_full_the_operator_is_asked_once() {
    let mut team = chained();
    team.models.get_mut("main").unwrap().context_window = Some(100);
    let mut world = World::of(team);
    world.script("a", [say("one")]).script("b", [say("two")]).begin(&"words ".repeat(80));
    let Some(HoldReason::Budget { text }) = world.session.hold().cloned() else { panic!("{}", world.tail(5)) };
    assert!(text.contains("a's context is nearly full"), "{text}");
    assert_eq!(world.asked.len(), 0, "nothing was sent yet");
    world.command(Command::Resume);
    assert!(world.refused.is_empty() && world.asked.len() == 1, "{:?}", world.refused);
}
