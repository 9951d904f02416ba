//! The thread that reads the terminal.

use super::{Decoder, Input, Sender};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;

/// How long after an ESC the rest of a sequence may come. Long enough for a slow line, too short to be felt.
const ESCAPE_WAIT: Duration = Duration::from_millis(30);
/// How soon a full channel is tried again.
const FULL_WAIT: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Read,
    Park,
    Stop,
}

#[derive(Debug)]
struct Agreed {
    wish: Wish,
    parked: bool,
    ended: bool,
}

#[derive(Debug)]
struct Shared {
    agreed: Mutex<Agreed>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Agreed> {
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to the reading thread. Dropping it ends the thread.
///
/// Another program (an editor, a shell after Ctrl-Z) may have the terminal while the reader is parked: from the
/// return of [`Reader::park`] to [`Reader::resume`] not a byte is read.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    wake: UnixStream,
}

impl Reader {
    /// Reads standard input.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated or the thread not started.
    pub fn stdin(sender: Sender) -> io::Result<Self> {
        Reader::spawn(io::stdin().as_fd().try_clone_to_owned()?, sender)
    }

    /// Reads a descriptor until it hangs up, which is told with [`Input::Gone`] and ends the thread.
    ///
    /// # Errors
    /// When the thread or its wake-up line cannot be made.
    pub fn spawn(terminal: OwnedFd, sender: Sender) -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let agreed = Agreed { wish: Wish::Read, parked: false, ended: false };
        let shared = Arc::new(Shared { agreed: Mutex::new(agreed), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("terminal-reader".to_owned()).spawn(move || {
            // Told also when the thread unwinds, so that `park` never waits for a thread that is no more.
            let _ended = Ended(Arc::clone(&theirs));
            Loop { terminal, woken, sender, shared: theirs, decoder: Decoder::default(), waiting: VecDeque::new() }
                .run();
        })?;
        Ok(Reader { shared, wake })
    }

    /// Returns when the thread has stopped reading.
    pub fn park(&self) {
        let mut agreed = self.ask(Wish::Park);
        while !agreed.parked && !agreed.ended {
            agreed = self.shared.changed.wait(agreed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reads again after [`Reader::park`]; half a sequence from before is forgotten.
    pub fn resume(&self) {
        drop(self.ask(Wish::Read));
    }

    fn ask(&self, wish: Wish) -> MutexGuard<'_, Agreed> {
        let mut agreed = self.shared.lock();
        agreed.wish = wish;
        self.shared.changed.notify_all();
        // A full line means that a wake-up is already on its way.
        let _ = (&self.wake).write(&[1]);
        agreed
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.ask(Wish::Stop));
    }
}

struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

/// What there is to do after waiting.
enum Woken {
    Bytes,
    /// Nothing within the time given.
    Quiet,
    /// A wish, or a signal: look again.
    Interrupted,
    Gone,
}

struct Loop {
    terminal: OwnedFd,
    woken: UnixStream,
    sender: Sender,
    shared: Arc<Shared>,
    decoder: Decoder,
    /// Decoded, but the channel was full. Nothing more is read meanwhile, so this stays small; and the thread never
    /// blocks on the channel, so the loop may park it at any time.
    waiting: VecDeque<Input>,
}

impl Loop {
    fn run(mut self) {
        let mut gone = false;
        while self.granted() && self.deliver() && !(gone && self.waiting.is_empty()) {
            if !self.waiting.is_empty() {
                self.wait(false, Some(FULL_WAIT));
                continue;
            }
            let patience = self.decoder.is_undecided().then_some(ESCAPE_WAIT);
            match self.wait(true, patience) {
                Woken::Bytes => gone = !self.read(),
                Woken::Quiet if patience.is_some() => self.decoder.settle(),
                Woken::Quiet | Woken::Interrupted => {}
                Woken::Gone => gone = true,
            }
            self.waiting.extend(std::iter::from_fn(|| self.decoder.take()));
            if gone {
                self.waiting.push_back(Input::Gone);
            }
        }
    }

    /// Stands still while parked. False when the thread should end.
    fn granted(&mut self) -> bool {
        let mut agreed = self.shared.lock();
        if agreed.wish == Wish::Park {
            self.decoder = Decoder::default();
            agreed.parked = true;
            self.shared.changed.notify_all();
            while agreed.wish == Wish::Park {
                agreed = self.shared.changed.wait(agreed).unwrap_or_else(PoisonError::into_inner);
            }
            agreed.parked = false;
        }
        agreed.wish != Wish::Stop
    }

    /// Hands over what the channel takes. False when nobody listens any more.
    fn deliver(&mut self) -> bool {
        while let Some(input) = self.waiting.pop_front() {
            match self.sender.try_send(input) {
                Ok(()) => {}
                Err(TrySendError::Full(input)) => {
                    self.waiting.push_front(input);
                    break;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        true
    }

    /// Waits for the terminal (if asked to) or a wish. `poll(2)` tells hang-ups whether asked to or not.
    fn wait(&mut self, for_bytes: bool, patience: Option<Duration>) -> Woken {
        let entry = |fd: RawFd, events| libc::pollfd { fd, events, revents: 0 };
        // poll skips negative descriptors.
        let terminal = if for_bytes { self.terminal.as_raw_fd() } else { -1 };
        let mut fds = [entry(terminal, libc::POLLIN), entry(self.woken.as_raw_fd(), libc::POLLIN)];
        let millis = patience.map_or(-1, |patience| patience.as_millis() as libc::c_int);
        // SAFETY: `fds` is an array of two initialised entries, which is what the length says.
        let found = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, millis) };
        if found < 0 {
            let interrupted = io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
            return if interrupted { Woken::Interrupted } else { Woken::Gone };
        }
        if fds[1].revents != 0 {
            let mut wishes = [0; 64];
            let _ = self.woken.read(&mut wishes);
        }
        // Bytes first: what was typed before the line dropped is still read. The next round finds the hang-up.
        if fds[0].revents & libc::POLLIN != 0 {
            Woken::Bytes
        } else if fds[0].revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
            Woken::Gone
        } else if fds[1].revents != 0 {
            Woken::Interrupted
        } else {
            Woken::Quiet
        }
    }

    /// Reads once; poll said that it will not block. False at the end of the file or on an error that stays.
    fn read(&mut self) -> bool {
        let mut bytes = [0u8; 4096];
        // SAFETY: the buffer is writable for the length given, and the descriptor is owned by `self`.
        let count = unsafe { libc::read(self.terminal.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
        match usize::try_from(count) {
            Ok(0) => false,
            Ok(count) => {
                self.decoder.feed(&bytes[..count]);
                true
            }
            Err(_) => {
                let kind = io::Error::last_os_error().kind();
                matches!(kind, io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
            }
        }
    }
}
