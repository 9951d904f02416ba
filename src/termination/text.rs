//! Ends on words: `text_mention` anywhere in a message, `text_is` as the whole message.
//!
//! The task itself never counts: "say DONE when you are done" must not end the run that it starts (AgentChat's
//! TextMentionTermination does end there, a known trap).

use super::Condition;
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, Options, text};
use crate::chat::UnixMillis;
use crate::session::Session;
use crate::session::transcript::Entry;

const FIELDS: &[Field] = &[
    Field { name: "value", kind: FieldKind::Text, required: true, about: "the words, case and all" },
    Field { name: "sources", kind: FieldKind::Texts, required: false, about: "only messages by these agents count" },
];

/// `text_mention = "TERMINATE"`.
pub const MENTION: Row<dyn Condition> = Row {
    name: "text_mention",
    about: "ends when a message contains the text (AgentChat: TextMentionTermination)",
    example: "text_mention = \"TERMINATE\"",
    fields: FIELDS,
    build: |options| Words::boxed(options, |message, wanted| message.contains(wanted)),
};

/// `text_is = "TERMINATE"`.
pub const WHOLE: Row<dyn Condition> = Row {
    name: "text_is",
    about: "ends when a message is exactly the text (AG2's default predicate)",
    example: "text_is = \"TERMINATE\"",
    fields: FIELDS,
    build: |options| Words::boxed(options, |message, wanted| message.trim() == wanted),
};

struct Words {
    wanted: String,
    sources: Vec<String>,
    fits: fn(&str, &str) -> bool,
    met: Option<String>,
}

impl Words {
    fn boxed(options: &Options, fits: fn(&str, &str) -> bool) -> Result<Box<dyn Condition>, OptionError> {
        let wanted = text(options, "value").unwrap_or_default().to_owned();
        if wanted.trim().is_empty() {
            return Err(OptionError::of("value", "an empty text would end the run at once; name the words"));
        }
        let sources = options
            .get("sources")
            .and_then(|list| list.as_array())
            .map(|list| list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        Ok(Box::new(Words { wanted, sources, fits, met: None }))
    }
}

impl Condition for Words {
    fn observe(&mut self, entry: &Entry) {
        let author = entry.message.author.name();
        let counts = self.sources.is_empty() || self.sources.iter().any(|source| source == author);
        if self.met.is_none() && counts && (self.fits)(&entry.message.content, &self.wanted) {
            self.met = Some(format!("{author} said {:?}", self.wanted));
        }
    }

    fn met(&self, _session: &Session, _now: UnixMillis) -> Option<String> {
        self.met.clone()
    }

    fn reset(&mut self) {
        self.met = None;
    }
}
