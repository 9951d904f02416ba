//! Where keys come from. A team names a key, as it would name an environment variable; this says what it is.
//!
//! Keys stay in memory and in headers marked sensitive. They are never in the team file, argv, records, the screen, logs,
//! exports or a child's environment.

use std::collections::HashMap;

/// A source of keys.
pub trait Secrets: Send + Sync {
    /// The key of that name, trimmed; `None` when there is none.
    ///
    /// # Errors
    /// Why a key that should be there cannot be had, for a person; never with any part of it.
    fn get(&self, name: &str) -> Result<Option<String>, String>;
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
        "{name} is not set. Leave, export it with a key (or say where it is in [keys] of the settings) and open the session again, or name another variable with api_key_env"
    )
}
