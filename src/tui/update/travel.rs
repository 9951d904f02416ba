//! Time and company: winding a replay, putting branches side by side, trying out what would have been, and who of several
//! consoles holds the baton.

use crate::chat::baton::{Baton, Handover};
use crate::chat::command::Command;
use crate::chat::id::{MessageId, Seq};
use crate::chat::playing::{Play, Playing};
use crate::chat::trials::{Otherwise, Trials, WhatIf};
use crate::session::Session;
use crate::text::clean::one_line;
use crate::tui::action::{Action, Context};
use crate::tui::app::{App, Deed};
use crate::tui::modal::compare::Compare;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::modal::prompt::{Prompt, Purpose};

/// How often each side of a question is run, unless somebody says otherwise.
const RUNS: u32 = 3;

impl App {
    /// The deeds of this family; `None` for an action of another.
    pub(super) fn travel(&mut self, action: Action) -> Option<Vec<Deed>> {
        let play = |play| Some(vec![Deed::Send(Command::Play(play))]);
        let desk = |wish| Some(vec![Deed::Send(Command::Baton(wish))]);
        match action {
            Action::Pause | Action::Resume if self.replay.is_some() => play(Play::Toggle),
            Action::PlayBack => play(Play::Back),
            Action::PlayForward => play(Play::Forward),
            Action::PlaySlower => play(Play::Slower),
            Action::PlayFaster => play(Play::Faster),
            Action::CompareBranch => {
                self.choose_branch();
                Some(Vec::new())
            }
            Action::WhatIf => {
                self.ask_what_if();
                Some(Vec::new())
            }
            Action::TakeDesk => desk(Handover::Ask),
            Action::WhenLost => desk(Handover::Lose),
            Action::Detach => Some(vec![Deed::Detach]),
            _ => None,
        }
    }

    fn choose_branch(&mut self) {
        let here = self.session.branch();
        let others = self.session.branches().iter().filter(|branch| branch.id != here);
        let line = |branch: &crate::session::Branch| Line {
            key: " ".into(),
            text: branch.name.clone(),
            choice: Choice::Compare(branch.tip),
        };
        let lines: Vec<Line> = others.map(line).collect();
        match lines.len() {
            0 => self.say("There is no other branch to compare with."),
            1 => self.compare_with(self.session.branches().iter().find(|branch| branch.id != here).map(|one| one.tip)),
            _ => self.open(List::new("Compare this branch with …", lines)),
        }
    }

    /// Puts the active branch and another side by side.
    pub(super) fn compare_with(&mut self, tip: Option<Seq>) {
        if let Some(there) = tip.and_then(|tip| self.session.at(tip)) {
            self.open(Compare::of(&self.session, &there));
        }
    }

    fn ask_what_if(&mut self) {
        let Some(entry) = self.transcript.chosen().and_then(|id| self.session.transcript().get(id)) else {
            self.say("Choose a message first.");
            return;
        };
        let title = format!(
            "What if message {} by {} were …",
            entry.message.id.number(),
            one_line(entry.message.author.name())
        );
        let help = "Runs with the changed message and as many without go on from here, each as a session of its own. \
                    What that costs is said first.";
        let prompt = Prompt::new(Purpose::WhatIf(entry.message.id), &entry.message.content, title, help);
        self.open(prompt);
    }

    /// The other text of a message, as it was written.
    pub(super) fn what_if(&mut self, from: MessageId, text: String) -> Vec<Deed> {
        let change = Otherwise::Message(text.into());
        vec![Deed::Send(Command::WhatIf(WhatIf { from, change, runs: RUNS, agreed: false }))]
    }

    /// How far a replay has come.
    pub(super) fn on_playing(&mut self, playing: Playing) {
        if let Some(why) = &playing.stopped {
            self.say(format!("Stopped: {}", one_line(why)));
        }
        self.replay = Some(playing);
    }

    /// What follows this record is told anew.
    pub(super) fn on_rewound(&mut self, to: Seq) {
        let kept = self.session.log().iter().take(to.0 as usize).cloned();
        match Session::replay(kept) {
            Ok(session) => {
                self.session = session;
                self.live.clear();
                self.modals.clear();
                self.transcript.rebuild(&self.session);
            }
            Err(error) => self.fault = Some(format!("This replay cannot go back: {error}.")),
        }
    }

    /// Who holds the baton now.
    pub(super) fn on_baton(&mut self, baton: Baton) {
        if let Some(who) = baton.asked.as_ref().filter(|_| baton.yours) {
            let line = |text: &str, wish| Line {
                key: String::new(),
                text: text.to_owned(),
                choice: Choice::Send(vec![Command::Baton(wish)]),
            };
            let title = format!("{} asks for the baton", one_line(who));
            let lines = vec![line("keep it", Handover::Keep), line("hand it over", Handover::Give)];
            self.open(List::new(title, lines));
        }
        self.baton = Some(baton);
    }

    /// What trying out has shown so far.
    pub(super) fn on_trials(&mut self, trials: Trials) {
        if let Some(problem) = &trials.problem {
            self.say(format!("What if: {}", one_line(problem)));
            return;
        }
        if !trials.asked.agreed {
            let runs = trials.asked.runs;
            let cost = trials.quote.map_or("a price nobody knows".to_owned(), |quote| format!("about {quote}"));
            let go = WhatIf { agreed: true, ..trials.asked };
            let lines = vec![
                Line { key: String::new(), text: "do not".into(), choice: Choice::Nothing },
                Line {
                    key: String::new(),
                    text: format!("run {runs} edited and {runs} unedited"),
                    choice: Choice::Send(vec![Command::WhatIf(go)]),
                },
            ];
            self.open(List::new(format!("This costs {cost}"), lines));
            return;
        }
        let of = 2 * trials.asked.runs;
        if !trials.is_over() {
            self.say(format!("What if: {} of {of} runs are over: {}", trials.arms.len(), trials.summary()));
            return;
        }
        let line = |text: String| Line { key: String::new(), text, choice: Choice::Nothing };
        let mut lines = vec![line(trials.summary()), line(String::new())];
        lines.extend(trials.arms.iter().map(|arm| {
            let kind = if arm.edited { "edited" } else { "control" };
            let solved = if arm.solved { "solved" } else { "not solved" };
            let parted = arm.divergence.map_or("as before".to_owned(), |at| format!("other from message {at}"));
            let text = format!("{kind} {}  {solved}  {}  {parted}  {}", arm.number, arm.cost, arm.outcome);
            line(one_line(&text))
        }));
        lines.push(line(String::new()));
        lines.extend(trials.arms.iter().map(|arm| line(format!("plenary open {}", one_line(&arm.session)))));
        self.open(List::new("What if", lines));
    }

    /// What stands in the line above the keys when nothing else does: the replay, or the other consoles.
    pub fn standing(&self) -> Option<String> {
        if let Some(Playing { at, of, speed, going, .. }) = &self.replay {
            let key = |action| self.look.keymap.word(action, Context::Main);
            let (back, on, space) = (key(Action::PlayBack), key(Action::PlayForward), key(Action::Pause));
            let state = if *going { "playing" } else { "standing still" };
            return Some(format!(
                "REPLAY, {state} at record {at} of {of}, {speed}x · {space} stops and goes on, {back} back, {on} on"
            ));
        }
        let baton = self.baton.as_ref()?;
        let take = self.look.keymap.word(Action::TakeDesk, Context::Main);
        match (baton.yours, baton.viewers) {
            (false, viewers) => {
                Some(format!("You are watching, with {viewers} at this session. {take} asks for the baton."))
            }
            (true, viewers) if viewers > 1 => {
                Some(format!("{viewers} consoles are at this session; you hold the baton."))
            }
            _ if !baton.lost.is_empty() => {
                let other = self.look.keymap.word(Action::WhenLost, Context::Main);
                Some(format!("If this terminal is lost, {} ({other} changes that).", baton.lost))
            }
            _ => None,
        }
    }
}
