//! Sessions made of records with fixed times, for looking at.

use super::picture::{BASE, console};
use super::world::SESSION;
use plenary::chat::code::{CodeBlock, Execution, Payload, Place};
use plenary::chat::containment::Tier;
use plenary::chat::event::{Actor, Choice, EndCause, Event, FORMAT, Record, Totals, Verdict};
use plenary::chat::id::{ApprovalId, BranchId, CallId, MessageId, OpId, Seq, TurnId};
use plenary::chat::message::{Author, Message, MessageKind};
use plenary::chat::request::{Finish, Purpose};
use plenary::chat::team::Team;
use plenary::chat::update::{Delta, Update};
use plenary::chat::usage::{Money, Tokens, Usage};
use plenary::session::Session;
use plenary::tui::app::App;
use std::sync::Arc;

/// A log that grows by what is told to it. A second passes with every record.
pub struct Sketch {
    /// Where code runs from now on.
    pub tier: Tier,
    log: Vec<Arc<Record>>,
    turn: u64,
    message: u64,
    call: u64,
    approval: u64,
    cost: Money,
    tokens: Tokens,
}

/// A coder, an executor and a reviewer.
pub fn team() -> Team {
    let agent = |name: &str, kind: &str, model: Option<&str>, code: serde_json::Value| {
        serde_json::json!({
            "name": name, "kind": kind, "description": "", "system_message": "", "model": model,
            "human_input_mode": "NEVER", "max_consecutive_auto_reply": 100, "is_termination_msg": "never",
            "code_execution": code,
        })
    };
    let code = serde_json::json!({
        "executor": {"kind": "local"}, "work_dir": "/home/ada/lru-cache/workspace", "timeout_ms": 30000,
        "approval": "always", "environment": [], "output_limit": 65536,
    });
    serde_json::from_value(serde_json::json!({
        "name": "lru-cache",
        "agents": [
            agent("Coder", "assistant", Some("smart"), serde_json::Value::Null),
            agent("Executor", "executor", None, code),
            agent("Reviewer", "assistant", Some("smart"), serde_json::Value::Null),
        ],
        "speaker_selection_method": {"kind": "round_robin"}, "max_retries_for_selecting_speaker": 2,
        "allow_repeat_speaker": "everyone", "max_round": 12, "termination": [],
        "limits": {"max_cost": Money::from_dollars(1.0), "max_tokens": null, "max_time_ms": null, "max_executions": null},
        "models": {"smart": {"provider": {"kind": "openai"}, "model": "gpt-4o", "context_window": 128000}},
        "seed": 0,
    }))
    .unwrap()
}

impl Sketch {
    /// A session that has started and has no task.
    pub fn begun() -> Self {
        Sketch::of(team())
    }

    /// The same of another team.
    pub fn of(team: Team) -> Self {
        let mut sketch = Sketch {
            tier: Tier::None,
            log: Vec::new(),
            turn: 0,
            message: 0,
            call: 0,
            approval: 0,
            cost: Money(0),
            tokens: Tokens::default(),
        };
        let team = Arc::new(team);
        sketch.tell(
            Actor::Operator,
            Event::SessionStarted { session: SESSION.into(), format: FORMAT, team, headless: false },
        );
        sketch
    }

    /// With a task.
    pub fn with_task(task: &str) -> Self {
        let mut sketch = Sketch::begun();
        sketch.post(Author::Operator, MessageKind::Task, task, None);
        sketch
    }

    pub fn tell(&mut self, actor: Actor, event: Event) {
        let n = self.log.len() as u64;
        let parent = (n > 0).then_some(Seq(n));
        let at = BASE + n as i64 * 1000;
        self.log.push(Arc::new(Record { seq: Seq(n + 1), parent, branch: BranchId(0), actor, at, event }));
    }

    fn post(&mut self, author: Author, kind: MessageKind, text: &str, call: Option<CallId>) {
        let turn = (author != Author::Operator).then_some(TurnId(self.turn));
        let message = Message { turn, call, ..Message::new(MessageId(self.message), author.clone(), kind, text) };
        self.message += 1;
        let actor = match author {
            Author::Operator => Actor::Operator,
            Author::Agent(name) => Actor::Agent(name),
        };
        self.tell(actor, Event::MessagePosted { message: Arc::new(message) });
    }

    fn floor(&mut self, agent: &str) {
        let choice = choice(agent);
        self.turn += 1;
        self.tell(Actor::System, Event::SpeakerChosen { choice });
        self.tell(Actor::System, Event::TurnStarted { turn: TurnId(self.turn), agent: agent.into(), beside: None });
    }

    /// An agent's model is asked; what it says comes later.
    pub fn asks(&mut self, agent: &str) -> CallId {
        self.floor(agent);
        self.call += 1;
        let called = Event::ModelCalled {
            call: CallId(self.call),
            turn: Some(TurnId(self.turn)),
            agent: agent.into(),
            purpose: Purpose::Speak,
            model: "smart".into(),
            attempt: 1,
            request: "0".repeat(64),
            messages: self.message as u32 + 1,
            left_out: 0,
            estimate: 0,
        };
        self.tell(Actor::System, called);
        CallId(self.call)
    }

    /// An agent's whole turn.
    pub fn says(&mut self, agent: &str, text: &str) -> &mut Self {
        let call = self.asks(agent);
        let tokens = Tokens { input: 900, output: 150, ..Tokens::default() };
        let cost = Money::from_dollars(0.004);
        self.cost += cost;
        self.tokens += tokens;
        let usage = Usage { tokens, estimated: false, cost: Some(cost) };
        let answered = Event::ModelAnswered { call, usage, latency_ms: 3100, finish: Finish::Stop, served: None };
        self.tell(Actor::Agent(agent.into()), answered);
        self.post(Author::Agent(agent.into()), MessageKind::Reply, text, Some(call));
        self.tell(Actor::Agent(agent.into()), Event::TurnEnded { turn: TurnId(self.turn), finished: true });
        self
    }

    /// The executor asks to run this.
    pub fn wants(&mut self, code: &str) -> ApprovalId {
        self.wants_all(&[("python", code)])
    }

    /// The executor asks to run these blocks: language and code.
    pub fn wants_all(&mut self, blocks: &[(&str, &str)]) -> ApprovalId {
        self.floor("Executor");
        let place = Place {
            executor: "local".into(),
            containment: "none: your own account".into(),
            work_dir: "/home/ada/lru-cache/workspace".into(),
            network: true,
            environment: Vec::new(),
            timeout_ms: 30_000,
            output_limit: 65_536,
            tier: self.tier,
            ..Place::default()
        };
        let block = |(language, code): &(&str, &str)| CodeBlock { language: (*language).into(), code: (*code).into() };
        let payload = Payload::code(blocks.iter().map(block).collect(), place);
        self.approval += 1;
        let asked = Event::ApprovalAsked {
            approval: ApprovalId(self.approval),
            turn: TurnId(self.turn),
            agent: "Executor".into(),
            source: MessageId(self.message - 1),
            hash: payload.hash(),
            payload: Arc::new(payload),
        };
        self.tell(Actor::Agent("Executor".into()), asked);
        ApprovalId(self.approval)
    }

    /// The newest request is allowed and runs to this end.
    pub fn ran(&mut self, exit_code: i32, output: &str) -> &mut Self {
        self.ran_as(Execution { exit_code, output: output.into(), duration_ms: 300, ..Execution::default() })
    }

    /// The newest request is allowed, and this comes of it.
    pub fn ran_as(&mut self, execution: Execution) -> &mut Self {
        let op = OpId(self.approval);
        let approval = ApprovalId(self.approval);
        let hash = self
            .log
            .iter()
            .rev()
            .find_map(|record| match &record.event {
                Event::ApprovalAsked { hash, .. } => Some(hash.clone()),
                _ => None,
            })
            .unwrap();
        let decided = Event::ApprovalDecided {
            approval,
            verdict: Verdict::Run,
            hash: hash.clone(),
            seen_in_full: true,
            remember: false,
        };
        self.tell(Actor::Operator, decided);
        self.tell(Actor::System, Event::Intent { op, approval, hash });
        self.tell(Actor::System, Event::Started { op, pid: 4711 });
        let reply = execution.reply();
        self.tell(Actor::System, Event::Outcome { op, execution });
        self.post(Author::Agent("Executor".into()), MessageKind::CodeResult, &reply, None);
        self.tell(Actor::Agent("Executor".into()), Event::TurnEnded { turn: TurnId(self.turn), finished: true });
        self
    }

    /// The run is over.
    pub fn ended(&mut self, text: &str) -> &mut Self {
        let session = Session::replay(self.log.iter().cloned()).unwrap();
        let totals = Totals {
            rounds: self.message as u32,
            tokens: self.tokens,
            cost: self.cost,
            unpriced_calls: 0,
            active_ms: session.active_ms(BASE + self.log.len() as i64 * 1000),
        };
        let cause = EndCause::Condition("text_mention".into());
        self.tell(
            Actor::System,
            Event::Ended {
                cause,
                text: text.into(),
                agent: Some("Reviewer".into()),
                totals,
                detail: Default::default(),
                achieved: None,
            },
        );
        self
    }

    /// The records so far.
    pub fn log(&self) -> &[Arc<Record>] {
        &self.log
    }

    /// A console that has heard all of it, at the time of its newest record.
    pub fn console(&self, size: (u16, u16)) -> App {
        let mut app = console(size);
        for record in &self.log {
            app.on_update(Update::Record(record.clone()));
        }
        assert_eq!(app.fault, None);
        // As the engine would say: the one after the latest in the team's order.
        let agents = &app.session.team().unwrap().agents;
        let place = app.session.floor().choice.as_ref().map_or(0, |last| {
            agents.iter().position(|agent| agent.name == last.agent).map_or(0, |place| place + 1) % agents.len()
        });
        let open = app.session.ended().is_none() && !app.session.transcript().is_empty();
        let next = open.then(|| choice(&agents[place].name));
        app.on_update(Update::Outlook { next });
        super::picture::at(&mut app, (self.log.len() as u64 - 1) * 1000);
        app
    }
}

fn choice(agent: &str) -> Choice {
    let (mode, reason) = ("round_robin".into(), "comes next".into());
    Choice { agent: agent.into(), mode, reason, candidates: Vec::new(), attempts: 0 }
}

/// A piece of what a model says.
pub fn text(call: CallId, agent: &str, text: &str) -> Update {
    Update::Delta(Delta::Text { call, agent: agent.into(), text: text.into() })
}
