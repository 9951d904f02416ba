//! A named file as it was approved, in a place of its own that the code cannot write, looking as if it stood in the
//! working directory: its neighbours are links to the real ones. What runs is this copy, so that nothing that happens in
//! the working directory between consent and start can put other bytes in its place.

use super::file::WorkDir;
use super::ledger::{Listing, open_beneath};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Most neighbours of a file that are linked, in each directory on the way to it.
const NEIGHBOURS: usize = 2000;

/// Makes `root` hold the file at `components` with this text; its neighbours lead to `seen`, which is where the code
/// sees the working directory. Returns the path of the file.
///
/// # Errors
/// When the place cannot be written.
pub fn stage(root: &Path, components: &[String], text: &str, work: &WorkDir, seen: &Path) -> io::Result<PathBuf> {
    let mut at = root.to_owned();
    let mut there: Option<OwnedFd> = work.duplicate();
    let mut seen = seen.to_owned();
    for (n, name) in components.iter().enumerate() {
        fs::create_dir(&at)?;
        fs::set_permissions(&at, fs::Permissions::from_mode(0o755))?;
        for neighbour in there.iter().flat_map(Listing::of).take(NEIGHBOURS) {
            let neighbour = neighbour.to_string_lossy().into_owned();
            if neighbour != *name {
                symlink(seen.join(&neighbour), at.join(&neighbour))?;
            }
        }
        at.push(name);
        seen.push(name);
        if n + 1 < components.len() {
            let name = CString::new(name.as_str()).map_err(|_| io::ErrorKind::InvalidInput)?;
            there = there.and_then(|dir| open_beneath(dir.as_raw_fd(), &name, libc::O_DIRECTORY));
        }
    }
    fs::write(&at, text)?;
    fs::set_permissions(&at, fs::Permissions::from_mode(0o444))?;
    Ok(at)
}

/// Copies what [`stage`] made, links as links.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let meta = from.symlink_metadata()?;
    if meta.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    if !meta.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir(to)?;
    fs::set_permissions(to, meta.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_stands_among_links_to_its_neighbours() {
        let (dir, private) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(dir.path().join("lib")).unwrap();
        for file in ["top.txt", "lib/near.py", "lib/main.py"] {
            fs::write(dir.path().join(file), file).unwrap();
        }
        let work = WorkDir::open(dir.path()).unwrap();
        let root = private.path().join("1");
        let path = stage(&root, &["lib".into(), "main.py".into()], "approved", &work, dir.path()).unwrap();
        assert_eq!(path, root.join("lib/main.py"));
        let moved = private.path().join("2");
        copy(&root, &moved).unwrap();
        for root in [root, moved] {
            let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
            assert_eq!((read("lib/main.py"), read("lib/near.py")), ("approved".to_owned(), "lib/near.py".to_owned()));
            assert_eq!(read("lib/../top.txt"), "top.txt");
        }
    }
}
