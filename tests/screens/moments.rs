//! The moments of a run, each modal, and the roles of one screen.

use super::{SIZES, assert_picture, assert_screen};
use crate::support::picture::{by_role, frame, press, roles};
use crate::support::sketch::{Sketch, text};
use plenary::tui::app::{App, Deed};

const TASK: &str = "Implement an LRUCache class in Python with get and put, both O(1), and test it.";
const CODE: &str = "from collections import OrderedDict\n\n\nclass LRUCache:\n    def __init__(self, capacity):\n        \
                    self.entries = OrderedDict()\n        self.capacity = capacity\n\n    def get(self, key):\n        \
                    return self.entries[key]\n";

fn proposal() -> String {
    format!("An **LRU cache** evicts the entry that was used least recently:\n\n```python\n{CODE}```\n\nBoth are O(1).")
}

fn running() -> Sketch {
    let mut sketch = Sketch::with_task(TASK);
    sketch.says("Coder", &proposal()).says("Reviewer", "1. `get` on a missing key raises.\n2. There is no `put`.");
    sketch
}

fn waiting() -> Sketch {
    let mut sketch = running();
    sketch.wants(CODE);
    sketch
}

/// A console in mid-run, while the coder speaks.
fn speaking(size: (u16, u16)) -> App {
    let mut sketch = running();
    let call = sketch.asks("Coder");
    let mut app = sketch.console(size);
    for piece in ["You are right. I add ", "`put`, and a default:\n\n```python\nclass LRU", "Cache:\n    def put(self,"]
    {
        app.on_update(text(call, "Coder", piece));
    }
    app
}

#[test]
fn an_empty_session() {
    for size in SIZES {
        assert_screen("empty", &mut Sketch::begun().console(size), size);
    }
}

#[test]
fn an_agent_speaks() {
    for size in SIZES {
        assert_screen("speaking", &mut speaking(size), size);
    }
}

#[test]
fn code_waits_for_approval() {
    for size in SIZES {
        assert_screen("waiting", &mut waiting().console(size), size);
    }
}

#[test]
fn the_approval_is_open() {
    for size in SIZES {
        let mut app = waiting().console(size);
        press(&mut app, "a");
        assert_screen("approval", &mut app, size);
    }
}

#[test]
fn the_run_has_ended() {
    for size in SIZES {
        let mut sketch = waiting();
        sketch.ran(1, "Traceback (most recent call last):\n  File \"t.py\", line 10, in get\nKeyError: 'b'\n");
        sketch.says("Reviewer", "It fails, as I said. APPROVED nevertheless.").ended("Reviewer said \"APPROVED\"");
        assert_screen("ended", &mut sketch.console(size), size);
    }
}

#[test]
fn the_tabs_of_a_narrow_screen() {
    let mut app = waiting().console((60, 20));
    for name in ["agents", "floor"] {
        press(&mut app, "]");
        assert_screen(&format!("tab_{name}"), &mut app, (60, 20));
    }
}

/// Opens a modal with keys and compares it at the two usual sizes.
fn modal(name: &str, sketch: &Sketch, keys: &str) {
    for size in [(80, 24), (120, 35)] {
        let mut app = sketch.console(size);
        press(&mut app, keys);
        assert_screen(&format!("modal_{name}"), &mut app, size);
    }
}

#[test]
fn each_modal() {
    modal("prompt_edit_message", &running(), "e");
    modal("prompt_deny", &waiting(), "a d");
    modal("prompt_edit_code", &waiting(), "a e");
    modal("palette", &running(), ":");
    modal("palette_narrowed", &running(), ": q u e u e");
    modal("help", &running(), "?");
    modal("branches", &running(), "b");
    modal("speak_as", &running(), "A");
    modal("speak_to", &running(), "@");
    modal("end_run", &running(), "E");
    modal("view", &waiting(), "v 3");
    modal("edit_prompt", &running(), "c 1");
    modal("switch_model", &running(), "m 3");
}

#[test]
fn edited_code_is_shown_again_with_what_it_was() {
    let mut sketch = waiting();
    sketch.ran(1, "KeyError: 'b'\n").says("Coder", &proposal());
    sketch.wants(&CODE.replace("return self.entries[key]", "return self.entries.get(key)"));
    for size in [(80, 24), (120, 35)] {
        let mut app = sketch.console(size);
        press(&mut app, "a");
        assert_screen("modal_approval_changed", &mut app, size);
        press(&mut app, "e");
        assert_eq!(press(&mut app, "# space m i n e enter ctrl-s"), [], "saving runs nothing");
        assert_screen("modal_approval_edited", &mut app, size);
    }
}

#[test]
fn the_composer_and_the_search() {
    let mut app = running().console((80, 24));
    press(&mut app, "i h e l l o ctrl-j y o u");
    assert_screen("composer", &mut app, (80, 24));
    press(&mut app, "esc / m i s s i n g enter");
    assert_screen("found", &mut app, (80, 24));
}

#[test]
fn each_thing_has_its_role() {
    let size = (120, 35);
    let mut app = waiting().console(size);
    app.look = by_role();
    assert_picture("roles.120x35", &roles(&frame(&mut app, size).0));
    press(&mut app, "a");
    assert_picture("roles_approval.120x35", &roles(&frame(&mut app, size).0));
}

#[test]
fn without_colours_and_without_unicode_the_same_things_are_said() {
    let size = (120, 35);
    let mut app = waiting().console(size);
    app.look.unicode = false;
    let (buffer, _) = frame(&mut app, size);
    let text = crate::support::picture::rows(&buffer).join("\n");
    for word in ["WAITING", "waits", "Executor", "approve"] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    assert_picture("ascii.120x35", &crate::support::picture::picture(&mut app, size));
}

#[test]
fn the_title_of_what_waits_is_on_every_screen() {
    for size in SIZES {
        let mut app = waiting().console(size);
        let text = crate::support::picture::picture(&mut app, size);
        assert!(text.contains("WAITING") && text.contains("1 waiting"), "{size:?}:\n{text}");
    }
}

#[test]
fn leaving_while_something_runs_asks_first() {
    let mut app = speaking((80, 24));
    assert_eq!(press(&mut app, "q"), []);
    assert_screen("modal_leave", &mut app, (80, 24));
    assert_eq!(press(&mut app, "enter"), [], "the first choice is to stay");
    assert_eq!(press(&mut app, "q j enter"), [Deed::Quit]);
}
