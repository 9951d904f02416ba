//! What of the transcript is shown.

use crate::chat::Name;
use crate::chat::message::{Author, Message, MessageKind};
use crate::session::Session;
use crate::text::clean::one_line;
use crate::tui::pane::item::Item;

/// What of the transcript is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Filter {
    /// Everything.
    #[default]
    All,
    /// What this agent said.
    Agent(Name),
    /// What the operator said, in any name.
    Operator,
    /// Words: no code results, no tool traffic, no notices.
    Words,
    /// What code printed.
    Code,
    /// Tool calls and their results.
    Tools,
    /// What happened between the messages.
    Notices,
}

impl Filter {
    /// The filters that are not about an agent.
    pub const KINDS: [Filter; 6] =
        [Filter::All, Filter::Words, Filter::Operator, Filter::Code, Filter::Tools, Filter::Notices];

    /// What is shown, for a title or a list.
    pub fn words(&self) -> String {
        match self {
            Filter::All => "everything".to_owned(),
            Filter::Agent(name) => format!("only {}", one_line(name)),
            Filter::Operator => "only what you said".to_owned(),
            Filter::Words => "only words".to_owned(),
            Filter::Code => "only what code printed".to_owned(),
            Filter::Tools => "only tool traffic".to_owned(),
            Filter::Notices => "only what happened in between".to_owned(),
        }
    }

    /// Whether an item is shown.
    pub fn accepts(&self, item: Item, session: &Session) -> bool {
        let Item::Message(id) = item else { return matches!(self, Filter::All | Filter::Notices) };
        match self {
            Filter::All => true,
            Filter::Notices => false,
            _ => session.transcript().get(id).is_some_and(|entry| self.accepts_message(&entry.message)),
        }
    }

    fn accepts_message(&self, message: &Message) -> bool {
        let tools =
            matches!(message.kind, MessageKind::ToolCalls | MessageKind::ToolResults | MessageKind::ToolSummary);
        let code = message.kind == MessageKind::CodeResult;
        match self {
            Filter::All => true,
            Filter::Agent(name) => matches!(&message.author, Author::Agent(author) if author == name),
            Filter::Operator => message.by_operator || message.author == Author::Operator,
            Filter::Words => !tools && !code,
            Filter::Code => code,
            Filter::Tools => tools,
            Filter::Notices => false,
        }
    }
}
