//! What comes into the machine and what it wants done.

use crate::chat::breaks::BreakId;
use crate::chat::by_hand::{FileSeen, WorkCopy};
use crate::chat::code::{Execution, Payload};
use crate::chat::command::Command;
use crate::chat::consult::{Advice, Consultation};
use crate::chat::event::{Actor, Choice, EndCause, Event};
use crate::chat::id::{BranchId, CallId, OpId, Seq};
use crate::chat::request::{Chunk, Failure, Request};
use crate::chat::server::{ToolsCommand, ToolsEvent};
use crate::chat::update::{Delta, Update};
use crate::chat::{Name, UnixMillis};
use std::sync::Arc;

/// Something that happened outside the machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// The operator asks for something.
    Command(Command),
    /// A model said more.
    Chunk {
        /// The call.
        call: CallId,
        /// What came.
        chunk: Chunk,
    },
    /// A model's stream failed, or ended without an explicit end.
    Failed {
        /// The call.
        call: CallId,
        /// What failed.
        failure: Failure,
    },
    /// A program began.
    Started {
        /// The effect.
        op: OpId,
        /// Its first process.
        pid: u32,
    },
    /// A program printed something.
    Output {
        /// The effect.
        op: OpId,
        /// What it printed.
        text: String,
    },
    /// A program holds so much memory.
    Held {
        /// The effect.
        op: OpId,
        /// In bytes.
        bytes: u64,
    },
    /// A file was looked at.
    FileSeen(Box<FileSeen>),
    /// Directories were copied for a branch, or could not be.
    Copied {
        /// The way back that the copies are for.
        then: Box<Command>,
        /// The copies, or why there are none.
        copies: Result<Vec<WorkCopy>, String>,
    },
    /// A program is over.
    Ran {
        /// The effect.
        op: OpId,
        /// What came of it.
        execution: Execution,
    },
    /// A program of the user's has answered, or failed.
    Advised {
        /// The effect.
        op: OpId,
        /// What it said.
        advice: Advice,
    },
    /// The program of a breakpoint is over.
    Told {
        /// Whose.
        id: BreakId,
        /// What it said.
        advice: Advice,
    },
    /// A server came or went.
    Tools(ToolsEvent),
    /// Time passed, or nothing happened and the machine should look around.
    Tick,
    /// The run must stop: a signal, or the last view is gone.
    Stop {
        /// End the run for this reason; `None` means only stop what is in flight and hold.
        cause: Option<EndCause>,
    },
}

/// Something the machine wants done, in order.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Write these events, then apply them and tell the views. What follows may rely on it.
    Append {
        /// Who caused them.
        actor: Actor,
        /// The events.
        events: Vec<Event>,
        /// Where HEAD moves first, and to which branch.
        moved: Option<(Seq, BranchId)>,
    },
    /// Put a question to a model.
    Call(Request),
    /// Hang up.
    Cancel(CallId),
    /// Run code that was approved under this hash.
    Run {
        /// Identity of the effect.
        op: OpId,
        /// The agent that runs it.
        agent: Name,
        /// What runs.
        payload: Arc<Payload>,
        /// What was approved.
        hash: String,
    },
    /// Ask a program of the user's.
    Consult {
        /// Identity of the effect.
        op: OpId,
        /// The question.
        consultation: Consultation,
    },
    /// Tell a program of the user's that a breakpoint was met.
    Tell {
        /// Which.
        id: BreakId,
        /// What it is told.
        consultation: Consultation,
    },
    /// Stop a program and everything it started.
    Kill(OpId),
    /// Let a program run longer, by so many milliseconds.
    Extend(OpId, u64),
    /// Accept a tool, or start a server anew.
    Tools(ToolsCommand),
    /// Look at a file below a working directory.
    Look {
        /// The directory.
        work_dir: String,
        /// The execution that made the file.
        op: OpId,
        /// Below the directory.
        path: String,
    },
    /// Copy directories for a branch, then go back.
    Copy {
        /// What to copy.
        work_dirs: Vec<String>,
        /// What the copies are called.
        name: String,
        /// Files that were made since.
        leave_out: Vec<String>,
        /// The way back.
        then: Box<Command>,
    },
    /// An answer for the views.
    Show(Update),
    /// Something transient for the views.
    Delta(Delta),
    /// A command was refused.
    Refuse(String),
    /// Come back at this time.
    Wake(UnixMillis),
    /// Who would be next.
    Outlook(Option<Choice>),
}

impl Effect {
    /// An append on the active branch.
    pub fn append(actor: Actor, events: Vec<Event>) -> Self {
        Effect::Append { actor, events, moved: None }
    }
}
