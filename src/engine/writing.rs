//! Writes records: on disk first, then in the session, then to the views.

use super::driver::Engine;
use crate::chat::command::Command;
use crate::chat::event::{Actor, Event, Record};
use crate::chat::id::{BranchId, Seq};
use crate::chat::update::Update;
use crate::journal::{Durability, JournalError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long after a failed write the next attempt is made.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

impl Engine {
    pub(super) async fn append(
        &mut self,
        actor: Actor,
        events: Vec<Event>,
        moved: Option<(Seq, BranchId)>,
        commands: &mut mpsc::Receiver<Command>,
    ) {
        if events.is_empty() || self.lost {
            return;
        }
        let at = self.clock.now();
        let (mut parent, branch) = match moved {
            Some((seq, branch)) => (Some(seq), branch),
            None => (self.session.head(), self.session.branch()),
        };
        let mut seq = self.session.next_seq();
        let durability = if events.iter().any(is_hard) { Durability::Hard } else { Durability::Soft };
        let records: Vec<Arc<Record>> = events
            .into_iter()
            .map(|event| {
                let record = Record { seq, parent, branch, actor: actor.clone(), at, event };
                parent = Some(seq);
                seq.0 += 1;
                Arc::new(record)
            })
            .collect();
        self.write(&records, durability, commands).await;
        if self.lost {
            return;
        }
        for record in records {
            if let Err(error) = self.session.apply(record.clone()) {
                // The machine made a record that does not fit its own session: a defect, said rather than hidden.
                let text = format!("Record {} could not be applied: {error}.", record.seq);
                self.outbox.send(Update::Fault { text }).await;
                return;
            }
            self.outbox.send(Update::Record(record)).await;
        }
    }

    /// Writes, and keeps trying: until it is on disk nothing goes on.
    async fn write(&mut self, records: &[Arc<Record>], durability: Durability, commands: &mut mpsc::Receiver<Command>) {
        let mut said = String::new();
        while let Err(error) = self.journal.append(records.to_vec(), durability).await {
            use JournalError::{Full, Io, NotWritable};
            if !matches!(error, Full { .. } | Io { .. } | NotWritable { .. }) {
                // Waiting mends a full disk, not a log that belongs to somebody else or is damaged.
                let text = format!("{error} The run stops here; what was written is safe.");
                self.outbox.send(Update::Fault { text }).await;
                self.lost = true;
                return;
            }
            let text = format!("{error} Nothing goes on until the log can be written; trying again.");
            if said != text {
                self.outbox.send(Update::Fault { text: text.clone() }).await;
                said = text;
            }
            tokio::select! {
                () = tokio::time::sleep(WRITE_AGAIN) => {}
                command = commands.recv() => match command {
                    Some(_) => {
                        let text = "The log cannot be written; the command was not carried out.".to_owned();
                        self.outbox.send(Update::Refused { text }).await;
                    }
                    // The last view is gone while the disk is full: this batch was never acknowledged.
                    None => {
                        tokio::time::sleep(WRITE_AGAIN).await;
                        let _ = self.journal.append(records.to_vec(), durability).await;
                        return;
                    }
                }
            }
        }
        if !said.is_empty() {
            self.outbox.send(Update::Fault { text: String::new() }).await;
        }
    }
}

/// Events that must survive a power loss before anything rests on them.
fn is_hard(event: &Event) -> bool {
    matches!(
        event.innermost().1,
        Event::SessionStarted { .. }
            | Event::MessagePosted { .. }
            | Event::MessageEdited { .. }
            | Event::BranchMoved { .. }
            | Event::ModelCalled { .. }
            | Event::ApprovalDecided { .. }
            | Event::Intent { .. }
            | Event::ByHand(_)
            | Event::ConsultAsked(_)
            | Event::Outcome { .. }
            | Event::OutcomeResolved { .. }
            | Event::HumanAnswered { .. }
            | Event::LimitsChanged { .. }
            | Event::Configured { .. }
            | Event::Tools(_)
            | Event::AnswerRejected(_)
            | Event::Ended { .. }
            | Event::Summarized(_)
            | Event::Breaks(_)
    )
}
