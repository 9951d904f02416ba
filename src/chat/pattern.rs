//! A regular expression as data: what it was written as, and the automaton once it is needed.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Most bytes a compiled pattern may take; one that a person writes takes a few thousand.
const SIZE: usize = 1 << 19;
/// How deep brackets may nest.
const NESTING: u32 = 50;

/// A regular expression. Compiled once; cloning keeps that.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern {
    source: String,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that works.
    ///
    /// # Errors
    /// When it cannot be read, or would take too much memory; the text says why in one line.
    pub fn new(source: &str) -> Result<Pattern, String> {
        let regex = compile(source, false)?;
        Ok(Pattern { source: source.to_owned(), regex: OnceLock::from(Some(regex)) })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches somewhere in the text. One that an old log spells and nobody can read matches nothing.
    pub fn is_match(&self, text: &str) -> bool {
        let regex = self.regex.get_or_init(|| compile(&self.source, false).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

/// Compiles a regular expression within limits; `folded` overlooks case.
///
/// # Errors
/// As [`Pattern::new`].
pub fn compile(source: &str, folded: bool) -> Result<Regex, String> {
    let built = RegexBuilder::new(source)
        .case_insensitive(folded)
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .nest_limit(NESTING)
        .build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_its_text_and_matches_anywhere() {
        let pattern = Pattern::new("DONE|EXIT$").unwrap();
        assert!(pattern.is_match("I am DONE here") && pattern.is_match("EXIT") && !pattern.is_match("EXIT now"));
        let json = serde_json::to_string(&pattern).unwrap();
        assert_eq!(json, "\"DONE|EXIT$\"");
        let again: Pattern = serde_json::from_str(&json).unwrap();
        assert_eq!(again, pattern);
        assert!(again.is_match("UNDONE"));
    }

    #[test]
    fn what_cannot_be_read_or_is_too_large_is_refused_in_one_line() {
        for source in ["(", "a{1000}{1000}{1000}", "[z-a]", &"(".repeat(5000)] {
            let error = Pattern::new(source).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        }
        let old: Pattern = serde_json::from_str("\"(\"").unwrap();
        assert!(!old.is_match("("));
    }
}
