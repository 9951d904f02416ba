//! Editing: a last look at the difference, on a new branch or in place, parts of a message, and taking it back; the list of
//! what may follow a key, the settings, the colours.

use super::assert_screen;
use crate::support::picture::{picture, press};
use crate::support::sketch::Sketch;
use plenary::chat::amend::Amendment;
use plenary::chat::command::Command;
use plenary::chat::desk::{Desk, Patience};
use plenary::chat::event::{Actor, Event};
use plenary::chat::id::MessageId;
use plenary::tui::app::{App, Deed};

const SIZE: (u16, u16) = (120, 35);

fn sketch() -> Sketch {
    let mut sketch = Sketch::with_task("Implement an LRUCache class.");
    sketch.says("Coder", "A first draft:\n\n```python\nprint(1)\n```\n\nIt runs.").says("Reviewer", "Fine.");
    sketch
}

/// The coder's message is selected.
fn app(size: (u16, u16)) -> App {
    let mut app = sketch().console(size);
    press(&mut app, "k k");
    app
}

#[test]
fn an_edit_is_shown_as_a_difference_and_goes_on_or_stays() {
    for size in [(200, 60), (120, 35), (80, 24), (60, 20), (40, 12)] {
        let mut app = app(size);
        assert_eq!(press(&mut app, "e A space ctrl-s"), [], "nothing is sent before the last look");
        assert_screen("modal_review", &mut app, size);
    }
    let content = "A A first draft:\n\n```python\nprint(1)\n```\n\nIt runs.";
    let mut on = app(SIZE);
    let edit = Command::Edit { message: MessageId(1), content: content.into() };
    assert_eq!(press(&mut on, "e A space ctrl-s enter"), [Deed::Send(edit)]);
    assert!(on.modals.is_empty());
    let mut here = app(SIZE);
    let amend = Command::Amend(Amendment { message: MessageId(1), result: None, content: content.into() });
    assert_eq!(press(&mut here, "e A space ctrl-s j enter"), [Deed::Send(amend)]);
    let mut back = app(SIZE);
    assert_eq!(press(&mut back, "e A space ctrl-s j j enter"), []);
    assert_eq!(back.modals.len(), 1, "back in the text");
}

#[test]
fn a_block_of_code_is_edited_by_itself() {
    let mut app = app(SIZE);
    press(&mut app, "C");
    assert_screen("modal_edit_part", &mut app, SIZE);
    press(&mut app, "enter # ctrl-s");
    let content = "A first draft:\n\n```python\n#print(1)\n```\n\nIt runs.";
    let edit = Command::Edit { message: MessageId(1), content: content.into() };
    assert_eq!(press(&mut app, "enter"), [Deed::Send(edit)]);
}

#[test]
fn an_edit_in_place_is_marked_and_can_be_taken_back() {
    let mut sketch = sketch();
    let amended = Amendment { message: MessageId(1), result: None, content: "A better draft.".into() };
    sketch.tell(Actor::Operator, Event::Amended(amended));
    let mut app = sketch.console(SIZE);
    assert!(picture(&mut app, SIZE).contains("edited; what follows was said before"));
    let before = "A first draft:\n\n```python\nprint(1)\n```\n\nIt runs.";
    let back = Command::Amend(Amendment { message: MessageId(1), result: None, content: before.into() });
    assert_eq!(press(&mut app, "u"), [Deed::Send(back)]);
    let mut nothing = Sketch::with_task("go").console(SIZE);
    assert_eq!(press(&mut nothing, "u"), []);
}

#[test]
fn a_bar_is_taken_back_and_patience_is_not_a_change_to_undo() {
    let mut sketch = sketch();
    sketch.tell(Actor::Operator, Event::SpeakerBarred { agent: "Coder".into(), turns: None });
    sketch.tell(Actor::Operator, Event::Desk(Desk::Patience { patience: Patience::Forever }));
    let back = Command::Unbar { agent: "Coder".into() };
    assert_eq!(press(&mut sketch.console(SIZE), "u"), [Deed::Send(back)]);
}

#[test]
fn the_composer_completes_names_of_agents() {
    let mut app = app(SIZE);
    press(&mut app, "i H i , space @ r e tab");
    assert_eq!(app.composer.text(), "Hi, @Reviewer ");
    press(&mut app, "a @ c tab");
    assert_eq!(app.focus, plenary::tui::app::Focus::Main, "an address is no name: the keys go on to the next pane");
}

#[test]
fn what_may_be_copied_is_a_list() {
    let mut app = app(SIZE);
    press(&mut app, "K");
    assert_screen("modal_copy", &mut app, SIZE);
    assert_eq!(press(&mut app, "j enter"), [Deed::Copy("print(1)\n".into())]);
}

#[test]
fn the_list_of_what_follows_the_settings_and_the_colours() {
    for size in [(120, 35), (80, 24), (40, 12)] {
        let mut app = app(size);
        press(&mut app, "g");
        assert_screen("which_key", &mut app, size);
    }
    let mut app = app(SIZE);
    press(&mut app, ",");
    assert_screen("modal_settings", &mut app, SIZE);
    press(&mut app, "esc g t");
    assert_screen("modal_themes", &mut app, SIZE);
    assert_eq!(press(&mut app, "j enter"), [Deed::Redraw]);
    assert_eq!(app.look.theme, "light");
}
