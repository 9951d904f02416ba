//! Opening a long session before all of it is verified.
//!
//! The records are read and parsed on all cores; of the chain only the end is verified. Verifying the rest is the work of
//! a thread of its own ([`Check`]), while the operator looks at the first frame. Until it is done nothing is moved from
//! SQLite's log into the file, so that a file that turns out to be damaged is as it was; when it is not sound, every
//! further append says so. Whatever does not fit on the quick way is read again on the thorough one, which knows what
//! to call it.

use super::error::JournalError;
use super::file::{Link, ROOT, connect_to_read};
use super::reader::{Columns, Contents, bytes, integer, link};
use super::summary::Tally;
use crate::chat::event::{Event, FORMAT, Record};
use rusqlite::{Connection, InterruptHandle};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use tokio::sync::oneshot;

/// A session with fewer records is verified whole before it opens: that takes a few milliseconds.
pub(super) const SHORT: u64 = 2_000;
/// So many records at the end are verified before anything else.
const TAIL: u64 = 1_000;
/// Records that go to one worker at once.
const CHUNK: usize = 512;

/// How many records the file says it has.
pub(super) fn count(conn: &Connection) -> u64 {
    let count = conn.query_row("SELECT max(seq) FROM records", (), |row| row.get::<_, Option<i64>>(0));
    count.ok().flatten().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

/// Rows that go to one worker.
type Piece = Vec<(Columns, Box<[u8]>)>;

/// Reads every record; `None` when anything at all is odd.
pub(super) fn read(conn: &Connection) -> Option<Contents> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let (to, pieces) = mpsc::sync_channel::<(usize, Piece)>(2 * workers);
    let pieces = Mutex::new(pieces);
    let (parsed, tip) = std::thread::scope(|scope| {
        let parse = || {
            let mut parsed = Some(Vec::new());
            loop {
                let piece = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((place, piece)) = piece else { return parsed };
                // After a piece that is odd the others are taken all the same: the reader must not wait for ever.
                let records: Option<Vec<_>> = piece.into_iter().map(record).collect();
                match (&mut parsed, records) {
                    (Some(parsed), Some(records)) => parsed.push((place, records)),
                    _ => parsed = None,
                }
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(parse)).collect();
        let tip = rows(conn, to);
        let parsed: Option<Vec<_>> = workers.into_iter().map(|worker| worker.join().ok().flatten()).collect();
        Some((parsed?, tip?))
    })?;
    let mut parsed: Vec<_> = parsed.into_iter().flatten().collect();
    parsed.sort_unstable_by_key(|(place, _)| *place);
    let mut contents = Contents { records: Vec::new(), tip, tally: Tally::default() };
    contents.records.reserve(parsed.len() * CHUNK);
    for record in parsed.into_iter().flat_map(|(_, records)| records) {
        contents.tally.add(&record);
        contents.records.push(record);
    }
    Some(contents)
}

fn record((columns, body): (Columns, Box<[u8]>)) -> Option<Arc<Record>> {
    let record: Record = serde_json::from_slice(&body).ok()?;
    let newer = matches!(&record.event, Event::SessionStarted { format, .. } if *format > FORMAT);
    (columns.fit(&record) && !newer).then(|| Arc::new(record))
}

/// Hands out the rows, and returns the last link when the end of the chain is sound.
fn rows(conn: &Connection, to: mpsc::SyncSender<(usize, Piece)>) -> Option<Link> {
    let tx = conn.unchecked_transaction().ok()?;
    let count = count(&tx);
    let mut tip = ROOT;
    let mut query = tx.prepare("SELECT seq, parent, branch, at, body, chain FROM records ORDER BY seq").ok()?;
    let mut rows = query.query(()).ok()?;
    let (mut piece, mut seq, mut place) = (Vec::with_capacity(CHUNK), 0, 0);
    while let Some(row) = rows.next().ok()? {
        seq += 1;
        if integer(row, 0).ok()? != i64::try_from(seq).ok() {
            return None;
        }
        let body = bytes(row, 4).ok()??;
        let chain: Link = bytes(row, 5).ok()??.try_into().ok()?;
        if seq + TAIL > count && chain != link(&tip, body) {
            return None;
        }
        tip = chain;
        piece.push((Columns::of(row, seq).ok()?, body.into()));
        if piece.len() == CHUNK {
            to.send((place, std::mem::replace(&mut piece, Vec::with_capacity(CHUNK)))).ok()?;
            place += 1;
        }
    }
    to.send((place, piece)).ok()?;
    (stored_tip(&tx).as_deref() == Some(&tip[..])).then_some(tip)
}

fn stored_tip(conn: &Connection) -> Option<Vec<u8>> {
    conn.query_row("SELECT value FROM meta WHERE key = 'tip'", (), |row| row.get(0)).ok()
}

/// What verifying the whole file has shown so far; shared with whoever appends.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<OnceLock<Option<JournalError>>>);

impl Verdict {
    /// Of a file that was verified before it opened.
    pub(super) fn sound() -> Self {
        let verdict = Verdict::default();
        let _ = verdict.0.set(None);
        verdict
    }

    /// Whether the file is known to be sound.
    pub(super) fn is_sound(&self) -> bool {
        matches!(self.0.get(), Some(None))
    }

    /// What is wrong with the file, as far as that is known.
    pub(super) fn problem(&self) -> Option<&JournalError> {
        self.0.get()?.as_ref()
    }
}

/// Verifies a file on a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub struct Check {
    problem: oneshot::Receiver<JournalError>,
    stop: Stop,
}

struct Stop(Arc<(AtomicBool, Mutex<Option<InterruptHandle>>)>);

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stop").field(&self.0.0).finish()
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
        if let Some(handle) = &*self.0.1.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    }
}

impl Check {
    /// Begins; the verdict is told to whoever writes, too.
    pub(super) fn begin(path: &Path, count: u64, verdict: Verdict) -> Check {
        let (to, problem) = oneshot::channel();
        let stop = Arc::new((AtomicBool::new(false), Mutex::new(None)));
        let (stopped, path) = (stop.clone(), path.to_owned());
        let work = move || {
            let found = whole(&path, count, &stopped);
            if stopped.0.load(Ordering::Relaxed) {
                return;
            }
            let _ = verdict.0.set(found.clone());
            if let Some(found) = found {
                let _ = to.send(found);
            }
        };
        // Without a thread the file stays unverified, which is no worse than before; the next opening tries again.
        let _ = std::thread::Builder::new().name("verify".to_owned()).spawn(work);
        Check { problem, stop: Stop(stop) }
    }

    /// Waits for the end; says what is wrong with the file, if anything is.
    pub async fn problem(mut self) -> Option<JournalError> {
        let problem = (&mut self.problem).await.ok();
        drop(self.stop);
        problem
    }
}

/// Verifies every link, and that the pages fit together.
fn whole(path: &Path, count: u64, stop: &(AtomicBool, Mutex<Option<InterruptHandle>>)) -> Option<JournalError> {
    let after = std::cell::Cell::new(0);
    let damaged =
        |what: &str| JournalError::Damaged { path: path.to_owned(), after: after.get(), what: what.to_owned() };
    let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "verifying", after.get(), &error);
    let verify = || -> Result<(), JournalError> {
        let conn = connect_to_read(path)?;
        *stop.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(conn.get_interrupt_handle());
        let mut query = conn.prepare("SELECT body, chain FROM records WHERE seq <= ? ORDER BY seq").map_err(failed)?;
        let mut rows = query.query([count as i64]).map_err(failed)?;
        let mut tip = ROOT;
        while let Some(row) = rows.next().map_err(failed)? {
            let body = bytes(row, 0).map_err(failed)?.ok_or_else(|| damaged("the next record has no text"))?;
            tip = link(&tip, body);
            if bytes(row, 1).map_err(failed)? != Some(&tip[..]) {
                return Err(damaged("the next record was changed"));
            }
            after.set(after.get() + 1);
            if stop.0.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let verdict: String = conn.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(failed)?;
        if verdict == "ok" { Ok(()) } else { Err(damaged(&verdict)) }
    };
    verify().err()
}
