//! A world without a runtime: it carries out the machine's effects at once, answers calls from a script, and checks
//! with every effect that its record stood in the log before.

use crate::chat::breaks::BreakId;
use crate::chat::code::{Execution, Payload, Stopped};
use crate::chat::command::Command;
use crate::chat::consult::ConsultAsked;
use crate::chat::consult::{Advice, Consultation};
use crate::chat::event::{Actor, Choice, EndCause, Event, FORMAT, Record, Verdict};
use crate::chat::id::{BranchId, CallId, OpId, Seq};
use crate::chat::message::Completeness;
use crate::chat::request::{Chunk, Failure, FailureKind, Finish, Purpose, Request};
use crate::chat::team::Team;
use crate::chat::tool::ToolCall;
use crate::chat::usage::Tokens;
use crate::chat::{Name, UnixMillis};
use crate::engine::effect::{Effect, Input};
use crate::engine::{Machine, Rules, recovery};
use crate::selection::candidates::candidates;
use crate::session::Session;
use crate::session::testing::{MORNING, place};
use crate::session::turn::{Phase, Stage};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// What a model does when it is asked.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Says this, ten tokens in and five out.
    Say(String),
    /// Says this and hits its output limit.
    Cut(String),
    /// Says this (perhaps nothing) and fails.
    Fail(String, FailureKind),
    /// Says this and does not go on.
    Hang(String),
    /// Says this and wants these tools called, each with its arguments.
    Call(String, Vec<(String, String)>),
}

/// Wants one tool called.
pub fn call(name: &str, arguments: &str) -> Reply {
    Reply::Call(String::new(), vec![(name.to_owned(), arguments.to_owned())])
}

pub fn say(text: &str) -> Reply {
    Reply::Say(text.into())
}

pub fn fail(kind: FailureKind) -> Reply {
    Reply::Fail(String::new(), kind)
}

/// Code in a fence, as an agent writes it.
pub fn fenced(code: &str) -> String {
    format!("Run this:\n```python\n{code}\n```")
}

pub struct World {
    pub session: Session,
    pub machine: Machine,
    pub now: UnixMillis,
    /// What each agent's model does next; the selector's is under `selector`. Without a script: `<name> says <call>`.
    pub scripts: HashMap<String, VecDeque<Reply>>,
    /// What comes of the programs that run next; without a script they print `ok`.
    pub outcomes: VecDeque<(i32, &'static str)>,
    /// Whether programs go on until the test lets them finish.
    pub programs_last: bool,
    pub asked: Vec<Request>,
    pub ran: Vec<(OpId, Name, Arc<Payload>)>,
    pub refused: Vec<String>,
    open: Vec<Request>,
    hung: HashSet<CallId>,
    running: Vec<OpId>,
    killed: HashSet<OpId>,
    /// Time that was added to programs.
    pub extended: Vec<(OpId, u64)>,
    /// Directories that were to be copied, what for, and the way back.
    pub copied: Vec<(Vec<String>, String, Command)>,
    wake: Option<UnixMillis>,
    /// What programs of the user's were asked.
    pub consulted: Vec<(OpId, Consultation)>,
    /// What such a program answers next; without a script it prints nothing. An error is a failure.
    pub advice: VecDeque<Result<&'static str, &'static str>>,
    /// Whether such a program goes on until it is stopped.
    pub consults_last: bool,
    consulting: Option<OpId>,
    /// What programs of breakpoints were told.
    pub told: Vec<(BreakId, Consultation)>,
}

impl World {
    /// A team with a person at the screen, not begun.
    pub fn of(team: Team) -> Self {
        World::with(team, Rules::default())
    }

    /// A team with nobody there, not begun.
    pub fn headless(team: Team) -> Self {
        World::with(team, Rules { headless: true, ..Rules::default() })
    }

    pub fn with(team: Team, rules: Rules) -> Self {
        let headless = rules.headless;
        let mut world = World::from(Session::default(), &team, rules);
        let (session, team) = ("test-session".to_owned(), Arc::new(team));
        world.append(Actor::Operator, vec![Event::SessionStarted { session, format: FORMAT, team, headless }], None);
        world
    }

    /// A world around a log that exists, as when a session is opened again.
    pub fn from(session: Session, team: &Team, mut rules: Rules) -> Self {
        let runs = team.agents.iter().filter(|agent| agent.code_execution.is_some());
        for agent in runs {
            rules.places.entry(agent.name.clone()).or_insert_with(place);
        }
        for agent in &team.agents {
            let members = agent.nested.iter().flat_map(|nested| &nested.team.agents);
            let runs = members.filter(|member| member.code_execution.is_some());
            rules.places.extend(runs.map(|member| (format!("{}/{}", agent.name, member.name).into(), place())));
        }
        rules.tool_places = team.tools.keys().map(|name| (name.clone(), place())).collect();
        rules.tool_places.extend(team.mcp.keys().map(|name| (format!("{name}/"), place())));
        World {
            now: session.log().last().map_or(MORNING, |record| record.at),
            session,
            machine: Machine::new(team, rules).unwrap(),
            scripts: HashMap::new(),
            outcomes: VecDeque::new(),
            programs_last: false,
            asked: Vec::new(),
            ran: Vec::new(),
            refused: Vec::new(),
            open: Vec::new(),
            hung: HashSet::new(),
            running: Vec::new(),
            killed: HashSet::new(),
            extended: Vec::new(),
            copied: Vec::new(),
            wake: None,
            consulted: Vec::new(),
            advice: VecDeque::new(),
            consults_last: false,
            consulting: None,
            told: Vec::new(),
        }
    }

    /// The same log in a new process: nothing is in flight, and recovery has said what that means.
    pub fn reopened(&self, rules: Rules) -> World {
        let session = Session::replay(self.session.log().iter().cloned()).unwrap();
        let team = session.team().unwrap().clone();
        let mut world = World::from(session, &team, rules);
        for (actor, events) in recovery::settle(&world.session) {
            world.append(actor, events, None);
        }
        world
    }

    pub fn script(&mut self, who: &str, replies: impl IntoIterator<Item = Reply>) -> &mut Self {
        self.scripts.entry(who.to_owned()).or_default().extend(replies);
        self
    }

    /// Gives the task and lets everything happen.
    pub fn begin(&mut self, task: &str) -> &mut Self {
        self.command(Command::Speak { text: task.into(), as_agent: None })
    }

    /// Carries out a command and lets everything happen that follows.
    pub fn command(&mut self, command: Command) -> &mut Self {
        self.input(Input::Command(command));
        self.go()
    }

    /// One input, and what follows from it at once.
    pub fn input(&mut self, input: Input) {
        self.now += 1;
        let effects = self.machine.on(input, &self.session, self.now);
        self.perform(effects);
        self.settle();
    }

    /// Everything that happens by itself: calls answer, programs end, time passes while something waits for it.
    pub fn go(&mut self) -> &mut Self {
        self.settle();
        for _ in 0..10_000 {
            if !self.step() {
                return self;
            }
        }
        panic!("this never comes to rest:\n{}", self.tail(20));
    }

    /// One thing that happens by itself; false when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let program = self.running.iter().position(|op| !self.programs_last || self.killed.contains(op));
        if let Some(place) = program {
            let op = self.running[place];
            self.finish(op);
        } else if let Some(place) = self.open.iter().position(|request| !self.hung.contains(&request.call)) {
            let request = self.open[place].clone();
            self.answer(&request);
        } else if let Some(op) = self.consulting.filter(|_| !self.consults_last) {
            self.consulting = None;
            let advice = match self.advice.pop_front().unwrap_or(Ok("")) {
                Ok(answer) => Advice { answer: answer.into(), ..Advice::default() },
                Err(why) => Advice::failed(why),
            };
            self.input(Input::Advised { op, advice });
        } else if let Some(wake) = self.wake.take() {
            self.now = self.now.max(wake);
            self.input(Input::Tick);
        } else {
            return false;
        }
        true
    }

    fn answer(&mut self, request: &Request) {
        let call = request.call;
        let who = match request.purpose {
            Purpose::Speak => &*request.agent,
            Purpose::Select => "selector",
            Purpose::Summarize => "summary",
        };
        let plain = || say(&format!("{} says {}", request.agent, call));
        let reply = self.scripts.get_mut(who).and_then(VecDeque::pop_front).unwrap_or_else(plain);
        let mut calls = Vec::new();
        let (text, end) = match reply {
            Reply::Call(text, wanted) => {
                calls = wanted;
                (text, Some(Finish::Stop))
            }
            Reply::Say(text) => (text, Some(Finish::Stop)),
            Reply::Cut(text) => (text, Some(Finish::Length)),
            Reply::Hang(text) => {
                self.hung.insert(call);
                (text, None)
            }
            Reply::Fail(text, kind) => {
                self.chunk(call, Chunk::Text(text));
                self.open.retain(|open| open.call != call);
                let failure = Failure::new(kind, format!("{} failed: {kind:?}.", request.model));
                return self.input(Input::Failed { call, failure });
            }
        };
        // In two pieces, as streams come.
        let (one, two) = text.split_at(text.char_indices().nth(3).map_or(0, |(at, _)| at));
        self.chunk(call, Chunk::Text(one.into()));
        self.chunk(call, Chunk::Text(two.into()));
        for (n, (name, arguments)) in calls.into_iter().enumerate() {
            let id = format!("{call}-{n}");
            self.chunk(call, Chunk::Call(ToolCall { id, name, arguments: arguments.into(), echo: None }));
        }
        if let Some(finish) = end {
            self.chunk(call, Chunk::Usage(Tokens { input: 10, output: 5, ..Tokens::default() }));
            self.open.retain(|open| open.call != call);
            self.chunk(call, Chunk::Finished(finish));
        }
    }

    /// More of an answer that hangs.
    pub fn answer_to(&mut self, call: CallId, chunk: Chunk) {
        if let Chunk::Finished(_) = chunk {
            self.open.retain(|open| open.call != call);
        }
        self.chunk(call, chunk);
        self.go();
    }

    fn chunk(&mut self, call: CallId, chunk: Chunk) {
        if chunk != Chunk::Text(String::new()) {
            self.input(Input::Chunk { call, chunk });
        }
    }

    /// A program ends: killed ones with what they had printed, the others as scripted.
    pub fn finish(&mut self, op: OpId) {
        self.running.retain(|running| *running != op);
        let killed = self.killed.contains(&op);
        let (exit_code, output) = match killed {
            true => (137, "so far"),
            false => self.outcomes.pop_front().unwrap_or((0, "ok")),
        };
        let stopped = killed.then_some(Stopped::Killed);
        let execution =
            Execution { exit_code, output: output.into(), omitted: 0, stopped, duration_ms: 1, ..Execution::default() };
        self.input(Input::Ran { op, execution });
    }

    pub fn settle(&mut self) {
        for _ in 0..1_000 {
            let effects = self.machine.next(&self.session, self.now);
            let appends = effects.iter().any(|effect| matches!(effect, Effect::Append { .. }));
            self.perform(effects);
            if !appends {
                return self.agrees();
            }
        }
        panic!("the machine never has enough:\n{}", self.tail(20));
    }

    /// What the session takes to be in flight is what really is: nothing goes on unseen, nothing is waited for in vain.
    fn agrees(&self) {
        for call in self.open_calls() {
            assert!(self.session.is_calling(call), "call {call} is waited for by nobody:\n{}", self.tail(8));
        }
        assert_eq!(calling(&self.session), self.open.len(), "calls:\n{}", self.tail(8));
        assert_eq!(self.session.running(), self.running, "programs:\n{}", self.tail(8));
        let asked = self.session.consults().open().map(|(_, op)| op);
        assert_eq!(asked, self.consulting, "programs that are asked:\n{}", self.tail(8));
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append { actor, events, moved } => self.append(actor, events, moved),
                Effect::Call(request) => self.call(request),
                Effect::Cancel(call) => self.open.retain(|open| open.call != call),
                Effect::Run { op, agent, payload, hash } => self.run(op, agent, payload, &hash),
                Effect::Consult { op, consultation } => {
                    let last = &self.session.log().last().unwrap().event;
                    assert!(
                        matches!(last, Event::ConsultAsked(ConsultAsked { op: asked, .. }) if *asked == op),
                        "asked off the record"
                    );
                    self.consulted.push((op, consultation));
                    self.consulting = Some(op);
                }
                Effect::Kill(op) if self.consulting == Some(op) => self.consulting = None,
                Effect::Kill(op) => {
                    self.killed.insert(op);
                }
                Effect::Tell { id, consultation } => self.told.push((id, consultation)),
                Effect::Refuse(text) => self.refused.push(text),
                Effect::Wake(at) => self.wake = Some(self.wake.map_or(at, |wake| wake.min(at))),
                Effect::Extend(op, added_ms) => self.extended.push((op, added_ms)),
                Effect::Copy { work_dirs, name, then, .. } => {
                    self.copied.push((work_dirs, name, *then));
                }
                Effect::Look { .. } | Effect::Show(_) | Effect::Delta(_) | Effect::Tools(_) | Effect::Outlook(_) => {}
            }
        }
    }

    fn call(&mut self, request: Request) {
        let last = self.session.log().last().unwrap().event.innermost().1;
        let Event::ModelCalled { call, request: hash, .. } = last else { panic!("a call without its record") };
        assert_eq!((*call, hash), (request.call, &request.hash()), "the record is of another call");
        let called = request.messages.iter().flat_map(|message| message.tool_calls.iter().map(|call| call.id.as_str()));
        let answered = request.messages.iter().filter_map(|message| message.tool_call_id.as_deref());
        assert!(called.eq(answered), "a call without its result, or twice:\n{:?}", request.messages);
        self.asked.push(request.clone());
        self.open.push(request);
    }

    fn run(&mut self, op: OpId, agent: Name, payload: Arc<Payload>, hash: &str) {
        let last = self.session.log().last().unwrap().event.innermost().1;
        let Event::Intent { op: intended, approval, hash: meant } = last else { panic!("a run without its intent") };
        assert_eq!((*intended, meant.as_str()), (op, hash), "the intent is of another effect");
        assert_eq!(payload.hash(), hash, "what runs is not what was approved");
        let decided = self.session.path().into_iter().rev().find_map(|record| match record.event.innermost().1 {
            Event::ApprovalDecided { approval: decided, verdict, hash, .. } if decided == approval => {
                Some((verdict.clone(), hash.clone()))
            }
            _ => None,
        });
        let (verdict, approved) = decided.expect("nobody approved this on this branch");
        assert!(matches!(verdict, Verdict::Run | Verdict::RunEdited(_)), "this was denied");
        assert_eq!(approved, hash, "something else was approved");
        self.running.push(op);
        self.ran.push((op, agent, payload));
    }

    fn append(&mut self, actor: Actor, events: Vec<Event>, moved: Option<(Seq, BranchId)>) {
        let mut place = moved.map(|(seq, branch)| (Some(seq), branch));
        // Those who begin together are chosen at the same moment.
        for event in &events {
            if let Event::SpeakerChosen { choice } = event {
                self.may_speak(choice);
            }
        }
        for event in events {
            let (parent, branch) = place.take().unwrap_or((self.session.head(), self.session.branch()));
            let seq = self.session.next_seq();
            let record = Record { seq, parent, branch, actor: actor.clone(), at: self.now, event };
            self.session.apply(Arc::new(record)).expect("the machine made a record that does not fit its session");
        }
    }

    /// Nobody gets the floor who is barred or after the last round, unless the operator says so.
    fn may_speak(&self, choice: &Choice) {
        let team = self.session.team().unwrap();
        if choice.mode != "operator" {
            assert!(self.session.rounds() < team.max_round, "{choice:?} after the last round");
        }
        assert!(self.session.floor().bar(&choice.agent).is_none(), "{choice:?} is barred");
        if !["operator", "queue", "retry"].contains(&choice.mode.as_str()) {
            let eligible = candidates(&self.session, team).eligible;
            assert!(eligible.contains(&choice.agent), "{choice:?} is not among {eligible:?}");
            assert_eq!(eligible, choice.candidates, "the record names other candidates");
        }
    }

    /// The transcript as `author: text`, interrupted messages in brackets.
    pub fn said(&self) -> Vec<String> {
        let shown = self.session.transcript().entries().iter().map(|entry| {
            let who = entry.message.author_path().collect::<Vec<_>>().join("/");
            let line = format!("{who}: {}", entry.message.content);
            if entry.message.completeness == Completeness::Interrupted { format!("[{line}]") } else { line }
        });
        shown.collect()
    }

    /// Who had the floor, in order, by which mode, on the active branch.
    pub fn choices(&self) -> Vec<String> {
        let path = self.session.path();
        let chosen = path.iter().filter_map(|record| match &record.event {
            Event::SpeakerChosen { choice } => Some(format!("{} {}", choice.agent, choice.mode)),
            _ => None,
        });
        chosen.collect()
    }

    pub fn ended(&self) -> Option<(EndCause, &str)> {
        self.session.ended().map(|end| (end.cause.clone(), end.text.as_str()))
    }

    pub fn exit_code(&self) -> Option<u8> {
        self.session.ended().map(|end| end.cause.exit_code())
    }

    /// Records of the whole log that fit.
    pub fn count(&self, fits: impl Fn(&Event) -> bool) -> usize {
        self.session.log().iter().filter(|record| fits(&record.event)).count()
    }

    /// The newest records, for a failing test.
    pub fn tail(&self, n: usize) -> String {
        let log = self.session.log();
        log[log.len().saturating_sub(n)..].iter().map(|record| format!("{:?}\n", record.event)).collect()
    }

    /// Calls that wait for an answer.
    pub fn open_calls(&self) -> Vec<CallId> {
        self.open.iter().map(|request| request.call).collect()
    }

    pub fn running(&self) -> &[OpId] {
        &self.running
    }
}

/// Calls that the session takes to be under way, in nested teams too.
fn calling(session: &Session) -> usize {
    let inquiries = session.turns().iter().map(|turn| &turn.inquiry);
    let lines = inquiries.chain([&session.floor().selecting.inquiry, &session.summing().inquiry]);
    let own = lines.filter(|inquiry| matches!(inquiry.phase, Phase::Calling(_))).count();
    let within = session.turns().iter().filter(|turn| turn.stage == Stage::Within);
    own + within.filter_map(|turn| session.inner(&turn.agent)).map(calling).sum::<usize>()
}
