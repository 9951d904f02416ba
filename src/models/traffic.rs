//! The way to a provider, shared by all agents: how many calls at a time and a minute, when it is left alone, and how
//! many retries are too many.
//!
//! A lane is a host and a key. Calls queue in the order in which they come, so that no agent starves another. After a
//! 429 half as many calls are let through at a time, and one more for every round of good answers (AIMD). Five failures
//! in a row close the lane for half a minute; then one call may try (reliability-security 4.3).

use super::http::options::Traffic;
use crate::chat::request::{Failure, FailureKind};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Calls at a time where nobody says otherwise.
const CONCURRENT: usize = 64;
/// Failures in a row after which the provider is left alone, and for how long.
const PATIENCE: u32 = 5;
const REST: Duration = Duration::from_secs(30);
/// What is counted by the minute.
const MINUTE: Duration = Duration::from_secs(60);
/// Retries a minute that are always free; above them, one for every ten calls. The reference says three, which two
/// agents that fail once each would use up within a single question.
const FREE_RETRIES: usize = 10;
/// Waits that are worth a word.
const NOTABLE: Duration = Duration::from_secs(1);

/// The way to one provider.
pub struct Lane {
    name: String,
    limits: Traffic,
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    capacity: usize,
    most: usize,
    /// Good answers since the capacity changed.
    good: usize,
    failures: u32,
    closed_until: Option<Instant>,
    calls: VecDeque<Instant>,
    retries: VecDeque<Instant>,
    tokens: VecDeque<(Instant, u64)>,
}

/// A place on a lane; leaving it out of scope gives it back.
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    /// How long it was waited for, when that is worth a word, and for what.
    pub waited: Option<String>,
}

impl Lane {
    /// An empty lane with these limits.
    pub fn new(name: String, limits: Traffic) -> Self {
        let most = limits.max_concurrent.map_or(CONCURRENT, |most| usize::try_from(most).unwrap_or(CONCURRENT));
        let most = most.clamp(1, CONCURRENT);
        Lane {
            name,
            limits,
            places: Arc::new(Semaphore::new(most)),
            state: Mutex::new(State {
                capacity: most,
                most,
                good: 0,
                failures: 0,
                closed_until: None,
                calls: VecDeque::new(),
                retries: VecDeque::new(),
                tokens: VecDeque::new(),
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Counters are whole whenever the lock is free.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place for a call of about so many tokens.
    ///
    /// # Errors
    /// When the provider is being left alone, or too many retries have been made; nothing is to be sent then.
    pub async fn enter(&self, tokens: u64, attempt: u32) -> Result<Place, Failure> {
        let began = Instant::now();
        self.open(attempt)?;
        let permit = self.places.clone().acquire_owned().await.ok();
        let mut reason = "calls at a time";
        while let Some((until, limit)) = self.full(tokens) {
            reason = limit;
            sleep_until(until).await;
        }
        let waited = began.elapsed();
        let waited = (waited >= NOTABLE).then(|| {
            format!("waited {:.0} s for a place at {} ({reason})", waited.as_secs_f64(), self.name.trim_end())
        });
        Ok(Place { _permit: permit, waited })
    }

    /// Whether calls are let through at all.
    fn open(&self, attempt: u32) -> Result<(), Failure> {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(until) = state.closed_until {
            if now < until {
                return Err(self.resting(until - now, &format!("{PATIENCE} calls in a row have failed")));
            }
            // One may try; the others wait for what comes of it.
            state.closed_until = Some(now + REST);
        }
        if attempt > 1 {
            forget(&mut state.retries, now, |at| *at);
            forget(&mut state.calls, now, |at| *at);
            if state.retries.len() >= FREE_RETRIES.max(state.calls.len() / 10) {
                let oldest = state.retries.front().copied().unwrap_or(now);
                let wait = (oldest + MINUTE).saturating_duration_since(now).max(Duration::from_secs(1));
                return Err(self.resting(wait, "too many of the last calls were retries"));
            }
            state.retries.push_back(now);
        }
        Ok(())
    }

    fn resting(&self, wait: Duration, why: &str) -> Failure {
        let seconds = wait.as_secs_f64().ceil();
        let text = format!("{} is left alone for {seconds} s: {why}", self.name.trim_end());
        let mut failure = Failure::new(FailureKind::Resting, text);
        failure.retry_after_ms = Some(wait.as_millis() as u64);
        failure
    }

    /// Until when the limits by the minute are used up, and which; else the call is counted.
    fn full(&self, tokens: u64) -> Option<(Instant, &'static str)> {
        let now = Instant::now();
        let mut state = self.state();
        forget(&mut state.calls, now, |at| *at);
        forget(&mut state.tokens, now, |(at, _)| *at);
        if self.limits.rpm.is_some_and(|most| state.calls.len() as u64 >= most)
            && let Some(oldest) = state.calls.front()
        {
            return Some((*oldest + MINUTE, "rpm"));
        }
        let used: u64 = state.tokens.iter().map(|(_, tokens)| tokens).sum();
        // A call that is larger than the limit is let through alone: it would wait for ever.
        if self.limits.tpm.is_some_and(|most| used > 0 && used + tokens > most)
            && let Some((oldest, _)) = state.tokens.front()
        {
            return Some((*oldest + MINUTE, "tpm"));
        }
        state.calls.push_back(now);
        state.tokens.push_back((now, tokens));
        None
    }

    /// A call came to its end.
    pub fn answered(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.closed_until = None;
        state.good += 1;
        if state.capacity < state.most && state.good >= state.capacity {
            state.capacity += 1;
            state.good = 0;
            self.places.add_permits(1);
        }
    }

    /// A call failed.
    pub fn failed(&self, failure: &Failure) {
        use FailureKind::*;
        let mut state = self.state();
        match failure.kind {
            RateLimited => {
                let fewer = self.places.forget_permits(state.capacity / 2);
                state.capacity = (state.capacity - fewer).max(1);
                state.good = 0;
            }
            Unreachable | Server => {
                state.failures += 1;
                if state.failures >= PATIENCE {
                    state.closed_until = Some(Instant::now() + REST);
                }
            }
            // Whoever refuses, or answers badly, is there.
            _ => {
                state.failures = 0;
                state.closed_until = None;
            }
        }
    }
}

/// Drops what is older than a minute.
fn forget<T>(queue: &mut VecDeque<T>, now: Instant, at: impl Fn(&T) -> Instant) {
    while queue.front().is_some_and(|item| now.duration_since(at(item)) >= MINUTE) {
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(max_concurrent: Option<u64>, rpm: Option<u64>, tpm: Option<u64>) -> Arc<Lane> {
        Arc::new(Lane::new("api.example KEY".into(), Traffic { max_concurrent, rpm, tpm }))
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure::new(kind, "")
    }

    #[tokio::test(start_paused = true)]
    async fn calls_at_a_time_queue_in_the_order_in_which_they_came() {
        let lane = lane(Some(1), None, None);
        let first = lane.enter(1, 1).await.unwrap();
        let (said, mut heard) = tokio::sync::mpsc::channel(8);
        for n in 0..3 {
            let (lane, said) = (lane.clone(), said.clone());
            tokio::spawn(async move {
                let place = lane.enter(1, 1).await.unwrap();
                said.send((n, place.waited.is_some())).await.unwrap();
            });
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(heard.try_recv().is_err());
        drop(first);
        for n in 0..3 {
            assert_eq!(heard.recv().await, Some((n, true)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_and_tokens_a_minute_are_kept() {
        let began = Instant::now();
        let calls = lane(None, Some(2), None);
        for _ in 0..3 {
            calls.enter(1, 1).await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 60);
        let (began, tokens) = (Instant::now(), lane(None, None, Some(1_000)));
        tokens.enter(5_000, 1).await.unwrap();
        let place = tokens.enter(900, 1).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 60);
        assert!(place.waited.unwrap().contains("tpm"));
    }

    #[tokio::test(start_paused = true)]
    async fn after_five_failures_it_is_left_alone_and_then_one_call_may_try() {
        let lane = lane(None, None, None);
        for _ in 0..5 {
            lane.enter(1, 1).await.unwrap();
            lane.failed(&failure(FailureKind::Server));
        }
        let resting = lane.enter(1, 1).await.err().unwrap();
        assert_eq!((resting.kind, resting.retry_after_ms), (FailureKind::Resting, Some(30_000)));
        tokio::time::sleep(REST).await;
        lane.enter(1, 1).await.unwrap();
        assert!(lane.enter(1, 1).await.is_err(), "only one tries");
        lane.answered();
        lane.enter(1, 1).await.unwrap();
        lane.enter(1, 1).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_shows_that_somebody_is_there() {
        let lane = lane(None, None, None);
        for n in 0..20 {
            lane.enter(1, 1).await.unwrap();
            lane.failed(&failure(if n % 4 == 3 { FailureKind::Refused } else { FailureKind::Server }));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_halves_what_is_let_through_and_good_answers_bring_it_back() {
        let lane = lane(Some(8), None, None);
        lane.failed(&failure(FailureKind::RateLimited));
        assert_eq!(lane.places.available_permits(), 4);
        (0..4).for_each(|_| lane.answered());
        assert_eq!(lane.places.available_permits(), 5);
        (0..10).for_each(|_| lane.failed(&failure(FailureKind::RateLimited)));
        assert_eq!(lane.places.available_permits(), 1, "never nobody");
    }

    #[tokio::test(start_paused = true)]
    async fn retries_have_a_budget() {
        let lane = lane(None, None, None);
        let mut allowed = 0;
        while lane.enter(1, 2).await.is_ok() {
            allowed += 1;
        }
        assert_eq!(allowed, FREE_RETRIES);
        tokio::time::sleep(MINUTE).await;
        lane.enter(1, 2).await.unwrap();
    }
}
