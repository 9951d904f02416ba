//! The truth: a session is the fold of its log.
//!
//! [`Session::apply`] is the only thing that changes a [`Session`]; [`decide`](decide::decide) says which events an
//! operator's command amounts to, or why it cannot be. Everything here is pure: no clock, no I/O, no runtime. It
//! imports only [`crate::chat`]. To add a fact, add an event there, an arm in `apply.rs`, and a field in the file of
//! the noun it belongs to (`floor.rs`, `turn.rs`, `meters.rs`, `transcript.rs`).

pub mod account;
mod apply;
pub mod breaks;
pub mod by_hand;
mod calls;
mod consent;
pub mod consults;
pub mod decide;
mod finding;
pub mod floor;
pub mod inner;
pub mod meters;
mod reading;
pub mod search;
pub mod sight;
pub mod summary;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;
pub mod tools;
pub mod transcript;
pub mod turn;
mod unstick;

#[cfg(test)]
mod tests;

use crate::chat::Name;
use crate::chat::UnixMillis;
use crate::chat::event::{Achieved, Boundary, EndCause, EndDetail, HoldReason, Record, Totals};
use crate::chat::id::*;
use crate::chat::leash::Leash;
use crate::chat::team::{Limits, Team};
use floor::Floor;
use meters::{AgentMeter, Spent};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use transcript::Transcript;
use turn::{Approval, Ask, Turn};

pub use apply::ApplyError;
pub use finding::{Finding, Judged};

/// A session: its log, and the state that the active branch adds up to.
#[derive(Debug, Clone, Default)]
pub struct Session {
    log: Vec<Arc<Record>>,
    head: Option<Seq>,
    branches: Vec<Branch>,
    ids: Ids,
    spent: Spent,
    breaks: breaks::Kept,
    started: Option<Started>,
    state: State,
    /// Where the numbers of this session begin: 0 unless it is that of a nested team.
    base: u64,
}

/// What the first record says.
#[derive(Debug, Clone)]
struct Started {
    session: String,
    headless: bool,
    at: UnixMillis,
}

/// The next free number of each kind. Never goes back, whatever branch is active.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids {
    /// Next turn.
    pub turn: TurnId,
    /// Next message.
    pub message: MessageId,
    /// Next model call.
    pub call: CallId,
    /// Next consent.
    pub approval: ApprovalId,
    /// Next question.
    pub ask: AskId,
    /// Next effect.
    pub op: OpId,
}

/// A branch of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its number; 0 is `main`.
    pub id: BranchId,
    /// Its name.
    pub name: String,
    /// Its newest record.
    pub tip: Seq,
    /// The record it left from; `None` for `main`.
    pub from: Option<Seq>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub cause: EndCause,
    /// Why, for a person.
    pub text: String,
    /// The agent that caused it.
    pub agent: Option<Name>,
    /// The figures.
    pub totals: Totals,
    /// Which condition, and what it saw.
    pub detail: EndDetail,
    /// What there is, however it ended.
    pub achieved: Option<Achieved>,
}

/// What the active branch adds up to.
#[derive(Debug, Clone, Default)]
struct State {
    transcript: Transcript,
    turns: Vec<Turn>,
    floor: Floor,
    approvals: BTreeMap<ApprovalId, Approval>,
    asks: BTreeMap<AskId, Ask>,
    calls: calls::Calls,
    grants: HashSet<(Name, String)>,
    /// What was approved before this was approved under other circumstances, and allows nothing any more.
    consent_since: ApprovalId,
    leashes: BTreeMap<Name, Leash>,
    /// Code that ran on another branch out of the turn that this one takes up again.
    ran_elsewhere: HashSet<String>,
    hold: Option<HoldReason>,
    hold_asked: Option<Boundary>,
    stepping: bool,
    passed: breaks::Passed,
    agents: BTreeMap<Name, AgentMeter>,
    ended: Option<Ended>,
    consults: consults::Consults,
    termination_asked: bool,
    limits: Option<Limits>,
    findings: finding::Findings,
    /// Who sums the run up before it ends, and whether that is done.
    concluding: Option<(Name, bool)>,
    context: serde_json::Map<String, serde_json::Value>,
    selector: AgentMeter,
    activity: meters::Activity,
    summing: summary::Summing,
    team: Option<Arc<Team>>,
    /// Servers and what they list, whatever the branch.
    servers: Arc<tools::Servers>,
    /// Conversations of nested teams, by the agent that they stand behind.
    inner: BTreeMap<Name, Session>,
    /// Names of the team's members, and where this session's numbers begin: they make those of the inner ones.
    members: Vec<Name>,
    base: u64,
    /// What waits or runs by hand.
    by_hand: Vec<by_hand::Hand>,
    /// Directories, and the copies in which this branch works instead.
    workspaces: BTreeMap<String, String>,
}

/// What waits for the operator, oldest first within its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Words that open the conversation.
    Task,
    /// Consent to run code.
    Approval(ApprovalId),
    /// Words for an agent.
    Ask(AskId),
    /// A choice of the next speaker.
    Pick,
    /// The outcome of an effect that a crash has hidden.
    Unknown(OpId),
    /// A hold that is not a plain pause.
    Hold(HoldReason),
}
