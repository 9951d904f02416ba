//! A run without a terminal, and consoles that come and go.

use crate::support::home::{Home, talk};
use crate::support::pty::{PATIENCE, Pty};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_detached_run_is_watched_by_one_and_led_by_another_and_ends_by_itself() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(20, 20, 8));
    let begun = home.run(&["run", &team, "--detach"]);
    assert_eq!(begun.code, Some(0), "{}", begun.err);
    let name = begun.out.trim().to_owned();
    let socket = home.path("data/run").join(format!("{name}.sock"));
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

    let first = Pty::plenary(&home, (120, 35), &["attach", "last"]);
    first.wait_for("ann-1");
    // Opening what another process runs is coming to it.
    let mut second = Pty::plenary(&home, (120, 35), &["open", "last"]);
    second.wait_for("You are watching");
    second.keys(" ");
    second.wait_for("only watching");
    second.keys("H");
    first.wait_for("asks for the baton");
    first.keys("j");
    first.keys("\r");
    second.wait_for("you hold the baton");
    second.keys("q");
    assert_eq!(second.end().code, 0);
    first.wait_status("ENDED");
    let mut first = first;
    first.keys("q");
    assert_eq!(first.end().code, 0);
    until("the run without a terminal is gone", || !socket.exists());
    assert!(home.run(&["sessions"]).out.contains("ended:"));
}

#[test]
fn a_run_is_handed_over_at_a_safe_point_and_goes_on() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(40, 20, 6));
    let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    pty.wait_for("ann-1");
    pty.keys("Q");
    assert_eq!(pty.end().code, 0);
    until("it has ended by itself", || home.run(&["sessions"]).out.contains("ended:"));
    let story = home.run(&["export", "last"]).out;
    assert!(story.contains("ann-3-end") && !story.contains("interrupted"), "{story}");
}

#[test]
fn what_happens_when_the_terminal_is_lost_is_a_setting_that_is_shown() {
    let home = Home::new();
    std::fs::write(home.path("config/settings.toml"), "go_on_when_lost = true\n").unwrap();
    let team = home.write("talk.toml", talk(40, 20, 6));
    let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    pty.wait_for("the run goes on without it");
    pty.close();
    until("it has ended by itself", || home.run(&["sessions"]).out.contains("ended:"));
}
