//! Editing what was said: the whole of a message, a block of code in it, or a result of a tool; a last look at the
//! difference; and taking the last change back.

use crate::chat::amend::Amendment;
use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::id::MessageId;
use crate::chat::message::Author;
use crate::text::clean::one_line;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose};
use crate::tui::modal::review::Review;
use crate::tui::undo::last_change;
use std::ops::Range;

/// A part of a message that can be edited by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// These bytes of its text: a block of code.
    Block(Range<usize>),
    /// So many-th tool result.
    Result(usize),
}

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn edit(&mut self, action: Action) -> Option<Vec<Deed>> {
        match action {
            Action::EditMessage => self.edit_message(),
            Action::EditPart => self.choose_part(),
            Action::Undo => return Some(self.undo()),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn edit_message(&mut self) {
        let Some(entry) = self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) else {
            self.say("There is no message to edit.");
            return;
        };
        if !entry.message.tool_results.is_empty() {
            self.choose_part();
            return;
        }
        let (id, content) = (entry.message.id, entry.message.content.clone());
        let title = format!("Edit message {} by {}", id.number(), one_line(entry.message.author.name()));
        let help = "What is saved is shown beside what it was before anything happens.";
        self.open(Prompt::new(Purpose::Message(id), &content, title, help));
    }

    /// Lets the operator choose a block of code or a result to edit.
    fn choose_part(&mut self) {
        let Some(entry) = self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) else {
            self.say("There is no message to edit.");
            return;
        };
        let id = entry.message.id;
        let first = |text: &str| one_line(text.lines().next().unwrap_or_default());
        let mut lines: Vec<Line> = blocks(&entry.message.content)
            .into_iter()
            .enumerate()
            .map(|(n, range)| Line {
                key: format!("code {}", n + 1),
                text: first(&entry.message.content[range.clone()]),
                choice: Choice::EditPart(id, Portion::Block(range)),
            })
            .collect();
        lines.extend(entry.message.tool_results.iter().enumerate().map(|(n, result)| Line {
            key: one_line(&result.name),
            text: first(&result.content),
            choice: Choice::EditPart(id, Portion::Result(n)),
        }));
        if lines.is_empty() {
            self.say("It has neither code nor tool results; edit the whole message instead.");
            return;
        }
        self.open(List::new(format!("Edit which part of message {}?", id.number()), lines));
    }

    /// Opens a part for editing.
    pub(super) fn edit_part(&mut self, id: MessageId, part: Portion) {
        let Some(entry) = self.session.transcript().get(id) else { return };
        let text = match &part {
            Portion::Block(range) => entry.message.content.get(range.clone()).unwrap_or_default().to_owned(),
            Portion::Result(n) => {
                entry.message.tool_results.get(*n).map(|result| result.content.to_string()).unwrap_or_default()
            }
        };
        let what = if matches!(part, Portion::Block(_)) { "code" } else { "the result" };
        let title = format!("Edit {what} of message {}", id.number());
        let help = "What is saved is shown beside what it was before anything happens.";
        self.open(Prompt::new(Purpose::Portion(id, part), &text, title, help));
    }

    /// A message was rewritten: a last look, and what is to become of what follows.
    pub(super) fn review_message(&mut self, id: MessageId, after: &str) {
        let Some(entry) = self.session.transcript().get(id) else { return };
        let before = entry.message.content.clone();
        if *before == *after {
            self.modals.pop();
            self.say("Nothing was changed.");
            return;
        }
        if after.trim().is_empty() {
            self.say("A message cannot be emptied; esc leaves it as it is.");
            return;
        }
        let content = after.into();
        let amend = Command::Amend(Amendment { message: id, result: None, content });
        let edit = Command::Edit { message: id, content: after.into() };
        let mut choices = vec![line("go on from here on a new branch; the old one stays", edit)];
        let entries = self.session.transcript().entries();
        let follows = self.session.transcript().place(id).map_or(0, |place| entries.len() - place - 1);
        if entry.message.within.is_empty() {
            let kept = match follows {
                0 => String::new(),
                1 => ", and keep the message after it, marked".to_owned(),
                n => format!(", and keep the {n} messages after it, marked"),
            };
            choices.push(line(&format!("replace it here{kept}"), amend));
        }
        choices.push(Line { key: String::new(), text: "go on editing".into(), choice: Choice::Nothing });
        let title = format!("Message {} by {}", id.number(), author(&entry.message.author));
        self.open(Review::new(title, &before, after, choices));
    }

    /// A part of a message was rewritten.
    pub(super) fn review_part(&mut self, id: MessageId, part: Portion, after: &str) {
        let Some(entry) = self.session.transcript().get(id) else { return };
        match part {
            Portion::Block(range) => {
                let whole = &entry.message.content;
                // A block ends with its line: what was edited may have lost it.
                let end = if after.ends_with('\n') || after.is_empty() { "" } else { "\n" };
                let Some((head, tail)) = whole.get(..range.start).zip(whole.get(range.end..)) else { return };
                let edited = format!("{head}{after}{end}{tail}");
                self.review_message(id, &edited);
            }
            Portion::Result(n) => {
                let Some(result) = entry.message.tool_results.get(n) else { return };
                if *result.content == *after {
                    self.modals.pop();
                    self.say("Nothing was changed.");
                    return;
                }
                let amend = Command::Amend(Amendment { message: id, result: Some(n), content: after.into() });
                let choices = vec![
                    line("replace it here; what was said after it stays, marked", amend),
                    Line { key: String::new(), text: "go on editing".into(), choice: Choice::Nothing },
                ];
                let title = format!("Result of {} in message {}", one_line(&result.name), id.number());
                let before = result.content.clone();
                self.open(Review::new(title, &before, after, choices));
            }
        }
    }

    /// A prompt was rewritten.
    pub(super) fn review_prompt(&mut self, agent: crate::chat::Name, after: &str) {
        let Some(before) =
            self.session.team().and_then(|team| team.agent(&agent)).map(|agent| agent.system_message.clone())
        else {
            return;
        };
        if before == after {
            self.modals.pop();
            self.say("Nothing was changed.");
            return;
        }
        let change = Change { system_message: Some(after.into()), ..Change::default() };
        let choices = vec![
            line(
                "use it from its next request on, on this branch",
                Command::Configure { agent: agent.clone(), change },
            ),
            Line { key: String::new(), text: "go on editing".into(), choice: Choice::Nothing },
        ];
        self.open(Review::new(format!("What {} is told first", one_line(&agent)), &before, after, choices));
    }

    fn undo(&mut self) -> Vec<Deed> {
        match last_change(&self.session) {
            Some((what, command)) => {
                self.say(format!("Taken back: {what}. The same key again brings it back."));
                self.go_back(command)
            }
            None => {
                self.say("You have changed nothing on this branch that could be taken back.");
                Vec::new()
            }
        }
    }
}

/// A choice that ends the editing and sends this.
fn line(text: &str, command: Command) -> Line {
    Line { key: String::new(), text: text.to_owned(), choice: Choice::Settle(command) }
}

fn author(author: &Author) -> String {
    match author {
        Author::Operator => "you".to_owned(),
        Author::Agent(name) => one_line(name),
    }
}

/// The insides of the fenced blocks of a text, as ranges of bytes, fences not included.
pub(super) fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start();
        let ticks = bare.bytes().take_while(|byte| *byte == b'`').count();
        match open {
            None if ticks >= 3 => open = Some((ticks, at + line.len())),
            Some((fence, from)) if ticks >= fence && bare[ticks..].trim().is_empty() => {
                found.push(from..at);
                open = None;
            }
            _ => {}
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_without_their_fences() {
        let text = "Look:\n```python\nprint(1)\n```\nand\n````sh\n```\nls\n````\nopen ```\n```\nrest";
        let found: Vec<&str> = blocks(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["print(1)\n", "```\nls\n"]);
    }
}
