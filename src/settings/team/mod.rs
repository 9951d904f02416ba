//! The team file: from TOML to [`Team`], everything resolved, or every mistake in it.
//!
//! Each table of the file has a file here: `models`, `agents`, `code` (an agent's `code_execution`), `context`, `failing`, `format`,
//! `initial`, `summary`, `termination`;
//! `options` reads members of catalogs and `lint` says what is allowed but odd. Imports the reader and the report
//! beside it. A new key is asked for where its table is read; a new lint is one function in `lint.rs`.

mod agents;
mod breakpoints;
mod code;
mod context;
mod endings;
mod failing;
mod format;
mod head;
mod initial;
mod lint;
mod models;
mod nested;
mod options;
mod prompts;
mod rules;
mod servers;
mod summary;
mod termination;
mod tools;
mod transitions;
mod watch;

use super::file;
use super::reader::{self, Fields, Findings, Node, Span};
use super::report::{Finding, Report, in_order};
use super::secrets;
use super::user::Defaults;
use crate::catalog::{Remark, Row};
use crate::chat::Name;
use crate::chat::team::{Agent, ModelSpec, ServerSetup, Spec, Team, ToolSetup};
use crate::chat::usage::Price;
use crate::rules::Rule;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The catalogs a team file may name, handed over by the caller: settings itself knows none of their members.
pub struct Families {
    /// Ways to choose the next speaker.
    pub selectors: Vec<Row>,
    /// Conditions that end a run.
    pub conditions: Vec<Row>,
    /// Where models come from.
    pub providers: Vec<Row>,
    /// What runs code.
    pub executors: Vec<Row>,
    /// What carries out calls, besides programs; the first field of a row says that it is meant.
    pub tools: Vec<Row>,
    /// What a tool is by its kind and options alone: description, schema of its arguments, what a call does in words.
    pub describe_tool: fn(&Spec) -> DescribedTool,
    /// What is wrong with a finished team that no row can know.
    pub review: fn(&Team) -> Vec<Remark>,
}

/// Description, schema of the arguments, and words that say what a call does.
pub type DescribedTool = (Option<String>, Option<serde_json::Value>, Vec<String>);

/// Price and context window (in tokens) of a model, by the names of its provider and of the model, as far as known.
pub type PriceOf<'a> = &'a dyn Fn(&str, &str) -> (Option<Price>, Option<u64>);

/// What a team file is read against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// What relative paths in the file are relative to: the directory of the team file, or the current directory for
    /// embedded teams.
    pub dir: PathBuf,
    /// What applies where the file is silent.
    pub defaults: Defaults,
}

/// A team that can run.
#[derive(Debug)]
pub struct Loaded {
    /// The team, everything resolved.
    pub team: Team,
    /// What is allowed but odd. Shown with [`super::render`].
    pub warnings: Vec<Finding>,
}

/// Reads a team file from disk.
///
/// # Errors
/// When it is not a regular file, not readable, over 4 MiB, not UTF-8 or empty, and as [`parse_team`].
pub fn load_team(path: &Path, families: &Families, price_of: PriceOf<'_>, base: &Base) -> Result<Loaded, Report> {
    let text = file::read(path)?;
    parse_team(&path.display().to_string(), &text, families, price_of, base)
}

/// Reads a team from text that is already here; `origin` is the name shown in messages, and its stem is the name of a
/// team that does not say its own.
///
/// # Errors
/// With all syntax errors, or, if there is none, with everything else that is wrong. Never panics, whatever the text.
pub fn parse_team(
    origin: &str,
    text: &str,
    families: &Families,
    price_of: PriceOf<'_>,
    base: &Base,
) -> Result<Loaded, Report> {
    parse_within(origin, text, families, price_of, base, &[])
}

/// The same for a team in a team; `around` are those it is in, outermost first.
fn parse_within(
    origin: &str,
    text: &str,
    families: &Families,
    price_of: PriceOf<'_>,
    base: &Base,
    around: &[String],
) -> Result<Loaded, Report> {
    if text.trim().is_empty() {
        let finding = Finding::error("this file is empty")
            .help("a team needs a model, [models.<key>], and agents, [[agents]]; `plenary demo` shows one");
        return Err(Report::of(origin, text, vec![finding], &[]));
    }
    let findings = Findings::default();
    let Some(tree) = file::parse(text, &findings) else {
        return Err(Report::of(origin, text, findings.into_inner(), &[]));
    };
    let syntax_errors = findings.len();
    // Before anything else, and in broken files too: a key must not appear in a report.
    let mut secret = secrets::find(&findings, text, tree.get_ref());
    if syntax_errors > 0 {
        secret.extend(secrets::beside_names(text));
        return Err(Report::of(origin, text, findings.into_inner(), &secret));
    }

    let world = World {
        findings: &findings,
        families,
        price_of,
        base,
        source: text,
        around,
        teams: None,
        tools: None,
        servers: None,
        inline: false,
    };
    let (team, marks) = world.team(tree.get_ref(), origin);
    match team {
        Some(team) if !findings.fatal() => {
            lint::check(&findings, &team, &marks);
            Ok(Loaded { team, warnings: in_order(findings.into_inner()) })
        }
        _ => Err(Report::of(origin, text, findings.into_inner(), &secret)),
    }
}

/// All that reading a team needs at hand.
struct World<'a> {
    findings: &'a Findings,
    families: &'a Families,
    price_of: PriceOf<'a>,
    base: &'a Base,
    /// The text of the file.
    source: &'a str,
    /// The teams that this one is in, outermost first: files, and names in `[teams]`.
    around: &'a [String],
    /// `[teams]` of the file.
    teams: Option<&'a DeTable<'a>>,
    /// `[tools]` of the file.
    tools: Option<&'a BTreeMap<String, ToolSetup>>,
    /// `[mcp]` of the file.
    servers: Option<&'a BTreeMap<String, ServerSetup>>,
    /// Whether its agents stand in its own table, as in a file with several teams.
    inline: bool,
}

/// Where things of the finished team stand in the file, for lints.
#[derive(Default)]
struct Marks {
    task: Option<Span>,
    method: Option<Span>,
    max_round: Option<Span>,
    /// In the order of `Team::agents`.
    agents: Vec<AgentMarks>,
    models: BTreeMap<String, Span>,
    /// In the order of `Team::termination`.
    conditions: Vec<Span>,
}

/// Where the parts of an agent stand.
#[derive(Default)]
struct AgentMarks {
    name: Span,
    description: Option<Span>,
    system_message: Option<Span>,
    limit: Option<Span>,
    approval: Option<Span>,
    context: Option<Span>,
    /// Thresholds of its own.
    watch: crate::chat::watch::Thresholds,
    /// Names it speaks to, as the file has them.
    speaks_to: Vec<(String, Span)>,
    /// Its rules, and where they stand.
    rules: Vec<(Rule, Span)>,
    /// Names of environment variables that are passed on.
    environment: Vec<(String, Span)>,
    /// Tools it names.
    tools: Vec<(String, Span)>,
    /// Servers it names.
    servers: Vec<(String, Span)>,
    /// Agents it hands over to.
    targets: Vec<(Name, Span)>,
    /// Agents that follow it; it may be one of them.
    after: Vec<(Name, Span)>,
}

impl<'a> World<'a> {
    fn team(&self, root: &'a DeTable<'a>, origin: &str) -> (Option<Team>, Marks) {
        let mut marks = Marks::default();
        let mut file = Fields::new(self.findings, root, 0..0, "the file");
        let team = file.get("team").and_then(|node| Some((self.table("team", node, "[team]")?, node.span())));
        let models = file.get("models");
        let agents = file.get("agents");
        let tools = file.get("tools").map(|node| self.tools(node)).unwrap_or_default();
        let breakpoints = file.get("breakpoints");
        let servers = file.get("mcp").map(|node| self.servers(node)).unwrap_or_default();
        let teams = file.get("teams").and_then(|node| reader::table(self.findings, "teams", node));
        file.finish();

        let models = self.models(models, &mut marks);
        let World { findings, families, price_of, base, source, around, inline, .. } = *self;
        let (tools, servers) = (Some(&tools), Some(&servers));
        let world = World { findings, families, price_of, base, source, around, teams, tools, servers, inline };
        let empty = DeTable::default();
        let (table, span) = team.unwrap_or((&empty, 0..0));
        let mut team = world.members(table, span, origin, agents, models, &mut marks);
        if let Some(team) = &mut team {
            team.breakpoints = world.breakpoints(breakpoints, &team.agents);
        }
        world.keep_keys_from_code(team.as_ref().map_or(&BTreeMap::new(), |team| &team.models), &marks);
        (team, marks)
    }

    /// A team's members, and what stands beside them.
    fn members<'b>(
        &self,
        table: &DeTable<'_>,
        span: Span,
        origin: &str,
        agents: Option<&'b Node<'b>>,
        models: BTreeMap<String, ModelSpec>,
        marks: &mut Marks,
    ) -> Option<Team>
    where
        'a: 'b,
    {
        let World { findings, families, price_of, base, source, around, teams, tools, servers, inline } = *self;
        // Some of what is read does not outlive this function, so it is read with a shorter lifetime.
        let world: World<'b> =
            World { findings, families, price_of, base, source, around, teams, tools, servers, inline };
        let declared = world.tools.cloned().unwrap_or_default();
        let known = world.servers.cloned().unwrap_or_default();
        let agents = world.agents(agents, &models, marks);
        world.agents_rules(&agents, marks);
        world.known_targets(&agents, &declared, &known, &marks.agents);
        let mut team = self.head(table, span, origin, agents, models, marks)?;
        team.tools = match self.around {
            [] => declared,
            _ => declared
                .into_iter()
                .filter(|(name, _)| team.agents.iter().any(|agent| agent.tools.contains(name)))
                .collect(),
        };
        let named = |name: &str| team.agents.iter().any(|agent| names_server(agent, name));
        team.mcp = known.into_iter().filter(|(name, _)| self.around.is_empty() || named(name)).collect();
        let method = table.get("speaker_selection_method");
        for remark in (self.families.review)(&team) {
            let mut finding = match remark.warning {
                true => Finding::warning(remark.message),
                false => Finding::error(remark.message),
            };
            finding.span = method.map(|node| place(node, &remark.path));
            self.findings.push(finding.help(remark.help));
        }
        Some(team)
    }

    /// Reports a name that no agent has. Returns whether one has it.
    fn known_agent(&self, name: &str, span: Span, agents: &[Agent]) -> bool {
        let known = agents.iter().any(|agent| &*agent.name == name);
        if !known {
            let help = reader::suggestion(name, agents.iter().map(|agent| &*agent.name));
            self.findings.push(Finding::error(format!("there is no agent {name:?}")).at(span).help(help));
        }
        known
    }

    /// Reports a model that is not described.
    fn known_model(&self, key: &str, span: Span, models: &BTreeMap<String, ModelSpec>) {
        if !models.contains_key(key) {
            let help = match models.is_empty() {
                true => format!("describe it: [models.{key}]"),
                false => reader::suggestion(key, models.keys().map(String::as_str)),
            };
            self.findings.push(Finding::error(format!("there is no model {key:?} in [models]")).at(span).help(help));
        }
    }

    /// A node as a table; a list of tables gets its own words, because one bracket too many is a common slip.
    fn table<'n>(&self, key: &str, node: &'n Node<'n>, write: &str) -> Option<&'n DeTable<'n>> {
        if let DeValue::Array(_) = node.get_ref() {
            let finding = Finding::error(format!("`{key}` is one table, and this is a list"));
            self.findings.push(finding.at(node.span()).help(format!("write {write}, in single brackets")));
            return None;
        }
        reader::table(self.findings, key, node)
    }
}

pub(super) use breakpoints::read_breakpoints;
pub(super) use head::read_limits;
pub use watch::DETECTORS;
pub(super) use watch::read_watch;

/// Whether an agent may call tools of a server.
fn names_server(agent: &Agent, server: &str) -> bool {
    let of = |tool: &String| tool.split_once('/').is_some_and(|(name, _)| name == server);
    agent.mcp.iter().any(|name| name == server) || agent.tools.iter().any(of)
}

/// Where a path of names and numbers leads from here; as far as it leads anywhere.
fn place(node: &Node<'_>, path: &[String]) -> Span {
    let Some((first, rest)) = path.split_first() else { return node.span() };
    let next = match node.get_ref() {
        DeValue::Table(table) => table.get(first.as_str()),
        DeValue::Array(list) => first.parse().ok().and_then(|n: usize| list.get(n)),
        _ => None,
    };
    next.map_or(node.span(), |next| place(next, rest))
}
