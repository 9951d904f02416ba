//! The options of a provider that is reached over HTTP, read and checked.

use super::dialect::Dialect;
use super::transport::Clocks;
use crate::catalog::{Field, FieldKind, OptionError, Options, count, text};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What tells one house from another: its dialect and its defaults.
#[derive(Clone, Copy)]
pub struct House {
    /// How it speaks.
    pub dialect: &'static dyn Dialect,
    /// Where it lives, if that is known.
    pub base_url: Option<&'static str>,
    /// The variable its users keep their key in, if it has keys.
    pub api_key_env: Option<&'static str>,
    /// A version that stands in the address (Azure).
    pub api_version: Option<&'static str>,
}

impl House {
    /// A house without an address, keys or a version.
    pub const fn of(dialect: &'static dyn Dialect) -> Self {
        House { dialect, base_url: None, api_key_env: None, api_version: None }
    }

    /// One with a well-known address.
    pub const fn at(dialect: &'static dyn Dialect, base_url: &'static str) -> Self {
        House { base_url: Some(base_url), ..House::of(dialect) }
    }

    /// The same with keys.
    pub const fn key(self, api_key_env: &'static str) -> Self {
        House { api_key_env: Some(api_key_env), ..self }
    }

    /// The same with a version.
    pub const fn version(self, api_version: &'static str) -> Self {
        House { api_version: Some(api_version), ..self }
    }
}

/// Where it is.
pub const BASE_URL: Field = Field {
    name: "base_url",
    kind: FieldKind::Text,
    required: false,
    about: "address of the API, without its last part",
};
/// The name of its key.
pub const API_KEY_ENV: Field = Field {
    name: "api_key_env",
    kind: FieldKind::Text,
    required: false,
    about: "environment variable that holds the key; [keys] in the settings may say where else it is",
};
/// More headers.
pub const HEADERS: Field = Field {
    name: "headers",
    kind: FieldKind::Table,
    required: false,
    about: "more headers; a secret one as { env = \"VARIABLE\" }",
};
/// More of the body.
pub const BODY: Field = Field {
    name: "body",
    kind: FieldKind::Table,
    required: false,
    about: "more of the request's body, in the provider's own words",
};
const fn clock(name: &'static str, about: &'static str) -> Field {
    Field { name, kind: FieldKind::Duration, required: false, about }
}
/// Connecting.
pub const CONNECT: Field = clock("connect_timeout", "longest wait for a connection (10s)");
/// The first byte.
pub const FIRST_BYTE: Field = clock("first_byte_timeout", "longest wait for the first byte of an answer (5m)");
/// Silence.
pub const IDLE: Field = clock("idle_timeout", "longest silence inside an answer, keep-alives count as sound (2m)");
/// Nothing but keep-alives.
pub const PROGRESS: Field = clock("progress_timeout", "longest time in which only keep-alives come (10m)");
/// All of it.
pub const TOTAL: Field = clock("total_timeout", "longest time of a whole call (20m)");
/// All of it, as AG2 calls it.
pub const TIMEOUT: Field = clock("timeout", "the same as total_timeout, under AG2's name");
/// Calls at a time.
pub const MAX_CONCURRENT: Field = Field {
    name: "max_concurrent",
    kind: FieldKind::Count,
    required: false,
    about: "calls at a time, over all agents and models of this host and key",
};
/// Calls a minute.
pub const RPM: Field =
    Field { name: "rpm", kind: FieldKind::Count, required: false, about: "calls a minute, likewise" };
/// Tokens a minute.
pub const TPM: Field =
    Field { name: "tpm", kind: FieldKind::Count, required: false, about: "tokens a minute, likewise" };

/// Ceilings that all agents share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Calls at a time.
    pub max_concurrent: Option<u64>,
    /// Calls a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
}

/// A header's value: written out, or the variable that holds it.
pub enum HeaderSource {
    /// The value itself.
    Plain(String),
    /// The variable that holds it.
    Variable(String),
}

/// A provider with its options.
pub struct HttpProvider {
    /// How it speaks, and its defaults.
    pub house: House,
    /// The address below which requests go.
    pub base: Url,
    /// The deployment that stands for a model (Azure).
    pub deployment: Option<String>,
    /// The name of the key, if one is needed.
    pub variable: Option<String>,
    /// More headers, by name in lower case.
    pub headers: BTreeMap<String, HeaderSource>,
    /// More of the body.
    pub body: Map<String, Value>,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// The clocks of a call.
    pub clocks: Clocks,
    /// Ceilings shared by all agents.
    pub traffic: Traffic,
}

/// What a team may not set, because the answer could not be read any more (or one model would pass for another).
pub const RESERVED: &[&str] =
    &["model", "messages", "contents", "stream", "stream_options", "n", "tools", "response_format"];

impl HttpProvider {
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
        let ceiling = |field: &str| match count(options, field) {
            Some(0) => Err(OptionError::of(field, format!("{field} must be at least 1: nothing would ever be asked"))),
            other => Ok(other),
        };
        let mut base = address(base, house.dialect)?;
        let version = text(options, "api_version").or(house.api_version);
        if let Some(version) = version.filter(|_| !base.path().trim_end_matches('/').ends_with("/v1")) {
            base.query_pairs_mut().append_pair("api-version", version);
        }
        Ok(HttpProvider {
            house,
            base,
            deployment: text(options, "deployment").map(str::to_owned),
            variable,
            headers: headers(options)?,
            body: body(options)?,
            connect: time("connect_timeout", 10)?,
            clocks: Clocks {
                first_byte: time("first_byte_timeout", 300)?,
                idle: time("idle_timeout", 120)?,
                progress: time("progress_timeout", 600)?,
                total: match options.contains_key("total_timeout") {
                    true => time("total_timeout", 1_200)?,
                    false => time("timeout", 1_200)?,
                },
            },
            traffic: Traffic { max_concurrent: ceiling("max_concurrent")?, rpm: ceiling("rpm")?, tpm: ceiling("tpm")? },
        })
    }

    /// Host and port, for messages.
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the server is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Every key it needs, by name.
    pub fn variables(&self) -> Vec<&String> {
        let named = self.headers.values().filter_map(|source| match source {
            HeaderSource::Variable(variable) => Some(variable),
            HeaderSource::Plain(_) => None,
        });
        self.variable.iter().chain(named).collect()
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

/// A base URL, checked.
fn address(base: &str, dialect: &dyn Dialect) -> Result<Url, OptionError> {
    let wrong = |what: &str| OptionError::of("base_url", format!("base_url {what}"));
    let mut url = Url::parse(base.trim()).map_err(|error| wrong(&format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("must begin with http:// or https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user or password: keys never stand in the team file"));
    }
    let ending = dialect.ending();
    if url.path().trim_end_matches('/').ends_with(ending) {
        return Err(wrong(&format!("must end before {ending}, which is added to it")));
    }
    url.set_fragment(None);
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

fn body(options: &Options) -> Result<Map<String, Value>, OptionError> {
    let table = match options.get("body") {
        None => return Ok(Map::new()),
        Some(Value::Object(table)) => table,
        Some(_) => return Err(OptionError::of("body", "body takes a table such as { service_tier = \"flex\" }")),
    };
    match table.keys().find(|name| RESERVED.contains(&name.as_str())) {
        Some(name) => Err(OptionError::of("body", format!("{name} is ours to set: take it out of body"))),
        None => Ok(table.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::anthropic::Messages;
    use crate::models::gemini::Contents;
    use crate::models::ollama::Chat;
    use crate::models::openai::{Azure, Completions};

    #[test]
    fn the_endpoint_keeps_its_path_and_query() {
        let rows: [(&dyn Dialect, &str, &str); 10] = [
            (&Completions, "http://h:1/v1", "http://h:1/v1/chat/completions"),
            (&Completions, "http://h:1/v1/", "http://h:1/v1/chat/completions"),
            (&Completions, "https://h", "https://h/chat/completions"),
            (&Completions, "https://h/a?api-version=2#x", "https://h/a/chat/completions?api-version=2"),
            (&Azure, "https://n.openai.azure.com", "https://n.openai.azure.com/openai/deployments/m/chat/completions"),
            (&Azure, "https://n.openai.azure.com/openai/v1/", "https://n.openai.azure.com/openai/v1/chat/completions"),
            (&Messages, "https://h/v1", "https://h/v1/messages"),
            (&Contents, "https://h/v1beta", "https://h/v1beta/models/m:streamGenerateContent?alt=sse"),
            (&Chat, "http://h:11434", "http://h:11434/api/chat"),
            (&Chat, "http://h:11434/v1", "http://h:11434/api/chat"),
        ];
        for (dialect, base, expected) in rows {
            let mut url = address(base, dialect).unwrap();
            dialect.endpoint(&mut url, "m");
            assert_eq!(url.as_str(), expected);
        }
    }
}
