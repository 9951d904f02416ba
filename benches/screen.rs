//! What a frame costs: with 100,000 messages, and while words stream in.
//!
//! The frames are those of the console itself (`view::measure` and `view::draw`); bytes are those of its own screen, into
//! a device in memory. Time is simulated where words stream.

mod support;

use divan::Bencher;
use plenary::chat::Name;
use plenary::chat::id::CallId;
use plenary::chat::update::{Delta, Update};
use plenary::session::Session;
use plenary::text::markdown;
use plenary::tui::Look;
use plenary::tui::app::App;
use plenary::tui::input::{self, Input, Inputs};
use plenary::tui::terminal::{Device, Drawn, Screen};
use plenary::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Table, cpu, quantile, size, time, world};

const AREA: Rect = Rect { x: 0, y: 0, width: 200, height: 60 };
const MESSAGES: usize = 100_000;
/// Tokens of the streamed answer.
const TOKENS: usize = 20_000;
/// What the console allows itself at 60 frames a second: 16 ms in general, 33 ms for a stream alone.
const FRAME: Duration = Duration::from_millis(16);
const STREAM_FRAME: Duration = Duration::from_millis(33);

fn main() {
    if !std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        long_session();
        one_answer();
        ten_agents();
    }
    divan::main();
}

fn app(log: &world::Log) -> App {
    let session = Session::replay(log.records.iter().cloned()).expect("a log");
    App::new(session, Look::plain("dark"), 1_800_000_000_000, (AREA.width, AREA.height))
}

/// One frame into a buffer, as the loop makes it.
fn frame(app: &mut App, area: Rect, buf: &mut Buffer) {
    view::measure(app, area);
    view::draw(app, area, buf);
}

/// Frames, each after a step that is not measured.
fn frames(app: &mut App, count: usize, mut step: impl FnMut(&mut App, usize) -> Rect) -> Vec<Duration> {
    let mut samples = Vec::with_capacity(count);
    for n in 0..count {
        let area = step(app, n);
        let mut buf = Buffer::empty(area);
        let begun = Instant::now();
        frame(app, area, &mut buf);
        samples.push(begun.elapsed());
        std::hint::black_box(&buf);
    }
    samples
}

fn report(table: &Table, what: &str, samples: &[Duration]) {
    table.time(&format!("{what}: median"), quantile(samples, 0.5), Duration::from_millis(1));
    table.time(&format!("{what}: p99"), quantile(samples, 0.99), Duration::from_millis(4));
}

fn long_session() {
    let table = Table::new("A frame of 200x60 with 100,000 messages of about 400 bytes");
    let mut log = world::log(MESSAGES, 400);
    let mut app = app(&log);
    // The floor is what no console can do without: empty the buffer and compare it with the last one.
    let (old, mut new) = (Buffer::empty(AREA), Buffer::empty(AREA));
    let floor: Vec<Duration> = (0..500)
        .map(|_| {
            let begun = Instant::now();
            new.reset();
            std::hint::black_box(old.diff(&new));
            begun.elapsed()
        })
        .collect();
    table.note("the floor: a buffer emptied and compared, median", &time(quantile(&floor, 0.5)));
    let samples = frames(&mut app, 1, |_, _| AREA);
    table.note("the very first frame", &time(samples[0]));
    let samples = frames(&mut app, 2000, |_, _| AREA);
    report(&table, "at the tail, nothing new", &samples);
    let samples = frames(&mut app, 2000, |app, n| {
        let from = log.records.len();
        log.turn(world::paragraph(n, 400));
        log.records[from..].iter().for_each(|record| app.on_update(Update::Record(record.clone())));
        AREA
    });
    report(&table, "at the tail, a new message before every frame", &samples);
    let session = app.session.clone();
    let middle = session.transcript().entries()[MESSAGES / 2].message.id;
    app.transcript.go_to(middle, &session);
    frames(&mut app, 1, |_, _| AREA);
    let samples = frames(&mut app, 2000, |_, _| AREA);
    report(&table, "in the middle, standing still", &samples);
    let samples = frames(&mut app, 2000, |app, _| {
        app.transcript.scroll(-3, &session);
        AREA
    });
    report(&table, "in the middle, three rows up before every frame", &samples);
    let samples = frames(&mut app, 2000, |app, _| {
        let page = app.transcript.page();
        app.transcript.scroll(-page, &session);
        AREA
    });
    report(&table, "in the middle, a page up before every frame", &samples);
    let samples = frames(&mut app, 500, |_, n| Rect { width: AREA.width - 40 + (n % 40) as u16, ..AREA });
    report(&table, "in the middle, another width before every frame", &samples);
    let samples = frames(&mut app, 500, |_, n| Rect { height: AREA.height - 20 + (n % 20) as u16, ..AREA });
    report(&table, "in the middle, another height before every frame", &samples);
    app.transcript.end();
    let samples = frames(&mut app, 500, |_, n| Rect { width: AREA.width - 40 + (n % 40) as u16, ..AREA });
    report(&table, "at the tail, another width before every frame", &samples);
}

/// A terminal that takes everything and counts it.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicU64>);

impl Device for Counter {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((AREA.width, AREA.height))
    }
}

/// A console on a screen in memory.
struct Bench {
    app: App,
    screen: Screen<Counter>,
    inputs: Inputs,
    counter: Counter,
    frames: usize,
}

impl Bench {
    fn new(log: &world::Log) -> Self {
        let (to, inputs) = input::channel();
        let counter = Counter::default();
        let screen = Screen::enter(counter.clone(), to).expect("a screen");
        let mut bench = Bench { app: app(log), screen, inputs, counter, frames: 0 };
        bench.frame();
        bench.counter.0.store(0, Ordering::Relaxed);
        bench.frames = 0;
        bench
    }

    fn frame(&mut self) {
        let app = &mut self.app;
        view::measure(app, AREA);
        let drawn = self.screen.draw(|frame| {
            let area = frame.area();
            if let Some(cursor) = view::draw(app, area, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        });
        if drawn.expect("a writer") == Drawn::Sent {
            self.frames += 1;
            while self.inputs.blocking_recv().expect("a writer") != Input::Drawn {}
        }
    }

    fn hear(&mut self, call: CallId, agent: &Name, text: &str) {
        let delta = Delta::Text { call, agent: agent.clone(), text: text.to_owned() };
        self.app.on_update(Update::Delta(delta));
    }

    fn bytes(&self) -> u64 {
        self.counter.0.load(Ordering::Relaxed)
    }
}

/// One agent speaks so many tokens a second until `tokens` are said; CPU, bytes, frames.
fn speak(tokens: usize, rate: usize, frame: Duration) -> (Duration, u64, usize) {
    let mut log = world::log(20, 400);
    let (call, agent) = log.begin();
    let mut bench = Bench::new(&log);
    let pieces = world::pieces(&world::answer(tokens));
    let begun = cpu();
    let mut said = 0;
    let mut now = Duration::ZERO;
    while said < pieces.len().min(tokens) {
        now += frame;
        bench.app.now = now;
        let until = (now.as_secs_f64() * rate as f64) as usize;
        while said < until.min(pieces.len()) {
            bench.hear(call, &agent, &pieces[said]);
            said += 1;
        }
        bench.frame();
    }
    (cpu() - begun, bench.bytes(), bench.frames)
}

/// The same answer laid out as a whole again for every frame.
fn again_and_again(tokens: usize, rate: usize, frame: Duration) -> Duration {
    let pieces = world::pieces(&world::answer(tokens));
    let per_frame = (rate as f64 * frame.as_secs_f64()) as usize;
    let begun = cpu();
    let mut text = String::new();
    for part in pieces.chunks(per_frame.max(1)) {
        part.iter().for_each(|piece| text.push_str(piece));
        std::hint::black_box(markdown::render(&text, 118));
    }
    cpu() - begun
}

fn one_answer() {
    let table = Table::new("An answer of 20,000 tokens of markdown (80 KB), simulated time");
    let half = Duration::from_millis(500);
    for (rate, frame) in [(20_000, STREAM_FRAME), (20_000, FRAME), (5_000, STREAM_FRAME)] {
        let (cpu, bytes, frames) = speak(TOKENS, rate, frame);
        let what = format!("{rate} tokens/s, a frame every {} ms: ", frame.as_millis());
        table.time(&format!("{what}CPU of {frames} frames"), cpu, half);
        table.bytes(&format!("{what}bytes"), bytes as f64, 300e3);
        let whole = again_and_again(TOKENS, rate, frame);
        table.note(&format!("{what}whole text laid out each time"), &time(whole));
        table.note("  times plenary's CPU", &format!("{:.1} x", whole.as_secs_f64() / cpu.as_secs_f64()));
    }
    let (short, _, _) = speak(2_000, 200, STREAM_FRAME);
    let (cpu, bytes, frames) = speak(TOKENS, 200, STREAM_FRAME);
    let seconds = TOKENS as f64 / 200.0;
    let share = 100.0 * cpu.as_secs_f64() / seconds;
    table.note("200 tokens/s: simulated time, frames", &format!("{seconds:.0} s, {frames}"));
    table.row(
        "200 tokens/s: CPU share of the console",
        &format!("{share:.2} %"),
        share,
        support::Bar::Most(4.0),
        "<= 4 %",
    );
    table.note("200 tokens/s: bytes a second", &size(bytes as f64 / seconds));
    let growth = (cpu.as_secs_f64() / TOKENS as f64) / (short.as_secs_f64() / 2_000.0);
    table.ratio("CPU of a token, an answer of 20,000 / one of 2,000", growth, 1.25);
    let begun = support::cpu();
    std::hint::black_box(markdown::render(&world::answer(TOKENS), 118));
    table.note("laying the whole answer out once", &time(support::cpu() - begun));
}

fn ten_agents() {
    let table = Table::new("Ten agents, each streaming 200 tokens a second of markdown, 60 simulated seconds");
    let mut log = world::log(1, 400);
    let mut opening = world::Log::new(10);
    std::mem::swap(&mut log, &mut opening);
    let speakers: Vec<_> = (0..10).map(|_| log.begin()).collect();
    let mut bench = Bench::new(&log);
    let pieces = world::pieces(&world::answer(60 * 200));
    let begun = cpu();
    let mut said = 0;
    for n in 1..=60 * 1000 / STREAM_FRAME.as_millis() as u32 {
        let now = STREAM_FRAME * n;
        bench.app.now = now;
        let until = ((now.as_secs_f64() * 200.0) as usize).min(pieces.len());
        for piece in &pieces[said..until] {
            for (call, agent) in &speakers {
                bench.hear(*call, agent, piece);
            }
        }
        said = until;
        bench.frame();
    }
    let share = 100.0 * (cpu() - begun).as_secs_f64() / 60.0;
    table.row("CPU share of the console", &format!("{share:.2} %"), share, support::Bar::Most(10.0), "<= 10 %");
    let rate = bench.frames as f64 / 60.0;
    table.row("frames a second", &format!("{rate:.1}"), rate, support::Bar::Most(60.0), "<= 60");
    table.note("bytes a second", &size(bench.bytes() as f64 / 60.0));
}

#[divan::bench]
fn frame_at_the_tail_of_100_000(bencher: Bencher) {
    let app = RefCell::new(app(&world::log(MESSAGES, 400)));
    let buf = RefCell::new(Buffer::empty(AREA));
    bencher.bench_local(|| frame(&mut app.borrow_mut(), AREA, &mut buf.borrow_mut()));
}

#[divan::bench(args = [100, 1000, 10_000])]
fn frame_of_the_tail_of(bencher: Bencher, messages: usize) {
    let app = RefCell::new(app(&world::log(messages, 400)));
    let buf = RefCell::new(Buffer::empty(AREA));
    bencher.bench_local(|| frame(&mut app.borrow_mut(), AREA, &mut buf.borrow_mut()));
}

#[divan::bench(args = [500, 5_000, 20_000])]
fn markdown_once(bencher: Bencher, tokens: usize) {
    let text = world::answer(tokens);
    bencher.bench_local(|| markdown::render(&text, 118));
}
