//! The words: plain data that every layer speaks.
//!
//! A message, a call, a team, an event, a command, an update - with serde and the invariants of the data itself,
//! and no behaviour beyond that. This module imports nothing of ours; everything else may import it. To add a word,
//! add a type here; to add a *kind of event*, add a variant to [`event::Event`] and let the compiler list the rest.

pub mod actor;
pub mod agent;
pub mod breaks;
pub mod by_hand;
pub mod code;
pub mod command;
pub mod configure;
pub mod consult;
pub mod containment;
pub mod context;
pub mod decision;
pub mod end;
pub mod event;
pub mod failing;
pub mod format;
pub mod handoff;
pub mod id;
pub mod leash;
pub mod ledger;
pub mod message;
pub mod pattern;
pub mod record;
pub mod request;
pub mod server;
pub mod team;
pub mod tool;
pub mod toolbox;
pub mod update;
pub mod usage;
pub mod watch;

use std::sync::Arc;

/// An agent's name, unique in its team. Shared, because it stands in almost every record.
pub type Name = Arc<str>;

/// Wall time as milliseconds since the Unix epoch. For people to read; order is given by [`id::Seq`].
pub type UnixMillis = i64;
