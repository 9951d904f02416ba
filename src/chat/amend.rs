//! A correction in place: what was said is replaced, and what was said after it stays.

use super::id::MessageId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A message, or one tool result of it, that says something else from now on, although others have answered what it
/// said before. The screen marks it, since what follows may no longer fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// Which message.
    pub message: MessageId,
    /// Which of its tool results, from 0; `None` is its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<usize>,
    /// What it says now.
    pub content: Arc<str>,
}
