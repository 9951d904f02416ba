//! Breakpoints and steps: which there are, how often each was met, what is held back.
//!
//! Breakpoints belong to the session and not to a branch: going back does not lose them, nor what they have counted.
//! What was passed, and what is held back, belongs to the branch.

use super::decide::{Decided, refuse, resume};
use super::{Session, State};
use crate::chat::breaks::{BreakCommand, BreakId, Breakpoint, Breaks, Deed, Spot, Until};
use crate::chat::event::{Event, HoldReason, Record};
use crate::chat::id::{Seq, TurnId};
use crate::chat::message::{Completeness, Message};
use crate::chat::request::Request;
use crate::session::turn::Stage;
use std::sync::Arc;

/// A breakpoint of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// Its number.
    pub id: BreakId,
    /// What it is.
    pub breakpoint: Breakpoint,
    /// How often it was met, over all branches.
    pub hits: u32,
    /// It is not asked.
    pub rests: bool,
}

impl Armed {
    /// Whether its deed is done when it is met the next time.
    pub fn acts_next(&self) -> bool {
        (self.hits + 1).is_multiple_of(self.breakpoint.every.max(1))
    }
}

/// A place with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The name.
    pub name: String,
    /// The record.
    pub seq: Seq,
}

/// What belongs to the session.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    armed: Vec<Armed>,
    next: u32,
    marks: Vec<Mark>,
}

impl Kept {
    pub fn fold(&mut self, event: &Event) {
        let breaks = match event {
            Event::SessionStarted { team, .. } => {
                team.breakpoints.iter().for_each(|breakpoint| self.arm(None, breakpoint));
                return;
            }
            Event::Breaks(breaks) => breaks,
            _ => return,
        };
        match breaks {
            Breaks::Set { id, breakpoint } => self.arm(Some(*id), breakpoint),
            Breaks::Rested { id, rests } => self.change(*id, |armed| armed.rests = *rests),
            Breaks::Cleared { id } => self.armed.retain(|armed| armed.id != *id),
            Breaks::Hit { id, count, done, .. } => self.change(*id, |armed| {
                armed.hits = *count;
                armed.rests |= *done && armed.breakpoint.once;
            }),
            Breaks::Marked { name, seq } => self.marks.push(Mark { name: name.clone(), seq: *seq }),
            _ => {}
        }
    }

    fn arm(&mut self, id: Option<BreakId>, breakpoint: &Breakpoint) {
        let id = id.unwrap_or(BreakId(self.next + 1));
        self.next = self.next.max(id.0);
        match self.armed.iter_mut().find(|armed| armed.id == id) {
            Some(armed) => {
                armed.breakpoint = breakpoint.clone();
                armed.rests = false;
            }
            None => self.armed.push(Armed { id, breakpoint: breakpoint.clone(), hits: 0, rests: false }),
        }
    }

    fn change(&mut self, id: BreakId, change: impl FnOnce(&mut Armed)) {
        if let Some(armed) = self.armed.iter_mut().find(|armed| armed.id == id) {
            change(armed);
        }
    }
}

/// A request that is held back.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The turn that asks.
    pub turn: TurnId,
    /// What would be sent.
    pub request: Request,
    /// The operator changed it: it is sent as it stands here.
    pub amended: bool,
    /// Something has happened since that changes what would be sent.
    pub stale: bool,
}

/// What belongs to the branch.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed {
    spots: Vec<(BreakId, Spot)>,
    until: Option<Until>,
    shown: Option<Shown>,
}

impl Session {
    /// All breakpoints, in the order in which they were set.
    pub fn breakpoints(&self) -> &[Armed] {
        &self.breaks.armed
    }

    /// Places that have a name, in the order in which they got it.
    pub fn marks(&self) -> &[Mark] {
        &self.breaks.marks
    }

    /// Breakpoints that were to be met and never were.
    pub fn missed(&self) -> impl Iterator<Item = &Armed> {
        self.breaks.armed.iter().filter(|armed| armed.breakpoint.deed == Deed::Expect && armed.hits == 0)
    }

    /// Whether this breakpoint was met at this spot already.
    pub fn passed(&self, id: BreakId, spot: Spot) -> bool {
        self.state.passed.spots.contains(&(id, spot))
    }

    /// How far the present step goes, if one is made.
    pub fn until(&self) -> Option<&Until> {
        self.state.passed.until.as_ref()
    }

    /// The request that is held back.
    pub fn shown(&self) -> Option<&Shown> {
        self.state.passed.shown.as_ref()
    }

    /// The reply that is held back, and whose turn it is.
    pub fn draft(&self) -> Option<(TurnId, &Arc<Message>)> {
        self.state.turns.iter().find_map(|turn| Some((turn.id, turn.draft.as_ref()?)))
    }
}

impl State {
    /// What happened around breakpoints and steps.
    pub(super) fn fold_breaks(&mut self, breaks: &Breaks, record: &Record) {
        match breaks {
            Breaks::Hit { id, spot, .. } => self.passed.spots.push((*id, *spot)),
            Breaks::Stepping { until } => self.passed.until = Some(until.clone()),
            Breaks::Shown { turn, request } => {
                let request = (**request).clone();
                self.passed.shown = Some(Shown { turn: *turn, request, amended: false, stale: false });
            }
            Breaks::Amended { turn, messages } => {
                if let Some(shown) = self.passed.shown.as_mut().filter(|shown| shown.turn == *turn) {
                    shown.request.messages = Arc::new(messages.clone());
                    (shown.amended, shown.stale) = (true, false);
                }
            }
            Breaks::Drafted { turn, message } => {
                if let Some(open) = self.turns.iter_mut().find(|open| open.id == *turn) {
                    open.draft = Some(message.clone());
                }
                self.stage(*turn, Stage::Drafted, record);
            }
            Breaks::Revised { turn, content } => {
                let open = self.turns.iter_mut().find(|open| open.id == *turn);
                if let Some(draft) = open.and_then(|open| open.draft.as_mut()) {
                    let draft = Arc::make_mut(draft);
                    let before = std::mem::replace(&mut draft.content, content.clone());
                    draft.drafted.get_or_insert(before);
                    draft.completeness = Completeness::Whole;
                }
            }
            Breaks::Set { .. }
            | Breaks::Rested { .. }
            | Breaks::Cleared { .. }
            | Breaks::Marked { .. }
            | Breaks::Ran { .. } => {}
        }
    }

    /// What any record means for a step that is made, and for a request that is held back.
    pub(super) fn fold_passing(&mut self, record: &Record) {
        let (within, event) = record.event.innermost();
        let over = match event {
            Event::ModelAnswered { call, .. } => {
                if let Some(turn) = self.calls.turn(*call) {
                    self.passed.shown.take_if(|shown| shown.turn == turn);
                    if let Some(open) = self.turns.iter_mut().find(|open| open.id == turn) {
                        open.answered += 1;
                    }
                }
                Until::Call
            }
            Event::Outcome { .. } | Event::ToolReturned { .. } => Until::Effect,
            Event::TurnStarted { agent, .. } => Until::Agent(agent.clone()),
            _ if !within.is_empty() => return,
            Event::TurnEnded { turn, .. } => {
                self.passed.shown.take_if(|shown| shown.turn == *turn);
                self.passed.spots.retain(|(_, spot)| spot.turn != Some(*turn));
                Until::Turn
            }
            Event::MessagePosted { message } => {
                if message.completeness != Completeness::Interrupted {
                    self.changed();
                }
                return;
            }
            Event::Configured { .. } | Event::ContextChanged { .. } | Event::MessageEdited { .. } => {
                self.changed();
                return;
            }
            Event::Held { .. } | Event::Released { .. } | Event::Ended { .. } => {
                self.passed.until = None;
                return;
            }
            _ => return,
        };
        if self.passed.until.as_ref() == Some(&over) {
            self.passed.until = None;
            self.hold_asked = Some(crate::chat::event::Boundary::Step);
        }
    }

    fn changed(&mut self) {
        if let Some(shown) = self.passed.shown.as_mut().filter(|shown| !shown.amended) {
            shown.stale = true;
        }
    }
}

/// What a command about breakpoints amounts to.
pub(super) fn decide(session: &Session, command: &BreakCommand) -> Decided {
    let known = |id: BreakId| match session.breakpoints().iter().any(|armed| armed.id == id) {
        true => Ok(()),
        false => refuse(format!("There is no breakpoint {id}.")),
    };
    let held_back = |turn: TurnId, what: Option<TurnId>| match what == Some(turn) {
        true => Ok(()),
        false => refuse("That is not held back any more."),
    };
    let only = |event| Ok(vec![Event::Breaks(event)].into());
    match command {
        BreakCommand::Set { id, breakpoint } => {
            id.map_or(Ok(()), known)?;
            if breakpoint.when.trim().is_empty() {
                return refuse("A breakpoint needs a condition: speaker == Coder, say.");
            }
            only(Breaks::Set { id: id.unwrap_or(BreakId(session.breaks.next + 1)), breakpoint: breakpoint.clone() })
        }
        BreakCommand::Rest { id, rests } => {
            known(*id)?;
            only(Breaks::Rested { id: *id, rests: *rests })
        }
        BreakCommand::Clear { id } => {
            known(*id)?;
            only(Breaks::Cleared { id: *id })
        }
        BreakCommand::StepTo { until } => step_to(session, until),
        BreakCommand::Mark { name } => {
            let Some(last) = session.transcript().entries().last() else { return refuse("Nothing was said yet.") };
            if name.trim().is_empty() {
                return refuse("A place needs a name.");
            }
            only(Breaks::Marked { name: name.trim().to_owned(), seq: last.seq })
        }
        BreakCommand::Amend { turn, messages } => {
            held_back(*turn, session.shown().map(|shown| shown.turn))?;
            if messages.is_empty() {
                return refuse("A request needs a message.");
            }
            only(Breaks::Amended { turn: *turn, messages: messages.clone() })
        }
        BreakCommand::Revise { turn, content } => {
            held_back(*turn, session.draft().map(|(turn, _)| turn))?;
            if content.trim().is_empty() {
                return refuse("A reply cannot be emptied; throw it away, and its agent speaks anew.");
            }
            if session.draft().is_some_and(|(_, draft)| draft.content == *content) {
                return refuse("Nothing was changed.");
            }
            only(Breaks::Revised { turn: *turn, content: content.clone() })
        }
        BreakCommand::Discard { turn } => {
            held_back(*turn, session.draft().map(|(turn, _)| turn))?;
            let mut events = vec![Event::TurnEnded { turn: *turn, finished: false }];
            if matches!(session.hold(), Some(HoldReason::Break { .. })) {
                events.push(Event::Released { step: false });
            }
            Ok(events.into())
        }
    }
}

fn step_to(session: &Session, until: &Until) -> Decided {
    if let Until::Agent(name) = until
        && session.team().is_none_or(|team| team.agent(name).is_none())
    {
        return refuse(format!("{name} is not a member of this team."));
    }
    let stepping = Event::Breaks(Breaks::Stepping { until: until.clone() });
    let runs = session.hold().is_none() && session.hold_asked().is_none() && session.ended().is_none();
    if runs {
        return Ok(vec![stepping].into());
    }
    let mut decision = resume(session, false)?;
    decision.events.push(stepping);
    Ok(decision)
}
