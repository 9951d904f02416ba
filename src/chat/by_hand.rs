//! What the operator does by hand with code that has run and with the directories it ran in. No agent hears of it.

use super::Name;
use super::code::Payload;
use super::id::{ApprovalId, OpId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something done by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum ByHand {
    /// Code that ran before is to run again: the same bytes in the same place. It waits for consent like any other.
    Again {
        /// The request for consent.
        approval: ApprovalId,
        /// The execution that is repeated.
        of: OpId,
        /// Whose executor runs it; `outer/inner` for a member of a nested team.
        agent: Name,
        /// What would run.
        payload: Arc<Payload>,
        /// [`Payload::hash`].
        hash: String,
    },
    /// What waited or was allowed by hand, and has not begun, is void: the session was left in between.
    Void,
    /// A shell is about to be opened where the code of an agent runs. On disk before it is.
    Shell {
        /// The execution that ran there.
        of: OpId,
        /// Whose place.
        agent: Name,
        /// What contains it, in words.
        containment: String,
        /// The directory.
        work_dir: String,
    },
    /// From here on this branch works in copies of its directories.
    Copied {
        /// Each of them.
        copies: Vec<WorkCopy>,
    },
}

/// A directory, and the copy that a branch works in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkCopy {
    /// What was copied.
    pub from: String,
    /// Where the copy is.
    pub to: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were left out, because they were made after the place one went back to.
    #[serde(default, skip_serializing_if = "super::usage::is_zero")]
    pub left_out: u64,
    /// Links, sockets and devices that were not copied.
    #[serde(default, skip_serializing_if = "super::usage::is_zero")]
    pub skipped: u64,
}

/// A file that an execution made or changed, as it is now: what the operator looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeen {
    /// The execution.
    pub op: OpId,
    /// Below the working directory.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the whole content, in hex; empty when the file is too large for that.
    pub hash: String,
    /// Its beginning as text; broken characters are marked.
    pub text: String,
    /// Whether there is more than `text`.
    pub cut: bool,
    /// Why it cannot be shown, if so.
    pub problem: Option<String>,
}
