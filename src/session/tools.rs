//! Tools as this session has them: those of the team file, those that its servers list, and what was approved of them.

use super::decide::Refusal;
use super::turn::Stage;
use super::{Session, State, Waiting};
use crate::chat::UnixMillis;
use crate::chat::code::Payload;
use crate::chat::event::{Actor, Event, Verdict};
use crate::chat::id::OpId;
use crate::chat::server::{ListedTool, MCP, ServerSetup, ToolsCommand, ToolsEvent};
use crate::chat::team::{Agent, ApprovalPolicy, CodeExecution, Spec, ToolSetup};
use crate::chat::tool::ToolResult;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Session {
    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Option<Cow<'_, ToolSetup>> {
        let team = self.team()?;
        match name.split_once('/') {
            None => team.tools.get(name).map(Cow::Borrowed),
            Some((server, tool)) => {
                let listed = self.servers().listed(server, tool)?;
                Some(Cow::Owned(of_server(team.mcp.get(server)?, server, listed)))
            }
        }
    }

    /// The MCP servers as they are now.
    pub fn servers(&self) -> &Servers {
        &self.state.servers
    }

    /// The tools that an agent's model may be offered, by name.
    pub fn tools_of(&self, agent: &Agent) -> Vec<(String, Cow<'_, ToolSetup>)> {
        let usable = |name: &str| {
            let changed = name.split_once('/').and_then(|(server, tool)| self.servers().listed(server, tool));
            !self.floor().is_tool_barred(name) && changed.is_none_or(|listed| listed.was.is_none())
        };
        let mut names: Vec<String> = agent.tools.clone();
        for server in &agent.mcp {
            let listed = self.state.servers.of.get(server).into_iter().flat_map(|server| server.tools.iter());
            names.extend(listed.map(|tool| format!("{server}/{}", tool.name)));
        }
        let mut seen = BTreeSet::new();
        names.retain(|name| usable(name) && seen.insert(name.clone()));
        names.into_iter().filter_map(|name| Some((name.clone(), self.tool(&name)?))).collect()
    }

    /// Whether the operator has let this tool be called since consent was last taken back; `exactly` with these very
    /// arguments.
    pub fn has_approved(&self, payload: &Payload, exactly: bool) -> bool {
        let Some(tool) = &payload.tool else { return false };
        let mut asked = self.state.approvals.range(self.state.consent_since..).map(|(_, asked)| asked);
        asked.any(|asked| {
            let yes = matches!(&asked.decision, Some((Verdict::Run | Verdict::RunEdited(_), Actor::Operator)));
            let same = asked.payload.tool.as_ref().is_some_and(|other| {
                (&other.name, &other.argv, &other.source) == (&tool.name, &tool.argv, &tool.source)
            });
            yes && same && asked.payload.place == payload.place && (!exactly || asked.payload.blocks == payload.blocks)
        })
    }

    /// Whether a tool may be called unasked because a call of it was approved.
    pub fn remembers_tools(&self) -> bool {
        let asked = self.state.approvals.range(self.state.consent_since..).map(|(_, asked)| asked);
        let lasting = |name: &str| {
            let policy = self.tool(name).map(|tool| tool.execution.approval);
            matches!(policy, Some(ApprovalPolicy::Ask | ApprovalPolicy::AskIfChanged))
        };
        asked.into_iter().any(|asked| asked.payload.tool.as_ref().is_some_and(|tool| lasting(&tool.name)))
    }

    /// How often each tool was carried out, over all branches.
    pub fn tool_figures(&self) -> BTreeMap<String, Figures> {
        let (mut names, mut open) = (BTreeMap::new(), BTreeMap::new());
        let mut figures: BTreeMap<String, Figures> = BTreeMap::new();
        for record in &self.log {
            match record.event.innermost().1 {
                Event::ApprovalAsked { approval, payload, .. } => {
                    names.extend(payload.tool.as_ref().map(|tool| (*approval, tool.name.clone())));
                }
                Event::Intent { op, approval, .. } => {
                    open.extend(names.get(approval).map(|name| (*op, name.clone())));
                }
                Event::Outcome { op, execution } => {
                    if let Some(name) = open.remove(op) {
                        let of = figures.entry(name).or_default();
                        of.calls += 1;
                        of.errors += u32::from(execution.exit_code != 0);
                        of.total_ms += execution.duration_ms;
                    }
                }
                _ => {}
            }
        }
        figures
    }

    /// What came of an effect, in full, as far as it was kept. Looks through the log from its end.
    pub fn outcome(&self, op: OpId) -> Option<&crate::chat::code::Execution> {
        self.log.iter().rev().find_map(|record| match record.event.innermost().1 {
            Event::Outcome { op: of, execution } if *of == op => Some(execution),
            _ => None,
        })
    }
}

/// How a tool has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls that came to an end.
    pub calls: u32,
    /// Those that failed.
    pub errors: u32,
    /// Time of all together, in milliseconds.
    pub total_ms: u64,
}

/// The MCP servers of a session as they are now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Servers {
    of: BTreeMap<String, Server>,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Server {
    /// Name and version, as it says.
    pub about: String,
    /// Its tools, as it listed them last; none while it is down.
    pub tools: Arc<Vec<ListedTool>>,
    /// What of its list was not taken, and why.
    pub refused: Vec<String>,
    /// Why it does not answer, if it does not.
    pub down: Option<String>,
    /// Since when it is as it is.
    pub since: UnixMillis,
    /// How often it went down.
    pub failures: u32,
}

impl Servers {
    /// Those that have reported, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Server)> {
        self.of.iter()
    }

    /// A tool as its server lists it.
    pub fn listed(&self, server: &str, tool: &str) -> Option<&ListedTool> {
        self.of.get(server)?.tools.iter().find(|listed| listed.name == tool)
    }

    /// Whether the event says what is known already.
    pub fn is_known(&self, event: &ToolsEvent) -> bool {
        match event {
            ToolsEvent::Ready { server, about, tools, refused } => self.of.get(server).is_some_and(|known| {
                known.down.is_none() && (&known.about, &known.tools, &known.refused) == (about, tools, refused)
            }),
            _ => false,
        }
    }

    fn fold(&mut self, event: &ToolsEvent, at: UnixMillis) {
        match event {
            ToolsEvent::Ready { server, about, tools, refused } => {
                let failures = self.of.get(server).map_or(0, |known| known.failures);
                let (about, tools, refused) = (about.clone(), Arc::clone(tools), refused.clone());
                self.of.insert(server.clone(), Server { about, tools, refused, down: None, since: at, failures });
            }
            ToolsEvent::Down { server, why } => {
                let known = self.of.entry(server.clone()).or_default();
                (known.down, known.since, known.tools) = (Some(why.clone()), at, Arc::default());
                known.failures += 1;
            }
            ToolsEvent::Accepted { server, tool, hash } => {
                let Some(known) = self.of.get_mut(server) else { return };
                let mut tools = known.tools.iter().cloned().collect::<Vec<_>>();
                for listed in tools.iter_mut().filter(|listed| listed.name == *tool && listed.hash == *hash) {
                    listed.was = None;
                }
                known.tools = Arc::new(tools);
            }
        }
    }
}

impl State {
    pub(super) fn fold_tools(&mut self, event: &ToolsEvent, at: UnixMillis) {
        let mut servers = (*self.servers).clone();
        servers.fold(event, at);
        self.set_servers(&Arc::new(servers));
    }

    /// Every team in this one knows the same servers.
    pub(super) fn set_servers(&mut self, servers: &Arc<Servers>) {
        self.servers = Arc::clone(servers);
        self.inner.values_mut().for_each(|inner| inner.state.set_servers(servers));
    }
}

/// A tool of a server, as the team uses it.
fn of_server(setup: &ServerSetup, server: &str, listed: &ListedTool) -> ToolSetup {
    let options = [("server", server), ("tool", &listed.name), ("hash", &listed.hash)];
    let options = options.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    let words = vec![format!("{server}/{}", listed.name)];
    let execution = CodeExecution {
        executor: Spec::named(MCP),
        approval: setup.approval,
        timeout_ms: setup.timeout_ms,
        output_limit: setup.output_limit,
        ..CodeExecution::default()
    };
    ToolSetup {
        source: Spec { kind: MCP.to_owned(), options },
        result_limit: Some(setup.result_limit),
        idempotency_key: setup.idempotency_key,
        ..ToolSetup::command(&listed.description, listed.parameters.clone(), words, execution)
    }
}

/// What a command about servers and tools amounts to.
pub(super) fn decide(session: &Session, command: &ToolsCommand) -> Result<Vec<Event>, Refusal> {
    let refuse = |text: String| Err(Refusal(text));
    match command {
        ToolsCommand::Accept { server, tool, hash } => match session.servers().listed(server, tool) {
            None => refuse(format!("{server} lists no tool {tool}.")),
            Some(listed) if listed.was.is_none() => refuse(format!("{server}/{tool} has not changed.")),
            Some(listed) if listed.hash != *hash => {
                refuse("What was on the screen is not what the tool is now. Look again.".to_owned())
            }
            Some(_) => {
                let (server, tool, hash) = (server.clone(), tool.clone(), hash.clone());
                Ok(vec![Event::Tools(ToolsEvent::Accepted { server, tool, hash })])
            }
        },
        ToolsCommand::Restart { server } => match session.team().is_some_and(|team| team.mcp.contains_key(server)) {
            true => Ok(Vec::new()),
            false => refuse(format!("The team has no server {server}.")),
        },
        ToolsCommand::Answer { approval, text } => {
            let waits = session.waiting().contains(&Waiting::Approval(*approval));
            let Some(asked) = session.approval(*approval).filter(|_| waits) else {
                return refuse("That request is no longer waiting.".to_owned());
            };
            let turn = session.turns().iter().find(|turn| Some(turn.id) == asked.turn);
            let stage = Stage::Consent(*approval);
            let call = turn.and_then(|turn| {
                let place = turn.tools.stages.iter().position(|other| *other == stage)?;
                turn.tools.calls.get(place)
            });
            let (Some(call), Some(of)) = (call, asked.turn) else {
                return refuse("Only a tool's call can be answered in its place.".to_owned());
            };
            let verdict = Verdict::Deny("answered by the operator in the tool's place".to_owned());
            let (approval, hash, turn) = (*approval, asked.hash.clone(), of);
            Ok(vec![
                Event::ApprovalDecided { approval, verdict, hash, seen_in_full: false, remember: false },
                Event::ToolReturned { turn, result: ToolResult::of(call, text.clone(), false), handoff: None },
            ])
        }
    }
}
