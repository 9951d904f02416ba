//! What the operator does by hand with code that has run: the list of executions, what can be done with one, and the
//! question before going back past something that stays done.

use crate::chat::by_hand::{ByHand, FileSeen};
use crate::chat::code::FileNow;
use crate::chat::command::Command;
use crate::chat::containment::bytes;
use crate::chat::event::Event;
use crate::chat::id::OpId;
use crate::session::by_hand::{Executed, StaysDone};
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::tui::app::{App, Deed};
use crate::tui::modal::file::File;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::words;

/// Most files of one execution that are listed.
const FILES: usize = 100;

fn line(key: &str, text: impl Into<String>, choice: Choice) -> Line {
    Line { key: key.to_owned(), text: text.into(), choice }
}

impl App {
    /// Every execution of this branch, the newest first.
    pub(super) fn show_executions(&mut self) {
        let executions = self.session.executions();
        if executions.is_empty() {
            self.say("Nothing was executed on this branch.");
            return;
        }
        let lines = executions
            .iter()
            .rev()
            .map(|ran| line(&(ran.op.0 + 1).to_string(), self.told(ran), Choice::Execution(ran.op)));
        let lines = lines.collect();
        self.open(List::new("Executed on this branch; choose one", lines));
    }

    /// One execution in a line: who, what, what came of it.
    fn told(&self, ran: &Executed) -> String {
        let asked = self.session.approval(ran.approval);
        let what = match asked.map(|asked| (&asked.payload.tool, &asked.payload)) {
            Some((Some(tool), _)) => format!("tool {}", tool.name),
            Some((None, payload)) => {
                let language = payload.blocks.first().map_or("", |block| &block.language);
                format!("{language} {} ln", payload.lines())
            }
            None => "code".to_owned(),
        };
        let hand = if ran.by_hand { "  by hand" } else { "" };
        let result = match &ran.execution {
            None => "no outcome".to_owned(),
            Some(done) => {
                let files = done.effects.as_ref().map(|effects| format!("  files: {}", effects.in_words()));
                format!("exit {}  {}{}", done.exit_code, words::seconds(done.duration_ms), files.unwrap_or_default())
            }
        };
        format!("{}  {what}{hand}  {result}", ran.agent)
    }

    /// What can be done with one of them.
    pub(super) fn show_execution(&mut self, op: OpId) {
        let Some(ran) = self.session.executions().into_iter().find(|ran| ran.op == op) else { return };
        let Some(asked) = self.session.approval(ran.approval) else { return };
        let place = &asked.payload.place;
        let mut lines = vec![
            line(
                "",
                "run it again: the same bytes; you are asked before it runs",
                Choice::Send(vec![Command::RunAgain { op }]),
            ),
            line(
                "",
                format!("a shell in its workspace ({})", place.containment),
                Choice::Send(vec![Command::OpenShell { op }]),
            ),
        ];
        let effects = ran.execution.as_ref().and_then(|done| done.effects.as_deref());
        let mut files = |what: &str, listed: &[FileNow]| {
            for file in listed.iter().take(FILES) {
                let hash =
                    if file.hash.is_empty() { String::new() } else { format!("  sha256 {}", take(&file.hash, 12)) };
                let text = format!("{what} {}  {}{hash}", file.path, bytes(file.size));
                lines.push(line("", text, Choice::Send(vec![Command::LookAt { op, path: file.path.clone() }])));
            }
        };
        if let Some(effects) = effects {
            files("open, created:", &effects.created);
            files("open, changed:", &effects.changed);
            for path in effects.deleted.iter().take(FILES) {
                lines.push(line("", format!("deleted: {path}"), Choice::Nothing));
            }
            if effects.unlisted > 0 {
                lines.push(line("", format!("{} more files are not listed", effects.unlisted), Choice::Nothing));
            }
        }
        let title = format!("Execution {} by {}, in {}", op.0 + 1, one_line(&ran.agent), one_line(&place.work_dir));
        self.open(List::new(title, lines));
    }

    /// A file came that was asked for.
    pub(super) fn show_file(&mut self, file: FileSeen) {
        let ran = self.session.executions().into_iter().find(|ran| ran.op == file.op);
        let effects = ran.and_then(|ran| ran.execution).and_then(|done| done.effects);
        let left = effects.and_then(|effects| {
            let mut files = effects.created.iter().chain(&effects.changed);
            files.find(|known| known.path == file.path).map(|known| known.hash.clone())
        });
        self.modals.push(File::new(file, left.unwrap_or_default()).into());
    }

    /// Goes back, or asks first when something stays done that was done since.
    pub(super) fn go_back(&mut self, command: Command) -> Vec<Deed> {
        let done = self.session.target(&command).map(|seq| self.session.stays_done(seq)).unwrap_or_default();
        if done.is_empty() {
            return vec![Deed::Send(command)];
        }
        let title = match done.executions {
            1 => "1 execution stays done".to_owned(),
            n => format!("{n} executions stay done"),
        };
        let afresh = Choice::Back(Box::new(Command::Afresh { then: Box::new(command.clone()) }));
        let lines = [
            line("", "stay here", Choice::Nothing),
            line("", "go back; the workspace stays as it is", Choice::Back(Box::new(command))),
            line("", "go back, with a copy of the workspace for this branch", afresh),
        ];
        let lines = lines.into_iter().chain(told(&done)).collect();
        self.open(List::new(title, lines));
        Vec::new()
    }

    /// A record of something by hand that the console itself carries out.
    pub(super) fn carry_out(&mut self, event: &Event) -> Option<Deed> {
        let Event::ByHand(ByHand::Shell { of, agent, work_dir, .. }) = event else { return None };
        let ran = self.session.executions().into_iter().find(|ran| ran.op == *of)?;
        let mut payload = (*self.session.approval(ran.approval)?.payload).clone();
        payload.place.work_dir.clone_from(work_dir);
        Some(Deed::Shell(agent.clone(), Box::new(payload)))
    }
}

/// What stays done, a line each, and what a copy can make of it.
fn told(done: &StaysDone) -> Vec<Line> {
    const NAMED: usize = 4;
    let rows = [
        ("created", "not in a copy", &done.created),
        ("changed", "as it is now in a copy, too", &done.changed),
        ("deleted", "gone in a copy, too", &done.deleted),
    ];
    let rows = rows.into_iter().filter(|(_, _, files)| !files.is_empty());
    let mut lines: Vec<Line> = rows
        .map(|(what, copy, files)| {
            let names: Vec<String> = files.iter().take(NAMED).map(|name| one_line(name)).collect();
            let more = if files.len() > NAMED { format!(" and {} more", files.len() - NAMED) } else { String::new() };
            line("", format!("· {what} ({copy}): {}{more}", names.join(", ")), Choice::Nothing)
        })
        .collect();
    if done.unlisted > 0 {
        lines.push(line("", format!("· {} more files, which no record names", done.unlisted), Choice::Nothing));
    }
    if done.network > 0 {
        lines.push(line("", "· the network could be reached", Choice::Nothing));
    }
    lines
}
