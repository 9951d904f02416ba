//! What happens around a model call besides its answer: what is worth a word about it, and a wait that was cut short.

use super::budget::Budget;
use super::id::CallId;
use super::usage::Usage;
use serde::{Deserialize, Serialize};

/// Something about model calls. Kinds are added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Calling {
    /// What is known of a call that is over, besides its record.
    Noted(CallNote),
    /// The operator does not want to wait for the next attempt.
    Hastened {
        /// Ask this model instead; key into `Team::models`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// The operator raised budgets; these apply from now on, on this branch.
    BudgetsChanged {
        /// All of them.
        budgets: Vec<Budget>,
    },
}

/// What is worth a word about a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallNote {
    /// Which call.
    pub call: CallId,
    /// The provider's identity of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What was odd about the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The answer came out of the cache: what it would have used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Usage>,
}

impl CallNote {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.request_id.is_none() && self.remarks.is_empty() && self.saved.is_none()
    }
}
