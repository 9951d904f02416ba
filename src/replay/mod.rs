//! Plays a recorded session: the same records in the same order, at any speed, with no network and nothing happening.
//!
//! To a view it looks like an engine: commands in, updates out. It reads records only; what they say was done is not done
//! again. May import `session` and `chat`. A new kind of stop point is a variant of [`Stop`].

use crate::chat::command::Command;
use crate::chat::event::{Event, Level, Record};
use crate::chat::id::Seq;
use crate::chat::playing::{Play, Playing};
use crate::chat::update::Update;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The longest wait between two records: hours in which nobody was there are not played.
const LONGEST: Duration = Duration::from_secs(2);
/// Fastest and slowest.
const SPEEDS: (f64, f64) = (0.125, 256.0);

/// Where a replay stops by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Something failed: a model, code, a tool, an agent.
    Failure,
    /// Code asked for consent.
    Approval,
    /// The run was held.
    Hold,
    /// A detector saw something graver than a badge.
    Detector,
    /// The operator did something.
    Operator,
    /// This agent got the floor.
    Agent(String),
}

impl Stop {
    /// As typed: `failure`, `approval`, `hold`, `detector`, `operator`, or the name of an agent.
    pub fn read(word: &str) -> Stop {
        match word {
            "failure" => Stop::Failure,
            "approval" => Stop::Approval,
            "hold" => Stop::Hold,
            "detector" => Stop::Detector,
            "operator" => Stop::Operator,
            name => Stop::Agent(name.to_owned()),
        }
    }

    /// Why to stop at this record, if so.
    pub fn at(&self, record: &Record) -> Option<String> {
        let event = record.event.innermost().1;
        let found = match (self, event) {
            (Stop::Failure, Event::ModelFailed { failure, .. }) => failure.message.clone(),
            (Stop::Failure, Event::AgentFailed { text, .. }) => text.clone(),
            (Stop::Failure, Event::Outcome { execution, .. }) if execution.exit_code != 0 => {
                format!("code ended with exit code {}", execution.exit_code)
            }
            (Stop::Failure, Event::ToolReturned { result, .. }) if result.is_error => format!("{} failed", result.name),
            (Stop::Approval, Event::ApprovalAsked { agent, .. }) => format!("{agent} asks to run code"),
            (Stop::Hold, Event::Held { .. }) => "the run was held".to_owned(),
            (Stop::Detector, Event::DetectorChanged(seen)) if seen.count > 0 && seen.level > Level::Badge => {
                seen.text.clone()
            }
            (Stop::Operator, _) if record.actor == crate::chat::event::Actor::Operator => {
                "the operator did this".to_owned()
            }
            (Stop::Agent(name), Event::TurnStarted { agent, .. }) if agent.eq_ignore_ascii_case(name) => {
                format!("{agent} has the floor")
            }
            _ => return None,
        };
        Some(found)
    }
}

/// What is to be played, and how.
#[derive(Debug, Clone)]
pub struct Score {
    /// A whole log.
    pub records: Vec<Arc<Record>>,
    /// Records that the view has already.
    pub from: usize,
    /// How many times faster than it happened.
    pub speed: f64,
    /// Where it stops by itself.
    pub stops: Vec<Stop>,
    /// Whether it begins by itself.
    pub going: bool,
}

/// Starts the player. It ends when the view lets go of the commands.
pub fn play(score: Score) -> (mpsc::Sender<Command>, mpsc::Receiver<Update>) {
    let (commands, asked) = mpsc::channel(64);
    let (to, updates) = mpsc::channel(4096);
    let player = Player { told: score.from.min(score.records.len()), stopped: None, score, to };
    tokio::spawn(player.run(asked));
    (commands, updates)
}

struct Player {
    score: Score,
    told: usize,
    stopped: Option<String>,
    to: mpsc::Sender<Update>,
}

impl Player {
    async fn run(mut self, mut asked: mpsc::Receiver<Command>) {
        self.report().await;
        loop {
            let wait = self.wait();
            tokio::select! {
                command = asked.recv() => match command {
                    Some(command) => self.on(command).await,
                    None => return,
                },
                () = async { match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                } } => self.next().await,
            }
            if self.to.is_closed() {
                return;
            }
        }
    }

    /// How long until the next record; `None` while it stands still.
    fn wait(&self) -> Option<Duration> {
        let next = self.score.records.get(self.told).filter(|_| self.score.going)?;
        let before = self.told.checked_sub(1).and_then(|last| self.score.records.get(last))?;
        let gap = Duration::from_millis(next.at.saturating_sub(before.at).max(0) as u64).min(LONGEST);
        Some(gap.div_f64(self.score.speed))
    }

    async fn report(&self) {
        let playing = Playing {
            at: self.told as u64,
            of: self.score.records.len() as u64,
            speed: self.score.speed,
            going: self.score.going,
            stopped: self.stopped.clone(),
        };
        let _ = self.to.send(Update::Playing(playing)).await;
    }

    /// Tells the next record.
    async fn tell(&mut self) -> Option<Arc<Record>> {
        let record = self.score.records.get(self.told)?.clone();
        self.told += 1;
        let _ = self.to.send(Update::Record(record.clone())).await;
        Some(record)
    }

    async fn next(&mut self) {
        self.stopped = None;
        if let Some(record) = self.tell().await {
            self.stopped = self.score.stops.iter().find_map(|stop| stop.at(&record));
        }
        self.score.going &= self.stopped.is_none() && self.told < self.score.records.len();
        self.report().await;
    }

    async fn on(&mut self, command: Command) {
        let play = match command {
            Command::Play(play) => play,
            Command::Pause { .. } | Command::Resume => Play::Toggle,
            Command::Step => Play::Forward,
            Command::MoveTo { seq } => Play::To(seq),
            _ => {
                let text = "This is a replay: nothing in it can be changed. To go on from here, open the session.";
                let _ = self.to.send(Update::Refused { text: text.to_owned() }).await;
                return;
            }
        };
        self.stopped = None;
        let (slowest, fastest) = SPEEDS;
        match play {
            Play::Toggle => self.score.going = !self.score.going && self.told < self.score.records.len(),
            Play::Faster => self.score.speed = (self.score.speed * 2.0).min(fastest),
            Play::Slower => self.score.speed = (self.score.speed / 2.0).max(slowest),
            Play::Forward => {
                self.score.going = false;
                while let Some(record) = self.tell().await {
                    if matches!(record.event, Event::TurnEnded { .. } | Event::Ended { .. }) {
                        break;
                    }
                }
            }
            Play::Back => {
                let begins = |record: &Arc<Record>| matches!(record.event, Event::TurnStarted { .. });
                // What stands before the turn that was begun last; standing there already, before the one before it.
                let before = &self.score.records[..self.told.saturating_sub(1)];
                let place = before.iter().rposition(begins).unwrap_or(1);
                self.go_to(place.max(1)).await;
            }
            Play::To(Seq(seq)) => self.go_to((seq as usize).clamp(1, self.score.records.len())).await,
        }
        self.report().await;
    }

    async fn go_to(&mut self, place: usize) {
        self.score.going = false;
        if place < self.told {
            self.told = place;
            let _ = self.to.send(Update::Rewound { to: Seq(place as u64) }).await;
        }
        while self.told < place && self.tell().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use crate::session::testing::{Log, speakers};

    /// What a view has after a number of commands.
    async fn view(records: &[Arc<Record>], going: bool, commands: &[Play]) -> (usize, Option<Playing>) {
        let score =
            Score { records: records.to_vec(), from: 1, speed: 1e6, stops: vec![Stop::Agent("b".into())], going };
        let (to, mut updates) = play(score);
        for play in commands {
            to.send(Command::Play(*play)).await.unwrap();
        }
        let (mut told, mut playing) = (1, None);
        while let Ok(Some(update)) = tokio::time::timeout(Duration::from_millis(300), updates.recv()).await {
            match update {
                Update::Record(record) => {
                    assert_eq!(record, records[told]);
                    told += 1;
                }
                Update::Rewound { to } => told = to.0 as usize,
                Update::Playing(now) => playing = Some(now),
                other => panic!("{other:?}"),
            }
        }
        (told, playing)
    }

    #[tokio::test]
    async fn it_goes_on_by_itself_stops_where_it_should_and_can_be_wound_both_ways() {
        let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
        for agent in ["a", "a", "b", "a"] {
            log.says(agent, "words");
        }
        let records = log.session.log().to_vec();
        let (told, playing) = view(&records, true, &[]).await;
        assert!(matches!(&records[told - 1].event, Event::TurnStarted { agent, .. } if &**agent == "b"));
        assert_eq!(playing.unwrap().stopped.as_deref(), Some("b has the floor"));
        let (one, _) = view(&records, false, &[Play::Forward]).await;
        assert!(matches!(records[one - 1].event, Event::TurnEnded { .. }));
        let (back, _) = view(&records, false, &[Play::Forward, Play::Forward, Play::Back, Play::Back]).await;
        assert!(matches!(records[back].event, Event::TurnStarted { .. }) && back < one, "{back} {one}");
        let (all, _) = view(&records, false, &[Play::To(Seq(u64::MAX))]).await;
        assert_eq!(all, records.len());
        let there = Session::replay(records[..back].iter().cloned()).unwrap();
        assert_eq!(there.rounds(), 1);
    }
}
