//! From a message to a step: what it is about, what it is like, whether it says anything new.

use super::lexicon;
use super::said::Said;
use super::sketch::{self, Sketch};
use super::step::{Progress, Step, What};
use super::words::{self, Word, hash};
use super::{RECENT, View};
use crate::chat::event::Progress as Event;

/// How far back a speaker's words are compared.
const COMPARED: usize = 40;
/// Words under which a message may be a move in a game.
const BRIEF: u32 = 8;
/// Share of unseen shingles that is progress (reference: 0.6).
const NOVEL: f32 = 0.6;

/// What a text is about.
#[derive(Default)]
pub(super) struct About {
    fresh: u32,
    fresh_names: u32,
    content: u32,
    gist: Vec<u32>,
    numbers: Vec<u32>,
    names: Vec<u32>,
    counter: Option<u32>,
}

impl View {
    /// What a text is about, and how much of it this speaker never used before.
    pub(super) fn took_note_of(&mut self, said: &Said<'_>, words: &[Word]) -> About {
        let speaker = hash(&*said.speaker) as u32;
        let mut about = About::default();
        for word in words {
            about.counter = word.counter.or(about.counter);
            let stem = words::stem(&word.text);
            if word.text == "#" || (!word.specific && lexicon::is_empty(&word.text, &stem)) {
                continue;
            }
            about.content += 1;
            let exact = hash(&word.text) as u32;
            if !self.used.note(exact ^ speaker) {
                about.fresh += 1;
                about.fresh_names += u32::from(word.specific || word.number);
            }
            if word.number {
                about.numbers.push(exact);
            } else if word.specific {
                about.names.push(exact);
            }
            about.gist.push(hash(lexicon::idea(stem)) as u32);
        }
        for list in [&mut about.gist, &mut about.numbers, &mut about.names] {
            list.sort_unstable();
            list.dedup();
            list.truncate(64);
        }
        about
    }

    pub(super) fn step_of(&mut self, said: &Said<'_>) -> Step {
        let (prose, code) = words::split_code(said.text);
        let words = words::words(&prose);
        let shingles = sketch::shingles(&words);
        let unseen = shingles.iter().filter(|shingle| !self.seen.note(**shingle)).count();
        let novelty = if shingles.is_empty() { 0.0 } else { unseen as f32 / shingles.len() as f32 };
        let About { fresh, fresh_names, content, gist, numbers, names, counter } = self.took_note_of(said, &words);
        let normal = words::normal(said.text);
        let marks = lexicon::marks(&ends_of(&normal), &self.courtesies);
        let english = words.iter().filter(|word| lexicon::is_english(&word.text)).count() * 6 >= words.len();
        let ends = says_the_end(said.text);
        let other = words.iter().filter(|word| {
            let stem = words::stem(&word.text);
            !word.number && !lexicon::is_empty(&word.text, &stem) && !lexicon::is_polite(&word.text, &stem)
        });
        let residue =
            other.filter(|word| !self.speakers.keys().any(|name| name.eq_ignore_ascii_case(&word.text))).count();
        let polite = (marks.courtesy || marks.closing || ends)
            && code.is_empty()
            && words.len() <= 40
            && residue * 4 <= content.max(4) as usize
            && said.calls.is_empty();
        let blank = said.text.trim().is_empty() && said.calls.is_empty() && said.results.is_empty();
        let what = if said.calls.is_empty() { What::Words } else { What::Call };
        let called = said.calls.iter().map(|call| (call.tool.as_str(), words::arguments_hash(&call.arguments)));
        let key = hash(("call", called.collect::<Vec<_>>()));
        let mut step = Step {
            place: said.place,
            speaker: said.speaker.clone(),
            what,
            n1: hash(&normal),
            n2: hash(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>()),
            words: words.len() as u32,
            content,
            names: names.into(),
            counter,
            opening: hash(words.iter().take(2).map(|word| word.text.as_str()).collect::<Vec<_>>()) as u32,
            sketch: Sketch::of(shingles),
            gist: gist.into(),
            numbers: numbers.into(),
            english,
            code: (!code.is_empty()).then(|| words::code_hash(code.iter().copied())),
            fresh,
            fresh_names,
            novelty,
            marks,
            polite,
            ends,
            prompts: normal.contains('?')
                || ["please", "next", "continue", "terminate", "your turn"].iter().any(|word| normal.contains(word)),
            blank,
            key,
            cluster: 0,
            repeats: false,
            progress: Progress::None,
        };
        self.cluster(&mut step);
        step.progress = self.progress_of(&step);
        step
    }

    fn cluster(&mut self, step: &mut Step) {
        let mut earlier =
            self.tail.iter().rev().take(COMPARED).filter(|one| one.speaker == step.speaker && one.what == step.what);
        let like = match step.what {
            What::Words => earlier.find(|one| step.like(one).is_some()),
            _ => earlier.find(|one| one.key == step.key),
        };
        match like {
            Some(one) => {
                step.cluster = one.cluster;
                // A move in a game comes again some time; only soon after is it a repeat.
                let own =
                    self.tail.iter().rev().filter(|other| other.speaker == step.speaker && other.what == step.what);
                let soon = own.take(3).any(|other| other.cluster == one.cluster);
                step.repeats = soon || step.counter.is_none() && (step.words >= BRIEF || step.numbers.is_empty());
            }
            None => {
                self.clusters += 1;
                step.cluster = self.clusters;
            }
        }
        if step.what == What::Words {
            step.key = hash(("words", step.cluster));
        }
    }

    fn progress_of(&mut self, step: &Step) -> Progress {
        if step.what == What::Call {
            // What a call is worth shows in its result; one that was never made is at least something.
            return if step.repeats { Progress::None } else { Progress::Weak };
        }
        if step.blank || step.repeats {
            return Progress::None;
        }
        let idle = step.polite || step.marks.stall || step.marks.complaint;
        if !idle && step.novelty >= NOVEL && step.content >= 4 {
            return self.advanced(Event::NewWords);
        }
        let recent = || self.tail.iter().rev().filter(|one| one.what == What::Words).take(RECENT);
        let known = |idea: &u32| recent().any(|one| one.gist.binary_search(idea).is_ok());
        // Known words put together anew say something; so does another number, unless it counts attempts.
        let anew = || step.gist.len() >= 3 && recent().all(|one| one.n2 != step.n2 && step.shares(one) < 0.75);
        let counts = || {
            let before = recent().find(|one| one.speaker == step.speaker);
            let other = |one: &Step| one.numbers != step.numbers || one.counter != step.counter;
            (!step.numbers.is_empty() || step.counter.is_some()) && !step.marks.again && before.is_none_or(other)
        };
        let idle = step.polite || step.marks.stall && step.fresh_names == 0;
        let says = !idle && (step.gist.iter().any(|idea| !known(idea)) || anew() || counts());
        if says || step.code.is_some() { Progress::Weak } else { Progress::None }
    }
}

/// Beginning and end of a text: there stands what a message does.
fn ends_of(normal: &str) -> String {
    const START: usize = 400;
    const END: usize = 240;
    if normal.len() <= START + END {
        return normal.to_owned();
    }
    let (mut start, mut end) = (START, normal.len() - END);
    while !normal.is_char_boundary(start) {
        start -= 1;
    }
    while !normal.is_char_boundary(end) {
        end += 1;
    }
    format!("{} … {}", &normal[..start], &normal[end..])
}

/// Whether a message says the word that ends an AutoGen conversation: alone or as its last word, and does not only ask
/// for it ("reply TERMINATE").
fn says_the_end(text: &str) -> bool {
    let end = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let Some(before) = end.strip_suffix("TERMINATE") else { return end == "EXIT" };
    let last = before.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    let last = last.trim_matches(|c: char| !c.is_alphanumeric());
    !matches!(
        last,
        "reply" | "say" | "write" | "send" | "with" | "answer" | "respond" | "type" | "output" | "word" | "return"
    )
}

/// Whether a task asks for repetition: "every 5 minutes", "10 times", "each of the 20 files".
pub(super) fn asks_for_repetition(text: &str) -> bool {
    let plain = words::normal(&text.chars().take(4000).collect::<String>());
    let all: Vec<&str> = plain
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';'))
        .filter(|word| !word.is_empty())
        .collect();
    let number = |word: &str| {
        word.parse::<f64>().is_ok()
            || matches!(word, "two" | "three" | "four" | "five" | "six" | "ten" | "twenty" | "fifty" | "hundred")
    };
    let unit = |word: &str| {
        matches!(word.trim_end_matches('s'), "second" | "minute" | "hour" | "day" | "time" | "round" | "iteration")
    };
    all.windows(3).any(|three| match three {
        ["every", count, what] => number(count) && unit(what),
        ["each", "of", _] | ["for", "each", _] | ["for", "every", _] => true,
        [count, what, _] => number(count) && what.trim_end_matches('s') == "time",
        _ => false,
    }) || all
        .windows(2)
        .any(|two| matches!(two, ["every", what] if unit(what)) || matches!(two, [count, "times"] if number(count)))
}
