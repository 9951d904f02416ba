//! The console.
//!
//! At its edges: [`terminal`] (the only writer to the terminal), [`input`] (keys, signals, loss), [`clock`] (when to
//! draw), [`action`] and [`keymap`] (what a key means), [`theme`] and [`look`] (what things look like), and [`files`],
//! which reads what a person wrote about the last two. In the middle: [`app`] holds what the console knows, `update`
//! changes it, [`view`] draws it, and [`run()`] is the one loop. The console has no authority: it sends commands and
//! shows records. May import session, watch, chat, text, settings and catalog, and never an engine. To add a key's
//! deed: a row in `action.rs` and an arm in `update/`; a pane, a modal or a layout: see `pane/`, `modal/`, `layout.rs`.

pub mod action;
pub mod app;
pub mod clock;
pub mod files;
pub mod input;
pub mod keymap;
pub mod layout;
mod live;
pub mod look;
pub mod modal;
pub mod nearest;
pub mod paint;
pub mod pane;
mod run;
pub mod terminal;
pub mod theme;
mod update;
pub mod view;
pub mod widget;
pub mod words;

pub use look::Look;
pub use run::{Console, Left, Shell, run};
