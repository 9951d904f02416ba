//! Programs of the user's that say who speaks or whether it is over; rules that do; requests and questions to end.

use super::world::{World, say};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, EndCause, Event, HoldReason};
use crate::chat::team::{Condition, Spec, Team};
use crate::engine::Rules;
use crate::engine::effect::Input;
use crate::session::testing::{speaker, speakers, team};
use serde_json::{Value, json};

fn spec(kind: &str, options: Value) -> Spec {
    let Value::Object(options) = options else { panic!("options are a table") };
    Spec { kind: kind.into(), options }
}

fn program() -> Value {
    json!({ "command": { "argv": ["/x/pick.py", "--fast"], "dir": "/x" } })
}

fn asking(max_round: u32) -> Team {
    Team { speaker_selection_method: spec("command", program()), max_round, ..speakers(&["a", "b", "c"]) }
}

fn ending(condition: Condition) -> Team {
    Team { termination: vec![condition], max_round: 20, ..speakers(&["a", "b"]) }
}

fn one(kind: &str, value: impl Into<Value>) -> Condition {
    Condition::One(spec(kind, json!({ "value": value.into() })))
}

fn reasons(world: &World) -> Vec<String> {
    let path = world.session.path();
    let chosen = path.iter().filter_map(|record| match &record.event {
        Event::SpeakerChosen { choice } => Some(format!("{} {}: {}", choice.agent, choice.mode, choice.reason)),
        _ => None,
    });
    chosen.collect()
}

#[test]
fn a_program_is_told_the_conversation_and_names_the_next_speaker() {
    for mut world in [World::of(asking(4)), World::headless(asking(4))] {
        world.advice.extend([Ok("c"), Ok("**b**"), Ok("a")]);
        world.begin("hi");
        let named = ["c command: named by pick.py", "b command: named by pick.py", "a command: named by pick.py"];
        assert_eq!(reasons(&world), named);
        let (_, asked) = &world.consulted[1];
        assert_eq!((asked.command.join(" "), asked.dir.as_str()), ("/x/pick.py --fast".to_owned(), "/x"));
        let told: Value = serde_json::from_str(&asked.input).unwrap();
        assert_eq!((&told["purpose"], &told["candidates"]), (&json!("select"), &json!(["a", "b", "c"])));
        assert_eq!((&told["last_speaker"], &told["round"]), (&json!("c"), &json!(2)));
        assert_eq!(told["messages"][0]["author"], "user");
        assert_eq!(told["messages"][1]["author"], "c");
        assert_eq!(world.count(|event| matches!(event, Event::ConsultAnswered(_))), 3);
    }
}

#[test]
fn an_answer_that_cannot_be_used_falls_back_to_the_teams_order_and_says_so() {
    let mut world = World::of(asking(6));
    world.advice.extend([Ok(""), Ok("a or b"), Ok("zed"), Err("it took longer than 5 s"), Ok("b")]);
    world.begin("hi");
    let fallback = "command fallback: fallback to the team's order: pick.py:";
    let expected = [
        format!("a {fallback} it named nobody"),
        format!("b {fallback} it named several"),
        format!("c {fallback} \"zed\" is nobody who may speak now"),
        format!("a {fallback} it took longer than 5 s"),
        "b command: named by pick.py".to_owned(),
    ];
    assert_eq!(reasons(&world), expected);
}

#[test]
fn the_operator_goes_before_a_program_that_is_being_asked() {
    let mut world = World::of(asking(3));
    world.consults_last = true;
    world.begin("hi");
    assert!(world.session.is_busy() && world.session.acts());
    world.command(Command::CallOn { agent: "b".into() });
    assert_eq!(world.choices(), ["b queue"]);
    world.consults_last = false;
    world.advice.push_back(Ok("c"));
    world.go();
    assert_eq!(world.choices(), ["b queue", "c command"]);
}

#[test]
fn interrupting_stops_the_program_and_it_is_asked_anew_afterwards() {
    let mut world = World::of(asking(2));
    world.consults_last = true;
    world.begin("hi").command(Command::Interrupt);
    assert_eq!(world.session.hold(), Some(&HoldReason::Operator));
    assert!(world.session.consults().open().is_none());
    world.consults_last = false;
    world.advice.push_back(Ok("b"));
    world.command(Command::Resume);
    assert_eq!((world.choices(), world.consulted.len()), (vec!["b command".to_owned()], 2));
}

#[test]
fn a_program_that_a_crash_cut_off_is_not_asked_twice_for_the_same_turn() {
    let mut world = World::of(asking(2));
    world.consults_last = true;
    world.begin("hi");
    let mut again = world.reopened(Rules::default());
    assert_eq!(again.session.hold(), Some(&HoldReason::Opened));
    again.command(Command::Resume);
    assert_eq!(again.consulted.len(), 0);
    assert!(
        reasons(&again)[0].contains("command fallback: fallback to the team's order: pick.py: Plenary was stopped")
    );
}

#[test]
fn opening_a_session_and_looking_at_it_asks_no_program() {
    let mut world = World::of(asking(9));
    world.advice.extend([Ok("a"); 3]);
    world.input(Input::Command(Command::Speak { text: "hi".into(), as_agent: None }));
    let mut again = world.reopened(Rules::default());
    again.go();
    again.command(Command::Queue { queue: vec!["a".into()] });
    assert!(again.consulted.is_empty());
}

#[test]
fn the_first_rule_that_holds_says_who_speaks_and_otherwise_the_other_way() {
    let rules = json!([
        { "when": "last.text contains 'FAIL'", "speaker": "fixer" },
        { "when": "speaker == fixer", "speaker": "tester" },
        { "when": "speaker == tester", "speaker": "tester" },
    ]);
    let method = spec("rule", json!({ "rules": rules, "otherwise": "boss" }));
    let names = ["boss", "fixer", "tester"];
    let team = Team {
        speaker_selection_method: method,
        allow_repeat_speaker: crate::chat::team::Repeat::Nobody,
        max_round: 6,
        ..team(names.iter().map(|name| speaker(name)).collect())
    };
    let mut world = World::of(team);
    world.script("boss", [say("FAIL"), say("fine")]).script("tester", [say("good")]).script("fixer", [say("done")]);
    world.begin("go");
    let expected = [
        "boss rule: no rule holds",
        "fixer rule: last.text contains 'FAIL'",
        "tester rule: speaker == fixer",
        // The tester may not repeat, so its rule is passed over.
        "boss rule: no rule holds",
        "fixer rule fallback: fallback to the team's order: no rule holds, and boss may not speak",
    ];
    assert_eq!(reasons(&world), expected);
}

#[test]
fn a_rule_that_leaves_it_to_the_model_asks_the_model() {
    let rules = json!([{ "when": "count(a) == 0", "speaker": "a" }]);
    let method = spec("rule", json!({ "rules": rules, "otherwise": "auto" }));
    let selector_model = Some("main".into());
    let mut world =
        World::of(Team { speaker_selection_method: method, selector_model, max_round: 3, ..speakers(&["a", "b"]) });
    world.script("selector", [say("b")]).begin("go");
    assert_eq!(world.choices(), ["a rule", "b auto"]);
}

#[test]
fn a_program_ends_the_run_by_printing_why() {
    let command = || Condition::One(spec("command", program()));
    let mut world = World::of(ending(command()));
    world.advice.extend([Ok(""), Err("it ended with exit code 1"), Ok("the tests pass\nall of them")]);
    world.begin("go");
    assert_eq!(world.ended(), Some((EndCause::Condition("command".into()), "the tests pass")));
    assert_eq!(world.said().len(), 4, "an empty answer and a failure go on");
    let detail = &world.session.ended().unwrap().detail;
    assert_eq!(detail.condition.as_deref(), Some("termination[0]"));
    assert_eq!(world.consulted[0].1.key, "termination[0]");
    let every = Condition::One(spec("command", {
        let mut options = program();
        options["every"] = json!(2);
        options
    }));
    let mut world = World::of(Team { max_round: 6, ..ending(every) });
    world.begin("go");
    assert_eq!(world.consulted.len(), 2, "after turns 2 and 4");
}

#[test]
fn a_program_that_chooses_and_one_that_ends_do_not_mix_up_their_answers() {
    let done = Condition::All(vec![one("max_messages", 3), Condition::One(spec("command", program()))]);
    let mut world = World::of(Team { termination: vec![done], ..asking(9) });
    // After each turn first whether it is over, then who is next.
    world.advice.extend([Ok("a"), Ok(""), Ok("b"), Ok("enough")]);
    world.begin("go");
    assert_eq!(world.choices(), ["a command", "b command"]);
    assert_eq!(world.ended().unwrap().0, EndCause::Condition("max_messages and command".into()));
}

#[test]
fn a_request_to_terminate_takes_effect_when_the_turn_is_over() {
    let mut world = World::of(ending(one("max_messages", 15)));
    world.input(Input::Command(Command::Speak { text: "go".into(), as_agent: None }));
    world.input(Input::Command(Command::Terminate));
    assert!(world.ended().is_none(), "the turn goes on");
    world.go();
    assert_eq!(world.ended(), Some((EndCause::Operator, "External termination requested")));
    assert_eq!(world.said().len(), 2);
    world.command(Command::Terminate);
    assert!(world.refused[0].contains("already ended"));
    world.command(Command::Speak { text: "more".into(), as_agent: None });
    assert!(world.said().len() > 4, "the next run knows nothing of it");
}

#[test]
fn a_request_can_be_one_part_of_a_condition() {
    let both = Condition::All(vec![one("external", true), one("max_messages", 4)]);
    let mut world = World::of(ending(both));
    world.command(Command::Terminate).begin("go");
    assert_eq!(
        (world.said().len(), world.ended().unwrap().0),
        (4, EndCause::Condition("external and max_messages".into()))
    );
}

#[test]
fn the_operator_is_asked_at_a_turn_boundary_whether_it_is_over() {
    let mut world = World::of(ending(one("ask_operator", 2)));
    world.begin("go");
    let asked = |world: &World, turns: usize| {
        assert_eq!(
            world.session.hold(),
            Some(&HoldReason::Ask { text: format!("{turns} turns are over. Is the run?") })
        );
        assert_eq!(world.said().len(), turns + 1);
    };
    asked(&world, 2);
    world.command(Command::Resume);
    asked(&world, 4);
    world.command(Command::End);
    assert_eq!(world.ended().unwrap().0, EndCause::Operator);
    let mut world = World::headless(ending(one("ask_operator", 2)));
    world.begin("go");
    assert_eq!((world.exit_code(), world.said().len()), (Some(5), 3));
}

#[test]
fn the_operator_is_asked_about_an_all_only_when_the_rest_is_met() {
    let all = Condition::All(vec![one("text_mention", "DONE"), one("ask_operator", 1)]);
    let mut world = World::of(ending(all));
    world.script("b", [say("not yet"), say("DONE")]).begin("go");
    assert!(matches!(world.session.hold(), Some(HoldReason::Ask { .. })));
    assert_eq!(world.said().len(), 5);
}

#[test]
fn time_ends_a_run_that_waits_for_a_pick() {
    for (kind, limit, text) in
        [("timeout", 60_000, "Timeout of 60 seconds reached"), ("idle", 30_000, "Nothing was said for 30 seconds")]
    {
        let method = Spec::named("manual");
        let mut world = World::of(Team { speaker_selection_method: method, ..ending(one(kind, limit)) });
        world.begin("go");
        assert_eq!(world.ended(), Some((EndCause::Condition(kind.into()), text)));
    }
    // Nothing ends while the run holds.
    let method = Spec::named("manual");
    let mut world = World::of(Team { speaker_selection_method: method, ..ending(one("idle", 30_000)) });
    world.command(Command::Pause { boundary: Boundary::Turn }).begin("go");
    world.now += 3_600_000;
    world.go();
    assert!(world.ended().is_none());
}

#[test]
fn an_end_says_where_its_condition_stands_and_what_it_saw() {
    let nested = Condition::Any(vec![one("max_turns", 9), one("rule", "count(b) >= 2 and last.speaker == b")]);
    let mut world =
        World::of(Team { termination: vec![one("max_messages", 19), nested], ..ending(one("max_turns", 9)) });
    world.begin("go");
    let ended = world.session.ended().unwrap();
    assert_eq!(ended.cause, EndCause::Condition("rule".into()));
    assert_eq!(ended.detail.condition.as_deref(), Some("termination[1].any[1]"));
    let values = [("count(\"b\")", "2"), ("last.speaker", "\"b\"")];
    assert_eq!(ended.detail.values, values.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(world.count(|event| matches!(event, Event::Ended { .. })), 1);
}
