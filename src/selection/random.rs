//! Anybody, evenly - and the same again with the same seed.

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::Entry;
use crate::chat::event::Choice;
use crate::session::Session;

/// `speaker_selection_method = "random"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "random",
    about: "any candidate with equal chance; `seed` in the team file makes it repeatable",
    example: "speaker_selection_method = \"random\"",
    fields: &[],
    build: |_| Ok(Box::new(Random)),
};

struct Random;

impl Selector for Random {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        draw(candidates, session)
    }

    fn foresee(&self, _candidates: &Candidates, _session: &Session) -> Option<Choice> {
        // It is known, but a draw that everybody can see beforehand is no draw.
        None
    }
}

/// One of the candidates.
pub(super) fn draw(candidates: &Candidates, session: &Session) -> Pick {
    let seed = session.team().map_or(0, |team| team.seed);
    // The number of the coming turn makes each draw its own, also after a restart.
    let drawn = mix(seed ^ mix(session.ids().turn.0)) % candidates.eligible.len().max(1) as u64;
    match candidates.eligible.get(drawn as usize) {
        Some(agent) => Pick::Choose(candidates.choose(agent.clone(), "random", "drawn at random", 0)),
        None => Pick::Person { proposed: None },
    }
}

/// SplitMix64's finaliser: spreads neighbouring numbers over all of u64.
fn mix(mut n: u64) -> u64 {
    n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}
