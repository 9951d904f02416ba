//! A tool that asks a web server (AutoGen: HttpTool), within the rules of [`super::address`].
//!
//! `{name}` in the URL takes an argument, escaped for where it stands; the host is fixed by the team file. What is left
//! goes into the query, or into a JSON body for methods that have one. Names are resolved once, every address is judged,
//! and the connection is made to those addresses, on each redirect anew. No proxy, no cookies, no ambient credentials.

use super::address::{self, Family, RANGES};
use super::{Running, Tool, answered, arguments, bounded, failed};
use crate::catalog::{self, Entry, Field, FieldKind, OptionError, Options};
use crate::chat::code::{Execution, Place};
use crate::chat::tool::filled;
use crate::chat::toolbox::ToolSetup;
use crate::execution::{Job, Progress};
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use tokio::sync::mpsc;

/// Redirects that are followed.
const REDIRECTS: usize = 3;
/// Most bytes of an answer that are read.
const BODY: usize = 5 << 20;
/// Methods a tool may use.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The catalog row.
pub const ENTRY: Entry<dyn Tool> = Entry {
    name: "http",
    about: "asks a web server; no address of this machine, a private network or a cloud's metadata unless `allow` says so",
    example: "url = \"https://api.example.com/items/{id}\"",
    fields: &[
        Field { name: "url", kind: FieldKind::Text, required: true, about: "address, with {name} for arguments" },
        Field {
            name: "method",
            kind: FieldKind::Text,
            required: false,
            about: "GET (default), HEAD, POST, PUT, PATCH, DELETE",
        },
        Field {
            name: "headers",
            kind: FieldKind::Table,
            required: false,
            about: "name = \"text\", or name = { env = \"VARIABLE\", before = \"Bearer \" }",
        },
        Field {
            name: "allow",
            kind: FieldKind::Texts,
            required: false,
            about: "addresses beyond public ones: loopback, private, link_local, reserved",
        },
    ],
    build: |options| Ok(Box::new(Http::new(options)?)),
};

/// Asks a web server.
#[derive(Debug, Clone)]
pub struct Http {
    url: String,
    method: Method,
    headers: BTreeMap<String, Source>,
    allowed: Vec<Family>,
}

#[derive(Debug, Clone)]
enum Source {
    Plain(String),
    Variable { name: String, before: String },
}

impl Http {
    fn new(options: &Options) -> Result<Self, OptionError> {
        let url = catalog::text(options, "url").unwrap_or_default().to_owned();
        let wrong = |message: String| OptionError::of("url", message);
        let plain = filled(&url, |_| Some("x".to_owned()));
        let parsed = Url::parse(&plain).map_err(|error| wrong(format!("is no address: {error}")))?;
        if !["http", "https"].contains(&parsed.scheme()) || parsed.host_str().is_none() {
            return Err(wrong("begins with https:// or http://".to_owned()));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong("holds a name or password; put it into `headers` from a variable".to_owned()));
        }
        let fixed = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
        if fixed.contains(['{', '}']) || url.split("://").next().is_some_and(|scheme| scheme.contains('{')) {
            return Err(wrong("lets the model choose the host; write the host out".to_owned()));
        }
        let method = catalog::text(options, "method").unwrap_or("GET").to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            return Err(OptionError::of("method", format!("is one of {}", METHODS.join(", "))));
        }
        let mut allowed = Vec::new();
        for word in options.get("allow").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let known = || RANGES.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            let row = RANGES.iter().find(|(known, _)| *known == word);
            let row = row.ok_or_else(|| OptionError::of("allow", format!("knows {}, and not {word:?}", known())))?;
            allowed.push(row.1);
        }
        let mut headers = BTreeMap::new();
        for (name, value) in options.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let source = match value {
                Value::String(text) if HeaderValue::from_str(text).is_ok() => Source::Plain(text.clone()),
                Value::Object(table) if table.get("env").is_some_and(Value::is_string) => Source::Variable {
                    name: table["env"].as_str().unwrap_or_default().to_owned(),
                    before: table.get("before").and_then(Value::as_str).unwrap_or_default().to_owned(),
                },
                _ => {
                    return Err(OptionError::of("headers", format!("{name} takes a text or {{ env = \"VARIABLE\" }}")));
                }
            };
            if HeaderName::try_from(name.as_str()).is_err() {
                return Err(OptionError::of("headers", format!("{name:?} is no name of a header")));
            }
            headers.insert(name.clone(), source);
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
        Ok(Http { url, method, headers, allowed })
    }

    /// The address of a call, and the arguments that are not in it.
    fn address(&self, given: &Map<String, Value>) -> Result<(Url, Map<String, Value>), String> {
        let at = self.url.find('?').unwrap_or(self.url.len());
        let (path, query) = self.url.split_at(at);
        let fill = |text: &str| filled(text, |name| Some(escaped(&plain(given.get(name)?))));
        let whole = format!("{}{}", fill(path), fill(query));
        if let Some(missing) = whole.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(name, _)| name) {
            return Err(format!("The argument {missing} is missing: the address needs it."));
        }
        let left: Map<String, Value> = given
            .iter()
            .filter(|(name, _)| !self.url.contains(&format!("{{{name}}}")))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut url = Url::parse(&whole).map_err(|error| format!("This makes no address: {error}."))?;
        if self.has_no_body() {
            for (name, value) in left.iter().filter(|(_, value)| !value.is_null()) {
                url.query_pairs_mut().append_pair(name, &plain(value));
            }
        }
        Ok((url, left))
    }

    fn has_no_body(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::DELETE)
    }

    fn header_map(&self) -> Result<HeaderMap, String> {
        let mut map = HeaderMap::new();
        for (name, source) in &self.headers {
            let text = match source {
                Source::Plain(text) => text.clone(),
                Source::Variable { name, before } => match std::env::var(name) {
                    Ok(value) => format!("{before}{value}"),
                    Err(_) => {
                        return Err(format!(
                            "{name} is not set. Export it where plenary runs and open the session again."
                        ));
                    }
                },
            };
            let value = HeaderValue::from_str(&text);
            let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name.as_str()), value) else {
                return Err(format!("The header {name} holds characters that cannot stand in one."));
            };
            value.set_sensitive(matches!(source, Source::Variable { .. }));
            map.insert(name, value);
        }
        Ok(map)
    }

    /// Takes out what only the first server may see.
    fn forget_secrets(&self, headers: &mut HeaderMap) {
        const PRIVATE: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
        for (name, source) in &self.headers {
            if PRIVATE.contains(&name.to_ascii_lowercase().as_str()) || matches!(source, Source::Variable { .. }) {
                headers.remove(name.as_str());
            }
        }
    }

    /// Judges every address that a host leads to.
    async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, String> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(443);
        let literal: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        let found: Vec<SocketAddr> = match literal {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => match tokio::net::lookup_host((host, port)).await {
                Ok(found) => found.collect(),
                Err(error) => return Err(format!("{host} has no address: {error}.")),
            },
        };
        if let Some((address, family)) = found.iter().find_map(|socket| {
            let family = address::family(socket.ip()).filter(|family| !self.allowed.contains(family))?;
            Some((socket.ip(), family))
        }) {
            let word = family.word();
            return Err(format!(
                "{host} leads to {address}, a {} address, which this tool may not reach. \
                 If it should, write allow = [\"{word}\"] in the team file.",
                word.replace('_', "-")
            ));
        }
        match found.is_empty() {
            true => Err(format!("{host} has no address.")),
            false => Ok(found),
        }
    }

    async fn ask(self, given: Map<String, Value>, key: Option<String>) -> Execution {
        match self.try_ask(given, key).await {
            Ok(execution) => execution,
            Err(why) => failed(why),
        }
    }

    async fn try_ask(&self, given: Map<String, Value>, key: Option<String>) -> Result<Execution, String> {
        let (mut url, left) = self.address(&given)?;
        let mut headers = self.header_map()?;
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(&key).ok()) {
            headers.insert("idempotency-key", key);
        }
        let mut method = self.method.clone();
        let mut body = (!self.has_no_body()).then(|| Value::Object(left).to_string());
        for _ in 0..=REDIRECTS {
            let addresses = self.resolve(&url).await?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let client = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .resolve_to_addrs(&host, &addresses)
                .user_agent(concat!("plenary/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| format!("There is no HTTP client: {}.", causes(&error)))?;
            let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
            if let Some(body) = &body {
                request = request.header("content-type", "application/json").body(body.clone());
            }
            let response =
                request.send().await.map_err(|error| format!("{host} cannot be asked: {}.", causes(&error)))?;
            let there = response.remote_addr().map(|socket| socket.ip());
            if there.is_some_and(|there| !addresses.iter().any(|judged| judged.ip() == there)) {
                return Err(format!("{host} was reached at an address that was not judged; its answer is not read."));
            }
            let status = response.status();
            let next = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
            let Some(next) = next.filter(|_| status.is_redirection()) else { return read(response).await };
            let to = url.join(&next).map_err(|error| format!("{host} redirects to no address: {error}."))?;
            if !["http", "https"].contains(&to.scheme()) || (url.scheme() == "https" && to.scheme() == "http") {
                return Err(format!("{host} redirects to {}, which is not followed.", to.scheme()));
            }
            if to.origin() != url.origin() {
                // What was meant for one server is not for another.
                self.forget_secrets(&mut headers);
            }
            if ![307, 308].contains(&status.as_u16()) && method != Method::HEAD {
                (method, body) = (Method::GET, None);
            } else if to.origin() != url.origin() && body.is_some() {
                return Err(format!("{host} redirects what was sent to another server, which is not followed."));
            }
            url = to;
        }
        Err(format!("More than {REDIRECTS} redirects; the last was not followed."))
    }
}

/// The answer, as far as it is read.
async fn read(response: reqwest::Response) -> Result<Execution, String> {
    let status = response.status();
    let mut body = Vec::new();
    let mut omitted = 0;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| format!("The answer broke off: {}.", causes(&error)))?;
        let room = BODY - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            omitted = 1;
            break;
        }
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    let text = if omitted > 0 {
        format!("{text}\n(the answer is longer than {BODY} bytes; the rest was not read)")
    } else {
        text
    };
    Ok(match status.is_success() {
        true => answered(text),
        false => failed(format!("HTTP {status}\n{text}")),
    })
}

impl Tool for Http {
    fn place(&self, setup: &ToolSetup) -> Place {
        let allowed: Vec<&str> = self.allowed.iter().map(|family| family.word()).collect();
        let beyond = if allowed.is_empty() { String::new() } else { format!(", and to {} ones", allowed.join(", ")) };
        let variables = self.headers.values().filter_map(|source| match source {
            Source::Variable { name, .. } => Some(name.clone()),
            Source::Plain(_) => None,
        });
        Place {
            executor: "http".to_owned(),
            containment: format!("Plenary itself sends {} to public addresses{beyond}", self.method),
            network: true,
            environment: variables.collect(),
            timeout_ms: setup.execution.timeout_ms,
            output_limit: setup.execution.output_limit,
            ..Place::default()
        }
    }

    fn run(&self, job: Job, _progress: mpsc::Sender<Progress>) -> Running {
        let (tool, given) = (self.clone(), arguments(&job));
        let key = job.payload.tool.as_ref().and_then(|tool| tool.key.clone());
        bounded(job, async move {
            match given {
                Ok(given) => tool.ask(given, key).await,
                Err(why) => failed(why),
            }
        })
    }

    fn ready(&self, _setup: &ToolSetup) -> Result<(), String> {
        self.header_map().map(drop)
    }
}

/// The method and address of a tool's calls, as words that take arguments.
pub fn words(options: &Options) -> Vec<String> {
    let method = catalog::text(options, "method").unwrap_or("GET").to_ascii_uppercase();
    vec![method, catalog::text(options, "url").unwrap_or_default().to_owned()]
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text as it may stand anywhere in an address without meaning anything there.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
    // A point alone or two of them would be a direction in a path.
    let dots = text.chars().all(|c| c == '.');
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'.' if !dots => out.push('.'),
            byte if plain(byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An error and what lies under it, without the address, which may hold what nobody should read twice.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push(cause.to_string());
        next = cause.source();
    }
    match words.is_empty() {
        true => "no connection".to_owned(),
        false => words.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn tool(options: Value) -> Result<Http, OptionError> {
        Http::new(options.as_object().unwrap())
    }

    /// A server that answers each connection with the next of these, and tells what it was sent.
    async fn server(answers: Vec<String>) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = tokio::spawn(async move {
            let mut told = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut read = vec![0; 4096];
                let n = stream.read(&mut read).await.unwrap();
                told.push(String::from_utf8_lossy(&read[..n]).into_owned());
                stream.write_all(answer.replace("PORT", &port.to_string()).as_bytes()).await.unwrap();
            }
            told
        });
        (port, told)
    }

    fn page(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
    }

    fn given(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn arguments_stay_where_they_are_put() {
        let tool = tool(json!({"url": "https://x.test/a/{id}/b?q={q}"})).unwrap();
        let (url, _) = tool.address(&given(json!({"id": "../../etc?x#y", "q": "a&b=c", "more": 3}))).unwrap();
        assert_eq!(url.as_str(), "https://x.test/a/..%2F..%2Fetc%3Fx%23y/b?q=a%26b%3Dc&more=3");
        let (url, _) = tool.address(&given(json!({"id": "..", "q": 1}))).unwrap();
        assert!(url.host_str() == Some("x.test") && !url.path().contains("/a/b"), "{url}");
        assert!(tool.address(&given(json!({"q": "x"}))).unwrap_err().contains("id is missing"));
    }

    #[test]
    fn what_no_tool_may_be_is_refused_when_the_file_is_read() {
        for wrong in [
            json!({"url": "file:///etc/passwd"}),
            json!({"url": "https://{host}/x"}),
            json!({"url": "{scheme}://x/y"}),
            json!({"url": "https://me:pass@x.test/"}),
            json!({"url": "https://x.test:{port}/"}),
            json!({"url": "https://x.test/", "method": "CONNECT"}),
            json!({"url": "https://x.test/", "allow": ["everything"]}),
            json!({"url": "https://x.test/", "headers": {"bad name": "x"}}),
        ] {
            assert!(tool(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_server_is_asked_and_its_status_says_whether_the_call_failed() {
        let (port, told) = server(vec![page("200 OK", "", "fine"), page("404 Not Found", "", "nothing")]).await;
        let url = format!("http://127.0.0.1:{port}/items/{{id}}");
        let post = tool(json!({"url": url, "method": "post", "allow": ["loopback"], "headers": {"x-a": "b"}})).unwrap();
        let done = post.clone().ask(given(json!({"id": 7, "name": "n"})), Some("key-1".into())).await;
        assert_eq!((done.exit_code, &*done.output), (0, "fine"));
        let done = post.ask(given(json!({"id": 8})), None).await;
        assert_eq!((done.exit_code, &*done.output), (1, "HTTP 404 Not Found\nnothing"));
        let told = told.await.unwrap();
        assert!(told[0].starts_with("POST /items/7 HTTP/1.1") && told[0].contains("{\"name\":\"n\"}"), "{}", told[0]);
        assert!(told[0].contains("x-a: b") && told[0].contains("idempotency-key: key-1"));
    }

    /// Every spelling of an address that leads home, none of which may make a connection.
    #[tokio::test]
    async fn forbidden_addresses_are_not_connected_to_in_any_spelling() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let _ = rustls::crypto::ring::default_provider().install_default();
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "%31%32%37.0.0.1",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "127.0.0.1.",
        ] {
            let Ok(tool) = tool(json!({"url": format!("http://{host}:{port}/")})) else { continue };
            let done = tool.ask(Map::new(), None).await;
            assert_eq!(done.exit_code, 1, "{host}: {}", done.output);
        }
        assert!(listener.accept().is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn redirects_are_judged_like_the_first_address_and_carry_no_secrets_away() {
        let away = page("302 Found", "location: http://[::1]:PORT/x\r\n", "");
        let (port, _told) = server(vec![away]).await;
        let url = format!("http://127.0.0.1:{port}/");
        let one = tool(json!({"url": url, "allow": ["private"]})).unwrap();
        assert!(one.ask(Map::new(), None).await.output.contains("may not reach"));
        let metadata = page("302 Found", "location: http://169.254.169.254/latest/\r\n", "");
        let (port, _told) = server(vec![metadata]).await;
        let url = format!("http://127.0.0.1:{port}/");
        let two = tool(json!({"url": url, "allow": ["loopback"]})).unwrap();
        let done = two.ask(Map::new(), None).await;
        assert!(done.output.contains("169.254.169.254, a link-local address"), "{}", done.output);
        let round = page("302 Found", "location: /again\r\n", "");
        let (port, told) = server(vec![round.clone(), round.clone(), round.clone(), round]).await;
        let three = tool(json!({"url": format!("http://127.0.0.1:{port}/"), "allow": ["loopback"]})).unwrap();
        assert!(three.ask(Map::new(), None).await.output.contains("More than 3 redirects"));
        assert_eq!(told.await.unwrap().len(), 4);
    }
}
