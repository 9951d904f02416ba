//! Finding agents' names in a selector's answer.

use crate::chat::Name;

/// Which of `names` the text mentions, and how often, in the order of `names`.
///
/// AG2's rule - a name, or the name with `_` as a blank or as `\_`, with no word character on either side, case and
/// all - with one repair: longer names take their place in the text first, so that `bob jr` is not also `bob`
/// (reference: ag2-semantics 2.5, mention rule).
pub fn mentions(text: &str, names: &[Name]) -> Vec<(Name, u32)> {
    let mut spellings: Vec<(usize, String)> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let mut forms = vec![name.to_string(), name.replace('_', " "), name.replace('_', "\\_")];
        // A blank at an end is no part of a name: `Coder_` must not be found in "Coder goes on".
        forms.retain(|form| form.trim() == form);
        forms.dedup();
        spellings.extend(forms.into_iter().map(|form| (place, form)));
    }
    spellings.sort_by_key(|(_, form)| std::cmp::Reverse(form.len()));
    let mut taken = vec![false; text.len()];
    let mut counts = vec![0u32; names.len()];
    for (place, form) in &spellings {
        for (at, _) in text.match_indices(form.as_str()) {
            let end = at + form.len();
            let before = text[..at].chars().next_back();
            let after = text[end..].chars().next();
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            if word(before) || word(after) || taken[at..end].iter().any(|taken| *taken) {
                continue;
            }
            taken[at..end].fill(true);
            counts[*place] += 1;
        }
    }
    names.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect()
}
