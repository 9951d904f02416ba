//! What the benchmarks share: clocks, a table of figures against bars, and worlds to measure in.
//!
//! A figure is printed with its bar and a verdict; a missed bar is a figure like any other and never an exit code, so
//! that a slow machine does not break a build. May use everything of `plenary`'s public interface. To add a figure, call
//! [`Table::row`] where it is measured, and write it into `docs/benchmarks.md`.
// Every benchmark is a program of its own and takes from here what it needs.
#![allow(dead_code)]

pub mod world;

use std::time::Duration;

/// CPU time of this process so far, all threads.
pub fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a value of ours that outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Resident memory of a process in bytes, as Linux counts it; 0 where it does not say.
pub fn resident(pid: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm"))
        .ok()
        .and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok())
        .unwrap_or(0);
    // SAFETY: asks for a number.
    pages * u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// What a share of sorted samples is not above; `share` is in 0..=1.
pub fn quantile(samples: &[Duration], share: f64) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// A duration for people: `12.3 µs`, `4.56 ms`, `1.23 s`.
pub fn time(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        m if m < 1000.0 => format!("{m:.1} µs"),
        m if m < 1_000_000.0 => format!("{:.2} ms", m / 1e3),
        m => format!("{:.2} s", m / 1e6),
    }
}

/// Bytes for people.
pub fn size(bytes: f64) -> String {
    match bytes {
        b if b < 10_000.0 => format!("{b:.0} B"),
        b if b < 10_000_000.0 => format!("{:.1} KB", b / 1e3),
        b => format!("{:.1} MB", b / 1e6),
    }
}

/// A table of figures, printed as it grows.
pub struct Table(());

/// Whether a figure is within its bar.
#[derive(Clone, Copy)]
pub enum Bar {
    /// At most this, in the unit of the figure.
    Most(f64),
    /// There is none.
    None,
}

impl Table {
    /// Prints the head.
    pub fn new(title: &str) -> Self {
        println!("\n{title}\n{:<64} {:>18} {:>14}  verdict", "what", "figure", "bar");
        Table(())
    }

    /// A figure in words, its value, and the bar as a value and in words.
    pub fn row(&self, what: &str, shown: &str, value: f64, bar: Bar, bar_shown: &str) {
        let verdict = match bar {
            Bar::Most(most) if value <= most => "met",
            Bar::Most(_) => "MISSED",
            Bar::None => "",
        };
        println!("{what:<64} {shown:>18} {bar_shown:>14}  {verdict}");
    }

    /// A duration against the longest that it may be.
    pub fn time(&self, what: &str, value: Duration, most: Duration) {
        self.row(what, &time(value), value.as_secs_f64(), Bar::Most(most.as_secs_f64()), &format!("<= {}", time(most)));
    }

    /// A ratio against the largest that it may be.
    pub fn ratio(&self, what: &str, value: f64, most: f64) {
        self.row(what, &format!("{value:.2} x"), value, Bar::Most(most), &format!("<= {most} x"));
    }

    /// A number of bytes against the most that it may be.
    pub fn bytes(&self, what: &str, value: f64, most: f64) {
        self.row(what, &size(value), value, Bar::Most(most), &format!("<= {}", size(most)));
    }

    /// Something to compare with.
    pub fn note(&self, what: &str, shown: &str) {
        self.row(what, shown, 0.0, Bar::None, "");
    }
}
