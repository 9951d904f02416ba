//! Where keys come from. A team names a key, as it would name an environment variable; this says what it is.
//!
//! Keys stay in memory and in headers marked sensitive. They are never in the team file, argv, records, the screen, logs,
//! exports or a child's environment.

use crate::settings::KeySource;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A source of keys.
pub trait Secrets: Send + Sync {
    /// The key of that name, trimmed; `None` when there is none.
    ///
    /// # Errors
    /// Why a key that should be there cannot be had, for a person; never with any part of it.
    fn get(&self, name: &str) -> Result<Option<String>, String>;

    /// A provider did not take this key: look it up anew when it is asked for again.
    fn forget(&self, _name: &str) {}

    /// Where the key of that name is looked for.
    fn origin(&self, name: &str) -> String {
        format!("the environment variable {name}")
    }
}

/// The process environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Secrets for Environment {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(std::env::var(name).ok().and_then(|value| filled(&value)))
    }
}

impl Secrets for HashMap<String, String> {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(HashMap::get(self, name).and_then(|value| filled(value)))
    }
}

/// An empty value is as good as none.
pub(super) fn filled(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// What is said when there is no key of that name.
pub(super) fn missing(name: &str) -> String {
    format!(
        "{name} is not set. Leave, export it with a key (or say where it is in [api_keys] of the settings) and open the session again, or name another variable with api_key_env"
    )
}

/// Longest key that is believed, in bytes.
const LONGEST: u64 = 64 << 10;
/// How long a program may take to say a key.
const PATIENCE: Duration = Duration::from_secs(15);

/// The environment first, then what the operator's settings say. What a program or the keychain said is kept in memory
/// until it turns out to be out of date.
#[derive(Debug, Default)]
pub struct Keyring {
    sources: BTreeMap<String, KeySource>,
    known: Mutex<HashMap<String, String>>,
}

impl Keyring {
    /// A keyring with these sources besides the environment.
    pub fn new(sources: BTreeMap<String, KeySource>) -> Self {
        Keyring { sources, known: Mutex::default() }
    }
}

impl Secrets for Keyring {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        if let Some(key) = Environment.get(name)? {
            return Ok(Some(key));
        }
        let Some(source) = self.sources.get(name) else { return Ok(None) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(name) {
            return Ok(Some(key.clone()));
        }
        let key = read(source).map_err(|why| format!("{name} cannot be read from {source}: {why}"))?;
        known.insert(name.to_owned(), key.clone());
        Ok(Some(key))
    }

    fn forget(&self, name: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn origin(&self, name: &str) -> String {
        match self.sources.get(name) {
            Some(source) if !matches!(Environment.get(name), Ok(Some(_))) => source.to_string(),
            _ => Environment.origin(name),
        }
    }
}

fn read(source: &KeySource) -> Result<String, String> {
    let text = match source {
        KeySource::File(path) => from_file(path)?,
        KeySource::Command(argv) => said_by(argv)?,
        KeySource::Keychain { service, account } => {
            let argv: &[&str] = match cfg!(target_os = "macos") {
                true => &["security", "find-generic-password", "-w", "-s", service, "-a", account],
                false => &["secret-tool", "lookup", "service", service, "account", account],
            };
            said_by(&argv.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())?
        }
    };
    let first = text.lines().next().unwrap_or_default();
    filled(first).ok_or_else(|| "there is nothing in it".to_owned())
}

/// A file that is a file, small, and nobody else's to read.
fn from_file(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if about.permissions().mode() & 0o077 != 0 {
            return Err(format!("others may read it: chmod 600 {}", path.display()));
        }
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// What a program of the operator's prints. It is stopped when it takes too long.
fn said_by(argv: &[String]) -> Result<String, String> {
    let (program, arguments) = argv.split_first().ok_or("no program is named")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let out = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.map(|out| out.take(LONGEST).read_to_string(&mut text));
        text
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if started.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} s", PATIENCE.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    match status.success() {
        true => reader.join().map_err(|_| "its output could not be read".to_owned()),
        false => Err(format!("it failed ({status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(source: KeySource) -> Keyring {
        Keyring::new(BTreeMap::from([("PLENARY_TEST_NO_SUCH_KEY".to_owned(), source)]))
    }

    fn get(keys: &Keyring) -> Result<Option<String>, String> {
        keys.get("PLENARY_TEST_NO_SUCH_KEY")
    }

    #[cfg(unix)]
    #[test]
    fn a_file_must_be_nobody_elses_to_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "sk-in-a-file\n").unwrap();
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o644);
        let keys = keyring(KeySource::File(path.clone()));
        let refused = get(&keys).unwrap_err();
        assert!(refused.contains("chmod 600") && !refused.contains("sk-in"), "{refused}");
        set(0o600);
        assert_eq!(get(&keys).unwrap().as_deref(), Some("sk-in-a-file"));
        assert!(keys.origin("PLENARY_TEST_NO_SUCH_KEY").contains("the file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_says_it_and_is_asked_again_only_when_it_was_out_of_date() {
        let dir = tempfile::tempdir().unwrap();
        let counter = dir.path().join("n");
        let script = format!("echo x >> {0}; wc -l < {0} | tr -d ' '", counter.display());
        let keys = keyring(KeySource::Command(["sh", "-c", &script].map(str::to_owned).to_vec()));
        assert_eq!(get(&keys).unwrap().as_deref(), Some("1"));
        assert_eq!(get(&keys).unwrap().as_deref(), Some("1"));
        keys.forget("PLENARY_TEST_NO_SUCH_KEY");
        assert_eq!(get(&keys).unwrap().as_deref(), Some("2"));
        let broken = keyring(KeySource::Command(["false".to_owned()].to_vec()));
        assert!(get(&broken).unwrap_err().contains("failed"));
    }
}
