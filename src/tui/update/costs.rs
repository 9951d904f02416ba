//! What was spent, and how much of the conversation an agent is sent: lists to read and to choose from.

use crate::chat::Name;
use crate::chat::budget::Line as BudgetLine;
use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::context::ContextRule;
use crate::session::Session;
use crate::session::spending::{Part, Sum};
use crate::tui::app::App;
use crate::tui::modal::list::{Choice, Line, List};
use crate::tui::words;

impl App {
    /// Shows the account of the session.
    pub(super) fn show_costs(&mut self) {
        let rows = account(&self.session);
        if rows.is_empty() {
            self.say("Nothing was spent yet.");
            return;
        }
        let lines = rows.into_iter().map(|(key, text)| Line { key, text, choice: Choice::Nothing }).collect();
        self.open(List::new("Spent on all branches; ~ is estimated", lines));
    }

    /// Lets the operator choose how much of the conversation an agent is sent.
    pub(super) fn choose_context(&mut self, agent: &Name) {
        let Some(member) = self.session.team().and_then(|team| team.agent(agent)) else { return };
        let window = member.model.as_ref().and_then(|key| self.session.team()?.models.get(key)?.context_window);
        let (messages, keep_first_message) = (20, true);
        let mut rules = vec![
            ContextRule::Full,
            ContextRule::HeadAndTail { head: 2, tail: 10 },
            ContextRule::Last { messages, keep_first_message },
        ];
        rules.extend(window.map(|window| ContextRule::MaxTokens { tokens: window / 2, keep_first_message }));
        let lines = rules
            .into_iter()
            .map(|rule| {
                let change = Change { context: Some(rule), ..Change::default() };
                let send = Command::Configure { agent: agent.clone(), change };
                let key = if rule == member.context { "now" } else { "" };
                Line { key: key.to_owned(), text: rule.to_string(), choice: Choice::Send(vec![send]) }
            })
            .collect();
        self.open(List::new(format!("What {agent} is sent from now on"), lines));
    }
}

/// The account, a row each: whose, and the figures.
fn account(session: &Session) -> Vec<(String, String)> {
    let spending = session.spending();
    let mut rows = Vec::new();
    let all = spending.sum(|_, _, _| true);
    if all.calls == 0 {
        return rows;
    }
    rows.push(("all".to_owned(), figures(&all)));
    let mut names: Vec<&Name> = spending.rows().map(|(agent, ..)| agent).collect();
    names.dedup();
    for name in names {
        rows.push((name.to_string(), figures(&spending.sum(|agent, _, _| agent == name))));
    }
    let mut models: Vec<&str> = spending.rows().map(|(_, model, ..)| model).collect();
    models.sort_unstable();
    models.dedup();
    for key in models {
        rows.push((format!("model {key}"), figures(&spending.sum(|_, model, _| model == key))));
    }
    for part in [Part::Speaker, Part::Selector, Part::Summary, Part::Retry] {
        let sum = spending.sum(|_, _, of| of == part);
        if sum.calls > 0 {
            rows.push((part.word().to_owned(), figures(&sum)));
        }
    }
    if let Some(burn) = spending.burn() {
        rows.push(("a round".to_owned(), format!("{burn} lately")));
    }
    if let Some(rest) = session.forecast() {
        let text = format!("{} in {} rounds ({} to {})", rest.likely, rest.rounds, rest.low, rest.high);
        rows.push(("at the end".to_owned(), text));
    }
    if let Some(team) = session.team() {
        for budget in &team.budgets {
            for line in [BudgetLine::Soft, BudgetLine::Hard] {
                if !budget.line(line).is_open() {
                    rows.push((format!("{line} line"), budget.of.to_string()));
                }
            }
        }
    }
    rows
}

fn figures(sum: &Sum) -> String {
    let mark = if sum.estimated > 0 { "~" } else { "" };
    let mut text = format!(
        "{mark}{} tok  {}  {} calls",
        words::tokens(sum.tokens.total()),
        words::money(sum.cost, sum.unpriced),
        sum.calls
    );
    if sum.carried > 0 {
        text += &format!("  {} carried", words::tokens(sum.carried));
    }
    if sum.tokens.cached > 0 {
        text += &format!("  {} cached", words::tokens(sum.tokens.cached));
    }
    if sum.tokens.reasoning > 0 {
        text += &format!("  {} thought", words::tokens(sum.tokens.reasoning));
    }
    if sum.saved.0 > 0 {
        text += &format!("  saved {} tok {}", words::tokens(sum.saved.0), sum.saved.1);
    }
    if let Some(rate) = sum.rate() {
        text += &format!("  {rate:.0} tok/s");
    }
    text
}
