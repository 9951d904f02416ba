//! The team file's own rules choose: the first that holds and whose speaker may speak (AG2 and AgentChat: a selection
//! function, as data).

use super::candidates::Candidates;
use super::{Pick, SELECTORS, Selector};
use crate::catalog::{self, Entry, Field, FieldKind, OptionError, Options, Remark, text};
use crate::chat::Name;
use crate::chat::event::Choice;
use crate::chat::team::{Spec, Team};
use crate::rules::Rule;
use crate::session::Session;
use serde_json::Value;

/// `speaker_selection_method = { method = "rule", rules = […] }`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "rule",
    about: "the first of your rules that holds says who speaks; see docs/rules.md",
    example: "speaker_selection_method = { method = \"rule\", rules = [{ when = \"result == failed\", speaker = \
              \"Coder\" }], otherwise = \"round_robin\" }",
    fields: &[
        Field {
            name: "rules",
            kind: FieldKind::Cases,
            required: true,
            about: "read in order; a rule whose speaker may not speak is passed over",
        },
        Field {
            name: "otherwise",
            kind: FieldKind::Text,
            required: false,
            about: "when no rule holds: an agent, or another way to choose (round_robin)",
        },
    ],
    build: |options| Ok(Box::new(Rules::read(options)?)),
};

struct Rules {
    cases: Vec<(Rule, Name)>,
    otherwise: Otherwise,
}

enum Otherwise {
    Method(Box<dyn Selector>),
    Agent(Name),
}

impl Rules {
    fn read(options: &Options) -> Result<Rules, OptionError> {
        let mut cases = Vec::new();
        for (place, case) in options.get("rules").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let wrong = |why: String| OptionError::of("rules", format!("rule {}: {why}", place + 1));
            let part = |key: &str| case.get(key).and_then(Value::as_str);
            let (Some(when), Some(speaker)) = (part("when"), part("speaker")) else {
                return Err(wrong("takes `when` and `speaker`".to_owned()));
            };
            cases.push((Rule::parse(when).map_err(|error| wrong(error.to_string()))?, Name::from(speaker)));
        }
        if cases.is_empty() {
            return Err(OptionError::of("rules", "takes at least one rule"));
        }
        let otherwise = match text(options, "otherwise").unwrap_or("round_robin") {
            "" => return Err(OptionError::of("otherwise", "is empty")),
            name => match SELECTORS.iter().find(|entry| entry.name == name && entry.fields.is_empty()) {
                Some(entry) => Otherwise::Method(catalog::build(SELECTORS, &Spec::named(entry.name))?),
                None => Otherwise::Agent(Name::from(name)),
            },
        };
        Ok(Rules { cases, otherwise })
    }

    /// The first rule that holds for somebody who may speak.
    fn first(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        let (rule, name) =
            self.cases.iter().find(|(rule, name)| candidates.eligible.contains(name) && rule.applies(session))?;
        Some(candidates.choose(name.clone(), "rule", rule.source(), 0))
    }
}

impl Selector for Rules {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        if let Some(choice) = self.first(candidates, session) {
            return Pick::Choose(choice);
        }
        match &self.otherwise {
            Otherwise::Method(method) => method.pick(candidates, session),
            Otherwise::Agent(name) if candidates.eligible.contains(name) => {
                Pick::Choose(candidates.choose(name.clone(), "rule", "no rule holds", 0))
            }
            Otherwise::Agent(name) => match session.team().and_then(|team| candidates.after_last(team)) {
                Some(agent) => {
                    let why = format!("fallback to the team's order: no rule holds, and {name} may not speak");
                    Pick::Choose(candidates.choose(agent, "rule fallback", why, 0))
                }
                None => Pick::Person { proposed: None },
            },
        }
    }

    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        if !session.turns().is_empty() {
            // The words that the rules are about are still being said.
            return None;
        }
        self.first(candidates, session).or_else(|| match &self.otherwise {
            Otherwise::Method(method) => method.foresee(candidates, session),
            Otherwise::Agent(_) => None,
        })
    }
}

/// What is wrong with the options in this team: agents that nobody is.
pub fn review(options: &Options, team: &Team) -> Vec<Remark> {
    let mut found = Vec::new();
    for (place, case) in options.get("rules").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let speaker = case.get("speaker").and_then(Value::as_str).unwrap_or_default();
        match team.agent(speaker) {
            None => found.push(Remark::nobody(&format!("rules.{place}.speaker"), speaker)),
            Some(agent) if agent.silent => {
                let message = format!("{speaker:?} is silent: no rule hands it the floor");
                let help = "take `silent` from the agent, or the rule out";
                found.push(Remark::error(&format!("rules.{place}.speaker"), message, help).odd());
            }
            Some(_) => {}
        }
    }
    if let Some(name) = text(options, "otherwise") {
        let known = || SELECTORS.iter().filter(|entry| entry.fields.is_empty()).map(|entry| entry.name);
        if !known().any(|method| method == name) && team.agent(name).is_none() {
            let message = format!("{name:?} is neither an agent nor a way to choose that needs no options");
            let help = format!("ways to choose: {}", known().collect::<Vec<_>>().join(", "));
            found.push(Remark::error("otherwise", message, help));
        }
    }
    found
}
