//! What an agent is sent, and what it is not.

use crate::chat::context::ContextRule;
use crate::chat::message::{Author, Completeness, Message, MessageKind};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::session::sight::{Cause, Sight, What, reaches, sight, view, weight};
use crate::session::testing::{Log, speakers};
use proptest::prelude::*;

const fn last(messages: u32) -> ContextRule {
    ContextRule::Last { messages, keep_first_message: false }
}

/// A session in which `a` and `b` say numbers in turn after the task: 0 is the task.
fn numbers(count: u32) -> Log {
    let mut log = Log::with_task(speakers(&["a", "b"]), "0");
    for n in 1..count {
        log.says(if n % 2 == 1 { "a" } else { "b" }, &n.to_string());
    }
    log
}

fn seen(log: &Log, rule: ContextRule) -> Sight {
    let mut agent = log.session.team().unwrap().agent("a").unwrap().clone();
    agent.context = rule;
    sight(&agent, &log.session)
}

fn call() -> ToolCall {
    ToolCall { id: "x".into(), name: "t".into(), arguments: "{}".into(), echo: None }
}

/// Calls tools, with these words.
fn calls(log: &mut Log, words: &str) {
    let mut message = log.message(Author::Agent("a".into()), MessageKind::ToolCalls, words);
    message.tool_calls = vec![call()];
    log.post(message);
}

/// What came of them.
fn results(log: &mut Log) {
    let mut message = log.message(Author::Agent("a".into()), MessageKind::ToolResults, "");
    (message.tool_calls, message.tool_results) = (vec![call()], vec![ToolResult::of(&call(), "r", false)]);
    log.post(message);
}

/// Reference: ag2-semantics 9.2 (the order is ours: theirs is scrambled) and agentchat-semantics 4.2.
#[test]
fn each_rule_keeps_what_the_reference_says() {
    let log = numbers(6);
    let keep = |messages| ContextRule::Last { messages, keep_first_message: true };
    let tokens = |tokens, keep_first_message| ContextRule::MaxTokens { tokens, keep_first_message };
    let ends = |head, tail| ContextRule::HeadAndTail { head, tail };
    for (rule, places, gap) in [
        (ContextRule::Full, vec![0, 1, 2, 3, 4, 5], None),
        (last(3), vec![3, 4, 5], None),
        (last(1), vec![5], None),
        (last(99), vec![0, 1, 2, 3, 4, 5], None),
        (keep(3), vec![0, 4, 5], None),
        (keep(1), vec![0], None),
        (keep(6), vec![0, 1, 2, 3, 4, 5], None),
        (tokens(2, false), vec![4, 5], None),
        (tokens(2, true), vec![0, 5], None),
        (tokens(99, true), vec![0, 1, 2, 3, 4, 5], None),
        (ends(1, 2), vec![0, 4, 5], Some(1)),
        (ends(3, 3), vec![0, 1, 2, 3, 4, 5], None),
        (ends(4, 4), vec![0, 1, 2, 3, 4, 5], None),
    ] {
        assert_eq!(seen(&log, rule), Sight { places, gap }, "{rule}");
    }
}

/// A call is sent with its result, as one message: no window can part them, and silent calls count for nothing.
#[test]
fn a_result_never_stands_without_its_call_nor_a_call_without_its_result() {
    let mut log = numbers(2);
    calls(&mut log, "");
    results(&mut log);
    assert_eq!(seen(&log, last(1)).places, [3], "what its tools said last is sent");
    log.says("b", "4");
    assert_eq!(seen(&log, last(2)).places, [3, 4]);
    assert_eq!(seen(&log, last(3)).places, [1, 3, 4]);
    assert_eq!(seen(&log, ContextRule::HeadAndTail { head: 3, tail: 1 }).places, [0, 1, 3, 4], "nothing is left out");
    calls(&mut log, "let me look");
    assert_eq!(seen(&log, last(1)).places, [5], "the words before a call are words");
}

#[test]
fn a_message_larger_than_the_window_is_sent_when_it_is_the_newest() {
    let mut log = numbers(1);
    log.says("b", &"long ".repeat(1000));
    let rule = ContextRule::MaxTokens { tokens: 10, keep_first_message: false };
    assert_eq!(seen(&log, rule).places, [1]);
}

#[test]
fn the_view_says_what_is_sent_and_why_the_rest_is_not() {
    let mut log = numbers(3);
    let mut whisper = log.message(Author::Operator, MessageKind::Human, "psst");
    whisper.to = vec!["b".into()];
    log.post(whisper);
    let mut half = log.message(Author::Agent("b".into()), MessageKind::Reply, "ha");
    half.completeness = Completeness::Interrupted;
    log.post(half);
    let mut inside = log.message(Author::Agent("b".into()), MessageKind::Reply, "within");
    inside.within = vec!["team".into()];
    log.post(inside);
    calls(&mut log, "");
    let mut dealing = log.message(Author::Agent("b".into()), MessageKind::ToolResults, "");
    dealing.tool_results = vec![ToolResult::of(&call(), "r", false)];
    log.post(dealing);
    let mut agent = log.session.team().unwrap().agent("a").unwrap().clone();
    agent.context = ContextRule::HeadAndTail { head: 1, tail: 1 };
    let view = view(&agent, &log.session);
    let ids = |n: u64| What::Said(crate::chat::id::MessageId(n));
    let parts: Vec<_> = view.parts.iter().map(|part| part.what.clone()).collect();
    assert_eq!(parts, [What::System, ids(0), What::Skipped(1), ids(2)]);
    let causes: Vec<_> = view.unseen.iter().map(|unseen| (unseen.message.0, unseen.cause)).collect();
    assert_eq!(
        causes,
        [
            (1, Cause::LeftOut),
            (3, Cause::Private),
            (4, Cause::Interrupted),
            (5, Cause::Inside),
            (6, Cause::WithResults),
            (7, Cause::Dealings)
        ]
    );
    assert_eq!(view.left_out(), 1);
    assert!(view.tokens() > 4);
}

#[derive(Debug, Clone, Copy)]
enum Said {
    Words(usize),
    Private,
    Half,
    Call(bool),
    Result,
    OthersCall,
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        4 => (0usize..40).prop_map(Said::Words),
        1 => Just(Said::Private),
        1 => Just(Said::Half),
        2 => any::<bool>().prop_map(Said::Call),
        2 => Just(Said::Result),
        1 => Just(Said::OthersCall),
    ]
}

fn rule() -> impl Strategy<Value = ContextRule> {
    prop_oneof![
        Just(ContextRule::Full),
        (1u32..6, any::<bool>())
            .prop_map(|(messages, keep_first_message)| ContextRule::Last { messages, keep_first_message }),
        (1u64..30, any::<bool>())
            .prop_map(|(tokens, keep_first_message)| ContextRule::MaxTokens { tokens, keep_first_message }),
        (1u32..5, 1u32..5).prop_map(|(head, tail)| ContextRule::HeadAndTail { head, tail }),
    ]
}

proptest! {
    #[test]
    fn whatever_was_said_a_request_is_in_order_and_no_larger_than_its_rule(
        said in proptest::collection::vec(said(), 0..24), rule in rule(),
    ) {
        let mut log = Log::with_task(speakers(&["a", "b"]), "task");
        for said in said {
            let mut message = log.message(Author::Agent("b".into()), MessageKind::Reply, "word");
            match said {
                Said::Words(length) => message.content = "w".repeat(length).into(),
                Said::Private => message.to = vec!["c".into()],
                Said::Half => message.completeness = Completeness::Interrupted,
                Said::Call(words) => {
                    calls(&mut log, if words { "I call" } else { "" });
                    continue;
                }
                Said::Result => {
                    results(&mut log);
                    continue;
                }
                Said::OthersCall => message.kind = MessageKind::ToolCalls,
            }
            log.post(message);
        }
        let entries = log.session.transcript().entries();
        let message = |place: &usize| -> &Message { &entries[*place].message };
        let Sight { places, gap } = seen(&log, rule);
        let all: Vec<usize> = (0..entries.len()).filter(|place| reaches(message(place), "a", &log.session)).collect();
        prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(places.iter().all(|place| all.contains(place)));
        if let Some(gap) = gap {
            prop_assert!(gap > 0 && gap < places.len() && places.len() < all.len());
        }
        match rule {
            ContextRule::Full => prop_assert_eq!(&places, &all),
            ContextRule::Last { messages, .. } => prop_assert!(places.len() <= messages as usize),
            ContextRule::MaxTokens { tokens, .. } => {
                let sum: u64 = places.iter().map(|place| weight(message(place), "a")).sum();
                prop_assert!(sum <= tokens || places.len() <= 2, "{} of {}", sum, tokens);
            }
            ContextRule::HeadAndTail { head, tail } => prop_assert!(places.len() <= (head + tail) as usize),
        }
        let mut agent = log.session.team().unwrap().agent("a").unwrap().clone();
        agent.context = rule;
        let view = view(&agent, &log.session);
        let sent = view.parts.iter().filter(|part| matches!(part.what, What::Said(_))).count();
        prop_assert_eq!(sent + view.unseen.len(), entries.len());
    }
}
