//! A place of its own for the real program: data, settings and team files below one temporary directory, and an
//! environment without anything of the person who runs the tests.

use plenary::chat::event::Record;
use plenary::journal::Store;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// The program under test.
pub const PLENARY: &str = env!("CARGO_BIN_EXE_plenary");

/// The ready team that the demo runs.
const LRU_CACHE: &str = include_str!("../../config/teams/lru-cache.toml");

/// A home; gone when dropped.
pub struct Home {
    dir: TempDir,
}

impl Home {
    pub fn new() -> Home {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("config")).unwrap();
        Home { dir }
    }

    /// A path below it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub fn sessions(&self) -> PathBuf {
        self.path("data/sessions")
    }

    /// Writes a file and says where.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a program.
    pub fn script(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The team of the demo, speaking at `pace` tokens a second (0 is all at once).
    pub fn lru_cache(&self, pace: u32) -> String {
        let paced = LRU_CACHE
            .replace("pace = 45", &format!("pace = {pace}"))
            .replace("first_token = \"600ms\"", "first_token = \"1ms\"");
        assert_ne!(paced, LRU_CACHE, "the ready team has no pace to change");
        self.write("lru-cache.toml", paced)
    }

    /// What the program finds in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
        ];
        for (name, place) in [("HOME", ""), ("PLENARY_DATA_DIR", "data"), ("PLENARY_CONFIG_DIR", "config")] {
            variables.push((name.to_owned(), self.path(place).to_str().unwrap().to_owned()));
        }
        variables
    }

    /// The program, without a terminal.
    pub fn plenary(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PLENARY);
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.plenary(arguments).output().unwrap())
    }

    /// The newest session's records, every one verified.
    pub fn records(&self) -> Vec<Arc<Record>> {
        Store::at(self.sessions()).unwrap().read("last").unwrap()
    }

    /// The names of all sessions.
    pub fn session_names(&self) -> Vec<String> {
        let list = Store::at(self.sessions()).unwrap().list().unwrap();
        list.into_iter().map(|summary| summary.session).collect()
    }

    /// Every file below the data directory.
    pub fn files(&self) -> Vec<PathBuf> {
        fn below(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { below(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        below(&self.data(), &mut found);
        found
    }
}

/// What a program left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("stdout is not text"),
            err: String::from_utf8(output.stderr).expect("stderr is not text"),
        }
    }
}

/// A team of two who talk in turns, with nothing to run. Each says `ann-1 word word … ann-1-end`, `ben-1 …`.
pub fn talk(pace: u32, words: usize, max_round: u32) -> String {
    let mut text = format!(
        "[team]\nname = \"talk\"\ntask = \"Talk about the weather.\"\nspeaker_selection_method = \"round_robin\"\n\
         max_round = {max_round}\n\n[models.script]\nprovider = \"scripted\"\nmodel = \"scripted\"\npace = {pace}\n\
         price = {{ input = 1.0, output = 2.0 }}\n\n"
    );
    for name in ["Ann", "Ben"] {
        text += &format!("[[agents]]\nname = \"{name}\"\nkind = \"assistant\"\nsystem_message = \"Talk.\"\n\n");
        for turn in 1..=max_round {
            let word = format!("{}-{turn}", name.to_lowercase());
            let middle: Vec<String> = (0..words).map(|n| format!("w{turn}x{n}")).collect();
            let said = format!("{word} {} {word}-end", middle.join(" "));
            text += &format!("[[models.script.reply]]\nagent = \"{name}\"\nturn = {turn}\ntext = \"{said}\"\n\n");
        }
    }
    text
}

/// A team of one who says `says` and one who runs what is in it, in turns.
pub fn doer(approval: &str, says: &str, more: &str) -> String {
    // TOML's basic strings are JSON's, but for one character.
    let says = serde_json::to_string(says).unwrap().replace('\x7f', "\\u007f");
    format!(
        r#"
[team]
name = "doer"
task = "Do it."
speaker_selection_method = "round_robin"
max_round = 3
{more}

[[agents]]
name = "Coder"
kind = "assistant"
system_message = "Write code."

[[agents]]
name = "Executor"
kind = "executor"
code_execution = {{ executor = "local", tier = "none", approval = "{approval}", timeout = "30s", work_dir = "workspace" }}

[models.script]
provider = "scripted"
model = "scripted"
pace = 0
price = {{ input = 1.0, output = 2.0 }}

[[models.script.reply]]
text = {says}
"#
    )
}
