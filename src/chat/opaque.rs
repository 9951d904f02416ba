//! What a later Plenary wrote and this one does not understand.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event of an unknown shape. It stands in its place in the log, changes nothing here, and makes its session
/// read-only: whoever does not know what happened must not go on from there. Never written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opaque {
    /// The kind, as its writer calls it.
    pub was: String,
    /// The event, as it stands in the file.
    pub body: Value,
}
