//! A world for one session: a real engine, real executors, a real journal, and models that read from a script.
//!
//! Time is real: code really runs, and tokio's paused clock would race ahead of it.

use plenary::chat::breaks::Breaks;
use plenary::chat::command::Command;
use plenary::chat::consult::ConsultAnswered;
use plenary::chat::consult::ConsultAsked;
use plenary::chat::containment::Tier;
use plenary::chat::event::{EndCause, Event, FORMAT, Record};
use plenary::chat::id::Seq;
use plenary::chat::message::Message;
use plenary::chat::team::Team;
use plenary::chat::update::Update;
use plenary::chat::watch::Detection;
use plenary::engine::{Clock, Engine, Handle, Parts};
use plenary::journal::{Durability, Journal, JournalError, Memory, Store, Writer};
use plenary::models::{self, Models};
use plenary::session::{Ended, Session};
use plenary::settings::{Base, Defaults, parse_team};
use plenary::wire::{self, Options};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// How long a run may go without ending before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// The identity of every session here.
pub const SESSION: &str = "20261120-130501-scene-0001";

/// What a session is made of.
pub struct World {
    /// The team; relative paths of its file lie in `dir`.
    pub team: Team,
    pub options: Options,
    /// Where keys come from, instead of the environment.
    pub secrets: HashMap<String, String>,
    /// Keep the log in a file instead of in memory.
    pub on_disk: bool,
    dir: TempDir,
}

/// The log as the journal got it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Memory>>);

impl Journal for Kept {
    fn append(&mut self, records: &[Arc<Record>], durability: Durability) -> Result<(), JournalError> {
        self.0.lock().unwrap().append(records, durability)
    }
}

/// A session that runs.
pub struct Running {
    pub handle: Handle,
    /// Our own fold of the records, as a view has one.
    pub session: Session,
    /// Everything that was said, in order.
    pub updates: Vec<Update>,
    world: World,
    kept: Kept,
}

/// A session that is over, or was left.
pub struct Told {
    /// The engine's own session at the end.
    pub session: Session,
    pub updates: Vec<Update>,
    /// Lives as long as the files are looked at.
    world: World,
}

impl World {
    /// A world for the team in this text.
    pub fn of(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = Base { dir: dir.path().to_owned(), defaults: Defaults::default() };
        let price_of = |provider: &str, model: &str| {
            (models::prices::price_of(provider, model), models::prices::context_window_of(provider, model))
        };
        let loaded = parse_team("team.toml", text, &wire::families(), &price_of, &base)
            .unwrap_or_else(|report| panic!("the team has mistakes:\n{report}"));
        let mut team = loaded.team;
        // What a machine has for containing code must not show in what these worlds say.
        for code in team.agents.iter_mut().filter_map(|agent| agent.code_execution.as_mut()) {
            if code.executor.kind == "local" {
                code.executor.options.insert("tier".into(), "none".into());
                code.minimum_tier = Tier::None;
            }
        }
        World { team, options: Options::default(), secrets: HashMap::new(), on_disk: false, dir }
    }

    /// Nobody sits at a screen.
    pub fn headless(mut self) -> Self {
        self.options.headless = true;
        self
    }

    /// Keys, under the names of their variables.
    pub fn secret(mut self, variable: &str, value: &str) -> Self {
        self.secrets.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// Scripts speak at this pace in tokens a second; 0 is all at once.
    pub fn paced(mut self, pace: f64) -> Self {
        for model in self.team.models.values_mut().filter(|model| model.provider.kind == "scripted") {
            model.provider.options.insert("pace".into(), pace.into());
            model.provider.options.remove("first_token");
        }
        self
    }

    /// Starts the session.
    pub fn start(self) -> Running {
        models::install_tls();
        let kept = Kept::default();
        let journal = if self.on_disk {
            Writer::spawn(Box::new(self.store().create(SESSION).unwrap()))
        } else {
            Writer::spawn(Box::new(kept.clone()))
        };
        let (machine, executors) = wire::concrete(&self.team, &self.options).unwrap();
        let start = Event::SessionStarted {
            session: SESSION.into(),
            format: FORMAT,
            team: Arc::new(self.team.clone()),
            headless: self.options.headless,
        };
        let handle = Engine::start(Parts {
            session: Session::default(),
            start: Some(start),
            machine,
            journal,
            models: Models::new(&self.team, Arc::new(self.secrets.clone())),
            executors,
            clock: Clock::system(),
        });
        Running { handle, session: Session::default(), updates: Vec::new(), world: self, kept }
    }

    /// Runs without an operator until the session ends.
    pub async fn run(self) -> Told {
        let mut running = self.start();
        while running.session.ended().is_none() {
            running.next().await;
        }
        running.leave().await
    }

    fn store(&self) -> Store {
        Store::at(self.dir.path().join("sessions")).unwrap()
    }
}

impl Running {
    /// Takes in the next thing the engine says.
    pub async fn next(&mut self) -> &Update {
        let update = match tokio::time::timeout(PATIENCE, self.handle.updates.recv()).await {
            Ok(Some(update)) => update,
            Ok(None) => panic!("the engine is gone; so far:\n{}", story(self.session.log())),
            Err(_) => panic!(
                "nothing happens any more; waiting for {:?}; so far:\n{}",
                self.session.waiting(),
                story(self.session.log())
            ),
        };
        self.take(update);
        self.updates.last().unwrap()
    }

    fn take(&mut self, update: Update) {
        if let Update::Record(record) = &update {
            self.session.apply(record.clone()).unwrap();
        }
        self.updates.push(update);
    }

    /// Sends a command.
    pub async fn send(&self, command: Command) {
        self.handle.commands.send(command).await.unwrap();
    }

    /// Lets go of the session as a console does that is closed, and waits until the engine has stopped.
    pub async fn leave(mut self) -> Told {
        let Handle { commands, mut updates, done, stop } = self.handle;
        drop((commands, stop));
        let mut rest = Vec::new();
        let last = async {
            while let Some(update) = updates.recv().await {
                rest.push(update);
            }
            done.await.unwrap()
        };
        let session = tokio::time::timeout(PATIENCE, last).await.expect("the engine does not stop");
        for update in rest {
            if let Update::Record(record) = &update {
                self.session.apply(record.clone()).unwrap();
            }
            self.updates.push(update);
        }
        let kept = match self.world.on_disk {
            true => self.world.store().read(SESSION).unwrap(),
            false => self.kept.0.lock().unwrap().0.clone(),
        };
        assert_eq!(self.session.log(), kept, "what a view saw is what the journal holds");
        assert_eq!(session.log(), kept, "what the engine knows is what the journal holds");
        super::laws::check(&kept);
        Told { session, updates: self.updates, world: self.world }
    }
}

impl Told {
    /// The log.
    pub fn log(&self) -> &[Arc<Record>] {
        self.session.log()
    }

    /// The end.
    pub fn ended(&self) -> &Ended {
        self.session.ended().unwrap_or_else(|| panic!("it has not ended:\n{}", story(self.log())))
    }

    /// What a headless process would exit with.
    pub fn exit_code(&self) -> Option<u8> {
        self.session.ended().map(|ended| EndCause::exit_code(&ended.cause))
    }

    /// The messages of the active branch.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.session.transcript().entries().iter().map(|entry| entry.message.clone()).collect()
    }

    /// What some event holds, for every record that has it.
    pub fn each<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.log().iter().filter_map(|record| pick(&record.event)).collect()
    }

    /// How many records there are of this kind, named as in the log.
    pub fn count(&self, kind: &str) -> usize {
        self.log().iter().filter(|record| kind_of(&record.event) == kind).count()
    }

    /// What was refused.
    pub fn refused(&self) -> Vec<&str> {
        let refused = self.updates.iter().filter_map(|update| match update {
            Update::Refused { text } => Some(text.as_str()),
            _ => None,
        });
        refused.collect()
    }

    /// A path in the directory of the team's file.
    pub fn path(&self, below: &str) -> PathBuf {
        self.world.dir.path().join(below)
    }

    /// The log as a story.
    pub fn story(&self) -> String {
        story(self.log())
    }
}

/// The name of an event in the log.
pub fn kind_of(event: &Event) -> String {
    serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned()
}

/// One line a record: what does not depend on time, place or machine.
pub fn story(log: &[Arc<Record>]) -> String {
    log.iter().map(|record| line(record) + "\n").collect()
}

fn line(record: &Record) -> String {
    use plenary::chat::event::Actor;
    let after = match record.parent {
        Some(Seq(parent)) if parent + 1 != record.seq.0 => format!(" after {parent}"),
        _ => String::new(),
    };
    let branch = if record.branch.0 > 0 { format!(" on {}", record.branch) } else { String::new() };
    let actor = match &record.actor {
        Actor::Operator => "operator".to_owned(),
        Actor::Agent(name) => name.to_string(),
        Actor::Policy(name) => format!("policy {name}"),
        Actor::System => "system".to_owned(),
    };
    let kind = kind_of(&record.event);
    format!("{:>3}{after}{branch} {actor}: {kind} {}", record.seq, detail(&record.event)).trim_end().to_owned()
}

fn detail(event: &Event) -> String {
    let begin = |text: &str| text.lines().next().unwrap_or_default().chars().take(60).collect::<String>();
    match event {
        Event::SessionStarted { team, headless, .. } => {
            format!("{}{}", team.name, if *headless { ", headless" } else { "" })
        }
        Event::MessagePosted { message } => {
            let (id, author, kind) = (message.id, message.author.name(), message.kind);
            let text = match message.completeness {
                plenary::chat::message::Completeness::Whole => format!("{:?}", begin(&message.content)),
                other => format!("{other:?}"),
            };
            format!("{id} {author} {kind:?} {text}")
        }
        Event::MessageEdited { message, content } => format!("{message} {:?}", begin(content)),
        Event::BranchMoved { name, .. } => name.clone(),
        Event::SpeakerWanted { candidates, proposed, .. } => format!("of {candidates:?} proposed {proposed:?}"),
        Event::SpeakerChosen { choice } => format!("{} by {}", choice.agent, choice.mode),
        Event::SpeakerBarred { agent, .. } | Event::SpeakerUnbarred { agent } => agent.to_string(),
        Event::ConsultAsked(ConsultAsked { key, command, .. }) => format!("{key}: {}", command[0]),
        Event::ConsultAnswered(ConsultAnswered { advice, .. }) => match &advice.failure {
            Some(why) => format!("failed: {why}"),
            None => format!("{:?}", begin(&advice.answer)),
        },
        Event::SelectorAnswered { answer, .. } => format!("{:?}", begin(answer)),
        Event::QueueChanged { queue } => format!("{queue:?}"),
        Event::TurnStarted { agent, .. } => agent.to_string(),
        Event::TurnEnded { finished: false, .. } => "unfinished".to_owned(),
        Event::ModelCalled { agent, purpose, model, attempt, messages, .. } => {
            format!("{model} for {agent} to {purpose:?}, attempt {attempt}, {messages} messages")
        }
        Event::ModelAnswered { finish, .. } => format!("{finish:?}"),
        Event::ModelFailed { failure, retry_ms, fallback, .. } => {
            let then = match (retry_ms, fallback) {
                (_, Some(model)) => format!("fall back to {model}"),
                (Some(_), None) => "again".to_owned(),
                (None, None) => "give up".to_owned(),
            };
            format!("{:?}: {then}", failure.kind)
        }
        Event::ApprovalAsked { agent, source, payload, .. } => {
            format!("{agent} for message {source}, {} lines", payload.lines())
        }
        Event::ApprovalDecided { verdict, seen_in_full, .. } => {
            let verdict = match verdict {
                plenary::chat::event::Verdict::RunEdited(_) => "RunEdited".to_owned(),
                other => format!("{other:?}"),
            };
            format!("{verdict}{}", if *seen_in_full { ", seen in full" } else { "" })
        }
        Event::Outcome { execution, .. } => format!("exit {}", execution.exit_code),
        Event::HumanAsked { agent, ask_kind, .. } => format!("{agent} {ask_kind:?}"),
        Event::HumanAnswered { answer, .. } => format!("{answer:?}"),
        Event::HoldAsked { boundary } => format!("{boundary:?}"),
        Event::Held { why } => begin(&format!("{why:?}")),
        Event::Released { step: true } => "for one turn".to_owned(),
        Event::DetectorChanged(Detection { detector, count, .. }) => format!("{detector} ×{count}"),
        Event::Breaks(breaks) => match breaks {
            Breaks::Set { id, .. } => format!("{id} set"),
            Breaks::Hit { id, text, count, .. } => format!("{id} ×{count} {text}"),
            Breaks::Shown { request, .. } => format!("shown: {} messages", request.messages.len()),
            Breaks::Amended { messages, .. } => format!("amended: {} messages", messages.len()),
            Breaks::Drafted { message, .. } => format!("drafted: {:?}", begin(&message.content)),
            Breaks::Revised { content, .. } => format!("revised: {:?}", begin(content)),
            other => begin(&format!("{other:?}")),
        },
        Event::BudgetCrossed { limit, .. } => limit.clone(),
        Event::Ended { cause, .. } => format!("{cause:?}"),
        _ => String::new(),
    }
}
