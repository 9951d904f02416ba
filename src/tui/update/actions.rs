//! What each action does: one arm each.

use crate::chat::command::Command;
use crate::chat::event::{AskKind, Boundary, Event, HoldReason};
use crate::chat::id::MessageId;
use crate::session::search::messages_with;
use crate::session::{Session, Waiting};
use crate::text::clean::{Context as Clean, one_line, plain};
use crate::text::width::take;
use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed, Focus, Whisper};
use crate::tui::modal::approval::Approval;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose};
use crate::tui::modal::{Modal, approval};

impl App {
    /// Carries out an action: a modal's first, the console's otherwise.
    pub(super) fn act(&mut self, action: Action, digit: Option<u8>) -> Vec<Deed> {
        let now = self.now_ms();
        if let Some(modal) = self.modals.last_mut() {
            let step = modal.act(action, &self.session, now);
            return self.after(step, action);
        }
        match self.focus {
            Focus::Composer => match action {
                Action::Submit => return self.send_words(),
                Action::Newline => {
                    self.composer.newline();
                    return Vec::new();
                }
                Action::Cancel | Action::FocusNext | Action::FocusPrev => {
                    self.focus = Focus::Main;
                    return Vec::new();
                }
                Action::CancelOrInterrupt if !self.composer.is_empty() => {
                    let text = self.composer.take();
                    self.history.push(text);
                    self.say("Put away; arrow up brings it back.");
                    return Vec::new();
                }
                _ => {}
            },
            Focus::Search => match action {
                Action::Submit | Action::SearchNext => return self.find(true),
                Action::SearchPrev => return self.find(false),
                Action::Cancel | Action::CancelOrInterrupt => {
                    self.focus = Focus::Main;
                    self.search.set("");
                    self.transcript.mark("");
                    return Vec::new();
                }
                _ => {}
            },
            Focus::Main => {}
        }
        self.deed(action, digit)
    }

    /// What an action does in the panes.
    pub(super) fn deed(&mut self, action: Action, digit: Option<u8>) -> Vec<Deed> {
        let send = |command| vec![Deed::Send(command)];
        match action {
            Action::Pause => return send(self.pause()),
            Action::Resume | Action::Retry => return send(Command::Resume),
            Action::Step => return send(Command::Step),
            Action::Interrupt | Action::CancelOrInterrupt => return self.interrupt(),
            Action::CallOn => {
                let Some(agent) = self.numbered(digit) else { return Vec::new() };
                if self.session.floor().wanted.is_none() {
                    self.say(format!("{agent} speaks next"));
                }
                return send(Command::CallOn { agent });
            }
            Action::QueuePush => {
                let Some(agent) = self.numbered(digit) else { return Vec::new() };
                return send(Command::Enqueue { agent });
            }
            Action::View | Action::EditPrompt | Action::SwitchModel => {
                let Some(agent) = self.numbered(digit) else { return Vec::new() };
                match action {
                    Action::View => self.show_view(&agent),
                    Action::EditPrompt => self.edit_prompt(&agent),
                    _ => self.choose_model(&agent),
                }
            }
            Action::QueuePop => {
                let mut queue = self.session.floor().queue.clone();
                if queue.pop().is_none() {
                    self.say("The queue is empty.");
                    return Vec::new();
                }
                return send(Command::Queue { queue });
            }
            Action::QueueClear => return send(Command::Queue { queue: Vec::new() }),
            Action::AcceptProposal => return send(Command::AcceptProposal),
            Action::Propose => return send(Command::Propose),
            Action::Bar => {
                let Some(agent) = self.numbered(digit) else { return Vec::new() };
                return send(match self.session.floor().bar(&agent) {
                    Some(_) => Command::Unbar { agent },
                    None => Command::Bar { agent, turns: None },
                });
            }
            Action::Terminate => return send(Command::Terminate),
            Action::RaiseLimits => return send(Command::RaiseLimits),
            Action::EndProgram => {
                return self.running_program().map(|op| Deed::Send(Command::EndProgram { op })).into_iter().collect();
            }
            Action::ExtendTime => {
                let extend = |op| Deed::Send(Command::ExtendTime { op, added_ms: 60_000 });
                return self.running_program().map(extend).into_iter().collect();
            }
            Action::Revoke => self.show_consent(),
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
            Action::Composer => self.focus = Focus::Composer,
            Action::SpeakAs => self.choose_name(),
            Action::SpeakTo => self.choose_audience(),
            Action::EditorOpen if self.focus == Focus::Composer => {
                return vec![Deed::Edit(self.composer.text())];
            }
            Action::SelectNext => self.transcript.select(true, &self.session),
            Action::SelectPrev => self.transcript.select(false, &self.session),
            Action::ScrollDown => self.transcript.scroll(1, &self.session),
            Action::ScrollUp => self.transcript.scroll(-1, &self.session),
            Action::PageDown => self.scroll_pages(2),
            Action::PageUp => self.scroll_pages(-2),
            Action::HalfDown => self.scroll_pages(1),
            Action::HalfUp => self.scroll_pages(-1),
            Action::Top => self.transcript.begin(),
            Action::Bottom => self.transcript.end(),
            Action::ToggleFold => self.transcript.toggle_fold(),
            Action::ToggleDetails => {
                let shown = self.transcript.toggle_details();
                self.say(if shown {
                    "How each speaker was chosen: shown"
                } else {
                    "How each speaker was chosen: hidden"
                });
            }
            Action::CopyMessage => return self.copy(false),
            Action::CopyTranscript => return self.copy(true),
            Action::EditMessage => self.edit_message(),
            Action::ForkHere => return self.fork(),
            Action::BranchList => self.list_branches(),
            Action::Search => {
                self.focus = Focus::Search;
                self.search.set("");
            }
            Action::SearchNext => return self.find(true),
            Action::SearchPrev => return self.find(false),
            Action::FocusNext | Action::FocusPrev => self.focus = Focus::Composer,
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::TabNext => {
                self.tab = self.tab.next();
                self.zoomed = false;
            }
            Action::ThemeNext => {
                let name = self.look.next_theme().to_owned();
                self.say(format!("theme: {name}"));
                return vec![Deed::Redraw];
            }
            Action::Cancel | Action::Dismiss => {
                self.toast = None;
                if !self.transcript.unselect() {
                    self.transcript.end();
                }
                self.transcript.mark("");
            }
            Action::Palette => self.open_palette(),
            Action::Help => self.open_help(),
            Action::Redraw => return vec![Deed::Redraw],
            Action::Suspend => return vec![Deed::Suspend],
            Action::Quit => return self.quit(),
            _ => {}
        }
        Vec::new()
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

    fn numbered(&mut self, digit: Option<u8>) -> Option<crate::chat::Name> {
        let team = self.session.team()?;
        let found = digit.and_then(|digit| team.agents.get(usize::from(digit).checked_sub(1)?));
        let name = found.map(|agent| agent.name.clone());
        if name.is_none() {
            let count = team.agents.len();
            self.say(format!("There is no agent {}; this team has {count}.", digit.unwrap_or(0)));
        }
        name
    }

    fn scroll_pages(&mut self, halves: i64) {
        let rows = (self.transcript.page() * halves / 2).abs().max(1) * halves.signum();
        self.transcript.scroll(rows, &self.session);
    }

    fn send_words(&mut self) -> Vec<Deed> {
        if self.composer.text().trim().is_empty() {
            self.focus = Focus::Main;
            return Vec::new();
        }
        let text = self.composer.take();
        self.history.push(text.clone());
        self.recalled = None;
        self.focus = Focus::Main;
        self.transcript.end();
        let (text, as_agent) = (text.into(), self.speak_as.take());
        vec![Deed::Send(match self.speak_to.take() {
            Some(Whisper { to, announced }) => Command::Whisper { text, as_agent, to: vec![to], announced },
            None => Command::Speak { text, as_agent },
        })]
    }

    /// Opens what waits: the approval queue.
    pub(super) fn open_approvals(&mut self) {
        match Approval::open(&self.session, self.now_ms()) {
            Some(queue) => self.modals.push(Modal::Approval(Box::new(queue))),
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
        self.modals.push(Modal::Prompt(Box::new(Prompt::new(Purpose::Answer(ask.id), "", title, help))));
    }

    fn edit_message(&mut self) {
        let Some(id) = self.transcript.chosen() else {
            self.say("There is no message to edit.");
            return;
        };
        let Some(entry) = self.session.transcript().get(id) else { return };
        let title = format!("Edit message {} by {}", id.number(), one_line(entry.message.author.name()));
        let help = "The conversation goes on from here on a new branch; the old one stays.";
        let prompt = Prompt::new(Purpose::Message(id), &entry.message.content, title, help);
        self.modals.push(Modal::Prompt(Box::new(prompt)));
    }

    fn fork(&mut self) -> Vec<Deed> {
        let Some(entry) = self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) else {
            self.say("There is no message to go on from.");
            return Vec::new();
        };
        let seq = entry.seq;
        self.go_back(Command::MoveTo { seq })
    }

    fn list_branches(&mut self) {
        let here = self.session.branch();
        let lines = self
            .session
            .branches()
            .iter()
            .map(|branch| Line {
                key: if branch.id == here { "●".into() } else { " ".into() },
                text: match branch.from.and_then(|from| self.session.record(from)).map(|record| &record.event) {
                    Some(Event::MessagePosted { message }) => {
                        format!("{}  leaves at message {}", branch.name, message.id.number())
                    }
                    _ => branch.name.clone(),
                },
                choice: if branch.id == here { Choice::Nothing } else { Choice::Branch(branch.tip) },
            })
            .collect();
        self.open(List::new("Branches", lines));
    }

    fn choose_name(&mut self) {
        let mut lines = vec![Line { key: String::new(), text: "yourself".into(), choice: Choice::SpeakAs(None) }];
        for agent in self.session.team().iter().flat_map(|team| team.agents.iter()) {
            lines.push(Line {
                key: String::new(),
                text: format!("{}  (marked as spoken by you)", agent.name),
                choice: Choice::SpeakAs(Some(agent.name.clone())),
            });
        }
        self.open(List::new("Speak as", lines));
    }

    fn open_palette(&mut self) {
        let lines = Action::ALL
            .iter()
            .filter(|action| {
                (action.belongs_in(Context::Main) || action.belongs_in(Context::Global)) && !action.takes_digit()
            })
            .filter(|action| {
                let typing = matches!(action, Action::EditorOpen | Action::Cancel | Action::CancelOrInterrupt);
                !typing && **action != Action::Palette
            })
            .map(|action| Line {
                key: self.look.keymap.chord_for(*action, Context::Main).unwrap_or_default(),
                text: format!("{} ({})", action.help(), action.name().replace('_', " ")),
                choice: Choice::Do(*action),
            })
            .collect();
        self.open(List::new("Commands", lines).palette());
    }

    fn open_help(&mut self) {
        let mut lines = Vec::new();
        let mut last = None;
        for row in self.look.keymap.help_rows() {
            if last != Some(row.context) {
                if last.is_some() {
                    lines.push(Line { key: String::new(), text: String::new(), choice: Choice::Nothing });
                }
                let text = format!("── {} ──", row.context.name());
                lines.push(Line { key: String::new(), text, choice: Choice::Nothing });
                last = Some(row.context);
            }
            lines.push(Line { key: row.chord, text: row.help.to_owned(), choice: Choice::Nothing });
        }
        self.open(List::new("Keys", lines).help());
    }

    /// Opens a list.
    pub(super) fn open(&mut self, list: List) {
        self.modals.push(Modal::List(Box::new(list)));
    }

    /// Asks before something that cannot be taken back.
    pub(super) fn confirm(&mut self, title: &str, yes: &str, choice: Choice) {
        let line = |text: &str, choice| Line { key: String::new(), text: text.to_owned(), choice };
        self.open(List::new(title, vec![line("stay", Choice::Nothing), line(yes, choice)]));
    }

    fn quit(&mut self) -> Vec<Deed> {
        if self.closed || self.session.ended().is_some() || !self.session.is_busy() {
            return vec![Deed::Quit];
        }
        self.confirm(
            "Leave? What runs is stopped; plenary open goes on later.",
            "leave and stop what runs",
            Choice::Quit,
        );
        Vec::new()
    }

    fn find(&mut self, forward: bool) -> Vec<Deed> {
        let needle = self.search.text();
        let places = messages_with(self.session.transcript(), &needle);
        let Some(next) =
            next_place(&self.session, self.transcript.has_selection(), self.transcript.chosen(), &places, forward)
        else {
            if needle.is_empty() {
                self.focus = Focus::Search;
            } else {
                self.say(format!("Nothing contains {:?}.", take(&one_line(&needle), 40)));
            }
            return Vec::new();
        };
        self.transcript.mark(&needle);
        self.focus = Focus::Main;
        let at = places.iter().position(|place| *place == next).unwrap_or(0);
        if let Some(entry) = self.session.transcript().entries().get(next) {
            let id = entry.message.id;
            self.transcript.go_to(id, &self.session);
        }
        self.say(format!("message {} of {} that contain it", at + 1, places.len()));
        Vec::new()
    }

    fn copy(&mut self, whole: bool) -> Vec<Deed> {
        let text = if whole {
            let said = self
                .session
                .transcript()
                .entries()
                .iter()
                .map(|entry| format!("{}:\n{}", entry.message.author.name(), entry.message.content.trim_end()));
            said.collect::<Vec<_>>().join("\n\n")
        } else {
            let chosen = self.transcript.chosen().and_then(|id| self.session.transcript().get(id));
            chosen.map(|entry| entry.message.content.to_string()).unwrap_or_default()
        };
        // Where it is pasted next may be a shell.
        vec![Deed::Copy(plain(&text, Clean::Prose))]
    }

    /// What the operator wrote in `$EDITOR`.
    pub fn edited(&mut self, text: &str) {
        match self.modals.last_mut() {
            Some(Modal::Prompt(prompt)) => prompt.editor.set(text),
            _ => {
                self.composer.set(text);
                self.focus = Focus::Composer;
            }
        }
    }

    /// What the session waits for that is not a hold, for tests and the title.
    pub fn held_by_failure(&self) -> bool {
        matches!(self.session.hold(), Some(HoldReason::Failed { .. }))
    }

    /// How many requests for approval wait.
    pub fn approvals_waiting(&self) -> usize {
        approval::waiting(&self.session).len()
    }
}

/// The next hit after (or before) what is chosen; from the end when nothing is.
fn next_place(
    session: &Session,
    selected: bool,
    chosen: Option<MessageId>,
    places: &[usize],
    forward: bool,
) -> Option<usize> {
    let here = chosen.filter(|_| selected).and_then(|id| session.transcript().place(id));
    let found = match (here, forward) {
        (None, _) => places.last(),
        (Some(here), true) => places.iter().find(|place| **place > here).or(places.first()),
        (Some(here), false) => places.iter().rev().find(|place| **place < here).or(places.last()),
    };
    found.copied()
}
