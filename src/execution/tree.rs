//! Ends the processes of a run: the second net below the supervisor, and the only one where there is no `/proc`.
//!
//! Every process of a run starts with the variable [`MARKER`] in its environment. Whoever carries it, and whoever
//! descends from one that does, belongs to the run, even if it killed the supervisor. Where no process namespace keeps
//! the supervisor out of the program's reach, Plenary itself inherits what a killed supervisor leaves behind
//! ([`adopt`]): such an orphan is a child that nobody here started, in a session that is not ours. What escapes:
//! elsewhere than on Linux, any process that left the program's group.

use std::collections::HashSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Name of the variable that marks every process of a run; its value is the run's own identity.
pub const MARKER: &str = "PLENARY_RUN";

/// The longest that ending a tree may take.
const BUDGET: Duration = Duration::from_millis(1800);

/// How long the supervisor gets to do it in order.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_millis(600);

/// Children that Plenary started and has not seen the end of.
static STARTED: RwLock<Option<HashSet<u32>>> = RwLock::new(None);

/// Starts a program and remembers that we did.
///
/// # Errors
/// Those of [`Command::spawn`].
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    // Held from before the fork: nobody looks while there is a child that is not on the list yet.
    let mut started = STARTED.write().unwrap_or_else(PoisonError::into_inner);
    let child = command.spawn()?;
    started.get_or_insert_default().insert(child.id());
    Ok(child)
}

fn forget(child: &Child) {
    if let Some(started) = STARTED.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
        started.remove(&child.id());
    }
}

/// From now on Plenary inherits orphans of its programs, as their supervisors do while they live.
#[cfg(target_os = "linux")]
pub fn adopt() {
    // SAFETY: a plain system call. Refused, the marker alone finds them.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// Ends everything that belongs to the run and waits until it is gone; returns what is left after [`BUDGET`] (a
/// process in the middle of a system call that cannot be interrupted).
#[cfg(target_os = "linux")]
pub fn end(child: &mut Child, run: &str) -> Vec<u32> {
    let left = end_all(child, run);
    if left.is_empty() {
        forget(child);
    }
    left
}

#[cfg(target_os = "linux")]
fn end_all(child: &mut Child, run: &str) -> Vec<u32> {
    let begin = Instant::now();
    let root = child.id();
    let mut gone = is_gone(child);
    if !gone {
        signal(root, libc::SIGTERM);
        // In case the program stopped it.
        signal(root, libc::SIGCONT);
    }
    loop {
        let mut left = linux::members(if gone { None } else { Some(root) }, run);
        let orphans = linux::orphans();
        left.extend(&orphans);
        // Parents first: a shell must not live to tell that its child was killed.
        left.sort_unstable();
        for pid in &left {
            signal(*pid, libc::SIGKILL);
        }
        orphans.iter().for_each(|pid| linux::reap(*pid));
        if gone && left.is_empty() {
            return left;
        }
        if begin.elapsed() > BUDGET {
            return left;
        }
        if !gone && begin.elapsed() > PATIENCE {
            signal(root, libc::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(3));
        gone = gone || is_gone(child);
    }
}

/// Ends the program's process group.
#[cfg(not(target_os = "linux"))]
pub fn end(child: &mut Child, _run: &str) -> Vec<u32> {
    let begin = Instant::now();
    let root = child.id();
    forget(child);
    if let Ok(group) = libc::pid_t::try_from(root) {
        // SAFETY: a plain system call; the group is the one `setsid` gave the child.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    while !is_gone(child) {
        if begin.elapsed() > BUDGET {
            return vec![root];
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    Vec::new()
}

fn is_gone(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

#[cfg(target_os = "linux")]
fn signal(pid: u32, signal: libc::c_int) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: a plain system call.
        unsafe { libc::kill(pid, signal) };
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::MARKER;
    use std::collections::{HashMap, HashSet};
    use std::fs;

    /// Living processes that carry the mark of the run or descend from `root` or from one that carries it; `root`
    /// itself not.
    pub fn members(root: Option<u32>, run: &str) -> Vec<u32> {
        let mark = format!("{MARKER}={run}");
        let mut parents = HashMap::new();
        let mut alive = HashSet::new();
        let mut found: HashSet<u32> = root.into_iter().collect();
        let Ok(listing) = fs::read_dir("/proc") else { return Vec::new() };
        for pid in listing.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
            let Some((parent, living)) = fs::read(format!("/proc/{pid}/stat")).ok().and_then(|stat| parse(&stat))
            else {
                continue;
            };
            parents.insert(pid, parent);
            if living {
                alive.insert(pid);
            }
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                found.insert(pid);
            }
        }
        loop {
            let more: Vec<u32> = parents
                .iter()
                .filter(|(pid, parent)| !found.contains(pid) && found.contains(parent))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
        found.into_iter().filter(|pid| Some(*pid) != root && alive.contains(pid)).collect()
    }

    /// Children of ours that we did not start, in sessions that are not ours: what a killed supervisor left behind.
    pub fn orphans() -> Vec<u32> {
        let started = super::STARTED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = |pid: &u32| started.as_ref().is_some_and(|started| started.contains(pid));
        // SAFETY: a plain question to the system.
        let own = unsafe { libc::getsid(0) };
        let foreign = |pid: &u32| {
            let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
            session(&stat).is_some_and(|session| session != own)
        };
        let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Vec::new() };
        let children = tasks.flatten().map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
        let children: Vec<String> = children.collect();
        let pids = children.iter().flat_map(|list| list.split_ascii_whitespace()).filter_map(|pid| pid.parse().ok());
        pids.filter(|pid| !known(pid) && foreign(pid)).collect()
    }

    /// Takes note of the end of an orphan, if it has ended: nobody else does.
    pub fn reap(pid: u32) {
        let Ok(pid) = libc::pid_t::try_from(pid) else { return };
        // SAFETY: a plain system call; the status is not wanted.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) };
    }

    /// The session of a process, from `/proc/<pid>/stat`.
    fn session(stat: &[u8]) -> Option<libc::pid_t> {
        let text = String::from_utf8_lossy(stat);
        text.get(text.rfind(')')? + 1..)?.split_whitespace().nth(3)?.parse().ok()
    }

    /// Parent and whether it still lives, from `/proc/<pid>/stat`. A dead leader with living threads lives.
    fn parse(stat: &[u8]) -> Option<(u32, bool)> {
        let text = String::from_utf8_lossy(stat);
        // The name in parentheses may contain anything, closing parentheses too.
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let threads: u32 = fields.nth(15)?.parse().ok()?;
        Some((parent, !matches!(state, "Z" | "X") || threads > 1))
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_name_that_looks_like_fields_does_not_confuse() {
            let stat = b"77 (a) Z 1 (b) S 12 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 3 0 100 0";
            assert_eq!(super::parse(stat), Some((12, true)));
            let dead = b"77 (x) Z 12 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 0";
            assert_eq!(super::parse(dead), Some((12, false)));
            assert_eq!(super::parse(b"garbage"), None);
            assert_eq!((super::session(stat), super::session(b"garbage")), (Some(77), None));
        }
    }
}
