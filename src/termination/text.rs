//! Ends on words: anywhere in a message, as the whole message, at its end, or by a regular expression.
//!
//! The task itself does not count unless `scope = "all"` says so: "say DONE when you are done" must not end the run
//! that it starts (AgentChat's TextMentionTermination does end there, a known trap). That scope also reads what agents
//! and tools say to each other, as AgentChat does.

use super::{Condition, Fired, Heard, Moment, Verdict};
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, Options, text};
use crate::chat::Name;
use crate::chat::message::Author;
use crate::chat::pattern::Pattern;

const SOURCES: Field = Field {
    name: "sources",
    kind: FieldKind::Texts,
    required: false,
    about: "only messages by these count; `user` is you",
};
const SCOPE: Field = Field {
    name: "scope",
    kind: FieldKind::Text,
    required: false,
    about: "`messages` (default), or `all`: the task and what agents and tools say to each other too, as in AgentChat",
};
const FIELDS: &[Field] =
    &[Field { name: "value", kind: FieldKind::Text, required: true, about: "the words, case and all" }, SOURCES, SCOPE];

/// `text_mention = "TERMINATE"`.
pub const MENTION: Row<dyn Condition> = Row {
    name: "text_mention",
    about: "ends when a message contains the text (AgentChat: TextMentionTermination)",
    example: "text_mention = \"TERMINATE\"",
    fields: FIELDS,
    build: |options| {
        let wanted = words(options)?;
        let text = format!("Text '{wanted}' mentioned");
        Words::boxed(options, text, move |message| message.contains(&wanted))
    },
};

/// `text_is = "TERMINATE"`.
pub const WHOLE: Row<dyn Condition> = Row {
    name: "text_is",
    about: "ends when a message is exactly the text, white space around it aside (AG2's default predicate)",
    example: "text_is = \"TERMINATE\"",
    fields: FIELDS,
    build: |options| {
        let wanted = words(options)?;
        let text = format!("Message '{wanted}' received");
        Words::boxed(options, text, move |message| message.trim() == wanted)
    },
};

/// `text_ends_with = "TERMINATE"`.
pub const SUFFIX: Row<dyn Condition> = Row {
    name: "text_ends_with",
    about: "ends when a message ends with the text, white space after it aside (the usual AG2 predicate)",
    example: "text_ends_with = \"TERMINATE\"",
    fields: FIELDS,
    build: |options| {
        let wanted = words(options)?;
        let text = format!("Message ending with '{wanted}' received");
        Words::boxed(options, text, move |message| message.trim_end().ends_with(wanted.trim_end()))
    },
};

/// `text_matches = "VERDICT: (APPROVED|DONE)"`.
pub const PATTERN: Row<dyn Condition> = Row {
    name: "text_matches",
    about: "ends when a message matches the regular expression somewhere",
    example: "text_matches = \"(?i)verdict: *(approved|done)\"",
    fields: &[
        Field {
            name: "value",
            kind: FieldKind::Pattern,
            required: true,
            about: "the expression; `(?i)` overlooks case",
        },
        SOURCES,
        SCOPE,
    ],
    build: |options| {
        let source = words(options)?;
        let pattern = Pattern::new(&source)
            .map_err(|why| OptionError::of("value", format!("this regular expression cannot be used: {why}")))?;
        if pattern.is_match("") {
            return Err(OptionError::of("value", "it matches an empty text, so any message would end the run"));
        }
        Words::boxed(options, format!("Pattern '{source}' matched"), move |message| pattern.is_match(message))
    },
};

fn words(options: &Options) -> Result<String, OptionError> {
    let wanted = text(options, "value").unwrap_or_default();
    if wanted.trim().is_empty() {
        return Err(OptionError::of("value", "an empty text would end the run at once; name the words"));
    }
    Ok(wanted.to_owned())
}

/// The names in a list, if there is one.
pub(super) fn names(options: &Options, field: &str) -> Vec<String> {
    let list = options.get(field).and_then(|list| list.as_array());
    list.map(|list| list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// The member that wrote a message.
pub(super) fn member(author: &Author) -> Option<Name> {
    match author {
        Author::Agent(name) => Some(name.clone()),
        Author::Operator => None,
    }
}

struct Words<F> {
    text: String,
    sources: Vec<String>,
    /// The task and tool traffic count too.
    all: bool,
    fits: F,
    met: Option<Fired>,
}

impl<F: Fn(&str) -> bool + Send + 'static> Words<F> {
    fn boxed(options: &Options, text: String, fits: F) -> Result<Box<dyn Condition>, OptionError> {
        let all = match super::text::text(options, "scope") {
            None | Some("messages") => false,
            Some("all") => true,
            Some(other) => {
                return Err(OptionError::of("scope", format!("{other:?} is neither \"messages\" nor \"all\"")));
            }
        };
        Ok(Box::new(Words { text, sources: names(options, "sources"), all, fits, met: None }))
    }
}

impl<F: Fn(&str) -> bool + Send> Condition for Words<F> {
    fn observe(&mut self, heard: &Heard<'_>) {
        let message = &heard.entry.message;
        let author = message.author.name();
        let counts = self.sources.is_empty() || self.sources.iter().any(|source| source == author);
        if self.met.is_some() || !counts || !(self.all || heard.is_talk()) {
            return;
        }
        let told = if self.all { message.told() } else { (&*message.content).into() };
        if (self.fits)(&told) {
            let values = vec![("source".to_owned(), author.to_owned())];
            self.met = Some(Fired { text: self.text.clone(), agent: member(&message.author), values });
        }
    }

    fn met(&mut self, _moment: &Moment<'_>) -> Verdict {
        self.met.clone().map_or(Verdict::No, Verdict::Met)
    }

    fn reset(&mut self) {
        self.met = None;
    }
}
