//! What a long session costs: to fold, to open, to hold in memory.

mod support;

use divan::Bencher;
use plenary::journal::{Durability, Journal, Store};
use plenary::session::Session;
use plenary::tui::Look;
use plenary::tui::app::App;
use plenary::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Bar, Table, quantile, resident, size, time, world};

const AREA: Rect = Rect { x: 0, y: 0, width: 200, height: 60 };
/// What a child of this program is to do, and with which directory.
const CHILD: &str = "PLENARY_BENCH_CHILD";

fn main() {
    if let Some(work) = std::env::var_os(CHILD) {
        return child(&work.to_string_lossy());
    }
    if !std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        folding();
        opening();
        memory();
    }
    divan::main();
}

fn folding() {
    let table = Table::new("Folding a log");
    let log = world::log(100_000 / 6, 400);
    let mut samples = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        std::hint::black_box(Session::replay(log.records.iter().cloned()).expect("a log"));
        samples.push(begun.elapsed());
    }
    let records = log.records.len();
    table.note(&format!("{records} records, median of five"), &time(quantile(&samples, 0.5)));
    table.note("  one record", &time(quantile(&samples, 0.5) / records as u32));
}

/// Writes a session of so many messages, and returns how many records it has.
fn write(dir: &Path, name: &str, messages: usize, bytes: usize) -> usize {
    let store = Store::at(dir.to_owned()).expect("a store");
    let mut journal = store.create(name).expect("a journal");
    let log = world::log(messages, bytes);
    for batch in log.records.chunks(1000) {
        journal.append(batch, Durability::Soft).expect("an append");
    }
    journal.rest();
    log.records.len()
}

/// Opens the session and draws its first frame: when was it read, folded, shown?
fn open(dir: &Path, name: &str) -> [Duration; 3] {
    let begun = Instant::now();
    let opened = Store::at(dir.to_owned()).and_then(|store| store.open(name)).expect("a session");
    let read = begun.elapsed();
    let session = Session::replay(opened.records).expect("a log");
    let folded = begun.elapsed();
    let mut app = App::new(session.clone(), Look::plain("dark"), 1_800_000_000_000, (AREA.width, AREA.height));
    view::measure(&mut app, AREA);
    let mut buf = Buffer::empty(AREA);
    view::draw(&app, AREA, &mut buf);
    std::hint::black_box(&buf);
    [read, folded, begun.elapsed()]
}

fn opening() {
    let dir = tempfile::tempdir().expect("a directory");
    let table = Table::new("Opening a session from disk (pages cached), median of nine");
    for (name, messages, first, whole) in [("m5000", 5_000, 50, 50), ("e100000", 100_000 / 6, 100, 1000)] {
        let records = write(dir.path(), name, messages, 800);
        let runs: Vec<_> = (0..9).map(|_| open(dir.path(), name)).collect();
        let at = |place: usize| quantile(&runs.iter().map(|run| run[place]).collect::<Vec<_>>(), 0.5);
        let bytes = std::fs::metadata(dir.path().join(format!("{name}.sqlite"))).map_or(0, |meta| meta.len());
        table.note(&format!("{messages} messages, {records} records"), &size(bytes as f64));
        table.note("  read and verified after", &time(at(0)));
        table.note("  folded after", &time(at(1)));
        table.time("  first frame drawn after", at(2), Duration::from_millis(first));
        table.time("  complete after", at(2), Duration::from_millis(whole));
        let plain = dir.path().join(format!("{name}.sqlite"));
        table.note("  floor: SQLite gives out the same bodies, unverified", &time(floor(&plain)));
    }
}

/// Reads the bodies and does nothing with them.
fn floor(path: &Path) -> Duration {
    let begun = Instant::now();
    let conn = rusqlite::Connection::open(path).expect("a database");
    let mut query = conn.prepare("SELECT body FROM records ORDER BY seq").expect("a query");
    let mut rows = query.query(()).expect("rows");
    let mut bytes = 0;
    while let Some(row) = rows.next().expect("a row") {
        bytes += row.get_ref(0).expect("a body").as_str().expect("text").len();
    }
    std::hint::black_box(bytes);
    begun.elapsed()
}

/// In a process of its own, because memory that was given back is not always taken back.
fn memory() {
    let table = Table::new("Memory of a console with its session (resident, process of its own)");
    let ask = |work: String| -> f64 {
        let program = std::env::current_exe().expect("a program");
        let output = Command::new(program).env(CHILD, work).output().expect("a child");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
    };
    let empty = ask("hold 1 100".to_owned());
    table.note("with one message", &size(empty));
    let five = ask("hold 5000 800".to_owned());
    table.bytes("5,000 messages of 800 bytes", five, 60e6);
    let full = ask("hold 100000 1000".to_owned());
    let text = 100_000.0 * 1000.0;
    let ratio = full / text;
    table.row("100,000 messages of 1 KB", &size(full), ratio, Bar::Most(2.5), "<= 2.5 x text");
    table.note("  times the text", &format!("{ratio:.2} x"));
    table.note("  beyond the empty console, times the text", &format!("{:.2} x", (full - empty) / text));
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "long", 100_000, 1000);
    let opened = ask(format!("open {}", dir.path().display()));
    table.row("the same, opened from disk", &size(opened), opened / text, Bar::Most(2.5), "<= 2.5 x text");
    table.note("  times the text", &format!("{:.2} x", opened / text));
}

fn child(work: &str) {
    let words: Vec<&str> = work.splitn(3, ' ').collect();
    let (session, other) = match words[..] {
        ["hold", messages, bytes] => {
            // As in a run: the engine's fold and the console's share the records.
            let number = |text: &str| text.parse::<usize>().expect("a number");
            let records = world::log(number(messages), number(bytes)).records;
            let session = Session::replay(records.iter().cloned()).expect("a log");
            (Session::replay(records).expect("a log"), session)
        }
        ["open", dir] => {
            let opened = Store::at(dir.into()).and_then(|store| store.open("long")).expect("a session");
            let session = Session::replay(opened.records).expect("a log");
            (session.clone(), session)
        }
        _ => panic!("{work}"),
    };
    let mut app = App::new(session, Look::plain("dark"), 1_800_000_000_000, (AREA.width, AREA.height));
    view::measure(&mut app, AREA);
    let mut buf = Buffer::empty(AREA);
    view::draw(&app, AREA, &mut buf);
    println!("{}", resident(std::process::id()));
    std::hint::black_box((app, other, buf));
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 10, sample_size = 1)]
fn fold_records(bencher: Bencher, records: usize) {
    let log = world::log(records / 6, 400);
    bencher.bench_local(|| Session::replay(log.records.iter().cloned()));
}
