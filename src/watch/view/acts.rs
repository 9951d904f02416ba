//! Joining results to what was asked: tool calls by their identity or in order, code by what was written last.

use super::outcome;
use super::step::{Act, Outcome, Place, Progress, Step, What};
use super::words::{arguments_hash, hash, output_hash, printed};
use super::{Asked, Given, KEPT, Said, View};
use crate::chat::Name;
use crate::chat::event::Progress as Event;
use std::collections::VecDeque;

/// Calls without a result yet, and the code that was written last.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    calls: VecDeque<(String, Pending)>,
    code: Option<Pending>,
}

#[derive(Debug, Clone)]
struct Pending {
    actor: Name,
    tool: Name,
    key: u64,
    polls: bool,
    edits: bool,
    /// Words of the arguments.
    given: Vec<u64>,
    asked: Place,
}

/// The tool under which programs are noted.
pub(crate) const CODE: &str = "code";

/// Words of a call's arguments that are looked for in its error.
const GIVEN: usize = 32;
/// Calls that wait for a result at the same time, at most.
const MOST: usize = 64;

impl Waiting {
    pub fn ask(&mut self, asked: &Asked, actor: &Name, place: Place) {
        let pending = Pending {
            actor: actor.clone(),
            tool: asked.tool.as_str().into(),
            key: hash((&asked.tool, arguments_hash(&asked.arguments))),
            polls: outcome::polls(&asked.tool, &asked.arguments),
            edits: outcome::edits(&asked.tool),
            given: printed(&asked.arguments)
                .iter()
                .filter(|word| word.text.len() > 3)
                .take(GIVEN)
                .map(|word| hash(&word.text))
                .collect(),
            asked: place,
        };
        self.calls.push_back((asked.id.clone(), pending));
        if self.calls.len() > MOST {
            self.calls.pop_front();
        }
    }

    pub fn write(&mut self, code: u64, actor: &Name, place: Place) {
        // Whether it changes something shows in whether its result is new.
        self.code = Some(Pending {
            actor: actor.clone(),
            tool: CODE.into(),
            key: hash(("code", code)),
            polls: false,
            edits: false,
            given: Vec::new(),
            asked: place,
        });
    }

    fn answered(&mut self, id: &str) -> Option<Pending> {
        let at = self
            .calls
            .iter()
            .position(|(call, _)| !id.is_empty() && call == id)
            .or((!self.calls.is_empty() && id.is_empty()).then_some(0))?;
        self.calls.remove(at).map(|(_, pending)| pending)
    }
}

impl View {
    /// Reads what a message says of results. Returns whether it is nothing but a result.
    pub(super) fn take_results(&mut self, said: &Said<'_>) -> bool {
        let mut only = !said.results.is_empty();
        let mut keys = Vec::new();
        self.changing = false;
        for given in &said.results {
            let pending = self.waiting.answered(&given.id).or_else(|| self.waiting.answered(""));
            let Some(pending) = pending else { continue };
            keys.push(self.act(pending, given, said.place));
        }
        if said.results.is_empty()
            && let Some(exit) = outcome::exit_code(said.text)
        {
            let mut pending = self.waiting.code.clone();
            if let Some(code) = said.ran {
                let actor = pending.as_ref().map_or_else(|| said.speaker.clone(), |pending| pending.actor.clone());
                self.waiting.write(code, &actor, pending.as_ref().map_or(said.place, |pending| pending.asked));
                pending = self.waiting.code.clone();
            }
            // Code that does not stand in a fence: what was said last is what ran.
            let pending = pending.or_else(|| {
                let step = self.tail.iter().rev().find(|step| step.what == What::Words)?;
                let (actor, key) = (step.speaker.clone(), hash(("said", step.n1)));
                Some(Pending {
                    actor,
                    tool: CODE.into(),
                    key,
                    polls: false,
                    edits: false,
                    given: Vec::new(),
                    asked: step.place,
                })
            });
            if let Some(pending) = pending {
                let given = Given { id: String::new(), text: said.text.to_owned(), failed: Some(exit != 0) };
                keys.push(self.act(pending, &given, said.place));
                only = true;
            }
        }
        if only {
            let mut step = result_step(said, hash(("result", &keys)));
            step.progress = match (self.progress, self.changing) {
                (Some(_), _) => Progress::Strong,
                (None, true) => Progress::Weak,
                (None, false) => Progress::None,
            };
            step.repeats = step.progress == Progress::None;
            self.push(step);
        }
        only
    }

    /// Notes one result and returns its fingerprint.
    fn act(&mut self, pending: Pending, given: &Given, place: Place) -> u64 {
        let outcome = outcome::of_tool(&given.text, given.failed);
        let failed = outcome == Outcome::Failed;
        let (error, says) = if failed { outcome::signature(&given.text, &pending.given) } else { (0, String::new()) };
        let result = if failed { error } else { output_hash(&given.text) };
        let before = self.acts.iter().rposition(|act| act.key == pending.key);
        // What changes from one time to the next goes on by itself, even if it returns to what it was.
        self.changing |= !failed && before.is_some_and(|at| self.acts[at].result != result);
        let after_edit = before.is_some_and(|at| {
            self.acts
                .iter()
                .skip(at + 1)
                .any(|act| act.outcome != Outcome::Failed && (act.edits || act.moved) && act.key != pending.key)
        });
        let new_error = failed && self.errors.insert(error);
        let other_way = self.keys.insert(pending.key);
        let new_result = !failed && self.results.insert(hash((pending.key, result)));
        let passes = !failed && self.last_exit_failed;
        self.last_exit_failed = failed;
        let mut act = Act {
            actor: pending.actor,
            tool: pending.tool,
            key: pending.key,
            result,
            outcome,
            error,
            says,
            passing: failed && outcome::is_passing(&given.text),
            edits: pending.edits,
            polls: pending.polls,
            asked: pending.asked,
            given: place,
            after_edit,
            new_error,
            moved: false,
        };
        // The same call twice in one message is one: the second was asked before the first was answered.
        let twice = &*act.tool != CODE
            && self.acts.iter().any(|one| one.asked == act.asked && one.key == act.key && one.asked != place);
        let before_known = self.acts.iter().any(|one| one.result == act.result && one.tool == act.tool);
        let relapse = passes && self.acts.iter().any(|one| one.key == act.key && one.result == act.result);
        let moved = if passes && !relapse {
            Some(Event::Passes)
        } else if new_error && (other_way || self.acts.is_empty()) {
            Some(Event::NewError)
        } else if new_result && (outcome == Outcome::Done && other_way || outcome == Outcome::Fine && !before_known) {
            Some(Event::NewResult)
        } else {
            None
        };
        act.moved = moved.is_some();
        if let Some(moved) = moved {
            self.advanced(moved);
        }
        if !twice {
            self.acts.push_back(act);
            if self.acts.len() > KEPT {
                self.acts.pop_front();
            }
        }
        hash((pending.key, result))
    }
}

fn result_step(said: &Said<'_>, key: u64) -> Step {
    let plain = printed(said.text);
    Step {
        place: said.place,
        speaker: said.speaker.clone(),
        what: What::Result,
        n1: key,
        n2: key,
        words: plain.len() as u32,
        content: 0,
        sketch: Default::default(),
        gist: Default::default(),
        numbers: Default::default(),
        english: false,
        code: None,
        fresh: 0,
        fresh_names: 0,
        novelty: 0.0,
        marks: Default::default(),
        polite: false,
        ends: false,
        names: Default::default(),
        counter: None,
        opening: 0,
        prompts: false,
        blank: false,
        key,
        cluster: 0,
        repeats: false,
        progress: Progress::None,
    }
}
