//! What an operator may ask for.
//!
//! Commands are data, so that a console may sit in another process than the engine.

use super::Name;
use super::breaks::BreakCommand;
use super::configure::Change;
use super::event::{Answer, Boundary, Judgement, Resolution, Verdict};
use super::id::{ApprovalId, AskId, MessageId, OpId, Seq};
use super::server::ToolsCommand;
use super::tool::ToolBarred;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something the operator asks the engine to do. The engine decides; a refusal comes back as words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Say something to the whole team; the first words of a session without a task are the task.
    Speak {
        /// The words.
        text: Arc<str>,
        /// Speak in this agent's name instead of one's own.
        as_agent: Option<Name>,
    },
    /// Say something that only some of the team hear.
    Whisper {
        /// The words.
        text: Arc<str>,
        /// Speak in this agent's name instead of one's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        as_agent: Option<Name>,
        /// Who hears it.
        to: Vec<Name>,
        /// Whether the others are told that it was said, though not what.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        announced: bool,
    },
    /// Give this agent the floor next, before the queue.
    CallOn {
        /// Who.
        agent: Name,
    },
    /// Replace the queue of next speakers.
    Queue {
        /// First speaks first.
        queue: Vec<Name>,
    },
    /// Add an agent to the end of the queue. Said as a change, so that quick keys do not undo each other.
    Enqueue {
        /// Who.
        agent: Name,
    },
    /// Leave a manual pick to the team's order.
    AcceptProposal,
    /// Let the selector's model propose a speaker for a manual pick.
    Propose,
    /// Take an agent off the floor: nobody and nothing hands it to it until it is let back.
    Bar {
        /// Who.
        agent: Name,
        /// For how many turns of others; `None` until it is taken back.
        turns: Option<u32>,
    },
    /// Take a tool off the table, or give it back: nobody is offered it, and a call of it fails.
    BarTool {
        /// Which, for how long, or whether it is given back.
        bar: ToolBarred,
    },
    /// Let an agent speak again.
    Unbar {
        /// Who.
        agent: Name,
    },
    /// Hold at a boundary.
    Pause {
        /// Which.
        boundary: Boundary,
    },
    /// Go on; takes back a pause that has not taken hold yet.
    Resume,
    /// Go on for one turn.
    Step,
    /// Begin a new run of a session that has ended, without new words (AgentChat: `run()` without a task). The
    /// conversation goes on where it was; rounds, conditions and replies in a row are counted anew.
    Continue,
    /// Cancel what runs now, keep what was said, and hold.
    Interrupt,
    /// End the run.
    End,
    /// End the run at the next turn boundary (AgentChat: ExternalTermination).
    Terminate,
    /// Decide about code.
    Decide {
        /// Which request.
        approval: ApprovalId,
        /// Hash of what was on the screen; anything else is refused.
        hash: String,
        /// The decision.
        verdict: Verdict,
        /// Whether every line had been on the screen. Consent without it is refused.
        seen_in_full: bool,
        /// Ask no more for exactly this payload.
        remember: bool,
    },
    /// Deny code, and hold when its agent has been told.
    DenyAndHold {
        /// Which request.
        approval: ApprovalId,
        /// Hash of what was on the screen.
        hash: String,
        /// Why, for the agents.
        reason: String,
    },
    /// Let an agent run code unasked for some executions or minutes, inside containment.
    Leash {
        /// Who.
        agent: Name,
        /// Most executions.
        executions: Option<u32>,
        /// Most minutes.
        minutes: Option<u32>,
    },
    /// Take back consent that was given in advance.
    Revoke {
        /// Of this agent; `None` of all.
        agent: Option<Name>,
    },
    /// Stop one program; its output goes back to its agent, and the run goes on.
    EndProgram {
        /// Which effect.
        op: OpId,
    },
    /// Let a program run longer than its time limit.
    ExtendTime {
        /// Which effect.
        op: OpId,
        /// By so many milliseconds.
        added_ms: u64,
    },
    /// Run code that ran before once more, the same bytes in the same place; consent is asked for anew.
    RunAgain {
        /// Which execution.
        op: OpId,
    },
    /// Open a shell where that execution ran. What opens it is the console, when the record has come.
    OpenShell {
        /// Which execution.
        op: OpId,
    },
    /// Show a file that an execution made or changed.
    LookAt {
        /// Which execution.
        op: OpId,
        /// Below its working directory.
        path: String,
    },
    /// Go back ([`Command::MoveTo`] or [`Command::Edit`]) and let the new branch work in a copy of the workspace.
    Afresh {
        /// The way back.
        then: Box<Command>,
    },
    /// Answer a question for words.
    Reply {
        /// Which question.
        ask: AskId,
        /// The answer.
        answer: Answer,
    },
    /// Change a message and go on from it on a new branch.
    Edit {
        /// Which message.
        message: MessageId,
        /// The new text.
        content: Arc<str>,
    },
    /// Go on from a record on a new branch, or from the tip of an old one.
    MoveTo {
        /// The record.
        seq: Seq,
    },
    /// Change an agent, from its next request on.
    Configure {
        /// Who.
        agent: Name,
        /// What.
        change: Change,
    },
    /// Say what became of an effect whose outcome was lost.
    Resolve {
        /// Which effect.
        op: OpId,
        /// What became of it.
        resolution: Resolution,
    },
    /// Something about servers and tools.
    Tools(ToolsCommand),
    /// Raise every limit that was reached by half of what it was, and go on.
    RaiseLimits,
    /// Say what a finding is worth, and go on if the run holds because of it.
    Judge {
        /// Catalog name of the detector.
        detector: String,
        /// The judgement, for the pattern that it sees now.
        judgement: Judgement,
    },
    /// Have the run summed up by one of the agents, and end it then.
    Conclude,
    /// Breakpoints, steps, and what is held back before it is sent or said.
    Break(BreakCommand),
}
