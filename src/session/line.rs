//! One branch as a log of its own: what a fork into another session, or a test of the rules, begins from.

use super::Session;
use crate::chat::event::{Event, Record};
use crate::chat::id::Seq;
use std::sync::Arc;

impl Session {
    /// The records from the root to that one, numbered anew without gaps, as the log of a session of that name.
    pub fn line_to(&self, seq: Seq, session: &str) -> Vec<Arc<Record>> {
        let line = self.path_to(Some(seq)).into_iter().enumerate().map(|(place, record)| {
            let mut record = (*record).clone();
            record.seq = Seq(place as u64 + 1);
            record.parent = (place > 0).then_some(Seq(place as u64));
            if let Event::SessionStarted { session: name, .. } = &mut record.event {
                session.clone_into(name);
            }
            Arc::new(record)
        });
        line.collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::command::Command;
    use crate::session::Session;
    use crate::session::decide::decide;
    use crate::session::testing::{Log, speakers};

    #[test]
    fn a_branch_as_a_line_adds_up_to_the_same_conversation() {
        let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
        let first = log.says("a", "one");
        log.says("b", "two");
        let edit = Command::Edit { message: first, content: "uno".into() };
        let decision = decide(&log.session, &edit, log.now).unwrap();
        log.add_moved(decision.moved, decision.events);
        log.says("b", "due");
        for tip in [log.session.branches()[0].tip, log.session.head().unwrap()] {
            let line = Session::replay(log.session.line_to(tip, "other")).unwrap();
            let branch = log.session.at(tip).unwrap();
            let said = |session: &Session| {
                let entries = session.transcript().entries().iter();
                entries.map(|entry| (entry.message.clone(), entry.revision)).collect::<Vec<_>>()
            };
            assert_eq!(said(&line), said(&branch));
            assert_eq!((line.id(), line.rounds()), ("other", branch.rounds()));
        }
    }
}
