//! A team over HTTP: the real engine against a real server that streams, refuses, stumbles and breaks off.

use crate::support::model_server::{Exchange, ModelServer, Piece, event, finishes, good_stream, says};
use crate::support::world::{Told, World};
use plenary::chat::event::{EndCause, Event, HoldReason};
use plenary::chat::message::Completeness;
use plenary::chat::request::FailureKind;
use plenary::chat::usage::Money;
use serde_json::{Value, json};
use std::time::Duration;

/// Two agents, one after the other; Ada has the model `m`, `bob` says what Bob is, `more` is the rest of the file.
fn team(bob: &str, more: &str) -> String {
    format!(
        r#"
        [team]
        task = "Say something."
        speaker_selection_method = "round_robin"
        max_round = 3

        [[agents]]
        name = "Ada"
        kind = "assistant"
        system_message = "You are Ada."
        model = "m"

        [[agents]]
        name = "Bob"
        {bob}

        {more}"#
    )
}

/// How Bob speaks, when he speaks through a model.
const SPEAKS: &str = "kind = \"assistant\"\nsystem_message = \"You are Bob.\"\nmodel = \"m\"";

fn model(key: &str, server: &str, more: &str) -> String {
    format!(
        "[models.{key}]\nprovider = \"compatible\"\nbase_url = \"{server}\"\nmodel = \"gpt-4o\"\n\
         api_key_env = \"TEST_KEY\"\n{more}\n"
    )
}

fn world(text: &str) -> World {
    World::of(text).headless().secret("TEST_KEY", "sk-test-0123456789")
}

/// Runs the two agents against these answers.
async fn ask(answers: Vec<Exchange>) -> (Told, ModelServer) {
    let server = ModelServer::start(answers).await;
    let told = world(&team(SPEAKS, &model("m", server.base_url(), ""))).run().await;
    (told, server)
}

/// Each failed attempt: what failed, and whether it was tried again.
fn failures(told: &Told) -> Vec<(FailureKind, bool)> {
    told.each(|event| match event {
        Event::ModelFailed { failure, retry_ms, .. } => Some((failure.kind, retry_ms.is_some())),
        _ => None,
    })
}

/// What each message says, after the task.
fn said(told: &Told) -> Vec<String> {
    told.messages().iter().skip(1).map(|message| message.content.to_string()).collect()
}

/// Every attempt the server saw is a call in the log.
fn every_attempt_is_in_the_log(told: &Told, servers: &[&ModelServer]) {
    let attempts: usize = servers.iter().map(|server| server.received().len()).sum();
    assert_eq!(told.count("model_called"), attempts, "{}", told.story());
    assert_eq!(told.count("model_answered") + told.count("model_failed"), attempts, "{}", told.story());
}

#[tokio::test]
async fn a_team_speaks_over_http_to_its_end_and_its_cost_is_right() {
    let stream = |text: &str, input: u32, cached: u32, output: u32| {
        let usage = json!({"choices": [], "usage": {
            "prompt_tokens": input, "completion_tokens": output, "prompt_tokens_details": {"cached_tokens": cached},
        }});
        Exchange::stream(format!("{}{}{}data: [DONE]\n\n", says(text), finishes("stop"), event(&usage)))
    };
    let (told, server) =
        ask(vec![stream("I am Ada.", 20_000, 0, 1_000), stream("I am Bob.", 30_000, 20_000, 2_000)]).await;
    assert_eq!(said(&told), ["I am Ada.", "I am Bob."]);
    assert_eq!((&told.ended().cause, told.exit_code()), (&EndCause::MaxRound, Some(0)));
    // config/prices.toml, gpt-4o: $2.50 in, $1.25 cached, $10.00 out, a million each.
    let costs = told.each(|event| match event {
        Event::ModelAnswered { usage, .. } => Some(usage.cost.unwrap()),
        _ => None,
    });
    assert_eq!(costs, [Money::from_dollars(0.06), Money::from_dollars(0.07)]);
    let totals = told.ended().totals;
    assert_eq!((totals.cost, totals.tokens.total(), totals.unpriced_calls), (Money::from_dollars(0.13), 53_000, 0));
    assert_eq!(told.session.meter("Bob").cost, Money::from_dollars(0.07));
    every_attempt_is_in_the_log(&told, &[&server]);

    let asked = &server.received()[1];
    assert_eq!(asked.headers["authorization"], "Bearer sk-test-0123456789");
    let roles: Vec<&Value> = asked.body["messages"].as_array().unwrap().iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["system", "user", "user"], "Bob hears Ada as somebody else: {}", asked.body);
    let log = serde_json::to_string(told.log()).unwrap();
    assert!(!log.contains("sk-test"), "the key is not in the log");
    assert!(log.contains("served-1"), "the model that really answered is");
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_for_as_long_as_the_server_says() {
    let busy = Exchange::answer(429, "application/json", r#"{"error":{"message":"slow down"}}"#);
    let answers = vec![
        busy.header("retry-after", "1"),
        Exchange::stream(good_stream("I am Ada.")),
        Exchange::stream(good_stream("I am Bob.")),
    ];
    let (told, server) = ask(answers).await;
    assert_eq!(said(&told), ["I am Ada.", "I am Bob."]);
    assert_eq!(failures(&told), [(FailureKind::RateLimited, true)]);
    every_attempt_is_in_the_log(&told, &[&server]);
    let at = |kind: &str, nth: usize| {
        told.log().iter().filter(|it| crate::support::world::kind_of(&it.event) == kind).nth(nth).unwrap().at
    };
    assert!(at("model_called", 1) - at("model_failed", 0) >= 1000, "it came back when it was told to");
    assert_eq!(told.exit_code(), Some(0));
}

#[tokio::test]
async fn a_server_that_is_down_gives_way_to_the_fallback() {
    // A port of our own on which nobody listens.
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = format!("http://{}/v1", held.local_addr().unwrap());
    let server = ModelServer::start(vec![
        Exchange::stream(good_stream("I am Ada.")),
        Exchange::stream(good_stream("I am Bob.")),
    ])
    .await;
    // The waits are drawn with the seed: this one draws short ones.
    let text = team(
        &SPEAKS.replace("\"m\"", "\"spare\""),
        &(model("m", &gone, "fallback = [\"spare\"]") + &model("spare", server.base_url(), "")),
    );
    let text = text.replace("max_round = 3", "max_round = 3\nseed = 74215");
    let told = world(&text).run().await;
    assert_eq!(said(&told), ["I am Ada.", "I am Bob."]);
    let kinds: Vec<FailureKind> = failures(&told).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [FailureKind::Unreachable; 5], "{}", told.story());
    let fallbacks = told.each(|event| match event {
        Event::ModelFailed { fallback, .. } => Some(fallback.clone()),
        _ => None,
    });
    assert_eq!(fallbacks, [None, None, None, None, Some("spare".to_owned())]);
    assert_eq!((told.exit_code(), server.received().len()), (Some(0), 2));
    assert_eq!(told.count("model_called"), 7, "five that nobody heard, and two that were answered");
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_said_to_be_one() {
    let page = || Exchange::answer(200, "text/html", "<!doctype html><html><title>Sign in</title></html>");
    let (told, server) = ask(vec![page(), page()]).await;
    assert_eq!(failures(&told), [(FailureKind::Garbled, true), (FailureKind::Garbled, false)]);
    assert_eq!((told.exit_code(), said(&told).len()), (Some(1), 0), "no word of it is taken for an answer");
    assert!(told.ended().text.contains("HTML") || told.ended().text.contains("page"), "{}", told.ended().text);
    assert!(told.ended().text.starts_with("Ada could not speak."), "{}", told.ended().text);
    every_attempt_is_in_the_log(&told, &[&server]);
}

#[tokio::test]
async fn garbage_in_a_stream_is_no_answer() {
    let garbage = || Exchange::stream("data: {\"choices\": [{\"delta\": {\"cont\n\ndata: \u{0}\u{1b}[31m\n\n");
    let (told, server) = ask(vec![garbage(), garbage()]).await;
    assert_eq!(failures(&told), [(FailureKind::Garbled, true), (FailureKind::Garbled, false)]);
    assert_eq!((told.exit_code(), told.ended().cause.clone()), (Some(1), EndCause::Failed));
    every_attempt_is_in_the_log(&told, &[&server]);
}

#[tokio::test]
async fn a_stream_cut_in_mid_answer_is_kept_and_its_code_is_never_run() {
    let code = "Look:\n```sh\ntouch ran\n```\nThat was the code";
    for cut in [Piece::Close, Piece::Reset] {
        let server = ModelServer::start(vec![
            Exchange::stream(says(code)).then(Piece::Pause(Duration::from_millis(100))).then(cut),
            Exchange::stream(good_stream("No code is needed.")),
        ])
        .await;
        // Bob runs whatever code he finds, and asks nobody.
        let runs = "kind = \"executor\"\n\
                    code_execution = { executor = \"local\", work_dir = \"w\", approval = \"never\" }";
        let text = team(runs, &model("m", server.base_url(), ""));
        let told = world(&text).run().await;
        let said = said(&told);
        assert_eq!(said[..2], [code, "No code is needed."]);
        assert!(said[2].starts_with("There is no code to run"), "{}", said[2]);
        let whole: Vec<Completeness> = told.messages().iter().map(|message| message.completeness).collect();
        assert_eq!(whole[..3], [Completeness::Whole, Completeness::Interrupted, Completeness::Whole]);
        assert_eq!(failures(&told), [(FailureKind::CutOff, true)]);
        assert_eq!((told.count("approval_asked"), told.count("intent")), (0, 0), "{}", told.story());
        assert!(!told.path("w/ran").exists(), "the code was run");
        assert_eq!(told.ended().cause, EndCause::MaxRound, "and the conversation went on");
        let second = server.received()[1].body.to_string();
        assert!(!second.contains("touch ran"), "what was cut off is sent to nobody: {second}");
        every_attempt_is_in_the_log(&told, &[&server]);
    }
}

#[tokio::test]
async fn words_that_were_cut_off_are_paid_for() {
    let cut = || Exchange::stream(says("Half a sentence that")).then(Piece::Close);
    let (told, server) = ask(vec![cut(), cut()]).await;
    assert_eq!(failures(&told), [(FailureKind::CutOff, true), (FailureKind::CutOff, false)], "one more try, not more");
    let (spent, totals) = (told.session.spent().cost, told.ended().totals.cost);
    assert!(spent > Money(0) && spent == totals, "{spent:?}");
    every_attempt_is_in_the_log(&told, &[&server]);
}

#[tokio::test]
async fn a_missing_key_stops_before_anything_is_sent() {
    let server = ModelServer::start(vec![]).await;
    let text = team(SPEAKS, &model("m", server.base_url(), ""));
    let told = World::of(&text).headless().run().await;
    assert_eq!(failures(&told), [(FailureKind::Key, false)]);
    assert_eq!((told.exit_code(), server.received().len()), (Some(1), 0));
    assert!(told.ended().text.contains("TEST_KEY"), "it says which one: {}", told.ended().text);
}

#[tokio::test]
async fn with_somebody_there_a_failure_holds_and_says_what_to_do() {
    let refused = Exchange::answer(401, "application/json", r#"{"error":{"message":"bad key sk-test-0123456789"}}"#);
    let server = ModelServer::start(vec![
        refused,
        Exchange::stream(good_stream("I am Ada.")),
        Exchange::stream(good_stream("I am Bob.")),
    ])
    .await;
    let mut world = world(&team(SPEAKS, &model("m", server.base_url(), "")));
    world.options.headless = false;
    let mut running = world.start();
    while running.session.hold().is_none() {
        running.next().await;
    }
    let Some(HoldReason::Failed { agent, text }) = running.session.hold().cloned() else { panic!() };
    assert_eq!(&*agent, "Ada");
    assert!(text.contains("TEST_KEY") && !text.contains("sk-test"), "{text}");
    running.send(plenary::chat::command::Command::Resume).await;
    while running.session.ended().is_none() {
        running.next().await;
    }
    let told = running.leave().await;
    assert_eq!(said(&told), ["I am Ada.", "I am Bob."]);
    assert!(!serde_json::to_string(told.log()).unwrap().contains("sk-test"), "the key is not in the log");
    every_attempt_is_in_the_log(&told, &[&server]);
}

#[tokio::test]
async fn stopping_hangs_up_on_the_server() {
    let server =
        ModelServer::start(vec![Exchange::stream(says("I begin")).then(Piece::Pause(Duration::from_secs(300)))]).await;
    let mut world = world(&team(SPEAKS, &model("m", server.base_url(), "")));
    world.options.headless = false;
    let mut running = world.start();
    while !matches!(running.next().await, plenary::chat::update::Update::Delta(_)) {}
    running.send(plenary::chat::command::Command::Interrupt).await;
    server.hung_up().await;
    while running.session.hold().is_none() {
        running.next().await;
    }
    let told = running.leave().await;
    assert_eq!(said(&told), ["I begin"]);
    assert_eq!((told.count("model_interrupted"), told.messages()[1].completeness), (1, Completeness::Interrupted));
}

/// The main provider fails in five ways in one conversation; nobody has to step in, every attempt is in the log, and the
/// cost is right to the cent.
#[tokio::test]
async fn five_failures_in_one_conversation_and_it_ends_well() {
    let usage = |input: u32, output: u32| {
        event(&json!({"choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output}}))
    };
    let good = |text: &str| {
        Exchange::stream(format!("{}{}{}data: [DONE]\n\n", says(text), finishes("stop"), usage(10_000, 1_000)))
    };
    let main = ModelServer::start(vec![
        Exchange::answer(429, "application/json", r#"{"error":{"message":"slow down"}}"#).header("retry-after", "0"),
        Exchange::answer(503, "application/json", "{}"),
        good("Ada says one."),
        // Cut off in mid-answer: what was said is estimated and paid for.
        Exchange::stream(says("Bob begins to s")).then(Piece::Close),
        good("Bob says two."),
        Exchange::answer(200, "text/html", "<html>Log in</html>"),
        good("Ada says three."),
        Exchange::answer(402, "application/json", r#"{"error":{"message":"Insufficient credits"}}"#),
    ])
    .await;
    let spare = ModelServer::start(vec![good("Bob says four.")]).await;
    let text =
        team(SPEAKS, &(model("m", main.base_url(), "fallback = [\"spare\"]") + &model("spare", spare.base_url(), "")));
    let told = world(&text.replace("max_round = 3", "max_round = 5")).run().await;
    let whole: Vec<String> = said(&told).into_iter().filter(|text| text.contains("says")).collect();
    assert_eq!(whole, ["Ada says one.", "Bob says two.", "Ada says three.", "Bob says four."]);
    let kinds: Vec<FailureKind> = failures(&told).into_iter().map(|(kind, _)| kind).collect();
    use FailureKind::{CutOff, Garbled, Quota, RateLimited, Server};
    assert_eq!(kinds, [RateLimited, Server, CutOff, Garbled, Quota], "{}", told.story());
    assert_eq!((told.exit_code(), &told.ended().cause), (Some(0), &EndCause::MaxRound));
    every_attempt_is_in_the_log(&told, &[&main, &spare]);
    // gpt-4o: four good answers of 10,000 in and 1,000 out are $0.035 each; the cut one is estimated.
    let costs = told.each(|event| match event {
        Event::ModelAnswered { usage, .. } => Some((usage.cost.unwrap(), usage.estimated)),
        Event::ModelFailed { usage, .. } => Some((usage.cost.unwrap(), usage.estimated)),
        _ => None,
    });
    let certain: u64 = costs.iter().filter(|(_, estimated)| !estimated).map(|(cost, _)| cost.0).sum();
    assert_eq!(Money(certain), Money::from_dollars(0.14));
    let all: u64 = costs.iter().map(|(cost, _)| cost.0).sum();
    assert_eq!((told.ended().totals.cost, told.session.spent().cost), (Money(all), Money(all)));
    assert!(all > certain && all - certain < 1_000_000, "the words that were cut off cost less than a tenth of a cent");
    let account = told.session.spending();
    assert_eq!(account.sum(|_, _, _| true).cost, Money(all));
    assert_eq!(account.sum(|_, model, _| model == "spare").cost, Money::from_dollars(0.035));
    use plenary::session::spending::Part;
    assert_eq!(account.sum(|_, _, part| part == Part::Speaker).calls, 4, "the first attempt of each turn");
    assert_eq!(account.sum(|_, _, part| part == Part::Retry).calls, 5);
}
