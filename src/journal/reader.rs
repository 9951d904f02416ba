//! From rows to records, with every row verified.

use super::error::JournalError;
use super::file::{Link, ROOT};
use super::summary::Tally;
use crate::chat::event::{Event, FORMAT, Record};
use crate::chat::opaque::Opaque;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// What a file holds.
pub(super) struct Contents {
    /// The records that are as we wrote them, from the first on.
    pub(super) records: Vec<Arc<Record>>,
    /// Link of the last of them.
    pub(super) tip: Link,
    /// Their figures.
    pub(super) tally: Tally,
}

/// The link that follows `before` for a record with this body.
pub(super) fn link(before: &Link, body: &[u8]) -> Link {
    Sha256::new().chain_update(before).chain_update(body).finalize().into()
}

/// Reads every record, up to the first that is not as we wrote it; says why it stopped there.
pub(super) fn walk(conn: &Connection, path: &Path) -> (Contents, Option<JournalError>) {
    let mut contents = Contents { records: Vec::new(), tip: ROOT, tally: Tally::default() };
    let problem = match try_walk(conn, path, &mut contents) {
        Ok(()) => None,
        Err(Stop::Sqlite(error)) => {
            Some(JournalError::from_sqlite(path, "reading", contents.records.len() as u64, &error))
        }
        Err(Stop::Journal(error)) => Some(error),
    };
    (contents, problem)
}

enum Stop {
    Sqlite(rusqlite::Error),
    Journal(JournalError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Stop::Sqlite(error)
    }
}

fn try_walk(conn: &Connection, path: &Path, contents: &mut Contents) -> Result<(), Stop> {
    // One transaction, so that records and tip are of the same moment while another process writes.
    let tx = conn.unchecked_transaction()?;
    let tip: Option<Vec<u8>> = {
        let mut query = tx.prepare("SELECT value FROM meta WHERE key = 'tip'")?;
        let mut rows = query.query(())?;
        match rows.next()? {
            Some(row) => bytes(row, 0)?.map(<[u8]>::to_vec),
            None => None,
        }
    };
    let mut query = tx.prepare("SELECT seq, parent, branch, at, body, chain FROM records ORDER BY seq")?;
    let mut rows = query.query(())?;
    let mut later = None;
    while let Some(row) = rows.next()? {
        let after = contents.records.len() as u64;
        let damaged =
            |what: &str| Stop::Journal(JournalError::Damaged { path: path.to_owned(), after, what: what.to_owned() });
        if integer(row, 0)? != i64::try_from(after + 1).ok() {
            return Err(damaged("the next record is missing"));
        }
        let body = bytes(row, 4)?.ok_or_else(|| damaged("the next record has no text"))?;
        let next = link(&contents.tip, body);
        if bytes(row, 5)? != Some(&next[..]) {
            return Err(damaged("the next record was changed"));
        }
        let record: Record = match serde_json::from_slice(body) {
            Ok(record) => record,
            Err(error) => {
                let problem = unknown(path, contents, body, &error);
                // What a later program wrote is not lost: it stands in its place, and the session can be read.
                let Some(record) = opaque(body).filter(|_| after > 0) else { return Err(Stop::Journal(problem)) };
                later.get_or_insert(problem);
                record
            }
        };
        if !Columns::of(row, after + 1)?.fit(&record) {
            return Err(damaged("the next record contradicts itself"));
        }
        if let Event::SessionStarted { format, .. } = &record.event
            && *format > FORMAT
        {
            return Err(Stop::Journal(newer(path, *format, "a format of later days".to_owned())));
        }
        contents.tip = next;
        contents.tally.add(&record);
        contents.records.push(Arc::new(record));
    }
    if tip.as_deref() != Some(&contents.tip[..]) {
        let after = contents.records.len() as u64;
        let what = "what followed is missing".to_owned();
        return Err(Stop::Journal(JournalError::Damaged { path: path.to_owned(), after, what }));
    }
    later.map_or(Ok(()), |problem| Err(Stop::Journal(problem)))
}

/// A record whose place can be read and whose event cannot.
fn opaque(body: &[u8]) -> Option<Record> {
    let mut whole: serde_json::Value = serde_json::from_slice(body).ok()?;
    let event = whole.get_mut("event")?.take();
    let was = event.get("kind")?.as_str()?.to_owned();
    whole["event"] = serde_json::to_value(Event::Opaque(Opaque { was, body: event })).ok()?;
    serde_json::from_value(whole).ok()
}

/// What a row says of its record besides the body.
pub(super) struct Columns {
    seq: u64,
    rest: [Option<i64>; 3],
}

impl Columns {
    /// Of a row that begins with seq, parent, branch and time.
    pub(super) fn of(row: &Row<'_>, seq: u64) -> rusqlite::Result<Self> {
        Ok(Columns { seq, rest: [integer(row, 1)?, integer(row, 2)?, integer(row, 3)?] })
    }

    /// Whether the body says the same.
    pub(super) fn fit(&self, record: &Record) -> bool {
        let said = [record.parent.map(|seq| seq.0 as i64), Some(record.branch.0 as i64), Some(record.at)];
        record.seq.0 == self.seq && said == self.rest
    }
}

/// The error for a body that stands as it was written, and that we cannot read.
fn unknown(path: &Path, contents: &Contents, body: &[u8], error: &serde_json::Error) -> JournalError {
    let after = contents.records.len() as u64;
    match kind(body) {
        Some(kind) => {
            let format = contents.records.first().and_then(|first| match &first.event {
                Event::SessionStarted { format, .. } => Some(*format),
                _ => None,
            });
            newer(path, format.unwrap_or(FORMAT), format!("record {} is of an unknown shape, {kind:?}", after + 1))
        }
        None => JournalError::Damaged {
            path: path.to_owned(),
            after,
            what: format!("the next record cannot be read: {error}"),
        },
    }
}

fn newer(path: &Path, format: u32, what: String) -> JournalError {
    JournalError::Newer { path: path.to_owned(), what, format, ours: FORMAT }
}

/// The kind of event in a record's JSON, known to us or not.
pub(super) fn kind(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Outer {
        event: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        kind: String,
    }
    serde_json::from_slice::<Outer>(body).ok().map(|outer| outer.event.kind)
}

pub(super) fn integer(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(value) => Some(value),
        _ => None,
    })
}

/// Text or blob as it stands: whether it is UTF-8 shows later.
pub(super) fn bytes<'row>(row: &'row Row<'_>, column: usize) -> rusqlite::Result<Option<&'row [u8]>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    })
}
