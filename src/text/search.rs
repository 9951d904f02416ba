//! What is searched for, and its hits marked in rows that are already laid out.

use super::width::graphemes;
use super::{Ink, Piece, Row};
use regex::{Regex, RegexBuilder};

/// Most bytes a compiled expression may take: a typed line cannot fill memory.
const SIZE_LIMIT: usize = 1 << 20;

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Needle(Regex);

impl Needle {
    /// These very words. Case counts only if they have an upper-case letter. `None` for no words at all.
    pub fn words(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut builder = RegexBuilder::new(&regex::escape(text));
        builder.case_insensitive(!text.chars().any(char::is_uppercase));
        // Escaped words always compile, unless they are longer than anyone types.
        builder.build().ok().map(Needle)
    }

    /// A regular expression; case counts as for words.
    ///
    /// # Errors
    /// When it is none: the first line of what is wrong with it.
    pub fn expression(text: &str) -> Result<Self, String> {
        let mut builder = RegexBuilder::new(text);
        // An escape such as \S has an upper-case letter that is none of the words.
        let mut last = ' ';
        let upper = text.chars().any(|c| std::mem::replace(&mut last, c) != '\\' && c.is_uppercase());
        builder.case_insensitive(!upper).size_limit(SIZE_LIMIT);
        builder.build().map(Needle).map_err(|error| {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })
    }

    /// Whether it stands in this text.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Marks every occurrence with [`Ink::Match`] and says how many there are. A hit that crosses the end of a row is not
/// marked: search the text, mark the screen.
pub fn highlight(rows: &mut [Row], needle: &Needle) -> usize {
    rows.iter_mut().map(|row| mark(row, needle)).sum()
}

fn mark(row: &mut Row, needle: &Needle) -> usize {
    let text = row.text();
    let hits: Vec<(usize, usize)> =
        needle.0.find_iter(&text).map(|hit| (hit.start(), hit.end())).filter(|(from, to)| from < to).collect();
    if hits.is_empty() {
        return 0;
    }
    // Whole graphemes are marked, or widths shift.
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    let mut next = hits.iter().peekable();
    for piece in &row.pieces {
        for cluster in graphemes(&piece.text) {
            let (from, to) = (at, at + cluster.len());
            at = to;
            while next.next_if(|hit| hit.1 <= from).is_some() {}
            let hit = next.peek().is_some_and(|hit| hit.0 < to);
            let ink = if hit { Ink::Match } else { piece.ink };
            match pieces.last_mut() {
                Some(last) if last.ink == ink => last.text.push_str(cluster),
                _ => pieces.push(Piece::new(cluster, ink)),
            }
        }
    }
    row.pieces = pieces;
    hits.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row::of(vec![Piece::new("Say he", Ink::Plain), Piece::new("llo, HELLO", Ink::Strong)])
    }

    fn words(text: &str) -> Needle {
        Needle::words(text).unwrap()
    }

    #[test]
    fn a_lower_case_needle_finds_any_case_across_pieces() {
        let mut rows = [row()];
        assert_eq!(highlight(&mut rows, &words("hello")), 2);
        let hits: Vec<_> = rows[0].pieces.iter().filter(|piece| piece.ink == Ink::Match).collect();
        assert_eq!(hits.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>(), ["hello", "HELLO"]);
        assert_eq!(rows[0].text(), row().text());
    }

    #[test]
    fn an_upper_case_letter_makes_case_count() {
        assert_eq!(highlight(&mut [row()], &words("HEL")), 1);
        assert!(Needle::words("").is_none());
    }

    #[test]
    fn a_hit_on_half_a_cluster_marks_the_whole() {
        let mut rows = [Row::of(vec![Piece::new("cafe\u{301}!", Ink::Plain)])];
        assert_eq!(highlight(&mut rows, &words("cafe")), 1);
        assert_eq!(rows[0].pieces[0], Piece::new("cafe\u{301}", Ink::Match));
    }

    #[test]
    fn an_expression_finds_and_says_what_is_wrong_with_it() {
        let needle = Needle::expression(r"h\S+o\b").unwrap();
        assert_eq!(highlight(&mut [row()], &needle), 2, "\\S does not make case count");
        assert_eq!(highlight(&mut [row()], &Needle::expression("x*").unwrap()), 0, "nothing is no hit");
        assert!(Needle::expression("(a").unwrap_err().contains("unclosed group"));
        assert!(words("a.b").is_in("A.B") && !words("a.b").is_in("axb"));
    }
}
