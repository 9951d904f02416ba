//! The one loop: inputs, updates and deadlines in; frames, commands and the way out.

use super::app::{App, Deed};
use super::clock::{FrameClock, Time};
use super::input::{self, Input, Inputs, Reader, Signal, watch_signals};
use super::look::Look;
use super::terminal::{Screen, Tty};
use super::view;
use super::words;
use crate::chat::Name;
use crate::chat::code::Payload;
use crate::chat::command::Command;
use crate::chat::update::Update;
use crate::session::Session;
use crate::text::clean::one_line;
use std::io;
use std::process::Command as Process;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Most updates that are taken in before the loop looks at keys and deadlines again.
const BATCH: usize = 4096;

/// What the console is given.
pub struct Console {
    /// The session as it stands.
    pub session: Session,
    /// Where commands go.
    pub commands: mpsc::Sender<Command>,
    /// Where updates come from.
    pub updates: mpsc::Receiver<Update>,
    /// Looks and keys.
    pub look: Look,
    /// What opens a shell on the terminal that the console has left, where such a payload of that agent runs.
    pub shell: Shell,
}

/// Opens a shell on this terminal and returns when it is left, or says why there is none.
pub type Shell = Box<dyn Fn(&Name, &Payload) -> Result<(), String> + Send + Sync>;

/// What the console reaches out with.
struct Hands {
    commands: mpsc::Sender<Command>,
    shell: Shell,
}

/// How the console was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// By the operator.
    Quit,
    /// By a signal, whose number this is.
    Signal(u8),
    /// The terminal is gone.
    Gone,
}

/// Runs the console until it is left. Letting go of the command channel tells the engine to stop.
///
/// # Errors
/// When the terminal cannot be taken or drawn on.
pub async fn run(console: Console) -> io::Result<Left> {
    let Console { session, commands, mut updates, look, shell } = console;
    let hands = Hands { commands, shell };
    let (to, mut inputs) = input::channel();
    let mut screen = Screen::enter(Tty, to.clone())?;
    screen.rescue(look.crashes.clone()).install();
    let reader = Reader::stdin(to.clone())?;
    watch_signals(to)?;
    let begun = Instant::now();
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let mut clock = FrameClock::new(look.frame_rate);
    let mut app = App::new(session, look, wall, screen.size());
    let mut title = String::new();
    let mut open = true;
    clock.request(Time::ZERO);
    let left = 'run: loop {
        for deed in std::mem::take(&mut app.deeds) {
            if let Some(left) = perform(deed, &mut app, &mut screen, &reader, &hands, &mut inputs)? {
                break 'run left;
            }
            clock.request(app.now);
        }
        let deadline = clock.deadline().filter(|_| screen.ready());
        // Updates wait for a frame that is near and are taken in before it: waking for every token costs more than
        // showing it.
        let frame_first = deadline.is_some() && clock.is_near(begun.elapsed());
        tokio::select! {
            biased;
            () = sleep_until(deadline, begun) => {
                app.now = begun.elapsed();
                take_updates(&mut updates, &mut app);
                if draw(&mut screen, &mut app, &mut title).is_err() {
                    // Only its writer can fail, and it fails when the terminal is gone.
                    break Left::Gone;
                }
                clock.drawn(app.now);
                if let Some(at) = app.changes_at() {
                    clock.request(at);
                }
            }
            Some(input) = inputs.recv() => {
                app.now = begun.elapsed();
                let mut next = Some(input);
                let mut way_out = None;
                while let Some(input) = next {
                    way_out = take_in(input, &mut app, &mut screen, &reader, &hands, &mut inputs, &mut clock).await?;
                    if way_out.is_some() {
                        break;
                    }
                    next = inputs.try_recv().ok();
                }
                if let Some(left) = way_out {
                    break left;
                }
            }
            update = updates.recv(), if open && !frame_first => {
                app.now = begun.elapsed();
                let mut stream_only = false;
                match update {
                    Some(update) => {
                        stream_only = matches!(update, Update::Delta(_));
                        app.on_update(update);
                        stream_only &= take_updates(&mut updates, &mut app);
                    }
                    None => {
                        open = false;
                        app.closed = true;
                    }
                }
                if stream_only {
                    clock.request_stream(app.now);
                } else {
                    clock.request(app.now);
                }
            }
        }
    };
    drop(hands);
    screen.leave();
    // The engine may have much to say while it stops; nobody reads it, and it must not wait for us.
    updates.close();
    Ok(left)
}

/// Takes in what the engine has said; true if that was nothing but more of a stream.
fn take_updates(updates: &mut mpsc::Receiver<Update>, app: &mut App) -> bool {
    let mut stream_only = true;
    for _ in 0..BATCH {
        let Ok(update) = updates.try_recv() else { break };
        stream_only &= matches!(update, Update::Delta(_));
        app.on_update(update);
    }
    stream_only
}

/// Takes in one input; says how the console is left, if it is.
async fn take_in(
    input: Input,
    app: &mut App,
    screen: &mut Screen<Tty>,
    reader: &Reader,
    hands: &Hands,
    inputs: &mut Inputs,
    clock: &mut FrameClock,
) -> io::Result<Option<Left>> {
    match input {
        Input::Drawn => return Ok(None),
        Input::Gone => return Ok(Some(Left::Gone)),
        Input::Signal(Signal::Continue) => {
            screen.enter_again()?;
            let (columns, rows) = screen.size();
            app.size = (columns, rows);
        }
        Input::Signal(Signal::Terminate) => return Ok(Some(Left::Signal(15))),
        Input::Signal(Signal::HangUp) => return Ok(Some(Left::Signal(1))),
        Input::Signal(Signal::Interrupt) => return Ok(Some(Left::Signal(2))),
        Input::Resize(columns, rows) => {
            screen.resize(columns, rows);
            app.on_input(Input::Resize(columns, rows));
        }
        other => {
            for deed in app.on_input(other) {
                if let Some(left) = perform(deed, app, screen, reader, hands, inputs)? {
                    return Ok(Some(left));
                }
            }
        }
    }
    clock.request_input(app.now);
    Ok(None)
}

/// Does for the console what it cannot do itself; says how it is left, if it is.
fn perform(
    deed: Deed,
    app: &mut App,
    screen: &mut Screen<Tty>,
    reader: &Reader,
    hands: &Hands,
    inputs: &mut Inputs,
) -> io::Result<Option<Left>> {
    match deed {
        Deed::Send(command) => {
            if hands.commands.try_send(command).is_err() {
                app.say("The engine does not listen; leave with q and open the session again.");
            }
        }
        Deed::Copy(text) => match screen.copy(&text) {
            Ok(said) => app.say(said),
            Err(error) => app.say(error.to_string()),
        },
        Deed::Redraw => screen.invalidate(),
        Deed::Suspend => {
            reader.park();
            if let Err(error) = screen.suspend() {
                app.say(error.to_string());
            }
            reader.resume();
        }
        Deed::Edit(text) => {
            reader.park();
            screen.leave();
            let edited = in_editor(&text);
            if let Some(left) = back(app, screen, reader, inputs)? {
                return Ok(Some(left));
            }
            match edited {
                Ok(text) => app.edited(&text),
                Err(why) => app.say(why),
            }
        }
        Deed::Shell(agent, payload) => {
            reader.park();
            screen.leave();
            let place = &payload.place;
            let words = format!(
                "A shell where the code of {} runs: {} ({}). Leave it with exit.\r\n",
                one_line(&agent),
                one_line(&place.work_dir),
                one_line(&place.containment)
            );
            screen.print(&words)?;
            let opened = (hands.shell)(&agent, &payload);
            if let Some(left) = back(app, screen, reader, inputs)? {
                return Ok(Some(left));
            }
            match opened {
                Ok(()) => app.say("Back from the shell."),
                Err(why) => app.say(format!("No shell: {why}.")),
            }
        }
        Deed::Quit => return Ok(Some(Left::Quit)),
    }
    Ok(None)
}

/// Takes the terminal again after another program had it.
fn back(app: &mut App, screen: &mut Screen<Tty>, reader: &Reader, inputs: &mut Inputs) -> io::Result<Option<Left>> {
    screen.enter_again()?;
    reader.resume();
    // What was typed into the other program and came too late is not meant for us; all else is.
    while let Ok(input) = inputs.try_recv() {
        match input {
            Input::Resize(columns, rows) => {
                screen.resize(columns, rows);
                app.on_input(Input::Resize(columns, rows));
            }
            Input::Signal(Signal::Terminate) => return Ok(Some(Left::Signal(15))),
            Input::Signal(Signal::HangUp) => return Ok(Some(Left::Signal(1))),
            Input::Gone => return Ok(Some(Left::Gone)),
            _ => {}
        }
    }
    Ok(None)
}

fn draw(screen: &mut Screen<Tty>, app: &mut App, title: &mut String) -> io::Result<()> {
    let wanted = window_title(app);
    if *title != wanted {
        screen.set_title(&wanted);
        *title = wanted;
    }
    let (width, height) = screen.size();
    view::measure(app, ratatui::layout::Rect { x: 0, y: 0, width, height });
    screen.draw(|frame| {
        let area = frame.area();
        if let Some(cursor) = view::draw(app, area, frame.buffer_mut()) {
            frame.set_cursor_position(cursor);
        }
    })?;
    Ok(())
}

/// What the terminal's window is called: who this is and whether somebody is wanted.
fn window_title(app: &App) -> String {
    let name = app.session.team().map_or("", |team| team.name.as_str());
    match app.session.waiting().len() {
        0 => format!("plenary {name} {}", words::state(&app.session).to_lowercase()),
        n => format!("({n}) plenary {name}"),
    }
}

async fn sleep_until(at: Option<Time>, begun: Instant) {
    match at {
        // A timer fires at the next full millisecond, which is late for the answer to a key.
        Some(at) if begun.elapsed() >= at => {}
        Some(at) => tokio::time::sleep_until((begun + at).into()).await,
        None => std::future::pending().await,
    }
}

/// Lets the operator write in the editor of their choice.
fn in_editor(text: &str) -> Result<String, String> {
    let editor =
        ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
    let Some(editor) = editor else { return Err("Set $EDITOR to the editor you like; nothing was opened.".into()) };
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let failed = |error: io::Error| format!("{program} could not be used: {error}");
    let dir = std::env::temp_dir().join(format!("plenary-{}", uuid::Uuid::now_v7()));
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&dir).map_err(failed)?;
    let path = dir.join("text.md");
    let edited = std::fs::write(&path, text)
        .and_then(|()| Process::new(program).args(words).arg(&path).status())
        .and_then(|status| {
            if status.success() {
                std::fs::read_to_string(&path)
            } else {
                Err(io::Error::other("it left with an error"))
            }
        });
    let _ = std::fs::remove_dir_all(&dir);
    edited.map_err(failed).map(|text| text.trim_end_matches('\n').to_owned())
}
