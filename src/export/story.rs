//! What is worth reading of a branch.

use crate::chat::UnixMillis;
use crate::chat::event::{Event, Record, Verdict};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::session::Session;
use crate::settings::keys_in;
use crate::text::clean::{Context, one_line, plain};

/// A branch of a session, to be read from beginning to end. Every text in it is safe to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// The team's name.
    pub team: String,
    /// The session's identity.
    pub session: String,
    /// The branch that is told.
    pub branch: String,
    /// The branches that are not.
    pub others: Vec<String>,
    /// When the session began.
    pub started: UnixMillis,
    /// The members, each with its model or what it is.
    pub members: Vec<(String, String)>,
    /// What happened.
    pub passages: Vec<Passage>,
    /// How many things that look like keys were struck out.
    pub struck: usize,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub kind: Kind,
}

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Somebody said something.
    Said {
        /// The author; within nested teams, the way there.
        who: String,
        /// What else is worth knowing: its kind, its audience, its edits, whether it is whole.
        marks: Vec<String>,
        /// The words.
        body: String,
        /// A program printed it.
        output: bool,
        /// What it said before the operator edited it.
        before: Option<String>,
        /// Model, tokens, cost.
        spent: Option<String>,
    },
    /// Something happened besides words.
    Note {
        /// What.
        text: String,
        /// The words it is about.
        body: Option<String>,
        /// A person or a policy decided it.
        decision: bool,
    },
    /// What it came to.
    Summary {
        /// How it was made.
        method: String,
        /// The summary.
        body: String,
    },
    /// The end.
    Ended {
        /// Why, and the figures.
        text: String,
        /// What there is.
        result: Option<String>,
    },
}

/// The text without what looks like a key, and how many those were.
pub fn strike_keys(text: &str) -> (String, usize) {
    let found: Vec<_> = keys_in(text).collect();
    let mut struck = text.to_owned();
    for place in found.iter().rev() {
        struck.replace_range(place.clone(), "[key struck out]");
    }
    (struck, found.len())
}

/// The story of the session's active branch. Keys are struck out unless they are `kept`.
pub fn story(session: &Session, kept: bool) -> Story {
    let mut teller = Teller { session, kept, struck: 0 };
    let passages = session.path().iter().filter_map(|record| teller.passage(record)).collect();
    let own = session.branch();
    let others = session.branches().iter().filter(|branch| branch.id != own);
    let others = others.map(|branch| one_line(&branch.name)).collect();
    let members = session.team().map_or_else(Vec::new, |team| {
        let what = |agent: &crate::chat::team::Agent| match &agent.model {
            Some(key) => team.models.get(key).map_or(key.as_str(), |spec| spec.model.as_str()).to_owned(),
            None if agent.nested.is_some() => "a team".to_owned(),
            None if agent.code_execution.is_some() => "runs code".to_owned(),
            None => "a person's place".to_owned(),
        };
        team.agents.iter().map(|agent| (one_line(&agent.name), one_line(&what(agent)))).collect()
    });
    Story {
        team: one_line(session.team().map_or("session", |team| &team.name)),
        session: one_line(session.id()),
        branch: one_line(session.branch_name()),
        others,
        started: session.started_at(),
        members,
        passages,
        struck: teller.struck,
    }
}

struct Teller<'a> {
    session: &'a Session,
    kept: bool,
    struck: usize,
}

impl Teller<'_> {
    fn struck(&mut self, text: &str) -> String {
        if self.kept {
            return text.to_owned();
        }
        let (text, struck) = strike_keys(text);
        self.struck += struck;
        text
    }

    fn line(&mut self, text: &str) -> String {
        let text = self.struck(text);
        one_line(&text)
    }

    fn words(&mut self, text: &str, context: Context) -> String {
        let text = self.struck(text);
        plain(text.trim_end(), context)
    }

    fn passage(&mut self, record: &Record) -> Option<Passage> {
        Some(Passage { at: record.at, kind: self.kind(record)? })
    }

    fn kind(&mut self, record: &Record) -> Option<Kind> {
        let note = |text: String, body: Option<String>| Kind::Note { text, body, decision: false };
        let decided = |text: String, body: Option<String>| Kind::Note { text, body, decision: true };
        Some(match record.event.innermost().1 {
            Event::MessagePosted { message } => return self.said(message.id),
            Event::ApprovalDecided { approval, verdict, hash, .. } => {
                let by = self.line(&record.actor.called("the operator"));
                let hash = one_line(hash.get(..12).unwrap_or(hash));
                let (what, code) = match verdict {
                    Verdict::Run => ("allowed to run".to_owned(), None),
                    Verdict::RunEdited(blocks) => {
                        let code = blocks.iter().map(|block| &*block.code).collect::<Vec<_>>().join("\n");
                        ("edited, then allowed to run".to_owned(), Some(self.words(&code, Context::Prose)))
                    }
                    Verdict::Deny(reason) => (format!("denied: {}", self.line(reason)), None),
                };
                let agent = self.session.approval(*approval).map(|asked| asked.agent.clone());
                let of = agent.map(|agent| format!(" of {}", one_line(&agent))).unwrap_or_default();
                decided(format!("code `{hash}`{of} {what}, by {by}"), code)
            }
            Event::LeashGiven { agent, .. } => {
                decided(format!("the operator lets {} run code unasked for a while", one_line(agent)), None)
            }
            Event::ConsentRevoked { .. } => decided("consent in advance was taken back".to_owned(), None),
            Event::OutcomeUnknown { .. } => {
                note("Plenary was stopped while code ran; whether it ran is not known".to_owned(), None)
            }
            Event::BranchMoved { name, why } => note(format!("branch {}: {}", self.line(name), self.line(why)), None),
            Event::Summarized(done) => {
                let problem = done.problem.as_ref();
                let problem = problem.map(|why| format!("; the one wanted was not written: {}", self.line(why)));
                let method = format!("{}{}", done.method.name(), problem.unwrap_or_default());
                Kind::Summary { method, body: self.words(done.text.trim(), Context::Prose) }
            }
            Event::AnswerRejected(rejected) => {
                let body = self.words(rejected.answer.trim(), Context::Prose);
                let (agent, why) = (self.line(&rejected.agent), self.line(&rejected.why));
                note(format!("an answer of {agent} cannot be used. {why}"), Some(body))
            }
            Event::Configured { agent, change } => {
                let told = change.system_message.as_ref().map(|told| self.words(told, Context::Prose));
                decided(
                    format!("{} changed by the operator: {}", one_line(agent), self.line(&change.to_string())),
                    told,
                )
            }
            Event::AgentFailed { agent, text, then, .. } => {
                note(format!("{} could not speak ({then}): {}", one_line(agent), self.line(text)), None)
            }
            Event::Ended { .. } if !record.event.innermost().0.is_empty() => return None,
            Event::Ended { text, totals, achieved, .. } => Kind::Ended {
                text: format!("Ended: {} · {totals}", self.words(text, Context::Prose)),
                result: achieved
                    .as_ref()
                    .map(|found| format!("Result: message {} by {}.", found.message.number(), one_line(&found.agent))),
            },
            _ => return None,
        })
    }

    fn said(&mut self, id: crate::chat::id::MessageId) -> Option<Kind> {
        let entry = self.session.transcript().get(id)?;
        let message = &entry.message;
        let who = match &message.author {
            Author::Operator => "Operator".to_owned(),
            Author::Agent(_) => one_line(&message.author_path().collect::<Vec<_>>().join(" › ")),
        };
        let mut marks: Vec<String> = message.kind.label().map(str::to_owned).into_iter().collect();
        marks.extend(message.audience().map(|audience| one_line(&audience)));
        if message.by_operator {
            marks.push("spoken by the operator".into());
        }
        if entry.revision > 0 {
            marks.push("edited by the operator".into());
        }
        match message.completeness {
            Completeness::Whole => {}
            Completeness::CutOff => marks.push("cut off".into()),
            Completeness::Interrupted => marks.push("interrupted, not sent to the others".into()),
        }
        let output = message.kind == MessageKind::CodeResult;
        let context = if output { Context::Output } else { Context::Prose };
        let before = entry.original.clone();
        let before = before.map(|text| self.words(&text, Context::Prose));
        let spent = message.call.and_then(|call| self.session.call(call)).map(|call| {
            let usage = call.usage.unwrap_or_default();
            let cost = usage.cost.map_or("price unknown".to_owned(), |cost| cost.to_string());
            format!("{} · {} tokens · {cost}", one_line(&call.model), usage.tokens.total())
        });
        let body = self.words(&message.told(), context);
        Some(Kind::Said { who, marks, body, output, before, spent })
    }
}
