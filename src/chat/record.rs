//! One event with its place in the tree of a session.

use super::UnixMillis;
use super::actor::Actor;
use super::event::Event;
use super::id::{BranchId, Seq};
use serde::{Deserialize, Serialize};

/// The version of this vocabulary, written into every session. Raised when a reader must learn something new.
pub const FORMAT: u32 = 1;

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
