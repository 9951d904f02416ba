//! Appending to a session's file.

use super::error::JournalError;
use super::file::{Access, Link, connect, encode};
use super::lock::Lock;
use super::quick::{self, Check, Verdict};
use super::reader::{Contents, kind, link, walk};
use super::store::Opened;
use super::summary::Tally;
use super::{Durability, Journal, continues};
use crate::chat::event::{Event, Record};
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// With so much in the log, its pages move into the file as soon as nobody waits (bytes).
const CHECKPOINT: u64 = 4 << 20;
/// With so much, also while somebody waits.
const CHECKPOINT_NOW: u64 = 64 << 20;
/// What a transaction writes besides the bodies: a page of the summary and one that is partly filled.
const OVERHEAD: u64 = 2 * 16384;

/// The log of one session, open for writing. Dropping it closes the file and lets others write.
pub struct SqliteJournal {
    // Before the lock, as fields are dropped in order: the file is closed before another process may open it.
    pub(super) conn: Connection,
    path: PathBuf,
    /// Number of this opening; appends fail when the file has seen a later one.
    epoch: i64,
    last: u64,
    tip: Link,
    tally: Tally,
    /// What `synchronous` is set to.
    durability: Option<Durability>,
    /// About how many bytes the log has grown since the last checkpoint.
    unchecked: u64,
    /// Whether the whole file is known to be sound.
    verdict: Verdict,
    _lock: Lock,
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal").field("path", &self.path).field("last", &self.last).finish_non_exhaustive()
    }
}

/// Where an imported session came from, while it is not trusted.
pub(super) fn origin(conn: &Connection) -> Option<String> {
    conn.query_row("SELECT value FROM meta WHERE key = 'origin'", (), |row| row.get(0)).ok()
}

/// A record as a row.
struct Row {
    kind: String,
    body: String,
    link: Link,
}

impl SqliteJournal {
    /// Opens the file of a session that has just been made: there is nothing in it to read or to verify.
    pub(super) fn open_new(path: &Path, lock: Lock) -> Result<SqliteJournal, JournalError> {
        let conn = connect(path, Access::Write)?;
        let nothing = Contents { records: Vec::new(), tip: super::file::ROOT, tally: Tally::default() };
        SqliteJournal::begin(path, lock, conn, &nothing, Verdict::sound())
    }

    /// Opens the file for writing and reads all of it. `lock` is the right to do so. A long one is verified while one
    /// looks at it already.
    pub(super) fn open(path: &Path, lock: Lock) -> Result<Opened, JournalError> {
        let conn = connect(path, Access::Write)?;
        if let Some(origin) = origin(&conn) {
            return Err(JournalError::Untrusted { path: path.to_owned(), origin });
        }
        if quick::count(&conn) >= quick::SHORT
            && let Some(contents) = quick::read(&conn)
        {
            let verdict = Verdict::default();
            let journal = SqliteJournal::begin(path, lock, conn, &contents, verdict.clone())?;
            let check = Check::begin(path, contents.records.len() as u64, verdict);
            return Ok(Opened { records: contents.records, journal, check: Some(check) });
        }
        let (contents, problem) = walk(&conn, path);
        if let Some(problem) = problem {
            return Err(problem);
        }
        let last = contents.records.len() as u64;
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "opening", last, &error);
        // Records can be whole while the pages between them are not: writing there would destroy what is good.
        let verdict: String = conn.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(failed)?;
        if verdict != "ok" {
            return Err(JournalError::Damaged { path: path.to_owned(), after: last, what: verdict });
        }
        let journal = SqliteJournal::begin(path, lock, conn, &contents, Verdict::sound())?;
        Ok(Opened { records: contents.records, journal, check: None })
    }

    /// Takes over the file: whoever had it before can write no more.
    fn begin(
        path: &Path,
        lock: Lock,
        mut conn: Connection,
        contents: &Contents,
        verdict: Verdict,
    ) -> Result<SqliteJournal, JournalError> {
        let Contents { records, tip, tally } = contents;
        let last = records.len() as u64;
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "opening", last, &error);
        // The number only has to be there before what is written under it, which the log's order sees to.
        conn.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        let epoch = {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            let epoch: i64 = tx
                .query_row("SELECT value FROM meta WHERE key = 'epoch'", (), |row| row.get::<_, i64>(0))
                .map_err(failed)?
                .wrapping_add(1);
            // The summary is made anew with it, should it differ from its records.
            tx.execute("REPLACE INTO meta(key, value) VALUES ('epoch', ?1), ('summary', ?2)", (epoch, encode(tally)))
                .map_err(failed)?;
            tx.commit().map_err(failed)?;
            epoch
        };
        Ok(SqliteJournal {
            conn,
            path: path.to_owned(),
            epoch,
            last,
            tip: *tip,
            tally: tally.clone(),
            durability: Some(Durability::Soft),
            unchecked: 0,
            verdict,
            _lock: lock,
        })
    }

    /// Notes that what is in it came from outside.
    pub(super) fn mark_origin(&mut self, origin: &str) -> Result<(), JournalError> {
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(&self.path, "writing", self.last, &error);
        self.conn.execute("REPLACE INTO meta(key, value) VALUES ('origin', ?1)", [origin]).map(|_| ()).map_err(failed)
    }

    /// The session's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn rows(&self, records: &[Arc<Record>]) -> Result<Vec<Row>, JournalError> {
        let mut tip = self.tip;
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let refuse = |what: String| JournalError::OutOfOrder {
                path: self.path.clone(),
                after: self.last,
                got: record.seq.0,
                what,
            };
            let body = serde_json::to_string(&**record).map_err(|error| refuse(error.to_string()))?;
            // Only a team can hold what JSON says but does not give back: a price that is no number, endless nesting.
            if matches!(record.event, Event::SessionStarted { .. })
                && serde_json::from_str::<Record>(&body).ok().as_ref() != Some(&**record)
            {
                return Err(refuse("the team in it could not be read back as it is".to_owned()));
            }
            let kind = kind(body.as_bytes()).ok_or_else(|| refuse("its event has no kind".to_owned()))?;
            tip = link(&tip, body.as_bytes());
            rows.push(Row { kind, body, link: tip });
        }
        Ok(rows)
    }

    fn write(
        &mut self,
        records: &[Arc<Record>],
        rows: &[Row],
        tally: &Tally,
        durability: Durability,
    ) -> Result<(), JournalError> {
        let (path, last) = (&self.path, self.last);
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "writing", last, &error);
        if self.durability != Some(durability) {
            self.durability = None;
            let level = if durability == Durability::Hard { "FULL" } else { "NORMAL" };
            self.conn.pragma_update(None, "synchronous", level).map_err(failed)?;
            self.durability = Some(durability);
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let (epoch, stored): (i64, Option<i64>) = tx
            .prepare_cached("SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT max(seq) FROM records)")
            .and_then(|mut query| query.query_row((), |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(failed)?;
        if epoch != self.epoch {
            return Err(JournalError::InUse { path: path.clone(), holder: None });
        }
        if stored.unwrap_or(0) != last as i64 {
            let what = "records were added or removed by something else".to_owned();
            return Err(JournalError::Damaged { path: path.clone(), after: last, what });
        }
        let mut insert = tx
            .prepare_cached(
                "INSERT INTO records(seq, parent, branch, kind, at, body, chain) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .map_err(failed)?;
        for (record, row) in records.iter().zip(rows) {
            let parent = record.parent.map(|parent| parent.0 as i64);
            // Bits are kept, and compared as bits: a branch's number has no order in SQL.
            let place = (record.seq.0 as i64, parent, record.branch.0 as i64);
            let values = (place.0, place.1, place.2, &row.kind, record.at, &row.body, row.link);
            insert.execute(values).map_err(failed)?;
        }
        drop(insert);
        let tip = rows.last().map_or(self.tip, |row| row.link);
        tx.prepare_cached("REPLACE INTO meta(key, value) VALUES ('tip', ?1), ('summary', ?2)")
            .and_then(|mut update| update.execute((tip, encode(tally))))
            .map_err(failed)?;
        tx.commit().map_err(failed)
    }

    /// Moves the log's pages into the file. What fails now is tried again later: nothing is lost by waiting.
    fn checkpoint(&mut self) {
        // Into a file of which is not known that it is sound nothing is moved.
        if self.verdict.is_sound() && self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())).is_ok() {
            self.unchecked = 0;
        }
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        if !self.verdict.is_sound() {
            // What was written stays in the log beside the file, where the next opening finds it.
            let _ = self.conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, records: &[Arc<Record>], durability: Durability) -> Result<(), JournalError> {
        continues(&self.path, self.last, records)?;
        if let Some(problem) = self.verdict.problem() {
            return Err(problem.clone());
        }
        if records.is_empty() {
            return Ok(());
        }
        if self.path.symlink_metadata().is_err() {
            return Err(JournalError::Gone { path: self.path.clone() });
        }
        let rows = self.rows(records)?;
        let mut tally = self.tally.clone();
        records.iter().for_each(|record| tally.add(record));
        // An error ends the transaction where it is dropped; our own figures change only after the commit.
        self.write(records, &rows, &tally, durability)?;
        self.last += rows.len() as u64;
        self.tip = rows.last().map_or(self.tip, |row| row.link);
        self.tally = tally;
        self.unchecked += OVERHEAD + rows.iter().map(|row| row.body.len() as u64).sum::<u64>();
        if self.unchecked >= CHECKPOINT_NOW {
            self.checkpoint();
        }
        Ok(())
    }

    fn rest(&mut self) {
        if self.unchecked >= CHECKPOINT {
            self.checkpoint();
        }
    }
}
