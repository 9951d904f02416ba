//! A graph of agents: who has spoken makes those ready to whom its edges lead (AgentChat: GraphFlow).
//!
//! All that are ready speak at once; the next step begins when they are done. The state of the graph is a record of its
//! own after every step, so a fork, a restart and a view see the same. Differences from GraphFlow: the start is the order
//! of the team file, every edge of a step counts, and joins that never fired are named at the end (reference:
//! agentchat-semantics 2.6 and 12, no. 6 to 8).

use super::candidates::Candidates;
use super::{Pick, Selector};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options};
use crate::chat::Name;
use crate::chat::event::{Choice, EndCause, Event, Graph as State};
use crate::chat::team::Team;
use crate::rules::{self, Rule};
use crate::session::Session;
use serde::Deserialize;
use serde_json::Value;

pub use super::graph_review::review;

/// `speaker_selection_method = "graph"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "graph",
    about: "agents as nodes: whoever has spoken makes those ready to whom its edges lead",
    example: "speaker_selection_method = { method = \"graph\", edges = [{ from = \"Writer\", to = \"Critic\" }] }",
    fields: &[
        Field {
            name: "edges",
            kind: FieldKind::Table,
            required: true,
            about: "list of { from, to } with, as it is wanted: when (a rule), contains (text of the last message of \
                    `from`), join = \"all\" (default) or \"any\", group (edges that join; the target's name)",
        },
        Field {
            name: "start",
            kind: FieldKind::Texts,
            required: false,
            about: "who begins (every agent without an edge that leads to it, in the order of the team file)",
        },
    ],
    build: |options| Ok(Box::new(Graph::read(options)?)),
};

/// How the edges of one group make their target ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// When all of them were taken.
    #[default]
    All,
    /// When one of them was.
    Any,
}

/// A way from one agent to another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Who has spoken.
    pub from: String,
    /// Who is made ready.
    pub to: String,
    /// Taken only while this rule holds.
    pub when: Option<String>,
    /// Taken only if the last message of `from` contains this text, case and all.
    pub contains: Option<String>,
    /// How it joins with the others of its group.
    #[serde(default)]
    pub join: Join,
    /// Which group it joins.
    pub group: Option<String>,
}

impl Edge {
    /// Whether it is taken only sometimes.
    pub fn is_conditional(&self) -> bool {
        self.when.is_some() || self.contains.is_some()
    }

    /// The name of the join that it belongs to: the target, and the group where it is not the target's own.
    pub fn joins(&self) -> String {
        match &self.group {
            Some(group) => format!("{} ({group})", self.to),
            None => self.to.clone(),
        }
    }

    fn is_taken(&self, session: &Session) -> bool {
        let text_fits = self.contains.as_ref().is_none_or(|wanted| {
            let last = session.transcript().tally().by(&self.from).last;
            last.is_some_and(|place| session.transcript().entries()[place].message.content.contains(wanted))
        });
        text_fits && self.when.as_ref().is_none_or(|rule| rules::applies(rule, session))
    }
}

/// A graph as a team file describes it.
#[derive(Debug, Clone)]
pub struct Graph {
    /// In the order of the file.
    pub edges: Vec<Edge>,
    /// Who begins, if the file says so.
    pub start: Vec<String>,
}

impl Graph {
    /// Reads the options.
    ///
    /// # Errors
    /// When an edge has the wrong shape or a rule cannot be read.
    pub fn read(options: &Options) -> Result<Self, OptionError> {
        let Some(Value::Array(list)) = options.get("edges") else {
            return Err(OptionError::of("edges", "takes a list such as [{ from = \"Writer\", to = \"Critic\" }]"));
        };
        let mut edges = Vec::new();
        for (n, item) in list.iter().enumerate() {
            let wrong = |why: String| OptionError::of("edges", format!("edge {}: {why}", n + 1));
            let edge = Edge::deserialize(item).map_err(|error| wrong(error.to_string()))?;
            if let Some(rule) = &edge.when {
                Rule::parse(rule).map_err(|error| wrong(format!("the rule {rule:?} cannot be read: {error}")))?;
            }
            edges.push(edge);
        }
        if edges.is_empty() {
            return Err(OptionError::of("edges", "a graph has at least one edge"));
        }
        let start = options.get("start").and_then(Value::as_array);
        let start = start.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        Ok(Graph { edges, start })
    }

    /// Who begins in this team: as the file says, or whoever no edge leads to.
    pub fn begins(&self, team: &Team) -> Vec<Name> {
        if !self.start.is_empty() {
            return self.start.iter().map(|name| Name::from(name.as_str())).collect();
        }
        let names = team.agents.iter().map(|agent| agent.name.clone());
        let begins = names.filter(|name| {
            self.edges.iter().any(|edge| edge.from == **name) && !self.edges.iter().any(|edge| edge.to == **name)
        });
        begins.collect()
    }

    /// What follows when these have spoken.
    fn step(&self, before: &State, finished: &[Name], session: &Session) -> (Vec<String>, State) {
        let mut state = before.clone();
        let mut taken = Vec::new();
        for name in finished {
            for (place, edge) in self.edges.iter().enumerate().filter(|(_, edge)| edge.from == **name) {
                if !edge.is_taken(session) {
                    continue;
                }
                taken.push(format!("{} -> {}", edge.from, edge.to));
                let join = edge.joins();
                let armed = state.armed.entry(join.clone()).or_default();
                if !armed.contains(&place) {
                    armed.push(place);
                }
                let members = self.edges.iter().filter(|other| other.joins() == join).count();
                if edge.join == Join::Any || armed.len() == members {
                    state.armed.remove(&join);
                    if !state.ready.iter().any(|ready| **ready == *edge.to) {
                        state.ready.push(Name::from(edge.to.as_str()));
                    }
                }
            }
        }
        (taken, state)
    }

    /// Joins that wait for an edge that nobody will take any more, in words.
    fn waiting(&self, state: &State) -> Vec<String> {
        let joins = state.armed.iter().map(|(join, armed)| {
            let missing = self.edges.iter().enumerate();
            let missing = missing.filter(|(place, edge)| edge.joins() == *join && !armed.contains(place));
            let from: Vec<&str> = missing.map(|(_, edge)| edge.from.as_str()).collect();
            format!("{join} still waited for {}", from.join(" and "))
        });
        joins.collect()
    }
}

impl Selector for Graph {
    fn takes_the_only(&self) -> bool {
        false
    }

    fn before(&self, session: &Session) -> Vec<Event> {
        let Some(team) = session.team() else { return Vec::new() };
        let floor = session.floor();
        let (taken, graph) = match &floor.graph {
            None => (Vec::new(), State { ready: self.begins(team), ..State::default() }),
            Some(state) if !floor.finished.is_empty() => self.step(state, &floor.finished, session),
            Some(_) => return Vec::new(),
        };
        vec![Event::GraphStepped { taken, graph }]
    }

    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        let state = session.floor().graph.clone().unwrap_or_default();
        if state.ready.is_empty() {
            // AgentChat's words, and what it leaves unsaid.
            let mut text = "Digraph execution is complete".to_owned();
            for waiting in self.waiting(&state) {
                text.push_str("; ");
                text.push_str(&waiting);
            }
            return Pick::End { cause: EndCause::Complete, text };
        }
        let able: Vec<&Name> = state.ready.iter().filter(|name| candidates.eligible.contains(name)).collect();
        if able.is_empty() {
            return Pick::Person { proposed: None };
        }
        let step = |name: &Name| {
            let from: Vec<&str> =
                self.edges.iter().filter(|edge| *edge.to == **name).map(|edge| edge.from.as_str()).collect();
            let why = if from.is_empty() { "begins".to_owned() } else { format!("follows {}", from.join(", ")) };
            candidates.choose(name.clone(), "graph", why, 0)
        };
        match able.as_slice() {
            [only] => Pick::Choose(step(only)),
            several => Pick::Together(several.iter().map(|name| step(name)).collect()),
        }
    }

    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        let floor = session.floor();
        // While somebody speaks, its words decide which edges are taken.
        let next = floor.graph.as_ref().filter(|_| session.turns().is_empty())?.ready.first()?;
        candidates.eligible.contains(next).then(|| candidates.choose(next.clone(), "graph", "is ready", 0))
    }
}
