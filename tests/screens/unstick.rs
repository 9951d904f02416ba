//! Why the detectors hold the run, at every size, and what each way out sends.

use super::{SIZES, assert_screen};
use crate::support::picture::{frame, picture, press};
use crate::support::sketch::Sketch;
use plenary::chat::command::Command;
use plenary::chat::event::{Actor, Event, HoldReason, Judgement, Level, Progress};
use plenary::chat::id::MessageId;
use plenary::chat::watch::Detection;
use plenary::tui::app::{App, Deed};

const FIRST: &str =
    "I opened the file.\nThe value of `timeout` is missing, so I will look for it in the defaults.\nOne moment.";
const LAST: &str = "I opened the file.\nThe value of `timeout` is still missing, so I will look for it in the other defaults.\nOne moment.";

/// Held: the coder said nearly the same again and again.
fn held(size: (u16, u16)) -> App {
    let mut sketch = Sketch::with_task("Find the value of timeout.");
    for text in [FIRST, FIRST, LAST] {
        sketch.says("Coder", text).says("Reviewer", "Go ahead.");
    }
    let messages = vec![MessageId(1), MessageId(3), MessageId(5)];
    sketch.tell(Actor::System, Event::ProgressMade { what: Progress::NewResult, message: Some(MessageId(1)) });
    sketch.tell(
        Actor::System,
        Event::DetectorChanged(Detection {
            detector: "D2 near repeat".into(),
            text: "Coder said nearly the same 3 times".into(),
            count: 6,
            turns: Vec::new(),
            level: Level::Hold,
            agent: Some("Coder".into()),
            pattern: 7,
            messages,
        }),
    );
    let text = "D2 near repeat: Coder said nearly the same 3 times".to_owned();
    sketch.tell(Actor::System, Event::Held { why: HoldReason::Circles { text } });
    sketch.console(size)
}

fn sent(app: &mut App, keys: &str) -> Vec<Command> {
    let deeds = press(app, keys);
    deeds.into_iter().map(|deed| if let Deed::Send(command) = deed { command } else { panic!("{deed:?}") }).collect()
}

#[test]
fn the_panel_shows_the_matching_turns_the_rule_and_the_counts() {
    for size in SIZES {
        let mut app = held(size);
        assert_screen("held_in_circles", &mut app, size);
        press(&mut app, "l");
        assert_screen("why", &mut app, size);
    }
}

#[test]
fn differences_are_marked_and_the_same_parts_stand_beside_each_other() {
    let mut app = held((120, 35));
    press(&mut app, "l");
    let shown = picture(&mut app, (120, 35));
    let beside = shown.lines().filter(|line| line.matches("One moment.").count() == 2).count();
    assert_eq!(beside, 1, "{shown}");
    assert!(shown.contains("{+still+}") && shown.contains("{+other+}"), "{shown}");
}

#[test]
fn each_way_out_is_one_key() {
    let size = (120, 35);
    let open = || {
        let mut app = held(size);
        press(&mut app, "l");
        frame(&mut app, size);
        app
    };
    let detector = || "D2 near repeat".to_owned();
    assert_eq!(sent(&mut open(), "x"), [Command::Judge { detector: detector(), judgement: Judgement::NotALoop }]);
    assert_eq!(sent(&mut open(), "+"), [Command::Judge { detector: detector(), judgement: Judgement::Allowed(3) }]);
    assert_eq!(sent(&mut open(), "b"), [Command::Bar { agent: "Coder".into(), turns: Some(3) }, Command::Resume]);
    assert_eq!(sent(&mut open(), "E"), [Command::Conclude]);
    let note = |to: bool| match to {
        true => Command::Whisper { text: "stop".into(), as_agent: None, to: vec!["Coder".into()], announced: true },
        false => Command::Speak { text: "stop".into(), as_agent: None },
    };
    assert_eq!(sent(&mut open(), "n s t o p enter"), [note(true), Command::Resume]);
    assert_eq!(sent(&mut open(), "N s t o p enter"), [note(false), Command::Resume]);
    assert_eq!(sent(&mut open(), "c enter"), [Command::CallOn { agent: "Executor".into() }, Command::Resume]);
    let mut app = open();
    let before = app.session.transcript().entries()[0].seq;
    assert_eq!(sent(&mut app, "w"), [Command::MoveTo { seq: before }]);
    let mut app = open();
    assert_eq!(sent(&mut app, "o"), []);
    assert_eq!(app.transcript.chosen(), Some(MessageId(1)), "the first occurrence is selected");
    let mut app = open();
    let edited = sent(&mut app, "e X ctrl-s");
    let [Command::Edit { message, content }] = edited.as_slice() else { panic!("{edited:?}") };
    assert_eq!((*message, content.contains('X')), (MessageId(5), true), "the last one is edited");
    let mut app = open();
    assert_eq!((sent(&mut app, "esc"), app.modals.len()), (vec![], 0));
}

#[test]
fn the_panel_closes_when_the_finding_goes_and_says_so_when_there_is_none() {
    let size = (80, 24);
    let mut app = Sketch::with_task("Count.").console(size);
    press(&mut app, "l");
    assert!(app.modals.is_empty() && picture(&mut app, size).contains("Nothing repeats."));
}
