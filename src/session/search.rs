//! Finding words in the transcript.

use super::transcript::Transcript;

/// Positions of the messages that contain `needle`, oldest first. Upper case in the needle makes the search
/// case-sensitive; an empty needle finds nothing.
pub fn messages_with(transcript: &Transcript, needle: &str) -> Vec<usize> {
    if needle.is_empty() {
        return Vec::new();
    }
    let exact = needle.chars().any(char::is_uppercase);
    let lowered = needle.to_lowercase();
    transcript
        .entries()
        .iter()
        .enumerate()
        .filter(|(_, entry)| {
            let message = &entry.message;
            if exact {
                message.content.contains(needle) || message.author.name().contains(needle)
            } else {
                message.content.to_lowercase().contains(&lowered)
                    || message.author.name().to_lowercase().contains(&lowered)
            }
        })
        .map(|(place, _)| place)
        .collect()
}
