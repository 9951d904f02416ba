//! What needs to reach into the file: things that only a damaged disk, a stopped process or a later program would do.

use super::file::connect_to_read;
use super::reader::link;
use super::*;
use crate::chat::event::{Actor, Event};
use crate::chat::id::{BranchId, MessageId, Seq};
use crate::chat::message::{Author, Message, MessageKind};
use rusqlite::Connection;
use std::path::PathBuf;
use tempfile::TempDir;

const SESSION: &str = "20261120-130501-lru-cache-7f3a";

fn said(seq: u64, text: &str) -> Arc<Record> {
    let message = Message::new(MessageId(seq), Author::Operator, MessageKind::Human, text);
    Arc::new(Record {
        seq: Seq(seq),
        parent: seq.checked_sub(1).filter(|parent| *parent > 0).map(Seq),
        branch: BranchId(0),
        actor: Actor::Operator,
        at: 1_000 + seq as i64,
        event: Event::MessagePosted { message: Arc::new(message) },
    })
}

fn some(range: std::ops::RangeInclusive<u64>) -> Vec<Arc<Record>> {
    range.map(|seq| said(seq, &format!("words {seq}"))).collect()
}

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path().join("sessions")).unwrap();
    (dir, store)
}

/// A store with one closed session of ten records.
fn ten() -> (TempDir, Store, PathBuf) {
    let (dir, store) = store();
    let mut journal = store.create(SESSION).unwrap();
    journal.append(&some(1..=10), Durability::Hard).unwrap();
    let path = journal.path().to_owned();
    (dir, store, path)
}

fn meddle(path: &std::path::Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// The last good record, for damage.
fn after(error: JournalError) -> u64 {
    match error {
        JournalError::Damaged { after, .. } => after,
        other => panic!("not damage: {other}"),
    }
}

#[test]
fn a_full_disk_refuses_the_whole_batch_and_takes_it_when_there_is_room() {
    let (_dir, store) = store();
    let mut journal = store.create(SESSION).unwrap();
    let pages: i64 = journal.conn.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
    let limit = |journal: &SqliteJournal, pages: i64| {
        journal.conn.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(())).unwrap();
    };
    limit(&journal, pages + 20);
    // The first of them fits, and must go with the second.
    let half = journal.append(&[said(1, "small"), said(2, &"x".repeat(1_000_000))], Durability::Hard);
    assert!(matches!(half, Err(JournalError::Full { .. })), "{half:?}");
    assert_eq!(store.read(SESSION).unwrap(), []);
    let mut written = Vec::new();
    let refused = loop {
        let next = written.len() as u64 + 1;
        let batch: Vec<_> = (next..next + 3).map(|seq| said(seq, &"x".repeat(9_000))).collect();
        match journal.append(&batch, Durability::Hard) {
            Ok(()) => written.extend(batch),
            Err(error) => {
                assert_eq!(error, JournalError::Full { path: journal.path().to_owned() });
                break batch;
            }
        }
    };
    assert!(!written.is_empty());
    assert_eq!(store.read(SESSION).unwrap(), written);
    limit(&journal, 1_000_000);
    journal.append(&refused, Durability::Hard).unwrap();
    written.extend(refused);
    drop(journal);
    assert_eq!(store.open(SESSION).unwrap().records, written);
}

#[test]
fn a_writer_that_was_overtaken_cannot_write() {
    let (_dir, store, path) = ten();
    let mut sleeper = store.open(SESSION).unwrap().journal;
    // The lock is a file's: without the file, another process gets a lock of its own.
    std::fs::remove_file(path.with_extension("lock")).unwrap();
    let mut other = store.open(SESSION).unwrap().journal;
    let refused = sleeper.append(&some(11..=11), Durability::Soft);
    assert!(matches!(refused, Err(JournalError::InUse { .. })), "{refused:?}");
    other.append(&some(11..=12), Durability::Soft).unwrap();
    assert_eq!(store.read(SESSION).unwrap(), some(1..=12));
}

#[test]
fn a_kind_from_a_newer_program_is_named_stands_in_its_place_and_makes_the_session_read_only() {
    let (_dir, store, path) = ten();
    let conn = Connection::open(&path).unwrap();
    let tip: Vec<u8> = conn.query_row("SELECT value FROM meta WHERE key = 'tip'", (), |row| row.get(0)).unwrap();
    let body = r#"{"seq":11,"parent":10,"branch":0,"actor":"system","at":5,"event":{"kind":"sang","song":"la"}}"#;
    let next = link(&tip.try_into().unwrap(), body.as_bytes());
    conn.execute("INSERT INTO records VALUES (11, 10, 0, 'sang', 5, ?, ?)", (body, next)).unwrap();
    conn.execute("UPDATE meta SET value = ? WHERE key = 'tip'", (next,)).unwrap();
    drop(conn);
    let (records, problem) = store.rescue(SESSION);
    assert_eq!(records[..10], some(1..=10));
    assert!(matches!(&records[10].event, Event::Opaque(opaque) if opaque.was == "sang" && opaque.body["song"] == "la"));
    let problem = problem.unwrap();
    assert!(matches!(problem, JournalError::Newer { .. }), "{problem:?}");
    assert!(problem.to_string().contains("\"sang\""), "{problem}");
    assert_eq!(store.open(SESSION).unwrap_err(), problem);
    assert_eq!(store.read(SESSION).unwrap_err(), problem);
}

#[test]
fn a_newer_format_is_refused_with_both_numbers() {
    let (_dir, store, path) = ten();
    meddle(&path, "PRAGMA user_version = 7");
    match store.open(SESSION).unwrap_err() {
        JournalError::Newer { format: 7, ours, .. } => assert_eq!(ours, crate::chat::event::FORMAT),
        other => panic!("{other}"),
    }
    assert!(store.list().unwrap()[0].problem.as_deref().unwrap().contains("newer Plenary"));
}

#[test]
fn a_change_behind_our_back_is_found_where_it_is() {
    let cases = [
        ("UPDATE records SET body = replace(body, 'words 7', 'lies 7') WHERE seq = 7", 6),
        ("UPDATE records SET at = 0 WHERE seq = 3", 2),
        ("UPDATE records SET parent = 1 WHERE seq = 9", 8),
        ("UPDATE records SET chain = zeroblob(32) WHERE seq = 1", 0),
        ("DELETE FROM records WHERE seq = 5", 4),
        ("DELETE FROM records WHERE seq > 8", 8),
        ("DELETE FROM meta WHERE key = 'tip'", 10),
        ("UPDATE records SET seq = 99 WHERE seq = 10", 9),
    ];
    for (sql, good) in cases {
        let (_dir, store, path) = ten();
        meddle(&path, sql);
        assert_eq!(after(store.open(SESSION).unwrap_err()), good, "{sql}");
        let (records, problem) = store.rescue(SESSION);
        assert_eq!(records, if good == 0 { vec![] } else { some(1..=good) }, "{sql}");
        assert_eq!(after(problem.unwrap()), good, "{sql}");
    }
}

#[test]
fn a_schema_that_could_act_is_refused() {
    let cases = [
        "CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE records ADD COLUMN extra TEXT",
    ];
    for sql in cases {
        let (_dir, store, path) = ten();
        meddle(&path, sql);
        assert_eq!(after(store.open(SESSION).unwrap_err()), 0, "{sql}");
    }
}

#[test]
fn a_summary_that_differs_from_its_records_is_made_anew_by_opening() {
    let (_dir, store, path) = ten();
    let good = store.list().unwrap();
    meddle(&path, "UPDATE meta SET value = 'nonsense' WHERE key = 'summary'");
    assert!(store.list().unwrap()[0].problem.is_some());
    drop(store.open(SESSION).unwrap());
    assert_eq!(store.list().unwrap(), good);
}

#[test]
fn a_session_on_read_only_media_can_be_read() {
    let (_dir, store, path) = ten();
    // What the fallback does, and that it leaves nothing behind; root may write everywhere, so it is asked directly.
    let conn = super::file::connect(&path, super::file::Access::ReadUnshared).unwrap();
    let (contents, problem) = super::reader::walk(&conn, &path);
    assert_eq!((contents.records, problem), (some(1..=10), None));
    assert!(!super::file::has_log(&path));
    drop(connect_to_read(&path).unwrap());
    assert_eq!(store.read(SESSION).unwrap(), some(1..=10));
}

#[test]
fn appending_out_of_order_writes_nothing() {
    let (_dir, store, _) = ten();
    let mut file = store.open(SESSION).unwrap().journal;
    let mut memory = Memory(some(1..=10));
    let loop_back = Arc::new(Record { parent: Some(Seq(11)), ..(*said(11, "x")).clone() });
    for batch in [some(10..=10), some(12..=12), vec![said(11, "a"), said(13, "b")], vec![loop_back]] {
        for journal in [&mut file as &mut dyn Journal, &mut memory] {
            let refused = journal.append(&batch, Durability::Soft);
            assert!(matches!(refused, Err(JournalError::OutOfOrder { after: 10, .. })), "{refused:?}");
        }
    }
    for journal in [&mut file as &mut dyn Journal, &mut memory] {
        journal.append(&some(11..=11), Durability::Soft).unwrap();
    }
    assert_eq!(memory.0, some(1..=11));
    assert_eq!(store.read(SESSION).unwrap(), memory.0);
}

#[test]
fn a_record_that_could_not_be_read_back_is_refused_before_it_is_written() {
    let (_dir, store) = store();
    let mut journal = store.create(SESSION).unwrap();
    let team: crate::chat::team::Team = serde_json::from_value(serde_json::json!({
        "name": "t", "agents": [], "speaker_selection_method": {"kind": "auto"},
        "max_retries_for_selecting_speaker": 2, "allow_repeat_speaker": "everyone", "max_round": 10,
        "termination": [], "seed": 1, "models": {"m": {"provider": {"kind": "p"}, "model": "m",
        "price": {"input": 0.1, "output": 2.5}}},
        "limits": {"max_cost": null, "max_tokens": null, "max_time_ms": null, "max_executions": null},
    }))
    .unwrap();
    let started = |team: crate::chat::team::Team| {
        let event = Event::SessionStarted { session: SESSION.into(), format: 1, team: Arc::new(team), headless: true };
        vec![Arc::new(Record { event, ..(*said(1, "")).clone() })]
    };
    let mut priceless = team.clone();
    priceless.models.get_mut("m").unwrap().price.as_mut().unwrap().input = f64::NAN;
    let refused = journal.append(&started(priceless), Durability::Hard);
    assert!(matches!(refused, Err(JournalError::OutOfOrder { got: 1, .. })), "{refused:?}");
    journal.append(&started(team.clone()), Durability::Hard).unwrap();
    assert_eq!(store.read(SESSION).unwrap(), started(team));
}

#[test]
fn long_logs_are_moved_into_the_file_while_nobody_waits() {
    let (_dir, store) = store();
    let mut journal = store.create(SESSION).unwrap();
    let size = |journal: &SqliteJournal| std::fs::metadata(journal.path()).unwrap().len();
    let small = size(&journal);
    for seq in 1..=50 {
        journal.append(&[said(seq, &"x".repeat(100_000))], Durability::Soft).unwrap();
    }
    assert_eq!(size(&journal), small);
    journal.rest();
    assert!(size(&journal) > small + 5_000_000);
}

/// Refuses the second batch once, and blows up on a batch of record 9.
#[derive(Default)]
struct Moody {
    inner: Memory,
    calls: u32,
}

impl Journal for Moody {
    fn append(&mut self, records: &[Arc<Record>], durability: Durability) -> Result<(), JournalError> {
        self.calls += 1;
        if self.calls == 2 {
            return Err(JournalError::Full { path: PathBuf::from("moody") });
        }
        assert_ne!(records[0].seq, Seq(9), "as the test wants it");
        self.inner.append(records, durability)
    }
}

#[tokio::test]
async fn the_writer_passes_errors_on_and_takes_the_batch_again() {
    let writer = Writer::spawn(Box::new(Moody::default()));
    writer.append(some(1..=3), Durability::Hard).await.unwrap();
    let full = writer.append(some(4..=8), Durability::Hard).await;
    assert!(matches!(full, Err(JournalError::Full { .. })), "{full:?}");
    writer.append(some(4..=8), Durability::Hard).await.unwrap();
    // The thread ends there, and nobody hangs.
    for _ in 0..2 {
        assert_eq!(writer.append(some(9..=9), Durability::Hard).await, Err(JournalError::Closed));
    }
    writer.close().await;
}

#[tokio::test]
async fn the_writer_writes_what_waits_and_frees_the_session_when_it_goes() {
    let (_dir, store) = store();
    let writer = Writer::spawn(Box::new(store.create(SESSION).unwrap()));
    let appends = (1..=200).map(|seq| writer.append(some(seq..=seq), Durability::Soft));
    for result in futures_util::future::join_all(appends).await {
        result.unwrap();
    }
    writer.close().await;
    let Opened { records, journal, .. } = store.open(SESSION).unwrap();
    assert_eq!(records, some(1..=200));
    let writer = Writer::spawn(Box::new(journal));
    writer.append(some(201..=201), Durability::Hard).await.unwrap();
    drop(writer);
    assert_eq!(store.open(SESSION).unwrap().records.len(), 201);
}

/// A long session whose record `seq` says something else than what was written.
fn long_and_changed(store: &Store, seq: u64) -> PathBuf {
    let mut journal = store.create(SESSION).unwrap();
    for first in (1..=6_000).step_by(500) {
        journal.append(&some(first..=first + 499), Durability::Soft).unwrap();
    }
    let path = journal.path().to_owned();
    drop(journal);
    let conn = rusqlite::Connection::open(&path).unwrap();
    // The body still reads as a record of the same place.
    let changed = conn.execute("UPDATE records SET body = replace(body, 'words', 'wards') WHERE seq = ?", [seq as i64]);
    assert_eq!(changed.unwrap(), u64::min(seq, 1) as usize);
    path
}

#[tokio::test]
async fn a_long_session_opens_before_it_is_verified_and_is_the_same() {
    let (_dir, store) = store();
    long_and_changed(&store, 0);
    let Opened { records, mut journal, check } = store.open(SESSION).unwrap();
    assert_eq!(records, store.read(SESSION).unwrap());
    journal.append(&some(6_001..=6_001), Durability::Hard).unwrap();
    assert_eq!(check.expect("a long one is verified later").problem().await, None);
    journal.append(&some(6_002..=6_002), Durability::Hard).unwrap();
    drop(journal);
    assert_eq!(store.read(SESSION).unwrap().len(), 6_002);
}

#[tokio::test]
async fn damage_that_is_found_later_is_told_and_nothing_more_is_written() {
    let (_dir, store) = store();
    let path = long_and_changed(&store, 700);
    let before = std::fs::read(&path).unwrap();
    let Opened { mut journal, check, .. } = store.open(SESSION).unwrap();
    let problem = check.unwrap().problem().await.expect("it is damaged");
    assert!(matches!(problem, JournalError::Damaged { after: 699, .. }), "{problem}");
    assert_eq!(journal.append(&some(6_001..=6_001), Durability::Hard), Err(problem));
    drop(journal);
    assert_eq!(std::fs::read(&path).unwrap(), before, "the file is as it was found");
    assert_eq!(store.rescue(SESSION).0.len(), 699);
}

#[test]
fn damage_at_the_end_of_a_long_session_is_found_before_it_opens() {
    let (_dir, store) = store();
    long_and_changed(&store, 5_990);
    let refused = store.open(SESSION).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged { after: 5_989, .. }), "{refused}");
}
