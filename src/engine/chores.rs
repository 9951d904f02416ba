//! Reading and copying in working directories, each in a task of its own that reports to the machine.

use super::driver::Engine;
use super::effect::Input;
use crate::chat::by_hand::{FileSeen, WorkCopy};
use crate::chat::command::Command;
use crate::chat::id::OpId;
use std::path::Path;

impl Engine {
    pub(super) fn look(&self, work_dir: String, op: OpId, path: String) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let seen = tokio::task::spawn_blocking(move || look(&work_dir, op, &path)).await;
            if let Ok(seen) = seen {
                let _ = inbox.send(Input::FileSeen(Box::new(seen))).await;
            }
        });
    }

    pub(super) fn copy(&self, work_dirs: Vec<String>, name: String, leave_out: Vec<String>, then: Box<Command>) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let copied = tokio::task::spawn_blocking(move || {
                work_dirs.iter().map(|dir| copy(dir, &name, &leave_out)).collect::<Result<Vec<WorkCopy>, String>>()
            });
            let copies = copied.await.unwrap_or_else(|_| Err("The copy failed.".to_owned()));
            let _ = inbox.send(Input::Copied { then, copies }).await;
        });
    }
}

#[cfg(unix)]
fn look(work_dir: &str, op: OpId, path: &str) -> FileSeen {
    crate::execution::look::look(Path::new(work_dir), op, path)
}

#[cfg(unix)]
fn copy(dir: &str, name: &str, leave_out: &[String]) -> Result<WorkCopy, String> {
    crate::execution::copy::copy(Path::new(dir), name, leave_out)
}

#[cfg(not(unix))]
fn look(_work_dir: &str, op: OpId, path: &str) -> FileSeen {
    let problem = Some("no code runs on this system".to_owned());
    FileSeen { op, path: path.to_owned(), problem, ..FileSeen::default() }
}

#[cfg(not(unix))]
fn copy(_dir: &str, _name: &str, _leave_out: &[String]) -> Result<WorkCopy, String> {
    Err("No code runs on this system.".to_owned())
}
