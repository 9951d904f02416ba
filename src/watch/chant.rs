//! D16: a stream repeats itself within one message (Gemini CLI's rule: 50 characters, ten times, close together).

use super::row::{Row, Seen, limits};
use super::view::View;
use crate::chat::watch::{Level, Threshold};
use std::collections::HashMap;

pub(super) const ROW: Row = Row {
    id: "D16",
    name: "chanting",
    about: "one answer says the same 50 characters over and over, ten times within a short space (30 times inside a code fence; a ruled line or a row of zeros only after 1,000 characters)",
    progress: false,
    thresholds: limits(1, None, Some(1)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let (message, chanted) = view.chant()?;
    let newest = view.tail().back().filter(|step| step.place.message == *message)?;
    Some(Seen {
        text: format!("{} says “{}” {} times in one message", newest.speaker, chanted.sample, chanted.times),
        count: 1,
        at: vec![*message],
        agent: Some(newest.speaker.clone()),
        pattern: super::view::words::hash(&chanted.sample),
        most: Level::Hold,
    })
}

/// A text that repeats itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chanted {
    /// What is repeated, cut short.
    pub sample: String,
    /// How often it was heard.
    pub times: usize,
    /// Whether it stands inside a fence, where more may repeat.
    pub fenced: bool,
}

/// What whoever listens to a stream has to know of this detector.
#[derive(Debug, Clone, Copy)]
pub struct Chanting;

impl Chanting {
    /// `D16`.
    pub fn id(self) -> &'static str {
        ROW.id
    }

    /// `D16 chanting`.
    pub fn title(self) -> String {
        ROW.title()
    }

    /// From which count on it is how grave.
    pub fn thresholds(self) -> Threshold {
        ROW.thresholds
    }

    /// What it is that repeats.
    pub fn pattern(self, chanted: &Chanted) -> u64 {
        super::view::words::hash(&chanted.sample)
    }

    /// How often it must be heard at least.
    pub fn least(self, chanted: &Chanted) -> usize {
        if chanted.fenced { OFTEN_IN_CODE } else { OFTEN }
    }
}

/// Characters of the window.
const WINDOW: usize = 50;
/// Characters that are looked at since the last heading, list item or fence.
const HELD: usize = 5000;
/// Occurrences that are chanting.
const OFTEN: usize = 10;
/// Occurrences inside a fence.
const OFTEN_IN_CODE: usize = 30;
/// Average distance of two occurrences, in characters.
const CLOSE: usize = 250;
/// With fewer different signs than this in its window, a text has to go on for [`MONOTONE`] characters.
const FEW_SIGNS: usize = 8;
/// Characters of monotony that are no ruled line any more.
const MONOTONE: usize = 1000;
/// Different texts between occurrences: with more it is a list with one beginning.
const VARIED: usize = 5;

/// Listens to a stream piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Chant {
    line: String,
    text: Vec<char>,
    places: HashMap<u64, Vec<usize>>,
    fenced: bool,
}

impl Chant {
    /// Hears the next piece. Returns what is repeated as soon as it is.
    pub fn hear(&mut self, piece: &str) -> Option<Chanted> {
        for c in piece.chars() {
            if c == '\n' {
                self.end_line();
            } else if self.line.len() < 16 {
                self.line.push(c);
            }
            self.text.push(if c.is_whitespace() { ' ' } else { c });
            if let Some(chanted) = self.newest() {
                return Some(chanted);
            }
            if self.text.len() >= HELD {
                self.forget();
            }
        }
        None
    }

    fn forget(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_start();
        if line.starts_with("```") {
            self.fenced = !self.fenced;
            self.forget();
            return;
        }
        let numbered = || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['.', ')']);
        let structure = line.starts_with(['|', '#', '>', '-', '*', '+', '=', '•'])
            || line.starts_with(|c: char| c.is_ascii_digit()) && numbered();
        if !self.fenced && structure {
            self.forget();
        }
    }

    /// Looks at the window that ends here, if it begins with a word.
    fn newest(&mut self) -> Option<Chanted> {
        let from = self.text.len().checked_sub(WINDOW)?;
        let window = &self.text[from..];
        let begins = from == 0 || self.text[from - 1] == ' ' && window[0] != ' ';
        if !begins && window.contains(&' ') {
            return None;
        }
        let key = super::view::words::hash(window);
        let places = self.places.entry(key).or_default();
        places.push(from);
        let often = if self.fenced { OFTEN_IN_CODE } else { OFTEN };
        let last = &places[places.len().checked_sub(often)?..];
        if (last[often - 1] - last[0]) / (often - 1) > CLOSE {
            return None;
        }
        let mut between: Vec<&[char]> = last.windows(2).map(|two| &self.text[two[0]..two[1]]).collect();
        between.sort_unstable();
        between.dedup();
        if between.len() > VARIED {
            return None;
        }
        let mut signs = window.to_vec();
        signs.sort_unstable();
        signs.dedup();
        // A ruled line, a row of zeros, a table's edge: few signs must go on for much longer.
        if signs.len() < FEW_SIGNS && from - places[0] < MONOTONE {
            return None;
        }
        let sample: String = window.iter().collect();
        Some(Chanted { sample: sample.trim().to_owned(), times: places.len(), fenced: self.fenced })
    }
}

/// What a finished text chants, if anything.
pub(super) fn in_text(text: &str) -> Option<Chanted> {
    if text.len() < WINDOW * 2 {
        return None;
    }
    Chant::default().hear(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sentence_over_and_over_is_chanting_however_it_is_cut_into_pieces() {
        let text = "I will now check the file for the missing value, then. ".repeat(12);
        let whole = Chant::default().hear(&text).unwrap();
        let mut chant = Chant::default();
        let pieces =
            text.as_bytes().chunks(7).find_map(|piece| chant.hear(std::str::from_utf8(piece).unwrap())).unwrap();
        assert_eq!((&whole.sample, whole.times), (&pieces.sample, pieces.times));
        assert_eq!(whole.times, 10);
        assert!(in_text(&"ha".repeat(600)).is_some(), "without a space too");
        assert!(in_text(&"!".repeat(1200)).is_some());
    }

    #[test]
    fn lists_tables_and_long_texts_are_not() {
        let list: String =
            (0..40).map(|n| format!("- the next thing to look at in this list is thing number {n}\n")).collect();
        assert_eq!(in_text(&list), None);
        let prefixed: String =
            (0..40).map(|n| format!("The next thing that has to be looked at by somebody is {n}. ")).collect();
        assert_eq!(in_text(&prefixed), None, "one beginning, many ends");
        for rule in ["-".repeat(120), "─".repeat(200), ".".repeat(90), "0.0, ".repeat(60), "A".repeat(200)] {
            assert_eq!(in_text(&format!("Report\n{rule} 12\nAll is well.\n")), None, "{rule}");
        }
        let code = format!("```\n{}```\n", "    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],\n".repeat(15));
        assert_eq!(in_text(&code), None, "code may repeat itself more");
        assert!(
            in_text(&format!("```\n{}```\n", "    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],\n".repeat(60)))
                .is_some()
        );
    }
}
