//! Who speaks now, who is next and why, who is queued.

use super::turn::Inquiry;
use crate::chat::event::{Choice, Graph};
use crate::chat::id::CallId;
use crate::chat::ledger::Ledger;
use crate::chat::tool::ToolBarred;
use crate::chat::{Name, UnixMillis};
use std::sync::Arc;

/// The floor.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    /// The latest choice.
    pub choice: Option<Choice>,
    /// Who spoke last and finished.
    pub last_speaker: Option<Name>,
    /// Who was stopped in mid-turn and gets the floor back unless the operator says otherwise.
    pub retry: Vec<Name>,
    /// How far the run has come in a graph; `None` before the first step of one.
    pub graph: Option<Graph>,
    /// The moderator's ledger, where one leads.
    pub ledger: Option<Box<Ledger>>,
    /// Who has finished a turn since the graph was last looked at.
    pub finished: Vec<Name>,
    /// Turns in a row that were skipped because their speakers failed.
    pub skipped: u32,
    /// Whom the operator has lined up; overrides the selector until it is empty.
    pub queue: Vec<Name>,
    /// A pick that a person has to make.
    pub wanted: Option<Wanted>,
    /// The exchange with the selector's model for the present pick.
    pub selecting: Selecting,
    /// The operator wants a model's proposal before picking.
    pub proposing: bool,
    /// Whom the operator has taken off the floor.
    pub bars: Vec<Bar>,
    /// Tools that the operator has taken off the table, each with the turns that are left.
    pub tool_bars: Vec<(String, Option<u32>)>,
}

impl Floor {
    /// Whether the operator has taken this tool off the table.
    pub fn is_tool_barred(&self, tool: &str) -> bool {
        self.tool_bars.iter().any(|(barred, _)| barred == tool)
    }

    /// A tool is taken off the table, or given back.
    pub(super) fn bar_tool(&mut self, bar: &ToolBarred) {
        self.tool_bars.retain(|(tool, _)| *tool != bar.tool);
        if !bar.back {
            self.tool_bars.push((bar.tool.clone(), bar.turns));
        }
    }

    /// The bar on an agent, if the operator has set one.
    pub fn bar(&self, agent: &str) -> Option<&Bar> {
        self.bars.iter().find(|bar| &*bar.agent == agent)
    }

    /// Who may speak has changed: what was asked or answered about that is void. A call that is under way is read
    /// against who may speak then.
    pub(super) fn choose_anew(&mut self) {
        self.wanted = None;
        self.selecting.attempts.clear();
    }

    /// A turn of this agent is over: bars on others that were set for a number of turns come closer to their end.
    pub(super) fn count_down(&mut self, spoke: &str) {
        self.tool_bars.retain_mut(|(_, turns)| {
            turns.as_mut().is_none_or(|turns| {
                *turns = turns.saturating_sub(1);
                *turns > 0
            })
        });
        self.bars.retain_mut(|bar| match &mut bar.turns {
            Some(turns) if &*bar.agent != spoke => {
                *turns = turns.saturating_sub(1);
                *turns > 0
            }
            _ => true,
        });
    }
}

/// An agent that the operator has taken off the floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Who.
    pub agent: Name,
    /// For how many turns of others from now on; `None` until it is taken back.
    pub turns: Option<u32>,
}

impl Bar {
    /// The cause, as the floor shows it.
    pub fn words(&self) -> String {
        match self.turns {
            None => "barred by the operator".to_owned(),
            Some(1) => "barred by the operator for 1 more turn".to_owned(),
            Some(turns) => format!("barred by the operator for {turns} more turns"),
        }
    }
}

/// A pick that a person has to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who can be picked.
    pub candidates: Vec<Name>,
    /// Who cannot, each with the cause.
    pub barred: Vec<(Name, String)>,
    /// Who would speak if it were left to the team's order, or whom the model proposed.
    pub proposed: Option<Name>,
    /// Why one might pick whom.
    pub reasons: Vec<(Name, String)>,
    /// When the proposal is taken by itself.
    pub until: Option<UnixMillis>,
    /// Words of the operator answer it as well.
    pub by_words: bool,
}

/// A pick that a model makes.
#[derive(Debug, Clone, Default)]
pub struct Selecting {
    /// The state of the line to the model.
    pub inquiry: Inquiry,
    /// Answers so far, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One answer of the selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The call that gave it.
    pub call: CallId,
    /// The raw text.
    pub answer: Arc<str>,
    /// Agents mentioned, with the number of mentions.
    pub mentions: Vec<(Name, u32)>,
}
