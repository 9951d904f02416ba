//! Asking a program of the user's, as the driver does it.

use super::driver::Engine;
use super::effect::Input;
use crate::chat::breaks::BreakId;
use crate::chat::consult::{Advice, Consultation};
use crate::chat::id::OpId;
use crate::execution::consult;
use tokio_util::sync::CancellationToken;

impl Engine {
    /// Starts the program; its answer comes back as an input. [`super::effect::Effect::Kill`] stops it.
    pub(super) fn consult(&mut self, op: OpId, consultation: Consultation) {
        let (kill, inbox) = (CancellationToken::new(), self.inbox.clone());
        self.programs.retain(|_, (_, task)| !task.is_finished());
        let stop = kill.clone();
        let task = tokio::spawn(async move {
            let advice: Advice = consult::ask(consultation, stop).await;
            let _ = inbox.send(Input::Advised { op, advice }).await;
        });
        self.programs.insert(op, (kill, task));
    }

    /// Starts the program of a breakpoint. It ends with the engine, or when its time is over.
    pub(super) fn tell(&mut self, id: BreakId, consultation: Consultation) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let advice: Advice = consult::ask(consultation, CancellationToken::new()).await;
            let _ = inbox.send(Input::Told { id, advice }).await;
        });
    }
}
