//! Signals become inputs: the loop decides, so that every way out is the normal way out.

use super::{Input, Sender, Signal};
use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// Listens for SIGTERM, SIGHUP, SIGINT, SIGCONT and SIGWINCH until the channel closes or the task is aborted.
///
/// Call it inside the runtime, before the terminal is touched. Resizes that come in a burst are told once, with the
/// size at the end. SIGTSTP keeps its default meaning, because `Screen::suspend` relies on it.
///
/// # Errors
/// When the system refuses a handler.
pub fn watch_signals(sender: Sender) -> io::Result<JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut resume = signal(SignalKind::from_raw(libc::SIGCONT))?;
    let mut resize = signal(SignalKind::window_change())?;
    Ok(tokio::spawn(async move {
        loop {
            // `recv` merges signals that came while the channel was full, so nothing piles up here.
            let input = tokio::select! {
                biased;
                Some(()) = terminate.recv() => Input::Signal(Signal::Terminate),
                Some(()) = hang_up.recv() => Input::Signal(Signal::HangUp),
                Some(()) = interrupt.recv() => Input::Signal(Signal::Interrupt),
                Some(()) = resume.recv() => Input::Signal(Signal::Continue),
                Some(()) = resize.recv() => match crossterm::terminal::size() {
                    Ok((columns, rows)) => Input::Resize(columns, rows),
                    Err(_) => continue,
                },
                else => break,
            };
            if sender.send(input).await.is_err() {
                break;
            }
        }
    }))
}
