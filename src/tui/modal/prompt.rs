//! A text to write: a reason, an answer, a message or code being edited.

use super::{Overlay, Step, centred};
use crate::chat::Name;
use crate::chat::breaks::BreakId;
use crate::chat::code::CodeBlock;
use crate::chat::id::{ApprovalId, AskId, MessageId, TurnId};
use crate::session::Session;
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece};
use crate::tui::action::{Action, Context};
use crate::tui::input::KeyPress;
use crate::tui::paint::{self, Draw};
use crate::tui::pane::foot;
use crate::tui::theme::Role;
use crate::tui::widget::editor::Editor;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::fmt::Write as _;

/// What the text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Why code may not run; and whether the run is to hold then.
    Deny(ApprovalId, bool),
    /// What a tool's model is told in the tool's place.
    InPlace(ApprovalId),
    /// How far an agent may go unasked.
    Leash(Name),
    /// The code that is to run instead.
    Code(ApprovalId),
    /// What a message says from now on.
    Message(MessageId),
    /// What an agent's model is told first.
    SystemMessage(Name),
    /// An answer for an agent.
    Answer(AskId),
    /// A note to an agent that goes in circles; `None` is to all.
    Note(Option<Name>),
    /// A breakpoint, in one line; `None` for a new one.
    Breakpoint(Option<BreakId>),
    /// The reply that is held back.
    Draft(TurnId),
    /// A part of the request that is held back; one past the last is a new one.
    Part(TurnId, usize),
}

/// A text field with a title and a word of explanation.
#[derive(Debug)]
pub struct Prompt {
    /// What the text is for.
    pub purpose: Purpose,
    /// The field.
    pub editor: Editor,
    before: String,
    title: String,
    help: String,
}

impl Prompt {
    /// A field for a purpose.
    pub fn new(purpose: Purpose, text: &str, title: impl Into<String>, help: impl Into<String>) -> Self {
        let editor = Editor::new(text, "");
        let editor = match purpose {
            Purpose::Code(_)
            | Purpose::Message(_)
            | Purpose::SystemMessage(_)
            | Purpose::Draft(_)
            | Purpose::Part(..) => editor.at_start(),
            _ => editor,
        };
        // As the field holds it: line ends are its own, and what was not touched counts as unchanged.
        let before = editor.text();
        Prompt { purpose, editor, before, title: title.into(), help: help.into() }
    }

    /// Whether something was written that closing would lose.
    pub fn is_changed(&self) -> bool {
        self.editor.text() != self.before
    }
}

impl Overlay for Prompt {
    fn context(&self) -> Context {
        match self.purpose {
            // Saved by a chord: enter never gives consent.
            Purpose::Code(_)
            | Purpose::Message(_)
            | Purpose::SystemMessage(_)
            | Purpose::Leash(_)
            | Purpose::Draft(_)
            | Purpose::Part(..) => Context::Editor,
            Purpose::Deny(..)
            | Purpose::InPlace(_)
            | Purpose::Answer(_)
            | Purpose::Note(_)
            | Purpose::Breakpoint(_) => Context::Composer,
        }
    }

    fn act(&mut self, action: Action, _session: &Session, _now_ms: u64) -> Step {
        match action {
            Action::Submit if matches!(self.purpose, Purpose::Code(_)) && !self.is_changed() => Step::Close,
            Action::Submit => Step::Written(self.purpose.clone(), self.editor.text()),
            Action::Newline => {
                self.editor.newline();
                Step::Stay
            }
            Action::Cancel | Action::CancelOrInterrupt => Step::Close,
            _ => Step::Pass,
        }
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        let long =
            matches!(self.purpose, Purpose::Code(_) | Purpose::Message(_) | Purpose::Draft(_) | Purpose::Part(..));
        let height = if long { area.height } else { 9 };
        // A short text stands at the bottom: what it is about stays in sight.
        let low =
            Rect { y: area.bottom().saturating_sub(height.min(area.height)), height: height.min(area.height), ..area };
        let area = if long { area } else { centred(low, 84, height) };
        paint::clear(buf, area, cx.theme);
        let inside = paint::frame(buf, area, &self.title, true, cx.theme, cx.unicode);
        let help = wrap(&[Piece::new(self.help.clone(), Ink::Plain)], inside.width.saturating_sub(2).max(1), 0);
        let lines = (help.len() as u16).min(inside.height.saturating_sub(3));
        for (n, row) in help.iter().take(usize::from(lines)).enumerate() {
            paint::words(buf, inside, inside.x + 1, inside.y + n as u16, &row.text(), cx.theme.style(Role::Dim));
        }
        let field = Rect {
            x: inside.x + 1,
            y: inside.y + lines + 1,
            width: inside.width.saturating_sub(2),
            height: inside.height.saturating_sub(lines + 2),
        };
        let mut wanted = vec![(Action::Submit, if long { "save" } else { "send" }), (Action::Cancel, "back")];
        if !long && self.context() == Context::Composer {
            wanted.push((Action::Newline, "new line"));
        }
        wanted.push((Action::EditorOpen, "$EDITOR"));
        let keys = foot::chosen(cx.keymap, self.context(), &wanted);
        foot::keys(Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside }, buf, &keys, cx.theme);
        self.editor.draw(field, buf, cx.theme, true)
    }

    fn key(&mut self, key: KeyPress) {
        self.editor.key(key);
    }

    fn paste(&mut self, text: &str) -> usize {
        self.editor.paste(text)
    }

    fn unsent(&self) -> Option<String> {
        self.is_changed().then(|| self.editor.text())
    }
}

/// Blocks as one text to edit. A single block is its code; several stand in fences.
pub fn joined(blocks: &[CodeBlock]) -> String {
    if let [only] = blocks {
        return only.code.to_string();
    }
    let mut text = String::new();
    for block in blocks {
        let _ = writeln!(text, "```{}\n{}\n```", block.language, block.code);
    }
    text
}

/// The blocks of an edited text; `before` are those it was made of.
///
/// # Errors
/// When the fences of several blocks are no longer whole.
pub fn parted(text: &str, before: &[CodeBlock]) -> Result<Vec<CodeBlock>, String> {
    if let [only] = before {
        return Ok(vec![CodeBlock { language: only.language.clone(), code: text.into() }]);
    }
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in text.split('\n') {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.trim().to_owned(), Vec::new())),
            (None, None) if line.trim().is_empty() => {}
            (None, None) => return Err(format!("{line:?} stands outside of the ``` fences.")),
            (Some(_), Some("")) => {
                if let Some((language, lines)) = open.take() {
                    blocks.push(CodeBlock { language, code: lines.join("\n").into() });
                }
            }
            (Some((_, lines)), _) => lines.push(line),
        }
    }
    if open.is_some() {
        return Err("The last ``` fence is not closed.".to_owned());
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(language: &str, code: &str) -> CodeBlock {
        CodeBlock { language: language.into(), code: code.into() }
    }

    #[test]
    fn blocks_survive_editing_byte_for_byte() {
        let one = [block("python", "print('```')\n")];
        assert_eq!(parted(&joined(&one), &one).unwrap(), one);
        let two = [block("sh", "ls"), block("python", "a = 1\n\nb = 2")];
        assert_eq!(parted(&joined(&two), &two).unwrap(), two);
    }

    #[test]
    fn a_broken_fence_is_said_and_loses_nothing() {
        let two = [block("sh", "ls"), block("sh", "pwd")];
        assert!(parted("```sh\nls\n", &two).unwrap_err().contains("not closed"));
        assert!(parted("ls\n```sh\npwd\n```", &two).unwrap_err().contains("outside"));
    }
}
