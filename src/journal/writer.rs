//! A thread of its own for the journal, so that a slow disk never stops the engine.

use super::{Durability, Journal, JournalError};
use crate::chat::event::Record;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Batches that may wait. A turn makes a handful of records; whoever is this far ahead of the disk has to wait.
const WAITING: usize = 64;

struct Job {
    records: Vec<Arc<Record>>,
    durability: Durability,
    done: oneshot::Sender<Result<(), JournalError>>,
}

/// Owns a journal on a thread of its own. Dropping it writes what still waits, closes the journal and waits for that.
pub struct Writer {
    // Both are taken on the way out only.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Writer {
    /// Starts the thread. When the system has none left, every append says so with [`JournalError::Closed`].
    pub fn spawn(mut journal: Box<dyn Journal>) -> Writer {
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING);
        let (end, ended) = oneshot::channel();
        let work = move || {
            while let Some(job) = waiting.blocking_recv() {
                let result = journal.append(&job.records, job.durability);
                // Whoever stopped waiting has no use for the answer; the records are written all the same.
                let _ = job.done.send(result);
                if waiting.is_empty() {
                    journal.rest();
                }
            }
            drop(journal);
            let _ = end.send(());
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(work).ok();
        Writer { jobs: Some(jobs), thread, ended: Some(ended) }
    }

    /// Appends, in the order of the calls; returns when the records are as safe as `durability` says. Waits while too
    /// many batches are ahead. A call that is dropped half-way may or may not have written its batch - whole.
    ///
    /// # Errors
    /// Those of [`Journal::append`]; [`JournalError::Closed`] when the thread is gone.
    pub async fn append(&self, records: Vec<Arc<Record>>, durability: Durability) -> Result<(), JournalError> {
        let (done, result) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(JournalError::Closed)?;
        jobs.send(Job { records, durability, done }).await.map_err(|_| JournalError::Closed)?;
        result.await.map_err(|_| JournalError::Closed)?
    }

    /// Writes what still waits, closes the journal, and returns when another process may open it.
    pub async fn close(mut self) {
        self.jobs = None;
        if let Some(ended) = self.ended.take() {
            // An error means that the thread has ended already.
            let _ = ended.await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported where it happened, and answered every append with `Closed`.
            let _ = thread.join();
        }
    }
}
