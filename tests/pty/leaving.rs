//! However the console is left, the terminal is as it was, and no process stays.

use crate::support::home::{Home, PLENARY, talk};
use crate::support::pty::Pty;
use std::time::{Duration, Instant};

#[test]
fn signals_end_it_with_their_number_and_the_terminal_comes_back() {
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGHUP, 129), (libc::SIGINT, 130)] {
        let home = Home::new();
        let team = home.write("talk.toml", talk(30, 200, 5));
        let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
        let before = pty.modes();
        pty.wait_for("w1x4");
        pty.signal(signal);
        assert_eq!(pty.end().code, code);
        pty.assert_given_back(&before);
        assert!(pty.text().contains("Go on with: plenary open 20"), "{}", pty.text());
        // What was said is in the log, and the session can be opened.
        assert!(home.run(&["export", "last"]).out.contains("ann-1 w1x0"), "signal {signal}");
    }
}

#[test]
fn a_terminal_that_is_closed_ends_it_at_once() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(30, 200, 5));
    // In mid-stream, in an idle console, and with something open.
    for keys in ["", "\x03", "?", "i"] {
        let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
        pty.wait_for("w1x4");
        pty.keys(keys);
        pty.close();
        let closed = Instant::now();
        let end = pty.end();
        assert!(closed.elapsed() < Duration::from_secs(5), "{:?} after {keys:?}", closed.elapsed());
        assert_eq!(end.code, 129, "after {keys:?}");
        assert!(end.cpu < Duration::from_secs(3), "{:?} of processor time", end.cpu);
    }
}

#[test]
fn a_closed_terminal_ends_the_code_that_runs_on_it_as_well() {
    let home = Home::new();
    let team =
        home.write("sleeper.toml", crate::support::home::doer("never", "```sh\necho $$ > pid; sleep 300\n```", ""));
    let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    pty.wait_for("running");
    let note = home.path("workspace/pid");
    let until = Instant::now() + Duration::from_secs(20);
    let pid = loop {
        if let Ok(pid) = std::fs::read_to_string(&note).unwrap_or_default().trim().parse::<u32>() {
            break pid;
        }
        assert!(Instant::now() < until, "the program never started");
        std::thread::sleep(Duration::from_millis(5));
    };
    pty.close();
    pty.end();
    while std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("sleep 300")) {
        assert!(Instant::now() < until, "process {pid} is left");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_console_back() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(30, 100, 5));
    // A shell with job control is the parent; each line tells what has happened.
    let line =
        "set -m; echo prompt; \"$0\" run \"$1\"; echo \"left $?\"; stty -a > modes; read answer; fg; echo \"left $?\"";
    let mut pty = Pty::spawn(&home, (120, 35), &["bash", "-c", line, PLENARY, &team], &[]);
    let before = pty.modes();
    pty.wait_for("w1x4");
    pty.keys("\x1a");
    pty.wait_for("left 148"); // 128 + SIGTSTP
    pty.assert_given_back(&before);
    pty.keys("words for the shell\r");
    pty.wait_for("ann-1");
    pty.wait_for("w1x9");
    assert!(pty.look(vt100::Screen::alternate_screen) && !pty.modes().is_cooked());
    // Stopped again from outside and set going by hand, as when a shell was never asked.
    pty.keys("\x03");
    pty.wait_status("HELD");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
    pty.wait_for("left 0");
    pty.assert_given_back(&before);
    assert!(std::fs::read_to_string(home.path("modes")).unwrap().contains(" icanon"));
}

#[test]
fn ctrl_z_without_a_shell_is_refused_in_words() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 4, 3));
    let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    pty.wait_status("ENDED");
    pty.keys("\x1a");
    pty.wait_for("there is no shell to come back from");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
}

#[test]
fn a_console_that_cannot_begin_leaves_the_terminal_alone() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 4, 3));
    let file = home.write("file", "");
    let keymap = home.write("keys.toml", "[main]\n\"space\" = \"fly\"\n");
    home.write("config/settings.toml", format!("keymap = {keymap:?}\n"));
    let elsewhere = home.path("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    for (arguments, more, words) in [
        (&["run", &team][..], &[("TERM", "dumb"), ("PLENARY_CONFIG_DIR", elsewhere)][..], "--headless"),
        (&["run", &team], &[("PLENARY_DATA_DIR", file.as_str()), ("PLENARY_CONFIG_DIR", elsewhere)], "cannot write to"),
        (&["run", &team], &[], "fly"),
        (&["open", "nothing"], &[("PLENARY_CONFIG_DIR", elsewhere)], "there is no session"),
    ] {
        let mut pty = Pty::plenary_with(&home, (120, 35), arguments, more);
        let before = pty.modes();
        assert_ne!(pty.end().code, 0);
        pty.assert_given_back(&before);
        assert!(pty.text().contains(words), "{words} in {}", pty.text());
        assert!(!pty.bytes().windows(6).any(|bytes| bytes == b"\x1b[?104"), "it took the screen");
    }
}
