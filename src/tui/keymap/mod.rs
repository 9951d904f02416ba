//! What a key means: context, chord, action.
//!
//! A trie per context, read from `config/keymap.toml` with a person's own file laid over it ([`load`]); help, palette
//! and hint line are derived from the tries, so they cannot disagree with what a key does. Pure; may import the
//! actions and the names of the keys. To add a binding: a line in the file. To add an action: a row in `action.rs`.
//!
//! [`load`]: Keymap::load

mod load;
mod trie;

pub use load::KeymapError;

use super::action::{Action, Context};
use super::input::KeyPress;
use std::sync::LazyLock;
use trie::{Node, Step};

/// The keymap that is part of the program.
pub const DEFAULT: &str = include_str!("../../../config/keymap.toml");

/// The keys that are part of the program, by name: a text that is laid over [`DEFAULT`].
pub const SHIPPED: &[(&str, &str)] = &[("vim", ""), ("plain", include_str!("../../../config/keymaps/plain.toml"))];

/// What a key press comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Do this. The digit is there exactly when the action takes one.
    Action(Action, Option<u8>),
    /// The chord goes on: put the key with the pending ones, and show what may follow.
    Pending(Vec<Hint>),
    /// Nothing is bound: forget the pending keys. In a text field, the key types.
    None,
}

/// One binding, for the hint line, the help and the list of what may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The keys, as a person reads them: `g g`, `t 1-9`. After pending keys, only the rest.
    pub chord: String,
    /// What they do.
    pub action: Action,
}

/// One row of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpRow {
    /// Where it works.
    pub context: Context,
    /// The keys.
    pub chord: String,
    /// What they do.
    pub action: Action,
    /// One line of help.
    pub help: &'static str,
}

/// The bindings of every context.
#[derive(Debug, Clone)]
pub struct Keymap {
    /// In the order of [`Context::ALL`].
    tries: Vec<(Context, Node)>,
}

impl Keymap {
    fn trie(&self, context: Context) -> Option<&Node> {
        self.tries.iter().find(|(known, _)| *known == context).map(|(_, trie)| trie)
    }

    /// The tries a key is looked for in, in order.
    fn scopes(&self, context: Context) -> impl Iterator<Item = &Node> {
        let global = (context != Context::Global).then_some(Context::Global);
        [Some(context), global].into_iter().flatten().filter_map(|scope| self.trie(scope))
    }

    /// What `key` means in `context` after the keys in `pending`.
    pub fn lookup(&self, context: Context, pending: &[KeyPress], key: KeyPress) -> Outcome {
        if pending.is_empty() && context.takes_text() && key.typed().is_some() {
            return Outcome::None;
        }
        let chord: Vec<KeyPress> = pending.iter().copied().chain([key]).collect();
        let mut follow = Vec::new();
        for trie in self.scopes(context) {
            match trie.walk(&chord) {
                // A chord that goes on in the context hides a shorter one in [global].
                Some(Step::Bound { action, digit }) if follow.is_empty() => return Outcome::Action(action, digit),
                Some(Step::Open(node)) => follow.extend(node.hints()),
                _ => {}
            }
        }
        if follow.is_empty() { Outcome::None } else { Outcome::Pending(follow) }
    }

    /// Everything that works in a context, its own bindings first, in the order of the file.
    pub fn hints(&self, context: Context) -> Vec<Hint> {
        let mut hints: Vec<Hint> = Vec::new();
        for trie in self.scopes(context) {
            for hint in trie.hints() {
                let hidden = hints.iter().any(|earlier| earlier.chord == hint.chord);
                if !hidden {
                    hints.push(hint);
                }
            }
        }
        hints
    }

    /// The keys for an action in a context: the first in the file. `None` when only the palette has it.
    pub fn chord_for(&self, action: Action, context: Context) -> Option<String> {
        self.hints(context).into_iter().find(|hint| hint.action == action).map(|hint| hint.chord)
    }

    /// The keys for an action as a word in a sentence: the chord, or the command's name for the palette.
    pub fn word(&self, action: Action, context: Context) -> String {
        self.chord_for(action, context).unwrap_or_else(|| format!(":{}", action.name().replace('_', " ")))
    }

    /// The table of the help: every binding of every context.
    pub fn help_rows(&self) -> Vec<HelpRow> {
        self.tries
            .iter()
            .flat_map(|(context, trie)| trie.hints().into_iter().map(move |hint| (*context, hint)))
            .map(|(context, Hint { chord, action })| HelpRow { context, chord, action, help: action.help() })
            .collect()
    }
}

/// The keymap that is part of the program; a test proves that it has no mistakes.
impl Default for Keymap {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Keymap> =
            LazyLock::new(|| Keymap::load(&[]).unwrap_or_else(|_| Keymap { tries: Vec::new() }));
        BUILT_IN.clone()
    }
}

#[cfg(test)]
mod tests;
