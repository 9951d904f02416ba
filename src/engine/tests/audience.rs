//! Who hears what: private words, introductions, what was said before the run.

use super::world::{World, say};
use crate::chat::command::Command;
use crate::chat::event::EndCause;
use crate::chat::message::{Author, MessageKind};
use crate::chat::request::{Request, Role};
use crate::chat::team::{Agent, Initial, Team};
use crate::session::Waiting;
use crate::session::testing::{speaker, speakers, team};

/// What the newest request of an agent said, system message aside.
fn heard(world: &World, agent: &str) -> Vec<String> {
    let request: &Request = world.asked.iter().rfind(|request| &*request.agent == agent).expect("it was never asked");
    let said = request.messages.iter().filter(|prompt| prompt.role != Role::System);
    said.map(|prompt| prompt.content.to_string()).collect()
}

fn whisper(text: &str, to: &str, announced: bool) -> Command {
    Command::Whisper { text: text.into(), as_agent: None, to: vec![to.into()], announced }
}

#[test]
fn private_words_reach_only_whom_they_are_for_and_the_others_know_if_the_operator_wants() {
    for announced in [false, true] {
        let mut world = World::of(Team { max_round: 3, ..speakers(&["a", "b"]) });
        world.begin("task");
        world.command(whisper("psst", "b", announced));
        let note = "(This was said to b only.)".to_owned();
        assert_eq!(heard(&world, "b"), ["task", "a says 0", "b says 1", "psst", "a says 2"]);
        let mut others = vec!["task".to_owned(), "a says 0".into(), "b says 1".into()];
        others.extend(announced.then_some(note));
        assert_eq!(heard(&world, "a"), others, "announced: {announced}");
        let entry = &world.session.transcript().entries()[3];
        let known = if announced { " (the others know)" } else { "" };
        assert_eq!(entry.message.audience().unwrap(), format!("only to b{known}"));
    }
}

#[test]
fn an_agent_with_an_audience_is_heard_by_nobody_else_whoever_speaks_for_it() {
    let spy = Agent { speaks_to: vec!["boss".into()], ..speaker("spy") };
    let mut world = World::of(Team { max_round: 7, ..team(vec![speaker("boss"), spy, speaker("clerk")]) });
    world.script("spy", [say("I saw it"), say("and again")]).begin("task");
    assert!(heard(&world, "boss").contains(&"I saw it".to_owned()));
    assert!(!heard(&world, "clerk").iter().any(|text| text.contains("saw")), "{:?}", heard(&world, "clerk"));
    assert!(heard(&world, "spy").contains(&"I saw it".to_owned()), "it knows its own words");
    world.command(Command::Speak { text: "in its name".into(), as_agent: Some("spy".into()) });
    assert_eq!(&*world.session.transcript().entries()[7].message.to, ["boss".into()]);
}

#[test]
fn words_for_nobody_are_refused() {
    let mut world = World::of(Team { max_round: 3, ..speakers(&["a", "b"]) });
    world.command(whisper("psst", "a", false));
    assert!(world.refused[0].contains("everybody hears it"), "{:?}", world.refused);
    world.begin("task");
    world.command(whisper("psst", "zed", false));
    world.command(Command::Whisper {
        text: "x".into(),
        as_agent: Some("a".into()),
        to: vec!["a".into()],
        announced: true,
    });
    assert!(world.refused[1].contains("zed is not a member") && world.refused[2].contains("Nobody would hear"));
}

/// AG2 2.6: introductions are in the members' threads, not in the transcript, and are no round (2.3).
#[test]
fn introductions_stand_before_the_first_message_and_count_for_nothing() {
    let mut world = World::of(Team { send_introductions: true, max_round: 3, ..speakers(&["a", "b"]) });
    world.begin("task");
    let text = "Welcome. We work on one task together. In attendance are:\n\na: what a is for\nb: what b is for";
    for agent in ["a", "b"] {
        assert_eq!(heard(&world, agent)[..2], [text.to_owned(), "task".into()]);
    }
    let request = &world.asked[0].messages;
    assert_eq!((request[0].role, request[1].name.as_deref()), (Role::System, Some("chat_manager")));
    assert_eq!(world.said().len(), 3);
}

fn begun_with(initial: &[(&str, &str)], task: Option<&str>, max_round: u32) -> World {
    let author = |name: &str| if name == "user" { Author::Operator } else { Author::Agent(name.into()) };
    let initial = initial.iter().map(|(name, text)| Initial { author: author(name), content: (*text).into() });
    let (initial, task) = (initial.collect(), task.map(str::to_owned));
    let mut world = World::of(Team { initial, task, max_round, ..speakers(&["a", "b", "c"]) });
    world.go();
    world
}

/// AG2 9.1: what is replayed stands before the run; rounds begin at its last message, and so does the order.
#[test]
fn a_team_may_begin_in_the_middle_of_a_conversation() {
    let world = begun_with(&[("user", "plan a trip"), ("a", "where to?"), ("b", "to the sea")], None, 3);
    let said = ["user: plan a trip", "a: where to?", "b: to the sea", "c: c says 0", "a: a says 1"];
    assert_eq!(world.said(), said);
    assert_eq!(world.session.rounds(), 3, "the last of them, and two more");
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
    let kinds: Vec<_> = world.session.transcript().entries().iter().map(|entry| entry.message.kind).collect();
    assert_eq!(kinds[..3], [MessageKind::Human, MessageKind::Reply, MessageKind::Task]);
    assert_eq!(world.session.meter("b").auto_replies, 0, "what it said before does not count");
}

#[test]
fn with_a_task_what_was_said_before_is_only_history() {
    let world = begun_with(&[("a", "hello"), ("b", "hello a")], Some("now work"), 2);
    assert_eq!(world.said(), ["a: hello", "b: hello a", "user: now work", "a: a says 0"]);
    assert_eq!(world.session.rounds(), 2);
    let mut waiting = World::of(Team { initial: vec![], ..speakers(&["a"]) });
    waiting.go();
    assert_eq!(waiting.session.waiting(), [Waiting::Task]);
}
