//! What an execution did to the files of its working directory: a listing before, a listing after, and the difference.
//!
//! Everything is read beneath a held directory descriptor and never through a link, with bounds on count, depth and
//! size: the code decides what lies there.

use super::file::WorkDir;
use crate::chat::code::{Effects, FileNow, hex};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Most files that a listing remembers.
const FILES: usize = 20_000;
/// Deepest directory that is entered.
const DEPTH: usize = 32;
/// Most files that are named in a record.
const NAMED: usize = 200;
/// Most bytes that are read for hashes, over all files.
const HASHED: u64 = 128 << 20;
/// Longest name that a record keeps, in bytes.
const NAME: usize = 1024;

/// What tells one version of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    inode: u64,
    size: u64,
    /// Of content or status, in nanoseconds: it cannot be set back by the program.
    changed: i128,
}

/// The files below a working directory at one moment.
#[derive(Debug, Default)]
pub struct Ledger {
    files: BTreeMap<Vec<u8>, Mark>,
    /// Files beyond the bounds.
    beyond: u64,
}

impl Ledger {
    /// Lists the directory. What cannot be read is left out.
    pub fn of(dir: &WorkDir) -> Ledger {
        let mut ledger = Ledger::default();
        if let Some(fd) = open_beneath(dir.fd(), c".", libc::O_DIRECTORY) {
            ledger.list(&fd, &mut Vec::new(), 0);
        }
        ledger
    }

    fn list(&mut self, dir: &OwnedFd, prefix: &mut Vec<u8>, depth: usize) {
        let fd = dir.as_raw_fd();
        for name in Listing::of(dir) {
            // SAFETY: `stat` is plain data for which zero is valid; the pointers are valid for the call.
            let (done, stat) = unsafe {
                let mut stat: libc::stat = std::mem::zeroed();
                (libc::fstatat(fd, name.as_ptr(), &mut stat, libc::AT_SYMLINK_NOFOLLOW), stat)
            };
            if done != 0 {
                continue;
            }
            let length = prefix.len();
            prefix.extend_from_slice(name.as_bytes());
            match stat.st_mode & libc::S_IFMT {
                libc::S_IFDIR if depth < DEPTH => {
                    prefix.push(b'/');
                    if let Some(below) = open_beneath(fd, &name, libc::O_DIRECTORY) {
                        self.list(&below, prefix, depth + 1);
                    }
                }
                libc::S_IFREG if self.files.len() < FILES => {
                    let changed = i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec);
                    let mark = Mark { inode: stat.st_ino, size: stat.st_size.max(0) as u64, changed };
                    self.files.insert(prefix.clone(), mark);
                }
                libc::S_IFREG | libc::S_IFDIR => self.beyond += 1,
                // Links, sockets and pipes are no files that could be opened from the console.
                _ => {}
            }
            prefix.truncate(length);
        }
    }

    /// What became of the files between this listing and a later one.
    pub fn effects(&self, after: &Ledger, dir: &WorkDir) -> Effects {
        let mut effects = Effects::default();
        let mut room = HASHED;
        let mut listed = 0;
        for (path, mark) in &after.files {
            let before = self.files.get(path);
            if before == Some(mark) {
                continue;
            }
            listed += 1;
            if listed > NAMED {
                effects.unlisted += 1;
                continue;
            }
            let now = FileNow { path: shown(path), size: mark.size, hash: hash(dir, path, mark.size, &mut room) };
            match before {
                None => effects.created.push(now),
                Some(_) => effects.changed.push(now),
            }
        }
        // Only a whole listing can say that something is gone.
        for path in self.files.keys().filter(|path| after.beyond == 0 && !after.files.contains_key(*path)) {
            listed += 1;
            if listed > NAMED {
                effects.unlisted += 1;
            } else {
                effects.deleted.push(shown(path));
            }
        }
        effects.unlisted += after.beyond.saturating_sub(self.beyond);
        effects
    }
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(&path[..path.len().min(NAME)]).into_owned()
}

/// SHA-256 of a file's content, empty when it is too large or not readable.
fn hash(dir: &WorkDir, path: &[u8], size: u64, room: &mut u64) -> String {
    if size > *room {
        return String::new();
    }
    *room -= size;
    let mut at = None;
    for part in path.split(|byte| *byte == b'/') {
        let Ok(name) = CString::new(part) else { return String::new() };
        let from = at.as_ref().map_or(dir.fd(), AsRawFd::as_raw_fd);
        // Not blocking: it may have become a pipe since.
        let Some(next) = open_beneath(from, &name, libc::O_NONBLOCK) else { return String::new() };
        at = Some(next);
    }
    let Some(file) = at.map(std::fs::File::from) else { return String::new() };
    let mut hasher = Sha256::new();
    let mut file = file.take(size);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return hex(&hasher.finalize()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(_) => return String::new(),
        }
    }
}

/// Opens a name in a directory for reading, unless it is a link.
pub(super) fn open_beneath(dir: i32, name: &std::ffi::CStr, flags: i32) -> Option<OwnedFd> {
    // SAFETY: `name` is NUL-terminated; a descriptor that comes back is ours alone.
    unsafe {
        let fd = libc::openat(dir, name.as_ptr(), flags | libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_CLOEXEC);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

/// The names in an open directory.
pub(super) struct Listing(*mut libc::DIR);

impl Listing {
    /// Of this directory; empty when it cannot be read.
    pub(super) fn of(dir: &OwnedFd) -> Listing {
        // A stream has a position of its own, so it gets a descriptor of its own.
        let Some(own) = open_beneath(dir.as_raw_fd(), c".", libc::O_DIRECTORY) else {
            return Listing(std::ptr::null_mut());
        };
        // SAFETY: a valid descriptor, whose ownership passes to the stream when that comes to be.
        unsafe {
            let stream = libc::fdopendir(own.as_raw_fd());
            if !stream.is_null() {
                std::mem::forget(own);
            }
            Listing(stream)
        }
    }
}

impl Iterator for Listing {
    type Item = CString;

    fn next(&mut self) -> Option<CString> {
        if self.0.is_null() {
            return None;
        }
        loop {
            // SAFETY: the stream is open and used by this thread only; the name is copied before the next call.
            let name = unsafe {
                let entry = libc::readdir(self.0);
                if entry.is_null() {
                    return None;
                }
                std::ffi::CStr::from_ptr((*entry).d_name.as_ptr()).to_owned()
            };
            if !matches!(name.as_bytes(), b"." | b"..") {
                return Some(name);
            }
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: open until here.
            unsafe { libc::closedir(self.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn paths(files: &[FileNow]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn what_was_made_changed_and_removed_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(dir.path()).unwrap();
        for name in ["same", "changed", "gone"] {
            fs::write(dir.path().join(name), "old").unwrap();
        }
        let before = Ledger::of(&work);
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(dir.path().join("changed"), "new").unwrap();
        fs::remove_file(dir.path().join("gone")).unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/made"), "abc").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        let effects = before.effects(&Ledger::of(&work), &work);
        assert_eq!(paths(&effects.created), ["a/b/made"]);
        assert_eq!(effects.created[0].size, 3);
        assert_eq!(effects.created[0].hash, hex(&Sha256::digest(b"abc")));
        assert_eq!(paths(&effects.changed), ["changed"]);
        assert_eq!(effects.deleted, ["gone"]);
        assert_eq!(effects.in_words(), "1 created, 1 changed, 1 deleted");
    }

    #[test]
    fn a_directory_that_became_a_link_is_not_followed() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret"), "x").unwrap();
        let work = WorkDir::open(dir.path()).unwrap();
        let before = Ledger::of(&work);
        std::os::unix::fs::symlink(outside.path(), dir.path().join("d")).unwrap();
        assert!(before.effects(&Ledger::of(&work), &work).is_empty());
        assert_eq!(hash(&work, b"d/secret", 1, &mut 100), "");
    }

    #[test]
    fn a_great_many_files_are_counted_and_not_all_named() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(dir.path()).unwrap();
        let before = Ledger::of(&work);
        for n in 0..NAMED + 50 {
            fs::write(dir.path().join(n.to_string()), "").unwrap();
        }
        let effects = before.effects(&Ledger::of(&work), &work);
        assert_eq!((effects.created.len(), effects.unlisted), (NAMED, 50));
    }
}
