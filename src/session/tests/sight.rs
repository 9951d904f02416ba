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

fn calls(log: &mut Log, id: &str) {
    let mut message = log.message(Author::Agent("a".into()), MessageKind::ToolCalls, "");
    message.tool_calls = vec![ToolCall { id: id.into(), name: "t".into(), arguments: "{}".into() }];
    log.post(message);
}

fn results(log: &mut Log, id: &str) {
    let mut message = log.message(Author::Agent("a".into()), MessageKind::ToolResults, "");
    message.tool_results =
        vec![ToolResult { call_id: id.into(), name: "t".into(), content: "r".into(), is_error: false }];
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

#[test]
fn a_result_never_stands_without_its_call_nor_a_call_without_its_result() {
    let mut log = numbers(2);
    calls(&mut log, "x");
    results(&mut log, "x");
    log.says("b", "4");
    assert_eq!(seen(&log, last(2)).places, [4], "the result lost its call and goes too");
    assert_eq!(seen(&log, last(3)).places, [2, 3, 4]);
    assert_eq!(seen(&log, ContextRule::HeadAndTail { head: 3, tail: 1 }).places, [0, 1, 4]);
    assert_eq!(
        seen(&log, ContextRule::HeadAndTail { head: 3, tail: 2 }).places,
        [0, 1, 2, 3, 4],
        "nothing is left out"
    );
}

#[test]
fn the_exchange_under_way_is_sent_whole_however_short_the_context() {
    let mut log = numbers(2);
    // The same identity twice: it is unique only in its message.
    calls(&mut log, "x");
    results(&mut log, "x");
    calls(&mut log, "x");
    results(&mut log, "x");
    assert_eq!(seen(&log, last(1)).places, [4, 5]);
    assert_eq!(seen(&log, ContextRule::MaxTokens { tokens: 1, keep_first_message: true }).places, [0, 4, 5]);
    assert_eq!(seen(&log, last(3)).places, [4, 5], "the older result has no call in the window");
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
    let mut agent = log.session.team().unwrap().agent("a").unwrap().clone();
    agent.context = ContextRule::HeadAndTail { head: 1, tail: 1 };
    let view = view(&agent, &log.session);
    let ids = |n: u64| What::Said(crate::chat::id::MessageId(n));
    let parts: Vec<_> = view.parts.iter().map(|part| part.what.clone()).collect();
    assert_eq!(parts, [What::System, ids(0), What::Skipped(1), ids(2)]);
    let causes: Vec<_> = view.unseen.iter().map(|unseen| (unseen.message.0, unseen.cause)).collect();
    assert_eq!(causes, [(1, Cause::LeftOut), (3, Cause::Private), (4, Cause::Interrupted), (5, Cause::Inside)]);
    assert_eq!(view.left_out(), 1);
    assert!(view.tokens() > 4);
}

#[derive(Debug, Clone, Copy)]
enum Said {
    Words(usize),
    Private,
    Half,
    Call(u8),
    Result(u8),
    OthersCall,
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        4 => (0usize..40).prop_map(Said::Words),
        1 => Just(Said::Private),
        1 => Just(Said::Half),
        2 => (0u8..2).prop_map(Said::Call),
        2 => (0u8..2).prop_map(Said::Result),
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
    fn whatever_was_said_a_request_is_in_order_paired_and_no_larger_than_its_rule(
        said in proptest::collection::vec(said(), 0..24), rule in rule(),
    ) {
        let mut log = Log::with_task(speakers(&["a", "b"]), "task");
        for said in said {
            let mut message = log.message(Author::Agent("b".into()), MessageKind::Reply, "word");
            match said {
                Said::Words(length) => message.content = "w".repeat(length).into(),
                Said::Private => message.to = vec!["c".into()],
                Said::Half => message.completeness = Completeness::Interrupted,
                Said::Call(id) => {
                    calls(&mut log, &id.to_string());
                    continue;
                }
                Said::Result(id) => {
                    results(&mut log, &id.to_string());
                    continue;
                }
                Said::OthersCall => message.kind = MessageKind::ToolCalls,
            }
            log.post(message);
        }
        let entries = log.session.transcript().entries();
        let message = |place: &usize| -> &Message { &entries[*place].message };
        let Sight { places, gap } = seen(&log, rule);
        let all: Vec<usize> = (0..entries.len()).filter(|place| reaches(message(place), "a")).collect();
        prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(places.iter().all(|place| all.contains(place)));
        if places.len() < all.len() {
            // Every result that is sent has a call before it that is sent, and every call is answered.
            let mut open = std::collections::HashMap::new();
            for place in &places {
                for call in &message(place).tool_calls {
                    prop_assert!(open.insert(call.id.clone(), *place).is_none(), "{:?}", places);
                }
                for result in &message(place).tool_results {
                    prop_assert!(open.remove(&result.call_id).is_some(), "{:?}", places);
                }
            }
            let newest = all.last().map(|place| !message(place).tool_calls.is_empty()).unwrap_or_default();
            prop_assert!(open.is_empty() || newest, "{:?}", places);
        }
        if let Some(gap) = gap {
            prop_assert!(gap > 0 && gap < places.len());
        }
        let under_way = all.last().is_some_and(|place| !message(place).tool_results.is_empty());
        match rule {
            ContextRule::Full => prop_assert_eq!(&places, &all),
            _ if under_way => {}
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
