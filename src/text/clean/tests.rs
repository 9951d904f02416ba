use super::*;
use proptest::prelude::*;

fn shown(text: &str, context: Context) -> String {
    clean(text, context, Ink::Plain).into_iter().map(|piece| piece.text).collect()
}

#[test]
fn controls_and_deceptions_become_tokens_in_prose() {
    let cases = [
        ("rm -rf ~\rls", "rm -rf ~␍ls"),
        ("\u{1b}[2J", "␛[2J"),
        ("a\u{202e}b", "a⟦RLO⟧b"),
        ("a\u{e0063}\u{e0064}", "a⟦U+E0063⟧⟦U+E0064⟧"),
        ("\u{7}\u{7}\u{7}", "⟦␇ ×3⟧"),
        ("a\tb\n\tc", "a   b\n    c"),
        ("one\r\ntwo", "one\ntwo"),
        ("x\u{9b}31m", "x⟦U+009B⟧31m"),
        ("a\u{2028}b", "a⟦LSEP⟧b"),
        ("\u{3164}\u{ffa0}\u{2800}", "⟦U+3164⟧⟦U+FFA0⟧⟦U+2800⟧"),
        ("a\u{200d}b", "a⟦ZWJ⟧b"),
        ("a\u{fe0f}", "a⟦U+FE0F⟧"),
    ];
    for (raw, safe) in cases {
        assert_eq!(shown(raw, Context::Prose), safe, "{raw:?}");
    }
}

#[test]
fn joiners_stay_where_they_belong() {
    for text in [
        "👨\u{200d}👩\u{200d}👧",
        "❤\u{fe0f}",
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "1\u{fe0f}\u{20e3}",
        "葛\u{e0100}",
        "🏳\u{fe0f}\u{200d}🌈",
    ] {
        assert_eq!(shown(text, Context::Prose), text);
    }
}

#[test]
fn a_heap_of_accents_is_cut_and_counted() {
    let text = format!("e{}", "\u{301}".repeat(100_000));
    assert_eq!(shown(&text, Context::Prose), format!("e{}⟦+99993⟧", "\u{301}".repeat(7)));
    assert_eq!(shown(&text, Context::Code), "e⟦U+0301 ×100000⟧");
}

#[test]
fn tokens_carry_the_marker_and_words_do_not() {
    let pieces = clean("a\u{202e}b", Context::Prose, Ink::Strong);
    assert_eq!(pieces.iter().map(|piece| piece.ink).collect::<Vec<_>>(), [Ink::Strong, Ink::Marker, Ink::Strong]);
}

#[test]
fn code_shows_what_prose_would_let_pass() {
    let cases = [
        ("a\u{a0}b", "a⟦NBSP⟧b"),
        ("\tx", "→   x"),
        ("e\u{301}", "e⟦U+0301⟧"),
        ("é", "é"),
        ("a\r\n", "a␍\n"),
        ("⟦RLO⟧", "⟦U+27E6⟧RLO⟦U+27E7⟧"),
        ("→", "⟦U+2192⟧"),
        ("❤\u{fe0f}", "❤⟦U+FE0F⟧"),
        ("x\u{e000}", "x⟦U+E000⟧"),
    ];
    for (raw, safe) in cases {
        assert_eq!(shown(raw, Context::Code), safe, "{raw:?}");
    }
}

#[test]
fn output_is_what_the_terminal_would_show_at_last() {
    let cases = [
        ("10%\r20%\r100%\n", "100%\n"),
        ("abcdef\rxy", "xycdef"),
        ("\u{1b}[1;31mred\u{1b}[0m", "red"),
        ("\u{1b}[2Jx", "␛[2Jx"),
        ("\u{1b}\u{1b}[m[31mx", "␛[31mx"),
        ("日本\rx", "x 本"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("title \u{1b}]0;pwn\u{7}", "title ␛]0;pwn␇"),
    ];
    for (raw, safe) in cases {
        assert_eq!(shown(raw, Context::Output), safe, "{raw:?}");
    }
}

#[test]
fn a_million_rewrites_of_one_line_cost_no_more_than_their_length() {
    let text = format!("{}{}", "x".repeat(200_000), "\ry".repeat(200_000));
    assert_eq!(shown(&text, Context::Output), format!("y{}", "x".repeat(199_999)));
}

#[test]
fn names_fit_on_one_line() {
    assert_eq!(one_line("a\nb\u{1b}"), "a␊b␛");
}

/// Every code point there is: after a letter, and by itself where that could differ.
#[test]
fn no_code_point_is_invisible_in_code() {
    for c in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|c| !matches!(c, ' ' | '\n')) {
        let alone = (c.is_ascii() || extends(c)).then(|| c.to_string());
        for text in alone.into_iter().chain([format!("a{c}")]) {
            let out = shown(&text, Context::Code);
            let tail = out.strip_prefix('a').filter(|_| text.len() > c.len_utf8()).unwrap_or(&out).trim_end();
            assert!(!tail.is_empty() && width(tail) > 0, "{c:?} shows nothing");
            assert!(!tail.chars().any(|c| c.is_control() || c.is_whitespace() && c != ' '), "{c:?} shows {tail:?}");
            let whole = tail.starts_with('⟦') || tail.chars().count() == 1;
            assert!(whole, "{c:?} shows {tail:?}");
        }
    }
}

/// Text that is likely to be awkward: letters, controls, marks, joiners, wide and unknown characters.
fn soup() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        4 => prop::char::range(' ', '~'),
        1 => prop::sample::select(vec![
            '\t', '\r', '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{200d}', '\u{200c}', '\u{fe0f}', '\u{fe00}', '\u{202e}',
            '\u{301}', '\u{93e}', '\u{94d}', 'क', 'ष', 'ﾞ', '漢', '👩', '🏽', '🇩', '🇪', 'ᄀ', 'ᅡ', '\u{600}', '⟦', '⟧', '→',
            '␛', '×', '\u{e0063}', '\u{3164}', '\u{1160}', 'م', '\u{a0}', '\u{ad}', '\u{20e3}', '[', 'm', '3',
        ]),
        1 => any::<char>(),
    ];
    prop::collection::vec(one, 0..24).prop_map(String::from_iter)
}

/// What a code-context text came from, read back from its tokens.
fn unclean(shown: &str) -> String {
    let mut raw = String::new();
    let mut column = 0;
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        let mut cells = grapheme_width(&c.to_string());
        match c {
            '→' => {
                cells = TAB - column % TAB;
                rest.by_ref().take(cells - 1).for_each(|pad| assert_eq!(pad, ' '));
                raw.push('\t');
            }
            '⟦' => {
                let token: String = rest.by_ref().take_while(|c| *c != '⟧').collect();
                cells = width(&token) + 2;
                let (name, count) = token.split_once(" ×").unwrap_or((&token, "1"));
                let one = (0..=0x0010_ffff)
                    .filter_map(char::from_u32)
                    .find(|c| hidden::picture(*c).map_or_else(|| hidden::name(*c), String::from) == name);
                raw.push_str(&String::from(one.unwrap()).repeat(count.parse().unwrap()));
            }
            '\u{2400}'..='\u{241f}' => raw.push(char::from_u32(u32::from(c) - 0x2400).unwrap()),
            '␡' => raw.push('\u{7f}'),
            _ => raw.push(c),
        }
        column = if c == '\n' { 0 } else { column + cells };
    }
    raw
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_shown_is_a_control_or_takes_no_cell(text in soup()) {
        for context in [Context::Prose, Context::Code, Context::Output] {
            for piece in clean(&text, context, Ink::Plain) {
                prop_assert!(!piece.text.chars().any(|c| c.is_control() && c != '\n'), "{:?}", piece);
                for line in piece.text.split('\n') {
                    prop_assert!(graphemes(line).all(|g| grapheme_width(g) > 0), "{context:?} {:?}", piece);
                    prop_assert!(graphemes(line).all(|g| g.chars().count() <= GRAPHEME_CHARS));
                    prop_assert!(graphemes(line).all(|g| grapheme_width(g) <= GRAPHEME_CELLS), "{:?}", piece);
                }
            }
        }
    }

    #[test]
    fn cleaning_twice_changes_nothing_outside_code(text in soup()) {
        for context in [Context::Prose, Context::Output] {
            let once = shown(&text, context);
            prop_assert_eq!(shown(&once, context), once);
        }
    }

    #[test]
    fn the_raw_code_can_be_read_back_so_no_two_codes_show_the_same(text in "[ -~\t\r\n\u{301}\u{200b}\u{a0}→⟦×é漢␛]{0,12}") {
        prop_assert_eq!(unclean(&shown(&text, Context::Code)), text);
    }
}
