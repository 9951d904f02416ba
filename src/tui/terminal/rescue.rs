//! What happens when the program panics: the terminal first, then a report, then one clean line.

use std::backtrace::Backtrace;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The exit code of a panic, as Rust's own.
const PANICKED: i32 = 101;
/// Longest message in the line on stderr, in characters.
const LINE_LIMIT: usize = 200;

/// Gives the terminal back after a panic.
pub struct Rescue {
    reports: PathBuf,
    leave: Box<dyn Fn() + Send + Sync>,
}

impl Rescue {
    pub(super) fn new(reports: PathBuf, leave: impl Fn() + Send + Sync + 'static) -> Self {
        Rescue { reports, leave: Box::new(leave) }
    }

    /// Makes this the answer to every panic from now on, on every thread: the process ends with code 101. A caller
    /// that wants to survive a panic must catch it and keep it from the hook.
    pub fn install(self) {
        let first = AtomicBool::new(true);
        std::panic::set_hook(Box::new(move |info| {
            // A second thread that panics meanwhile must not end the process before the report is written.
            if !first.swap(false, Ordering::SeqCst) {
                return;
            }
            let line = self.after(info);
            let _ = writeln!(io::stderr(), "{line}");
            std::process::exit(PANICKED);
        }));
    }

    /// Gives the terminal back, writes the report, and returns the line for stderr.
    pub fn after(&self, info: &PanicHookInfo<'_>) -> String {
        (self.leave)();
        let message = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let report = format!(
            "plenary {} stopped because of a defect in itself\n\nat      {}\nthread  {}\nsystem  {} {}\n\n{}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            clean(&place, usize::MAX),
            clean(&thread, usize::MAX),
            std::env::consts::OS,
            std::env::consts::ARCH,
            message.lines().map(|line| clean(line, usize::MAX)).collect::<Vec<_>>().join("\n"),
            Backtrace::force_capture(),
        );
        let told = clean(message, LINE_LIMIT);
        match write_report(&self.reports, &report) {
            Ok(path) => format!(
                "plenary stopped because of a defect in itself: {told}; the report is {}",
                clean(&path.display().to_string(), usize::MAX)
            ),
            Err(error) => format!(
                "plenary stopped because of a defect in itself at {}: {told}; no report could be written to {}: {error}",
                clean(&place, usize::MAX),
                clean(&self.reports.display().to_string(), usize::MAX),
            ),
        }
    }
}

/// A text in which every control or direction character is shown as its code, on one line.
fn clean(text: &str, limit: usize) -> String {
    let mut cleaned = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(limit) {
        match c {
            '\n' => cleaned.push(' '),
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                cleaned.extend(c.escape_unicode());
            }
            c => cleaned.push(c),
        }
    }
    if chars.next().is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// A report may quote what a model said, so only its owner can read it.
fn write_report(dir: &Path, report: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let path = dir.join(format!("crash-{seconds}-{}.txt", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(report.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_one_line_without_anything_that_acts() {
        assert_eq!(clean("bad \x1b[31m\nline\u{202e}", 100), "bad \\u{1b}[31m line\\u{202e}");
        assert_eq!(clean("abcdef", 3), "abc…");
    }
}
