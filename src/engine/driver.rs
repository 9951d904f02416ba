//! Performs effects: owns the journal, the tasks, the clock and the way to the views.
//!
//! One task, one loop. Every record is on disk before it is applied, and applied before a view sees it. When the
//! journal cannot be written the loop waits - nothing new starts, nothing is lost - and tries again.

use super::clock::Clock;
use super::effect::{Effect, Input};
use super::machine::Machine;
use super::outbox::Outbox;
use super::recovery;
use crate::chat::command::Command;
use crate::chat::event::{Actor, Event};
use crate::chat::id::{CallId, OpId};
use crate::chat::update::Update;
use crate::chat::{Name, UnixMillis};
use crate::execution::Executor;
use crate::journal::Writer;
use crate::models::Models;
use crate::session::Session;
use crate::tools::Tool;
use crate::tools::mcp::Servers;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How many records a view may be behind before the engine waits for it.
const UPDATES: usize = 4096;
/// How many pieces of streams may wait for the machine.
const INBOX: usize = 1024;

/// What an engine is made of.
pub struct Parts {
    /// The session so far; for a new one, empty.
    pub session: Session,
    /// For a new session, its first event.
    pub start: Option<Event>,
    /// The turn logic.
    pub machine: Machine,
    /// The log on disk.
    pub journal: Writer,
    /// The team's models.
    pub models: Models,
    /// Who runs whose code, and whose tools.
    pub executors: Executors,
    /// The time.
    pub clock: Clock,
}

/// What runs the code of each agent, and each tool.
#[derive(Clone, Default)]
pub struct Executors {
    /// By name of the agent.
    pub agents: HashMap<Name, Arc<dyn Executor>>,
    /// By name of the tool.
    pub tools: HashMap<String, Arc<dyn Tool>>,
    /// The MCP servers of the team; nothing when it has none, or they may not start.
    pub servers: Option<Arc<dyn Servers>>,
}

/// A running engine, as a view sees it.
pub struct Handle {
    /// Where the operator's commands go. Dropping every sender stops the engine.
    pub commands: mpsc::Sender<Command>,
    /// Where records and everything else come from.
    pub updates: mpsc::Receiver<Update>,
    /// Ends with the session when the engine has stopped.
    pub done: JoinHandle<Session>,
    /// Stops the run from outside; see [`Input::Stop`].
    pub stop: mpsc::Sender<Input>,
}

/// The engine.
pub struct Engine {
    pub(super) session: Session,
    machine: Machine,
    pub(super) journal: Writer,
    pub(super) models: Arc<Models>,
    pub(super) executors: Executors,
    pub(super) clock: Clock,
    pub(super) outbox: Outbox,
    pub(super) inbox: mpsc::Sender<Input>,
    pub(super) calls: HashMap<CallId, JoinHandle<()>>,
    pub(super) programs: HashMap<OpId, (CancellationToken, JoinHandle<()>)>,
    pub(super) added: HashMap<OpId, Arc<AtomicU64>>,
    wake: Option<UnixMillis>,
    /// The log cannot be written any more, ever: nothing may happen that is not in it.
    pub(super) lost: bool,
}

impl Engine {
    /// Starts an engine on the current runtime.
    pub fn start(parts: Parts) -> Handle {
        let (commands, command_queue) = mpsc::channel(64);
        let (inbox, inputs) = mpsc::channel(INBOX);
        let (to, updates) = mpsc::channel(UPDATES);
        let engine = Engine {
            session: parts.session,
            machine: parts.machine,
            journal: parts.journal,
            models: Arc::new(parts.models),
            executors: parts.executors,
            clock: parts.clock,
            outbox: Outbox::new(to),
            inbox: inbox.clone(),
            calls: HashMap::new(),
            programs: HashMap::new(),
            added: HashMap::new(),
            wake: None,
            lost: false,
        };
        let done = tokio::spawn(engine.run(parts.start, command_queue, inputs));
        Handle { commands, updates, done, stop: inbox }
    }

    async fn run(
        mut self,
        start: Option<Event>,
        mut commands: mpsc::Receiver<Command>,
        mut inputs: mpsc::Receiver<Input>,
    ) -> Session {
        let mut queue: VecDeque<Effect> = VecDeque::new();
        if let Some(start) = start {
            queue.push_back(Effect::append(Actor::Operator, vec![start]));
        }
        for (actor, events) in recovery::settle(&self.session) {
            queue.push_back(Effect::append(actor, events));
        }
        self.settle(queue, &mut commands).await;
        self.start_servers();
        loop {
            let input = tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => Input::Command(command),
                    None => break,
                },
                Some(input) = inputs.recv() => input,
                () = sleep_until(self.wake, self.clock) => {
                    self.wake = None;
                    Input::Tick
                }
            };
            let piece = matches!(input, Input::Chunk { .. } | Input::Output { .. } | Input::Held { .. });
            let effects = self.machine.on(input, &self.session, self.clock.now());
            if piece && effects.iter().all(|effect| matches!(effect, Effect::Delta(_))) {
                // A piece of a stream that only passes through changes nothing that the machine decides by.
                for effect in effects {
                    self.perform(effect, &mut commands).await;
                }
                continue;
            }
            self.settle(effects.into(), &mut commands).await;
            if self.lost {
                break;
            }
        }
        self.close(inputs).await
    }

    /// Performs effects and whatever follows from them, until nothing does.
    async fn settle(&mut self, mut queue: VecDeque<Effect>, commands: &mut mpsc::Receiver<Command>) {
        loop {
            while let Some(effect) = queue.pop_front() {
                self.perform(effect, commands).await;
                if self.lost {
                    // What follows rests on a record that is not there.
                    return;
                }
            }
            let next = self.machine.next(&self.session, self.clock.now());
            let appends = next.iter().any(|effect| matches!(effect, Effect::Append { .. }));
            queue.extend(next);
            if !appends {
                break;
            }
        }
        while let Some(effect) = queue.pop_front() {
            self.perform(effect, commands).await;
        }
        if let Some(outlook) = self.machine.outlook(&self.session) {
            self.perform(outlook, commands).await;
        }
    }

    async fn perform(&mut self, effect: Effect, commands: &mut mpsc::Receiver<Command>) {
        match effect {
            Effect::Append { actor, events, moved } => self.append(actor, events, moved, commands).await,
            Effect::Call(request) => self.call(request),
            Effect::Cancel(call) => {
                if let Some(task) = self.calls.remove(&call) {
                    task.abort();
                }
            }
            Effect::Run { op, agent, payload, hash } => self.execute(op, agent, payload, hash),
            Effect::Tools(asked) => self.ask_servers(&asked),
            Effect::Consult { op, consultation } => self.consult(op, consultation),
            Effect::Tell { id, consultation } => self.tell(id, consultation),
            Effect::Kill(op) => {
                if let Some((kill, _)) = self.programs.get(&op) {
                    kill.cancel();
                }
            }
            Effect::Extend(op, added_ms) => {
                if let Some(added) = self.added.get(&op) {
                    added.fetch_add(added_ms, Ordering::Relaxed);
                }
            }
            Effect::Look { work_dir, op, path } => self.look(work_dir, op, path),
            Effect::Copy { work_dirs, name, leave_out, then } => self.copy(work_dirs, name, leave_out, then),
            Effect::Show(update) => self.outbox.send(update).await,
            Effect::Delta(delta) => self.outbox.delta(delta),
            Effect::Refuse(text) => self.outbox.send(Update::Refused { text }).await,
            Effect::Wake(at) => self.wake = Some(self.wake.map_or(at, |wake| wake.min(at))),
            Effect::Outlook(next) => self.outbox.send(Update::Outlook { next }).await,
        }
    }

    /// The last view is gone: stop what is in flight, write what came of it, close the log.
    async fn close(mut self, mut inputs: mpsc::Receiver<Input>) -> Session {
        let (_, mut nobody) = mpsc::channel(1);
        let effects = self.machine.on(Input::Stop { cause: None }, &self.session, self.clock.now());
        self.settle(effects.into(), &mut nobody).await;
        let patience = tokio::time::sleep(Duration::from_secs(4));
        tokio::pin!(patience);
        while self.session.acts() && !self.lost {
            let input = tokio::select! {
                Some(input) = inputs.recv() => input,
                () = &mut patience => break,
            };
            let effects = self.machine.on(input, &self.session, self.clock.now());
            self.settle(effects.into(), &mut nobody).await;
        }
        for (_, task) in self.calls.drain() {
            task.abort();
        }
        for (_, (kill, task)) in self.programs.drain() {
            kill.cancel();
            task.abort();
        }
        let Engine { session, journal, mut outbox, .. } = self;
        journal.close().await;
        outbox.send(Update::Closed).await;
        session
    }
}

async fn sleep_until(wake: Option<UnixMillis>, clock: Clock) {
    match wake {
        Some(at) => tokio::time::sleep(Duration::from_millis(at.saturating_sub(clock.now()).max(0) as u64)).await,
        None => std::future::pending().await,
    }
}
