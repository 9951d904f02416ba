//! What can go wrong with a session's file, said for a person.

use std::io;
use std::path::{Path, PathBuf};

/// What failed, where, and what to do. After an error of `append` nothing of the batch is in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The directory or the file cannot be written.
    #[error("cannot write to {}: {why}. Make it writable, or choose another directory for sessions.", path.display())]
    NotWritable {
        /// The directory or file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file was removed or moved while it was open: what is written goes nowhere.
    #[error("the session's file {} was removed or moved while it was open, so nothing can be kept in it any more.", path.display())]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// No room, or no quota. The same batch may be tried again.
    #[error("the disk is full: {} could not grow. What was acknowledged is safe; free some space and go on.", path.display())]
    Full {
        /// The session's file.
        path: PathBuf,
    },
    /// The system failed to read or write. The same batch may be tried again.
    #[error("{doing} {} failed: {why}. What was acknowledged is safe; check the disk, then try again.", path.display())]
    Io {
        /// The session's file.
        path: PathBuf,
        /// What was attempted, e.g. `writing`.
        doing: &'static str,
        /// The system's words.
        why: String,
    },
    /// The file is one of ours, but not as we wrote it.
    #[error("{} is damaged{}", path.display(), extent(*after, what))]
    Damaged {
        /// The session's file.
        path: PathBuf,
        /// Sequence number of the last good record; 0 when there is none.
        after: u64,
        /// What is wrong.
        what: String,
    },
    /// A newer Plenary wrote the file, or part of it.
    #[error(
        "{} was written by a newer Plenary ({what}; format {format}, this program knows {ours}). Update Plenary to open it.",
        path.display()
    )]
    Newer {
        /// The session's file.
        path: PathBuf,
        /// What this program does not know.
        what: String,
        /// The file's format.
        format: u32,
        /// [`crate::chat::event::FORMAT`].
        ours: u32,
    },
    /// Not a session's file at all.
    #[error("{} is not a Plenary session: {what}. Move it out of the directory of sessions.", path.display())]
    NotASession {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// It came from outside, and nobody has said yet that it may act here.
    #[error(
        "{} was imported from {origin} and is read-only. Read it with `plenary open`; \
         `plenary sessions trust NAME` lets it go on.",
        path.display()
    )]
    Untrusted {
        /// The session's file.
        path: PathBuf,
        /// Where it came from, in words.
        origin: String,
    },
    /// Another process (or another part of this one) has it open for writing.
    #[error(
        "{} is open in another Plenary{}. Close that one first; reading and exporting work meanwhile.",
        path.display(),
        holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The session's file.
        path: PathBuf,
        /// Its process, if it left its number.
        holder: Option<u32>,
    },
    /// Nothing of that name.
    #[error(
        "there is no session {wanted:?} in {}.{} `plenary sessions` lists them all.",
        dir.display(),
        nearest.as_ref().map(|near| format!(" Did you mean {near}?")).unwrap_or_default()
    )]
    NoSuchSession {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for.
        dir: PathBuf,
        /// The name that is most like it.
        nearest: Option<String>,
    },
    /// Several sessions begin like that.
    #[error("several sessions begin with {wanted:?}: {}. Type more of the name.", matches.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The sessions, newest first.
        matches: Vec<String>,
    },
    /// A new session would take the place of an old one.
    #[error("{} exists already. Nothing was changed; start again for a new name, or open it.", path.display())]
    Exists {
        /// The session's file.
        path: PathBuf,
    },
    /// A session's name that cannot be a file's name.
    #[error("{wanted:?} cannot name a session: use up to 100 of a-z, A-Z, 0-9, `-` and `_`, and not the word `last`.")]
    BadName {
        /// The name.
        wanted: String,
    },
    /// Records do not continue the log: a mistake of ours, never of the disk's.
    #[error("record {got} does not follow record {after} in {}: {what}. Nothing was written; please report this.", path.display())]
    OutOfOrder {
        /// The session's file.
        path: PathBuf,
        /// The last record of the log; 0 when it is empty.
        after: u64,
        /// The record that was to follow.
        got: u64,
        /// What does not fit.
        what: String,
    },
    /// The SQLite that was linked has a known way to damage files.
    #[error(
        "this program was built with SQLite {found}, which can damage sessions; 3.51.3 or newer is needed. Install another build."
    )]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// The thread that owned the journal is gone.
    #[error("the session's file is closed. Open the session again to go on.")]
    Closed,
}

fn extent(after: u64, what: &str) -> String {
    match after {
        0 => format!(": {what}. No record of it can be read; restore the file from a copy, or move it away."),
        1 => format!(" after record 1: {what}. That record is whole and can be exported."),
        _ => format!(" after record {after}: {what}. The {after} records up to there are whole and can be exported."),
    }
}

impl JournalError {
    /// The error for a refusal of the operating system.
    pub(super) fn from_io(path: &Path, doing: &'static str, error: &io::Error) -> Self {
        use io::ErrorKind::*;
        match error.kind() {
            PermissionDenied | ReadOnlyFilesystem | NotADirectory => {
                JournalError::NotWritable { path: path.to_owned(), why: error.to_string() }
            }
            StorageFull | QuotaExceeded => JournalError::Full { path: path.to_owned() },
            _ => JournalError::Io { path: path.to_owned(), doing, why: error.to_string() },
        }
    }

    /// The error for a refusal of SQLite. `after` is the last record known to be good.
    pub(super) fn from_sqlite(path: &Path, doing: &'static str, after: u64, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::*;
        let path = path.to_owned();
        let why = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // What is left are values of a type that we never wrote.
            return JournalError::Damaged { path, after, what: why };
        };
        match code.code {
            DiskFull => JournalError::Full { path },
            ReadOnly | PermissionDenied => JournalError::NotWritable { path, why },
            DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed => JournalError::InUse { path, holder: None },
            NotADatabase => JournalError::NotASession { path, what: "it is no SQLite database".to_owned() },
            // Our statements are fixed: where one does not fit, the file has changed under it.
            DatabaseCorrupt | SchemaChanged | Unknown | TypeMismatch | ConstraintViolation | TooBig => {
                JournalError::Damaged { path, after, what: why }
            }
            SystemIoFailure if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ => {
                JournalError::Damaged { path, after, what: "it ends too early".to_owned() }
            }
            _ => JournalError::Io { path, doing, why },
        }
    }
}
