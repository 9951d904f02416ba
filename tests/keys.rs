//! From the bytes a terminal sends to what they do.

use plenary::tui::action::{Action, Context};
use plenary::tui::input::{Decoder, Input, Key, KeyPress};
use plenary::tui::keymap::{Keymap, Outcome};

/// What xterm sends for a key.
fn bytes(press: KeyPress) -> Vec<u8> {
    let csi = |last: &str| {
        let held = 1 + u8::from(press.shift) + 2 * u8::from(press.alt) + 4 * u8::from(press.ctrl);
        match (last.strip_suffix('~'), held) {
            (_, 1) => format!("\x1b[{last}"),
            (Some(number), held) => format!("\x1b[{number};{held}~"),
            (None, held) => format!("\x1b[1;{held}{last}"),
        }
        .into_bytes()
    };
    let plain = match press.key {
        Key::Char(c) if press.ctrl => vec![c as u8 & 0x1f],
        Key::Char(c) => c.to_string().into_bytes(),
        Key::Enter => vec![b'\r'],
        Key::Esc => vec![0x1b],
        Key::Tab if press.shift => return b"\x1b[Z".to_vec(),
        Key::Tab => vec![b'\t'],
        Key::Backspace => vec![0x7f],
        Key::Up => return csi("A"),
        Key::Down => return csi("B"),
        Key::Right => return csi("C"),
        Key::Left => return csi("D"),
        Key::Home => return csi("H"),
        Key::End => return csi("F"),
        Key::Insert => return csi("2~"),
        Key::Delete => return csi("3~"),
        Key::PageUp => return csi("5~"),
        Key::PageDown => return csi("6~"),
        Key::F(n @ 1..=4) => return vec![0x1b, b'O', b'P' + n - 1],
        Key::F(n @ 5..=12) => csi(["15~", "17~", "18~", "19~", "20~", "21~", "23~", "24~"][usize::from(n) - 5]),
        Key::F(n) => panic!("f{n} is bound: say here which bytes it sends"),
    };
    if press.alt { [vec![0x1b], plain].concat() } else { plain }
}

/// Sends a chord through the decoder and the keymap as the loop does.
fn typed(keymap: &Keymap, context: Context, chord: &str) -> Vec<(Action, Option<u8>)> {
    let mut decoder = Decoder::default();
    let mut pending = Vec::new();
    let mut done = Vec::new();
    for name in chord.split(' ') {
        decoder.feed(&bytes(name.parse().unwrap()));
        decoder.settle();
        while let Some(input) = decoder.take() {
            let Input::Key(key) = input else { panic!("{input:?}") };
            match keymap.lookup(context, &pending, key) {
                Outcome::Pending(_) => pending.push(key),
                Outcome::Action(action, digit) => {
                    pending.clear();
                    done.push((action, digit));
                }
                Outcome::None => pending.clear(),
            }
        }
    }
    done
}

#[test]
fn every_default_chord_can_be_typed_on_a_terminal_and_does_what_the_help_says() {
    let keymap = Keymap::default();
    for row in keymap.help_rows() {
        match row.chord.strip_suffix("1-9") {
            Some(start) => {
                for digit in 1..=9 {
                    let done = typed(&keymap, row.context, &format!("{start}{digit}"));
                    assert_eq!(done, [(row.action, Some(digit))], "{} in {}", row.chord, row.context);
                }
            }
            None => {
                let done = typed(&keymap, row.context, &row.chord);
                assert_eq!(done, [(row.action, None)], "{} in {}", row.chord, row.context);
            }
        }
    }
}

#[test]
fn text_typed_in_the_composer_does_nothing_else() {
    let keymap = Keymap::default();
    for context in [Context::Composer, Context::Editor, Context::Search, Context::Palette] {
        let sentence = "q u i t r y Y g g t 1 9 space ? / : + é";
        assert_eq!(typed(&keymap, context, sentence), [], "{context}");
    }
}

#[test]
fn a_paste_of_approving_keys_is_one_paste() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\x1b[200~rrrr\r\x1b[A\x03\x1b[201~");
    let inputs: Vec<_> = std::iter::from_fn(|| decoder.take()).collect();
    assert!(matches!(inputs.as_slice(), [Input::Paste { cut: false, .. }]), "{inputs:?}");
}
