//! Tool calls of one turn: carried out side by side, each answered exactly once, and then put into words.
//!
//! The order is AgentChat's AssistantAgent: a hand-off beats everything, then the model is asked again while rounds are
//! left, then once more without tools if the agent reflects, and otherwise the results are passed on in short
//! (reference: agentchat-semantics 4.1). What cannot be carried out is an answer too, never a failure of the turn.

use super::reply::finish_with;
use super::{Machine, message};
use crate::chat::code::{CodeBlock, Execution, Payload, ToolUse};
use crate::chat::event::{Actor, Boundary, Event, Resolution};
use crate::chat::format::Checker;
use crate::chat::id::MessageId;
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::server::MCP;
use crate::chat::team::{Agent, COMMAND, Handoff, ToolSetup};
use crate::chat::tool::{ToolCall, ToolResult, ToolSpec, filled, model_name, shortened};
use crate::chat::{Name, UnixMillis};
use crate::engine::effect::Effect;
use crate::rules;
use crate::session::turn::{Stage, Turn};
use crate::session::{Session, sight};
use serde_json::json;
use std::sync::Arc;

/// Longest tool name of the OpenAI dialect, which the others follow.
const LONGEST_NAME: usize = 64;

impl Machine {
    /// The tools that the agent's model may call now.
    pub(super) fn offered(&self, agent: &Agent, turn: &Turn, session: &Session) -> Vec<ToolSpec> {
        if turn.tools.rounds >= agent.max_tool_iterations {
            return Vec::new();
        }
        let declared = session.tools_of(agent).into_iter().map(|(name, tool)| ToolSpec {
            name: model_name(&name),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        let handoffs = agent.handoffs.iter().filter(|handoff| self.is_open(handoff, session)).map(|handoff| ToolSpec {
            name: handoff.name.clone(),
            description: sight::filled(&handoff.description, session.context()),
            parameters: json!({"type": "object", "properties": {}}),
        });
        let open = |tool: &ToolSpec| !session.floor().is_tool_barred(&tool.name);
        declared.chain(handoffs).filter(open).collect()
    }

    /// The next step of the turn's calls, or all results together. Calls go on side by side: the first that has a step to
    /// make makes it.
    pub(super) fn call_tools(&mut self, turn: &Turn, agent: &Agent, session: &Session, now: UnixMillis) -> Vec<Effect> {
        if turn.tools.unanswered().next().is_none() {
            let author = Author::Agent(agent.name.clone());
            let told = Message {
                turn: Some(turn.id),
                tool_calls: turn.tools.calls.clone(),
                tool_results: turn.tools.results.iter().flatten().cloned().collect(),
                ..message(session, author, MessageKind::ToolResults, "")
            };
            return vec![Effect::append(
                Actor::Agent(agent.name.clone()),
                vec![Event::MessagePosted { message: Arc::new(told) }],
            )];
        }
        // Asked to hold at the next step, nothing new starts beside what is under way.
        let halts = session.hold_asked() == Some(Boundary::Step);
        let mut waits = Vec::new();
        for (_, call, stage) in turn.tools.unanswered() {
            let effects = match stage {
                Stage::Begun | Stage::Decided(_) if halts => Vec::new(),
                Stage::Begun => match self.before_tool(call, turn, session, now) {
                    Some(stopped) => stopped,
                    None => self.call_tool(call, turn, agent, session),
                },
                Stage::Decided(approval) => self.act_on(*approval, turn, session, now),
                Stage::Ran(op, approval, execution) => {
                    super::heard::tool_result(*op, *approval, execution, turn, session).into_iter().collect()
                }
                Stage::Consent(approval) => match self.standing_consent(*approval, session, now) {
                    Some(decided) => vec![decided],
                    None => self.nobody_there(turn, session, now),
                },
                Stage::Unknown(_) => self.nobody_there(turn, session, now),
                _ => Vec::new(),
            };
            if effects.iter().any(|effect| matches!(effect, Effect::Append { .. })) {
                return effects;
            }
            waits.extend(effects);
        }
        waits
    }

    /// Begins one call.
    fn call_tool(&self, call: &ToolCall, turn: &Turn, agent: &Agent, session: &Session) -> Vec<Effect> {
        let name = normal(&call.name);
        if session.floor().is_tool_barred(&name) {
            let text =
                format!("Error: {name} is barred by the operator for now. Do it another way, or say what you need.");
            return vec![returned(turn, ToolResult::of(call, text, true))];
        }
        if let Some(handoff) = agent.handoffs.iter().find(|handoff| handoff.name == name) {
            return self.hand_over(handoff, call, turn, session);
        }
        let tool = session.tools_of(agent).into_iter().find(|(full, _)| model_name(full) == name || *full == call.name);
        let Some((name, tool)) = tool else {
            return vec![returned(
                turn,
                ToolResult::of(call, format!("Error: Function {} not found.", call.name), true),
            )];
        };
        let same = |other: &ToolCall| normal(&other.name) == normal(&call.name);
        let goes_on = |(_, other, stage): (usize, &ToolCall, &Stage)| *stage != Stage::Begun && same(other);
        if tool.alone && turn.tools.unanswered().any(goes_on) {
            return Vec::new();
        }
        let source = calling_message(turn, session).unwrap_or_default();
        match self.tool_payload(&name, &tool, call, source, session) {
            Ok(payload) => {
                let asked = Event::ApprovalAsked {
                    approval: session.ids().approval,
                    turn: turn.id,
                    agent: agent.name.clone(),
                    source,
                    hash: payload.hash(),
                    payload: Arc::new(payload),
                };
                vec![Effect::append(Actor::Agent(agent.name.clone()), vec![asked])]
            }
            Err(why) => vec![returned(turn, ToolResult::of(call, format!("Error: {why}"), true))],
        }
    }

    fn tool_payload(
        &self,
        name: &str,
        tool: &ToolSetup,
        call: &ToolCall,
        source: MessageId,
        session: &Session,
    ) -> Result<Payload, String> {
        let arguments = call.object()?;
        // AgentChat: what does not fit the schema is the model's to mend. A schema that cannot be read stops nobody here:
        // the team file was checked.
        if let Ok(checker) = Checker::new(&tool.parameters) {
            checker.check(&serde_json::Value::Object(arguments).to_string())?;
        }
        let of_server = || self.rules.tool_places.get(&format!("{}/", name.split_once('/')?.0));
        let place = self.rules.tool_places.get(name).or_else(of_server);
        let mut place = place.ok_or("the tool is not available here.")?.clone();
        if tool.source.kind != MCP {
            // A server stays where it was started.
            place.work_dir = session.workspace(&place.work_dir).to_owned();
        }
        let block = CodeBlock { language: "json".into(), code: call.repaired() };
        let key = tool.idempotency_key.then(|| format!("{}-{}-{}", session.id(), source.0, call.id));
        let own = (tool.source.kind != COMMAND).then(|| tool.source.clone());
        let argv = tool.command.clone();
        let tool = ToolUse { name: name.to_owned(), call_id: call.id.clone(), argv, source: own, key };
        Ok(Payload { tool: Some(tool), ..Payload::code(vec![block], place) })
    }

    fn hand_over(&self, handoff: &Handoff, call: &ToolCall, turn: &Turn, session: &Session) -> Vec<Effect> {
        if !self.is_open(handoff, session) {
            let text = format!("Error: {} is not available at present.", handoff.name);
            return vec![returned(turn, ToolResult::of(call, text, true))];
        }
        let result = ToolResult::of(call, handoff.message.as_str(), false);
        let mut events = vec![Event::ToolReturned { turn: turn.id, result, handoff: Some(handoff.target.clone()) }];
        if turn.tools.handoff.is_none() && !handoff.set.is_empty() {
            events.push(Event::ContextChanged { set: handoff.set.clone() });
        }
        vec![Effect::append(Actor::Agent(turn.agent.clone()), events)]
    }

    /// All calls are answered: pass the floor, ask again, or tell the others.
    pub(super) fn after_tools(
        &mut self,
        turn: &Turn,
        agent: &Agent,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        if let Some(target) = &turn.tools.handoff {
            let text = agent.handoffs.iter().find(|handoff| handoff.target == *target);
            let mut text = text.map_or(String::new(), |handoff| handoff.message.clone());
            // What was found goes along (AgentChat: HandoffMessage.context); other hand-offs of the same answer do not.
            let answered = turn.tools.answered();
            let found =
                answered.filter(|(call, _)| agent.handoffs.iter().all(|other| other.name != normal(&call.name)));
            for (n, (call, result)) in found.enumerate() {
                text.push_str(if n == 0 { "\n\n" } else { "\n" });
                text.push_str(&format!("{}: {}", call.name, result.content));
            }
            return vec![handed(turn, target.clone(), text, session)];
        }
        if turn.tools.rounds < agent.max_tool_iterations || agent.reflect_on_tool_use {
            return self.speak(turn, agent, session, now);
        }
        let format = agent.tool_call_summary_format.as_deref().unwrap_or("{result}");
        let lines = turn.tools.answered().map(|(call, result)| {
            filled(format, |field| {
                Some(match field {
                    "tool_name" => call.name.clone(),
                    "arguments" => call.arguments.to_string(),
                    "result" => result.content.to_string(),
                    "is_error" => result.is_error.to_string(),
                    _ => return None,
                })
            })
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let mut summary = message(session, Author::Agent(agent.name.clone()), MessageKind::ToolSummary, text);
        summary.turn = Some(turn.id);
        vec![finish_with(summary, turn, Actor::Agent(agent.name.clone()))]
    }
}

impl Machine {
    /// Whether a hand-off may be taken now.
    fn is_open(&self, handoff: &Handoff, session: &Session) -> bool {
        handoff.available_when.as_ref().is_none_or(|rule| rules::applies(rule, session))
    }

    /// The hand-off that a rule of the agent takes before its model is asked (AG2: OnContextCondition).
    pub(super) fn hand_over_by_rule(&self, turn: &Turn, agent: &Agent, session: &Session) -> Option<Vec<Effect>> {
        let handoff = agent.handoffs.iter().find(|handoff| {
            let holds = handoff.when.as_ref().is_some_and(|rule| rules::applies(rule, session));
            holds && self.is_open(handoff, session)
        })?;
        let mut effects = Vec::new();
        if !handoff.set.is_empty() {
            let set = Event::ContextChanged { set: handoff.set.clone() };
            effects.push(Effect::append(Actor::Agent(agent.name.clone()), vec![set]));
        }
        let text = format!("[Handing off to {}]", handoff.target);
        effects.push(handed(turn, handoff.target.clone(), text, session));
        Some(effects)
    }
}

/// The message that passes the floor and ends the turn.
pub(super) fn handed(turn: &Turn, target: Name, text: String, session: &Session) -> Effect {
    let mut said = message(session, Author::Agent(turn.agent.clone()), MessageKind::Handoff, text);
    said.turn = Some(turn.id);
    said.handoff = Some(target);
    finish_with(said, turn, Actor::Agent(turn.agent.clone()))
}

/// The answer to a call.
pub(super) fn returned(turn: &Turn, result: ToolResult) -> Effect {
    Effect::append(Actor::System, vec![Event::ToolReturned { turn: turn.id, result, handoff: None }])
}

/// What a tool came to, for the model that called it.
pub(super) fn result_of(
    call: &ToolCall,
    execution: &Execution,
    program: bool,
    limit: Option<u64>,
    edited: Option<&str>,
) -> ToolResult {
    let failed = execution.exit_code != 0;
    let output = execution.output.trim_end_matches('\n');
    let most = usize::try_from(limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let mut text = shortened(output, most).into_owned();
    if failed {
        text = match program {
            true => format!("Error: exit code {}\n{text}", execution.exit_code),
            false => format!("Error: {text}"),
        };
    }
    if execution.omitted > 0 {
        text.push_str(&format!("\n({} bytes were left out)", execution.omitted));
    }
    if let Some(arguments) = edited {
        text.push_str(&format!("\n\nThe operator changed the arguments before the call to: {arguments}"));
    }
    ToolResult::of(call, text, failed)
}

/// The call of the turn that this payload carries out; nothing when it is code.
pub(super) fn call_of<'a>(turn: &'a Turn, payload: &Payload) -> Option<&'a ToolCall> {
    let tool = payload.tool.as_ref()?;
    let place = turn.tools.place_of(&tool.call_id, |_| true)?;
    turn.tools.calls.get(place)
}

/// The answer that stands for an outcome nobody knows, or nothing when the call is to be made again.
pub(super) fn resolved(turn: &Turn, call: &ToolCall, resolution: Resolution) -> Event {
    let (text, failed) = match resolution {
        Resolution::Done => ("(the result was lost; the operator confirmed that the call was carried out)", false),
        _ => (
            "Error: it is not known whether the call was carried out: Plenary was stopped while it was under way",
            true,
        ),
    };
    Event::ToolReturned { turn: turn.id, result: ToolResult::of(call, text, failed), handoff: None }
}

/// The message with the calls that are being answered.
fn calling_message(turn: &Turn, session: &Session) -> Option<crate::chat::id::MessageId> {
    let mut newest = session.transcript().entries().iter().rev();
    let calls = |message: &Message| message.turn == Some(turn.id) && message.kind == MessageKind::ToolCalls;
    newest.find(|entry| calls(&entry.message)).map(|entry| entry.message.id)
}

/// A name as a model may have bent it (AG2: normalises before it looks a function up).
fn normal(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars().take(LONGEST_NAME).map(|c| if fits(c) { c } else { '_' }).collect()
}
