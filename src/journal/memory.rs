//! A log without a disk.

use super::{Durability, Journal, JournalError, continues};
use crate::chat::event::Record;
use std::path::Path;
use std::sync::Arc;

/// Keeps records in memory, under the same rules as a file: for tests and for runs that leave no trace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory(
    /// The records, in order.
    pub Vec<Arc<Record>>,
);

impl Journal for Memory {
    fn append(&mut self, records: &[Arc<Record>], _: Durability) -> Result<(), JournalError> {
        continues(Path::new("memory"), self.0.last().map_or(0, |last| last.seq.0), records)?;
        self.0.extend_from_slice(records);
        Ok(())
    }
}
