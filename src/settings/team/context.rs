//! `context` of an agent: which messages its model is sent.

use super::World;
use crate::chat::context::ContextRule;
use crate::settings::reader::{self, Fields, Node};
use crate::settings::report::Finding;
use toml::de::DeValue;

const WAYS: &str = "write \"full\", { last = 20 }, { max_tokens = 8000 } or { head = 2, tail = 10 }; with `last` and \
                    `max_tokens`, keep_first_message = true keeps the task";

impl World<'_> {
    /// The rule, or the default one where the file's is wrong and that has been said.
    pub(super) fn context(&self, node: &Node<'_>) -> ContextRule {
        match node.get_ref() {
            DeValue::String(word) if word == "full" => ContextRule::Full,
            DeValue::String(word) => {
                let finding = Finding::error(format!("`context` has no value {word:?}")).at(node.span());
                self.findings.push(finding.help(WAYS));
                ContextRule::Full
            }
            DeValue::Table(table) => {
                let mut fields = Fields::new(self.findings, table, node.span(), "`context`");
                let last = fields.small("last", 1);
                let tokens = fields.whole("max_tokens", 1..=i64::MAX as u64);
                let (head, tail) = (fields.small("head", 1), fields.small("tail", 1));
                let keep = fields.flag("keep_first_message").unwrap_or(false);
                fields.finish();
                let given = |key: &str| fields.span_of(key).is_some();
                let ends = given("head") || given("tail");
                let ways = [given("last"), given("max_tokens"), ends].into_iter().filter(|given| *given).count();
                let refuse = |message: &str| self.findings.push(Finding::error(message).at(node.span()).help(WAYS));
                match () {
                    () if ways == 0 => refuse("this `context` says neither how many messages nor how many tokens"),
                    () if ways > 1 => refuse("`context` takes one way of counting, and this has several"),
                    () if ends && !(given("head") && given("tail")) => refuse("`head` and `tail` go together"),
                    () if ends && given("keep_first_message") => refuse("`head` keeps the first message already"),
                    () => {}
                }
                match (last, tokens, head, tail) {
                    (Some(messages), ..) => ContextRule::Last { messages, keep_first_message: keep },
                    (_, Some(tokens), ..) => ContextRule::MaxTokens { tokens, keep_first_message: keep },
                    (.., Some(head), Some(tail)) => ContextRule::HeadAndTail { head, tail },
                    _ => ContextRule::Full,
                }
            }
            _ => {
                let message = format!("`context` takes a text or a table, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()).help(WAYS));
                ContextRule::Full
            }
        }
    }
}
