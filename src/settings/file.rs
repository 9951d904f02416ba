//! From disk to a tree: reading a file within bounds, and parsing it with every syntax error.

use super::reader::Findings;
use super::report::{Finding, Report};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use toml::Spanned;
use toml::de::DeTable;
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// Largest file that is read.
const LARGEST: u64 = 4 << 20;
/// Most dots in one dotted key. The parser bounds the nesting of values but not of keys, and freeing a tree of a
/// million levels would overflow the stack.
const MOST_DOTS: usize = 8;

/// Reads a text file: it must be a regular file, readable, at most 4 MiB, UTF-8 and not empty.
pub(super) fn read(path: &Path) -> Result<String, Report> {
    let refused = |finding| Err(Report::unread(path.display().to_string(), finding));
    let io = |error: std::io::Error| {
        let finding = match error.kind() {
            ErrorKind::NotFound => Finding::error("there is no such file").help("check the path and where you are"),
            ErrorKind::PermissionDenied => Finding::error("you may not read this file")
                .help("its permissions, or those of a directory above, forbid it"),
            _ => Finding::error(format!("this file cannot be read: {error}")),
        };
        Report::unread(path.display().to_string(), finding)
    };
    // Asked before opening, because opening a pipe would wait for somebody to write to it.
    let about = fs::metadata(path).map_err(io)?;
    if about.is_dir() {
        return refused(Finding::error("this is a directory, not a file").help("name the TOML file in it"));
    }
    if !about.is_file() {
        return refused(Finding::error("this is not a regular file").help("name a TOML file"));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > LARGEST {
        return refused(
            Finding::error("this file is larger than 4 MiB")
                .help("is it the right one? such files are a few kilobytes"),
        );
    }
    String::from_utf8(bytes).or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(
            Finding::error(format!("this file is not UTF-8 text: byte {at}, on line {line}, does not fit"))
                .help("save it as UTF-8; if it is not a text file, name the right one"),
        )
    })
}

/// The tree of a TOML text, as far as it could be made out; syntax errors go to `findings`. `None` when the text must
/// not be parsed at all.
pub(super) fn parse<'t>(text: &'t str, findings: &Findings) -> Option<Spanned<DeTable<'t>>> {
    if let Some(at) = deep_key(text) {
        findings.push(
            Finding::error(format!("this key has more than {} parts", MOST_DOTS + 1))
                .at(at..at + 1)
                .help("write tables instead"),
        );
        return None;
    }
    let (tree, mut errors) = DeTable::parse_recoverable(text);
    errors.extend(behind(text, &errors));
    for error in errors {
        let mut finding = Finding::error(format!("not valid TOML: {}", error.message()));
        finding.span = error.span();
        if error.message() == "duplicate key" {
            finding.help = Some("a key or a [table] stands only once; several agents are several [[agents]]".into());
        }
        findings.push(finding);
    }
    Some(tree)
}

/// Errors that hide behind a key without a value, after which the parser looks at no values any more: it is asked again
/// about the text without those lines.
fn behind(text: &str, errors: &[toml::de::Error]) -> Vec<toml::de::Error> {
    let keys = errors.iter().filter(|error| error.message().starts_with("key with no value"));
    let mut bytes = text.as_bytes().to_vec();
    let mut blank = false;
    for at in keys.filter_map(toml::de::Error::span).map(|span| span.start.min(text.len())) {
        let start = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| at + end);
        bytes[start..end].fill(b' ');
        blank = true;
    }
    // Whole lines were taken out, so what is left is still text.
    let Some(rest) = String::from_utf8(bytes).ok().filter(|_| blank) else { return Vec::new() };
    DeTable::parse_recoverable(&rest).1
}

/// Where a key with too many dots passes the limit.
fn deep_key(text: &str) -> Option<usize> {
    let mut dots = 0;
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::Atom
            | TokenKind::LiteralString
            | TokenKind::BasicString
            | TokenKind::MlLiteralString
            | TokenKind::MlBasicString
            | TokenKind::Whitespace => {}
            _ => dots = 0,
        }
        if dots > MOST_DOTS {
            return Some(token.span().start());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_million_parts_is_refused_and_prose_with_dots_is_not() {
        for text in [format!("{}a = 1", "a.".repeat(1_000_000)), format!("[{}a]", "\"a\" . ".repeat(1_000_000))] {
            let findings = Findings::default();
            assert!(parse(&text, &findings).is_none());
            assert!(findings.into_inner()[0].message.contains("parts"));
        }
        let prose = format!("a = \"{}\"\nb = '''\n{}'''\n", "One. ".repeat(1000), "Two.x.".repeat(1000));
        let findings = Findings::default();
        assert!(parse(&prose, &findings).is_some());
        assert!(findings.into_inner().is_empty());
    }

    #[test]
    fn the_deepest_tree_that_is_let_in_can_be_walked_and_freed() {
        let key = format!("{}a", "a.".repeat(MOST_DOTS));
        let levels = 79;
        let text = format!("[{key}]\n{}1{}", format!("{key}={{").repeat(levels) + &key + "=", "}".repeat(levels));
        let findings = Findings::default();
        let tree = parse(&text, &findings).unwrap();
        assert_eq!(findings.len(), 0);
        crate::settings::secrets::find(&findings, &text, tree.get_ref());
    }

    #[test]
    fn deep_nesting_is_a_syntax_error() {
        for text in [format!("a = {}", "[".repeat(100_000)), format!("a = {}", "{a=".repeat(100_000))] {
            let findings = Findings::default();
            parse(&text, &findings);
            assert!(!findings.into_inner().is_empty());
        }
    }
}
