//! Going back, editing, forking.

use crate::chat::code::CodeBlock;
use crate::chat::command::Command;
use crate::chat::event::{Event, Verdict};
use crate::chat::id::{ApprovalId, BranchId, MessageId};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::team::ApprovalPolicy;
use crate::session::decide::decide;
use crate::session::testing::{Log, python, runner, speaker, speakers, team};
use crate::session::turn::Stage;
use crate::session::{Session, Waiting};
use std::sync::Arc;

fn carry_out(log: &mut Log, command: Command) {
    let decision = decide(&log.session, &command, log.now).unwrap();
    log.add_moved(decision.moved, decision.events);
}

fn move_to(log: &mut Log, message: MessageId) {
    let seq = log.session.transcript().get(message).unwrap().seq;
    carry_out(log, Command::MoveTo { seq });
}

fn texts(session: &Session) -> Vec<&str> {
    session.transcript().entries().iter().map(|entry| &*entry.message.content).collect()
}

#[test]
fn going_back_to_any_message_gives_the_state_that_was_there() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    let mut then = vec![log.clone()];
    for (place, agent) in ["a", "b", "a", "a", "b"].iter().enumerate() {
        log.says(agent, &format!("words {place}"));
        then.push(log.clone());
    }
    let end = log.clone();
    for (place, then) in then.iter().enumerate().take(5) {
        let mut log = end.clone();
        let entry = log.session.transcript().entries()[place].clone();
        move_to(&mut log, entry.message.id);
        assert_eq!(log.session.transcript().entries(), then.session.transcript().entries());
        for agent in ["a", "b"] {
            let (now, was) = (log.session.meter(agent), then.session.meter(agent));
            assert_eq!((now.tokens, now.cost, now.auto_replies), (was.tokens, was.cost, was.auto_replies));
        }
        assert_eq!(log.session.spent(), end.session.spent(), "money that is spent stays spent");
        assert_eq!(log.session.branch(), BranchId(1));
        assert!(log.session.hold().is_some(), "going somewhere is looking at it first");
    }
}

#[test]
fn the_old_branch_stays_and_can_be_gone_back_to() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    let first = log.says("a", "one");
    log.says("b", "two");
    let tip = log.session.head().unwrap();
    move_to(&mut log, first);
    log.says("b", "another two");
    assert_eq!(texts(&log.session), ["talk", "one", "another two"]);
    carry_out(&mut log, Command::MoveTo { seq: tip });
    assert_eq!(texts(&log.session), ["talk", "one", "two"]);
    assert_eq!((log.session.branch(), log.session.branch_name()), (BranchId(0), "main"));
    assert_eq!(log.session.branches().len(), 2, "going back to a tip makes no new branch");
    let fork = &log.session.branches()[1];
    assert_eq!((fork.name.as_str(), fork.from), ("branch-1", Some(log.session.transcript().get(first).unwrap().seq)));
}

#[test]
fn identities_are_never_used_twice_whatever_branch_is_active() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    let first = log.says("a", "one");
    log.says("b", "two");
    let before = log.session.ids();
    move_to(&mut log, first);
    let after = log.session.ids();
    assert_eq!((after.message, after.turn, after.call), (before.message, before.turn, before.call));
    let fresh = log.says("b", "another two");
    assert_eq!(fresh, before.message);
}

#[test]
fn an_edit_keeps_the_identity_raises_the_revision_and_drops_what_followed() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    let first = log.says("a", "one");
    log.says("b", "two");
    carry_out(&mut log, Command::Edit { message: first, content: "uno".into() });
    assert_eq!(texts(&log.session), ["talk", "uno"]);
    let entry = log.session.transcript().get(first).unwrap().clone();
    assert_eq!((entry.message.id, entry.revision, entry.original.as_deref()), (first, 1, Some("one")));
    carry_out(&mut log, Command::Edit { message: first, content: "eins".into() });
    let entry = log.session.transcript().get(first).unwrap();
    assert_eq!(entry.original.as_deref(), Some("one"), "a second edit leaves from the record that posted it");
    assert_eq!(log.session.branches().len(), 3);
    assert!(log.session.hold().is_none(), "an edit goes on by itself unless the run was held");
}

#[test]
fn an_edit_makes_an_unfinished_message_whole_and_it_counts_from_then_on() {
    for completeness in [Completeness::Interrupted, Completeness::CutOff] {
        let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
        let turn = log.turn("a");
        let call = log.call(turn, "a");
        let usage = crate::session::testing::usage(1, 1);
        log.add(vec![Event::ModelInterrupted { call, usage }]);
        let mut partial = log.message(Author::Agent("a".into()), MessageKind::Reply, "I was ab");
        (partial.completeness, partial.call) = (completeness, Some(call));
        let id = log.post(partial);
        log.add(vec![Event::TurnEnded { turn, finished: false }]);
        carry_out(&mut log, Command::Edit { message: id, content: "I was about to say it".into() });
        let entry = log.session.transcript().get(id).unwrap();
        assert_eq!(entry.message.completeness, Completeness::Whole);
        assert_eq!(log.session.rounds(), 2);
        assert_eq!(log.session.turns()[0].stage, Stage::Posted, "its turn has said what it had to say");
    }
}

#[test]
fn consent_and_grants_are_void_after_a_fork() {
    let mut log = Log::with_task(team(vec![speaker("a"), runner("x", ApprovalPolicy::Always)]), "talk");
    let code = log.says("a", "```python\nprint(1)\n```");
    let turn = log.turn("x");
    let code_payload = python("print(1)");
    let payload = Arc::new(code_payload.clone());
    let (approval, hash) = (log.session.ids().approval, payload.hash());
    let asked = Event::ApprovalAsked { approval, turn, agent: "x".into(), source: code, payload, hash: hash.clone() };
    log.add(vec![asked]);
    assert_eq!(log.session.waiting(), [Waiting::Approval(approval)]);
    let decision =
        Command::Decide { approval, hash: hash.clone(), verdict: Verdict::Run, seen_in_full: true, remember: true };
    carry_out(&mut log, decision.clone());
    assert!(log.session.is_granted("x", &code_payload, &hash) && log.session.waiting().is_empty());
    assert!(!log.session.is_granted("a", &code_payload, &hash), "a grant is for one agent");
    let note = log.operator("noted");
    move_to(&mut log, code);
    assert!(!log.session.is_granted("x", &code_payload, &hash));
    assert!(log.session.approval(approval).is_none());
    assert!(decide(&log.session, &decision, log.now).is_err(), "the old answer is worth nothing here");
    assert!(log.session.ids().approval > ApprovalId(approval.0));
    // Below the decision, too: what was allowed was allowed on the branch that was left.
    let tip = log.session.branches()[0].tip;
    carry_out(&mut log, Command::MoveTo { seq: tip });
    move_to_or_stay(&mut log, note);
    assert!(!log.session.is_granted("x", &code_payload, &hash));
}

fn move_to_or_stay(log: &mut Log, message: MessageId) {
    let seq = log.session.transcript().get(message).unwrap().seq;
    if log.session.head() != Some(seq) {
        carry_out(log, Command::MoveTo { seq });
    }
}

/// The operator spoke while a call, a consent or a program was under way: those are not under way on the branch that
/// leaves from there, nobody will ever answer them.
#[test]
fn what_was_in_flight_at_the_place_one_goes_back_to_is_not_in_flight_any_more() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    let turn = log.turn("a");
    log.call(turn, "a");
    let aside = log.operator("by the way");
    log.add(vec![Event::TurnEnded { turn, finished: false }]);
    move_to(&mut log, aside);
    assert!(!log.session.is_busy() && log.session.turns().is_empty());
    assert_eq!(log.session.floor().retry, ["a".into()], "who was speaking gets the floor back");

    let mut log = Log::with_task(team(vec![speaker("a"), runner("x", ApprovalPolicy::Always)]), "talk");
    let code = log.says("a", "```python\nprint(1)\n```");
    let turn = log.turn("x");
    let code_payload = python("print(1)");
    let payload = Arc::new(code_payload.clone());
    let (approval, op, hash) = (log.session.ids().approval, log.session.ids().op, payload.hash());
    log.add(vec![
        Event::ApprovalAsked { approval, turn, agent: "x".into(), source: code, payload, hash: hash.clone() },
        Event::ApprovalDecided {
            approval,
            verdict: Verdict::Run,
            hash: hash.clone(),
            seen_in_full: true,
            remember: false,
        },
    ]);
    let decided = log.operator("wait");
    log.add(vec![Event::Intent { op, approval, hash }]);
    let running = log.operator("how long?");
    log.add(vec![Event::TurnEnded { turn, finished: true }]);
    for aside in [running, decided] {
        move_to(&mut log, aside);
        assert!(!log.session.is_busy() && log.session.turns().is_empty(), "one consent is not for two runs");
        assert_eq!(log.session.floor().retry, ["x".into()]);
    }
    assert_eq!(Session::replay(log.session.log().iter().cloned()).unwrap().floor().retry, ["x".into()]);
}

#[test]
fn edited_code_is_what_may_run_and_the_original_is_kept() {
    let mut log = Log::with_task(team(vec![speaker("a"), runner("x", ApprovalPolicy::Always)]), "talk");
    let code = log.says("a", "```python\nprint(1)\n```");
    let turn = log.turn("x");
    let code_payload = python("print(1)");
    let payload = Arc::new(code_payload.clone());
    let (approval, hash) = (log.session.ids().approval, payload.hash());
    log.add(vec![Event::ApprovalAsked {
        approval,
        turn,
        agent: "x".into(),
        source: code,
        payload: payload.clone(),
        hash: hash.clone(),
    }]);
    let blocks = vec![CodeBlock { language: "python".into(), code: "print(2)".into() }];
    let verdict = Verdict::RunEdited(blocks);
    carry_out(&mut log, Command::Decide { approval, hash: hash.clone(), verdict, seen_in_full: true, remember: false });
    let asked = log.session.approval(approval).unwrap();
    assert_eq!(asked.payload.blocks[0].code.as_ref(), "print(2)");
    assert_eq!(asked.payload.place, payload.place, "an edit changes what runs, not where");
    assert_eq!((asked.original.as_ref(), &asked.hash), (Some(&payload), &asked.payload.hash()));
    assert_ne!(asked.hash, hash);
}
