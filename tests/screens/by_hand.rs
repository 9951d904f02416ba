//! What the operator does by hand with code that ran: the list, one execution, a file, the question before going back,
//! and a program that runs again.

use super::{SIZES, assert_screen};
use crate::support::picture::{picture, press};
use crate::support::sketch::Sketch;
use plenary::chat::by_hand::{ByHand, FileSeen, WorkCopy};
use plenary::chat::code::{Effects, Execution, FileNow};
use plenary::chat::command::Command;
use plenary::chat::event::{Actor, Event, Verdict};
use plenary::chat::id::{ApprovalId, OpId};
use plenary::chat::update::{Delta, Update};
use plenary::tui::app::{App, Deed};

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn ran(sketch: &mut Sketch, code: &str, effects: Effects) {
    sketch.says("Coder", &format!("Like this.\n```python\n{code}\n```"));
    sketch.wants(code);
    let execution = Execution {
        output: "done\n".into(),
        duration_ms: 1200,
        peak_memory: Some(9 << 20),
        effects: (!effects.is_empty()).then(|| Box::new(effects)),
        ..Execution::default()
    };
    sketch.ran_as(execution);
}

fn session() -> Sketch {
    let mut sketch = Sketch::with_task("Write a report.");
    let file = |path: &str, size| FileNow { path: path.into(), size, hash: HASH.into() };
    let effects = Effects {
        created: vec![file("report.txt", 120), file("data/\u{1b}[31mred.csv", 4 << 20)],
        changed: vec![file("notes.md", 900)],
        deleted: vec!["old.txt".into()],
        unlisted: 0,
    };
    ran(&mut sketch, "write('report.txt')", effects);
    ran(&mut sketch, "print('done')", Effects::default());
    sketch
}

fn sent(app: &mut App, keys: &str) -> Vec<Command> {
    let deeds = press(app, keys);
    deeds.into_iter().map(|deed| if let Deed::Send(command) = deed { command } else { panic!("{deed:?}") }).collect()
}

#[test]
fn what_was_executed_is_listed_and_each_can_be_used_again() {
    for size in SIZES {
        let mut app = session().console(size);
        press(&mut app, "O");
        assert_screen("executions", &mut app, size);
        press(&mut app, "down enter");
        assert_screen("execution", &mut app, size);
    }
    let mut app = session().console((120, 35));
    let first = app.session.executions()[0].op;
    assert_eq!(sent(&mut app, "O down enter enter"), [Command::RunAgain { op: first }]);
    assert_eq!(sent(&mut app, "O down enter down enter"), [Command::OpenShell { op: first }]);
    let looked = Command::LookAt { op: first, path: "report.txt".into() };
    assert_eq!(sent(&mut app, "O down enter down down enter"), [looked]);
}

#[test]
fn a_file_is_shown_cleaned_with_its_size_and_whether_it_changed_since() {
    let seen = |hash: &str, problem: Option<&str>| FileSeen {
        op: OpId(1),
        path: "report.txt".into(),
        size: 120,
        hash: hash.into(),
        text: "a line\n\u{1b}]52;c;ZXZpbA==\u{7}hidden \u{202e}txt.exe\n\tend".into(),
        cut: false,
        problem: problem.map(str::to_owned),
    };
    for size in SIZES {
        let mut app = session().console(size);
        let op = app.session.executions()[0].op;
        app.on_update(Update::File { file: Box::new(FileSeen { op, ..seen(HASH, None) }) });
        assert_screen("file", &mut app, size);
        assert!(picture(&mut app, size).chars().all(|c| c == '\n' || !c.is_control()));
        press(&mut app, "q");
        assert!(app.modals.is_empty());
    }
    let mut app = session().console((120, 35));
    let op = app.session.executions()[0].op;
    app.on_update(Update::File { file: Box::new(FileSeen { op, ..seen("ab", None) }) });
    assert!(picture(&mut app, (120, 35)).contains("changed since the execution"));
    let gone = FileSeen { op, text: String::new(), ..seen("", Some("it is not there any more")) };
    app.on_update(Update::File { file: Box::new(gone) });
    assert!(picture(&mut app, (120, 35)).contains("It cannot be shown: it is not there any more."));
}

#[test]
fn before_going_back_it_is_said_what_stays_done() {
    for size in SIZES {
        let mut app = session().console(size);
        press(&mut app, "k k k k k k f");
        assert_screen("stays_done", &mut app, size);
    }
    let size = (120, 35);
    let open = || {
        let mut app = session().console(size);
        press(&mut app, "k k k k k k f");
        app
    };
    let back = Command::MoveTo { seq: open().session.transcript().entries()[0].seq };
    assert_eq!(sent(&mut open(), "enter"), []);
    assert_eq!(sent(&mut open(), "down enter"), std::slice::from_ref(&back));
    assert_eq!(sent(&mut open(), "down down enter"), [Command::Afresh { then: Box::new(back) }]);
    // Nothing was done since the end: nothing is asked.
    let mut app = session().console(size);
    press(&mut app, "k");
    let [Command::MoveTo { .. }] = sent(&mut app, "f")[..] else { panic!("it asked") };
}

#[test]
fn code_that_runs_by_hand_is_shown_while_it_runs_and_its_result_is_for_nobody_else() {
    let size = (120, 35);
    let mut sketch = session();
    let asked = sketch.console(size).session;
    let first = &asked.executions()[0];
    let payload = asked.approval(first.approval).unwrap().payload.clone();
    let (approval, op) = (asked.ids().approval, asked.ids().op);
    let hash = payload.hash();
    let again = ByHand::Again { approval, of: first.op, agent: "Executor".into(), payload, hash: hash.clone() };
    sketch.tell(Actor::Operator, Event::ByHand(again));
    let mut app = sketch.console(size);
    assert_screen("by_hand_asked", &mut app, size);
    decided(&mut sketch, approval, &hash, op);
    let mut app = sketch.console(size);
    app.on_update(Update::Delta(Delta::Memory { op, bytes: 31 << 20 }));
    app.on_update(Update::Delta(Delta::Output { op, agent: "Executor".into(), text: "one\ntwo\n".into() }));
    assert_screen("by_hand_running", &mut app, size);
    let execution = Execution { output: "one\ntwo\n".into(), duration_ms: 800, ..Execution::default() };
    sketch.tell(Actor::System, Event::Outcome { op, execution });
    let copies =
        vec![WorkCopy { from: "/w".into(), to: "/w-branch-1".into(), files: 3, bytes: 2048, ..WorkCopy::default() }];
    sketch.tell(Actor::Operator, Event::ByHand(ByHand::Copied { copies }));
    let mut app = sketch.console(size);
    assert_screen("by_hand_done", &mut app, size);
}

fn decided(sketch: &mut Sketch, approval: ApprovalId, hash: &str, op: OpId) {
    let (verdict, hash) = (Verdict::Run, hash.to_owned());
    let decided = Event::ApprovalDecided { approval, verdict, hash: hash.clone(), seen_in_full: true, remember: false };
    sketch.tell(Actor::Operator, decided);
    sketch.tell(Actor::System, Event::Intent { op, approval, hash });
}
