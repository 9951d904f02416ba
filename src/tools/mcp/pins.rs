//! What was accepted of servers: for each tool its hash and its words, in one file of the data directory.
//!
//! A tool that no pin is there for is pinned as it is first listed: the operator trusts the team that names the server.
//! From then on only what has the same hash is offered; anything else waits until its difference was accepted.

use crate::chat::server::ListedTool;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What was accepted of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pin {
    hash: String,
    /// [`ListedTool::text`], to show what has changed.
    text: String,
}

/// Server identity, then tool, to what was accepted.
type Table = BTreeMap<String, BTreeMap<String, Pin>>;

/// The pins of all servers.
pub struct Pins {
    file: Option<PathBuf>,
    known: Mutex<Table>,
}

impl Pins {
    /// Those in this file, or none yet. A file that cannot be read counts as empty only if it is not there.
    pub fn at(file: Option<&Path>) -> Self {
        Pins { file: file.map(Path::to_owned), known: Mutex::default() }
    }

    fn read(&self) -> Result<Table, String> {
        let Some(file) = &self.file else { return Ok(self.known.lock().unwrap_or_else(|e| e.into_inner()).clone()) };
        match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                format!("{} is damaged: {error}. Move it away to accept all tools anew.", file.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Table::new()),
            Err(error) => Err(format!("{} cannot be read: {error}.", file.display())),
        }
    }

    fn write(&self, table: &Table) -> Result<(), String> {
        let Some(file) = &self.file else {
            *self.known.lock().unwrap_or_else(|e| e.into_inner()) = table.clone();
            return Ok(());
        };
        let fail = |error: std::io::Error| format!("{} cannot be written: {error}.", file.display());
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir).map_err(fail)?;
        }
        let beside = file.with_extension(format!("{}.tmp", std::process::id()));
        let mut out = std::fs::File::create(&beside).map_err(fail)?;
        out.write_all(&serde_json::to_vec_pretty(table).unwrap_or_default()).map_err(fail)?;
        out.sync_all().map_err(fail)?;
        std::fs::rename(&beside, file).map_err(fail)
    }

    /// Compares a listing with what was accepted, and pins what is new. Marks what has changed.
    ///
    /// # Errors
    /// When the pins cannot be read or written: then nothing of the server may be used.
    pub fn compare(&self, identity: &str, tools: &mut [ListedTool]) -> Result<(), String> {
        let mut table = self.read()?;
        let known = table.entry(identity.to_owned()).or_default();
        let mut news = false;
        for tool in tools {
            match known.get(&tool.name) {
                Some(pin) if pin.hash == tool.hash => tool.was = None,
                Some(pin) => tool.was = Some(pin.text.clone()),
                None => {
                    known.insert(tool.name.clone(), Pin { hash: tool.hash.clone(), text: tool.text() });
                    news = true;
                }
            }
        }
        if news { self.write(&table) } else { Ok(()) }
    }

    /// Pins a tool as it is now.
    ///
    /// # Errors
    /// When the pins cannot be read or written.
    pub fn accept(&self, identity: &str, tool: &ListedTool) -> Result<(), String> {
        let mut table = self.read()?;
        let pin = Pin { hash: tool.hash.clone(), text: tool.text() };
        table.entry(identity.to_owned()).or_default().insert(tool.name.clone(), pin);
        self.write(&table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(description: &str) -> ListedTool {
        let (name, description) = ("t".to_owned(), description.to_owned());
        ListedTool { name, hash: description.clone(), description, parameters: json!({}), was: None }
    }

    #[test]
    fn what_changes_after_it_was_first_seen_is_marked_until_it_is_accepted_also_in_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/pins.json");
        let again = || Pins::at(Some(&file));
        let listed = |description: &str| {
            let mut tools = [tool(description)];
            again().compare("server", &mut tools).unwrap();
            tools[0].was.clone()
        };
        assert_eq!(listed("reads mail"), None);
        assert_eq!(listed("reads mail"), None);
        assert!(listed("reads mail and sends it away").unwrap().starts_with("reads mail\n"));
        assert!(listed("reads mail and sends it away").is_some(), "seen is not accepted");
        again().accept("server", &tool("reads mail and sends it away")).unwrap();
        assert_eq!(listed("reads mail and sends it away"), None);
        assert!(listed("reads mail").is_some(), "the old one is another one now");
        let mut other = [tool("anything")];
        again().compare("another server", &mut other).unwrap();
        assert_eq!(other[0].was, None);
    }

    #[test]
    fn a_damaged_file_accepts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pins.json");
        std::fs::write(&file, "{").unwrap();
        assert!(Pins::at(Some(&file)).compare("server", &mut [tool("x")]).unwrap_err().contains("damaged"));
    }
}
