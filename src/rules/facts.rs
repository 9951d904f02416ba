//! What a rule may ask about: one row a fact.

use super::moment::Moment;
use super::tree::time;
use crate::chat::message::MessageKind;
use crate::chat::usage::Money;
use crate::session::Session;
use crate::session::transcript::Entry;
use serde_json::{Map, Value as Json};

/// What a rule is asked of.
pub(super) struct Scene<'a> {
    pub session: &'a Session,
    pub context: &'a Map<String, Json>,
    /// What is about to happen, for a breakpoint.
    pub moment: Option<&'a Moment<'a>>,
}

/// The fact that is written with a dot before its argument.
pub(super) const CONTEXT: &str = "context";

/// What stands in brackets after a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    No,
    /// The name of an agent, or `user` for the operator.
    Agent,
    /// The name of a tool.
    Tool,
    /// A detector's identifier or name, or nothing for any.
    Detector,
    /// The name of a context variable, after a dot; dots inside lead into tables.
    Variable,
}

/// What kind of value a fact is: decides what it can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Flag,
    Number,
    Time,
    Money,
    Text,
    /// An agent's name, or `user`.
    Speaker,
    /// A tool's name.
    Tool,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Whatever a tool or an agent has put there.
    Any,
}

impl Type {
    pub fn words(self) -> String {
        match self {
            Type::Flag => "true or false".to_owned(),
            Type::Number => "a number".to_owned(),
            Type::Time => "a duration".to_owned(),
            Type::Money => "an amount of money".to_owned(),
            Type::Text => "a text".to_owned(),
            Type::Speaker => "the name of an agent".to_owned(),
            Type::Tool => "the name of a tool".to_owned(),
            Type::Word(words) => format!("one of {}", words.join(", ")),
            Type::Any => "any value".to_owned(),
        }
    }
}

/// A value at the moment of asking.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    None,
    Flag(bool),
    Number(f64),
    Time(u64),
    Money(u64),
    Text(&'a str),
    Json(&'a Json),
}

impl std::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |f: &mut std::fmt::Formatter<'_>, text: &str| match text.char_indices().nth(60) {
            Some((end, _)) => write!(f, "{:?}…", &text[..end]),
            None => write!(f, "{text:?}"),
        };
        match self {
            Value::None => f.write_str("none"),
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Time(millis) => f.write_str(&time(*millis)),
            Value::Money(nano) => write!(f, "{}", Money(*nano)),
            Value::Text(text) => short(f, text),
            Value::Json(Json::String(text)) => short(f, text),
            Value::Json(json) => short(f, &json.to_string()),
        }
    }
}

/// Something a rule may ask about.
pub struct Fact {
    /// As written in a rule, without its argument.
    pub name: &'static str,
    /// What stands in brackets after it.
    pub argument: Argument,
    /// What kind of value it is.
    pub(super) kind: Type,
    /// Whether it can be `none`.
    pub optional: bool,
    /// One line of help.
    pub about: &'static str,
    /// A rule that uses it.
    pub example: &'static str,
    pub(super) read: for<'a> fn(&Scene<'a>, &str) -> Value<'a>,
}

impl Fact {
    pub(super) fn read<'a>(&self, scene: &Scene<'a>, argument: &str) -> Value<'a> {
        (self.read)(scene, argument)
    }

    /// How it is written, with its argument.
    pub fn form(&self) -> String {
        match self.argument {
            Argument::No => self.name.to_owned(),
            Argument::Agent => format!("{}(AGENT)", self.name),
            Argument::Tool => format!("{}(TOOL)", self.name),
            Argument::Detector => format!("{0}, {0}(DETECTOR)", self.name),
            Argument::Variable => format!("{}.NAME", self.name),
        }
    }

    /// What kind of value it is, in words.
    pub fn takes(&self) -> String {
        let or_none = if self.optional { ", or none" } else { "" };
        format!("{}{or_none}", self.kind.words())
    }
}

impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Fact {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The kinds of message that a team shares.
pub(super) const KINDS: &[&str] = &[
    "task",
    "reply",
    "code_result",
    "human",
    "auto",
    "handoff",
    "moderation",
    "summary",
    "note",
    "tool_calls",
    "tool_results",
    "tool_summary",
];

pub(super) fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Task => "task",
        MessageKind::Reply => "reply",
        MessageKind::CodeResult => "code_result",
        MessageKind::Human => "human",
        MessageKind::Auto => "auto",
        MessageKind::Handoff => "handoff",
        MessageKind::Moderation => "moderation",
        MessageKind::Summary => "summary",
        MessageKind::Note => "note",
        MessageKind::ToolCalls => "tool_calls",
        MessageKind::ToolResults => "tool_results",
        MessageKind::ToolSummary => "tool_summary",
    }
}

pub(super) fn text<'a>(text: Option<&'a str>) -> Value<'a> {
    text.map_or(Value::None, Value::Text)
}

pub(super) fn number(number: impl Into<f64>) -> Value<'static> {
    Value::Number(number.into())
}

/// The newest message that the team shares.
fn last<'a>(scene: &Scene<'a>) -> Option<&'a Entry> {
    let transcript = scene.session.transcript();
    transcript.entries().get(transcript.tally().last?)
}

/// The exit code of the newest code result of the run: what stands on its first line, which Plenary wrote.
fn exit(scene: &Scene<'_>) -> Option<i32> {
    let transcript = scene.session.transcript();
    let entry = transcript.entries().get(transcript.tally().last_code?)?;
    let rest = entry.message.content.strip_prefix("exitcode: ")?;
    rest[..rest.find(' ').unwrap_or(rest.len())].parse().ok()
}

/// Everything that a rule may ask about.
pub static FACTS: &[Fact] = &[
    Fact {
        name: "last.speaker",
        argument: Argument::No,
        kind: Type::Speaker,
        optional: false,
        about: "who wrote the newest message; `user` is the operator",
        example: "last.speaker == Coder",
        read: |scene, _| text(last(scene).map(|entry| entry.message.author.name())),
    },
    Fact {
        name: "last.text",
        argument: Argument::No,
        kind: Type::Text,
        optional: false,
        about: "the newest message",
        example: "last.text contains \"APPROVED\"",
        read: |scene, _| text(last(scene).map(|entry| &*entry.message.content)),
    },
    Fact {
        name: "last.kind",
        argument: Argument::No,
        kind: Type::Word(KINDS),
        optional: false,
        about: "what kind of message the newest is",
        example: "last.kind == code_result",
        read: |scene, _| text(last(scene).map(|entry| kind(entry.message.kind))),
    },
    Fact {
        name: "last.tokens",
        argument: Argument::No,
        kind: Type::Number,
        optional: false,
        about: "how many tokens a model wrote for the newest message; 0 when none did",
        example: "last.tokens > 2000",
        read: |scene, _| {
            let call = last(scene).and_then(|entry| scene.session.call(entry.message.call?));
            number(call.and_then(|call| call.usage).map_or(0.0, |usage| usage.tokens.output as f64))
        },
    },
    Fact {
        name: "last.handoff",
        argument: Argument::No,
        kind: Type::Speaker,
        optional: true,
        about: "to whom the newest message passes the floor",
        example: "last.handoff == Reviewer",
        read: |scene, _| text(last(scene).and_then(|entry| entry.message.handoff.as_deref())),
    },
    Fact {
        name: "last.exit",
        argument: Argument::No,
        kind: Type::Number,
        optional: true,
        about: "exit code of the newest code result of the run; none before code has run",
        example: "last.exit != 0",
        read: |scene, _| exit(scene).map_or(Value::None, number),
    },
    Fact {
        name: "result",
        argument: Argument::No,
        kind: Type::Word(&["succeeded", "failed"]),
        optional: true,
        about: "what came of the code that ran last in the run; none before code has run",
        example: "result == failed",
        read: |scene, _| text(exit(scene).map(|exit| if exit == 0 { "succeeded" } else { "failed" })),
    },
    Fact {
        name: "task",
        argument: Argument::No,
        kind: Type::Text,
        optional: false,
        about: "the words that began the run",
        example: "task matches /\\bRust\\b/",
        read: |scene, _| text(scene.session.transcript().run().first().map(|entry| &*entry.message.content)),
    },
    Fact {
        name: "speaker",
        argument: Argument::No,
        kind: Type::Speaker,
        optional: true,
        about: "which agent had the floor last; none at the start",
        example: "speaker in [Coder, Tester]",
        read: |scene, _| text(scene.session.floor().last_speaker.as_deref()),
    },
    Fact {
        name: "count",
        argument: Argument::Agent,
        kind: Type::Number,
        optional: false,
        about: "how many messages of the run are by this agent",
        example: "count(Coder) >= 3",
        read: |scene, name| number(scene.session.transcript().tally().by(name).messages),
    },
    Fact {
        name: "since",
        argument: Argument::Agent,
        kind: Type::Number,
        optional: false,
        about: "how many messages there have been since this agent's last, or in the run when it has said nothing",
        example: "since(Reviewer) > 4",
        read: |scene, name| {
            let transcript = scene.session.transcript();
            number(transcript.rounds().saturating_sub(transcript.tally().by(name).round))
        },
    },
    Fact {
        name: "said",
        argument: Argument::Agent,
        kind: Type::Text,
        optional: true,
        about: "this agent's last message of the run; none when it has said nothing",
        example: "said(Reviewer) contains \"LGTM\"",
        read: |scene, name| {
            let transcript = scene.session.transcript();
            let said = transcript.tally().by(name).last.and_then(|place| transcript.entries().get(place));
            text(said.map(|entry| &*entry.message.content))
        },
    },
    Fact {
        name: "calls",
        argument: Argument::Tool,
        kind: Type::Number,
        optional: false,
        about: "how often this tool has answered in the run",
        example: "calls(search) < 3",
        read: |scene, name| number(scene.session.transcript().tally().tool_results(name)),
    },
    Fact {
        name: "round",
        argument: Argument::No,
        kind: Type::Number,
        optional: false,
        about: "messages of the run, the task included: what `max_round` counts",
        example: "round > 10",
        read: |scene, _| number(scene.session.rounds()),
    },
    Fact {
        name: "turns",
        argument: Argument::No,
        kind: Type::Number,
        optional: false,
        about: "turns of the run that are over",
        example: "turns >= 6",
        read: |scene, _| number(scene.session.transcript().tally().turns),
    },
    Fact {
        name: "tokens",
        argument: Argument::No,
        kind: Type::Number,
        optional: false,
        about: "tokens of the session, input and output, over all branches",
        example: "tokens > 50000",
        read: |scene, _| number(scene.session.spent().tokens.total() as f64),
    },
    Fact {
        name: "cost",
        argument: Argument::No,
        kind: Type::Money,
        optional: false,
        about: "known cost of the session over all branches",
        example: "cost > $0.50",
        read: |scene, _| Value::Money(scene.session.spent().cost.0),
    },
    Fact {
        name: "time",
        argument: Argument::No,
        kind: Type::Time,
        optional: false,
        about: "running time up to the newest record; waiting for the operator does not count",
        example: "time > 10m",
        read: |scene, _| {
            let newest = scene.session.log().last().map_or(0, |record| record.at);
            Value::Time(scene.session.active_ms(newest))
        },
    },
    Fact {
        name: "finding",
        argument: Argument::Detector,
        kind: Type::Flag,
        optional: false,
        about: "whether a detector sees the team going in circles",
        example: "finding or finding(D8)",
        read: |scene, name| {
            let fits = |detector: &str| {
                let rest = detector.strip_prefix(name);
                rest.is_some_and(|rest| name.is_empty() || rest.is_empty() || rest.starts_with(' '))
            };
            Value::Flag(scene.session.findings().iter().any(|finding| fits(&finding.detector)))
        },
    },
    Fact {
        name: CONTEXT,
        argument: Argument::Variable,
        kind: Type::Any,
        optional: true,
        about: "a context variable; none when nobody has set it",
        example: "context.retries >= 3",
        read: |scene, path| {
            let mut parts = path.split('.');
            let mut value = parts.next().and_then(|name| scene.context.get(name));
            for name in parts {
                value = value.and_then(|value| value.get(name));
            }
            value.map_or(Value::None, Value::Json)
        },
    },
];
