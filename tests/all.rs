//! Every test that crosses a module, in one binary: one file per promise.

mod support;

mod architecture;
mod code;
mod docs;
mod journal;
mod keys;
mod models;
mod models_live;
mod scenario;
mod screens;
mod settings;
mod terminal;
mod text;
