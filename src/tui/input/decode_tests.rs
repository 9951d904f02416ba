use super::*;
use proptest::prelude::*;

fn all(decoder: &mut Decoder) -> Vec<Input> {
    std::iter::from_fn(|| decoder.take()).collect()
}

fn decoded(bytes: &[u8]) -> Vec<Input> {
    let mut decoder = Decoder::default();
    decoder.feed(bytes);
    decoder.settle();
    all(&mut decoder)
}

/// The keys in the bytes, by name.
fn keys(bytes: &[u8]) -> String {
    let name = |input: &Input| match input {
        Input::Key(press) => press.to_string(),
        other => format!("{other:?}"),
    };
    decoded(bytes).iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn plain_keys_and_control_keys_have_their_names() {
    assert_eq!(keys(b"aG? 9\r\t\x7f"), "a G ? space 9 enter tab backspace");
    assert_eq!(keys(b"\x03\x0a\x00\x1a\x1c\x1f"), "ctrl-c ctrl-j ctrl-space ctrl-z ctrl-\\ ctrl-_");
    assert_eq!(keys("é漢🦀".as_bytes()), "é 漢 🦀");
}

#[test]
fn escape_alone_is_escape_and_with_a_key_is_alt() {
    assert_eq!(keys(b"\x1b"), "esc");
    assert_eq!(keys(b"\x1b\x1b"), "esc esc");
    assert_eq!(keys(b"\x1bx\x1b\r\x1b\xc3\xa9"), "alt-x alt-enter alt-é");
    assert_eq!([keys(b"\x1b["), keys(b"\x1bO"), keys(b"\x1b]")], ["alt-[", "alt-O", "alt-]"]);
}

#[test]
fn arrows_pages_and_function_keys_come_in_every_dialect() {
    assert_eq!(keys(b"\x1b[A\x1bOA\x1b[1;5A\x1b[1;2D"), "up up ctrl-up shift-left");
    assert_eq!(keys(b"\x1b[5~\x1b[6~\x1b[1~\x1b[H\x1bOF\x1b[3;5~"), "pageup pagedown home home end ctrl-delete");
    assert_eq!(keys(b"\x1bOP\x1b[11~\x1b[[A\x1b[1;2P\x1b[24~"), "f1 f1 f1 shift-f1 f12");
    assert_eq!(keys(b"\x1b[Z\x1b[27;5;13~\x1b[99;5u\x1b[13;3u"), "shift-tab ctrl-enter ctrl-c alt-enter");
}

#[test]
fn releases_are_ignored() {
    assert_eq!(keys(b"\x1b[97;1:3ua\x1b[1;1:3A"), "a");
    assert_eq!(keys(b"\x1b[97;1:2u"), "a");
}

#[test]
fn replies_and_reports_are_never_keys() {
    assert_eq!(keys(b"\x1b[?2026;2$ya"), "a");
    assert_eq!(keys(b"\x1b]10;rgb:0000/0000/0000\x07a\x1b]l a title\x1b\\b"), "a b");
    assert_eq!(keys(b"\x1bP>|xterm(380)\x1b\\a"), "a");
    assert_eq!(keys(b"\x1b[M !!a\x1b[<2;10;10Mb\x1b[24;80Rc\x1b[?62;22cd"), "a b c d");
    let mut long = b"\x1b[".to_vec();
    long.extend(std::iter::repeat_n(b'1', 100_000));
    long.extend(b"Aa");
    assert_eq!(keys(&long), "a");
}

#[test]
fn a_broken_sequence_swallows_only_itself() {
    assert_eq!(keys(b"\x1b[12\x1b[Aa"), "up a");
    assert_eq!(keys(b"\xff\xc3(a\xe2\x82"), "( a");
}

#[test]
fn a_paste_is_text_and_never_keys() {
    let paste = |text: &str, cut| Input::Paste { text: text.to_owned(), cut };
    assert_eq!(decoded(b"\x1b[200~rm -rf ~\ry\x03\x1b[201~"), [paste("rm -rf ~\ry\x03", false)]);
    assert_eq!(decoded(b"\x1b[200~half \x1b[201 and \x1b\x1b[201~"), [paste("half \x1b[201 and \x1b", false)]);
    // Without its end, nothing comes out, and waiting does not change that.
    assert_eq!(decoded(b"\x1b[200~never ends\r\r"), []);
    assert_eq!(keys(b"\x1b[201~a"), "a");
}

#[test]
fn a_paste_over_the_limit_is_cut_at_a_character_and_says_so() {
    let mut bytes = b"\x1b[200~x".to_vec();
    bytes.extend("é".repeat(PASTE_LIMIT).bytes());
    bytes.extend(b"\x1b[201~q");
    let inputs = decoded(&bytes);
    let Input::Paste { text, cut: true } = &inputs[0] else { panic!("{:?} inputs", inputs.len()) };
    assert!(text.len() <= PASTE_LIMIT && text.len() > PASTE_LIMIT - 2);
    assert!(text.ends_with('é'));
    assert_eq!(inputs[1], Input::Key("q".parse().unwrap()));
}

#[test]
fn focus_is_told() {
    assert_eq!(decoded(b"\x1b[I\x1b[O"), [Input::FocusGained, Input::FocusLost]);
}

/// Bytes in which sequences are likely.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        prop::sample::select(vec![
            &b"\x1b["[..],
            b"\x1bO",
            b"\x1b[200~",
            b"\x1b[201~",
            b"\x1b]",
            b"\x1b\\",
            b"1;5A",
            b"\xe6\xbc\xa2",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_gives_the_same_keys(bytes in stream(), cut in 0usize..80) {
        let mut decoder = Decoder::default();
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        decoder.feed(head);
        let mut got = all(&mut decoder);
        decoder.feed(tail);
        decoder.settle();
        got.extend(all(&mut decoder));
        prop_assert_eq!(got, decoded(&bytes));
    }

    #[test]
    fn no_key_carries_a_control_character(bytes in stream()) {
        for input in decoded(&bytes) {
            if let Input::Key(KeyPress { key: Key::Char(c), .. }) = input {
                prop_assert!(!c.is_control());
            }
        }
    }
}

#[test]
fn mouse_reports_tell_what_and_where_and_noise_tells_nothing() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\x1b[<0;5;3M\x1b[<32;6;3M\x1b[<0;6;3m\x1b[<65;1;1M\x1b[<2;1;1M\x1b[<0;1M\x1b[<;1;1M");
    let read: Vec<_> = std::iter::from_fn(|| decoder.take()).collect();
    let at = |kind, column, row| Input::Mouse(Mouse { kind, column, row });
    let wanted = [
        at(MouseKind::Press, 4, 2),
        at(MouseKind::Drag, 5, 2),
        at(MouseKind::Release, 5, 2),
        at(MouseKind::WheelDown, 0, 0),
    ];
    assert_eq!(read, wanted);
}

#[test]
fn a_reply_about_the_background_tells_light_from_dark_and_other_strings_nothing() {
    let read = |text: &str| {
        let mut decoder = Decoder::default();
        text.bytes().for_each(|byte| decoder.feed(&[byte]));
        std::iter::from_fn(|| decoder.take()).collect::<Vec<_>>()
    };
    assert_eq!(read("\x1b]11;rgb:ffff/ffff/ffff\x07"), [Input::Background { light: true }]);
    assert_eq!(read("\x1b]11;rgb:15/17/1c\x1b\\"), [Input::Background { light: false }]);
    assert_eq!(read("\x1b]11;rgb:1/2\x07\x1b]11;rgb:12345/1/1\x07\x1b]10;rgb:ff/ff/ff\x07"), []);
    assert_eq!(read(&format!("\x1b]11;rgb:{}\x07", "f".repeat(5000))), []);
}
