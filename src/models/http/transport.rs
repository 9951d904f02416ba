//! Sends a request and reads the answer under five clocks, whatever the dialect.
//!
//! Everything lives inside the returned stream: dropping it closes the connection.

use super::reading::Reading;
use crate::chat::request::{Chunk, Failure};
use crate::models::ReplyStream;
use crate::models::failure::{Peer, causes};
use futures_util::{Stream, StreamExt, future, stream};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long usage and `[DONE]` are waited for once the model has said why it stopped.
const LINGER: Duration = Duration::from_secs(5);
/// Most bytes of an answer that is no stream.
const BODY_LIMIT: usize = 8 << 20;
/// Most bytes of an error answer, and the longest wait for them.
const ERROR_BODY_LIMIT: usize = 64 << 10;
const ERROR_BODY_WAIT: Duration = Duration::from_secs(10);

/// A stream of at least so many events that comes in one piece after so long was held back by somebody.
const BUFFERED_EVENTS: u32 = 10;
const BUFFERED_WAIT: Duration = Duration::from_secs(2);

/// The clocks of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// From sending to the first byte of the answer. Local servers load a model in this time.
    pub first_byte: Duration,
    /// Between two bytes; keep-alive comments count as bytes.
    pub idle: Duration,
    /// Between two events that bring the answer forward; keep-alive comments do not.
    pub progress: Duration,
    /// From sending to the end.
    pub total: Duration,
}

/// What providers call the identity of a request in a header, the first that is there counts.
const IDENTITY: [&str; 5] = ["x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "cf-ray"];
/// Longest identity that is believed, in bytes.
const IDENTITY_LIMIT: usize = 128;

/// Sends the request when first polled.
pub fn reply(request: reqwest::RequestBuilder, reading: Reading, peer: Arc<Peer>, clocks: Clocks) -> ReplyStream {
    let opened = async move {
        let started = Instant::now();
        match open(request, reading, &peer, clocks, started).await {
            Ok(Opened::Events(opened)) => {
                let (response, reading) = *opened;
                let identity = identity(response.headers()).map(|id| Ok(Chunk::Identity(id)));
                let body = response.bytes_stream().map(|bytes| bytes.map_err(causes));
                let chunks = read(body, reading, peer, clocks, started);
                Box::pin(stream::iter(identity).chain(chunks)) as ReplyStream
            }
            Ok(Opened::Whole(chunks)) => Box::pin(stream::iter(chunks)),
            Err(failure) => Box::pin(stream::once(future::ready(Err(failure)))),
        }
    };
    Box::pin(stream::once(opened).flatten())
}

fn identity(headers: &reqwest::header::HeaderMap) -> Option<String> {
    let id = IDENTITY.iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
    let fits = !id.is_empty() && id.len() <= IDENTITY_LIMIT && id.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| id.to_owned())
}

enum Opened {
    Events(Box<(reqwest::Response, Reading)>),
    Whole(Vec<Result<Chunk, Failure>>),
}

/// Sends, and looks at status and content type before a byte of the body is believed.
async fn open(
    request: reqwest::RequestBuilder,
    mut reading: Reading,
    peer: &Arc<Peer>,
    clocks: Clocks,
    started: Instant,
) -> Result<Opened, Failure> {
    let limit = clocks.first_byte.min(clocks.total);
    let response = match timeout_at(started + limit, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(peer.unreachable(causes(error))),
        Err(_) => return Err(peer.unreachable(format!("no answer within {}", seconds(limit)))),
    };
    let status = response.status().as_u16();
    if status != 200 {
        let headers = response.headers().clone();
        let body = collect(response, ERROR_BODY_LIMIT, Instant::now() + ERROR_BODY_WAIT).await.0;
        let failure = peer.http(status, &headers, &body, Timestamp::now());
        return Err(Failure { request_id: identity(&headers), ..failure });
    }
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind.contains("html") {
        let body = collect(response, ERROR_BODY_LIMIT, Instant::now() + ERROR_BODY_WAIT).await.0;
        return Err(reading.garbled(format!("answered with a web page: {}", peer.quote(&body))));
    }
    if kind != "application/json" {
        return Ok(Opened::Events(Box::new((response, reading))));
    }
    // A server that does not stream says nothing until it is done: the first byte is the last.
    let identity = identity(response.headers()).map(Chunk::Identity);
    let (body, broken) = collect(response, BODY_LIMIT, started + clocks.total).await;
    if let Some(why) = broken {
        return Err(reading.cut_off(&why));
    }
    let mut chunks: Vec<Chunk> = identity.into_iter().collect();
    let end = reading.whole(&body, &mut chunks).and_then(|()| reading.end(&mut chunks));
    Ok(Opened::Whole(chunks.into_iter().map(Ok).chain(end.err().map(Err)).collect()))
}

/// As much of a body as comes within the limits, and why it is not all of it.
async fn collect(response: reqwest::Response, limit: usize, until: Instant) -> (Vec<u8>, Option<String>) {
    let mut body = Vec::new();
    let mut pieces = response.bytes_stream();
    loop {
        match timeout_at(until, pieces.next()).await {
            Ok(None) => return (body, None),
            Ok(Some(Ok(piece))) if body.len() + piece.len() > limit => {
                body.extend_from_slice(&piece[..limit - body.len()]);
                return (body, Some("the answer is too long".into()));
            }
            Ok(Some(Ok(piece))) => body.extend_from_slice(&piece),
            Ok(Some(Err(error))) => return (body, Some(format!("the connection broke: {}", causes(error)))),
            Err(_) => return (body, Some("the answer did not come to its end in time".into())),
        }
    }
}

/// Reads an event stream to its end. `body` yields bytes, or why the connection broke.
fn read<B, T>(
    body: B,
    reading: Reading,
    peer: Arc<Peer>,
    clocks: Clocks,
    started: Instant,
) -> impl Stream<Item = Result<Chunk, Failure>> + Send
where
    B: Stream<Item = Result<T, String>> + Send + 'static,
    T: AsRef<[u8]> + Send + 'static,
{
    let reader = Reader {
        body: Box::pin(body),
        reading,
        peer,
        clocks,
        started,
        first: None,
        heard: None,
        moved: None,
        finished: None,
        ready: VecDeque::new(),
        over: false,
    };
    stream::unfold(reader, |mut reader| async move { reader.next().await.map(|item| (item, reader)) })
}

struct Reader<B> {
    body: Pin<Box<B>>,
    reading: Reading,
    peer: Arc<Peer>,
    clocks: Clocks,
    started: Instant,
    /// The first byte.
    first: Option<Instant>,
    /// The last byte.
    heard: Option<Instant>,
    /// The last progress, or the first byte.
    moved: Option<Instant>,
    /// When the finish reason came.
    finished: Option<Instant>,
    ready: VecDeque<Result<Chunk, Failure>>,
    over: bool,
}

impl<B, T> Reader<B>
where
    B: Stream<Item = Result<T, String>>,
    T: AsRef<[u8]>,
{
    async fn next(&mut self) -> Option<Result<Chunk, Failure>> {
        while self.ready.is_empty() && !self.over {
            let (deadline, clock) = self.deadline();
            let mut chunks = Vec::new();
            let result = match timeout_at(deadline, self.body.next()).await {
                Ok(Some(Ok(bytes))) => self.heard(bytes.as_ref(), &mut chunks),
                Ok(Some(Err(why))) => {
                    self.over = true;
                    self.reading.broken(&format!("the connection broke ({why})"), &mut chunks)
                }
                Ok(None) => {
                    self.over = true;
                    self.reading.end(&mut chunks)
                }
                Err(_) => {
                    self.over = true;
                    self.expired(clock, &mut chunks)
                }
            };
            self.ready.extend(chunks.into_iter().map(Ok));
            if let Err(failure) = result {
                self.over = true;
                self.ready.push_back(Err(failure));
            }
        }
        self.ready.pop_front()
    }

    fn heard(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), Failure> {
        let now = Instant::now();
        if !bytes.is_empty() {
            self.first.get_or_insert(now);
            self.heard = Some(now);
            self.moved.get_or_insert(now);
        }
        let before = self.reading.progress();
        self.reading.push(bytes, chunks)?;
        let moved = self.reading.progress() != before;
        if moved {
            self.moved = Some(now);
        }
        // Some servers name a reason with every event: the last one counts.
        if self.reading.is_finished() && (moved || self.finished.is_none()) {
            self.finished = Some(now);
        }
        chunks.extend(self.buffered(now));
        if self.reading.is_done() {
            self.over = true;
            self.reading.end(chunks)?;
        }
        Ok(())
    }

    /// A whole answer in one go after a long silence was held back on the way: it works, but nobody sees it grow.
    fn buffered(&self, now: Instant) -> Option<Chunk> {
        let over = self.reading.is_done() || self.reading.is_finished();
        let held = over
            && self.reading.events() >= BUFFERED_EVENTS
            && self.first.is_some_and(|first| first - self.started >= BUFFERED_WAIT && now == first);
        let text =
            "the whole answer came at once: a proxy on the way holds streams back (nginx: X-Accel-Buffering: no)";
        held.then(|| Chunk::Remark(text.to_owned()))
    }

    /// The clock that rings first, and when.
    fn deadline(&self) -> (Instant, Clock) {
        let Clocks { first_byte, idle, progress, total } = self.clocks;
        let silence = match (self.finished, self.heard) {
            (Some(at), _) => (at + LINGER, Clock::Linger),
            (None, None) => (self.started + first_byte, Clock::FirstByte),
            (None, Some(at)) => (at + idle, Clock::Idle),
        };
        let moved = self.moved.map(|at| (at + progress, Clock::Progress));
        let others = [Some((self.started + total, Clock::Total)), moved];
        others.into_iter().flatten().fold(silence, |first, other| if other.0 < first.0 { other } else { first })
    }

    fn expired(&mut self, clock: Clock, chunks: &mut Vec<Chunk>) -> Result<(), Failure> {
        if self.reading.is_finished() {
            return self.reading.end(chunks);
        }
        let Clocks { first_byte, idle, progress, total } = self.clocks;
        match clock {
            Clock::FirstByte => Err(self.peer.unreachable(format!("no answer within {}", seconds(first_byte)))),
            Clock::Idle | Clock::Linger => Err(self.reading.cut_off(&format!("silence for {}", seconds(idle)))),
            Clock::Progress => Err(self.reading.cut_off(&format!("nothing but keep-alives for {}", seconds(progress)))),
            Clock::Total => Err(self.reading.cut_off(&format!("the call took longer than {}", seconds(total)))),
        }
    }
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    FirstByte,
    Idle,
    Progress,
    Total,
    Linger,
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::request::{FailureKind, Finish};
    use crate::models::openai::Completions;

    const CLOCKS: Clocks = Clocks {
        first_byte: Duration::from_secs(300),
        idle: Duration::from_secs(120),
        progress: Duration::from_secs(600),
        total: Duration::from_secs(1_200),
    };

    fn text(text: &str) -> String {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text:?}}}}}]}}\n\n")
    }

    fn stop() -> String {
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".into()
    }

    /// Plays `pieces`, each after so many seconds of virtual time, then stays open in silence.
    async fn play(pieces: Vec<(u64, String)>) -> (String, Result<Finish, FailureKind>, u64) {
        let peer = Arc::new(Peer::test());
        let started = Instant::now();
        let body = stream::iter(pieces)
            .then(|(wait, piece)| async move {
                tokio::time::sleep(Duration::from_secs(wait)).await;
                Ok(piece.into_bytes())
            })
            .chain(stream::pending());
        let reading = Reading::new(peer.clone(), &Completions, Default::default());
        let mut chunks = Box::pin(read(body, reading, peer, CLOCKS, started));
        let mut said = String::new();
        let mut end = Err(FailureKind::Refused);
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(Chunk::Text(text)) => said.push_str(&text),
                Ok(Chunk::Finished(finish)) => end = Ok(finish),
                Ok(_) => {}
                Err(failure) => end = Err(failure.kind),
            }
        }
        (said, end, started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_after_some_text_is_a_cut_and_silence_before_it_is_nobody() {
        assert_eq!(play(vec![(5, text("half"))]).await, ("half".into(), Err(FailureKind::CutOff), 125));
        assert_eq!(play(vec![]).await, (String::new(), Err(FailureKind::Unreachable), 300));
    }

    #[tokio::test(start_paused = true)]
    async fn keep_alive_comments_reset_the_idle_clock() {
        let mut pieces: Vec<_> = (0..5).map(|_| (100, ": OPENROUTER PROCESSING\n\n".to_owned())).collect();
        pieces.extend([(100, text("late")), (100, stop()), (0, "data: [DONE]\n\n".into())]);
        assert_eq!(play(pieces).await, ("late".into(), Ok(Finish::Stop), 700));
    }

    #[tokio::test(start_paused = true)]
    async fn keep_alives_for_ever_and_empty_chunks_for_ever_are_no_progress() {
        let pings = (0..100).map(|_| (60, ": ping\n\n".to_owned())).collect();
        assert_eq!(play(pings).await, (String::new(), Err(FailureKind::CutOff), 660));
        let empty = (0..100).map(|_| (60, "data: {\"choices\":[]}\n\n".to_owned())).collect();
        assert_eq!(play(empty).await, (String::new(), Err(FailureKind::CutOff), 660));
    }

    #[tokio::test(start_paused = true)]
    async fn a_healthy_stream_meets_no_clock_but_the_total() {
        let pieces = (0..100).map(|_| (60, text("x"))).collect();
        let (said, end, after) = play(pieces).await;
        assert_eq!((end, after), (Err(FailureKind::CutOff), 1_200));
        assert!(said.len() >= 19);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_held_back_on_the_way_is_noticed() {
        let whole: String = (0..12).map(|_| text("x")).chain([stop()]).collect();
        let chunks = |wait: u64| {
            let whole = whole.clone();
            async move {
                let peer = Arc::new(Peer::test());
                let body = stream::once(async move {
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                    Ok(whole.into_bytes())
                });
                let reading = Reading::new(peer.clone(), &Completions, Default::default());
                let heard: Vec<_> = read(body, reading, peer, CLOCKS, Instant::now()).collect().await;
                heard.iter().any(|chunk| matches!(chunk, Ok(Chunk::Remark(text)) if text.contains("proxy")))
            }
        };
        assert!(chunks(30).await);
        assert!(!chunks(1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_leaves_the_socket_open_after_the_finish_reason_is_not_waited_for() {
        let pieces = vec![(1, text("all")), (1, stop())];
        assert_eq!(play(pieces).await, ("all".into(), Ok(Finish::Stop), 7));
    }
}
