//! A copy of a working directory for a branch of its own: what the code of one branch does then cannot be seen by the
//! other. Regular files and directories beneath the directory, blocks shared with the original where the file system
//! can (`copy_file_range`), links as links when they stay inside; bounded, because the code decided what lies there.

use super::file::WorkDir;
use super::ledger::{Listing, open_beneath};
use crate::chat::by_hand::WorkCopy;
use crate::chat::containment::bytes;
use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Most bytes of a copy.
const MOST: u64 = 512 << 20;
/// Most files and directories of a copy.
const FILES: u64 = 20_000;
/// Deepest directory.
const DEPTH: usize = 32;

/// Copies `from` into a new directory beside it whose name ends in `name`, without the files in `leave_out`.
///
/// # Errors
/// A sentence for a person; what was copied until then is removed.
pub fn copy(from: &Path, name: &str, leave_out: &[String]) -> Result<WorkCopy, String> {
    let shown = from.display();
    if from.symlink_metadata().is_err() {
        return Err(format!("The working directory {shown} is gone, so there is nothing to copy."));
    }
    let work = WorkDir::hold(from)?;
    let to = beside(from, name).map_err(|error| format!("No copy of {shown} could be made beside it: {error}."))?;
    let mut copier = Copier {
        copy: WorkCopy { from: from.display().to_string(), to: to.display().to_string(), ..WorkCopy::default() },
        leave_out: leave_out.iter().map(String::as_bytes).collect(),
        entries: 0,
        inside: from,
    };
    let done = match open_beneath(work.fd(), c".", libc::O_DIRECTORY) {
        Some(dir) => copier.directory(&dir, &to, &mut Vec::new(), 0),
        None => Err(Trouble::System(io::Error::last_os_error())),
    };
    match done {
        Ok(()) => Ok(copier.copy),
        Err(trouble) => {
            // Nobody knows of it yet.
            let _ = fs::remove_dir_all(&to);
            Err(match trouble {
                Trouble::TooLarge => format!(
                    "The working directory {shown} holds more than {} or {FILES} files, which is the most that is \
                     copied for a branch. Go back without a copy, or copy it yourself.",
                    bytes(MOST)
                ),
                Trouble::System(error) => format!("The working directory {shown} could not be copied: {error}."),
            })
        }
    }
}

enum Trouble {
    TooLarge,
    System(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::System(error)
    }
}

/// A new directory beside this one: `<from>-<name>`, with a number where that is taken.
fn beside(from: &Path, name: &str) -> io::Result<PathBuf> {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let stem = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for n in 1..1000 {
        let last = if n == 1 { format!("{stem}-{plain}") } else { format!("{stem}-{plain}-{n}") };
        let to = from.with_file_name(last);
        match fs::create_dir(&to) {
            Ok(()) => return Ok(to),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

struct Copier<'a> {
    copy: WorkCopy,
    leave_out: HashSet<&'a [u8]>,
    entries: u64,
    inside: &'a Path,
}

impl Copier<'_> {
    fn directory(&mut self, from: &OwnedFd, to: &Path, prefix: &mut Vec<u8>, depth: usize) -> Result<(), Trouble> {
        for name in Listing::of(from) {
            let length = prefix.len();
            prefix.extend_from_slice(name.as_bytes());
            let target = to.join(OsStr::from_bytes(name.as_bytes()));
            self.entry(from, &name, &target, prefix, depth)?;
            prefix.truncate(length);
        }
        let meta = File::from(from.try_clone()?).metadata()?;
        own(to, &meta);
        fs::set_permissions(to, fs::Permissions::from_mode(meta.mode() & 0o777))?;
        Ok(())
    }

    fn entry(
        &mut self,
        dir: &OwnedFd,
        name: &CString,
        to: &Path,
        prefix: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), Trouble> {
        self.entries += 1;
        if self.entries > FILES {
            return Err(Trouble::TooLarge);
        }
        // Not blocking: it may be a pipe.
        let Some(fd) = open_beneath(dir.as_raw_fd(), name, libc::O_NONBLOCK) else {
            return self.unopened(dir, name, to);
        };
        let mut file = File::from(fd);
        let meta = file.metadata()?;
        if meta.is_dir() {
            if depth >= DEPTH {
                return Err(Trouble::TooLarge);
            }
            fs::create_dir(to)?;
            prefix.push(b'/');
            return self.directory(&file.into(), to, prefix, depth + 1);
        }
        if !meta.is_file() {
            self.copy.skipped += 1;
            return Ok(());
        }
        if self.leave_out.contains(prefix.as_slice()) {
            self.copy.left_out += 1;
            return Ok(());
        }
        // By what is read, not by what it says: a file may grow meanwhile.
        let room = MOST - self.copy.bytes;
        if meta.len() > room {
            return Err(Trouble::TooLarge);
        }
        let mut options = fs::OpenOptions::new();
        let mut new = options.write(true).create_new(true).mode(0o600).open(to)?;
        self.copy.bytes += io::copy(&mut io::Read::take(&mut file, room), &mut new)?;
        self.copy.files += 1;
        own(to, &meta);
        // Never set-uid: the copy may have another owner.
        new.set_permissions(fs::Permissions::from_mode(meta.mode() & 0o777))?;
        Ok(())
    }

    /// A link that stays inside is made again; anything else is left out and counted.
    fn unopened(&mut self, dir: &OwnedFd, name: &CString, to: &Path) -> Result<(), Trouble> {
        let mut buffer = vec![0u8; 4096];
        // SAFETY: a valid descriptor, a NUL-terminated name and a buffer of that size.
        let length =
            unsafe { libc::readlinkat(dir.as_raw_fd(), name.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let Some(target) = usize::try_from(length).ok().and_then(|length| buffer.get(..length)) else {
            self.copy.skipped += 1;
            return Ok(());
        };
        let target = Path::new(OsStr::from_bytes(target));
        let leaves = target.is_absolute() || target.components().any(|part| part == std::path::Component::ParentDir);
        if leaves || target.starts_with(self.inside) {
            self.copy.skipped += 1;
            return Ok(());
        }
        std::os::unix::fs::symlink(target, to)?;
        Ok(())
    }
}

/// Gives a copy to the owner of the original, where we may: code does not run as root.
fn own(path: &Path, like: &fs::Metadata) {
    let _ = std::os::unix::fs::lchown(path, Some(like.uid()), Some(like.gid()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_its_own_and_holds_nothing_that_leads_back() {
        let parent = tempfile::tempdir().unwrap();
        let work = parent.path().join("work");
        fs::create_dir_all(work.join("d/e")).unwrap();
        for (name, text) in [("a.txt", "a"), ("d/b.txt", "b"), ("d/e/later.txt", "later")] {
            fs::write(work.join(name), text).unwrap();
        }
        fs::hard_link(work.join("a.txt"), work.join("same.txt")).unwrap();
        fs::set_permissions(work.join("d/b.txt"), fs::Permissions::from_mode(0o4755)).unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, work.join(name)).unwrap();
        link("d/b.txt", "inside");
        link("../elsewhere", "outside");
        link(work.join("a.txt").to_str().unwrap(), "back");
        let pipe = CString::new(work.join("pipe").to_str().unwrap()).unwrap();
        // SAFETY: a NUL-terminated name.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        let copied = copy(&work, "branch-2", &["d/e/later.txt".into()]).unwrap();
        let to = PathBuf::from(&copied.to);
        assert_eq!(to, parent.path().join("work-branch-2"));
        assert_eq!((copied.files, copied.bytes, copied.left_out, copied.skipped), (3, 3, 1, 3));
        assert_eq!(fs::read_to_string(to.join("inside")).unwrap(), "b");
        assert_eq!(fs::metadata(to.join("d/b.txt")).unwrap().mode() & 0o7777, 0o755);
        assert!(!to.join("d/e/later.txt").exists() && to.join("d/e").is_dir());
        fs::write(to.join("same.txt"), "changed").unwrap();
        assert_eq!(fs::read_to_string(work.join("a.txt")).unwrap(), "a", "a copy shares nothing with the original");
        assert_eq!(copy(&work, "branch-2", &[]).unwrap().to, format!("{}-2", copied.to));
    }

    #[test]
    fn what_is_too_large_is_refused_and_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let work = parent.path().join("work");
        fs::create_dir(&work).unwrap();
        fs::File::create(work.join("huge")).unwrap().set_len(MOST + 1).unwrap();
        let refused = copy(&work, "b", &[]).unwrap_err();
        assert!(refused.contains("512 MiB"), "{refused}");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        assert!(copy(&parent.path().join("none"), "b", &[]).unwrap_err().contains("gone"));
    }
}
