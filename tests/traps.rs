//! Opening a repository runs nothing: directories full of files that wait to be run, and every command that only looks.
//! The traps are data: `traps.toml`.
#![cfg(unix)]

use crate::support::home::{Home, Ran, doer};
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
struct Traps {
    trap: Vec<Trap>,
}

/// A file that something might run, read or follow by itself. `{canary}` in it is the file that must not come to be.
#[derive(Deserialize)]
struct Trap {
    name: String,
    path: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    kind: Kind,
    /// It waits for Python to start rather than for the directory to be opened.
    #[serde(default)]
    python: bool,
    /// The command that finds it in its way; otherwise all of them.
    command: Option<Vec<String>>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    File,
    Program,
    Link,
    Pipe,
}

fn traps() -> Vec<Trap> {
    let traps: Traps = toml::from_str(include_str!("traps.toml")).unwrap();
    traps.trap
}

/// Sets a trap in `dir`, whose canary is `canary`.
fn set(trap: &Trap, dir: &Path, canary: &Path) {
    let path = dir.join(&trap.path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = trap.text.replace("{canary}", canary.to_str().unwrap());
    match trap.kind {
        Kind::Link => std::os::unix::fs::symlink(text, &path).unwrap(),
        Kind::Pipe => {
            let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
            // SAFETY: a NUL-terminated name.
            assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o644) }, 0);
        }
        Kind::File | Kind::Program => {
            std::fs::write(&path, text).unwrap();
            let mode = if trap.kind == Kind::Program { 0o755 } else { 0o644 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

/// Runs a command in `dir`; one that hangs is a failure.
fn within(home: &Home, dir: &Path, arguments: &[&str]) -> Ran {
    let mut command = home.plenary(arguments);
    command.current_dir(dir).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{arguments:?} hangs in {}", dir.display());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn opening_a_repository_runs_nothing() {
    assert!(traps().len() >= 30, "{}", traps().len());
    // All at once for the commands that look at whatever is there.
    let home = Home::new();
    let (dir, canary) = (home.path("repository"), home.path("canary"));
    std::fs::create_dir(&dir).unwrap();
    for trap in traps().iter().filter(|trap| trap.command.is_none()) {
        set(trap, &dir, &canary);
    }
    std::fs::write(dir.join("team.toml"), doer("always", "```sh\ntrue\n```", "")).unwrap();
    for arguments in [&["check", "team.toml"][..], &["sessions"], &["doctor"], &["run", "team.toml", "--headless"]] {
        let ran = within(&home, &dir, arguments);
        assert!(!canary.exists(), "{arguments:?} ran something: {ran:?}");
    }
    assert_eq!(within(&home, &dir, &["run", "team.toml", "--headless"]).code, Some(5), "it needs a person");
    assert!(!canary.exists());
    // And each alone that stands in the way of a command.
    for trap in traps().iter().filter(|trap| trap.command.is_some()) {
        let home = Home::new();
        let (dir, canary) = (home.path("repository"), home.path("canary"));
        std::fs::create_dir(&dir).unwrap();
        set(trap, &dir, &canary);
        let arguments: Vec<&str> = trap.command.iter().flatten().map(String::as_str).collect();
        let ran = within(&home, &dir, &arguments);
        assert!(!canary.exists(), "{}: {ran:?}", trap.name);
        assert_ne!(ran.code, Some(0), "{}: {ran:?}", trap.name);
        assert!(!ran.err.contains("panicked"), "{}: {ran:?}", trap.name);
    }
}

#[test]
fn approved_python_runs_what_was_seen_and_nothing_that_waits_in_the_workspace() {
    for tier in ["none", "process", "namespace"] {
        let home = Home::new();
        let (dir, work) = (home.path("repository"), home.path("repository/workspace"));
        let canary = work.join("canary");
        std::fs::create_dir_all(&work).unwrap();
        for trap in traps().iter().filter(|trap| trap.python) {
            set(trap, &work, &canary);
        }
        std::fs::write(work.join("beside.py"), "WORD = 'found'\n").unwrap();
        let says =
            "```python\nimport beside, random, os\nprint(beside.WORD, random.__file__.startswith(os.getcwd()))\n```";
        let team = doer("never", says, "")
            .replace("tier = \"none\"", &format!("tier = \"{tier}\", minimum_tier = \"{tier}\""));
        std::fs::write(dir.join("team.toml"), team).unwrap();
        let ran = within(&home, &dir, &["run", "team.toml", "--headless"]);
        if ran.err.contains("cannot run code here") {
            eprintln!("SKIPPED in tier {tier}: {}", ran.err);
            continue;
        }
        assert!(ran.out.contains("found False"), "{tier}: {ran:?}");
        assert!(!canary.exists(), "{tier}: {ran:?}");
    }
}
