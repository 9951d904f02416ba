//! Copying: a message, a block of its code, what lies between a bookmark and here, or the whole branch.

use super::edit::blocks;
use crate::session::transcript::Entry;
use crate::text::clean::{Context as Clean, one_line, plain};
use crate::tui::app::{App, Deed};
use crate::tui::modal::list::{Choice, Line, List};

/// What is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The selected message.
    Message,
    /// A block of code in it, counted from 0.
    Block(usize),
    /// From the nearest bookmark to the selected message.
    Span,
    /// Every message of the branch.
    Branch,
}

impl App {
    /// Lets the operator choose what to copy.
    pub(super) fn choose_copy(&mut self) {
        let line = |text: String, what| Line { key: String::new(), text, choice: Choice::Copy(what) };
        let mut lines = Vec::new();
        if let Some(entry) = self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) {
            lines.push(line(format!("message {}", entry.message.id.number()), What::Message));
            for (n, range) in blocks(&entry.message.content).into_iter().enumerate() {
                let first = entry.message.content[range].lines().next().unwrap_or_default().to_owned();
                lines.push(line(format!("its code {}: {}", n + 1, one_line(&first)), What::Block(n)));
            }
        }
        if self.span().is_some() {
            lines.push(line("from the nearest bookmark to here".to_owned(), What::Span));
        }
        lines.push(line("the whole branch".to_owned(), What::Branch));
        self.open(List::new("Copy", lines));
    }

    /// Places of the messages between the nearest bookmark and the selected message.
    fn span(&self) -> Option<(usize, usize)> {
        let entries = self.session.transcript().entries();
        let here = self.transcript.chosen().and_then(|id| self.session.transcript().place(id))?;
        let seq = entries.get(here)?.seq;
        let marks = self.transcript.bookmarks();
        let mark = marks.range(..seq).next_back().or_else(|| marks.range(seq..).next())?;
        let there = entries.partition_point(|entry| entry.seq < *mark).min(entries.len() - 1);
        (there != here).then_some((there.min(here), there.max(here)))
    }

    /// Copies something.
    pub(super) fn copy_that(&mut self, what: What) -> Vec<Deed> {
        let entries = self.session.transcript().entries();
        let chosen = self.transcript.chosen().and_then(|id| self.session.transcript().get(id));
        let text = match what {
            What::Message => chosen.map(|entry| entry.message.told().into_owned()).unwrap_or_default(),
            What::Block(n) => {
                let text = chosen.map(|entry| entry.message.content.clone()).unwrap_or_else(|| "".into());
                blocks(&text).get(n).map(|range| text[range.clone()].to_owned()).unwrap_or_default()
            }
            What::Span => self.span().map(|(from, to)| joined(&entries[from..=to])).unwrap_or_default(),
            What::Branch => joined(entries),
        };
        // Where it is pasted next may be a shell.
        vec![Deed::Copy(plain(&text, Clean::Prose))]
    }
}

/// Messages as text, each under its author.
fn joined(entries: &[Entry]) -> String {
    let said =
        entries.iter().map(|entry| format!("{}:\n{}", entry.message.author.name(), entry.message.told().trim_end()));
    said.collect::<Vec<_>>().join("\n\n")
}
