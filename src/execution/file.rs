//! Where a block's text goes: the name its first line asks for, and writing it without being led astray by links.
//!
//! Everything below the working directory is opened component by component from a held directory descriptor and
//! never through a symbolic link, so that an earlier block cannot aim a later one at a file elsewhere.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The name a block asks for in its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// None.
    None,
    /// This path, relative to the working directory: plain components only.
    Path(Vec<String>),
    /// A path that leads out of the working directory.
    Outside,
}

/// Comment openers and closers that may hold a name (AG2: code_utils.FILENAME_PATTERNS).
const COMMENTS: &[(&str, &str)] = &[("<!-- ", "-->"), ("/* ", "*/"), ("// ", ""), ("# ", "")];

/// Reads the name from a block's first line.
///
/// AG2 takes *any* first-line comment for a file name. Here it has to say `filename:`, or look like a path: no
/// blanks, at least one `/`, and an extension. Absolute paths, `..`, backslashes and control characters lead outside.
pub fn wish(code: &str) -> Wish {
    let line = code.lines().next().unwrap_or("").trim();
    let Some(comment) = COMMENTS.iter().find_map(|(open, close)| {
        let rest = line.strip_prefix(open)?;
        Some(rest.strip_suffix(close).unwrap_or(rest).trim())
    }) else {
        return Wish::None;
    };
    let name = match comment.get(..9) {
        Some(prefix) if prefix.eq_ignore_ascii_case("filename:") => comment[9..].trim(),
        _ if looks_like_path(comment) => comment,
        _ => return Wish::None,
    };
    if name.is_empty() {
        return Wish::None;
    }
    let components: Vec<String> = name.split('/').filter(|part| *part != ".").map(str::to_owned).collect();
    let plain = |part: &String| {
        !part.is_empty() && part.len() <= 255 && part != ".." && !part.contains(|c: char| c == '\\' || c.is_control())
    };
    if components.is_empty() || !components.iter().all(plain) { Wish::Outside } else { Wish::Path(components) }
}

fn looks_like_path(text: &str) -> bool {
    let safe = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let last = text.rsplit('/').next().unwrap_or("");
    let extension = last.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, ext)| ext);
    let known = !extension.is_empty() && extension.len() <= 8 && extension.chars().all(|c| c.is_ascii_alphanumeric());
    safe && known && text.contains('/') && !text.contains("//")
}

/// What came of placing a file.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The path passes through a link, or what stands there is not a regular file.
    #[error("Filename is not in the workspace")]
    Outside,
    /// The system refused.
    #[error("{path:?} could not be written: {source}")]
    Refused {
        /// The path below the working directory.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
}

/// The working directory, held open: whatever happens to its path later, this is the directory that was checked.
#[derive(Debug)]
pub struct WorkDir {
    fd: OwnedFd,
    path: PathBuf,
}

impl WorkDir {
    /// Creates the directory with its parents where they are missing and opens it.
    ///
    /// # Errors
    /// A sentence for a person: it is relative, a link, not a directory, not creatable or not writable.
    pub fn open(path: &Path) -> Result<WorkDir, String> {
        let shown = path.display();
        if !path.is_absolute() {
            return Err(format!("The working directory {shown} is not an absolute path. Set work_dir to one."));
        }
        if path.symlink_metadata().is_err() {
            std::fs::create_dir_all(path).map_err(|error| {
                format!(
                    "The working directory {shown} could not be created: {error}. \
                     Create it yourself, or set work_dir to a place you may write to."
                )
            })?;
        }
        let held = WorkDir::hold(path)?;
        // SAFETY: a valid descriptor and a constant, NUL-terminated name.
        let writable = unsafe { libc::faccessat(held.fd(), c".".as_ptr(), libc::W_OK | libc::X_OK, 0) } == 0;
        if !writable {
            return Err(format!(
                "The working directory {shown} is not writable: {}. \
                 Give yourself the right to write there, or set work_dir to another place.",
                io::Error::last_os_error()
            ));
        }
        Ok(held)
    }

    /// Opens a directory that is there, to be read.
    ///
    /// # Errors
    /// A sentence for a person: it is a link, or cannot be opened.
    pub fn hold(path: &Path) -> Result<WorkDir, String> {
        let shown = path.display();
        // With a slash at the end the system would follow a link in spite of O_NOFOLLOW.
        let trimmed: PathBuf = path.components().collect();
        let name = c_string(trimmed.as_os_str()).map_err(|error| format!("{shown}: {error}"))?;
        let fd = open_at(libc::AT_FDCWD, &name, libc::O_DIRECTORY | libc::O_RDONLY, 0).map_err(|error| {
            let linked = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
            let why = if linked { "is a symbolic link".to_owned() } else { format!("cannot be used: {error}") };
            format!("The working directory {shown} {why}. Set work_dir to a real directory you may write to.")
        })?;
        Ok(WorkDir { fd, path: trimmed })
    }

    /// What would keep the directory from being used; creates nothing.
    pub fn inspect(path: &Path) -> Option<String> {
        let shown = path.display();
        if path.symlink_metadata().is_ok() {
            return WorkDir::open(path).err();
        }
        if !path.is_absolute() {
            return Some(format!("The working directory {shown} is not an absolute path. Set work_dir to one."));
        }
        let ancestor = path.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok())?;
        let name = c_string(ancestor.as_os_str()).ok()?;
        // SAFETY: a NUL-terminated name.
        let writable = unsafe { libc::access(name.as_ptr(), libc::W_OK | libc::X_OK) } == 0;
        (!writable || !ancestor.is_dir()).then(|| {
            format!(
                "The working directory {shown} does not exist, and {} is not a directory you may write to. \
                 Create it, or set work_dir to another place.",
                ancestor.display()
            )
        })
    }

    /// Where it is, or was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A descriptor of its own for somebody else.
    pub fn duplicate(&self) -> Option<OwnedFd> {
        self.fd.try_clone().ok()
    }

    /// Its descriptor, valid as long as `self` is.
    pub fn fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Writes a file below the directory, creating sub-directories. A regular file that stands there is replaced (by a
    /// new one, so that other names of the old one keep their content). Returns the absolute path.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn write(&self, components: &[String], text: &str) -> Result<PathBuf, PlaceError> {
        let relative: PathBuf = components.iter().collect();
        let refused = |source: io::Error| match source.raw_os_error() {
            Some(libc::ELOOP | libc::ENOTDIR) => PlaceError::Outside,
            _ => PlaceError::Refused { path: relative.clone(), source },
        };
        let Some((file, dirs)) = components.split_last() else { return Err(PlaceError::Outside) };
        let mut dir = self.fd.try_clone().map_err(refused)?;
        for part in dirs {
            let name = c_string(OsStr::new(part)).map_err(refused)?;
            // SAFETY: a valid descriptor and a NUL-terminated name. An error shows in the open that follows.
            unsafe { libc::mkdirat(dir.as_raw_fd(), name.as_ptr(), 0o777) };
            dir = open_at(dir.as_raw_fd(), &name, libc::O_DIRECTORY | libc::O_RDONLY, 0).map_err(refused)?;
        }
        let name = c_string(OsStr::new(file)).map_err(refused)?;
        if !remove_regular(dir.as_raw_fd(), &name).map_err(refused)? {
            return Err(PlaceError::Outside);
        }
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        let mut file = File::from(open_at(dir.as_raw_fd(), &name, flags, 0o666).map_err(refused)?);
        file.write_all(text.as_bytes()).map_err(refused)?;
        Ok(self.path.join(&relative))
    }
}

/// Removes a regular file; true when nothing stands under that name afterwards, false when something else does.
fn remove_regular(dir: i32, name: &CString) -> io::Result<bool> {
    // SAFETY: `stat` is plain data for which zero is valid; the pointers are valid for the call.
    let (done, found) = unsafe {
        let mut found: libc::stat = std::mem::zeroed();
        (libc::fstatat(dir, name.as_ptr(), &mut found, libc::AT_SYMLINK_NOFOLLOW), found)
    };
    if done != 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::NotFound { Ok(true) } else { Err(error) };
    }
    if found.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Ok(false);
    }
    // SAFETY: as above.
    if unsafe { libc::unlinkat(dir, name.as_ptr(), 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(true)
}

fn open_at(dir: i32, name: &CString, flags: i32, mode: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: `name` is NUL-terminated; a descriptor that comes back is ours alone.
    unsafe {
        match libc::openat(dir, name.as_ptr(), flags | libc::O_NOFOLLOW | libc::O_CLOEXEC, mode) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

fn c_string(name: &OsStr) -> io::Result<CString> {
    CString::new(name.as_bytes()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the name contains a NUL"))
}

/// A directory of our own in the system's place for temporary files, readable by this account only, gone when dropped.
#[derive(Debug)]
pub struct PrivateDir(PathBuf);

impl PrivateDir {
    /// Creates it. The name is new, so nothing that was planted before can stand in for it.
    ///
    /// # Errors
    /// When the place for temporary files cannot be written.
    pub fn create(id: &str) -> io::Result<PrivateDir> {
        let path = std::env::temp_dir().join(format!("plenary-{id}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(PrivateDir(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a new file in it.
    ///
    /// # Errors
    /// When it cannot be written, or something stands under that name.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // Nothing depends on it: what stays behind is a readable-by-owner file in the temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Wish {
        Wish::Path(text.split('/').map(str::to_owned).collect())
    }

    #[test]
    fn only_a_named_or_path_like_comment_is_a_file_name() {
        assert_eq!(wish("# filename: t.py\nprint(1)"), path("t.py"));
        assert_eq!(wish("# Filename:t.py"), path("t.py"));
        assert_eq!(wish("# filename: my notes.txt"), path("my notes.txt"));
        assert_eq!(wish("// filename: a/b.js"), path("a/b.js"));
        assert_eq!(wish("/* filename: a.css */"), path("a.css"));
        assert_eq!(wish("<!-- filename: a/b.html -->\n<p>"), path("a/b.html"));
        assert_eq!(wish("# foo/bar.py\r\nx"), path("foo/bar.py"));
        assert_eq!(wish("# filename: ./a/./b.py"), path("a/b.py"));
        for plain in [
            "# This is a comment about things",
            "#!/bin/sh",
            "#name.py",
            "# and/or",
            "# filename:",
            "# see https://example.org/a.py",
            "# https://example.org/a.py",
            "# e.g.",
            "print(1)",
            "",
            "x\n# filename: late.py",
        ] {
            assert_eq!(wish(plain), Wish::None, "{plain}");
        }
    }

    #[test]
    fn names_that_lead_out_are_outside() {
        for name in ["../evil.py", "/etc/x.py", "a/../../x.py", "a//b.py", "a/", "a\\b.py", "a\tb\u{7}.py", ".", ".."] {
            assert_eq!(wish(&format!("# filename: {name}")), Wish::Outside, "{name}");
        }
        assert_eq!(wish("# ../evil.py"), Wish::Outside);
        assert_eq!(wish("# /etc/x.py"), Wish::Outside);
        assert_eq!(wish(&format!("# filename: {}", "x".repeat(256))), Wish::Outside);
    }

    #[test]
    fn a_file_is_replaced_but_its_other_names_keep_the_old_text() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let victim = outside.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::fs::hard_link(&victim, dir.path().join("t.py")).unwrap();
        let work = WorkDir::open(dir.path()).unwrap();
        work.write(&["t.py".into()], "new").unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(std::fs::read_to_string(dir.path().join("t.py")).unwrap(), "new");
    }

    #[test]
    fn the_private_directory_is_new_closed_and_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt;
        let id = format!("test-{}", uuid::Uuid::now_v7());
        let private = PrivateDir::create(&id).unwrap();
        assert_eq!(private.0.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(PrivateDir::create(&id).is_err());
        private.write("a", "x").unwrap();
        assert!(private.write("a", "y").is_err());
        let path = private.0.clone();
        drop(private);
        assert!(!path.exists());
    }
}
