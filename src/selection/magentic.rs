//! A moderator leads: it lists what is known, plans, judges the progress before every turn, makes a new plan when the team
//! is stuck, and writes the answer (AgentChat: MagenticOneGroupChat).
//!
//! Differences from AgentChat, all of the reference's ledger (agentchat-semantics 12, no. 10, 11, 19): the moderator's
//! tokens are counted; the limits are exact and count per task; a new plan sets the count of stalls to nothing and there
//! is a most of new plans; a judgement that cannot be read counts as a round and as a stall. The members' memories are
//! not emptied by a new plan.

use super::candidates::Candidates;
use super::magentic_words as words;
use super::{Pick, Selector};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options, Remark, count, text};
use crate::chat::Name;
use crate::chat::event::{Choice, EndCause, Event};
use crate::chat::ledger::{Ledger, LedgerStage};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::request::{Prompt, Role};
use crate::chat::team::Team;
use crate::session::Session;
use std::sync::Arc;

/// In whose name the moderator speaks.
pub const MODERATOR: &str = "Orchestrator";

/// `speaker_selection_method = "magentic"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "magentic",
    about: "a moderator plans, says who does what, notices when the team is stuck, and writes the answer",
    example: "speaker_selection_method = { method = \"magentic\", max_stalls = 3 }",
    fields: &[
        Field { name: "max_turns", kind: FieldKind::Count, required: false, about: "turns of agents (20)" },
        Field {
            name: "max_stalls",
            kind: FieldKind::Count,
            required: false,
            about: "judgements without progress before a new plan is made (3)",
        },
        Field {
            name: "max_replans",
            kind: FieldKind::Count,
            required: false,
            about: "new plans before it gives up (3)",
        },
        Field {
            name: "final_answer_prompt",
            kind: FieldKind::Text,
            required: false,
            about: "what is asked for at the end; {task} is filled in",
        },
    ],
    build: |options| {
        let number = |name: &str, default: u32| match count(options, name) {
            Some(0) => Err(OptionError::of(name, "must be at least 1")),
            number => Ok(number.map_or(default, |number| number.min(u64::from(u32::MAX)) as u32)),
        };
        Ok(Box::new(Magentic {
            max_turns: number("max_turns", 20)?,
            max_stalls: number("max_stalls", 3)?,
            max_replans: number("max_replans", 3)?,
            final_answer_prompt: text(options, "final_answer_prompt").map(str::to_owned),
        }))
    },
};

struct Magentic {
    max_turns: u32,
    max_stalls: u32,
    max_replans: u32,
    final_answer_prompt: Option<String>,
}

impl Magentic {
    /// The ledger of the present run.
    fn ledger(&self, session: &Session) -> Ledger {
        let run = session.transcript().run_from();
        let known = session.floor().ledger.as_deref().filter(|ledger| ledger.run == run);
        known.cloned().unwrap_or_else(|| Ledger { run, ..Ledger::default() })
    }

    /// What the last answer of the moderator's model makes of the ledger, and what the moderator says.
    fn read(&self, answer: &str, session: &Session) -> (Ledger, Option<String>) {
        let mut ledger = self.ledger(session);
        let Some(team) = session.team() else { return (ledger, None) };
        let task = task(session);
        let answer = answer.trim().to_owned();
        let said = match ledger.stage {
            LedgerStage::Facts | LedgerStage::FactsAgain => {
                ledger.facts = answer;
                ledger.stage =
                    if ledger.stage == LedgerStage::Facts { LedgerStage::Plan } else { LedgerStage::PlanAgain };
                None
            }
            LedgerStage::Plan | LedgerStage::PlanAgain => {
                ledger.plan = answer;
                ledger.stage = LedgerStage::Judge;
                Some(words::task_ledger(&task, team, &ledger))
            }
            LedgerStage::Judge => self.judged(&mut ledger, &answer, team),
            LedgerStage::Answer => {
                ledger.stage = LedgerStage::Done;
                Some(answer)
            }
            LedgerStage::Done => None,
        };
        (ledger, said)
    }

    fn judged(&self, ledger: &mut Ledger, answer: &str, team: &Team) -> Option<String> {
        ledger.rounds += 1;
        let progress = words::progress(answer, team);
        let stalled = progress.as_ref().is_none_or(|progress| progress.in_loop || !progress.forward);
        ledger.progress = progress.clone();
        if let Some(progress) = progress.filter(|progress| progress.satisfied) {
            ledger.stage = LedgerStage::Answer;
            ledger.reason = Some(progress.reason);
            return None;
        }
        ledger.stalls = if stalled { ledger.stalls + 1 } else { ledger.stalls.saturating_sub(1) };
        if ledger.stalls >= self.max_stalls {
            if ledger.replans >= self.max_replans {
                ledger.stage = LedgerStage::Answer;
                ledger.reason = Some(format!("No progress after {} new plans.", ledger.replans));
            } else {
                ledger.replans += 1;
                ledger.stalls = 0;
                ledger.stage = LedgerStage::FactsAgain;
            }
            return None;
        }
        if ledger.rounds > self.max_turns {
            ledger.stage = LedgerStage::Answer;
            ledger.reason = Some("Max rounds reached.".to_owned());
            return None;
        }
        let progress = ledger.progress.as_ref()?;
        // A judgement that names nobody was a stall and is asked for again.
        ledger.next = team.agent(&progress.speaker).map(|agent| agent.name.clone());
        ledger.next.as_ref().map(|_| progress.instruction.clone())
    }
}

impl Selector for Magentic {
    fn takes_the_only(&self) -> bool {
        false
    }

    fn before(&self, session: &Session) -> Vec<Event> {
        let Some(attempt) = session.floor().selecting.attempts.last() else { return Vec::new() };
        let (ledger, said) = self.read(&attempt.answer, session);
        let mut events = vec![Event::LedgerChanged { ledger: Box::new(ledger) }];
        if let Some(text) = said.filter(|text| !text.trim().is_empty()) {
            let author = Author::Agent(MODERATOR.into());
            let message = Message {
                call: Some(attempt.call),
                ..Message::new(session.ids().message, author, MessageKind::Moderation, text)
            };
            events.push(Event::MessagePosted { message: Arc::new(message) });
        }
        events
    }

    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        let Some(team) = session.team() else { return Pick::Person { proposed: None } };
        let ledger = self.ledger(session);
        let task = task(session);
        let ask = |text: String| Prompt::new(Role::User, Some("user".into()), text);
        match ledger.stage {
            LedgerStage::Facts => Pick::Ask(vec![ask(words::facts(&task))]),
            LedgerStage::Plan => Pick::Ask(vec![
                ask(words::facts(&task)),
                Prompt::new(Role::Assistant, None, ledger.facts.as_str()),
                ask(words::plan(team)),
            ]),
            LedgerStage::Judge => match &ledger.next {
                Some(next) if candidates.eligible.contains(next) => {
                    Pick::Choose(candidates.choose(next.clone(), "magentic", instruction(&ledger), 0))
                }
                Some(next) => Pick::Person { proposed: Some(next.clone()) },
                None => Pick::Ask(self.thread(session, ask(words::judge(&task, team, &candidates.eligible)))),
            },
            LedgerStage::FactsAgain => Pick::Ask(self.thread(session, ask(words::facts_again(&task, &ledger.facts)))),
            LedgerStage::PlanAgain => Pick::Ask(self.thread(session, ask(words::plan_again(team, &ledger.facts)))),
            LedgerStage::Answer => {
                let wanted = self.final_answer_prompt.as_deref().unwrap_or(words::ANSWER);
                Pick::Ask(self.thread(session, ask(wanted.replace("{task}", &task))))
            }
            LedgerStage::Done => Pick::End {
                cause: EndCause::Complete,
                text: ledger.reason.unwrap_or_else(|| "The moderator is done".to_owned()),
            },
        }
    }

    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        let ledger = self.ledger(session);
        let next = ledger.next.clone().filter(|next| candidates.eligible.contains(next))?;
        Some(candidates.choose(next, "magentic", instruction(&ledger), 0))
    }
}

impl Magentic {
    /// The run as the moderator sees it, its own words as the assistant's, and a question.
    fn thread(&self, session: &Session, question: Prompt) -> Vec<Prompt> {
        let run = session.transcript().run().iter().map(|entry| &*entry.message);
        let mut prompts: Vec<Prompt> = run
            .filter(|message| message.is_shared() && message.to.is_empty())
            .map(|message| match (&message.author, message.kind) {
                (_, MessageKind::Moderation) => Prompt::new(Role::Assistant, None, message.content.clone()),
                (Author::Agent(name), _) => Prompt::new(Role::User, Some(name.clone()), message.content.clone()),
                (Author::Operator, _) => Prompt::new(Role::User, None, message.content.clone()),
            })
            .collect();
        prompts.push(question);
        prompts
    }
}

fn instruction(ledger: &Ledger) -> String {
    let text = ledger.progress.as_ref().map_or("", |progress| progress.instruction.as_str());
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(120).collect()
}

/// The words that began the run.
fn task(session: &Session) -> String {
    session.transcript().run().first().map_or_else(String::new, |entry| entry.message.content.to_string())
}

/// What is wrong with this method in this team.
pub fn review(_options: &Options, team: &Team) -> Vec<Remark> {
    let taken: Option<Name> = team.agent(MODERATOR).map(|agent| agent.name.clone());
    let help = "the moderator speaks under that name; give the agent another";
    taken.map(|name| Remark::error("", format!("an agent is called {name:?}"), help)).into_iter().collect()
}
