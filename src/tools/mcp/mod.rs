//! MCP servers: programs and addresses that offer tools, through the protocol's official implementation.
//!
//! [`Host`] keeps one [`server::Server`] for each that the team names, tells what it lists, and carries out calls. Nothing
//! starts before [`Servers::start`]. A tool is pinned when it is first listed under a team that the operator trusts
//! ([`pins`]); one that has changed since is neither offered nor called. What a server writes to standard error is kept in
//! a small buffer and shown only when it fails. Its requests for sampling, roots or words of the operator are refused.

mod child;
mod listing;
pub mod pins;
mod server;

use super::{Running, bounded, failed};
use crate::chat::code::Place;
use crate::chat::server::{ServerSetup, ToolsEvent};
use crate::execution::{Job, Progress};
use pins::Pins;
use server::Server;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The servers of a session.
pub trait Servers: Send + Sync {
    /// Starts them all. Each reports at least once, [`ToolsEvent::Ready`] or [`ToolsEvent::Down`], within its time.
    fn start(&self, news: mpsc::Sender<ToolsEvent>);

    /// Carries out a call, whose payload names server, tool and the hash of what was consented to.
    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Running;

    /// The operator accepted a tool as it is now.
    fn accept(&self, server: &str, tool: &str, hash: &str);

    /// Starts a server anew, whatever it is doing.
    fn restart(&self, server: &str);
}

/// Runs the servers.
pub struct Host {
    servers: BTreeMap<String, Arc<Server>>,
    stop: CancellationToken,
    _stopped: DropGuard,
}

impl Host {
    /// The servers of a team, not started. `pins` is the file that remembers what was accepted; without one nothing is
    /// remembered.
    pub fn new(servers: &BTreeMap<String, ServerSetup>, pins: Option<&Path>) -> Self {
        let pins = Arc::new(Pins::at(pins));
        let made = servers
            .iter()
            .map(|(name, setup)| (name.clone(), Arc::new(Server::new(name.clone(), setup.clone(), Arc::clone(&pins)))));
        let stop = CancellationToken::new();
        Host { servers: made.collect(), _stopped: stop.clone().drop_guard(), stop }
    }

    /// What a server offers to read besides its tools, as lines for a person: resources and prompts.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub async fn readable(&self, server: &str) -> Result<Vec<String>, String> {
        self.named(server)?.readable().await
    }

    /// The text of a resource, by its address.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn read(&self, server: &str, uri: &str) -> Result<String, String> {
        self.named(server)?.read(uri).await
    }

    /// The text of a prompt.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn prompt(
        &self,
        server: &str,
        name: &str,
        arguments: serde_json::Map<String, serde_json::Value>,
    ) -> Result<String, String> {
        self.named(server)?.prompt(name, arguments).await
    }

    fn named(&self, server: &str) -> Result<&Arc<Server>, String> {
        self.servers.get(server).ok_or_else(|| format!("The team has no MCP server {server:?}."))
    }
}

impl Servers for Host {
    fn start(&self, news: mpsc::Sender<ToolsEvent>) {
        for server in self.servers.values() {
            let (server, news, stop) = (Arc::clone(server), news.clone(), self.stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = server.keep(news) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    }

    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Running {
        let option = |name: &str| {
            let source = job.payload.tool.as_ref()?.source.as_ref()?;
            source.options.get(name)?.as_str().map(str::to_owned)
        };
        let (Some(name), Some(tool), Some(hash)) = (option("server"), option("tool"), option("hash")) else {
            return Box::pin(async { failed("This call names no tool of a server.") });
        };
        let server = self.named(&name).cloned();
        let (given, key) = (super::arguments(&job), job.payload.tool.as_ref().and_then(|tool| tool.key.clone()));
        bounded(job, async move {
            let called = async { server?.call(&tool, &hash, given?, key, progress).await };
            called.await.unwrap_or_else(failed)
        })
    }

    fn accept(&self, server: &str, tool: &str, hash: &str) {
        if let Some(server) = self.servers.get(server) {
            server.accept(tool, hash);
        }
    }

    fn restart(&self, server: &str) {
        if let Some(server) = self.servers.get(server) {
            server.restart();
        }
    }
}

/// Where the calls of a server's tools would be carried out.
pub fn place(setup: &ServerSetup) -> Place {
    let what = match &setup.url {
        Some(url) => format!("the MCP server at {url}, which does with the arguments what it likes"),
        None => "an MCP server started from the team file: a program with your rights".to_owned(),
    };
    Place {
        executor: "mcp".to_owned(),
        containment: what,
        work_dir: setup.work_dir.clone(),
        network: true,
        environment: setup.environment.iter().chain(setup.headers.values()).cloned().collect(),
        timeout_ms: setup.timeout_ms,
        output_limit: setup.output_limit,
        ..Place::default()
    }
}
