//! Tools as this session has them: those of the team file, and what was approved of them.

use super::Session;
use crate::chat::code::Payload;
use crate::chat::event::{Actor, Event, Verdict};
use crate::chat::id::OpId;
use crate::chat::team::{Agent, ApprovalPolicy, ToolSetup};
use std::borrow::Cow;

impl Session {
    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Option<Cow<'_, ToolSetup>> {
        self.team()?.tools.get(name).map(Cow::Borrowed)
    }

    /// The tools that an agent's model may be offered, by name.
    pub fn tools_of(&self, agent: &Agent) -> Vec<(String, Cow<'_, ToolSetup>)> {
        let declared = agent.tools.iter();
        declared.filter_map(|name| Some((name.clone(), self.tool(name)?))).collect()
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

    /// What came of an effect, in full, as far as it was kept. Looks through the log from its end.
    pub fn outcome(&self, op: OpId) -> Option<&crate::chat::code::Execution> {
        self.log.iter().rev().find_map(|record| match record.event.innermost().1 {
            Event::Outcome { op: of, execution } if *of == op => Some(execution),
            _ => None,
        })
    }
}
