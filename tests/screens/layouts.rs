//! Every layout at every size: empty, in mid-run, full, and with hostile text; and what is remembered of it.

use super::hostile::{assert_harmless, everywhere, texts};
use super::{SIZES, assert_screen};
use crate::support::picture::{frame, picture, press};
use crate::support::sketch::{Sketch, text};
use plenary::chat::event::{Actor, Event};
use plenary::chat::id::MessageId;
use plenary::chat::watch::{Detection, Level};
use plenary::tui::app::{App, Deed};
use plenary::tui::index::Mark;
use plenary::tui::pane::Pane;

const LAYOUTS: [(&str, &str); 4] = [("grid", "f3"), ("focus", "f4"), ("timeline", "f5"), ("split", "f6 j enter")];

/// A run in which everything has happened: a failure, an approval, an edit, a finding.
fn eventful() -> Sketch {
    let mut sketch = Sketch::with_task("Implement an LRUCache class in Python, and test it.");
    sketch.says("Coder", "Here is a first draft:\n\n```python\nclass LRUCache:\n    pass\n```\n");
    sketch.wants("print(LRUCache())\n");
    sketch.ran(1, "NameError: name 'LRUCache' is not defined\n");
    sketch.says("Reviewer", "It does **not** run. See the output above: the class is not in scope.");
    sketch.says("Coder", "You are right, I import it first.");
    sketch.tell(
        Actor::Operator,
        Event::MessageEdited { message: MessageId(1), content: "Here is a better draft.".into() },
    );
    sketch.tell(
        Actor::System,
        Event::DetectorChanged(Detection {
            detector: "D1 repeat".into(),
            text: "Coder said the same twice".into(),
            count: 2,
            turns: Vec::new(),
            level: Level::Badge,
            agent: Some("Coder".into()),
            pattern: 1,
            messages: Vec::new(),
        }),
    );
    sketch.says("Reviewer", "Then show me the tests.");
    sketch
}

fn speaking(size: (u16, u16)) -> App {
    let mut sketch = eventful();
    let call = sketch.asks("Coder");
    let mut app = sketch.console(size);
    app.on_update(text(call, "Coder", "Here are the tests:\n\n```python\ndef test_get():\n    cache = LRU"));
    app
}

#[test]
fn every_layout_in_mid_run() {
    for size in SIZES {
        for (name, keys) in LAYOUTS {
            let mut app = speaking(size);
            press(&mut app, keys);
            assert_screen(&format!("layout_{name}"), &mut app, size);
        }
        assert_screen("layout_overview", &mut speaking(size), size);
    }
}

#[test]
fn every_layout_of_an_empty_session() {
    for (name, keys) in LAYOUTS {
        let mut app = Sketch::begun().console((120, 35));
        press(&mut app, keys);
        assert_screen(&format!("layout_{name}_empty"), &mut app, (120, 35));
    }
}

#[test]
fn hostile_text_is_harmless_in_every_layout() {
    for (name, hostile) in texts() {
        for size in [(40, 12), (80, 24), (120, 35)] {
            for (layout, keys) in LAYOUTS {
                let mut app = everywhere(&hostile, size);
                press(&mut app, keys);
                assert_harmless(&frame(&mut app, size).0, &format!("{name} in {layout}"));
                press(&mut app, "] ] ]");
                assert_harmless(&frame(&mut app, size).0, &format!("{name} in {layout}, another tab"));
            }
        }
    }
}

#[test]
fn the_keys_go_round_the_panes_and_the_composer() {
    let mut app = speaking((120, 35));
    let mut seen = Vec::new();
    for _ in 0..4 {
        frame(&mut app, (120, 35));
        seen.push((app.focus == plenary::tui::app::Focus::Composer).then_some(app.pane_in_focus()).is_none());
        press(&mut app, "tab");
    }
    assert_eq!(seen.iter().filter(|main| **main).count(), 3, "three panes have the keys, and once the composer");
    press(&mut app, "esc f4 j j");
    assert_eq!((app.pane_in_focus(), app.arranged.agent), (Pane::One, 2));
    press(&mut app, "z");
    assert_eq!(app.panes_shown(), [Pane::One]);
    press(&mut app, "z V 1");
    assert_eq!((app.panes_shown().len(), app.arranged.agent), (2, 0));
}

#[test]
fn the_mouse_chooses_scrolls_and_drags_and_approves_nothing() {
    use plenary::tui::input::{Input, Mouse, MouseKind};
    let size = (120, 35);
    let mut app = speaking(size);
    let does = |app: &mut App, kind, column, row| {
        let deeds = app.on_input(Input::Mouse(Mouse { kind, column, row }));
        frame(app, size);
        deeds
    };
    frame(&mut app, size);
    assert_eq!(does(&mut app, MouseKind::Press, 100, 5), []);
    assert_eq!(app.pane_in_focus(), Pane::Floor);
    assert_eq!(does(&mut app, MouseKind::Press, 50, 10), []);
    assert!(app.pane_in_focus() == Pane::Transcript && app.transcript.has_selection());
    does(&mut app, MouseKind::WheelUp, 50, 10);
    assert!(!app.transcript.follows());
    does(&mut app, MouseKind::Press, 30, 10);
    does(&mut app, MouseKind::Drag, 42, 10);
    assert_eq!(app.arranged.wider, 3);
    assert_eq!(does(&mut app, MouseKind::Release, 42, 10), [Deed::Remember]);
    let mut narrow = speaking((60, 20));
    frame(&mut narrow, (60, 20));
    narrow.on_input(Input::Mouse(Mouse { kind: MouseKind::Press, column: 12, row: 1 }));
    assert_eq!(narrow.panes_shown(), [Pane::Agents]);
}

#[test]
fn jumps_lead_to_what_they_say_and_go_around() {
    let mut app = eventful().console((120, 35));
    let at = |app: &App| app.transcript.here(&app.session).unwrap();
    press(&mut app, "g f");
    assert_eq!(at(&app), app.transcript.index().marked(Mark::Failure)[0]);
    press(&mut app, "g e");
    assert_eq!(at(&app), app.session.transcript().entries()[1].seq);
    press(&mut app, "g d");
    assert_eq!(at(&app), app.transcript.index().marked(Mark::Detector)[0]);
    assert_eq!(press(&mut app, "g g g a *"), [Deed::Remember]);
    let marked = *app.transcript.bookmarks().first().unwrap();
    press(&mut app, "G g m");
    assert_eq!(at(&app), marked);
    assert!(picture(&mut app, (120, 35)).contains("bookmark 1 of 1"));
    press(&mut app, "g b");
    assert!(picture(&mut app, (120, 35)).contains("There is no branch point."));
}

#[test]
fn a_filter_shows_a_part_and_says_so() {
    let size = (120, 35);
    let mut app = eventful().console(size);
    press(&mut app, "F 3");
    assert_screen("filtered", &mut app, size);
    let shown = picture(&mut app, size);
    assert!(shown.contains("only Reviewer") && !shown.contains("You are right"), "{shown}");
    press(&mut app, "/ Y o u enter");
    assert!(picture(&mut app, size).contains("the filter hides it"));
    press(&mut app, "F x");
    assert!(picture(&mut app, size).contains("You are right"));
    press(&mut app, "F f");
    assert_screen("modal_filter", &mut app, size);
}

#[test]
fn a_search_may_be_an_expression() {
    let size = (120, 35);
    let mut app = eventful().console(size);
    press(&mut app, "/ ctrl-r c l a s s space . * enter");
    assert!(picture(&mut app, size).contains("message 2 of 2 that contain it"));
    press(&mut app, "/ ( enter");
    assert!(picture(&mut app, size).contains("no regular expression"));
}

#[test]
fn how_the_screen_is_arranged_and_what_is_marked_is_recalled() {
    let mut app = eventful().console((120, 35));
    press(&mut app, "f5 > > k *");
    let told = app.remembered("");
    let mut again = eventful().console((120, 35));
    again.recall(&told);
    assert_eq!((again.arranged.layout, again.arranged.wider), (app.arranged.layout, 2));
    assert_eq!(again.transcript.bookmarks(), app.transcript.bookmarks());
    again.recall("not toml [");
}
