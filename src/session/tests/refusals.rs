//! What the operator may ask for when, and the words of a refusal.

use crate::chat::command::Command;
use crate::chat::event::{Answer, AskKind, Boundary, EndCause, Event, HoldReason, Resolution, Totals, Verdict};
use crate::chat::id::{ApprovalId, AskId, MessageId, OpId, Seq};
use crate::chat::team::{ApprovalPolicy, Limits};
use crate::chat::usage::Money;
use crate::session::Session;
use crate::session::decide::{Decision, decide};
use crate::session::testing::{Log, python, runner, speaker, speakers, team};
use std::sync::Arc;

fn refusal(log: &Log, command: Command) -> String {
    decide(&log.session, &command, log.now).expect_err("this should have been refused").0
}

fn decision(log: &Log, command: Command) -> Decision {
    decide(&log.session, &command, log.now).expect("this should have been possible")
}

fn talk() -> Log {
    Log::with_task(speakers(&["a", "b"]), "talk")
}

fn ended() -> Log {
    let mut log = talk();
    log.says("a", "one");
    let cause = EndCause::Operator;
    log.add(vec![Event::Ended {
        cause,
        text: "over".into(),
        agent: None,
        totals: Totals::default(),
        detail: Default::default(),
        achieved: None,
    }]);
    log
}

fn held(why: HoldReason) -> Log {
    let mut log = talk();
    log.says("a", "one");
    log.add(vec![Event::Held { why }]);
    log
}

fn budget() -> HoldReason {
    HoldReason::Budget { text: "limit".into() }
}

#[test]
fn every_refusal_says_why_and_what_to_do_instead() {
    let edit = |text: &str| Command::Edit { message: MessageId(0), content: text.into() };
    let speak = |text: &str, name: Option<&str>| Command::Speak { text: text.into(), as_agent: name.map(Into::into) };
    let pause = Command::Pause { boundary: Boundary::Turn };
    let decide = Command::Decide {
        approval: ApprovalId(9),
        hash: String::new(),
        verdict: Verdict::Run,
        seen_in_full: true,
        remember: false,
    };
    let head = |log: &Log| log.session.head().unwrap();
    let table = [
        (talk(), speak(" \n", None), "no words"),
        (talk(), speak("hi", Some("zed")), "zed is not a member"),
        (talk(), Command::CallOn { agent: "zed".into() }, "zed is not a member"),
        (talk(), Command::Queue { queue: vec!["a".into(), "zed".into()] }, "zed is not a member"),
        (talk(), Command::Enqueue { agent: "zed".into() }, "zed is not a member"),
        (talk(), Command::AcceptProposal, "Nobody is proposed"),
        (talk(), Command::Resume, "going on already"),
        (talk(), decide, "no longer waiting"),
        (talk(), Command::Reply { ask: AskId(9), answer: Answer::Skip }, "no longer open"),
        (talk(), Command::Resolve { op: OpId(9), resolution: Resolution::Done }, "nothing to resolve"),
        (talk(), Command::RaiseLimits, "No limit is reached"),
        (talk(), edit("talk"), "Nothing was changed"),
        (talk(), edit("  "), "cannot be emptied"),
        (talk(), Command::Edit { message: MessageId(77), content: "x".into() }, "not on this branch"),
        (talk(), Command::MoveTo { seq: Seq(999) }, "no such place"),
        (talk(), Command::MoveTo { seq: Seq(0) }, "no such place"),
        (talk(), Command::MoveTo { seq: head(&talk()) }, "there already"),
        (talk(), Command::MoveTo { seq: Seq(1) }, "goes back to a message"),
        (ended(), Command::CallOn { agent: "a".into() }, "Say something to go on"),
        (ended(), pause.clone(), "nothing to pause"),
        (ended(), Command::Resume, "Say something to go on, or edit"),
        (ended(), Command::Step, "Say something to go on, or edit"),
        (talk(), Command::Continue, "has not ended"),
        (ended(), Command::Interrupt, "already ended"),
        (ended(), Command::End, "already ended"),
        (held(HoldReason::Operator), pause, "Already holding"),
        (held(budget()), Command::Resume, "Raise the limits"),
        (held(budget()), Command::Step, "Raise the limits"),
    ];
    for (log, command, words) in table {
        let text = refusal(&log, command.clone());
        assert!(text.contains(words), "{command:?}: {text:?} does not say {words:?}");
        assert!(text.ends_with('.'), "{text:?} is no sentence");
    }
    let nothing = Log { session: Session::default(), now: 0 };
    assert!(refusal(&nothing, Command::Resume).contains("not started"));
}

#[test]
fn consent_needs_the_hash_that_was_shown_every_line_seen_and_some_code() {
    let mut log = Log::with_task(team(vec![speaker("a"), runner("x", ApprovalPolicy::Always)]), "talk");
    let source = log.says("a", "```python\nprint(1)\n```");
    let turn = log.turn("x");
    let payload = Arc::new(python("print(1)"));
    let (approval, hash) = (log.session.ids().approval, payload.hash());
    let agent = "x".into();
    log.add(vec![Event::ApprovalAsked { approval, turn, agent, source, payload, hash: hash.clone() }]);
    let say = |hash: &str, verdict: Verdict, seen_in_full: bool| Command::Decide {
        approval,
        hash: hash.into(),
        verdict,
        seen_in_full,
        remember: true,
    };
    assert!(refusal(&log, say("other", Verdict::Run, true)).contains("Look again"));
    assert!(refusal(&log, say("other", Verdict::Deny("no".into()), true)).contains("Look again"));
    assert!(refusal(&log, say(&hash, Verdict::Run, false)).contains("Scroll to the end"));
    let edited = Verdict::RunEdited(python("print(2)").blocks);
    assert!(refusal(&log, say(&hash, edited, false)).contains("Scroll to the end"));
    assert!(refusal(&log, say(&hash, Verdict::RunEdited(Vec::new()), true)).contains("no code left"));
    // Refusing is always possible, and is never remembered as consent.
    let denied = decision(&log, say(&hash, Verdict::Deny("no".into()), false));
    assert!(matches!(denied.events.as_slice(), [Event::ApprovalDecided { remember: false, .. }]));
    log.add(decision(&log, say(&hash, Verdict::Run, true)).events);
    assert!(refusal(&log, say(&hash, Verdict::Run, true)).contains("no longer waiting"), "one decision is enough");
}

#[test]
fn a_question_wants_words_or_a_skip_and_only_once() {
    let mut log = talk();
    let turn = log.turn("a");
    let ask = log.session.ids().ask;
    log.add(vec![Event::HumanAsked { ask, turn, agent: "a".into(), ask_kind: AskKind::Feedback }]);
    let say = |text: &str| Command::Reply { ask, answer: Answer::Say(text.into()) };
    assert!(refusal(&log, say(" ")).contains("To say nothing, skip"));
    log.add(decision(&log, say("mine")).events);
    assert!(refusal(&log, say("again")).contains("no longer open"));
    let last = log.session.transcript().last_heard_by("").unwrap();
    assert_eq!((last.message.author.name(), &*last.message.content, last.message.by_operator), ("a", "mine", false));
}

#[test]
fn nobody_leaves_while_code_runs() {
    let mut log = Log::with_task(team(vec![speaker("a"), runner("x", ApprovalPolicy::Always)]), "talk");
    let source = log.says("a", "code");
    let turn = log.turn("x");
    let payload = Arc::new(python("print(1)"));
    let (approval, op, hash) = (log.session.ids().approval, log.session.ids().op, payload.hash());
    let (agent, verdict) = ("x".into(), Verdict::Run);
    log.add(vec![
        Event::ApprovalAsked { approval, turn, agent, source, payload, hash: hash.clone() },
        Event::ApprovalDecided { approval, verdict, hash: hash.clone(), seen_in_full: true, remember: false },
        Event::Intent { op, approval, hash },
    ]);
    let seq = log.session.transcript().get(source).unwrap().seq;
    assert!(refusal(&log, Command::MoveTo { seq }).contains("Code is running"));
    assert!(refusal(&log, Command::Edit { message: source, content: "x".into() }).contains("Code is running"));
    log.add(vec![Event::OutcomeUnknown { op }]);
    assert!(!decision(&log, Command::Resolve { op, resolution: Resolution::AskAgain }).events.is_empty());
}

#[test]
fn raising_lifts_only_what_was_reached_and_always_above_what_is_spent() {
    let reached = Limits {
        max_cost: Some(Money::from_dollars(0.001)),
        max_tokens: Some(1_000_000),
        max_time_ms: Some(1),
        max_executions: Some(5),
    };
    let mut log = Log::with_task(crate::chat::team::Team { limits: reached, ..speakers(&["a", "b"]) }, "talk");
    log.says("a", "one");
    log.add(vec![Event::Held { why: budget() }]);
    let Decision { events, moved: None } = decision(&log, Command::RaiseLimits) else { panic!("HEAD must not move") };
    log.add(events);
    let (limits, spent) = (log.session.limits().unwrap(), *log.session.spent());
    assert!(limits.max_cost.unwrap() > spent.cost);
    assert!(limits.max_time_ms.unwrap() > log.session.active_ms(log.now));
    assert_eq!((limits.max_tokens, limits.max_executions), (reached.max_tokens, reached.max_executions));
    assert!(log.session.hold().is_none());
}

#[test]
fn a_pause_that_has_not_taken_hold_can_be_taken_back() {
    let mut log = talk();
    log.turn("a");
    log.add(decision(&log, Command::Pause { boundary: Boundary::Turn }).events);
    assert_eq!(log.session.hold_asked(), Some(Boundary::Turn));
    log.add(decision(&log, Command::Resume).events);
    assert_eq!(log.session.hold_asked(), None);
    log.add(decision(&log, Command::Step).events);
    assert_eq!(log.session.hold_asked(), Some(Boundary::Turn), "a step asked for in mid-turn holds after it");
}

#[test]
fn a_hold_in_force_stays_in_force_on_the_branch_an_edit_makes() {
    let message = MessageId(0);
    for (mut log, stays) in [(held(HoldReason::Operator), true), (talk(), false)] {
        let Decision { events, moved } = decision(&log, Command::Edit { message, content: "other".into() });
        log.add_moved(moved, events);
        assert_eq!(log.session.hold().is_some(), stays);
    }
}
