//! Consent is to what was seen: nothing else gives it.

use crate::support::picture::{at, frame, picture, press};
use crate::support::sketch::Sketch;
use plenary::chat::command::Command;
use plenary::chat::containment::Tier;
use plenary::chat::event::Verdict;
use plenary::tui::app::{App, Deed};
use plenary::tui::input::Input;

const SIZE: (u16, u16) = (80, 24);

/// The queue is open on code of so many lines, at second 100, and one frame was drawn.
fn open(lines: usize, size: (u16, u16)) -> App {
    let code: String = (1..=lines).map(|n| format!("print({n})\n")).collect();
    let mut sketch = Sketch::with_task("Count.");
    sketch.says("Coder", "Here it is.").wants(&code);
    let mut app = sketch.console(size);
    at(&mut app, 100_000);
    press(&mut app, "a");
    frame(&mut app, size);
    app
}

/// Whether anything was sent to the engine.
fn sends(deeds: &[Deed]) -> bool {
    deeds.iter().any(|deed| matches!(deed, Deed::Send(_)))
}

/// Whether `r` runs it, half a second after everything else.
fn runs(app: &mut App, size: (u16, u16)) -> bool {
    frame(app, size);
    let now = app.now_ms();
    at(app, now + 500);
    sends(&press(app, "r"))
}

#[test]
fn short_code_is_allowed_half_a_second_after_it_was_shown_and_not_before() {
    for (wait, allowed) in [(0, false), (1, false), (499, false), (500, true)] {
        let mut app = open(3, SIZE);
        at(&mut app, 100_000 + wait);
        let deeds = press(&mut app, "r");
        assert_eq!(sends(&deeds), allowed, "after {wait} ms");
    }
}

#[test]
fn what_is_sent_is_what_was_shown() {
    let mut app = open(3, SIZE);
    at(&mut app, 100_500);
    let asked = app.session.approvals().next().unwrap().clone();
    let [Deed::Send(Command::Decide { approval, hash, verdict, seen_in_full, remember })] = &press(&mut app, "r")[..]
    else {
        panic!("one decision")
    };
    assert_eq!((*approval, hash, verdict), (asked.id, &asked.hash, &Verdict::Run));
    assert!(*seen_in_full && !*remember);
}

#[test]
fn pressing_again_and_again_never_arms_it() {
    let mut app = open(3, SIZE);
    for n in 1..20 {
        at(&mut app, 100_000 + n * 499);
        assert!(!sends(&press(&mut app, "r")), "press {n}");
    }
}

#[test]
fn any_key_and_any_paste_start_the_half_second_anew() {
    for touch in ["x", "j", "enter", "g"] {
        let mut app = open(3, SIZE);
        at(&mut app, 100_400);
        press(&mut app, touch);
        frame(&mut app, SIZE);
        at(&mut app, 100_800);
        assert!(!sends(&press(&mut app, "r")), "400 ms after {touch}");
    }
    let mut app = open(3, SIZE);
    at(&mut app, 100_400);
    assert_eq!(app.on_input(Input::Paste { text: "r\nr\n".into(), cut: false }), []);
    at(&mut app, 100_800);
    assert!(!sends(&press(&mut app, "r")), "400 ms after a paste");
}

#[test]
fn keys_in_a_field_above_the_request_start_the_half_second_anew() {
    for (opens, closes) in [("d", "esc"), ("?", "q"), ("e", "esc")] {
        let mut app = open(3, SIZE);
        at(&mut app, 101_000);
        press(&mut app, opens);
        frame(&mut app, SIZE);
        at(&mut app, 102_000);
        press(&mut app, closes);
        frame(&mut app, SIZE);
        at(&mut app, 102_060);
        assert!(!sends(&press(&mut app, "r")), "60 ms after {opens} … {closes}");
        at(&mut app, 103_000);
        assert!(sends(&press(&mut app, "r")), "it can still be allowed after {opens} … {closes}");
    }
}

#[test]
fn the_language_of_a_single_block_is_on_the_screen() {
    let mut app = open(3, SIZE);
    assert!(picture(&mut app, SIZE).contains("block 1 of 1: run as python"));
}

#[test]
fn long_code_is_not_allowed_before_every_row_was_drawn() {
    let mut app = open(100, SIZE);
    assert!(!runs(&mut app, SIZE), "only its beginning was shown");
    // To the end at once: the middle was never on the screen.
    let mut app = open(100, SIZE);
    press(&mut app, "G");
    frame(&mut app, SIZE);
    at(&mut app, 200_000);
    assert!(!sends(&press(&mut app, "r")), "the middle was jumped over");
    // Scrolled without a frame between: nobody saw it.
    let mut app = open(100, SIZE);
    for _ in 0..20 {
        press(&mut app, "pagedown");
    }
    frame(&mut app, SIZE);
    at(&mut app, 200_000);
    assert!(!sends(&press(&mut app, "r")), "nothing was drawn between the pages");
    // Page by page, each one drawn.
    let mut app = open(100, SIZE);
    for _ in 0..20 {
        press(&mut app, "pagedown");
        frame(&mut app, SIZE);
    }
    assert!(runs(&mut app, SIZE));
}

#[test]
fn another_width_must_be_seen_again() {
    let mut app = open(100, SIZE);
    for _ in 0..20 {
        press(&mut app, "pagedown");
        frame(&mut app, SIZE);
    }
    frame(&mut app, (100, 24));
    at(&mut app, 200_000);
    assert!(!sends(&press(&mut app, "r")), "these rows were never shown");
}

#[test]
fn below_sixty_by_sixteen_nothing_can_be_allowed() {
    for (size, allowed) in [((60, 16), true), ((59, 16), false), ((60, 15), false), ((40, 12), false)] {
        let mut app = open(1, size);
        for _ in 0..20 {
            press(&mut app, "pagedown");
            frame(&mut app, size);
        }
        assert_eq!(runs(&mut app, size), allowed, "{size:?}");
    }
}

#[test]
fn what_was_seen_before_the_window_became_too_small_does_not_count_there() {
    let mut app = open(3, SIZE);
    assert!(!runs(&mut app, (40, 12)));
}

#[test]
fn no_habit_of_the_hand_gives_consent() {
    let habits = "enter space y Y 1 2 3 4 5 6 7 8 9 0 tab right ctrl-j ctrl-s p a s i";
    for key in habits.split(' ') {
        let mut app = open(3, SIZE);
        at(&mut app, 200_000);
        let deeds = press(&mut app, key);
        let consents = |deed: &Deed| match deed {
            Deed::Send(Command::Decide { verdict, .. }) => !matches!(verdict, Verdict::Deny(_)),
            _ => false,
        };
        assert!(!deeds.iter().any(consents), "{key} gives consent");
    }
    for text in ["r", "r\n", "\u{1b}[200~r", "y\n", "R\r"] {
        let mut app = open(3, SIZE);
        at(&mut app, 200_000);
        assert_eq!(app.on_input(Input::Paste { text: text.into(), cut: false }), [], "pasting {text:?}");
    }
}

#[test]
fn a_request_that_comes_meanwhile_does_not_take_the_key() {
    // Nothing opens by itself: `r` in the panes has nothing to run.
    let mut sketch = Sketch::with_task("Count.");
    sketch.says("Coder", "Here it is.").wants("print(1)\n");
    let mut app = sketch.console(SIZE);
    at(&mut app, 200_000);
    frame(&mut app, SIZE);
    assert!(app.modals.is_empty(), "a request opens nothing");
    let deeds = press(&mut app, "r");
    assert!(!deeds.iter().any(|deed| matches!(deed, Deed::Send(Command::Decide { .. }))));
}

#[test]
fn a_request_that_was_decided_elsewhere_leaves_the_screen() {
    let mut sketch = Sketch::with_task("Count.");
    sketch.says("Coder", "Here it is.").wants("print(1)\n");
    let mut app = sketch.console(SIZE);
    press(&mut app, "a");
    frame(&mut app, SIZE);
    let shown = sketch.log().len();
    sketch.ran(0, "1\n");
    for record in &sketch.log()[shown..] {
        app.on_update(plenary::chat::update::Update::Record(record.clone()));
    }
    assert!(app.modals.is_empty());
}

#[test]
fn edited_code_must_be_seen_and_is_sent_as_edited() {
    let mut app = open(3, SIZE);
    press(&mut app, "e # enter");
    let deeds = press(&mut app, "ctrl-s");
    assert!(!sends(&deeds), "saving runs nothing");
    assert!(!sends(&press(&mut app, "r")), "not drawn yet");
    frame(&mut app, SIZE);
    let now = app.now_ms();
    at(&mut app, now + 500);
    let [Deed::Send(Command::Decide { verdict: Verdict::RunEdited(blocks), hash, .. })] = &press(&mut app, "r")[..]
    else {
        panic!("one decision to run what was edited")
    };
    assert_eq!(&*blocks[0].code, "#\nprint(1)\nprint(2)\nprint(3)\n");
    assert_eq!(*hash, app.session.approvals().next().unwrap().hash, "the request it answers");
}

/// The queue on code that would run in this tier.
fn open_in(tier: Tier) -> App {
    let mut sketch = Sketch::with_task("Count.");
    sketch.tier = tier;
    sketch.says("Coder", "I want to see the files.\n\n```python\nprint(1)\n```").wants("print(1)");
    let mut app = sketch.console(SIZE);
    at(&mut app, 100_000);
    press(&mut app, "a");
    frame(&mut app, SIZE);
    app
}

/// What the console last said.
fn told(app: &App) -> String {
    app.toast.as_ref().map(|(text, _)| text.clone()).unwrap_or_default()
}

#[test]
fn a_leash_is_typed_and_saved_by_a_chord_and_there_is_none_without_containment() {
    let mut open_account = open_in(Tier::None);
    press(&mut open_account, "l");
    assert!(told(&open_account).contains("no leash without containment"), "{}", told(&open_account));
    let mut app = open_in(Tier::Namespace);
    press(&mut app, "l 5 space 1 0 m");
    assert!(picture(&mut app, SIZE).contains("Let Executor run code unasked"), "{}", picture(&mut app, SIZE));
    assert!(!sends(&press(&mut app, "enter")), "enter gives no consent");
    press(&mut app, "backspace");
    let sent = press(&mut app, "ctrl-s");
    let given = sent.iter().find_map(|deed| match deed {
        Deed::Send(Command::Leash { agent, executions, minutes }) => Some((agent.to_string(), *executions, *minutes)),
        _ => None,
    });
    assert_eq!(given, Some(("Executor".to_owned(), Some(5), Some(10))));
}

#[test]
fn a_leash_that_is_not_understood_is_explained_and_stays_open() {
    let mut app = open_in(Tier::Namespace);
    press(&mut app, "l f o r e v e r");
    assert!(!sends(&press(&mut app, "ctrl-s")));
    assert!(told(&app).contains("is no leash"), "{}", told(&app));
    assert!(picture(&mut app, SIZE).contains("forever"), "what was typed is still there");
}

#[test]
fn the_reason_that_is_shown_is_the_agents_words_outside_of_its_code_and_is_marked_as_such() {
    let mut app = open_in(Tier::Namespace);
    let shown = picture(&mut app, (120, 35));
    assert!(shown.contains("I want to see the files.") && shown.contains("its own words, not checked"), "{shown}");
}

#[test]
fn deny_and_hold_asks_for_the_reason_and_sends_both_at_once() {
    let mut app = open_in(Tier::Namespace);
    press(&mut app, "D n o");
    let sent = press(&mut app, "enter");
    let held =
        sent.iter().any(|deed| matches!(deed, Deed::Send(Command::DenyAndHold { reason, .. }) if reason == "no"));
    assert!(held, "{sent:?}");
}
