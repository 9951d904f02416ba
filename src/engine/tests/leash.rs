//! Consent in advance, and what ends it; programs that are stopped or given more time.

use super::world::{World, fenced, say};
use crate::chat::code::Place;
use crate::chat::command::Command;
use crate::chat::containment::Tier;
use crate::chat::event::{Actor, Event, Verdict};
use crate::chat::id::ApprovalId;
use crate::chat::leash;
use crate::chat::team::{ApprovalPolicy, Team};
use crate::engine::Rules;
use crate::session::Waiting;
use crate::session::testing::{place, runner, speaker, team};

fn rules(tier: Tier) -> Rules {
    let place = Place { tier, ..place() };
    Rules { places: [("x".into(), place)].into(), ..Rules::default() }
}

/// A world in which `a` writes new code each time, and `x` has asked to run the first.
fn asking(rules: Rules) -> World {
    let members = vec![speaker("a"), runner("x", ApprovalPolicy::Always)];
    let mut world = World::with(Team { max_round: 30, ..team(members) }, rules);
    world.script("a", (0..12).map(|n| say(&fenced(&format!("print({n})"))))).begin("go");
    world
}

fn waits(world: &World) -> Option<(ApprovalId, String)> {
    world.session.waiting().into_iter().find_map(|waiting| match waiting {
        Waiting::Approval(id) => Some((id, world.session.approval(id)?.hash.clone())),
        _ => None,
    })
}

fn run_once(world: &mut World) {
    let (approval, hash) = waits(world).unwrap();
    let verdict = Verdict::Run;
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
}

fn give(world: &mut World, executions: Option<u32>, minutes: Option<u32>) {
    world.command(Command::Leash { agent: "x".into(), executions, minutes });
}

#[test]
fn a_leash_of_executions_runs_as_many_and_then_asks_again() {
    let mut world = asking(rules(Tier::Namespace));
    give(&mut world, Some(3), None);
    assert!(world.ran.is_empty() && waits(&world).is_some(), "what waited has still to be seen");
    run_once(&mut world);
    assert_eq!(world.ran.len(), 4);
    assert!(waits(&world).is_some());
    let by_leash = world.session.log().iter().filter(|record| {
        matches!(record.event, Event::ApprovalDecided { .. }) && record.actor == Actor::Policy(leash::POLICY.to_owned())
    });
    assert_eq!(by_leash.count(), 3);
    run_once(&mut world);
    assert_eq!(world.ran.len(), 5);
    assert!(waits(&world).is_some(), "consent to one is consent to one");
}

#[test]
fn a_leash_of_minutes_ends_by_the_clock() {
    let mut world = asking(rules(Tier::Container));
    world.programs_last = true;
    give(&mut world, None, Some(5));
    run_once(&mut world);
    assert_eq!(world.running().len(), 1);
    world.now += 5 * 60_000;
    world.programs_last = false;
    world.go();
    assert_eq!(world.ran.len(), 1);
    assert!(waits(&world).is_some(), "its time was over");
}

#[test]
fn without_containment_there_is_no_leash() {
    let mut world = asking(rules(Tier::None));
    give(&mut world, Some(3), None);
    run_once(&mut world);
    assert!(world.ran.len() == 1 && waits(&world).is_some());
}

#[test]
fn a_fork_a_restart_and_the_operator_end_what_was_allowed_in_advance() {
    let mut remembered = asking(rules(Tier::Namespace));
    let (approval, hash) = waits(&remembered).unwrap();
    let verdict = Verdict::Run;
    remembered.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: true });
    assert_eq!(remembered.session.grants().len(), 1);
    let newest = remembered.session.transcript().entries().last().unwrap().seq;
    remembered.command(Command::MoveTo { seq: newest });
    assert!(remembered.session.grants().is_empty(), "below the consent, and still another branch");
    let mut forked = asking(rules(Tier::Namespace));
    forked.command(Command::Pause { boundary: crate::chat::event::Boundary::Step });
    give(&mut forked, Some(9), None);
    let seq = forked.session.transcript().entries()[0].seq;
    forked.command(Command::MoveTo { seq });
    assert_eq!(forked.session.leashes().count(), 0);
    let mut paused = asking(rules(Tier::Namespace));
    paused.command(Command::Pause { boundary: crate::chat::event::Boundary::Step });
    give(&mut paused, Some(9), None);
    assert_eq!(paused.session.leashes().count(), 1);
    let mut reopened = paused.reopened(rules(Tier::Namespace));
    reopened.go();
    assert_eq!(reopened.session.leashes().count(), 0);
    reopened.command(Command::Resume);
    assert!(reopened.ran.is_empty() && waits(&reopened).is_some());
    give(&mut paused, Some(9), None);
    paused.command(Command::Revoke { agent: Some("x".into()) });
    assert_eq!(paused.session.leashes().count(), 0);
    paused.refused.clear();
    paused.command(Command::Revoke { agent: None });
    assert_eq!(paused.refused.len(), 1, "there is nothing left to take back");
}

#[test]
fn sandboxed_approval_runs_code_in_containers_and_ends_the_run_elsewhere() {
    for (tier, runs) in [(Tier::Container, true), (Tier::Namespace, false), (Tier::None, false)] {
        let rules = Rules { headless: true, approve_sandboxed: Some("--approve sandboxed".into()), ..rules(tier) };
        let world = asking(rules);
        if runs {
            assert!(world.ran.len() > 1, "{tier:?}");
        } else {
            assert_eq!((world.ran.len(), world.exit_code()), (0, Some(5)), "{tier:?}");
        }
    }
}

#[test]
fn deny_and_hold_tells_the_agent_and_then_holds() {
    let mut world = asking(rules(Tier::Namespace));
    let (approval, hash) = waits(&world).unwrap();
    world.command(Command::DenyAndHold { approval, hash: "other".into(), reason: "no".into() });
    assert!(waits(&world).is_some(), "what was not shown cannot be decided about");
    world.command(Command::DenyAndHold { approval, hash, reason: "it deletes files".into() });
    assert!(world.said().last().unwrap().contains("Reason: it deletes files"));
    assert!(world.session.hold().is_some() && world.ran.is_empty());
}

#[test]
fn a_program_is_stopped_or_given_time_by_its_number_and_no_other_is() {
    let mut world = asking(rules(Tier::Namespace));
    world.programs_last = true;
    run_once(&mut world);
    let op = world.running()[0];
    world.command(Command::ExtendTime { op, added_ms: 60_000 });
    assert_eq!(world.extended, [(op, 60_000)]);
    assert_eq!(world.count(|event| matches!(event, Event::TimeExtended { added_ms: 60_000, .. })), 1);
    world.command(Command::EndProgram { op });
    world.programs_last = false;
    world.go();
    assert!(world.said().iter().any(|said| said.contains("exitcode: 137")), "{:?}", world.said());
    assert!(world.session.hold().is_none(), "the run goes on");
    world.refused.clear();
    world.command(Command::EndProgram { op }).command(Command::ExtendTime { op, added_ms: 1 });
    assert_eq!(world.refused.len(), 2);
}
