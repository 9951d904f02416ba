//! Markdown to rows: one block, or (through [`super::stream`]) a whole message.
//!
//! pulldown-cmark reads, this lays out. Nothing of the source is left unseen: HTML is shown as text, addresses stand
//! after their links, definitions are listed. Entities are resolved by the parser, so cleaning comes after it.

use super::clean::{Context, clean, lines, one_line};
use super::highlight::Lexer;
use super::table::Table;
use super::wrap::{Break, flow};
use super::{Ink, Piece, Row};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::borrow::Cow;
use std::ops::Range;

/// Rows of a whole document at a width. Equal to what [`super::stream::Streamed`] shows of the same text.
pub fn render(source: &str, width: u16) -> Vec<Row> {
    let mut streamed = super::stream::Streamed::default();
    streamed.push(source);
    streamed.into_rows(width)
}

/// What we read: GitHub's tables, strike-through and task lists on top of CommonMark.
pub(super) fn parser(source: &str) -> Parser<'_> {
    Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS)
}

/// Containers deeper than this do not indent any more.
const DEPTH: usize = 24;

/// Rows of one top-level block. A list item that stands by itself takes its number from `number`.
pub(super) fn block(source: &str, width: u16, number: Option<u64>) -> Vec<Row> {
    let Some(shown) = without_definitions(source) else {
        return flow(&clean(source, Context::Prose, Ink::Dim), width, &[], &[], Break::Words);
    };
    let mut painter = Painter { source: &shown, width, number, ..Painter::default() };
    for (event, range) in parser(&shown).into_offset_iter() {
        painter.event(event, range);
    }
    painter.flush();
    painter.rows
}

/// The source with link definitions made ordinary text, which the parser would otherwise take without a trace.
/// `None` if there is no end of them (each one may uncover another).
fn without_definitions(source: &str) -> Option<Cow<'_, str>> {
    let mut shown = Cow::Borrowed(source);
    for _ in 0..ROUNDS {
        if !shown.contains("]:") {
            return Some(shown);
        }
        let mut starts: Vec<usize> =
            parser(&shown).reference_definitions().iter().map(|(_, found)| found.span.start).collect();
        if starts.is_empty() {
            return Some(shown);
        }
        starts.sort_unstable();
        for start in starts.into_iter().rev() {
            shown.to_mut().insert(start, '\\');
        }
    }
    None
}

/// How often definitions are looked for behind definitions.
const ROUNDS: usize = 8;

/// The label over a code block: its whole info string, for nothing of it may hide.
pub(super) fn label(info: &str) -> Vec<Piece> {
    let shown = one_line(info.trim());
    let name = if shown.is_empty() { "code" } else { &shown };
    vec![Piece::new(format!("┌ {name}"), Ink::Fence)]
}

/// The language of a fence's info string.
pub(super) fn language(info: &str) -> &str {
    let word = info.split([' ', '\t', ',', '{', ':']).find(|word| !word.is_empty()).unwrap_or_default();
    word.trim_start_matches('.').trim_end_matches('}')
}

/// Rows of one line of a code block, behind a gutter; a folded line goes on behind `↪`.
pub(super) fn code_line(lexer: &mut Lexer, line: &str, width: u16, first: &[Piece], rest: &[Piece]) -> Vec<Row> {
    let margin = |before: &[Piece], gutter: &str| {
        let mut margin = before.to_vec();
        margin.push(Piece::new(gutter, Ink::Fence));
        margin
    };
    let pieces = lexer.paint(line, Context::Prose);
    flow(&pieces, width, &margin(first, "│ "), &margin(rest, "│↪"), Break::Anywhere)
}

#[derive(Default)]
struct Painter<'s> {
    source: &'s str,
    width: u16,
    number: Option<u64>,
    rows: Vec<Row>,
    frames: Vec<Frame>,
    lists: Vec<Option<u64>>,
    inline: Vec<(String, Ink, Context)>,
    styles: Styles,
    links: Vec<(String, usize)>,
    /// A code or HTML block that is being collected, with its info string if it is code.
    verbatim: Option<(String, Option<String>)>,
    table: Option<Table>,
    /// Where the last cell ended.
    cell_end: usize,
}

/// A container: what stands before its rows.
struct Frame {
    first: Option<Piece>,
    rest: Piece,
    empty: bool,
}

#[derive(Default)]
struct Styles {
    strong: usize,
    emphasis: usize,
    strike: usize,
    link: usize,
    heading: bool,
}

impl Styles {
    fn ink(&self) -> Ink {
        match self {
            _ if self.link > 0 => Ink::Link,
            _ if self.strike > 0 => Ink::Strike,
            _ if self.heading => Ink::Heading,
            _ if self.strong > 0 && self.emphasis > 0 => Ink::StrongEmphasis,
            _ if self.strong > 0 => Ink::Strong,
            _ if self.emphasis > 0 => Ink::Emphasis,
            _ => Ink::Plain,
        }
    }
}

impl Painter<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        let start = range.start;
        match event {
            Event::Start(tag) => self.start(tag, start),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) | Event::Html(text) if self.verbatim.is_some() => {
                if let Some((body, _)) = &mut self.verbatim {
                    body.push_str(&text);
                }
            }
            Event::Text(text) => self.text(&text, self.styles.ink()),
            Event::Code(code) => self.text(&code, Ink::InlineCode),
            Event::Html(html) | Event::InlineHtml(html) => self.text(&html, Ink::Dim),
            Event::SoftBreak => self.text(" ", self.styles.ink()),
            Event::HardBreak => self.text("\n", self.styles.ink()),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }, Ink::Bullet),
            Event::Rule => {
                self.flush();
                self.gap(start);
                let room = usize::from(self.room());
                self.emit(&[Piece::new("─".repeat(room.max(1)), Ink::Rule)], Break::Anywhere);
            }
            // Not enabled, so never sent; shown as text if they ever are.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text, Ink::Plain);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, start: usize) {
        match tag {
            Tag::Paragraph => self.begin(start),
            Tag::Heading { level, .. } => {
                self.begin(start);
                self.styles.heading = true;
                self.text(&format!("{} ", "#".repeat(depth(level))), Ink::Heading);
            }
            Tag::BlockQuote(_) => {
                self.begin(start);
                self.frames.push(Frame { first: None, rest: Piece::new("▎ ", Ink::Quote), empty: true });
            }
            Tag::List(first) => {
                self.flush();
                let number = if self.lists.is_empty() { self.number.or(first) } else { first };
                self.lists.push(first.and(number));
            }
            Tag::Item => {
                self.begin(start);
                let marker = self.marker();
                let rest = Piece::new(" ".repeat(marker.chars().count()), Ink::Plain);
                self.frames.push(Frame { first: Some(Piece::new(marker, Ink::Bullet)), rest, empty: true });
            }
            Tag::CodeBlock(kind) => {
                self.begin(start);
                let info = match &kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.verbatim = Some((String::new(), Some(info)));
            }
            Tag::HtmlBlock => {
                self.begin(start);
                self.verbatim = Some((String::new(), None));
            }
            Tag::Table(alignments) => {
                self.begin(start);
                self.table = Some(Table { alignments, lines: Vec::new() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.lines.push(Vec::new());
                }
            }
            Tag::Strong => self.styles.strong += 1,
            Tag::Emphasis => self.styles.emphasis += 1,
            Tag::Strikethrough => self.styles.strike += 1,
            Tag::Link { dest_url, title, .. } => {
                self.styles.link += 1;
                self.links.push((target(&dest_url, &title), self.inline.len()));
            }
            Tag::Image { dest_url, title, .. } => {
                self.text("image: ", Ink::Dim);
                self.links.push((target(&dest_url, &title), self.inline.len()));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.heading = false;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.frames.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => {
                self.flush();
                if self.frames.last().is_some_and(|frame| frame.first.is_some()) {
                    self.emit(&[], Break::Words);
                }
                self.frames.pop();
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock => self.end_verbatim(),
            TagEnd::TableRow | TagEnd::TableHead => self.surplus(range.end),
            TagEnd::TableCell => {
                self.cell_end = range.end;
                let cell = self.take_inline();
                if let Some(line) = self.table.as_mut().and_then(|table| table.lines.last_mut()) {
                    line.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    for row in table.rows(self.room()) {
                        self.emit(&row.pieces, Break::Anywhere);
                    }
                }
            }
            TagEnd::Strong => self.styles.strong = self.styles.strong.saturating_sub(1),
            TagEnd::Emphasis => self.styles.emphasis = self.styles.emphasis.saturating_sub(1),
            TagEnd::Strikethrough => self.styles.strike = self.styles.strike.saturating_sub(1),
            TagEnd::Link => {
                self.styles.link = self.styles.link.saturating_sub(1);
                self.address();
            }
            TagEnd::Image => self.address(),
            _ => {}
        }
    }

    /// The address of the link that ends here, if its text does not already say it.
    fn address(&mut self) {
        let Some((address, start)) = self.links.pop() else { return };
        let said: String = self.inline.iter().skip(start).map(|(text, _, _)| text.as_str()).collect();
        if address.is_empty() || said == address || address.strip_prefix("mailto:") == Some(&said) {
            return;
        }
        self.text(" (", Ink::Dim);
        // An address is read like code: look-alikes and invisible characters in it must show.
        self.inline.push((address, Ink::Dim, Context::Code));
        self.text(")", Ink::Dim);
    }

    /// Cells beyond the header's, which the parser leaves out.
    fn surplus(&mut self, end: usize) {
        let rest = self.source.get(self.cell_end..end).unwrap_or_default();
        let rest = rest.trim_matches(|c: char| c == '|' || c.is_whitespace());
        if let (false, Some(line)) = (rest.is_empty(), self.table.as_mut().and_then(|table| table.lines.last_mut())) {
            line.push(clean(rest, Context::Prose, Ink::Dim));
        }
    }

    fn marker(&mut self) -> String {
        let depth = self.lists.len();
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => ["• ", "◦ ", "▪ "][depth.saturating_sub(1) % 3].to_owned(),
        }
    }

    fn text(&mut self, text: &str, ink: Ink) {
        // A link's own text never joins what was before it, so that `address` can read it back.
        let opens = self.links.last().is_some_and(|(_, start)| *start == self.inline.len());
        match self.inline.last_mut() {
            Some((last, same, Context::Prose)) if *same == ink && !opens => last.push_str(text),
            _ => self.inline.push((text.to_owned(), ink, Context::Prose)),
        }
    }

    fn take_inline(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.inline).iter().flat_map(|(text, ink, context)| clean(text, *context, *ink)).collect()
    }

    /// Ends the paragraph that is being collected, if any.
    fn flush(&mut self) {
        if !self.inline.is_empty() {
            let pieces = self.take_inline();
            self.emit(&pieces, Break::Words);
        }
    }

    fn begin(&mut self, start: usize) {
        self.flush();
        self.gap(start);
    }

    /// An empty row where the source has one between two blocks of a container.
    fn gap(&mut self, start: usize) {
        let first_inside = self.frames.last().is_some_and(|frame| frame.empty);
        if !first_inside && !self.rows.is_empty() && blank_before(self.source, start) {
            let mut margin = self.margin(false);
            while margin.last().is_some_and(|piece| piece.ink == Ink::Plain) {
                margin.pop();
            }
            self.rows.extend(flow(&[], self.width, &margin, &[], Break::Words));
        }
    }

    fn margin(&self, first: bool) -> Vec<Piece> {
        let frames = self.frames.iter().take(DEPTH);
        frames.map(|frame| frame.first.as_ref().filter(|_| first).unwrap_or(&frame.rest).clone()).collect()
    }

    /// The margins of the next rows; the first one takes the list markers that wait.
    fn margins(&mut self) -> (Vec<Piece>, Vec<Piece>) {
        let margins = (self.margin(true), self.margin(false));
        for frame in &mut self.frames {
            frame.first = None;
            frame.empty = false;
        }
        margins
    }

    fn room(&self) -> u16 {
        let margin = usize::from(Row::of(self.margin(false)).width);
        let width = usize::from(self.width);
        width.saturating_sub(margin.min(width - width.min((width / 3).max(4)))) as u16
    }

    fn emit(&mut self, pieces: &[Piece], at: Break) {
        let (first, rest) = self.margins();
        self.rows.extend(flow(pieces, self.width, &first, &rest, at));
    }

    fn end_verbatim(&mut self) {
        let Some((body, info)) = self.verbatim.take() else { return };
        let body = body.strip_suffix('\n').unwrap_or(&body);
        let Some(info) = info else {
            for line in lines(body, Context::Prose, Ink::Dim) {
                self.emit(&line, Break::Words);
            }
            return;
        };
        self.emit(&label(&info), Break::Anywhere);
        let mut lexer = Lexer::new(language(&info));
        for line in body.split('\n') {
            let (first, rest) = self.margins();
            self.rows.extend(code_line(&mut lexer, line, self.width, &first, &rest));
        }
    }
}

/// A link's address, and its title if it has one.
fn target(address: &str, title: &str) -> String {
    if title.is_empty() { address.to_owned() } else { format!("{address} \"{title}\"") }
}

fn depth(level: HeadingLevel) -> usize {
    level as usize
}

/// Whether the line above the one at `start` is empty but for quote marks.
pub(super) fn blank_before(source: &str, start: usize) -> bool {
    let Some(end) = source[..start].rfind('\n') else { return false };
    let line = &source[source[..end].rfind('\n').map_or(0, |at| at + 1)..end];
    line.chars().all(|c| c.is_whitespace() || c == '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<String> {
        render(source, 40).iter().map(Row::text).collect()
    }

    #[test]
    fn an_address_is_printed_unless_the_text_is_it() {
        assert_eq!(shown("[docs](https://a.example/x)"), ["docs (https://a.example/x)"]);
        assert_eq!(shown("<https://a.example>"), ["https://a.example"]);
        assert_eq!(shown("[a](https://gооgle.example)")[0], "a (https://gооgle.example)");
        let rows = render("[a](https://gооgle.example)", 40);
        assert!(rows[0].pieces.contains(&Piece::new("оо", Ink::Marker)), "look-alike letters are marked");
    }

    #[test]
    fn html_definitions_and_comments_are_seen() {
        assert_eq!(shown("<!-- hidden -->"), ["<!-- hidden -->"]);
        assert_eq!(shown("a <b>c</b>"), ["a <b>c</b>"]);
        assert_eq!(shown("[x]: https://a.example 'say'"), ["[x]: https://a.example 'say'"]);
        assert_eq!(shown("[x]: /a\n[x]: /b\n[x]: /c"), ["[x]: /a [x]: /b [x]: /c"]);
        let many = (0..20).map(|n| format!("[x]: /{n}\n")).collect::<String>();
        assert_eq!(shown(&many).last().map(String::as_str), Some("[x]: /19"));
        assert_eq!(shown("[a](/b 'c')"), ["a (/b \"c\")"]);
        assert_eq!(shown("```sh and more\nx")[0], "┌ sh and more");
        assert!(shown("|a|\n|-|\n|b|hidden|").concat().contains("hidden"));
        assert_eq!(shown("- a\n\n  [x]: https://a.example"), ["• a", "", "  [x]: https://a.example"]);
    }

    #[test]
    fn entities_cannot_smuggle_controls() {
        assert_eq!(shown("a&#x1b;[2J &#x202e;b"), ["a␛[2J ⟦RLO⟧b"]);
    }

    #[test]
    fn lists_nest_count_and_keep_their_gaps() {
        let source = "3. a\n3. b\n   - c\n     - [x] d\n\n5. e";
        assert_eq!(shown(source), ["3. a", "4. b", "   ◦ c", "     ▪ [x] d", "", "5. e"]);
    }

    #[test]
    fn quotes_bar_every_row() {
        assert_eq!(shown("> a\n>\n> - b\n> - c"), ["▎ a", "▎ ", "▎ • b", "▎ • c"]);
    }

    #[test]
    fn the_language_is_the_first_word_of_the_info_string() {
        for info in ["python", "python title=x", "{.python}", "python,ignore"] {
            assert_eq!(language(info), "python");
        }
    }
}
