//! Every dialect against a real server: what it may send is data (`tests/model_cases`), and so is what must come of it.

use super::{Heard, KEY, hear, models, request};
use crate::support::model_server::{Exchange, ModelServer, Piece};
use plenary::chat::usage::Tokens;
use plenary::models::anthropic::Messages;
use plenary::models::failure::Peer;
use plenary::models::gemini::Contents;
use plenary::models::http::Reading;
use plenary::models::http::dialect::Dialect;
use plenary::models::ollama::Chat;
use plenary::models::openai::Azure;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Rows of the failure catalogue.
    row: Vec<u32>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    body: String,
    #[serde(rename = "type")]
    content_type: Option<String>,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The server leaves the connection open.
    #[serde(default)]
    open: bool,
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reasoning: String,
    #[serde(default)]
    calls: Vec<(String, String, String)>,
    echo: Option<String>,
    end: String,
    tokens: Option<Counted>,
    served: Option<String>,
    identity: Option<String>,
    remark: Option<String>,
    message: Option<String>,
    retry_after_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Counted {
    input: u64,
    cached: u64,
    written: u64,
    output: u64,
    reasoning: u64,
}

fn ok() -> u16 {
    200
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// The dialects, each with its provider, its type of stream and its cases.
const DIALECTS: [(&str, &dyn Dialect, &str, &str); 4] = [
    ("anthropic", &Messages, "text/event-stream; charset=utf-8", include_str!("../model_cases/anthropic.toml")),
    ("gemini", &Contents, "text/event-stream", include_str!("../model_cases/gemini.toml")),
    ("ollama", &Chat, "application/x-ndjson", include_str!("../model_cases/ollama.toml")),
    ("azure", &Azure, "text/event-stream", include_str!("../model_cases/azure.toml")),
];

fn cases(text: &str) -> Vec<Case> {
    toml::from_str::<Cases>(text).unwrap_or_else(|error| panic!("{error}")).case
}

impl Case {
    fn bytes(&self, provider: &str) -> Vec<u8> {
        let framed = |event: &String| match provider {
            "ollama" => format!("{event}\n"),
            "anthropic" => {
                // Not every case is JSON that this parser takes.
                let kind =
                    event.split("\"type\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
                format!("event: {kind}\ndata: {event}\n\n")
            }
            _ => format!("data: {event}\n\n"),
        };
        (self.events.iter().map(framed).collect::<String>() + &self.body).into_bytes()
    }

    fn exchange(&self, provider: &str, stream: &str) -> Exchange {
        let plain = if self.status == 200 { stream } else { "application/json" };
        let kind = self.content_type.as_deref().unwrap_or(plain);
        let mut exchange = Exchange::answer(self.status, kind, self.bytes(provider));
        for (name, value) in &self.headers {
            exchange = exchange.header(name, value);
        }
        match (self.open, self.reset) {
            (true, _) => exchange.then(Piece::Pause(Duration::from_secs(600))),
            // A reset overtakes what is still in the buffers of the machine.
            (_, true) => exchange.then(Piece::Pause(Duration::from_millis(150))).then(Piece::Reset),
            _ => exchange,
        }
    }

    fn check(&self, provider: &str, heard: &Heard) {
        let name = format!("{provider}: {}: {heard:?}", self.name);
        assert_eq!((heard.text.as_str(), heard.end().as_str()), (self.text.as_str(), self.end.as_str()), "{name}");
        assert_eq!(heard.reasoning, self.reasoning, "{name}");
        let calls: Vec<_> =
            heard.calls.iter().map(|call| (call.id.clone(), call.name.clone(), call.arguments.to_string())).collect();
        assert_eq!(calls, self.calls, "{name}");
        assert_eq!(heard.calls.first().and_then(|call| call.echo.as_deref()), self.echo.as_deref(), "{name}");
        let tokens = self.tokens.map(|it| Tokens {
            input: it.input,
            cached: it.cached,
            written: it.written,
            output: it.output,
            reasoning: it.reasoning,
        });
        assert_eq!(heard.usage, tokens, "{name}");
        if let Some(served) = &self.served {
            assert_eq!(heard.served.last(), Some(served), "{name}");
        }
        match (&self.identity, &heard.failure) {
            (Some(identity), Some(failure)) => assert_eq!(failure.request_id.as_ref(), Some(identity), "{name}"),
            (Some(identity), None) => assert_eq!(heard.identity.as_ref(), Some(identity), "{name}"),
            (None, _) => {}
        }
        match &self.remark {
            Some(remark) => assert!(heard.remarks.iter().any(|it| it.contains(remark.as_str())), "{name}"),
            None => assert!(heard.remarks.is_empty(), "{name}"),
        }
        if let Some(failure) = &heard.failure {
            assert!(failure.message.contains("smart") && failure.message.contains("127.0.0.1"), "{name}");
            assert!(failure.message.contains(self.message.as_deref().unwrap_or_default()), "{name}");
            assert_eq!(failure.retry_after_ms, self.retry_after_ms, "{name}");
        }
    }
}

#[tokio::test]
async fn every_case_of_every_dialect_ends_as_it_should() {
    for (provider, _, stream, text) in DIALECTS {
        for case in cases(text) {
            let server = ModelServer::start(vec![case.exchange(provider, stream)]).await;
            let options = json!({"base_url": server.root(), "api_key_env": "TEST_KEY"});
            let started = Instant::now();
            let heard = hear(models(provider, options).stream(&request())).await;
            case.check(provider, &heard);
            assert!(started.elapsed() < Duration::from_secs(4), "{provider}: {} took too long", case.name);
            if case.open {
                server.hung_up().await;
            }
        }
    }
}

/// Rows that no single answer shows, and where they are shown instead.
const ELSEWHERE: [(u32, &str); 4] = [
    (27, "http::transport: silence, before the first byte and inside an answer"),
    (28, "http::transport: keep-alives reset the clock of silence, not that of progress"),
    (29, "http::transport: a healthy stream meets no clock but the total one"),
    (30, "http::transport: an answer that was held back on the way is noticed"),
];

#[test]
fn all_38_rows_of_the_failure_catalogue_have_a_case() {
    let mut shown: BTreeSet<u32> = ELSEWHERE.iter().map(|(row, _)| *row).collect();
    for (_, _, _, text) in DIALECTS {
        shown.extend(cases(text).iter().flat_map(|case| case.row.clone()));
    }
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), (1..=38).collect::<Vec<_>>());
}

/// The chunks of a body, however it is cut, and how it ends.
fn read(dialect: &dyn Dialect, pieces: &[&[u8]]) -> String {
    let peer = Peer {
        key: "smart".into(),
        model: "gpt-x".into(),
        host: "api.example".into(),
        server: "a server",
        variable: None,
        secrets: Vec::new(),
    };
    let mut reading = Reading::new(Arc::new(peer), dialect, Default::default());
    let mut chunks = Vec::new();
    let result = pieces.iter().try_for_each(|piece| reading.push(piece, &mut chunks));
    let result = result.and_then(|()| reading.end(&mut chunks));
    format!("{chunks:?} {result:?}")
}

static STREAMS: LazyLock<Vec<(&'static dyn Dialect, Vec<u8>)>> = LazyLock::new(streams);

/// Every stream of every case.
fn streams() -> Vec<(&'static dyn Dialect, Vec<u8>)> {
    let of = |(provider, dialect, _, text): (&'static str, &'static dyn Dialect, _, &'static str)| {
        let cases = cases(text).into_iter().filter(|case| case.status == 200 && case.content_type.is_none());
        cases.map(move |case| (dialect, case.bytes(provider))).collect::<Vec<_>>()
    };
    DIALECTS.into_iter().flat_map(of).collect()
}

#[test]
fn every_stream_cut_at_every_byte_gives_the_same_chunks() {
    for (dialect, bytes) in STREAMS.iter() {
        let whole = read(*dialect, &[bytes]);
        for cut in 0..=bytes.len() {
            assert_eq!(read(*dialect, &[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        assert_eq!(read(*dialect, &bytes.chunks(1).collect::<Vec<_>>()), whole);
    }
}

#[test]
fn no_prefix_of_a_stream_is_a_success_unless_it_has_come_to_its_end() {
    for (dialect, bytes) in STREAMS.iter() {
        let whole = read(*dialect, &[bytes]);
        for cut in 0..bytes.len() {
            let part = read(*dialect, &[&bytes[..cut]]);
            // Whoever succeeds early has said all there is to say.
            let said = |text: &str| text.split("Finished(").next().unwrap_or_default().matches("Text(").count();
            assert!(
                !part.ends_with("Ok(())") || said(&part) == said(&whole) || whole.contains("Length"),
                "{cut}: {part}\n{whole}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn every_stream_in_any_pieces_gives_the_same_chunks(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let (dialect, bytes) = &STREAMS[which.index(STREAMS.len())];
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        prop_assert_eq!(read(*dialect, &super::split(bytes, &cuts)), read(*dialect, &[bytes]));
    }

    #[test]
    fn any_bytes_at_all_have_one_end_in_every_dialect(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (_, dialect, _, _) in DIALECTS {
            let end = read(dialect, &[&bytes]);
            prop_assert!(end.ends_with("Ok(())") || end.contains("Err("));
        }
    }

    #[test]
    fn any_json_at_all_has_one_end_in_every_dialect(value in json_value()) {
        for (provider, dialect, _, _) in DIALECTS {
            let line = if provider == "ollama" { format!("{value}\n") } else { format!("data: {value}\n\n") };
            read(dialect, &[line.as_bytes()]);
        }
    }
}

/// JSON made of the words that the dialects look for, in any arrangement.
fn json_value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "message",
        "content",
        "delta",
        "choices",
        "candidates",
        "parts",
        "text",
        "usage",
        "index",
        "error",
        "tool_calls",
        "function",
        "functionCall",
        "finishReason",
        "finish_reason",
        "done",
        "content_block",
        "args",
        "content_block_delta",
        "message_delta",
        "tool_use",
        "thinking",
        "input_json_delta",
        "stop",
        "usageMetadata",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

/// What each dialect is asked, word by word.
#[tokio::test]
async fn a_request_is_written_in_the_words_of_each_dialect() {
    let rows = [
        ("anthropic", "/messages", "x-api-key"),
        ("gemini", "/models/gpt-x:streamGenerateContent?alt=sse", "x-goog-api-key"),
        ("ollama", "/api/chat", "authorization"),
        ("azure", "/openai/deployments/gpt-x/chat/completions?api-version=2024-10-21", "api-key"),
    ];
    let mut seen = Vec::new();
    for (provider, path, header) in rows {
        let server = ModelServer::start(Vec::new()).await;
        let options = json!({"base_url": server.root(), "api_key_env": "TEST_KEY", "body": {"extra": {"a": 1}}});
        hear(models(provider, options).stream(&super::rich_request())).await;
        let received = server.received().remove(0);
        assert_eq!(received.path, path);
        assert!(received.headers[header].ends_with(KEY), "{provider}: {:?}", received.headers);
        seen.push(format!("{provider} {}", serde_json::to_string_pretty(&received.body).unwrap()));
    }
    insta::with_settings!({snapshot_path => "../snapshots"}, {
        insta::assert_snapshot!("requests_in_each_dialect", seen.join("\n\n"));
    });
}
