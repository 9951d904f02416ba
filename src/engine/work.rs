//! Starts what takes time - model calls, code, tools - each in a task of its own that reports to the machine.

use super::driver::Engine;
use super::effect::Input;
use crate::chat::Name;
use crate::chat::code::{Execution, Payload, Stopped};
use crate::chat::id::OpId;
use crate::chat::request::{Chunk, Failure, FailureKind, Request};
use crate::chat::server::{MCP, ToolsCommand};
use crate::execution::{Job, Progress};
use crate::models::ReplyStream;
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use tokio::sync::mpsc;

/// When pieces of a stream are joined no further, in bytes: a view is to see a fast stream grow.
const JOINED: usize = 4096;

impl Engine {
    pub(super) fn call(&mut self, request: Request) {
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

    /// Starts the servers of the team; what becomes of them is told to the machine.
    pub(super) fn start_servers(&self) {
        let Some(servers) = &self.executors.servers else { return };
        let (to, mut news) = mpsc::channel(16);
        servers.start(to);
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            while let Some(event) = news.recv().await {
                if inbox.send(Input::Tools(event)).await.is_err() {
                    return;
                }
            }
        });
    }

    /// What the operator decided about tools.
    pub(super) fn ask_servers(&self, asked: &ToolsCommand) {
        let Some(servers) = &self.executors.servers else { return };
        match asked {
            ToolsCommand::Accept { server, tool, hash } => servers.accept(server, tool, hash),
            ToolsCommand::Restart { server } => servers.restart(server),
            ToolsCommand::Answer { .. } => {}
        }
    }

    pub(super) fn execute(&mut self, op: OpId, agent: Name, payload: Arc<Payload>, hash: String) {
        let inbox = self.inbox.clone();
        let job = Job::new(payload, hash);
        let (kill, added) = (job.kill.clone(), Arc::clone(&job.added_ms));
        let (to, mut progress) = mpsc::channel(256);
        let run = match &job.payload.tool {
            Some(tool) if tool.source.as_ref().is_some_and(|source| source.kind == MCP) => {
                self.executors.servers.as_ref().map(|servers| servers.run(job.clone(), to))
            }
            Some(tool) => {
                let within = agent.rsplit_once('/').map_or(String::new(), |(within, _)| format!("{within}/"));
                self.executors.tools.get(&format!("{within}{}", tool.name)).map(|tool| tool.run(job.clone(), to))
            }
            None => self.executors.agents.get(&agent).map(|executor| executor.run(job.clone(), to)),
        };
        self.programs.retain(|_, (_, task)| !task.is_finished());
        self.added.retain(|op, _| self.programs.contains_key(op));
        let task = tokio::spawn(async move {
            let Some(mut run) = run else {
                let text = format!("{agent} has no executor here.");
                let _ = inbox.send(Input::Ran { op, execution: not_started(&text) }).await;
                return;
            };
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
        self.added.insert(op, added);
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
        Progress::Memory(bytes) => Input::Held { op, bytes },
    };
    let _ = inbox.send(input).await;
}

fn not_started(text: &str) -> Execution {
    Execution {
        exit_code: 126,
        output: text.into(),
        omitted: 0,
        stopped: Some(Stopped::NotStarted),
        ..Default::default()
    }
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
