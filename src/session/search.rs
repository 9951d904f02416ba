//! Finding words in the transcript.

use super::transcript::Transcript;

/// Positions of the messages whose text, author or tool traffic fits, oldest first.
pub fn messages_that(transcript: &Transcript, fits: impl Fn(&str) -> bool) -> Vec<usize> {
    transcript
        .entries()
        .iter()
        .enumerate()
        .filter(|(_, entry)| {
            let message = &entry.message;
            fits(&message.content)
                || fits(message.author.name())
                || ((!message.tool_calls.is_empty() || !message.tool_results.is_empty()) && fits(&message.told()))
        })
        .map(|(place, _)| place)
        .collect()
}
