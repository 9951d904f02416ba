use super::*;
use crate::chat::id::CallId;
use crate::chat::request::{Chunk, Finish, Prompt, Purpose, Role};
use crate::chat::usage::Tokens;
use futures_util::StreamExt;
use serde_json::json;
use tokio::time::Instant;

fn script(options: Value) -> Script {
    let Value::Object(options) = options else { panic!("options are a table") };
    Script::read(&options).unwrap()
}

fn request(agent: &str, messages: &[(Role, &str)]) -> Request {
    let messages = messages.iter().map(|(role, content)| Prompt::new(*role, None, *content)).collect::<Vec<_>>();
    Request::new(CallId(1), agent.into(), Purpose::Speak, "actor", messages)
}

async fn play(script: &Script, request: &Request) -> Vec<Result<Chunk, Failure>> {
    script.stream(request).collect().await
}

async fn said(script: &Script, request: &Request) -> String {
    let chunks = play(script, request).await;
    chunks.into_iter().filter_map(|chunk| if let Ok(Chunk::Text(text)) = chunk { Some(text) } else { None }).collect()
}

#[tokio::test]
async fn the_first_row_that_fits_answers() {
    let script = script(json!({"pace": 0, "reply": [
        {"agent": "Coder", "turn": 2, "last_result": "failed", "text": "fixed"},
        {"agent": "Coder", "turn": 2, "text": "second"},
        {"agent": "Coder", "last_result": "succeeded", "text": "works"},
        {"agent": "Coder", "contains": "please", "text": "asked nicely"},
        {"agent": "Coder", "last_result": "none", "text": "first"},
        {"purpose": "select", "text": "Reviewer"},
        {"text": "anybody"},
    ]}));
    let user = |text| (Role::User, text);
    let failed = user("exitcode: 1 (execution failed)\nCode output: no");
    let worked = user("exitcode: 0 (execution succeeded)\nCode output: yes");
    let own = (Role::Assistant, "I spoke");
    let cases = [
        ("Coder", vec![user("go")], "first"),
        ("Coder", vec![user("please go")], "asked nicely"),
        ("Coder", vec![user("please"), user("go")], "first"),
        ("Coder", vec![own, failed], "fixed"),
        ("Coder", vec![own, failed, worked], "second"),
        ("Coder", vec![failed, worked, user("go on")], "works"),
        ("Coder", vec![failed], "anybody"),
        ("Coder", vec![user("it said exitcode: 1 (x")], "first"),
        ("Reviewer", vec![user("go")], "anybody"),
    ];
    for (agent, messages, expected) in cases {
        assert_eq!(said(&script, &request(agent, &messages)).await, expected, "{agent} {messages:?}");
    }
    let select = Request { purpose: Purpose::Select, ..request("Coder", &[user("who?")]) };
    assert_eq!(said(&script, &select).await, "Reviewer");
}

#[tokio::test]
async fn the_same_request_gets_the_same_reply_whatever_was_asked_before() {
    let script = script(json!({"pace": 0, "reply": [{"turn": 1, "text": "one"}, {"turn": 2, "text": "two"}]}));
    let first = request("A", &[(Role::User, "go")]);
    let second = request("A", &[(Role::User, "go"), (Role::Assistant, "one")]);
    let mut heard = Vec::new();
    for request in [&second, &first, &second, &first] {
        heard.push(said(&script, request).await);
    }
    assert_eq!(heard, ["two", "one", "two", "one"]);
}

#[tokio::test]
async fn no_row_that_fits_is_a_failure_that_names_the_situation_and_the_rows() {
    let script = script(json!({"reply": [{"agent": "Coder", "turn": 2, "contains": "x", "text": "t"}]}));
    let chunks = play(&script, &request("Reviewer", &[(Role::User, "exitcode: 1 (execution failed)")])).await;
    let Err(failure) = &chunks[0] else { panic!("{chunks:?}") };
    assert_eq!((chunks.len(), failure.kind), (1, FailureKind::Refused));
    for part in ["Reviewer turn 1 last result failed", "Coder turn 2 containing \"x\"", "models.actor"] {
        assert!(failure.message.contains(part), "{part} is missing: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn pieces_come_at_their_pace_without_drift() {
    // 7 tokens a second is 142.857… ms: rounding each wait would be off by a whole piece after a while.
    let text = "wörd".repeat(701);
    let script = script(json!({"pace": 7, "first_token": 2000, "reply": [{"text": text}]}));
    let started = Instant::now();
    let mut stream = script.stream(&request("A", &[]));
    let mut at = Vec::new();
    while let Some(chunk) = stream.next().await {
        if let Ok(Chunk::Text(piece)) = chunk {
            assert_eq!(piece, "wörd");
            at.push(started.elapsed().as_millis());
        }
    }
    assert_eq!(at.len(), 701);
    for (n, at) in at.iter().enumerate() {
        let exact = 2000.0 + n as f64 * 1000.0 / 7.0;
        assert!((*at as f64 - exact).abs() < 2.0, "piece {n} came at {at} ms, not {exact}");
    }
    assert!(started.elapsed().as_millis() < 102_003);
}

#[tokio::test(start_paused = true)]
async fn a_pace_of_zero_takes_no_time() {
    let script = script(json!({"pace": 0, "reply": [{"text": "x".repeat(10_000)}]}));
    let started = Instant::now();
    assert_eq!(said(&script, &request("A", &[])).await.len(), 10_000);
    assert_eq!(started.elapsed().as_millis(), 0);
}

#[tokio::test]
async fn reasoning_usage_and_finish_come_in_order() {
    let script = script(json!({"pace": 0, "reply": [
        {"text": "abcdefgh", "reasoning": "hmmm", "finish": "length", "usage": {"input": 9}},
    ]}));
    let chunks = play(&script, &request("A", &[(Role::User, "12345678")])).await;
    let tokens = Tokens { input: 9, cached: 0, output: 3, reasoning: 1, ..Tokens::default() };
    assert_eq!(
        chunks,
        [
            Ok(Chunk::Reasoning("hmmm".into())),
            Ok(Chunk::Text("abcd".into())),
            Ok(Chunk::Text("efgh".into())),
            Ok(Chunk::Usage(tokens)),
            Ok(Chunk::Finished(Finish::Length)),
        ]
    );
}

#[tokio::test]
async fn a_scripted_failure_comes_after_so_many_characters() {
    let script = script(json!({"pace": 0, "reply": [
        {"text": "ünïcödé", "fail": {"kind": "rate_limited", "message": "slow", "after": 5, "retry_after": "2s"}},
    ]}));
    let chunks = play(&script, &request("A", &[])).await;
    let failure = Failure { retry_after_ms: Some(2_000), ..Failure::new(FailureKind::RateLimited, "slow") };
    assert_eq!(chunks, [Ok(Chunk::Text("ünïc".into())), Ok(Chunk::Text("ö".into())), Err(failure)]);
}

#[tokio::test]
async fn an_empty_reply_is_the_failure_it_would_be_elsewhere() {
    let script = script(json!({"reply": [{"text": " "}]}));
    let last = play(&script, &request("A", &[])).await.pop();
    assert_eq!(last.and_then(Result::err).map(|failure| failure.kind), Some(FailureKind::Empty));
}

#[test]
fn a_broken_script_is_refused_with_the_row_to_blame() {
    let rows = [
        (json!({}), "at least one"),
        (json!({"reply": []}), "at least one"),
        (json!({"reply": [{"text": "x"}, {"agent": "A"}]}), "number 2"),
        (json!({"reply": [{"text": "x", "txet": "y"}]}), "txet"),
        (json!({"reply": [{"text": "x", "turn": 0}]}), "from 1"),
        (json!({"reply": [{"text": "x", "finish": "later"}]}), "later"),
        (json!({"reply": [{"fail": {"kind": "tired"}}]}), "tired"),
        (json!({"reply": [{"fail": {"kind": "server", "retry_after": "soon"}}]}), "2s"),
        (json!({"reply": [{"text": "x"}], "pace": -1}), "pace"),
    ];
    for (options, part) in rows {
        let Value::Object(table) = &options else { panic!("options are a table") };
        let error = Script::read(table).err().unwrap_or_else(|| panic!("{options} was accepted"));
        assert!(error.message.contains(part), "{options}: {error}");
    }
}

#[test]
fn inspection_names_rows_that_can_never_answer() {
    let script = script(json!({"reply": [
        {"agent": "A", "contains": "x", "text": "1"},
        {"agent": "A", "turn": 1, "contains": "xy", "text": "2"},
        {"agent": "B", "text": "3"},
        {"purpose": "select", "text": "4"},
    ]}));
    let spec: ModelSpec = serde_json::from_value(json!({"provider": {"kind": "scripted"}, "model": "m"})).unwrap();
    let found = script.inspect(&spec, &std::collections::HashMap::new());
    assert_eq!(found, ["reply number 2 is never used: number 1 fits whenever it does"]);
}
