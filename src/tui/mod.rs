//! The console.

pub mod text;
