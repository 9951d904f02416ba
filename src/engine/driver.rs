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
use crate::chat::event::{Actor, Event, Record};
use crate::chat::id::{BranchId, CallId, OpId, Seq};
use crate::chat::request::{Chunk, Failure, FailureKind, Request};
use crate::chat::update::Update;
use crate::chat::{Name, UnixMillis};
use crate::execution::{Executor, Job, Progress};
use crate::journal::{Durability, JournalError, Writer};
use crate::models::{Models, ReplyStream};
use crate::session::Session;
use futures_util::{FutureExt, StreamExt};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How many records a view may be behind before the engine waits for it.
const UPDATES: usize = 4096;
/// How many pieces of streams may wait for the machine.
const INBOX: usize = 1024;
/// When pieces of a stream are joined no further, in bytes: a view is to see a fast stream grow.
const JOINED: usize = 4096;
/// How long after a failed write the next attempt is made.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

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
    pub tools: HashMap<String, Arc<dyn Executor>>,
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
    session: Session,
    machine: Machine,
    journal: Writer,
    models: Arc<Models>,
    executors: Executors,
    clock: Clock,
    outbox: Outbox,
    pub(super) inbox: mpsc::Sender<Input>,
    calls: HashMap<CallId, JoinHandle<()>>,
    pub(super) programs: HashMap<OpId, (CancellationToken, JoinHandle<()>)>,
    wake: Option<UnixMillis>,
    /// The log cannot be written any more, ever: nothing may happen that is not in it.
    lost: bool,
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
            let piece = matches!(input, Input::Chunk { .. } | Input::Output { .. });
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
            Effect::Consult { op, consultation } => self.consult(op, consultation),
            Effect::Kill(op) => {
                if let Some((kill, _)) = self.programs.get(&op) {
                    kill.cancel();
                }
            }
            Effect::Delta(delta) => self.outbox.delta(delta),
            Effect::Refuse(text) => self.outbox.send(Update::Refused { text }).await,
            Effect::Wake(at) => self.wake = Some(self.wake.map_or(at, |wake| wake.min(at))),
            Effect::Outlook(next) => self.outbox.send(Update::Outlook { next }).await,
        }
    }

    async fn append(
        &mut self,
        actor: Actor,
        events: Vec<Event>,
        moved: Option<(Seq, BranchId)>,
        commands: &mut mpsc::Receiver<Command>,
    ) {
        if events.is_empty() || self.lost {
            return;
        }
        let at = self.clock.now();
        let (mut parent, branch) = match moved {
            Some((seq, branch)) => (Some(seq), branch),
            None => (self.session.head(), self.session.branch()),
        };
        let mut seq = self.session.next_seq();
        let durability = if events.iter().any(is_hard) { Durability::Hard } else { Durability::Soft };
        let records: Vec<Arc<Record>> = events
            .into_iter()
            .map(|event| {
                let record = Record { seq, parent, branch, actor: actor.clone(), at, event };
                parent = Some(seq);
                seq.0 += 1;
                Arc::new(record)
            })
            .collect();
        self.write(&records, durability, commands).await;
        if self.lost {
            return;
        }
        for record in records {
            if let Err(error) = self.session.apply(record.clone()) {
                // The machine made a record that does not fit its own session: a defect, said rather than hidden.
                let text = format!("Record {} could not be applied: {error}.", record.seq);
                self.outbox.send(Update::Fault { text }).await;
                return;
            }
            self.outbox.send(Update::Record(record)).await;
        }
    }

    /// Writes, and keeps trying: until it is on disk nothing goes on.
    async fn write(&mut self, records: &[Arc<Record>], durability: Durability, commands: &mut mpsc::Receiver<Command>) {
        let mut said = String::new();
        while let Err(error) = self.journal.append(records.to_vec(), durability).await {
            use JournalError::{Full, Io, NotWritable};
            if !matches!(error, Full { .. } | Io { .. } | NotWritable { .. }) {
                // Waiting mends a full disk, not a log that belongs to somebody else or is damaged.
                let text = format!("{error} The run stops here; what was written is safe.");
                self.outbox.send(Update::Fault { text }).await;
                self.lost = true;
                return;
            }
            let text = format!("{error} Nothing goes on until the log can be written; trying again.");
            if said != text {
                self.outbox.send(Update::Fault { text: text.clone() }).await;
                said = text;
            }
            tokio::select! {
                () = tokio::time::sleep(WRITE_AGAIN) => {}
                command = commands.recv() => match command {
                    Some(_) => {
                        let text = "The log cannot be written; the command was not carried out.".to_owned();
                        self.outbox.send(Update::Refused { text }).await;
                    }
                    // The last view is gone while the disk is full: this batch was never acknowledged.
                    None => {
                        tokio::time::sleep(WRITE_AGAIN).await;
                        let _ = self.journal.append(records.to_vec(), durability).await;
                        return;
                    }
                }
            }
        }
        if !said.is_empty() {
            self.outbox.send(Update::Fault { text: String::new() }).await;
        }
    }

    fn call(&mut self, request: Request) {
        let (models, inbox, call) = (self.models.clone(), self.inbox.clone(), request.call);
        self.calls.retain(|_, task| !task.is_finished());
        let task = tokio::spawn(async move {
            let mut stream = models.stream(&request);
            let mut next = stream.next().await;
            loop {
                let input = match next {
                    Some(Ok(mut chunk)) => {
                        let following = join_ready(&mut chunk, &mut stream);
                        let last = matches!(chunk, Chunk::Finished(_));
                        if inbox.send(Input::Chunk { call, chunk }).await.is_err() || last {
                            return;
                        }
                        next = match following {
                            Some(item) => item,
                            None => stream.next().await,
                        };
                        continue;
                    }
                    Some(Err(failure)) => Input::Failed { call, failure },
                    None => {
                        let text = format!("{} stopped in mid-answer without saying that it was done.", request.model);
                        Input::Failed { call, failure: Failure::new(FailureKind::CutOff, text) }
                    }
                };
                let _ = inbox.send(input).await;
                return;
            }
        });
        self.calls.insert(call, task);
    }

    fn execute(&mut self, op: OpId, agent: Name, payload: Arc<crate::chat::code::Payload>, hash: String) {
        let inbox = self.inbox.clone();
        let executor = match &payload.tool {
            Some(tool) => match agent.rsplit_once('/') {
                Some((within, _)) => self.executors.tools.get(&format!("{within}/{}", tool.name)).cloned(),
                None => self.executors.tools.get(&tool.name).cloned(),
            },
            None => self.executors.agents.get(&agent).cloned(),
        };
        let job = Job::new(payload, hash);
        let kill = job.kill.clone();
        self.programs.retain(|_, (_, task)| !task.is_finished());
        let task = tokio::spawn(async move {
            let Some(executor) = executor else {
                let text = format!("{agent} has no executor here.");
                let _ = inbox.send(Input::Ran { op, execution: not_started(&text) }).await;
                return;
            };
            let (to, mut progress) = mpsc::channel(256);
            let mut run = executor.run(job, to);
            let execution = loop {
                tokio::select! {
                    execution = &mut run => break execution,
                    Some(piece) = progress.recv() => relay(piece, op, &inbox).await,
                }
            };
            while let Ok(piece) = progress.try_recv() {
                relay(piece, op, &inbox).await;
            }
            let _ = inbox.send(Input::Ran { op, execution }).await;
        });
        self.programs.insert(op, (kill, task));
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

/// Adds to a chunk what follows it and is here already, so that a fast stream costs by its bytes and not by its pieces.
/// Returns what came next and is of another kind; `None` when nothing is ready.
fn join_ready(chunk: &mut Chunk, stream: &mut ReplyStream) -> Option<Option<Result<Chunk, Failure>>> {
    while !matches!(chunk, Chunk::Finished(_)) {
        let item = stream.next().now_or_never()?;
        match (&mut *chunk, item) {
            (Chunk::Text(text), Some(Ok(Chunk::Text(more)))) if text.len() < JOINED => text.push_str(&more),
            (Chunk::Reasoning(text), Some(Ok(Chunk::Reasoning(more)))) if text.len() < JOINED => text.push_str(&more),
            (_, item) => return Some(item),
        }
    }
    None
}

async fn relay(piece: Progress, op: OpId, inbox: &mpsc::Sender<Input>) {
    let input = match piece {
        Progress::Started { pid } => Input::Started { op, pid },
        Progress::Output(text) => Input::Output { op, text },
    };
    let _ = inbox.send(input).await;
}

fn not_started(text: &str) -> crate::chat::code::Execution {
    crate::chat::code::Execution {
        exit_code: 126,
        output: text.into(),
        omitted: 0,
        stopped: Some(crate::chat::code::Stopped::NotStarted),
        ..Default::default()
    }
}

async fn sleep_until(wake: Option<UnixMillis>, clock: Clock) {
    match wake {
        Some(at) => tokio::time::sleep(Duration::from_millis(at.saturating_sub(clock.now()).max(0) as u64)).await,
        None => std::future::pending().await,
    }
}

/// Events that must survive a power loss before anything rests on them.
fn is_hard(event: &Event) -> bool {
    matches!(
        event.innermost().1,
        Event::SessionStarted { .. }
            | Event::MessagePosted { .. }
            | Event::MessageEdited { .. }
            | Event::BranchMoved { .. }
            | Event::ModelCalled { .. }
            | Event::ApprovalDecided { .. }
            | Event::Intent { .. }
            | Event::ConsultAsked { .. }
            | Event::Outcome { .. }
            | Event::OutcomeResolved { .. }
            | Event::HumanAnswered { .. }
            | Event::LimitsChanged { .. }
            | Event::Configured { .. }
            | Event::Ended { .. }
            | Event::Summarized { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::request::Finish;
    use futures_util::stream;

    #[test]
    fn pieces_that_are_here_are_joined_and_nothing_changes_its_place() {
        let text = |text: &str| Ok(Chunk::Text(text.into()));
        let failure = || Err(Failure::new(FailureKind::CutOff, "cut"));
        let come = vec![
            text("a"),
            text("b"),
            Ok(Chunk::Reasoning("r".into())),
            Ok(Chunk::Reasoning("s".into())),
            text("c"),
            text("d"),
            failure(),
        ];
        let mut stream: ReplyStream = Box::pin(stream::iter(come).chain(stream::pending()));
        let mut seen = Vec::new();
        let mut next = stream.next().now_or_never().flatten();
        while let Some(item) = next.take() {
            match item {
                Ok(mut chunk) => {
                    next = join_ready(&mut chunk, &mut stream).flatten();
                    seen.push(Ok(chunk));
                }
                Err(error) => seen.push(Err(error)),
            }
        }
        assert_eq!(seen, [text("ab"), Ok(Chunk::Reasoning("rs".into())), text("cd"), failure()]);
    }

    #[test]
    fn what_is_long_is_sent_and_nothing_is_asked_for_after_the_end() {
        let long = || Ok(Chunk::Text("x".repeat(JOINED)));
        let mut stream: ReplyStream = Box::pin(stream::iter([long()]));
        let mut chunk = Chunk::Text("x".repeat(JOINED));
        assert_eq!(join_ready(&mut chunk, &mut stream), Some(Some(long())));
        let mut stream: ReplyStream = Box::pin(stream::iter([long()]));
        assert_eq!(join_ready(&mut Chunk::Finished(Finish::Stop), &mut stream), None);
    }
}
