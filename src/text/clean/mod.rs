//! Makes text harmless and visible: nothing that passes here can act on the terminal or hide from the reader.
//!
//! Nothing is dropped silently. What cannot be drawn, or would be drawn as nothing, becomes a token (`␛`, `⟦RLO⟧`,
//! `⟦U+E0063⟧`, runs with a count: `⟦RLO ×7⟧`) that carries [`Ink::Marker`]. Raw text is never changed, only what is
//! shown. It imports only the measure; what counts as hidden is in `hidden.rs`, and a new class of it goes there.
//! Sources: Trojan Source (CVE-2021-42574), "ASCII smuggling" by tag characters, reliability-security 1.1, 1.2, 1.4.

mod hidden;
mod output;

use super::width::{GRAPHEME_BYTES, GRAPHEME_CELLS, GRAPHEME_CHARS, extends, grapheme_width, graphemes, width};
use super::{Ink, Piece};

/// What a text is, which decides how strictly it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// What agents say. Tabs become spaces; joiners and selectors stay where a script or an emoji needs them; CR LF is
    /// a line end. Cleaning twice changes nothing.
    Prose,
    /// What is about to run. Every character stands for itself or is shown by its code, a tab as `→`, CR as `␍`; all
    /// that is not printable ASCII carries [`Ink::Marker`]. Two different texts never show the same, even without
    /// colour; so the characters that tokens are made of are themselves shown by their codes, and (for that reason)
    /// cleaning twice is not the same as once.
    Code,
    /// What a program printed. As prose; a CR within a line writes over the line, colours (SGR) are left out.
    Output,
}

/// Columns between tab stops.
const TAB: usize = 4;

/// The text as pieces: ordinary stretches in `ink`, tokens in [`Ink::Marker`]. The only control character left is `\n`.
pub fn clean(text: &str, context: Context, ink: Ink) -> Vec<Piece> {
    let mut out = Out::new(ink);
    match context {
        Context::Prose => out.all(text, Out::prose),
        Context::Code => out.all(text, Out::code),
        Context::Output => out.all(&output::settle(text), Out::prose),
    }
    out.finish()
}

/// The text line by line, as [`clean`] shows it. Always at least one line.
pub fn lines(text: &str, context: Context, ink: Ink) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    for piece in clean(text, context, ink) {
        for (n, part) in piece.text.split('\n').enumerate() {
            if n > 0 {
                lines.push(Vec::new());
            }
            if let (false, Some(line)) = (part.is_empty(), lines.last_mut()) {
                line.push(Piece::new(part, piece.ink));
            }
        }
    }
    lines
}

/// A name, title or path as one harmless line: line ends are shown as `␊`, everything hidden by its code.
pub fn one_line(text: &str) -> String {
    clean(text, Context::Prose, Ink::Plain).into_iter().map(|piece| piece.text.replace('\n', "␊")).collect()
}

/// The text with its line ends, harmless, without its kinds: for files and pipes.
pub fn plain(text: &str, context: Context) -> String {
    clean(text, context, Ink::Plain).into_iter().map(|piece| piece.text).collect()
}

/// A value as one line of JSON in which every character that hides or acts is escaped: it may be read in a terminal.
///
/// # Errors
/// When the value has no JSON form.
pub fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string(value)?;
    let mut text = String::with_capacity(plain.len());
    let mut units = [0; 2];
    for c in plain.chars() {
        // Outside of strings JSON is ASCII, so an escape can only fall inside one.
        if c.is_ascii() && c != '\u{7f}' || is_visible(c) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Ok(text)
}

/// Whether a reader would see this character in running text, by itself.
pub fn is_visible(c: char) -> bool {
    c == ' ' || c == '\n' || hidden::stands_alone(c)
}

struct Out {
    pieces: Vec<Piece>,
    ink: Ink,
    /// Cells since the last line end, for tab stops.
    column: usize,
    /// A token not yet written, with the length of its run.
    run: Option<(char, usize)>,
}

impl Out {
    fn new(ink: Ink) -> Self {
        Self { pieces: Vec::new(), ink, column: 0, run: None }
    }

    fn all(&mut self, text: &str, grapheme: fn(&mut Self, &str)) {
        let mut rest = text;
        while !rest.is_empty() {
            let printable = rest.bytes().take_while(|byte| (0x20..0x7f).contains(byte)).count();
            // The last ASCII character may be the base of a cluster.
            let whole = rest.as_bytes().get(printable).is_none_or(u8::is_ascii);
            let plain = if whole { printable } else { printable.saturating_sub(1) };
            if plain > 0 {
                self.plain(&rest[..plain], self.ink, plain);
                rest = &rest[plain..];
            }
            if let Some(next) = graphemes(rest).next() {
                grapheme(self, next);
                rest = &rest[next.len()..];
            }
        }
    }

    fn plain(&mut self, text: &str, ink: Ink, cells: usize) {
        self.settle();
        self.write(text, ink);
        self.column += cells;
    }

    fn write(&mut self, text: &str, ink: Ink) {
        match self.pieces.last_mut() {
            Some(last) if last.ink == ink => last.text.push_str(text),
            _ => self.pieces.push(Piece::new(text, ink)),
        }
    }

    fn newline(&mut self) {
        self.plain("\n", self.ink, 0);
        self.column = 0;
    }

    fn token(&mut self, c: char) {
        match &mut self.run {
            Some((last, count)) if *last == c => *count += 1,
            _ => {
                self.settle();
                self.run = Some((c, 1));
            }
        }
    }

    /// Writes the token that waits for the end of its run.
    fn settle(&mut self) {
        if let Some((c, count)) = self.run.take() {
            let text = match (hidden::picture(c), count) {
                (Some(picture), 1) => picture.to_string(),
                (Some(picture), _) => format!("⟦{picture} ×{count}⟧"),
                (None, 1) => format!("⟦{}⟧", hidden::name(c)),
                (None, _) => format!("⟦{} ×{count}⟧", hidden::name(c)),
            };
            self.column += width(&text);
            self.write(&text, Ink::Marker);
        }
    }

    /// Whether the text so far ends at a place that a combining character must not join.
    fn at_edge(&self) -> bool {
        self.run.is_some()
            || self.pieces.last().is_none_or(|piece| piece.ink == Ink::Marker || piece.text.ends_with('\n'))
    }

    fn prose(&mut self, grapheme: &str) {
        match grapheme {
            "\n" | "\r\n" => return self.newline(),
            "\t" => {
                self.settle();
                let cells = TAB - self.column % TAB;
                return self.plain(&" ".repeat(cells), self.ink, cells);
            }
            _ => {}
        }
        let chars: Vec<char> = grapheme.chars().take(GRAPHEME_CHARS + 1).collect();
        let loose = grapheme_width(grapheme) == 0 || (self.at_edge() && chars.first().is_some_and(|c| extends(*c)));
        let mut kept = String::new();
        for (at, c) in grapheme.chars().enumerate() {
            if loose || (at < GRAPHEME_CHARS && hidden::in_prose(&chars, at)) {
                // What follows a token in the same cluster would join the token's bracket.
                self.keep(&kept);
                return grapheme.chars().skip(at).for_each(|c| self.token(c));
            }
            let before = kept.len();
            kept.push(c);
            if at >= GRAPHEME_CHARS || kept.len() > GRAPHEME_BYTES || grapheme_width(&kept) > GRAPHEME_CELLS {
                kept.truncate(before);
                // A joiner without what it joins would be hidden.
                let whole = kept.trim_end_matches('\u{200d}').len();
                kept.truncate(whole);
                self.keep(&kept);
                self.settle();
                let note = format!("⟦+{}⟧", grapheme.chars().count() - kept.chars().count());
                return self.plain(&note, Ink::Marker, note.chars().count());
            }
        }
        self.keep(&kept);
    }

    /// Writes the kept part of a cluster, or tokens if nothing of it would be seen.
    fn keep(&mut self, kept: &str) {
        match grapheme_width(kept) {
            0 => kept.chars().for_each(|c| self.token(c)),
            cells => self.plain(kept, self.ink, cells),
        }
    }

    fn code(&mut self, grapheme: &str) {
        for (at, c) in grapheme.chars().enumerate() {
            match c {
                '\n' => self.newline(),
                '\t' => {
                    self.settle();
                    let cells = TAB - self.column % TAB;
                    self.plain("→", Ink::Marker, 1);
                    if cells > 1 {
                        self.plain(&" ".repeat(cells - 1), self.ink, cells - 1);
                    }
                }
                ' '..='~' => self.plain(c.encode_utf8(&mut [0; 4]), self.ink, 1),
                // Only the first of a cluster stands for itself: e + accent and é must not look alike.
                _ if at == 0 && hidden::stands_alone(c) && !hidden::is_vocabulary(c) => {
                    let mut buffer = [0; 4];
                    let text = c.encode_utf8(&mut buffer);
                    self.plain(text, Ink::Marker, grapheme_width(text));
                }
                _ => self.token(c),
            }
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.settle();
        self.pieces
    }
}

#[cfg(test)]
mod tests;
