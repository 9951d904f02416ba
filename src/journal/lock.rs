//! One writer a session: an operating system lock on a file that is never deleted.
//!
//! The lock goes with its process, however that ends. The file stays: whoever deletes a lock file on release opens a
//! race between the one who still holds it and the one who makes it anew.

use super::error::JournalError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The right to write one session. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the right to write `session`, whose lock file is `lock`.
    pub(super) fn take(lock: &Path, session: &Path) -> Result<Lock, JournalError> {
        let failed = |error: std::io::Error| JournalError::from_io(lock, "locking", &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(lock).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only a courtesy: without the number the message is shorter.
                let _ = file.take(20).read_to_string(&mut pid);
                return Err(JournalError::InUse { path: session.to_owned(), holder: pid.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // On a full disk the number cannot be written, and the lock holds all the same.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child between fork and exec still shares the open file for a moment.
        let _ = self.0.unlock();
    }
}
