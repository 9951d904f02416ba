//! One server: connected, listed, called, watched, started again.

use super::child::{self, Murmur, Program};
use super::listing;
use super::pins::Pins;
use crate::chat::code::Execution;
use crate::chat::server::{ListedTool, ServerSetup, ToolsEvent};
use crate::execution::Progress;
use crate::tools::{answered, failed};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{
    CallToolRequestParams, ClientRequest, GetPromptRequestParams, PaginatedRequestParams, ProgressNotificationParam,
    ProgressToken, ReadResourceRequestParams, Request, RequestMetaObject,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RoleClient, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, Peer, ServiceExt};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};

/// Largest message, in bytes.
const MESSAGE: usize = 4 << 20;
/// Most pages of a listing.
const PAGES: usize = 200;
/// Waits before a server that failed is started again; after the last it stays down until the operator starts it.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];
/// When it has run so long, its failures are forgotten.
const GOOD: Duration = Duration::from_secs(60);
/// Least time between two listings: a server that announces changes all the time is not followed all the time.
const LISTINGS: Duration = Duration::from_secs(2);
/// How often the connection is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Most bytes of a message of progress.
const PROGRESS: usize = 400;

/// One server of a session.
pub struct Server {
    name: String,
    setup: ServerSetup,
    pins: Arc<Pins>,
    now: watch::Sender<Now>,
    again: Notify,
    listed: Mutex<Vec<ListedTool>>,
    news: Mutex<Option<mpsc::Sender<ToolsEvent>>>,
}

/// How a server is.
#[derive(Clone)]
enum Now {
    Starting,
    Up(Peer<RoleClient>, Routes),
    Down(String),
}

/// Where the progress of calls goes.
type Routes = Arc<Mutex<HashMap<ProgressToken, mpsc::Sender<Progress>>>>;

/// Our side of a connection: passes on progress, notices changes, refuses everything else.
struct Client {
    routes: Routes,
    changed: Arc<Notify>,
}

impl ClientHandler for Client {
    async fn on_progress(&self, told: ProgressNotificationParam, _context: NotificationContext<RoleClient>) {
        let route = self.routes.lock().unwrap_or_else(|error| error.into_inner()).get(&told.progress_token).cloned();
        let Some(route) = route else { return };
        let of = told.total.map_or(String::new(), |total| format!(" of {total}"));
        let message: String = told.message.unwrap_or_default().chars().take(PROGRESS).collect();
        let _ = route.try_send(Progress::Output(format!("{}{of} {message}\n", told.progress)));
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

struct Connection {
    service: RunningService<RoleClient, Client>,
    routes: Routes,
    changed: Arc<Notify>,
    program: Option<Program>,
}

impl Server {
    pub fn new(name: String, setup: ServerSetup, pins: Arc<Pins>) -> Self {
        let (now, _) = watch::channel(Now::Starting);
        Server { name, setup, pins, now, again: Notify::new(), listed: Mutex::default(), news: Mutex::default() }
    }

    /// Keeps it running, and tells what becomes of it. Never returns while somebody listens.
    pub async fn keep(&self, news: mpsc::Sender<ToolsEvent>) {
        *self.news.lock().unwrap_or_else(|error| error.into_inner()) = Some(news.clone());
        let mut failures = 0;
        loop {
            self.now.send_replace(Now::Starting);
            let began = Instant::now();
            let why = match self.connect().await {
                Ok(connection) => self.watch(connection, &news).await,
                Err(why) => Some(why),
            };
            let Some(why) = why else {
                // Asked to start anew.
                failures = 0;
                continue;
            };
            if began.elapsed() >= GOOD {
                failures = 0;
            }
            self.listed.lock().unwrap_or_else(|error| error.into_inner()).clear();
            self.now.send_replace(Now::Down(why.clone()));
            if news.send(ToolsEvent::Down { server: self.name.clone(), why }).await.is_err() {
                return;
            }
            let wait = AGAIN.get(failures).copied();
            failures += 1;
            tokio::select! {
                () = self.again.notified() => failures = 0,
                () = async { match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    /// Starts it anew.
    pub fn restart(&self) {
        self.again.notify_one();
    }

    async fn connect(&self) -> Result<Connection, String> {
        let limit = Duration::from_millis(self.setup.start_ms);
        let (routes, changed) = (Routes::default(), Arc::new(Notify::new()));
        let client = Client { routes: Arc::clone(&routes), changed: Arc::clone(&changed) };
        let (service, program) = match &self.setup.url {
            Some(url) => {
                let served = tokio::time::timeout(limit, client.serve(self.http(url)?)).await;
                let service = served
                    .map_err(|_| late(limit))?
                    .map_err(|error| format!("it cannot be reached: {}", plain(&error)))?;
                (service, None)
            }
            None => {
                let (program, stdout, stdin) = child::start(&self.setup).await?;
                let transport = AsyncRwTransport::new_client(stdout, stdin).with_max_line_length(MESSAGE);
                let served = tokio::time::timeout(limit, client.serve(transport)).await;
                let told = |why: String| with_murmur(why, &program.murmur);
                let service = match served {
                    Ok(Ok(service)) => service,
                    Ok(Err(error)) => return Err(told(format!("it does not speak MCP: {}", plain(&error)))),
                    Err(_) => return Err(told(late(limit))),
                };
                (service, Some(program))
            }
        };
        Ok(Connection { service, routes, changed, program })
    }

    fn http(&self, url: &str) -> Result<StreamableHttpClientTransport<reqwest::Client>, String> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("plenary/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("there is no HTTP client: {}", plain(&error)))?;
        let mut config = StreamableHttpClientTransportConfig::with_uri(url);
        config.max_sse_event_size = MESSAGE;
        for (header, variable) in &self.setup.headers {
            let value =
                std::env::var(variable).map_err(|_| format!("{variable} is not set; export it where plenary runs"))?;
            let pair = (HeaderName::try_from(header.as_str()), HeaderValue::from_str(&value));
            let (Ok(name), Ok(mut value)) = pair else {
                return Err(format!("{variable} cannot stand in the header {header}"));
            };
            value.set_sensitive(true);
            config.custom_headers.insert(name, value);
        }
        Ok(StreamableHttpClientTransport::with_client(client, config))
    }

    /// Lists and watches a connection until it ends. Returns why it ended; nothing when it is to be started anew.
    async fn watch(&self, connection: Connection, news: &mpsc::Sender<ToolsEvent>) -> Option<String> {
        let Connection { service, routes, changed, program } = connection;
        let peer = service.peer().clone();
        let murmur = program.as_ref().map(|program| program.murmur.clone()).unwrap_or_default();
        loop {
            let limit = Duration::from_millis(self.setup.start_ms);
            let listed = match tokio::time::timeout(limit, list(&peer)).await {
                Err(_) => {
                    return Some(with_murmur(
                        format!("its tools were not listed within {} s", limit.as_secs_f64()),
                        &murmur,
                    ));
                }
                Ok(Err(error)) => {
                    return Some(with_murmur(format!("its tools cannot be listed: {}", plain(&error)), &murmur));
                }
                Ok(Ok(listed)) => listed,
            };
            let (mut tools, refused) = listing::tools(&self.setup, listed);
            if let Err(why) = self.pins.compare(&self.setup.identity(), &mut tools) {
                return Some(why);
            }
            *self.listed.lock().unwrap_or_else(|error| error.into_inner()) = tools.clone();
            self.now.send_replace(Now::Up(peer.clone(), Arc::clone(&routes)));
            let about = about(&peer);
            let ready = ToolsEvent::Ready { server: self.name.clone(), about, tools: Arc::new(tools), refused };
            if news.send(ready).await.is_err() {
                return None;
            }
            let (since, mut wanted) = (Instant::now(), false);
            while !wanted || since.elapsed() < LISTINGS {
                tokio::select! {
                    () = self.again.notified() => return None,
                    () = changed.notified() => wanted = true,
                    () = tokio::time::sleep(LOOK) => {}
                }
                if peer.is_transport_closed() || service.is_closed() {
                    return Some(with_murmur("it has ended".to_owned(), &murmur));
                }
            }
        }
    }

    /// Who to ask, when it is up; waits while it starts.
    async fn peer(&self) -> Result<(Peer<RoleClient>, Routes), String> {
        let mut now = self.now.subscribe();
        loop {
            match &*now.borrow_and_update() {
                Now::Up(peer, routes) => return Ok((peer.clone(), Arc::clone(routes))),
                Now::Down(why) => return Err(format!("The MCP server {} is down: {why}", self.name)),
                Now::Starting => {}
            }
            if now.changed().await.is_err() {
                return Err(format!("The MCP server {} has been stopped.", self.name));
            }
        }
    }

    /// Calls a tool, if it still is what was consented to.
    pub async fn call(
        &self,
        tool: &str,
        hash: &str,
        arguments: Map<String, Value>,
        key: Option<String>,
        progress: mpsc::Sender<Progress>,
    ) -> Result<Execution, String> {
        let (peer, routes) = self.peer().await?;
        {
            let listed = self.listed.lock().unwrap_or_else(|error| error.into_inner());
            let Some(known) = listed.iter().find(|known| known.name == tool) else {
                return Err(format!("{}/{tool} is not there any more.", self.name));
            };
            if known.hash != hash || known.was.is_some() {
                return Err(format!("{}/{tool} has changed since it was offered; it was not called.", self.name));
            }
        }
        let mut params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        if let Some(key) = key {
            let mut meta = RequestMetaObject::default();
            meta.insert("idempotencyKey".to_owned(), Value::from(key));
            params.meta = Some(meta);
        }
        let request = ClientRequest::CallToolRequest(Request::new(params));
        let handle = peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await;
        let handle = handle.map_err(|error| self.broken(&error))?;
        let token = handle.progress_token.clone();
        routes.lock().unwrap_or_else(|error| error.into_inner()).insert(token.clone(), progress);
        let _route = Route(token, routes);
        let result = handle.await_response().await.map_err(|error| self.broken(&error))?;
        let result = serde_json::to_value(&result).map_err(|error| error.to_string())?;
        let text = listing::text(&result);
        match result.get("isError").and_then(Value::as_bool) {
            Some(true) => Ok(failed(text)),
            _ if result.get("content").is_none() && result.get("structuredContent").is_none() => {
                Err(format!("{} answered {tool} with no result.", self.name))
            }
            _ => Ok(answered(text)),
        }
    }

    fn broken(&self, error: &ServiceError) -> String {
        match error {
            ServiceError::McpError(error) => format!("{} refused the call: {}", self.name, error.message),
            ServiceError::TransportClosed | ServiceError::TransportSend(_) => {
                format!("The MCP server {} went away during the call. It may have taken effect.", self.name)
            }
            other => format!("{}: {}", self.name, plain(other)),
        }
    }

    /// The operator accepted a tool.
    pub fn accept(&self, tool: &str, hash: &str) {
        let mut listed = self.listed.lock().unwrap_or_else(|error| error.into_inner());
        let Some(known) = listed.iter_mut().find(|known| known.name == tool && known.hash == hash) else { return };
        if self.pins.accept(&self.setup.identity(), known).is_ok() {
            known.was = None;
        }
    }

    /// Resources and prompts, a line each.
    pub async fn readable(&self) -> Result<Vec<String>, String> {
        let (peer, _) = self.peer().await?;
        let mut lines = Vec::new();
        let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Ok(found) = peer.list_resources(None).await {
            let found = serde_json::to_value(&found).unwrap_or_default();
            let items = found.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
            lines.extend(items.iter().map(|item| format!("resource  {}  {}", word(item, "uri"), word(item, "name"))));
        }
        if let Ok(found) = peer.list_prompts(None).await {
            let found = serde_json::to_value(&found).unwrap_or_default();
            let items = found.get("prompts").and_then(Value::as_array).cloned().unwrap_or_default();
            lines.extend(
                items.iter().map(|item| format!("prompt  {}  {}", word(item, "name"), word(item, "description"))),
            );
        }
        lines.truncate(listing::MOST);
        Ok(lines)
    }

    /// The text of a resource.
    pub async fn read(&self, uri: &str) -> Result<String, String> {
        let (peer, _) = self.peer().await?;
        let found =
            peer.read_resource(ReadResourceRequestParams::new(uri)).await.map_err(|error| self.broken(&error))?;
        let found = serde_json::to_value(&found).unwrap_or_default();
        let parts = found.get("contents").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(parts.iter().map(listing::contents).collect::<Vec<_>>().join("\n"))
    }

    /// The text of a prompt.
    pub async fn prompt(&self, name: &str, arguments: Map<String, Value>) -> Result<String, String> {
        let (peer, _) = self.peer().await?;
        let mut params = GetPromptRequestParams::new(name);
        params.arguments = Some(arguments);
        let found = peer.get_prompt(params).await.map_err(|error| self.broken(&error))?;
        let found = serde_json::to_value(&found).unwrap_or_default();
        let told = found.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
        let line = |message: &Value| {
            let role = message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
            let content = message.get("content").cloned().unwrap_or_default();
            format!("{role}: {}", listing::text(&serde_json::json!({"content": [content]})))
        };
        Ok(told.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

/// Takes the way of a call's progress away when the call is over.
struct Route(ProgressToken, Routes);

impl Drop for Route {
    fn drop(&mut self) {
        self.1.lock().unwrap_or_else(|error| error.into_inner()).remove(&self.0);
    }
}

/// All tools, page by page, as their server writes them.
async fn list(peer: &Peer<RoleClient>) -> Result<Vec<Value>, ServiceError> {
    let (mut tools, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = peer.list_tools(Some(PaginatedRequestParams::default().with_cursor(cursor))).await?;
        tools.extend(page.tools.iter().filter_map(|tool| serde_json::to_value(tool).ok()));
        cursor = page.next_cursor;
        if cursor.is_none() || tools.len() >= listing::MOST {
            break;
        }
    }
    Ok(tools)
}

fn about(peer: &Peer<RoleClient>) -> String {
    let info = peer.peer_info().and_then(|info| serde_json::to_value(&*info).ok()).unwrap_or_default();
    let word =
        |key: &str| info.get("serverInfo").and_then(|own| own.get(key)).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", word("name"), word("version")).trim().chars().take(120).collect()
}

fn late(limit: Duration) -> String {
    format!("it did not answer within {} s", limit.as_secs_f64())
}

fn with_murmur(why: String, murmur: &Murmur) -> String {
    match murmur.tail(4) {
        none if none.is_empty() => why,
        said => format!("{why}; it wrote: {said}"),
    }
}

/// An error without the names of Rust types that some texts hold.
fn plain(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    match text.find("rmcp::") {
        Some(at) => text[..at].trim_end_matches(['[', '(', ' ', ':']).to_owned(),
        None => text,
    }
}
