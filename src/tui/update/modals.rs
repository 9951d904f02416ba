//! What a modal's answer leads to.

use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::event::{Answer, Resolution};
use crate::chat::id::OpId;
use crate::chat::leash;
use crate::chat::server::ToolsCommand;
use crate::tui::action::Action;
use crate::tui::app::{App, Deed, Focus};
use crate::tui::layout::Layout;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose, joined, parted};
use crate::tui::modal::{Modal, Overlay, Step};

impl App {
    /// Carries out what a modal answered to an action.
    pub(super) fn after(&mut self, step: Step, action: Action) -> Vec<Deed> {
        match step {
            Step::Stay => Vec::new(),
            Step::Pass => self.passed(action),
            Step::Close => {
                if let Some(text) = self.modals.pop().and_then(|closed| closed.unsent()) {
                    // What was written is not lost by a slip: arrow up in the composer has it.
                    self.history.push(text);
                    self.say("Closed; arrow up in the composer brings the text back.");
                }
                Vec::new()
            }
            Step::SendAll(commands) => {
                self.modals.pop();
                commands.into_iter().map(Deed::Send).collect()
            }
            Step::Open(modal) => {
                self.open(modal);
                Vec::new()
            }
            Step::Send(command) => {
                // The queue stays open while requests wait; it follows the records.
                vec![Deed::Send(command)]
            }
            Step::Do(action) => {
                self.modals.pop();
                self.deed(action, None)
            }
            Step::Say(text) => {
                self.say(text);
                Vec::new()
            }
            Step::AskLeash => {
                let asked = match self.modals.last() {
                    Some(Modal::Approval(approval)) => self.session.approval(approval.id()),
                    _ => None,
                };
                if let Some(agent) = asked.map(|asked| asked.agent.clone()) {
                    let title = format!("Let {agent} run code unasked for …");
                    let help = "5 is five executions, 10m ten minutes, both the sooner of the two. It begins with the next request, \
                                holds inside containment only, and ends with a fork or a restart.";
                    self.open(Prompt::new(Purpose::Leash(agent), "", title, help));
                }
                Vec::new()
            }
            Step::AskReason | Step::AskReasonAndHold => {
                let hold = matches!(step, Step::AskReasonAndHold);
                if let Some(Modal::Approval(approval)) = self.modals.last() {
                    let purpose = Purpose::Deny(approval.id(), hold);
                    let help =
                        "The reason goes back to the agents as the result. Without one, it says that none was given.";
                    self.open(Prompt::new(purpose, "", "Do not run it, because …", help));
                }
                Vec::new()
            }
            Step::AskAnswer => {
                if let Some(Modal::Approval(approval)) = self.modals.last() {
                    let purpose = Purpose::InPlace(approval.id());
                    let help = "It is not called; its model is told this as the result.";
                    self.open(Prompt::new(purpose, "", "Answer in the tool's place", help));
                }
                Vec::new()
            }
            Step::EditCode => {
                if let Some(Modal::Approval(approval)) = self.modals.last() {
                    let text = joined(&approval.blocks(&self.session));
                    let purpose = Purpose::Code(approval.id());
                    let help = "Saved code is shown again and runs only when you say so; the agents are told what you changed.";
                    self.open(Prompt::new(purpose, &text, "Edit the code", help));
                }
                Vec::new()
            }
            Step::Out(way) => self.way_out(way),
            Step::Written(purpose, text) => self.written(purpose, text),
            Step::Chosen(choice) => {
                self.modals.pop();
                self.chosen(choice)
            }
        }
    }

    /// Actions that work whatever is open.
    fn passed(&mut self, action: Action) -> Vec<Deed> {
        match action {
            Action::EditorOpen => match self.modals.last() {
                Some(Modal::Prompt(prompt)) => vec![Deed::Edit(prompt.editor.text())],
                _ => Vec::new(),
            },
            Action::Interrupt | Action::Suspend | Action::Redraw | Action::Help | Action::Palette | Action::Quit => {
                self.deed(action, None)
            }
            _ => Vec::new(),
        }
    }

    fn written(&mut self, purpose: Purpose, text: String) -> Vec<Deed> {
        match purpose {
            Purpose::Leash(agent) => match leash::read(&text) {
                Ok((executions, minutes)) => {
                    self.modals.pop();
                    vec![Deed::Send(Command::Leash { agent, executions, minutes })]
                }
                Err(why) => {
                    self.say(why);
                    Vec::new()
                }
            },
            Purpose::Deny(id, hold) => {
                self.modals.pop();
                let denied = self.modals.iter().rev().find_map(|modal| match modal {
                    Modal::Approval(approval) if approval.id() == id => {
                        approval.deny(text.clone(), hold, &self.session)
                    }
                    _ => None,
                });
                denied.map(Deed::Send).into_iter().collect()
            }
            Purpose::InPlace(approval) => {
                self.modals.pop();
                vec![Deed::Send(Command::Tools(ToolsCommand::Answer { approval, text: text.into() }))]
            }
            Purpose::Code(id) => {
                let now = self.now_ms();
                let before = self.session.approval(id).map(|asked| asked.payload.blocks.clone()).unwrap_or_default();
                match parted(&text, &before) {
                    Err(why) => self.say(format!("Not saved: {why}")),
                    Ok(blocks) => {
                        self.modals.pop();
                        if let Some(Modal::Approval(approval)) = self.modals.last_mut()
                            && approval.id() == id
                        {
                            approval.take_edit(blocks, now);
                        }
                    }
                }
                Vec::new()
            }
            Purpose::Message(id) => {
                let same = self.session.transcript().get(id).is_some_and(|entry| *entry.message.content == *text);
                if same {
                    self.say("Nothing was changed.");
                    self.modals.pop();
                    return Vec::new();
                }
                if text.trim().is_empty() {
                    self.say("A message cannot be emptied; esc leaves it as it is.");
                    return Vec::new();
                }
                self.modals.pop();
                self.go_back(Command::Edit { message: id, content: text.into() })
            }
            Purpose::SystemMessage(agent) => {
                self.modals.pop();
                let change = Change { system_message: Some(text.into()), ..Change::default() };
                vec![Deed::Send(Command::Configure { agent, change })]
            }
            Purpose::Note(to) => {
                self.modals.pop();
                if text.trim().is_empty() {
                    self.say("Nothing was sent.");
                    return Vec::new();
                }
                let (text, as_agent) = (text.into(), None);
                self.and_go_on(match to {
                    Some(name) => Command::Whisper { text, as_agent, to: vec![name], announced: true },
                    None => Command::Speak { text, as_agent },
                })
            }
            Purpose::Breakpoint(_) | Purpose::Draft(_) | Purpose::Part(..) => self.written_for_debug(&purpose, &text),
            Purpose::Answer(ask) => {
                self.modals.pop();
                let answer = if text.trim().is_empty() { Answer::Skip } else { Answer::Say(text.into()) };
                vec![Deed::Send(Command::Reply { ask, answer })]
            }
        }
    }

    fn chosen(&mut self, choice: Choice) -> Vec<Deed> {
        match choice {
            Choice::Do(action) => self.deed(action, None),
            Choice::Branch(seq) => self.go_back(Command::MoveTo { seq }),
            Choice::Execution(op) => {
                self.show_execution(op);
                Vec::new()
            }
            Choice::Back(command) => vec![Deed::Send(*command)],
            Choice::SpeakAs(name) => {
                self.speak_as = name;
                self.focus = Focus::Composer;
                Vec::new()
            }
            Choice::SpeakTo(whom) => {
                self.speak_to = whom;
                self.focus = Focus::Composer;
                Vec::new()
            }
            Choice::Model(agent, model) => {
                let change = Change { model: Some(model), ..Change::default() };
                vec![Deed::Send(Command::Configure { agent, change })]
            }
            Choice::Resolve(op, resolution) => vec![Deed::Send(Command::Resolve { op, resolution })],
            Choice::Revoke(agent) => vec![Deed::Send(Command::Revoke { agent })],
            Choice::Break(command) => vec![Deed::Send(Command::Break(command))],
            Choice::GoTo(id) => {
                self.transcript.go_to(id, &self.session);
                Vec::new()
            }
            Choice::CallOn(agent) => self.and_go_on(Command::CallOn { agent }),
            Choice::Changed(server, tool) => {
                self.show_changed_tool(&server, &tool);
                Vec::new()
            }
            Choice::Send(commands) => commands.into_iter().map(Deed::Send).collect(),
            Choice::Beside(left, right) => {
                self.arranged.pair = (left, right);
                self.lay(Layout::Split);
                Vec::new()
            }
            Choice::Quit => vec![Deed::Quit],
            Choice::End => vec![Deed::Send(Command::End)],
            Choice::Nothing => Vec::new(),
        }
    }

    /// What may run without asking, to be taken back.
    pub(super) fn show_consent(&mut self) {
        let mut lines = Vec::new();
        let now = self.wall();
        for (agent, leash) in self.session.leashes() {
            let left = if leash.holds(now) { format!("{} left", leash.left(now)) } else { "ended".to_owned() };
            let text = format!("{agent}: a leash, {left}");
            lines.push(Line { key: String::new(), text, choice: Choice::Revoke(Some(agent.clone())) });
        }
        for (agent, count) in self.session.grants() {
            let text = format!("{agent}: {count} exactly remembered");
            lines.push(Line { key: String::new(), text, choice: Choice::Revoke(Some(agent.clone())) });
        }
        if lines.is_empty() {
            self.say("Nothing may run without asking.");
            return;
        }
        lines.push(Line { key: String::new(), text: "all of it".to_owned(), choice: Choice::Revoke(None) });
        self.open(List::new("May run without asking; choose what to take back", lines));
    }

    /// The program that runs, if one does: the oldest.
    pub(super) fn running_program(&mut self) -> Option<OpId> {
        let op = self.session.running().first().copied();
        if op.is_none() {
            self.say("No program runs.");
        }
        op
    }

    /// Asks what became of an execution that a crash has hidden.
    pub(super) fn ask_outcome(&mut self, op: OpId) {
        let line = |text: &str, resolution| Line {
            key: String::new(),
            text: text.to_owned(),
            choice: Choice::Resolve(op, resolution),
        };
        self.open(List::new(
            "Plenary was stopped while this code ran. Did it happen?",
            vec![
                line("I do not know: tell the agents so", Resolution::GiveUp),
                line("yes, it ran: go on without its output", Resolution::Done),
                line("no, or it does no harm twice: ask me again to run it", Resolution::AskAgain),
            ],
        ));
    }
}
