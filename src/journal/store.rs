//! The directory of sessions.

use super::error::JournalError;
use super::file::{Access, connect, connect_to_read, has_log, make};
use super::lock::Lock;
use super::quick::Check;
use super::reader::{bytes, walk};
use super::sqlite::{SqliteJournal, origin};
use super::summary::{Summary, Tally};
use super::{Durability, Journal};
use crate::chat::UnixMillis;
use crate::chat::event::Record;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// What a session's file ends with.
const SUFFIX: &str = ".sqlite";
/// The word for the newest session.
const LAST: &str = "last";

/// The directory of sessions: for each a file `<session>.sqlite` and a file `<session>.lock` that stays.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

/// A session that was opened to go on with it.
#[derive(Debug)]
pub struct Opened {
    /// Everything that happened, in order.
    pub records: Vec<Arc<Record>>,
    /// Where the next record goes.
    pub journal: SqliteJournal,
    /// What is still to be verified of a long session.
    pub check: Option<Check>,
}

impl Store {
    /// The store in `dir`, which is made (for its owner alone) when it does not exist.
    ///
    /// # Errors
    /// [`JournalError::NotWritable`] when it cannot be made or nothing can be written there.
    pub fn at(dir: PathBuf) -> Result<Store, JournalError> {
        let not_writable =
            |error: std::io::Error| JournalError::NotWritable { path: dir.clone(), why: error.to_string() };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&dir).map_err(not_writable)?;
        // Permission bits do not tell about read-only media, quotas or access lists: only trying does.
        let probe = dir.join(format!(".probe-{}", std::process::id()));
        match fs::OpenOptions::new().write(true).create_new(true).open(&probe) {
            Ok(_) => {
                // Left behind it does no harm: it is not listed, and it proves as much the next time.
                let _ = fs::remove_file(&probe);
            }
            // Another thread of ours is asking the same.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            // A full disk can still be read from, and room can be made.
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {}
            Err(error) => return Err(not_writable(error)),
        }
        Ok(Store { dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the file of a new session and opens it for writing.
    ///
    /// # Errors
    /// [`JournalError::Exists`], [`JournalError::BadName`], and what the disk refuses.
    pub fn create(&self, session: &str) -> Result<SqliteJournal, JournalError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if session.is_empty() || session.len() > 100 || session == LAST || !session.chars().all(fits) {
            return Err(JournalError::BadName { wanted: session.to_owned() });
        }
        let path = self.dir.join(format!("{session}{SUFFIX}"));
        let lock = Lock::take(&lock_of(&path), &path)?;
        make(&path)?;
        SqliteJournal::open_new(&path, lock)
    }

    /// Makes a session of records that came from outside. It is read-only until [`Store::trust`].
    ///
    /// # Errors
    /// As [`Store::create`], and when the records do not form a log.
    pub fn import(&self, session: &str, records: &[Arc<Record>], origin: &str) -> Result<PathBuf, JournalError> {
        let mut journal = self.create(session)?;
        journal.mark_origin(origin)?;
        journal.append(records, Durability::Hard)?;
        Ok(journal.path().to_owned())
    }

    /// Lets an imported session go on as if it had begun here. Returns where it came from; `None` when it began here.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn trust(&self, session: &str) -> Result<Option<String>, JournalError> {
        let path = self.find(session)?;
        let _lock = Lock::take(&lock_of(&path), &path)?;
        let conn = connect(&path, Access::Write)?;
        let origin = origin(&conn);
        conn.execute("DELETE FROM meta WHERE key = 'origin'", ())
            .map_err(|error| JournalError::from_sqlite(&path, "writing", 0, &error))?;
        Ok(origin)
    }

    /// Removes a session, with its lock and its log. What is in use stays.
    ///
    /// # Errors
    /// When it cannot be found, is open somewhere, or the disk refuses.
    pub fn delete(&self, session: &str) -> Result<PathBuf, JournalError> {
        let path = self.find(session)?;
        let lock = lock_of(&path);
        let held = Lock::take(&lock, &path)?;
        let failed = |error: std::io::Error| JournalError::from_io(&path, "deleting", &error);
        fs::remove_file(&path).map_err(failed)?;
        for ending in ["-wal", "-shm"] {
            let mut beside = path.clone().into_os_string();
            beside.push(ending);
            // Without its file a log means nothing; SQLite removes it when a session of that name begins.
            let _ = fs::remove_file(beside);
        }
        drop(held);
        // Whoever waits for this lock finds no session behind it.
        let _ = fs::remove_file(lock);
        Ok(path)
    }

    /// The file of a session, named as for [`Store::open`].
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn path_of(&self, session: &str) -> Result<PathBuf, JournalError> {
        self.find(session)
    }

    /// Opens a session to go on with it: its whole name, the beginning of it, or `last` for the one written to last.
    /// Every record of a short one is verified; of a long one the newest are, and the rest by [`Opened::check`].
    ///
    /// # Errors
    /// When it cannot be found, is in use, is not whole, or was written by a newer Plenary.
    pub fn open(&self, session: &str) -> Result<Opened, JournalError> {
        let path = self.find(session)?;
        let lock = Lock::take(&lock_of(&path), &path)?;
        SqliteJournal::open(&path, lock)
    }

    /// Reads a session, named as for [`Store::open`], also while another process writes it. Every record is verified.
    ///
    /// # Errors
    /// As for [`Store::open`], except that it is never in use. [`Store::rescue`] returns what can be read in spite of
    /// an error.
    pub fn read(&self, session: &str) -> Result<Vec<Arc<Record>>, JournalError> {
        match self.rescue(session) {
            (records, None) => Ok(records),
            (_, Some(problem)) => Err(problem),
        }
    }

    /// Reads what is whole of a session, from its first record on, and says why it stopped before the end, if it did.
    pub fn rescue(&self, session: &str) -> (Vec<Arc<Record>>, Option<JournalError>) {
        let conn = self.find(session).and_then(|path| Ok((connect_to_read(&path)?, path)));
        match conn {
            Ok((conn, path)) => {
                let (contents, problem) = walk(&conn, &path);
                (contents.records, problem)
            }
            Err(problem) => (Vec::new(), Some(problem)),
        }
    }

    /// Every session, the one written to last first. Reads no record; a file that cannot be opened is listed with its
    /// problem.
    ///
    /// # Errors
    /// When the directory itself cannot be read.
    pub fn list(&self) -> Result<Vec<Summary>, JournalError> {
        let mut list: Vec<Summary> =
            self.files()?.into_iter().map(|(session, path)| summarise(session, path)).collect();
        list.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| b.session.cmp(&a.session)));
        Ok(list)
    }

    /// Every session's name and file.
    pub(super) fn files(&self) -> Result<Vec<(String, PathBuf)>, JournalError> {
        let failed = |error: std::io::Error| JournalError::from_io(&self.dir, "reading", &error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(session) = name.strip_suffix(SUFFIX).filter(|session| !session.is_empty()) {
                files.push((session.to_owned(), path.clone()));
            }
        }
        Ok(files)
    }

    fn find(&self, wanted: &str) -> Result<PathBuf, JournalError> {
        let missing =
            |nearest| JournalError::NoSuchSession { wanted: wanted.to_owned(), dir: self.dir.clone(), nearest };
        if wanted == LAST {
            return self.list()?.into_iter().next().map(|newest| newest.path).ok_or_else(|| missing(None));
        }
        let mut files = self.files()?;
        // Names begin with the time of the start: newest first.
        files.sort_by(|a, b| b.0.cmp(&a.0));
        if let Some((_, path)) = files.iter().find(|(session, _)| session == wanted) {
            return Ok(path.clone());
        }
        let matches: Vec<&(String, PathBuf)> =
            files.iter().filter(|(session, _)| !wanted.is_empty() && session.starts_with(wanted)).collect();
        match matches[..] {
            [(_, path)] => Ok(path.clone()),
            [] => {
                let alike = |name: &str| (strsim::jaro_winkler(name, wanted) * 1000.0) as u32;
                Err(missing(files.into_iter().map(|(session, _)| session).max_by_key(|session| alike(session))))
            }
            _ => Err(JournalError::Ambiguous {
                wanted: wanted.to_owned(),
                matches: matches.into_iter().map(|(session, _)| session.clone()).collect(),
            }),
        }
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn summarise(session: String, path: PathBuf) -> Summary {
    let (tally, problem, origin) = match glance(&path) {
        Ok((Some(tally), origin)) => (tally, None, origin),
        Ok((None, origin)) => {
            let problem = "its summary cannot be read; open the session to make it anew".to_owned();
            (Tally::default(), Some(problem), origin)
        }
        Err(error) => (Tally::default(), Some(error.to_string()), None),
    };
    let (mut started, mut updated) = (tally.started, tally.updated);
    if tally.records == 0 {
        updated = changed(&path);
        started = updated;
    }
    let Tally { team, task, records, messages, ended, .. } = tally;
    Summary { session, team, task, started, updated, records, messages, ended, problem, origin, path }
}

/// The summary that stands in the file, if it can be read.
fn glance(path: &Path) -> Result<(Option<Tally>, Option<String>), JournalError> {
    if !has_log(path) {
        // Nobody has it open, so that locks can be saved: they take most of the time. Should somebody open it in this
        // very moment and disturb us, we look again.
        let found = connect(path, Access::ReadUnshared).and_then(|conn| Ok((stored(&conn, path)?, origin(&conn))));
        if let Ok((Some(tally), origin)) = found {
            return Ok((Some(tally), origin));
        }
    }
    let conn = connect_to_read(path)?;
    Ok((stored(&conn, path)?, origin(&conn)))
}

fn stored(conn: &rusqlite::Connection, path: &Path) -> Result<Option<Tally>, JournalError> {
    let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "reading", 0, &error);
    let mut query = conn.prepare("SELECT value FROM meta WHERE key = 'summary'").map_err(failed)?;
    let mut rows = query.query(()).map_err(failed)?;
    let row = rows.next().map_err(failed)?;
    let text = row.map(|row| bytes(row, 0)).transpose().map_err(failed)?.flatten();
    Ok(text.and_then(|text| serde_json::from_slice(text).ok()))
}

/// When the file was last changed, for sessions that cannot tell.
fn changed(path: &Path) -> UnixMillis {
    fs::metadata(path)
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|age| UnixMillis::try_from(age.as_millis()).ok())
        .unwrap_or(0)
}
