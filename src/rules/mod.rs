//! Rules: one-line conditions on the conversation, as a team file writes them (`docs/rules.md` is their manual).
//!
//! A rule decides who may speak (`available_when`), who speaks (`kind = "rule"`), when a run ends (`rule = "…"`), which
//! edge of a graph is taken and where a breakpoint holds. It is parsed and type-checked once, with the place of every
//! mistake, and asked as often as one likes: an answer costs the same at message ten and at message ten thousand, because
//! the session keeps the counts. Pure; may import [`crate::session`] and [`crate::chat`]. `token.rs` splits the text,
//! `parse.rs` checks it, `eval.rs` answers. To add a fact: a row in [`FACTS`], in `facts.rs`.

mod eval;
mod facts;
pub mod moment;
mod parse;
mod token;
mod tree;

pub use facts::{Argument, FACTS, Fact};

use crate::session::Session;
use moment::Moment;
use serde_json::{Map, Value};
use std::ops::Range;
use tree::Expr;

/// Longest rule, in bytes: far above what anybody writes by hand.
pub const LONGEST: usize = 4000;

/// A rule that was parsed and fits: asking it cannot fail.
#[derive(Debug, Clone)]
pub struct Rule {
    source: String,
    expr: Expr,
    names: Vec<Named>,
}

/// Somebody or something that a rule names, for whoever knows the team to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it names.
    pub what: Naming,
    /// The name.
    pub name: String,
    /// Where it stands in the rule, in bytes.
    pub at: Range<usize>,
}

/// What a name in a rule stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// An agent, or `user` for the operator.
    Speaker,
    /// A tool.
    Tool,
    /// A detector, by identifier or name.
    Detector,
    /// A context variable.
    Variable,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// The place in the text, in bytes.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// With the place of the first mistake. Never panics, whatever the text.
    pub fn parse(text: &str) -> Result<Rule, RuleError> {
        let (expr, names) = parse::parse(text, false)?;
        Ok(Rule { source: text.to_owned(), expr, names })
    }

    /// Reads the rule of a breakpoint, which may also ask about the moment ([`moment::FACTS`]).
    ///
    /// # Errors
    /// As [`Rule::parse`].
    pub fn parse_breakpoint(text: &str) -> Result<Rule, RuleError> {
        let (expr, names) = parse::parse(text, true)?;
        Ok(Rule { source: text.to_owned(), expr, names })
    }

    /// The names of the facts it asks for, in the order of the text; some may stand there twice.
    pub fn facts(&self) -> Vec<&'static str> {
        tree::facts(&self.expr)
    }

    /// Whether it is true at this moment.
    pub fn met(&self, session: &Session, moment: &Moment<'_>) -> bool {
        let context = session.context();
        eval::holds(&self.expr, &facts::Scene { session, context, moment: Some(moment) })
    }

    /// What its facts are at this moment, each as `(fact, value)`.
    pub fn why_met(&self, session: &Session, moment: &Moment<'_>) -> Vec<(String, String)> {
        let context = session.context();
        eval::values(&self.expr, &facts::Scene { session, context, moment: Some(moment) })
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Everybody and everything it names, in the order of the text.
    pub fn names(&self) -> &[Named] {
        &self.names
    }

    /// Whether it is true of the active branch as it stands.
    pub fn applies(&self, session: &Session) -> bool {
        self.holds(session, session.context())
    }

    /// What its facts are at present, each as `(fact, value)`.
    pub fn why(&self, session: &Session) -> Vec<(String, String)> {
        self.because(session, session.context())
    }

    /// Whether it is true of the active branch as it stands, with these context variables.
    pub fn holds(&self, session: &Session, context: &Map<String, Value>) -> bool {
        eval::holds(&self.expr, &facts::Scene { session, context, moment: None })
    }

    /// What its facts are at present, each as `fact = value`, for whoever asks why it held.
    pub fn because(&self, session: &Session, context: &Map<String, Value>) -> Vec<(String, String)> {
        eval::values(&self.expr, &facts::Scene { session, context, moment: None })
    }
}

/// Whether the rule in this text is true of the active branch as it stands. A text that is no rule is true of nothing: a
/// team file with one is not loaded.
pub fn applies(rule: &str, session: &Session) -> bool {
    Rule::parse(rule).is_ok_and(|rule| rule.applies(session))
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl std::fmt::Display for Rule {
    /// In the one way in which it can be written without superfluous signs; reading that gives the same rule.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.expr.fmt(f)
    }
}

#[cfg(test)]
mod tests;
