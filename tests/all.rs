//! Every test that crosses a module, in one binary: one file per promise.

mod support;

mod architecture;
mod code;
mod command_line;
mod crash;
mod docs;
mod journal;
mod keys;
mod mcp;
mod models;
mod models_live;
mod pty;
mod scenario;
mod screens;
mod settings;
mod terminal;
mod text;
mod watch;
