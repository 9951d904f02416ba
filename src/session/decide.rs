//! What an operator's command amounts to: events, or a refusal in words.
//!
//! Pure. Commands that also stop something in flight ([`Command::Interrupt`], [`Command::End`], and the edits, which
//! must not leave a call behind on the old branch) are completed by the engine, which knows what is in flight.

use super::turn::Phase;
use super::{Session, Waiting, breaks, by_hand, consent, tools, unstick};
use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::event::{Answer, Boundary, Choice, Event, HoldReason, Verdict};
use crate::chat::id::{ApprovalId, BranchId, MessageId, Seq};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::usage::Money;
use crate::chat::{Name, UnixMillis};
use std::sync::Arc;

/// Why a command cannot be carried out, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// Events of one decision, and the branch they are written on when that changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// To be written in order, all or none.
    pub events: Vec<Event>,
    /// `Some((parent, branch))` when the first event moves HEAD.
    pub moved: Option<(Seq, BranchId)>,
}

impl From<Vec<Event>> for Decision {
    fn from(events: Vec<Event>) -> Self {
        Decision { events, moved: None }
    }
}

pub(super) type Decided = Result<Decision, Refusal>;

pub(super) fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(text.into()))
}

/// What `command` amounts to in this session at `now`.
///
/// # Errors
/// When the session is not in a state in which the command makes sense; the text says why and what to do instead.
pub fn decide(session: &Session, command: &Command, now: UnixMillis) -> Decided {
    if session.team().is_none() {
        return refuse("The session has not started yet.");
    }
    match command {
        Command::Speak { text, as_agent } => speak(session, text, as_agent.as_ref()),
        Command::Whisper { text, as_agent, to, announced } => whisper(session, text, as_agent.as_ref(), to, *announced),
        Command::CallOn { agent } => call_on(session, agent),
        Command::Queue { queue } => {
            for name in queue {
                may_be_called(session, name)?;
            }
            Ok(vec![Event::QueueChanged { queue: queue.clone() }].into())
        }
        Command::Enqueue { agent } => {
            may_be_called(session, agent)?;
            let mut queue = session.floor().queue.clone();
            queue.push(agent.clone());
            Ok(vec![Event::QueueChanged { queue }].into())
        }
        Command::AcceptProposal => match session.floor().wanted.as_ref().and_then(|wanted| wanted.proposed.clone()) {
            Some(agent) => call_on(session, &agent),
            None => refuse("Nobody is proposed. Call on an agent by its number."),
        },
        Command::Propose => propose(session),
        Command::Bar { agent, turns } => bar(session, agent, *turns),
        Command::BarTool { bar } => unstick::bar_tool(session, bar),
        Command::Unbar { agent } => match session.floor().bar(agent) {
            Some(_) => Ok(vec![Event::SpeakerUnbarred { agent: agent.clone() }].into()),
            None => refuse(format!("{agent} is not barred.")),
        },
        Command::Pause { boundary } => pause(session, *boundary),
        Command::Resume => resume(session, false),
        Command::Step => resume(session, true),
        Command::Continue => go_on(session),
        Command::Interrupt | Command::End => {
            if session.ended().is_some() && !(session.acts() && *command == Command::Interrupt) {
                refuse("The run has already ended.")
            } else {
                Ok(Decision::default())
            }
        }
        Command::Terminate => match session.ended() {
            Some(_) => refuse("The run has already ended."),
            None => Ok(vec![Event::TerminationAsked].into()),
        },
        Command::Decide { approval, hash, verdict, seen_in_full, remember } => {
            decide_code(session, *approval, hash, verdict, *seen_in_full, *remember)
        }
        Command::DenyAndHold { approval, hash, reason } => {
            consent::deny_and_hold(session, *approval, hash, reason).map(Decision::from)
        }
        Command::Leash { agent, executions, minutes } => {
            consent::leash(session, agent, *executions, *minutes, now).map(Decision::from)
        }
        Command::Revoke { agent } => consent::revoke(session, agent).map(Decision::from),
        Command::EndProgram { op } => consent::end_program(session, *op).map(Decision::from),
        Command::ExtendTime { op, added_ms } => consent::extend_time(session, *op, *added_ms).map(Decision::from),
        Command::RunAgain { op } => by_hand::again(session, *op).map(Decision::from),
        Command::OpenShell { op } => by_hand::shell(session, *op).map(Decision::from),
        Command::LookAt { op, path } => by_hand::look(session, *op, path).map(|()| Decision::default()),
        Command::Afresh { then } => by_hand::afresh(session, then, now),
        Command::Reply { ask, answer } => reply(session, *ask, answer),
        Command::Edit { message, content } => edit(session, *message, content),
        Command::MoveTo { seq } => move_to(session, *seq),
        Command::Resolve { op, resolution } => {
            if session.waiting().contains(&Waiting::Unknown(*op)) {
                Ok(vec![Event::OutcomeResolved { op: *op, resolution: *resolution }].into())
            } else {
                refuse("That execution's outcome is known; there is nothing to resolve.")
            }
        }
        Command::Configure { agent, change } => configure(session, agent, change),
        Command::RaiseLimits => raise_limits(session),
        Command::Judge { detector, judgement } => unstick::judge(session, detector, *judgement),
        Command::Conclude => unstick::conclude(session),
        Command::Tools(command) => tools::decide(session, command).map(Decision::from),
        Command::Break(command) => breaks::decide(session, command),
    }
}

fn is_member(session: &Session, name: &str) -> bool {
    session.team().is_some_and(|team| team.agent(name).is_some())
}

fn speak(session: &Session, text: &Arc<str>, as_agent: Option<&Name>) -> Decided {
    if text.trim().is_empty() {
        return refuse("There are no words to send.");
    }
    if let Some(name) = as_agent
        && !is_member(session, name)
    {
        return refuse(format!("{name} is not a member of this team."));
    }
    let kind = if session.transcript().is_empty() { MessageKind::Task } else { MessageKind::Human };
    let author = as_agent.map_or(Author::Operator, |name| Author::Agent(name.clone()));
    let to = session.hears(&author).to_vec();
    let said = Message::new(session.ids().message, author, kind, text.clone());
    let message = Arc::new(Message { by_operator: as_agent.is_some(), to, ..said });
    Ok(vec![Event::MessagePosted { message }].into())
}

fn whisper(session: &Session, text: &Arc<str>, as_agent: Option<&Name>, to: &[Name], announced: bool) -> Decided {
    if let Some(unknown) = to.iter().find(|name| !is_member(session, name)) {
        return refuse(format!("{unknown} is not a member of this team."));
    }
    let others: Vec<Name> = to.iter().filter(|name| Some(*name) != as_agent).cloned().collect();
    if others.is_empty() {
        return refuse("Nobody would hear that. Say who, or say it to everybody.");
    }
    if session.transcript().is_empty() {
        return refuse("The first words are the task, and everybody hears it.");
    }
    let mut decided = speak(session, text, as_agent)?;
    for event in &mut decided.events {
        if let Event::MessagePosted { message } = event {
            let message = Arc::make_mut(message);
            (message.to, message.announced) = (others.clone(), announced);
        }
    }
    Ok(decided)
}

/// Whether the operator can hand the floor to this agent.
fn may_be_called(session: &Session, agent: &str) -> Result<(), Refusal> {
    if !is_member(session, agent) {
        return refuse(format!("{agent} is not a member of this team."));
    }
    match session.floor().bar(agent) {
        Some(bar) => refuse(format!("{agent} is {}. Let it back first.", bar.words())),
        None => Ok(()),
    }
}

fn propose(session: &Session) -> Decided {
    if session.floor().wanted.is_none() {
        return refuse("There is no pick to make, so there is nothing to propose.");
    }
    if session.team().is_none_or(|team| team.selector_model.is_none()) {
        return refuse("There is no model to ask: name one as `selector_model` in the team file.");
    }
    Ok(vec![Event::ProposalWanted].into())
}

fn bar(session: &Session, agent: &Name, turns: Option<u32>) -> Decided {
    if !is_member(session, agent) {
        return refuse(format!("{agent} is not a member of this team."));
    }
    if turns == Some(0) {
        return refuse("A bar lasts for at least one turn.");
    }
    Ok(vec![Event::SpeakerBarred { agent: agent.clone(), turns }].into())
}

fn call_on(session: &Session, agent: &Name) -> Decided {
    may_be_called(session, agent)?;
    if session.ended().is_some() {
        return refuse("The run has ended. Say something to go on, then call on an agent.");
    }
    if session.floor().wanted.is_some() {
        let choice = Choice {
            agent: agent.clone(),
            mode: "operator".into(),
            reason: "picked by the operator".into(),
            candidates: Vec::new(),
            attempts: 0,
        };
        return Ok(vec![
            Event::SpeakerChosen { choice },
            Event::TurnStarted { turn: session.ids().turn, agent: agent.clone(), beside: None },
        ]
        .into());
    }
    let mut events = Vec::new();
    let failed =
        |phase: &Phase| matches!(phase, Phase::Failed(_)) && matches!(session.hold(), Some(HoldReason::Failed { .. }));
    if let Some(turn) = session.turns().iter().find(|turn| failed(&turn.inquiry.phase)) {
        events.push(Event::TurnEnded { turn: turn.id, finished: false });
        events.push(Event::Released { step: false });
    } else if failed(&session.floor().selecting.inquiry.phase) {
        events.push(Event::Released { step: false });
    }
    let mut queue = vec![agent.clone()];
    queue.extend(session.floor().queue.iter().cloned());
    events.push(Event::QueueChanged { queue });
    Ok(events.into())
}

fn pause(session: &Session, boundary: Boundary) -> Decided {
    if session.ended().is_some() {
        return refuse("The run has ended; there is nothing to pause.");
    }
    if session.hold().is_some() {
        return refuse("Already holding.");
    }
    // Asked twice means sooner, also when both were asked before the first was heard.
    let again = session.hold_asked() == Some(boundary) && boundary == Boundary::Turn;
    let boundary = if again { Boundary::Step } else { boundary };
    Ok(vec![Event::HoldAsked { boundary }].into())
}

pub(super) fn resume(session: &Session, step: bool) -> Decided {
    if session.ended().is_some() {
        return refuse("The run has ended. Say something to go on, or edit a message.");
    }
    if let Some(HoldReason::Budget { .. }) = session.hold() {
        return refuse("A limit is reached. Raise the limits, or end the run.");
    }
    if session.hold().is_none() && session.hold_asked().is_none() {
        if step && !session.turns().is_empty() {
            // Asked while somebody speaks: hold when this turn is over.
            return Ok(vec![Event::HoldAsked { boundary: Boundary::Turn }].into());
        }
        if !step {
            return refuse("The run is going on already.");
        }
    }
    Ok(vec![Event::Released { step }].into())
}

fn go_on(session: &Session) -> Decided {
    if session.ended().is_none() {
        return refuse("The run has not ended. To go on from a pause, resume.");
    }
    if session.transcript().is_empty() {
        return refuse("Nothing was said yet. Say something to begin.");
    }
    Ok(vec![Event::Released { step: false }].into())
}

fn decide_code(
    session: &Session,
    id: ApprovalId,
    hash: &str,
    verdict: &Verdict,
    seen_in_full: bool,
    remember: bool,
) -> Decided {
    if !session.waiting().contains(&Waiting::Approval(id)) {
        return refuse("That request is no longer waiting.");
    }
    let Some(asked) = session.approval(id) else { return refuse("There is no such request.") };
    if asked.hash != hash {
        return refuse("What was on the screen is not what would run. Look again.");
    }
    let hash = match verdict {
        Verdict::Deny(_) => asked.hash.clone(),
        Verdict::Run | Verdict::RunEdited(_) if !seen_in_full => {
            return refuse("Not every line has been on the screen yet. Scroll to the end first.");
        }
        Verdict::Run => asked.hash.clone(),
        Verdict::RunEdited(blocks) if blocks.is_empty() => return refuse("There is no code left to run."),
        Verdict::RunEdited(blocks) => asked.payload.with_blocks(blocks.clone()).hash(),
    };
    let remember = remember && !matches!(verdict, Verdict::Deny(_));
    Ok(vec![Event::ApprovalDecided { approval: id, verdict: verdict.clone(), hash, seen_in_full, remember }].into())
}

fn reply(session: &Session, id: crate::chat::id::AskId, answer: &Answer) -> Decided {
    if !session.waiting().contains(&Waiting::Ask(id)) {
        return refuse("That question is no longer open.");
    }
    let Some(ask) = session.ask(id) else { return refuse("There is no such question.") };
    let mut events = vec![Event::HumanAnswered { ask: id, answer: answer.clone() }];
    if let Answer::Say(text) = answer {
        if text.trim().is_empty() {
            return refuse("There are no words to send. To say nothing, skip.");
        }
        let author = Author::Agent(ask.agent.clone());
        let said = Message::new(session.ids().message, author, MessageKind::Human, text.clone());
        let to = session.hears(&said.author).to_vec();
        events.push(Event::MessagePosted { message: Arc::new(Message { turn: Some(ask.turn), to, ..said }) });
        events.push(Event::TurnEnded { turn: ask.turn, finished: true });
    }
    Ok(events.into())
}

/// A hold that was in force stays in force on the branch one goes to.
fn still_held(session: &Session, events: &mut Vec<Event>) {
    if session.hold().is_some() || session.hold_asked().is_some() {
        events.push(Event::Held { why: HoldReason::Operator });
    }
}

fn refuse_while_running(session: &Session) -> Result<(), Refusal> {
    if !session.running().is_empty() {
        return refuse("Code is running. Wait for it or stop it before you go elsewhere.");
    }
    Ok(())
}

fn edit(session: &Session, id: MessageId, content: &Arc<str>) -> Decided {
    refuse_while_running(session)?;
    let Some(entry) = session.transcript().get(id) else { return refuse("That message is not on this branch.") };
    if entry.message.content == *content {
        return refuse("Nothing was changed.");
    }
    if content.trim().is_empty() {
        return refuse("A message cannot be emptied; edit it or fork before it.");
    }
    let (branch, name) = next_branch(session);
    let mut events = vec![
        Event::BranchMoved { name, why: and_stays_done(format!("edited message {}", id.0 + 1), session, entry.seq) },
        Event::MessageEdited { message: id, content: content.clone() },
    ];
    still_held(session, &mut events);
    Ok(Decision { events, moved: Some((entry.seq, branch)) })
}

fn move_to(session: &Session, seq: Seq) -> Decided {
    refuse_while_running(session)?;
    let Some(record) = session.record(seq) else { return refuse("There is no such place in this session.") };
    let tip = session.branches().iter().find(|branch| branch.tip == seq);
    if tip.is_some_and(|branch| branch.id == session.branch()) {
        return refuse("You are there already.");
    }
    if tip.is_none() && !matches!(record.event, Event::MessagePosted { .. }) {
        return refuse("One goes back to a message, or to the end of a branch.");
    }
    let (branch, name, why) = match tip {
        Some(branch) => (branch.id, branch.name.clone(), format!("back to {}", branch.name)),
        None => {
            let (id, name) = next_branch(session);
            (id, name, format!("forked at record {}", record.seq))
        }
    };
    // Going somewhere is looking at it first: it starts when the operator says so.
    let why = and_stays_done(why, session, seq);
    let events = vec![Event::BranchMoved { name, why }, Event::Held { why: HoldReason::Operator }];
    Ok(Decision { events, moved: Some((seq, branch)) })
}

/// Why one goes back, and what that does not undo.
fn and_stays_done(why: String, session: &Session, seq: Seq) -> String {
    let done = session.stays_done(seq);
    if done.is_empty() { why } else { format!("{why}; {}", done.in_words()) }
}

fn next_branch(session: &Session) -> (BranchId, String) {
    let id = session.branches().iter().map(|branch| branch.id.0).max().unwrap_or(0) + 1;
    (BranchId(id), format!("branch-{id}"))
}

fn configure(session: &Session, name: &Name, change: &Change) -> Decided {
    let Some((team, agent)) = session.team().and_then(|team| Some((team, team.agent(name)?))) else {
        return refuse(format!("{name} is not a member of this team."));
    };
    if let Some(model) = &change.model {
        if !team.models.contains_key(model) {
            let known = team.models.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return refuse(format!("This team has no model {model}. It has: {known}."));
        }
        if agent.model.is_none() {
            return refuse(format!("{name} speaks through no model; there is none to change."));
        }
    }
    if change.applied(agent) == *agent {
        return refuse("Nothing was changed.");
    }
    Ok(vec![Event::Configured { agent: name.clone(), change: change.clone() }].into())
}

fn raise_limits(session: &Session) -> Decided {
    let Some(mut limits) = session.limits() else { return refuse("There are no limits.") };
    let half_more = |n: u64| n.saturating_add((n / 2).max(1));
    let Some(HoldReason::Budget { .. }) = session.hold() else {
        return refuse("No limit is reached; there is nothing to raise.");
    };
    let spent = session.spent();
    if let Some(cost) = limits.max_cost.as_mut()
        && spent.cost >= *cost
    {
        *cost = Money(half_more(cost.0.max(spent.cost.0)));
    }
    if let Some(tokens) = limits.max_tokens.as_mut()
        && spent.tokens.total() >= *tokens
    {
        *tokens = half_more((*tokens).max(spent.tokens.total()));
    }
    if let Some(executions) = limits.max_executions.as_mut()
        && spent.executions >= *executions
    {
        *executions = half_more((*executions).max(spent.executions));
    }
    if let Some(time) = limits.max_time_ms.as_mut()
        && session.active_ms(last_at(session)) >= *time
    {
        *time = half_more((*time).max(session.active_ms(last_at(session))));
    }
    Ok(vec![Event::LimitsChanged { limits }, Event::Released { step: false }].into())
}

/// The time of the newest record: while the run holds, no active time passes after it.
fn last_at(session: &Session) -> UnixMillis {
    session.log().last().map_or(0, |record| record.at)
}
