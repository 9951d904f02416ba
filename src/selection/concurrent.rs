//! All agents at once, each on the same conversation; then one of them may draw the answers together (Agent Framework:
//! ConcurrentBuilder with an aggregator).

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options, Remark, count, text};
use crate::chat::Name;
use crate::chat::event::{Choice, EndCause};
use crate::chat::team::Team;
use crate::session::Session;

/// `speaker_selection_method = "concurrent"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "concurrent",
    about: "all agents at once, on the same conversation; then the run is complete",
    example: "speaker_selection_method = { method = \"concurrent\", aggregator = \"Editor\" }",
    fields: &[
        Field {
            name: "aggregator",
            kind: FieldKind::Text,
            required: false,
            about: "the agent that speaks after all others, once they have all spoken",
        },
        Field {
            name: "steps",
            kind: FieldKind::Count,
            required: false,
            about: "how often all of them speak before the aggregator does (1)",
        },
    ],
    build: |options| match count(options, "steps") {
        Some(0) => Err(OptionError::of("steps", "must be at least 1")),
        steps => Ok(Box::new(Concurrent {
            aggregator: text(options, "aggregator").map(Name::from),
            steps: steps.unwrap_or(1).min(u64::from(u32::MAX)) as u32,
        })),
    },
};

struct Concurrent {
    aggregator: Option<Name>,
    steps: u32,
}

impl Selector for Concurrent {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        let tally = session.transcript().tally();
        let others = candidates.eligible.iter().filter(|name| Some(*name) != self.aggregator.as_ref());
        // Whoever has spoken least: an agent that was interrupted, or called on in between, is not left behind.
        let least = others.clone().map(|name| tally.by(name).messages).min().unwrap_or(self.steps);
        if least < self.steps {
            let due = others.filter(|name| tally.by(name).messages == least);
            let reason = format!("step {} of {}, all at once", least + 1, self.steps);
            return Pick::Together(
                due.map(|name| candidates.choose(name.clone(), "concurrent", reason.as_str(), 0)).collect(),
            );
        }
        match &self.aggregator {
            Some(name) if tally.by(name).messages == 0 && candidates.eligible.contains(name) => {
                Pick::Choose(candidates.choose(name.clone(), "concurrent", "draws the answers together", 0))
            }
            _ => Pick::End { cause: EndCause::Complete, text: "Every agent has spoken".to_owned() },
        }
    }

    fn takes_the_only(&self) -> bool {
        false
    }

    fn foresee(&self, _candidates: &Candidates, _session: &Session) -> Option<Choice> {
        None
    }
}

/// What is wrong with the options in this team.
pub fn review(options: &Options, team: &Team) -> Vec<Remark> {
    let unknown = text(options, "aggregator").filter(|name| team.agent(name).is_none());
    unknown.map(|name| Remark::nobody("aggregator", name)).into_iter().collect()
}
