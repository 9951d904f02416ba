//! What the console knows: its own fold of the session, the live streams, the state of its panes and modals.

use super::action::{Action, Context};
use super::clock::Time;
use super::input::KeyPress;
use super::keymap::Hint;
use super::layout::Arrangement;
use super::live::Live;
use super::look::Look;
use super::modal::{Modal, Overlay};
use super::pane::agents::Agents;
use super::pane::transcript::Transcript;
use super::widget::editor::Editor;
use crate::chat::event::Choice;
use crate::chat::{Name, UnixMillis};
use crate::session::Session;
use std::time::Duration;

/// How long a notice stays.
pub(super) const TOAST: Duration = Duration::from_secs(6);

/// Which pane has the keys, when no modal has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The panes.
    Main,
    /// The line in which the operator speaks.
    Composer,
    /// The search line.
    Search,
}

/// Words for one member only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whisper {
    /// Who hears them.
    pub to: Name,
    /// Whether the others are told that it was spoken to.
    pub announced: bool,
}

/// The console's state.
pub struct App {
    /// Our own fold of the records.
    pub session: Session,
    /// What streams.
    pub live: Live,
    /// Looks and keys.
    pub look: Look,
    /// The transcript.
    pub transcript: Transcript,
    /// The agents.
    pub agents: Agents,
    /// Who has the keys.
    pub focus: Focus,
    /// Which panes stand where.
    pub arranged: Arrangement,
    /// What lies on top; the last has the keys.
    pub modals: Vec<Modal>,
    /// The line in which the operator speaks.
    pub composer: Editor,
    /// In whose name; `None` in one's own.
    pub speak_as: Option<Name>,
    /// To whom; `None` to everybody.
    pub speak_to: Option<Whisper>,
    /// What was sent before, oldest first.
    pub history: Vec<String>,
    /// Where in the history one is.
    pub recalled: Option<usize>,
    /// The search line.
    pub search: Editor,
    /// Who would speak next.
    pub outlook: Option<Choice>,
    /// Keys of an unfinished chord, and what may follow.
    pub pending: Vec<KeyPress>,
    /// What may follow the pending keys.
    pub following: Vec<Hint>,
    /// A notice, and until when it stays.
    pub toast: Option<(String, Time)>,
    /// Something is wrong outside the conversation; stays until it is mended.
    pub fault: Option<String>,
    /// The engine has stopped.
    pub closed: bool,
    /// Time since the console started.
    pub now: Time,
    /// Wall time when it started.
    pub started: UnixMillis,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What lies on top wants a frame then.
    pub arms_at: Option<Time>,
    /// What the loop is to do because of what the engine said.
    pub deeds: Vec<Deed>,
}

/// What the loop is to do for the console.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Send this to the engine.
    Send(crate::chat::command::Command),
    /// Offer this to the terminal's clipboard.
    Copy(String),
    /// Stop like any program that gets Ctrl-Z.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Let the operator edit this in `$EDITOR`; the result comes back as [`App::edited`].
    Edit(String),
    /// Open a shell where the code of this agent runs.
    Shell(Name, Box<crate::chat::code::Payload>),
    /// Leave.
    Quit,
}

impl App {
    /// A console for a session, as it stands.
    pub fn new(session: Session, look: Look, started: UnixMillis, size: (u16, u16)) -> Self {
        let key = look.keymap.word(Action::ToggleFold, Context::Main);
        let mut transcript = Transcript::default().with_fold_key(key);
        transcript.rebuild(&session);
        App {
            session,
            live: Live::default(),
            look,
            transcript,
            agents: Agents::default(),
            focus: Focus::Main,
            arranged: Arrangement::default(),
            modals: Vec::new(),
            composer: Editor::new("", "say something to the team"),
            speak_as: None,
            speak_to: None,
            history: Vec::new(),
            recalled: None,
            search: Editor::new("", ""),
            outlook: None,
            pending: Vec::new(),
            following: Vec::new(),
            toast: None,
            fault: None,
            closed: false,
            now: Time::ZERO,
            started,
            size,
            arms_at: None,
            deeds: Vec::new(),
        }
    }

    /// Wall time now.
    pub fn wall(&self) -> UnixMillis {
        self.started + self.now.as_millis() as UnixMillis
    }

    /// Milliseconds since the console started.
    pub fn now_ms(&self) -> u64 {
        self.now.as_millis() as u64
    }

    /// Which keys count now.
    pub fn context(&self) -> Context {
        match (self.modals.last(), self.focus) {
            (Some(modal), _) => modal.context(),
            (None, Focus::Composer) => Context::Composer,
            (None, Focus::Search) => Context::Search,
            (None, Focus::Main) => Context::Main,
        }
    }

    /// Tells the operator something for a while.
    pub fn say(&mut self, text: impl Into<String>) {
        self.toast = Some((text.into(), self.now + TOAST));
    }

    /// When the screen will look different without anything happening: a clock that runs, a notice that goes, an
    /// approval that arms. `None` when nothing does; then no timer need run.
    pub fn changes_at(&self) -> Option<Time> {
        let toast = self.toast.as_ref().map(|(_, until)| *until);
        let counts_down = self.session.floor().wanted.as_ref().is_some_and(|wanted| wanted.until.is_some());
        let by_hand = self.session.hands_running().next().is_some();
        let ticks = by_hand || ((self.session.is_busy() || counts_down) && self.session.ended().is_none());
        let second = ticks.then(|| Time::from_secs(self.now.as_secs() + 1));
        let arms = self.arms_at.filter(|at| *at > self.now);
        [toast, second, arms].into_iter().flatten().min()
    }
}
