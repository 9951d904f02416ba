//! After the end: a summary, and what stands in for it.

use super::world::{Reply, World, fail, say};
use crate::chat::command::Command;
use crate::chat::end::SummarySetup;
use crate::chat::event::{Event, SummaryMethod};
use crate::chat::request::{FailureKind, Purpose, Role};
use crate::chat::team::{Limits, Team};
use crate::engine::Rules;
use crate::engine::effect::Input;
use crate::session::summary::Summary;
use crate::session::testing::speakers;

fn by(method: SummaryMethod) -> Team {
    let model = (method == SummaryMethod::ReflectionWithLlm).then(|| "main".to_owned());
    Team { max_round: 3, summary: Some(SummarySetup { method, prompt: None, model }), ..speakers(&["a", "b"]) }
}

fn summed(world: &World) -> Summary {
    world.session.summing().done.clone().expect("there is no summary")
}

#[test]
fn the_last_message_sums_up_without_the_word_that_ended_it() {
    let mut world = World::of(by(SummaryMethod::LastMsg));
    world.script("b", [say("It is 42. TERMINATE")]).begin("what is it?");
    let expected = Summary { method: SummaryMethod::LastMsg, text: "It is 42. ".into(), problem: None };
    assert_eq!(summed(&world), expected);
    assert_eq!(world.asked.len(), 2, "nobody is asked for it");
}

#[test]
fn a_model_sums_up_what_all_heard_and_its_tokens_are_kept_apart_and_counted() {
    let mut world = World::of(by(SummaryMethod::ReflectionWithLlm));
    world.script("summary", [say(" in short: 42 ")]).begin("what is it?");
    assert_eq!((&*summed(&world).text, summed(&world).problem), ("in short: 42", None));
    let request = world.asked.last().unwrap();
    assert_eq!(request.purpose, Purpose::Summarize);
    let said: Vec<_> = request.messages.iter().map(|prompt| (prompt.role, prompt.name.as_deref())).collect();
    let user = Role::User;
    assert_eq!(said, [(user, None), (user, Some("a")), (user, Some("b")), (Role::System, None)]);
    assert_eq!(world.session.summing().meter.tokens.total(), 15);
    assert_eq!(world.session.spent().tokens.total(), 45);
    assert_eq!(world.session.totals(world.now).rounds, 3);
    assert_eq!(world.count(|event| matches!(event, Event::Ended { .. })), 1);
}

#[test]
fn a_summary_that_fails_never_hides_the_end() {
    let mut world = World::headless(by(SummaryMethod::ReflectionWithLlm));
    world.script("summary", [fail(FailureKind::Key)]).begin("go");
    let end = world.exit_code();
    assert_eq!(end, Some(0));
    assert_eq!((summed(&world).method, &*summed(&world).text), (SummaryMethod::LastMsg, "b says 1"));
    assert!(summed(&world).problem.unwrap().contains("failed"));
    // As every call, it is tried again where that can help.
    let mut world = World::headless(by(SummaryMethod::ReflectionWithLlm));
    world.script("summary", [fail(FailureKind::Server), say("at last")]).begin("go");
    assert_eq!(&*summed(&world).text, "at last");
}

#[test]
fn nothing_is_spent_on_a_summary_beyond_a_limit_or_after_a_signal() {
    let limits = Limits { max_tokens: Some(15), max_cost: None, max_time_ms: None, max_executions: None };
    let mut world = World::headless(Team { limits, ..by(SummaryMethod::ReflectionWithLlm) });
    world.begin("go");
    assert_eq!(world.exit_code(), Some(3));
    assert!(summed(&world).problem.unwrap().contains("limit max_tokens"));
    let mut world = World::of(by(SummaryMethod::ReflectionWithLlm));
    world.script("a", [Reply::Hang("well".into())]).begin("go");
    world.input(Input::Stop { cause: Some(crate::chat::event::EndCause::Interrupted) });
    assert!(summed(&world).problem.unwrap().contains("interrupted"));
    assert!(world.asked.iter().all(|request| request.purpose == Purpose::Speak));
}

#[test]
fn it_can_be_stopped_and_words_after_the_end_leave_it_behind() {
    let mut world = World::of(by(SummaryMethod::ReflectionWithLlm));
    world.script("summary", [Reply::Hang("let me".into())]).begin("go");
    assert!(world.session.awaits_summary() && world.session.acts());
    world.command(Command::Interrupt);
    assert_eq!(summed(&world).problem.as_deref(), Some("it was interrupted"));

    let mut world = World::of(by(SummaryMethod::ReflectionWithLlm));
    world.script("summary", [Reply::Hang("let me".into()), say("the second run")]).begin("go");
    world.command(Command::Speak { text: "once more".into(), as_agent: None });
    assert_eq!(&*summed(&world).text, "the second run");
    assert_eq!(world.count(|event| matches!(event, Event::Summarized(_))), 1);
}

#[test]
fn a_crash_while_it_is_written_does_not_write_it_on_opening() {
    let mut world = World::of(by(SummaryMethod::ReflectionWithLlm));
    world.script("summary", [Reply::Hang("let me".into())]).begin("go");
    let mut again = world.reopened(Rules::default());
    again.go();
    assert!(summed(&again).problem.unwrap().contains("stopped before"));
    assert!(again.asked.is_empty(), "nothing goes on by itself");
    assert_eq!(again.reopened(Rules::default()).session.log().len(), again.session.log().len(), "once");
}
