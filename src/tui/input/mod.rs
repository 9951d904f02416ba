//! What comes in from the terminal: keys, pastes, sizes, signals, and its loss.
//!
//! A thread of its own ([`Reader`]) waits for the terminal with `poll(2)` and decodes ([`Decoder`], pure) into
//! [`Input`]; a task ([`watch_signals`]) adds signals and sizes; the screen's writer adds [`Input::Drawn`]. All share
//! one bounded channel, which the loop drains. May import nothing of ours but the keys' names. To add a kind of
//! input: a variant here, and a sequence in `decode.rs`.

mod decode;
mod key;
mod reader;
mod signals;

pub use decode::Decoder;
pub use key::{Key, KeyNameError, KeyPress};
pub use reader::Reader;
pub use signals::watch_signals;

/// Longest paste that is kept, in bytes. What is longer is cut, and says so.
pub const PASTE_LIMIT: usize = 1 << 20;

/// How many inputs may wait for the loop. The reader stops reading when they do: the kernel keeps the rest.
pub const WAITING: usize = 256;

/// The loop's end of the channel.
pub type Inputs = tokio::sync::mpsc::Receiver<Input>;
/// The end that the reader, the signals and the writer share.
pub type Sender = tokio::sync::mpsc::Sender<Input>;

/// One thing that happened at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeated.
    Key(KeyPress),
    /// Text was pasted. It is text, whatever it contains: it never acts as keys.
    Paste {
        /// The text, at most [`PASTE_LIMIT`] bytes.
        text: String,
        /// Whether it was longer.
        cut: bool,
    },
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// The terminal's window has the focus.
    FocusGained,
    /// The terminal's window lost the focus.
    FocusLost,
    /// Something was done with the mouse. Comes only where it was asked for.
    Mouse(Mouse),
    /// The terminal told of its background.
    Background {
        /// Whether it is light.
        light: bool,
    },
    /// A signal asks for something.
    Signal(Signal),
    /// The terminal is gone: hang-up, end of file or an error on either side. Nothing comes after it from its sender.
    Gone,
    /// The last frame is written; the next may be drawn.
    Drawn,
}

/// Something done with the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// Where, counted from 0.
    pub column: u16,
    /// Where, counted from 0.
    pub row: u16,
}

/// What was done with the mouse; only the left button counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The button went down.
    Press,
    /// It moved while the button was down.
    Drag,
    /// The button went up.
    Release,
    /// The wheel, away from the hand.
    WheelUp,
    /// The wheel, towards the hand.
    WheelDown,
}

/// The signals that the loop answers. The process leaves by its normal path on the first three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: exit code 143.
    Terminate,
    /// SIGHUP: exit code 129.
    HangUp,
    /// SIGINT from outside, as the terminal in raw mode sends a key instead: exit code 130.
    Interrupt,
    /// SIGCONT: the process was stopped and goes on; the screen must be taken again and drawn whole.
    Continue,
}

impl Signal {
    /// The exit code of a process that ends because of this signal, if it is one that ends processes.
    pub fn exit_code(self) -> Option<i32> {
        match self {
            Signal::Terminate => Some(143),
            Signal::HangUp => Some(129),
            Signal::Interrupt => Some(130),
            Signal::Continue => None,
        }
    }
}

/// A channel of the right length.
pub fn channel() -> (Sender, Inputs) {
    tokio::sync::mpsc::channel(WAITING)
}
