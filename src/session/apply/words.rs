//! What was said, and what a person answered.

use super::super::State;
use super::super::turn::{Ask, Stage};
use crate::chat::event::{Answer, AskKind, Event, Record};
use crate::chat::message::{Author, MessageKind};

impl State {
    pub(super) fn fold_words(&mut self, record: &Record) {
        match &record.event {
            Event::MessagePosted { message } => {
                let by_person = message.by_operator || message.kind == MessageKind::Human;
                let is_task = message.kind == MessageKind::Task;
                let note = message.kind == MessageKind::Note;
                if self.ended.take().is_some() {
                    // Words after the end begin a new run of the same session.
                    self.begin_run(record);
                } else if is_task || message.author == Author::Operator && !note {
                    // A person has spoken to them (AG2: every start sets the counters to 0).
                    self.forget_replies(|name| message.to.is_empty() || message.is_heard_by(name));
                }
                if message.author == Author::Operator {
                    // The floor was handed to the person, who has spoken: nobody needs to be picked.
                    self.floor.wanted = self.floor.wanted.take().filter(|wanted| !wanted.by_words);
                }
                if is_task {
                    self.transcript.start_run(record.seq, record.at, self.activity.total(record.at));
                }
                if message.is_shared() {
                    self.floor.skipped = 0;
                }
                self.transcript.post(message.clone(), record.seq, record.at);
                if let Author::Agent(name) = &message.author {
                    if message.by_operator || is_task {
                        // No turn says that it has spoken; to the team it has.
                        self.floor.last_speaker = Some(name.clone());
                    }
                    let meter = self.agents.entry(name.clone()).or_default();
                    if by_person || is_task {
                        meter.auto_replies = 0;
                    } else if message.is_shared() {
                        meter.auto_replies += 1;
                    }
                }
                if let Some(id) = message.turn {
                    if let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id) {
                        turn.draft = None;
                    }
                    let stage = match message.kind {
                        MessageKind::ToolCalls => Stage::Calling,
                        MessageKind::ToolResults => Stage::Answered,
                        _ => Stage::Posted,
                    };
                    if stage == Stage::Calling
                        && let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id)
                    {
                        turn.tools.open(&message.tool_calls);
                    } else if let Some(turn) = self.turns.iter_mut().find(|turn| turn.id == id) {
                        // What was called is over; old logs may have left something open.
                        turn.tools.stages.fill(Stage::Posted);
                    }
                    self.stage(id, stage, record);
                }
            }
            Event::MessageEdited { message, content } => {
                self.transcript.edit(*message, content.clone());
                // What was cut short is whole now: its turn has said what it had to say.
                let call = self.transcript.get(*message).and_then(|entry| entry.message.call);
                if let Some(turn) = call.and_then(|call| self.calls.turn(call)) {
                    self.stage(turn, Stage::Posted, record);
                }
            }
            _ => {}
        }
    }

    /// What is said from here on is another run of the session: its rounds are counted anew.
    pub(super) fn begin_run(&mut self, record: &Record) {
        self.transcript.start_run(record.seq, record.at, self.activity.total(record.at));
        self.termination_asked = false;
        self.summing = Default::default();
        self.forget_replies(|_| true);
    }

    /// Those to whom somebody has spoken who is no member begin to count anew.
    fn forget_replies(&mut self, to: impl Fn(&str) -> bool) {
        let meters = self.agents.iter_mut().filter(|(name, _)| to(name));
        meters.for_each(|(_, meter)| meter.auto_replies = 0);
    }

    pub(super) fn fold_ask(&mut self, record: &Record) {
        match &record.event {
            Event::HumanAsked { ask, turn, agent, ask_kind } => {
                let asked = Ask { id: *ask, turn: *turn, agent: agent.clone(), kind: *ask_kind, at: record.at };
                self.asks.insert(*ask, asked);
                self.stage(*turn, Stage::Asked(*ask), record);
            }
            Event::HumanAnswered { ask, answer } => {
                let Some(asked) = self.asks.get(ask).cloned() else { return };
                if matches!((answer, asked.kind), (Answer::Skip, AskKind::Feedback | AskKind::LimitReached)) {
                    self.stage(asked.turn, Stage::Cleared, record);
                }
            }
            _ => {}
        }
    }
}
