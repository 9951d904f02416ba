//! What can be read from a session: everything a view, a selector or a condition may know.

use super::floor::Floor;
use super::meters::{AgentMeter, Spent};
use super::transcript::Transcript;
use super::turn::{Approval, Ask, Call, Inquiry, Phase, Stage, Turn};
use super::{ApplyError, Branch, Ended, Finding, Ids, Judged, Session, Waiting, consults};
use crate::chat::code::{Payload, ToolUse};
use crate::chat::event::{Boundary, HoldReason, Record, Totals};
use crate::chat::id::*;
use crate::chat::leash::Leash;
use crate::chat::message::Author;
use crate::chat::team::{Limits, Team};
use crate::chat::{Name, UnixMillis};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Session {
    /// Folds a whole log.
    ///
    /// # Errors
    /// When the records do not form a log: see [`ApplyError`].
    pub fn replay(records: impl IntoIterator<Item = Arc<Record>>) -> Result<Self, ApplyError> {
        let mut session = Session::default();
        for record in records {
            session.apply(record)?;
        }
        Ok(session)
    }

    /// All records of all branches, in order.
    pub fn log(&self) -> &[Arc<Record>] {
        &self.log
    }

    /// The newest record of the active branch.
    pub fn head(&self) -> Option<Seq> {
        self.head
    }

    /// The record with that number.
    pub fn record(&self, seq: Seq) -> Option<&Arc<Record>> {
        self.log.get((seq.0 as usize).checked_sub(1)?)
    }

    /// The number the next record must have.
    pub fn next_seq(&self) -> Seq {
        Seq(self.log.len() as u64 + 1)
    }

    /// The active branch. Before the first record this is `main`.
    pub fn branch(&self) -> BranchId {
        self.head.and_then(|head| self.record(head)).map(|record| record.branch).unwrap_or_default()
    }

    /// All branches, in the order in which they began.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// Name of the active branch.
    pub fn branch_name(&self) -> &str {
        let id = self.branch();
        self.branches.iter().find(|branch| branch.id == id).map_or("main", |branch| branch.name.as_str())
    }

    /// The records from the root to HEAD, oldest first.
    pub fn path(&self) -> Vec<Arc<Record>> {
        self.path_to(self.head)
    }

    pub(super) fn path_to(&self, mut at: Option<Seq>) -> Vec<Arc<Record>> {
        let mut path = Vec::new();
        while let Some(record) = at.and_then(|seq| self.record(seq)) {
            path.push(record.clone());
            at = record.parent;
        }
        path.reverse();
        path
    }

    /// Identity of the session; empty before its first record.
    pub fn id(&self) -> &str {
        self.started.as_ref().map_or("", |started| started.session.as_str())
    }

    /// The team as it is on this branch: as it began, with what the operator changed. `None` before the first record.
    pub fn team(&self) -> Option<&Arc<Team>> {
        self.state.team.as_ref()
    }

    /// Who hears what this author says by default; empty means everybody.
    pub fn hears(&self, author: &Author) -> &[Name] {
        match author {
            Author::Operator => &[],
            Author::Agent(name) => {
                self.team().and_then(|team| team.agent(name)).map_or(&[], |agent| agent.speaks_to.as_slice())
            }
        }
    }

    /// Whether nobody sits at a screen.
    pub fn headless(&self) -> bool {
        self.started.as_ref().is_some_and(|started| started.headless)
    }

    /// When the session began.
    pub fn started_at(&self) -> UnixMillis {
        self.started.as_ref().map_or(0, |started| started.at)
    }

    /// Turns that were begun, over all branches; those of nested teams are their own.
    pub fn turns_taken(&self) -> u64 {
        self.ids.turn.0 - self.base
    }

    /// The next free numbers.
    pub fn ids(&self) -> Ids {
        self.ids
    }

    /// The messages on the active branch.
    pub fn transcript(&self) -> &Transcript {
        &self.state.transcript
    }

    /// Messages of the present run, the task included (AG2: what `max_round` counts).
    pub fn rounds(&self) -> u32 {
        self.state.transcript.rounds()
    }

    /// Turns in flight.
    pub fn turns(&self) -> &[Turn] {
        &self.state.turns
    }

    /// The turn of this agent that is in flight.
    pub fn turn_of(&self, agent: &str) -> Option<&Turn> {
        self.state.turns.iter().find(|turn| &*turn.agent == agent)
    }

    /// Who speaks now and next.
    pub fn floor(&self) -> &Floor {
        &self.state.floor
    }

    /// A request for consent.
    pub fn approval(&self, id: ApprovalId) -> Option<&Approval> {
        self.state.approvals.get(&id).or_else(|| self.inner_approval(id))
    }

    /// All requests for consent on this branch, oldest first.
    pub fn approvals(&self) -> impl DoubleEndedIterator<Item = &Approval> {
        self.state.approvals.values()
    }

    /// A question to the operator.
    pub fn ask(&self, id: AskId) -> Option<&Ask> {
        self.state.asks.get(&id).or_else(|| self.inner_ask(id))
    }

    /// A model call on this branch.
    pub fn call(&self, id: CallId) -> Option<Cow<'_, Call>> {
        let open = self.open_call(id).map(Cow::Borrowed);
        open.or_else(|| self.state.calls.over(id, &self.log).map(Cow::Owned))
            .or_else(|| self.inners().find_map(|(_, inner)| inner.call(id)))
    }

    /// A model call whose turn, or pick of a speaker, goes on.
    pub fn open_call(&self, id: CallId) -> Option<&Call> {
        self.state.calls.open(id).or_else(|| self.inners().find_map(|(_, inner)| inner.open_call(id)))
    }

    /// Whether this exact payload, or every call of its tool, was allowed for the rest of the branch.
    pub fn is_granted(&self, agent: &str, payload: &Payload, hash: &str) -> bool {
        let tool = payload.tool.as_ref().map(granted_tool);
        let fits = |granted: &str| granted == hash || tool.as_deref() == Some(granted);
        self.state.grants.iter().any(|(name, granted)| &**name == agent && fits(granted))
    }

    /// Whose code runs unasked for a while, and for how long yet.
    pub fn leashes(&self) -> impl Iterator<Item = (&Name, &Leash)> {
        self.state.leashes.iter()
    }

    /// Agents with something that needs no further consent on this branch, and how many things that are.
    pub fn grants(&self) -> BTreeMap<&Name, usize> {
        let mut counts = BTreeMap::new();
        self.state.grants.iter().for_each(|(agent, _)| *counts.entry(agent).or_default() += 1);
        counts
    }

    /// Whether this payload ran already, on the branch that this one left while it was running. No policy lets it run
    /// again: only a person can.
    pub fn ran_elsewhere(&self, hash: &str) -> bool {
        self.state.ran_elsewhere.contains(hash)
    }

    /// Why the engine holds, if it does.
    pub fn hold(&self) -> Option<&HoldReason> {
        // A nested team that cannot go on holds the whole run.
        self.state.hold.as_ref().or_else(|| self.active_inners().find_map(Session::hold))
    }

    /// A pause that was asked for and has not taken hold yet.
    pub fn hold_asked(&self) -> Option<Boundary> {
        self.state.hold_asked
    }

    /// Whether to hold again after the present turn.
    pub fn is_stepping(&self) -> bool {
        self.state.stepping
    }

    /// The end, if it has come.
    pub fn ended(&self) -> Option<&Ended> {
        self.state.ended.as_ref()
    }

    /// What programs were asked and answered on this branch.
    pub fn consults(&self) -> &consults::Consults {
        &self.state.consults
    }

    /// Whether the run is to end at the next turn boundary.
    pub fn termination_asked(&self) -> bool {
        self.state.termination_asked
    }

    /// The limits in force.
    pub fn limits(&self) -> Option<Limits> {
        self.state.limits
    }

    /// The context variables as they stand (AG2: ContextVariables).
    pub fn context(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.state.context
    }

    /// What was used on all branches together.
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// What an agent used on this branch.
    pub fn meter(&self, agent: &str) -> AgentMeter {
        self.state.agents.get(agent).copied().unwrap_or_default()
    }

    /// What choosing speakers used on this branch.
    pub fn selector_meter(&self) -> AgentMeter {
        self.state.selector
    }

    /// What detectors see at present.
    pub fn findings(&self) -> &[Finding] {
        &self.state.findings.present
    }

    /// Who has summed the run up, so that it can end.
    pub fn concluded(&self) -> Option<&Name> {
        self.state.concluding.as_ref().filter(|(_, done)| *done).map(|(agent, _)| agent)
    }

    /// What the operator has said about findings on this branch, oldest first.
    pub fn judged(&self) -> &[Judged] {
        &self.state.findings.judged
    }

    /// What has moved things on last while a detector saw something, and the message that did.
    pub fn progress(&self) -> Option<(crate::chat::event::Progress, Option<MessageId>)> {
        self.state.findings.progress
    }

    /// Time in which the run was not waiting for the operator, in milliseconds, up to `now`.
    pub fn active_ms(&self, now: UnixMillis) -> u64 {
        self.state.activity.total(now)
    }

    /// The figures up to now.
    pub fn totals(&self, now: UnixMillis) -> Totals {
        Totals {
            rounds: self.rounds(),
            tokens: self.spent.tokens,
            cost: self.spent.cost,
            unpriced_calls: self.spent.unpriced_calls,
            active_ms: self.active_ms(now),
        }
    }

    /// What waits for the operator.
    pub fn waiting(&self) -> Vec<Waiting> {
        let state = &self.state;
        let mut waiting: Vec<Waiting> = self.hands_waiting().collect();
        if self.started.is_none() || state.ended.is_some() {
            return waiting;
        }
        let given = self.team().is_some_and(|team| team.has_task());
        if state.transcript.is_empty() && !given {
            waiting.push(Waiting::Task);
        }
        for turn in &state.turns {
            for stage in turn.stages() {
                match stage {
                    Stage::Consent(approval) => waiting.push(Waiting::Approval(*approval)),
                    Stage::Asked(ask) => waiting.push(Waiting::Ask(*ask)),
                    Stage::Unknown(op) => waiting.push(Waiting::Unknown(*op)),
                    _ => {}
                }
            }
        }
        if state.floor.wanted.is_some() {
            waiting.push(Waiting::Pick);
        }
        waiting.extend(self.active_inners().flat_map(Session::waiting));
        match &state.hold {
            None | Some(HoldReason::Operator | HoldReason::Opened | HoldReason::Interrupted(_)) => {}
            Some(why) => waiting.push(Waiting::Hold(why.clone())),
        }
        waiting
    }

    /// Whether a call or a program is under way right now; a pause between attempts is not.
    pub fn acts(&self) -> bool {
        let calling = |inquiry: &Inquiry| matches!(inquiry.phase, Phase::Calling(_));
        let turns = &self.state.turns;
        turns.iter().any(|turn| turn.is_running() || calling(&turn.inquiry))
            || calling(&self.state.floor.selecting.inquiry)
            || self.state.consults.open().is_some()
            || calling(&self.state.summing.inquiry)
            || self.hands_running().next().is_some()
            || self.active_inners().any(Session::acts)
    }

    /// Whether something is under way that will end by itself: a model call, a program, a pause between attempts.
    pub fn is_busy(&self) -> bool {
        self.state.turns.iter().any(|turn| turn.is_busy())
            || self.state.floor.selecting.inquiry.is_busy()
            || self.state.consults.open().is_some()
            || self.state.summing.inquiry.is_busy()
            || self.hands_running().next().is_some()
            || self.active_inners().any(Session::is_busy)
    }
}

/// What a grant of every call of a tool is called; no hash looks like it.
pub(super) fn granted_tool(tool: &ToolUse) -> String {
    format!("tool {}", tool.name)
}
