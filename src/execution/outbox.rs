//! Output on its way to whoever watches: merged, paced and bounded, so that neither a flood nor a sleeping reader can
//! hold up the program or fill memory.

use super::Progress;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Most bytes that wait for a slow reader; older ones are dropped.
const ROOM: usize = 32 * 1024;

/// Shortest time between two pieces: no screen shows more than thirty a second.
const PACE: Duration = Duration::from_millis(33);

/// Difference in memory that is worth telling.
const MEMORY: u64 = 256 << 10;
/// Time between two figures of memory.
const TELL: Duration = Duration::from_millis(250);

/// What waits to be sent.
#[derive(Debug)]
pub struct Outbox {
    sender: mpsc::Sender<Progress>,
    started: Option<u32>,
    text: String,
    dropped: bool,
    next: Instant,
    memory: (Instant, u64),
}

impl Outbox {
    /// An empty one.
    pub fn new(sender: mpsc::Sender<Progress>) -> Self {
        Outbox {
            sender,
            started: None,
            text: String::new(),
            dropped: false,
            next: Instant::now(),
            memory: (Instant::now(), 0),
        }
    }

    /// A block's first process exists. Output that waits goes first, as it belongs to an earlier block.
    pub fn started(&mut self, pid: u32) {
        self.send();
        self.started = Some(pid);
        self.send();
    }

    /// More output.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if self.text.len() > ROOM {
            let mut cut = self.text.len() - ROOM / 2;
            while !self.text.is_char_boundary(cut) {
                cut += 1;
            }
            self.text.drain(..cut);
            self.dropped = true;
        }
    }

    /// Memory as it was seen now. Told twice a second at most, and only when it is another figure for a person.
    pub fn memory(&mut self, bytes: u64) {
        let (last, told) = self.memory;
        let now = Instant::now();
        if bytes.abs_diff(told) >= MEMORY && now - last >= TELL && self.started.is_none() {
            // A reader that has no room hears the next one.
            let _ = self.sender.try_send(Progress::Memory(bytes));
            self.memory = (now, bytes);
        }
    }

    /// Sends what waits if it is time; returns how long to wait until there is something to do.
    pub fn flush(&mut self) -> Option<Duration> {
        let now = Instant::now();
        if now >= self.next {
            self.send();
            self.next = now + PACE;
        }
        let waits = self.started.is_some() || !self.text.is_empty();
        waits.then(|| self.next.saturating_duration_since(now))
    }

    /// Sends what waits whatever the time. What does not fit now is lost: the result has it.
    pub fn send(&mut self) {
        if let Some(pid) = self.started {
            match self.sender.try_send(Progress::Started { pid }) {
                Err(TrySendError::Full(_)) => return,
                _ => self.started = None,
            }
        }
        if self.text.is_empty() {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        if std::mem::take(&mut self.dropped) {
            text.insert_str(0, "\n…\n");
        }
        if let Err(TrySendError::Full(Progress::Output(text))) = self.sender.try_send(Progress::Output(text)) {
            self.text = text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_reader_costs_bounded_memory_and_keeps_the_newest() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut outbox = Outbox::new(sender);
        outbox.started(7);
        for _ in 0..1000 {
            outbox.push(&"ö".repeat(1000));
            outbox.send();
            assert!(outbox.text.len() <= ROOM + 64);
        }
        outbox.push("newest");
        assert_eq!(receiver.try_recv(), Ok(Progress::Started { pid: 7 }));
        outbox.send();
        let Ok(Progress::Output(text)) = receiver.try_recv() else { panic!("the output was lost") };
        assert!(text.contains('…') && text.ends_with("newest"));
    }

    #[test]
    fn a_reader_that_left_holds_nothing_up() {
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        let mut outbox = Outbox::new(sender);
        outbox.started(7);
        outbox.push("text");
        outbox.send();
        assert_eq!(outbox.flush(), None);
    }
}
