//! The time of a run.

use crate::chat::UnixMillis;

/// Wall time that never runs backwards within a run, and that a test can hold still.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base: UnixMillis,
    since: tokio::time::Instant,
}

impl Clock {
    /// A clock that reads `base` now.
    pub fn from(base: UnixMillis) -> Self {
        Clock { base, since: tokio::time::Instant::now() }
    }

    /// The system's wall clock.
    pub fn system() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Clock::from(now.as_millis() as UnixMillis)
    }

    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> UnixMillis {
        self.base + self.since.elapsed().as_millis() as UnixMillis
    }
}
