//! How much of the conversation an agent's model is sent.

use serde::{Deserialize, Serialize};

/// Which messages of those an agent hears its model is sent (AG2: message transforms; AgentChat: model contexts). The
/// transcript itself never changes. The system message and the introductions are always sent; calls and what came of them
/// are one message of the transcript and are never parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextRule {
    /// All of them (AgentChat: UnboundedChatCompletionContext).
    #[default]
    Full,
    /// The newest ones (AG2: MessageHistoryLimiter; AgentChat: BufferedChatCompletionContext).
    Last {
        /// How many, at least 1; the first message counts where it is kept.
        messages: u32,
        /// Whether the first message, the task, is always among them (AG2: keep_first_message).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_first_message: bool,
    },
    /// The newest ones that fit (AG2: MessageTokenLimiter), by [`super::usage::estimate_tokens`], which is an estimate.
    /// The newest message is always sent, whole.
    MaxTokens {
        /// How many tokens, the system message not counted.
        tokens: u64,
        /// Whether the first message, the task, is always among them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_first_message: bool,
    },
    /// The first and the newest ones, and between them how many were skipped (AgentChat:
    /// HeadAndTailChatCompletionContext).
    HeadAndTail {
        /// How many of the first, at least 1.
        head: u32,
        /// How many of the newest, at least 1.
        tail: u32,
    },
}

impl ContextRule {
    /// Whether nothing is ever left out.
    pub fn is_full(&self) -> bool {
        *self == ContextRule::Full
    }
}

impl std::fmt::Display for ContextRule {
    /// `everything`, `the last 20 messages and the first`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = |keep: bool| if keep { " and the first" } else { "" };
        match self {
            ContextRule::Full => f.write_str("everything"),
            ContextRule::Last { messages: 1, keep_first_message: false } => f.write_str("the last message"),
            ContextRule::Last { messages, keep_first_message } => {
                write!(f, "the last {messages} messages{}", first(*keep_first_message))
            }
            ContextRule::MaxTokens { tokens, keep_first_message } => {
                write!(f, "about the last {tokens} tokens{}", first(*keep_first_message))
            }
            ContextRule::HeadAndTail { head, tail } => write!(f, "the first {head} and the last {tail} messages"),
        }
    }
}
