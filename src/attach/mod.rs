//! Several consoles at one engine: the desk that stands between them, and the Unix socket over which they come.
//!
//! The engine sees one view and hears one operator. At the desk every console has a seat; one holds the baton and commands,
//! the others watch. A console in another process speaks lines of JSON: commands one way, records and updates the other.
//! No TCP port is opened; the socket is its owner's alone, and whoever connects is asked who they are. May import
//! `session` and `chat`.

mod desk;
#[cfg(unix)]
mod socket;

pub use desk::{Desk, Kind, Seat, Tried, Trier};
#[cfg(unix)]
pub use socket::{AttachError, Attached, Served, attach, serve, socket_path};
