//! `[[team.initial]]`: what was said before the run begins.

use super::World;
use crate::chat::message::Author;
use crate::chat::team::{Agent, Initial};
use crate::settings::reader::{self, Fields, Node};
use crate::settings::report::Finding;

/// The operator, as the agents see them.
const OPERATOR: &str = "user";

impl World<'_> {
    pub(super) fn initial(&self, node: &Node<'_>, agents: &[Agent]) -> Vec<Initial> {
        const HELP: &str = "write [[team.initial]] in double brackets, and below it an author and a content";
        let Some(list) = node.get_ref().as_array() else {
            let message = format!("`initial` is a list of tables, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()).help(HELP));
            return Vec::new();
        };
        if !reader::few(self.findings, "initial", list.len(), node.span()) {
            return Vec::new();
        }
        list.iter().filter_map(|item| self.said(item, agents)).collect()
    }

    fn said(&self, node: &Node<'_>, agents: &[Agent]) -> Option<Initial> {
        let table = reader::table(self.findings, "initial", node)?;
        let mut fields = Fields::new(self.findings, table, node.span(), "[[team.initial]]");
        let author = fields.text("author").unwrap_or_else(|| OPERATOR.to_owned());
        let content = fields.filled("content");
        if fields.span_of("content").is_none() {
            let finding = Finding::error("this initial message has no `content`").at(node.span());
            self.findings.push(finding.help("write content = \"…\""));
        }
        fields.finish();
        let author = match author == OPERATOR {
            true => Author::Operator,
            false => {
                let span = fields.span_of("author").unwrap_or_else(|| node.span());
                if !agents.iter().any(|agent| *agent.name == *author) {
                    let known = agents.iter().map(|agent| &*agent.name).chain([OPERATOR]);
                    let help = reader::suggestion(&author, known);
                    self.findings.push(Finding::error(format!("there is no agent {author:?}")).at(span).help(help));
                }
                Author::Agent(author.into())
            }
        };
        Some(Initial { author, content: content? })
    }
}
