//! What stands below `[team]`: who speaks next, when it ends, what it may spend.

use super::super::reader::{self, Fields, Node, Span, number_in};
use super::super::report::Finding;
use super::{Marks, World, watch};
use crate::chat::Name;
use crate::chat::team::{Agent, AgentKind, Limits, ModelSpec, Repeat, Spec, Team};
use crate::chat::usage::Money;
use std::collections::BTreeMap;
use std::path::Path;
use toml::de::{DeTable, DeValue};

impl World<'_> {
    /// Everything below `[team]`.
    pub(super) fn head(
        &self,
        table: &DeTable<'_>,
        span: Span,
        origin: &str,
        agents: Vec<Agent>,
        models: BTreeMap<String, ModelSpec>,
        marks: &mut Marks,
    ) -> Option<Team> {
        let place = self.around.last().filter(|_| self.inline);
        let place = place.map_or("[team]".to_owned(), |name| format!("team {name:?}"));
        let mut fields = Fields::new(self.findings, table, span, place);
        if self.inline {
            // Inside another file a team's agents stand in its own table.
            fields.get("agents");
        }
        let name = fields.filled("name").unwrap_or_else(|| stem(origin));
        let task = fields.filled("task");
        marks.task = fields.span_of("task");
        let method = match fields.get("speaker_selection_method") {
            Some(node) => {
                marks.method = Some(node.span());
                let member =
                    self.member(&self.families.selectors, "speaker_selection_method", &["method", "kind"], node);
                self.selector_rules(node, &agents);
                member
            }
            None => Some(Spec::named("auto")),
        };
        let selector_model = fields.text("selector_model");
        let retries = fields.small("max_retries_for_selecting_speaker", 0).unwrap_or(2);
        let repeat = fields.get("allow_repeat_speaker").map_or(Repeat::Everyone, |node| self.repeat(node, &agents));
        let speaker_transitions = self.transitions(&mut fields, &agents);
        let pick_countdown_ms = fields.get("pick_countdown").and_then(|node| self.countdown(node));
        let max_round = fields.small("max_round", 1).unwrap_or(10);
        marks.max_round = fields.span_of("max_round");
        let termination =
            fields.get("termination").map_or_else(Vec::new, |node| self.termination(node, &agents, marks));
        let initial = fields.get("initial").map_or_else(Vec::new, |node| self.initial(node, &agents));
        let summary = self.summary(&mut fields, &agents, &models);
        let send_introductions = fields.flag("send_introductions").unwrap_or(false);
        let seed = fields.whole("seed", 0..=i64::MAX as u64).unwrap_or(0);
        let context_variables =
            fields.get("context_variables").map(|node| self.variables("context_variables", node)).unwrap_or_default();
        let limits = fields.get("limits").map_or(self.base.defaults.limits, |node| self.limits(node));
        let mut watch = self.base.defaults.watch.clone();
        if let Some(node) = fields.get("watch") {
            watch::read_watch(self.findings, node, "[team.watch]", &mut watch);
        }
        let own = agents.iter().zip(&marks.agents).filter(|(_, marks)| !marks.watch.is_empty());
        watch.agents.extend(own.map(|(agent, marks)| (agent.name.clone(), marks.watch.clone())));
        let selector_span = fields.span_of("selector_model");
        fields.finish();

        let method = method?;
        let selector_model =
            self.selector_model(selector_model, selector_span, &method, marks.method.clone(), &agents, &models);
        Some(Team {
            name,
            task,
            initial,
            send_introductions,
            summary,
            agents,
            speaker_selection_method: method,
            selector_model,
            max_retries_for_selecting_speaker: retries,
            allow_repeat_speaker: repeat,
            speaker_transitions,
            pick_countdown_ms,
            max_round,
            termination,
            limits,
            models,
            seed,
            tools: BTreeMap::new(),
            mcp: BTreeMap::new(),
            context_variables,
            watch,
            breakpoints: Vec::new(),
        })
    }

    /// How long a proposal waits; `0` and `false` wait for ever.
    fn countdown(&self, node: &Node<'_>) -> Option<u64> {
        let never = match node.get_ref() {
            DeValue::Integer(number) => number.as_str() == "0",
            DeValue::Boolean(flag) => !flag,
            _ => false,
        };
        if never { None } else { reader::duration(self.findings, "pick_countdown", node) }
    }

    fn repeat(&self, node: &Node<'_>, agents: &[Agent]) -> Repeat {
        match node.get_ref() {
            DeValue::Boolean(true) => Repeat::Everyone,
            DeValue::Boolean(false) => Repeat::Nobody,
            DeValue::Array(_) => {
                let names = reader::texts(self.findings, "allow_repeat_speaker", node).unwrap_or_default();
                for (name, span) in &names {
                    self.known_agent(name, span.clone(), agents);
                }
                Repeat::Only(names.into_iter().map(|(name, _)| Name::from(name)).collect())
            }
            _ => {
                let message = format!(
                    "`allow_repeat_speaker` takes true, false or a list of agents, and this is {}",
                    reader::found(node)
                );
                self.findings.push(Finding::error(message).at(node.span()));
                Repeat::Everyone
            }
        }
    }

    /// The model that is asked for the next speaker: the one named, the only one, or the first assistant's.
    fn selector_model(
        &self,
        named: Option<String>,
        span: Option<Span>,
        method: &Spec,
        method_span: Option<Span>,
        agents: &[Agent],
        models: &BTreeMap<String, ModelSpec>,
    ) -> Option<String> {
        if let (Some(named), Some(span)) = (&named, span) {
            self.known_model(named, span, models);
            return Some(named.clone());
        }
        let only = models.keys().next().filter(|_| models.len() == 1);
        let found = only.or_else(|| agents.iter().find_map(|agent| agent.model.as_ref())).cloned();
        // Of an assistant without a model, and of a team without agents, enough has been said already.
        let news = !agents.is_empty() && !agents.iter().any(|agent| agent.kind == AgentKind::Assistant);
        if found.is_none() && ["auto", "magentic"].contains(&method.kind.as_str()) && news {
            let mut finding =
                Finding::error(format!("`{}` asks a model who speaks next, and there is no model to ask", method.kind))
                    .help("describe one in [models.<key>], or write speaker_selection_method = \"round_robin\"");
            finding.span = method_span;
            self.findings.push(finding);
        }
        found
    }

    fn limits(&self, node: &Node<'_>) -> Limits {
        let mut limits = self.base.defaults.limits;
        if let Some(table) = self.table("limits", node, "[team.limits]") {
            let mut fields = Fields::new(self.findings, table, node.span(), "[team.limits]");
            read_limits(&mut fields, &mut limits);
            fields.finish();
        }
        limits
    }
}

/// Reads the four ceilings over `limits`. Shared with user settings.
pub(in crate::settings) fn read_limits(fields: &mut Fields<'_>, limits: &mut Limits) {
    const MOST_DOLLARS: f64 = 1e9;
    if let Some(node) = fields.get("max_cost")
        && let Some(dollars) = number_in(fields.findings, "max_cost", node, 0.0..=MOST_DOLLARS)
    {
        if dollars > 0.0 {
            limits.max_cost = Some(Money::from_dollars(dollars));
        } else {
            fields.findings.push(Finding::error("`max_cost` must be more than 0 dollars").at(node.span()));
        }
    }
    limits.max_tokens = fields.whole("max_tokens", 1..=i64::MAX as u64).or(limits.max_tokens);
    limits.max_time_ms = fields.duration("max_time").or(limits.max_time_ms);
    limits.max_executions = fields.whole("max_executions", 1..=i64::MAX as u64).or(limits.max_executions);
}

/// The name of a team that does not say its own.
fn stem(origin: &str) -> String {
    let stem = Path::new(origin).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| !stem.trim().is_empty()).unwrap_or_else(|| "team".into())
}
