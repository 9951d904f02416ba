//! The desk: one engine, several consoles, one baton.

use crate::chat::baton::{Baton, Handover};
use crate::chat::command::Command;
use crate::chat::event::Record;
use crate::chat::trials::{Trials, WhatIf};
use crate::chat::update::Update;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How long a holder may leave a question about the baton unanswered.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far a console may be behind before it has to come again.
const BEHIND: usize = 4096;

/// What comes of trying something out.
pub type Tried = mpsc::Sender<Trials>;
/// Tries something out on the log as it is, and tells how far it has come.
pub type Trier = Arc<dyn Fn(Vec<Arc<Record>>, WhatIf, Tried) + Send + Sync>;

/// A console's place at the desk.
pub struct Seat {
    /// What happened before it came.
    pub records: Vec<Arc<Record>>,
    /// Where its commands go. Dropping this leaves the desk.
    pub commands: mpsc::Sender<Command>,
    /// What happens from now on.
    pub updates: mpsc::Receiver<Update>,
}

/// What kind of console sits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// That of the process in which the engine runs: it is waited for, as an engine always did.
    Local,
    /// One in another process: when it cannot follow it loses its seat.
    Remote,
    /// No console: it hears everything, holds no baton and is not counted.
    Silent,
}

/// The way to a desk. The desk is there until the engine stops, or until [`Desk::close`].
#[derive(Clone)]
pub struct Desk {
    wishes: mpsc::Sender<Wish>,
}

enum Wish {
    Sit { name: String, kind: Kind, seat: oneshot::Sender<Seat> },
    Said(u64, Option<Command>),
    Trials(Trials),
    GoesOn(oneshot::Sender<bool>),
    Tell(Command),
    Close,
}

impl Desk {
    /// A desk before an engine: its log so far, and its two channels.
    pub fn open(
        records: Vec<Arc<Record>>,
        commands: mpsc::Sender<Command>,
        updates: mpsc::Receiver<Update>,
        goes_on: bool,
        trier: Option<Trier>,
    ) -> Desk {
        let (wishes, heard) = mpsc::channel(256);
        let at_work = AtWork {
            records,
            commands,
            viewers: Vec::new(),
            next: 0,
            holder: None,
            asked: None,
            goes_on,
            trier,
            wishes: wishes.clone(),
        };
        tokio::spawn(at_work.run(updates, heard));
        Desk { wishes }
    }

    /// Takes a seat. `None` when the desk is gone.
    pub async fn sit(&self, name: impl Into<String>, kind: Kind) -> Option<Seat> {
        let (seat, given) = oneshot::channel();
        self.wishes.send(Wish::Sit { name: name.into(), kind, seat }).await.ok()?;
        given.await.ok()
    }

    /// Whether the run is to go on when the terminal is lost.
    pub async fn goes_on(&self) -> bool {
        let (to, answer) = oneshot::channel();
        let _ = self.wishes.send(Wish::GoesOn(to)).await;
        answer.await.unwrap_or(false)
    }

    /// Says something to the engine, whoever holds the baton: for the process in which it runs.
    pub async fn tell(&self, command: Command) {
        let _ = self.wishes.send(Wish::Tell(command)).await;
    }

    /// Lets go of the engine, which then stops.
    pub async fn close(&self) {
        let _ = self.wishes.send(Wish::Close).await;
    }
}

struct Viewer {
    id: u64,
    name: String,
    kind: Kind,
    updates: mpsc::Sender<Update>,
}

struct AtWork {
    records: Vec<Arc<Record>>,
    commands: mpsc::Sender<Command>,
    viewers: Vec<Viewer>,
    next: u64,
    holder: Option<u64>,
    /// Who asks for the baton, and when it is given without an answer.
    asked: Option<(u64, Instant)>,
    goes_on: bool,
    trier: Option<Trier>,
    wishes: mpsc::Sender<Wish>,
}

impl AtWork {
    async fn run(mut self, mut updates: mpsc::Receiver<Update>, mut wishes: mpsc::Receiver<Wish>) {
        loop {
            let deadline = self.asked.map(|(_, at)| at);
            tokio::select! {
                update = updates.recv() => match update {
                    Some(update) => self.tell(update).await,
                    // The engine is gone; so are the seats.
                    None => return,
                },
                Some(wish) = wishes.recv() => {
                    if matches!(wish, Wish::Close) {
                        break;
                    }
                    self.on(wish).await;
                }
                () = until(deadline) => {
                    if let Some((asker, _)) = self.asked.take() {
                        self.give(asker).await;
                    }
                }
            }
        }
        // Without a sender of commands the engine stops; what it still says is told to whoever is there.
        let AtWork { commands, mut viewers, .. } = self;
        drop(commands);
        while let Some(update) = updates.recv().await {
            viewers.retain(|viewer| viewer.updates.try_send(update.clone()).is_ok());
        }
    }

    async fn tell(&mut self, update: Update) {
        if let Update::Record(record) = &update {
            self.records.push(record.clone());
        }
        let passing = matches!(update, Update::Delta(_));
        let mut gone = Vec::new();
        for viewer in &self.viewers {
            let stays = if viewer.kind == Kind::Local && !passing {
                viewer.updates.send(update.clone()).await.is_ok()
            } else {
                match viewer.updates.try_send(update.clone()) {
                    Ok(()) => true,
                    // A piece of a stream may be missed: the record has the whole of it.
                    Err(mpsc::error::TrySendError::Full(_)) => passing,
                    Err(mpsc::error::TrySendError::Closed(_)) => false,
                }
            };
            if !stays {
                gone.push(viewer.id);
            }
        }
        for id in gone {
            self.leave(id).await;
        }
    }

    async fn on(&mut self, wish: Wish) {
        match wish {
            Wish::Sit { name, kind, seat } => self.sit(name, kind, seat).await,
            Wish::Said(id, None) => self.leave(id).await,
            Wish::Said(id, Some(Command::Baton(handover))) => self.handover(id, handover).await,
            Wish::Said(id, Some(_)) if self.holder != Some(id) => {
                let text = "You are only watching. Ask for the baton first.".to_owned();
                self.say_to(id, Update::Refused { text }).await;
            }
            Wish::Said(_, Some(Command::WhatIf(asked))) if self.trier.is_some() => {
                let (to, mut trials) = mpsc::channel(16);
                if let Some(trier) = &self.trier {
                    trier(self.records.clone(), asked, to);
                }
                let wishes = self.wishes.clone();
                tokio::spawn(async move {
                    while let Some(trials) = trials.recv().await {
                        let _ = wishes.send(Wish::Trials(trials)).await;
                    }
                });
            }
            Wish::Said(id, Some(command)) => {
                if self.commands.try_send(command).is_err() {
                    let text = "The engine does not listen at the moment; try again.".to_owned();
                    self.say_to(id, Update::Refused { text }).await;
                }
            }
            Wish::Trials(trials) => {
                if let Some(holder) = self.holder {
                    self.say_to(holder, Update::Trials(trials)).await;
                }
            }
            Wish::GoesOn(to) => {
                let _ = to.send(self.goes_on);
            }
            Wish::Tell(command) => {
                let _ = self.commands.send(command).await;
            }
            Wish::Close => {}
        }
    }

    async fn sit(&mut self, name: String, kind: Kind, seat: oneshot::Sender<Seat>) {
        let id = self.next;
        self.next += 1;
        let (commands, mut said) = mpsc::channel(64);
        let (to, updates) = mpsc::channel(BEHIND);
        let wishes = self.wishes.clone();
        tokio::spawn(async move {
            while let Some(command) = said.recv().await {
                if wishes.send(Wish::Said(id, Some(command))).await.is_err() {
                    return;
                }
            }
            let _ = wishes.send(Wish::Said(id, None)).await;
        });
        if seat.send(Seat { records: self.records.clone(), commands, updates }).is_err() {
            return;
        }
        self.viewers.push(Viewer { id, name, kind, updates: to });
        if kind != Kind::Silent {
            self.holder.get_or_insert(id);
        }
        self.standing().await;
    }

    async fn leave(&mut self, id: u64) {
        self.viewers.retain(|viewer| viewer.id != id);
        self.asked = self.asked.filter(|(asker, _)| *asker != id);
        if self.holder == Some(id) {
            // Whoever has asked for it, else whoever is there longest.
            let asker = self.asked.take().map(|(asker, _)| asker);
            let mut consoles = self.viewers.iter().filter(|viewer| viewer.kind != Kind::Silent);
            self.holder = asker.or_else(|| consoles.next().map(|viewer| viewer.id));
        }
        self.standing().await;
    }

    async fn handover(&mut self, id: u64, handover: Handover) {
        match handover {
            Handover::Ask if self.holder == Some(id) => {
                self.say_to(id, Update::Refused { text: "You hold the baton already.".to_owned() }).await;
            }
            Handover::Ask => {
                self.asked = Some((id, Instant::now() + PATIENCE));
                let text = "Asked for the baton; without an answer it is yours in ten seconds.".to_owned();
                self.say_to(id, Update::Refused { text }).await;
                self.standing().await;
            }
            Handover::Give | Handover::Keep if self.holder != Some(id) => {}
            Handover::Give => {
                if let Some((asker, _)) = self.asked.take() {
                    self.give(asker).await;
                }
            }
            Handover::Keep => {
                if let Some((asker, _)) = self.asked.take() {
                    let text = "The baton stays where it is.".to_owned();
                    self.say_to(asker, Update::Refused { text }).await;
                }
            }
            Handover::Lose if self.holder == Some(id) => {
                self.goes_on = !self.goes_on;
                self.standing().await;
            }
            Handover::Lose => {}
        }
    }

    async fn give(&mut self, to: u64) {
        if self.viewers.iter().any(|viewer| viewer.id == to) {
            self.holder = Some(to);
        }
        self.standing().await;
    }

    /// Tells everybody where they stand.
    async fn standing(&mut self) {
        let viewers = self.viewers.iter().filter(|viewer| viewer.kind != Kind::Silent).count() as u32;
        let asker = self.asked.and_then(|(asker, _)| self.viewers.iter().find(|viewer| viewer.id == asker));
        let asked = asker.map(|viewer| viewer.name.clone());
        let lost = if self.goes_on { "the run goes on without it" } else { "the run pauses at the next safe point" };
        for viewer in &self.viewers {
            let yours = self.holder == Some(viewer.id);
            let asked = asked.clone().filter(|_| yours);
            let lost = if viewer.kind == Kind::Local { lost.to_owned() } else { String::new() };
            // Whoever is too far behind to hear this hears it with the next change.
            let _ = viewer.updates.try_send(Update::Baton(Baton { viewers, yours, asked, lost }));
        }
    }

    async fn say_to(&self, id: u64, update: Update) {
        if let Some(viewer) = self.viewers.iter().find(|viewer| viewer.id == id) {
            let _ = viewer.updates.try_send(update);
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::command::Command;

    struct Console(Seat);

    impl Console {
        async fn said(&mut self) -> Update {
            tokio::time::timeout(Duration::from_secs(30), self.0.updates.recv()).await.unwrap().unwrap()
        }

        async fn standing(&mut self) -> Baton {
            loop {
                if let Update::Baton(standing) = self.said().await {
                    return standing;
                }
            }
        }

        async fn says(&self, command: Command) {
            self.0.commands.send(command).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_holds_the_baton_the_others_watch_and_who_does_not_answer_loses_it() {
        let (commands, mut heard) = mpsc::channel(8);
        let (_engine, updates) = mpsc::channel(8);
        let desk = Desk::open(Vec::new(), commands, updates, false, None);
        let mut first = Console(desk.sit("first", Kind::Local).await.unwrap());
        assert!(first.standing().await.yours);
        let mut second = Console(desk.sit("second", Kind::Remote).await.unwrap());
        assert_eq!((second.standing().await.yours, first.standing().await.viewers), (false, 2));

        second.says(Command::Resume).await;
        assert!(matches!(second.said().await, Update::Refused { .. }));
        first.says(Command::Step).await;
        assert_eq!(heard.recv().await, Some(Command::Step), "and nothing of the one who watches");

        second.says(Command::Baton(Handover::Ask)).await;
        assert_eq!(first.standing().await.asked.as_deref(), Some("second"));
        first.says(Command::Baton(Handover::Keep)).await;
        let kept = |update: &Update| matches!(update, Update::Refused { text } if text.contains("stays"));
        while !kept(&second.said().await) {}

        second.says(Command::Baton(Handover::Ask)).await;
        while !second.standing().await.yours {}
        second.says(Command::Resume).await;
        assert_eq!(heard.recv().await, Some(Command::Resume));
        drop(second);
        while !first.standing().await.yours {}
        desk.close().await;
        assert_eq!(heard.recv().await, None, "the engine is let go");
    }
}
