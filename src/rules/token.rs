//! A rule's text in pieces, each with its place.

use super::RuleError;
use super::tree::Comparison;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A fact, a keyword, or a name without quotes; may contain `.` between its parts and `-` inside.
    Word(String),
    Number(f64),
    /// Milliseconds.
    Time(u64),
    /// Billionths of a dollar.
    Money(u64),
    Text(String),
    Pattern {
        source: String,
        folded: bool,
    },
    Sign(Comparison),
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
}

impl Token {
    /// What it is, for a message.
    pub fn words(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Number(_) => "a number".to_owned(),
            Token::Time(_) => "a duration".to_owned(),
            Token::Money(_) => "an amount of money".to_owned(),
            Token::Text(_) => "a text".to_owned(),
            Token::Pattern { .. } => "a pattern".to_owned(),
            Token::Sign(sign) => format!("`{}`", sign.sign()),
            Token::Open => "`(`".to_owned(),
            Token::Close => "`)`".to_owned(),
            Token::OpenList => "`[`".to_owned(),
            Token::CloseList => "`]`".to_owned(),
            Token::Comma => "`,`".to_owned(),
        }
    }
}

pub(super) type Placed = (Token, Range<usize>);

/// An error with its place.
pub(super) fn wrong<T>(
    at: Range<usize>,
    message: impl Into<String>,
    help: Option<impl Into<String>>,
) -> Result<T, RuleError> {
    Err(RuleError { at, message: message.into(), help: help.map(Into::into) })
}

/// No further help.
pub(super) const NOTHING: Option<&str> = None;

/// Splits a rule.
pub(super) fn split(text: &str) -> Result<Vec<Placed>, RuleError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let next = rest[c.len_utf8()..].chars().next();
        let two = |token: Token| (token, 2);
        let (token, length) = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenList, 1),
            ']' => (Token::CloseList, 1),
            ',' => (Token::Comma, 1),
            '=' if next == Some('=') => two(Token::Sign(Comparison::Equal)),
            '!' if next == Some('=') => two(Token::Sign(Comparison::Unequal)),
            '<' if next == Some('=') => two(Token::Sign(Comparison::AtMost)),
            '>' if next == Some('=') => two(Token::Sign(Comparison::AtLeast)),
            '<' => (Token::Sign(Comparison::Less), 1),
            '>' => (Token::Sign(Comparison::More), 1),
            '=' => return wrong(at..at + 1, "a single `=` compares nothing", Some("write `==`")),
            '!' => return wrong(at..at + 1, "`!` is not known here", Some("write `not`")),
            '&' | '|' => {
                let word = if c == '&' { "and" } else { "or" };
                return wrong(at..at + 1, format!("`{c}` is not known here"), Some(format!("write `{word}`")));
            }
            '"' | '\'' => quoted(text, at, c)?,
            '/' => pattern(text, at)?,
            '$' => money(text, at)?,
            '-' if next.is_some_and(|c| c.is_ascii_digit()) => number(text, at)?,
            c if c.is_ascii_digit() => number(text, at)?,
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = word_length(rest);
                (Token::Word(rest[..length].to_owned()), length)
            }
            c => {
                let shown = c.escape_default();
                return wrong(at..at + c.len_utf8(), format!("`{shown}` is not known here"), NOTHING);
            }
        };
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

/// Letters, digits, `_` and `-`; parts are joined by single dots.
fn word_length(rest: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut end = rest.find(|c| !part(c)).unwrap_or(rest.len());
    while rest[end..].starts_with('.') && rest[end + 1..].starts_with(part) {
        let more = &rest[end + 1..];
        end += 1 + more.find(|c| !part(c)).unwrap_or(more.len());
    }
    end
}

/// `"…"` or `'…'`, with `\n`, `\t`, `\r`, `\\` and escaped quotes.
fn quoted(text: &str, at: usize, quote: char) -> Result<(Token, usize), RuleError> {
    let mut value = String::new();
    let mut letters = text[at + 1..].char_indices();
    while let Some((place, c)) = letters.next() {
        match c {
            c if c == quote => return Ok((Token::Text(value), place + 2)),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, c @ ('\\' | '"' | '\''))) => value.push(c),
                Some((_, c)) => {
                    let from = at + 1 + place;
                    let message = format!("`\\{}` means nothing in a text", c.escape_default());
                    return wrong(from..from + 1 + c.len_utf8(), message, Some("a backslash is written `\\\\`"));
                }
                None => break,
            },
            c => value.push(c),
        }
    }
    wrong(at..text.len(), "this text has no end", Some(format!("close it with {quote}")))
}

/// `/…/` or `/…/i`; a slash inside is written `\/`.
fn pattern(text: &str, at: usize) -> Result<(Token, usize), RuleError> {
    let mut source = String::new();
    let mut letters = text[at + 1..].char_indices();
    while let Some((place, c)) = letters.next() {
        match c {
            '/' => {
                let after = &text[at + place + 2..];
                let folded = after.starts_with('i');
                let end = at + place + 2 + usize::from(folded);
                if let Some(c) = text[end..].chars().next().filter(|c| c.is_alphanumeric()) {
                    let help = "other flags stand inside: (?m) for many lines, (?s) for dots that match their ends";
                    return wrong(end..end + c.len_utf8(), "only `i` may follow a pattern", Some(help));
                }
                return Ok((Token::Pattern { source, folded }, place + 2 + usize::from(folded)));
            }
            '\\' => match letters.next() {
                Some((_, '/')) => source.push('/'),
                Some((_, c)) => source.extend(['\\', c]),
                None => break,
            },
            c => source.push(c),
        }
    }
    wrong(at..text.len(), "this pattern has no end", Some("close it with /"))
}

/// `$5`, `$0.25`: at most nine decimals.
fn money(text: &str, at: usize) -> Result<(Token, usize), RuleError> {
    let rest = &text[at + 1..];
    let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (dollars, cents) = rest[..length].split_once('.').unwrap_or((&rest[..length], "0"));
    let nano = || -> Option<u64> {
        if cents.is_empty() || cents.len() > 9 || !cents.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let dollars: u64 = dollars.parse().ok()?;
        let cents: u64 = format!("{cents:0<9}").parse().ok()?;
        dollars.checked_mul(1_000_000_000)?.checked_add(cents)
    };
    match nano() {
        Some(nano) => Ok((Token::Money(nano), length + 1)),
        None => wrong(at..at + 1 + length, "this is no amount of money", Some("for example $5 or $0.25")),
    }
}

/// `3`, `-1`, `0.5`, or a duration: `90s`, `1h30m`, `500ms`.
fn number(text: &str, at: usize) -> Result<(Token, usize), RuleError> {
    let rest = &text[at..];
    let end = rest[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '.').map_or(rest.len(), |end| end + 1);
    let written = &rest[..end];
    if !written.contains(|c: char| c.is_ascii_alphabetic()) {
        let digits = written.bytes().filter(u8::is_ascii_digit).count();
        return match written.parse::<f64>() {
            Ok(number) if digits <= 15 && !written.ends_with('.') => Ok((Token::Number(number), end)),
            _ => wrong(at..at + end, "this is no number", NOTHING),
        };
    }
    match duration(written) {
        Some(millis) => Ok((Token::Time(millis), end)),
        None => wrong(at..at + end, "this is neither a number nor a duration", Some("for example 90s, 2m or 1h30m")),
    }
}

fn duration(mut rest: &str) -> Option<u64> {
    let mut sum = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: u64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let size = match &unit[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(amount.checked_mul(size)?)?;
        rest = &unit[end..];
    }
    Some(sum)
}
