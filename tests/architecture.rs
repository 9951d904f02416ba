//! The house rules, checked: who may import whom, how long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Module -> what it may import with `crate::`. `*` means everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("chat", &[]),
    ("text", &[]),
    ("catalog", &["chat"]),
    ("session", &["chat"]),
    ("rules", &["session", "chat"]),
    ("selection", &["session", "chat", "catalog", "rules"]),
    ("termination", &["session", "chat", "catalog", "rules"]),
    ("watch", &["session", "chat", "catalog", "rules"]),
    ("models", &["chat", "catalog", "settings"]),
    ("execution", &["chat", "catalog", "settings"]),
    ("exchange", &["chat"]),
    ("tools", &["execution", "chat", "catalog", "settings"]),
    ("journal", &["chat"]),
    ("settings", &["chat", "catalog", "rules"]),
    (
        "engine",
        &[
            "session",
            "selection",
            "termination",
            "watch",
            "models",
            "execution",
            "tools",
            "journal",
            "chat",
            "catalog",
            "rules",
        ],
    ),
    ("headless", &["session", "watch", "chat", "text", "settings", "catalog"]),
    ("tui", &["session", "watch", "chat", "text", "settings", "catalog"]),
    ("cli", &["*"]),
    ("wire", &["*"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

const CEILING: usize = 500;

fn sources() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn module_of(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Every first segment after `crate::` in the text, doc comments and grouped imports included.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            let mut first = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => {
                        first = true;
                        continue;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                if depth == 1 && first {
                    if c.is_alphanumeric() || c == '_' {
                        word.push(c);
                    } else if !word.is_empty() {
                        found.insert(std::mem::take(&mut word));
                        first = false;
                    }
                }
            }
            if !word.is_empty() {
                found.insert(word);
            }
        } else {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.insert(word);
        }
    }
    found
}

#[test]
fn every_module_imports_only_what_the_rule_allows() {
    let mut wrong = Vec::new();
    for path in sources() {
        let module = module_of(&path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: the module {module} has no row in the import rule", path.display()));
            continue;
        };
        if allowed.contains(&"*") {
            continue;
        }
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            let is_module = ARROWS.iter().any(|(name, _)| *name == import);
            if is_module && import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: {module} must not import {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_import_parser_sees_groups_and_paths() {
    let seen = imports("use crate::{chat::{Name, id}, session}; crate::engine::run(); use crate::tui;");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["chat", "engine", "session", "tui"]);
}

#[test]
fn no_file_passes_the_ceiling() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > CEILING)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "over {CEILING} lines:\n{}", long.join("\n"));
}

#[test]
fn every_directory_opens_with_a_paragraph() {
    for path in sources().into_iter().filter(|path| path.file_name().unwrap() == "mod.rs") {
        let text = fs::read_to_string(&path).unwrap();
        let prose = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(prose >= 3, "{} does not say what it is, what it may import, and how to add to it", path.display());
    }
}

/// Pure modules have no clock, no runtime and no randomness of their own.
#[test]
fn pure_modules_stay_pure() {
    const PURE: &[&str] = &["chat", "exchange", "session", "rules", "selection", "termination", "watch", "text"];
    const BANNED: &[&str] = &["async fn", "tokio::", "Instant::now", "SystemTime", "std::fs", "std::net", "rand::"];
    let machine = ["engine/machine", "tui/keymap", "tui/theme", "tui/clock"];
    for path in sources() {
        let shown = path.display().to_string();
        if !PURE.contains(&module_of(&path).as_str()) && !machine.iter().any(|part| shown.contains(part)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for banned in BANNED {
            assert!(!text.contains(banned), "{shown} contains {banned:?}");
        }
    }
}

/// Only the theme names a colour; only the terminal module writes to the terminal.
#[test]
fn colours_and_the_terminal_have_one_home() {
    for path in sources() {
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        if !shown.contains("tui/theme") {
            assert!(!text.contains("Color::"), "{shown} names a colour");
        }
        if !shown.contains("tui/terminal") {
            assert!(
                !text.contains("crossterm::execute!") && !text.contains("queue!("),
                "{shown} writes to the terminal"
            );
        }
        assert!(!text.contains("unbounded_channel"), "{shown} has an unbounded channel");
    }
}
