//! From files to tries, with every mistake told where it stands.

use super::trie::{Leaf, Node, Place, Stroke, is_habit};
use super::{DEFAULT, Keymap};
use crate::tui::action::{Action, Context};
use crate::tui::nearest::{line_of, nearest};
use toml::de::{DeTable, DeValue};

/// What the built-in keymap is called in messages.
const BUILT_IN: &str = "the built-in keymap";
/// The value that takes a binding away.
const NONE: &str = "none";
/// Most keys in a chord.
const LONGEST: usize = 4;

/// One mistake in a keymap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {message}")]
pub struct KeymapError {
    /// The file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Keymap {
    /// The built-in keymap with the given files laid over it, the last on top. A file is its name and its text.
    ///
    /// # Errors
    /// Every mistake found in the first file that has any. Nothing is half loaded.
    pub fn load(files: &[(&str, &str)]) -> Result<Keymap, Vec<KeymapError>> {
        let mut keymap = Keymap { tries: Context::ALL.iter().map(|context| (*context, Node::default())).collect() };
        for (file, text) in std::iter::once(&(BUILT_IN, DEFAULT)).chain(files) {
            let mut layer = Layer { file, text, mistakes: Vec::new() };
            layer.lay(&mut keymap);
            if !layer.mistakes.is_empty() {
                layer.mistakes.sort_by_key(|mistake| mistake.line);
                return Err(layer.mistakes);
            }
        }
        Ok(keymap)
    }
}

/// A binding as it stands in a file.
struct Line {
    offset: usize,
    text: String,
    chord: Vec<Stroke>,
    /// `None` takes the binding away.
    action: Option<Action>,
}

/// One file being laid over what is there.
struct Layer<'a> {
    file: &'a str,
    text: &'a str,
    mistakes: Vec<KeymapError>,
}

impl Layer<'_> {
    fn wrong(&mut self, offset: usize, message: impl Into<String>) {
        let line = line_of(self.text, offset);
        self.mistakes.push(KeymapError { file: self.file.to_owned(), line, message: message.into() });
    }

    fn lay(&mut self, keymap: &mut Keymap) {
        let text = self.text;
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => return self.wrong(error.span().map_or(0, |span| span.start), error.message()),
        };
        for (name, value) in table.get_ref() {
            let offset = name.span().start;
            let Ok(context) = name.get_ref().parse::<Context>() else {
                let known: Vec<&str> = Context::ALL.iter().map(|context| context.name()).collect();
                let hint =
                    suggestion(name.get_ref(), &known).unwrap_or_else(|| format!("known are {}", known.join(", ")));
                self.wrong(offset, format!("there is no context {:?}; {hint}", name.get_ref()));
                continue;
            };
            let DeValue::Table(lines) = value.get_ref() else {
                self.wrong(offset, format!("[{context}] must be a table of \"chord\" = \"action\" lines"));
                continue;
            };
            let lines = self.lines(context, lines);
            if let Some((_, trie)) = keymap.tries.iter_mut().find(|(known, _)| *known == context) {
                self.merge(context, lines, trie);
            }
        }
    }

    fn lines(&mut self, context: Context, table: &DeTable<'_>) -> Vec<Line> {
        let mut lines = Vec::new();
        for (key, value) in table {
            let offset = key.span().start;
            let text = key.get_ref().to_string();
            let chord = match chord(&text) {
                Ok(chord) => chord,
                Err(message) => {
                    self.wrong(offset, message);
                    continue;
                }
            };
            let Some(name) = value.get_ref().as_str() else {
                self.wrong(offset, format!("{text:?} must be set to the name of an action, in quotes"));
                continue;
            };
            let action = match name.parse::<Action>() {
                Ok(action) => Some(action),
                Err(()) if name == NONE => None,
                Err(()) => {
                    let known: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
                    let hint = suggestion(name, &known).unwrap_or_else(|| "the help lists them all".to_owned());
                    self.wrong(value.span().start, format!("there is no action {name:?}; {hint}"));
                    continue;
                }
            };
            match action.map_or(Ok(()), |action| fits(context, &text, &chord, action)) {
                Ok(()) => lines.push(Line { offset, text, chord, action }),
                Err(message) => self.wrong(offset, message),
            }
        }
        lines
    }

    /// Lays the lines of one context over its trie. A line replaces the same chord of an earlier file; anything else
    /// in its way is a conflict.
    fn merge(&mut self, context: Context, lines: Vec<Line>, trie: &mut Node) {
        // What is taken away goes first, so that the order of lines in a file does not matter.
        let (taken, bound): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.action.is_none());
        for line in taken {
            if !trie.unbind(&line.chord) {
                self.wrong(
                    line.offset,
                    format!("{:?} is not bound in [{context}], so it cannot be taken away", line.text),
                );
            }
        }
        let mut own = Node::default();
        for line in bound {
            let Some(action) = line.action else { continue };
            if let Some(other) = own.in_the_way(&line.chord) {
                let message = clash(&line.text, other);
                self.wrong(line.offset, message);
                continue;
            }
            let place = Place { file: self.file.to_owned(), line: line_of(self.text, line.offset) };
            let leaf = Leaf { action, place, chord: line.text.clone() };
            own.bind(&line.chord, leaf.clone());
            trie.unbind(&line.chord);
            if let Some(other) = trie.in_the_way(&line.chord) {
                let message = format!("{}. To take that away: {:?} = \"none\"", clash(&line.text, other), other.chord);
                self.wrong(line.offset, message);
                continue;
            }
            trie.bind(&line.chord, leaf);
        }
    }
}

fn suggestion(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known.iter().copied()).map(|near| format!("did you mean {near:?}?"))
}

fn clash(text: &str, other: &Leaf) -> String {
    let Leaf { action, place, chord } = other;
    let what = if text == chord { "is bound twice" } else { "cannot be told from another chord" };
    format!("{text:?} {what}: {chord:?} is {action} in {}, line {}", place.file, place.line)
}

/// Reads a chord: keys with spaces between them, at the end perhaps a range of digits.
fn chord(text: &str) -> Result<Vec<Stroke>, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || words.len() > LONGEST {
        return Err(format!("{text:?} must be one to {LONGEST} keys with spaces between them"));
    }
    words
        .iter()
        .enumerate()
        .map(|(at, word)| match range(word) {
            Some(range) if at + 1 == words.len() => Ok(range),
            Some(_) => Err(format!("in {text:?}, a range of digits may only stand at the end")),
            None => word.parse().map(Stroke::Press).map_err(|error| format!("in {text:?}, {error}")),
        })
        .collect()
}

fn range(word: &str) -> Option<Stroke> {
    let digit = |text: &str| text.parse::<u8>().ok().filter(|digit| (1..=9).contains(digit));
    let (from, to) = word.split_once("..")?;
    let (from, to) = (digit(from)?, digit(to)?);
    (from <= to).then_some(Stroke::Digits(from, to))
}

/// The rules that a binding must keep whatever else is bound.
fn fits(context: Context, text: &str, chord: &[Stroke], action: Action) -> Result<(), String> {
    if !action.belongs_in(context) {
        let places: Vec<&str> = action.about().contexts.iter().map(|context| context.name()).collect();
        return Err(format!("{action} makes no sense in [{context}]; it belongs in {}", places.join(", ")));
    }
    let types = match chord.first() {
        Some(Stroke::Press(press)) => press.typed().is_some(),
        Some(Stroke::Digits(..)) => true,
        None => false,
    };
    if context.takes_text() && types {
        return Err(format!("{text:?} types a character in [{context}]; begin it with ctrl- or alt-"));
    }
    if action.gives_consent() && chord.iter().any(|stroke| is_habit(*stroke)) {
        return Err(format!("{text:?} cannot be {action}: Enter, space, y and digits never let code run"));
    }
    let ends_in_range = matches!(chord.last(), Some(Stroke::Digits(..)));
    match (action.takes_digit(), ends_in_range) {
        (true, false) => Err(format!("{action} needs to know which agent: end the chord with a range such as 1..9")),
        (false, true) => Err(format!("{action} takes no digit, so {text:?} cannot end with a range")),
        _ => Ok(()),
    }
}
