//! One message or result, as detectors see it: fingerprints and counts, no text. Under 2 KB, however long the message.

use super::lexicon::Marks;
use super::sketch::{Sketch, common};
use crate::chat::id::TurnId;
use crate::chat::{Name, UnixMillis};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Index of the message on the active branch, or in the list that was read.
    pub message: usize,
    /// The turn it belongs to, if the source knows turns.
    pub turn: Option<TurnId>,
    /// When, if the source knows.
    pub at: Option<UnixMillis>,
}

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Words, with or without code in them.
    Words,
    /// A request to call tools.
    Call,
    /// What a tool or a program gave back.
    Result,
}

/// How much a step has moved things on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// Not at all.
    None,
    /// It says or does something that was not said or done before.
    Weak,
    /// Clearly: the reason stands in [`super::View::progress`].
    Strong,
}

/// One message or result.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub place: Place,
    pub speaker: Name,
    pub what: What,
    /// Hash of the normal text.
    pub n1: u64,
    /// Hash of the words with volatile ones masked.
    pub n2: u64,
    /// Words in it, code aside.
    pub words: u32,
    /// Words that carry content.
    pub content: u32,
    /// Shingles of its prose.
    pub sketch: Sketch,
    /// Hashes of what it is about, ascending.
    pub gist: Box<[u32]>,
    /// Hashes of its numbers, ascending.
    pub numbers: Box<[u32]>,
    /// Whether its language is English, so that what it is about can be told from how it is said.
    pub english: bool,
    /// Fingerprint of the code in it.
    pub code: Option<u64>,
    /// Content words that this speaker never used before.
    pub fresh: u32,
    /// Names, numbers and identifiers among them.
    pub fresh_names: u32,
    /// Share of its shingles that were not seen in this run.
    pub novelty: f32,
    pub marks: Marks,
    /// Nothing but courtesy or closing.
    pub polite: bool,
    /// Says the word that ends the conversation.
    pub ends: bool,
    /// Hashes of names and identifiers in it, ascending.
    pub names: Box<[u32]>,
    /// The number of a round that it counts.
    pub counter: Option<u32>,
    /// Hash of its first two words.
    pub opening: u32,
    /// Asks the others to say or do something.
    pub prompts: bool,
    /// Nothing at all.
    pub blank: bool,
    /// Who it is for or what it does, for cycles: calls and results if any, otherwise the cluster.
    pub key: u64,
    /// Steps of one speaker that are alike have one cluster.
    pub cluster: u32,
    /// Whether an earlier one of this speaker, not long ago, is like it.
    pub repeats: bool,
    pub progress: Progress,
}

/// How alike two steps of one speaker are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Likeness {
    /// The same words, volatile ones aside.
    Same,
    /// Nearly the same words: the share of shingles they have in common.
    Near(f32),
    /// Other words for the same.
    Meaning,
}

/// Texts under this many words are compared whole.
const SHORT: u32 = 12;
/// Shared shingles that make two texts nearly the same.
const NEAR: f32 = 0.85;
/// Share of the shorter text that the longer one contains.
const CONTAINED: f32 = 0.95;
/// Unseen shingles from which on a text that repeats much says something new as well.
const NEW: f32 = 0.15;
/// Words from which on a text can grow.
const BEGUN: u32 = 6;
/// Unseen shingles of a new sentence.
const SENTENCE: f32 = 4.0;
/// Shared content that makes two texts mean the same.
const MEANING: f32 = 0.6;
/// Shared shingles from which on two texts have one frame, and differ by what is filled in.
const FRAME: f32 = 0.25;

impl Step {
    /// Bytes that are kept of the message.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let lists = self.gist.len() + self.numbers.len() + self.names.len();
        size_of::<Step>() + 4 * lists + self.sketch.bytes()
    }

    /// Under a sentence of it was never said in this run.
    fn says_little_new(&self) -> bool {
        self.novelty < NEW && self.novelty * (self.words as f32) < SENTENCE
    }

    /// Whether this is the earlier text made longer by nothing but what stands in it already.
    fn grows_from(&self, earlier: &Step) -> bool {
        let ideas =
            |step: &Step| step.gist.iter().filter(|idea| !step.numbers.contains(idea)).copied().collect::<Vec<u32>>();
        earlier.words >= BEGUN
            && self.words >= earlier.words + 3
            && self.words <= earlier.words * 3
            && common(&self.numbers, &earlier.numbers) == earlier.numbers.len()
            && self.sketch.compare(&earlier.sketch).1 >= 0.9
            && ideas(self) == ideas(earlier)
    }

    /// Whether a short text is about the same as an earlier one, in other words and with nothing new named. Weaker than
    /// [`Step::like`]: it counts only when it goes on for long.
    pub fn about_the_same(&self, earlier: &Step) -> bool {
        const BRIEF: u32 = 12;
        // Who says again and again that it cannot, cannot.
        if self.marks.unable
            && earlier.marks.unable
            && self.words.max(earlier.words) <= 3 * BRIEF
            && self.fresh_names == 0
        {
            return true;
        }
        let short = |step: &Step| {
            step.words <= BRIEF && step.what == What::Words && step.code.is_none() && !step.gist.is_empty()
        };
        if !short(self)
            || !short(earlier)
            || !self.english
            || !earlier.english
            || self.numbers != earlier.numbers
            || self.names != earlier.names
            || self.opening == earlier.opening
        {
            return false;
        }
        self.shares(earlier) >= 0.36 && self.sketch.compare(&earlier.sketch).0 < FRAME
    }

    /// How alike this step is to an earlier one. Two texts that differ in a number, or in a name that is new, are not
    /// alike: that is how a list is worked through - unless both speak of trying again, then the number only counts
    /// the attempts.
    pub fn like(&self, earlier: &Step) -> Option<Likeness> {
        if self.what != What::Words || earlier.what != What::Words || self.blank != earlier.blank {
            return None;
        }
        if self.code != earlier.code {
            return None;
        }
        if self.n2 == earlier.n2 {
            return Some(Likeness::Same);
        }
        if self.code.is_some() {
            return Some(Likeness::Near(NEAR));
        }
        if self.grows_from(earlier) {
            return Some(Likeness::Near(NEAR));
        }
        let attempts = self.marks.again && earlier.marks.again;
        let numbers = self.numbers != earlier.numbers;
        if numbers && !attempts {
            return None;
        }
        let (likeness, contained) = self.sketch.compare(&earlier.sketch);
        let dice = self.shares(earlier);
        if numbers {
            // "Attempt 4: …" and "Attempt 5: …": all that is said besides must be the same.
            let rest = (likeness >= 0.4 || dice >= 0.75)
                && self.words.abs_diff(earlier.words) <= 2
                && self.fresh <= self.fresh_names;
            return rest.then_some(Likeness::Near(NEAR));
        }
        // Another name is another matter, whether it was heard before or not.
        if self.names != earlier.names && !common_is_all(&self.names, &earlier.names) {
            return None;
        }
        let (small, large) = (self.words.min(earlier.words), self.words.max(earlier.words));
        let whole = contained >= CONTAINED && large <= small + small / 2;
        if small >= SHORT && (likeness >= NEAR || whole) && self.fresh == 0 && self.says_little_new() {
            return Some(Likeness::Near(likeness.max(if whole { NEAR } else { 0.0 })));
        }
        if !self.english || !earlier.english {
            return None;
        }
        let marked = |one: &Step| one.marks.again || one.marks.stall || one.marks.complaint || one.marks.greeting;
        let small = self.gist.len().min(earlier.gist.len());
        let enough =
            if small >= 3 { dice >= MEANING } else { small > 0 && dice >= 0.99 && marked(self) && marked(earlier) };
        // One frame with something else filled in is a list that is worked through.
        let filled_in = (likeness >= FRAME || self.opening == earlier.opening) && dice < 0.9;
        (enough && !filled_in).then_some(Likeness::Meaning)
    }

    /// Share of what both are about.
    pub fn shares(&self, earlier: &Step) -> f32 {
        let both = self.gist.len() + earlier.gist.len();
        if both == 0 { 0.0 } else { 2.0 * common(&self.gist, &earlier.gist) as f32 / both as f32 }
    }
}

fn common_is_all(a: &[u32], b: &[u32]) -> bool {
    common(a, b) == a.len().min(b.len()) && !a.is_empty() && !b.is_empty()
}

/// What a tool or a program gave back, with what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// Who asked.
    pub actor: Name,
    /// The tool; `code` for programs.
    pub tool: Name,
    /// Tool and arguments.
    pub key: u64,
    /// The result, volatile tokens masked.
    pub result: u64,
    pub outcome: Outcome,
    /// What is left of an error when places and values that move are taken out.
    pub error: u64,
    /// The first words of the error, for people.
    pub says: String,
    /// The error may pass by itself: a time-out, a full queue.
    pub passing: bool,
    /// The call changes something, so that the same call after it is another one.
    pub edits: bool,
    /// The call asks how something stands that goes on by itself.
    pub polls: bool,
    /// Position of the request among all messages, and of the result.
    pub asked: Place,
    pub given: Place,
    /// An operation that changed something succeeded since the last act of this key.
    pub after_edit: bool,
    /// This error was not seen before in the run.
    pub new_error: bool,
    /// It has moved things on.
    pub moved: bool,
}

/// What kind of result it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Something was found, printed or done.
    Fine,
    /// Success in a word or two.
    Done,
    /// Nothing was found.
    Nothing,
    /// It failed.
    Failed,
}
