//! What the console is for, and what it looks like meanwhile.

use super::{CTRL_C, approve};
use crate::support::home::{Home, talk};
use crate::support::pty::{Pty, shown, top};
use plenary::chat::event::{Actor, Event, Verdict};
use plenary::chat::message::Completeness;
use std::fs;
use std::time::Duration;

/// A normal terminal.
const NORMAL: (u16, u16) = (120, 35);

/// Whether the conversation is held by the operator, as the line above the keys says.
const HELD_BY_YOU: &str = "held by you";

#[test]
fn a_person_watches_a_team_approves_its_code_and_sees_it_really_run() {
    let home = Home::new();
    let team = home.lru_cache(0);
    let stderr = home.path("stderr");
    // A shell that has shown something before, and whose standard error goes elsewhere.
    let line = "printf 'before\\n'; exec \"$0\" run \"$1\" 2>\"$2\"";
    let words = ["sh", "-c", line, crate::support::home::PLENARY, &team, stderr.to_str().unwrap()];
    let mut pty = Pty::spawn(&home, NORMAL, &words, &[]);
    let before = pty.modes();
    assert!(before.is_cooked());

    pty.wait_for("a approve");
    assert!(!pty.modes().is_cooked());
    pty.keys("a");
    pty.wait_for("Executor wants to run python from message 2");
    pty.keys("\x1b[F"); // end
    pty.wait_for("print(\"all tests passed\")");
    pty.wait_for("seen in full");
    pty.keys("r");
    // The code of the second approval is the answer to the real traceback of the first run.
    pty.wait_status("round 4/12");
    pty.wait_for("a approve");
    pty.keys("gg");
    pty.wait_for("Implement an LRUCache");
    pty.keys("/KeyError");
    pty.wait_for("search: KeyError");
    pty.keys("\r");
    pty.wait_for("that contain it");
    pty.escape();
    pty.keys("G");
    approve(&pty);
    pty.wait_status("ENDED");
    pty.wait_for("3 tests passed");
    pty.wait_for("APPROVED");
    pty.keys("q");

    assert_eq!(pty.end().code, 0);
    pty.assert_given_back(&before);
    assert_eq!(pty.text().trim_end(), "before", "what was on the screen is there again, and nothing else");
    let said = fs::read_to_string(&stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("plenary: ended: Text 'APPROVED' mentioned. Go on with: plenary open 20"), "{said}");

    let records = home.records();
    let exits: Vec<i32> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Outcome { execution, .. } => Some(execution.exit_code),
            _ => None,
        })
        .collect();
    assert_eq!(exits, [1, 0]);
    let traceback = records.iter().any(|record| {
        matches!(&record.event, Event::Outcome { execution, .. }
            if execution.output.contains("Traceback (most recent call last)") && execution.output.contains("KeyError"))
    });
    assert!(traceback, "a real traceback");
    for record in &records {
        if let Event::ApprovalDecided { verdict, seen_in_full, .. } = &record.event {
            assert_eq!((&record.actor, verdict, seen_in_full), (&Actor::Operator, &Verdict::Run, &true));
        }
    }
}

#[test]
fn space_holds_at_the_turns_end_and_twice_at_the_steps_end() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(60, 25, 5));
    let pty = Pty::plenary(&home, NORMAL, &["run", &team]);
    pty.wait_for("w1x4");
    pty.keys(" ");
    pty.wait_status("PAUSING");
    pty.wait_for("holds after Ann's turn");
    assert!(!pty.text().contains("ann-1-end"), "the pause was asked for in mid-turn");
    pty.wait_status("HELD");
    pty.wait_for(HELD_BY_YOU);
    pty.wait_for("ann-1-end");
    pty.wait_still(Duration::from_millis(300));
    assert!(!pty.text().contains("ben-1"), "nothing starts while it is held");

    pty.keys(" ");
    pty.wait_for("ben-1 w1x0 w1x1");
    pty.keys(" ");
    pty.wait_status("PAUSING");
    pty.keys(" ");
    pty.wait_for("when Ben's model call is done");
    pty.wait_status("HELD");
    pty.wait_for("ben-1-end");

    pty.keys(" ");
    pty.wait_status("ENDED");
    pty.wait_for("ben-2-end");
    let interrupted = home.records().iter().any(|record| matches!(record.event, Event::ModelInterrupted { .. }));
    assert!(!interrupted, "a pause breaks nothing off");
}

#[test]
fn ctrl_c_keeps_what_was_said_then_ends_the_run_then_leaves() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(30, 100, 5));
    let mut pty = Pty::plenary(&home, NORMAL, &["run", &team]);
    let before = pty.modes();
    pty.wait_for("w1x9");
    pty.keys(CTRL_C);
    pty.wait_for("2 Ann  INTERRUPTED");
    pty.wait_status("HELD");
    assert!(pty.text().contains("ann-1 w1x0 w1x1"));
    pty.keys(CTRL_C);
    pty.wait_status("ENDED");
    pty.wait_for("ended: by the operator");
    pty.keys(CTRL_C);
    assert_eq!(pty.end().code, 0);
    pty.assert_given_back(&before);
    let kept = home.records().iter().any(|record| {
        matches!(&record.event, Event::MessagePosted { message }
            if message.completeness == Completeness::Interrupted && message.content.starts_with("ann-1 w1x0"))
    });
    assert!(kept, "the partial text is in the log");
}

#[test]
fn an_edited_message_goes_on_on_a_new_branch() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 6, 5));
    let mut pty = Pty::plenary(&home, NORMAL, &["run", &team]);
    pty.wait_status("ENDED");
    pty.wait_status("talk ▸ main");
    // The newest message is Ben's second; the one before it is Ann's second.
    pty.keys("kk");
    pty.wait_still(Duration::from_millis(100));
    pty.keys("e");
    pty.wait_for("Edit message 4 by Ann");
    pty.keys("\x1b[F RAIN\x13"); // end, words, ctrl-s
    pty.wait_for("go on from here on a new branch");
    pty.keys("\r");
    pty.wait_status("talk ▸ branch-1");
    pty.wait_for("RAIN");
    pty.wait_status("ENDED");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);

    let records = home.records();
    let moved = records.iter().position(|record| matches!(record.event, Event::BranchMoved { .. })).unwrap();
    let after = &records[moved..];
    assert!(after.iter().any(|record| matches!(&record.event, Event::MessageEdited { content, .. }
        if content.contains("ann-2-end") && content.contains("RAIN"))));
    let speakers: Vec<_> = after
        .iter()
        .filter_map(|record| match &record.event {
            Event::MessagePosted { message } => Some(message.author.name().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(speakers, ["Ben"], "the conversation goes on from the edited message to its end");
    assert!(after.iter().all(|record| record.branch != records[0].branch));
    let said = home.run(&["export", "last"]).out;
    assert!(said.contains("branch `branch-1`") && said.contains("edited by the operator"), "{said}");
}

#[test]
fn a_storm_of_sizes_leaves_the_right_screen() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(200, 60, 6));
    let mut pty = Pty::plenary(&home, (200, 60), &["run", &team]);
    pty.wait_for("ann-1");
    for round in 0..12 {
        for (columns, rows) in [(200, 60), (40, 12), (1, 1), (79 + round, 24), (3, 50), (300, 4), NORMAL] {
            pty.resize(columns, rows);
            std::thread::sleep(Duration::from_millis(if round < 10 { 1 } else { 25 }));
        }
    }
    pty.wait_status("ENDED");
    pty.wait_for("? help");
    pty.wait_still(Duration::from_millis(300));
    let settled = pty.text();
    let width = pty.look(|screen| screen.size().1.get());
    assert_eq!(width, NORMAL.0);
    assert!(settled.contains("ann-3-end"), "{settled}");
    let drawn = pty.written();
    pty.keys("\x0c"); // ctrl-l draws everything anew
    pty.wait_more(drawn);
    pty.wait_still(Duration::from_millis(200));
    assert_eq!(pty.text(), settled, "what is on the screen is what would be drawn on an empty one");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
}

#[test]
fn small_windows_show_what_matters_and_the_smallest_says_so() {
    let home = Home::new();
    let team = home.lru_cache(0);
    let mut pty = Pty::plenary(&home, (80, 24), &["run", &team]);
    pty.wait_for("a approve");
    pty.resize(40, 12);
    pty.wait("WAITING at 40x12", |screen| top(screen).contains("WAITING") && screen.size().1.get() == 40);
    pty.keys("a");
    pty.wait_for("Too small to show the whole code");
    pty.keys("r");
    pty.resize(12, 3);
    pty.wait_for("enlarge");
    pty.resize(1, 1);
    pty.resize(80, 24);
    pty.wait_for("rows seen");
    pty.escape();
    pty.keys("q");
    pty.end();
    let decided = home.records().iter().any(|record| matches!(record.event, Event::ApprovalDecided { .. }));
    assert!(!decided, "nothing runs that cannot be seen");
}

#[test]
fn themes_help_palette_and_search_open_and_close() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 6, 5));
    let mut pty = Pty::plenary(&home, NORMAL, &["run", &team]);
    pty.wait_status("ENDED");
    pty.wait_for("? help");
    let ended = pty.text();

    pty.keys("?");
    pty.wait_for("── main ──");
    pty.escape();
    pty.wait_without("── main ──");

    pty.keys(":");
    pty.wait_for("Commands");
    pty.keys("zoom");
    pty.wait_without("pause");
    pty.escape();
    pty.wait_without("Commands");

    pty.keys("/ben-2");
    pty.wait_for("search: ben-2");
    pty.keys("\r");
    pty.wait_for("message 1 of 1");
    pty.keys("/");
    pty.wait_for("search:");
    pty.escape();
    pty.wait_without("search:");

    let mut names = Vec::new();
    for _ in 0..4 {
        pty.keys("T");
        pty.wait("the next theme", |screen| theme(&screen.contents()).is_some_and(|name| !names.contains(&name)));
        names.push(theme(&pty.text()).unwrap());
    }
    assert_eq!(names.len(), 4, "{names:?}");
    pty.escape();
    pty.wait("the first screen", |screen| shown(screen).lines().skip(1).eq(ended.lines().skip(1)));
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
}

/// `theme: NAME` above the keys.
fn theme(shown: &str) -> Option<String> {
    let line = shown.lines().find_map(|line| line.trim().strip_prefix("theme: "))?;
    Some(line.trim().to_owned())
}

#[test]
fn an_ended_run_writes_nothing_and_takes_no_time() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 6, 5));
    let pty = Pty::plenary(&home, NORMAL, &["run", &team]);
    pty.wait_status("ENDED");
    pty.wait_still(Duration::from_millis(500));
    let (bytes, cpu) = (pty.written(), pty.cpu());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(pty.written() - bytes, 0, "written while nothing happens");
    assert!(pty.cpu() - cpu <= Duration::from_millis(20), "{:?} of processor time in two seconds", pty.cpu() - cpu);
}

#[test]
fn a_hold_writes_nothing() {
    let home = Home::new();
    let pty = Pty::plenary(&home, NORMAL, &["run", &home.lru_cache(0)]);
    pty.wait_for("a approve");
    pty.wait_still(Duration::from_millis(500));
    let bytes = pty.written();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(pty.written() - bytes, 0, "written while it waits for a person");
}

#[test]
fn no_color_means_no_colour() {
    let home = Home::new();
    let team = home.lru_cache(0);
    let mut pty = Pty::plenary_with(&home, NORMAL, &["run", &team], &[("NO_COLOR", "1")]);
    approve(&pty);
    pty.wait_status("round 4/12");
    pty.keys("?");
    pty.wait_for("── main ──");
    pty.escape();
    pty.keys("q");
    pty.end();
    let coloured = super::hostile::sequences(&pty.bytes()).colours;
    assert_eq!(coloured, Vec::<u16>::new());
    let other = Pty::plenary(&home, NORMAL, &["run", &team]);
    other.wait_for("a approve");
    assert_ne!(super::hostile::sequences(&other.bytes()).colours, Vec::<u16>::new(), "colours would be noticed");
}

#[test]
fn a_session_that_was_left_goes_on_where_it_was() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(60, 25, 5));
    let mut pty = Pty::plenary(&home, NORMAL, &["run", &team]);
    pty.wait_for("ben-1 w1x0 w1x1");
    pty.keys("q");
    pty.wait_for("leave and stop what runs");
    pty.keys("j\r");
    assert_eq!(pty.end().code, 0);
    assert!(pty.text().contains("plenary: the run is saved and holds. Go on with: plenary open 20"), "{}", pty.text());
    let left = home.records().len();

    let mut pty = Pty::plenary(&home, NORMAL, &["open", "last"]);
    pty.wait_status("HELD");
    pty.wait_for("ann-1-end");
    pty.wait_for("INTERRUPTED");
    pty.wait_still(Duration::from_millis(300));
    assert!(home.records().len() <= left + 1, "nothing goes on by itself");
    pty.keys(" ");
    pty.wait_status("ENDED");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
    let said = home.run(&["export", "last"]).out;
    for end in ["ann-1-end", "ben-1-end", "ann-2-end", "ben-2-end"] {
        assert_eq!(said.matches(end).count(), 1, "{end} in {said}");
    }
    assert_eq!(home.session_names().len(), 1);
}

#[test]
fn the_operators_own_editor_gets_the_terminal_and_gives_back_its_words() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 6, 5));
    let modes = home.path("modes");
    let editor = home.script(
        "editor",
        &format!(
            "#!/bin/sh\nstty -a >'{}'\nprintf 'EDITING '; cat \"$2\"; read answer\n\
             printf 'words from the editor: %s' \"$answer\" >\"$2\"\n",
            modes.display()
        ),
    );
    let mut pty = Pty::plenary_with(&home, NORMAL, &["run", &team], &[("EDITOR", &format!("{editor} --wait"))]);
    let before = pty.modes();
    pty.wait_status("ENDED");
    pty.keys("ihello");
    pty.wait_for("hello");
    pty.keys("\x18\x05"); // ctrl-x ctrl-e
    pty.wait_for("EDITING hello");
    assert!(pty.modes().is_cooked() && !pty.look(vt100::Screen::alternate_screen));
    pty.keys("q\r");
    pty.wait_for("words from the editor: q");
    pty.wait_status("ENDED");
    assert!(!pty.modes().is_cooked() && pty.look(vt100::Screen::alternate_screen));
    assert!(fs::read_to_string(modes).unwrap().contains(" icanon"));
    pty.escape();
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
    pty.assert_given_back(&before);

    // Without an editor, and with one that fails, the words stay.
    for editor in ["", "/nowhere/at/all", "false"] {
        let mut pty = Pty::plenary_with(&home, NORMAL, &["run", &team], &[("EDITOR", editor)]);
        pty.wait_status("ENDED");
        pty.keys("ihello\x18\x05");
        let said = if editor.is_empty() { "Set $EDITOR" } else { "could not be used" };
        pty.wait_for(said);
        pty.wait_for("› hello");
        pty.escape();
        pty.keys("q");
        assert_eq!(pty.end().code, 0);
    }
}
