//! The thread that writes frames, and what it shares with those who give the terminal back.

use super::device::Device;
use super::modes::{BREAK_OFF, ENTER, LEAVE, NOT_ASIDE, PUT_ASIDE};
use crate::tui::input::{Input, Sender};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// How much is written under one hold of the lock. Between two pieces the terminal can be given back.
const PIECE: usize = 4096;
/// How often, and how long apart, leaving tries to get the lock from a writer that is stuck.
const TRIES: u32 = 30;
const TRY_WAIT: Duration = Duration::from_millis(10);

/// The terminal, shared by the screen, its writer and the panic hook.
pub(super) struct Shared<D: Device> {
    pub device: D,
    /// Who holds it may write. Says whether a frame was broken off in the middle.
    writing: Mutex<bool>,
    /// Whether the terminal is ours.
    inside: AtomicBool,
    /// Whether a frame is being written.
    busy: AtomicBool,
    /// The last frame's buffer, to be used again.
    spare: Mutex<Vec<u8>>,
}

fn whole<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Device> Shared<D> {
    pub fn new(device: D) -> Self {
        Shared {
            device,
            writing: Mutex::new(false),
            inside: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            spare: Mutex::new(Vec::new()),
        }
    }

    /// Takes the terminal, whether it was given back before or somebody changed it behind our back.
    pub fn enter(&self) -> io::Result<()> {
        let aside = if self.inside.swap(false, Ordering::SeqCst) {
            // A shell that had the terminal meanwhile made it its own; raw mode must be set anew, not only noted.
            self.device.raw(false)?;
            NOT_ASIDE
        } else {
            PUT_ASIDE
        };
        self.device.raw(true)?;
        let mut broken = whole(&self.writing);
        let break_off = if std::mem::take(&mut *broken) { BREAK_OFF } else { &[] };
        self.inside.store(true, Ordering::SeqCst);
        let entered = self.device.write_all(&[break_off, aside, ENTER].concat());
        drop(broken);
        if entered.is_err() {
            self.leave();
        }
        entered
    }

    /// Gives the terminal back. Does nothing when it is not ours; never waits for long; any thread may call it.
    pub fn leave(&self) {
        if !self.inside.swap(false, Ordering::SeqCst) {
            return;
        }
        // From here on the writer writes no further piece. If it hangs in one, the terminal takes nothing.
        let mut hold = self.try_hold();
        let takes = hold.is_some() || self.device.unstick();
        hold = hold.or_else(|| self.try_hold());
        if takes && self.device.unstick() {
            let broken = hold.as_mut().is_none_or(|broken| std::mem::take(&mut **broken));
            let break_off = if broken { BREAK_OFF } else { &[] };
            // A terminal that is gone needs nothing back.
            let _ = self.device.write_all(&[break_off, LEAVE].concat());
        }
        let _ = self.device.raw(false);
    }

    fn try_hold(&self) -> Option<MutexGuard<'_, bool>> {
        for _ in 0..TRIES {
            match self.writing.try_lock() {
                Ok(hold) => return Some(hold),
                Err(TryLockError::Poisoned(hold)) => return Some(hold.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_WAIT),
            }
        }
        None
    }

    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }

    /// An empty buffer with room.
    pub fn buffer(&self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut *whole(&self.spare));
        buffer.clear();
        buffer
    }

    /// Writes a frame piece by piece, as long as the terminal is ours.
    fn write(&self, frame: &[u8]) -> io::Result<()> {
        let mut pieces = frame.chunks(PIECE).peekable();
        while let Some(piece) = pieces.next() {
            let mut broken = whole(&self.writing);
            if !self.inside.load(Ordering::SeqCst) {
                return Ok(());
            }
            // If the terminal is given back between this piece and the next, it may stand inside a sequence.
            *broken = pieces.peek().is_some();
            self.device.write_all(piece)?;
        }
        Ok(())
    }
}

/// The sending side of the writer thread.
pub(super) struct Writer {
    frames: SyncSender<Vec<u8>>,
}

impl Writer {
    /// Starts the thread. It ends with the `Writer`, or when the terminal is gone.
    pub fn start<D: Device>(shared: Arc<Shared<D>>, inputs: Sender) -> io::Result<Self> {
        let (frames, waiting) = sync_channel(1);
        std::thread::Builder::new()
            .name("terminal-writer".to_owned())
            .spawn(move || write_frames(&shared, &waiting, &inputs))?;
        Ok(Writer { frames })
    }

    /// Hands a frame over. Only when not busy.
    pub fn hand<D: Device>(&self, shared: &Shared<D>, frame: Vec<u8>) -> io::Result<()> {
        shared.busy.store(true, Ordering::SeqCst);
        self.frames.try_send(frame).map_err(|error| match error {
            TrySendError::Full(_) => io::Error::other("the previous frame is still being written"),
            TrySendError::Disconnected(_) => io::ErrorKind::BrokenPipe.into(),
        })
    }
}

fn write_frames<D: Device>(shared: &Shared<D>, frames: &Receiver<Vec<u8>>, inputs: &Sender) {
    while let Ok(frame) = frames.recv() {
        let written = shared.write(&frame);
        *whole(&shared.spare) = frame;
        // Not busy before it is told, so that whoever hears of it can draw.
        let news = match written {
            Ok(()) => {
                shared.busy.store(false, Ordering::SeqCst);
                Input::Drawn
            }
            Err(_) => Input::Gone,
        };
        let gone = news == Input::Gone;
        // This thread may wait for the loop; the loop never waits for this thread.
        if inputs.blocking_send(news).is_err() || gone {
            break;
        }
    }
}
