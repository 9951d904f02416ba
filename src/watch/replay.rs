//! The detectors over a stored conversation: every stretch in which one of them saw something.

use super::from_messages::Listed;
use super::from_session::Follower;
use super::view::View;
use super::{Row, Seen, judge};
use crate::chat::Name;
use crate::chat::event::{Event, Level};
use crate::chat::watch::Watching;
use crate::session::Session;

/// One stretch in which a detector saw something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// `D8`.
    pub id: &'static str,
    /// `same failure`.
    pub name: &'static str,
    /// The gravest level it reached.
    pub level: Level,
    /// What it said at its gravest.
    pub text: String,
    /// The highest count.
    pub count: u32,
    /// Indices of the messages that match, oldest first.
    pub turns: Vec<usize>,
    /// Who repeats, if one does.
    pub agent: Option<Name>,
    /// Index of the message after which it was first seen.
    pub raised: usize,
    /// Index of the message after which it held, if it did.
    pub held: Option<usize>,
    /// Index of the message after which it was gone; `None` when it still stood at the end.
    pub cleared: Option<usize>,
}

/// The detectors over a message list.
pub fn messages(list: &[Listed], watching: &Watching) -> Vec<Hit> {
    let mut view = View::new(watching.courtesies.clone());
    let mut hits = Hits::default();
    for (index, message) in list.iter().enumerate() {
        let mut said = message.said(index);
        said.task |= index == 0;
        view.hear(&said);
        hits.after(index, judge(&view, watching, &[]));
    }
    hits.all()
}

/// The detectors over the active branch of a session, judged after every turn, as the engine does.
pub fn session(session: &Session, watching: &Watching) -> Vec<Hit> {
    let mut follower = Follower::new(watching.courtesies.clone());
    let mut hits = Hits::default();
    follower.follow(session, |view, record| {
        if matches!(record.event, Event::TurnEnded { .. }) {
            hits.after(view.messages().saturating_sub(1), judge(view, watching, &[]));
        }
    });
    hits.all()
}

#[derive(Default)]
struct Hits {
    open: Vec<Hit>,
    closed: Vec<Hit>,
}

impl Hits {
    fn after(&mut self, index: usize, raised: Vec<(&'static Row, Level, Seen)>) {
        let gone = self.open.extract_if(.., |hit| !raised.iter().any(|(row, ..)| row.id == hit.id));
        self.closed.extend(gone.map(|hit| Hit { cleared: Some(index), ..hit }));
        for (row, level, seen) in raised {
            let at = self.open.iter().position(|hit| hit.id == row.id).unwrap_or_else(|| {
                self.open.push(Hit {
                    id: row.id,
                    name: row.name,
                    level,
                    text: String::new(),
                    count: 0,
                    turns: Vec::new(),
                    agent: None,
                    raised: index,
                    held: None,
                    cleared: None,
                });
                self.open.len() - 1
            });
            let hit = &mut self.open[at];
            if (level, seen.count) >= (hit.level, hit.count) {
                (hit.level, hit.count, hit.text, hit.turns, hit.agent) =
                    (level, seen.count, seen.text, seen.at, seen.agent);
            }
            if level == Level::Hold {
                hit.held.get_or_insert(index);
            }
        }
    }

    fn all(mut self) -> Vec<Hit> {
        self.closed.append(&mut self.open);
        self.closed.sort_by_key(|hit| (hit.raised, hit.id));
        self.closed
    }
}
