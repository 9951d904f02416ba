//! One stream for standard error and output. The engine carries them in two, whose order among each other it does not
//! keep; where the image has a shell, that puts them into one before they leave the container, as the local executor
//! does. Without one they stay two.

use super::engine::{Engine, Refusal};
use crate::chat::code::Place;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;

/// Images, and whether they have a shell: an image that is known by its digest does not change.
static SHELLS: Mutex<Option<HashMap<String, bool>>> = Mutex::new(None);

/// The command line that writes its errors to its output, where the image can do that.
pub async fn line(engine: &Engine, place: &Place, command: Vec<String>) -> Vec<String> {
    let digest = place.image.as_ref().map(|image| image.digest.as_str()).unwrap_or_default();
    let known = SHELLS.lock().ok().and_then(|shells| shells.as_ref()?.get(digest).copied());
    let shell = match known {
        Some(shell) => shell,
        None => {
            // Not known is not there; it is asked again the next time.
            let Ok(found) = look(engine, digest).await else { return command };
            if let Ok(mut shells) = SHELLS.lock() {
                shells.get_or_insert_default().insert(digest.to_owned(), found);
            }
            found
        }
    };
    if !shell {
        return command;
    }
    // The words of the command stay words: the shell only passes them on and becomes the program.
    let before = ["sh", "-c", "exec \"$@\" 2>&1", "sh"].map(str::to_owned);
    before.into_iter().chain(command).collect()
}

/// Whether the image has a shell, seen in a container that is never started.
async fn look(engine: &Engine, digest: &str) -> Result<bool, Refusal> {
    let labels = json!({(super::owner::LABEL): super::owner::this()});
    let body = json!({"Image": digest, "Cmd": ["sh"], "NetworkDisabled": true, "Labels": labels});
    let made = engine.post("/containers/create", Some(&body)).await?;
    let id = made.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = has_program(engine, &id, "sh").await;
    let _ = engine.delete(&format!("/containers/{id}?force=1&v=1")).await;
    found
}

/// Whether the image has the program that is to run. Looked at from outside, before anything in it has run.
pub async fn has_program(engine: &Engine, id: &str, program: &str) -> Result<bool, Refusal> {
    let plain = |path: &str| path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-".contains(c));
    if !plain(program) || program.is_empty() {
        return Ok(false);
    }
    if program.starts_with('/') {
        return engine.has(&format!("/containers/{id}/archive?path={program}")).await;
    }
    let made = engine.get(&format!("/containers/{id}/json")).await?;
    let variables = made.pointer("/Config/Env").and_then(Value::as_array).cloned().unwrap_or_default();
    let path = variables.iter().filter_map(Value::as_str).find_map(|variable| variable.strip_prefix("PATH="));
    let path = path.unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    for dir in path.split(':').filter(|dir| dir.starts_with('/') && plain(dir)) {
        if engine.has(&format!("/containers/{id}/archive?path={dir}/{program}")).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
