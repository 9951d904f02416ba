//! The console.
//!
//! At its edges: [`terminal`] (the only writer to the terminal), [`input`] (keys, signals, loss), [`clock`] (when to
//! draw), [`action`] and [`keymap`] (what a key means), [`theme`] (what things look like), and [`files`], which reads
//! what a person wrote about the last two. May import session, watch, chat, settings and catalog, and never an engine.

pub mod action;
pub mod clock;
pub mod files;
pub mod input;
pub mod keymap;
pub mod nearest;
pub mod terminal;
pub mod text;
pub mod theme;
