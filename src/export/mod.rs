//! A session as something to hand on: markdown, one HTML file, plain text.
//!
//! [`story`] says what is worth reading of a branch, in order and made safe; each format is one file that writes a
//! [`Story`] down. What looks like a key is struck out and counted. May import `session`, `chat`, `text` and `settings`
//! (which knows what keys look like). Pure. A new format is a file and a row of [`FORMATS`].

mod html;
mod markdown;
mod story;
mod text;

pub use story::{Kind, Passage, Story, story, strike_keys};

/// A way to write a story down.
pub struct Format {
    /// As typed after `--format`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Writes it.
    pub write: fn(&Story) -> String,
}

/// Every format that is made for reading.
pub static FORMATS: &[Format] = &[
    Format { name: "md", about: "markdown: the branch, for people", write: markdown::write },
    Format { name: "html", about: "one HTML file: no script, nothing loaded, readable on a phone", write: html::write },
    Format { name: "txt", about: "plain text", write: text::write },
];
