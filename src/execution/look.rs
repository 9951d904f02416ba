//! Reading a file of a working directory to show it: beneath the directory, never through a link, a regular file only,
//! and no more of it than a person reads.

use super::file::WorkDir;
use super::ledger::open_beneath;
use crate::chat::by_hand::FileSeen;
use crate::chat::code::hex;
use crate::chat::id::OpId;
use sha2::{Digest, Sha256};
use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Most bytes that are shown.
const SHOWN: usize = 256 << 10;
/// Most bytes that are read for the hash.
const HASHED: u64 = 128 << 20;

/// Looks at the file at `path` below `work_dir`. What keeps it from being shown is said in the result.
pub fn look(work_dir: &Path, op: OpId, path: &str) -> FileSeen {
    let mut seen = FileSeen { op, path: path.to_owned(), ..FileSeen::default() };
    if let Err(words) = read(work_dir, &mut seen) {
        seen.problem = Some(words);
    }
    seen
}

fn read(work_dir: &Path, seen: &mut FileSeen) -> Result<(), String> {
    let file = open(work_dir, &seen.path)?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a regular file any more, so it is not opened".to_owned());
    }
    seen.size = meta.len();
    let mut hasher = Sha256::new();
    let mut kept = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let whole = meta.len() <= HASHED;
    let mut file = file.take(meta.len());
    loop {
        let n = file.read(&mut buffer).map_err(|error| error.to_string())?;
        hasher.update(&buffer[..n]);
        let room = SHOWN - kept.len();
        kept.extend_from_slice(&buffer[..n.min(room)]);
        seen.cut |= n > room;
        if n == 0 || (!whole && kept.len() == SHOWN) {
            break;
        }
    }
    if whole {
        seen.hash = hex(&hasher.finalize());
    }
    seen.cut |= seen.size > kept.len() as u64;
    seen.text = String::from_utf8_lossy(&kept).into_owned();
    Ok(())
}

fn open(work_dir: &Path, path: &str) -> Result<File, String> {
    if work_dir.symlink_metadata().is_err() {
        return Err(format!("the working directory {} is gone", work_dir.display()));
    }
    let work_dir = WorkDir::hold(work_dir)?;
    let mut at = None;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if matches!(part, "" | "." | "..") {
            return Err("its name leads out of the working directory".to_owned());
        }
        let name = CString::new(part).map_err(|_| "its name contains a NUL".to_owned())?;
        let from = at.as_ref().map_or(work_dir.fd(), AsRawFd::as_raw_fd);
        // Not blocking: it may have become a pipe since.
        let flags = if parts.peek().is_some() { libc::O_DIRECTORY } else { libc::O_NONBLOCK };
        let Some(next) = open_beneath(from, &name, flags) else {
            let error = std::io::Error::last_os_error();
            return Err(match error.raw_os_error() {
                Some(libc::ENOENT) => "it is not there any more".to_owned(),
                Some(libc::ELOOP) => "a link stands in its place, and links are not followed".to_owned(),
                _ => format!("it cannot be opened: {error}"),
            });
        };
        at = Some(next);
    }
    at.map(File::from).ok_or_else(|| "it has no name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_shown_with_its_size_and_hash_and_nothing_outside_is() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret"), "secret").unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("d/out.txt"), "abc").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("dir")).unwrap();
        let pipe = CString::new(dir.path().join("pipe").to_str().unwrap()).unwrap();
        // SAFETY: a NUL-terminated name.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        let of = |path: &str| look(dir.path(), OpId(1), path);
        let seen = of("d/out.txt");
        assert_eq!((seen.size, &*seen.text, seen.cut, seen.problem), (3, "abc", false, None));
        assert_eq!(seen.hash, hex(&Sha256::digest(b"abc")));
        for (path, why) in [
            ("link", "link"),
            ("dir/secret", "cannot be opened"),
            ("../secret", "leads out"),
            ("/etc/passwd", "leads out"),
            ("pipe", "regular file"),
            ("d", "regular file"),
            ("gone", "not there any more"),
        ] {
            let seen = of(path);
            let said = seen.problem.unwrap_or_default();
            assert!(said.contains(why), "{path}: {said}");
            assert_eq!(seen.text, "", "{path}");
        }
    }

    #[test]
    fn a_large_file_shows_its_beginning_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("big"), vec![b'x'; SHOWN + 1]).unwrap();
        let seen = look(dir.path(), OpId(1), "big");
        assert_eq!((seen.text.len(), seen.cut, seen.size), (SHOWN, true, SHOWN as u64 + 1));
        fs::File::create(dir.path().join("huge")).unwrap().set_len(HASHED + 1).unwrap();
        let seen = look(dir.path(), OpId(1), "huge");
        assert_eq!((seen.text.len(), seen.cut, &*seen.hash), (SHOWN, true, ""));
    }
}
