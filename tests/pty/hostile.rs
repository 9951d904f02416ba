//! Words that would like to be commands: of models, of programs, of pastes, and of slipping fingers.

use super::{approve, read_to_the_end};
use crate::support::home::{Home, doer, talk};
use crate::support::pty::Pty;
use plenary::chat::event::{Event, Verdict};
use std::time::Duration;

/// Everything a terminal could take for something else than letters.
const HOSTILE: &str = "\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b[2J\x1b[999;999H\x1b[6n\x1b[c\x1bc\x1b[?1049l\x1b[201~\
    \u{9b}31m\u{9d}0;owned\u{9c}\u{90}q\u{9c}\x1bP+q544e\x1b\\\x1b_Gi=1\x1b\\\x1b[?1000h\x0e\x05\x07\x08\x7f\r\u{2028}\
    \u{202e}evil\u{2066}\u{200f}\u{e0041}\u{feff} \x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\ \x1b[5i\x1b#8 end";

/// What was sent to the terminal besides letters.
#[derive(Default)]
pub struct Sequences {
    /// Everything that is not on the list of what the console sends.
    pub strange: Vec<String>,
    /// Parameters of SGR that mean a colour.
    pub colours: Vec<u16>,
    pub titles: Vec<String>,
}

/// Reads bytes as a terminal would.
pub fn sequences(bytes: &[u8]) -> Sequences {
    let mut found = Sequences::default();
    vte::Parser::new().advance(&mut found, bytes);
    found
}

impl Sequences {
    fn strange(&mut self, what: String) {
        self.strange.push(what);
    }
}

impl vte::Perform for Sequences {
    fn print(&mut self, c: char) {
        let hidden = matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200c}'
            | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if hidden {
            self.strange(format!("letter {c:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.strange(format!("control {byte:#04x}"));
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, c: char) {
        self.strange(format!("DCS {c:?}"));
    }

    fn osc_dispatch(&mut self, parts: &[&[u8]], _: bool) {
        let text: Vec<String> = parts.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        match text.first().map(String::as_str) {
            Some("0" | "2") => self.titles.push(text[1..].join(";")),
            _ => self.strange(format!("OSC {text:?}")),
        }
    }

    fn csi_dispatch(&mut self, params: &vte::Params, marks: &[u8], _: bool, c: char) {
        let numbers: Vec<u16> = params.iter().map(|param| param[0]).collect();
        let mode = |known: &[u16]| numbers.iter().all(|number| known.contains(number));
        let ours = match (marks, c) {
            (b"", 'H' | 'J' | 'K' | 'A' | 'B' | 'C' | 'D' | 'G' | 'd') => true,
            (b"", 'm') => {
                let all: Vec<u16> = params.iter().flatten().copied().collect();
                let coloured = |n: u16| matches!(n, 30..=38 | 40..=48 | 58 | 90..=107);
                self.colours.extend(all.first().into_iter().chain(&numbers).copied().filter(|n| coloured(*n)));
                true
            }
            (b"", 't') => numbers == [22, 2] || numbers == [23, 2],
            (b"?", 'h') => mode(&[1049, 1047, 2004, 2026, 25, 1004]),
            (b"?", 'l') => mode(&[1049, 1047, 2004, 2026, 25, 1000, 1002, 1003, 1004, 1006, 1015]),
            _ => false,
        };
        if !ours {
            self.strange(format!("CSI {:?} {numbers:?} {c:?}", String::from_utf8_lossy(marks)));
        }
    }

    fn esc_dispatch(&mut self, marks: &[u8], _: bool, byte: u8) {
        // The end of a string, which breaks off what may have been unfinished.
        if !(marks.is_empty() && byte == b'\\') {
            self.strange(format!("ESC {marks:?} {:?}", byte as char));
        }
    }
}

/// A bell that rings now is somebody else's.
fn without_our_bell(home: &Home) {
    home.write("config/settings.toml", "[attention]\nbell = false\n");
}

/// Only what the console itself sends was sent: its frames, then its farewell, then one line for the shell.
#[track_caller]
fn assert_harmless(pty: &Pty) {
    const LEFT: &[u8] = b"\x1b[?1049l\x1b[23;2t";
    let bytes = pty.bytes();
    let left = bytes.windows(LEFT.len()).rposition(|window| window == LEFT).expect("it never left") + LEFT.len();
    let (shown, line) = bytes.split_at(left);
    let mut found = sequences(shown);
    // Leaving writes CAN once, for the same reason as the end of a string.
    found.strange.retain(|what| what != "control 0x18");
    assert!(found.strange.is_empty(), "{:?}", found.strange);
    for title in found.titles {
        assert!(title.is_empty() || title.contains("plenary"), "a title of somebody else: {title:?}");
    }
    let line = String::from_utf8(line.to_vec()).unwrap();
    assert!(line.starts_with("plenary: ") && line.ends_with("\r\n"), "{line:?}");
    assert!(!line.trim_end().contains(char::is_control), "{line:?}");
}

#[test]
fn the_reader_of_sequences_finds_what_it_should() {
    let found = sequences(HOSTILE.as_bytes()).strange.join("\n");
    for wanted in ["OSC [\"52\"", "'n'", "'c'", "DCS", "[1000] 'h'", "0x07", "\\u{202e}", "OSC [\"8\"", "'i'"] {
        assert!(found.contains(wanted), "{wanted} in {found}");
    }
    assert_eq!(sequences(b"\x1b[1;38;5;2mred\x1b[0m").colours, [38]);
}

#[test]
fn what_a_hostile_model_and_its_program_write_reaches_the_terminal_as_letters() {
    let home = Home::new();
    let python = HOSTILE.escape_unicode().to_string().replace("\\u{", "\\U{");
    // As escapes that the program prints for real, and as bytes in the text itself.
    let code =
        format!("import re\ns = r'{python}'\nprint(re.sub(r'\\\\U\\{{(\\w+)\\}}', lambda m: chr(int(m[1], 16)), s))");
    let says =
        format!("look {HOSTILE}\n\n```python\n# {HOSTILE}\n{code}\n```\n\n| {HOSTILE} | b |\n|---|---|\n| 1 | 2 |\n");
    // A carriage return would end the comment for Python.
    let says = says.replace('\r', "");
    let team = doer("always", &says, "").replace("name = \"doer\"", "name = \"doer\\u001b]0;owned\\u0007\"");
    let team = home.write("hostile.toml", team);
    without_our_bell(&home);
    let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    approve(&pty);
    pty.wait_status("ENDED");
    pty.wait_for("exit 0");
    for keys in ["gg", "\x1b[6~", "v", "v", "?", "\x1b", "kk", "e", "\x1b", "b", "\x1b", "z"] {
        pty.keys(keys);
        pty.wait_still(Duration::from_millis(60));
    }
    pty.resize(60, 20);
    pty.wait_still(Duration::from_millis(100));
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
    assert_harmless(&pty);
    let ran = home.records().iter().any(|record| {
        matches!(&record.event, Event::Outcome { execution, .. }
        if execution.exit_code == 0 && execution.output.contains("\x1b]52;c;"))
    });
    assert!(ran, "the program really wrote it");
}

#[test]
fn enter_space_y_digits_and_pastes_never_run_code() {
    let home = Home::new();
    let pty = Pty::plenary(&home, (120, 35), &["run", &home.lru_cache(0)]);
    pty.wait_for("a approve");
    pty.keys("a");
    pty.wait_for("Run this?");
    let slips = ["\r", " ", "y", "Y", "1", "2", "3", "9", "\n", "\t"];
    for key in slips {
        pty.keys(key);
    }
    pty.paste("r\nr\ny\n");
    pty.wait_for("rows seen");
    // Also when everything has been seen and the code may run.
    read_to_the_end(&pty);
    for key in slips {
        pty.keys(key);
        pty.wait_for("seen in full");
    }
    pty.paste("rrrr\nR\n");
    // A terminal that does not bracket its pastes: the words come as keys. The hands were not still.
    pty.wait_for("seen in full");
    pty.keys("go, run this\r");
    pty.keys("yes, run it");
    pty.wait_for("Edit the code");
    pty.escape();
    pty.wait_for("Run this?");
    assert!(decisions(&home).is_empty(), "{:?}", decisions(&home));

    pty.keys("d");
    pty.wait_for("Do not run it, because");
    pty.keys("r 1 y\r");
    pty.wait_status("round 4/12");
    assert_eq!(decisions(&home), [Verdict::Deny("r 1 y".into())]);
    let ran = home.records().iter().any(|record| matches!(record.event, Event::Intent { .. } | Event::Started { .. }));
    assert!(!ran);
}

fn decisions(home: &Home) -> Vec<Verdict> {
    let records = home.records();
    let decided = records.iter().filter_map(|record| match &record.event {
        Event::ApprovalDecided { verdict, .. } => Some(verdict.clone()),
        _ => None,
    });
    decided.collect()
}

#[test]
fn a_huge_hostile_paste_is_text_and_does_nothing() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(60, 4, 3));
    without_our_bell(&home);
    let mut pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    pty.wait_status("ENDED");
    let before = home.records().len();
    let mut text = String::from("first words ");
    while text.len() < 300_000 {
        text += "q\rE\r:\x03\x04\x1a\x13\x7f ";
        text += &HOSTILE.replace("\x1b[201~", "");
        text += &"and many ordinary words in between ".repeat(30);
    }
    pty.paste(&text);
    pty.wait_for("The paste was too long and was cut");
    // Full is full; where something is taken away, something else can be written.
    pty.keys("\x17\x17\x17 mine");
    pty.wait_for(" mine");
    pty.escape();
    pty.keys("?");
    pty.wait_for("── main ──");
    pty.escape();
    assert_eq!(home.records().len(), before, "nothing was sent");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
    assert_harmless(&pty);
}

#[test]
fn words_that_are_pasted_are_sent_whole_and_only_by_enter() {
    let home = Home::new();
    let team = home.write("talk.toml", talk(30, 60, 5));
    let pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    pty.wait_for("w1x2");
    pty.paste("two lines\nq and ünïcode 漢字");
    pty.wait_for("q and ünïcode 漢字");
    pty.keys("\r");
    pty.wait_for("2 You");
    let said = home.records().iter().any(|record| {
        matches!(&record.event, Event::MessagePosted { message }
        if &*message.content == "two lines\nq and ünïcode 漢字")
    });
    assert!(said, "{}", pty.text());
}
