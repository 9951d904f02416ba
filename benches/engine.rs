//! What a round costs besides the model: with a scripted model and any journal, and over real HTTP.
//!
//! Baselines run in the same process, in turn with what they are compared with: a bare loop that passes as many messages
//! through channels and writes as many rows, and a bare HTTP client that sends the same growing bodies.

mod support;

use divan::Bencher;
use futures_util::StreamExt;
use plenary::chat::event::Event;
use plenary::chat::team::{ModelSpec, Team};
use plenary::chat::update::Update;
use plenary::engine::effect::{Effect, Input};
use plenary::engine::{Clock, Engine, Machine, Parts, Rules};
use plenary::journal::{Journal, Memory, Store, Writer};
use plenary::models::{Environment, Models};
use plenary::session::Session;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Table, cpu, time, world};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

const SERVER: &str = "PLENARY_BENCH_SERVER";
/// Rounds of one run.
const ROUNDS: usize = 1000;
/// Pieces of text in a scripted reply, and the two chunks that end it.
const CHUNKS: usize = 12;
/// Pieces of text in a reply over HTTP.
const TOKENS: usize = 40;

fn main() {
    if std::env::var_os(SERVER).is_some() {
        return serve();
    }
    plenary::models::install_tls();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if !std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        runtime.block_on(scripted());
        runtime.block_on(http());
    }
    divan::main();
}

/// When a round ended, by the wall and by the CPU.
#[derive(Clone, Copy)]
struct Mark {
    wall: Instant,
    cpu: Duration,
}

impl Mark {
    fn now() -> Self {
        Mark { wall: Instant::now(), cpu: cpu() }
    }
}

/// The mean wall time and CPU time of a round between two rounds. Not medians: whoever listens hears of several rounds
/// at once when it was not scheduled.
fn between(marks: &[Mark], from: usize, to: usize) -> (Duration, Duration) {
    let (first, last) = (marks[from], marks[to.min(marks.len() - 1)]);
    let rounds = (to.min(marks.len() - 1) - from) as u32;
    ((last.wall - first.wall) / rounds, (last.cpu - first.cpu) / rounds)
}

/// Runs a team to its end and says when each turn was over.
async fn engine(team: Team, journal: Box<dyn Journal>) -> Vec<Mark> {
    let team = Arc::new(team);
    let rules = Rules { headless: true, ..Rules::default() };
    let machine = Machine::new(&team, rules).expect("a machine");
    let start = Event::SessionStarted { session: "bench".into(), format: 1, team: team.clone(), headless: true };
    let mut handle = Engine::start(Parts {
        session: Session::default(),
        start: Some(start),
        machine,
        journal: Writer::spawn(journal),
        models: Models::new(&team, Arc::new(Environment)),
        executors: Default::default(),
        clock: Clock::system(),
    });
    let mut marks = vec![Mark::now()];
    while let Some(update) = handle.updates.recv().await {
        let Update::Record(record) = update else { continue };
        match &record.event {
            Event::TurnEnded { .. } => marks.push(Mark::now()),
            Event::Ended { text, .. } => {
                assert_eq!(marks.len(), ROUNDS + 1, "the run ended early: {text}");
                break;
            }
            _ => {}
        }
    }
    drop(handle.commands);
    handle.updates.close();
    let _ = handle.done.await;
    marks
}

fn scripted_team() -> Team {
    world::team(3, ROUNDS as u32 + 1, world::chain())
}

/// How many rows, whether they must be on the disk, and whom to tell.
type Job = (usize, bool, oneshot::Sender<()>);

/// A bare loop: per round a task that sends as many chunks, a loop that hands as many updates on, and three batches of
/// six rows in all through a thread of their own.
async fn bare(mut rows: impl FnMut(usize, bool) + Send + 'static) -> Vec<Mark> {
    let (jobs, mut waiting) = mpsc::channel::<Job>(64);
    let writer = std::thread::spawn(move || {
        while let Some((count, hard, done)) = waiting.blocking_recv() {
            rows(count, hard);
            let _ = done.send(());
        }
    });
    let (to, mut updates) = mpsc::channel::<Option<String>>(4096);
    let looping = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            let (inbox, mut inputs) = mpsc::channel::<String>(1024);
            append(&jobs, &to, 2, false).await;
            append(&jobs, &to, 1, true).await;
            tokio::spawn(async move {
                for _ in 0..CHUNKS {
                    let _ = inbox.send("step".to_owned()).await;
                }
            });
            while let Some(text) = inputs.recv().await {
                let _ = to.send(Some(text)).await;
            }
            append(&jobs, &to, 3, true).await;
            let _ = to.send(None).await;
        }
    });
    let mut marks = vec![Mark::now()];
    while let Some(update) = updates.recv().await {
        if update.is_none() {
            marks.push(Mark::now());
        }
    }
    let _ = looping.await;
    let _ = writer.join();
    marks
}

async fn append(jobs: &mpsc::Sender<Job>, to: &mpsc::Sender<Option<String>>, count: usize, hard: bool) {
    let (done, written) = oneshot::channel();
    let _ = jobs.send((count, hard, done)).await;
    let _ = written.await;
    for _ in 0..count {
        let _ = to.send(Some(String::new())).await;
    }
}

/// Rows as the journal writes them, without the chain, the epoch and the summary.
struct Rows {
    conn: rusqlite::Connection,
    next: i64,
}

impl Rows {
    fn at(path: &std::path::Path) -> Self {
        let conn = rusqlite::Connection::open(path).expect("a database");
        let setup = "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE \
                     records(seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT";
        conn.execute_batch(setup).expect("a table");
        Rows { conn, next: 1 }
    }

    /// As the journal does: words and calls wait for the disk, the rest for the operating system.
    fn append(&mut self, body: &str, count: usize, hard: bool) {
        let level = if hard { "FULL" } else { "NORMAL" };
        self.conn.pragma_update(None, "synchronous", level).expect("a setting");
        let tx = self.conn.transaction().expect("a transaction");
        let mut insert = tx.prepare_cached("INSERT INTO records VALUES (?, ?)").expect("a statement");
        for _ in 0..count {
            insert.execute((self.next, body)).expect("a row");
            self.next += 1;
        }
        drop(insert);
        tx.commit().expect("a commit");
    }
}

async fn scripted() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::at(dir.path().join("sessions")).expect("a store");
    let table = Table::new("Engine, scripted model without pauses, 3 agents: one round");
    let limit = Duration::from_micros(100);
    let body = "x".repeat(300);
    // Once for the caches of the machine.
    engine(scripted_team(), Box::new(Memory::default())).await;
    for journal in ["memory", "SQLite"] {
        let (ours, floor) = if journal == "memory" {
            let mut kept = Vec::new();
            let body = body.clone();
            let floor = bare(move |count, _| kept.extend((0..count).map(|_| body.clone()))).await;
            (engine(scripted_team(), Box::new(Memory::default())).await, floor)
        } else {
            let mut rows = Rows::at(&dir.path().join("bare.sqlite"));
            let body = body.clone();
            let floor = bare(move |count, hard| rows.append(&body, count, hard)).await;
            (engine(scripted_team(), Box::new(store.create("bench").expect("a journal"))).await, floor)
        };
        let early = between(&ours, 5, 105);
        let late = between(&ours, ROUNDS - 100, ROUNDS);
        let bare = between(&floor, ROUNDS - 100, ROUNDS);
        if journal == "memory" {
            table.time("wall time of rounds 5 to 105, mean, journal in memory", early.0, limit);
            table.time("wall time of rounds 900 to 1,000, mean, journal in memory", late.0, limit);
        } else {
            table.note("wall time of rounds 5 to 105, mean, journal on disk", &time(early.0));
            table.note("wall time of rounds 900 to 1,000, mean, journal on disk", &time(late.0));
        }
        table.note(&format!("  the bare loop, {journal}: wall"), &time(bare.0));
        table.note(
            &format!("  CPU of a round, {journal}: early / late"),
            &format!("{} / {}", time(early.1), time(late.1)),
        );
        table.note(&format!("  CPU of a round of the bare loop, {journal}"), &time(bare.1));
        let growth = late.1.as_secs_f64() / early.1.as_secs_f64();
        table.note(&format!("  growth: late / early, CPU, {journal}"), &format!("{growth:.2} x"));
    }
}

/// A model server in a process of its own, so that its work is not counted as ours.
struct Server {
    child: std::process::Child,
    base_url: String,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut child = Command::new(program).env(SERVER, "1").stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("an address");
        Server { child, base_url: format!("http://{}/v1", line.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers every request with a stream of [`TOKENS`] pieces that no other answer is equal to.
fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("a reader");
        let mut count = 0u64;
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.set_nodelay(true);
            count += 1;
            let first = count * 1_000_000;
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                for n in first.. {
                    if receive(&mut socket, &mut bytes).await.is_none() {
                        break;
                    }
                    if socket.write_all(&answer(n)).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
}

async fn receive(socket: &mut tokio::net::TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
            let whole = end + 4 + length.trim().parse::<usize>().ok()?;
            while bytes.len() < whole {
                if socket.read_buf(bytes).await.ok()? == 0 {
                    return None;
                }
            }
            bytes.drain(..whole);
            return Some(());
        }
        if socket.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer(n: u64) -> Vec<u8> {
    let event = |value: Value| format!("data: {value}\n\n");
    let piece = |text: String| {
        event(json!({"id": "c", "object": "chat.completion.chunk", "model": "bench-1",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
    };
    let mut body = piece(format!("Answer {n}:"));
    for token in 1..TOKENS {
        body.push_str(&piece(format!(" word{}", token % 10)));
    }
    body.push_str(&event(json!({"model": "bench-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})));
    body.push_str(&event(json!({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": TOKENS}})));
    body.push_str("data: [DONE]\n\n");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes()
}

/// The least that a client can do: the same bodies, the same events, and a row for each answer if there is a place.
async fn floor(base_url: &str, mut rows: Option<Rows>) -> Vec<Mark> {
    #[derive(serde::Serialize)]
    struct Line {
        role: &'static str,
        content: String,
    }
    #[derive(serde::Serialize)]
    struct Body<'a> {
        model: &'a str,
        messages: &'a [Line],
        stream: bool,
    }
    #[derive(serde::Deserialize)]
    struct Said {
        choices: Vec<Choice>,
    }
    #[derive(serde::Deserialize)]
    struct Choice {
        delta: Delta,
    }
    #[derive(serde::Deserialize)]
    struct Delta {
        content: Option<String>,
    }
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().expect("a client");
    let url = format!("{base_url}/chat/completions");
    let mut messages = vec![
        Line { role: "system", content: "You are the Coder. Answer in one paragraph and say what comes next.".into() },
        Line { role: "user", content: "Count on, step by step.".into() },
    ];
    let mut marks = vec![Mark::now()];
    for _ in 0..ROUNDS {
        let body = serde_json::to_vec(&Body { model: "bench-1", messages: &messages, stream: true }).expect("JSON");
        let response = client.post(&url).header("content-type", "application/json").body(body).send().await;
        let mut stream = response.expect("an answer").bytes_stream();
        let (mut bytes, mut said) = (Vec::new(), String::new());
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.expect("a piece"));
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            let Some(data) = line.strip_prefix(b"data: ") else { continue };
            if let Ok(event) = serde_json::from_slice::<Said>(data) {
                event.choices.iter().filter_map(|choice| choice.delta.content.as_deref()).for_each(|text| said += text);
            }
        }
        assert!(said.starts_with("Answer "), "{said}");
        if let Some(rows) = &mut rows {
            let batches = [(2, false), (1, true), (3, true)];
            tokio::task::block_in_place(|| batches.map(|(count, hard)| rows.append(&said, count, hard)));
        }
        messages.push(Line { role: "user", content: said });
        marks.push(Mark::now());
    }
    marks
}

async fn http() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::at(dir.path().join("sessions")).expect("a store");
    let spec = || -> ModelSpec { world::model("compatible", json!({ "base_url": server.base_url })) };
    let total = |marks: &[Mark]| marks[marks.len() - 1].cpu - marks[0].cpu;
    let mut runs: [Vec<Vec<Mark>>; 3] = Default::default();
    for n in 0..3 {
        runs[0].push(
            tokio::spawn({
                let url = server.base_url.clone();
                async move { floor(&url, None).await }
            })
            .await
            .expect("a floor"),
        );
        let rows = Rows::at(&dir.path().join(format!("floor-{n}.sqlite")));
        runs[1].push(
            tokio::spawn({
                let url = server.base_url.clone();
                async move { floor(&url, Some(rows)).await }
            })
            .await
            .expect("a floor"),
        );
        let journal = store.create(&format!("http-{n}")).expect("a journal");
        runs[2].push(engine(world::team(3, ROUNDS as u32 + 1, spec()), Box::new(journal)).await);
    }
    // Of three runs each, the one in the middle by CPU.
    let [bare, rows, ours] = runs.map(|mut three| {
        three.sort_by_key(|marks| total(marks));
        three.swap_remove(1)
    });
    let table =
        Table::new("Engine, 1,000 rounds, 3 agents, real HTTP on loopback, journal on disk (CPU, middle of three)");
    table.note("CPU of plenary", &time(total(&ours)));
    table.note("CPU of the bare client, no journal", &time(total(&bare)));
    table.note("CPU of the bare client that writes as many rows", &time(total(&rows)));
    let ratio = |part: Duration, whole: Duration| part.as_secs_f64() / whole.as_secs_f64();
    table.ratio("CPU: plenary / bare client with rows", ratio(total(&ours), total(&rows)), 3.0);
    table.ratio("CPU: plenary / bare client without a journal", ratio(total(&ours), total(&bare)), 3.0);
    table.note("wall time: plenary, bare with rows", &format!("{}, {}", time(wall(&ours)), time(wall(&rows))));
    let ends = |marks: &[Mark]| (between(marks, 0, 100).1, between(marks, ROUNDS - 100, ROUNDS).1);
    let (early, late) = ends(&ours);
    let (floor_early, floor_late) = ends(&bare);
    table.note("CPU of a round: plenary, first and last hundred", &format!("{} / {}", time(early), time(late)));
    table.note("CPU of a round: bare client, the same", &format!("{} / {}", time(floor_early), time(floor_late)));
    let grown = late.saturating_sub(early);
    let body = floor_late.saturating_sub(floor_early);
    table.note("growth over 900 rounds: plenary, bare client (the body)", &format!("{} / {}", time(grown), time(body)));
    let flat = late.saturating_sub(body).as_secs_f64() / early.as_secs_f64();
    table.ratio("last hundred / first hundred, without the growth of the body", flat, 1.2);
}

fn wall(marks: &[Mark]) -> Duration {
    marks[marks.len() - 1].wall - marks[0].wall
}

/// The pure part: machine and session, no runtime, no channel, no journal.
struct Pure {
    session: Session,
    machine: Machine,
    said: usize,
}

impl Pure {
    fn after(rounds: usize) -> Self {
        let team = scripted_team();
        let team = Arc::new(Team { max_round: u32::MAX, ..team });
        let machine = Machine::new(&team, Rules::default()).expect("a machine");
        let mut pure = Pure { session: Session::default(), machine, said: 0 };
        let start = Event::SessionStarted { session: "bench".into(), format: 1, team, headless: false };
        pure.perform(vec![Effect::append(plenary::chat::event::Actor::System, vec![start])]);
        for _ in 0..rounds {
            pure.round();
        }
        pure
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Option<plenary::chat::request::Request> {
        let mut call = None;
        for effect in effects {
            match effect {
                Effect::Append { actor, events, .. } => {
                    for event in events {
                        let record = plenary::chat::event::Record {
                            seq: self.session.next_seq(),
                            parent: self.session.head(),
                            branch: self.session.branch(),
                            actor: actor.clone(),
                            at: 1,
                            event,
                        };
                        self.session.apply(Arc::new(record)).expect("a record that fits");
                    }
                }
                Effect::Call(request) => call = Some(request),
                _ => {}
            }
        }
        call
    }

    /// From one answer to the next.
    fn round(&mut self) {
        use plenary::chat::request::{Chunk, Finish};
        let request = loop {
            let effects = self.machine.next(&self.session, 1);
            assert!(!effects.is_empty(), "the machine waits");
            if let Some(request) = self.perform(effects) {
                break request;
            }
        };
        self.said += 1;
        let text = format!("step {}: that much is done, now go on.", self.said);
        let chunks = world::pieces(&text).into_iter().map(Chunk::Text).chain([Chunk::Finished(Finish::Stop)]);
        for chunk in chunks {
            let effects = self.machine.on(Input::Chunk { call: request.call, chunk }, &self.session, 1);
            self.perform(effects);
        }
        self.machine.outlook(&self.session);
    }
}

#[divan::bench(args = [10, 1000, 10_000], sample_count = 100, sample_size = 1)]
fn machine_and_session_one_round(bencher: Bencher, after: usize) {
    let pure = RefCell::new(Pure::after(after));
    bencher.bench_local(|| pure.borrow_mut().round());
}
