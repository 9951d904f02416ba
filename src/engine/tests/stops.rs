//! What ends a run or holds it from outside the conversation: limits, circles, conditions, the operator, a signal.

use super::world::{Reply, World, fenced, say};
use crate::chat::budget::{Budget, Ceilings, Whose};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, EndCause, Event, HoldReason};
use crate::chat::team::{ApprovalPolicy, Condition, Limits, Spec, Team};
use crate::chat::usage::Money;
use crate::engine::effect::Input;
use crate::session::testing::{runner, speaker, speakers, team};

const NONE: Limits = Limits { max_cost: None, max_tokens: None, max_time_ms: None, max_executions: None };

fn limited(limits: Limits) -> Team {
    let agents = vec![speaker("a"), runner("x", ApprovalPolicy::Never)];
    Team { limits, max_round: 30, ..team(agents) }
}

fn coding(mut world: World) -> World {
    let code = (0..20).map(|n| say(&fenced(&format!("print({n})"))));
    world.script("a", code);
    world
}

fn ends(world: &World) -> usize {
    world.count(|event| matches!(event, Event::Ended { .. }))
}

#[test]
fn each_limit_holds_the_run_for_a_person_and_raising_it_goes_on() {
    let table = [
        ("max_cost", Limits { max_cost: Some(Money::from_dollars(0.03)), ..NONE }),
        ("max_tokens", Limits { max_tokens: Some(30), ..NONE }),
        ("max_time", Limits { max_time_ms: Some(20), ..NONE }),
        ("max_executions", Limits { max_executions: Some(2), ..NONE }),
    ];
    for (name, limits) in table {
        let mut world = coding(World::of(limited(limits)));
        world.begin("go");
        let Some(HoldReason::Budget { text }) = world.session.hold() else { panic!("{name}: {}", world.tail(5)) };
        assert!(text.contains(name), "{text}");
        let crossed = |event: &Event| matches!(event, Event::BudgetCrossed { limit, .. } if limit == name);
        assert_eq!(world.count(crossed), 1);
        let said = world.said().len();
        world.command(Command::Resume);
        assert!(world.refused[0].contains("Raise the limits"), "{:?}", world.refused);
        assert_eq!(world.said().len(), said, "it went on in spite of {name}");
        world.command(Command::RaiseLimits);
        assert!(world.said().len() > said, "{name}: {}", world.tail(5));
        assert_eq!(ends(&world), 0);
    }
}

#[test]
fn headless_each_limit_ends_the_run_with_exit_3() {
    let table = [
        Limits { max_cost: Some(Money::from_dollars(0.03)), ..NONE },
        Limits { max_tokens: Some(30), ..NONE },
        Limits { max_time_ms: Some(20), ..NONE },
        Limits { max_executions: Some(2), ..NONE },
    ];
    for limits in table {
        let mut world = coding(World::headless(limited(limits)));
        world.begin("go");
        assert_eq!((world.exit_code(), ends(&world)), (Some(3), 1), "{limits:?}");
    }
}

/// A limit that is crossed within a turn stops the next attempt, not only the next turn.
#[test]
fn a_limit_is_seen_to_before_every_attempt() {
    use crate::chat::request::FailureKind::Server;
    let mut world = World::of(limited(Limits { max_tokens: Some(10), ..NONE }));
    world.script("a", [Reply::Fail("x".repeat(100), Server), say("cheap")]).begin("go");
    assert!(matches!(world.session.hold(), Some(HoldReason::Budget { .. })));
    assert_eq!(world.asked.len(), 1);
    world.command(Command::RaiseLimits);
    assert_eq!(world.asked.len(), 2);
}

#[test]
fn money_spent_on_another_branch_counts_against_the_limit() {
    let mut world = coding(World::of(limited(Limits { max_tokens: Some(60), ..NONE })));
    world.begin("go");
    let calls = world.asked.len();
    let first = world.session.transcript().entries()[0].message.id;
    world.command(Command::Edit { message: first, content: "go again".into() });
    if world.session.hold().is_some() {
        world.command(Command::Resume);
    }
    assert_eq!(world.asked.len(), calls, "a fork must not make money come back");
}

#[test]
fn going_in_circles_holds_for_a_person_and_ends_headless_with_exit_4() {
    let same = || (0..9).map(|_| say("as I said"));
    let teams = || Team { max_round: 40, ..speakers(&["a", "b"]) };
    let mut world = World::of(teams());
    world.script("a", same()).begin("go");
    let Some(HoldReason::Circles { text }) = world.session.hold() else { panic!("{}", world.tail(5)) };
    assert!(text.contains("a said the same thing 4 times"), "{text}");
    let said = world.said().len();
    world.command(Command::Step);
    assert_eq!(world.said().len(), said + 1, "the operator can let it go on");
    let mut headless = World::headless(teams());
    headless.script("a", same()).begin("go");
    assert_eq!((headless.exit_code(), ends(&headless)), (Some(4), 1));
}

#[test]
fn a_condition_ends_the_run_once_with_its_name_and_exit_0() {
    let mention = |text: &str| {
        let options = [("value".to_owned(), text.into())].into_iter().collect();
        Condition::One(Spec { kind: "text_mention".into(), options })
    };
    let mut world = World::of(Team { termination: vec![mention("DONE")], ..speakers(&["a", "b"]) });
    world.script("a", [say("not yet")]).script("b", [say("DONE")]).begin("say DONE when you are done");
    assert_eq!(world.said().len(), 3);
    assert_eq!(world.ended(), Some((EndCause::Condition("text_mention".into()), "Text 'DONE' mentioned")));
    assert_eq!((world.exit_code(), ends(&world)), (Some(0), 1));
    // Words after the end are the task of the next run: they do not end what they begin.
    world.script("a", [say("DONE")]);
    world.command(Command::Speak { text: "now the same in French, and say DONE".into(), as_agent: None });
    assert_eq!(world.said().len(), 5, "{:?}", world.said());
    assert_eq!(ends(&world), 2);
}

#[test]
fn ending_while_a_program_runs_waits_for_it_and_ends_once() {
    let mut world = coding(World::of(limited(NONE)));
    world.programs_last = true;
    world.begin("go");
    world.input(Input::Command(Command::End));
    assert!(world.ended().is_none(), "its output would be lost");
    world.input(Input::Command(Command::End));
    world.go();
    assert_eq!((ends(&world), world.ended().unwrap().0), (1, EndCause::Operator));
    assert!(world.said().last().unwrap().ends_with("so far"));
    assert_eq!(world.count(|event| matches!(event, Event::Outcome { .. })), 1);
}

#[test]
fn after_such_an_end_words_begin_a_new_run() {
    let mut world = coding(World::of(limited(NONE)));
    world.programs_last = true;
    world.begin("go").command(Command::End);
    let said = world.said().len();
    world.programs_last = false;
    world.command(Command::Speak { text: "go on".into(), as_agent: None });
    assert!(world.said().len() > said + 2, "the new run was ended by the old command: {}", world.tail(3));
}

#[test]
fn ending_in_the_middle_of_words_keeps_them() {
    let mut world = World::of(speakers(&["a", "b"]));
    world.script("a", [Reply::Hang("I was".into())]).begin("go").command(Command::End);
    assert_eq!((ends(&world), world.said().last().unwrap().as_str()), (1, "[a: I was]"));
    assert!(world.open_calls().is_empty() && !world.session.is_busy());
    world.command(Command::End);
    assert!(world.refused[0].contains("already ended"));
}

#[test]
fn a_signal_ends_with_130_and_a_lost_view_only_holds() {
    let world = || {
        let mut world = World::of(speakers(&["a", "b"]));
        world.script("a", [Reply::Hang("I was".into())]).begin("go");
        world
    };
    let mut signal = world();
    signal.input(Input::Stop { cause: Some(EndCause::Interrupted) });
    assert_eq!((signal.exit_code(), ends(&signal)), (Some(130), 1));
    signal.input(Input::Stop { cause: Some(EndCause::Interrupted) });
    assert_eq!(ends(&signal), 1);
    let mut lost = world();
    lost.input(Input::Stop { cause: None });
    assert!(lost.ended().is_none() && lost.session.hold().is_some() && !lost.session.is_busy());
}

#[test]
fn ending_is_possible_from_every_hold_and_wait() {
    let held = |why| {
        let mut world = World::of(limited(Limits { max_tokens: Some(1), ..NONE }));
        world.begin("go");
        assert!(matches!(world.session.hold(), Some(HoldReason::Budget { .. })), "{why}");
        world
    };
    let mut waiting = World::of(team(vec![speaker("a"), runner("x", ApprovalPolicy::Always)]));
    waiting.script("a", [say(&fenced("print(1)"))]).begin("go");
    let mut pausing = World::of(speakers(&["a", "b"]));
    pausing.script("a", [Reply::Hang(String::new())]).begin("go");
    pausing.command(Command::Pause { boundary: Boundary::Turn });
    for mut world in [held("budget"), waiting, pausing, World::of(speakers(&["a"]))] {
        world.command(Command::End);
        assert_eq!((world.ended().unwrap().0, ends(&world)), (EndCause::Operator, 1));
        assert!(world.session.waiting().is_empty() && world.session.hold().is_none());
    }
}

fn budgeted(of: Whose, soft: Ceilings, hard: Ceilings) -> Team {
    Team { budgets: vec![Budget { of, soft, hard }], max_round: 20, ..speakers(&["a", "b"]) }
}

fn talking(mut world: World) -> World {
    for who in ["a", "b"] {
        world.script(who, (0..20).map(|n| say(&format!("{who} says {n}, and that is new"))));
    }
    world
}

#[test]
fn a_soft_line_asks_once_and_a_hard_line_holds_until_it_is_raised() {
    let (soft, hard) = (
        Ceilings { max_rounds: Some(2), ..Ceilings::default() },
        Ceilings { max_rounds: Some(4), ..Ceilings::default() },
    );
    let mut world = talking(World::of(budgeted(Whose::Session, soft, hard)));
    world.begin("go");
    let Some(HoldReason::Budget { text }) = world.session.hold().cloned() else { panic!("{}", world.tail(5)) };
    assert!(text.contains("soft max_rounds of the session") && text.contains("2 of 2"), "{text}");
    assert_eq!(world.asked.len(), 2);
    world.command(Command::Resume);
    let Some(HoldReason::Budget { text }) = world.session.hold().cloned() else { panic!("{}", world.tail(5)) };
    assert!(text.contains("hard max_rounds"), "{text}");
    assert_eq!(world.asked.len(), 4);
    world.command(Command::Resume);
    assert!(world.refused[0].contains("Raise the limits"), "{:?}", world.refused);
    world.command(Command::RaiseLimits);
    assert_eq!(world.asked.len(), 6, "half more: {}", world.tail(6));
}

#[test]
fn an_agent_and_a_model_have_lines_of_their_own() {
    let tokens = Ceilings { max_tokens: Some(20), ..Ceilings::default() };
    for of in [Whose::Agent("b".into()), Whose::Model("main".to_owned())] {
        let name = of.to_string();
        let mut world = talking(World::of(budgeted(of, Ceilings::default(), tokens)));
        world.begin("go");
        let Some(HoldReason::Budget { text }) = world.session.hold().cloned() else { panic!("{}", world.tail(5)) };
        assert!(text.contains(&format!("hard max_tokens of {name}")), "{text}");
    }
}

#[test]
fn headless_a_hard_line_ends_the_run_with_exit_3_and_a_soft_one_is_on_record() {
    let (soft, hard) = (
        Ceilings { max_rounds: Some(1), ..Ceilings::default() },
        Ceilings { max_rounds: Some(3), ..Ceilings::default() },
    );
    let mut world = talking(World::headless(budgeted(Whose::Session, soft, hard)));
    world.begin("go");
    assert_eq!(world.exit_code(), Some(3));
    assert_eq!(world.count(|event| matches!(event, Event::BudgetCrossed { .. })), 2);
    assert_eq!(world.asked.len(), 3, "nothing passes a hard line by more than the call that reached it");
}
