//! The console.

pub mod text;
pub mod widget;
