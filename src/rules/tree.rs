//! What a rule is made of, and how it is written.

use super::facts::Fact;
use regex::Regex;
use std::fmt;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    /// `a == b`, `a contains b` …
    Compare(Term, Comparison, Term),
    /// `a matches /…/`.
    Matches(Term, Pattern),
    /// `a in [b, c]`.
    In(Term, Vec<Literal>),
    /// A flag by itself.
    Is(Term),
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Literal(Literal),
    /// A fact with its argument; empty when it has none.
    Fact(&'static Fact, String),
}

/// A value that stands in the rule itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    None,
    Flag(bool),
    Number(f64),
    /// Milliseconds.
    Time(u64),
    /// Billionths of a dollar.
    Money(u64),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    Contains,
    StartsWith,
    EndsWith,
}

impl Comparison {
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
            Comparison::Contains => "contains",
            Comparison::StartsWith => "starts_with",
            Comparison::EndsWith => "ends_with",
        }
    }

    /// Whether it asks which of two is larger.
    pub fn orders(self) -> bool {
        matches!(self, Comparison::Less | Comparison::AtMost | Comparison::More | Comparison::AtLeast)
    }

    /// Whether it looks inside a text.
    pub fn searches(self) -> bool {
        matches!(self, Comparison::Contains | Comparison::StartsWith | Comparison::EndsWith)
    }
}

/// A regular expression with what it was written as.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub source: String,
    /// Whether case is ignored.
    pub folded: bool,
    pub regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.folded) == (&other.source, other.folded)
    }
}

/// The names of the facts of a condition, in the order of the text.
pub(super) fn facts(expr: &Expr) -> Vec<&'static str> {
    let named = |term: &Term| match term {
        Term::Fact(fact, _) => Some(fact.name),
        Term::Literal(_) => None,
    };
    match expr {
        Expr::Or(members) | Expr::And(members) => members.iter().flat_map(facts).collect(),
        Expr::Not(inner) => facts(inner),
        Expr::Compare(left, _, right) => [left, right].into_iter().filter_map(named).collect(),
        Expr::Matches(term, _) | Expr::In(term, _) | Expr::Is(term) => named(term).into_iter().collect(),
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, members: &[Expr], word: &str, weak: fn(&Expr) -> bool| {
            for (place, member) in members.iter().enumerate() {
                if place > 0 {
                    write!(f, " {word} ")?;
                }
                if weak(member) { write!(f, "({member})")? } else { write!(f, "{member}")? }
            }
            Ok(())
        };
        match self {
            Expr::Or(members) => joined(f, members, "or", |member| matches!(member, Expr::Or(_))),
            Expr::And(members) => joined(f, members, "and", |member| matches!(member, Expr::Or(_) | Expr::And(_))),
            Expr::Not(inner) if matches!(**inner, Expr::Or(_) | Expr::And(_)) => write!(f, "not ({inner})"),
            Expr::Not(inner) => write!(f, "not {inner}"),
            Expr::Compare(left, comparison, right) => write!(f, "{left} {} {right}", comparison.sign()),
            Expr::Matches(term, pattern) => {
                write!(f, "{term} matches /{}/{}", slashed(&pattern.source), if pattern.folded { "i" } else { "" })
            }
            Expr::In(term, literals) => {
                let list: Vec<String> = literals.iter().map(Literal::to_string).collect();
                write!(f, "{term} in [{}]", list.join(", "))
            }
            Expr::Is(term) => write!(f, "{term}"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Literal(literal) => write!(f, "{literal}"),
            Term::Fact(fact, argument) if argument.is_empty() => f.write_str(fact.name),
            Term::Fact(fact, argument) if fact.name == super::facts::CONTEXT => write!(f, "{}.{argument}", fact.name),
            Term::Fact(fact, argument) => write!(f, "{}({})", fact.name, Literal::Text(argument.clone())),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::None => f.write_str("none"),
            Literal::Flag(flag) => write!(f, "{flag}"),
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Time(millis) => f.write_str(&time(*millis)),
            Literal::Money(nano) => {
                let cents = format!("{:09}", nano % 1_000_000_000);
                match cents.trim_end_matches('0') {
                    "" => write!(f, "${}", nano / 1_000_000_000),
                    cents => write!(f, "${}.{cents}", nano / 1_000_000_000),
                }
            }
            Literal::Text(text) => {
                f.write_str("\"")?;
                for c in text.chars() {
                    match c {
                        '"' | '\\' => write!(f, "\\{c}")?,
                        '\n' => f.write_str("\\n")?,
                        '\t' => f.write_str("\\t")?,
                        '\r' => f.write_str("\\r")?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

/// `1h30m`, `2m`, `1500ms`.
pub(super) fn time(mut millis: u64) -> String {
    let mut text = String::new();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        let amount = millis / size;
        if amount > 0 || (unit == "ms" && text.is_empty()) {
            text.push_str(&format!("{amount}{unit}"));
        }
        millis %= size;
    }
    text
}

/// A pattern with its slashes written as `\/`. What stands between slashes in a rule is otherwise untouched.
fn slashed(source: &str) -> String {
    source.replace('/', "\\/")
}
