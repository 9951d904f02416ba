//! What is wrong with a file, and how a person is told.

use super::secrets;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// Most findings that are shown of one file; beyond, only their number is.
const MOST: usize = 100;
/// Most characters shown on either side of the place on a line.
const CONTEXT: usize = 1000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not do what was meant.
    Warning,
}

/// One thing that is wrong with a file, or odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, as bytes of the source; `None` when the whole file is meant.
    pub span: Option<Range<usize>>,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    /// An error about the whole file; add a place with [`Finding::at`].
    pub fn error(message: impl Into<String>) -> Self {
        Finding { severity: Severity::Error, message: message.into(), span: None, help: None }
    }

    /// A warning about the whole file; add a place with [`Finding::at`].
    pub fn warning(message: impl Into<String>) -> Self {
        Finding { severity: Severity::Warning, ..Finding::error(message) }
    }

    /// Says where.
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A file that cannot be used: all that is wrong with it, and its text to show where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the file as shown.
    pub origin: String,
    /// Its text, with keys blackened byte by byte so that spans still fit. Empty when it could not be read.
    pub source: String,
    /// Errors and warnings in the order of the file.
    pub findings: Vec<Finding>,
}

impl Report {
    /// A report about a file whose text is not at hand.
    pub(super) fn unread(origin: impl Into<String>, finding: Finding) -> Self {
        Report { origin: origin.into(), source: String::new(), findings: vec![finding] }
    }

    /// Sorts and limits the findings, and blackens the keys.
    pub(super) fn of(origin: &str, source: &str, findings: Vec<Finding>, secret: &[Range<usize>]) -> Self {
        let mut findings = in_order(findings);
        for finding in &mut findings {
            finding.message = secrets::blacken(&finding.message, &[]);
            finding.help = finding.help.as_deref().map(|help| secrets::blacken(help, &[]));
        }
        Report { origin: origin.to_owned(), source: secrets::blacken(source, secret), findings }
    }

    /// For people: file, line, caret and help of every finding.
    pub fn render(&self, colour: bool) -> String {
        render(&self.origin, &self.source, &self.findings, colour)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// The findings in the order of the file, each once, whole-file ones first; past the limit their number only.
pub(super) fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.span.as_ref().map(|span| (span.start, span.end)));
    findings.dedup();
    if findings.len() > MOST {
        let more = findings.len() - MOST;
        // An error must not fall behind the limit unseen, or the file would seem usable.
        let severity = findings[MOST..].iter().map(|finding| finding.severity).min().unwrap_or(Severity::Warning);
        findings.truncate(MOST);
        findings.push(Finding { severity, ..Finding::error(format!("and {more} more; the first ones are shown")) });
    }
    findings
}

/// Findings as a person reads them: what, file and line, the line with a caret, help. One empty line between two.
/// Nothing of the source reaches the output as a control character. Ends with a line break unless there is nothing.
pub fn render(origin: &str, source: &str, findings: &[Finding], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let origin = harmless(origin);
    let mut out = String::new();
    for finding in findings {
        let message = harmless(&finding.message);
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(message));
        match finding.span.as_ref().filter(|_| !source.is_empty()).map(|span| place(source, span)) {
            Some(place) => {
                let mut snippet = Snippet::source(place.shown)
                    .line_start(place.line)
                    .annotation(AnnotationKind::Primary.span(place.mark));
                match place.column {
                    None => snippet = snippet.path(origin.clone()),
                    Some(column) => {
                        group = group.element(Origin::path(origin.clone()).line(place.line).char_column(column));
                    }
                }
                group = group.element(snippet);
            }
            None => group = group.element(Origin::path(origin.clone())),
        }
        if let Some(help) = &finding.help {
            group = group.element(Level::HELP.message(harmless(help)));
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let text = renderer.render(&[group]);
        for line in text.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

struct Place {
    /// From 1.
    line: usize,
    /// From 1, in characters, when it does not follow from `shown` because its beginning is cut off.
    column: Option<usize>,
    /// The part of the line that is shown, harmless.
    shown: String,
    /// The place in `shown`.
    mark: Range<usize>,
}

/// Where a span starts. Only its first line is shown, and of a long line only the surroundings, so that the cost of a
/// finding does not depend on the size of the file.
fn place(source: &str, span: &Range<usize>) -> Place {
    let mut start = span.start.min(source.len());
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let before = &source[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
    let mut end = span.end.clamp(start, line_end);
    while !source.is_char_boundary(end) {
        end += 1;
    }
    let (lead, marked, rest) = (&source[line_start..start], &source[start..end], &source[end..line_end]);
    let rest = rest.strip_suffix('\r').unwrap_or(rest);

    let cut = lead.char_indices().rev().nth(CONTEXT).map(|(at, _)| at);
    let mut shown = match cut {
        Some(at) => format!("…{}", harmless(&lead[at..])),
        None => harmless(lead),
    };
    let mark_start = shown.len();
    shown.push_str(&harmless(head(marked)));
    let mark = mark_start..shown.len();
    shown.push_str(&harmless(head(rest)));
    let column = cut.map(|_| lead.chars().count() + 1);
    Place { line: before.matches('\n').count() + 1, column, shown, mark }
}

/// The first characters of a text.
fn head(text: &str) -> &str {
    text.char_indices().nth(CONTEXT).map_or(text, |(at, _)| &text[..at])
}

/// Makes characters visible that could act on a terminal, or hide or reorder what is shown: one for one, so that
/// columns stay. Line breaks and tabs stay, for the renderer to lay out.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' => c,
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_span_renders_even_one_that_does_not_fit_the_source() {
        let source = "a = \"äöü\"\r\nb = 2\n";
        for start in 0..source.len() + 3 {
            for end in 0..source.len() + 3 {
                let text = render("x.toml", source, &[Finding::error("odd").at(start..end).help("do")], true);
                assert!(text.contains("odd"));
            }
        }
    }

    #[test]
    fn the_line_and_column_are_those_of_an_editor() {
        let source = "a = 1\n\tküche = 2\n";
        let start = source.find('2').unwrap();
        let text = render("x.toml", source, &[Finding::error("two").at(start..start + 1)], false);
        assert!(text.contains("x.toml:2:10"), "{text}");
        assert!(text.contains("    küche = 2\n"), "{text}");
    }

    #[test]
    fn nothing_in_a_report_acts_on_the_terminal() {
        let source = "a = \"\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{7}\u{7f}\"\n";
        let finding = Finding::error(source).at(4..10).help(source);
        let text = render("\u{1b}]0;x\u{7}", source, &[finding], false);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text:?}");
    }

    #[test]
    fn a_very_long_line_is_shown_in_part() {
        let source = format!("a = \"{}\" x {}", "y".repeat(100_000), "z".repeat(100_000));
        let at = source.find(" x ").unwrap() + 1;
        let text = render("x.toml", &source, &[Finding::error("here").at(at..at + 1)], false);
        assert!(text.len() < 1500, "{}", text.len());
        assert!(text.contains("yy\" x zz"), "{text}");
        assert!(text.contains(&format!("x.toml:1:{}", at + 1)), "{text}");
    }

    #[test]
    fn errors_past_the_limit_are_counted_and_stay_errors() {
        let mut findings: Vec<_> = (0..MOST).map(|at| Finding::warning("w").at(at..at + 1)).collect();
        findings.push(Finding::error("late").at(5000..5001));
        let ordered = in_order(findings);
        assert_eq!(ordered.len(), MOST + 1);
        assert_eq!(ordered[MOST].severity, Severity::Error);
        assert!(ordered[MOST].message.contains("1 more"));
    }
}
