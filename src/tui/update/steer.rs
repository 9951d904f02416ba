//! Steering: what changes the run and the floor.

use crate::chat::Name;
use crate::chat::command::Command;
use crate::chat::event::{AskKind, Boundary};
use crate::session::Waiting;
use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed};
use crate::tui::modal::approval::{self, Approval};
use crate::tui::modal::list::Choice;
use crate::tui::modal::prompt::{Prompt, Purpose};

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn steer(&mut self, action: Action, digit: Option<u8>) -> Option<Vec<Deed>> {
        let send = |command| Some(vec![Deed::Send(command)]);
        match action {
            Action::Pause => return send(self.pause()),
            Action::Resume | Action::Retry => return send(Command::Resume),
            Action::Step => return send(Command::Step),
            Action::Interrupt | Action::CancelOrInterrupt => return Some(self.interrupt()),
            Action::CallOn => {
                let Some(agent) = self.numbered(digit) else { return Some(Vec::new()) };
                if self.session.floor().wanted.is_none() {
                    self.say(format!("{agent} speaks next"));
                }
                return send(Command::CallOn { agent });
            }
            Action::QueuePush => {
                let Some(agent) = self.numbered(digit) else { return Some(Vec::new()) };
                return send(Command::Enqueue { agent });
            }
            Action::QueuePop => {
                let mut queue = self.session.floor().queue.clone();
                if queue.pop().is_some() {
                    return send(Command::Queue { queue });
                }
                self.say("The queue is empty.");
            }
            Action::QueueClear => return send(Command::Queue { queue: Vec::new() }),
            Action::AcceptProposal => return send(Command::AcceptProposal),
            Action::Propose => return send(Command::Propose),
            Action::Bar => {
                let Some(agent) = self.numbered(digit) else { return Some(Vec::new()) };
                return send(match self.session.floor().bar(&agent) {
                    Some(_) => Command::Unbar { agent },
                    None => Command::Bar { agent, turns: None },
                });
            }
            Action::Terminate => return send(Command::Terminate),
            Action::RaiseLimits => return send(Command::RaiseLimits),
            Action::EndProgram => {
                let op = self.running_program()?;
                return send(Command::EndProgram { op });
            }
            Action::ExtendTime => {
                let op = self.running_program()?;
                return send(Command::ExtendTime { op, added_ms: 60_000 });
            }
            Action::Revoke => self.show_consent(),
            Action::Tools => self.show_tools(),
            Action::Executions => self.show_executions(),
            Action::Continue => return send(Command::Continue),
            Action::EndRun => {
                if self.session.ended().is_some() {
                    self.say("The run has already ended.");
                } else {
                    self.confirm("End the run? What was said is kept.", "end the run", Choice::End);
                }
            }
            Action::Answer => self.answer(),
            Action::Approvals => self.open_approvals(),
            Action::Why => self.explain(),
            Action::EditPrompt | Action::SwitchModel => {
                let Some(agent) = self.numbered(digit) else { return Some(Vec::new()) };
                match action {
                    Action::EditPrompt => self.edit_prompt(&agent),
                    _ => self.choose_model(&agent),
                }
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Space: at the turn's end, then at the step's end; when held, on again.
    fn pause(&self) -> Command {
        match (self.session.hold(), self.session.hold_asked()) {
            (Some(_), _) => Command::Resume,
            (None, None) => Command::Pause { boundary: Boundary::Turn },
            (None, Some(Boundary::Turn)) => Command::Pause { boundary: Boundary::Step },
            (None, Some(Boundary::Step)) => Command::Resume,
        }
    }

    /// Ctrl-C: first what runs, then the run, then the console.
    fn interrupt(&mut self) -> Vec<Deed> {
        if self.session.ended().is_some() && self.session.hands_running().next().is_some() && !self.closed {
            return vec![Deed::Send(Command::Interrupt)];
        }
        if self.session.ended().is_some() || self.closed {
            return vec![Deed::Quit];
        }
        let held = self.session.hold().is_some() || self.session.hold_asked() == Some(Boundary::Step);
        if held && !self.session.acts() {
            let key = self.look.keymap.word(Action::Interrupt, Context::Main);
            self.say(format!("Ended; everything is saved. {key} again leaves."));
            return vec![Deed::Send(Command::End)];
        }
        if !held {
            let on = self.look.keymap.word(Action::Pause, Context::Main);
            let key = self.look.keymap.word(Action::Interrupt, Context::Main);
            self.say(format!("Stopped. {on} goes on, {key} again ends the run."));
        }
        vec![Deed::Send(Command::Interrupt)]
    }

    /// The agent with this number; says so when there is none.
    pub(super) fn numbered(&mut self, digit: Option<u8>) -> Option<Name> {
        let team = self.session.team()?;
        let found = digit.and_then(|digit| team.agents.get(usize::from(digit).checked_sub(1)?));
        let name = found.map(|agent| agent.name.clone());
        if name.is_none() {
            let count = team.agents.len();
            self.say(format!("There is no agent {}; this team has {count}.", digit.unwrap_or(0)));
        }
        name
    }

    /// Opens what waits: the approval queue.
    pub(super) fn open_approvals(&mut self) {
        match Approval::open(&self.session, self.now_ms()) {
            Some(queue) => self.open(queue),
            None => self.say("No code waits for approval."),
        }
    }

    fn answer(&mut self) {
        let waiting = self.session.waiting();
        if let Some(op) = waiting.iter().find_map(|item| match item {
            Waiting::Unknown(op) => Some(*op),
            _ => None,
        }) {
            self.ask_outcome(op);
            return;
        }
        let Some(ask) = waiting.iter().find_map(|item| match item {
            Waiting::Ask(id) => self.session.ask(*id).cloned(),
            _ => None,
        }) else {
            self.say("Nobody asks you anything.");
            return;
        };
        let (title, help) = match ask.kind {
            AskKind::Feedback => (
                format!("Replying as {}", ask.agent),
                "What you write becomes the reply. Sending nothing lets the agent reply by itself.",
            ),
            AskKind::LastWord => (
                format!("A last word as {}?", ask.agent),
                "The last message ends the chat. What you write goes on instead; sending nothing ends it.",
            ),
            AskKind::LimitReached => (
                format!("Replying as {}", ask.agent),
                "The limit of automatic replies is reached. Write a reply, or send nothing to let the agent go on.",
            ),
        };
        self.open(Prompt::new(Purpose::Answer(ask.id), "", title, help));
    }

    /// How many requests for approval wait.
    pub fn approvals_waiting(&self) -> usize {
        approval::waiting(&self.session).len()
    }
}
