//! What the list of sessions shows, kept beside the records so that listing does not read them.

use crate::chat::UnixMillis;
use crate::chat::event::{Event, Record};
use crate::chat::message::MessageKind;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One session in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The session's identity: its file's name.
    pub session: String,
    /// The team's name.
    pub team: String,
    /// First line of the task; empty before there is one.
    pub task: String,
    /// When the first record was written; the file's age when there is none.
    pub started: UnixMillis,
    /// When the last record was written.
    pub updated: UnixMillis,
    /// Records, over all branches.
    pub records: u64,
    /// Messages posted, over all branches.
    pub messages: u64,
    /// Why the run ended, unless it went on after that.
    pub ended: Option<String>,
    /// Why the session cannot be opened, as far as a glance can tell. The figures are then empty.
    pub problem: Option<String>,
    /// Where it came from, while it is imported and not trusted.
    pub origin: Option<String>,
    /// The session's file.
    pub path: PathBuf,
}

/// The figures of a session, a fold of its records. The file's copy is a cache: opening makes it anew when it differs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) team: String,
    pub(super) task: String,
    pub(super) started: UnixMillis,
    pub(super) updated: UnixMillis,
    pub(super) records: u64,
    pub(super) messages: u64,
    pub(super) ended: Option<String>,
}

impl Tally {
    /// Counts one more record.
    pub(super) fn add(&mut self, record: &Record) {
        if self.records == 0 {
            self.started = record.at;
        }
        self.updated = record.at;
        self.records += 1;
        match &record.event {
            Event::SessionStarted { team, .. } => {
                self.team = team.name.clone();
                self.task = first_line(team.task.as_deref().unwrap_or(""));
            }
            Event::MessagePosted { message } => {
                self.messages += 1;
                self.ended = None;
                if message.kind == MessageKind::Task {
                    self.task = first_line(&message.content);
                }
            }
            Event::Ended { text, .. } => self.ended = Some(text.clone()),
            // The run goes on: from an older record, by a new turn, or because the operator said so.
            Event::BranchMoved { .. } | Event::TurnStarted { .. } | Event::Released { .. } => self.ended = None,
            _ => {}
        }
    }
}

/// The first line that says something, cut at 200 characters: a task may be a whole document.
fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("").chars().take(200).collect()
}
