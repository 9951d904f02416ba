//! Breakpoints, what is held back, and suspects: at every size, and what each key sends.

use super::{SIZES, assert_screen};
use crate::support::picture::{frame, picture, press};
use crate::support::sketch::Sketch;
use plenary::chat::breaks::{BreakCommand, BreakId, Breakpoint, Breaks, Deed as Does, Point, SetBy, Spot, Until, held};
use plenary::chat::command::Command;
use plenary::chat::event::{Actor, Event};
use plenary::chat::id::{CallId, MessageId, TurnId};
use plenary::chat::message::{Author, Message, MessageKind};
use plenary::chat::request::{Prompt, Purpose, Request, Role};
use plenary::tui::app::{App, Deed};
use std::sync::Arc;

const CODE: &str =
    "Here it is, with the fix you asked for:\n```python\nprint(parse('1 + 1'))\n```\nAll tests pass now.";

fn sketch() -> Sketch {
    let mut sketch = Sketch::with_task("Write a parser.");
    sketch.says("Coder", CODE).says("Reviewer", "Coder, I cannot see that `parse` handles an empty text.");
    sketch
}

fn tell(sketch: &mut Sketch, breaks: Breaks) {
    sketch.tell(Actor::Policy("breakpoint".into()), Event::Breaks(breaks));
}

fn hold(sketch: &mut Sketch, text: &str) {
    sketch.tell(Actor::Policy("breakpoint".into()), Event::Held { why: held(text) });
}

fn with_breakpoints() -> Sketch {
    let mut sketch = sketch();
    let by = SetBy::Operator;
    let shell = Breakpoint {
        name: "shell that deletes".into(),
        ..Breakpoint::new("speaker == Coder and tool == shell and arguments matches /rm |curl/", SetBy::Team)
    };
    let cost = Breakpoint { deed: Does::Notify, once: true, ..Breakpoint::new("cost > $2 or finding(D8)", by) };
    let told = Breakpoint {
        deed: Does::Run(vec!["notify-send".into(), "\u{1b}[31mred".into()]),
        every: 5,
        ..Breakpoint::new("at == said", by)
    };
    for (n, breakpoint) in [shell, cost, told].into_iter().enumerate() {
        tell(&mut sketch, Breaks::Set { id: BreakId(n as u32 + 1), breakpoint });
    }
    let spot = Spot { turn: Some(TurnId(2)), point: Point::Said, nth: 2 };
    let text = "cost > $2 or finding(D8): it is so now (cost = $2.01)".to_owned();
    tell(
        &mut sketch,
        Breaks::Hit { id: BreakId(2), spot, count: 1, done: true, text: text.clone(), message: Some(MessageId(2)) },
    );
    hold(&mut sketch, &text);
    sketch
}

fn with_draft() -> Sketch {
    let mut sketch = sketch();
    sketch.asks("Coder");
    let message = Message::new(
        MessageId(3),
        Author::Agent("Coder".into()),
        MessageKind::Reply,
        "I shall rewrite all of it.\n\nNow.",
    );
    tell(&mut sketch, Breaks::Drafted { turn: TurnId(3), message: Arc::new(message) });
    hold(&mut sketch, "at == reply: Coder, before its reply is said");
    sketch
}

fn with_request() -> Sketch {
    let mut sketch = sketch();
    sketch.asks("Coder");
    let said = |role, name: Option<&str>, text: &str| Prompt::new(role, name.map(Into::into), text);
    let messages = vec![
        said(Role::System, None, "You are a senior programmer."),
        said(Role::User, None, "Write a parser."),
        said(Role::Assistant, Some("Coder"), CODE),
        said(Role::User, Some("Reviewer"), "I cannot see that `parse` handles an empty text."),
    ];
    let request = Request::new(CallId(9), "Coder".into(), Purpose::Speak, "smart", messages);
    tell(&mut sketch, Breaks::Shown { turn: TurnId(3), request: Box::new(request) });
    hold(&mut sketch, "at == call: Coder, before its model is asked");
    sketch
}

fn sent(app: &mut App, keys: &str) -> Vec<Command> {
    let deeds = press(app, keys);
    deeds.into_iter().map(|deed| if let Deed::Send(command) = deed { command } else { panic!("{deed:?}") }).collect()
}

fn asks(commands: Vec<Command>) -> Vec<BreakCommand> {
    commands
        .into_iter()
        .map(|command| if let Command::Break(ask) = command { ask } else { panic!("{command:?}") })
        .collect()
}

#[test]
fn each_page_of_the_workbench_at_every_size() {
    for size in SIZES {
        for (name, sketch, keys) in [
            ("breakpoints", with_breakpoints(), "d b"),
            ("breakpoints_none", sketch(), "d b"),
            ("step_menu", sketch(), "d s"),
            ("held_reply", with_draft(), "h"),
            ("held_request", with_request(), "h"),
            ("suspects", failing(), "d t"),
        ] {
            let mut app = sketch.console(size);
            press(&mut app, keys);
            assert_screen(name, &mut app, size);
        }
    }
}

fn failing() -> Sketch {
    let mut sketch = Sketch::with_task("Write a parser.");
    sketch.says("Coder", "Here:\n```python\nprint(parse(''))\n```");
    sketch.says("Executor", "");
    sketch.says("Coder", "The parser does handle empty texts well.");
    sketch.says("Reviewer", "The parser does not handle empty texts well.");
    sketch
}

#[test]
fn breakpoints_are_set_changed_put_to_rest_and_taken_away() {
    let size = (120, 35);
    let mut app = with_breakpoints().console(size);
    press(&mut app, "d b");
    frame(&mut app, size);
    assert_eq!(asks(sent(&mut app, "x")), [BreakCommand::Clear { id: BreakId(1) }]);
    press(&mut app, "j");
    assert_eq!(asks(sent(&mut app, "space")), [BreakCommand::Rest { id: BreakId(2), rests: false }]);
    let changed = asks(sent(&mut app, "e space x enter"));
    let [BreakCommand::Set { id: Some(BreakId(2)), breakpoint }] = changed.as_slice() else { panic!("{changed:?}") };
    assert_eq!((breakpoint.deed.clone(), breakpoint.once), (Does::Notify, true));
    assert!(breakpoint.when.ends_with("(D8) x"), "{breakpoint:?}");
    let added = asks(sent(&mut app, "a e v e r y space 2 space w h e n space t u r n s space > space 3 enter"));
    let [BreakCommand::Set { id: None, breakpoint }] = added.as_slice() else { panic!("{added:?}") };
    assert_eq!((breakpoint.every, breakpoint.when.as_str()), (2, "turns > 3"));
}

#[test]
fn a_message_suggests_what_to_stop_at_when_it_happens_again() {
    let mut app = with_breakpoints().console((120, 35));
    let set = asks(sent(&mut app, "d a enter"));
    let [BreakCommand::Set { id: None, breakpoint }] = set.as_slice() else { panic!("{set:?}") };
    assert!(breakpoint.when.starts_with("speaker == Reviewer and text contains \"Coder, I cannot"), "{breakpoint:?}");
}

#[test]
fn a_reply_that_is_held_back_is_edited_let_go_or_thrown_away() {
    let open = || {
        let mut app = with_draft().console((120, 35));
        press(&mut app, "h");
        frame(&mut app, (120, 35));
        app
    };
    let revised = asks(sent(&mut open(), "e X ctrl-s"));
    let content = "XI shall rewrite all of it.\n\nNow.".into();
    assert_eq!(revised, [BreakCommand::Revise { turn: TurnId(3), content }]);
    assert_eq!(sent(&mut open(), "space"), [Command::Resume]);
    assert_eq!(asks(sent(&mut open(), "X")), [BreakCommand::Discard { turn: TurnId(3) }]);
}

#[test]
fn a_request_that_is_held_back_is_changed_part_by_part() {
    let open = || {
        let mut app = with_request().console((120, 35));
        press(&mut app, "h");
        frame(&mut app, (120, 35));
        app
    };
    let amended = |keys: &str| match asks(sent(&mut open(), keys)).pop() {
        Some(BreakCommand::Amend { turn: TurnId(3), messages }) => messages,
        other => panic!("{other:?}"),
    };
    assert!(amended("j e X ctrl-s")[1].content.starts_with("XWrite"));
    assert_eq!(amended("x").len(), 3, "the system message is left out this once");
    let added = amended("a b r i e f ctrl-s");
    assert_eq!((added.len(), &*added[4].content), (5, "brief"));
    assert_eq!(sent(&mut open(), "space"), [Command::Resume]);
}

#[test]
fn the_step_menu_goes_as_far_as_it_says_and_sets_pause_points() {
    let steps = |down: usize| {
        let mut app = sketch().console((120, 35));
        press(&mut app, "d s");
        asks(sent(&mut app, &format!("{}enter", "down ".repeat(down)))).pop().unwrap()
    };
    assert_eq!(steps(0), BreakCommand::StepTo { until: Until::Call });
    assert_eq!(steps(1), BreakCommand::StepTo { until: Until::Effect });
    assert_eq!(steps(3), BreakCommand::StepTo { until: Until::Reply });
    assert_eq!(steps(4), BreakCommand::StepTo { until: Until::Agent("Coder".into()) });
    let BreakCommand::Set { id: None, breakpoint } = steps(7) else { panic!("no pause point") };
    assert_eq!(breakpoint.when, "at == act and speaker == \"Coder\"");
}

#[test]
fn a_suspect_is_gone_to_and_its_remedy_is_ready() {
    let size = (120, 35);
    let mut app = failing().console(size);
    press(&mut app, "d t");
    frame(&mut app, size);
    let shown = picture(&mut app, size);
    assert!(shown.contains("says the opposite of message 4") && shown.contains("one in seven"), "{shown}");
    press(&mut app, "j j enter");
    assert_eq!((app.modals.len(), app.transcript.chosen()), (0, Some(MessageId(4))));
    press(&mut app, "d t");
    frame(&mut app, size);
    let told = sent(&mut app, "j j e enter");
    let Some(Command::Whisper { to, .. }) = told.first() else { panic!("{told:?}") };
    assert_eq!(to.as_slice(), ["Reviewer".into()]);
}
