//! What a pass of all detectors costs for a turn of 4,000 tokens, beside the rules of a peer on the same text.

#[path = "../tests/support/peers.rs"]
mod peers;
mod support;

use plenary::chat::watch::Watching;
use plenary::watch::from_messages::Listed;
use plenary::watch::view::{Said, View};
use plenary::watch::{Chant, judge};
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::{Table, quantile, time};

/// Bytes of a turn of 4,000 tokens.
const BYTES: usize = 16_000;
/// Passes of each figure.
const PASSES: usize = 60;

/// Prose that does not repeat itself: words drawn from a few hundred, the same for the same seed.
fn prose(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(["the", "parser", "reads", "a", "line", "and", "keeps", "it"][(state % 8) as usize]);
        text.push_str(&format!(" w{} ", state / 8 % 900));
        if state.is_multiple_of(11) {
            text.push_str(". ");
        }
    }
    text
}

/// A view that has heard so many turns of that size.
fn heard(turns: usize, bytes: usize) -> View {
    let mut view = View::default();
    view.hear(&Said::words(0, "user", "Go on."));
    for turn in 1..=turns {
        view.hear(&Said::words(turn, ["a", "b", "c"][turn % 3], &prose(turn as u64, bytes)));
    }
    view
}

fn median(mut pass: impl FnMut(usize) -> Duration) -> Duration {
    let samples: Vec<Duration> = (0..PASSES).map(&mut pass).collect();
    quantile(&samples, 0.5)
}

fn main() {
    let table = Table::new("All detectors over one turn of 4,000 tokens");
    let watching = Watching::default();
    for before in [10, 100, 1000] {
        let view = heard(before, BYTES.min(4_000_000 / before));
        let pass = median(|n| {
            let (mut view, text) = (view.clone(), prose(9000 + n as u64, BYTES));
            let begun = Instant::now();
            view.hear(&Said::words(before + 1, "a", &text));
            black_box(judge(&view, &watching, &[]));
            begun.elapsed()
        });
        table.time(&format!("reading and judging it after {before} turns, median"), pass, Duration::from_millis(1));
    }
    let view = heard(100, 2000);
    table.note(
        "  of that, judging",
        &time(median(|_| {
            let begun = Instant::now();
            black_box(judge(&view, &watching, &[]));
            begun.elapsed()
        })),
    );
    let text = prose(1, BYTES);
    table.note(
        "  of that, listening for chanting",
        &time(median(|_| {
            let begun = Instant::now();
            black_box(Chant::default().hear(&text));
            begun.elapsed()
        })),
    );
    let list = [Listed { speaker: "a".into(), text: text.clone(), ..Listed::default() }];
    table.note(
        "for comparison: both peers' rules on that turn alone",
        &time(median(|_| {
            let begun = Instant::now();
            black_box((peers::openhands(&list), peers::gemini(&list)));
            begun.elapsed()
        })),
    );
}
