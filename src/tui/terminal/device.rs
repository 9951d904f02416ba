//! The thing that is written to.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};

/// A terminal as the screen needs it. [`Tty`] is the real one; tests have one that feeds an emulator.
///
/// All methods take `&self`, because a panic on one thread must give the terminal back while another is writing.
pub trait Device: Send + Sync + 'static {
    /// Writes all of it, however long that takes.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn write_all(&self, bytes: &[u8]) -> io::Result<()>;

    /// Switches raw mode: no echo, no line editing, no signals from keys.
    ///
    /// # Errors
    /// When the terminal is gone or is none.
    fn raw(&self, on: bool) -> io::Result<()> {
        let _ = on;
        Ok(())
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal is gone or is none.
    fn size(&self) -> io::Result<(u16, u16)>;

    /// The terminal takes nothing any more (Ctrl-S, a dead line): throws away what was written and not yet taken, so
    /// that leaving does not wait for it. False when even then it takes nothing.
    fn unstick(&self) -> bool {
        true
    }
}

/// The process's own terminal: standard output.
#[derive(Debug, Default)]
pub struct Tty;

impl Tty {
    fn fd() -> RawFd {
        io::stdout().as_raw_fd()
    }

    /// Whether a write would be taken within the time, in milliseconds.
    fn takes(millis: libc::c_int) -> bool {
        let mut fd = libc::pollfd { fd: Tty::fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: one initialised entry, as the length says.
        let found = unsafe { libc::poll(&mut fd, 1, millis) };
        found == 1 && fd.revents & libc::POLLOUT != 0
    }
}

impl Device for Tty {
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        // Not through `Stdout`: its lock and its line buffer belong to the rest of the program.
        while !bytes.is_empty() {
            // SAFETY: the slice is readable for its length.
            let count = unsafe { libc::write(Tty::fd(), bytes.as_ptr().cast(), bytes.len()) };
            match usize::try_from(count) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    // Someone who shares the terminal made it non-blocking.
                    error if error.kind() == io::ErrorKind::WouldBlock => {
                        Tty::takes(1000);
                    }
                    error => return Err(error),
                },
            }
        }
        Ok(())
    }

    fn raw(&self, on: bool) -> io::Result<()> {
        if on { crossterm::terminal::enable_raw_mode() } else { crossterm::terminal::disable_raw_mode() }
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        // A terminal that does not know its size (a serial line) says zero.
        crossterm::terminal::size()
            .map(|(columns, rows)| if columns == 0 || rows == 0 { (80, 24) } else { (columns, rows) })
    }

    fn unstick(&self) -> bool {
        // What print! left in the line buffer would otherwise come after us.
        if Tty::takes(0) {
            let _ = io::stdout().flush();
            return true;
        }
        // SAFETY: both calls take a descriptor and a constant; on anything but a terminal they fail harmlessly.
        unsafe {
            libc::tcflush(Tty::fd(), libc::TCOFLUSH);
            libc::tcflow(Tty::fd(), libc::TCOON);
        }
        Tty::takes(200)
    }
}
