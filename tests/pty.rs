//! The console as a person has it: the real program on a real pseudo-terminal, driven by keys, seen by an emulator.

mod attaching;
mod hostile;
mod leaving;
mod work;

use crate::support::pty::Pty;

const PAGE_DOWN: &str = "\x1b[6~";
const CTRL_C: &str = "\x03";

/// The approval of code, as a careful person does it: open it, read all of it, take the time, let it run.
#[track_caller]
fn approve(pty: &Pty) {
    pty.wait_for("a approve");
    pty.keys("a");
    pty.wait_for("Run this?");
    read_to_the_end(pty);
    pty.keys("r");
    pty.wait_without("Run this?");
}

/// Page by page until every row has been on the screen, then still hands until it may run.
#[track_caller]
fn read_to_the_end(pty: &Pty) {
    while let Some(seen) = rows_seen(pty) {
        pty.keys(PAGE_DOWN);
        pty.wait("more rows", |screen| !screen.contents().contains(&seen));
    }
    pty.wait_for("seen in full");
}

/// `24 of 59 rows seen`, while some are missing.
fn rows_seen(pty: &Pty) -> Option<String> {
    let line = pty.text().lines().find(|line| line.contains(" rows seen"))?.to_owned();
    let end = line.find(" rows seen")?;
    Some(line[..end].trim_start_matches(['│', ' ']).to_owned() + " rows seen")
}
