//! Bytes from the terminal become keys and pastes: a pure function of the bytes, however they are cut.
//!
//! Why not crossterm's reader: once the terminal is gone it spins inside `poll` (crossterm #793), it blocks in the
//! middle of a sequence, it keeps a paste of any length, and it lets replies to queries through as typed characters.
//! Here every sequence is bounded, unknown ones are swallowed whole, and the thread that owns the descriptor decides.

use super::key::{Key, KeyPress};
use super::{Input, Mouse, MouseKind, PASTE_LIMIT};
use std::collections::VecDeque;

/// Longest control sequence kept; a longer one is noise and is swallowed to its end.
const SEQUENCE_LIMIT: usize = 64;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Where the decoder stands in the stream.
#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After ESC O.
    Single,
    /// After ESC [, with the bytes so far.
    Control(Vec<u8>),
    /// The Linux console's function keys: ESC [ [ A.
    Console,
    /// An old mouse report: so many bytes still to be swallowed.
    Mouse(u8),
    /// A string (OSC, DCS, SOS, PM, APC) is swallowed until its end. Holds its opening byte until a second byte
    /// shows that it was no alt key, and whether the last byte was ESC.
    /// What an OSC says is kept as far as a reply that was asked for can be long.
    Text { opening: Option<u8>, escaped: bool, told: Option<Vec<u8>> },
    /// Inside a bracketed paste; `matched` bytes of its end marker were seen.
    Paste { bytes: Vec<u8>, matched: usize, cut: bool },
    /// Inside a character of several bytes.
    Utf8 { bytes: [u8; 4], have: usize, want: usize, alt: bool },
}

/// A decoder of one terminal's input.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    ready: VecDeque<Input>,
}

impl Decoder {
    /// Takes what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    /// What has become whole since the last call, oldest first.
    pub fn take(&mut self) -> Option<Input> {
        self.ready.pop_front()
    }

    /// Whether a lone Esc, or a sequence that starts like one, waits for [`Decoder::settle`].
    pub fn is_undecided(&self) -> bool {
        !matches!(self.state, State::Ground | State::Paste { .. })
    }

    /// No more bytes came for a while: an Esc was the Esc key, an opening was an alt key, half a sequence is noise.
    /// A paste stays open, because its rest must never be taken for keys.
    pub fn settle(&mut self) {
        if !self.is_undecided() {
            return;
        }
        match std::mem::take(&mut self.state) {
            State::Escape => self.plain(Key::Esc),
            State::Single => self.alt('O'),
            State::Control(bytes) if bytes.is_empty() => self.alt('['),
            State::Text { opening: Some(opening), .. } => self.alt(char::from(opening)),
            _ => {}
        }
    }

    fn step(&mut self, byte: u8) {
        match std::mem::take(&mut self.state) {
            State::Ground => self.ground(byte, false),
            State::Escape => self.escape(byte),
            State::Single => self.single(byte),
            State::Control(bytes) => self.control(bytes, byte),
            State::Console => {
                if (b'A'..=b'E').contains(&byte) {
                    self.plain(Key::F(byte - b'A' + 1));
                }
            }
            State::Mouse(left) if left > 1 => self.state = State::Mouse(left - 1),
            State::Mouse(_) => {}
            State::Text { escaped: true, told, .. } if byte == b'\\' => self.told(told),
            State::Text { told, .. } if byte == 0x07 => self.told(told),
            State::Text { .. } if matches!(byte, 0x18 | 0x1a) => {}
            State::Text { mut told, .. } => {
                if let Some(told) = told.as_mut().filter(|told| byte != 0x1b && told.len() < SEQUENCE_LIMIT) {
                    told.push(byte);
                }
                self.state = State::Text { opening: None, escaped: byte == 0x1b, told };
            }
            State::Paste { bytes, matched, cut } => self.paste(bytes, matched, cut, byte),
            State::Utf8 { bytes, have, want, alt } => self.utf8(bytes, have, want, alt, byte),
        }
    }

    /// An OSC is whole. Only the reply about the background means anything: `11;rgb:rrrr/gggg/bbbb`.
    fn told(&mut self, told: Option<Vec<u8>>) {
        let told = told.and_then(|told| String::from_utf8(told).ok()).unwrap_or_default();
        let Some(parts) = told.strip_prefix("11;rgb:") else { return };
        let parts: Vec<f64> = parts
            .split('/')
            .filter_map(|part| {
                let most = 16_f64.powi(i32::try_from(part.len()).ok()?) - 1.0;
                (1..=4).contains(&part.len()).then_some(f64::from(u32::from_str_radix(part, 16).ok()?) / most)
            })
            .collect();
        if let [red, green, blue] = parts.as_slice() {
            // Rec. 709: how bright it looks.
            let light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5;
            self.ready.push_back(Input::Background { light });
        }
    }

    fn ground(&mut self, byte: u8, alt: bool) {
        let ctrl = |letter: u8| KeyPress::new(Key::Char(char::from(letter)), true, alt, false);
        let press = match byte {
            0x1b => {
                self.state = State::Escape;
                return;
            }
            b'\r' => KeyPress::new(Key::Enter, false, alt, false),
            b'\t' => KeyPress::new(Key::Tab, false, alt, false),
            0x7f => KeyPress::new(Key::Backspace, false, alt, false),
            0x00 => ctrl(b' '),
            0x01..=0x1a => ctrl(byte - 1 + b'a'),
            0x1c..=0x1f => ctrl(byte - 0x1c + b'\\'),
            0x20..=0x7e => KeyPress::new(Key::Char(char::from(byte)), false, alt, false),
            0xc2..=0xdf => return self.open_utf8(byte, 2, alt),
            0xe0..=0xef => return self.open_utf8(byte, 3, alt),
            0xf0..=0xf4 => return self.open_utf8(byte, 4, alt),
            _ => return,
        };
        self.ready.push_back(Input::Key(press));
    }

    fn open_utf8(&mut self, byte: u8, want: usize, alt: bool) {
        self.state = State::Utf8 { bytes: [byte, 0, 0, 0], have: 1, want, alt };
    }

    fn utf8(&mut self, mut bytes: [u8; 4], have: usize, want: usize, alt: bool, byte: u8) {
        if byte & 0xc0 != 0x80 {
            return self.ground(byte, false);
        }
        bytes[have] = byte;
        if have + 1 < want {
            self.state = State::Utf8 { bytes, have: have + 1, want, alt };
            return;
        }
        let typed = std::str::from_utf8(&bytes[..want]).ok().and_then(|text| text.chars().next());
        if let Some(c) = typed.filter(|c| !c.is_control()) {
            self.ready.push_back(Input::Key(KeyPress::new(Key::Char(c), false, alt, false)));
        }
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            0x1b => {
                self.plain(Key::Esc);
                self.state = State::Escape;
            }
            b'[' => self.state = State::Control(Vec::new()),
            b'O' => self.state = State::Single,
            b']' | b'P' | b'X' | b'^' | b'_' => {
                self.state = State::Text { opening: Some(byte), escaped: false, told: (byte == b']').then(Vec::new) };
            }
            _ => self.ground(byte, true),
        }
    }

    fn single(&mut self, byte: u8) {
        match byte {
            0x1b => self.state = State::Escape,
            b'M' => self.plain(Key::Enter),
            b'P'..=b'S' => self.plain(Key::F(byte - b'P' + 1)),
            _ => {
                if let Some(key) = letter_key(byte) {
                    self.plain(key);
                }
            }
        }
    }

    fn control(&mut self, mut bytes: Vec<u8>, byte: u8) {
        match byte {
            0x1b => self.state = State::Escape,
            0x20..=0x3f => {
                if bytes.len() < SEQUENCE_LIMIT {
                    bytes.push(byte);
                }
                self.state = State::Control(bytes);
            }
            b'[' if bytes.is_empty() => self.state = State::Console,
            b'M' if bytes.is_empty() => self.state = State::Mouse(3),
            0x40..=0x7e if bytes.len() < SEQUENCE_LIMIT => self.sequence(&bytes, byte),
            // A control character breaks the sequence off; so does anything beyond ASCII. Both were noise.
            _ => {}
        }
    }

    /// A whole control sequence: parameters and the letter that ends it.
    fn sequence(&mut self, params: &[u8], last: u8) {
        if let (Some(report), b'M' | b'm') = (params.strip_prefix(b"<"), last) {
            return self.mouse(report, last == b'm');
        }
        // Private markers (`?`, `<`, `>`, `=`) open replies and mouse reports; spaces and the like open settings.
        if !params.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')) {
            return;
        }
        let number = |field: usize, part: usize| -> Option<u32> {
            let field = params.split(|byte| *byte == b';').nth(field)?;
            std::str::from_utf8(field.split(|byte| *byte == b':').nth(part)?).ok()?.parse().ok()
        };
        // Modifiers stand in the second field, the kind of event (kitty: 3 is a release) in its second part.
        if number(1, 1) == Some(3) {
            return;
        }
        let held = number(1, 0).unwrap_or(1).saturating_sub(1);
        let press = |key: Key| KeyPress::new(key, held & 4 != 0, held & 2 != 0, held & 1 != 0);
        let press = match last {
            b'~' => match number(0, 0) {
                Some(200) => {
                    self.state = State::Paste { bytes: Vec::new(), matched: 0, cut: false };
                    return;
                }
                Some(27) => number(2, 0).and_then(code_key).map(press),
                Some(code) => tilde_key(code).map(press),
                None => None,
            },
            b'u' => number(0, 0).and_then(code_key).map(press),
            b'Z' => Some(KeyPress::new(Key::Tab, held & 4 != 0, held & 2 != 0, true)),
            b'I' if params.is_empty() => return self.ready.push_back(Input::FocusGained),
            b'O' if params.is_empty() => return self.ready.push_back(Input::FocusLost),
            b'P' | b'Q' | b'S' => Some(press(Key::F(last - b'P' + 1))),
            // `CSI row;column R` answers a question that is never asked; F3 says row 1.
            b'R' if number(0, 0).unwrap_or(1) == 1 => Some(press(Key::F(3))),
            _ => letter_key(last).map(press),
        };
        if let Some(press) = press {
            self.ready.push_back(Input::Key(press));
        }
    }

    /// A mouse report (SGR): button, column and row, both counted from 1.
    fn mouse(&mut self, report: &[u8], released: bool) {
        let text = std::str::from_utf8(report).unwrap_or_default();
        let numbers: Vec<u16> = text.split(';').filter_map(|number| number.parse().ok()).collect();
        let [button, column, row] = numbers.as_slice() else { return };
        let kind = match button {
            0 if released => MouseKind::Release,
            0 => MouseKind::Press,
            32 if !released => MouseKind::Drag,
            64 => MouseKind::WheelUp,
            65 => MouseKind::WheelDown,
            _ => return,
        };
        let (column, row) = (column.saturating_sub(1), row.saturating_sub(1));
        self.ready.push_back(Input::Mouse(Mouse { kind, column, row }));
    }

    fn paste(&mut self, mut bytes: Vec<u8>, mut matched: usize, mut cut: bool, byte: u8) {
        if byte == PASTE_END[matched] {
            matched += 1;
        } else {
            keep(&mut bytes, &PASTE_END[..matched], &mut cut);
            matched = usize::from(byte == PASTE_END[0]);
            if matched == 0 {
                keep(&mut bytes, &[byte], &mut cut);
            }
        }
        if matched < PASTE_END.len() {
            self.state = State::Paste { bytes, matched, cut };
            return;
        }
        // The cut may have fallen inside a character; that character goes too.
        while cut && std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none()) {
            bytes.pop();
        }
        self.ready.push_back(Input::Paste { text: String::from_utf8_lossy(&bytes).into_owned(), cut });
    }

    fn plain(&mut self, key: Key) {
        self.ready.push_back(Input::Key(KeyPress::plain(key)));
    }

    fn alt(&mut self, c: char) {
        self.ready.push_back(Input::Key(KeyPress::new(Key::Char(c), false, true, false)));
    }
}

fn keep(bytes: &mut Vec<u8>, more: &[u8], cut: &mut bool) {
    let room = PASTE_LIMIT.saturating_sub(bytes.len());
    bytes.extend_from_slice(&more[..more.len().min(room)]);
    *cut |= more.len() > room;
}

/// Keys that end a sequence with a letter.
fn letter_key(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => return None,
    })
}

/// Keys that end a sequence with `~`, by their number.
fn tilde_key(code: u32) -> Option<Key> {
    Some(match code {
        1 | 7 => Key::Home,
        2 => Key::Insert,
        3 => Key::Delete,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        11..=15 => Key::F((code - 10) as u8),
        17..=21 => Key::F((code - 11) as u8),
        23..=26 => Key::F((code - 12) as u8),
        28..=29 => Key::F((code - 13) as u8),
        31..=34 => Key::F((code - 14) as u8),
        _ => return None,
    })
}

/// Keys told by their code point (xterm's modifyOtherKeys, the kitty protocol).
fn code_key(code: u32) -> Option<Key> {
    Some(match code {
        8 | 127 => Key::Backspace,
        9 => Key::Tab,
        13 => Key::Enter,
        27 => Key::Esc,
        // The kitty protocol's private range holds keypad, media and modifier keys, none of which we bind.
        57344..=63743 => return None,
        _ => Key::Char(char::from_u32(code).filter(|c| !c.is_control())?),
    })
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
