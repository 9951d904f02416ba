//! An event with its place: what the journal holds.

use super::UnixMillis;
use super::event::{Actor, Event};
use super::id::{BranchId, Seq};
use serde::{Deserialize, Serialize};

/// One event with its place in the tree. Views, exports and the journal all see exactly this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Order in the session.
    pub seq: Seq,
    /// The record before it on its branch; `None` for the first.
    pub parent: Option<Seq>,
    /// The branch it was written on.
    pub branch: BranchId,
    /// Who caused it.
    pub actor: Actor,
    /// When, by the wall clock.
    pub at: UnixMillis,
    /// What happened.
    pub event: Event,
}
