//! Figures about processes and directories, read from the system.

use super::file::WorkDir;
use super::ledger::Listing;
use std::collections::HashSet;
use std::fs;
use std::os::fd::AsRawFd;

/// Most processes that are looked at in one go.
const MOST: usize = 4096;

/// Every process below `root`, which itself is not among them.
pub fn members_below(root: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            for child in children.split_ascii_whitespace().filter_map(|word| word.parse().ok()) {
                found.push(child);
                open.push(child);
            }
        }
        if found.len() > MOST {
            break;
        }
    }
    found
}

/// Memory of its own that a process holds, in bytes: pages shared with a fork are counted in full.
pub fn memory(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut pages = text.split_ascii_whitespace().skip(1).map(|word| word.parse::<u64>().unwrap_or(0));
    let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
    resident.saturating_sub(shared) * page()
}

/// The same with shared pages divided among those who share them. Slow.
pub fn memory_precisely(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
    match line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok()) {
        Some(kib) => kib << 10,
        None => memory(pid),
    }
}

/// How many threads a process has.
pub fn threads(pid: u32) -> u32 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rfind(')').map_or("", |end| &text[end + 1..]);
    rest.split_ascii_whitespace().nth(17).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn page() -> u64 {
    // SAFETY: a plain question to the system.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// What lies on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// In blocks that are really taken: a file with holes counts by what it holds.
    pub bytes: u64,
    /// Files and directories.
    pub entries: u64,
}

/// The growth of some trees.
#[derive(Debug)]
pub struct Disk {
    trees: Vec<std::os::fd::OwnedFd>,
    before: Amount,
    /// Free bytes and entries of the file systems when the trees were counted last.
    free: (u64, u64),
    grown: Amount,
}

impl Disk {
    /// Trees as they are now.
    pub fn of(trees: &[&WorkDir]) -> Disk {
        let trees: Vec<_> = trees.iter().filter_map(|tree| tree.duplicate()).collect();
        let mut disk = Disk { trees, before: Amount::default(), free: (0, 0), grown: Amount::default() };
        disk.free = disk.free_now();
        disk.before = disk.count();
        disk
    }

    /// How much they have grown. They are counted anew only when their file systems have lost more than `grain`.
    pub fn grown(&mut self, grain: u64, members: &[u32]) -> Amount {
        let now = self.free_now();
        if self.free.0.saturating_sub(now.0) < grain && self.free.1.saturating_sub(now.1) < 1000 {
            return self.grown;
        }
        let lost = self.free.0.saturating_sub(now.0);
        let count = self.count();
        let mut grown = Amount {
            bytes: count.bytes.saturating_sub(self.before.bytes),
            entries: count.entries.saturating_sub(self.before.entries),
        };
        if grown.bytes < self.grown.bytes + lost / 2 {
            // Somebody writes what no name leads to: perhaps files that were removed while they are open.
            grown.bytes += nameless(members);
        }
        self.free = now;
        self.grown = grown;
        grown
    }

    fn free_now(&self) -> (u64, u64) {
        let mut free = (0, 0);
        for tree in &self.trees {
            // SAFETY: `statvfs` is plain data for which zero is valid, and the descriptor is valid.
            unsafe {
                let mut stat: libc::statvfs = std::mem::zeroed();
                if libc::fstatvfs(tree.as_raw_fd(), &mut stat) == 0 {
                    free.0 += stat.f_bfree as u64 * stat.f_frsize as u64;
                    free.1 += stat.f_ffree as u64;
                }
            }
        }
        free
    }

    fn count(&self) -> Amount {
        let mut amount = Amount::default();
        for tree in &self.trees {
            count(tree, 0, &mut amount);
        }
        amount
    }
}

fn count(dir: &std::os::fd::OwnedFd, depth: usize, amount: &mut Amount) {
    for name in Listing::of(dir) {
        // SAFETY: `stat` is plain data for which zero is valid; the pointers are valid for the call.
        let (done, stat) = unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
            (libc::fstatat(dir.as_raw_fd(), name.as_ptr(), &mut stat, libc::AT_SYMLINK_NOFOLLOW), stat)
        };
        if done != 0 {
            continue;
        }
        amount.entries += 1;
        amount.bytes += stat.st_blocks.max(0) as u64 * 512;
        if stat.st_mode & libc::S_IFMT == libc::S_IFDIR
            && depth < 64
            && let Some(below) = super::ledger::open_beneath(dir.as_raw_fd(), &name, libc::O_DIRECTORY)
        {
            count(&below, depth + 1, amount);
        }
    }
}

/// Bytes in files that these processes hold open and that have no name any more.
fn nameless(members: &[u32]) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut seen = HashSet::new();
    let mut bytes = 0;
    for pid in members {
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        for entry in open.flatten() {
            let Ok(meta) = fs::metadata(entry.path()) else { continue };
            if meta.is_file() && meta.nlink() == 0 && seen.insert((meta.dev(), meta.ino())) {
                bytes += meta.blocks() * 512;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_was_written_and_holes_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("before"), vec![1; 1 << 20]).unwrap();
        let work = WorkDir::open(dir.path()).unwrap();
        let mut disk = Disk::of(&[&work]);
        fs::File::create(dir.path().join("holes")).unwrap().set_len(1 << 30).unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("d/real"), vec![7; 8 << 20]).unwrap();
        // Counted whatever the file system says it lost.
        disk.free.0 = u64::MAX;
        let grown = disk.grown(0, &[]);
        assert!(grown.bytes >= 8 << 20 && grown.bytes < 10 << 20, "{grown:?}");
        assert_eq!(grown.entries, 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_a_name_is_found_with_whoever_holds_it() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![1; 3 << 20]).unwrap();
        assert!(nameless(&[std::process::id()]) >= 3 << 20);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn children_are_found_through_their_parents() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 5 & wait"]).spawn().unwrap();
        let begin = std::time::Instant::now();
        while members_below(child.id()).is_empty() && begin.elapsed().as_secs() < 5 {
            std::thread::yield_now();
        }
        let below = members_below(child.id());
        assert_eq!(below.len(), 1);
        assert!(members_below(std::process::id()).contains(&below[0]));
        assert_eq!(threads(below[0]), 1);
        // SAFETY: a plain system call on a process that this test started.
        unsafe { libc::kill(below[0] as libc::pid_t, libc::SIGKILL) };
        child.wait().unwrap();
    }
}
