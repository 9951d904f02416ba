//! Ends by what agents do besides talking: a tool that was called, a floor that was handed on.

use super::{Condition, Fired, Heard, Moment, Verdict};
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, text};

/// `function_call = "submit"`.
pub const CALL: Row<dyn Condition> = Row {
    name: "function_call",
    about: "ends at the end of the turn in which this tool was called, also when the call failed (AgentChat: \
            FunctionCallTermination)",
    example: "function_call = \"submit\"",
    fields: &[Field { name: "value", kind: FieldKind::Text, required: true, about: "the tool" }],
    build: |options| match text(options, "value") {
        Some(tool) if !tool.trim().is_empty() => Ok(Box::new(Called { tool: tool.to_owned(), met: None })),
        _ => Err(OptionError::of("value", "name a tool")),
    },
};

/// `handoff = "user"`.
pub const HANDOFF: Row<dyn Condition> = Row {
    name: "handoff",
    about: "ends when somebody hands over to this one, who need not be a member (AgentChat: HandoffTermination)",
    example: "handoff = \"user\"",
    fields: &[Field { name: "value", kind: FieldKind::Text, required: true, about: "to whom" }],
    build: |options| match text(options, "value") {
        Some(target) if !target.trim().is_empty() => Ok(Box::new(HandedOver { target: target.to_owned(), met: None })),
        _ => Err(OptionError::of("value", "name a target")),
    },
};

struct Called {
    tool: String,
    met: Option<Fired>,
}

impl Condition for Called {
    fn observe(&mut self, heard: &Heard<'_>) {
        let message = &heard.entry.message;
        if self.met.is_none() && message.tool_results.iter().any(|result| result.name == self.tool) {
            self.met = Some(Fired {
                text: format!("Function '{}' was executed.", self.tool),
                agent: super::text::member(&message.author),
                values: vec![("tool".to_owned(), self.tool.clone())],
            });
        }
    }

    fn met(&mut self, _moment: &Moment<'_>) -> Verdict {
        self.met.clone().map_or(Verdict::No, Verdict::Met)
    }

    fn reset(&mut self) {
        self.met = None;
    }
}

struct HandedOver {
    target: String,
    met: Option<Fired>,
}

impl Condition for HandedOver {
    fn observe(&mut self, heard: &Heard<'_>) {
        let message = &heard.entry.message;
        if self.met.is_none() && message.handoff.as_deref() == Some(self.target.as_str()) {
            let from = message.author.name();
            self.met = Some(Fired {
                text: format!("Handoff to {} from {from} detected.", self.target),
                agent: super::text::member(&message.author),
                values: vec![("target".to_owned(), self.target.clone()), ("from".to_owned(), from.to_owned())],
            });
        }
    }

    fn met(&mut self, _moment: &Moment<'_>) -> Verdict {
        self.met.clone().map_or(Verdict::No, Verdict::Met)
    }

    fn reset(&mut self) {
        self.met = None;
    }
}
