//! What the rule of a breakpoint may ask besides: what is about to happen, or has just been said.

use super::Rule;
use super::facts::{Argument, Fact, KINDS, Type, Value, kind, number, text};
use crate::chat::breaks::Point;
use crate::chat::message::MessageKind;

/// A moment at which a breakpoint is asked.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Which kind of moment.
    pub point: Point,
    /// Whose.
    pub speaker: &'a str,
    /// What kind of message it is about, if it is about one.
    pub kind: Option<MessageKind>,
    /// The tool that is wanted; `None` for code.
    pub tool: Option<&'a str>,
    /// The arguments of the call, as they were written.
    pub arguments: Option<&'a str>,
    /// The message, or the code.
    pub text: Option<&'a str>,
    /// How full the context of the model is, from 0 to 1 and above; where its window is known.
    pub fill: Option<f64>,
}

impl<'a> Moment<'a> {
    /// A moment of which no more is known.
    pub fn of(point: Point, speaker: &'a str) -> Self {
        Moment { point, speaker, kind: None, tool: None, arguments: None, text: None, fill: None }
    }
}

const POINTS: &[&str] = &["call", "again", "act", "reply", "said"];

/// Everything that only the rule of a breakpoint may ask about.
pub static FACTS: &[Fact] = &[
    Fact {
        name: "at",
        argument: Argument::No,
        kind: Type::Word(POINTS),
        optional: false,
        about: "which moment: before a model is asked (`call`), before it is asked again in the same turn (`again`), before code \
                or a tool is wanted (`act`), before a reply is said (`reply`), after something was said (`said`)",
        example: "at == reply",
        read: |scene, _| text(scene.moment.map(|moment| moment.point.word())),
    },
    Fact {
        name: "speaker",
        argument: Argument::No,
        kind: Type::Speaker,
        optional: false,
        about: "whose moment it is; `user` is the operator",
        example: "speaker == Coder",
        read: |scene, _| text(scene.moment.map(|moment| moment.speaker)),
    },
    Fact {
        name: "kind",
        argument: Argument::No,
        kind: Type::Word(KINDS),
        optional: true,
        about: "what kind of message is said, or is about to be",
        example: "kind == code_result",
        read: |scene, _| text(scene.moment.and_then(|moment| moment.kind).map(kind)),
    },
    Fact {
        name: "tool",
        argument: Argument::No,
        kind: Type::Tool,
        optional: true,
        about: "the tool that is wanted; none where code is",
        example: "tool == shell",
        read: |scene, _| text(scene.moment.and_then(|moment| moment.tool)),
    },
    Fact {
        name: "arguments",
        argument: Argument::No,
        kind: Type::Text,
        optional: true,
        about: "the arguments of the call, as JSON",
        example: "arguments matches /rm |curl/",
        read: |scene, _| text(scene.moment.and_then(|moment| moment.arguments)),
    },
    Fact {
        name: "text",
        argument: Argument::No,
        kind: Type::Text,
        optional: true,
        about: "the message, or the code that is wanted",
        example: "text matches /I (cannot|can't)/i",
        read: |scene, _| text(scene.moment.and_then(|moment| moment.text)),
    },
    Fact {
        name: "fill",
        argument: Argument::No,
        kind: Type::Number,
        optional: true,
        about: "how much of the model's window the request takes, 1 being all of it; none where the window is not known",
        example: "fill > 0.8",
        read: |scene, _| scene.moment.and_then(|moment| moment.fill).map_or(Value::None, number),
    },
];

/// At which moments a breakpoint is asked, and whether each time counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// At these moments, each time.
    At(Vec<Point>),
    /// After every record, and met when it becomes true: it asks nothing about the moment.
    Rising,
}

/// When a rule is asked. One that says `at` itself is asked at every moment; one that names tools or arguments where they
/// are wanted, one about the context where a request is about to be sent, one about words or speakers where they were said.
pub fn asked(rule: &Rule) -> Asked {
    let facts = rule.facts();
    let has = |names: &[&str]| facts.iter().any(|fact| names.contains(fact));
    if has(&["at"]) {
        return Asked::At(Point::ALL.to_vec());
    }
    if has(&["tool", "arguments"]) {
        return Asked::At(vec![Point::Act]);
    }
    if has(&["fill"]) {
        return Asked::At(vec![Point::Call, Point::Again]);
    }
    if has(&["speaker", "kind", "text"]) {
        return Asked::At(vec![Point::Said]);
    }
    Asked::Rising
}
