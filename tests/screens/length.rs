//! A frame costs what it shows, not what there is.

use crate::support::picture::{frame, press};
use crate::support::sketch::Sketch;
use plenary::tui::app::App;

/// Draws a frame and says how many items it had to lay out.
fn laid_out_for(app: &mut App, size: (u16, u16)) -> u64 {
    let before = app.transcript.laid_out();
    frame(app, size);
    app.transcript.laid_out() - before
}

#[test]
fn a_frame_of_a_long_session_lays_out_what_is_in_sight() {
    let mut sketch = Sketch::with_task("Talk for a long time.");
    for n in 0..20_000 {
        sketch.says(if n % 2 == 0 { "Coder" } else { "Reviewer" }, "A few words.");
    }
    let size = (120, 35);
    let mut app = sketch.console(size);
    assert_eq!(app.session.transcript().len(), 20_001);
    let rows = u64::from(size.1);
    let first = laid_out_for(&mut app, size);
    assert!((5..=rows).contains(&first), "at the tail: {first}");
    assert_eq!(laid_out_for(&mut app, size), 0, "the same frame again");

    press(&mut app, "g g");
    assert!(laid_out_for(&mut app, size) <= rows, "at the beginning");
    for _ in 0..50 {
        press(&mut app, "pagedown");
        assert!(laid_out_for(&mut app, size) <= rows, "a page further");
    }
    let middle = app.session.transcript().entries()[10_000].message.id;
    let before = app.transcript.laid_out();
    app.transcript.go_to(middle, &app.session);
    frame(&mut app, size);
    assert!(app.transcript.laid_out() - before <= 2 * rows, "in the middle");

    let other = (100, 40);
    assert!(laid_out_for(&mut app, other) <= u64::from(other.1), "after a resize in the middle");
    press(&mut app, "G");
    assert!(laid_out_for(&mut app, other) <= u64::from(other.1), "back at the tail");

    // One more message is one more item, and one that is hidden: how its speaker was chosen.
    let shown = sketch.log().len();
    sketch.says("Coder", "And one more.");
    for record in &sketch.log()[shown..] {
        app.on_update(plenary::chat::update::Update::Record(record.clone()));
    }
    assert_eq!(laid_out_for(&mut app, other), 2, "a message that came");
}

#[test]
fn a_very_long_answer_streams_without_being_laid_out_again() {
    let mut sketch = Sketch::with_task("Talk.");
    let call = sketch.asks("Coder");
    let size = (120, 35);
    let mut app = sketch.console(size);
    frame(&mut app, size);
    for n in 0..2_000 {
        app.on_update(crate::support::sketch::text(call, "Coder", &format!("word {n} of **many**\n\n")));
        if n % 50 == 0 {
            assert_eq!(laid_out_for(&mut app, size), 0, "what stands above is left alone");
        }
    }
    let shown = crate::support::picture::picture(&mut app, size);
    assert!(shown.contains("word 1999 of many"), "{shown}");
}
