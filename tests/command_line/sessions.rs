//! Sessions on disk: listed, exported, refused when they cannot be opened, never opened twice.

use crate::support::home::{Home, talk};
use crate::support::pty::Pty;
use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;

/// A home with a session that has ended.
fn ended() -> (Home, String) {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 6, 5));
    assert_eq!(home.run(&["run", &team, "--headless"]).code, Some(0));
    let name = home.session_names().remove(0);
    (home, name)
}

fn file(home: &Home, name: &str) -> PathBuf {
    home.sessions().join(format!("{name}.sqlite"))
}

#[test]
fn sessions_are_listed_newest_first() {
    let home = Home::new();
    let none = home.run(&["sessions"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), "No sessions yet. Start one: plenary demo\n"));
    assert_eq!(home.run(&["sessions", "--json"]).out, "");
    let team = home.write("talk.toml", talk(0, 3, 3));
    home.run(&["run", &team, "--headless"]);
    home.run(&["run", &team, "--headless", "--task", "Another\ttask\nof two lines"]);
    home.run(&["run", &team, "--headless", "--ephemeral"]);
    let names = home.session_names();
    assert_eq!(names.len(), 2, "ephemeral ones are not kept");

    let table = home.run(&["sessions"]);
    assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", table.out);
    assert!(lines[0].starts_with(&names[0]) && lines[0].contains("3 messages  ended: "), "{}", lines[0]);
    assert!(lines[1].contains("Another task"), "{}", lines[1]);
    assert!(lines[2].starts_with(&names[1]), "{}", lines[2]);

    let json = home.run(&["sessions", "--json"]).out;
    let rows: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["session"], names[0].as_str());
    assert!(rows[0]["task"].as_str().unwrap().starts_with("Another"), "{}", rows[0]);
    assert_eq!(rows[0]["messages"], 3);
    assert_eq!(rows[0]["problem"], serde_json::Value::Null);
    assert!(rows[0]["updated"].as_i64() >= rows[1]["updated"].as_i64());
}

#[test]
fn a_session_is_exported_by_its_name_a_part_of_it_or_as_the_last() {
    let (home, name) = ended();
    let whole = home.run(&["export", &name]);
    assert_eq!((whole.code, whole.err.as_str()), (Some(0), ""));
    assert_eq!(home.run(&["export", &name[..12]]).out, whole.out);
    assert_eq!(home.run(&["export", "last"]).out, whole.out);
    assert!(whole.out.starts_with(&format!("# talk\n\nSession `{name}`, branch `main`.\n")), "{}", whole.out);
    for part in [
        "## Operator (",
        ", task)",
        "## Ann (",
        "ann-2-end",
        "## Ben (",
        "Ended: Maximum rounds (5) reached · 5 rounds",
    ] {
        assert!(whole.out.contains(part), "{part} in {}", whole.out);
    }
    let lines = home.run(&["export", "last", "--format", "jsonl"]).out;
    assert_eq!(lines.lines().count(), home.records().len());
}

#[test]
fn a_damaged_session_is_exported_as_far_as_it_is_good() {
    let (home, name) = ended();
    let path = file(&home, &name);
    let whole = home.run(&["export", "last", "--format", "jsonl"]).out;
    let total = whole.lines().count();
    // One letter of the record with Ann's second message, as a failing disk would change it.
    let mut bytes = fs::read(&path).unwrap();
    let word = b"\"content\":\"ann-2 ";
    let at = bytes.windows(word.len()).rposition(|window| window == word).unwrap() + word.len() - 3;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();

    let ran = home.run(&["export", "last", "--format", "jsonl"]);
    assert_eq!(ran.code, Some(1));
    let good = ran.out.lines().count();
    assert!(good > 5 && good < total, "{good} of {total}");
    assert!(whole.starts_with(&ran.out), "the good part is as it was");
    assert!(ran.err.contains("is damaged after record") && ran.err.contains("Everything before that was exported."));
    assert_eq!(ran.err.lines().count(), 1);
    let read = home.run(&["export", "last"]);
    assert_eq!(read.code, Some(1));
    assert!(
        read.out.contains("ann-1-end") && !read.out.contains("ann-2") && !read.out.contains("ann-3"),
        "{}",
        read.out
    );
    assert_eq!(home.run(&["sessions"]).code, Some(0));
    refused(&home, &name, "is damaged after record");

    // Not even the beginning is left.
    fs::write(&path, vec![7; 30_000]).unwrap();
    let ran = home.run(&["export", &name]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains(&name), "{}", ran.err);
    let listed = home.run(&["sessions"]);
    assert_eq!(listed.code, Some(0));
    assert!(listed.out.contains("cannot be opened: "), "{}", listed.out);
}

#[test]
fn a_session_of_a_newer_plenary_is_refused_in_words() {
    let (home, name) = ended();
    let path = file(&home, &name);
    let version: i64 = {
        let conn = Connection::open(&path).unwrap();
        let version = conn.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
        conn.pragma_update(None, "user_version", version + 1).unwrap();
        version
    };
    let before = fs::read(&path).unwrap();
    let ran = home.run(&["export", "last"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("newer Plenary") && ran.err.contains("Update Plenary"), "{} ({version})", ran.err);
    refused(&home, &name, "newer Plenary");
    assert!(home.run(&["sessions"]).out.contains("newer Plenary"));
    assert_eq!(fs::read(&path).unwrap(), before, "nothing was changed");
}

#[test]
fn a_session_that_is_not_there_names_the_one_that_was_meant() {
    let (home, name) = ended();
    let typo = name.replace("talk", "tlak");
    let ran = home.run(&["export", &typo]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains(&format!("id you mean {name}?")), "{}", ran.err);
    refused(&home, &typo, "id you mean");
    let ran = Home::new().run(&["export", "last"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("there is no session"), "{}", ran.err);
}

#[test]
fn a_session_that_is_open_says_who_has_it_and_can_be_read_meanwhile() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(5, 100, 3));
    let first = Pty::plenary(&home, (80, 24), &["run", &team]);
    first.wait_for("w1x1");
    let name = home.session_names().remove(0);
    // Opening what another process runs is coming to it, to watch.
    let watching = Pty::plenary(&home, (120, 35), &["open", &name]);
    watching.wait_for("You are watching");
    drop(watching);
    // Where that process lets nobody come, the refusal says which it is.
    std::fs::remove_file(home.path("data/run").join(format!("{name}.sock"))).unwrap();
    let said = refused(&home, &name, "is open in another Plenary");
    assert!(said.contains(&format!("(process {})", first.pid())), "{said}");
    let read = home.run(&["export", "last"]);
    assert_eq!(read.code, Some(0), "{read:?}");
    assert!(read.out.contains("Talk about the weather."));
    drop(first);
    // Killed, it has it no more.
    let second = Pty::plenary(&home, (80, 24), &["open", "last"]);
    second.wait_status("HELD");
}

/// `open` on a terminal refuses with these words, in exit code 1, without taking the screen.
#[track_caller]
fn refused(home: &Home, name: &str, words: &str) -> String {
    let mut pty = Pty::plenary(home, (300, 24), &["open", name]);
    let end = pty.end();
    let said = pty.text();
    assert_eq!(end.code, 1, "{said}");
    assert!(said.contains(words), "{words:?} in {said}");
    assert!(!pty.bytes().windows(6).any(|bytes| bytes == b"\x1b[?104"), "it took the screen");
    said
}
