//! When to draw: many requests, few frames.
//!
//! A pure policy, so that it can be tested without waiting. Anyone may request a frame, the loop draws at the deadline
//! and says so. Three promises: no more than `frame_rate` frames a second; the answer to a key is not held back by
//! that; and no request is lost, so the last state is always drawn.

use std::collections::BTreeMap;
use std::time::Duration;

/// A time: how long after the console's start. The loop adds the start back when it sleeps.
pub type Time = Duration;

/// The least time between a frame and one that answers an input. It keeps a paste or a held key from drawing per byte.
pub const INPUT_INTERVAL: Duration = Duration::from_millis(2);

/// Folds requests into the next time to draw.
#[derive(Debug, Clone)]
pub struct FrameClock {
    interval: Duration,
    last: Option<Time>,
    input: Option<Time>,
    /// Requests by time slot, one interval wide; of each slot the first and the last. The slots bound the memory, and
    /// keeping both ends means that neither a change is shown late nor the last one dropped.
    slots: BTreeMap<u128, (Time, Time)>,
}

impl FrameClock {
    /// A clock that allows `frame_rate` frames a second, brought into 1 to 1,000.
    pub fn new(frame_rate: u32) -> Self {
        let interval = Duration::from_secs(1) / frame_rate.clamp(1, 1000);
        FrameClock { interval, last: None, input: None, slots: BTreeMap::new() }
    }

    /// Something looks different from `at` on: now for a change that has happened, later for a timer.
    pub fn request(&mut self, at: Time) {
        let slot = at.as_nanos() / self.interval.as_nanos();
        let kept = self.slots.entry(slot).or_insert((at, at));
        *kept = (kept.0.min(at), kept.1.max(at));
    }

    /// A key or a resize changed something: draw at once.
    pub fn request_input(&mut self, at: Time) {
        self.input = Some(self.input.map_or(at, |earlier| earlier.min(at)));
    }

    /// When to draw next. `None` means that nothing changes and no timer need run.
    pub fn deadline(&self) -> Option<Time> {
        let not_before = |at: Time, gap: Duration| self.last.map_or(at, |last| at.max(last + gap));
        let input = self.input.map(|at| not_before(at, INPUT_INTERVAL.min(self.interval)));
        let change = self.slots.values().next().map(|(first, _)| not_before(*first, self.interval));
        match (input, change) {
            (Some(input), Some(change)) => Some(input.min(change)),
            (input, change) => input.or(change),
        }
    }

    /// Whether a frame is due so soon that what happens until then can wait and be shown by it.
    pub fn is_near(&self, now: Time) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now + self.interval)
    }

    /// Whether to draw now.
    pub fn is_due(&self, now: Time) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// A frame was drawn that shows everything up to `now`. Later requests stay.
    pub fn drawn(&mut self, now: Time) {
        self.last = Some(now);
        self.input = self.input.filter(|at| *at > now);
        while let Some(mut slot) = self.slots.first_entry() {
            let (first, last) = *slot.get();
            if first > now {
                break;
            }
            if last > now {
                slot.insert((last, last));
                break;
            }
            slot.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn clock() -> FrameClock {
        FrameClock::new(50)
    }

    #[test]
    fn nothing_asked_means_no_deadline() {
        let mut clock = clock();
        assert_eq!(clock.deadline(), None);
        clock.request(ms(0));
        clock.drawn(ms(0));
        assert_eq!(clock.deadline(), None);
    }

    #[test]
    fn the_first_request_draws_at_once_and_the_next_waits_for_its_turn() {
        let mut clock = clock();
        clock.request(ms(5));
        assert_eq!(clock.deadline(), Some(ms(5)));
        clock.drawn(ms(5));
        clock.request(ms(6));
        clock.request(ms(7));
        assert_eq!(clock.deadline(), Some(ms(25)));
    }

    #[test]
    fn an_input_does_not_wait_for_the_frame_rate_but_for_two_milliseconds() {
        let mut clock = clock();
        clock.drawn(ms(0));
        clock.request_input(ms(1));
        assert_eq!(clock.deadline(), Some(ms(2)));
        clock.drawn(ms(2));
        clock.request_input(ms(10));
        assert!(clock.is_due(ms(10)));
    }

    #[test]
    fn a_frame_is_near_within_one_interval_and_a_timer_is_not() {
        let mut clock = clock();
        assert!(!clock.is_near(ms(0)));
        clock.drawn(ms(0));
        clock.request(ms(1000));
        assert!(!clock.is_near(ms(1)));
        clock.request(ms(1));
        assert!(clock.is_near(ms(1)));
    }

    #[test]
    fn a_timer_survives_the_frames_before_it() {
        let mut clock = clock();
        clock.request(ms(100));
        clock.request(ms(0));
        clock.drawn(ms(0));
        assert_eq!(clock.deadline(), Some(ms(100)));
        clock.drawn(ms(99));
        assert_eq!(clock.deadline(), Some(ms(119)));
        clock.drawn(ms(119));
        assert_eq!(clock.deadline(), None);
    }

    #[test]
    fn the_last_request_of_a_burst_is_drawn_even_when_a_frame_falls_into_it() {
        let mut clock = clock();
        for at in 0..19 {
            clock.request(ms(at));
        }
        clock.drawn(ms(10));
        assert_eq!(clock.deadline(), Some(ms(30)));
    }

    proptest! {
        /// A loop that draws at every deadline shows the last change, and never draws too often.
        #[test]
        fn any_requests_give_few_frames_and_a_true_last_one(
            mut asked in prop::collection::vec((0u64..2000, any::<bool>()), 1..200),
        ) {
            asked.sort_unstable();
            let mut clock = clock();
            let mut frames: Vec<Time> = Vec::new();
            let mut draw_until = |clock: &mut FrameClock, until: Time| {
                while let Some(deadline) = clock.deadline().filter(|deadline| *deadline < until) {
                    frames.push(deadline);
                    clock.drawn(deadline);
                }
            };
            for (at, input) in &asked {
                let at = ms(*at);
                draw_until(&mut clock, at);
                if *input { clock.request_input(at) } else { clock.request(at) }
            }
            draw_until(&mut clock, ms(10_000));
            prop_assert!(*frames.last().unwrap() >= ms(asked.last().unwrap().0));
            prop_assert!(frames.windows(2).all(|pair| pair[1] - pair[0] >= INPUT_INTERVAL));
            if asked.iter().all(|(_, input)| !input) {
                prop_assert!(frames.windows(2).all(|pair| pair[1] - pair[0] >= ms(20)));
            }
        }
    }
}
