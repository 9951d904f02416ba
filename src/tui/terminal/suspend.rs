//! Ctrl-Z.

use std::io;
use std::time::Duration;

/// Why the process was not stopped.
#[derive(Debug, thiserror::Error)]
pub enum NotSuspended {
    /// The process leads its session: no shell is there to bring it back.
    #[error("there is no shell to come back from; the console was started as the terminal's own program")]
    NoShell,
    /// The terminal is gone, or the system refused.
    #[error("the terminal could not be given over and taken back: {0}")]
    Terminal(#[from] io::Error),
}

impl NotSuspended {
    /// Refuses when suspending would leave the process stopped for ever.
    pub(super) fn reason() -> Result<(), NotSuspended> {
        // SAFETY: both calls only ask about this process.
        let leads = unsafe { libc::getsid(0) == libc::getpid() };
        if leads { Err(NotSuspended::NoShell) } else { Ok(()) }
    }
}

/// Stops the process group, as the terminal's own Ctrl-Z does, so that a program that started us stops as well and
/// the shell notices. Returns when the process goes on.
pub(super) fn stop_process() -> io::Result<()> {
    // SAFETY: a signal to our own group; its default meaning stops us.
    if unsafe { libc::kill(0, libc::SIGTSTP) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Another thread may be the one that takes the signal, and the call may return before the stop reaches this one.
    // The stop is certain to fall into this sleep, and not into what the caller does next. In an orphaned group the
    // system drops the signal, and the sleep is all that happens.
    std::thread::sleep(Duration::from_millis(20));
    Ok(())
}
