//! Breakpoints, steps, requests and replies that are held back.

use super::world::{Reply, World, call, fenced, say};
use crate::chat::breaks::{BreakCommand, BreakId, Breakpoint, Breaks, Deed, SetBy, Until};
use crate::chat::command::Command;
use crate::chat::event::{EndCause, Event, HoldReason};
use crate::chat::id::MessageId;
use crate::chat::message::MessageKind;
use crate::chat::request::{FailureKind, Prompt, Role};
use crate::chat::team::{Agent, ApprovalPolicy, Team, ToolSetup};
use crate::engine::Rules;
use crate::session::Session;
use crate::session::testing::{runner, speaker, speakers, team};
use serde_json::json;

fn on(rule: &str) -> Breakpoint {
    Breakpoint::new(rule, SetBy::Team)
}

fn breaking(team: Team, breakpoints: &[Breakpoint]) -> Team {
    Team { max_round: 9, breakpoints: breakpoints.to_vec(), ..team }
}

fn ask(command: BreakCommand) -> Command {
    Command::Break(command)
}

fn held(world: &World) -> String {
    match world.session.hold() {
        Some(HoldReason::Break { text }) => text.clone(),
        other => panic!("holds because of {other:?}"),
    }
}

fn hits(session: &Session) -> Vec<u32> {
    session.breakpoints().iter().map(|armed| armed.hits).collect()
}

/// `a` may call `find` three times before it has to say something; `b` only speaks.
fn with_tool() -> Team {
    let caller = Agent { tools: vec!["find".into()], max_tool_iterations: 3, ..speaker("a") };
    let mut team = team(vec![caller, speaker("b")]);
    let execution = runner("x", ApprovalPolicy::Never).code_execution.unwrap();
    let parameters = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    let command = vec!["grep".to_owned(), "{q}".to_owned()];
    team.tools.insert("find".into(), ToolSetup::command("Finds.", parameters, command, execution));
    team
}

#[test]
fn a_breakpoint_on_words_holds_once_for_each_message_that_meets_it() {
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[on("speaker == a and text contains \"says\"")]));
    world.begin("hi");
    assert!(held(&world).contains("after it has spoken (speaker = \"a\""), "{}", held(&world));
    assert_eq!((world.said().len(), hits(&world.session)), (2, vec![1]));
    world.command(Command::Resume);
    assert_eq!((world.said().len(), hits(&world.session)), (4, vec![2]));
    world.command(ask(BreakCommand::Clear { id: BreakId(1) })).command(Command::Resume);
    assert!(world.ended().is_some());
}

#[test]
fn one_that_asks_nothing_of_the_moment_is_met_when_it_becomes_true() {
    let once = Breakpoint { deed: Deed::Notify, ..on("count(b) >= 1") };
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[on("round >= 3"), once]));
    world.begin("hi");
    assert_eq!((world.said().len(), hits(&world.session)), (3, vec![1, 1]));
    // Opened anew, what is true already does not become so again.
    let mut opened = world.reopened(Rules::default());
    opened.command(Command::Resume);
    assert!(opened.ended().is_some());
    assert_eq!(hits(&opened.session), [1, 1]);
}

#[test]
fn counted_and_one_shot_breakpoints_do_what_they_do_only_then() {
    let third = Breakpoint { every: 3, ..on("at == said") };
    let once = Breakpoint { once: true, deed: Deed::Snapshot, name: "start".into(), ..on("speaker == b") };
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[third, once]));
    world.begin("hi");
    assert_eq!((world.said().len(), hits(&world.session)), (3, vec![3, 1]));
    world.command(Command::Resume);
    assert_eq!(world.said().len(), 6);
    let marks = world.session.marks();
    assert_eq!((marks.len(), marks[0].name.as_str()), (1, "start ×1"), "{marks:?}");
    assert_eq!(marks[0].seq, world.session.transcript().entries()[2].seq);
    assert_eq!(hits(&world.session), [6, 1], "it rests when it has done what it does once");
}

#[test]
fn headless_a_breakpoint_ends_the_run_with_a_code_of_its_own() {
    let mut world = World::headless(breaking(speakers(&["a", "b"]), &[on("speaker == b")]));
    world.begin("hi");
    let (cause, text) = world.ended().unwrap();
    assert_eq!((&cause, cause.exit_code()), (&EndCause::Breakpoint, 6));
    assert!(text.starts_with("breakpoint: speaker == b: b, after it has spoken"), "{text}");
    let expected = Breakpoint { deed: Deed::Expect, ..on("speaker == c") };
    let met = Breakpoint { deed: Deed::Expect, ..on("speaker == a") };
    let mut world = World::headless(breaking(speakers(&["a", "b"]), &[expected, met]));
    world.begin("hi");
    assert_eq!(world.ended().unwrap().0, EndCause::MaxRound);
    assert_eq!(world.session.missed().map(|armed| armed.id).collect::<Vec<_>>(), [BreakId(1)]);
}

#[test]
fn before_a_tool_is_wanted_it_holds_and_nothing_has_been_asked_or_run() {
    let mut world = World::of(breaking(with_tool(), &[on("tool == find and arguments matches /rm/")]));
    world.script("a", [call("find", "{\"q\":\"x\"}"), call("find", "{\"q\":\"rm\"}"), say("found")]);
    world.begin("go");
    assert!(held(&world).contains("a, before it acts"), "{}", held(&world));
    assert_eq!(world.ran.len(), 1);
    world.command(Command::Resume);
    assert_eq!((world.ran.len(), hits(&world.session)), (2, vec![1]), "it goes on from there, and is not met again");
}

#[test]
fn an_agent_can_be_stopped_before_it_acts_and_before_it_thinks_again() {
    let mut world = World::of(breaking(with_tool(), &[on("at in [act, again] and speaker == a")]));
    world.script("a", [call("find", "{\"q\":\"x\"}"), say("found")]);
    world.begin("go");
    assert_eq!((world.asked.len(), world.ran.len()), (1, 0), "it has thought and not acted");
    world.command(Command::Resume);
    assert_eq!((world.asked.len(), world.ran.len()), (1, 1), "it has acted and not thought again");
    assert!(held(&world).contains("after it has acted"));
    world.command(ask(BreakCommand::Rest { id: BreakId(1), rests: true })).command(Command::Resume);
    assert!(world.ended().is_some() && hits(&world.session) == [2]);

    let coder = team(vec![speaker("a"), runner("x", ApprovalPolicy::Never)]);
    let mut world = World::of(breaking(coder, &[on("at == act and text contains \"print\"")]));
    world.script("a", [say(&fenced("print(1)"))]).begin("go");
    assert!(world.ran.is_empty() && held(&world).contains("x, before it acts"));
    world.command(Command::Resume);
    assert_eq!(world.ran.len(), 1);
}

#[test]
fn a_request_is_shown_before_it_is_sent_and_sent_as_it_was_changed_this_once() {
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[on("at == call and speaker == b")]));
    world.begin("hi");
    assert_eq!(world.asked.len(), 1);
    let shown = world.session.shown().unwrap().clone();
    let texts: Vec<&str> = shown.request.messages.iter().map(|prompt| &*prompt.content).collect();
    assert_eq!(texts.last(), Some(&"a says 0"));
    let mut messages = shown.request.messages.to_vec();
    messages.push(Prompt::new(Role::User, None, "Be brief."));
    world.script("b", [Reply::Fail(String::new(), FailureKind::Server), say("brief")]);
    world.command(ask(BreakCommand::Amend { turn: shown.turn, messages: messages.clone() }));
    world.command(Command::Resume);
    assert_eq!(*world.asked[1].messages, messages);
    assert_eq!(*world.asked[2].messages, messages, "a retry asks the same question");
    world.command(Command::Resume);
    let last = world.asked.last().unwrap();
    assert!(last.messages.iter().all(|prompt| &*prompt.content != "Be brief."), "it was for this once");
    let sent = world.session.log().iter().any(|record| {
        matches!(&record.event, Event::Breaks(Breaks::Amended { messages, .. }) if messages.last().unwrap().content == "Be brief.".into())
    });
    assert!(sent, "the record says what was sent");
}

#[test]
fn what_would_be_sent_is_shown_again_when_it_has_changed() {
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[on("at == call and speaker == b")]));
    world.begin("hi");
    world.command(Command::Speak { text: "wait".into(), as_agent: None }).command(Command::Resume);
    assert_eq!(world.asked.len(), 1);
    assert!(held(&world).contains("has changed since it was shown"));
    let shown = world.session.shown().unwrap();
    assert_eq!(&*shown.request.messages.last().unwrap().content, "wait");
    world.command(Command::Resume);
    assert_eq!(world.asked[1].messages.last().unwrap().content, "wait".into());
    assert_eq!(hits(&world.session), [2], "once in each turn");
}

#[test]
fn a_reply_is_held_back_read_and_edited_before_the_others_hear_it() {
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[on("at == reply and speaker == a")]));
    world.begin("hi");
    assert_eq!(world.said(), ["user: hi"]);
    let (turn, draft) = world.session.draft().unwrap();
    assert_eq!(&*draft.content, "a says 0");
    world.command(Command::Speak { text: "a moment".into(), as_agent: None });
    world.command(ask(BreakCommand::Revise { turn, content: "a says better".into() })).command(Command::Resume);
    assert_eq!(world.said()[..4], ["user: hi", "user: a moment", "a: a says better", "b: b says 1"]);
    let entry = &world.session.transcript().entries()[2];
    assert_eq!((entry.message.id, entry.message.drafted.as_deref()), (MessageId(2), Some("a says 0")));
    // The next one is thrown away, and its agent speaks anew.
    let (turn, _) = world.session.draft().unwrap();
    world.command(ask(BreakCommand::Discard { turn }));
    assert_eq!(world.choices().last().unwrap(), "a retry");
    let (again, _) = world.session.draft().unwrap();
    assert!(again != turn && world.said().len() == 4);
}

#[test]
fn a_reply_that_calls_tools_is_held_back_too() {
    let mut world = World::of(breaking(with_tool(), &[]));
    world.script("a", [call("find", "{\"q\":\"x\"}"), say("found")]);
    world.command(ask(BreakCommand::StepTo { until: Until::Reply })).begin("go");
    assert_eq!(world.session.draft().unwrap().1.kind, MessageKind::ToolCalls);
    assert!(world.ran.is_empty());
    world.command(ask(BreakCommand::StepTo { until: Until::Reply }));
    assert_eq!((world.ran.len(), &*world.session.draft().unwrap().1.content), (1, "found"));
}

#[test]
fn a_step_goes_as_far_as_it_says() {
    let step = |until| ask(BreakCommand::StepTo { until });
    let mut world = World::of(breaking(with_tool(), &[]));
    world.script("a", [call("find", "{\"q\":\"x\"}"), call("find", "{\"q\":\"y\"}"), say("found")]);
    world.command(step(Until::Call)).begin("go");
    assert_eq!((world.asked.len(), world.ran.len()), (1, 0));
    assert_eq!(world.session.hold(), Some(&HoldReason::Operator));
    world.command(step(Until::Effect));
    assert_eq!((world.asked.len(), world.ran.len()), (1, 1));
    world.command(step(Until::Call));
    assert_eq!((world.asked.len(), world.ran.len()), (2, 1));
    world.command(step(Until::Turn));
    assert_eq!((world.asked.len(), world.session.turns().len()), (3, 0));
    world.command(step(Until::Agent("a".into())));
    assert_eq!(world.session.turns()[0].agent, "a".into());
    assert_eq!(world.asked.len(), 4, "b has spoken, a has not been asked");
    world.command(step(Until::Agent("nobody".into())));
    assert!(world.refused[0].contains("not a member"));
    assert!(world.session.until().is_none());
}

#[test]
fn a_program_runs_only_when_the_operator_has_named_it() {
    let run = |argv: &[&str]| Deed::Run(argv.iter().map(|word| (*word).to_owned()).collect());
    let foreign = Breakpoint { deed: run(&["rm", "-rf", "x"]), ..on("speaker == a") };
    let own = Breakpoint { deed: run(&["notify-send", "a"]), ..on("speaker == a") };
    let rules = Rules { programs: vec![vec!["notify-send".into(), "a".into()]], ..Rules::default() };
    let mut world = World::with(breaking(speakers(&["a", "b"]), &[foreign, own]), rules);
    world.begin("hi");
    assert!(world.ended().is_some(), "it does not hold");
    let told: Vec<_> = world.told.iter().map(|(id, consultation)| (id.0, consultation.command[0].as_str())).collect();
    assert_eq!(told, [(2, "notify-send")], "and once while it runs");
    let refused = world.session.log().iter().filter_map(|record| match &record.event {
        Event::Breaks(Breaks::Ran { id: BreakId(1), advice }) => advice.failure.clone(),
        _ => None,
    });
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused.len(), hits(&world.session)[0] as usize);
    assert!(refused[0].contains("rm was not run"));
}

#[test]
fn breakpoints_and_their_counts_survive_going_back() {
    let mut world = World::of(breaking(speakers(&["a", "b"]), &[]));
    world.command(ask(BreakCommand::Set { id: None, breakpoint: on("speaker == b") })).begin("hi");
    assert_eq!(hits(&world.session), [1]);
    let seq = world.session.transcript().entries()[0].seq;
    world.command(Command::MoveTo { seq }).command(Command::Resume);
    assert_eq!((hits(&world.session), world.said().len()), (vec![2], 3));
    world.command(ask(BreakCommand::Set { id: None, breakpoint: on("speaker = b") }));
    assert!(world.refused[0].contains("`=`") || !world.refused[0].is_empty(), "{:?}", world.refused);
    assert_eq!(world.session.breakpoints().len(), 1);
}
