//! The panes: what stands side by side on the screen.
//!
//! Each draws from the session, the live streams and its own small state, and changes nothing. `measure` may fill
//! caches before a frame; `draw` is a function of what is there. May import the session, [`crate::chat`],
//! [`crate::text`] and the theme. To add a pane: a file here, and its place in `view.rs`.

pub mod agents;
mod by_hand;
pub mod floor;
pub mod foot;
pub mod item;
pub mod status;
pub mod transcript;
mod under_way;
