//! Who speaks: picks, the queue, turns.

use super::super::State;
use super::super::floor::{Attempt, Bar, Wanted};
use super::super::turn::Turn;
use crate::chat::desk::Desk;
use crate::chat::event::{Boundary, Event, Record};

impl State {
    pub(super) fn fold_floor(&mut self, record: &Record) {
        match &record.event {
            Event::SpeakerWanted { candidates, barred, proposed, reasons, until, by_words } => {
                self.floor.proposing = false;
                self.floor.selecting = Default::default();
                self.floor.wanted = Some(Wanted {
                    candidates: candidates.clone(),
                    barred: barred.clone(),
                    proposed: proposed.clone(),
                    reasons: reasons.clone(),
                    until: *until,
                    by_words: *by_words,
                });
            }
            Event::ProposalWanted => {
                self.floor.wanted = None;
                self.floor.proposing = true;
            }
            Event::SpeakerBarred { agent, turns } => {
                self.floor.bars.retain(|bar| bar.agent != *agent);
                self.floor.bars.push(Bar { agent: agent.clone(), turns: *turns });
                self.floor.queue.retain(|name| name != agent);
                self.floor.retry.retain(|name| name != agent);
                self.floor.choose_anew();
            }
            Event::SpeakerUnbarred { agent } => {
                self.floor.bars.retain(|bar| bar.agent != *agent);
                self.floor.choose_anew();
            }
            Event::SpeakerChosen { choice } => {
                if self.floor.queue.first() == Some(&choice.agent) && choice.mode == "queue" {
                    self.floor.queue.remove(0);
                }
                if !matches!(choice.mode.as_str(), "queue" | "retry" | "only") {
                    self.floor.hint = None;
                }
                self.floor.choice = Some(choice.clone());
                self.floor.wanted = None;
                self.floor.proposing = false;
                if choice.mode == "retry" {
                    self.floor.retry.retain(|name| *name != choice.agent);
                } else {
                    self.floor.retry.clear();
                }
                if let Some(ledger) = &mut self.floor.ledger {
                    ledger.next = None;
                }
                if let Some(graph) = &mut self.floor.graph
                    && let Some(place) = graph.ready.iter().position(|name| *name == choice.agent)
                {
                    graph.ready.remove(place);
                }
                self.floor.selecting = Default::default();
            }
            Event::SelectorAnswered { call, answer, mentions } => {
                self.floor.selecting.inquiry = Default::default();
                self.floor.selecting.attempts.push(Attempt {
                    call: *call,
                    answer: answer.clone(),
                    mentions: mentions.clone(),
                });
            }
            Event::Desk(Desk::Hint { text }) => {
                self.floor.hint = (!text.trim().is_empty()).then(|| text.clone());
            }
            Event::Desk(Desk::Patience { patience }) => {
                self.floor.patience = *patience;
                // What was proposed under other terms is proposed anew.
                self.floor.wanted = self.floor.wanted.take().filter(|wanted| wanted.proposed.is_none());
            }
            Event::QueueChanged { queue } => self.floor.queue = queue.clone(),
            Event::LedgerChanged { ledger } => {
                self.floor.ledger = Some(ledger.clone());
                self.floor.selecting = Default::default();
            }
            Event::GraphStepped { graph, .. } => {
                self.floor.graph = Some(graph.clone());
                self.floor.finished.clear();
            }
            Event::TurnStarted { turn, agent, beside } => {
                self.turns.push(Turn::begun(*turn, agent.clone(), *beside, record.at));
            }
            Event::TurnEnded { turn, finished } => {
                if let Some(place) = self.turns.iter().position(|open| open.id == *turn) {
                    let turn = self.turns.remove(place);
                    if std::mem::take(&mut self.stepping) {
                        self.hold_asked = Some(Boundary::Turn);
                    }
                    if let Some((by, done)) = &mut self.concluding
                        && *by == turn.agent
                    {
                        *done |= *finished;
                    }
                    if *finished {
                        self.floor.count_down(&turn.agent);
                        self.transcript.turn_over();
                        self.agents.entry(turn.agent.clone()).or_default().turns += 1;
                        if self.floor.graph.is_some() {
                            self.floor.finished.push(turn.agent.clone());
                        }
                        self.floor.last_speaker = Some(turn.agent);
                    } else if self.floor.bar(&turn.agent).is_none() {
                        self.floor.retry.push(turn.agent);
                    }
                }
            }
            _ => {}
        }
    }
}
