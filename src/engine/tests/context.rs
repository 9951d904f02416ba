//! What an agent's model is sent, by its context rule.

use super::world::{World, say};
use crate::chat::context::ContextRule;
use crate::chat::event::Event;
use crate::chat::request::Role;
use crate::chat::team::{Agent, Team};
use crate::session::sight::view;
use crate::session::testing::{speaker, team};

fn windowed(context: ContextRule, max_round: u32) -> World {
    let narrow = Agent { context, ..speaker("a") };
    let mut world = World::of(Team { max_round, ..team(vec![narrow, speaker("b")]) });
    world.script("a", (1..).map(|n| say(&format!("a{n}"))).take(20));
    world.script("b", (1..).map(|n| say(&format!("b{n}"))).take(20));
    world.begin("task");
    world
}

fn sent(world: &World, nth: usize) -> Vec<String> {
    world.asked[nth].messages.iter().map(|prompt| prompt.content.to_string()).collect()
}

#[test]
fn a_window_moves_with_the_conversation_and_the_record_says_what_it_leaves_out() {
    let world = windowed(ContextRule::Last { messages: 2, keep_first_message: false }, 9);
    assert_eq!(sent(&world, 0), ["You are a.", "task"]);
    assert_eq!(sent(&world, 2), ["You are a.", "a1", "b1"]);
    assert_eq!(sent(&world, 6), ["You are a.", "a3", "b3"]);
    assert_eq!(sent(&world, 7), ["You are b.", "task", "a1", "b1", "a2", "b2", "a3", "b3", "a4"]);
    let left: Vec<u32> = (world.session.log().iter())
        .filter_map(|record| match &record.event {
            Event::ModelCalled { agent, left_out, messages, .. } if &**agent == "a" => {
                assert_eq!(*messages, if *left_out == 0 { 2 } else { 3 });
                Some(*left_out)
            }
            _ => None,
        })
        .collect();
    assert_eq!(left, [0, 1, 3, 5]);
    assert_eq!(world.session.transcript().len(), 9, "the transcript has everything");
}

#[test]
fn between_head_and_tail_the_model_is_told_how_much_is_missing() {
    let world = windowed(ContextRule::HeadAndTail { head: 1, tail: 2 }, 9);
    assert_eq!(sent(&world, 6), ["You are a.", "task", "Skipped 4 messages.", "a3", "b3"]);
    let skipped = &world.asked[6].messages[2];
    assert_eq!((skipped.role, skipped.name.as_deref()), (Role::User, Some("System")));
}

#[test]
fn after_an_edit_the_window_is_counted_anew() {
    let mut world = windowed(ContextRule::Last { messages: 2, keep_first_message: true }, 5);
    let first = world.session.transcript().entries()[1].message.id;
    world.command(crate::chat::command::Command::Edit { message: first, content: "changed".into() });
    let last = world.asked.last().unwrap().agent.clone();
    assert_eq!(&*last, "b", "b answers the third message, which is the last");
    let of_a = world.asked.iter().rposition(|request| &*request.agent == "a").unwrap();
    assert_eq!(sent(&world, of_a), ["You are a.", "task", "b3"]);
}

#[test]
fn what_the_view_promises_is_what_is_sent() {
    for context in [
        ContextRule::Full,
        ContextRule::Last { messages: 3, keep_first_message: true },
        ContextRule::MaxTokens { tokens: 2, keep_first_message: false },
        ContextRule::HeadAndTail { head: 2, tail: 1 },
    ] {
        let world = windowed(context, 8);
        let agent = world.session.team().unwrap().agent("a").unwrap().clone();
        let promised = view(&agent, &world.session);
        let question = crate::engine::context::Contexts::default().question(&agent, "main", &[], &world.session);
        assert_eq!(question.messages.len(), promised.parts.len(), "{context}");
        let tokens: u64 =
            question.messages.iter().map(|prompt| crate::chat::usage::estimate_tokens(&prompt.content)).sum();
        assert_eq!(tokens, promised.tokens(), "{context}");
        assert_eq!(question.left_out as usize, promised.left_out(), "{context}");
    }
}
