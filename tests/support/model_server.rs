//! A real HTTP server that plays a model: what it answers, byte by byte, is data.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is answered to one connection.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Afterwards the connection is closed in order.
    pub body: Vec<Piece>,
}

/// A step of an answer.
#[derive(Debug, Clone)]
pub enum Piece {
    Bytes(Vec<u8>),
    /// Waits; a client that hangs up meanwhile is noticed.
    Pause(Duration),
    /// Closes in order, here.
    Close,
    /// Closes with a TCP reset.
    Reset,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

/// One `data:` event.
pub fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// An event that says `text`.
pub fn says(text: &str) -> String {
    event(&json!({"model": "served-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

/// An event with a finish reason and no text.
pub fn finishes(reason: &str) -> String {
    event(&json!({"model": "served-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

/// A whole good answer as bytes: two pieces of text, `stop`, usage, `[DONE]`.
pub fn good_stream(text: &str) -> String {
    let (head, tail) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 5}});
    format!("{}{}{}{}data: [DONE]\n\n", says(head), says(tail), finishes("stop"), event(&usage))
}

impl Exchange {
    /// Status 200 and an event stream with this body.
    pub fn stream(body: impl Into<Vec<u8>>) -> Self {
        Exchange::answer(200, "text/event-stream", body)
    }

    /// Any status and type.
    pub fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Exchange { status, headers, body: vec![Piece::Bytes(body.into())] }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with one more step.
    pub fn then(mut self, piece: Piece) -> Self {
        self.body.push(piece);
        self
    }
}

/// A server on a port of its own. The n-th connection gets the n-th exchange; beyond the last, status 500.
pub struct ModelServer {
    base_url: String,
    received: Arc<Mutex<Vec<Received>>>,
    hung_up: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl ModelServer {
    pub async fn start(exchanges: Vec<Exchange>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (sender, hung_up) = watch::channel(0);
        let log = received.clone();
        let task = tokio::spawn(async move {
            let mut exchanges = exchanges.into_iter();
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let exchange = exchanges.next().unwrap_or_else(|| {
                    Exchange::answer(500, "application/json", r#"{"error":{"message":"the test has no answer left"}}"#)
                });
                let (log, sender) = (log.clone(), sender.clone());
                connections.spawn(async move {
                    if serve(socket, exchange, &log).await.is_err() {
                        sender.send_modify(|count| *count += 1);
                    }
                });
            }
        });
        ModelServer { base_url, received, hung_up, task }
    }

    /// What a team file would say.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address without a path.
    pub fn root(&self) -> &str {
        self.base_url.trim_end_matches("/v1")
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Returns when a client has hung up before its answer was over.
    pub async fn hung_up(&self) {
        self.hung_up.clone().wait_for(|count| *count > 0).await.unwrap();
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An error means that the client hung up.
async fn serve(mut socket: TcpStream, exchange: Exchange, log: &Mutex<Vec<Received>>) -> io::Result<()> {
    let request = receive(&mut socket).await?;
    log.lock().unwrap().push(request);
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", exchange.status);
    for (name, value) in &exchange.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).await?;
    for piece in exchange.body {
        match piece {
            Piece::Bytes(bytes) => socket.write_all(&bytes).await?,
            Piece::Pause(time) => {
                let mut byte = [0];
                // The client has said all it has to say: anything but silence is the end of the connection.
                if tokio::time::timeout(time, socket.read(&mut byte)).await.is_ok() {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
            Piece::Close => break,
            Piece::Reset => {
                socket.set_zero_linger()?;
                return Ok(());
            }
        }
    }
    socket.shutdown().await
}

async fn receive(socket: &mut TcpStream) -> io::Result<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        read_some(socket, &mut bytes).await?;
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        read_some(socket, &mut bytes).await?;
    }
    let body = serde_json::from_slice(&bytes[head_end + 4..]).unwrap_or(Value::Null);
    Ok(Received { path, headers, body })
}

async fn read_some(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    match socket.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
