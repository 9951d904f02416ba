//! `response_format` and `schema_retries` of an agent: the shape of its answers.

use super::{World, options};
use crate::chat::format::{Checker, ResponseFormat};
use crate::settings::file;
use crate::settings::reader::{Fields, Node, Span};
use crate::settings::report::Finding;
use serde_json::Value;
use std::sync::Arc;

const HELP: &str = "write response_format = { schema = { type = \"object\", … } } or { file = \"shape.json\" }";
/// How often an answer that does not fit is asked for again.
const RETRIES: u32 = 2;
const MOST_RETRIES: u64 = 20;

impl World<'_> {
    pub(super) fn response_format(&self, fields: &mut Fields<'_>, model: bool) -> Option<Arc<ResponseFormat>> {
        let node = fields.get("response_format");
        let retries = fields.whole("schema_retries", 0..=MOST_RETRIES).map_or(RETRIES, |times| times as u32);
        let Some(node) = node else {
            if let Some(span) = fields.span_of("schema_retries") {
                let finding = Finding::error("`schema_retries` needs a `response_format`").at(span);
                self.findings.push(finding.help(HELP));
            }
            return None;
        };
        if !model {
            let finding = Finding::error("`response_format` is for an agent that speaks through a model");
            self.findings.push(finding.at(node.span()).help("name its `model`, or take this out"));
        }
        let table = self.table("response_format", node, "response_format = { schema = { … } }")?;
        let mut shape = Fields::new(self.findings, table, node.span(), "`response_format`");
        let schema = self.shape_of(&mut shape, node);
        let name = shape.filled("name").unwrap_or_else(|| "answer".to_owned());
        let strict = shape.flag("strict").unwrap_or(false);
        let send = shape.flag("send").unwrap_or(true);
        shape.finish();
        let (schema, place) = schema?;
        if let Err(why) = Checker::new(&schema) {
            self.findings.push(Finding::error(format!("this is no JSON schema: {why}")).at(place).help(HELP));
            return None;
        }
        Some(Arc::new(ResponseFormat { name, schema, strict, send, retries }))
    }

    /// The schema, and where it stands.
    fn shape_of(&self, shape: &mut Fields<'_>, node: &Node<'_>) -> Option<(Value, Span)> {
        let refuse = |message: String, span: Span| {
            self.findings.push(Finding::error(message).at(span).help(HELP));
            None
        };
        match (shape.get("schema"), shape.filled("file")) {
            (Some(_), Some(_)) => refuse("`response_format` takes `schema` or `file`, not both".into(), node.span()),
            (Some(schema), None) => Some((options::json(self.findings, "schema", schema)?, schema.span())),
            (None, Some(name)) => {
                let span = shape.span_of("file").unwrap_or_else(|| node.span());
                let text = match file::read(&self.base.dir.join(&name)) {
                    Ok(text) => text,
                    Err(report) => {
                        let why = report.findings.first().map_or("it cannot be read", |finding| &finding.message);
                        return refuse(format!("the schema {name:?}: {why}"), span);
                    }
                };
                match serde_json::from_str(&text) {
                    Ok(schema) => Some((schema, span)),
                    Err(error) => refuse(format!("the schema {name:?} is not JSON: {error}"), span),
                }
            }
            (None, None) if shape.span_of("file").is_some() => None,
            (None, None) => refuse("`response_format` says no schema".into(), node.span()),
        }
    }
}
