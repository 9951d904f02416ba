//! What the active branch holds, by turn, by agent and by kind: what the minimap, the jumps, the sparklines and the
//! timeline read, kept record by record so that no frame ever walks the conversation.

use crate::chat::event::{Event, Record};
use crate::chat::id::{Seq, TurnId};
use crate::chat::message::Author;
use crate::chat::usage::Money;
use crate::chat::watch::Detection;
use crate::chat::{Name, UnixMillis};
use crate::session::Session;
use std::collections::HashMap;

/// Something about a turn that an operator looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A model, an agent or a program failed.
    Failure,
    /// The operator was asked for something.
    Asked,
    /// A detector saw something.
    Detector,
    /// A message was edited.
    Edit,
    /// Another branch leaves here, or this one began.
    Branch,
}

impl Mark {
    /// Every mark, the gravest first: where there is room for one, it is the one that is shown.
    pub const ALL: [Mark; 5] = [Mark::Failure, Mark::Asked, Mark::Detector, Mark::Edit, Mark::Branch];

    /// What it is called where one jumps from one to the next.
    pub fn name(self) -> &'static str {
        match self {
            Mark::Failure => "failure",
            Mark::Asked => "question to you",
            Mark::Detector => "finding of a detector",
            Mark::Edit => "edit",
            Mark::Branch => "branch point",
        }
    }

    /// Its sign, in Unicode or in ASCII.
    pub fn sign(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Mark::Failure, true) => "✗",
            (Mark::Failure, false) => "x",
            (Mark::Asked, true) => "▲",
            (Mark::Asked, false) => "!",
            (Mark::Detector, true) => "↻",
            (Mark::Detector, false) => "~",
            (Mark::Edit, true) => "✎",
            (Mark::Edit, false) => "e",
            (Mark::Branch, true) => "⑂",
            (Mark::Branch, false) => "Y",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// One turn, or one message of the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The record that began it.
    pub seq: Seq,
    /// When it began.
    pub at: UnixMillis,
    /// How long it took; `None` while it goes on.
    pub took_ms: Option<u32>,
    /// Tokens of its model calls, those of nested teams included.
    pub tokens: u32,
    /// What they are known to have cost.
    pub cost: Money,
    /// Place of the agent in the team; `None` is the operator.
    pub who: Option<u16>,
    marks: u8,
}

impl Cell {
    /// Whether it has this mark.
    pub fn has(&self, mark: Mark) -> bool {
        self.marks & mark.bit() != 0
    }

    /// The gravest of its marks.
    pub fn gravest(&self) -> Option<Mark> {
        Mark::ALL.into_iter().find(|mark| self.has(*mark))
    }
}

/// The active branch by turn, by agent and by kind.
#[derive(Debug, Default)]
pub struct Index {
    cells: Vec<Cell>,
    open: HashMap<TurnId, usize>,
    /// Cells of each agent, by its place in the team.
    turns: Vec<Vec<u32>>,
    /// Records of messages of each agent.
    said: Vec<Vec<Seq>>,
    marks: [Vec<Seq>; Mark::ALL.len()],
}

impl Index {
    /// The index of the session's active branch.
    pub fn of(session: &Session) -> Self {
        let mut index = Index::default();
        let path = session.path();
        for record in &path {
            index.see(record, session);
        }
        for from in session.branches().iter().filter_map(|branch| branch.from) {
            if path.binary_search_by_key(&from, |record| record.seq).is_ok() {
                index.mark(from, Mark::Branch);
            }
        }
        index
    }

    /// A record of the active branch came.
    pub fn see(&mut self, record: &Record, session: &Session) {
        let (within, event) = record.event.innermost();
        let place = |name: &str| session.team().and_then(|team| team.position(name)).map(|place| place as u16);
        match event {
            Event::TurnStarted { turn, agent, .. } if within.is_empty() => {
                self.open.insert(*turn, self.cells.len());
                self.begin(record, place(agent));
            }
            Event::TurnEnded { turn, .. } if within.is_empty() => {
                if let Some(cell) = self.open.remove(turn).and_then(|at| self.cells.get_mut(at)) {
                    cell.took_ms = Some(u32::try_from(record.at.saturating_sub(cell.at).max(0)).unwrap_or(u32::MAX));
                }
            }
            Event::MessagePosted { message } if within.is_empty() => {
                let who = match &message.author {
                    Author::Agent(name) => place(name),
                    Author::Operator => None,
                };
                if message.turn.is_none_or(|turn| !self.open.contains_key(&turn)) {
                    self.begin(record, who);
                    if let Some(cell) = self.cells.last_mut() {
                        cell.took_ms = Some(0);
                    }
                }
                if let Some(who) = who {
                    row(&mut self.said, who).push(record.seq);
                }
            }
            Event::ModelAnswered { call, usage, .. } => {
                let turn = match within.first() {
                    Some(outer) => session.turn_of(outer).map(|turn| turn.id),
                    None => session.call(*call).and_then(|call| call.turn),
                };
                if let Some(cell) = turn.and_then(|turn| self.open.get(&turn)).and_then(|at| self.cells.get_mut(*at)) {
                    let tokens = u32::try_from(usage.tokens.total()).unwrap_or(u32::MAX);
                    cell.tokens = cell.tokens.saturating_add(tokens);
                    cell.cost += usage.cost.unwrap_or_default();
                }
            }
            Event::ModelFailed { .. } | Event::AgentFailed { .. } => self.mark(record.seq, Mark::Failure),
            Event::Outcome { execution, .. } if execution.exit_code != 0 => self.mark(record.seq, Mark::Failure),
            Event::ApprovalAsked { .. } | Event::HumanAsked { .. } | Event::SpeakerWanted { .. } => {
                self.mark(record.seq, Mark::Asked);
            }
            Event::DetectorChanged(Detection { count, .. }) if *count > 0 => self.mark(record.seq, Mark::Detector),
            Event::MessageEdited { message, .. } => {
                if let Some(entry) = session.transcript().get(*message) {
                    self.mark(entry.seq, Mark::Edit);
                }
            }
            Event::Amended(amended) => {
                if let Some(entry) = session.transcript().get(amended.message) {
                    self.mark(entry.seq, Mark::Edit);
                }
            }
            Event::BranchMoved { .. } => self.mark(record.seq, Mark::Branch),
            _ => {}
        }
    }

    fn begin(&mut self, record: &Record, who: Option<u16>) {
        if let Some(who) = who {
            let at = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
            row(&mut self.turns, who).push(at);
        }
        let cell = Cell { seq: record.seq, at: record.at, took_ms: None, tokens: 0, cost: Money(0), who, marks: 0 };
        self.cells.push(cell);
    }

    fn mark(&mut self, seq: Seq, mark: Mark) {
        let list = &mut self.marks[mark as usize];
        if let Err(at) = list.binary_search(&seq) {
            list.insert(at, seq);
        }
        if let Some(at) = self.cell_of(seq) {
            self.cells[at].marks |= mark.bit();
        }
    }

    /// The turns, oldest first.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The turn to which a record belongs: the newest that began before it.
    pub fn cell_of(&self, seq: Seq) -> Option<usize> {
        self.cells.partition_point(|cell| cell.seq <= seq).checked_sub(1)
    }

    /// Tokens of an agent's newest turns, oldest first.
    pub fn tokens(&self, agent: usize, most: usize) -> Vec<u32> {
        let turns = self.turns.get(agent).map(Vec::as_slice).unwrap_or_default();
        let newest = &turns[turns.len().saturating_sub(most)..];
        newest.iter().filter_map(|at| Some(self.cells.get(*at as usize)?.tokens)).collect()
    }

    /// The newest message of an agent, by its record.
    pub fn last_said(&self, agent: usize) -> Option<Seq> {
        self.said.get(agent)?.last().copied()
    }

    /// Records with this mark, in order.
    pub fn marked(&self, mark: Mark) -> &[Seq] {
        &self.marks[mark as usize]
    }

    /// Records of the messages of an agent, in order.
    pub fn said_by(&self, agent: usize) -> &[Seq] {
        self.said.get(agent).map(Vec::as_slice).unwrap_or_default()
    }
}

fn row<T>(rows: &mut Vec<Vec<T>>, at: u16) -> &mut Vec<T> {
    let at = usize::from(at);
    if rows.len() <= at {
        rows.resize_with(at + 1, Vec::new);
    }
    &mut rows[at]
}

/// The next of some records after (or before) one, around the end if need be; without a beginning, the newest. Says
/// whether it went around.
pub fn next_of(all: &[Seq], from: Option<Seq>, forward: bool) -> Option<(Seq, bool)> {
    let Some(from) = from else { return all.last().map(|seq| (*seq, false)) };
    let found = match forward {
        true => all.get(all.partition_point(|seq| *seq <= from)),
        false => all.partition_point(|seq| *seq < from).checked_sub(1).and_then(|at| all.get(at)),
    };
    match found {
        Some(seq) => Some((*seq, false)),
        None => if forward { all.first() } else { all.last() }.map(|seq| (*seq, true)),
    }
}

/// A letter for each agent, none twice: a letter of its name that no one before it has, or else its number.
pub fn letters<'a>(names: impl IntoIterator<Item = &'a Name>) -> Vec<char> {
    let mut taken: Vec<char> = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        let own = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase());
        let digit = char::from_digit((n as u32 + 1) % 36, 36).unwrap_or('?');
        let letter = own.into_iter().find(|c| !taken.contains(c)).unwrap_or(digit);
        taken.push(letter);
    }
    taken
}

/// A sparkline of some figures: a sign each, the greatest as high as it gets.
pub fn sparkline(figures: &[u32], unicode: bool) -> String {
    let signs: &[char] = if unicode {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    } else {
        &['.', ':', '-', '=', '+', '#']
    };
    let most = figures.iter().copied().max().unwrap_or(0).max(1);
    let sign = |figure: &u32| {
        let step = u64::from(*figure) * (signs.len() as u64 - 1) / u64::from(most);
        signs[step as usize]
    };
    figures.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_of_the_name_and_never_twice() {
        let names: Vec<Name> = ["Coder", "Critic", "Cook", "cc", "漢字"].map(Name::from).into();
        assert_eq!(letters(&names), ['C', 'R', 'O', '4', '5']);
    }

    #[test]
    fn jumps_go_on_around_the_end_and_begin_at_the_newest() {
        let all = [Seq(2), Seq(5), Seq(9)];
        assert_eq!(next_of(&all, None, true), Some((Seq(9), false)));
        assert_eq!(next_of(&all, Some(Seq(2)), true), Some((Seq(5), false)));
        assert_eq!(next_of(&all, Some(Seq(9)), true), Some((Seq(2), true)));
        assert_eq!(next_of(&all, Some(Seq(5)), false), Some((Seq(2), false)));
        assert_eq!(next_of(&all, Some(Seq(1)), false), Some((Seq(9), true)));
        assert_eq!(next_of(&[], None, true), None);
    }

    #[test]
    fn a_sparkline_has_a_sign_for_each_figure() {
        assert_eq!(sparkline(&[0, 50, 100], true), "▁▄█");
        assert_eq!(sparkline(&[0, 100], false), ".#");
        assert_eq!(sparkline(&[], true), "");
        assert_eq!(sparkline(&[u32::MAX, 0], true), "█▁");
    }
}
