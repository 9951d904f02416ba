//! What rules mean, which texts are none, and that no text does any harm.

use super::{FACTS, Named, Naming, Rule};
use crate::chat::event::{EndCause, Event, Totals};
use crate::chat::id::{BranchId, TurnId};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::chat::watch::Detection;
use crate::session::testing::{Log, speakers};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn rule(text: &str) -> Rule {
    Rule::parse(text).unwrap_or_else(|error| panic!("{text}: {error} at {:?}", error.at))
}

fn context() -> Map<String, Value> {
    let json = json!({
        "ready": true, "done": false, "retries": 3, "name": "Ada", "empty": "", "nothing": null, "tags": ["red", "blue"],
        "order": { "state": "paid" },
    });
    let Value::Object(map) = json else { unreachable!() };
    map
}

fn holds(log: &Log, text: &str) -> bool {
    rule(text).holds(&log.session, &context())
}

fn all(log: &Log, right: &[&str], wrong: &[&str]) {
    for text in right {
        assert!(holds(log, text), "{text} does not hold: {:?}", rule(text).because(&log.session, &context()));
    }
    for text in wrong {
        assert!(!holds(log, text), "{text} holds: {:?}", rule(text).because(&log.session, &context()));
    }
}

fn talk() -> Log {
    let mut log = Log::with_task(speakers(&["Coder", "Tester", "my-agent"]), "write it in Rust");
    log.says("Coder", "here it is");
    log.runs("Tester", "print(1)", 1, "Traceback");
    log.says("Coder", "fixed, VERDICT: APPROVED\n");
    log
}

#[test]
fn facts_are_what_the_session_says() {
    all(
        &talk(),
        &[
            "last.speaker == Coder",
            "last.speaker == \"Coder\"",
            "last.speaker != user",
            "speaker in [Coder, 'Tester']",
            "speaker not in [Tester]",
            "last.text contains \"APPROVED\"",
            "last.text starts_with 'fixed'",
            "last.text ends_with \"APPROVED\"",
            "last.text matches /verdict:\\s+approved/i",
            "not last.text matches /verdict:\\s+approved/",
            "last.kind == reply and last.tokens == 5",
            "last.handoff == none",
            "last.exit == 1 and last.exit != 0",
            "result == failed",
            "task contains 'Rust'",
            "count(Coder) == 2 and count(user) == 1 and count(my-agent) == 0",
            "since(Coder) == 0 and since(Tester) == 1 and since('my-agent') == 4",
            "said(Tester) starts_with 'exitcode: 1'",
            "said(my-agent) == none",
            "calls(search) == 0",
            "round == 4",
            "turns == 3",
            "tokens == 30",
            "cost == $0.03 and cost > $0.029 and cost < $1",
            "time > 5s and time < 1h30m",
            "3 < round and 4 >= round",
        ],
        &[
            "last.speaker == Tester",
            "finding",
            "finding(D8)",
            "last.text contains 'approved'",
            "said(user) == said(Coder)",
        ],
    );
}

#[test]
fn what_is_not_there_is_none_and_equals_nothing_else() {
    let log = Log::with_task(speakers(&["a", "b"]), "go");
    all(
        &log,
        &[
            "speaker == none",
            "last.exit == none",
            "result == none",
            "last.exit != 0",
            "said(a) != 'x'",
            "since(a) == 1",
            "context.missing == none",
            "context.nothing == none",
            "last.speaker == user",
            "last.kind == task",
        ],
        &[
            "last.exit < 1",
            "last.exit > 0",
            "last.exit == 0",
            "said(a) contains 'x'",
            "speaker in [a, b]",
            "context.missing",
        ],
    );
    let empty = Log::of(speakers(&["a", "b"]));
    all(&empty, &["round == 0", "last.tokens == 0"], &["last.text == ''", "last.speaker == user", "last.kind == task"]);
}

#[test]
fn context_variables_have_the_kind_they_were_set_with() {
    all(
        &talk(),
        &[
            "context.ready",
            "context.ready == true",
            "context.retries >= 3",
            "context.retries == 3",
            "context.retries",
            "context.name == \"Ada\"",
            "context.name matches /^A/",
            "context.tags contains \"red\"",
            "context.tags",
            "context.order.state == \"paid\"",
            "context.order",
            "context.retries in [1, 3]",
        ],
        &[
            "context.done",
            "context.empty",
            "context.nothing",
            "context.retries == \"3\"",
            "context.name > 3",
            "context.tags contains \"r\"",
            "context.order.nothing",
            "context.name.first",
        ],
    );
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let log = talk();
    let (yes, no) = ("round == 4", "round == 5");
    for (text, expected) in [
        (format!("{yes} or {no} and {no}"), true),
        (format!("({yes} or {no}) and {no}"), false),
        (format!("not {no} and {no}"), false),
        (format!("not ({no} and {no})"), true),
        (format!("not not {yes}"), true),
        (format!("{no} or not {no}"), true),
    ] {
        assert_eq!(holds(&log, &text), expected, "{text}");
    }
}

#[test]
fn counts_are_of_the_present_run_and_of_what_the_team_shares() {
    let mut log = talk();
    let mut aside = log.message(Author::Agent("Coder".into()), MessageKind::ToolResults, "");
    let call = ToolCall { id: "1".into(), name: "search".into(), arguments: "{}".into(), echo: None };
    aside.tool_results = vec![ToolResult::of(&call, "found", false)];
    log.post(aside);
    let mut partial = log.message(Author::Agent("Tester".into()), MessageKind::Reply, "half");
    partial.completeness = Completeness::Interrupted;
    log.post(partial);
    all(&log, &["calls(search) == 1", "count(Coder) == 2", "last.speaker == Coder", "round == 4"], &[]);
    let end = Event::Ended {
        cause: EndCause::Operator,
        text: String::new(),
        agent: None,
        totals: Totals::default(),
        detail: Default::default(),
        achieved: None,
    };
    log.add(vec![end]);
    log.operator("go on");
    all(
        &log,
        &["count(Coder) == 0", "since(Coder) == 1", "turns == 0", "round == 1", "result == none", "calls(search) == 0"],
        &["said(Coder) contains 'fixed'"],
    );
    assert!(holds(&log, "speaker == Coder"), "who had the floor last does not change by words of the operator");
}

#[test]
fn an_edit_is_read_as_it_stands_and_what_was_cut_off_counts_once_it_is_whole() {
    let mut log = talk();
    let mut partial = log.message(Author::Agent("Tester".into()), MessageKind::Reply, "half");
    partial.completeness = Completeness::Interrupted;
    let id = log.post(partial);
    assert!(holds(&log, "count(Tester) == 1"));
    let seq = log.session.transcript().get(id).unwrap().seq;
    let moved = Event::BranchMoved { name: "other".into(), why: String::new() };
    let edit = Event::MessageEdited { message: id, content: "whole, DONE".into() };
    log.add_moved(Some((seq, BranchId(1))), vec![moved, edit]);
    all(&log, &["count(Tester) == 2", "last.text contains 'DONE'", "since(Tester) == 0", "since(Coder) == 1"], &[]);
}

#[test]
fn findings_are_named_by_identifier_or_in_full() {
    let mut log = talk();
    let detector = "D8 same failure".to_owned();
    log.add(vec![Event::DetectorChanged(Detection {
        detector,
        text: "x".into(),
        count: 2,
        turns: vec![TurnId(1)],
        level: Default::default(),
        agent: None,
        pattern: 0,
        messages: Vec::new(),
    })]);
    all(&log, &["finding", "finding(D8)", "finding('D8 same failure')"], &["finding(D1)", "finding(D)"]);
}

/// The text with the place that is blamed in brackets of its own.
#[test]
fn mistakes_have_their_place_and_a_remedy() {
    let table = [
        ("", "‹›"),
        ("   ", "‹   ›"),
        ("last.speeker == Coder", "‹last.speeker› == Coder"),
        ("rounds > 3", "‹rounds› > 3"),
        ("last.text", "‹last.text›"),
        ("round", "‹round›"),
        ("true", "‹true›"),
        ("'x'", "‹'x'›"),
        ("last.text == Done", "last.text == ‹Done›"),
        ("last.text = 'x'", "last.text ‹=› 'x'"),
        ("round > 3 && turns > 2", "round > 3 ‹&›& turns > 2"),
        ("!finding", "‹!›finding"),
        ("round > 'x'", "round > ‹'x'›"),
        ("cost > 1", "cost > ‹1›"),
        ("time > 10", "time > ‹10›"),
        ("last.text > 3", "‹last.text› > 3"),
        ("last.text < 'b'", "‹last.text› < 'b'"),
        ("count > 3", "‹count› > 3"),
        ("count() > 3", "count(‹)› > 3"),
        ("count(Coder > 3", "count(Coder ‹>› 3"),
        ("round(3) > 3", "‹round›(3) > 3"),
        ("1 < 2", "‹1 < 2›"),
        ("1 < round < 3", "1 < round ‹<› 3"),
        ("last.kind == 'replay'", "last.kind == ‹'replay'›"),
        ("result == 'none'", "result == ‹'none'›"),
        ("round == none", "round == ‹none›"),
        ("last.exit > none", "last.exit > ‹none›"),
        ("last.text matches 'x'", "last.text matches ‹'x'›"),
        ("last.text matches /(/", "last.text matches ‹/(/›"),
        ("last.text matches /x/m", "last.text matches /x/‹m›"),
        ("last.text matches /x", "last.text matches ‹/x›"),
        ("last.text matches /(a{1000}){1000}/", "last.text matches ‹/(a{1000}){1000}/›"),
        ("round matches /3/", "‹round› matches /3/"),
        ("last.text contains ''", "last.text contains ‹''›"),
        ("last.text contains 3", "last.text contains ‹3›"),
        ("last.text contains", "last.text contains‹›"),
        ("last.text contains 'x", "last.text contains ‹'x›"),
        ("last.text contains '\\q'", "last.text contains '‹\\q›'"),
        ("speaker in []", "speaker in ‹[›]"),
        ("speaker in [Coder", "speaker in [Coder‹›"),
        ("speaker in [Coder Tester]", "speaker in [Coder ‹Tester›]"),
        ("speaker in [last.speaker]", "speaker in [‹last.speaker›]"),
        ("(round > 3", "(round > 3‹›"),
        ("round > 3)", "round > 3‹)›"),
        ("round > 3 turns > 2", "round > 3 ‹turns› > 2"),
        ("round > 3 and", "round > 3 and‹›"),
        ("and round > 3", "‹and› round > 3"),
        ("round > 3x", "round > ‹3x›"),
        ("round > 1.", "round > ‹1.›"),
        ("cost > $", "cost > ‹$›"),
        ("cost > $1.0000000001", "cost > ‹$1.0000000001›"),
        ("time > 99999999999999999999h", "time > ‹99999999999999999999h›"),
        ("context", "‹context›"),
        ("last.speaker == task", "last.speaker == ‹task›"),
        ("context.x > 10m", "context.x > ‹10m›"),
        ("round > 3 § turns", "round > 3 ‹§› turns"),
        ("último > 3", "‹ú›ltimo > 3"),
    ];
    for (text, expected) in table {
        let error = Rule::parse(text).err().unwrap_or_else(|| panic!("{text:?} was taken"));
        let marked = format!("{}‹{}›{}", &text[..error.at.start], &text[error.at.clone()], &text[error.at.end..]);
        assert_eq!(marked, expected, "{error}");
        assert!(!error.message.is_empty() && !error.message.contains('\n'), "{}", error.message);
    }
    assert_eq!(Rule::parse("rounds > 3").unwrap_err().help.as_deref(), Some("did you mean `round`?"));
    let long = format!("round > 3{}", " ".repeat(super::LONGEST));
    let deep = format!("{}round > 3{}", "(".repeat(900), ")".repeat(900));
    let nots = format!("{}round > 3", "not ".repeat(900));
    for text in [long, deep, nots] {
        assert!(Rule::parse(&text).is_err());
    }
}

#[test]
fn a_rule_says_whom_it_names_and_where() {
    let text =
        "count(Coder) > 2 and (last.speaker == 'Tester' or calls(search) > 1 or finding(D8)) and context.a.b == 1";
    let found = rule(text);
    let expected = [
        (Naming::Speaker, "Coder", "Coder"),
        (Naming::Speaker, "Tester", "'Tester'"),
        (Naming::Tool, "search", "search"),
        (Naming::Detector, "D8", "D8"),
        (Naming::Variable, "a", "a"),
    ];
    let shown: Vec<_> =
        found.names().iter().map(|Named { what, name, at }| (*what, name.as_str(), &text[at.clone()])).collect();
    assert_eq!(shown, expected);
}

#[test]
fn a_rule_says_what_its_facts_are() {
    let because = rule("count(Coder) > 1 and last.text contains 'x' or cost > $1 and round > 1 and round < 9");
    let because = because.because(&talk().session, &Map::new());
    let expected = [
        ("count(\"Coder\")", "2"),
        ("last.text", "\"fixed, VERDICT: APPROVED\\n\""),
        ("cost", "$0.030"),
        ("round", "4"),
    ];
    assert_eq!(because, expected.map(|(fact, value)| (fact.to_owned(), value.to_owned())));
}

#[test]
fn every_fact_has_an_example_that_uses_it() {
    for fact in FACTS {
        let example = rule(fact.example);
        assert!(example.because(&talk().session, &Map::new()).iter().any(|(name, _)| name.starts_with(fact.name)));
        assert!(!fact.about.is_empty() && !fact.form().is_empty() && !fact.takes().is_empty());
    }
}

/// Rules of every shape, as text.
fn any_rule() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("Coder"), Just("my-agent"), Just("\"with space\""), Just("user")];
    let text = "[ -~äß\\n]{1,12}".prop_map(|text| {
        let text = text.replace('\\', "\\\\").replace('\'', "\\'");
        format!("'{text}'")
    });
    let sign = prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
    let number = prop_oneof![
        any::<u32>().prop_map(|n| n.to_string()),
        (0u32..1000, 0u32..1000).prop_map(|(a, b)| format!("{a}.{b}")),
        (1u32..100).prop_map(|n| format!("-{n}")),
    ];
    let test = prop_oneof![
        (name.clone(), sign.clone(), number).prop_map(|(name, sign, n)| format!("count({name}) {sign} {n}")),
        (sign.clone(), 0u64..1u64 << 40).prop_map(|(sign, ms)| format!("time {sign} {ms}ms")),
        (sign, 0u32..100_000, 0u32..1_000_000).prop_map(|(sign, a, b)| format!("cost {sign} ${a}.{b:06}")),
        text.clone().prop_map(|text| format!("last.text contains {text}")),
        text.prop_map(|text| format!("said(Coder) == {text}")),
        proptest::collection::vec(name, 1..4).prop_map(|names| format!("speaker in [{}]", names.join(", "))),
        "[a-z/ .]{0,8}i?".prop_map(|text| format!("last.text matches /{}/i", text.replace('/', "\\/"))),
        Just("finding".to_owned()),
        Just("not finding(D8)".to_owned()),
        Just("context.a-b.c != true".to_owned()),
        Just("last.exit == none".to_owned()),
    ];
    test.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn a_rule_written_out_is_the_same_rule(text in any_rule()) {
        let first = rule(&text);
        let written = first.to_string();
        let again = Rule::parse(&written).unwrap_or_else(|error| panic!("{text} became {written}: {error}"));
        prop_assert_eq!(&first, &again, "{} became {}", text, written);
        prop_assert_eq!(again.to_string(), written);
        let log = talk();
        prop_assert_eq!(first.holds(&log.session, &context()), again.holds(&log.session, &context()));
    }

    #[test]
    fn no_text_makes_it_panic_and_every_mistake_lies_in_the_text(text in "\\PC*") {
        check(&text)?;
    }

    #[test]
    fn no_sequence_of_its_own_signs_does_either(
        parts in proptest::collection::vec(
            prop_oneof![
                "(last\\.text|round|speaker|count|context\\.x|finding|none|true|Coder)", "(and|or|not|in|matches|contains)",
                "[()\\[\\],]", "(==|!=|<|<=|>|>=|=)", "(1|2s|\\$3|'x'|/y/|/|')",
            ], 0..14)
    ) {
        check(&parts.join(" "))?;
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match Rule::parse(text) {
        Ok(rule) => drop(rule.holds(&talk().session, &context())),
        Err(error) => {
            prop_assert!(error.at.start <= error.at.end && error.at.end <= text.len());
            prop_assert!(text.is_char_boundary(error.at.start) && text.is_char_boundary(error.at.end));
        }
    }
    Ok(())
}
