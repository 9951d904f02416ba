//! The event tree on disk: an append-only log of [`Record`]s, one SQLite file a session.
//!
//! [`Store`] is the directory of sessions; [`SqliteJournal`] writes one of them, [`Writer`] does so on a thread of its
//! own; [`Memory`] keeps a log without a disk. Imports `chat` only, and of SQLite nothing leaves this module.
//!
//! What is kept, and how:
//!
//! - `append` is one transaction. `Hard` waits for the disk, `Soft` for the operating system.
//! - Each record's body is its JSON; each row carries SHA-256(chain of the row before, body). Every row
//!   is verified, so a changed, missing or reordered record is found, and what stands before it can be exported
//!   (`rescue`): before the session opens if it is short, by a thread beside it if it is long (`quick.rs`).
//! - One writer: a lock on `<session>.lock`, and an epoch in the file that every append compares (a writer that was
//!   stopped, lost its lock and woke up again cannot write). Readers are free at any time.
//! - Rows are never changed. The summary beside them is a cache.
//!
//! To add a kind of event, add the variant to [`crate::chat::event::Event`]: nothing here changes. To change the tables,
//! raise [`crate::chat::event::FORMAT`], put the new `CREATE` statements into `file.rs`, and copy the file
//! (`VACUUM INTO`) before one transaction brings an older one up to date.

mod error;
mod file;
mod index;
mod lock;
mod memory;
mod quick;
mod reader;
mod sqlite;
mod store;
mod summary;
#[cfg(test)]
mod tests;
mod writer;

pub use error::JournalError;
pub use index::{Figures, Hit, Index, Query};
pub use memory::Memory;
pub use quick::Check;
pub use sqlite::SqliteJournal;
pub use store::{Opened, Store};
pub use summary::Summary;
pub use writer::Writer;

use crate::chat::event::Record;
use std::sync::Arc;

/// How sure the caller must be before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Survives a crash of this program, not a power cut.
    Soft,
    /// Survives a power cut, as far as the device keeps its word. Earlier soft records become hard with it.
    Hard,
}

/// A session's log, append-only. Behind a trait, because a session may one day live on another machine.
pub trait Journal: Send {
    /// Appends in order, all or nothing. Sequence numbers go on where the log ends.
    ///
    /// # Errors
    /// Nothing of the batch is then in the log, and the same batch may be tried again.
    fn append(&mut self, records: &[Arc<Record>], durability: Durability) -> Result<(), JournalError>;

    /// Called when nothing waits to be written: the moment for work that would otherwise delay somebody.
    fn rest(&mut self) {}
}

/// Whether `records` continue a log whose last record is `after`.
fn continues(path: &std::path::Path, after: u64, records: &[Arc<Record>]) -> Result<(), JournalError> {
    for (record, wanted) in records.iter().zip(after.saturating_add(1)..) {
        let what = if record.seq.0 != wanted {
            format!("{wanted} is next")
        } else if record.parent.is_some_and(|parent| parent >= record.seq) {
            "its parent is not before it".to_owned()
        } else {
            continue;
        };
        return Err(JournalError::OutOfOrder { path: path.to_owned(), after, got: record.seq.0, what });
    }
    Ok(())
}
