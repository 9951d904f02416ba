//! The only part of the console that reads and writes files: a person's own keymap and themes, and what it remembers.
//!
//! Keymap, themes and memory themselves are pure functions of texts; this finds the texts, with a bound on their size.

use super::keymap::{Keymap, KeymapError, SHIPPED};
use super::theme::{ThemeError, Themes};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest file that is read, in bytes. A hundred times what a person writes.
const LIMIT: u64 = 256 * 1024;

/// The built-in keymap of that name with the file at `own` over it, if there is one.
///
/// # Errors
/// Every mistake in the file, or that it cannot be read. The built-in keymap ([`Keymap::default`]) can then be used.
pub fn keymap(keys: &str, own: Option<&Path>) -> Result<Keymap, Vec<KeymapError>> {
    let Some((base, text_of_base)) = SHIPPED.iter().find(|(name, _)| *name == keys) else {
        let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
        let message = format!("there are no keys called {keys:?}; there are: {}", known.join(", "));
        return Err(vec![KeymapError { file: "the setting `keys`".to_owned(), line: 1, message }]);
    };
    let base_name = format!("the built-in keys {base:?}");
    let mut files = vec![(base_name.as_str(), *text_of_base)];
    let Some(path) = own else { return Keymap::load(&files) };
    let name = path.display().to_string();
    match text(path) {
        Ok(text) => {
            files.push((&name, &text));
            Keymap::load(&files)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Keymap::load(&files),
        Err(error) => Err(vec![KeymapError { file: name, line: 1, message: format!("it cannot be read: {error}") }]),
    }
}

/// The built-in themes and every `*.toml` in `own`, if it is there; a theme is called as its file. What has mistakes
/// is left out, and the mistakes are told.
pub fn themes(own: Option<&Path>) -> (Themes, Vec<ThemeError>) {
    let mut unread = Vec::new();
    let mut files: Vec<(String, String)> = Vec::new();
    let entries = own.and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ext| ext == "toml")) {
        let Some(name) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
        match text(&path) {
            Ok(text) => files.push((name, text)),
            Err(error) => {
                unread.push(ThemeError { theme: name, line: 1, message: format!("it cannot be read: {error}") });
            }
        }
    }
    // The order of a directory is no order.
    files.sort();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (themes, mut mistakes) = Themes::load(&files);
    mistakes.extend(unread);
    (themes, mistakes)
}

/// What the console remembers; nothing when there is nothing, or nothing that can be read.
pub fn recalled(path: Option<&Path>) -> String {
    path.and_then(|path| text(path).ok()).unwrap_or_default()
}

/// Replaces what the console remembers, whole or not at all.
///
/// # Errors
/// When the file cannot be written: what could not be done, for a person.
pub fn remember(path: &Path, told: &str) -> Result<(), String> {
    let beside = path.with_extension("toml.new");
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&beside, told))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| format!("How the screen is arranged could not be kept in {}: {error}", path.display()))
}

/// Keeps what was copied where it can be found when the terminal has not taken it. Only its owner may read it.
///
/// # Errors
/// When the file cannot be written.
pub fn keep_copy(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, text.as_bytes())
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(io::Error::other(format!("it is longer than {} KB", LIMIT / 1024)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_found_and_their_mistakes_carry_their_names() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("mine.toml", "inherits = \"light\"");
        write("broken.toml", "inherits = 3");
        write("notes.txt", "not a theme");
        write("huge.toml", &"#".repeat(300 * 1024));
        let (themes, mistakes) = super::themes(Some(dir.path()));
        assert_eq!(themes.names(), ["dark", "light", "high-contrast", "solarized", "ansi", "mono", "mine"]);
        let named: Vec<_> = mistakes.iter().map(|mistake| mistake.theme.as_str()).collect();
        assert_eq!(named, ["broken", "huge"]);

        write("keymap.toml", "[main]\n\"Q\" = \"qiut\"");
        let mistakes = keymap("vim", Some(&dir.path().join("keymap.toml"))).unwrap_err();
        assert!(mistakes[0].file.ends_with("keymap.toml") && mistakes[0].line == 2);
        assert!(keymap("plain", Some(&dir.path().join("absent.toml"))).is_ok());
        assert!(keymap("plain", None).is_ok());
        assert!(keymap("emacs", None).unwrap_err()[0].to_string().contains("there are: vim, plain"));
        assert_eq!(super::themes(Some(&dir.path().join("absent"))).1, []);
    }
}
