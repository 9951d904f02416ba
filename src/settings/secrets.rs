//! Keys that stand where they must not: finding them and blackening them.
//!
//! Promise: keys never reach disk, screen or export. A team file is shared and shown, so it may only name the
//! environment variable that holds a key.

use super::reader::{Findings, Node, Span};
use super::report::Finding;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

const MESSAGE: &str = "a key stands in this file";
const HELP: &str = "keys never stand in the team file; put it in an environment variable and name it with api_key_env; \
     then replace this key, because whoever has seen the file has it";

/// How keys of well-known services begin.
const PREFIXES: &[&str] = &["sk-", "sk_", "gsk_", "xai-", "ghp_", "github_pat_", "hf_", "AIza", "AKIA"];
/// A key is at least this long, its beginning included.
const SHORTEST: usize = 20;

/// Whether a key of that name would hold a secret.
pub(super) fn names_a_key(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    matches!(plain.to_ascii_lowercase().as_str(), "apikey" | "xapikey" | "authorization" | "secretkey")
}

/// Reports every key in the text, comments included, and returns their places.
pub(super) fn find(findings: &Findings, source: &str, table: &DeTable<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    walk_table(source, table, &mut found);
    for place in keys_in(source) {
        if !found.iter().any(|span: &Span| span.start <= place.start && place.end <= span.end) {
            found.push(place);
        }
    }
    for span in &found {
        findings.push(Finding::error(MESSAGE).at(span.clone()).help(HELP));
    }
    found
}

/// What [`find`] cannot see because the text around it is broken: in each line, all that is right of the name of a key.
pub(super) fn beside_names(source: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        for (at, _) in line.match_indices('=') {
            let left = line[..at].trim_end().trim_end_matches(['"', '\'']);
            let name = left.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next();
            if name.is_some_and(names_a_key) {
                found.push(start + at + 1..start + line.len());
                break;
            }
        }
        start += line.len();
    }
    found
}

fn walk_table(source: &str, table: &DeTable<'_>, found: &mut Vec<Span>) {
    for (name, node) in table.iter() {
        if names_a_key(name.get_ref()) {
            found.push(node.span());
        } else {
            walk(source, node, found);
        }
    }
}

/// The parser bounds the depth of the tree, and with it of this.
fn walk(source: &str, node: &Node<'_>, found: &mut Vec<Span>) {
    match node.get_ref() {
        // A key that is spelt with escapes shows in the value alone.
        DeValue::String(text)
            if keys_in(text).next().is_some()
                && source.get(node.span()).is_none_or(|written| keys_in(written).next().is_none()) =>
        {
            found.push(node.span());
        }
        DeValue::Array(list) => list.iter().for_each(|node| walk(source, node, found)),
        DeValue::Table(table) => walk_table(source, table, found),
        _ => {}
    }
}

/// The places in a text that look like a key: a known beginning, long enough, with a digit, not inside a word.
pub fn keys_in(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at + text[at..].find(part)?;
            let end = text[start..].find(|c| !part(c)).map_or(text.len(), |length| start + length);
            at = end;
            let word = &text[start..end];
            if word.len() >= SHORTEST
                && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
                && word.contains(|c: char| c.is_ascii_digit())
            {
                return Some(start..end);
            }
        }
        None
    })
}

/// The text with everything that looks like a key, and the given places, replaced by as many bytes of `*`.
pub(super) fn blacken(text: &str, places: &[Span]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for place in keys_in(text).chain(places.iter().cloned()) {
        for byte in bytes.get_mut(place).into_iter().flatten() {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = b'*';
            }
        }
    }
    // Places are whole values or runs of ASCII, so no character is cut; if one were, it would be replaced, not shown.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_recognised_and_words_are_not() {
        let found = |text: &str| keys_in(text).map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(found("use sk-proj-abcdef0123456789ABCD, please"), ["sk-proj-abcdef0123456789ABCD"]);
        assert_eq!(found("\"AIzaSyA0123456789abcdefghijk\""), ["AIzaSyA0123456789abcdefghijk"]);
        assert!(found("a task-oriented-assistant-of-2024-and-beyond").is_empty());
        assert!(found("sk-short1").is_empty());
        assert!(found("sk-learn-is-a-library-without-digits").is_empty());
        assert!(found("").is_empty());
    }

    #[test]
    fn lines_that_name_a_key_are_found_even_if_they_are_broken() {
        let source = "a = 1\napi_key = \"never closed\nb = { \"api-key\" = 'x' \napi_key_env = \"A\"\n";
        let found: Vec<_> = beside_names(source).into_iter().map(|span| &source[span]).collect();
        assert_eq!(found, [" \"never closed\n", " 'x' \n"]);
    }

    #[test]
    fn blackening_keeps_length_and_lines() {
        let text = "a = \"sk-abcdef0123456789abcdef\"\nb = \"ü\nz\"\n";
        let value = text.find("\"ü").unwrap();
        let place = value..text.len() - 1;
        let black = blacken(text, std::slice::from_ref(&place));
        assert_eq!(black.len(), text.len());
        assert_eq!(black, format!("a = \"{}\"\nb = ***\n**\n", "*".repeat(25)));
    }
}
