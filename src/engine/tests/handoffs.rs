//! Teams whose speakers say who is next.

use super::world::{Reply, World, call, say};
use crate::chat::command::Command;
use crate::chat::event::EndCause;
use crate::chat::message::MessageKind;
use crate::chat::team::{AfterWork, Agent, AgentKind, Handoff, Spec, Target, Team};
use crate::session::Waiting;
use crate::session::testing::{speaker, team};
use serde_json::json;

fn to(target: &str) -> Handoff {
    Handoff {
        target: target.into(),
        name: format!("transfer_to_{target}"),
        description: format!("Handoff to {target}."),
        message: format!("Transferred to {target}, adopting the role of {target} immediately."),
        available_when: None,
        when: None,
        set: Default::default(),
    }
}

fn handing(name: &str, handoffs: Vec<Handoff>) -> Agent {
    Agent { handoffs, ..speaker(name) }
}

fn swarm(agents: Vec<Agent>, after_work: &str) -> Team {
    let mut team = team(agents);
    team.speaker_selection_method = Spec::named("handoff");
    team.speaker_selection_method.options.insert("after_work".into(), after_work.into());
    team.max_round = 8;
    team
}

fn speakers(world: &World) -> Vec<String> {
    world.choices().iter().map(|choice| choice.split(' ').next().unwrap().to_owned()).collect()
}

/// AgentChat 58, 59: the latest hand-off decides, and without one the speaker keeps the floor.
#[test]
fn the_target_of_the_latest_hand_off_speaks_and_keeps_the_floor() {
    let mut team = swarm(vec![handing("a", vec![to("b")]), speaker("b"), speaker("c")], "stay");
    team.max_round = 5;
    let mut world = World::of(team);
    world.script("a", [call("transfer_to_b", "{}")]);
    world.begin("help");
    assert_eq!(speakers(&world), ["a", "b", "b", "b"]);
    assert_eq!(world.said()[3], "a: Transferred to b, adopting the role of b immediately.");
}

/// AgentChat 67: several hand-offs in one reply are all answered and the first wins. 68: bad arguments still hand over.
#[test]
fn of_several_hand_offs_the_first_wins_and_arguments_do_not_matter() {
    let mut world =
        World::of(swarm(vec![handing("a", vec![to("b"), to("c")]), speaker("b"), speaker("c")], "terminate"));
    let calls = [("transfer_to_c", "not json"), ("transfer_to_b", "{}")];
    let calls = calls.map(|(name, arguments)| (name.to_owned(), arguments.to_owned())).to_vec();
    world.script("a", [Reply::Call(String::new(), calls)]);
    world.begin("help");
    assert_eq!(speakers(&world), ["a", "c"]);
    assert_eq!(world.ended().unwrap().0, EndCause::NoSpeaker);
}

#[test]
fn after_work_says_who_follows_when_nobody_was_handed_the_floor() {
    let rule = |when: Option<&str>, target| AfterWork { when: when.map(str::to_owned), target };
    let mut first = speaker("a");
    first.after_work = vec![
        rule(Some("last.text contains \"never\""), Target::Agent("c".into())),
        rule(None, Target::Agent("b".into())),
    ];
    let mut world = World::of(swarm(vec![first, speaker("b"), speaker("c")], "terminate"));
    world.begin("go");
    assert_eq!(speakers(&world), ["a", "b"]);
    assert_eq!(world.ended().unwrap(), (EndCause::NoSpeaker, "No next speaker selected"));
}

#[test]
fn a_rule_hands_over_without_asking_the_model_and_sets_variables() {
    let mut by_rule = to("b");
    by_rule.when = Some("context.stage == \"done\"".into());
    let mut first = to("c");
    first.set = serde_json::Map::from_iter([("stage".to_owned(), json!("done"))]);
    let mut back = handing("c", vec![to("a")]);
    back.system_message = "The stage is {stage}; {this} is no variable.".into();
    let mut team = swarm(vec![handing("a", vec![by_rule, first]), speaker("b"), back], "terminate");
    team.context_variables = serde_json::Map::from_iter([("stage".to_owned(), json!("new"))]);
    let mut world = World::of(team);
    world.script("a", [call("transfer_to_c", "{}")]).script("c", [call("transfer_to_a", "{}")]);
    world.begin("go");
    assert_eq!(speakers(&world), ["a", "c", "a", "b"]);
    assert_eq!(
        world.asked.iter().filter(|request| &*request.agent == "a").count(),
        1,
        "the second time a rule decides"
    );
    let told = &world.asked[1].messages[0].content;
    assert_eq!(&**told, "The stage is done; {this} is no variable.");
    assert_eq!(world.session.context()["stage"], "done");
}

#[test]
fn a_hand_off_is_offered_only_while_its_rule_holds() {
    let mut late = to("b");
    late.available_when = Some("round > 3".into());
    let mut world = World::of(swarm(vec![handing("a", vec![late]), speaker("b")], "stay"));
    world.begin("go");
    let offered: Vec<usize> = world.asked.iter().map(|request| request.tools.len()).collect();
    assert_eq!(offered[..4], [0, 0, 0, 1]);
}

/// Reference: agentchat-semantics 12, no. 12: plain words go to the agent that handed off.
#[test]
fn handing_over_to_the_person_waits_for_words_and_returns_them() {
    let mut world = World::of(swarm(vec![handing("a", vec![to("user")]), speaker("b")], "terminate"));
    world.script("a", [call("transfer_to_user", "{}"), say("thank you")]);
    world.begin("go");
    assert!(matches!(world.session.waiting()[..], [Waiting::Pick]), "{:?}", world.session.waiting());
    world.command(Command::Speak { text: "42".into(), as_agent: None });
    assert_eq!(speakers(&world), ["a", "a"]);
    assert_eq!(world.said().last().unwrap(), "a: thank you");
}

#[test]
fn a_user_proxy_that_was_handed_the_floor_gives_it_back() {
    let person =
        Agent { kind: AgentKind::UserProxy, model: None, default_auto_reply: Some("ok".into()), ..speaker("p") };
    let mut world = World::of(swarm(vec![handing("a", vec![to("p")]), speaker("b"), person], "terminate"));
    world.script("a", [call("transfer_to_p", "{}"), say("done")]);
    world.begin("go");
    assert_eq!(speakers(&world), ["a", "p", "a"]);
}

#[test]
fn nobody_hears_the_calls_that_hand_over_but_everybody_the_message() {
    let mut world = World::of(swarm(vec![handing("a", vec![to("b")]), speaker("b")], "terminate"));
    world.script("a", [call("transfer_to_b", "{}")]);
    world.begin("go");
    let heard: Vec<_> = world.asked[1].messages.iter().map(|message| &*message.content).collect();
    assert_eq!(heard[1..], ["go", "Transferred to b, adopting the role of b immediately."]);
    assert_eq!(world.session.rounds(), 3);
    let kinds: Vec<_> = world.session.transcript().entries().iter().map(|entry| entry.message.kind).collect();
    use MessageKind::*;
    assert_eq!(kinds, [Task, ToolCalls, ToolResults, Handoff, Reply]);
}
