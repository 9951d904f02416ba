//! Ends by messages as such: how many there are, how many turns, by whom, of which kind.

use super::text::{member, names};
use super::{Condition, Fired, Heard, Moment, Verdict};
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, count, text};
use crate::chat::Name;
use crate::chat::message::MessageKind;
use std::sync::Arc;

/// `max_messages = 20`.
pub const COUNT: Row<dyn Condition> = Row {
    name: "max_messages",
    about: "ends when the run has this many messages, the task included (AgentChat: MaxMessageTermination)",
    example: "max_messages = 20",
    fields: &[
        Field { name: "value", kind: FieldKind::Count, required: true, about: "how many messages" },
        Field {
            name: "include_events",
            kind: FieldKind::Flag,
            required: false,
            about: "count what agents and tools say to each other too (AgentChat: include_agent_event)",
        },
    ],
    build: |options| match count(options, "value") {
        Some(0) | None => Err(OptionError::of("value", "must be at least 1")),
        Some(limit) => {
            let events = options.get("include_events").and_then(serde_json::Value::as_bool).unwrap_or(false);
            Ok(Box::new(MaxMessages { limit, events, aside: 0 }))
        }
    },
};

/// `max_turns = 6`.
pub const TURNS: Row<dyn Condition> = Row {
    name: "max_turns",
    about: "ends when this many turns of the run are over, however many messages they had (AgentChat: max_turns)",
    example: "max_turns = 6",
    fields: &[Field { name: "value", kind: FieldKind::Count, required: true, about: "how many turns" }],
    build: |options| match count(options, "value") {
        Some(0) | None => Err(OptionError::of("value", "must be at least 1")),
        Some(limit) => Ok(Box::new(MaxTurns(limit))),
    },
};

/// `source_match = ["Writer"]`.
pub const SOURCE: Row<dyn Condition> = Row {
    name: "source_match",
    about: "ends when one of these has spoken (AgentChat: SourceMatchTermination)",
    example: "source_match = [\"Writer\"]",
    fields: &[Field { name: "value", kind: FieldKind::Texts, required: true, about: "agents; `user` is you" }],
    build: |options| match names(options, "value") {
        sources if sources.is_empty() => Err(OptionError::of("value", "name at least one agent")),
        sources => Ok(Box::new(First::new(move |heard| {
            let author = heard.entry.message.author.name();
            sources.iter().any(|source| source == author).then(|| format!("'{author}' answered"))
        }))),
    },
};

/// `text_message = "Writer"`.
pub const TEXT: Row<dyn Condition> = Row {
    name: "text_message",
    about: "ends when an agent, or only this one, has written in words: not by a result of code, not by handing over \
            (AgentChat: TextMessageTermination)",
    example: "text_message = { source = \"Writer\" }",
    fields: &[Field { name: "source", kind: FieldKind::Text, required: false, about: "the agent; without it, any" }],
    build: |options| {
        let source = text(options, "source").map(str::to_owned);
        Ok(Box::new(First::new(move |heard| {
            let message = &heard.entry.message;
            let author = message.author.name();
            let words = matches!(message.kind, MessageKind::Reply | MessageKind::Human | MessageKind::Auto);
            let fits = words && source.as_deref().is_none_or(|source| source == author);
            fits.then(|| format!("Text message received from '{author}'"))
        })))
    },
};

/// `stop_message = true`.
pub const STOP: Row<dyn Condition> = Row {
    name: "stop_message",
    about: "ends on a message that some member's `is_termination_msg` takes for the end (AgentChat: \
            StopMessageTermination; AG2: the predicate of the group's manager)",
    example: "stop_message = true",
    fields: &[Field { name: "value", kind: FieldKind::Flag, required: true, about: "true" }],
    build: |options| match options.get("value").and_then(serde_json::Value::as_bool) {
        Some(true) => Ok(Box::new(StopMessage::default())),
        _ => Err(OptionError::of("value", "takes true; to do without, leave it out")),
    },
};

struct MaxMessages {
    limit: u64,
    events: bool,
    /// Messages that the team does not share.
    aside: u64,
}

impl Condition for MaxMessages {
    fn observe(&mut self, heard: &Heard<'_>) {
        if !heard.entry.message.is_shared() {
            self.aside += 1;
        }
    }

    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let messages = u64::from(moment.session.rounds()) + if self.events { self.aside } else { 0 };
        if messages < self.limit {
            return Verdict::No;
        }
        let limit = self.limit;
        let text = format!("Maximum number of messages {limit} reached, current message count: {messages}");
        Fired::with(text, &[("limit", &limit), ("messages", &messages)])
    }

    fn reset(&mut self) {
        self.aside = 0;
    }
}

struct MaxTurns(u64);

impl Condition for MaxTurns {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let turns = u64::from(moment.session.transcript().tally().turns);
        if turns < self.0 {
            return Verdict::No;
        }
        Fired::with(format!("Maximum number of turns {} reached.", self.0), &[("limit", &self.0), ("turns", &turns)])
    }
}

/// Met by the first message of the talk of which `says` says why.
struct First<F> {
    says: F,
    met: Option<Fired>,
}

impl<F: Fn(&Heard<'_>) -> Option<String> + Send> First<F> {
    fn new(says: F) -> Self {
        First { says, met: None }
    }
}

impl<F: Fn(&Heard<'_>) -> Option<String> + Send> Condition for First<F> {
    fn observe(&mut self, heard: &Heard<'_>) {
        if self.met.is_none() && heard.is_talk() {
            let author = &heard.entry.message.author;
            self.met = (self.says)(heard).map(|text| Fired {
                text,
                agent: member(author),
                values: vec![("source".to_owned(), author.name().to_owned())],
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

#[derive(Default)]
struct StopMessage {
    /// What was said since the last time it was asked, with who said it.
    unread: Vec<(Option<Name>, Arc<str>)>,
    met: Option<Fired>,
}

impl Condition for StopMessage {
    fn observe(&mut self, heard: &Heard<'_>) {
        if heard.is_talk() {
            self.unread.push((member(&heard.entry.message.author), heard.entry.message.content.clone()));
        }
    }

    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let Some(team) = moment.session.team() else { return Verdict::No };
        let ends = |text: &str| team.agents.iter().any(|agent| agent.is_termination_msg.matches(text));
        let stop = self.unread.drain(..).find(|(_, text)| ends(text));
        if let Some((agent, _)) = stop {
            let text = "Stop message received".to_owned();
            self.met.get_or_insert(Fired { text, agent, values: Vec::new() });
        }
        self.met.clone().map_or(Verdict::No, Verdict::Met)
    }

    fn reset(&mut self) {
        *self = StopMessage::default();
    }
}
