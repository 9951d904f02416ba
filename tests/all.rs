//! Every test that crosses a module, in one binary: one file per promise.

mod support;

mod architecture;
mod code;
mod journal;
mod models;
mod settings;
mod text;
