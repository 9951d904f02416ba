//! One program from start to end: its pipe, its time limit, its stop. Blocking; runs on a thread of its own, which has
//! to live as long as the program does (the supervisor ends the program when that thread dies).

use super::file::WorkDir;
use super::meter::Meter;
use super::outbox::Outbox;
use super::output::Output;
use super::run::{Ended, TimeLimit};
#[cfg(target_os = "linux")]
use super::sandbox::child::Confine;
#[cfg(not(target_os = "linux"))]
use super::sandbox::plain::Confine;
use super::tree;
use std::ffi::{CString, OsString};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long output is still awaited when every process is gone and yet somebody holds the pipe.
const GRACE: Duration = Duration::from_millis(100);

/// How often an ended program is looked for where the system cannot tell us.
const TICK: Duration = Duration::from_millis(20);

/// A request to stop that wakes the thread at once.
#[derive(Debug)]
pub struct Stop {
    asked: AtomicBool,
    bell: PipeWriter,
    ear: PipeReader,
    token: CancellationToken,
}

impl Stop {
    /// Not asked yet.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new() -> io::Result<Stop> {
        let (ear, bell) = io::pipe()?;
        Ok(Stop { asked: AtomicBool::new(false), bell, ear, token: CancellationToken::new() })
    }

    /// Asks for it. May be called any number of times.
    pub fn ask(&self) {
        if !self.asked.swap(true, Ordering::SeqCst) {
            // One byte into an empty pipe: it cannot block, and the flag is seen at the next turn in any case.
            let _ = (&self.bell).write(&[0]);
            self.token.cancel();
        }
    }

    /// The same request for those who wait without blocking.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// What to start.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The interpreter, its arguments and the file.
    pub command: &'a [OsString],
    /// The working directory.
    pub work_dir: &'a WorkDir,
    /// The whole environment, the mark apart.
    pub environment: &'a [(OsString, OsString)],
    /// Identity of the run: the value of the mark.
    pub run: &'a str,
    /// Time limit.
    pub limit: &'a TimeLimit,
    /// What it may use up.
    pub meter: Meter,
}

/// How a program ended.
#[derive(Debug)]
pub enum End {
    /// By itself: its exit code, or 128 + the signal that ended it.
    Exited(i32),
    /// By the time limit.
    TimedOut,
    /// By request.
    Killed,
    /// It used more than it may; the words say of what.
    OverLimit(String),
    /// It did not start; the words say why.
    NotStarted(String),
    /// There is no such program.
    NoProgram,
}

/// Runs a program until its whole tree is gone.
pub fn run(mut launch: Launch, confine: Confine, stop: &Stop, output: &mut Output, outbox: &mut Outbox) -> Ended {
    let directory = (launch.work_dir.fd(), launch.work_dir.path());
    let (mut child, pipe) = match start(launch.command, launch.environment, launch.run, directory, confine) {
        Ok(started) => started,
        Err(error) => return End::NotStarted(error.to_string()).into(),
    };
    outbox.started(child.id());
    let mut stream = Stream { pipe: Some(pipe), output, outbox };
    let end = watch(&mut child, &mut launch, stop, &mut stream);
    let left = tree::end(&mut child, launch.run);
    stream.drain();
    Ended { end, left, peak_memory: launch.meter.peak() }
}

fn start(
    command: &[OsString],
    environment: &[(OsString, OsString)],
    run: &str,
    (work_dir, work_path): (i32, &Path),
    confine: Confine,
) -> io::Result<(Child, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    set_nonblocking(&reader)?;
    let stdio = [Stdio::null(), writer.try_clone()?.into(), writer.into()];
    Ok((spawn(stdio, command, environment, run, (work_dir, work_path), confine)?, reader))
}

/// Starts a program on a terminal, which is given up here.
///
/// # Errors
/// When it does not start.
pub fn start_on(
    terminal: OwnedFd,
    command: &[OsString],
    environment: &[(OsString, OsString)],
    run: &str,
    directory: (i32, &Path),
    confine: Confine,
) -> io::Result<Child> {
    let stdio = [terminal.try_clone()?.into(), terminal.try_clone()?.into(), terminal.into()];
    spawn(stdio, command, environment, run, directory, confine)
}

fn spawn(
    [input, output, errors]: [Stdio; 3],
    command: &[OsString],
    environment: &[(OsString, OsString)],
    run: &str,
    (work_dir, work_path): (i32, &Path),
    confine: Confine,
) -> io::Result<Child> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env(tree::MARKER, run)
        .stdin(input)
        .stdout(output)
        .stderr(errors);
    let work_path = CString::new(work_path.as_os_str().as_bytes())?;
    let owner = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
    #[cfg(target_os = "linux")]
    if confine.orphans {
        tree::adopt();
    }
    // SAFETY: between fork and exec the closure makes system calls only.
    unsafe { command.pre_exec(move || prepare(work_dir, &work_path, owner, &confine)) };
    tree::spawn(&mut command)
}

/// In the forked child: working directory, no core files, nothing of ours left open, a tree of its own, and at last
/// what contains it.
fn prepare(work_dir: i32, work_path: &CString, owner: libc::pid_t, confine: &Confine) -> io::Result<()> {
    // SAFETY: plain system calls on valid arguments.
    unsafe {
        if libc::fchdir(work_dir) != 0 {
            return Err(io::Error::last_os_error());
        }
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        #[cfg(target_os = "linux")]
        {
            // Also descriptors that we were given ourselves, open across exec. Kernels before 5.11 say no; then only
            // our own are closed, as all of those are opened that way.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            confine.apply(owner, work_dir, work_path)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (owner, work_path);
            libc::setsid();
            confine.apply()
        }
    }
}

/// Whether a program starts with namespaces of this kind here.
#[cfg(target_os = "linux")]
pub fn try_spaces(user: bool, views: bool) -> bool {
    let place = std::env::temp_dir();
    let Ok(dir) = std::fs::File::open(&place) else { return false };
    let Some(program) = super::language::find_program("true") else { return false };
    let writable = views.then(|| vec![place.clone()]);
    let spaces = super::sandbox::spaces(user, writable.as_deref(), views, None);
    let confine = Confine { spaces: Some(spaces), ..Confine::default() };
    let started = start(&[program.into()], &[], "probe", (dir.as_raw_fd(), &place), confine);
    started.is_ok_and(|(mut child, _pipe)| {
        let fine = child.wait().is_ok_and(|status| status.success());
        tree::end(&mut child, "probe");
        fine
    })
}

/// Reads until the program ends or has to.
fn watch(child: &mut Child, launch: &mut Launch, stop: &Stop, stream: &mut Stream) -> End {
    let begin = Instant::now();
    let exit = exit_descriptor(child);
    loop {
        if stop.is_asked() {
            return End::Killed;
        }
        let now = Instant::now();
        let left = launch.limit.now().checked_sub(now - begin);
        if left.is_none_or(|left| left.is_zero()) {
            return End::TimedOut;
        }
        if let Some(words) = launch.meter.look(now, child.id()) {
            return End::OverLimit(words);
        }
        stream.outbox.memory(launch.meter.held());
        let soonest = stream.outbox.flush().into_iter().chain(launch.meter.next(now)).min();
        let waits = [left, soonest, exit.is_none().then_some(TICK)];
        let ready =
            poll([Some(stop.ear.as_raw_fd()), stream.descriptor(), exit.as_ref().map(AsRawFd::as_raw_fd)], waits);
        if ready[1] {
            stream.read();
        }
        if ready[2] || exit.is_none() {
            match child.try_wait() {
                Ok(Some(status)) => return End::Exited(exit_code(status)),
                Ok(None) => {}
                Err(_) => return End::Exited(1),
            }
        }
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// The pipe and where its content goes.
struct Stream<'a> {
    pipe: Option<PipeReader>,
    output: &'a mut Output,
    outbox: &'a mut Outbox,
}

impl Stream<'_> {
    fn descriptor(&self) -> Option<i32> {
        self.pipe.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Reads what is there, but not for ever: a flood must not keep us from looking at the clock. True when the pipe
    /// has more.
    fn read(&mut self) -> bool {
        let mut buffer = [0u8; 64 * 1024];
        for _ in 0..16 {
            let Some(pipe) = &mut self.pipe else { return false };
            match pipe.read(&mut buffer) {
                Ok(0) => {
                    self.pipe = None;
                    return false;
                }
                Ok(size) => {
                    let text = self.output.push(&buffer[..size]);
                    self.outbox.push(&text);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => {
                    self.pipe = None;
                    return false;
                }
            }
        }
        true
    }

    /// The processes are gone: takes the rest, up to the end of the pipe or of the grace.
    fn drain(&mut self) {
        let deadline = Instant::now() + GRACE;
        while let Some(descriptor) = self.descriptor() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            poll([Some(descriptor), None, None], [Some(left), None, None]);
            self.read();
        }
        let rest = self.output.end_of_stream();
        self.outbox.push(rest);
        self.outbox.send();
    }
}

/// Waits until one of the descriptors has something, or the shortest of the times is over; says which have.
fn poll(descriptors: [Option<i32>; 3], waits: [Option<Duration>; 3]) -> [bool; 3] {
    // Descriptors below zero are passed over.
    let mut polled = descriptors.map(|fd| libc::pollfd { fd: fd.unwrap_or(-1), events: libc::POLLIN, revents: 0 });
    // Rounded up: waking a moment early would only turn the loop once more.
    let timeout = waits
        .into_iter()
        .flatten()
        .min()
        .map_or(-1, |wait| libc::c_int::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(libc::c_int::MAX));
    // SAFETY: the array is valid for its length.
    let count = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout) };
    polled.map(|one| count > 0 && one.revents != 0)
}

fn set_nonblocking(pipe: &PipeReader) -> io::Result<()> {
    // SAFETY: plain system calls on a valid descriptor.
    unsafe {
        let flags = libc::fcntl(pipe.as_raw_fd(), libc::F_GETFL);
        if flags < 0 || libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A descriptor that becomes readable when the child ends, where there is such a thing (Linux 5.3).
#[cfg(target_os = "linux")]
fn exit_descriptor(child: &Child) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: a plain system call; a descriptor that comes back is ours alone.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, child.id(), 0);
        i32::try_from(fd).ok().filter(|fd| *fd >= 0).map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

#[cfg(not(target_os = "linux"))]
fn exit_descriptor(_child: &Child) -> Option<OwnedFd> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Without a process namespace a program can kill its supervisor. What it started before, in a session of its own
    /// and with nothing of ours in its environment, is ended all the same.
    #[test]
    fn killing_the_supervisor_saves_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(dir.path()).unwrap();
        let code = "setsid env -i sh -c 'echo $$ > pid; exec sleep 60' & while [ ! -s pid ]; do sleep 0.01; done; \
                    kill -9 $PPID; sleep 60";
        let command: Vec<OsString> = ["sh", "-c", code].map(OsString::from).to_vec();
        let environment = [("PATH".into(), std::env::var_os("PATH").unwrap())];
        let limit = TimeLimit { first: Duration::from_secs(30), added: Arc::default() };
        let run = uuid::Uuid::now_v7().simple().to_string();
        let launch = Launch {
            command: &command,
            work_dir: &work,
            environment: &environment,
            run: &run,
            limit: &limit,
            meter: Meter::new(Default::default(), &[&work]),
        };
        let (sender, _receiver) = tokio::sync::mpsc::channel(8);
        let (mut output, mut outbox) = (Output::new(1000), Outbox::new(sender));
        let confine = Confine { orphans: true, ..Confine::default() };
        let ended = super::run(launch, confine, &Stop::new().unwrap(), &mut output, &mut outbox);
        assert!(matches!(ended.end, End::Exited(137)), "{:?}", ended.end);
        assert_eq!(ended.left, Vec::<u32>::new());
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "process {pid} lives");
    }
}
