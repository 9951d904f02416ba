//! Search hits, marked in rows that are already laid out.

use super::width::graphemes;
use super::{Ink, Piece, Row};

/// Marks every occurrence of `needle` with [`Ink::Match`] and says how many there are. Case counts only if the needle
/// has an upper-case letter. A hit that crosses the end of a row is not marked: search the text, mark the screen.
pub fn highlight(rows: &mut [Row], needle: &str) -> usize {
    let exact = needle.chars().any(char::is_uppercase);
    let wanted: Vec<char> = if exact { needle.chars().collect() } else { needle.chars().flat_map(lower).collect() };
    if wanted.is_empty() {
        return 0;
    }
    rows.iter_mut().map(|row| mark(row, &wanted, exact)).sum()
}

fn lower(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase()
}

fn mark(row: &mut Row, wanted: &[char], exact: bool) -> usize {
    // Every folded character with the number of the grapheme it came from: whole graphemes are marked, or widths shift.
    let mut folded: Vec<(char, usize)> = Vec::new();
    let mut clusters: Vec<(&str, Ink)> = Vec::new();
    for piece in &row.pieces {
        for cluster in graphemes(&piece.text) {
            for c in cluster.chars() {
                if exact {
                    folded.push((c, clusters.len()));
                } else {
                    folded.extend(lower(c).map(|c| (c, clusters.len())));
                }
            }
            clusters.push((cluster, piece.ink));
        }
    }
    let mut hits = 0;
    let mut at = 0;
    while at + wanted.len() <= folded.len() {
        let window = &folded[at..at + wanted.len()];
        if window.iter().map(|(c, _)| c).eq(wanted.iter()) {
            let (from, to) = (window[0].1, window[wanted.len() - 1].1);
            clusters[from..=to].iter_mut().for_each(|cluster| cluster.1 = Ink::Match);
            hits += 1;
            at += wanted.len();
        } else {
            at += 1;
        }
    }
    if hits > 0 {
        let mut pieces: Vec<Piece> = Vec::new();
        for (cluster, ink) in clusters {
            match pieces.last_mut() {
                Some(last) if last.ink == ink => last.text.push_str(cluster),
                _ => pieces.push(Piece::new(cluster, ink)),
            }
        }
        row.pieces = pieces;
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row::of(vec![Piece::new("Say he", Ink::Plain), Piece::new("llo, HELLO", Ink::Strong)])
    }

    #[test]
    fn a_lower_case_needle_finds_any_case_across_pieces() {
        let mut rows = [row()];
        assert_eq!(highlight(&mut rows, "hello"), 2);
        let hits: Vec<_> = rows[0].pieces.iter().filter(|piece| piece.ink == Ink::Match).collect();
        assert_eq!(hits.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>(), ["hello", "HELLO"]);
        assert_eq!(rows[0].text(), row().text());
    }

    #[test]
    fn an_upper_case_letter_makes_case_count() {
        assert_eq!(highlight(&mut [row()], "HEL"), 1);
        assert_eq!(highlight(&mut [row()], ""), 0);
    }

    #[test]
    fn a_hit_on_half_a_cluster_marks_the_whole() {
        let mut rows = [Row::of(vec![Piece::new("cafe\u{301}!", Ink::Plain)])];
        assert_eq!(highlight(&mut rows, "cafe"), 1);
        assert_eq!(rows[0].pieces[0], Piece::new("cafe\u{301}", Ink::Match));
    }
}
