//! A key press in one normal form, and its name in the keymap files.

use std::fmt;
use std::str::FromStr;
use tui_textarea::{Input as AreaInput, Key as AreaKey};

/// A key, without modifiers. Shift is folded into [`Key::Char`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A printable character, as typed: `G`, not shift and `g`.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key, 1 to 24.
    F(u8),
}

/// Names of the keys that are not characters. `space` is one, so that it can be seen in a file.
const NAMED: &[(&str, Key)] = &[
    ("space", Key::Char(' ')),
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("tab", Key::Tab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("insert", Key::Insert),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
];

/// One key press: a key and what was held with it.
///
/// Build it with [`KeyPress::new`], which brings it to the normal form that equality relies on: shift with a
/// character becomes the upper-case character, and control with a letter is lower case (terminals send the same byte
/// for both).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPress {
    /// The key.
    pub key: Key,
    /// Control was held.
    pub ctrl: bool,
    /// Alt (or Option, or Meta) was held.
    pub alt: bool,
    /// Shift was held; never set for a character.
    pub shift: bool,
}

impl KeyPress {
    /// A key press in normal form.
    pub fn new(key: Key, ctrl: bool, alt: bool, shift: bool) -> Self {
        match key {
            Key::Char(c) if ctrl => {
                let lower = single(c.to_lowercase()).unwrap_or(c);
                KeyPress { key: Key::Char(lower), ctrl, alt, shift: false }
            }
            Key::Char(c) if shift => {
                let upper = single(c.to_uppercase()).unwrap_or(c);
                KeyPress { key: Key::Char(upper), ctrl, alt, shift: false }
            }
            _ => KeyPress { key, ctrl, alt, shift },
        }
    }

    /// A key with nothing held.
    pub fn plain(key: Key) -> Self {
        KeyPress::new(key, false, false, false)
    }

    /// The character that this press would type into a text field, if it types one.
    pub fn typed(&self) -> Option<char> {
        match self.key {
            Key::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// The only character of an iterator: some characters change case into several, and those keep theirs.
fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

/// Why a text is not the name of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a key{hint}")]
pub struct KeyNameError {
    text: String,
    hint: String,
}

impl FromStr for KeyPress {
    type Err = KeyNameError;

    /// Reads `a`, `G`, `?`, `space`, `ctrl-c`, `alt-enter`, `shift-tab`, `f1`.
    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        let mut rest = text;
        // A lone `-` is a key and not a separator, so a modifier needs something after its hyphen.
        while let Some((word, tail)) = rest.split_once('-').filter(|(word, tail)| !word.is_empty() && !tail.is_empty())
        {
            match word.to_ascii_lowercase().as_str() {
                "ctrl" => ctrl = true,
                "alt" => alt = true,
                "shift" => shift = true,
                _ => return Err(unknown_modifier(text, word)),
            }
            rest = tail;
        }
        let key = key_named(rest).ok_or_else(|| unknown_key(text, rest))?;
        Ok(KeyPress::new(key, ctrl, alt, shift))
    }
}

fn key_named(name: &str) -> Option<Key> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control() && !c.is_whitespace()).then_some(Key::Char(c));
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, key)) = NAMED.iter().find(|(known, _)| *known == lower) {
        return Some(*key);
    }
    let number: u8 = lower.strip_prefix('f')?.parse().ok()?;
    (1..=24).contains(&number).then_some(Key::F(number))
}

fn unknown_modifier(text: &str, word: &str) -> KeyNameError {
    KeyNameError { text: text.to_owned(), hint: format!("; {word:?} is not one of ctrl, alt and shift") }
}

fn unknown_key(text: &str, name: &str) -> KeyNameError {
    let lower = name.to_ascii_lowercase();
    let hint = match crate::tui::nearest::nearest(&lower, NAMED.iter().map(|(known, _)| *known)) {
        Some(known) => format!("; did you mean {known:?}?"),
        None => "; write one character, or a name such as space, enter, esc, tab, pageup or f1".to_owned(),
    };
    KeyNameError { text: text.to_owned(), hint }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.key {
            Key::F(number) => write!(f, "f{number}"),
            key => match (NAMED.iter().find(|(_, known)| *known == key), key) {
                (Some((name, _)), _) => f.write_str(name),
                (None, Key::Char(c)) => write!(f, "{c}"),
                (None, other) => write!(f, "{other:?}"),
            },
        }
    }
}

/// A key press as the text field understands it.
impl From<KeyPress> for AreaInput {
    fn from(press: KeyPress) -> Self {
        let key = match press.key {
            Key::Char(c) => AreaKey::Char(c),
            Key::Enter => AreaKey::Enter,
            Key::Esc => AreaKey::Esc,
            Key::Tab => AreaKey::Tab,
            Key::Backspace => AreaKey::Backspace,
            Key::Delete => AreaKey::Delete,
            Key::Insert => AreaKey::Null,
            Key::Up => AreaKey::Up,
            Key::Down => AreaKey::Down,
            Key::Left => AreaKey::Left,
            Key::Right => AreaKey::Right,
            Key::Home => AreaKey::Home,
            Key::End => AreaKey::End,
            Key::PageUp => AreaKey::PageUp,
            Key::PageDown => AreaKey::PageDown,
            Key::F(number) => AreaKey::F(number),
        };
        AreaInput { key, ctrl: press.ctrl, alt: press.alt, shift: press.shift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_it_was_printed() {
        let names = [
            "a",
            "G",
            "?",
            "-",
            "+",
            "space",
            "ctrl-c",
            "ctrl--",
            "alt-enter",
            "ctrl-alt-x",
            "shift-tab",
            "pageup",
            "f1",
            "f12",
            "ctrl-space",
            "é",
        ];
        for name in names {
            assert_eq!(name.parse::<KeyPress>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn shift_folds_into_the_character() {
        assert_eq!("shift-g".parse(), Ok(KeyPress::plain(Key::Char('G'))));
        assert_eq!("ctrl-C".parse::<KeyPress>(), "ctrl-c".parse());
        assert_eq!("alt-shift-x".parse::<KeyPress>(), "alt-X".parse());
    }

    #[test]
    fn a_wrong_name_is_told_with_the_nearest() {
        let told = |name: &str| name.parse::<KeyPress>().unwrap_err().to_string();
        assert_eq!(told("pgup"), "\"pgup\" is not a key; did you mean \"pageup\"?");
        assert!(told("hyper-x").contains("ctrl, alt and shift"));
        assert!(told("").contains("is not a key"));
        assert!(told("f99").contains("is not a key"));
        assert!(" ".parse::<KeyPress>().is_err() && "\u{7}".parse::<KeyPress>().is_err());
    }

    #[test]
    fn only_plain_characters_type() {
        assert_eq!("G".parse::<KeyPress>().unwrap().typed(), Some('G'));
        assert_eq!("ctrl-g".parse::<KeyPress>().unwrap().typed(), None);
        assert_eq!("enter".parse::<KeyPress>().unwrap().typed(), None);
    }
}
