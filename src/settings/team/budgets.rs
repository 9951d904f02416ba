//! `[[team.budgets]]`: what the session, an agent or a model may use up; a soft line asks, a hard line holds.

use super::World;
use crate::chat::agent::Agent;
use crate::chat::budget::{Budget, Ceilings, Whose};
use crate::chat::team::ModelSpec;
use crate::chat::usage::Money;
use crate::settings::reader::{self, Fields, Node, number_in};
use crate::settings::report::Finding;
use std::collections::BTreeMap;

const HELP: &str = "write [[team.budgets]], below it agent = \"…\" or model = \"…\" or neither, and soft or hard = { max_cost = 1.00 }";
const MOST_DOLLARS: f64 = 1e9;

impl<'a> World<'a> {
    pub(super) fn budgets(
        &self,
        node: &'a Node<'a>,
        agents: &[Agent],
        models: &BTreeMap<String, ModelSpec>,
    ) -> Vec<Budget> {
        let Some(list) = node.get_ref().as_array() else {
            let message = format!("`budgets` is a list of tables, and this is {}", reader::found(node));
            self.findings.push(Finding::error(message).at(node.span()).help(HELP));
            return Vec::new();
        };
        if !reader::few(self.findings, "budgets", list.len(), node.span()) {
            return Vec::new();
        }
        list.iter().filter_map(|item| self.budget(item, agents, models)).collect()
    }

    fn budget(&self, node: &'a Node<'a>, agents: &[Agent], models: &BTreeMap<String, ModelSpec>) -> Option<Budget> {
        let table = self.table("budgets", node, "[[team.budgets]]")?;
        let mut fields = Fields::new(self.findings, table, node.span(), "[[team.budgets]]");
        let (agent, model) = (fields.filled("agent"), fields.filled("model"));
        let mut line = |key: &'static str| fields.get(key).map(|node| self.ceilings(key, node)).unwrap_or_default();
        let (soft, hard) = (line("soft"), line("hard"));
        let refuse = |message: &str| self.findings.push(Finding::error(message).at(node.span()).help(HELP));
        if let (Some(name), Some(span)) = (&agent, fields.span_of("agent")) {
            self.known_agent(name, span, agents);
        }
        if let (Some(key), Some(span)) = (&model, fields.span_of("model")) {
            self.known_model(key, span, models);
        }
        if soft.is_open() && hard.is_open() && fields.span_of("soft").is_none() && fields.span_of("hard").is_none() {
            refuse("this budget has neither a soft nor a hard line");
        }
        fields.finish();
        let of = match (agent, model) {
            (Some(_), Some(_)) => {
                refuse("a budget is an agent's or a model's, not both");
                return None;
            }
            (Some(name), None) => Whose::Agent(name.into()),
            (None, Some(key)) => Whose::Model(key),
            (None, None) => Whose::Session,
        };
        Some(Budget { of, soft, hard })
    }

    fn ceilings(&self, key: &str, node: &'a Node<'a>) -> Ceilings {
        let Some(table) = self.table(key, node, "hard = { max_cost = 1.00, max_tokens = 100_000 }") else {
            return Ceilings::default();
        };
        let mut fields = Fields::new(self.findings, table, node.span(), format!("`{key}`"));
        let dollars =
            fields.get("max_cost").and_then(|node| number_in(self.findings, "max_cost", node, 0.0..=MOST_DOLLARS));
        let ceilings = Ceilings {
            max_cost: dollars.map(Money::from_dollars),
            max_tokens: fields.whole("max_tokens", 1..=i64::MAX as u64),
            max_rounds: fields.whole("max_rounds", 1..=i64::MAX as u64),
            max_time_ms: fields.duration("max_time"),
            max_tool_calls: fields.whole("max_tool_calls", 1..=i64::MAX as u64),
        };
        fields.finish();
        ceilings
    }
}
