//! What the console remembers from one time to the next: how the screen was arranged for a team, and what was
//! bookmarked in a session. It changes no session; losing it loses a habit.
//!
//! Pure: texts in, texts out. `files.rs` reads and writes them.

use super::app::App;
use super::layout::{Arrangement, Layout};
use super::pane::Pane;
use crate::chat::id::Seq;
use toml::{Table, Value};

/// Most teams, and most sessions, that are remembered; the oldest are forgotten.
const KEPT: usize = 300;

const TEAMS: &str = "teams";
const SESSIONS: &str = "sessions";

impl App {
    /// Takes up what was remembered of this team and this session. What cannot be read is passed over.
    pub fn recall(&mut self, text: &str) {
        let Ok(all) = text.parse::<Table>() else { return };
        let entry = |family: &str, name: &str| all.get(family)?.as_table()?.get(name)?.as_table().cloned();
        if let Some(team) = self.session.team().and_then(|team| entry(TEAMS, &team.name)) {
            self.arranged = arrangement(&team);
        }
        if let Some(session) = entry(SESSIONS, self.session.id()) {
            let seqs = session.get("bookmarks").and_then(Value::as_array).into_iter().flatten();
            let seqs = seqs.filter_map(Value::as_integer).filter_map(|seq| u64::try_from(seq).ok());
            self.transcript.remember(seqs.map(Seq));
        }
    }

    /// The text with what is to be remembered of this team and this session.
    pub fn remembered(&self, text: &str) -> String {
        let mut all = text.parse::<Table>().unwrap_or_default();
        if let Some(team) = self.session.team() {
            put(&mut all, TEAMS, &team.name, told(&self.arranged));
        }
        let marks = self.transcript.bookmarks().iter().filter_map(|seq| i64::try_from(seq.0).ok());
        let mut session = Table::new();
        session.insert("bookmarks".into(), marks.map(Value::Integer).collect::<Vec<_>>().into());
        if !self.session.id().is_empty() {
            put(&mut all, SESSIONS, self.session.id(), session);
        }
        all.to_string()
    }
}

/// Puts an entry at the end of its family, and forgets the oldest beyond what is kept.
fn put(all: &mut Table, family: &str, name: &str, entry: Table) {
    let family = all.entry(family).or_insert_with(|| Table::new().into());
    if !family.is_table() {
        *family = Table::new().into();
    }
    let Some(family) = family.as_table_mut() else { return };
    family.remove(name);
    family.insert(name.to_owned(), entry.into());
    while family.len() > KEPT {
        let Some(oldest) = family.keys().next().cloned() else { break };
        family.remove(&oldest);
    }
}

fn told(arranged: &Arrangement) -> Table {
    let mut table = Table::new();
    table.insert("layout".into(), arranged.layout.name().into());
    table.insert("left".into(), arranged.pair.0.name().into());
    table.insert("right".into(), arranged.pair.1.name().into());
    table.insert("wider".into(), i64::from(arranged.wider).into());
    table
}

fn arrangement(table: &Table) -> Arrangement {
    let word = |key: &str| table.get(key).and_then(Value::as_str).unwrap_or_default();
    let pane = |key: &str| Pane::ALL.iter().copied().find(|pane| pane.name() == word(key));
    let mut arranged = Arrangement::default();
    if let (Some(left), Some(right)) = (pane("left"), pane("right")) {
        arranged.pair = (left, right);
    }
    if let Some(layout) = Layout::ALL.iter().find(|layout| layout.name() == word("layout")) {
        arranged.lay(*layout);
    }
    let wider = table.get("wider").and_then(Value::as_integer).and_then(|steps| i32::try_from(steps).ok());
    arranged.widen(wider.unwrap_or(0));
    arranged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrangement_is_recalled_as_it_was_told() {
        let mut arranged = Arrangement { pair: (Pane::Timeline, Pane::Floor), ..Arrangement::default() };
        arranged.lay(Layout::Split);
        arranged.widen(3);
        assert_eq!(arrangement(&told(&arranged)), arranged);
        assert_eq!(arrangement(&"layout = 3\nleft = \"nowhere\"".parse().unwrap()), Arrangement::default());
    }

    #[test]
    fn the_oldest_is_forgotten_and_a_foreign_shape_is_replaced() {
        let mut all: Table = "teams = 3".parse().unwrap();
        for n in 0..KEPT + 5 {
            put(&mut all, TEAMS, &format!("team {n}"), Table::new());
        }
        let teams = all[TEAMS].as_table().unwrap();
        assert_eq!((teams.len(), teams.keys().next().unwrap().as_str()), (KEPT, "team 5"));
    }
}
