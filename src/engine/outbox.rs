//! The way to the views: records in order and without loss, deltas merged when a view is slow.

use crate::chat::update::{Delta, Update};
use tokio::sync::mpsc;

/// Sends updates over a bounded channel.
pub(super) struct Outbox {
    to: mpsc::Sender<Update>,
    behind: Vec<Delta>,
    gone: bool,
}

impl Outbox {
    pub fn new(to: mpsc::Sender<Update>) -> Self {
        Outbox { to, behind: Vec::new(), gone: false }
    }

    /// Something transient: never waits. What the view has no room for is joined to what already waits for it.
    pub fn delta(&mut self, delta: Delta) {
        if self.gone {
            return;
        }
        if self.behind.is_empty() {
            match self.to.try_send(Update::Delta(delta)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(Update::Delta(delta))) => self.behind.push(delta),
                Err(_) => self.gone = true,
            }
        } else {
            self.join(delta);
            self.catch_up();
        }
    }

    fn join(&mut self, delta: Delta) {
        for waiting in &mut self.behind {
            match (waiting, &delta) {
                (Delta::Text { call, text, .. }, Delta::Text { call: other, text: more, .. })
                | (Delta::Reasoning { call, text, .. }, Delta::Reasoning { call: other, text: more, .. })
                    if call == other =>
                {
                    text.push_str(more);
                    return;
                }
                (Delta::Output { op, text, .. }, Delta::Output { op: other, text: more, .. }) if op == other => {
                    text.push_str(more);
                    return;
                }
                (Delta::Memory { op, bytes }, Delta::Memory { op: other, bytes: newer }) if op == other => {
                    *bytes = *newer;
                    return;
                }
                _ => {}
            }
        }
        self.behind.push(delta);
    }

    fn catch_up(&mut self) {
        while !self.behind.is_empty() {
            match self.to.try_reserve() {
                Ok(permit) => permit.send(Update::Delta(self.behind.remove(0))),
                Err(_) => return,
            }
        }
    }

    /// Something that must arrive, after everything that was sent before it.
    pub async fn send(&mut self, update: Update) {
        for delta in std::mem::take(&mut self.behind) {
            self.gone |= self.to.send(Update::Delta(delta)).await.is_err();
        }
        self.gone |= self.to.send(update).await.is_err();
    }
}
