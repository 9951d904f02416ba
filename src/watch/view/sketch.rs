//! How alike two texts are: the smallest hashes of their shingles (three words each).
//!
//! A text of up to [`KEPT`] distinct shingles is kept whole, so its Jaccard is exact; of a longer one the smallest
//! hashes are an even sample (bottom-k), so the estimate needs 1 KB a turn, however long the turn.

use super::words::{Word, hash};

/// Most hashes kept of a text: 1 KB.
pub(crate) const KEPT: usize = 256;

/// A sample of a text's shingles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    /// Ascending, distinct.
    hashes: Box<[u32]>,
    /// Whether these are all there were.
    whole: bool,
}

/// Hashes of every shingle of a text. A text of fewer than three words is one shingle.
pub(crate) fn shingles(words: &[Word]) -> Vec<u32> {
    if words.is_empty() {
        return Vec::new();
    }
    let each: Vec<u64> = words.iter().map(|word| hash(&word.text)).collect();
    let mix = |part: &[u64]| {
        part.iter().fold(0u64, |all, one| (all.rotate_left(21) ^ one).wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 32
    };
    each.windows(3.min(each.len())).map(|part| mix(part) as u32).collect()
}

impl Sketch {
    /// The sample of these shingles.
    pub fn of(mut hashes: Vec<u32>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        let whole = hashes.len() <= KEPT;
        hashes.truncate(KEPT);
        Sketch { hashes: hashes.into(), whole }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        4 * self.hashes.len()
    }

    /// Share of all shingles that both have, and share of the smaller text's that the larger has.
    pub fn compare(&self, other: &Sketch) -> (f32, f32) {
        // Below the smaller of the two limits both samples are complete.
        let limit = |sketch: &Sketch| if sketch.whole { u32::MAX } else { *sketch.hashes.last().unwrap_or(&u32::MAX) };
        let limit = limit(self).min(limit(other));
        let cut = |sketch: &Sketch| sketch.hashes.partition_point(|hash| *hash <= limit);
        let (a, b) = (&self.hashes[..cut(self)], &other.hashes[..cut(other)]);
        let common = common(a, b);
        let all = a.len() + b.len() - common;
        let smaller = a.len().min(b.len());
        let share = |of: usize| if of == 0 { 0.0 } else { common as f32 / of as f32 };
        (share(all), share(smaller))
    }
}

/// How many values two ascending lists share.
pub(crate) fn common(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                (i, j, common) = (i + 1, j + 1, common + 1);
            }
        }
    }
    common
}

/// What was seen in the run, in a fixed room: two generations of a bit map. Twice a false "seen" for every hundred
/// looks at the worst; what is older than some 65,000 words is forgotten.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    now: Vec<u64>,
    before: Vec<u64>,
    held: usize,
}

/// Bits of one generation: 256 KB for both.
const BITS: usize = 1 << 20;
/// Entries after which a generation is closed.
const FULL: usize = BITS / 6;

impl Seen {
    /// Whether it was there, and that it is now.
    pub fn note(&mut self, value: u32) -> bool {
        let (word, bit) = ((value as usize % BITS) / 64, 1u64 << (value % 64));
        let has = |map: &[u64]| map.get(word).is_some_and(|bits| bits & bit != 0);
        let old = has(&self.before);
        if has(&self.now) {
            return true;
        }
        if self.now.is_empty() {
            self.now = vec![0; BITS / 64];
        }
        self.now[word] |= bit;
        self.held += 1;
        if self.held > FULL {
            self.before = std::mem::take(&mut self.now);
            self.held = 0;
        }
        old
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn sketch(text: &str) -> Sketch {
        Sketch::of(shingles(&words(text)))
    }

    #[test]
    fn likeness_is_exact_for_short_texts_and_close_for_long_ones() {
        let a = "one two three four five six";
        assert_eq!(sketch(a).compare(&sketch(a)), (1.0, 1.0));
        assert_eq!(sketch(a).compare(&sketch("quite other words stand here now")).0, 0.0);
        let (likeness, contained) = sketch(a).compare(&sketch(&format!("{a} seven eight")));
        assert!((likeness - 4.0 / 6.0).abs() < 1e-6 && contained == 1.0);
        let long = |from: usize, to: usize| (from..to).map(|n| format!("w{n} ")).collect::<String>();
        let (likeness, contained) = sketch(&long(0, 3000)).compare(&sketch(&long(1000, 4000)));
        assert!((likeness - 0.5).abs() < 0.1, "{likeness}");
        assert!((contained - 2.0 / 3.0).abs() < 0.1, "{contained}");
    }

    #[test]
    fn what_was_seen_is_known_again_and_room_is_fixed() {
        let mut seen = Seen::default();
        assert!(!seen.note(7) && seen.note(7));
        (0..FULL as u32 * 3).for_each(|n| {
            seen.note(n.wrapping_mul(2_654_435_761));
        });
        assert!(seen.now.len() + seen.before.len() <= BITS / 32);
    }
}
