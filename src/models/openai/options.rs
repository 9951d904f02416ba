//! The options of a provider that speaks chat completions, read and checked.

use super::transport::Clocks;
use crate::catalog::{OptionError, Options, count, text};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What tells one house from another: its defaults.
pub struct House {
    /// Where it lives, if that is known.
    pub base_url: Option<&'static str>,
    /// The variable its users keep their key in, if it has keys.
    pub api_key_env: Option<&'static str>,
}

/// OpenAI itself.
pub const OPENAI: House = House { base_url: Some("https://api.openai.com/v1"), api_key_env: Some("OPENAI_API_KEY") };
/// Ollama on this machine.
pub const OLLAMA: House = House { base_url: Some("http://localhost:11434/v1"), api_key_env: None };
/// Anybody else.
pub const COMPATIBLE: House = House { base_url: None, api_key_env: None };

/// A header's value: written out, or the variable that holds it.
pub enum HeaderSource {
    /// The value itself.
    Plain(String),
    /// The variable that holds it.
    Variable(String),
}

/// A provider with its options.
pub struct ChatProvider {
    /// Where requests go.
    pub endpoint: Url,
    /// The variable that holds the key, if one is needed.
    pub variable: Option<String>,
    /// More headers, by name in lower case.
    pub headers: BTreeMap<String, HeaderSource>,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// The clocks of a call.
    pub clocks: Clocks,
}

impl ChatProvider {
    /// Reads the options.
    ///
    /// # Errors
    /// The option that is wrong, and what to write instead.
    pub fn new(options: &Options, house: House) -> Result<Self, OptionError> {
        let base = text(options, "base_url").or(house.base_url).ok_or_else(|| {
            OptionError::of("base_url", "base_url is missing: where is the server, e.g. \"http://localhost:8000/v1\"?")
        })?;
        let variable = text(options, "api_key_env").or(house.api_key_env).map(str::to_owned);
        if let Some(variable) = &variable {
            check_variable("api_key_env", variable)?;
        }
        let time = |field: &str, seconds: u64| match count(options, field) {
            Some(0) => Err(OptionError::of(field, format!("{field} must be longer than zero"))),
            Some(ms) => Ok(Duration::from_millis(ms)),
            None => Ok(Duration::from_secs(seconds)),
        };
        Ok(ChatProvider {
            endpoint: endpoint(base)?,
            variable,
            headers: headers(options)?,
            connect: time("connect_timeout", 10)?,
            clocks: Clocks {
                first_byte: time("first_byte_timeout", 300)?,
                idle: time("idle_timeout", 120)?,
                progress: time("progress_timeout", 600)?,
                total: time("total_timeout", 1_200)?,
            },
        })
    }

    /// Host and port, for messages.
    pub fn host(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the server is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Keys never stand in a team file, not even by mistake; the message does not repeat what was written.
fn check_variable(field: &str, name: &str) -> Result<(), OptionError> {
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    let message = format!("{field} takes the name of an environment variable such as OPENAI_API_KEY, never a key");
    Err(OptionError::of(field, message))
}

/// The address of chat completions below a base URL.
fn endpoint(base: &str) -> Result<Url, OptionError> {
    let wrong = |what: &str| OptionError::of("base_url", format!("base_url {what}"));
    let mut url = Url::parse(base.trim()).map_err(|error| wrong(&format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("must begin with http:// or https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user or password: keys never stand in the team file"));
    }
    if url.path().trim_end_matches('/').ends_with("/chat/completions") {
        return Err(wrong("must end before /chat/completions, which is added to it"));
    }
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["chat", "completions"]);
    }
    Ok(url)
}

fn headers(options: &Options) -> Result<BTreeMap<String, HeaderSource>, OptionError> {
    let wrong = |message: String| OptionError::of("headers", message);
    let table = match options.get("headers") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(table)) => table,
        Some(_) => return Err(wrong("headers takes a table such as { x-title = \"Plenary\" }".to_owned())),
    };
    let mut found = BTreeMap::new();
    for (name, value) in table {
        if HeaderName::try_from(name.as_str()).is_err() {
            return Err(wrong(format!("{name:?} cannot be the name of a header")));
        }
        let source = match (value, value.get("env").and_then(Value::as_str)) {
            (Value::String(text), _) if HeaderValue::from_str(text).is_ok() => HeaderSource::Plain(text.clone()),
            (Value::Object(table), Some(variable)) if table.len() == 1 => {
                check_variable("headers", variable)?;
                HeaderSource::Variable(variable.to_owned())
            }
            _ => return Err(wrong(format!("the header {name} takes a text, or {{ env = \"VARIABLE\" }}"))),
        };
        found.insert(name.to_ascii_lowercase(), source);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_endpoint_keeps_its_path_and_query() {
        for (base, expected) in [
            ("http://h:1/v1", "http://h:1/v1/chat/completions"),
            ("http://h:1/v1/", "http://h:1/v1/chat/completions"),
            ("https://h", "https://h/chat/completions"),
            ("https://h/a?api-version=2#x", "https://h/a/chat/completions?api-version=2"),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), expected);
        }
    }
}
