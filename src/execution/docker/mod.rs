//! The executor `docker`: runs code in containers of Docker or Podman, through the engine's own socket.
//!
//! Each block gets a fresh container with every restriction of `create.rs`, or, with `container = "session"`, one
//! container serves the agent for the whole run and blocks are executed in it. The image is used by the digest that was
//! approved and is never pulled: what is missing is said. `engine.rs` speaks to the engine, `socket.rs` knows which one,
//! `program.rs` runs one program, `shell.rs` opens a shell, `owner.rs` finds what a crashed run left behind, `frames.rs` takes the output apart, `merged.rs` keeps it in order.
//!
//! What leaves the container is the working directory, which is mounted from the host: see `ledger.rs` for how it is
//! read. Differences from AutoGen's DockerCommandLineCodeExecutor: no network, no root, no capabilities, read-only root,
//! limits on everything, no pull behind one's back.

mod create;
mod engine;
mod frames;
mod merged;
mod owner;
mod program;
mod shell;
mod socket;

use super::local::is_secret;
use super::{Executor, Job, Progress, run};
use crate::catalog::{self, Entry, Field, FieldKind, OptionError};
use crate::chat::code::{Execution, Place};
use crate::chat::containment::{Image, Tier};
use crate::chat::team::CodeExecution;
use engine::{Engine, Refusal};
use program::{Containers, Lasting};
use serde_json::Value;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// The catalog row.
pub const ENTRY: Entry<dyn Executor> = Entry {
    name: "docker",
    about: "runs code in containers of Docker or Podman: no network, no root, read-only, with limits",
    example: "code_execution = { executor = \"docker\", image = \"python:3.12-slim\", timeout = \"30s\" }",
    fields: &[
        Field { name: "image", kind: FieldKind::Text, required: false, about: "image, which must be there already" },
        Field {
            name: "container",
            kind: FieldKind::Text,
            required: false,
            about: "execution: a fresh container each time; session: one for the whole run",
        },
        Field {
            name: "runtime",
            kind: FieldKind::Text,
            required: false,
            about: "a runtime that the engine knows, such as runsc (gVisor)",
        },
    ],
    build: |options| {
        let lasting = match catalog::text(options, "container") {
            None | Some("execution") => false,
            Some("session") => true,
            Some(other) => {
                let words = format!("`container` has no value {other:?}: it is execution or session");
                return Err(OptionError::of("container", words));
            }
        };
        let image = catalog::text(options, "image").unwrap_or(IMAGE).to_owned();
        if image.is_empty() || image.starts_with('-') || image.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(OptionError::of("image", format!("{image:?} is not the name of an image")));
        }
        let runtime = catalog::text(options, "runtime").map(str::to_owned);
        Ok(Box::new(Docker { image, lasting, runtime, kept: Arc::default() }))
    },
};

/// The image where the team names none (AutoGen: DockerCommandLineCodeExecutor.image).
const IMAGE: &str = "python:3-slim";

/// Runs code in containers.
#[derive(Debug)]
pub struct Docker {
    image: String,
    lasting: bool,
    runtime: Option<String>,
    kept: Arc<Mutex<Option<Lasting>>>,
}

impl Docker {
    /// The digest of the image as the engine has it now.
    fn digest(&self) -> Result<String, String> {
        let engine = Engine::find()?;
        let image = self.image.clone();
        let found = engine::blocking(async move { engine.get(&format!("/images/{image}/json")).await })?;
        match found {
            Ok(found) => match found.get("Id").and_then(Value::as_str) {
                Some(id) if id.starts_with("sha256:") => Ok(id.to_owned()),
                _ => Err(format!("the engine does not say what the image {} is", self.image)),
            },
            Err(Refusal { status: 404, .. }) => Err(format!(
                "the image {} is not on this machine, and nothing is pulled without you: run `docker pull {}`, then \
                 start again",
                self.image, self.image
            )),
            Err(refusal) => Err(refusal.words),
        }
    }
}

impl Executor for Docker {
    fn place(&self, code: &CodeExecution) -> Place {
        let digest = self.digest();
        let mut containment = match (&digest, self.lasting) {
            (Err(words), _) => format!("container, which cannot be had, so nothing will run: {words}"),
            (Ok(_), false) => "container: a fresh one for each block; files, processes, system calls".to_owned(),
            (Ok(_), true) => "container: one for the whole session; files, processes, system calls".to_owned(),
        };
        if digest.is_ok() {
            let runtime = self.runtime.as_ref().map(|runtime| format!(" · runtime {runtime}")).unwrap_or_default();
            containment += if code.network { &runtime } else { ", network" };
            if !code.network {
                containment += &runtime;
            }
        }
        Place {
            executor: "docker".to_owned(),
            containment,
            work_dir: code.work_dir.clone(),
            network: code.network,
            // The image has a PATH and a language of its own; ours would lead nowhere in it.
            environment: code
                .environment
                .iter()
                .filter(|name| !is_secret(name) && !["PATH", "HOME", "TMPDIR"].contains(&name.as_str()))
                .cloned()
                .collect(),
            timeout_ms: code.timeout_ms,
            output_limit: code.output_limit,
            tier: Tier::Container,
            bounds: code.bounds,
            image: Some(Image { name: self.image.clone(), digest: digest.unwrap_or_default() }),
            lasting: self.lasting,
            venv: None,
            languages: code.languages.clone(),
        }
    }

    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Pin<Box<dyn Future<Output = Execution> + Send>> {
        let (runtime, kept) = (self.runtime.clone(), Arc::clone(&self.kept));
        Box::pin(run::perform(job, progress, "docker", move || Box::new(Containers::new(runtime, kept))))
    }

    fn shell(&self, place: &Place) -> Result<(), String> {
        shell::open(&mut Containers::new(self.runtime.clone(), Arc::default()), place)
    }

    fn ready(&self, code: &CodeExecution) -> Result<(), String> {
        if code.venv.is_some() {
            return Err("a virtual environment belongs to this machine; for docker, put packages into the image".into());
        }
        self.digest().map(drop)
    }

    fn inspect(&self, code: &CodeExecution) -> Vec<String> {
        let mut problems: Vec<String> = self.ready(code).err().into_iter().collect();
        problems.extend(super::file::WorkDir::inspect(std::path::Path::new(&code.work_dir)));
        problems
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let kept = self.kept.lock().ok().and_then(|mut kept| kept.take());
        if let Some(kept) = kept {
            kept.remove();
        }
    }
}
