//! What is wrong with the options of a way to choose speakers, given the team: what a row alone cannot know.

use super::{concurrent, graph, handoff, magentic, rule};
use crate::catalog::Remark;
use crate::chat::team::Team;

/// All remarks about the way in which this team chooses speakers.
pub fn review(team: &Team) -> Vec<Remark> {
    let method = &team.speaker_selection_method;
    match method.kind.as_str() {
        "graph" => graph::review(&method.options, team),
        "concurrent" => concurrent::review(&method.options, team),
        "magentic" => magentic::review(&method.options, team),
        "handoff" => handoff::review(&method.options, team),
        "rule" => rule::review(&method.options, team),
        _ => Vec::new(),
    }
}
