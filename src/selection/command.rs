//! A program of the user's chooses: it reads the conversation as JSON and prints a name.
//!
//! It is asked once a turn, as an effect with its intent on record, and its answer is a record too. An answer that
//! names nobody who may speak, several, or none at all, and a program that fails, fall back to the team's order as
//! `auto` does: visibly.

use super::candidates::Candidates;
use super::{Pick, SELECTOR, Selector, mention};
use crate::catalog::{self, Entry};
use crate::chat::consult::{Advice, Program};
use crate::chat::event::Choice;
use crate::session::{Session, account};
use serde_json::{Value, json};

/// `speaker_selection_method = { method = "command", command = […] }`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "command",
    about: "a program of yours reads the conversation as JSON and prints the name of the next speaker; see \
            docs/rules.md",
    example: "speaker_selection_method = { method = \"command\", command = [\"./pick.py\"], timeout = \"5s\" }",
    fields: &catalog::PROGRAM,
    build: |options| Ok(Box::new(Command { program: catalog::program(options)? })),
};

struct Command {
    program: Program,
}

impl Selector for Command {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        let asked = session.consults().get(SELECTOR).filter(|asked| asked.turn == session.ids().turn);
        match asked.and_then(|asked| asked.advice.as_ref()) {
            None => {
                let names =
                    |list: &[crate::chat::Name]| list.iter().map(|name| Value::from(&**name)).collect::<Value>();
                let barred: serde_json::Map<String, Value> =
                    candidates.barred.iter().map(|(name, why)| (name.to_string(), why.as_str().into())).collect();
                let more = json!({ "candidates": names(&candidates.eligible), "barred": barred });
                Pick::Consult(self.program.consultation(SELECTOR, account::told(session, "select", &more)))
            }
            Some(advice) => self.read(advice, candidates, session),
        }
    }

    fn foresee(&self, _candidates: &Candidates, _session: &Session) -> Option<Choice> {
        None
    }
}

impl Command {
    fn read(&self, advice: &Advice, candidates: &Candidates, session: &Session) -> Pick {
        let program = self.program.shown();
        let exact = candidates.eligible.iter().find(|name| ***name == *advice.answer);
        let mentioned = mention::mentions(&advice.answer, &candidates.eligible);
        let named = match mentioned.as_slice() {
            [(name, _)] => Some(name),
            _ => exact,
        };
        if let (Some(name), None) = (named, &advice.failure) {
            let reason = format!("named by {program}");
            return Pick::Choose(candidates.choose(name.clone(), "command", reason, 1));
        }
        let why = match &advice.failure {
            Some(why) => why.clone(),
            None if advice.answer.is_empty() => "it named nobody".to_owned(),
            None if mentioned.len() > 1 => "it named several".to_owned(),
            None => {
                let answer: String = advice.answer.chars().take(40).collect();
                format!("{answer:?} is nobody who may speak now")
            }
        };
        match session.team().and_then(|team| candidates.after_last(team)) {
            Some(agent) => {
                let reason = format!("fallback to the team's order: {program}: {why}");
                Pick::Choose(candidates.choose(agent, "command fallback", reason, 1))
            }
            None => Pick::Person { proposed: None },
        }
    }
}
