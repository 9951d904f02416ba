//! Runs a session.
//!
//! [`machine`] is pure: it turns inputs and the session's state into effects, as data. [`driver`] performs them: it
//! owns the journal, the tasks that talk to models and programs, and the clock. [`recovery`] says what a log that
//! ends in mid-air means. May import [`crate::session`], [`crate::selection`], [`crate::termination`],
//! [`crate::watch`], [`crate::models`], [`crate::execution`], [`crate::journal`], [`crate::chat`] and
//! [`crate::catalog`]; never a view. A new effect is a variant in `effect.rs` and an arm in the driver.

mod chores;
mod clock;
mod consult;
pub mod context;
pub mod driver;
pub mod effect;
pub mod machine;
mod outbox;
pub mod recovery;
mod work;
mod writing;

#[cfg(test)]
pub(crate) mod tests;

pub use clock::Clock;
pub use driver::{Engine, Handle, Parts};
pub use machine::{Machine, Rules};
