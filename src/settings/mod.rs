//! Files to values: team files, user settings, and where things live on disk.
//!
//! Every mistake in a file is reported at once, as a [`Finding`] with its place and what to do about it; a value leaves
//! this module only when there was none. What a team file may name (selectors, conditions, providers, executors) is
//! handed over as catalog rows, so a new member of a family needs no line here. Keys (secrets) never pass: one that
//! stands in a file is an error, and it is blackened in the report.
//!
//! May import [`crate::chat`] and [`crate::catalog`]. To add a key to the team file, ask for it in the `team/` file of
//! its table - asking makes it known, checked and suggested; to add a user setting, add it to `user.rs` and to
//! `config/settings.toml` - a test compares the two.

mod calling;
mod file;
mod keys;
pub mod paths;
mod reader;
mod report;
mod rows;
mod secrets;
mod team;
mod user;

pub use calling::Calling;
pub use keys::KeySource;
pub use reader::nearest;
pub use report::{Finding, Report, Severity, render};
pub use rows::Row;
pub use secrets::keys_in;
pub use team::{Base, DETECTORS, Families, Loaded, PriceOf, load_team, parse_team};
pub use user::{Defaults, Origin, Setting, Settings};
