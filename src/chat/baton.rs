//! Several consoles at one session: who holds the baton, and what is asked about it.

use serde::{Deserialize, Serialize};

/// How a console stands to the session it shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Baton {
    /// Consoles that show the session, this one included.
    pub viewers: u32,
    /// Whether this one may command; every other only watches.
    pub yours: bool,
    /// Who asks for the baton, said to whoever holds it.
    pub asked: Option<String>,
    /// What happens when the terminal is lost, in words; empty when nothing depends on it.
    pub lost: String,
}

/// What a console asks about the baton. Heard at the desk, never by an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handover {
    /// Give it to me. Whoever holds it is asked, and it is given when that one does not answer.
    Ask,
    /// Take it: said by the holder.
    Give,
    /// I keep it: said by the holder.
    Keep,
    /// When the terminal is lost, go on instead of pausing, or the other way round.
    Lose,
}
