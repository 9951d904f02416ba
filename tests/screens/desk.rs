//! The speaker desk: what it shows, and what each of its keys sends.

use super::{SIZES, assert_screen};
use crate::support::picture::press;
use crate::support::sketch::Sketch;
use plenary::chat::Name;
use plenary::chat::command::Command;
use plenary::chat::desk::{Desk, Patience};
use plenary::chat::event::{Actor, Event};
use plenary::tui::app::{App, Deed};

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| Name::from(*name)).collect()
}

/// Two are queued, one is barred, one is proposed.
fn sketch() -> Sketch {
    let mut sketch = Sketch::with_task("Implement an LRUCache class.");
    sketch.says("Coder", "Here is a draft.");
    sketch.tell(Actor::Operator, Event::QueueChanged { queue: names(&["Reviewer", "Coder"]) });
    sketch.tell(Actor::Operator, Event::SpeakerBarred { agent: "Executor".into(), turns: Some(3) });
    sketch.tell(Actor::Operator, Event::Desk(Desk::Hint { text: "The tests come first.".into() }));
    sketch.tell(Actor::Operator, Event::Desk(Desk::Patience { patience: Patience::For(5_000) }));
    sketch
}

fn sent(app: &mut App, keys: &str) -> Vec<Command> {
    let deeds = press(app, keys);
    deeds.into_iter().map(|deed| if let Deed::Send(command) = deed { command } else { panic!("{deed:?}") }).collect()
}

#[test]
fn the_desk_shows_queue_members_and_causes() {
    for size in SIZES {
        let mut app = sketch().console(size);
        press(&mut app, "d d");
        assert_screen("desk", &mut app, size);
    }
    let mut app = Sketch::begun().console((80, 24));
    press(&mut app, "d d");
    assert_screen("desk_empty", &mut app, (80, 24));
}

#[test]
fn each_key_of_the_desk_sends_what_it_says() {
    let does = |keys: &str| sent(&mut sketch().console((120, 35)), &format!("d d {keys}"));
    let queue = |wanted: &[&str]| vec![Command::Queue { queue: names(wanted) }];
    assert_eq!(does("enter"), [Command::CallOn { agent: "Coder".into() }], "the first member");
    assert_eq!(does("q"), [Command::Enqueue { agent: "Coder".into() }]);
    assert_eq!(does("k K"), queue(&["Coder", "Reviewer"]));
    assert_eq!(does("k k J"), queue(&["Coder", "Reviewer"]));
    assert_eq!(does("k x"), queue(&["Reviewer"]));
    assert_eq!(does("k r"), queue(&["Reviewer", "Coder", "Coder"]));
    assert_eq!(does("b"), [Command::Bar { agent: "Coder".into(), turns: Some(1) }]);
    assert_eq!(
        does("j b"),
        [Command::Bar { agent: "Executor".into(), turns: Some(10) }],
        "longer than the 3 there are"
    );
    let lock = [Command::Bar { agent: "Reviewer".into(), turns: None }];
    assert_eq!(does("l"), lock, "the Executor is barred already");
    assert_eq!(does("+"), [Command::Desk(Desk::Patience { patience: Patience::For(10_000) })]);
    assert_eq!(does("-"), [Command::Desk(Desk::Patience { patience: Patience::For(3_000) })]);
    let hint = Command::Desk(Desk::Hint { text: "The tests come first!".into() });
    assert_eq!(does("h ctrl-e backspace ! enter"), [hint]);
    assert_eq!(does("J"), [], "a member is not in the queue");
}
