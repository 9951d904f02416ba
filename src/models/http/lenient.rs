//! JSON as servers really write it: Python's `NaN`, and halves of surrogate pairs that some tokenisers tear apart.

use serde_json::Value;

/// Parses JSON; what the standard forbids and the field does is mended first, losing nothing that was said.
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&mended(text)).ok())
}

/// `NaN` and `Infinity` outside of strings become null; a lone surrogate inside a string stays visible as its escape.
fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                taken = match (unit(rest), rest.get(6..).and_then(unit)) {
                    (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => 12,
                    (Some(0xD800..0xE000), _) => {
                        out.push('\\');
                        6
                    }
                    _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                };
            }
            _ if !in_string => {
                if let Some(word) = ["NaN", "-Infinity", "Infinity"].iter().find(|word| rest.starts_with(**word)) {
                    out.push_str("null");
                    rest = &rest[word.len()..];
                    continue;
                }
            }
            _ => {}
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// The UTF-16 unit of an escape `\uXXXX` at the start of `text`.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_python_and_torn_pairs_write_is_read() {
        assert_eq!(parse(r#"{"a":NaN,"b":[-Infinity,"NaN \"NaN"]}"#), Some(json!({"a":null,"b":[null,"NaN \"NaN"]})));
        assert_eq!(
            parse(r#"["\ud83d lone, \ud83d\ude00 pair, \ude00"]"#),
            Some(json!(["\\ud83d lone, 😀 pair, \\ude00"]))
        );
    }

    #[test]
    fn what_is_broken_stays_broken() {
        for text in ["", "{", r#"{"a":"#, r#""\ud83"#, r#"["\"#, "<html>", r#"{"a":1} {"#] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
