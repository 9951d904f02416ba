//! The terminal: the only module that writes to it.
//!
//! A [`Screen`] takes the terminal on [`Screen::enter`] and gives it back as it was on every path: leaving, dropping,
//! suspending, a panic ([`Rescue`]). Frames are drawn into a buffer by ratatui and written by a thread of its own,
//! one at a time, so that a slow terminal slows nothing but itself. May import [`input`](super::input), to say that a
//! frame is written or the terminal gone. Colours come in from the theme already chosen. To add a terminal mode: a
//! row in `modes.rs`, so that it is taken and given back at the same place.

mod backend;
mod checks;
mod device;
mod modes;
mod rescue;
mod screen;
mod suspend;
mod writer;

pub use checks::{refuse_reason, unicode_locale};
pub use device::{Device, Tty};
pub use rescue::Rescue;
pub use screen::{COPY_LIMIT, CopyError, Drawn, Screen};
pub use suspend::NotSuspended;
