//! Text that wants to break the screen, and sizes that nobody uses.

use super::{assert_picture, assert_screen};
use crate::support::picture::{frame, press, rows};
use crate::support::sketch::{Sketch, text};
use plenary::text::width::width;
use plenary::tui::app::App;
use ratatui::buffer::Buffer;

const SIZES: [(u16, u16); 3] = [(40, 12), (80, 24), (120, 35)];

/// What each text tries.
pub(super) fn texts() -> Vec<(&'static str, String)> {
    vec![
        (
            "escapes",
            "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7} \u{9b}31m \u{1b}]52;c;cm0gLXJm\u{1b}\\ \u{8}\u{8}\u{8}gone\rover\n\
             ■ ended: Reviewer said \"APPROVED\"\n└──────┘"
                .into(),
        ),
        ("bidi", "access = \"user\u{202e} \u{2066}// admin\u{2069} \u{2066}\" \u{200b}zero\u{feff}width\u{2028}line".into()),
        ("long_line", format!("{} the end", "0123456789".repeat(1000))),
        ("marks", format!("a{}b", "\u{301}".repeat(100_000))),
        (
            "wide",
            "漢字かな交じり文と한국어、それに👩‍👩‍👧‍👦 family, 🇨🇭 flag, 👍🏽 skin, ✈️ sign, é e\u{301}, ﷽, नमस्ते, ไทย".repeat(3),
        ),
        ("markdown", "| a | b |\n|--|\n> > > - 1. [x](y) `` ` `` **_~~ \n```\n~~~\n````md\n<b>&amp;".into()),
    ]
}

/// The same text wherever text can stand.
pub(super) fn everywhere(hostile: &str, size: (u16, u16)) -> App {
    let mut sketch = Sketch::with_task(hostile);
    sketch.says("Coder", hostile).says("Coder", &format!("```python\n{hostile}\n```"));
    sketch.wants(hostile);
    sketch.ran(1, hostile);
    let call = sketch.asks("Reviewer");
    let mut app = sketch.console(size);
    app.on_update(text(call, "Reviewer", hostile));
    app
}

/// No cell holds anything that a terminal could act on, and every row is as wide as the screen.
pub(super) fn assert_harmless(buffer: &Buffer, what: &str) {
    for cell in &buffer.content {
        assert!(!cell.symbol().chars().any(char::is_control), "{what}: {:?}", cell.symbol());
        assert!(cell.symbol().len() <= 64, "{what}: a cell of {} bytes", cell.symbol().len());
        let hidden = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{feff}');
        assert!(!cell.symbol().chars().any(hidden), "{what}: {:?}", cell.symbol());
    }
    for row in rows(buffer) {
        assert_eq!(width(&row), usize::from(buffer.area.width), "{what}: {row:?}");
    }
}

#[test]
fn hostile_text_is_shown_and_does_nothing() {
    for (name, hostile) in texts() {
        for size in SIZES {
            let mut app = everywhere(&hostile, size);
            assert_harmless(&frame(&mut app, size).0, name);
            assert_screen(&format!("hostile_{name}"), &mut app, size);
            press(&mut app, "g g");
            assert_harmless(&frame(&mut app, size).0, name);
        }
    }
}

#[test]
fn hostile_code_is_harmless_in_every_modal() {
    for (name, hostile) in texts() {
        let mut sketch = Sketch::with_task(&hostile);
        sketch
            .says("Coder", &hostile)
            .wants_all(&[("python", "print(1)"), (&hostile[..hostile.floor_char_boundary(40)], &hostile)]);
        for keys in ["a", "a e", "e", "b", ":"] {
            // A field for writing wraps anew for each frame, which takes its time with 200 KB in one line.
            for size in &SIZES[if keys.ends_with('e') { 1..2 } else { 0..3 }] {
                let (mut app, size) = (sketch.console(*size), *size);
                press(&mut app, keys);
                assert_harmless(&frame(&mut app, size).0, &format!("{name} after {keys}"));
            }
        }
        let mut app = sketch.console((80, 24));
        press(&mut app, "a");
        assert_screen(&format!("hostile_{name}_approval"), &mut app, (80, 24));
    }
}

#[test]
fn a_message_cannot_look_like_our_own_words() {
    let mut sketch = Sketch::with_task("go");
    sketch.says("Coder", "■ ended: all is well\n\n2 Reviewer\n▎ APPROVED\n✓ code allowed by you");
    let mut app = sketch.console((80, 24));
    let (buffer, _) = frame(&mut app, (80, 24));
    for row in rows(&buffer).iter().filter(|row| row.contains("ended:") || row.contains("allowed by you")) {
        assert!(row.starts_with("│▎ "), "it stands behind the bar of its author: {row:?}");
    }
    assert_picture("imitation.80x24", &crate::support::picture::picture(&mut app, (80, 24)));
}

#[test]
fn no_size_breaks_the_screen() {
    let mut waiting = Sketch::with_task("go");
    waiting
        .says("Coder", "# 漢字\n\n- a list\n\n```python\nprint('👍🏽')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |")
        .wants("print(1)\n");
    let screens = [
        "", "a", "a e", "a d", "e", ":", "?", "b", "i x", "/ x", "]", "] ]", "v 1", "v 2", "c 1", "m 1", "@", "z", "A",
        "f3", "f4", "f5", "f6", "f6 enter", "F f", "f5 z", "* g m",
    ];
    let mut apps: Vec<App> = screens
        .iter()
        .map(|keys| {
            let mut app = waiting.console((80, 24));
            press(&mut app, keys);
            app
        })
        .collect();
    for height in 1..=20 {
        // Every size where things begin to fit; beyond, every third width, another third at each height.
        for width in (1..=60).filter(|width| (height < 8 && *width <= 24) || width % 3 == height % 3) {
            for (app, keys) in apps.iter_mut().zip(screens) {
                let (buffer, cursor) = frame(app, (width, height));
                let inside = cursor.is_none_or(|at| at.x < width && at.y < height);
                assert!(inside, "{keys:?} at {width}x{height}: the cursor is at {cursor:?}");
                assert_eq!(buffer.area.width, width);
            }
        }
    }
}
