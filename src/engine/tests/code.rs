//! Code: what is found, who consents, what runs, what the others are told.

use super::world::{Reply, World, fenced, say};
use crate::chat::command::Command;
use crate::chat::event::{Actor, Event, Verdict};
use crate::chat::id::ApprovalId;
use crate::chat::message::MessageKind;
use crate::chat::team::{Agent, ApprovalPolicy, CodeExecution, Team, TerminationMatch};
use crate::engine::Rules;
use crate::session::Waiting;
use crate::session::testing::{python, runner, speaker, team};

fn pair(approval: ApprovalPolicy) -> Team {
    Team { max_round: 3, ..team(vec![speaker("a"), runner("x", approval)]) }
}

/// A runner that searches so many messages.
fn windowed(last_n_messages: Option<u32>) -> Agent {
    let x = runner("x", ApprovalPolicy::Never);
    let code = CodeExecution { last_n_messages, ..x.code_execution.clone().unwrap() };
    Agent { code_execution: Some(code), ..x }
}

fn asked(world: &World) -> (ApprovalId, String) {
    let id = world.session.waiting().into_iter().find_map(|waiting| match waiting {
        Waiting::Approval(id) => Some(id),
        _ => None,
    });
    let id = id.unwrap_or_else(|| panic!("nothing waits for consent:\n{}", world.tail(10)));
    (id, world.session.approval(id).unwrap().hash.clone())
}

fn decide(world: &mut World, verdict: Verdict, remember: bool) {
    let (approval, hash) = asked(world);
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember });
}

fn code_that_ran(world: &World) -> Vec<&str> {
    world.ran.iter().flat_map(|(_, _, payload)| payload.blocks.iter().map(|block| &*block.code)).collect()
}

#[test]
fn code_waits_for_the_operator_runs_once_and_its_result_is_told_in_ag2s_words() {
    let mut world = World::of(pair(ApprovalPolicy::Always));
    world.script("a", [say(&fenced("print(1)"))]).begin("go");
    assert!(world.ran.is_empty(), "it ran unasked");
    let (id, _) = asked(&world);
    assert_eq!(world.session.approval(id).unwrap().payload.blocks[0].code.as_ref(), "print(1)");
    world.outcomes.push_back((3, "no"));
    decide(&mut world, Verdict::Run, false);
    assert_eq!(code_that_ran(&world), ["print(1)"]);
    assert_eq!(world.said().last().unwrap(), "x: exitcode: 3 (execution failed)\nCode output: no");
    assert_eq!(world.session.meter("x").last_exit, Some(3));
    assert_eq!(world.session.spent().executions, 1);
}

#[test]
fn refused_code_does_not_run_and_the_reason_goes_back() {
    for (reason, told) in [("it deletes files", "Reason: it deletes files"), ("  ", "Reason: none was given")] {
        let mut world = World::of(pair(ApprovalPolicy::Always));
        world.script("a", [say(&fenced("rm()"))]).begin("go");
        decide(&mut world, Verdict::Deny(reason.into()), true);
        assert!(world.ran.is_empty());
        let last = world.said().pop().unwrap();
        assert!(last.starts_with("x: exitcode: 1 (execution failed)\nCode output: The code was not run"), "{last}");
        assert!(last.ends_with(told), "{last}");
    }
}

#[test]
fn changed_code_is_what_runs_and_the_agents_are_told_what_was_changed() {
    let mut world = World::of(pair(ApprovalPolicy::Always));
    world.script("a", [say(&fenced("import os\nprint(1)"))]).begin("go");
    decide(&mut world, Verdict::RunEdited(python("import os\nprint(2)").blocks), false);
    assert_eq!(code_that_ran(&world), ["import os\nprint(2)"]);
    let last = world.said().pop().unwrap();
    assert!(
        last.starts_with("x: exitcode: 0 (execution succeeded)\nCode output: ok\n\nThe operator changed"),
        "{last}"
    );
    assert!(last.contains("- print(1)\n+ print(2)") && !last.contains("import os"), "{last}");
}

#[test]
fn a_policy_that_approves_is_recorded_by_its_name_and_never_as_the_operator() {
    let policies = |world: &World| {
        let decided = world.session.log().iter().filter(|record| matches!(record.event, Event::ApprovalDecided { .. }));
        decided.map(|record| record.actor.clone()).collect::<Vec<_>>()
    };
    let mut by_file = World::of(pair(ApprovalPolicy::Never));
    by_file.script("a", [say(&fenced("print(1)"))]).begin("go");
    let by_flag = Rules { approve_all: Some("--approve all".into()), headless: true, ..Rules::default() };
    let mut by_flag = World::with(pair(ApprovalPolicy::Always), by_flag);
    by_flag.script("a", [say(&fenced("print(1)"))]).begin("go");
    assert!(
        matches!(policies(&by_file).as_slice(), [Actor::Policy(name)] if name.contains("approval = \"never\" in the team file, for x"))
    );
    assert_eq!(policies(&by_flag), [Actor::Policy("--approve all".into())]);
    assert_eq!((by_file.ran.len(), by_flag.ran.len()), (1, 1));
    let seen = by_file.count(|event| matches!(event, Event::ApprovalDecided { seen_in_full: true, .. }));
    assert_eq!(seen, 0, "nobody looked");
}

#[test]
fn headless_without_a_policy_code_ends_the_run_with_exit_5_and_says_how_to_allow_it() {
    let mut world = World::headless(pair(ApprovalPolicy::Always));
    world.script("a", [say(&fenced("print(1)"))]).begin("go");
    assert_eq!((world.exit_code(), world.ran.len()), (Some(5), 0));
    assert!(world.ended().unwrap().1.contains("--approve all"));
}

#[test]
fn remembered_consent_covers_the_same_code_on_its_branch_and_nothing_after_a_fork_above_it() {
    let same = || say(&fenced("print(1)"));
    let team = Team { max_round: 7, ..pair(ApprovalPolicy::Always) };
    let mut world = World::of(team);
    world.script("a", [same(), same(), say(&fenced("print(1) "))]).begin("go");
    decide(&mut world, Verdict::Run, true);
    assert_eq!(code_that_ran(&world), ["print(1)", "print(1)"], "the second needed no question");
    let by_grant =
        world.session.log().iter().rev().find(|record| matches!(record.event, Event::ApprovalDecided { .. }));
    assert_eq!(by_grant.unwrap().actor, Actor::Policy("allowed for this branch by the operator".into()));
    let (_, hash) = asked(&world);
    assert_ne!(hash, python("print(1)").hash(), "one blank more is other code, and is asked for");
    // Back to the words before the consent.
    let seq = world.session.transcript().entries()[1].seq;
    world.command(Command::MoveTo { seq }).command(Command::Resume);
    assert_eq!(world.ran.len(), 2, "consent given on another branch was used");
    asked(&world);
}

/// C116: the newest message with code, all its blocks, since the agent last spoke; nothing older is run again.
#[test]
fn the_newest_code_since_its_last_turn_runs_and_old_code_never_again() {
    let agents = vec![speaker("a"), speaker("b"), windowed(None)];
    let mut world = World::of(Team { max_round: 7, ..team(agents) });
    let two = "```python\nprint(2)\n```\nand\n```sh\necho 3\n```";
    world.script("a", [say(&fenced("print(1)")), say("no code")]).script("b", [say(two), say("none here")]).begin("go");
    assert_eq!(code_that_ran(&world), ["print(2)", "echo 3"]);
    assert_eq!(world.said().last().unwrap(), "x: nothing to run");
    let mut plain_last = World::of(Team { max_round: 4, ..team(vec![speaker("a"), speaker("b"), windowed(None)]) });
    plain_last.script("a", [say(&fenced("print(1)"))]).script("b", [say("looks good")]).begin("go");
    assert_eq!(code_that_ran(&plain_last), ["print(1)"], "messages without code are passed over");
}

#[test]
fn a_window_of_n_messages_is_kept_and_a_window_of_none_finds_nothing() {
    for (window, runs) in [(Some(0), 0), (Some(1), 0), (Some(2), 1), (Some(9), 1)] {
        let mut world = World::of(Team { max_round: 4, ..team(vec![speaker("a"), speaker("b"), windowed(window)]) });
        world.script("a", [say(&fenced("print(1)"))]).script("b", [say("looks good")]).begin("go");
        assert_eq!(world.ran.len(), runs, "{window:?}");
    }
}

#[test]
fn a_termination_message_keeps_its_code_from_running() {
    let x = Agent { is_termination_msg: TerminationMatch::EndsWith("DONE".into()), ..windowed(None) };
    let mut world = World::of(team(vec![speaker("a"), x]));
    world.script("a", [say(&format!("{}\nDONE", fenced("print(1)")))]).begin("go");
    assert!(world.ran.is_empty() && world.ended().is_some());
}

#[test]
fn a_cut_off_answer_is_heard_but_its_code_never_runs() {
    let unclosed = "```python\nprint(1)\nprint(";
    let second_unclosed = format!("{}\n{unclosed}", fenced("print(0)"));
    for text in [fenced("print(1)"), unclosed.to_owned(), second_unclosed] {
        let mut world = World::of(pair(ApprovalPolicy::Never));
        world.script("a", [Reply::Cut(text)]).begin("go");
        assert!(world.ran.is_empty());
        let last = world.session.transcript().last_heard_by("").unwrap();
        assert_eq!(last.message.kind, MessageKind::Auto);
        assert!(last.message.content.contains("cut off"), "{}", last.message.content);
    }
    let mut plain = World::of(pair(ApprovalPolicy::Never));
    plain.script("a", [Reply::Cut("only words, too ma".into())]).begin("go");
    assert_eq!(plain.said().last().unwrap(), "x: nothing to run", "without code there is nothing to warn of");
}

#[test]
fn interrupted_words_never_run() {
    use crate::chat::request::FailureKind;
    let mut world = World::of(pair(ApprovalPolicy::Never));
    let broken = Reply::Fail(fenced("print(1)"), FailureKind::CutOff);
    world.script("a", [broken, say("sorry")]).begin("go");
    assert!(world.ran.is_empty());
    assert_eq!(world.said().last().unwrap(), "x: nothing to run");
}

#[test]
fn an_agent_does_not_run_its_own_code() {
    let both = Agent { model: Some("main".into()), ..windowed(Some(9)) };
    let mut world = World::of(Team { max_round: 4, ..team(vec![both, speaker("b")]) });
    world.script("x", [say(&fenced("print(1)")), say("fine")]).begin("go");
    assert!(world.ran.is_empty(), "it ran what it had written itself");
}
