//! Parts that panes share: state and arithmetic of things on the screen that are not one pane's own.
//!
//! Pure: they may import `text` and nothing that draws on a terminal, reads a clock or knows the engine. To add
//! one, add a file named after the thing and a `pub mod` line here.

pub mod editor;
pub mod heights;
