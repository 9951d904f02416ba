//! Whether a rule is true now.

use super::facts::{Scene, Value};
use super::tree::{Comparison, Expr, Literal, Term};
use serde_json::Value as Json;

pub(super) fn holds(expr: &Expr, scene: &Scene<'_>) -> bool {
    match expr {
        Expr::Or(members) => members.iter().any(|member| holds(member, scene)),
        Expr::And(members) => members.iter().all(|member| holds(member, scene)),
        Expr::Not(inner) => !holds(inner, scene),
        Expr::Compare(left, comparison, right) => compare(&value(left, scene), *comparison, &value(right, scene)),
        Expr::Matches(term, pattern) => match value(term, scene) {
            Value::Text(text) => pattern.regex.is_match(text),
            _ => false,
        },
        Expr::In(term, literals) => {
            let found = value(term, scene);
            literals.iter().any(|literal| found == fixed(literal))
        }
        Expr::Is(term) => match value(term, scene) {
            Value::Flag(flag) => flag,
            Value::Number(number) => number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Json(Json::Array(list)) => !list.is_empty(),
            Value::Json(Json::Object(table)) => !table.is_empty(),
            _ => false,
        },
    }
}

/// Every fact of a rule with its present value, each once, in the order of the text.
pub(super) fn values(expr: &Expr, scene: &Scene<'_>) -> Vec<(String, String)> {
    fn walk(expr: &Expr, scene: &Scene<'_>, found: &mut Vec<(String, String)>) {
        let mut note = |term: &Term| {
            let name = term.to_string();
            if matches!(term, Term::Fact(..)) && !found.iter().any(|(known, _)| *known == name) {
                found.push((name, value(term, scene).to_string()));
            }
        };
        match expr {
            Expr::Or(members) | Expr::And(members) => members.iter().for_each(|member| walk(member, scene, found)),
            Expr::Not(inner) => walk(inner, scene, found),
            Expr::Compare(left, _, right) => [left, right].into_iter().for_each(note),
            Expr::Matches(term, _) | Expr::In(term, _) | Expr::Is(term) => note(term),
        }
    }
    let mut found = Vec::new();
    walk(expr, scene, &mut found);
    found
}

fn fixed(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::None => Value::None,
        Literal::Flag(flag) => Value::Flag(*flag),
        Literal::Number(number) => Value::Number(*number),
        Literal::Time(millis) => Value::Time(*millis),
        Literal::Money(nano) => Value::Money(*nano),
        Literal::Text(text) => Value::Text(text),
    }
}

fn value<'a>(term: &'a Term, scene: &Scene<'a>) -> Value<'a> {
    match term {
        Term::Literal(literal) => fixed(literal),
        Term::Fact(fact, argument) => match fact.read(scene, argument) {
            Value::Json(Json::Null) => Value::None,
            Value::Json(Json::Bool(flag)) => Value::Flag(*flag),
            Value::Json(Json::Number(number)) => number.as_f64().map_or(Value::None, Value::Number),
            Value::Json(Json::String(text)) => Value::Text(text),
            other => other,
        },
    }
}

fn compare(left: &Value<'_>, comparison: Comparison, right: &Value<'_>) -> bool {
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
        (Value::Time(left), Value::Time(right)) | (Value::Money(left), Value::Money(right)) => Some(left.cmp(right)),
        _ => None,
    };
    let text = |test: fn(&str, &str) -> bool| match (left, right) {
        (Value::Text(left), Value::Text(right)) => test(left, right),
        _ => false,
    };
    match comparison {
        Comparison::Equal => left == right,
        Comparison::Unequal => left != right,
        Comparison::Less => order.is_some_and(|order| order.is_lt()),
        Comparison::AtMost => order.is_some_and(|order| order.is_le()),
        Comparison::More => order.is_some_and(|order| order.is_gt()),
        Comparison::AtLeast => order.is_some_and(|order| order.is_ge()),
        Comparison::StartsWith => text(|left, right| left.starts_with(right)),
        Comparison::EndsWith => text(|left, right| left.trim_end().ends_with(right)),
        Comparison::Contains => match (left, right) {
            (Value::Json(Json::Array(list)), Value::Text(text)) => list.iter().any(|item| item.as_str() == Some(text)),
            _ => text(|left, right| left.contains(right)),
        },
    }
}
