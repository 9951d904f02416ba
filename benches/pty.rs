//! The real program in a pseudo terminal of 200x60: start, echo, idling, streaming.
//!
//! Times are taken when bytes come out of the terminal; what they show is read with an emulator afterwards. CPU and memory
//! are the kernel's own figures of the process (`/proc`), so this benchmark needs Linux.

mod support;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use support::{Bar, Table, quantile, resident, size, time, world};

const ROWS: u16 = 60;
const COLUMNS: u16 = 200;
/// When to give up on something that should have been on the screen.
const PATIENCE: Duration = Duration::from_secs(60);
const KEYS: usize = 400;
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

fn main() {
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    std::fs::write(dir.join("quiet.toml"), team("", None)).expect("a file");
    std::fs::write(dir.join("paced.toml"), team("Go.", Some((200.0, 12_000)))).expect("a file");
    std::fs::write(dir.join("fast.toml"), team("Go.", Some((0.0, 20_000)))).expect("a file");
    start(dir);
    idle(dir);
    echo(dir);
    streaming(dir);
    full_speed(dir);
}

/// A team of one speaker with an answer of so many tokens at a pace, or of one who is never asked.
fn team(task: &str, says: Option<(f64, usize)>) -> String {
    let (pace, text) = says.map_or((0.0, "Done.".to_owned()), |(pace, tokens)| (pace, world::answer(tokens)));
    let task = if task.is_empty() { String::new() } else { format!("task = \"{task}\"\n") };
    format!(
        "[team]\nname = \"bench\"\n{task}speaker_selection_method = \"round_robin\"\nmax_round = 2\n\n[[agents]]\nname = \
         \"Coder\"\nkind = \"assistant\"\nsystem_message = \"Code.\"\nmodel = \"m\"\n\n[[agents]]\nname = \
         \"Reviewer\"\nkind = \"assistant\"\nsystem_message = \"Review.\"\nmodel = \"m\"\n\n[models.m]\nprovider = \
         \"scripted\"\nmodel = \"m\"\npace = {pace}\nprice = {{ input = 0.1, output = 0.1 }}\n\n[[models.m.reply]]\ntext \
         = '''\n{text}'''\n"
    )
}

/// A program in a terminal.
struct Program {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    pieces: Receiver<(Instant, Vec<u8>)>,
    _terminal: Box<dyn MasterPty + Send>,
    parser: vt100::Parser,
    begun: Instant,
    bytes: u64,
}

impl Program {
    fn plenary(dir: &Path, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_plenary"));
        command.args(arguments);
        Program::start(command, dir)
    }

    fn start(mut command: CommandBuilder, dir: &Path) -> Self {
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", dir);
        command.env("PLENARY_DATA_DIR", dir.join("data"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.cwd(dir);
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).expect("a program");
        drop(pair.slave);
        let (to, pieces) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || to.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(ROWS.try_into().expect("rows"), COLUMNS.try_into().expect("columns"), 0);
        Program { child, writer, pieces, _terminal: pair.master, parser, begun, bytes: 0 }
    }

    fn pid(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).expect("a terminal");
        self.writer.flush().expect("a terminal");
    }

    /// Takes in what comes until the screen is as wanted; when the piece came that made it so.
    fn until(&mut self, what: &str, mut wanted: impl FnMut(&vt100::Screen, &[u8]) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((at, piece)) => {
                    self.bytes += piece.len() as u64;
                    self.parser.process(&piece);
                    if wanted(self.parser.screen(), &piece) {
                        return at;
                    }
                }
                Err(_) => panic!("{what} did not come; the screen:\n{}", self.parser.screen().contents()),
            }
        }
    }

    fn contains(&mut self, text: &str) -> Instant {
        self.until(text, |screen, _| screen.contents().contains(text))
    }

    /// Takes in what comes for so long; how many bytes that was.
    fn watch(&mut self, span: Duration) -> u64 {
        let (before, deadline) = (self.bytes, Instant::now() + span);
        loop {
            match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((_, piece)) => {
                    self.bytes += piece.len() as u64;
                    self.parser.process(&piece);
                }
                Err(RecvTimeoutError::Timeout) => return self.bytes - before,
                Err(RecvTimeoutError::Disconnected) => panic!("the program is gone"),
            }
        }
    }

    /// What the process has used: clock ticks as in `/proc/PID/stat`, and the time its threads ran.
    fn used(&self) -> (u64, Duration) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<u64> = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
        let mut ran = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten() {
            let line = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            ran += line.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        }
        (fields.iter().sum(), Duration::from_nanos(ran))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(dir: &Path) {
    let table = Table::new("Start to first frame (200x60, files cached), 20 starts");
    let limit = Duration::from_millis(20);
    let mut floor = Vec::new();
    let runs = [("with a journal", &["run", "quiet.toml"][..]), ("--ephemeral", &["run", "quiet.toml", "--ephemeral"])];
    for (what, arguments) in runs {
        let mut frames = Vec::new();
        for _ in 0..20 {
            let mut program = Program::plenary(dir, arguments);
            let ends = |_: &vt100::Screen, piece: &[u8]| piece.windows(FRAME_ENDS.len()).any(|part| part == FRAME_ENDS);
            let at = program.until("a frame", ends);
            assert!(program.parser.screen().contents().contains("Transcript"), "an empty frame");
            frames.push(at - program.begun);
            drop(program);
            let mut command = CommandBuilder::new("echo");
            command.arg("x");
            let mut echo = Program::start(command, dir);
            floor.push(echo.contains("x") - echo.begun);
        }
        table.time(&format!("{what}: median"), quantile(&frames, 0.5), limit);
        table.note(&format!("{what}: slowest"), &time(quantile(&frames, 1.0)));
    }
    table.note("the floor: /bin/echo in the same terminal, median", &time(quantile(&floor, 0.5)));
}

fn idle(dir: &Path) {
    let table = Table::new("Idle for 10 s: a team that waits for its task");
    let mut program = Program::plenary(dir, &["run", "quiet.toml"]);
    program.contains("Transcript");
    program.watch(Duration::from_secs(2));
    let (ticks, ran) = program.used();
    let bytes = program.watch(Duration::from_secs(10));
    let (ticks_after, ran_after) = program.used();
    table.row("bytes to the terminal", &bytes.to_string(), bytes as f64, Bar::Most(0.0), "0");
    let ticks = ticks_after - ticks;
    table.row("clock ticks (of 10 ms) used", &ticks.to_string(), ticks as f64, Bar::Most(0.0), "0");
    table.note("time on a CPU, as the scheduler counts", &time(ran_after - ran));
    table.bytes("resident memory", resident(program.pid()) as f64, 25e6);
}

/// What stands in the composer.
fn composed(screen: &vt100::Screen) -> String {
    let rows: Vec<String> = screen.rows(0, COLUMNS).collect();
    let row = rows.iter().rev().find(|row| row.trim_start().starts_with('›')).cloned().unwrap_or_default();
    row.trim().trim_start_matches('›').trim().to_owned()
}

/// Types and deletes, one key at a time, and measures until it shows.
fn keys(program: &mut Program) -> Vec<Duration> {
    program.send(b"i");
    program.watch(Duration::from_millis(300));
    let mut samples = Vec::new();
    for n in 0..KEYS {
        // Not in step with anything else.
        program.watch(Duration::from_millis(15 + (n as u64 * 7) % 21));
        let (key, wanted) = if n % 2 == 0 { (&b"x"[..], "x") } else { (&b"\x7f"[..], "") };
        let begun = Instant::now();
        program.send(key);
        let at = program.until("the echo", |screen, _| {
            let shown = composed(screen);
            if wanted.is_empty() { !shown.starts_with('x') } else { shown == wanted }
        });
        samples.push(at - begun);
    }
    samples
}

fn echo(dir: &Path) {
    let table = Table::new("Key to echo");
    let ms = Duration::from_millis;
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "stty raw -echo; printf ready; exec cat"]);
    let mut cat = Program::start(command, dir);
    cat.contains("ready");
    let mut floor = Vec::new();
    for n in 0..KEYS {
        cat.watch(ms(15 + (n as u64 * 7) % 21));
        let begun = Instant::now();
        cat.send(b"x");
        floor.push(cat.until("the echo", |_, _| true) - begun);
    }
    drop(cat);
    let floor = (quantile(&floor, 0.5), quantile(&floor, 0.99));
    table.note("the floor: cat in raw mode, p50 / p99", &format!("{} / {}", time(floor.0), time(floor.1)));
    for (what, file, p99) in [("idle", "quiet.toml", 5), ("while streaming 200 tokens/s", "paced.toml", 10)] {
        let mut program = Program::plenary(dir, &["run", file]);
        program.contains("Transcript");
        program.watch(ms(1000));
        let samples = keys(&mut program);
        table.time(&format!("{what}: p50"), quantile(&samples, 0.5), ms(2));
        table.time(&format!("{what}: p99"), quantile(&samples, 0.99), ms(p99));
        let times = quantile(&samples, 0.5).as_secs_f64() / floor.0.as_secs_f64();
        table.note(&format!("{what}: p50, times the floor"), &format!("{times:.1} x"));
    }
}

fn streaming(dir: &Path) {
    let table = Table::new("One agent streaming 200 tokens a second of markdown, 30 s");
    let mut program = Program::plenary(dir, &["run", "paced.toml"]);
    program.contains("Transcript");
    program.watch(Duration::from_secs(1));
    let mut parts = Vec::new();
    for _ in 0..3 {
        let (ticks, ran) = program.used();
        let bytes = program.watch(Duration::from_secs(10));
        let (ticks_after, ran_after) = program.used();
        parts.push((ticks_after - ticks, ran_after - ran, bytes));
    }
    let ticks: u64 = parts.iter().map(|part| part.0).sum();
    let ran: Duration = parts.iter().map(|part| part.1).sum();
    let bytes: u64 = parts.iter().map(|part| part.2).sum();
    table.time("CPU, by clock ticks", Duration::from_millis(ticks * 10), Duration::from_millis(1200));
    let share = 100.0 * ran.as_secs_f64() / 30.0;
    table.row(
        "CPU share of a core, as the scheduler counts",
        &format!("{share:.2} %"),
        share,
        Bar::Most(4.0),
        "<= 4 %",
    );
    table.ratio("last ten seconds / first ten", parts[2].1.as_secs_f64() / parts[0].1.as_secs_f64(), 1.25);
    table.note("bytes a second", &size(bytes as f64 / 30.0));
    table.note("resident memory at the end", &size(resident(program.pid()) as f64));
}

fn full_speed(dir: &Path) {
    let table = Table::new("An answer of 20,000 tokens of markdown as fast as it comes, engine and journal included");
    let mut quiet = Program::plenary(dir, &["run", "quiet.toml"]);
    quiet.contains("Transcript");
    quiet.watch(Duration::from_secs(1));
    let (start, start_bytes) = (quiet.used().1, quiet.bytes);
    drop(quiet);
    let mut runs = Vec::new();
    for _ in 0..5 {
        let mut program = Program::plenary(dir, &["run", "fast.toml"]);
        let at = program.contains("ENDED");
        let wall = at - program.begun;
        program.watch(Duration::from_millis(300));
        runs.push((program.used().1.saturating_sub(start), program.bytes.saturating_sub(start_bytes), wall));
    }
    runs.sort_by_key(|run| run.0);
    let (cpu, bytes, wall) = runs[2];
    table.time("CPU without that of an empty start, middle of five", cpu, Duration::from_millis(500));
    table.bytes("bytes to the terminal", bytes as f64, 300e3);
    table.note("start to end", &time(wall));
    let begun = support::cpu();
    std::hint::black_box(plenary::text::markdown::render(&world::answer(20_000), 118));
    table.note("laying the same text out once", &time(support::cpu() - begun));
}
