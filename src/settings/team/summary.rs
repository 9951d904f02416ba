//! `summary_method`, `summary_prompt`, `summary_model` of `[team]`: how a run is summed up when it is over.

use super::World;
use crate::chat::end::{SummaryMethod, SummarySetup};
use crate::chat::team::{Agent, ModelSpec};
use crate::settings::reader::Fields;
use crate::settings::report::Finding;
use std::collections::BTreeMap;

const METHODS: &[(&str, Option<SummaryMethod>)] = &[
    ("last_msg", Some(SummaryMethod::LastMsg)),
    ("reflection_with_llm", Some(SummaryMethod::ReflectionWithLlm)),
    ("none", None),
];

impl World<'_> {
    pub(super) fn summary(
        &self,
        fields: &mut Fields<'_>,
        agents: &[Agent],
        models: &BTreeMap<String, ModelSpec>,
    ) -> Option<SummarySetup> {
        let method = fields.word("summary_method", METHODS).flatten();
        let prompt = fields.filled("summary_prompt");
        let named = fields.text("summary_model");
        if let (Some(named), Some(span)) = (&named, fields.span_of("summary_model")) {
            self.known_model(named, span, models);
        }
        if method != Some(SummaryMethod::ReflectionWithLlm) {
            for key in ["summary_prompt", "summary_model"] {
                if let Some(span) = fields.span_of(key) {
                    let message = format!("`{key}` is for a summary by a model, and none is asked for");
                    let help = "add summary_method = \"reflection_with_llm\"";
                    self.findings.push(Finding::error(message).at(span).help(help));
                }
            }
            return method.map(|method| SummarySetup { method, prompt: None, model: None });
        }
        let only = models.keys().next().filter(|_| models.len() == 1);
        let first = || agents.iter().find_map(|agent| agent.model.as_ref());
        let model = named.or_else(|| only.or_else(first).cloned());
        if let (None, Some(span)) = (&model, fields.span_of("summary_method")) {
            let finding = Finding::error("`reflection_with_llm` asks a model, and there is no model to ask").at(span);
            self.findings.push(finding.help("describe one in [models.<key>], or write \"last_msg\""));
        }
        Some(SummarySetup { method: SummaryMethod::ReflectionWithLlm, prompt, model })
    }
}
