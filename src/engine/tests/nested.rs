//! A team that answers as one agent.

use super::world::{Reply, World, fenced, say};
use crate::chat::command::Command;
use crate::chat::event::{EndCause, Event, Verdict};
use crate::chat::message::MessageKind;
use crate::chat::team::{Agent, AgentKind, ApprovalPolicy, Nested, Spec, Team};
use crate::engine::Rules;
use crate::session::testing::{runner, speaker, speakers, team};
use crate::session::{Session, Waiting};

fn behind(name: &str, team: Team, model: bool) -> Agent {
    let nested = Nested {
        team,
        when: None,
        message: None,
        carryover: false,
        memory: false,
        instruction: "They talked.".into(),
        response_prompt: "Answer.".into(),
    };
    let model = model.then(|| "main".to_owned());
    Agent { kind: AgentKind::Team, model, nested: Some(Box::new(nested)), ..speaker(name) }
}

/// `a`, then `society` with x and y in it, then `b`.
fn outer(inner: Team, model: bool) -> Team {
    let mut outer = team(vec![speaker("a"), behind("society", inner, model), speaker("b")]);
    outer.max_round = 4;
    outer
}

fn pair(max_round: u32) -> Team {
    Team { max_round, ..speakers(&["x", "y"]) }
}

#[test]
fn the_inner_conversation_is_visible_and_counted_and_nobody_outside_hears_it() {
    let mut world = World::of(outer(pair(3), true));
    world.script("society", [say("in one voice")]);
    world.begin("go");
    let said = world.said();
    assert_eq!(said[..3], ["user: go", "a: a says 0", "society/user: user: go\n\na: a says 0"]);
    assert!(said[3].starts_with("society/x: x says") && said[4].starts_with("society/y: y says"));
    assert_eq!(said[5], "society: in one voice");
    let asked = |who: &str| world.asked.iter().find(|request| &*request.agent == who).unwrap();
    let heard: Vec<_> = asked("b").messages.iter().map(|message| message.content.to_string()).collect();
    assert_eq!(heard[1..], ["go", "a says 0", "in one voice"]);
    let heard: Vec<_> = asked("society").messages.iter().map(|message| message.content.to_string()).collect();
    assert!(heard[0] == "They talked." && heard.len() == 4 && heard[3] == "Answer.", "{heard:?}");
    assert_eq!(world.session.rounds(), 4, "what is said within is no round");
    // Ten tokens in and five out for each of five calls, two of them within.
    assert_eq!(world.session.spent().tokens.total(), 75);
    assert_eq!(world.session.meter("society").tokens.total(), 45);
    assert_eq!(world.session.inner("society").unwrap().meter("x").tokens.total(), 15);
    assert!(world.asked.iter().all(|request| request.within.is_empty() != ["x", "y"].contains(&&*request.agent)));
}

/// AG2: last_msg takes TERMINATE out of the summary. AgentChat 77: nothing said within is `No response.`
#[test]
fn without_a_model_the_last_words_are_the_answer_and_no_words_are_no_response() {
    let mut world = World::of(outer(pair(9), false));
    world.script("x", [say("It is 42. TERMINATE")]).script("y", [say("TERMINATE")]);
    world.begin("go");
    let answer = world.session.transcript().entries().iter().find(|entry| entry.message.kind == MessageKind::Summary);
    assert!(answer.is_some(), "{:#?}", world.said());
    let mut world = World::of(outer(pair(1), true));
    world.begin("go");
    assert!(world.said().contains(&"society: No response.".to_owned()));
}

#[test]
fn every_turn_begins_a_new_inner_conversation() {
    let mut outer = outer(pair(3), false);
    outer.max_round = 7;
    let mut world = World::of(outer);
    world.begin("go");
    let tasks: Vec<_> = world.said().into_iter().filter(|line| line.starts_with("society/user:")).collect();
    assert_eq!(tasks.len(), 2);
    assert!(tasks[1].contains("b says") && !tasks[1].contains("user: go"), "only what it has not answered: {tasks:?}");
}

#[test]
fn code_inside_waits_for_the_operator_like_any_other() {
    let inner = Team { max_round: 3, ..team(vec![speaker("x"), runner("r", ApprovalPolicy::Always)]) };
    let mut world = World::of(outer(inner, false));
    world.script("x", [say(&fenced("print(1)"))]);
    world.begin("go");
    let waiting = world.session.waiting();
    let [Waiting::Approval(approval)] = waiting[..] else { panic!("{waiting:?}") };
    let hash = world.session.approval(approval).unwrap().hash.clone();
    let verdict = Verdict::Run;
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    assert_eq!(&*world.ran[0].1, "society/r");
    assert!(world.said().iter().any(|line| line.starts_with("society: exitcode: 0")), "{:#?}", world.said());
}

#[test]
fn an_interrupt_stops_the_inner_speaker_and_resume_gives_it_the_floor_again() {
    let mut world = World::of(outer(pair(3), false));
    world.script("x", [Reply::Hang("half".into()), say("whole")]);
    world.begin("go");
    world.command(Command::Interrupt);
    assert!(world.open_calls().is_empty() && world.session.hold().is_some());
    assert!(world.said().contains(&"[society/x: half]".to_owned()), "{:#?}", world.said());
    world.command(Command::Resume);
    assert!(world.said().contains(&"society/x: whole".to_owned()));
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
}

#[test]
fn a_crash_within_is_settled_and_goes_on_where_it_was() {
    let mut world = World::of(outer(pair(3), false));
    world.script("y", [Reply::Hang("half".into())]);
    world.begin("go");
    let mut again = world.reopened(Rules::default());
    again.command(Command::Resume);
    assert!(again.said().iter().any(|line| line.starts_with("society/y: y says")));
    assert_eq!(again.ended().unwrap().0, EndCause::MaxRound);
    let folded = Session::replay(again.session.log().iter().cloned()).unwrap();
    assert_eq!(folded.inner("society").unwrap().log().len(), again.session.inner("society").unwrap().log().len());
}

#[test]
fn a_limit_of_the_run_also_stops_the_team_within() {
    let mut outer = outer(pair(100), false);
    outer.limits.max_tokens = Some(60);
    let mut world = World::headless(outer);
    world.begin("go");
    assert_eq!(world.ended().unwrap().0, EndCause::Budget);
    assert_eq!(world.session.spent().tokens.total(), 60);
}

#[test]
fn a_failure_within_holds_the_run_and_resume_asks_again() {
    let mut world = World::of(outer(pair(3), false));
    let fail = || Reply::Fail(String::new(), crate::chat::request::FailureKind::Key);
    world.script("x", [fail(), say("better")]);
    world.begin("go");
    assert!(matches!(world.session.waiting()[..], [Waiting::Hold(_)]), "{:?}", world.session.waiting());
    world.command(Command::Resume);
    assert!(world.said().contains(&"society/x: better".to_owned()));
}

#[test]
fn chats_in_sequence_carry_over_what_the_earlier_came_to() {
    let chat = |name: &str, message: &str| {
        let mut agent = behind(name, pair(2), false);
        let nested = agent.nested.as_mut().unwrap();
        (nested.message, nested.carryover) = (Some(message.into()), true);
        agent
    };
    let mut outer = team(vec![chat("one", "t1"), chat("two", "t2"), chat("three", "t3")]);
    outer.speaker_selection_method = Spec::named("sequential");
    let mut world = World::of(outer);
    world.script("x", [say("S1"), say("S2"), say("S3")]);
    world.begin("go");
    let tasks: Vec<_> = world.said().into_iter().filter(|line| line.contains("/user:")).collect();
    // AG2 C131.
    assert_eq!(tasks, ["one/user: t1", "two/user: t2\nContext: \nS1", "three/user: t3\nContext: \nS1\nS2"]);
    assert_eq!(world.ended().unwrap().0, EndCause::Complete);
}

#[test]
fn a_rule_says_when_the_team_is_asked_and_the_agent_speaks_for_itself_otherwise() {
    let mut outer = outer(pair(2), true);
    outer.agents[1].nested.as_mut().unwrap().when = Some("last.text contains \"deep\"".into());
    outer.max_round = 7;
    let mut world = World::of(outer);
    world.script("a", [say("shallow"), say("deep")]);
    world.begin("go");
    assert_eq!(
        world.count(|event| matches!(event.innermost(), (path, Event::MessagePosted { .. }) if !path.is_empty())),
        2
    );
}

#[test]
fn teams_nest_in_teams_and_no_number_stands_for_two_things() {
    let innermost = pair(2);
    let middle = Team { max_round: 2, ..team(vec![behind("m", innermost, false), speaker("z")]) };
    let mut world = World::of(outer(middle, false));
    world.begin("go");
    assert!(world.said().iter().any(|line| line.starts_with("society/m/x: ")), "{:#?}", world.said());
    let mut ids: Vec<u64> = world.asked.iter().map(|request| request.call.0).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), world.asked.len());
    assert!(ids.iter().all(|id| *id < 1 << 53));
}
