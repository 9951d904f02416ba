//! A shell for the operator in a container like those of the code: same image, same restrictions, same directory.

use super::create::{Container, WORKSPACE};
use super::engine::{self, Engine, Refusal};
use super::program::Containers;
use crate::chat::code::{Payload, Place};
use crate::execution::file::WorkDir;
use crate::execution::run::Launcher;
use crate::execution::shell::{CLEAN, Raw, prompt, relay, size};
use serde_json::{Value, json};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Opens it and returns when it is left.
///
/// # Errors
/// What is missing; no container is left then.
pub fn open(containers: &mut Containers, place: &Place) -> Result<(), String> {
    let _raw = Raw::enter()?;
    let work_dir = WorkDir::open(Path::new(&place.work_dir))?;
    let payload = Payload::code(Vec::new(), place.clone());
    containers.begin(&payload, &work_dir)?;
    let engine = containers.engine()?;
    let mut variables: Vec<(String, String)> = super::program::environment(place);
    variables.extend(CLEAN.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables.push(("PS1".to_owned(), prompt(place)));
    variables.extend(std::env::var("TERM").ok().map(|term| ("TERM".to_owned(), term)));
    let command = ["sh".to_owned(), "-i".to_owned()];
    let mut body = Container {
        place,
        run: "shell",
        command: &command,
        work_dir: work_dir.path(),
        files: &[],
        user: containers.user(),
        environment: &variables,
        runtime: containers.runtime(),
    }
    .body();
    for key in ["Tty", "OpenStdin", "StdinOnce", "AttachStdin"] {
        body[key] = json!(true);
    }
    body["WorkingDir"] = json!(WORKSPACE);
    let (near, far) = UnixStream::pair().map_err(|error| error.to_string())?;
    let (resize, resized) = tokio::sync::mpsc::channel(8);
    let serving = std::thread::Builder::new()
        .name("shell".to_owned())
        .spawn(move || engine::blocking(serve(engine, body, far, resized)));
    let serving = serving.map_err(|error| error.to_string())?;
    resize.try_send(size(0)).map_err(|error| error.to_string())?;
    relay(
        near.as_raw_fd(),
        || serving.is_finished(),
        |size| {
            // One that finds no room is followed by another.
            let _ = resize.try_send(size);
        },
    );
    drop(near);
    match serving.join() {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(refusal))) => Err(refusal.words),
        Ok(Err(words)) => Err(words),
        Err(_) => Err("the shell failed".to_owned()),
    }
}

async fn serve(
    engine: Engine,
    body: Value,
    far: UnixStream,
    resized: tokio::sync::mpsc::Receiver<libc::winsize>,
) -> Result<(), Refusal> {
    let made = engine.post("/containers/create", Some(&body)).await?;
    let id = made.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let done = attach(&engine, &id, far, resized).await;
    let _ = engine.delete(&format!("/containers/{id}?force=1&v=1")).await;
    done
}

async fn attach(
    engine: &Engine,
    id: &str,
    far: UnixStream,
    mut resized: tokio::sync::mpsc::Receiver<libc::winsize>,
) -> Result<(), Refusal> {
    let local = |error: std::io::Error| Refusal { status: 0, words: error.to_string() };
    let mut stream = engine.upgrade(&format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1")).await?;
    engine.post(&format!("/containers/{id}/start"), None).await?;
    far.set_nonblocking(true).map_err(local)?;
    let mut far = tokio::net::UnixStream::from_std(far).map_err(local)?;
    let sizes = async {
        while let Some(size) = resized.recv().await {
            let path = format!("/containers/{id}/resize?h={}&w={}", size.ws_row, size.ws_col);
            let _ = engine.post(&path, None).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        // However it ends, it is over.
        _ = tokio::io::copy_bidirectional(&mut stream, &mut far) => {}
        () = sizes => {}
    }
    Ok(())
}
