//! Promise: what was acknowledged is there, unchanged, whatever happens to the process, the disk or the file.

mod crowd;
#[cfg(target_os = "linux")]
mod faults;
mod samples;

use plenary::chat::event::Record;
use plenary::chat::id::Seq;
use plenary::journal::{Durability, Journal, JournalError, Memory, Opened, Store, Writer};
use samples::{every_kind, record, said, whole_log};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tempfile::TempDir;

const SESSION: &str = "20261120-130501-lru-cache-7f3a";
/// Tells a child of these tests where its store is.
const CHILD_DIR: &str = "PLENARY_TEST_JOURNAL";

// ---- stores --------------------------------------------------------------------------------------------------------

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path().join("sessions")).unwrap();
    (dir, store)
}

fn session(store: &Store, name: &str, records: &[Arc<Record>]) -> PathBuf {
    let mut journal = store.create(name).unwrap();
    journal.append(records, Durability::Hard).unwrap();
    journal.path().to_owned()
}

/// A sequence of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn every_kind_of_event_comes_back_as_it_was() {
    let (_dir, store) = store();
    let log = whole_log();
    let mut journal = store.create(SESSION).unwrap();
    assert_eq!(store.read(SESSION).unwrap(), []);
    for (n, batch) in log.chunks(3).enumerate() {
        let durability = if n % 2 == 0 { Durability::Hard } else { Durability::Soft };
        journal.append(batch, durability).unwrap();
    }
    // While it is open, and after.
    assert_eq!(store.read(SESSION).unwrap(), log);
    drop(journal);
    let Opened { records, mut journal, .. } = store.open(SESSION).unwrap();
    assert_eq!(records, log);
    let next = said(log.len() as u64 + 1);
    journal.append(std::slice::from_ref(&next), Durability::Hard).unwrap();
    drop(journal);
    assert_eq!(store.rescue(SESSION), ([log, vec![next]].concat(), None));
}

#[test]
fn a_second_writer_is_told_who_holds_the_session_while_readers_go_on() {
    let (_dir, store) = store();
    let mut journal = store.create(SESSION).unwrap();
    journal.append(&[said(1)], Durability::Soft).unwrap();
    match store.open(SESSION).unwrap_err() {
        JournalError::InUse { holder, .. } => assert_eq!(holder, Some(std::process::id())),
        other => panic!("{other}"),
    }
    assert_eq!(store.read(SESSION).unwrap(), [said(1)]);
    assert_eq!(store.list().unwrap()[0].records, 1);
    journal.append(&[said(2)], Durability::Soft).unwrap();
    assert_eq!(store.read(SESSION).unwrap(), [said(1), said(2)]);
    drop(journal);
    assert_eq!(store.open(SESSION).unwrap().records.len(), 2);
}

// ---- lists and names -----------------------------------------------------------------------------------------------

#[test]
fn the_list_shows_the_newest_first_and_damage_beside_the_rest() {
    let (dir, store) = store();
    let old = session(&store, "20260101-000000-old-0001", &whole_log());
    let new = session(
        &store,
        "20260202-000000-new-0002",
        &[record(9_999, every_kind().swap_remove(0))]
            .map(|first| Arc::new(Record { seq: Seq(1), parent: None, ..(*first).clone() })),
    );
    fs::write(dir.path().join("sessions/broken.sqlite"), "not a database, and long enough to look like one".repeat(30))
        .unwrap();
    fs::create_dir(dir.path().join("sessions/folder.sqlite")).unwrap();
    fs::write(dir.path().join("sessions/empty.sqlite"), "").unwrap();
    fs::write(dir.path().join("sessions/notes.txt"), "mine").unwrap();
    let list = store.list().unwrap();
    assert_eq!(list.len(), 5);
    let of = |name: &str| list.iter().find(|row| row.session.contains(name)).unwrap();
    for (name, problem) in [("broken", "no SQLite database"), ("folder", "is a directory"), ("empty", "is empty")] {
        assert!(of(name).problem.as_deref().unwrap().contains(problem), "{:?}", of(name));
    }
    let whole: Vec<_> = list.iter().filter(|row| row.problem.is_none()).map(|row| row.path.clone()).collect();
    assert_eq!(whole, [new, old]);
    let row = of("-old-");
    assert_eq!((row.team.as_str(), row.task.as_str()), ("lru-cache", "Implement an LRUCache"));
    assert_eq!((row.records, row.messages), (every_kind().len() as u64, 1));
    assert_eq!(row.ended.as_deref(), Some("TERMINATE"));
    assert_eq!((row.started, row.updated), (whole_log()[0].at, whole_log().last().unwrap().at));
    assert_eq!(of("-new-").ended, None);
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_name_or_as_the_last() {
    let (_dir, store) = store();
    assert!(matches!(store.read("last"), Err(JournalError::NoSuchSession { nearest: None, .. })));
    session(&store, "20261120-130501-lru-7f3a", &[said(1), said(2)]);
    session(&store, "20261120-140000-debate-0b1c", &[said(1)]);
    let length = |name: &str| store.read(name).map(|records| records.len());
    assert_eq!(length("20261120-13"), Ok(2));
    assert_eq!(length("20261120-140000-debate-0b1c"), Ok(1));
    // Written to last, not begun last.
    assert_eq!(length("last"), Ok(2));
    match length("20261120") {
        Err(JournalError::Ambiguous { matches, .. }) => {
            assert_eq!(matches, ["20261120-140000-debate-0b1c", "20261120-130501-lru-7f3a"]);
        }
        other => panic!("{other:?}"),
    }
    for wrong in ["20261120-130501-lru-7f3b", "../sessions/20261120-13", ""] {
        match length(wrong) {
            Err(JournalError::NoSuchSession { nearest, .. }) => assert!(nearest.is_some()),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    assert!(matches!(store.create("20261120-130501-lru-7f3a"), Err(JournalError::Exists { .. })));
    for bad in ["", "last", "../x", "a/b", "a.b", "ä", &"x".repeat(101)] {
        assert!(matches!(store.create(bad), Err(JournalError::BadName { .. })), "{bad}");
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_a_session() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, store) = store();
    let mut journal = store.create(SESSION).unwrap();
    journal.append(&[said(1)], Durability::Soft).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir.path().join("sessions")), 0o700);
    let files: Vec<_> = fs::read_dir(store.dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The database, its log, the log's index, the lock.
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file/sessions");
    fs::write(dir.path().join("file"), "").unwrap();
    match Store::at(blocked.clone()) {
        Err(error @ JournalError::NotWritable { .. }) => assert!(error.to_string().contains(blocked.to_str().unwrap())),
        other => panic!("{other:?}"),
    }
}

// ---- damage --------------------------------------------------------------------------------------------------------

/// Opens, reads and lists `bytes` as a session. Whatever they are, no record may be other than it was.
fn try_bytes(bytes: &[u8], log: &[Arc<Record>], what: &str) -> Result<(), JournalError> {
    let (_dir, store) = store();
    fs::write(store.dir().join(format!("{SESSION}.sqlite")), bytes).unwrap();
    assert_eq!(store.list().unwrap().len(), 1, "{what}");
    let (rescued, problem) = store.rescue(SESSION);
    assert!(log.starts_with(&rescued), "{what}: rescued records are other than they were");
    if let Some(JournalError::Damaged { after, .. }) = problem {
        assert_eq!(rescued.len() as u64, after, "{what}");
    }
    let mut opened = store.open(SESSION)?;
    assert!(opened.records == log, "{what}: records are other than they were, and nobody said so");
    let next = said(log.len() as u64 + 1);
    opened.journal.append(std::slice::from_ref(&next), Durability::Soft)?;
    drop(opened);
    let read = store.read(SESSION)?;
    assert!(read.split_last() == Some((&next, log)), "{what}: going on changed what was there");
    Ok(())
}

fn real_file() -> (Vec<Arc<Record>>, Vec<u8>) {
    let (_dir, store) = store();
    let log: Vec<_> = (1..=100).map(said).collect();
    let path = session(&store, SESSION, &log);
    (log, fs::read(path).unwrap())
}

#[test]
fn a_flipped_byte_is_found_or_does_no_harm() {
    let (log, bytes) = real_file();
    assert_eq!(try_bytes(&bytes, &log, "untouched"), Ok(()));
    let mut dice = Dice(1);
    let anywhere: Vec<usize> = (0..300).map(|_| dice.below(bytes.len() as u64) as usize).collect();
    let mut found = 0;
    for at in (0..108).chain(anywhere) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << dice.below(8);
        let what = format!("byte {at} is {:#04x} instead of {:#04x}", flipped[at], bytes[at]);
        match try_bytes(&flipped, &log, &what) {
            Ok(()) => {}
            Err(JournalError::Damaged { .. } | JournalError::NotASession { .. }) => found += 1,
            // The format's number, and the number that says who may write the file: nothing contradicts them.
            Err(JournalError::Newer { .. }) if (60..64).contains(&at) => {}
            Err(JournalError::NotWritable { .. }) if at == 18 => {}
            Err(other) => panic!("{what}: {other}"),
        }
    }
    assert!(found > 200, "only {found} were found");
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let (log, bytes) = real_file();
    let mut dice = Dice(2);
    let page_ends = (0..10).map(|page| page * 16_384);
    let anywhere: Vec<usize> = (0..100).map(|_| dice.below(bytes.len() as u64) as usize).collect();
    for length in page_ends.chain([1, 99, 100, 511, 512, bytes.len() - 1]).chain(anywhere) {
        match try_bytes(&bytes[..length], &log, &format!("{length} of {} bytes", bytes.len())) {
            Err(JournalError::Damaged { .. } | JournalError::NotASession { .. }) => {}
            other => panic!("{length} of {} bytes: {other:?}", bytes.len()),
        }
    }
}

// ---- children: processes that die or meet a full disk --------------------------------------------------------------

/// This test binary again, running one of the ignored tests below against the store in `dir`.
fn child(test: &str, dir: &Path) -> Vec<std::ffi::OsString> {
    let exe = std::env::current_exe().unwrap().into_os_string();
    let assignment = [CHILD_DIR, "=", dir.to_str().unwrap()].concat();
    let name = format!("journal::{test}");
    [assignment.into(), exe, name.into(), "--exact".into(), "--ignored".into(), "--nocapture".into()].into()
}

fn child_store() -> Option<Store> {
    std::env::var_os(CHILD_DIR).map(|dir| Store::at(dir.into()).unwrap())
}

#[tokio::test]
#[ignore = "the child of `what_was_acknowledged_survives_being_killed`"]
async fn writes_until_killed() {
    let Some(store) = child_store() else { return };
    let Opened { records, journal, .. } = store.open("last").unwrap();
    let writer = Writer::spawn(Box::new(journal));
    let mut last = records.len() as u64;
    let mut dice = Dice(last);
    loop {
        let batch: Vec<_> = (last + 1..=last + 1 + dice.below(4)).map(said).collect();
        last += batch.len() as u64;
        let durability = if dice.below(2) == 0 { Durability::Hard } else { Durability::Soft };
        writer.append(batch, durability).await.unwrap();
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\nacknowledged {last}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_being_killed() {
    let (_dir, store) = store();
    drop(store.create(SESSION).unwrap());
    let command = child("writes_until_killed", store.dir());
    let mut dice = Dice(3);
    let mut acknowledged = 0;
    for round in 0..30 {
        let mut writer = Command::new("env").args(&command).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let (first, heard_first) = mpsc::channel();
        let last = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&last);
        let ears = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(seq) = line.strip_prefix("acknowledged ").and_then(|seq| seq.parse().ok()) {
                    seen.store(seq, Ordering::SeqCst);
                    let _ = first.send(());
                }
            }
        });
        // Mostly while it writes; every third time also while it starts and opens.
        if round % 3 > 0 {
            heard_first.recv_timeout(Duration::from_secs(60)).expect("the child never wrote");
            let before = last.load(Ordering::SeqCst);
            let read = store.read(SESSION).unwrap();
            assert!(read.len() as u64 >= before, "a reader misses acknowledged records");
        }
        std::thread::sleep(Duration::from_micros(dice.below(40_000)));
        writer.kill().unwrap();
        writer.wait().unwrap();
        ears.join().unwrap();
        acknowledged = acknowledged.max(last.load(Ordering::SeqCst));
        let records = store.open(SESSION).unwrap().records;
        assert!(records.len() as u64 >= acknowledged, "round {round}: {} of {acknowledged}", records.len());
        assert!((1..).zip(&records).all(|(seq, record)| *record == said(seq)), "round {round}: other than written");
    }
    assert!(acknowledged > 100, "only {acknowledged} records were written in all");
}

/// Appends until the disk refuses; returns what was acknowledged, what was refused, and why.
fn fill(journal: &mut dyn Journal) -> (Vec<Arc<Record>>, Vec<Arc<Record>>, JournalError) {
    let mut written = Vec::new();
    for _ in 0..10_000 {
        let next = written.len() as u64 + 1;
        let batch: Vec<_> = (next..next + 3).map(said).collect();
        if let Err(error) = journal.append(&batch, Durability::Hard) {
            return (written, batch, error);
        }
        written.extend(batch);
    }
    panic!("the disk has no end");
}

#[test]
#[ignore = "the child of `a_full_disk_loses_nothing_and_can_be_gone_on_with`"]
fn fills_the_disk() {
    let Some(store) = child_store() else { return };
    let ballast = store.dir().join("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let mut journal = store.create(SESSION).unwrap();
    let (mut written, refused, error) = fill(&mut journal);
    assert!(matches!(error, JournalError::Full { .. }), "{error}");
    assert!(!written.is_empty());
    assert_eq!(journal.append(&refused, Durability::Soft), Err(error));
    journal.rest();
    assert_eq!(store.read(SESSION).unwrap(), written);
    assert!(Store::at(store.dir().to_owned()).is_ok());
    fs::remove_file(ballast).unwrap();
    journal.append(&refused, Durability::Hard).unwrap();
    written.extend(refused);
    drop(journal);
    assert_eq!(store.open(SESSION).unwrap().records, written);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_and_can_be_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    // A mount of the child's own, which goes with it. Where that is not allowed, the unit test with a limit on the
    // number of pages has to do.
    let in_small_disk = |command: &[std::ffi::OsString]| {
        let script = r#"mount -t tmpfs -o size=3m tmpfs "$0" && exec env "$@""#;
        Command::new("unshare").args(["-rm", "sh", "-c", script]).arg(dir.path()).args(command).output()
    };
    if !in_small_disk(&["true".into()]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system allows no private mounts");
        return;
    }
    let output = in_small_disk(&child("fills_the_disk", dir.path())).unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "the child of `a_failing_disk_loses_nothing`"]
fn writes_until_the_disk_fails() {
    let Some(store) = child_store() else { return };
    let mut journal = store.create(SESSION).unwrap();
    let (written, refused, error) = fill(&mut journal);
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    assert_eq!(journal.append(&refused, Durability::Hard), Err(error));
    assert_eq!(store.read(SESSION).unwrap(), written);
    fs::write(store.dir().join("written"), written.len().to_string()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_failing_disk_loses_nothing() {
    let (_dir, store) = store();
    // A limit on the size of files fails writes as a bad disk does: not for want of space.
    let script = r#"trap "" XFSZ; ulimit -f 2000; exec env "$@""#;
    let command = child("writes_until_the_disk_fails", store.dir());
    let output = Command::new("sh").args(["-c", script, "sh"]).args(command).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    let written: u64 = fs::read_to_string(store.dir().join("written")).unwrap().parse().unwrap();
    let Opened { records, mut journal, .. } = store.open(SESSION).unwrap();
    assert!(written > 0);
    assert_eq!(records, (1..=written).map(said).collect::<Vec<_>>());
    journal.append(&[said(written + 1)], Durability::Hard).unwrap();
}

#[test]
fn a_log_in_memory_holds_the_same_as_one_on_disk() {
    let (_dir, store) = store();
    let (mut memory, mut file) = (Memory::default(), store.create(SESSION).unwrap());
    for batch in whole_log().chunks(4) {
        for journal in [&mut memory as &mut dyn Journal, &mut file] {
            journal.append(batch, Durability::Soft).unwrap();
        }
    }
    assert_eq!(store.read(SESSION).unwrap(), memory.0);
}
