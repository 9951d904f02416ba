//! A conversation as the stricter dialects want it: instructions apart, two sides that take turns, every call with its
//! result right behind it. What does not fit is mended before it is sent, because such a request is refused whole
//! (reliability-security 4.1, row 35).

use crate::chat::request::{Prompt, Role};
use crate::chat::tool::ToolCall;
use std::borrow::Cow;

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Everybody but the asked agent.
    Theirs,
    /// The asked agent.
    Own,
}

/// A part of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Part<'a> {
    /// Words.
    Text(Cow<'a, str>),
    /// A call that the agent made.
    Call(&'a ToolCall),
    /// What came of it.
    Result {
        /// Identity of the call.
        id: &'a str,
        /// Name of the tool.
        name: &'a str,
        /// The result.
        content: &'a str,
    },
}

/// All that one side says before the other does.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<'a> {
    /// Whose.
    pub side: Side,
    /// What, in order; never empty.
    pub parts: Vec<Part<'a>>,
}

/// A whole conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History<'a> {
    /// The instructions at its beginning, joined.
    pub system: String,
    /// The turns; the first and the last are others'.
    pub said: Vec<Said<'a>>,
}

/// Said where the dialect demands that the other side speaks (AG2's Anthropic client says the same).
const GO_ON: &str = "Please continue.";
/// The result of a call of which none is known.
const NO_RESULT: &str = "There is no result: the call was not carried out.";

/// Sorts the messages of a request. Speakers are named in the text: these dialects have no other place for them.
pub fn history(messages: &[Prompt]) -> History<'_> {
    let mut history = History::default();
    let leading = messages.iter().take_while(|prompt| prompt.role == Role::System);
    let lead: Vec<&str> = leading.map(|prompt| &*prompt.content).filter(|text| !text.trim().is_empty()).collect();
    history.system = lead.join("\n\n");
    let mut open: Vec<&ToolCall> = Vec::new();
    for prompt in messages.iter().skip_while(|prompt| prompt.role == Role::System) {
        match prompt.role {
            Role::Tool => {
                let id = prompt.tool_call_id.as_deref().unwrap_or_default();
                let name = prompt.name.as_deref().unwrap_or_default();
                let place = open.iter().position(|call| call.id == id);
                let part = match place.map(|place| open.remove(place)) {
                    Some(call) => Part::Result { id, name: &call.name, content: &prompt.content },
                    // The call itself is gone: as words it does no harm.
                    None => Part::Text(format!("Result of {name}: {}", prompt.content).into()),
                };
                history.add(Side::Theirs, part);
            }
            role => {
                history.settle(&mut open);
                let side = if role == Role::Assistant { Side::Own } else { Side::Theirs };
                if !prompt.content.trim().is_empty() {
                    history.add(side, Part::Text(told(prompt)));
                }
                for call in &prompt.tool_calls {
                    history.add(side, Part::Call(call));
                    open.push(call);
                }
            }
        }
    }
    history.settle(&mut open);
    if history.said.first().is_none_or(|said| said.side == Side::Own) {
        history.said.insert(0, Said { side: Side::Theirs, parts: vec![Part::Text(GO_ON.into())] });
    }
    if history.said.last().is_some_and(|said| said.side == Side::Own) {
        history.add(Side::Theirs, Part::Text(GO_ON.into()));
    }
    history
}

/// The words of a message, with their speaker where that is somebody else.
pub fn told(prompt: &Prompt) -> Cow<'_, str> {
    match (&prompt.role, &prompt.name) {
        (Role::User, Some(name)) if !name.is_empty() => format!("{name}: {}", prompt.content).into(),
        // A trailing space in the agent's own words is refused by Anthropic.
        (Role::Assistant, _) => prompt.content.trim_end().into(),
        _ => Cow::Borrowed(&*prompt.content),
    }
}

impl<'a> History<'a> {
    fn add(&mut self, side: Side, part: Part<'a>) {
        match self.said.last_mut() {
            Some(last) if last.side == side => last.parts.push(part),
            _ => self.said.push(Said { side, parts: vec![part] }),
        }
    }

    /// Calls without a result get one that says so.
    fn settle(&mut self, open: &mut Vec<&'a ToolCall>) {
        for call in open.drain(..) {
            self.add(Side::Theirs, Part::Result { id: &call.id, name: &call.name, content: NO_RESULT });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(role: Role, name: Option<&str>, content: &str) -> Prompt {
        Prompt::new(role, name.map(Into::into), content)
    }

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "f".into(), arguments: "{}".into(), echo: None }
    }

    #[test]
    fn sides_take_turns_and_speakers_are_named() {
        let messages = [
            prompt(Role::System, None, "Be kind."),
            prompt(Role::System, None, "Be brief."),
            prompt(Role::User, Some("Ada"), "Hello"),
            prompt(Role::User, None, "Well?"),
            prompt(Role::Assistant, Some("Bob"), "Yes. "),
            prompt(Role::System, None, "Say more."),
        ];
        let history = history(&messages);
        assert_eq!(history.system, "Be kind.\n\nBe brief.");
        let text = |text: &'static str| Part::Text(text.into());
        assert_eq!(
            history.said,
            [
                Said { side: Side::Theirs, parts: vec![text("Ada: Hello"), text("Well?")] },
                Said { side: Side::Own, parts: vec![text("Yes.")] },
                Said { side: Side::Theirs, parts: vec![text("Say more.")] },
            ]
        );
    }

    #[test]
    fn orphans_are_mended_and_the_other_side_has_the_first_and_the_last_word() {
        let mut calls = prompt(Role::Assistant, None, "");
        calls.tool_calls = vec![call("1"), call("2")];
        let mut result = prompt(Role::Tool, Some("f"), "one");
        result.tool_call_id = Some("1".into());
        let mut orphan = prompt(Role::Tool, Some("g"), "lost");
        orphan.tool_call_id = Some("9".into());
        let messages = [calls, result, orphan, prompt(Role::Assistant, None, "Done.")];
        let history = history(&messages);
        let shape: Vec<_> = history.said.iter().map(|said| (said.side, said.parts.len())).collect();
        assert_eq!(shape, [(Side::Theirs, 1), (Side::Own, 2), (Side::Theirs, 3), (Side::Own, 1), (Side::Theirs, 1)]);
        assert!(matches!(&history.said[2].parts[0], Part::Result { id: "1", name: "f", content: "one" }));
        assert!(matches!(&history.said[2].parts[1], Part::Text(text) if text == "Result of g: lost"));
        assert!(matches!(&history.said[2].parts[2], Part::Result { id: "2", content: NO_RESULT, .. }));
    }
}
