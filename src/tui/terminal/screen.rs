//! The screen: taking the terminal, drawing frames, giving it back.

use super::backend::FrameBackend;
use super::device::{Device, Tty};
use super::modes::{FRAME_BEGINS, FRAME_ENDS};
use super::rescue::Rescue;
use super::suspend::{NotSuspended, stop_process};
use super::writer::{Shared, Writer};
use crate::tui::input::Sender;
use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use ratatui::layout::Size;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Longest text that [`Screen::copy`] sends, in bytes. Many terminals take no more than this at once.
pub const COPY_LIMIT: usize = 100 * 1024;
/// Longest window title, in characters.
const TITLE_LIMIT: usize = 80;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// It is on its way; [`Input::Drawn`](crate::tui::input::Input::Drawn) will say when it is written.
    Sent,
    /// It looks exactly like the last one, so nothing was sent and the next may be drawn at once.
    Same,
    /// The last one is still being written. Nothing was drawn: ask again after
    /// [`Input::Drawn`](crate::tui::input::Input::Drawn).
    Skipped,
}

/// Why a text was not sent to the terminal's clipboard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// It is too long.
    #[error("not copied: {} KB is more than the {} KB a terminal takes; export the transcript instead", .0.div_ceil(1024), COPY_LIMIT / 1024)]
    TooLong(usize),
    /// There is nothing in it.
    #[error("not copied: there is nothing selected")]
    Empty,
}

/// The terminal, taken. Dropping it gives the terminal back.
pub struct Screen<D: Device = Tty> {
    shared: Arc<Shared<D>>,
    writer: Writer,
    terminal: Terminal<FrameBackend>,
    /// The terminal shows something else than we think.
    stale: bool,
    /// What goes out with the next frame: titles and copies.
    aside: Vec<u8>,
    /// Our title, if we set one: it is set again whenever the terminal is taken again.
    title: Option<String>,
}

impl<D: Device> Screen<D> {
    /// Takes the terminal: raw mode, the other screen, bracketed paste on, mouse and focus reports off. The writer
    /// thread reports through `inputs`.
    ///
    /// # Errors
    /// When the terminal cannot be taken; it is then as it was.
    pub fn enter(device: D, inputs: Sender) -> io::Result<Self> {
        let (width, height) = device.size()?;
        let options = TerminalOptions { viewport: Viewport::Fullscreen };
        let terminal = Terminal::with_options(FrameBackend::new(Size { width, height }), options)?;
        let shared = Arc::new(Shared::new(device));
        let writer = Writer::start(Arc::clone(&shared), inputs)?;
        shared.enter()?;
        Ok(Screen { shared, writer, terminal, stale: true, aside: Vec::new(), title: None })
    }

    /// Whether a frame can be drawn now, because the last one is written.
    pub fn ready(&self) -> bool {
        !self.shared.is_busy()
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        self.terminal.size().map(|size| (size.width, size.height)).unwrap_or_default()
    }

    /// The terminal has another size, as [`Input::Resize`](crate::tui::input::Input::Resize) said. Zero means that the
    /// terminal does not know, and changes nothing.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        if columns == 0 || rows == 0 {
            return;
        }
        self.terminal.backend_mut().resize(Size { width: columns, height: rows });
        self.stale = true;
    }

    /// The next frame is sent whole, whatever the terminal shows now.
    pub fn invalidate(&mut self) {
        self.stale = true;
    }

    /// Draws a frame, unless the last one is still being written. The real cursor stands where the frame sets it,
    /// and is hidden where it sets none.
    ///
    /// # Errors
    /// When the writer has ended. It says so with [`Input::Gone`](crate::tui::input::Input::Gone) before.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Frame)) -> io::Result<Drawn> {
        if !self.ready() {
            return Ok(Drawn::Skipped);
        }
        let mut frame = self.shared.buffer();
        frame.append(&mut self.aside);
        let aside = frame.len();
        frame.extend_from_slice(FRAME_BEGINS);
        let begun = frame.len();
        self.terminal.backend_mut().bytes = frame;
        if std::mem::take(&mut self.stale) {
            self.terminal.backend_mut().forget();
            self.terminal.clear()?;
        }
        self.terminal.draw(paint)?;
        let mut frame = std::mem::take(&mut self.terminal.backend_mut().bytes);
        if frame.len() > begun {
            frame.extend_from_slice(FRAME_ENDS);
        } else {
            frame.truncate(aside);
        }
        if frame.is_empty() {
            return Ok(Drawn::Same);
        }
        self.writer.hand(&self.shared, frame)?;
        Ok(Drawn::Sent)
    }

    /// Puts a text on the clipboard of the terminal (OSC 52) with the next frame, and returns what can be said about
    /// it: that it was sent, for no terminal tells whether it was taken.
    ///
    /// # Errors
    /// When it is empty or longer than [`COPY_LIMIT`].
    pub fn copy(&mut self, text: &str) -> Result<String, CopyError> {
        match text.len() {
            0 => return Err(CopyError::Empty),
            length if length > COPY_LIMIT => return Err(CopyError::TooLong(length)),
            _ => {}
        }
        // Writing to memory cannot fail.
        let _ = queue!(self.aside, CopyToClipboard::to_clipboard_from(text));
        Ok(format!("{} characters sent to the terminal", text.chars().count()))
    }

    /// Sets the window's title with the next frame. Only for our own words; control and hidden characters are left
    /// out all the same. The title that was there before comes back with the terminal.
    pub fn set_title(&mut self, title: &str) {
        // A semicolon would part the title in two for some terminals.
        let shown = |c: &char| !c.is_control() && *c != ';' && (c.is_ascii() || c.is_alphanumeric());
        self.title = Some(title.chars().filter(shown).take(TITLE_LIMIT).collect());
        self.send_title();
    }

    fn send_title(&mut self) {
        if let Some(title) = &self.title {
            self.aside.extend_from_slice(b"\x1b]2;");
            self.aside.extend_from_slice(title.as_bytes());
            self.aside.extend_from_slice(b"\x1b\\");
        }
    }

    /// Gives the terminal back. Does nothing when it is given back already.
    pub fn leave(&mut self) {
        self.shared.leave();
    }

    /// Writes a line of our own words to the terminal that was given back.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn print(&self, words: &str) -> io::Result<()> {
        self.shared.device.write_all(words.as_bytes())
    }

    /// Takes the terminal again after [`Screen::leave`] (for `$EDITOR`), or after the process was stopped from
    /// outside and goes on. The next frame is sent whole.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn enter_again(&mut self) -> io::Result<()> {
        self.stale = true;
        self.shared.enter()?;
        self.send_title();
        if let Ok((columns, rows)) = self.shared.device.size() {
            self.resize(columns, rows);
        }
        Ok(())
    }

    /// Gives the terminal back, stops the process and its group as Ctrl-Z does, and takes the terminal again when the
    /// process goes on. The reader must be parked meanwhile.
    ///
    /// # Errors
    /// When nobody could let the process go on, or the terminal is gone. In the first case nothing has happened.
    pub fn suspend(&mut self) -> Result<(), NotSuspended> {
        NotSuspended::reason()?;
        self.leave();
        let stopped = stop_process();
        self.enter_again()?;
        Ok(stopped?)
    }

    /// What gives the terminal back when the program panics, with crash reports in `reports`.
    pub fn rescue(&self, reports: PathBuf) -> Rescue {
        let shared = Arc::clone(&self.shared);
        Rescue::new(reports, move || shared.leave())
    }
}

impl<D: Device> Drop for Screen<D> {
    fn drop(&mut self) {
        self.leave();
    }
}
