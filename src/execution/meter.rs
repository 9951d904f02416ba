//! What a running program uses up: memory, processes, disk. Looked at from outside, as often as its speed asks for.
//!
//! Limits that the kernel can keep by itself are set before the program starts; this is the net below them, for sums
//! over many processes and many files.

use super::file::WorkDir;
use super::usage;
use crate::chat::containment::{Bounds, bytes};
use std::time::{Duration, Instant};

/// Longest time between two looks.
const CALM: Duration = Duration::from_millis(40);
/// Shortest.
const HURRY: Duration = Duration::from_millis(2);
/// Growth of a file system below which its files are not counted anew.
const GRAIN: u64 = 1 << 20;
/// Files and directories that an execution may add.
const ENTRIES: u64 = 100_000;

/// What an execution uses, against what it may.
#[derive(Debug)]
pub struct Meter {
    bounds: Bounds,
    disk: Option<usage::Disk>,
    next: Instant,
    last: Option<(Instant, u64)>,
    peak: u64,
    held: u64,
}

impl Meter {
    /// Nothing used so far; `trees` are where it may write.
    pub fn new(bounds: Bounds, trees: &[&WorkDir]) -> Meter {
        let disk = bounds.disk.map(|_| usage::Disk::of(trees));
        Meter { bounds, disk, next: Instant::now(), last: None, peak: 0, held: 0 }
    }

    /// Most memory seen, in bytes; `None` when it could not be seen.
    pub fn peak(&self) -> Option<u64> {
        (self.peak > 0).then_some(self.peak)
    }

    /// Memory seen last, in bytes.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Memory that was seen in another way.
    pub fn saw(&mut self, memory: u64) {
        self.held = memory;
        self.peak = self.peak.max(memory);
    }

    /// How long until it wants to look again.
    pub fn next(&self, now: Instant) -> Option<Duration> {
        Some(self.next.saturating_duration_since(now))
    }

    /// Looks, if it is time; says what was overstepped. The members are those below `root`, which is not one of them.
    pub fn look(&mut self, now: Instant, root: u32) -> Option<String> {
        if now < self.next {
            return None;
        }
        self.next = now + CALM;
        let members = usage::members_below(root);
        self.memory(&members).or_else(|| self.processes(&members)).or_else(|| self.files(now, &members))
    }

    fn memory(&mut self, members: &[u32]) -> Option<String> {
        let quick: u64 = members.iter().map(|pid| usage::memory(*pid)).sum();
        // Pages that forked processes share are counted several times; only the slow way knows.
        let suspicious = self.bounds.memory.is_some_and(|most| quick > most);
        let held = if suspicious { members.iter().map(|pid| usage::memory_precisely(*pid)).sum() } else { quick };
        self.held = held;
        if held > 0 {
            self.peak = self.peak.max(held);
        }
        let most = self.bounds.memory.filter(|most| held > *most)?;
        Some(format!("it used more memory than its limit of {}", bytes(most)))
    }

    fn processes(&self, members: &[u32]) -> Option<String> {
        let most = self.bounds.processes?;
        let count: u32 = members.iter().map(|pid| usage::threads(*pid)).sum();
        // What only keeps the others together is not counted against them.
        (count > most + 3).then(|| format!("it started more processes than its limit of {most}"))
    }

    /// Looks at the disk alone if it is time, for programs whose processes cannot be seen from here.
    pub fn files_when_due(&mut self, now: Instant) -> Option<String> {
        if now < self.next {
            return None;
        }
        self.next = now + CALM;
        self.files(now, &[])
    }

    fn files(&mut self, now: Instant, members: &[u32]) -> Option<String> {
        let (disk, most) = (self.disk.as_mut()?, self.bounds.disk?);
        let grown = disk.grown(GRAIN, members);
        if let Some((then, before)) = self.last {
            let speed = (grown.bytes.saturating_sub(before)) as f64 / (now - then).as_secs_f64().max(1e-3);
            let left = most.saturating_sub(grown.bytes) as f64 / (2.0 * speed.max(1.0));
            self.next = now + Duration::from_secs_f64(left.min(1.0)).clamp(HURRY, CALM);
        }
        self.last = Some((now, grown.bytes));
        if grown.bytes > most {
            return Some(format!("it wrote more to the disk than its limit of {}", bytes(most)));
        }
        (grown.entries > ENTRIES).then(|| format!("it made more files than its limit of {ENTRIES}"))
    }
}
