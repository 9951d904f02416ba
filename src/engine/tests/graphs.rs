//! Teams in which several speak at once, and teams whose way is drawn.

use super::world::{Reply, World, fail, say};
use crate::chat::command::Command;
use crate::chat::event::{EndCause, Event};
use crate::chat::request::FailureKind;
use crate::chat::team::{Spec, Team};
use crate::engine::Rules;
use crate::session::testing::speakers;
use serde_json::{Value, json};

fn team(names: &[&str], method: &str, options: Value) -> Team {
    let mut team = speakers(names);
    let Value::Object(options) = options else { panic!("options are a table") };
    team.speaker_selection_method = Spec { kind: method.into(), options };
    team.max_round = 12;
    team
}

fn order(world: &World) -> String {
    let names = world.choices();
    names.iter().map(|choice| choice.split(' ').next().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sequence_ends_when_each_has_spoken_once() {
    let mut world = World::of(team(&["a", "b", "c"], "sequential", json!({})));
    world.begin("go");
    assert_eq!(order(&world), "a b c");
    assert_eq!(world.ended().unwrap(), (EndCause::Complete, "Every agent has spoken"));
    world.command(Command::Speak { text: "again".into(), as_agent: None });
    assert_eq!(order(&world), "a b c a b c", "a new run is a new sequence");
}

#[test]
fn concurrent_agents_are_all_asked_before_any_has_answered_and_do_not_hear_each_other() {
    let mut world = World::of(team(&["a", "b", "c", "e"], "concurrent", json!({"aggregator": "e"})));
    world.script("a", [Reply::Hang("thinking".into())]);
    world.begin("go");
    // a hangs, and the others have answered meanwhile.
    assert_eq!(world.session.turns().len(), 1);
    assert_eq!(world.asked.len(), 3);
    world.command(Command::Interrupt);
    world.command(Command::Resume);
    assert_eq!(order(&world), "a b c a e");
    let heard =
        |n: usize| world.asked[n].messages.iter().map(|message| message.content.to_string()).collect::<Vec<_>>();
    for n in 0..3 {
        assert_eq!(heard(n)[1..], ["go"], "asked at the same moment");
    }
    assert_eq!(heard(4).len(), 5, "the one who draws together hears all");
    assert_eq!(world.ended().unwrap().0, EndCause::Complete);
}

#[test]
fn one_that_waits_before_its_next_attempt_does_not_hold_up_the_others() {
    let mut world = World::of(team(&["a", "b"], "concurrent", json!({})));
    world.script("a", [fail(FailureKind::Server), say("late")]);
    world.begin("go");
    assert_eq!(world.said()[1..].iter().map(String::as_str).collect::<Vec<_>>(), ["b: b says 1", "a: late"]);
}

#[test]
fn several_interrupted_at_once_all_get_the_floor_back_also_after_a_crash() {
    let mut world = World::of(team(&["a", "b"], "concurrent", json!({})));
    world.script("a", [Reply::Hang("x".into())]).script("b", [Reply::Hang("y".into())]);
    world.begin("go");
    assert_eq!(world.session.turns().len(), 2);
    let mut again = world.reopened(Rules::default());
    again.command(Command::Resume);
    assert_eq!(order(&again), "a b a b");
    world.command(Command::Interrupt);
    world.command(Command::Resume);
    assert_eq!(order(&world), "a b a b");
    assert_eq!(world.ended().unwrap().0, EndCause::Complete);
}

#[test]
fn what_speaks_at_once_never_passes_the_last_round() {
    let mut team = team(&["a", "b", "c"], "concurrent", json!({"steps": 5}));
    team.max_round = 6;
    let mut world = World::of(team);
    world.begin("go");
    assert_eq!(world.session.rounds(), 6);
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
}

/// AgentChat 79 to 81: both branches run at once, and the join waits for both.
#[test]
fn branches_run_at_once_and_a_join_waits_for_all() {
    let edges = json!([{"from": "a", "to": "b"}, {"from": "a", "to": "c"}, {"from": "b", "to": "d"},
        {"from": "c", "to": "d"}]);
    let mut world = World::of(team(&["a", "b", "c", "d"], "graph", json!({"edges": edges})));
    world.begin("go");
    assert_eq!(order(&world), "a b c d");
    assert_eq!(world.ended().unwrap(), (EndCause::Complete, "Digraph execution is complete"));
    let steps = world.count(|event| matches!(event, Event::GraphStepped { .. }));
    assert_eq!(steps, 4);
}

#[test]
fn a_condition_leads_back_until_it_no_longer_holds() {
    let edges = json!([{"from": "w", "to": "r"}, {"from": "r", "to": "w", "contains": "REVISE", "group": "again", "join": "any"},
        {"from": "r", "to": "p", "contains": "APPROVE"}]);
    let mut world = World::of(team(&["w", "r", "p"], "graph", json!({"edges": edges, "start": ["w"]})));
    world.script("r", [say("REVISE it"), say("APPROVE")]);
    world.begin("go");
    assert_eq!(order(&world), "w r w r p");
}

#[test]
fn a_join_that_never_came_about_is_named_at_the_end() {
    let edges = json!([{"from": "a", "to": "b", "contains": "yes"}, {"from": "a", "to": "c"}, {"from": "b", "to": "d"},
        {"from": "c", "to": "d"}]);
    let mut world = World::of(team(&["a", "b", "c", "d"], "graph", json!({"edges": edges})));
    world.begin("go");
    assert_eq!(order(&world), "a c");
    assert_eq!(world.ended().unwrap().1, "Digraph execution is complete; d still waited for b");
}

#[test]
fn a_run_that_was_stopped_in_mid_graph_goes_on_there_and_a_complete_one_starts_over() {
    let edges = json!([{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]);
    let mut world = World::of(team(&["a", "b", "c"], "graph", json!({"edges": edges})));
    world.script("b", [Reply::Hang("…".into())]);
    world.begin("go");
    world.command(Command::End);
    world.command(Command::Speak { text: "go on".into(), as_agent: None });
    assert_eq!(order(&world), "a b b c");
    world.command(Command::Speak { text: "once more".into(), as_agent: None });
    assert_eq!(order(&world), "a b b c a b c");
}
