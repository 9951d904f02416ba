//! The engine's API over its unix socket: the few calls that are needed, with every answer bounded.

use super::socket::{self, Surroundings};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Most bytes of an answer.
const ANSWER: usize = 4 << 20;
/// How long a call that only asks or orders may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to an engine.
#[derive(Debug, Clone)]
pub struct Engine {
    client: Client,
    socket: PathBuf,
}

/// What the engine said instead of doing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status; 0 when nothing came.
    pub status: u16,
    /// Its words, on one line.
    pub words: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl Engine {
    /// The engine of these surroundings. Nothing is sent yet.
    ///
    /// # Errors
    /// When no socket is there.
    pub fn find() -> Result<Engine, String> {
        let socket = socket::find(&Surroundings::here())?;
        // The client is made with TLS whatever it is used for, and wants to know whose. A second answer changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().unix_socket(socket.clone()).no_proxy().pool_max_idle_per_host(0).build();
        let client = client.map_err(|error| format!("no connection to the engine can be made: {error}"))?;
        Ok(Engine { client, socket })
    }

    /// A GET whose answer is JSON.
    pub async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.json(Method::GET, path, None).await
    }

    /// A POST whose answer is JSON, or nothing.
    pub async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        self.json(Method::POST, path, body).await
    }

    /// Whether there is something under that path.
    pub async fn has(&self, path: &str) -> Result<bool, Refusal> {
        let asked = tokio::time::timeout(PATIENCE, self.send(Method::HEAD, path, None)).await;
        match asked {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(Refusal { status: 404, .. })) => Ok(false),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(Refusal { status: 0, words: "it did not answer in time".into() }),
        }
    }

    /// A DELETE.
    pub async fn delete(&self, path: &str) -> Result<Value, Refusal> {
        self.json(Method::DELETE, path, None).await
    }

    async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        let asked = async {
            let response = self.send(method, path, body).await?;
            let bytes = read(response).await?;
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            serde_json::from_slice(&bytes).map_err(|_| Refusal { status: 0, words: "it answered with nonsense".into() })
        };
        let late = || Refusal { status: 0, words: format!("it did not answer within {} s", PATIENCE.as_secs()) };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(late()))
    }

    /// A POST whose answer is a stream, or comes whenever it comes.
    pub async fn open(&self, path: &str, body: Option<&Value>) -> Result<Response, Refusal> {
        self.send(Method::POST, path, body).await
    }

    /// A POST that turns the connection into a stream in both directions.
    pub async fn upgrade(&self, path: &str) -> Result<reqwest::Upgraded, Refusal> {
        let request = self.client.post(format!("http://engine{path}"));
        let request = request.header("connection", "Upgrade").header("upgrade", "tcp");
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let words = format!("the engine gives no terminal (status {})", response.status());
            return Err(Refusal { status: response.status().as_u16(), words });
        }
        response.upgrade().await.map_err(|error| self.unreachable(&error))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, Refusal> {
        let mut request = self.client.request(method, format!("http://engine{path}"));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let bytes = read(response).await?;
        let said = serde_json::from_slice::<Value>(&bytes).ok();
        let said = said.as_ref().and_then(|said| said.get("message")?.as_str()).unwrap_or("no reason was given");
        let words = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect();
        Err(Refusal { status: status.as_u16(), words })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Refusal {
        let mut cause: &dyn std::error::Error = error;
        while let Some(below) = cause.source() {
            cause = below;
        }
        let socket = self.socket.display();
        let denied = cause.to_string().contains("ermission denied");
        let hint = if denied { "; add yourself to its group, or use a rootless engine" } else { "; is it running?" };
        Refusal { status: 0, words: format!("the container engine at {socket} cannot be reached: {cause}{hint}") }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= ANSWER => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Refusal { status: 0, words: "its answer is too long".into() }),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(Refusal { status: 0, words: format!("its answer broke off: {error}") }),
        }
    }
}

/// Does something that waits for the engine from a place that does not wait, whatever runtime that place is in.
pub fn blocking<T: Send>(ask: impl Future<Output = T> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(ask)).map_err(|error| error.to_string())
        });
        let thread = thread.map_err(|error| error.to_string())?;
        thread.join().unwrap_or_else(|_| Err("asking the container engine failed".to_owned()))
    })
}
