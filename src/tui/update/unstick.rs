//! Ways out of a circle: each is a command or two, and the run goes on if it was held because of the circle.

use crate::chat::command::Command;
use crate::chat::event::{HoldReason, Judgement};
use crate::chat::tool::ToolBarred;
use crate::text::clean::one_line;
use crate::tui::app::{App, Deed};
use crate::tui::modal::Modal;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose};
use crate::tui::modal::why::{Way, Why};

/// For how many turns of others an agent is barred that goes in circles.
const BARRED: u32 = 3;
/// How many more times it may happen before it is said again.
const MORE: u32 = 3;

impl App {
    /// Opens the panel that explains what the detectors see.
    pub(super) fn explain(&mut self) {
        match Why::open(&self.session) {
            Some(why) => self.open(why),
            None => self.say("Nothing repeats."),
        }
    }

    /// Takes a way out.
    pub(super) fn way_out(&mut self, way: Way) -> Vec<Deed> {
        let Some(Modal::Why(why)) = self.modals.pop() else { return Vec::new() };
        let Some(finding) = why.finding(&self.session).cloned() else {
            self.say("The detectors no longer see that.");
            return Vec::new();
        };
        let first = finding.messages.first().copied();
        let who = finding.agent.clone();
        let judge = |judgement| vec![Deed::Send(Command::Judge { detector: finding.detector.clone(), judgement })];
        match way {
            Way::First => match first {
                Some(id) => self.transcript.go_to(id, &self.session),
                None => self.say("It has no first message."),
            },
            Way::Edit => {
                let Some(entry) = finding.messages.last().and_then(|id| self.session.transcript().get(*id)) else {
                    self.say("There is no message to edit.");
                    return Vec::new();
                };
                let id = entry.message.id;
                let title = format!("Edit message {} by {}", id.0 + 1, one_line(entry.message.author.name()));
                let help = "The conversation goes on from here on a new branch; the old one stays.";
                let prompt = Prompt::new(Purpose::Message(id), &entry.message.content, title, help);
                self.open(prompt);
            }
            Way::Note | Way::NoteAll => {
                let to = who.filter(|_| way == Way::Note);
                let title = match &to {
                    Some(name) => format!("A note to {}", one_line(name)),
                    None => "A note to all".to_owned(),
                };
                let help = match &to {
                    Some(_) => "Only it hears this; the others are told that you spoke to it. The run goes on then.",
                    None => "Everybody hears this. The run goes on then.",
                };
                self.open(Prompt::new(Purpose::Note(to), "", title, help));
            }
            Way::Another => {
                let team = self.session.team();
                let lines =
                    team.iter().flat_map(|team| team.agents.iter()).filter(|agent| Some(&agent.name) != who.as_ref());
                let line = |agent: &crate::chat::team::Agent| Line {
                    key: String::new(),
                    text: agent.name.to_string(),
                    choice: Choice::CallOn(agent.name.clone()),
                };
                let lines = lines.map(line).collect();
                self.open(List::new("Who speaks instead?", lines));
            }
            Way::BarTool => {
                let called = finding.messages.iter().rev().filter_map(|id| self.session.transcript().get(*id));
                let tool = called.into_iter().find_map(|entry| {
                    let calls = entry.message.tool_calls.first().map(|call| call.name.clone());
                    calls.or_else(|| entry.message.tool_results.first().map(|result| result.name.clone()))
                });
                let Some(tool) = tool else {
                    self.say("It is no tool that repeats; nothing was barred.");
                    return Vec::new();
                };
                self.say(format!("{} is barred for {BARRED} turns.", one_line(&tool)));
                return self.and_go_on(Command::BarTool { bar: ToolBarred { tool, turns: Some(BARRED), back: false } });
            }
            Way::Bar => {
                let Some(agent) = who else {
                    self.say("It is not one agent that repeats; nobody was barred.");
                    return Vec::new();
                };
                self.say(format!("{agent} is barred for {BARRED} turns of the others."));
                return self.and_go_on(Command::Bar { agent, turns: Some(BARRED) });
            }
            Way::Rewind => {
                let entries = self.session.transcript().entries();
                let place =
                    first.and_then(|id| self.session.transcript().place(id)).and_then(|place| place.checked_sub(1));
                let Some(entry) = place.and_then(|place| entries.get(place)) else {
                    self.say("There is nothing before it.");
                    return Vec::new();
                };
                let seq = entry.seq;
                return self.go_back(Command::MoveTo { seq });
            }
            Way::Allow => {
                self.say(format!("It may happen {MORE} more times before it is said again."));
                return judge(Judgement::Allowed(MORE));
            }
            Way::Conclude => return vec![Deed::Send(Command::Conclude)],
            Way::NotALoop => {
                self.say("Noted: for this, every limit is doubled.");
                return judge(Judgement::NotALoop);
            }
        }
        Vec::new()
    }

    /// A command, and on with the run if a circle holds it.
    pub(super) fn and_go_on(&self, command: Command) -> Vec<Deed> {
        let mut deeds = vec![Deed::Send(command)];
        if matches!(self.session.hold(), Some(HoldReason::Circles { .. })) {
            deeds.push(Deed::Send(Command::Resume));
        }
        deeds
    }
}
