//! What the detectors see at present, and what the operator has said about it.

use crate::chat::Name;
use crate::chat::event::{Event, Judgement, Level, Progress};
use crate::chat::id::{MessageId, TurnId};
use crate::chat::watch::Detection;

/// A detector's present finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Catalog name of the detector.
    pub detector: String,
    /// What it saw.
    pub text: String,
    /// How many times.
    pub count: u32,
    /// The turns that match.
    pub turns: Vec<TurnId>,
    /// How grave it is.
    pub level: Level,
    /// Who repeats, if one does.
    pub agent: Option<Name>,
    /// What it is that repeats.
    pub pattern: u64,
    /// The messages that match.
    pub messages: Vec<MessageId>,
}

/// An operator's word about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Catalog name of the detector.
    pub detector: String,
    /// The pattern it saw.
    pub pattern: u64,
    /// What was said.
    pub judgement: Judgement,
}

/// What the detectors see on a branch.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub present: Vec<Finding>,
    pub judged: Vec<Judged>,
    pub progress: Option<(Progress, Option<MessageId>)>,
}

impl Findings {
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::DetectorChanged(Detection { detector, text, count, turns, level, agent, pattern, messages }) => {
                self.present.retain(|finding| finding.detector != *detector);
                if *count > 0 {
                    self.present.push(Finding {
                        detector: detector.clone(),
                        text: text.clone(),
                        count: *count,
                        turns: turns.clone(),
                        level: *level,
                        agent: agent.clone(),
                        pattern: *pattern,
                        messages: messages.clone(),
                    });
                }
            }
            Event::ProgressMade { what, message } => self.progress = Some((*what, *message)),
            Event::DetectorJudged { detector, pattern, judgement } => {
                let (detector, judgement) = (detector.clone(), *judgement);
                self.judged.push(Judged { detector, pattern: *pattern, judgement });
            }
            _ => {}
        }
    }
}
