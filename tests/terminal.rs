//! The terminal, as an emulator sees it: what is shown, and that it is given back as it was.

use plenary::tui::input::{self, Input, Inputs, Reader};
use plenary::tui::terminal::{COPY_LIMIT, CopyError, Device, Drawn, Screen};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::Paragraph;
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// What a hanging test is given up after. Nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What reached the terminal that its screen does not show.
#[derive(Default)]
struct Heard {
    title: String,
    clipboard: Vec<u8>,
    controls: Vec<u8>,
}

impl vt100::Callbacks for Heard {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.title = String::from_utf8_lossy(title).into_owned();
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.clipboard = data.to_vec();
    }

    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.controls.push(byte);
    }
}

struct State {
    parser: vt100::Parser<Heard>,
    bytes: Vec<u8>,
    raw: bool,
    /// The terminal takes nothing.
    stuck: bool,
    /// The terminal is gone.
    gone: bool,
    size: (u16, u16),
}

/// A terminal made of a vt100 emulator.
#[derive(Clone)]
struct Emulator(Arc<(Mutex<State>, Condvar)>);

impl Emulator {
    fn new(columns: u16, rows: u16) -> Self {
        let parser = parser(columns, rows);
        let (raw, stuck, gone) = (false, false, false);
        let state = State { parser, bytes: Vec::new(), raw, stuck, gone, size: (columns, rows) };
        Emulator(Arc::new((Mutex::new(state), Condvar::new())))
    }

    /// A failed assertion must not keep the screen from leaving.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        let answer = look(&mut self.lock());
        self.0.1.notify_all();
        answer
    }

    fn row(&self, row: u16) -> String {
        self.with(|state| state.parser.screen().rows(0, state.size.0).nth(usize::from(row)).unwrap())
    }

    fn bytes(&self) -> Vec<u8> {
        self.with(|state| state.bytes.clone())
    }

    /// Everything that must be as it was before.
    fn assert_given_back(&self) {
        self.with(|state| {
            let screen = state.parser.screen();
            assert!(!screen.alternate_screen(), "still on the other screen");
            assert!(!screen.bracketed_paste(), "still pasting in brackets");
            assert!(!screen.hide_cursor(), "the cursor is hidden");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert!(!screen.bold() && !screen.inverse() && screen.fgcolor() == vt100::Color::Default);
            assert!(!state.raw, "still raw");
        });
        let bytes = self.bytes();
        let last = |part: &[u8]| bytes.windows(part.len()).rposition(|window| window == part);
        assert!(last(b"\x1b[?2026l") > last(b"\x1b[?2026h"), "a frame is still open");
        assert_eq!(count(&bytes, b"\x1b[22;2t"), count(&bytes, b"\x1b[23;2t"), "titles pushed and popped");
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser<Heard> {
    let size = |side| NonZeroU16::new(side).unwrap();
    vt100::Parser::new_with_callbacks(size(rows), size(columns), 0, Heard::default())
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}

impl Device for Emulator {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        while state.stuck {
            state = self.0.1.wait_timeout(state, PATIENCE).unwrap().0;
        }
        if state.gone {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        state.bytes.extend_from_slice(bytes);
        state.parser.process(bytes);
        Ok(())
    }

    fn raw(&self, on: bool) -> io::Result<()> {
        self.with(|state| state.raw = on);
        Ok(())
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        Ok(self.with(|state| state.size))
    }

    fn unstick(&self) -> bool {
        self.with(|state| state.stuck = false);
        true
    }
}

fn screen(columns: u16, rows: u16) -> (Screen<Emulator>, Emulator, Inputs) {
    let emulator = Emulator::new(columns, rows);
    let (sender, inputs) = input::channel();
    (Screen::enter(emulator.clone(), sender).unwrap(), emulator, inputs)
}

fn next(inputs: &mut Inputs) -> Option<Input> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, inputs.recv()).await.expect("no input came") })
}

/// Draws lines from the top left and waits until they are written.
fn show(screen: &mut Screen<Emulator>, inputs: &mut Inputs, lines: &[&str]) {
    let drawn = screen.draw(|frame| frame.render_widget(Paragraph::new(lines.join("\n")), frame.area()));
    if drawn.unwrap() == Drawn::Sent {
        assert_eq!(next(inputs), Some(Input::Drawn));
    }
}

#[test]
fn the_terminal_is_taken_and_given_back() {
    let (mut screen, emulator, _inputs) = screen(40, 10);
    emulator.with(|state| {
        assert!(state.raw && state.parser.screen().alternate_screen() && state.parser.screen().bracketed_paste());
    });
    screen.leave();
    emulator.assert_given_back();
    let after = emulator.bytes().len();
    screen.leave();
    drop(screen);
    assert_eq!(emulator.bytes().len(), after, "leaving twice is leaving once");
}

#[test]
fn dropping_gives_the_terminal_back_and_entering_again_draws_everything() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    show(&mut screen, &mut inputs, &["before"]);
    screen.leave();
    emulator.assert_given_back();
    // Someone else had the terminal, and its window changed.
    emulator.with(|state| {
        state.parser.process(b"\x1b[2Jvim was here");
        state.size = (30, 4);
        state.parser = parser(30, 4);
    });
    screen.enter_again().unwrap();
    assert_eq!(screen.size(), (30, 4));
    show(&mut screen, &mut inputs, &["before"]);
    assert_eq!(emulator.row(0), "before");
    drop(screen);
    emulator.assert_given_back();
}

#[test]
fn a_terminal_taken_twice_is_given_back_once() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    emulator.with(|state| state.parser.process(b"\x1b[?1049l$ \x1b[?1049h"));
    screen.set_title("ours");
    show(&mut screen, &mut inputs, &["before"]);
    // The process was stopped and went on; the shell had set its own modes and title meanwhile.
    emulator.with(|state| {
        state.raw = false;
        state.parser.process(b"\x1b[?2004l\x1b[?25h\x1b]2;shell\x1b\\");
    });
    screen.enter_again().unwrap();
    assert!(emulator.with(|state| state.raw && state.parser.screen().bracketed_paste()));
    show(&mut screen, &mut inputs, &["before"]);
    assert_eq!(emulator.row(0), "before");
    assert_eq!(emulator.with(|state| state.parser.callbacks().title.clone()), "ours");
    screen.resize(0, 0);
    assert_eq!(screen.size(), (20, 3));
    drop(screen);
    emulator.assert_given_back();
    assert_eq!(emulator.row(0).trim_end(), "$");
    assert_eq!(emulator.with(|state| state.parser.screen().cursor_position()), (0, 2));
}

#[test]
fn wide_letters_emoji_and_what_replaces_them_stand_where_they_should() {
    let (mut screen, emulator, mut inputs) = screen(24, 4);
    let frames: [&[&str]; 5] = [
        &["漢字かな|end", "a🦀b👩‍👩‍👧c|end", "e\u{301}tude|end"],
        &["plain   |end", "xxxxxxxx", ""],
        &["漢x字y  |end", "🦀🦀🦀|end", "☂\u{fe0f}|end"],
        &["x漢y字  |end", "a🦀🦀b|end", "☂|end"],
        &["abcdefghijklmnopqrstuvwx", "漢字漢字漢字漢字漢字漢字", "│──│"],
    ];
    for lines in frames {
        show(&mut screen, &mut inputs, lines);
        // The same frame on a terminal that never showed anything else.
        let (mut fresh, other, mut fresh_inputs) = self::screen(24, 4);
        show(&mut fresh, &mut fresh_inputs, lines);
        for row in 0..4 {
            assert_eq!(emulator.row(row).trim_end(), other.row(row).trim_end(), "row {row} of {lines:?}");
        }
        for (row, line) in (0..).zip(lines) {
            let Some((before, _)) = line.split_once('|').filter(|_| line.ends_with("|end")) else { continue };
            let column = UnicodeWidthStr::width(before) as u16;
            let found = emulator.with(|state| state.parser.screen().cell(row, column).map(|c| c.contents().to_owned()));
            assert_eq!(found.as_deref(), Some("|"), "column {column} of {line:?}");
        }
    }
    assert_eq!(emulator.row(0), "abcdefghijklmnopqrstuvwx");
    assert_eq!(emulator.row(1), "漢字漢字漢字漢字漢字漢字");
}

#[test]
fn every_frame_is_bracketed_and_an_unchanged_one_is_not_sent() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    show(&mut screen, &mut inputs, &["one"]);
    let before = emulator.bytes();
    assert_eq!(count(&before, b"\x1b[?2026h"), 1);
    assert_eq!(count(&before, b"\x1b[?2026l"), 1);
    let drawn = screen.draw(|frame| frame.render_widget(Paragraph::new("one"), frame.area()));
    assert_eq!(drawn.unwrap(), Drawn::Same);
    assert!(screen.ready());
    show(&mut screen, &mut inputs, &["two"]);
    let sent = emulator.bytes()[before.len()..].to_vec();
    assert!(sent.starts_with(b"\x1b[?2026h") && sent.ends_with(b"\x1b[?2026l"), "{}", sent.escape_ascii());
    assert!(sent.len() < 64, "{} bytes for three letters", sent.len());
}

#[test]
fn the_real_cursor_stands_where_the_frame_sets_it() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    let mut draw = |at: Option<(u16, u16)>| {
        let drawn = screen.draw(|frame| {
            frame.render_widget(Paragraph::new("text"), frame.area());
            if let Some((x, y)) = at {
                frame.set_cursor_position(Position { x, y });
            }
        });
        if drawn.unwrap() == Drawn::Sent {
            assert_eq!(next(&mut inputs), Some(Input::Drawn));
        }
        emulator.with(|state| {
            let screen = state.parser.screen();
            (!screen.hide_cursor()).then(|| screen.cursor_position())
        })
    };
    assert_eq!(draw(None), None);
    assert_eq!(draw(Some((7, 2))), Some((2, 7)));
    assert_eq!(draw(Some((3, 0))), Some((0, 3)));
    assert_eq!(draw(None), None);
}

#[test]
fn nothing_in_a_cell_can_act_on_the_terminal() {
    let (mut screen, emulator, mut inputs) = screen(20, 2);
    let hostile = ["\x1b]0;owned\x07", "\x1b[2J", "\u{9b}2J", "\r", "\x08", "\u{202e}", "\u{e0041}"];
    let drawn = screen.draw(|frame| {
        for (x, symbol) in (0..).zip(hostile) {
            if let Some(cell) = frame.buffer_mut().cell_mut((x, 0)) {
                cell.set_symbol(symbol);
            }
        }
        frame.buffer_mut().set_string(10, 0, "after", Style::new());
    });
    assert_eq!(drawn.unwrap(), Drawn::Sent);
    next(&mut inputs);
    assert!(emulator.row(0).ends_with("after"));
    emulator.with(|state| {
        let heard = state.parser.callbacks();
        assert_eq!((heard.title.as_str(), heard.controls.len()), ("", 0));
    });
    assert!(!String::from_utf8_lossy(&emulator.bytes()).contains(['\u{9b}', '\u{202e}', '\u{e0041}', '\r']));
}

#[test]
fn frames_for_a_slow_terminal_are_skipped_and_never_queued() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    emulator.with(|state| state.stuck = true);
    let mut draw = |text: String| screen.draw(|frame| frame.render_widget(Paragraph::new(text), frame.area())).unwrap();
    assert_eq!(draw("frame 0".to_owned()), Drawn::Sent);
    for n in 1..100 {
        assert_eq!(draw(format!("frame {n}")), Drawn::Skipped);
    }
    emulator.with(|state| state.stuck = false);
    assert_eq!(next(&mut inputs), Some(Input::Drawn));
    assert_eq!(emulator.row(0), "frame 0");
    assert_eq!(draw("the last".to_owned()), Drawn::Sent);
    assert_eq!(next(&mut inputs), Some(Input::Drawn));
    assert_eq!(emulator.row(0), "the last");
    assert_eq!(count(&emulator.bytes(), b"\x1b[?2026h"), 2);
}

#[test]
fn a_terminal_that_takes_nothing_can_still_be_left_and_no_frame_follows() {
    let (mut screen, emulator, mut inputs) = screen(200, 60);
    emulator.with(|state| state.stuck = true);
    let full: Vec<String> = (0..60).map(|row| format!("{row} ").repeat(60)).collect();
    screen.draw(|frame| frame.render_widget(Paragraph::new(full.join("\n")), frame.area())).unwrap();
    screen.leave();
    // The writer had several pieces to write; it is done, and after leaving none of them came.
    assert_eq!(next(&mut inputs), Some(Input::Drawn));
    emulator.assert_given_back();
    let bytes = emulator.bytes();
    assert!(bytes.ends_with(b"\x1b[?1049l\x1b[23;2t"), "{}", bytes[bytes.len() - 60..].escape_ascii());
    assert_eq!(count(&bytes, b"59 59"), 0);
}

#[test]
fn a_terminal_that_is_gone_is_told_once() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    emulator.with(|state| state.gone = true);
    screen.draw(|frame| frame.render_widget(Paragraph::new("anyone?"), frame.area())).unwrap();
    assert_eq!(next(&mut inputs), Some(Input::Gone));
    assert_eq!(next(&mut inputs), None, "the writer has ended");
    assert_eq!(screen.draw(|_| ()).unwrap(), Drawn::Skipped);
    screen.leave();
    assert!(!emulator.with(|state| state.raw));
}

#[test]
fn any_size_can_be_drawn() {
    let (mut screen, emulator, mut inputs) = screen(80, 24);
    for (columns, rows) in [(1, 1), (2, 1), (1, 40), (300, 1), (80, 24), (40, 10), (300, 100)] {
        emulator.with(|state| {
            state.size = (columns, rows);
            let size = |side| NonZeroU16::new(side).unwrap();
            state.parser.set_size(size(rows), size(columns));
        });
        screen.resize(columns, rows);
        let mut area = Rect::ZERO;
        screen
            .draw(|frame| {
                area = frame.area();
                frame.render_widget(Paragraph::new("x漢字\ny\nz"), area);
            })
            .unwrap();
        next(&mut inputs);
        assert_eq!(area, Rect::new(0, 0, columns, rows));
        assert!(emulator.row(0).starts_with('x'));
    }
}

#[test]
fn copies_and_titles_go_out_with_the_next_frame_and_within_bounds() {
    let (mut screen, emulator, mut inputs) = screen(20, 3);
    assert_eq!(screen.copy("héllo").unwrap(), "5 characters sent to the terminal");
    screen.set_title("plenary \x1b]0;owned\x07 lru-cache\n\u{202e}");
    show(&mut screen, &mut inputs, &["copied"]);
    emulator.with(|state| {
        let heard = state.parser.callbacks();
        assert_eq!(heard.clipboard, b"aMOpbGxv", "base64 of the text");
        assert_eq!(heard.title, "plenary ]0owned lru-cache");
    });
    assert_eq!(screen.copy(""), Err(CopyError::Empty));
    assert_eq!(screen.copy(&"x".repeat(COPY_LIMIT + 1)), Err(CopyError::TooLong(COPY_LIMIT + 1)));
    let before = emulator.bytes().len();
    assert!(screen.copy("again").is_ok());
    show(&mut screen, &mut inputs, &["copied"]);
    assert!(emulator.bytes().len() > before, "a copy is sent even when the frame is the same");
}

#[test]
fn a_panic_gives_the_terminal_back_then_reports() {
    let (screen, emulator, _inputs) = screen(40, 10);
    let reports = tempfile::tempdir().unwrap();
    let rescue = screen.rescue(reports.path().join("crashes"));
    let line = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&line);
    // The hook is the whole process's: only our thread's panic is answered by the rescue.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| match std::thread::current().name() {
        Some("doomed") => *told.lock().unwrap() = rescue.after(info),
        _ => before(info),
    }));
    let doomed = std::thread::Builder::new().name("doomed".to_owned());
    let ended = doomed.spawn(|| panic!("a model said \x1b[31mboo\nand more")).unwrap().join();
    assert!(ended.is_err());
    emulator.assert_given_back();

    let line = line.lock().unwrap().clone();
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.contains("a model said \\u{1b}[31mboo and more"), "{line}");
    let report = std::fs::read_dir(reports.path().join("crashes")).unwrap().next().unwrap().unwrap().path();
    assert!(line.contains(&report.display().to_string()), "{line}");
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("terminal.rs") && report.contains("doomed") && !report.contains('\x1b'), "{report}");
}

/// A pseudo-terminal: the side that a window holds, and the side that a program reads.
fn pty() -> (OwnedFd, OwnedFd) {
    let (mut window, mut program) = (-1, -1);
    // SAFETY: both out-pointers are valid, the others may be null; on success both descriptors are ours.
    unsafe {
        let null = std::ptr::null_mut();
        assert_eq!(libc::openpty(&mut window, &mut program, null, null.cast(), null.cast()), 0);
        let mut modes = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(program, &mut modes), 0);
        libc::cfmakeraw(&mut modes);
        assert_eq!(libc::tcsetattr(program, libc::TCSANOW, &modes), 0);
        (OwnedFd::from_raw_fd(window), OwnedFd::from_raw_fd(program))
    }
}

#[test]
fn a_closed_window_is_told_and_ends_the_reader() {
    let (window, program) = pty();
    let (sender, mut inputs) = input::channel();
    let reader = Reader::spawn(program, sender).unwrap();
    let mut window = std::fs::File::from(window);
    window.write_all(b"a\x1b[A").unwrap();
    assert_eq!(next(&mut inputs), Some(Input::Key("a".parse().unwrap())));
    assert_eq!(next(&mut inputs), Some(Input::Key("up".parse().unwrap())));
    drop(window);
    assert_eq!(next(&mut inputs), Some(Input::Gone));
    assert_eq!(next(&mut inputs), None, "the reader has ended");
    reader.park();
}

#[test]
fn the_end_of_input_is_told_as_well() {
    let (mut window, program) = UnixStream::pair().unwrap();
    let (sender, mut inputs) = input::channel();
    let _reader = Reader::spawn(program.into(), sender).unwrap();
    window.write_all(b"q\x1b").unwrap();
    drop(window);
    assert_eq!(next(&mut inputs), Some(Input::Key("q".parse().unwrap())));
    assert_eq!(next(&mut inputs), Some(Input::Gone));
}

#[test]
fn a_lone_escape_is_told_without_another_key() {
    let (mut window, program) = UnixStream::pair().unwrap();
    let (sender, mut inputs) = input::channel();
    let _reader = Reader::spawn(program.into(), sender).unwrap();
    window.write_all(b"\x1b").unwrap();
    assert_eq!(next(&mut inputs), Some(Input::Key("esc".parse().unwrap())));
}

#[test]
fn a_parked_reader_leaves_every_byte_to_others() {
    use std::io::Read;
    let (mut window, program) = UnixStream::pair().unwrap();
    let mut other = program.try_clone().unwrap();
    let (sender, mut inputs) = input::channel();
    let reader = Reader::spawn(program.into(), sender).unwrap();
    reader.park();
    reader.park();
    window.write_all(b"for the editor").unwrap();
    let mut taken = [0; 14];
    other.read_exact(&mut taken).unwrap();
    assert_eq!(&taken, b"for the editor");
    reader.resume();
    window.write_all(b"k").unwrap();
    assert_eq!(next(&mut inputs), Some(Input::Key("k".parse().unwrap())));
}

#[test]
fn a_full_channel_loses_nothing_and_does_not_stop_parking() {
    let (mut window, program) = UnixStream::pair().unwrap();
    let (sender, mut inputs) = input::channel();
    let reader = Reader::spawn(program.into(), sender).unwrap();
    let many = input::WAITING * 10;
    let keys: Vec<u8> = (0..many).map(|n| b'a' + (n % 26) as u8).collect();
    window.write_all(&keys).unwrap();
    // The first key shows that the thread is at work; the loop takes nothing more while it parks.
    assert_eq!(next(&mut inputs), Some(Input::Key("a".parse().unwrap())));
    reader.park();
    reader.resume();
    for n in 1..many {
        let name = char::from(b'a' + (n % 26) as u8).to_string();
        assert_eq!(next(&mut inputs), Some(Input::Key(name.parse().unwrap())), "key {n}");
    }
}
