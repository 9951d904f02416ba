//! Members of catalogs: a name and options, checked against the row.

use super::World;
use crate::catalog::{Field, FieldKind, Options, Row};
use crate::chat::team::Spec;
use crate::settings::reader::{self, Findings, Node, Span, elsewhere, suggestion};
use crate::settings::report::Finding;
use crate::settings::secrets;
use serde_json::{Map, Value};
use toml::de::DeValue;

/// An option as it stands in the file.
pub(super) type Given<'a> = (&'a str, Span, &'a Node<'a>);

impl World<'_> {
    /// The row of that name.
    pub(super) fn row<'r>(&self, rows: &'r [Row], family: &str, name: &str, span: Span) -> Option<&'r Row> {
        let row = rows.iter().find(|row| row.name == name);
        if row.is_none() {
            let help = suggestion(name, rows.iter().map(|row| row.name));
            self.findings.push(Finding::error(format!("there is no {family} {name:?}")).at(span).help(help));
        }
        row
    }

    /// A member given as a text, or as a table with its name under `tag` and its options beside it.
    pub(super) fn member(
        &self,
        rows: &[Row],
        key: &'static str,
        tags: &[&'static str],
        node: &Node<'_>,
    ) -> Option<Spec> {
        match node.get_ref() {
            DeValue::String(name) => {
                let row = self.row(rows, key, name, node.span())?;
                Some(self.spec(row, key, std::iter::empty(), node.span(), &[]))
            }
            DeValue::Table(table) => {
                let tag = tags.iter().copied().find(|tag| table.contains_key(*tag)).unwrap_or(tags[0]);
                let Some(tagged) = table.get(tag) else {
                    let message = format!("this table does not say which `{key}` it is");
                    self.findings.push(Finding::error(message).at(node.span()).help(format!("add `{tag} = \"…\"`")));
                    return None;
                };
                let name = reader::text(self.findings, tag, tagged)?;
                let row = self.row(rows, key, &name, tagged.span())?;
                let given = table.iter().filter(|(name, _)| name.get_ref() != tag);
                let given = given.map(|(name, node)| (&**name.get_ref(), name.span(), node));
                Some(self.spec(row, key, given, node.span(), &[tag]))
            }
            _ => {
                let message = format!("`{key}` takes a text or a table, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()));
                None
            }
        }
    }

    /// Options of a row, coerced and checked. `whole` is where to point when no option is to blame; `beside` are
    /// other keys that may stand in the same table, for suggestions.
    pub(super) fn spec<'n>(
        &self,
        row: &Row,
        family: &str,
        given: impl Iterator<Item = Given<'n>>,
        whole: Span,
        beside: &[&str],
    ) -> Spec {
        let before = self.findings.len();
        let mut options = Options::new();
        let mut places: Vec<(&str, Span)> = Vec::new();
        for (name, span, node) in given.filter(|(name, ..)| !secrets::names_a_key(name)) {
            let Some(field) = row.fields.iter().find(|field| field.name == name) else {
                let known = row.fields.iter().map(|field| field.name).chain(beside.iter().copied());
                let message = format!("{family} {:?} has no option `{name}`", row.name);
                let help = elsewhere(name, "").map_or_else(|| suggestion(name, known), str::to_owned);
                self.findings.push(Finding::error(message).at(span).help(help));
                continue;
            };
            places.push((field.name, node.span()));
            if let Some(value) = self.coerce(row, field, node) {
                options.insert(name.to_owned(), value);
            }
        }
        for field in row.fields.iter().filter(|field| field.required) {
            if !places.iter().any(|(name, _)| *name == field.name) {
                let finding =
                    Finding::error(format!("{family} {:?} needs `{}`: {}", row.name, field.name, field.about));
                self.findings.push(finding.at(whole.clone()).help(format!("for example: {}", row.example)));
            }
        }
        if self.findings.len() == before
            && let Err(error) = (row.check)(&options)
        {
            let blamed = error.field.as_deref();
            let place = places.into_iter().find(|(name, _)| Some(*name) == blamed).map_or(whole, |(_, span)| span);
            let text = blamed.and_then(|name| options.get(name)?.as_str());
            let place = match (&error.at, text) {
                (Some(at), Some(text)) => self.inside(place, text, at),
                _ => place,
            };
            let finding = Finding::error(format!("{family} {:?}: {}", row.name, error.message));
            self.findings.push(finding.at(place).help(format!("for example: {}", row.example)));
        }
        Spec { kind: row.name.to_owned(), options }
    }
}

impl World<'_> {
    fn coerce(&self, row: &Row, field: &Field, node: &Node<'_>) -> Option<Value> {
        let findings = self.findings;
        // The file says `max_messages = 20`, not `value = 20`, unless it is written out as a table.
        let key = if field.name == "value" { row.name } else { field.name };
        match field.kind {
            FieldKind::Text => reader::text(findings, key, node).map(Value::from),
            FieldKind::Texts => reader::texts(findings, key, node)
                .map(|texts| texts.into_iter().map(|(text, _)| Value::from(text)).collect()),
            FieldKind::Count => reader::whole(findings, key, node, 0..=i64::MAX as u64).map(Value::from),
            FieldKind::Number => reader::number(findings, key, node).map(Value::from),
            FieldKind::Flag => reader::flag(findings, key, node).map(Value::from),
            FieldKind::Duration => reader::duration(findings, key, node).map(Value::from),
            FieldKind::Rule => self.rule(key, node).map(|rule| Value::from(rule.source())),
            FieldKind::Pattern => reader::text(findings, key, node).map(Value::from),
            FieldKind::Command => self.command(key, node),
            FieldKind::Cases => self.cases(key, node),
            FieldKind::Table => match node.get_ref() {
                DeValue::Table(_) | DeValue::Array(_) => {
                    self.rules_inside(node);
                    json(findings, key, node)
                }
                _ => {
                    let message = format!("`{key}` takes {}, and this is {}", field.kind.words(), reader::found(node));
                    findings.push(Finding::error(message).at(node.span()));
                    None
                }
            },
        }
    }
}

impl World<'_> {
    /// Reads every `when` of the tables in a list, so that a mistake shows on its spot.
    fn rules_inside(&self, node: &Node<'_>) {
        let items = node.get_ref().as_array().into_iter().flat_map(|list| list.iter());
        for table in items.filter_map(|item| item.get_ref().as_table()) {
            if let Some(when) = table.get("when") {
                self.rule("when", when);
            }
        }
    }
}

/// Any TOML value as JSON; dates become texts. The parser bounds the depth.
pub(super) fn json(findings: &Findings, key: &str, node: &Node<'_>) -> Option<Value> {
    Some(match node.get_ref() {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Integer(whole) => match i64::from_str_radix(whole.as_str(), whole.radix()) {
            Ok(whole) => Value::from(whole),
            Err(_) => {
                findings.push(Finding::error(format!("a number in `{key}` does not fit 64 bits")).at(node.span()));
                return None;
            }
        },
        DeValue::Float(_) => Value::from(reader::number(findings, key, node)?),
        DeValue::Array(list) => list.iter().map(|item| json(findings, key, item)).collect::<Option<Vec<_>>>()?.into(),
        DeValue::Table(table) => table
            .iter()
            .map(|(name, node)| Some((name.get_ref().to_string(), json(findings, name.get_ref(), node)?)))
            .collect::<Option<Map<_, _>>>()?
            .into(),
    })
}
