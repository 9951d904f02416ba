//! A small lexer: strings, comments, numbers, keywords, function names. One pass, linear, line by line.
//!
//! It is shallow on purpose: an operator skims, and a grammar with regular expressions has no bound on its time.

use super::clean::{Context, clean};
use super::languages::{self, Language, Quote};
use super::{Ink, Piece};

/// Lines longer than this are not coloured (bytes).
pub const LINE_LIMIT: usize = 2048;

/// Colours one text, line after line.
#[derive(Debug, Clone)]
pub struct Lexer {
    language: Option<&'static Language>,
    open: Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Comment,
    String(Quote),
}

impl Lexer {
    /// A lexer for a fence's label; for an unknown one everything is [`Ink::Code`].
    pub fn new(label: &str) -> Self {
        Self { language: languages::find(label), open: Open::Nothing }
    }

    /// The line's stretches as (end in bytes, kind): they follow each other and cover the whole line.
    pub fn line(&mut self, line: &str) -> Vec<(usize, Ink)> {
        let Some(language) = self.language else { return vec![(line.len(), Ink::Code)] };
        if line.len() > LINE_LIMIT {
            return vec![(line.len(), Ink::Code)];
        }
        if language.diff {
            return vec![(line.len(), diff_ink(line))];
        }
        let mut scan = Scan { line, at: 0, runs: Vec::new() };
        self.continued(language, &mut scan);
        while scan.at < line.len() {
            self.step(language, &mut scan);
        }
        scan.runs
    }

    /// Shows one raw line of code: cleaned in the given context, then coloured. Tokens keep their marker.
    pub fn paint(&mut self, line: &str, context: Context) -> Vec<Piece> {
        self.colour(&clean(line, context, Ink::Code))
    }

    /// Colours a cleaned line.
    pub fn colour(&mut self, line: &[Piece]) -> Vec<Piece> {
        let text: String = line.iter().map(|piece| piece.text.as_str()).collect();
        let runs = self.line(&text);
        let mut painted: Vec<Piece> = Vec::new();
        let mut runs = runs.into_iter().peekable();
        let mut start = 0;
        for piece in line {
            let end = start + piece.text.len();
            let mut at = start;
            while at < end {
                let (run_end, ink) = *runs.peek().unwrap_or(&(end, Ink::Code));
                let to = run_end.min(end).max(at + 1);
                let ink = if piece.ink == Ink::Marker { Ink::Marker } else { ink };
                match painted.last_mut() {
                    Some(last) if last.ink == ink => last.text.push_str(&text[at..to]),
                    _ => painted.push(Piece::new(&text[at..to], ink)),
                }
                at = to;
                if run_end <= to {
                    runs.next();
                }
            }
            start = end;
        }
        painted
    }

    /// The rest of what an earlier line left open.
    fn continued(&mut self, language: &Language, scan: &mut Scan<'_>) {
        match self.open {
            Open::Nothing => {}
            Open::Comment => {
                let end = language.block_comment.and_then(|(_, close)| Some(scan.line.find(close)? + close.len()));
                scan.to(end.unwrap_or(scan.line.len()), Ink::Comment);
                if end.is_some() {
                    self.open = Open::Nothing;
                }
            }
            Open::String(quote) => self.string(quote, 0, scan),
        }
    }

    fn step(&mut self, language: &Language, scan: &mut Scan<'_>) {
        let rest = &scan.line[scan.at..];
        let Some(c) = rest.chars().next() else { return };
        if language.line_comments.iter().any(|mark| rest.starts_with(mark)) && scan.may_comment(c) {
            scan.to(scan.line.len(), Ink::Comment);
        } else if let Some((open, _)) = language.block_comment.filter(|(open, _)| rest.starts_with(open)) {
            let (_, close) = language.block_comment.unwrap_or_default();
            let body = &rest[open.len()..];
            match body.find(close) {
                Some(end) => scan.to(scan.at + open.len() + end + close.len(), Ink::Comment),
                None => {
                    self.open = Open::Comment;
                    scan.to(scan.line.len(), Ink::Comment);
                }
            }
        } else if let Some(quote) = language.strings.iter().find(|quote| rest.starts_with(quote.mark)) {
            let start = scan.at;
            self.string(*quote, quote.mark.len(), scan);
            if language.key.is_some_and(|key| scan.line[scan.at..].trim_start().starts_with(key)) {
                scan.recolour(start, Ink::Keyword);
            }
        } else if c.is_ascii_digit() {
            let number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
            scan.to(scan.at + span(rest, number), Ink::Number);
        } else if c.is_alphabetic() || c == '_' {
            word(language, rest, scan);
        } else {
            scan.to(scan.at + c.len_utf8(), Ink::Code);
        }
    }

    /// A string from `scan.at`, whose mark takes `skip` bytes there, to its end or the line's.
    fn string(&mut self, quote: Quote, skip: usize, scan: &mut Scan<'_>) {
        let mut at = scan.at + skip;
        let bytes = scan.line.as_bytes();
        while at < bytes.len() {
            if quote.escapes && bytes[at] == b'\\' {
                at += 2;
            } else if bytes[at..].starts_with(quote.mark.as_bytes()) {
                self.open = Open::Nothing;
                return scan.to(at + quote.mark.len(), Ink::Str);
            } else {
                at += 1;
            }
        }
        self.open = if quote.multiline { Open::String(quote) } else { Open::Nothing };
        scan.to(scan.line.len(), Ink::Str);
    }
}

fn word(language: &Language, rest: &str, scan: &mut Scan<'_>) {
    let dashes = language.key.is_some();
    let part = |c: char| c.is_alphanumeric() || c == '_' || (dashes && matches!(c, '-' | '.'));
    let length = span(rest, part);
    let (word, after) = rest.split_at(length);
    let is_keyword = if language.any_case {
        language.keywords.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
    } else {
        language.keywords.contains(&word)
    };
    let is_key = language.key.is_some_and(|key| after.trim_start().starts_with(key));
    let ink = if is_keyword || is_key {
        Ink::Keyword
    } else if language.calls && after.starts_with('(') {
        Ink::Function
    } else {
        Ink::Code
    };
    scan.to(scan.at + length, ink);
}

fn span(text: &str, part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !part(c)).unwrap_or(text.len())
}

fn diff_ink(line: &str) -> Ink {
    match line.as_bytes().first() {
        Some(b'+') => Ink::Added,
        Some(b'-') => Ink::Removed,
        Some(b'@') => Ink::Keyword,
        _ => Ink::Code,
    }
}

/// A line, how far it is read, and the kinds so far.
struct Scan<'a> {
    line: &'a str,
    at: usize,
    runs: Vec<(usize, Ink)>,
}

impl Scan<'_> {
    fn to(&mut self, end: usize, ink: Ink) {
        let mut end = end.min(self.line.len());
        while !self.line.is_char_boundary(end) {
            end += 1;
        }
        match self.runs.last_mut() {
            Some(last) if last.1 == ink => last.0 = end,
            _ if end > self.at => self.runs.push((end, ink)),
            _ => {}
        }
        self.at = end;
    }

    /// Gives the stretch since `start` another kind.
    fn recolour(&mut self, start: usize, ink: Ink) {
        while self.runs.last().is_some_and(|(end, _)| *end > start) {
            self.runs.pop();
        }
        if start > 0 && self.runs.last().is_none_or(|(end, _)| *end < start) {
            self.runs.push((start, Ink::Str));
        }
        let end = self.at;
        self.at = start;
        self.to(end, ink);
    }

    /// `#` opens a comment only at the start of a word (`$#`, `a#b` are none).
    fn may_comment(&self, mark: char) -> bool {
        mark != '#' || self.line[..self.at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '$')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lex(language: &str, code: &str) -> Vec<(String, Ink)> {
        let mut lexer = Lexer::new(language);
        let lines = code.lines().flat_map(|line| lexer.paint(line, Context::Prose));
        lines.filter(|piece| piece.ink != Ink::Code).map(|piece| (piece.text, piece.ink)).collect()
    }

    fn has(language: &str, code: &str, text: &str, ink: Ink) {
        let found = lex(language, code);
        assert!(found.contains(&(text.to_owned(), ink)), "{language}: no {ink:?} {text:?} in {found:?}");
    }

    #[test]
    fn each_language_shows_its_parts() {
        has("python", "def f(x): # c", "f", Ink::Function);
        has("python", "def f(x): # c", "# c", Ink::Comment);
        has("python", "a = \"\"\"one\ntwo\"\"\" + 'x'", "two\"\"\"", Ink::Str);
        has("bash", "if [ $# -gt 0 ]; then echo 'a\\'; fi", "'a\\'", Ink::Str);
        has("js", "const a = `x\ny`; // end", "// end", Ink::Comment);
        has("rust", "fn main() { let x = 0x1f; }", "0x1f", Ink::Number);
        has("rust", "/* a\nb */ fn f() {}", "fn", Ink::Keyword);
        has("json", "{\"a\": \"b\"}", "\"a\"", Ink::Keyword);
        has("json", "{\"a\": \"b\"}", "\"b\"", Ink::Str);
        has("toml", "max-cost = 1.5 # usd", "max-cost", Ink::Keyword);
        has("yaml", "name: \"x\"", "name", Ink::Keyword);
        has("sql", "Select a From b -- c", "From", Ink::Keyword);
        has("go", "func main() {}", "main", Ink::Function);
        has("diff", "+new\n-old", "-old", Ink::Removed);
    }

    #[test]
    fn an_unknown_language_and_a_huge_line_stay_plain() {
        assert!(lex("cobol", "if x \"y\"").is_empty());
        assert!(lex("python", &format!("if {}", "x".repeat(LINE_LIMIT))).is_empty());
    }

    #[test]
    fn tokens_stay_markers_inside_a_string() {
        has("python", "x = 'a\u{202e}b'", "⟦RLO⟧", Ink::Marker);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn every_character_is_kept(
            language in prop::sample::select(vec!["python", "sh", "ts", "rust", "json", "toml", "yaml", "sql", "c", "diff", "?"]),
            lines in prop::collection::vec("[a-c\"'`#/*\\\\\\-:=(0-9. é漢🏽]{0,16}", 0..6),
        ) {
            let mut lexer = Lexer::new(language);
            for line in &lines {
                let mut last = 0;
                for (end, _) in lexer.clone().line(line) {
                    prop_assert!(end > last || line.is_empty());
                    last = end;
                }
                prop_assert_eq!(last, line.len());
                let painted: String = lexer.colour(&[Piece::new(line.as_str(), Ink::Code)]).into_iter().map(|p| p.text).collect();
                prop_assert_eq!(&painted, line);
            }
        }
    }
}
