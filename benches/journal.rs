//! What keeping a session costs: appending, opening, forking, searching, room on disk - beside SQLite's own floor.

mod support;

use plenary::chat::command::Command;
use plenary::chat::id::Seq;
use plenary::journal::{Durability, Index, Journal, Query, Store};
use plenary::session::Session;
use plenary::session::decide::decide;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Table, quantile, size, time, world};

const RECORDS: usize = 100_000;

fn main() {
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let log = world::log(RECORDS / 6, 1000).records;
    let text: usize = log.iter().map(|record| serde_json::to_string(&**record).expect("JSON").len()).sum();
    appending(dir.path(), &log);
    let table = Table::new("Room on disk");
    let file = std::fs::metadata(dir.path().join("soft.sqlite")).map_or(0, |meta| meta.len());
    let floor = std::fs::metadata(dir.path().join("floor.db")).map_or(0, |meta| meta.len());
    table.note(&format!("{} records as JSON", log.len()), &size(text as f64));
    table.note("  a session's file", &size(file as f64));
    table.note("  a message, with its turn", &size(file as f64 / (log.len() / 6) as f64));
    table.ratio("  times SQLite's floor: the bodies in a table", file as f64 / floor.max(1) as f64, 1.3);
    opening(dir.path());
    moving(&log);
    searching(dir.path());
}

/// As many rows of as many bytes with nothing but SQLite.
fn floor(path: &Path, log: &[Arc<plenary::chat::event::Record>]) -> Duration {
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.execute_batch(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         CREATE TABLE records(seq INTEGER PRIMARY KEY, body TEXT NOT NULL);",
    )
    .expect("a table");
    let bodies: Vec<String> = log.iter().map(|record| serde_json::to_string(&**record).expect("JSON")).collect();
    let begun = Instant::now();
    for batch in bodies.chunks(3) {
        let tx = conn.unchecked_transaction().expect("a transaction");
        for body in batch {
            tx.prepare_cached("INSERT INTO records(body) VALUES (?)")
                .and_then(|mut row| row.execute([body]))
                .expect("a row");
        }
        tx.commit().expect("a commit");
    }
    let took = begun.elapsed();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).expect("a checkpoint");
    took
}

fn appending(dir: &Path, log: &[Arc<plenary::chat::event::Record>]) {
    let table = Table::new("Appending 100,000 records, three at a time");
    let store = Store::at(dir.to_owned()).expect("a store");
    let bare = floor(&dir.join("floor.db"), log);
    table.note("SQLite's floor: the bodies alone, not waiting for the disk", &time(bare));
    let mut journal = store.create("soft").expect("a journal");
    let begun = Instant::now();
    for batch in log.chunks(3) {
        journal.append(batch, Durability::Soft).expect("an append");
        journal.rest();
    }
    let took = begun.elapsed();
    drop(journal);
    table.note("soft: as safe as the system", &time(took));
    table.note("  a record", &time(took / log.len() as u32));
    table.ratio("  times the floor", took.as_secs_f64() / bare.as_secs_f64(), 4.0);
    let mut journal = store.create("hard").expect("a journal");
    let mut samples = Vec::new();
    for batch in log[..3_000].chunks(3) {
        let begun = Instant::now();
        journal.append(batch, Durability::Hard).expect("an append");
        samples.push(begun.elapsed());
    }
    table.note("hard: waits for the disk, a batch, median", &time(quantile(&samples, 0.5)));
    table.note("  p99", &time(quantile(&samples, 0.99)));
}

fn opening(dir: &Path) {
    let table = Table::new("Opening 100,000 records");
    let store = Store::at(dir.to_owned()).expect("a store");
    let mut samples = Vec::new();
    for _ in 0..7 {
        let begun = Instant::now();
        let opened = store.open("soft").expect("a session");
        std::hint::black_box(&opened.records);
        samples.push(begun.elapsed());
    }
    table.time("opened for writing, the end verified", quantile(&samples, 0.5), Duration::from_millis(100));
    let begun = Instant::now();
    std::hint::black_box(store.read("soft").expect("a session"));
    table.note("read and verified whole, one core", &time(begun.elapsed()));
}

fn moving(log: &[Arc<plenary::chat::event::Record>]) {
    let table = Table::new("Going elsewhere in 100,000 records");
    let session = Session::replay(log.iter().cloned()).expect("a log");
    let messages: Vec<Seq> = session.transcript().entries().iter().map(|entry| entry.seq).collect();
    for (what, place) in
        [("the last message but one", messages.len() - 2), ("the middle", messages.len() / 2), ("the task", 0)]
    {
        let mut samples = Vec::new();
        for _ in 0..7 {
            let mut there = session.clone();
            let command = Command::MoveTo { seq: messages[place] };
            let begun = Instant::now();
            let decision = decide(&there, &command, 0).expect("a decision");
            let (parent, branch) = decision.moved.expect("a move");
            let event = decision.events.into_iter().next().expect("an event");
            let actor = plenary::chat::event::Actor::Operator;
            let record = plenary::chat::event::Record {
                seq: there.next_seq(),
                parent: Some(parent),
                branch,
                actor,
                at: 0,
                event,
            };
            there.apply(Arc::new(record)).expect("a record");
            samples.push(begun.elapsed());
        }
        table.time(&format!("to {what}"), quantile(&samples, 0.5), Duration::from_millis(5));
    }
    let begun = Instant::now();
    std::hint::black_box(Session::replay(log.iter().cloned()).expect("a log"));
    table.note("folding all of it, for comparison", &time(begun.elapsed()));
}

fn searching(dir: &Path) {
    let table = Table::new("Searching 100,000 records and more");
    let store = Store::at(dir.to_owned()).expect("a store");
    let begun = Instant::now();
    drop(Index::open(&store).expect("an index"));
    table.note("the index made from nothing", &time(begun.elapsed()));
    let begun = Instant::now();
    let index = Index::open(&store).expect("an index");
    table.note("the index brought up to date when nothing is new", &time(begun.elapsed()));
    let mut samples = Vec::new();
    for word in ["the", "agent", "nowhere", "word", "message"] {
        let query = Query { words: word.to_owned(), most: 50, ..Query::default() };
        let begun = Instant::now();
        std::hint::black_box(index.search(&query).expect("hits"));
        samples.push(begun.elapsed());
    }
    table.time("a word, at most 50 places, slowest of five", quantile(&samples, 1.0), Duration::from_millis(100));
    let index = std::fs::metadata(dir.join("index.db")).map_or(0, |meta| meta.len());
    table.note("room for the index", &size(index as f64));
}
