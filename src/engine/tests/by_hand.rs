//! What the operator does by hand: code that runs again, and branches that work in copies.

use super::world::{World, fenced, say};
use crate::chat::by_hand::{ByHand, WorkCopy};
use crate::chat::code::Execution;
use crate::chat::command::Command;
use crate::chat::event::{Event, Verdict};
use crate::chat::id::{ApprovalId, OpId};
use crate::chat::team::{ApprovalPolicy, Team};
use crate::engine::Rules;
use crate::engine::effect::Input;
use crate::session::Waiting;
use crate::session::testing::{runner, speaker, team};

/// `a` wrote code, `x` ran it, and the run is over.
fn ran_once(approval: ApprovalPolicy) -> World {
    let mut world = World::of(Team { max_round: 3, ..team(vec![speaker("a"), runner("x", approval)]) });
    world.script("a", [say(&fenced("print(1)"))]).begin("go");
    if approval == ApprovalPolicy::Always {
        let (approval, hash) = asked(&world);
        decide(&mut world, approval, hash, Verdict::Run);
    }
    world
}

fn asked(world: &World) -> (ApprovalId, String) {
    let id = world.session.waiting().into_iter().find_map(|waiting| match waiting {
        Waiting::Approval(id) => Some(id),
        _ => None,
    });
    let id = id.unwrap_or_else(|| panic!("nothing waits for consent:\n{}", world.tail(10)));
    (id, world.session.approval(id).unwrap().hash.clone())
}

fn decide(world: &mut World, approval: ApprovalId, hash: String, verdict: Verdict) {
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
}

#[test]
fn what_ran_runs_again_the_same_bytes_asked_anew_and_no_agent_hears_of_it() {
    // Where nothing is asked, by hand it is.
    let mut world = ran_once(ApprovalPolicy::Never);
    assert!(world.session.ended().is_some());
    let (first, said) = (world.ran[0].clone(), world.said());
    world.command(Command::RunAgain { op: first.0 });
    assert_eq!(world.ran.len(), 1, "it ran unasked");
    let (approval, hash) = asked(&world);
    world.command(Command::RunAgain { op: first.0 });
    assert_eq!(world.refused.len(), 1, "it is asked for once");
    decide(&mut world, approval, hash, Verdict::Run);
    assert_eq!(world.ran.len(), 2);
    let again = &world.ran[1];
    assert_eq!((&again.1, &again.2), (&first.1, &first.2));
    assert_ne!(again.0, first.0);
    assert_eq!(world.said(), said, "an agent was told");
    assert!(world.session.by_hand().is_empty() && world.session.waiting().is_empty());
    assert_eq!(world.session.executions().iter().map(|ran| ran.by_hand).collect::<Vec<_>>(), [false, true]);
    assert_eq!(world.session.spent().executions, 2);
    // And once more, from the repetition.
    let op = world.ran[1].0;
    world.command(Command::RunAgain { op });
    let (approval, hash) = asked(&world);
    decide(&mut world, approval, hash, Verdict::Deny("no".into()));
    assert!(world.session.by_hand().is_empty() && world.ran.len() == 2);
    world.refused.clear();
    world.command(Command::RunAgain { op: OpId(99) });
    assert_eq!(world.refused.len(), 1);
}

#[test]
fn it_runs_while_the_run_holds_and_can_be_stopped_and_extended() {
    let mut world = ran_once(ApprovalPolicy::Always);
    world.programs_last = true;
    world.command(Command::RunAgain { op: world.ran[0].0 });
    let (approval, hash) = asked(&world);
    decide(&mut world, approval, hash, Verdict::Run);
    let op = world.running()[0];
    assert!(world.session.acts() && world.session.hand(op).is_some());
    world.command(Command::ExtendTime { op, added_ms: 1000 });
    assert_eq!(world.extended, [(op, 1000)]);
    // Nobody goes elsewhere while it runs.
    let seq = world.session.transcript().entries()[0].seq;
    world.refused.clear();
    world.command(Command::MoveTo { seq });
    assert!(world.refused[0].contains("Code is running"));
    world.command(Command::EndProgram { op });
    world.programs_last = false;
    world.go();
    assert!(!world.session.acts());
    let last = world.session.executions().pop().unwrap();
    assert_eq!(last.execution.unwrap().exit_code, 137);
}

#[test]
fn a_fork_or_a_restart_voids_what_was_asked_by_hand_and_a_crash_leaves_it_unknown() {
    let mut world = ran_once(ApprovalPolicy::Always);
    let op = world.ran[0].0;
    world.command(Command::RunAgain { op });
    let (approval, hash) = asked(&world);
    let mut reopened = world.reopened(Rules::default());
    assert!(reopened.session.waiting().is_empty());
    decide(&mut reopened, approval, hash.clone(), Verdict::Run);
    assert!(reopened.ran.is_empty() && !reopened.refused.is_empty());
    let seq = world.session.transcript().entries()[1].seq;
    let mut forked = World::from(world.session.clone(), &world.session.team().unwrap().clone(), Rules::default());
    forked.command(Command::MoveTo { seq });
    assert!(forked.session.by_hand().is_empty());
    world.programs_last = true;
    decide(&mut world, approval, hash, Verdict::Run);
    let crashed = world.reopened(Rules::default());
    assert!(crashed.session.by_hand().is_empty() && !crashed.session.acts());
    assert_eq!(crashed.count(|event| matches!(event, Event::OutcomeUnknown { .. })), 1);
    assert!(crashed.ran.is_empty(), "nothing with an effect is repeated by us");
}

#[test]
fn going_back_says_what_stays_done_and_a_copy_is_what_the_branch_works_in() {
    let mut world = ran_once(ApprovalPolicy::Always);
    let task = world.session.transcript().entries()[0].seq;
    let tip = world.session.head().unwrap();
    let done = world.session.stays_done(task);
    assert_eq!(done.executions, 1);
    assert!(world.session.stays_done(tip).is_empty());
    let there = done.work_dirs.first().unwrap().clone();

    let back = Command::MoveTo { seq: task };
    world.command(Command::Afresh { then: Box::new(back.clone()) });
    assert_eq!(world.copied, [(vec![there.clone()], "branch-1".to_owned(), back.clone())]);
    assert_eq!(world.session.branches().len(), 1, "the branch comes with its copy");
    let copies = vec![WorkCopy { from: there.clone(), to: "/copy".into(), ..WorkCopy::default() }];
    world.input(Input::Copied { then: Box::new(back.clone()), copies: Ok(copies) });
    assert_eq!(world.session.workspace(&there), "/copy");
    let moved = world.session.path().into_iter().find_map(|record| match &record.event {
        Event::BranchMoved { why, .. } => Some(why.clone()),
        _ => None,
    });
    assert_eq!(moved.unwrap(), "forked at record 2; 1 execution is not undone (no files seen, network reachable)");
    world.script("a", [say(&fenced("print(2)"))]).command(Command::Resume);
    let (approval, hash) = asked(&world);
    assert_eq!(world.session.approval(approval).unwrap().payload.place.work_dir, "/copy");
    decide(&mut world, approval, hash, Verdict::Run);
    assert_eq!(world.ran.last().unwrap().2.place.work_dir, "/copy");
    // The old branch works where it did.
    world.command(Command::MoveTo { seq: tip });
    assert_eq!(world.session.workspace(&there), there);
    // The log says it all.
    let replayed = crate::session::Session::replay(world.session.log().to_vec()).unwrap();
    assert_eq!(replayed.workspace(&there), there);
}

#[test]
fn without_a_copy_or_something_to_copy_nobody_goes_anywhere() {
    let mut world = ran_once(ApprovalPolicy::Always);
    let back = || Box::new(Command::MoveTo { seq: world.session.transcript().entries()[0].seq });
    let (then, again) = (back(), back());
    let head = world.session.head();
    world.input(Input::Copied { then, copies: Err("too large".into()) });
    assert_eq!((world.refused.as_slice(), world.session.head()), (["too large".to_owned()].as_slice(), head));
    world.refused.clear();
    let here = world.session.transcript().entries().last().unwrap().seq;
    world.command(Command::Afresh { then: Box::new(Command::MoveTo { seq: here }) });
    world.command(Command::Afresh { then: Box::new(Command::Continue) });
    assert_eq!(world.refused.len(), 2);
    drop(again);
}

#[test]
fn only_files_that_an_execution_made_can_be_looked_at() {
    let mut world = ran_once(ApprovalPolicy::Always);
    let op = world.ran[0].0;
    for path in ["../../etc/passwd", "/etc/passwd", "never.txt"] {
        world.command(Command::LookAt { op, path: path.into() });
    }
    assert_eq!(world.refused.len(), 3);
    assert_eq!(world.session.executions()[0].execution.as_ref().map(|done| done.exit_code), Some(0));
    assert_eq!(Execution::default().effects, None);
    world.command(Command::OpenShell { op });
    assert_eq!(world.count(|event| matches!(event, Event::ByHand(ByHand::Shell { .. }))), 1);
}
