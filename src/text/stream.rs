//! A message that grows: closed blocks are laid out once and kept, only the open end is laid out again.
//!
//! A *unit* is a top-level block, or an item of a top-level list; a top-level fence is taken line by line. A unit is
//! closed when the first line of the next one is complete, because a line that has ended cannot change what it began.
//! Every unit is parsed by itself, so what comes later cannot reach back (reference links and their definitions stay
//! text). Hence the rows depend on the text alone, not on how it arrived, and the cost is linear but for a unit
//! that stays open long - a table, a nested block, one huge paragraph.

use super::Row;
use super::highlight::Lexer;
use super::markdown::{blank_before, block, code_line, label, language};
use super::units::{Kind, Unit, units};
use super::wrap::{Break, flow};

/// Markdown that arrives in parts.
#[derive(Debug, Clone, Default)]
pub struct Streamed {
    /// The text with every line end as `\n`; the raw text is the message's.
    source: String,
    after_cr: bool,
    main: Lane,
    /// The rows of agent panes, which have another width.
    side: Lane,
}

impl Streamed {
    /// Appends what arrived.
    pub fn push(&mut self, text: &str) {
        for (n, part) in text.split('\r').enumerate() {
            if n > 0 {
                self.source.push('\n');
                self.after_cr = true;
            }
            let new = if self.after_cr { part.strip_prefix('\n').unwrap_or(part) } else { part };
            if !part.is_empty() {
                self.after_cr = false;
            }
            self.source.push_str(new);
        }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether nothing has arrived.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// All rows at a width. Another width than before lays out everything once.
    pub fn rows(&mut self, width: u16) -> &[Row] {
        self.main.update(&self.source, width);
        &self.main.rows
    }

    /// The last `n` rows at a width, which may differ from that of [`Self::rows`] without costing it anything.
    pub fn tail(&mut self, width: u16, n: usize) -> Vec<Row> {
        let lane = if self.main.width == Some(width) { &mut self.main } else { &mut self.side };
        lane.update(&self.source, width);
        lane.rows[lane.rows.len().saturating_sub(n)..].to_vec()
    }

    /// All rows at a width, when nothing more will come.
    pub fn into_rows(mut self, width: u16) -> Vec<Row> {
        self.main.update(&self.source, width);
        self.main.rows
    }
}

/// The rows at one width.
#[derive(Debug, Clone, Default)]
struct Lane {
    width: Option<u16>,
    rows: Vec<Row>,
    /// Rows that will not change.
    stable: usize,
    /// Bytes of the source that they show.
    closed: usize,
    /// Bytes of the source when last updated.
    seen: usize,
    /// If the open end begins inside a list: the number its first item takes (0 for bullets).
    number: Option<u64>,
    fence: Option<Fence>,
}

/// A top-level fence that is being read.
#[derive(Debug, Clone)]
struct Fence {
    mark: char,
    length: usize,
    indent: usize,
    lexer: Lexer,
}

impl Lane {
    fn update(&mut self, source: &str, width: u16) {
        if self.width != Some(width) {
            *self = Self { width: Some(width), ..Self::default() };
        } else if self.seen == source.len() {
            return;
        }
        self.seen = source.len();
        self.rows.truncate(self.stable);
        loop {
            if self.fence.is_some() && !self.read_fence(source, width) {
                return;
            }
            if !self.read_units(source, width) {
                return;
            }
        }
    }

    /// Lays out the units after `closed`. True if a fence ended where the parser does not say so: begin again there.
    fn read_units(&mut self, source: &str, width: u16) -> bool {
        let base = self.closed;
        let mut found = units(&source[base..]);
        if let Some(number) = self.number {
            continue_list(&mut found, number);
        }
        for (n, unit) in found.iter().enumerate() {
            let start = base + unit.start;
            if start < self.closed {
                return true;
            }
            let next = found.get(n + 1);
            if unit.kind == Kind::Fence && self.open_fence(source, start, width) {
                if !self.read_fence(source, width) {
                    return false;
                }
                continue;
            }
            let end = next.map_or(source.len(), |next| base + next.start);
            self.show(source, start, end, unit, width);
            let Some(next) = next.filter(|_| source[end..].contains('\n')) else { continue };
            self.stable = self.rows.len();
            self.closed = end;
            self.number = match next.kind {
                Kind::Item { number, follows: true } => Some(number.unwrap_or(0)),
                _ => None,
            };
        }
        // What a fence left over is not blank only if the parser had given it to the fence.
        let unread = found.last().is_some_and(|unit| base + unit.start < self.closed);
        unread && !source[self.closed..].trim().is_empty()
    }

    fn show(&mut self, source: &str, start: usize, end: usize, unit: &Unit, width: u16) {
        let text = &source[start..end];
        let (number, close) = match unit.kind {
            Kind::Item { number, follows } => (number, follows),
            Kind::Block | Kind::Fence => (None, false),
        };
        let rows = block(text, width, number);
        if !rows.is_empty() {
            self.gap(!close || blank_before(source, start));
            self.rows.extend(rows);
        }
    }

    fn gap(&mut self, wanted: bool) {
        if wanted && !self.rows.is_empty() {
            self.rows.push(Row::default());
        }
    }

    /// Begins a fence if its first line is complete.
    fn open_fence(&mut self, source: &str, start: usize, width: u16) -> bool {
        let Some(length) = source[start..].find('\n') else { return false };
        let line = &source[start..start + length];
        let text = line.trim_start_matches(' ');
        let Some(mark) = text.chars().next().filter(|c| matches!(c, '`' | '~')) else { return false };
        let info = text.trim_start_matches(mark);
        let language = language(info);
        self.gap(true);
        self.rows.extend(flow(&label(info), width, &[], &[], Break::Anywhere));
        self.stable = self.rows.len();
        self.closed = start + length + 1;
        self.number = None;
        let fence = Fence {
            mark,
            length: text.len() - info.len(),
            indent: line.len() - text.len(),
            lexer: Lexer::new(language),
        };
        self.fence = Some(fence);
        true
    }

    /// Lays out the lines of the open fence. True if it ended.
    fn read_fence(&mut self, source: &str, width: u16) -> bool {
        let Some(mut fence) = self.fence.take() else { return true };
        while let Some(length) = source[self.closed..].find('\n') {
            let line = &source[self.closed..self.closed + length];
            self.closed += length + 1;
            if fence.is_end(line) {
                self.stable = self.rows.len();
                return true;
            }
            let line = fence.dedent(line);
            self.rows.extend(code_line(&mut fence.lexer, line, width, &[], &[]));
        }
        self.stable = self.rows.len();
        let line = &source[self.closed..];
        if !line.is_empty() && !fence.is_end(line) {
            let mut lexer = fence.lexer.clone();
            self.rows.extend(code_line(&mut lexer, fence.dedent(line), width, &[], &[]));
        }
        self.fence = Some(fence);
        false
    }
}

impl Fence {
    fn is_end(&self, line: &str) -> bool {
        let text = line.trim_start_matches(' ');
        let marks = text.chars().take_while(|c| *c == self.mark).count();
        line.len() - text.len() < 4 && marks >= self.length && text[marks..].trim_matches([' ', '\t']).is_empty()
    }

    fn dedent<'a>(&self, line: &'a str) -> &'a str {
        let spaces = line.bytes().take_while(|byte| *byte == b' ').count();
        &line[spaces.min(self.indent)..]
    }
}

/// Numbers the items at the start as the continuation of a list whose beginning is already closed.
fn continue_list(units: &mut [Unit], first: u64) {
    for (n, unit) in units.iter_mut().enumerate() {
        let Kind::Item { number, follows } = &mut unit.kind else { return };
        if n > 0 && !*follows {
            return;
        }
        *follows = true;
        *number = number.map(|_| first.saturating_add(n as u64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stays open is what is laid out again on every frame: it must not grow with the message.
    #[test]
    fn only_the_last_unit_or_line_stays_open() {
        let long = |head: &str, line: &str| format!("{head}{}", line.repeat(2_000));
        for (text, most) in [
            (long("```python\n", "    return [x]\n"), 0),
            (long("", "- an item\n"), 10),
            (long("", "1. an item\n   - and one in it\n\n"), 32),
            (long("", "A paragraph.\n\n```sh\nls\n```\n"), 0),
            (long("", "A paragraph.\n\n"), 14),
        ] {
            let mut streamed = Streamed::default();
            for part in text.split_inclusive(' ').collect::<Vec<_>>().chunks(50) {
                streamed.push(&part.concat());
                streamed.rows(80);
            }
            let open = text.len() - streamed.main.closed;
            assert!(open <= most, "{open} bytes are open after {:?}", &text[..20]);
        }
    }

    #[test]
    fn every_line_end_is_one_however_it_is_cut() {
        let mut streamed = Streamed::default();
        for part in ["a\r", "\nb\r", "c", "\r\r\n", "", "\nd"] {
            streamed.push(part);
        }
        assert_eq!(streamed.source, "a\nb\nc\n\n\nd");
    }

    #[test]
    fn a_second_width_keeps_rows_of_its_own() {
        let mut streamed = Streamed::default();
        streamed.push("one two three four\n\nfive");
        let wide = streamed.rows(80).len();
        assert_eq!(streamed.tail(8, 2).last().map(Row::text).as_deref(), Some("five"));
        assert_eq!((streamed.main.width, streamed.side.width), (Some(80), Some(8)));
        assert_eq!(streamed.rows(80).len(), wide);
    }
}
