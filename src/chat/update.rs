//! What the engine tells a view.

use super::Name;
use super::by_hand::FileSeen;
use super::event::{Choice, Record};
use super::id::{CallId, OpId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One thing a view should know. Records are lossless and ordered; everything else may be merged or missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum Update {
    /// A durable record, already on disk.
    Record(Arc<Record>),
    /// More of something that is under way.
    Delta(Delta),
    /// Who would speak next if nothing interferes; `None` when that is not known before the turn ends.
    Outlook {
        /// The choice as it would be made now.
        next: Option<Choice>,
    },
    /// A command was refused; the words are for the operator.
    Refused {
        /// What was asked and why it cannot be.
        text: String,
    },
    /// A file that the operator wants to look at.
    File {
        /// The file.
        file: Box<FileSeen>,
    },
    /// Something outside the conversation went wrong (the disk is full, say); the run holds.
    Fault {
        /// What failed, where, what to do.
        text: String,
    },
    /// The engine has stopped; nothing more will come.
    Closed,
}

/// A transient piece of a stream. Pieces of the same stream may be joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "delta", rename_all = "snake_case")]
pub enum Delta {
    /// A model's text.
    Text {
        /// Which call.
        call: CallId,
        /// Who speaks.
        agent: Name,
        /// More text.
        text: String,
    },
    /// A model's visible reasoning.
    Reasoning {
        /// Which call.
        call: CallId,
        /// Who thinks.
        agent: Name,
        /// More of it.
        text: String,
    },
    /// A program's output.
    Output {
        /// Which effect.
        op: OpId,
        /// Who runs it.
        agent: Name,
        /// More output.
        text: String,
    },
    /// What memory a program holds now.
    Memory {
        /// Which effect.
        op: OpId,
        /// In bytes.
        bytes: u64,
    },
}
