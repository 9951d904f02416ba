//! Lints about the end of a run: conditions that nothing can meet, and programs that run unasked.

use super::Marks;
use super::lint::{singles, warn};
use crate::chat::team::{Spec, Target, Team};
use crate::rules::{Naming, Rule};
use crate::settings::report::Finding;
use serde_json::Value;

/// A condition that can never be met as the team stands.
pub(super) fn unreachable(team: &Team, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for (spec, span) in singles(team, marks) {
        let value = spec.options.get("value");
        let text = value.and_then(Value::as_str).unwrap_or_default();
        match spec.kind.as_str() {
            "function_call" if !has_tool(team, text) => {
                let message = format!("no agent has a tool {text:?}: this condition is never met");
                found.push(warn(message, Some(span), tools_help(team)));
            }
            "handoff" if !hands_over_to(team, text) => {
                let message = format!("no agent can hand over to {text:?}: this condition is never met");
                let help = format!("give an agent handoffs = [{text:?}]");
                found.push(warn(message, Some(span), help));
            }
            "max_turns" | "ask_operator" => {
                let turns = value.and_then(Value::as_u64).unwrap_or_default();
                if turns >= u64::from(team.max_round) {
                    let most = team.max_round;
                    let message = format!("{turns} turns are never over: `max_round = {most}` ends the run before");
                    let help = "`max_round` counts messages, the task included; raise it, or take this condition out";
                    found.push(warn(message, Some(span), help));
                }
            }
            "rule" => {
                let names = Rule::parse(text).map(|rule| rule.names().to_vec()).unwrap_or_default();
                for named in names.iter().filter(|named| named.what == Naming::Tool) {
                    if !has_tool(team, &named.name) {
                        let message = format!("no agent has a tool {:?}: it is never called", named.name);
                        found.push(warn(message, Some(span), tools_help(team)));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn has_tool(team: &Team, tool: &str) -> bool {
    let hands = |agent: &crate::chat::team::Agent| agent.handoffs.iter().any(|handoff| handoff.name == tool);
    team.agents.iter().any(|agent| agent.tools.iter().any(|name| name == tool) || hands(agent))
}

fn tools_help(team: &Team) -> String {
    let mut tools: Vec<&str> = team.agents.iter().flat_map(|agent| agent.tools.iter().map(String::as_str)).collect();
    tools.sort_unstable();
    tools.dedup();
    match tools.is_empty() {
        true => "agents get tools by `tools = [\"…\"]`".to_owned(),
        false => format!("tools of agents: {}", tools.join(", ")),
    }
}

fn hands_over_to(team: &Team, target: &str) -> bool {
    let by_tool = team.agents.iter().any(|agent| agent.handoffs.iter().any(|handoff| &*handoff.target == target));
    let to = |after: &Target| match after {
        Target::Agent(name) => &**name == target,
        Target::User => target == "user",
        _ => false,
    };
    by_tool || team.agents.iter().any(|agent| agent.after_work.iter().any(|after| to(&after.target)))
}

/// Programs of the user's that run by themselves while the team talks.
pub(super) fn programs(team: &Team, marks: &Marks) -> Vec<Finding> {
    let program = |spec: &Spec| {
        let argv = spec.options.get("command")?.get("argv")?.as_array()?;
        argv.first()?.as_str().map(str::to_owned)
    };
    let told = |program: String, span| {
        let message = format!("{program} runs by itself, under your account, whenever the team asks it");
        warn(message, span, "look at what it does before you run this team; its environment holds no keys")
    };
    let method = Some(&team.speaker_selection_method).filter(|method| method.kind == "command");
    let chooses = method.and_then(program).map(|program| told(program, marks.method.as_ref()));
    let ends = singles(team, marks).into_iter().filter(|(spec, _)| spec.kind == "command");
    let ends = ends.filter_map(|(spec, span)| Some(told(program(spec)?, Some(span))));
    chooses.into_iter().chain(ends).collect()
}

/// Nobody is ever chosen.
pub(super) fn all_silent(team: &Team, marks: &Marks) -> Vec<Finding> {
    if team.agents.is_empty() || !team.agents.iter().all(|agent| agent.silent) {
        return Vec::new();
    }
    let span = marks.agents.first().map(|places| &places.name);
    vec![warn("every agent is silent: nobody ever speaks unless you call", span, "take `silent` from one of them")]
}
