//! Debugging: breakpoints, steps, what is held back, and where it may have gone wrong.

use crate::chat::breaks::{BreakCommand, Breakpoint, SetBy, Until};
use crate::chat::command::Command;
use crate::chat::request::{Prompt as Sent, Role};
use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::modal::debug::{Debug, Page, breakpoint};
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::Purpose;
use crate::watch::again::again;
use crate::watch::triage::triage;

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn debug(&mut self, action: Action) -> Option<Vec<Deed>> {
        match action {
            Action::Breakpoints => self.open(Debug::new(Page::Breakpoints)),
            Action::BreakHere => match self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) {
                Some(entry) => {
                    let rule = again(&entry.message);
                    self.open(breakpoint(None, &rule));
                }
                None => self.say("There is no message yet."),
            },
            Action::StepMenu => self.choose_step(),
            Action::HeldBack => match self.session.draft().is_some() || self.session.shown().is_some() {
                true => self.open(Debug::new(Page::Held)),
                false => self.say("Nothing is held back."),
            },
            Action::Triage => self.open(Debug::new(Page::Suspects(triage(&self.session)))),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn choose_step(&mut self) {
        let line = |text: String, command| Line { key: String::new(), text, choice: Choice::Break(command) };
        let to = |text: &str, until| line(text.to_owned(), BreakCommand::StepTo { until });
        let mut lines = vec![
            to("one model call", Until::Call),
            to("one execution or tool call", Until::Effect),
            to("one turn", Until::Turn),
            to("until somebody would say something: read and edit it first", Until::Reply),
        ];
        let agents: Vec<_> =
            self.session.team().iter().flat_map(|team| &team.agents).map(|agent| agent.name.clone()).collect();
        for name in &agents {
            lines.push(line(
                format!("until {name} has the floor"),
                BreakCommand::StepTo { until: Until::Agent(name.clone()) },
            ));
        }
        for name in &agents {
            for (point, words) in [("act", "before it acts"), ("again", "after it has acted, before it thinks on")] {
                let when = format!("at == {point} and speaker == {:?}", name.to_string());
                let known = self.session.breakpoints().iter().find(|armed| armed.breakpoint.when == when);
                let (mark, command) = match known {
                    Some(armed) => ("● no longer", BreakCommand::Clear { id: armed.id }),
                    None => {
                        let breakpoint = Breakpoint::new(when, SetBy::Operator);
                        ("○ from now on", BreakCommand::Set { id: None, breakpoint })
                    }
                };
                lines.push(line(format!("{mark} hold {name} {words}"), command));
            }
        }
        self.open(List::new("Go on …", lines));
    }

    /// A text field of this family is done.
    pub(super) fn written_for_debug(&mut self, purpose: &Purpose, text: &str) -> Vec<Deed> {
        let send = |command| vec![Deed::Send(Command::Break(command))];
        match purpose {
            Purpose::Breakpoint(id) => match Breakpoint::read(text, SetBy::Operator) {
                Ok(breakpoint) => {
                    self.modals.pop();
                    // A rule that cannot be read comes back as words; what was written is at hand.
                    self.history.push(text.to_owned());
                    send(BreakCommand::Set { id: *id, breakpoint })
                }
                Err(why) => {
                    self.say(why);
                    Vec::new()
                }
            },
            Purpose::Draft(turn) => {
                self.modals.pop();
                send(BreakCommand::Revise { turn: *turn, content: text.into() })
            }
            Purpose::Part(turn, place) => {
                self.modals.pop();
                let Some(shown) = self.session.shown().filter(|shown| shown.turn == *turn) else {
                    self.say("That request is not held back any more.");
                    return Vec::new();
                };
                let mut messages = shown.request.messages.to_vec();
                match messages.get_mut(*place) {
                    Some(message) => message.content = text.into(),
                    None if text.trim().is_empty() => return Vec::new(),
                    None => messages.push(Sent::new(Role::User, None, text)),
                }
                send(BreakCommand::Amend { turn: *turn, messages })
            }
            _ => Vec::new(),
        }
    }
}
