//! Reading below a directory that is held open, without ever following a link.

use regex::Regex;
use serde_json::{Map, Value};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Largest file that is read, in bytes.
const LARGEST: u64 = 8 << 20;
/// Most files that are listed or searched.
const MOST_FILES: usize = 5_000;
/// How deep directories are entered.
const DEEPEST: usize = 32;
/// Most lines that a search finds.
const MOST_LINES: usize = 500;
/// Longest line that a search shows, in characters.
const LONGEST_LINE: usize = 400;
/// Largest compiled pattern, in bytes.
const PATTERN: usize = 1 << 20;

/// A directory, held open.
pub struct Below(OwnedFd);

enum Found {
    File(File),
    Dir(OwnedFd),
}

impl Below {
    /// Opens the directory at an absolute path.
    pub fn open(dir: &str) -> Result<Self, String> {
        let path = CString::new(dir).map_err(|_| "the working directory has a zero byte in its name".to_owned())?;
        let fd = open_at(libc::AT_FDCWD, &path, libc::O_DIRECTORY);
        fd.map(Below).map_err(|error| format!("the working directory {dir} cannot be read: {error}"))
    }

    /// What stands at a relative path.
    fn find(&self, path: &str) -> Result<Found, String> {
        let parts = components(path)?;
        let mut at = duplicate(&self.0)?;
        for (n, part) in parts.iter().enumerate() {
            let name = CString::new(part.as_str()).map_err(|_| format!("{path:?} has a zero byte in it"))?;
            let fd = open_at(at.as_raw_fd(), &name, libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).map_err(
                |error| match error.raw_os_error() {
                    Some(libc::ELOOP) => format!("{path:?} passes through a symbolic link, which is not followed"),
                    _ => format!("{path:?} cannot be read: {error}"),
                },
            )?;
            let file = File::from(fd);
            let kind = file.metadata().map_err(|error| format!("{path:?} cannot be read: {error}"))?;
            if kind.is_file() && n + 1 == parts.len() {
                return Ok(Found::File(file));
            }
            if !kind.is_dir() {
                return Err(format!("{path:?} is no file or directory that can be read"));
            }
            at = file.into();
        }
        Ok(Found::Dir(at))
    }

    /// Calls `each` with every regular file below a path, in order of their names, until it says stop.
    fn walk(&self, path: &str, each: &mut dyn FnMut(&str, File) -> bool) -> Result<(), String> {
        match self.find(path)? {
            Found::File(file) => {
                each(path, file);
            }
            Found::Dir(dir) => {
                let start = components(path)?.join("/");
                enter(dir, &start, 0, each);
            }
        }
        Ok(())
    }
}

/// False when enough was seen.
fn enter(dir: OwnedFd, path: &str, depth: usize, each: &mut dyn FnMut(&str, File) -> bool) -> bool {
    if depth > DEEPEST {
        return true;
    }
    let Ok(names) = names(&dir) else { return true };
    for name in names {
        let Ok(fd) = open_at(dir.as_raw_fd(), &name, libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY) else {
            continue;
        };
        let file = File::from(fd);
        let shown = name.to_string_lossy();
        let full = if path.is_empty() { shown.into_owned() } else { format!("{path}/{shown}") };
        let goes_on = match file.metadata() {
            Ok(kind) if kind.is_dir() => enter(file.into(), &full, depth + 1, each),
            Ok(kind) if kind.is_file() => each(&full, file),
            _ => true,
        };
        if !goes_on {
            return false;
        }
    }
    true
}

/// The names in a directory, in order, without hidden ones' usual two.
fn names(dir: &OwnedFd) -> io::Result<Vec<CString>> {
    let own = dir.try_clone()?;
    // SAFETY: the descriptor is ours and open; fdopendir takes it over.
    let stream = unsafe { libc::fdopendir(std::os::fd::IntoRawFd::into_raw_fd(own)) };
    if stream.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut names = Vec::new();
    // SAFETY: the stream is open until closedir; an entry is read before the next call overwrites it.
    unsafe {
        libc::rewinddir(stream);
        while let Some(entry) = libc::readdir(stream).as_ref() {
            let name = CStr::from_ptr(entry.d_name.as_ptr());
            if name.to_bytes() != b"." && name.to_bytes() != b".." {
                names.push(name.to_owned());
            }
            if names.len() > MOST_FILES {
                break;
            }
        }
        libc::closedir(stream);
    }
    names.sort();
    Ok(names)
}

fn open_at(dir: i32, name: &CStr, flags: i32) -> io::Result<OwnedFd> {
    // SAFETY: the name ends with a zero byte and lives through the call.
    let fd = unsafe { libc::openat(dir, name.as_ptr(), flags | libc::O_RDONLY | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn duplicate(fd: &OwnedFd) -> Result<OwnedFd, String> {
    fd.try_clone().map_err(|error| error.to_string())
}

fn components(path: &str) -> Result<Vec<String>, String> {
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(format!("{path:?} leads out of the working directory"));
    }
    Ok(path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect())
}

fn text<'a>(given: &'a Map<String, Value>, name: &str) -> &'a str {
    given.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn read(path: &str, file: File) -> Result<String, String> {
    let size = file.metadata().map_err(|error| format!("{path:?} cannot be read: {error}"))?.len();
    if size > LARGEST {
        return Err(format!("{path:?} has {size} bytes; files of up to {LARGEST} bytes are read"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    match bytes.contains(&0) {
        true => Err(format!("{path:?} is no text")),
        false => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// `read_file`.
pub fn read_file(below: &Below, given: &Map<String, Value>) -> Result<String, String> {
    let path = text(given, "path");
    let Found::File(file) = below.find(path)? else { return Err(format!("{path:?} is a directory")) };
    let all = read(path, file)?;
    let number = |name: &str| given.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    if number("first").is_none() && number("lines").is_none() {
        return Ok(all);
    }
    let first = number("first").unwrap_or(1).max(1);
    let lines: Vec<&str> = all.lines().skip(first - 1).take(number("lines").unwrap_or(usize::MAX)).collect();
    let count = all.lines().count();
    Ok(format!("(lines {first} to {} of {count})\n{}", (first + lines.len()).saturating_sub(1), lines.join("\n")))
}

/// `list_files`.
pub fn list_files(below: &Below, given: &Map<String, Value>) -> Result<String, String> {
    let mut lines = Vec::new();
    below.walk(text(given, "path"), &mut |path, file| {
        let size = file.metadata().map_or(0, |data| data.len());
        lines.push(format!("{path}  {size} bytes"));
        lines.len() < MOST_FILES
    })?;
    if lines.len() >= MOST_FILES {
        lines.push(format!("(only the first {MOST_FILES} files are listed)"));
    }
    Ok(if lines.is_empty() { "(no files)".to_owned() } else { lines.join("\n") })
}

/// `search_text`.
pub fn search_text(below: &Below, given: &Map<String, Value>) -> Result<String, String> {
    let pattern = regex::RegexBuilder::new(text(given, "pattern")).size_limit(PATTERN).build();
    let pattern: Regex = pattern.map_err(|error| format!("the pattern cannot be used: {error}"))?;
    let (mut lines, mut files) = (Vec::new(), 0);
    below.walk(text(given, "path"), &mut |path, file| {
        files += 1;
        if let Ok(all) = read(path, file) {
            for (n, line) in all.lines().enumerate().filter(|(_, line)| pattern.is_match(line)) {
                let shown: String = line.chars().take(LONGEST_LINE).collect();
                lines.push(format!("{path}:{}: {shown}", n + 1));
                if lines.len() >= MOST_LINES {
                    lines.push(format!("(only the first {MOST_LINES} lines are shown)"));
                    return false;
                }
            }
        }
        files < MOST_FILES
    })?;
    if files >= MOST_FILES {
        lines.push(format!("(only the first {MOST_FILES} files were searched)"));
    }
    Ok(if lines.is_empty() { "(nothing found)".to_owned() } else { lines.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::symlink;

    fn given(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn world() -> (tempfile::TempDir, Below) {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        std::fs::write(inside.join("a.txt"), "one\ntwo\nthree\n").unwrap();
        std::fs::write(inside.join("sub/b.txt"), "two again\n").unwrap();
        std::fs::write(inside.join("raw"), b"a\0b").unwrap();
        symlink(dir.path().join("secret"), inside.join("link")).unwrap();
        symlink(dir.path(), inside.join("up")).unwrap();
        let below = Below::open(inside.to_str().unwrap()).unwrap();
        (dir, below)
    }

    #[test]
    fn files_below_are_read_listed_and_searched() {
        let (_dir, below) = world();
        assert_eq!(read_file(&below, &given(json!({"path": "./sub//b.txt"}))).unwrap(), "two again\n");
        let part = read_file(&below, &given(json!({"path": "a.txt", "first": 2, "lines": 1}))).unwrap();
        assert_eq!(part, "(lines 2 to 2 of 3)\ntwo");
        let listed = list_files(&below, &given(json!({}))).unwrap();
        assert_eq!(listed, "a.txt  14 bytes\nraw  3 bytes\nsub/b.txt  10 bytes");
        let found = search_text(&below, &given(json!({"pattern": "^two"}))).unwrap();
        assert_eq!(found, "a.txt:2: two\nsub/b.txt:1: two again");
        assert_eq!(search_text(&below, &given(json!({"pattern": "x", "path": "sub"}))).unwrap(), "(nothing found)");
    }

    #[test]
    fn nothing_outside_is_reached_by_any_path_or_link() {
        let (dir, below) = world();
        let absolute = dir.path().join("secret").display().to_string();
        for path in
            ["../secret", "sub/../../secret", "link", "up/secret", absolute.as_str(), "a\0b", "sub", "raw", "nope"]
        {
            let read = read_file(&below, &given(json!({"path": path})));
            assert!(read.is_err(), "{path:?}: {read:?}");
        }
        assert!(!search_text(&below, &given(json!({"pattern": "secret"}))).unwrap().contains("link"));
        assert!(list_files(&below, &given(json!({"path": "up"}))).is_err());
    }
}
