use super::*;
use std::collections::BTreeSet;

fn press(name: &str) -> KeyPress {
    name.parse().unwrap()
}

/// Presses a chord key by key.
fn typed(keymap: &Keymap, context: Context, chord: &str) -> Outcome {
    let mut pending = Vec::new();
    let mut outcome = Outcome::None;
    for key in chord.split(' ').map(press) {
        outcome = keymap.lookup(context, &pending, key);
        pending.push(key);
    }
    outcome
}

fn mistakes(text: &str) -> Vec<String> {
    Keymap::load(&[("mine.toml", text)]).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_built_in_keymap_has_no_mistakes() {
    assert_eq!(Keymap::load(&[]).err(), None);
    assert!(Keymap::default().help_rows().len() > 100);
}

#[test]
fn chords_and_ranges_lead_to_their_actions() {
    let keymap = Keymap::default();
    let action = |context, chord| match typed(&keymap, context, chord) {
        Outcome::Action(action, digit) => (action, digit),
        other => panic!("{chord}: {other:?}"),
    };
    assert_eq!(action(Context::Main, "space"), (Action::Pause, None));
    assert_eq!(action(Context::Main, "3"), (Action::CallOn, Some(3)));
    assert_eq!(action(Context::Main, "t 9"), (Action::QueuePush, Some(9)));
    assert_eq!(action(Context::Main, "g g"), (Action::Top, None));
    assert_eq!(action(Context::Composer, "ctrl-x ctrl-e"), (Action::EditorOpen, None));
    assert_eq!(action(Context::Composer, "ctrl-l"), (Action::Redraw, None));
    assert_eq!(action(Context::Approval, "r"), (Action::ApproveRun, None));
    assert_eq!(action(Context::Main, "r"), (Action::Retry, None));
    assert_eq!(typed(&keymap, Context::Main, "0"), Outcome::None);
    assert_eq!(typed(&keymap, Context::Main, "t x"), Outcome::None);
}

#[test]
fn a_prefix_tells_what_may_follow() {
    let Outcome::Pending(hints) = typed(&Keymap::default(), Context::Main, "t") else { panic!() };
    let shown: Vec<_> = hints.iter().map(|hint| format!("{} {}", hint.chord, hint.action)).collect();
    assert_eq!(shown, ["1-9 queue_push", "c queue_clear", "d queue_pop", "e terminate", "t tools"]);
}

#[test]
fn hints_and_chords_come_from_the_trie() {
    let keymap = Keymap::default();
    let chord = |action, context| keymap.chord_for(action, context);
    assert_eq!(chord(Action::QueuePush, Context::Main).as_deref(), Some("t 1-9"));
    assert_eq!(chord(Action::CallOn, Context::Main).as_deref(), Some("1-9"));
    assert_eq!(chord(Action::Suspend, Context::Approval).as_deref(), Some("ctrl-z"));
    assert_eq!(chord(Action::ApproveRun, Context::Main), None);
    // The context's own binding hides the one in [global].
    let hints = keymap.hints(Context::Composer);
    let bound: Vec<_> = hints.iter().filter(|hint| hint.chord == "ctrl-c").collect();
    assert_eq!(bound.len(), 1);
    assert_eq!(bound[0].action, Action::CancelOrInterrupt);
}

#[test]
fn enter_space_y_and_digits_never_approve() {
    let keymap = Keymap::default();
    let habits = ["enter", "space", "y", "Y", "alt-enter", "ctrl-space", "0", "1", "5", "9", "ctrl-j", "ctrl-y"];
    for context in Context::ALL.iter().copied() {
        for first in habits {
            let outcome = keymap.lookup(context, &[], press(first));
            if let Outcome::Action(action, _) = outcome {
                assert!(!action.gives_consent(), "{first} in {context}: {action}");
            }
            if context == Context::Approval {
                assert_eq!(outcome, Outcome::None, "{first} does something in an approval");
            }
        }
        for HelpRow { chord, action, .. } in keymap.help_rows() {
            let habit = chord.split(' ').any(|key| habits.contains(&key) || key.contains('-') && key != "ctrl-c");
            assert!(!(action.gives_consent() && habit), "{chord}: {action}");
        }
    }
    for chord in ["enter", "space", "y", "4", "alt-enter", "g y", "ctrl-y"] {
        let told = mistakes(&format!("[approval]\n{chord:?} = \"approve_run\""));
        assert!(told[0].contains("never let code run"), "{told:?}");
    }
    assert!(mistakes("[main]\n\"Q\" = \"approve_run\"")[0].contains("belongs in approval"));
}

#[test]
fn keys_that_type_are_never_bound_where_one_types() {
    let keymap = Keymap::default();
    for context in Context::ALL.iter().copied().filter(|context| context.takes_text()) {
        for c in (' '..='~').chain(['é', '漢']) {
            let key = KeyPress::plain(crate::tui::input::Key::Char(c));
            assert_eq!(keymap.lookup(context, &[], key), Outcome::None, "{c:?} in {context}");
        }
    }
    let told = mistakes("[composer]\n\"q\" = \"cancel\"\n[search]\n\"1..9\" = \"cancel\"");
    assert!(told[0].starts_with("mine.toml, line 2: \"q\" types a character in [composer]"), "{told:?}");
    assert_eq!(told.len(), 2);
    // Nor does a key that types fall through to [global].
    let mine = Keymap::load(&[("mine.toml", "[global]\n\"Q\" = \"quit\"")]).unwrap();
    assert_eq!(mine.lookup(Context::Composer, &[], press("Q")), Outcome::None);
    assert_eq!(mine.lookup(Context::Approval, &[], press("Q")), Outcome::Action(Action::Quit, None));
}

#[test]
fn every_action_can_be_reached_by_a_key_or_is_told_apart() {
    let rows = Keymap::default().help_rows();
    let bound: BTreeSet<_> = rows.iter().map(|row| row.action).collect();
    let palette_only: Vec<_> = Action::ALL.iter().filter(|action| !bound.contains(action)).collect();
    assert_eq!(palette_only, [&Action::Continue]);
}

#[test]
fn a_file_of_ones_own_replaces_adds_and_takes_away() {
    let text = "[main]\n\"space\" = \"step\"\n\"g g\" = \"none\"\n\"g\" = \"bottom\"\n\"ctrl-p\" = \"palette\"";
    let keymap = Keymap::load(&[("mine.toml", text)]).unwrap();
    assert_eq!(typed(&keymap, Context::Main, "space"), Outcome::Action(Action::Step, None));
    assert_eq!(typed(&keymap, Context::Main, "g"), Outcome::Action(Action::Bottom, None));
    assert_eq!(typed(&keymap, Context::Main, "ctrl-p"), Outcome::Action(Action::Palette, None));
    assert_eq!(typed(&keymap, Context::Main, "q"), Outcome::Action(Action::Quit, None));
}

#[test]
fn mistakes_name_the_line_and_the_nearest_word() {
    let told = mistakes("[mian]\n\"a\" = \"pause\"\n[main]\n\"b\" = \"puase\"\n\"pgup\" = \"top\"\n\"c\" = 3");
    assert_eq!(told[0], "mine.toml, line 1: there is no context \"mian\"; did you mean \"main\"?");
    assert_eq!(told[1], "mine.toml, line 4: there is no action \"puase\"; did you mean \"pause\"?");
    assert!(told[2].contains("line 5") && told[2].contains("did you mean \"pageup\"?"));
    assert!(told[3].contains("line 6") && told[3].contains("in quotes"));
    assert!(mistakes("[main\n")[0].starts_with("mine.toml, line 1: "));
    assert!(mistakes("main = 3")[0].contains("must be a table"));
}

#[test]
fn a_conflict_names_both_places() {
    let told = mistakes("[main]\n\"g\" = \"bottom\"");
    let line = DEFAULT.lines().position(|line| line.starts_with("\"g g\"")).unwrap() + 1;
    assert!(told[0].starts_with("mine.toml, line 2: \"g\" cannot be told from another chord"), "{told:?}");
    assert!(told[0].contains(&format!("the built-in keymap, line {line}")), "{told:?}");
    assert!(told[0].ends_with("\"g g\" = \"none\""), "{told:?}");

    let told = mistakes("[main]\n\"shift-q\" = \"quit\"\n\"Q\" = \"help\"");
    assert!(told[0].contains("line 3") && told[0].contains("quit in mine.toml, line 2"), "{told:?}");
    let told = mistakes("[main]\n\"u 1..3\" = \"call_on\"\n\"u 2\" = \"help\"");
    assert!(told[0].contains("\"u 1..3\" is call_on in mine.toml, line 2"), "{told:?}");
}

#[test]
fn ranges_belong_to_actions_that_take_a_digit() {
    assert!(mistakes("[main]\n\"c\" = \"call_on\"")[0].contains("1..9"));
    assert!(mistakes("[main]\n\"u 1..9\" = \"quit\"")[0].contains("takes no digit"));
    assert!(mistakes("[main]\n\"1..9 u\" = \"call_on\"")[0].contains("at the end"));
    assert!(mistakes("[main]\n\"9..1\" = \"call_on\"")[0].contains("is not a key"));
    assert!(mistakes("[main]\n\"Z Z\" = \"none\"")[0].contains("not bound"));
}
