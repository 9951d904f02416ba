//! When a run ends, and that nothing else ends it.

use super::node::Node;
use super::{CONDITIONS, Condition, Endings, Fired, Heard, Moment, Outcome, Verdict};
use crate::chat::event::{EndCause, Event, HoldReason, Totals};
use crate::chat::id::MessageId;
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::team::{Condition as Wanted, Spec};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::session::testing::{Log, speakers};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn one(kind: &str, value: impl Into<Value>) -> Wanted {
    spec(kind, json!({ "value": value.into() }))
}

fn spec(kind: &str, options: Value) -> Wanted {
    let Value::Object(options) = options else { panic!("options are a table") };
    Wanted::One(Spec { kind: kind.into(), options })
}

fn talk() -> Log {
    Log::with_task(speakers(&["a", "b"]), "say DONE when you are done")
}

fn check(endings: &mut Endings, log: &Log) -> Option<(String, String)> {
    match endings.check(&log.session, log.now)? {
        Outcome::Met(met) => Some((met.kind, met.text)),
        other => panic!("nobody is to be asked: {other:?}"),
    }
}

fn endings(wanted: Wanted) -> Endings {
    Endings::new(&[wanted]).unwrap()
}

#[test]
fn a_mention_ends_at_the_words_anywhere_case_and_all_and_says_who_said_them() {
    let mut log = talk();
    let mut mention = endings(one("text_mention", "DONE"));
    for words in ["done", "D O N E", "Do ne"] {
        log.says("a", words);
        assert_eq!(check(&mut mention, &log), None, "{words}");
    }
    log.says("b", "I am UNDONE.");
    assert_eq!(check(&mut mention, &log), Some(("text_mention".into(), "Text 'DONE' mentioned".into())));
}

#[test]
fn a_whole_text_ends_only_at_exactly_that() {
    let mut log = talk();
    let mut whole = endings(one("text_is", "DONE"));
    log.says("a", "I am DONE");
    assert_eq!(check(&mut whole, &log), None);
    log.says("b", "DONE\n");
    assert!(check(&mut whole, &log).is_some());
}

#[test]
fn words_count_only_from_the_named_sources() {
    let mut log = talk();
    let mut by_b = endings(spec("text_mention", json!({ "value": "DONE", "sources": ["b"] })));
    log.says("a", "DONE");
    log.operator("DONE");
    assert_eq!(check(&mut by_b, &log), None);
    log.says("b", "DONE");
    assert!(check(&mut by_b, &log).is_some());
    let mut by_operator = endings(spec("text_mention", json!({ "value": "DONE", "sources": ["user"] })));
    assert_eq!(check(&mut by_operator, &log), Some(("text_mention".into(), "Text 'DONE' mentioned".into())));
}

#[test]
fn neither_the_task_nor_interrupted_words_count() {
    let mut log = talk();
    let mut mention = endings(one("text_mention", "DONE"));
    assert_eq!(check(&mut mention, &log), None, "the task ended the run that it starts");
    let mut partial = log.message(Author::Agent("a".into()), MessageKind::Reply, "DONE wi");
    partial.completeness = Completeness::Interrupted;
    log.post(partial);
    assert_eq!(check(&mut mention, &log), None);
}

#[test]
fn messages_are_counted_as_rounds_are() {
    let mut log = talk();
    let mut three = endings(one("max_messages", 3));
    log.says("a", "one");
    assert_eq!(check(&mut three, &log), None);
    log.says("b", "two");
    assert_eq!(
        check(&mut three, &log),
        Some(("max_messages".into(), "Maximum number of messages 3 reached, current message count: 3".into()))
    );
}

#[test]
fn consumption_ends_at_its_limit_not_before() {
    // A turn of the hand-written log uses 15 tokens and costs $0.015.
    let table = [
        (
            "max_tokens",
            json!(30),
            "Token usage limit reached, total token count: 30, prompt token count: 20, completion token count: 10.",
        ),
        ("max_cost", json!(0.03), "$0.030 of $0.030 spent"),
    ];
    for (kind, limit, text) in table {
        let mut log = talk();
        let mut limit = endings(one(kind, limit));
        log.says("a", "one");
        assert_eq!(check(&mut limit, &log), None);
        log.says("b", "two");
        assert_eq!(check(&mut limit, &log), Some((kind.into(), text.into())));
    }
}

#[test]
fn time_ends_by_running_time_without_the_operators_pauses() {
    let mut log = talk();
    let mut minute = endings(one("max_time", 60_000));
    log.says("a", "one");
    log.add(vec![Event::Held { why: HoldReason::Operator }]);
    log.now += 3_600_000;
    log.add(vec![Event::Released { step: false }]);
    assert_eq!(check(&mut minute, &log), None, "an hour of pause is not running time");
    log.now += 60_000;
    assert_eq!(check(&mut minute, &log), Some(("max_time".into(), "Timeout of 60 seconds reached".into())));
}

#[test]
fn any_is_met_by_one_and_all_by_every_one_though_not_at_the_same_time() {
    let parts = || vec![one("text_mention", "red"), one("text_is", "blue")];
    let mut log = talk();
    let (mut any, mut all) = (endings(Wanted::Any(parts())), endings(Wanted::All(parts())));
    log.says("a", "a red one");
    assert_eq!(check(&mut any, &log).unwrap().0, "text_mention");
    assert_eq!(check(&mut all, &log), None);
    log.says("b", "neither");
    assert_eq!(check(&mut all, &log), None);
    log.says("a", "blue");
    let (kind, text) = check(&mut all, &log).unwrap();
    assert_eq!(kind, "text_mention and text_is");
    assert_eq!(text, "Text 'red' mentioned, Message 'blue' received");
    let nested = Wanted::All(vec![Wanted::Any(parts()), one("max_messages", 4)]);
    assert!(check(&mut endings(nested), &log).is_some());
    assert_eq!(check(&mut endings(Wanted::All(Vec::new())), &log), None, "an empty all would end everything at once");
    assert_eq!(check(&mut endings(Wanted::Any(Vec::new())), &log), None);
}

#[test]
fn a_new_run_forgets_and_the_words_that_begin_it_do_not_count() {
    let mut log = talk();
    let mut all = endings(Wanted::All(vec![one("text_mention", "red"), one("text_mention", "blue")]));
    log.says("a", "red");
    assert_eq!(check(&mut all, &log), None);
    let (cause, totals) = (EndCause::Operator, Totals::default());
    log.add(vec![Event::Ended {
        cause,
        text: String::new(),
        agent: None,
        totals,
        detail: Default::default(),
        achieved: None,
    }]);
    log.operator("go on until somebody says red and blue");
    assert_eq!(check(&mut all, &log), None);
    log.says("b", "blue");
    assert_eq!(check(&mut all, &log), None, "red was said in the run before");
    log.says("a", "red");
    assert!(check(&mut all, &log).is_some());
}

#[test]
fn another_branch_forgets_and_reads_its_own_words() {
    let mut log = talk();
    let mut mention = endings(one("text_mention", "DONE"));
    let first = log.says("a", "one");
    log.says("b", "DONE");
    assert!(check(&mut mention, &log).is_some());
    let go = |log: &mut Log, message: MessageId, branch: u64, edit: Option<&str>| {
        let seq = log.session.transcript().get(message).unwrap().seq;
        let mut events = vec![Event::BranchMoved { name: "other".into(), why: String::new() }];
        events.extend(edit.map(|text| Event::MessageEdited { message, content: text.into() }));
        log.add_moved(Some((seq, crate::chat::id::BranchId(branch))), events);
    };
    go(&mut log, first, 1, None);
    assert_eq!(check(&mut mention, &log), None, "it was said on the branch that was left");
    go(&mut log, first, 2, Some("one, DONE"));
    assert!(check(&mut mention, &log).is_some(), "an edited message is read as it stands now");
}

#[test]
fn the_first_condition_that_is_met_is_the_one_that_is_named() {
    let mut both = Endings::new(&[one("max_messages", 2), one("text_mention", "DONE")]).unwrap();
    let mut log = talk();
    log.says("a", "DONE");
    assert_eq!(check(&mut both, &log).unwrap().0, "max_messages");
}

#[test]
fn options_that_would_end_at_once_or_never_are_refused_in_words() {
    let table = [
        one("text_mention", " "),
        one("text_is", ""),
        one("max_messages", 0),
        one("max_tokens", 0),
        one("max_cost", 0.0),
        one("max_cost", -1.0),
        one("max_time", 0),
        spec("max_messages", json!({})),
        one("text_mentoin", "DONE"),
        Wanted::All(vec![one("max_tokens", 0)]),
        spec("max_tokens", json!({ "value": 5, "total": 5 })),
        spec("max_tokens", json!({ "prompt": 0 })),
        one("text_matches", "("),
        one("text_matches", "a*"),
        one("text_ends_with", "  "),
        one("max_turns", 0),
        one("source_match", json!([])),
        one("stop_message", false),
        one("external", false),
        one("ask_operator", 0),
        one("function_call", ""),
        one("handoff", " "),
        one("timeout", 0),
        one("idle", 0),
        one("rule", "round >"),
        spec("command", json!({})),
        spec("command", json!({ "command": { "argv": ["x"], "dir": "/" }, "every": 0 })),
    ];
    for wanted in table {
        let error = Endings::new(std::slice::from_ref(&wanted)).err();
        assert!(error.is_some_and(|error| !error.message.is_empty()), "{wanted:?} was taken");
    }
    for entry in CONDITIONS {
        assert!(entry.example.starts_with(entry.name) && !entry.about.is_empty(), "{}", entry.name);
    }
}

#[test]
fn words_are_found_at_the_end_and_by_a_pattern_too() {
    let table = [
        ("text_ends_with", "DONE", "all DONE\n", "DONE, almost", "Message ending with 'DONE' received"),
        (
            "text_matches",
            "(?i)verdict: (ok|fine)",
            "My Verdict: OK.",
            "verdict: bad",
            "Pattern '(?i)verdict: (ok|fine)' matched",
        ),
    ];
    for (kind, value, fits, misses, text) in table {
        let mut log = talk();
        let mut condition = endings(one(kind, value));
        log.says("a", misses);
        assert_eq!(check(&mut condition, &log), None, "{kind}");
        log.says("b", fits);
        assert_eq!(check(&mut condition, &log), Some((kind.into(), text.into())));
    }
}

/// AgentChat's scope, for teams that were made for it (reference: agentchat-semantics 3.3 and 12, no. 5).
#[test]
fn scope_all_reads_the_task_and_what_agents_and_tools_say_to_each_other() {
    let all = |text: &str| spec("text_mention", json!({ "value": text, "scope": "all" }));
    let mut log = talk();
    assert!(check(&mut endings(all("DONE")), &log).is_some(), "the task says DONE");
    log.says("a", "words");
    let call = ToolCall { id: "1".into(), name: "find".into(), arguments: "{\"q\":\"STOP\"}".into(), echo: None };
    let mut asks = log.message(Author::Agent("a".into()), MessageKind::ToolCalls, "");
    asks.tool_calls = vec![call.clone()];
    log.post(asks);
    assert!(check(&mut endings(all("STOP")), &log).is_some());
    assert!(check(&mut endings(one("text_mention", "STOP")), &log).is_none());
    assert!(Endings::new(&[spec("text_mention", json!({ "value": "x", "scope": "everything" }))]).is_err());
}

#[test]
fn tools_and_handoffs_end_by_name() {
    let mut log = talk();
    let mut called = endings(one("function_call", "submit"));
    let mut handed = endings(one("handoff", "user"));
    for (name, is_error) in [("find", false), ("submit", true)] {
        assert_eq!(check(&mut called, &log), None);
        let call = ToolCall { id: "1".into(), name: name.into(), arguments: "{}".into(), echo: None };
        let mut results = log.message(Author::Agent("a".into()), MessageKind::ToolResults, "");
        results.tool_results = vec![ToolResult::of(&call, "it broke", is_error)];
        log.post(results);
    }
    assert_eq!(check(&mut called, &log), Some(("function_call".into(), "Function 'submit' was executed.".into())));
    for target in ["b", "user"] {
        assert_eq!(check(&mut handed, &log), None);
        let mut over = log.message(Author::Agent("a".into()), MessageKind::Handoff, "over to you");
        over.handoff = Some(target.into());
        log.post(over);
    }
    assert_eq!(check(&mut handed, &log), Some(("handoff".into(), "Handoff to user from a detected.".into())));
}

#[test]
fn speakers_end_by_having_spoken() {
    let mut log = talk();
    let mut source = endings(one("source_match", json!(["b", "c"])));
    let mut words_of_b = endings(spec("text_message", json!({ "source": "b" })));
    let mut any_words = endings(spec("text_message", json!({})));
    let mut stop = endings(one("stop_message", true));
    log.runs("b", "print(1)", 0, "1");
    assert_eq!(check(&mut source, &log), Some(("source_match".into(), "'b' answered".into())));
    assert_eq!((check(&mut words_of_b, &log), check(&mut any_words, &log)), (None, None), "a result is no text");
    log.says("a", "I say TERMINATE");
    assert_eq!(check(&mut words_of_b, &log), None);
    let text = "Text message received from 'a'".to_owned();
    assert_eq!(check(&mut any_words, &log), Some(("text_message".into(), text)));
    assert_eq!(check(&mut stop, &log), None);
    log.says("b", "TERMINATE");
    assert_eq!(check(&mut stop, &log), Some(("stop_message".into(), "Stop message received".into())));
    assert!(check(&mut stop, &log).is_some(), "it stays met");
}

#[test]
fn turns_are_counted_and_messages_with_what_tools_said_where_that_is_wanted() {
    let mut log = talk();
    let mut turns = endings(one("max_turns", 2));
    let mut messages = endings(spec("max_messages", json!({ "value": 4, "include_events": true })));
    log.says("a", "one");
    log.operator("words of the operator are no turn");
    let aside = log.message(Author::Agent("a".into()), MessageKind::ToolCalls, "");
    assert_eq!((check(&mut turns, &log), check(&mut messages, &log)), (None, None));
    log.post(aside);
    assert!(check(&mut messages, &log).unwrap().1.contains("current message count: 4"));
    log.says("b", "two");
    assert_eq!(check(&mut turns, &log), Some(("max_turns".into(), "Maximum number of turns 2 reached.".into())));
}

#[test]
fn each_part_of_the_tokens_has_a_limit_of_its_own() {
    for (limits, over) in [
        (json!({ "prompt": 20 }), true),
        (json!({ "prompt": 21 }), false),
        (json!({ "completion": 10, "total": 1000 }), true),
        (json!({ "completion": 11, "prompt": 21, "total": 31 }), false),
    ] {
        let mut log = talk();
        log.says("a", "one");
        log.says("b", "two");
        assert_eq!(check(&mut endings(spec("max_tokens", limits.clone())), &log).is_some(), over, "{limits}");
    }
}

#[test]
fn a_run_that_goes_on_has_fresh_budgets() {
    let mut log = talk();
    let kinds = || {
        [
            one("max_tokens", 30),
            one("max_cost", 0.03),
            one("max_time", 20_000),
            one("timeout", 20_000),
            one("max_turns", 2),
        ]
    };
    let mut all: Vec<Endings> = kinds().into_iter().map(endings).collect();
    let over = |all: &mut Vec<Endings>, log: &Log| -> Vec<bool> {
        all.iter_mut().map(|endings| check(endings, log).is_some()).collect()
    };
    let run = |log: &mut Log| {
        log.says("a", "one");
        log.says("b", "two");
        log.now += 20_000;
    };
    run(&mut log);
    assert_eq!(over(&mut all, &log), [true; 5]);
    let (cause, totals) = (EndCause::Operator, Totals::default());
    log.add(vec![Event::Ended {
        cause,
        text: String::new(),
        agent: None,
        totals,
        detail: Default::default(),
        achieved: None,
    }]);
    log.operator("go on");
    assert_eq!(over(&mut all, &log), [false; 5]);
    // A session that is opened again knows the same.
    let mut fresh: Vec<Endings> = kinds().into_iter().map(endings).collect();
    assert_eq!(over(&mut fresh, &log), [false; 5]);
    run(&mut log);
    assert_eq!((over(&mut all, &log), over(&mut fresh, &log)), (vec![true; 5], vec![true; 5]));
}

#[test]
fn the_texts_of_all_that_are_met_are_told_in_written_order() {
    // AgentChat 10.6, case 118.
    let mut any = Endings::new(&[one("max_messages", 2), one("text_mention", "X")]).unwrap();
    let mut log = talk();
    log.says("a", "X");
    let text = "Maximum number of messages 2 reached, current message count: 2, Text 'X' mentioned";
    assert_eq!(check(&mut any, &log), Some(("max_messages".into(), text.into())));
}

/// Counts what it is shown.
struct Counting(Arc<AtomicUsize>);

impl Condition for Counting {
    fn observe(&mut self, _heard: &Heard<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn met(&mut self, _moment: &Moment<'_>) -> Verdict {
        Verdict::No
    }
}

/// Met while a certain message is the newest.
struct Newest(&'static str);

impl Condition for Newest {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        match moment.session.transcript().last_heard_by("") {
            Some(newest) if &*newest.message.content == self.0 => Fired::with(self.0, &[]),
            _ => Verdict::No,
        }
    }
}

#[test]
fn a_member_of_all_that_was_met_once_stays_met_for_its_run() {
    let member = |text| Node::of("newest", Box::new(Newest(text)));
    let mut all = Endings::new(&[]).unwrap();
    all.tree = Node::all_of(vec![member("red"), member("blue")]);
    let mut log = talk();
    log.says("a", "blue");
    assert_eq!(check(&mut all, &log), None);
    log.says("a", "red");
    // The kinds as written, the texts in the order of firing (AgentChat: AndTerminationCondition).
    assert_eq!(check(&mut all, &log), Some(("newest and newest".into(), "blue, red".into())));
}

#[test]
fn each_message_is_read_once_however_long_the_run() {
    let shown = Arc::new(AtomicUsize::new(0));
    let mut endings = Endings::new(&[]).unwrap();
    endings.tree = Node::of("counting", Box::new(Counting(shown.clone())));
    let mut log = talk();
    check(&mut endings, &log);
    for n in 2..=300 {
        log.says("a", "words");
        check(&mut endings, &log);
        check(&mut endings, &log);
        assert_eq!(shown.load(Ordering::Relaxed), n);
    }
}
