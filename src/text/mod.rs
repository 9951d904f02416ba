//! The text layer: from any text a model, tool or program wrote to rows that are safe to draw.
//!
//! Pure: no I/O, no clock, no colour - a [`Piece`] says what a stretch of text *is* ([`Ink`]), the theme says how that
//! looks. It imports nothing of ours. Everything shown passes [`clean`] first (nothing can act on the terminal or
//! hide), is measured by [`width`] alone and folded by [`wrap`] alone; nobody wraps a [`Row`] again. To add a kind of
//! text, add an [`Ink`]; to add a language, add a row to `languages.rs`; to add a block of markdown, add it to
//! `markdown.rs`, from where [`stream`] takes it.

pub mod clean;
pub mod code;
pub mod diff;
pub mod facts;
pub mod highlight;
mod languages;
pub mod markdown;
pub mod search;
pub mod side;
pub mod stream;
mod table;
mod units;
pub mod width;
pub mod wrap;

/// What a stretch of text is. The theme maps it to a look; meaning never hangs on the look alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Ink {
    /// Running text.
    #[default]
    Plain,
    /// Said in passing: an address after a link, HTML, a note of ours.
    Dim,
    /// `**strong**`
    Strong,
    /// `*emphasis*`
    Emphasis,
    /// `***both***`
    StrongEmphasis,
    /// `~~struck out~~`
    Strike,
    /// A heading, its `#` marks included.
    Heading,
    /// The bar before a quote.
    Quote,
    /// A list marker or a task box.
    Bullet,
    /// A thematic break.
    Rule,
    /// The text of a link.
    Link,
    /// `` `code` `` within a line.
    InlineCode,
    /// Code without a closer description.
    Code,
    /// A keyword, or a key of a data format.
    Keyword,
    /// A string literal.
    Str,
    /// A number.
    Number,
    /// A comment.
    Comment,
    /// A function's name where it is defined or called.
    Function,
    /// An added line of a diff.
    Added,
    /// A removed line of a diff.
    Removed,
    /// A character made visible, or a note that something was folded. Never the author's own words.
    Marker,
    /// The gutter and label of a code block, a line number.
    Fence,
    /// The lines of a table.
    TableBorder,
    /// A search hit.
    Match,
}

/// A stretch of text of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Piece {
    /// The text. In a [`Row`] it holds no control character.
    pub text: String,
    /// What it is.
    pub ink: Ink,
}

impl Piece {
    /// A piece of the given text and kind.
    pub fn new(text: impl Into<String>, ink: Ink) -> Self {
        Self { text: text.into(), ink }
    }
}

/// One row of the screen, never wider than was asked, safe to draw as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Row {
    /// From left to right.
    pub pieces: Vec<Piece>,
    /// Cells taken.
    pub width: u16,
}

impl Row {
    /// A row of these pieces, measured.
    pub fn of(pieces: Vec<Piece>) -> Self {
        let cells: usize = pieces.iter().map(|piece| width::width(&piece.text)).sum();
        Self { pieces, width: u16::try_from(cells).unwrap_or(u16::MAX) }
    }

    /// The row's text without its kinds.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}
