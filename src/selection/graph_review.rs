//! What is wrong with a graph in its team (AgentChat: DiGraph.graph_validate, with the places).

use super::graph::{Edge, Graph};
use crate::catalog::{Options, Remark};
use crate::chat::team::Team;
use std::collections::BTreeSet;

/// Everything that is wrong or odd.
pub fn review(options: &Options, team: &Team) -> Vec<Remark> {
    let Ok(graph) = Graph::read(options) else { return Vec::new() };
    let mut remarks = Vec::new();
    let at = |n: usize, part: &str| format!("edges.{n}.{part}");
    for (n, edge) in graph.edges.iter().enumerate() {
        for (part, name) in [("from", &edge.from), ("to", &edge.to)] {
            if team.agent(name).is_none() {
                remarks.push(Remark::nobody(&at(n, part), name));
            }
        }
        let other = graph.edges[..n].iter().find(|other| other.joins() == edge.joins() && other.join != edge.join);
        if let Some(other) = other {
            let message = format!(
                "edges into {} join by `any` and by `all`: from {} and from {}",
                edge.joins(),
                other.from,
                edge.from
            );
            remarks.push(Remark::error(&at(n, "join"), message, "give one of them a `group` of its own"));
        }
    }
    for (n, name) in graph.start.iter().enumerate().filter(|(_, name)| team.agent(name).is_none()) {
        remarks.push(Remark::nobody(&format!("start.{n}"), name));
    }
    if !remarks.is_empty() {
        return remarks;
    }
    let begins = graph.begins(team);
    if begins.is_empty() {
        let help = "every agent has an edge that leads to it; say who begins: start = [\"…\"]";
        remarks.push(Remark::error("edges", "nobody can begin: the graph has no start", help));
        return remarks;
    }
    let reached = reached(&graph, begins.iter().map(|name| name.to_string()));
    for (n, edge) in graph.edges.iter().enumerate().filter(|(_, edge)| !reached.contains(&edge.from)) {
        let message = format!("nobody can take this edge: {} is never reached", edge.from);
        remarks.push(Remark::error(&at(n, "from"), message, "lead an edge to it, or name it in `start`"));
    }
    for agent in &team.agents {
        let named = graph.edges.iter().any(|edge| edge.from == *agent.name || edge.to == *agent.name);
        if !named && !begins.contains(&agent.name) {
            let message = format!("{} is in no edge and never speaks", agent.name);
            remarks.push(Remark::error("edges", message, "lead an edge to it, or take it out of the team").odd());
        }
    }
    if let Some((n, cycle)) = endless(&graph) {
        let message = format!("this circle has no way out: {cycle}");
        let help = "give one of its edges `when` or `contains`";
        remarks.push(Remark::error(&at(n, "to"), message, help));
    }
    for (n, edge) in graph.edges.iter().enumerate() {
        let mixed = |other: &&Edge| other.from == edge.from && other.is_conditional() != edge.is_conditional();
        if !edge.is_conditional() && graph.edges.iter().any(|other| mixed(&other)) {
            let message = format!("{} has edges with and without a condition: this one is always taken", edge.from);
            remarks.push(Remark::error(&at(n, "from"), message, "AgentChat refuses this mix").odd());
        }
        // A way back in the same join as the way in never lets its target begin.
        let waits_for_itself = edge.join == super::graph::Join::All
            && graph.edges.iter().any(|other| other.joins() == edge.joins() && other.from != edge.from)
            && self::reached(&graph, [edge.to.clone()]).contains(&edge.from);
        if waits_for_itself && !begins.iter().any(|name| **name == *edge.to) {
            let message = format!("{} would wait for {}, which speaks only after it", edge.to, edge.from);
            let help = "give the way back a `group` of its own, or join = \"any\" to all edges of this target";
            remarks.push(Remark::error(&at(n, "to"), message, help));
        }
    }
    remarks
}

/// Whoever is reached from these by any edges, themselves included.
fn reached(graph: &Graph, from: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let mut open: Vec<String> = from.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if reached.insert(name.clone()) {
            open.extend(graph.edges.iter().filter(|edge| edge.from == name).map(|edge| edge.to.clone()));
        }
    }
    reached
}

/// A circle all of whose edges are always taken: the place of one of its edges, and its names.
fn endless(graph: &Graph) -> Option<(usize, String)> {
    let always =
        Graph { edges: graph.edges.iter().filter(|edge| !edge.is_conditional()).cloned().collect(), ..graph.clone() };
    graph.edges.iter().enumerate().find_map(|(n, edge)| {
        if edge.is_conditional() {
            return None;
        }
        let way = way(&always, &edge.to, &edge.from)?;
        Some((n, format!("{} -> {}", edge.from, way.join(" -> "))))
    })
}

/// The shortest way between two agents, both named.
fn way(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ways = std::collections::VecDeque::from([vec![from.to_owned()]]);
    let mut seen = BTreeSet::from([from.to_owned()]);
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        if last == to {
            return Some(way);
        }
        for edge in graph.edges.iter().filter(|edge| edge.from == *last) {
            if seen.insert(edge.to.clone()) {
                let mut longer = way.clone();
                longer.push(edge.to.clone());
                ways.push_back(longer);
            }
        }
    }
    None
}
