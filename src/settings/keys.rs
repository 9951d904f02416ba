//! `[api_keys]`: where keys are that do not stand in an environment variable.
//!
//! Only the operator's own settings can say this. A team file names keys and nothing else: what comes with a cloned
//! directory must not be able to run a program or read a file of the operator's by being opened.

use super::paths;
use super::reader::{Fields, Findings, table};
use super::report::Finding;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The first line that this program prints.
    Command(Vec<String>),
    /// The content of this file, which nobody else may read.
    File(PathBuf),
    /// The system's keychain, under this service and account.
    Keychain {
        /// Service.
        service: String,
        /// Account.
        account: String,
    },
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeySource::Command(argv) => write!(f, "the program {}", argv.first().map_or("", String::as_str)),
            KeySource::File(path) => write!(f, "the file {}", path.display()),
            KeySource::Keychain { service, account } => write!(f, "the keychain ({service}, {account})"),
        }
    }
}

/// Reads the table: `NAME = { command = […] }`, `{ file = "…" }` or `{ keychain = "service/account" }`.
pub(super) fn read(findings: &Findings, rows: &DeTable<'_>, dir: &Path) -> BTreeMap<String, KeySource> {
    let mut found = BTreeMap::new();
    for (name, node) in rows {
        let name_text = name.get_ref().to_string();
        if node.get_ref().as_str().is_some() {
            let finding = Finding::error(format!("{name_text} says a key itself")).at(name.span());
            findings.push(finding.help(
                "keys do not stand in files like this one: say where it is, for example { file = \"~/.keys/openai\" }",
            ));
            continue;
        }
        let Some(row) = table(findings, &name_text, node) else { continue };
        let mut fields = Fields::new(findings, row, node.span(), format!("[api_keys] {name_text}"));
        let command = fields.texts("command").map(|words| words.into_iter().map(|(word, _)| word).collect::<Vec<_>>());
        let file = fields.filled("file");
        let keychain = fields.filled("keychain");
        fields.finish();
        let sources = [
            command.filter(|argv| argv.first().is_some_and(|first| !first.trim().is_empty())).map(KeySource::Command),
            file.map(|file| KeySource::File(paths::written(dir, &file))),
            keychain.and_then(|text| {
                let (service, account) = text.split_once('/')?;
                Some(KeySource::Keychain { service: service.to_owned(), account: account.to_owned() })
            }),
        ];
        let mut sources = sources.into_iter().flatten();
        match (sources.next(), sources.next()) {
            (Some(source), None) => {
                found.insert(name_text, source);
            }
            _ => {
                let finding = Finding::error(format!("{name_text} does not say where the key is")).at(node.span());
                findings.push(finding.help(
                    "one of { command = [\"program\", \"argument\"] }, { file = \"path\" }, { keychain = \"service/account\" }",
                ));
            }
        }
    }
    found
}
