//! The Unix socket: its place, who may come, and what is said over it.

use super::desk::{Desk, Kind, Seat};
use crate::chat::command::Command;
use crate::chat::event::Record;
use crate::chat::update::Update;
use crate::session::Session;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, Take};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// The language that is spoken; raised when an older console would misunderstand.
const PROTOCOL: u32 = 1;
/// Longest line, in bytes: a record holds at most an output, which is limited.
const LONGEST: u64 = 256 << 20;
/// Longest path of a socket that every system takes.
const PATH: usize = 100;

/// Why a console cannot be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Nobody serves the session.
    #[error("nobody runs {session} at the moment ({why}). `plenary open {session}` goes on with it.")]
    Nobody {
        /// The session.
        session: String,
        /// The system's words.
        why: io::Error,
    },
    /// The other side is of another version.
    #[error(
        "the run was started by another version of Plenary (protocol {theirs}, ours is {ours}). Attach with that one."
    )]
    Version {
        /// What it speaks.
        theirs: u32,
        /// What we speak.
        ours: u32,
    },
    /// The connection broke, or what came makes no sense.
    #[error("the run could not be shown: {0}")]
    Broken(String),
}

/// The first line of a server.
#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    protocol: u32,
    session: String,
    records: u64,
}

/// The first line of a console.
#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    protocol: u32,
    name: String,
}

/// Where the socket of a session is: below the data directory, or, where that path is too long for a socket, below the
/// directory for temporary files in a directory of the user's own.
pub fn socket_path(data: &Path, session: &str) -> PathBuf {
    let near = data.join("run").join(format!("{session}.sock"));
    if near.as_os_str().len() <= PATH {
        return near;
    }
    // SAFETY: asks for a number.
    let user = unsafe { libc::geteuid() };
    let short: u64 = near
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    std::env::temp_dir().join(format!("plenary-{user}")).join(format!("{short:016x}.sock"))
}

/// A served socket; dropping it takes the socket away.
#[derive(Debug)]
pub struct Served {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Lets consoles of this user come to the desk. Call it only while holding the session's lock: a socket that is there
/// already is then one that nobody serves.
///
/// # Errors
/// When the socket cannot be made, or its directory is not this user's alone.
pub fn serve(path: &Path, session: &str, desk: Desk) -> io::Result<Served> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    // SAFETY: asks for a number.
    let user = unsafe { libc::geteuid() };
    let about = fs::symlink_metadata(dir)?;
    if !about.is_dir() || about.uid() != user || about.mode() & 0o077 != 0 {
        let why = format!("{} is not a directory of yours alone", dir.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let session = session.to_owned();
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            // The directory and the mode keep others out already; the kernel says who it is all the same.
            if stream.peer_cred().is_ok_and(|peer| peer.uid() == user) {
                let (desk, session) = (desk.clone(), session.clone());
                tokio::spawn(async move {
                    let _ = host(stream, &session, desk).await;
                });
            }
        }
    });
    Ok(Served { path: path.to_owned(), task })
}

type Lines = BufReader<Take<OwnedReadHalf>>;

async fn line<T: for<'de> Deserialize<'de>>(lines: &mut Lines, text: &mut Vec<u8>) -> io::Result<Option<T>> {
    text.clear();
    lines.get_mut().set_limit(LONGEST);
    if lines.read_until(b'\n', text).await? == 0 {
        return Ok(None);
    }
    serde_json::from_slice(text).map(Some).map_err(io::Error::other)
}

async fn put(out: &mut BufWriter<OwnedWriteHalf>, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    out.write_all(&text).await
}

/// One console in another process.
async fn host(stream: UnixStream, session: &str, desk: Desk) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let (mut lines, mut out) = (BufReader::new(read.take(LONGEST)), BufWriter::new(write));
    let mut text = Vec::new();
    let greeting: Greeting = match line(&mut lines, &mut text).await? {
        Some(greeting) => greeting,
        None => return Ok(()),
    };
    let name: String = greeting.name.chars().take(60).collect();
    let Some(Seat { records, commands, mut updates }) = desk.sit(name, Kind::Remote).await else { return Ok(()) };
    let hello = Hello { protocol: PROTOCOL, session: session.to_owned(), records: records.len() as u64 };
    put(&mut out, &hello).await?;
    for record in &records {
        put(&mut out, &**record).await?;
    }
    out.flush().await?;
    drop(records);
    if greeting.protocol != PROTOCOL {
        return Ok(());
    }
    let hear = async move {
        while let Ok(Some(command)) = line::<Command>(&mut lines, &mut text).await {
            if commands.send(command).await.is_err() {
                return;
            }
        }
    };
    let tell = async move {
        while let Some(update) = updates.recv().await {
            put(&mut out, &update).await?;
            while let Ok(more) = updates.try_recv() {
                put(&mut out, &more).await?;
            }
            out.flush().await?;
        }
        io::Result::Ok(())
    };
    tokio::select! {
        () = hear => Ok(()),
        done = tell => done,
    }
}

/// A console's side: the session as it stands, and the two channels.
pub struct Attached {
    /// The session as it stands.
    pub session: Session,
    /// Where commands go.
    pub commands: mpsc::Sender<Command>,
    /// Where updates come from.
    pub updates: mpsc::Receiver<Update>,
}

/// Connects to whoever runs a session.
///
/// # Errors
/// When nobody does, or it is of another version.
pub async fn attach(path: &Path, session: &str, name: &str) -> Result<Attached, AttachError> {
    let nobody = |why| AttachError::Nobody { session: session.to_owned(), why };
    let broken = |error: io::Error| AttachError::Broken(error.to_string());
    let stream = UnixStream::connect(path).await.map_err(nobody)?;
    let (read, write) = stream.into_split();
    let (mut lines, mut out) = (BufReader::new(read.take(LONGEST)), BufWriter::new(write));
    put(&mut out, &Greeting { protocol: PROTOCOL, name: name.to_owned() }).await.map_err(broken)?;
    out.flush().await.map_err(broken)?;
    let mut text = Vec::new();
    let ended = || AttachError::Broken("the run has just stopped".to_owned());
    let hello: Hello = line(&mut lines, &mut text).await.map_err(broken)?.ok_or_else(ended)?;
    if hello.protocol != PROTOCOL {
        return Err(AttachError::Version { theirs: hello.protocol, ours: PROTOCOL });
    }
    let mut shown = Session::default();
    for _ in 0..hello.records {
        let record: Record = line(&mut lines, &mut text).await.map_err(broken)?.ok_or_else(ended)?;
        shown.apply(Arc::new(record)).map_err(|error| AttachError::Broken(error.to_string()))?;
    }
    let (commands, mut said) = mpsc::channel::<Command>(64);
    let (to, updates) = mpsc::channel(4096);
    tokio::spawn(async move {
        while let Ok(Some(update)) = line::<Update>(&mut lines, &mut text).await {
            if to.send(update).await.is_err() {
                return;
            }
        }
        let text = "The run is no longer connected; it may have ended. Leave, and attach or open it again.".to_owned();
        let _ = to.send(Update::Fault { text }).await;
        let _ = to.send(Update::Closed).await;
    });
    tokio::spawn(async move {
        while let Some(command) = said.recv().await {
            if put(&mut out, &command).await.is_err() || out.flush().await.is_err() {
                return;
            }
        }
        let _ = out.shutdown().await;
    });
    Ok(Attached { session: shown, commands, updates })
}
