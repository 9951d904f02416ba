//! Text to words: normalisation, masking of what changes by itself, stems.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A 64-bit fingerprint.
pub(crate) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Lower case, white space collapsed, markdown emphasis removed (normalisation level N1 of the reference).
pub(crate) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !matches!(c, '*' | '_' | '`')).flat_map(char::to_lowercase));
    }
    out
}

/// One word as detectors see it: lower case, without the punctuation around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word, or what stands for it when it is volatile (`#time`, `#hex` …).
    pub text: String,
    /// Whether it carries a number.
    pub number: bool,
    /// The number after `iteration`, `attempt`, `round` …: it only counts, and stands as `#` in the text.
    pub counter: Option<u32>,
    /// Whether it is an identifier or a name: digits, underscores, dots, inner capitals, a capital in mid-sentence.
    pub specific: bool,
}

/// The words of a text with volatile tokens masked (level N2 of the reference): times, durations, identifiers, memory
/// addresses, temporary paths, places in files. Plain numbers and percentages stay: they carry progress.
pub(crate) fn words(text: &str) -> Vec<Word> {
    split(text, false)
}

/// The words of what a program or a tool printed: besides, numbers of lines, ports and processes are masked.
pub(crate) fn printed(text: &str) -> Vec<Word> {
    split(text, true)
}

fn split(text: &str, printed: bool) -> Vec<Word> {
    let mut words = Vec::new();
    let mut starts = true;
    let (mut after_line, mut after_round) = (false, false);
    for raw in text.split_whitespace() {
        let trimmed = raw.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '%' | '#' | '$' | '\\'));
        if trimmed.is_empty() {
            continue;
        }
        let has_digit = trimmed.bytes().any(|b| b.is_ascii_digit());
        let lower: String = trimmed.chars().filter(|c| !matches!(c, '*' | '`')).flat_map(char::to_lowercase).collect();
        if spaceless(trimmed) {
            // Scripts without spaces: four code points make a word.
            let letters: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
            for part in letters.chunks(4) {
                words.push(Word { text: part.iter().collect(), number: has_digit, counter: None, specific: false });
            }
            starts = false;
            continue;
        }
        let volatile = has_digit && after_line || (has_digit || lower.starts_with('/')) && is_volatile(&lower);
        after_line = printed && matches!(lower.as_str(), "line" | "pid" | "port" | "column" | "col" | "offset");
        let capital = trimmed.chars().next().is_some_and(char::is_uppercase);
        let inner = trimmed.chars().skip(1).any(|c| c.is_uppercase() || c == '_' || c == '.' || c == '/');
        let counter = (has_digit && after_round && !printed).then(|| hash(&lower) as u32);
        after_round = ROUNDS.contains(&lower.as_str());
        let volatile = volatile || counter.is_some();
        let text = if volatile { "#".to_owned() } else { masked(lower) };
        words.push(Word {
            number: has_digit && !volatile,
            counter,
            specific: !volatile && (has_digit || inner || capital && !starts),
            text,
        });
        starts = raw.ends_with(['.', '!', '?', ':']);
    }
    words
}

/// Words after which a number counts rounds.
const ROUNDS: &[&str] = &["iteration", "attempt", "retry", "try", "cycle", "loop"];

/// `main.rs:12:3` is `main.rs`: where in a file an error stands moves with every edit.
fn masked(word: String) -> String {
    let Some(colon) = word.find(':') else { return word };
    let rest = &word[colon + 1..];
    if colon > 0 && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b':') && word.contains('.') {
        return word[..colon].to_owned();
    }
    word
}

/// Whether a lower-case word changes from one time to the next without meaning anything.
fn is_volatile(word: &str) -> bool {
    let bytes = word.as_bytes();
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    // 0x7f…, UUIDs and long hex with both digits and letters.
    if let Some(rest) = word.strip_prefix("0x") {
        return rest.len() >= 4 && hex(rest);
    }
    if word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && word.split('-').all(hex) {
        return true;
    }
    if word.len() >= 6 && hex(word) && bytes.iter().any(u8::is_ascii_alphabetic) {
        return true;
    }
    if ["/tmp/", "/var/tmp/", "/var/folders/"].iter().any(|dir| word.starts_with(dir)) {
        return true;
    }
    // 12:03, 12:03:44.5, 2026-11-20, 2026-11-20t12:03:44z
    let clock = |text: &str| {
        let mut parts = text.trim_end_matches('z').split(':');
        let two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        parts.next().is_some_and(two)
            && parts.next().is_some_and(two)
            && parts.all(|part| part.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    };
    let date = |text: &str| {
        text.len() == 10
            && text.split('-').map(str::len).eq([4, 2, 2])
            && text.split('-').all(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    if clock(word) || word.split_once('t').is_some_and(|(day, time)| date(day) && clock(time)) {
        return true;
    }
    // 0.12s, 45ms, 3.5sec
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < word.len() && matches!(unit, "s" | "ms" | "µs" | "us" | "ns" | "sec" | "secs" | "seconds")
}

fn spaceless(word: &str) -> bool {
    word.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{e7f}'))
}

/// What is left of an English word when its ending is taken off, so that `fixes`, `fixed` and `fix` are one.
pub(crate) fn stem(word: &str) -> String {
    let mut stem = word.trim_end_matches("'s").trim_end_matches("’s");
    if !stem.is_ascii() {
        return stem.to_owned();
    }
    let n = stem.len();
    if n > 5 && stem.ends_with("ing") {
        stem = &stem[..n - 3];
    } else if n > 4 && stem.ends_with("ed") {
        stem = &stem[..n - 2];
    } else if n > 3 && stem.ends_with('s') && !stem.ends_with("ss") {
        stem = &stem[..n - 1];
    } else if n > 5 && stem.ends_with("ly") {
        stem = &stem[..n - 2];
    }
    let mut stem = stem.to_owned();
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    let bytes = stem.as_bytes();
    let twice = bytes.len() > 3
        && bytes[bytes.len() - 1] == bytes[bytes.len() - 2]
        && bytes[bytes.len() - 1].is_ascii_alphabetic();
    if twice {
        stem.pop();
    }
    if stem.len() > 2 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    stem
}

/// The text without its fenced code, and the code. A fence that is not closed goes to the end.
pub(crate) fn split_code(text: &str) -> (std::borrow::Cow<'_, str>, Vec<&str>) {
    if !text.contains("```") {
        return (text.into(), Vec::new());
    }
    let (mut prose, mut code) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(open) = rest.find("```") {
        prose.push_str(&rest[..open]);
        prose.push('\n');
        let inside = &rest[open + 3..];
        let body = inside.find('\n').map_or("", |end| &inside[end + 1..]);
        match body.find("```") {
            Some(close) => {
                code.push(&body[..close]);
                rest = &body[close + 3..];
            }
            None => {
                code.push(body);
                rest = "";
            }
        }
    }
    prose.push_str(rest);
    (prose.into(), code)
}

/// A fingerprint of code: lines trimmed, blank lines and whole-line comments left out.
pub(crate) fn code_hash<'a>(blocks: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for line in blocks.into_iter().flat_map(str::lines).map(str::trim) {
        let comment = line.starts_with('#') && !line.starts_with("#!") && !line.starts_with("#include");
        if !line.is_empty() && !comment && !line.starts_with("//") {
            line.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// A fingerprint of a program's or a tool's output, volatile tokens masked.
pub(crate) fn output_hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in printed(text) {
        word.text.hash(&mut hasher);
    }
    hasher.finish()
}

/// A fingerprint of tool arguments: JSON with sorted keys and without keys that only explain (`reason`, `thought` …).
pub(crate) fn arguments_hash(text: &str) -> u64 {
    fn walk(value: &serde_json::Value, hasher: &mut DefaultHasher) {
        use serde_json::Value;
        match value {
            Value::Object(map) => {
                let mut keys: Vec<_> = map.keys().filter(|key| !COSMETIC.contains(&key.as_str())).collect();
                keys.sort();
                keys.len().hash(hasher);
                for key in keys {
                    key.hash(hasher);
                    walk(&map[key], hasher);
                }
            }
            Value::Array(items) => {
                items.len().hash(hasher);
                items.iter().for_each(|item| walk(item, hasher));
            }
            // 1, 1.0 and -0 read the same to a tool.
            Value::Number(n) => (n.as_f64().unwrap_or(0.0) + 0.0).to_bits().hash(hasher),
            Value::String(text) => text.split_whitespace().for_each(|word| word.hash(hasher)),
            Value::Bool(flag) => flag.hash(hasher),
            Value::Null => 0u8.hash(hasher),
        }
    }
    let mut hasher = DefaultHasher::new();
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => walk(&value, &mut hasher),
        Err(_) => normal(text).hash(&mut hasher),
    }
    hasher.finish()
}

/// Argument keys that explain a call and do not change what it does.
const COSMETIC: &[&str] =
    &["description", "explanation", "reason", "reasoning", "thought", "thoughts", "brief", "comment"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_text_keeps_words_and_drops_their_dress() {
        assert_eq!(normal("  **Hello**\n\t`World`_ "), "hello world");
        assert_eq!(normal(""), "");
        assert_ne!(normal("take 1"), normal("take 2"), "numbers carry progress");
    }

    #[test]
    fn what_changes_by_itself_is_masked_and_numbers_are_not() {
        let same = |a: &str, b: &str| output_hash(a) == output_hash(b);
        assert!(same("at 12:03:44 took 0.12s", "at 12:04:01 took 3.5s"));
        assert!(same("run 550e8400-e29b-41d4-a716-446655440000", "run 123e4567-e89b-12d3-a456-426614174000"));
        assert!(same("File \"/tmp/a1/x.py\", line 3", "File \"/tmp/b2/x.py\", line 17"));
        assert!(same("src/main.rs:12:3: error", "src/main.rs:99:1: error"));
        assert!(same("<obj at 0x7fbb12>", "<obj at 0x7fcc34>"));
        assert!(!same("45%", "46%") && !same("3 failed", "2 failed") && !same("port 80x", "gate 81x"));
    }

    #[test]
    fn words_of_one_root_have_one_stem() {
        for group in [
            &["fix", "fixes", "fixed", "fixing"][..],
            &["file", "files"],
            &["run", "running", "runs"],
            &["try", "tries", "tried", "trying"],
            &["update", "updating", "updated"],
        ] {
            assert!(group.iter().all(|word| stem(word) == stem(group[0])), "{group:?}");
        }
        assert_ne!(stem("process"), stem("procedure"));
    }

    #[test]
    fn code_is_taken_out_of_prose_and_open_fences_go_to_the_end() {
        let (prose, code) = split_code("Look:\n```python\nprint(1)\n```\nand\n```\nx");
        assert_eq!(
            (prose.split_whitespace().collect::<Vec<_>>(), code),
            (vec!["Look:", "and"], vec!["print(1)\n", "x"])
        );
        assert_eq!(code_hash(["a = 1\n# note\n\n"]), code_hash(["  a = 1"]));
    }

    #[test]
    fn arguments_are_equal_whatever_their_order_and_excuse() {
        assert_eq!(
            arguments_hash(r#"{"a": 1, "b": "x  y"}"#),
            arguments_hash(r#"{"b":"x y","a":1.0,"reason":"again"}"#)
        );
        assert_ne!(arguments_hash(r#"{"a": 1}"#), arguments_hash(r#"{"a": 2}"#));
        assert_eq!(arguments_hash("not json "), arguments_hash("not  JSON"));
    }
}
