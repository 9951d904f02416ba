//! The real program on a real terminal: a pseudo-terminal whose other end is an emulator.

use super::home::Home;
use portable_pty::{CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is given up after. Generous, as many tests share few cores; nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often the reading thread looks whether it is still wanted, in milliseconds.
const LOOK: i32 = 20;
/// How a frame begins (with `h`) and ends (with `l`).
const FRAME: &[u8] = b"\x1b[?2026";

struct State {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// A frame has begun and not ended: what the screen shows is not to be judged.
    drawing: bool,
}

impl State {
    fn take(&mut self, piece: &[u8]) {
        // A mark may be cut in two.
        let from = self.bytes.len().saturating_sub(FRAME.len());
        self.bytes.extend_from_slice(piece);
        let last = |end: u8| {
            self.bytes[from..].windows(FRAME.len() + 1).rposition(|w| w.starts_with(FRAME) && w[FRAME.len()] == end)
        };
        if let Some(drawing) = match (last(b'h'), last(b'l')) {
            (None, None) => None,
            (begun, ended) => Some(begun > ended),
        } {
            self.drawing = drawing;
        }
        self.parser.process(piece);
    }
}

type Seen = Arc<(Mutex<State>, Condvar)>;

/// A terminal with a program on it.
pub struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    /// Held open, because the system forgets the modes of a terminal that nobody has open.
    slave: Option<Box<dyn SlavePty + Send>>,
    line: Option<File>,
    pid: libc::pid_t,
    ended: Option<End>,
    seen: Seen,
    hang_up: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// Exit code; 1000 and the number for a signal.
    pub code: i32,
    /// Processor time it used in its life.
    pub cpu: Duration,
}

/// The modes of a terminal, to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes {
    pub input: libc::tcflag_t,
    pub output: libc::tcflag_t,
    pub control: libc::tcflag_t,
    pub local: libc::tcflag_t,
    pub characters: Vec<libc::cc_t>,
}

impl Modes {
    /// Whether lines are edited by the system and echoed, as shells expect.
    pub fn is_cooked(&self) -> bool {
        self.local & libc::ICANON != 0 && self.local & libc::ECHO != 0 && self.local & libc::ISIG != 0
    }
}

impl Pty {
    /// `plenary` with these arguments on a terminal of `size` (columns, rows).
    pub fn plenary(home: &Home, size: (u16, u16), arguments: &[&str]) -> Pty {
        Pty::plenary_with(home, size, arguments, &[])
    }

    /// The same with more in its environment.
    pub fn plenary_with(home: &Home, size: (u16, u16), arguments: &[&str], more: &[(&str, &str)]) -> Pty {
        let words = [&[super::home::PLENARY], arguments].concat();
        Pty::spawn(home, size, &words, more)
    }

    /// Any program.
    pub fn spawn(home: &Home, (columns, rows): (u16, u16), words: &[&str], more: &[(&str, &str)]) -> Pty {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(words[0]);
        command.args(&words[1..]);
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        for (name, value) in more {
            command.env(name, value);
        }
        command.cwd(home.path(""));
        let line = own(pair.master.as_raw_fd().unwrap()).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let state =
            State { parser: vt100::Parser::new(side(rows), side(columns), 0), bytes: Vec::new(), drawing: false };
        let seen: Seen = Arc::new((Mutex::new(state), Condvar::new()));
        let hang_up = Arc::new(AtomicBool::new(false));
        let reader = {
            let (line, seen, hang_up) = (line.try_clone().unwrap(), seen.clone(), hang_up.clone());
            std::thread::spawn(move || listen(line, &seen, &hang_up))
        };
        Pty {
            master: Some(pair.master),
            slave: Some(pair.slave),
            line: Some(line),
            pid: child.process_id().unwrap() as libc::pid_t,
            ended: None,
            seen,
            hang_up,
            reader: Some(reader),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the screen is as wanted. The screen is shown when it never is.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state();
        while state.drawing || !wanted(state.parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let shown = shown(state.parser.screen());
                drop(state);
                panic!("the screen never showed {what}; it shows:\n{shown}");
            }
            state = self.seen.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for words anywhere on the screen.
    #[track_caller]
    pub fn wait_for(&self, words: &str) {
        self.wait(&format!("{words:?}"), |screen| screen.contents().contains(words));
    }

    /// Waits until words are gone from the screen.
    #[track_caller]
    pub fn wait_without(&self, words: &str) {
        self.wait(&format!("no {words:?}"), |screen| !screen.contents().contains(words));
    }

    /// Waits for words in the line at the top.
    #[track_caller]
    pub fn wait_status(&self, words: &str) {
        self.wait(&format!("{words:?} at the top"), |screen| top(screen).contains(words));
    }

    /// Waits until more than `bytes` were written in all.
    pub fn wait_more(&self, bytes: usize) {
        let until = Instant::now() + PATIENCE;
        while self.written() <= bytes {
            assert!(Instant::now() < until, "it writes nothing; the screen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until nothing was written for `still`.
    pub fn wait_still(&self, still: Duration) {
        let until = Instant::now() + PATIENCE;
        loop {
            let before = self.bytes().len();
            std::thread::sleep(still);
            if self.bytes().len() == before {
                return;
            }
            assert!(Instant::now() < until, "it never stops writing; the screen:\n{}", self.text());
        }
    }

    /// What the screen shows, without the emptiness at the ends of lines.
    pub fn text(&self) -> String {
        shown(self.state().parser.screen())
    }

    /// A look at the screen.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.state().parser.screen())
    }

    /// Everything that was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// How much was written so far.
    pub fn written(&self) -> usize {
        self.state().bytes.len()
    }

    /// Processor time that the program has used so far, to a hundredth of a second.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Types.
    #[track_caller]
    pub fn keys(&self, keys: &str) {
        let mut bytes = keys.as_bytes();
        let until = Instant::now() + PATIENCE;
        while !bytes.is_empty() {
            match self.line.as_ref().unwrap().write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("cannot type: {error}; the screen:\n{}", self.text()),
            }
            assert!(Instant::now() < until, "nobody reads what is typed; the screen:\n{}", self.text());
        }
    }

    /// Escape by itself: what follows it at once would make another key of it.
    #[track_caller]
    pub fn escape(&self) {
        self.keys("\x1b");
        std::thread::sleep(Duration::from_millis(150));
    }

    /// Pastes, as a terminal does that was asked for brackets.
    #[track_caller]
    pub fn paste(&self, text: &str) {
        assert!(self.look(vt100::Screen::bracketed_paste), "pastes are not bracketed");
        self.keys(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// The window changes.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        // Emulator and system change at the same moment, as far as the program can tell.
        let mut state = self.state();
        state.parser.set_size(side(rows), side(columns));
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// The modes the terminal is in.
    pub fn modes(&self) -> Modes {
        // SAFETY: a termios is plain numbers, and the descriptor is open.
        let modes = unsafe {
            let mut modes: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(self.line.as_ref().unwrap().as_raw_fd(), &mut modes), 0);
            modes
        };
        Modes {
            input: modes.c_iflag,
            output: modes.c_oflag,
            control: modes.c_cflag,
            local: modes.c_lflag,
            characters: modes.c_cc.to_vec(),
        }
    }

    pub fn pid(&self) -> libc::pid_t {
        self.pid
    }

    pub fn signal(&self, number: libc::c_int) {
        // SAFETY: a signal to a child that was not waited for.
        assert_eq!(unsafe { libc::kill(self.pid, number) }, 0);
    }

    /// The terminal goes away, as when its window is closed.
    pub fn close(&mut self) {
        self.hang_up.store(true, Ordering::Relaxed);
        self.reader.take().map(JoinHandle::join);
        (self.slave, self.line, self.master) = (None, None, None);
    }

    /// Waits for the program's end; afterwards everything it wrote has been read.
    #[track_caller]
    pub fn end(&mut self) -> End {
        let until = Instant::now() + PATIENCE;
        while self.ended.is_none() {
            self.ended = self.reap(libc::WNOHANG);
            if Instant::now() > until {
                panic!("it does not end; the screen:\n{}", self.text());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // The system carries bytes over in its own time: nothing must be left twice in a row. What was taken from it is
        // on the screen as soon as the lock is free again.
        let mut empty = 0;
        while let Some(line) = self.line.as_ref().filter(|_| empty < 2) {
            std::thread::sleep(Duration::from_millis(LOOK as u64));
            let mut left: libc::c_int = 0;
            // SAFETY: FIONREAD writes one int.
            unsafe { libc::ioctl(line.as_raw_fd(), libc::FIONREAD, &mut left) };
            empty = if left == 0 { empty + 1 } else { 0 };
        }
        self.ended.unwrap()
    }

    fn reap(&self, options: libc::c_int) -> Option<End> {
        let mut status = 0;
        // SAFETY: the child is ours, and both places are valid.
        let (pid, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(self.pid, &mut status, options, &mut usage), usage)
        };
        if pid != self.pid {
            return None;
        }
        let code = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 1000 + libc::WTERMSIG(status) };
        let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
        Some(End { code, cpu: time(usage.ru_utime) + time(usage.ru_stime) })
    }

    /// The terminal is as it was before the program came.
    #[track_caller]
    pub fn assert_given_back(&self, before: &Modes) {
        assert_eq!(&self.modes(), before, "the modes of the terminal");
        self.look(|screen| {
            assert!(!screen.alternate_screen(), "still on the other screen");
            assert!(!screen.hide_cursor(), "the cursor is hidden");
            assert!(!screen.bracketed_paste(), "still pasting in brackets");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert_eq!(screen.fgcolor(), vt100::Color::Default);
            assert_eq!(screen.bgcolor(), vt100::Color::Default);
        });
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // SAFETY: our own child, which was not waited for.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            self.reap(0);
        }
        self.close();
    }
}

/// A screen as text, without the emptiness at the ends of lines.
pub fn shown(screen: &vt100::Screen) -> String {
    let lines: Vec<String> = screen.rows(0, screen.size().1.get()).map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

/// The line at the top.
pub fn top(screen: &vt100::Screen) -> String {
    screen.rows(0, screen.size().1.get()).next().unwrap_or_default()
}

/// The reading thread: from the terminal to the emulator, until hung up.
fn listen(mut line: File, seen: &Seen, hang_up: &AtomicBool) {
    let mut piece = [0; 65536];
    while !hang_up.load(Ordering::Relaxed) {
        let mut poll = libc::pollfd { fd: line.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd.
        if unsafe { libc::poll(&mut poll, 1, LOOK) } <= 0 {
            continue;
        }
        // Read and shown under one lock, so that nobody sees bytes that are taken but not on the screen.
        let mut state = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        match line.read(&mut piece) {
            Ok(0) => return,
            Ok(n) => {
                state.take(&piece[..n]);
                seen.1.notify_all();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return,
        }
    }
}

/// A descriptor of our own for the same terminal, which never blocks.
fn own(fd: RawFd) -> io::Result<File> {
    // SAFETY: the descriptor is open, and the new one belongs to nobody else.
    unsafe {
        let own = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
        if own < 0 || libc::fcntl(own, libc::F_SETFL, libc::fcntl(own, libc::F_GETFL) | libc::O_NONBLOCK) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(own))
    }
}

fn side(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}
