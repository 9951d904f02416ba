//! An agent is changed while the session goes on; the change is a record, and belongs to its branch.

use super::world::{Reply, World, say};
use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::context::ContextRule;
use crate::chat::event::{Actor, Event};
use crate::chat::team::Team;
use crate::engine::Rules;
use crate::session::testing::{runner, speaker, speakers, team};

fn two_models(max_round: u32) -> Team {
    let mut team = Team { max_round, ..speakers(&["a", "b"]) };
    let main = team.models["main"].clone();
    team.models.insert("second".into(), main);
    team
}

fn configure(agent: &str, change: Change) -> Command {
    Command::Configure { agent: agent.into(), change }
}

#[test]
fn what_is_changed_counts_from_the_next_request_on() {
    let mut world = World::of(two_models(9));
    world.script("a", [say("one"), Reply::Hang("two".into())]).begin("go");
    let (told, model) = (Some("You are brief.".into()), Some("second".to_owned()));
    let context = Some(ContextRule::Last { messages: 1, keep_first_message: false });
    world.command(configure("b", Change { system_message: told, model, context, ..Change::default() }));
    let actors: Vec<_> = world.session.log().iter().rev().take(1).map(|record| &record.actor).collect();
    assert_eq!(actors, [&Actor::Operator]);
    world.command(Command::Interrupt);
    world.script("a", [say("two, then")]).command(Command::Resume);
    let request = world.asked.iter().rfind(|request| &*request.agent == "b").unwrap();
    assert_eq!(request.model, "second");
    let said: Vec<_> = request.messages.iter().map(|prompt| &*prompt.content).collect();
    assert_eq!((said[0], said.len()), ("You are brief.", 2));
    let first = world.asked.iter().find(|request| &*request.agent == "b").unwrap();
    assert_eq!((first.model.as_str(), &*first.messages[0].content), ("main", "You are b."), "what was asked stays");
}

#[test]
fn a_change_belongs_to_its_branch_and_survives_reopening() {
    let mut world = World::of(two_models(3));
    world.begin("go");
    let fork = world.session.transcript().entries()[1].seq;
    let change = Change { description: Some("new here".into()), ..Change::default() };
    world.command(configure("a", change));
    let description = |world: &World| world.session.team().unwrap().agent("a").unwrap().description.clone();
    assert_eq!(description(&world), "new here");
    assert_eq!(description(&world.reopened(Rules::default())), "new here");
    world.command(Command::MoveTo { seq: fork });
    assert_eq!(description(&world), "what a is for", "before the fork nothing had been changed");
    let back = world.session.branches()[0].tip;
    world.command(Command::MoveTo { seq: back });
    assert_eq!(description(&world), "new here");
}

/// The limit of replies is one of them: an agent that was silenced by it speaks again.
#[test]
fn a_limit_is_read_where_it_counts() {
    let mut world = World::of(Team { max_round: 6, ..speakers(&["a", "b"]) });
    world.input(crate::engine::effect::Input::Command(configure(
        "a",
        Change { max_consecutive_auto_reply: Some(1), ..Change::default() },
    )));
    world.begin("go");
    let (cause, _) = world.ended().unwrap();
    assert_eq!(cause, crate::chat::event::EndCause::Member);
    assert_eq!(world.said().len(), 3);
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let mut world = World::of(team(vec![speaker("a"), runner("x", crate::chat::team::ApprovalPolicy::Always)]));
    let model = |name: &str| Change { model: Some(name.into()), ..Change::default() };
    for (agent, change, words) in [
        ("zed", Change::default(), "not a member"),
        ("a", model("other"), "It has: main"),
        ("x", model("main"), "no model"),
        ("a", Change::default(), "Nothing was changed"),
        ("a", model("main"), "Nothing was changed"),
    ] {
        world.command(configure(agent, change));
        assert!(world.refused.last().unwrap().contains(words), "{:?}", world.refused.last());
    }
    assert_eq!(world.count(|event| matches!(event, Event::Configured { .. })), 0);
}
