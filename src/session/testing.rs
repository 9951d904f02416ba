//! For tests only: teams with everything filled in, and a log that is written by hand.

use super::Session;
use crate::chat::code::{CodeBlock, Payload, Place};
use crate::chat::event::{Actor, Choice, Event, FORMAT, Record};
use crate::chat::id::{BranchId, CallId, MessageId, Seq, TurnId};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::request::{Finish, Purpose};
use crate::chat::team::*;
use crate::chat::usage::{Money, Price, Tokens, Usage};
use crate::chat::{Name, UnixMillis};
use std::sync::Arc;

/// When hand-written logs begin.
pub(crate) const MORNING: UnixMillis = 1_700_000_000_000;

/// An agent with a model, mode NEVER, that only stops on exactly `TERMINATE`.
pub(crate) fn speaker(name: &str) -> Agent {
    Agent {
        description: format!("what {name} is for"),
        system_message: format!("You are {name}."),
        model: Some("main".into()),
        ..Agent::named(name)
    }
}

/// An agent that runs code and says `nothing to run` otherwise.
pub(crate) fn runner(name: &str, approval: ApprovalPolicy) -> Agent {
    Agent {
        kind: AgentKind::Executor,
        model: None,
        default_auto_reply: Some("nothing to run".into()),
        code_execution: Some(CodeExecution {
            work_dir: "/work".into(),
            timeout_ms: 1000,
            approval,
            output_limit: 1000,
            ..CodeExecution::default()
        }),
        ..speaker(name)
    }
}

/// A round-robin team without a task, a condition or a limit. One token costs a thousandth of a dollar.
pub(crate) fn team(agents: Vec<Agent>) -> Team {
    let model = ModelSpec {
        provider: Spec::named("scripted"),
        model: "words".into(),
        fallback: Vec::new(),
        price: Some(Price::plain(1000.0, 1000.0)),
        context_window: None,
        parameters: Default::default(),
        cache_seed: None,
    };
    Team { max_round: 1000, models: [("main".to_owned(), model)].into(), seed: 7, ..Team::of("test", agents) }
}

/// Assistants of these names.
pub(crate) fn speakers(names: &[&str]) -> Team {
    team(names.iter().map(|name| speaker(name)).collect())
}

/// Where code would run.
pub(crate) fn place() -> Place {
    Place {
        executor: "local".into(),
        containment: "none".into(),
        work_dir: "/work".into(),
        network: true,
        timeout_ms: 1000,
        output_limit: 1000,
        ..Place::default()
    }
}

/// A payload of one block of Python.
pub(crate) fn python(code: &str) -> Payload {
    Payload::code(vec![CodeBlock { language: "python".into(), code: code.into() }], place())
}

/// A usage of so many tokens, at the price of [`team`].
pub(crate) fn usage(input: u64, output: u64) -> Usage {
    let tokens = Tokens { input, output, ..Tokens::default() };
    Usage { tokens, estimated: false, cost: Some(Money::from_dollars((input + output) as f64 / 1000.0)) }
}

/// A session whose records are written by hand, one second apart.
#[derive(Clone)]
pub(crate) struct Log {
    pub session: Session,
    pub now: UnixMillis,
}

impl Log {
    /// A session of this team that has begun.
    pub fn of(team: Team) -> Self {
        let mut log = Log { session: Session::default(), now: MORNING };
        let (session, team) = ("test-session".to_owned(), Arc::new(team));
        log.add(vec![Event::SessionStarted { session, format: FORMAT, team, headless: false }]);
        log
    }

    /// A session of this team with this task.
    pub fn with_task(team: Team, task: &str) -> Self {
        let mut log = Log::of(team);
        log.post(log.message(Author::Operator, MessageKind::Task, task));
        log
    }

    /// The record that would follow.
    pub fn next(&self, event: Event) -> Record {
        let (seq, branch) = (self.session.next_seq(), self.session.branch());
        Record { seq, parent: self.session.head(), branch, actor: Actor::System, at: self.now, event }
    }

    /// Appends events on the active branch.
    pub fn add(&mut self, events: Vec<Event>) {
        for event in events {
            self.now += 1000;
            let record = self.next(event);
            self.session.apply(Arc::new(record)).unwrap();
        }
    }

    /// Appends events of which the first moves HEAD.
    pub fn add_moved(&mut self, moved: Option<(Seq, BranchId)>, events: Vec<Event>) {
        let Some((parent, branch)) = moved else { return self.add(events) };
        let mut events = events.into_iter();
        self.now += 1000;
        let mut record = self.next(events.next().unwrap());
        (record.parent, record.branch) = (Some(parent), branch);
        self.session.apply(Arc::new(record)).unwrap();
        self.add(events.collect());
    }

    /// A whole message with the next free identity.
    pub fn message(&self, author: Author, kind: MessageKind, text: &str) -> Message {
        Message::new(self.session.ids().message, author, kind, text)
    }

    /// Posts a message and returns its identity.
    pub fn post(&mut self, message: Message) -> MessageId {
        let id = message.id;
        self.add(vec![Event::MessagePosted { message: Arc::new(message) }]);
        id
    }

    /// The operator speaks.
    pub fn operator(&mut self, text: &str) -> MessageId {
        self.post(self.message(Author::Operator, MessageKind::Human, text))
    }

    /// Gives an agent the floor.
    pub fn turn(&mut self, agent: &str) -> TurnId {
        let turn = self.session.ids().turn;
        let agent: Name = agent.into();
        let choice = Choice {
            agent: agent.clone(),
            mode: "round_robin".into(),
            reason: String::new(),
            candidates: Vec::new(),
            attempts: 0,
        };
        self.add(vec![Event::SpeakerChosen { choice }, Event::TurnStarted { turn, agent, beside: None }]);
        turn
    }

    /// Sends a turn's request to the model.
    pub fn call(&mut self, turn: TurnId, agent: &str) -> CallId {
        let call = self.session.ids().call;
        self.add(vec![Event::ModelCalled {
            call,
            turn: Some(turn),
            agent: agent.into(),
            purpose: Purpose::Speak,
            model: "main".into(),
            attempt: 1,
            request: "0".into(),
            messages: 1,
            left_out: 0,
            estimate: 0,
        }]);
        call
    }

    /// A whole turn of an agent that speaks through its model: ten tokens in, five out.
    pub fn says(&mut self, agent: &str, text: &str) -> MessageId {
        let turn = self.turn(agent);
        let call = self.call(turn, agent);
        let answered =
            Event::ModelAnswered { call, usage: usage(10, 5), latency_ms: 1, finish: Finish::Stop, served: None };
        self.add(vec![answered]);
        let mut said = self.message(Author::Agent(agent.into()), MessageKind::Reply, text);
        (said.turn, said.call) = (Some(turn), Some(call));
        let id = self.post(said);
        self.add(vec![Event::TurnEnded { turn, finished: true }]);
        id
    }

    /// A whole turn of an agent that runs this code, allowed by a policy, with this result.
    pub fn runs(&mut self, agent: &str, code: &str, exit_code: i32, output: &str) -> MessageId {
        use crate::chat::code::Execution;
        let turn = self.turn(agent);
        let ids = self.session.ids();
        let payload = Arc::new(python(code));
        let hash = payload.hash();
        let source = self.session.transcript().last_heard_by("").map_or(MessageId(0), |entry| entry.message.id);
        let (approval, op) = (ids.approval, ids.op);
        let execution = Execution {
            exit_code,
            output: output.into(),
            omitted: 0,
            stopped: None,
            duration_ms: 1,
            ..Execution::default()
        };
        let asked = Event::ApprovalAsked { approval, turn, agent: agent.into(), source, payload, hash: hash.clone() };
        let decided = Event::ApprovalDecided {
            approval,
            verdict: crate::chat::event::Verdict::Run,
            hash: hash.clone(),
            seen_in_full: false,
            remember: false,
        };
        let text = execution.reply();
        self.add(vec![asked, decided, Event::Intent { op, approval, hash }, Event::Outcome { op, execution }]);
        let mut result = self.message(Author::Agent(agent.into()), MessageKind::CodeResult, &text);
        result.turn = Some(turn);
        let id = self.post(result);
        self.add(vec![Event::TurnEnded { turn, finished: true }]);
        id
    }
}
