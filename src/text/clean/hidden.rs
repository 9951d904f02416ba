//! Which characters hide, and what they are called.
//!
//! Classes come from Unicode's own tables (through the `regex` crate) where it has one, so that a character added to
//! a class later is covered; the few lists here are what the tables do not say.

use crate::text::width::{extends, grapheme_width};
use regex::Regex;
use std::sync::LazyLock;

#[allow(clippy::unwrap_used)] // The patterns are constants; a test compiles them.
fn class(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// Controls, format characters, separators and what Unicode says to ignore when it cannot be drawn; and the braille
/// blank. Format characters that are drawn (Arabic number signs and the like) are not meant.
static PROSE: LazyLock<Regex> = LazyLock::new(|| {
    class(
        r"[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\x{2800}]--[\x{600}-\x{605}\x{6DD}\x{70F}\x{890}\x{891}\x{8E2}\x{110BD}\x{110CD}]]",
    )
});

/// Everything without a glyph of its own: also spaces that are not ASCII, marks, private use and unassigned.
static CODE: LazyLock<Regex> =
    LazyLock::new(|| class(r"[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\x{2800}\x{1D159}\x{FFFC}]"));

static PICTOGRAPH: LazyLock<Regex> = LazyLock::new(|| class(r"\p{Extended_Pictographic}"));
static EMOJI: LazyLock<Regex> = LazyLock::new(|| class(r"\p{Emoji}"));

fn is(regex: &Regex, c: char) -> bool {
    regex.is_match(c.encode_utf8(&mut [0; 4]))
}

/// Blocks of which nothing hides: the short way for most of what people write.
fn is_common(c: char) -> bool {
    matches!(u32::from(c),
        0x20..=0x7e | 0xa0..=0xac | 0xae..=0x34e | 0x370..=0x5ff | 0x3040..=0x312f | 0x4e00..=0x9fff
        | 0xac00..=0xd7a3 | 0x1f300..=0x1faff)
}

/// Whether the character at a place of a grapheme must be shown by a token in prose.
pub(super) fn in_prose(grapheme: &[char], at: usize) -> bool {
    let c = grapheme[at];
    if is_common(c) {
        return false;
    }
    let before = at.checked_sub(1).map(|at| grapheme[at]);
    match c {
        '\u{200d}' => {
            let base = grapheme[..at].iter().rev().find(|c| !matches!(**c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'));
            let joined = grapheme.get(at + 1).is_some_and(|c| is(&PICTOGRAPH, *c));
            let in_emoji = joined && base.is_some_and(|c| is(&PICTOGRAPH, *c));
            !in_emoji && !before.is_some_and(needs_joiners)
        }
        '\u{200c}' => !before.is_some_and(needs_joiners),
        '\u{fe0e}' | '\u{fe0f}' => !before.is_some_and(|c| is(&EMOJI, c)),
        '\u{fe00}'..='\u{fe0d}' => {
            !before.is_some_and(|c| is_ideograph(c) || matches!(c, '\u{1000}'..='\u{109f}' | '\u{2200}'..='\u{22ff}'))
        }
        '\u{e0100}'..='\u{e01ef}' => !before.is_some_and(is_ideograph),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => !before.is_some_and(|c| matches!(c, '\u{1820}'..='\u{18aa}')),
        _ => is(&PROSE, c),
    }
}

/// Scripts whose spelling uses ZWJ and ZWNJ: Arabic, Syriac, N'Ko and the Indic ones (Unicode 23.2).
fn needs_joiners(c: char) -> bool {
    matches!(u32::from(c),
        0x620..=0x6d3 | 0x6ee..=0x6ff | 0x710..=0x74f | 0x750..=0x77f | 0x7ca..=0x7ea | 0x8a0..=0x8c9
        | 0x900..=0xdff | 0x1000..=0x109f | 0x1780..=0x17b3 | 0x17b6..=0x17d3 | 0x1820..=0x18aa)
}

fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3fffd)
}

/// Whether a character has a glyph and a cell of its own, whatever stands before it.
pub(super) fn stands_alone(c: char) -> bool {
    match c {
        '!'..='~' => true,
        _ if c.is_ascii() => false,
        // Planes 4 and up hold tags, selectors, private use, and nothing that is drawn.
        '\u{40000}'.. => false,
        _ => !is(&CODE, c) && grapheme_width(c.encode_utf8(&mut [0; 4])) > 0 && !extends(c),
    }
}

/// The characters that tokens are made of. In code they are never shown as themselves.
pub(super) fn is_vocabulary(c: char) -> bool {
    matches!(c, '⟦' | '⟧' | '→' | '\u{2400}'..='\u{2426}')
}

/// The picture of a control character, `␛` for ESC.
pub(super) fn picture(c: char) -> Option<char> {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)),
        '\x7f' => Some('␡'),
        _ => None,
    }
}

/// The name of a hidden character: its usual abbreviation, else its code.
pub(super) fn name(c: char) -> String {
    let known = match c {
        '\u{a0}' => "NBSP",
        '\u{ad}' => "SHY",
        '\u{61c}' => "ALM",
        '\u{200b}' => "ZWSP",
        '\u{200c}' => "ZWNJ",
        '\u{200d}' => "ZWJ",
        '\u{200e}' => "LRM",
        '\u{200f}' => "RLM",
        '\u{202a}' => "LRE",
        '\u{202b}' => "RLE",
        '\u{202c}' => "PDF",
        '\u{202d}' => "LRO",
        '\u{202e}' => "RLO",
        '\u{2028}' => "LSEP",
        '\u{2029}' => "PSEP",
        '\u{2060}' => "WJ",
        '\u{2066}' => "LRI",
        '\u{2067}' => "RLI",
        '\u{2068}' => "FSI",
        '\u{2069}' => "PDI",
        '\u{feff}' => "BOM",
        _ => return format!("U+{:04X}", u32::from(c)),
    };
    known.to_owned()
}
