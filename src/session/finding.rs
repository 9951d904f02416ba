//! What the detectors see at present, and what the operator has said about it.

use super::turn::Inquiry;
use crate::chat::Name;
use crate::chat::event::{Event, Judgement, Level, Progress};
use crate::chat::id::{MessageId, Seq, TurnId};
use crate::chat::watch::Detection;
use crate::chat::watch::LoopJudged;

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

/// The line to the judge model, and what it has said.
#[derive(Debug, Clone, Default)]
pub struct Judging {
    /// The line.
    pub inquiry: Inquiry,
    /// Answers so far.
    pub calls: u32,
    /// At which turn of the session it is asked next.
    pub next: u64,
    /// How often in a row it was sure.
    pub sure: u32,
    /// The record of its newest answer.
    pub at: Seq,
}

/// From how many percent on a judge is sure.
const SURE: u8 = 90;

impl Judging {
    pub(super) fn fold(&mut self, judged: &LoopJudged, at: Seq) {
        let sure = judged.percent.is_some_and(|percent| percent >= SURE);
        *self = Judging {
            inquiry: Inquiry::default(),
            calls: self.calls + 1,
            next: judged.next,
            sure: if sure { self.sure + 1 } else { 0 },
            at,
        };
    }
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
