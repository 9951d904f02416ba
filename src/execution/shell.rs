//! A shell for the operator where code runs: the same containment, the same files, the same environment, on a terminal
//! of its own. The operator's terminal is only ever a pair of descriptors that bytes are carried between; the shell has
//! no way to its input queue. Nothing that lies in the working directory is read before the prompt: no profile, no
//! `.bashrc`, no `.inputrc`.

use super::file::{PrivateDir, WorkDir};
use super::local::{Programs, environment};
use super::process::{self, Stop};
use super::run::{CodeFile, Launcher, Start, TimeLimit};
use super::tree;
use crate::chat::code::{Payload, Place, ToolUse};
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often the size of the terminal, and the end of the shell, are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Variables that make a shell start clean: nothing of the workspace decides what it does.
pub const CLEAN: [(&str, &str); 5] =
    [("ENV", ""), ("BASH_ENV", ""), ("INPUTRC", "/dev/null"), ("HISTFILE", "/dev/null"), ("LESSSECURE", "1")];

/// The prompt: where one is.
pub fn prompt(place: &Place) -> String {
    format!("[plenary {}] \\w \\$ ", place.tier.name())
}

/// Opens a shell as a program of this machine, contained as `place` says, and returns when it is left.
///
/// # Errors
/// What is missing, for a person. Nothing was started then.
pub fn local(place: &Place) -> Result<(), String> {
    let _raw = Raw::enter()?;
    let work_dir = WorkDir::open(Path::new(&place.work_dir))?;
    // Only what a tool is called with is taken as it stands; a shell has no file of code.
    let tool = ToolUse { name: "shell".into(), call_id: String::new(), argv: Vec::new(), source: None, key: None };
    let payload = Payload { blocks: Vec::new(), place: place.clone(), tool: Some(tool) };
    let mut programs = Programs::default();
    programs.begin(&payload, &work_dir)?;
    programs.terminal = true;
    let run = uuid::Uuid::now_v7().simple().to_string();
    let private = PrivateDir::create(&run[run.len() - 8..]).map_err(|error| error.to_string())?;
    let file =
        CodeFile { path: private.write("empty", "").map_err(|error| error.to_string())?, named: None, copy: None };
    let bash = programs.find("bash");
    let shell = bash.clone().or_else(|| programs.find("sh")).ok_or("there is no shell here")?;
    let mut command = vec![shell.display().to_string()];
    command.extend(bash.iter().flat_map(|_| ["--noprofile".to_owned(), "--norc".to_owned()]));
    command.push("-i".to_owned());
    let stop = Stop::new().map_err(|error| error.to_string())?;
    let limit = TimeLimit { first: Duration::MAX, added: Arc::default() };
    let start = Start {
        run: &run,
        command: &command,
        file: &file,
        work_dir: &work_dir,
        payload: &payload,
        stop: &stop,
        limit: &limit,
    };
    let mut variables = environment(place);
    for (name, value) in CLEAN {
        variables.push((name.into(), value.into()));
    }
    variables.push(("PS1".into(), prompt(place).into()));
    variables.extend(std::env::var_os("TERM").map(|term| ("TERM".into(), term)));
    let (command, confine) = programs.contain(&start, &mut variables)?;
    let (master, slave) = open_terminal().map_err(|error| format!("no terminal could be made: {error}"))?;
    set_size(master.as_raw_fd(), size(0));
    let directory = (work_dir.fd(), work_dir.path());
    let child = process::start_on(slave, &command, &variables, &run, directory, confine);
    let mut child = child.map_err(|error| format!("the shell could not be started: {error}"))?;
    let master_fd = master.as_raw_fd();
    relay(master_fd, || !matches!(child.try_wait(), Ok(None)), |size| set_size(master_fd, size));
    drop(master);
    tree::end(&mut child, &run);
    Ok(())
}

/// Carries bytes between the operator's terminal and `far` until `over`, or until one of them is gone.
pub fn relay(far: RawFd, mut over: impl FnMut() -> bool, mut resized: impl FnMut(libc::winsize)) {
    let mut last = size(0);
    let (mut from_near, mut to_near) = (Borrowed(0), Borrowed(1));
    let mut far = Borrowed(far);
    let mut buffer = [0u8; 16 * 1024];
    loop {
        let mut polled = [0, far.0].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
        // SAFETY: the array is valid for its length.
        let count = unsafe { libc::poll(polled.as_mut_ptr(), 2, TICK.as_millis() as libc::c_int) };
        let [near_ready, far_ready] = polled.map(|one| count > 0 && one.revents != 0);
        if far_ready {
            match far.read(&mut buffer) {
                Ok(n) if n > 0 => {
                    if to_near.write_all(&buffer[..n]).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        } else if over() {
            return;
        }
        if near_ready {
            match from_near.read(&mut buffer) {
                Ok(n) if n > 0 => {
                    if far.write_all(&buffer[..n]).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
        let now = size(0);
        if (now.ws_row, now.ws_col) != (last.ws_row, last.ws_col) {
            last = now;
            resized(now);
        }
    }
}

/// A descriptor that belongs to somebody else.
struct Borrowed(RawFd);

impl Read for Borrowed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the buffer is valid for its length.
        let n = unsafe { libc::read(self.0, buffer.as_mut_ptr().cast(), buffer.len()) };
        usize::try_from(n).map_err(|_| io::Error::last_os_error())
    }
}

impl Write for Borrowed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the bytes are valid for their length.
        let n = unsafe { libc::write(self.0, bytes.as_ptr().cast(), bytes.len()) };
        usize::try_from(n).map_err(|_| io::Error::last_os_error())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The operator's terminal, handing on every key as it is, until dropped.
pub struct Raw(libc::termios);

impl Raw {
    /// Takes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn enter() -> Result<Raw, String> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err("a shell needs a terminal".to_owned());
        }
        // SAFETY: `termios` is plain data for which zero is valid, and the descriptor is open.
        unsafe {
            let mut before: libc::termios = std::mem::zeroed();
            if libc::tcgetattr(0, &mut before) != 0 {
                return Err(io::Error::last_os_error().to_string());
            }
            let mut raw = before;
            libc::cfmakeraw(&mut raw);
            libc::tcsetattr(0, libc::TCSANOW, &raw);
            Ok(Raw(before))
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: what was read from it before.
        unsafe { libc::tcsetattr(0, libc::TCSADRAIN, &self.0) };
    }
}

/// Columns and rows of a terminal.
pub fn size(fd: RawFd) -> libc::winsize {
    // SAFETY: plain data for which zero is valid, valid for the call.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        libc::ioctl(fd, libc::TIOCGWINSZ, &mut size);
        size
    }
}

fn set_size(fd: RawFd, size: libc::winsize) {
    // SAFETY: valid for the call.
    unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &size) };
}

/// A new terminal: our end, and the program's.
fn open_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: two valid places for descriptors, which are ours alone afterwards.
    unsafe {
        let null = std::ptr::null_mut();
        if libc::openpty(&mut master, &mut slave, null, null.cast(), null.cast()) != 0 {
            return Err(io::Error::last_os_error());
        }
        for fd in [master, slave] {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        Ok((OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)))
    }
}
