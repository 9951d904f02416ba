//! The tools page: servers and tools as they are, how often they were called, and what the operator does about them.

use crate::chat::server::ToolsCommand;
use crate::chat::tool::ToolBarred;
use crate::chat::{command::Command, server::ListedTool};
use crate::session::tools::Figures;
use crate::text::clean::one_line;
use crate::tui::app::App;
use crate::tui::modal::list::{Choice, Line, List};
use std::collections::BTreeSet;

/// Most tools that one page lists.
const LISTED: usize = 2_000;
/// Longest line of a tool's own words, in characters.
const WORDS: usize = 160;

impl App {
    /// Opens the page.
    pub(super) fn show_tools(&mut self) {
        let Some(team) = self.session.team().cloned() else { return };
        let figures = self.session.tool_figures();
        let told = |name: &str| figures.get(name).map(told).unwrap_or_default();
        let servers = self.session.servers();
        let mut lines = Vec::new();
        let mut line = |key: &str, text: String, choice: Choice| {
            lines.push(Line { key: key.to_owned(), text: one_line(&text), choice });
        };
        let send = |command: ToolsCommand| Choice::Send(vec![Command::Tools(command)]);
        let barred = |name: &str| self.session.floor().is_tool_barred(name);
        let switch = |tool: &str, back: bool| {
            Choice::Send(vec![Command::BarTool { bar: ToolBarred { tool: tool.to_owned(), turns: None, back } }])
        };
        for name in team.tools.keys() {
            let off = barred(name);
            let state = if off { " · barred: enter gives it back" } else { "" };
            line(if off { "○" } else { "●" }, format!("{name}{state}{}", told(name)), switch(name, off));
        }
        let mut shown = team.tools.len();
        for (name, setup) in &team.mcp {
            let known = servers.iter().find(|(server, _)| *server == name).map(|(_, server)| server);
            let state = match known {
                None => "has not reported yet".to_owned(),
                Some(server) => match &server.down {
                    Some(why) => format!("down: {why}"),
                    None => format!("up · {} · {} tools", server.about, server.tools.len()),
                },
            };
            let failures = known.map_or(0, |server| server.failures);
            let failures = if failures > 0 { format!(" · went down {failures} ×") } else { String::new() };
            let restart = send(ToolsCommand::Restart { server: name.clone() });
            line("▸", format!("server {name}: {state}{failures} · enter starts it anew · {}", setup.words()), restart);
            let Some(server) = known else { continue };
            for tool in server.tools.iter().take(LISTED.saturating_sub(shown)) {
                shown += 1;
                let full = format!("{name}/{}", tool.name);
                let off = barred(&full);
                if tool.was.is_some() {
                    let text = format!("  {full} HAS CHANGED and is not called: enter shows the difference");
                    line("!", text, Choice::Changed(name.clone(), tool.name.clone()));
                    continue;
                }
                let state = if off { " · barred: enter gives it back" } else { "" };
                line(if off { "○" } else { "●" }, format!("  {full}{state}{}", told(&full)), switch(&full, off));
            }
            for why in &server.refused {
                line("×", format!("  not taken: {why}"), Choice::Nothing);
            }
        }
        if lines.is_empty() {
            self.say("This team has no tools.");
            return;
        }
        self.open(List::new("Tools: enter bars one or gives it back", lines));
    }

    /// What has changed of a tool, line by line; its last row accepts it.
    pub(super) fn show_changed_tool(&mut self, server: &str, tool: &str) {
        let Some(listed) = self.session.servers().listed(server, tool).cloned() else { return };
        let mut lines: Vec<Line> = difference(&listed)
            .into_iter()
            .map(|(mark, text)| Line { key: mark.to_owned(), text, choice: Choice::Nothing })
            .collect();
        let accept = ToolsCommand::Accept { server: server.to_owned(), tool: tool.to_owned(), hash: listed.hash };
        lines.push(Line {
            key: "✓".into(),
            text: format!("accept {server}/{tool} as it is now"),
            choice: Choice::Send(vec![Command::Tools(accept)]),
        });
        self.open(List::new(format!("{server}/{tool} is not what was accepted (- was, + is)"), lines));
    }
}

/// The lines of the old and the new words that are not in the other.
fn difference(listed: &ListedTool) -> Vec<(&'static str, String)> {
    let (was, is) = (listed.was.clone().unwrap_or_default(), listed.text());
    let cut = |text: &str| one_line(&text.chars().take(WORDS).collect::<String>());
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (was.lines().collect(), is.lines().collect());
    let gone = was.lines().filter(|line| !new.contains(line)).map(|line| ("-", cut(line)));
    let came = is.lines().filter(|line| !old.contains(line)).map(|line| ("+", cut(line)));
    let mut lines: Vec<_> = gone.chain(came).collect();
    if lines.is_empty() {
        lines.push((
            "·",
            "its words are the same; what it says of itself besides (annotations, title, output) has changed".into(),
        ));
    }
    lines
}

/// How often a tool was called, in words.
fn told(figures: &Figures) -> String {
    let mean = figures.total_ms / u64::from(figures.calls.max(1));
    let errors = if figures.errors > 0 { format!(", {} failed", figures.errors) } else { String::new() };
    format!(" · {} calls{errors}, {mean} ms each", figures.calls)
}
