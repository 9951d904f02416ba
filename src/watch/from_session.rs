//! Reading a session: its records in order, each once; the whole branch again when HEAD moves.

use super::view::words::code_hash;
use super::view::{Asked, Fact, Given, Said, View, step::Place};
use crate::chat::Name;
use crate::chat::event::{Actor, Event, Record, Verdict};
use crate::chat::id::{BranchId, CallId, Seq, TurnId};
use crate::chat::message::{Author, Completeness, Message, MessageKind};
use crate::chat::request::{FailureKind, Purpose};
use crate::chat::usage::Money;
use crate::session::Session;

/// A view that follows a session.
#[derive(Debug, Clone, Default)]
pub struct Follower {
    view: View,
    courtesies: Vec<String>,
    read: (BranchId, Seq),
    messages: usize,
    ran: Option<(TurnId, u64)>,
    turn_cost: Money,
    selecting: Option<CallId>,
}

impl Follower {
    /// A follower that knows these additional courtesies.
    pub fn new(courtesies: Vec<String>) -> Self {
        Follower { view: View::new(courtesies.clone()), courtesies, ..Follower::default() }
    }

    /// What was read so far.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Reads what is new. `after` is called after each record that was read.
    pub fn follow(&mut self, session: &Session, mut after: impl FnMut(&View, &Record)) {
        let Some(head) = session.head() else { return };
        let new = session.log().get(self.read.1.0 as usize..).unwrap_or_default();
        let moved = new.iter().any(|record| matches!(record.event, Event::BranchMoved { .. }));
        if moved || self.read.0 != session.branch() || self.read.1 > head {
            *self = Follower::new(std::mem::take(&mut self.courtesies));
            for record in session.path() {
                self.read(&record);
                after(&self.view, &record);
            }
        } else {
            for record in new {
                self.read(record);
                after(&self.view, record);
            }
        }
        self.read = (session.branch(), Seq(session.log().len() as u64));
    }

    fn read(&mut self, record: &Record) {
        match &record.event {
            Event::MessagePosted { message } => {
                // As it stands on this branch: an edit that follows on the path is what was heard.
                let index = self.messages;
                self.messages += 1;
                // A fixed text is the same by choice: it says nothing about the one that says it.
                if message.kind != MessageKind::Auto {
                    self.hear(message, index, record);
                }
            }
            // What a nested team says stands in the transcript too.
            Event::Inner { event, .. } if matches!(event.innermost().1, Event::MessagePosted { .. }) => {
                self.messages += 1;
            }
            Event::MessageEdited { .. } | Event::Amended(_) => self.view.clear(),
            Event::SpeakerChosen { choice } => match choice.mode.as_str() {
                "operator" | "queue" => self.view.clear(),
                "auto" | "auto fallback" => {
                    let fell_back = choice.mode == "auto fallback";
                    self.view.note(Fact::Picked { attempts: choice.attempts, fell_back });
                }
                _ => {}
            },
            Event::ApprovalAsked { turn, payload, .. } => {
                self.ran = Some((*turn, code_hash(payload.blocks.iter().map(|block| &*block.code))));
            }
            Event::ApprovalDecided { verdict, .. } => {
                if let Verdict::RunEdited(blocks) = verdict {
                    let code = code_hash(blocks.iter().map(|block| &*block.code));
                    self.ran = self.ran.map(|(turn, _)| (turn, code));
                }
                // Feedback steps in; a plain yes must not reset anything.
                if record.actor == Actor::Operator && !matches!(verdict, Verdict::Run) {
                    self.view.clear();
                }
            }
            Event::ModelCalled { call, purpose, .. } if *purpose == Purpose::Select => self.selecting = Some(*call),
            Event::ModelAnswered { call, usage, .. } if self.selecting != Some(*call) => {
                self.turn_cost += usage.cost.unwrap_or_default();
            }
            Event::ModelFailed { failure, .. } if failure.kind == FailureKind::ContextFull => {
                self.view.note(Fact::Squeezed)
            }
            Event::TurnEnded { finished: true, .. } => {
                self.view.note(Fact::Paid(std::mem::take(&mut self.turn_cost)));
            }
            // Words after the end begin another run.
            Event::Ended { .. } => self.view.clear(),
            _ => {}
        }
    }

    fn hear(&mut self, message: &Message, index: usize, record: &Record) {
        if message.completeness == Completeness::Interrupted {
            return;
        }
        if message.kind == MessageKind::Note {
            return;
        }
        let person = message.by_operator || message.kind == MessageKind::Human;
        let speaker: Name = match &message.author {
            Author::Agent(name) => name.clone(),
            Author::Operator if person => "operator".into(),
            // A moderator speaks for the team itself.
            Author::Operator => "moderator".into(),
        };
        let calls = message.tool_calls.iter().map(|call| Asked {
            id: call.id.clone(),
            tool: call.name.clone(),
            arguments: call.arguments.to_string(),
        });
        let results = message.tool_results.iter().map(|result| Given {
            id: result.call_id.clone(),
            text: result.content.to_string(),
            failed: result.is_error.then_some(true),
        });
        let ran = (message.kind == MessageKind::CodeResult)
            .then(|| self.ran.filter(|(turn, _)| Some(*turn) == message.turn).map(|(_, code)| code))
            .flatten();
        self.view.hear(&Said {
            place: Place { message: index, turn: message.turn, at: Some(record.at) },
            speaker,
            person,
            task: message.kind == MessageKind::Task,
            text: &message.content,
            ran,
            calls: calls.collect(),
            results: results.collect(),
        });
    }
}
