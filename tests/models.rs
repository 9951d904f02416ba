//! Models against a real server: every row of the failure catalogue, every cut, every prefix.

mod dialects;

use crate::support::model_server::{Exchange, ModelServer, Piece, event, finishes, good_stream, says};
use futures_util::StreamExt;
use plenary::chat::format::ResponseFormat;
use plenary::chat::id::CallId;
use plenary::chat::request::{Chunk, Failure, FailureKind, Finish, Prompt, Purpose, Request, Role};
use plenary::chat::team::{ModelSpec, Spec, Team};
use plenary::chat::tool::{ToolCall, ToolSpec};
use plenary::chat::usage::Tokens;
use plenary::models::failure::Peer;
use plenary::models::http::Reading;
use plenary::models::openai::Completions;
use plenary::models::sse::{Event, Parser, TooLong};
use plenary::models::{Models, ReplyStream};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "sk-test-0123456789";

/// What came of a call.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    served: Vec<String>,
    identity: Option<String>,
    remarks: Vec<String>,
    usage: Option<Tokens>,
    finish: Option<Finish>,
    failure: Option<Failure>,
}

impl Heard {
    fn take(&mut self, item: Result<Chunk, Failure>) {
        assert!(self.finish.is_none() && self.failure.is_none(), "nothing follows an end: {item:?}");
        match item {
            Ok(Chunk::Text(text)) => self.text.push_str(&text),
            Ok(Chunk::Reasoning(text)) => self.reasoning.push_str(&text),
            Ok(Chunk::Call(call)) => self.calls.push(call),
            Ok(Chunk::Served(model)) => self.served.push(model),
            Ok(Chunk::Usage(tokens)) => self.usage = Some(tokens),
            Ok(Chunk::Identity(id)) => {
                self.identity.get_or_insert(id);
            }
            Ok(Chunk::Remark(text)) => self.remarks.push(text),
            Ok(Chunk::Finished(finish)) => self.finish = Some(finish),
            Err(failure) => self.failure = Some(failure),
        }
    }

    /// The end in one word: the finish, or the kind of failure.
    fn end(&self) -> String {
        match (&self.finish, &self.failure) {
            (Some(finish), None) => format!("{finish:?}"),
            (None, Some(failure)) => format!("{:?}", failure.kind),
            other => panic!("one end, not {other:?}"),
        }
    }
}

fn team(provider: &str, options: Value) -> Team {
    let Value::Object(options) = options else { panic!("options are a table") };
    let spec = ModelSpec {
        provider: Spec { kind: provider.into(), options },
        model: "gpt-x".into(),
        fallback: Vec::new(),
        price: None,
        context_window: None,
        parameters: serde_json::Map::from_iter([("temperature".to_owned(), json!(0.5)), ("n".to_owned(), json!(4))]),
    };
    Team { models: BTreeMap::from([("smart".to_owned(), spec)]), ..Team::of("test", Vec::new()) }
}

fn request() -> Request {
    let messages =
        vec![Prompt::new(Role::System, None, "Be brief."), Prompt::new(Role::User, Some("Reviewer".into()), "Hello?")];
    Request::new(CallId(1), "Coder".into(), Purpose::Speak, "smart", messages)
}

/// A request with everything that a dialect has to find words for.
fn rich_request() -> Request {
    let call = |id: &str, echo: &str| ToolCall {
        id: id.into(),
        name: "find".into(),
        arguments: "{\"q\":1}".into(),
        echo: Some(echo.into()),
    };
    let mut calls = Prompt::new(Role::Assistant, Some("Coder".into()), "I look.");
    let echo = r#"{"anthropic":[{"type":"thinking","thinking":"Hm.","signature":"S"}],"gemini":"SIG"}"#;
    calls.tool_calls = vec![call("c1", echo)];
    let mut result = Prompt::new(Role::Tool, Some("find".into()), "found");
    result.tool_call_id = Some("c1".into());
    let mut request = request();
    Arc::make_mut(&mut request.messages).extend([
        calls,
        result,
        Prompt::new(Role::User, Some("Tester".into()), "And?"),
    ]);
    let parameters = json!({"type": "object", "properties": {"q": {"type": "integer"}}});
    request.tools = vec![ToolSpec { name: "find".into(), description: "Finds.".into(), parameters }];
    let schema = json!({"type": "object", "properties": {"verdict": {"type": "string"}}});
    let format = ResponseFormat { name: "verdict".into(), schema, strict: true, send: true, retries: 1 };
    request.format = Some(Arc::new(format));
    let own = json!({"temperature": 0.1, "max_tokens": 100, "stop": "END", "seed": 7, "reasoning_effort": "high"});
    let Value::Object(own) = own else { unreachable!() };
    request.parameters = own;
    request
}

fn models(provider: &str, options: Value) -> Models {
    let secrets = HashMap::from([("TEST_KEY".to_owned(), KEY.to_owned())]);
    Models::new(&team(provider, options), Arc::new(secrets))
}

fn connected(server: &ModelServer) -> Models {
    models("compatible", json!({"base_url": server.base_url(), "api_key_env": "TEST_KEY"}))
}

async fn hear(mut stream: ReplyStream) -> Heard {
    let mut heard = Heard::default();
    while let Some(item) = stream.next().await {
        heard.take(item);
    }
    heard
}

async fn answer(exchange: Exchange) -> Heard {
    let server = ModelServer::start(vec![exchange]).await;
    hear(connected(&server).stream(&request())).await
}

/// A row of the catalogue: what the server does, the text that must have arrived, how it must end.
fn catalogue() -> Vec<(&'static str, Exchange, &'static str, &'static str)> {
    let stream = |body: String| Exchange::stream(body);
    let error = |status, body: Value| Exchange::answer(status, "application/json", body.to_string());
    let chunk = |choices: Value| event(&json!({"choices": choices}));
    let done = "data: [DONE]\n\n";
    let half = || says("half");
    let mut rows = vec![
        ("a whole answer", stream(good_stream("Hello, world")), "Hello, world", "Stop"),
        ("end of body after the finish reason", stream(half() + &finishes("stop")), "half", "Stop"),
        ("[DONE] without a finish reason", stream(half() + done), "half", "Stop"),
        ("bytes after [DONE]", stream(half() + &finishes("stop") + done + "data: {broken\n\n"), "half", "Stop"),
        ("last event without its blank line", stream(half() + finishes("stop").trim_end()), "half", "Stop"),
        ("neither finish reason nor [DONE]", stream(half()), "half", "CutOff"),
        ("an empty finish reason is none", stream(half() + &finishes("")), "half", "CutOff"),
        ("no body at all", stream(String::new()), "", "CutOff"),
        ("only comments", stream(": ping\n\n: ping\n\n".into()), "", "CutOff"),
        ("reset inside the body", stream(half()).then(Piece::Reset), "half", "CutOff"),
        (
            "end inside the promised length",
            stream(half()).header("content-length", "9999").then(Piece::Close),
            "half",
            "CutOff",
        ),
        (
            "error object",
            stream(half() + &event(&json!({"error": {"message": "boom", "code": 502}}))),
            "half",
            "Server",
        ),
        ("error text", stream(half() + &event(&json!({"error": "unexpected EOF"}))), "half", "Server"),
        ("error event first", stream("event: error\ndata: {\"type\":\"overloaded_error\"}\n\n".into()), "", "Server"),
        ("error event, no JSON", stream(half() + "event: error\ndata: went wrong\n\n"), "half", "Server"),
        ("rate limit inside", stream(event(&json!({"error": {"code": 429, "message": "slow"}}))), "", "RateLimited"),
        ("finish reason error", stream(half() + &finishes("error")), "half", "Server"),
        ("HTML with 200", Exchange::answer(200, "text/html", "<html>Log in</html>"), "", "Garbled"),
        ("HTML in disguise", stream("<html>Log in</html>".into()), "", "Garbled"),
        ("another dialect", stream("event: x\ndata: {\"type\":\"message_start\"}\n\n".into()), "", "Garbled"),
        ("broken JSON", stream(half() + "data: {broken\n\n"), "half", "Garbled"),
        (
            "JSON that does not stream",
            error(200, json!({"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]})),
            "all",
            "Stop",
        ),
        ("error with 200", error(200, json!({"error": {"message": "x", "type": "server_error"}})), "", "Server"),
        (
            "no choices first",
            stream(event(&json!({"choices": [], "prompt_filter_results": []})) + &good_stream("ok")),
            "ok",
            "Stop",
        ),
        (
            "text beside the finish reason",
            stream(chunk(json!([{"delta": {"content": "all"}, "finish_reason": "stop"}]))),
            "all",
            "Stop",
        ),
        (
            "null content and role chunks",
            stream(chunk(json!([{"delta": {"role": "assistant", "content": null}}])) + &good_stream("ok")),
            "ok",
            "Stop",
        ),
        (
            "content in parts",
            stream(chunk(json!([{"delta": {"content": [{"text": "a"}, {"text": "b"}]}, "finish_reason": "stop"}]))),
            "ab",
            "Stop",
        ),
        ("byte order mark", stream(format!("\u{FEFF}{}", good_stream("ok"))), "ok", "Stop"),
        ("comments between", stream(format!(": a\n\n{}: b\n\n{}", half(), finishes("stop"))), "half", "Stop"),
        (
            "several choices",
            stream(
                chunk(json!([{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "yes"}}]))
                    + &chunk(json!([{"index": 1, "delta": {}, "finish_reason": "length"}]))
                    + &finishes("stop"),
            ),
            "yes",
            "Stop",
        ),
        ("length", stream(half() + &finishes("length")), "half", "Length"),
        ("filter after text", stream(half() + &finishes("content_filter")), "half", "Filtered"),
        ("filter without text", stream(finishes("content_filter")), "", "Filtered"),
        ("refusal", stream(chunk(json!([{"delta": {"refusal": "I cannot."}}])) + &finishes("stop")), "", "Filtered"),
        ("empty stop", stream(finishes("stop") + done), "", "Empty"),
        ("white space is no answer", stream(says(" \n") + &finishes("stop")), " \n", "Empty"),
        ("all reasoning", stream(finishes("length")), "", "Empty"),
        ("malformed function call", stream(finishes("MALFORMED_FUNCTION_CALL")), "", "Garbled"),
        (
            "lone surrogate",
            stream(
                "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"},\"finish_reason\":\"stop\",\"p\":NaN}]}\n\n"
                    .into(),
            ),
            "\\ud83d",
            "Stop",
        ),
        ("odd line separators", stream(good_stream("a\u{2028}b\u{85}c")), "a\u{2028}b\u{85}c", "Stop"),
        ("line above the limit", stream(half() + "data: " + &"x".repeat(5 << 20)), "half", "Garbled"),
        (
            "too many empty chunks",
            stream(half() + &chunk(json!([])).repeat(1_100) + &finishes("stop")),
            "half",
            "CutOff",
        ),
        ("401", error(401, json!({"error": {"message": format!("Incorrect key {KEY}")}})), "", "Key"),
        ("403", error(403, json!({})), "", "Key"),
        ("402", error(402, json!({"error": {"message": "Insufficient credits"}})), "", "Quota"),
        ("429 without quota", error(429, json!({"error": {"code": "insufficient_quota"}})), "", "Quota"),
        ("429", error(429, json!({"error": {"message": "slow down"}})), "", "RateLimited"),
        ("400 context", error(400, json!({"error": {"code": "context_length_exceeded"}})), "", "ContextFull"),
        ("400 filter", error(400, json!({"error": {"code": "content_filter"}})), "", "Filtered"),
        ("400", error(400, json!({"error": {"message": "bad"}})), "", "Refused"),
        ("404", error(404, json!({"error": {"message": "no such model"}})), "", "Refused"),
        ("redirect", error(302, json!({})).header("location", "http://127.0.0.1:1/"), "", "Refused"),
        ("503", error(503, json!({})), "", "Server"),
        ("502 web page", Exchange::answer(502, "text/html", "<html>Bad gateway</html>"), "", "Server"),
        ("529", error(529, json!({"error": {"type": "overloaded_error"}})), "", "Server"),
    ];
    let reset = Exchange {
        body: vec![Piece::Bytes(good_stream("ok").replace("data: [DONE]\n\n", "").into()), Piece::Reset],
        ..stream(String::new())
    };
    rows.push(("reset after the finish reason", reset, "ok", "Stop"));
    rows
}

#[tokio::test]
async fn every_row_of_the_failure_catalogue_ends_as_it_should() {
    for (name, exchange, text, end) in catalogue() {
        let heard = answer(exchange).await;
        assert_eq!((heard.text.as_str(), heard.end().as_str()), (text, end), "{name}: {:?}", heard.failure);
        if let Some(failure) = heard.failure {
            assert!(!failure.message.contains(KEY), "{name}: {failure}");
            assert!(failure.message.contains("smart") && failure.message.contains("127.0.0.1"), "{name}: {failure}");
        }
    }
}

#[tokio::test]
async fn usage_reasoning_and_the_served_model_arrive() {
    let think = |name: &str, text: &str| event(&json!({"choices": [{"delta": {name: text}}]}));
    let usage = json!({"choices": [], "usage": {
        "prompt_tokens": 100, "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 7},
    }});
    let body = think("reasoning_content", "let me ") + &think("reasoning", "see") + &says("ok") + &finishes("stop");
    let heard = answer(Exchange::stream(body + &event(&usage) + "data: [DONE]\n\n")).await;
    assert_eq!((heard.reasoning.as_str(), heard.served), ("let me see", vec!["served-1".to_owned()]));
    assert_eq!(heard.usage, Some(Tokens { input: 100, cached: 64, output: 20, reasoning: 7, ..Tokens::default() }));

    let heard = answer(Exchange::stream(says("ok") + &finishes("stop"))).await;
    assert_eq!((heard.usage, heard.finish), (None, Some(Finish::Stop)));
}

#[tokio::test]
async fn the_request_carries_key_names_and_parameters_and_nothing_that_would_change_the_answers_form() {
    let server = ModelServer::start(vec![Exchange::stream(good_stream("ok"))]).await;
    let options = json!({
        "base_url": format!("{}/?api-version=1", server.base_url()),
        "api_key_env": "TEST_KEY",
        "headers": {"x-title": "Plenary", "api-key": {"env": "TEST_KEY"}},
    });
    hear(models("compatible", options).stream(&request())).await;
    let received = server.received().remove(0);
    assert_eq!(received.path, "/v1/chat/completions?api-version=1");
    assert_eq!(received.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!((received.headers["x-title"].as_str(), received.headers["api-key"].as_str()), ("Plenary", KEY));
    assert_eq!(received.body["messages"][1], json!({"role": "user", "name": "Reviewer", "content": "Hello?"}));
    assert_eq!(received.body["stream_options"], json!({"include_usage": true}));
    assert_eq!((&received.body["temperature"], received.body.get("n")), (&json!(0.5), None));
}

#[tokio::test]
async fn the_providers_hint_reaches_the_failure() {
    let exchange = Exchange::answer(429, "application/json", "{}").header("retry-after", "7");
    assert_eq!(answer(exchange).await.failure.unwrap().retry_after_ms, Some(7_000));
    let text = event(&json!({"error": {"code": "rate_limit_exceeded", "message": "try again in 1.5s"}}));
    assert_eq!(answer(Exchange::stream(text)).await.failure.unwrap().retry_after_ms, Some(1_500));
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let exchange = Exchange::stream(says("half")).then(Piece::Pause(Duration::from_secs(600)));
    let server = ModelServer::start(vec![exchange]).await;
    let mut stream = connected(&server).stream(&request());
    while !matches!(stream.next().await, Some(Ok(Chunk::Text(_)))) {}
    drop(stream);
    server.hung_up().await;
}

#[tokio::test]
async fn silence_ends_a_call_before_the_first_byte_and_inside_an_answer_but_not_after_its_end() {
    let pause = || Piece::Pause(Duration::from_secs(600));
    let done = says("all") + &finishes("stop") + "data: [DONE]\n\n";
    let rows = [
        (Exchange { body: vec![pause()], ..Exchange::stream("") }, json!({"first_byte_timeout": 200}), "Unreachable"),
        (Exchange::stream(says("half")).then(pause()), json!({"idle_timeout": 200}), "CutOff"),
        (Exchange::stream(done).then(pause()), json!({}), "Stop"),
    ];
    for (exchange, mut options, end) in rows {
        let server = ModelServer::start(vec![exchange]).await;
        options["base_url"] = json!(server.base_url());
        assert_eq!(hear(models("compatible", options).stream(&request())).await.end(), end);
        server.hung_up().await;
    }
}

#[tokio::test]
async fn a_missing_key_a_missing_model_and_a_missing_server_are_failures_not_panics() {
    let server = ModelServer::start(Vec::new()).await;
    let keyless = models("compatible", json!({"base_url": server.base_url(), "api_key_env": "NOT_THERE"}));
    let failure = hear(keyless.stream(&request())).await.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Key);
    assert!(failure.message.contains("NOT_THERE"), "{failure}");
    assert!(server.received().is_empty());

    let unknown = Request { model: "other".into(), ..request() };
    let failure = hear(keyless.stream(&unknown)).await.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("other") && failure.message.contains("smart"), "{failure}");

    let unheard = hear(models("telepathy", json!({})).stream(&request())).await.failure.unwrap();
    assert!(unheard.kind == FailureKind::Refused && unheard.message.contains("ollama"), "{unheard}");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = models("ollama", json!({"base_url": format!("http://{closed}/v1")}));
    let failure = hear(nobody.stream(&request())).await.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(failure.message.contains("refused"), "{failure}");
}

/// Streams as they were recorded or reported in the field.
fn recorded() -> Vec<Vec<u8>> {
    let usage = event(&json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}));
    let odd = "\u{FEFF}: OPENROUTER PROCESSING\r\n\r\nid: 1\r\nevent: chunk\r\ndata: {\"choices\":\r\ndata:[]}\r\n\r\n";
    vec![
        good_stream("Grüße aus Zürich 👩‍👩‍👧 \u{2028} ok").into_bytes(),
        good_stream("a\nb").replace('\n', "\r\n").into_bytes(),
        good_stream("a b").replace('\n', "\r").into_bytes(),
        format!("{odd}{}{}{usage}data:[DONE]\n\n", says("é"), finishes("stop")).into_bytes(),
        format!("{}event: error\ndata: {{\"error\":\"unexpected EOF\"}}\n\n", says("x")).into_bytes(),
        b"retry: 10\n\ndata\n\ndata:\n\ndata: \xFF\xFE\n\n\xEF\xBB\xBFdata: late mark\n\nfoo: bar\nno colon\n\n"
            .to_vec(),
    ]
}

fn events(pieces: &[&[u8]]) -> (Vec<Result<Event, TooLong>>, Option<Event>, Option<u64>) {
    let mut parser = Parser::new();
    let events = pieces.iter().flat_map(|piece| parser.push(piece)).collect();
    (events, parser.rest(), parser.retry_ms())
}

#[test]
fn a_stream_cut_at_any_one_or_two_places_gives_the_same_events() {
    for bytes in recorded() {
        let whole = events(&[&bytes]);
        assert!(!whole.0.is_empty());
        for first in 0..=bytes.len() {
            assert_eq!(events(&[&bytes[..first], &bytes[first..]]), whole, "cut at {first}");
            let second = (first + 1).min(bytes.len());
            assert_eq!(
                events(&[&bytes[..first], &bytes[first..second], &bytes[second..]]),
                whole,
                "byte {first} alone"
            );
        }
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&bytewise), whole);
    }
}

/// Splits at the given places, each taken modulo the length.
fn split<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in cuts.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..cut]);
        from = cut;
    }
    pieces
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_give_the_same_events(
        bytes in prop::collection::vec(
            prop::sample::select(b"\n\r: dataevntidry0\xEF\xBB\xBF\xC3\xA9x\0".to_vec()), 0..200),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        prop_assert_eq!(events(&split(&bytes, &cuts)), events(&[&bytes]));
    }

    #[test]
    fn recorded_streams_in_any_pieces_give_the_same_events(
        which in 0usize..6,
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let bytes = &recorded()[which];
        prop_assert_eq!(events(&split(bytes, &cuts)), events(&[bytes]));
    }

    #[test]
    fn any_bytes_at_all_end_in_exactly_one_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&[&bytes]).end();
    }
}

/// Reads an answer without a network.
fn read(pieces: &[&[u8]]) -> Heard {
    let peer = Peer {
        key: "smart".into(),
        model: "gpt-x".into(),
        host: "api.example".into(),
        server: "a server",
        variable: None,
        secrets: Vec::new(),
    };
    let mut reading = Reading::new(Arc::new(peer), &Completions, Default::default());
    let mut heard = Heard::default();
    let mut chunks = Vec::new();
    let result = pieces.iter().try_for_each(|piece| reading.push(piece, &mut chunks));
    let result = result.and_then(|()| reading.end(&mut chunks));
    chunks.into_iter().map(Ok).chain(result.err().map(Err)).for_each(|item| heard.take(item));
    heard
}

#[test]
fn a_prefix_without_the_explicit_end_is_never_a_success() {
    let stream = good_stream("Hello, wörld 👋, a finish_reason is not a finish");
    let terminal = stream.find("\"finish_reason\":\"stop\"").unwrap();
    // The event counts from where its JSON closes: the blank line adds nothing to its meaning.
    let explicit = terminal + stream[terminal..].find('\n').unwrap();
    for end in 0..=stream.len() {
        let heard = read(&[&stream.as_bytes()[..end]]);
        if end < explicit {
            assert_eq!(
                heard.failure.as_ref().map(|failure| failure.kind),
                Some(FailureKind::CutOff),
                "{end}: {heard:?}"
            );
        } else {
            assert_eq!(heard.finish, Some(Finish::Stop), "{end}: {heard:?}");
        }
    }
}

#[test]
fn the_chunks_do_not_depend_on_the_packets() {
    let stream = good_stream("Grüße 👋, all of you").into_bytes();
    let whole = format!("{:?}", read(&[&stream]));
    for cut in 0..=stream.len() {
        assert_eq!(format!("{:?}", read(&[&stream[..cut], &stream[cut..]])), whole, "cut at {cut}");
    }
}
