//! D15: the orchestrator's own ledger says that the team stands still (AutoGen: MagenticOne's progress ledger).

use super::row::{Row, Seen, limits};
use super::view::View;
use crate::chat::watch::Level;
use serde_json::Value;

pub(super) const ROW: Row = Row {
    id: "D15",
    name: "ledger stall",
    about: "an orchestrator's ledger says \"in a loop\" or \"no progress\": one up; progress: one down",
    progress: false,
    thresholds: limits(2, None, Some(4)),
    see,
};

/// What a ledger in this text says: whether the team stands still. `None` when there is no ledger in it.
pub(super) fn read(text: &str) -> Option<bool> {
    if !text.contains("is_in_loop") && !text.contains("is_progress_being_made") {
        return None;
    }
    let (from, to) = (text.find('{')?, text.rfind('}')?);
    let ledger: Value = serde_json::from_str(text.get(from..=to)?).ok()?;
    let answer = |key: &str| {
        let entry = ledger.get(key)?;
        entry.get("answer").unwrap_or(entry).as_bool()
    };
    let (looping, moving) = (answer("is_in_loop"), answer("is_progress_being_made"));
    (looping.is_some() || moving.is_some()).then(|| looping == Some(true) || moving == Some(false))
}

fn see(view: &View) -> Option<Seen> {
    let (stalls, at) = view.stalls();
    (stalls > 0).then(|| Seen {
        text: format!("the ledger counts {stalls} stalls"),
        count: stalls,
        at: at.iter().copied().collect(),
        agent: None,
        pattern: 15,
        most: Level::Hold,
    })
}
