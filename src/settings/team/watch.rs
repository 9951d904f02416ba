//! How a team is watched: `watch` of `[team]` and of an agent, and `[watch]` of the settings.

use crate::chat::usage::Money;
use crate::chat::watch::{JudgeSetup, Threshold, Thresholds, Watching};
use crate::settings::reader::{Fields, Findings, Node, number_in, table};
use crate::settings::report::Finding;

/// The detectors that read messages; `tests/watch.rs` compares them with the program's own table.
pub const DETECTORS: [&str; 18] = [
    "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D14", "D15", "D16", "D17", "D19",
];

/// Lays what a `watch` table says over what applies without it.
pub(in crate::settings) fn read_watch(findings: &Findings, node: &Node<'_>, place: &str, watch: &mut Watching) {
    let Some(inside) = table(findings, "watch", node) else { return };
    let mut fields = Fields::new(findings, inside, node.span(), place);
    watch.nudge = fields.flag("nudge").unwrap_or(watch.nudge);
    watch.breaker = fields.whole("breaker", 0..=u64::from(u32::MAX)).unwrap_or(watch.breaker);
    if let Some(words) = fields.texts("courtesies") {
        watch.courtesies = words.into_iter().map(|(word, _)| word.to_lowercase()).collect();
    }
    if let Some(node) = fields.get("judge") {
        watch.judge = read_judge(findings, node);
    }
    read_thresholds(&mut fields, &mut watch.detectors);
    fields.finish();
}

/// A model that judges.
fn read_judge(findings: &Findings, node: &Node<'_>) -> Option<JudgeSetup> {
    let inside = table(findings, "judge", node)?;
    let mut fields = Fields::new(findings, inside, node.span(), "`judge`");
    let model = fields.filled("model");
    let after = fields.small("after", 1).unwrap_or(25);
    let max_calls = fields.small("max_calls", 1).unwrap_or(20);
    let cost = fields.get("max_cost").and_then(|node| number_in(findings, "max_cost", node, 0.0..=1e9));
    if model.is_none() {
        let finding = Finding::error("`judge` does not say which model judges").at(node.span());
        findings.push(finding.help("for example: judge = { model = \"cheap\", max_cost = 0.05 }"));
    }
    fields.finish();
    Some(JudgeSetup { model: model?, after, max_cost: cost.map(Money::from_dollars), max_calls })
}

/// The thresholds of one agent.
pub(super) fn read_agent(findings: &Findings, node: &Node<'_>) -> Thresholds {
    let mut thresholds = Thresholds::new();
    if let Some(inside) = table(findings, "watch", node) {
        let mut fields = Fields::new(findings, inside, node.span(), "`watch` of an agent");
        read_thresholds(&mut fields, &mut thresholds);
        fields.finish();
    }
    thresholds
}

fn read_thresholds(fields: &mut Fields<'_>, thresholds: &mut Thresholds) {
    for id in DETECTORS {
        let Some(node) = fields.get(id) else { continue };
        let Some(inside) = table(fields.findings, id, node) else { continue };
        let mut limits = Fields::new(fields.findings, inside, node.span(), format!("`{id}`"));
        let threshold = Threshold {
            badge: limits.small("badge", 1),
            nudge: limits.small("nudge", 1),
            hold: limits.small("hold", 1),
            off: limits.flag("off").unwrap_or(false),
        };
        let rising = [threshold.badge, threshold.nudge, threshold.hold].into_iter().flatten();
        if !rising.is_sorted() {
            let message = format!("the levels of `{id}` do not rise: badge, nudge, hold");
            fields.findings.push(Finding::error(message).at(node.span()).help("a hold comes after a badge"));
        }
        limits.finish();
        let over = thresholds.get(id).copied().unwrap_or_default();
        thresholds.insert(id.to_owned(), over.with(&threshold));
    }
}
