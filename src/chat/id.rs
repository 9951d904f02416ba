//! Identities. Each is a number of its own type, so that a turn can never be taken for a message.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A record's place in its session's log: 1, 2, 3 … without gaps, across all branches.
    Seq,
    /// A branch of the event tree. The first is 0 and is called `main`.
    BranchId,
    /// One turn of one speaker.
    TurnId,
    /// A message. An edit keeps the identity and raises the revision.
    MessageId,
    /// One request to a model, including each retry.
    CallId,
    /// A request for the operator's consent.
    ApprovalId,
    /// A question to the operator that wants words, not consent.
    AskId,
    /// One effect on the outside: an execution of code.
    OpId,
}

/// Numbers of a nested team begin at a multiple of this. 2^53, the largest whole number of JSON readers, leaves room
/// for two million teams.
pub const NESTED: u64 = 1 << 32;

impl MessageId {
    /// As people count: from 1, in the conversation to which it belongs.
    pub fn number(self) -> u64 {
        self.0 % NESTED + 1
    }
}
