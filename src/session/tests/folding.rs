//! What a log adds up to, and which records are refused.

use crate::chat::event::{Actor, Answer, AskKind, EndCause, Event, HoldReason, Record, Totals};
use crate::chat::id::{BranchId, CallId, Seq};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::team::ApprovalPolicy;
use crate::session::testing::{Log, MORNING, runner, speakers, team, usage};
use crate::session::{ApplyError, Session, Waiting};
use std::sync::Arc;

fn refused(log: &mut Log, change: impl FnOnce(&mut Record)) -> ApplyError {
    let before = format!("{:?}", log.session);
    let mut record = log.next(Event::TurnStarted { turn: log.session.ids().turn, agent: "a".into(), beside: None });
    change(&mut record);
    let error = log.session.apply(Arc::new(record)).unwrap_err();
    assert_eq!(format!("{:?}", log.session), before, "a refused record changed the session");
    error
}

#[test]
fn gaps_wrong_parents_and_a_second_start_are_refused_and_change_nothing() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    log.says("a", "one");
    let last = log.session.log().len() as u64;
    let moved = || Event::BranchMoved { name: "x".into(), why: String::new() };
    assert_eq!(refused(&mut log, |record| record.seq.0 += 1), ApplyError::Gap { last, found: last + 2 });
    assert_eq!(refused(&mut log, |record| record.seq.0 -= 1), ApplyError::Gap { last, found: last });
    let seq = last + 1;
    assert_eq!(refused(&mut log, |record| record.parent = Some(Seq(1))), ApplyError::Parent { seq, parent: 1 });
    assert_eq!(refused(&mut log, |record| record.parent = Some(Seq(seq))), ApplyError::Parent { seq, parent: seq });
    assert_eq!(refused(&mut log, |record| record.parent = Some(Seq(0))), ApplyError::Parent { seq, parent: 0 });
    assert_eq!(refused(&mut log, |record| record.parent = None), ApplyError::Parent { seq, parent: 0 });
    let error = refused(&mut log, |record| {
        record.event = moved();
        record.parent = Some(Seq(seq + 3));
    });
    assert_eq!(error, ApplyError::Parent { seq, parent: seq + 3 });
    let error = refused(&mut log, |record| {
        record.event = moved();
        record.parent = None;
    });
    assert_eq!(error, ApplyError::Parent { seq, parent: 0 });
    let start = log.session.record(Seq(1)).unwrap().event.clone();
    assert_eq!(refused(&mut log, |record| record.event = start), ApplyError::Start { seq });
}

#[test]
fn a_log_must_open_with_its_start() {
    let event = Event::Held { why: HoldReason::Operator };
    let record = Record { seq: Seq(1), parent: None, branch: BranchId(0), actor: Actor::System, at: 0, event };
    assert_eq!(Session::replay([Arc::new(record)]).unwrap_err(), ApplyError::Start { seq: 1 });
    assert!(Session::replay([]).unwrap().team().is_none());
}

#[test]
fn rounds_count_the_task_and_every_message_but_interrupted_ones() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    assert_eq!(log.session.rounds(), 1);
    log.says("a", "one");
    log.operator("and?");
    assert_eq!(log.session.rounds(), 3);
    let mut partial = log.message(Author::Agent("b".into()), MessageKind::Reply, "I was ab");
    partial.completeness = Completeness::Interrupted;
    log.post(partial);
    assert_eq!((log.session.rounds(), log.session.transcript().len()), (3, 4));
    let mut cut = log.message(Author::Agent("b".into()), MessageKind::Reply, "too lo");
    cut.completeness = Completeness::CutOff;
    log.post(cut);
    assert_eq!(log.session.rounds(), 4, "a cut-off answer is heard, so it counts");
}

#[test]
fn words_after_the_end_begin_a_new_run_with_its_own_rounds_and_counters() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    log.says("a", "one");
    log.says("b", "two");
    assert_eq!(log.session.meter("a").auto_replies, 1);
    let totals = Totals::default();
    log.add(vec![Event::Ended {
        cause: EndCause::MaxRound,
        text: "over".into(),
        agent: None,
        totals,
        detail: Default::default(),
        achieved: None,
    }]);
    assert!(log.session.ended().is_some() && log.session.waiting().is_empty());
    log.operator("go on");
    assert!(log.session.ended().is_none());
    assert_eq!(log.session.rounds(), 1, "what came before the end no longer counts");
    assert_eq!(log.session.transcript().run()[0].message.content.as_ref(), "go on");
    // AG2: the counter is set to 0 on every stop.
    assert_eq!(log.session.meter("a").auto_replies, 0);
    assert_eq!(log.session.meter("a").turns, 1, "what was done stays done");
}

#[test]
fn consecutive_replies_count_whole_ones_without_a_persons_word() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    log.says("a", "one");
    log.says("a", "two");
    log.says("b", "three");
    assert_eq!((log.session.meter("a").auto_replies, log.session.meter("b").auto_replies), (2, 1));
    let mut partial = log.message(Author::Agent("a".into()), MessageKind::Reply, "I was ab");
    partial.completeness = Completeness::Interrupted;
    log.post(partial);
    assert_eq!(log.session.meter("a").auto_replies, 2, "nobody heard it, so it is no reply");
    let mut spoken_for = log.message(Author::Agent("a".into()), MessageKind::Human, "as a");
    spoken_for.by_operator = true;
    log.post(spoken_for);
    assert_eq!((log.session.meter("a").auto_replies, log.session.meter("b").auto_replies), (0, 1));
    log.operator("everybody!");
    assert_eq!(log.session.meter("b").auto_replies, 0, "the operator's word is a person's word to all");
}

#[test]
fn meters_add_up_per_agent_and_the_selectors_share_is_kept_apart() {
    use crate::chat::request::{Failure, FailureKind, Finish, Purpose};
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    log.says("a", "one");
    let call = log.session.ids().call;
    log.add(vec![
        Event::ModelCalled {
            call,
            turn: None,
            agent: "a".into(),
            purpose: Purpose::Select,
            model: "main".into(),
            attempt: 1,
            request: "0".into(),
            messages: 3,
            left_out: 0,
            estimate: 0,
        },
        Event::ModelAnswered { call, usage: usage(7, 1), latency_ms: 1, finish: Finish::Stop, served: None },
    ]);
    let turn = log.turn("b");
    let call = log.call(turn, "b");
    let failure = Failure::new(FailureKind::Server, "down");
    let unknown = crate::chat::usage::Usage { cost: None, ..usage(3, 0) };
    log.add(vec![Event::ModelFailed { call, failure, usage: unknown, retry_ms: None, fallback: None }]);
    let session = &log.session;
    assert_eq!((session.meter("a").tokens.total(), session.meter("a").context), (15, 10));
    assert_eq!((session.meter("b").tokens.total(), session.meter("b").unpriced_calls), (3, 1));
    assert_eq!(session.selector_meter().tokens.total(), 8);
    assert_eq!((session.spent().tokens.total(), session.spent().calls, session.spent().unpriced_calls), (26, 3, 1));
    assert_eq!(session.spent().cost.to_string(), "$0.023");
}

#[test]
fn what_waits_is_listed_until_it_is_answered_and_time_stands_still_meanwhile() {
    let mut log = Log::of(team(vec![runner("x", ApprovalPolicy::Always)]));
    assert_eq!(log.session.waiting(), [Waiting::Task]);
    assert_eq!(log.session.active_ms(MORNING + 60_000), 0, "without a task nothing goes on");
    log.post(log.message(Author::Operator, MessageKind::Task, "go"));
    let begun = log.now;
    let turn = log.turn("x");
    let ask = log.session.ids().ask;
    log.add(vec![Event::HumanAsked { ask, turn, agent: "x".into(), ask_kind: AskKind::Feedback }]);
    let asked = log.now;
    assert_eq!(log.session.waiting(), [Waiting::Ask(ask)]);
    assert_eq!(log.session.active_ms(asked + 3_600_000), (asked - begun) as u64);
    log.now += 3_600_000;
    log.add(vec![Event::HumanAnswered { ask, answer: Answer::Skip }]);
    assert!(log.session.waiting().is_empty());
    assert_eq!(log.session.active_ms(log.now), (asked - begun) as u64, "an hour of waiting is not running time");
    log.add(vec![Event::SpeakerWanted {
        candidates: vec!["x".into()],
        barred: Vec::new(),
        proposed: None,
        reasons: Vec::new(),
        until: None,
        by_words: false,
    }]);
    assert_eq!(log.session.waiting(), [Waiting::Pick]);
    let why = HoldReason::Circles { text: "again".into() };
    log.add(vec![Event::Held { why: why.clone() }]);
    assert_eq!(log.session.waiting(), [Waiting::Pick, Waiting::Hold(why)]);
}

#[test]
fn a_plain_pause_waits_for_nobody() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    for why in [HoldReason::Operator, HoldReason::Opened, HoldReason::Interrupted("a".into())] {
        log.add(vec![Event::Held { why }]);
        assert!(log.session.hold().is_some() && log.session.waiting().is_empty());
        log.add(vec![Event::Released { step: false }]);
        assert!(log.session.hold().is_none());
    }
}

#[test]
fn a_late_end_of_an_unknown_call_changes_only_what_was_spent() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    let before = log.session.transcript().len();
    log.add(vec![Event::ModelInterrupted { call: CallId(99), usage: usage(1, 1) }]);
    assert_eq!((log.session.transcript().len(), log.session.spent().tokens.total()), (before, 2));
    assert!(!log.session.is_busy());
}

#[test]
fn searching_looks_at_texts_and_authors() {
    use crate::session::search::messages_that;
    let mut log = Log::with_task(speakers(&["Coder", "b"]), "Write a Cache");
    log.says("Coder", "the cache is done");
    log.says("b", "fine");
    let transcript = log.session.transcript();
    let with = |words: &str| messages_that(transcript, |text| text.contains(words));
    assert_eq!(with("Cache"), [0]);
    assert_eq!(with("Coder"), [1]);
    assert_eq!(with("nothing of it"), [0usize; 0]);
}
