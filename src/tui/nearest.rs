//! The nearest valid word, for error messages about names.

/// The candidate that a person most likely meant, if one is near enough to be worth saying.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The line, counted from 1, on which the byte at `offset` stands.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        assert_eq!(nearest("puase", ["pause", "palette", "quit"]), Some("pause"));
        assert_eq!(nearest("xyzzy", ["pause", "quit"]), None);
        assert_eq!(line_of("a\nb\nc", 2), 2);
    }
}
