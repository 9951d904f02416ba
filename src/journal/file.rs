//! The file of one session: its tables, its settings, and whether a file is one of ours at all.
//!
//! A file may come from somewhere else. It is opened with every switch that keeps a hostile schema from acting, and
//! nothing in it is used before the schema has been compared with ours, letter by letter.

use super::error::JournalError;
use super::summary::Tally;
use crate::chat::event::FORMAT;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `application_id` of a session's file: the letters PLNY.
const APPLICATION: i32 = i32::from_be_bytes(*b"PLNY");

/// Older ones may damage a file in WAL mode when two connections reset the log at once (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

/// As SQLite gives them back, so that they can be compared.
const TABLES: [(&str, &str); 2] = [
    ("meta", "CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value ANY) STRICT, WITHOUT ROWID"),
    (
        "records",
        "CREATE TABLE records(seq INTEGER PRIMARY KEY, parent INTEGER, branch INTEGER NOT NULL, kind TEXT NOT NULL, \
         at INTEGER NOT NULL, body TEXT NOT NULL, chain BLOB NOT NULL) STRICT",
    ),
];

/// A link of the chain: SHA-256 over the link before and the body.
pub(super) type Link = [u8; 32];

/// What stands before the first record.
pub(super) const ROOT: Link = [0; 32];

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading, also while somebody writes.
    Read,
    /// Reading a file that nobody has open: takes no locks and leaves no files, so it works on read-only media.
    ReadUnshared,
    /// Appending.
    Write,
}

/// Opens the session's file at `path` and makes sure that it is one.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, JournalError> {
    require_sound_sqlite()?;
    let not_ours = |what: &str| JournalError::NotASession { path: path.to_owned(), what: what.to_owned() };
    let meta = fs::metadata(path).map_err(|error| JournalError::from_io(path, "opening", &error))?;
    if meta.is_dir() {
        return Err(not_ours("it is a directory"));
    } else if !meta.is_file() {
        return Err(not_ours("it is no regular file"));
    } else if meta.len() == 0 {
        return Err(not_ours("it is empty"));
    }
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::ReadUnshared => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let target = if access == Access::ReadUnshared { unshared(path) } else { path.to_owned() };
    let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "opening", 0, &error);
    let conn = open(&target, flags).map_err(failed)?;
    examine(&conn, path)?;
    if access == Access::Write {
        // SQLite opens what it may not write for reading, without a word.
        if conn.is_readonly("main").map_err(failed)? {
            return Err(JournalError::NotWritable { path: path.to_owned(), why: "it is read-only".to_owned() });
        }
        for_writing(&conn).map_err(failed)?;
    }
    Ok(conn)
}

/// Opens for reading, whoever has the file open and wherever it lies.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, JournalError> {
    match connect(path, Access::Read) {
        // Where nothing may be written, SQLite cannot share the file; without a log nobody needs to.
        Err(JournalError::Io { .. } | JournalError::NotWritable { .. }) if !has_log(path) => {
            connect(path, Access::ReadUnshared)
        }
        other => other,
    }
}

/// Whether a write-ahead log stands beside the file: somebody has it open, or left it without closing.
pub(super) fn has_log(path: &Path) -> bool {
    let mut log = OsString::from(path);
    log.push("-wal");
    PathBuf::from(log).exists()
}

/// Makes the file of a new session, whole or not at all, and durable together with its name.
pub(super) fn make(path: &Path) -> Result<(), JournalError> {
    require_sound_sqlite()?;
    if path.symlink_metadata().is_ok() {
        return Err(JournalError::Exists { path: path.to_owned() });
    }
    let mut unfinished = OsString::from(path);
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let io_failed = |error: std::io::Error| JournalError::from_io(path, "creating", &error);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io_failed(error)),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Closed before SQLite opens it, as closing later would drop SQLite's locks. Its log inherits the mode.
    drop(options.open(&unfinished).map_err(io_failed)?);
    let made = fill(&unfinished)
        .map_err(|error| JournalError::from_sqlite(path, "creating", 0, &error))
        .and_then(|()| fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(io_failed))
        .and_then(|()| fs::rename(&unfinished, path).map_err(io_failed));
    if made.is_err() {
        // What cannot be removed now is removed by the next attempt.
        let _ = fs::remove_file(&unfinished);
        return made;
    }
    #[cfg(unix)]
    if let Some(dir) = path.parent() {
        fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_failed)?;
    }
    Ok(())
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // The page size counts only before the first table: large pages take a fifth less room with bodies of 1 KB. Until
    // the file has its name nobody relies on it, so the disk is waited for once, before the renaming, and not at every
    // step: that was most of the time of a start.
    conn.execute_batch("PRAGMA page_size = 16384; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;")?;
    for_writing(&conn)?;
    let tx = conn.unchecked_transaction()?;
    for (_, sql) in TABLES {
        tx.execute_batch(sql)?;
    }
    tx.execute(
        "INSERT INTO meta(key, value) VALUES ('epoch', 0), ('tip', ?1), ('summary', ?2)",
        (ROOT, encode(&Tally::default())),
    )?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()?;
    conn.close().map_err(|(_, error)| error)
}

/// The summary as it stands in the file.
pub(super) fn encode(tally: &Tally) -> String {
    // Texts and numbers only: there is nothing in it that JSON cannot say.
    serde_json::to_string(tally).unwrap_or_default()
}

fn require_sound_sqlite() -> Result<(), JournalError> {
    if rusqlite::version_number() >= OLDEST_SQLITE {
        return Ok(());
    }
    Err(JournalError::OldSqlite { found: rusqlite::version().to_owned() })
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;",
    )?;
    Ok(conn)
}

/// Checkpoints are made by us, when nobody waits. The two `fullfsync` count on macOS only, where `fsync` does not.
fn for_writing(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864; \
         PRAGMA secure_delete = ON; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;",
    )
}

/// Whether this is a session of a format that we know, with exactly our tables.
fn examine(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "reading", 0, &error);
    let not_ours = |what: &str| JournalError::NotASession { path: path.to_owned(), what: what.to_owned() };
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    if number("application_id")? != i64::from(APPLICATION) {
        return Err(not_ours("it is a database of another program"));
    }
    let format = number("user_version")?;
    if format < 1 {
        return Err(not_ours("it names no format"));
    } else if format > i64::from(FORMAT) {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            what: "a format of later days".to_owned(),
            format: u32::try_from(format).unwrap_or(u32::MAX),
            ours: FORMAT,
        });
    }
    if !has_our_tables(conn).map_err(failed)? {
        let what = "its tables are not as Plenary made them".to_owned();
        return Err(JournalError::Damaged { path: path.to_owned(), after: 0, what });
    }
    Ok(())
}

fn has_our_tables(conn: &Connection) -> rusqlite::Result<bool> {
    let mut query = conn.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    let mut rows = query.query(())?;
    for (name, sql) in TABLES {
        match rows.next()? {
            Some(row) if row.get_ref(0)?.as_bytes_or_null()? == Some(name.as_bytes()) => {
                if row.get_ref(1)?.as_bytes_or_null()? != Some(sql.as_bytes()) {
                    return Ok(false);
                }
            }
            _ => return Ok(false),
        }
    }
    Ok(rows.next()?.is_none())
}

/// The file as a URI that tells SQLite that nobody else touches it. Every byte that could mean something is escaped.
fn unshared(path: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    PathBuf::from(uri)
}
