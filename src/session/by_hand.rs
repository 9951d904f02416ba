//! What the operator does by hand with code that has run: what may be done, and what stays done when one goes back.
//! Pure.

use super::decide::{Decision, Refusal, decide};
use super::turn::Approval;
use super::{Session, Waiting};
use crate::chat::by_hand::ByHand;
use crate::chat::code::Execution;
use crate::chat::command::Command;
use crate::chat::event::{Event, Record, Verdict};
use crate::chat::id::{ApprovalId, MessageId, OpId, Seq};
use crate::chat::{Name, UnixMillis};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Code that runs again by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Hand {
    /// The request for consent.
    pub approval: ApprovalId,
    /// The execution that is repeated.
    pub of: OpId,
    /// Whose executor runs it.
    pub agent: Name,
    /// The effect, once it is to happen.
    pub op: Option<OpId>,
    /// Since when it waits or runs.
    pub since: UnixMillis,
}

/// An execution on the active branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// The effect.
    pub op: OpId,
    /// The consent it rested on.
    pub approval: ApprovalId,
    /// Whose code it was; `outer/inner` for a member of a nested team.
    pub agent: Name,
    /// The message with the code.
    pub source: MessageId,
    /// Whether it ran by hand.
    pub by_hand: bool,
    /// What came of it; `None` while it runs, or when that was never learned.
    pub execution: Option<Execution>,
}

/// What stays done when one goes back: nothing that happened outside the conversation is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaysDone {
    /// Executions and tool calls.
    pub executions: u32,
    /// Of those, how many could reach the network.
    pub network: u32,
    /// Files that were made.
    pub created: BTreeSet<String>,
    /// Files that were changed.
    pub changed: BTreeSet<String>,
    /// Files that are gone.
    pub deleted: BTreeSet<String>,
    /// Further files that the records do not name.
    pub unlisted: u64,
    /// Working directories of these executions.
    pub work_dirs: BTreeSet<String>,
}

impl StaysDone {
    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.executions == 0
    }

    /// `2 executions are not undone (3 files created, 1 deleted)`.
    pub fn in_words(&self) -> String {
        let plural = if self.executions == 1 { "execution is" } else { "executions are" };
        let counts =
            [(self.created.len(), "created"), (self.changed.len(), "changed"), (self.deleted.len(), "deleted")];
        let mut files: Vec<String> =
            counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        files.extend((self.unlisted > 0).then(|| format!("{} more", self.unlisted)));
        let files = if files.is_empty() { "no files seen".to_owned() } else { format!("files: {}", files.join(", ")) };
        let network = if self.network > 0 { ", network reachable" } else { "" };
        format!("{} {plural} not undone ({files}{network})", self.executions)
    }
}

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(text.into()))
}

impl Session {
    /// What runs, or waits to run, again by hand.
    pub fn by_hand(&self) -> &[Hand] {
        &self.state.by_hand
    }

    /// The program of that effect, if it runs by hand.
    pub fn hand(&self, op: OpId) -> Option<&Hand> {
        self.state.by_hand.iter().find(|hand| hand.op == Some(op))
    }

    /// Requests by hand that nobody has decided about.
    pub(super) fn hands_waiting(&self) -> impl Iterator<Item = Waiting> {
        let open = self.state.by_hand.iter().filter(|hand| {
            let asked = self.state.approvals.get(&hand.approval);
            hand.op.is_none() && asked.is_some_and(|asked| asked.decision.is_none())
        });
        open.map(|hand| Waiting::Approval(hand.approval))
    }

    /// What was allowed by hand and has not begun.
    pub fn hands_to_start(&self) -> Option<(&Hand, &Approval)> {
        self.state.by_hand.iter().filter(|hand| hand.op.is_none()).find_map(|hand| {
            let asked = self.state.approvals.get(&hand.approval)?;
            matches!(asked.decision, Some((Verdict::Run | Verdict::RunEdited(_), _))).then_some((hand, asked))
        })
    }

    /// Effects by hand that are under way.
    pub fn hands_running(&self) -> impl Iterator<Item = OpId> {
        self.state.by_hand.iter().filter_map(|hand| hand.op)
    }

    /// The directory in which this branch works instead of that one: itself, or a copy.
    pub fn workspace<'a>(&'a self, dir: &'a str) -> &'a str {
        let mut at = dir;
        // A copy of a copy is found through its original. The count ends a circle that no log of ours has.
        for _ in 0..64 {
            let Some(next) = self.state.workspaces.get(at) else { break };
            at = next;
        }
        at
    }

    /// Every execution on the active branch, those of nested teams and those by hand too, oldest first.
    pub fn executions(&self) -> Vec<Executed> {
        self.executed_in(&self.path())
    }

    fn executed_in(&self, path: &[Arc<Record>]) -> Vec<Executed> {
        let mut agents: BTreeMap<ApprovalId, (Name, MessageId, bool)> = BTreeMap::new();
        let mut found: Vec<Executed> = Vec::new();
        for record in path {
            let (within, event) = record.event.innermost();
            match event {
                Event::ApprovalAsked { approval, agent, source, .. } => {
                    let path: String = within.iter().map(|name| format!("{name}/")).collect();
                    agents.insert(*approval, ((path + agent).into(), *source, false));
                }
                Event::ByHand(ByHand::Again { approval, of, agent, .. }) => {
                    let source = found.iter().find(|earlier| earlier.op == *of).map(|earlier| earlier.source);
                    agents.insert(*approval, (agent.clone(), source.unwrap_or_default(), true));
                }
                Event::Intent { op, approval, .. } => {
                    let Some((agent, source, by_hand)) = agents.get(approval).cloned() else { continue };
                    found.push(Executed { op: *op, approval: *approval, agent, source, by_hand, execution: None });
                }
                Event::Outcome { op, execution } => {
                    if let Some(ran) = found.iter_mut().find(|ran| ran.op == *op) {
                        ran.execution = Some(execution.clone());
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// What was done on the active branch and is not on the path to `seq`: going there does not undo it.
    pub fn stays_done(&self, seq: Seq) -> StaysDone {
        let (here, there) = (self.path(), self.path_to(Some(seq)));
        let shared = here.iter().zip(&there).take_while(|(here, there)| here.seq == there.seq).count();
        let below: BTreeSet<OpId> = here[shared..]
            .iter()
            .filter_map(|record| match record.event.innermost().1 {
                Event::Intent { op, .. } => Some(*op),
                _ => None,
            })
            .collect();
        let mut done = StaysDone::default();
        for ran in self.executed_in(&here).into_iter().filter(|ran| below.contains(&ran.op)) {
            done.executions += 1;
            if let Some(asked) = self.approval(ran.approval) {
                done.network += u32::from(asked.payload.place.network);
                done.work_dirs.insert(asked.payload.place.work_dir.clone());
            }
            let Some(effects) = ran.execution.and_then(|execution| execution.effects) else { continue };
            done.unlisted += effects.unlisted;
            done.created.extend(effects.created.into_iter().map(|file| file.path));
            done.changed.extend(effects.changed.into_iter().map(|file| file.path));
            done.deleted.extend(effects.deleted);
        }
        // What was made since is new, whatever was done to it afterwards.
        let created = &done.created;
        done.changed.retain(|path| !created.contains(path));
        done.deleted.retain(|path| !created.contains(path));
        done
    }

    /// Where a command that moves HEAD would go.
    pub fn target(&self, command: &Command) -> Option<Seq> {
        match command {
            Command::MoveTo { seq } => Some(*seq),
            Command::Edit { message, .. } => self.transcript().get(*message).map(|entry| entry.seq),
            _ => None,
        }
    }
}

pub(super) fn again(session: &Session, op: OpId) -> Result<Vec<Event>, Refusal> {
    let Some(ran) = session.executions().into_iter().find(|ran| ran.op == op) else {
        return refuse("There is no such execution on this branch.");
    };
    let Some(asked) = session.approval(ran.approval) else {
        return refuse("The log does not say what was run there.");
    };
    if session.state.by_hand.iter().any(|hand| hand.of == op) {
        return refuse("It is asked for already, or runs.");
    }
    // The place is that of then, but for a copy that this branch works in: the request shows it, and asks anew.
    let mut payload = (*asked.payload).clone();
    payload.place.work_dir = session.workspace(&payload.place.work_dir).to_owned();
    let approval = session.ids().approval;
    let hash = payload.hash();
    Ok(vec![Event::ByHand(ByHand::Again { approval, of: op, agent: ran.agent, payload: Arc::new(payload), hash })])
}

pub(super) fn shell(session: &Session, op: OpId) -> Result<Vec<Event>, Refusal> {
    let Some(ran) = session.executions().into_iter().find(|ran| ran.op == op) else {
        return refuse("There is no such execution on this branch.");
    };
    let Some(asked) = session.approval(ran.approval) else {
        return refuse("The log does not say where that ran.");
    };
    let place = &asked.payload.place;
    Ok(vec![Event::ByHand(ByHand::Shell {
        of: op,
        agent: ran.agent,
        containment: place.containment.clone(),
        work_dir: session.workspace(&place.work_dir).to_owned(),
    })])
}

/// A file may be looked at when an execution of this branch made or changed it.
pub(super) fn look(session: &Session, op: OpId, path: &str) -> Result<(), Refusal> {
    let ran = session.executions().into_iter().find(|ran| ran.op == op);
    let effects = ran.and_then(|ran| ran.execution).and_then(|execution| execution.effects);
    let known =
        effects.is_some_and(|effects| effects.created.iter().chain(&effects.changed).any(|file| file.path == path));
    if known { Ok(()) } else { refuse("No execution of this branch made or changed that file.") }
}

/// A move whose branch is to work in copies: it must be one that could be carried out now.
pub(super) fn afresh(session: &Session, then: &Command, now: UnixMillis) -> Result<Decision, Refusal> {
    let Some(seq) = session.target(then) else {
        return refuse("Only going back can give a branch a copy of the workspace.");
    };
    decide(session, then, now)?;
    if session.stays_done(seq).work_dirs.is_empty() {
        return refuse("Nothing was executed since then, so there is nothing to copy.");
    }
    Ok(Decision::default())
}
