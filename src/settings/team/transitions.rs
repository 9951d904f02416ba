//! `allowed_or_disallowed_speaker_transitions` and `speaker_transitions_type`: who may follow whom (AG2: GroupChat).

use super::World;
use crate::chat::Name;
use crate::chat::team::{Agent, Transitions};
use crate::settings::reader::{self, Fields, Span};
use crate::settings::report::Finding;
use std::collections::BTreeMap;

const EDGES: &str = "allowed_or_disallowed_speaker_transitions";
const TYPE: &str = "speaker_transitions_type";

/// Which edges the file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    Allowed,
    Disallowed,
}

impl World<'_> {
    /// Reads both keys of `[team]`.
    pub(super) fn transitions(&self, fields: &mut Fields<'_>, agents: &[Agent]) -> Option<Transitions> {
        let kind = fields.word(TYPE, &[("allowed", Listed::Allowed), ("disallowed", Listed::Disallowed)]);
        let kind_at = fields.span_of(TYPE);
        let repeat_at = fields.span_of("allow_repeat_speaker");
        let Some(node) = fields.get(EDGES) else {
            if let Some(span) = kind_at {
                let finding = Finding::error(format!("`{TYPE}` says nothing without `{EDGES}`")).at(span);
                self.findings.push(finding.help(format!("add for example {EDGES} = {{ Coder = [\"Tester\"] }}")));
            }
            return None;
        };
        let table = reader::table(self.findings, EDGES, node)?;
        if kind_at.is_none() {
            let finding = Finding::error(format!("`{EDGES}` needs `{TYPE}`")).at(node.span());
            self.findings.push(finding.help(format!("write {TYPE} = \"allowed\" or \"disallowed\"")));
        }
        if let Some(span) = repeat_at {
            let finding = Finding::error("`allow_repeat_speaker` and a transition graph exclude each other").at(span);
            self.findings.push(finding.help("in the graph, an edge from an agent to itself lets it repeat"));
        }
        if !reader::few(self.findings, EDGES, table.len(), node.span()) {
            return None;
        }
        let mut listed: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
        for (from, node) in table.iter() {
            self.known_agent(from.get_ref(), from.span(), agents);
            let mut targets: Vec<Name> = Vec::new();
            for (to, span) in reader::texts(self.findings, from.get_ref(), node).unwrap_or_default() {
                self.known_agent(&to, span.clone(), agents);
                if targets.iter().any(|known| **known == *to) {
                    let finding = Finding::warning(format!("{to:?} stands here twice")).at(span);
                    self.findings.push(finding.help("take one of them out"));
                    continue;
                }
                targets.push(to.into());
            }
            listed.insert(Name::from(&**from.get_ref()), targets);
        }
        let kind = kind?;
        let transitions = resolve(kind == Listed::Allowed, &listed, agents);
        self.odd_transitions(kind, &listed, &transitions, agents, node.span());
        Some(transitions)
    }

    /// What is allowed, but probably not meant.
    fn odd_transitions(
        &self,
        kind: Listed,
        listed: &BTreeMap<Name, Vec<Name>>,
        transitions: &Transitions,
        agents: &[Agent],
        span: Span,
    ) {
        let warn = |message: String, help: &str| {
            self.findings.push(Finding::warning(message).at(span.clone()).help(help));
        };
        for agent in agents.iter().map(|agent| &agent.name) {
            let leads_in = |from: &Name| from != agent && transitions.allow(from, agent);
            let entered = agents.iter().any(|from| leads_in(&from.name));
            let left = transitions.after.get(agent).is_some_and(|after| after.iter().any(|to| to != agent));
            match (entered, left) {
                (false, false) => warn(
                    format!("{agent:?} is alone in the graph: nobody hands it the floor, and it hands it to nobody"),
                    "add an edge, or make it `silent = true` if only you are to call on it",
                ),
                (false, true) => warn(
                    format!("no edge leads to {agent:?}: it can only speak first, or when you call on it"),
                    "add an edge to it if that is not meant",
                ),
                (true, _) if kind == Listed::Allowed && !listed.contains_key(agent) => warn(
                    format!("{agent:?} has no line in the graph: after it nobody may speak, and the run ends"),
                    "write NAME = [] if that is meant",
                ),
                _ => {}
            }
        }
    }
}

/// Every member with the members that may follow it. Who is not listed is followed by nobody where the list says what
/// is allowed, and by anybody where it says what is not.
fn resolve(allowed: bool, listed: &BTreeMap<Name, Vec<Name>>, agents: &[Agent]) -> Transitions {
    let none = Vec::new();
    let after = agents.iter().map(|agent| {
        let edges = listed.get(&agent.name).unwrap_or(&none);
        let next = agents.iter().map(|next| &next.name).filter(|next| edges.contains(next) == allowed);
        (agent.name.clone(), next.cloned().collect())
    });
    Transitions { after: after.collect() }
}
