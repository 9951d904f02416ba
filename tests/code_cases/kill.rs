//! Stop means stopped: programs that resist, and what is left of them afterwards (nothing).
#![cfg(target_os = "linux")]

use super::{job, local_in, payload_in, settings, tiers};
use plenary::chat::code::{Execution, Stopped};
use plenary::chat::containment::Tier;
use plenary::chat::team::CodeExecution;
use plenary::execution::{Job, Progress};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Each program notes the pid of every process that matters in the file `pids`, with the process namespace in which it
/// has that number, then lasts a minute.
struct Stubborn {
    name: &'static str,
    language: &'static str,
    code: &'static str,
    processes: usize,
    /// Whether the first process lasts, so that the run ends only by being stopped.
    lasts: bool,
}

const NOTE: &str = "
import os, signal, subprocess, sys, time
def note():
    fd = os.open('pids', os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, b'%d %d\\n' % (os.getpid(), os.stat('/proc/self/ns/pid').st_ino))
    os.close(fd)
def last():
    note()
    while True: time.sleep(60)
def child(act):
    if os.fork() == 0:
        act()
        os._exit(0)
";

const PROGRAMS: &[Stubborn] = &[
    Stubborn {
        name: "a child in a session of its own",
        language: "python",
        code: "child(lambda: (os.setsid(), last()))\nlast()",
        processes: 2,
        lasts: true,
    },
    Stubborn {
        name: "a daemon by double fork",
        language: "python",
        code: "child(lambda: (os.setsid(), child(last)))\nlast()",
        processes: 2,
        lasts: true,
    },
    Stubborn {
        name: "a daemon that outlives the program, without our environment, elsewhere",
        language: "python",
        code: "bare = lambda: os.execve('/bin/sh', ['sh', '-c', 'echo $$ $(stat -Lc %i /proc/self/ns/pid) >> pids; cd /; exec sleep 60'], {})
child(lambda: (os.setsid(), child(bare)))
while not os.path.exists('pids') or not open('pids').read(): time.sleep(0.01)",
        processes: 1,
        lasts: false,
    },
    Stubborn {
        name: "nohup in the background",
        language: "sh",
        code: "nohup sleep 60 >/dev/null 2>&1 &\necho $! $(stat -Lc %i /proc/self/ns/pid) >> pids\n(trap '' HUP TERM INT; sleep 60) &\necho $! $(stat -Lc %i /proc/self/ns/pid) >> pids",
        processes: 2,
        lasts: false,
    },
    Stubborn {
        name: "ignores every signal it can",
        language: "python",
        code: "for n in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(n, signal.SIG_IGN)\nlast()",
        processes: 1,
        lasts: true,
    },
    Stubborn {
        name: "stops itself",
        language: "python",
        code: "note()\nos.kill(os.getpid(), signal.SIGSTOP)",
        processes: 1,
        lasts: true,
    },
    Stubborn {
        name: "a background process that holds the pipe",
        language: "python",
        code: "child(last)\nwhile not os.path.exists('pids') or not open('pids').read(): time.sleep(0.01)",
        processes: 1,
        lasts: false,
    },
    Stubborn {
        name: "twenty children in a chain, each ignoring SIGTERM",
        language: "python",
        code: "def chain(n):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.setsid() if n < 20 else None
    if n: child(lambda: chain(n - 1))
    last()
chain(20)",
        processes: 21,
        lasts: true,
    },
    Stubborn {
        name: "children that replace one another",
        language: "python",
        code: "def relay(n):
    note()
    time.sleep(0.05)
    if n: child(lambda: (os.setsid(), relay(n - 1)))
    else: last()
child(lambda: relay(200))
last()",
        processes: 5,
        lasts: true,
    },
    Stubborn {
        name: "closes its output",
        language: "python",
        code: "os.close(1)\nos.close(2)\nlast()",
        processes: 1,
        lasts: true,
    },
    Stubborn {
        name: "signals its whole group",
        language: "python",
        code: "child(lambda: (os.setsid(), last()))
while not os.path.exists('pids') or not open('pids').read(): time.sleep(0.01)
os.kill(0, signal.SIGKILL)",
        processes: 1,
        lasts: false,
    },
    Stubborn {
        name: "kills the process that watches it",
        language: "python",
        code: "watcher = os.getppid()
child(lambda: (os.setsid(), child(last)))
while not os.path.exists('pids') or not open('pids').read(): time.sleep(0.01)
try: os.kill(watcher, signal.SIGKILL)
except PermissionError: pass
last()",
        processes: 2,
        lasts: true,
    },
    Stubborn {
        name: "stops the process that watches it",
        language: "python",
        code: "try: os.kill(os.getppid(), signal.SIGSTOP)\nexcept PermissionError: pass\nchild(lambda: (os.setsid(), last()))\nlast()",
        processes: 2,
        lasts: true,
    },
];

/// A process: its number, and the namespace that counts it so.
type Noted = (u32, u64);

fn noted(dir: &Path) -> Vec<Noted> {
    let text = fs::read_to_string(dir.join("pids")).unwrap_or_default();
    // The last line may still be on its way.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let pair = |line: &str| {
        let (pid, space) = line.trim().split_once(' ').unwrap();
        (pid.parse().unwrap(), space.parse().unwrap())
    };
    whole.lines().map(pair).collect()
}

/// How long ago a process began; longer than anything when it is gone.
fn age(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let begun = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse::<f64>().ok());
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let uptime: Option<f64> = uptime.split_whitespace().next().and_then(|seconds| seconds.parse().ok());
    // SAFETY: asks for a constant of the system.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
    match (begun, uptime) {
        (Some(begun), Some(uptime)) => Duration::from_secs_f64((uptime - begun / ticks).max(0.0)),
        _ => Duration::MAX,
    }
}

/// Whether a noted process lives, wherever it is counted. The number of a namespace that is gone is used again, by tests
/// beside this one: who began after the notes were written is somebody else.
fn noted_lives((pid, space): Noted, written: Duration) -> bool {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let slack = Duration::from_millis(50);
    pids.filter(|host: &u32| lives(*host) && age(*host).saturating_add(slack) > written).any(|host| {
        let link = fs::read_link(format!("/proc/{host}/ns/pid")).unwrap_or_default();
        let status = fs::read_to_string(format!("/proc/{host}/status")).unwrap_or_default();
        let inner = status.lines().find_map(|line| line.strip_prefix("NSpid:")?.split_whitespace().last());
        link.to_string_lossy() == format!("pid:[{space}]") && inner == Some(pid.to_string().as_str())
    })
}

fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !matches!(rest.trim_start().chars().next(), Some('Z' | 'X')))
}

/// Living processes that were started for this directory, found by its name in their environment.
fn carriers(dir: &Path) -> Vec<u32> {
    let mark = format!("HOME={}", dir.display());
    let carries = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| carries(pid) && lives(*pid)).collect()
}

fn assert_nothing_is_left(name: &str, dir: &Path, processes: usize) {
    let pids = noted(dir);
    assert!(pids.len() >= processes, "{name}: only {} processes came to be", pids.len());
    let written =
        fs::metadata(dir.join("pids")).and_then(|file| file.modified()).unwrap().elapsed().unwrap_or_default();
    let alive: Vec<Noted> = pids.into_iter().filter(|pid| noted_lives(*pid, written)).collect();
    assert_eq!(alive, Vec::<Noted>::new(), "{name}: noted and alive");
    assert_eq!(carriers(dir), Vec::<u32>::new(), "{name}: marked and alive");
}

fn stubborn_job(tier: Tier, program: &Stubborn, code: &CodeExecution) -> Job {
    let text = if program.language == "python" { format!("{NOTE}{}", program.code) } else { program.code.to_owned() };
    job(payload_in(tier, code, &[(program.language, &text)]))
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn start(tier: Tier, job: Job) -> tokio::task::JoinHandle<Execution> {
    let (sender, mut receiver) = mpsc::channel::<Progress>(16);
    tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    tokio::spawn(local_in(tier).run(job, sender))
}

/// Each program with each tier.
fn each(lasts: bool) -> Vec<(Tier, &'static Stubborn)> {
    let programs = move || PROGRAMS.iter().filter(move |program| program.lasts == lasts);
    tiers().into_iter().flat_map(|tier| programs().map(move |program| (tier, program))).collect()
}

#[tokio::test]
async fn every_stubborn_program_is_gone_when_a_killed_run_resolves() {
    for (tier, program) in each(true) {
        let name = format!("{} in tier {}", program.name, tier.name());
        let dir = TempDir::new().unwrap();
        let job = stubborn_job(tier, program, &settings(dir.path()));
        let kill = job.kill.clone();
        let running = start(tier, job);
        until(&name, || noted(dir.path()).len() >= program.processes || running.is_finished()).await;
        if running.is_finished() {
            panic!("{name} ended by itself: {:?}", running.await);
        }
        let begin = Instant::now();
        kill.cancel();
        let execution = running.await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2), "{name}: {:?}", begin.elapsed());
        assert_eq!((execution.exit_code, execution.stopped), (137, Some(Stopped::Killed)), "{name}");
        assert_nothing_is_left(&name, dir.path(), program.processes);
    }
}

#[tokio::test]
async fn every_stubborn_program_is_gone_after_its_time_limit() {
    for tier in tiers() {
        let mut running = Vec::new();
        for program in PROGRAMS.iter().filter(|program| program.lasts) {
            let dir = TempDir::new().unwrap();
            let code = CodeExecution { timeout_ms: 6000, ..settings(dir.path()) };
            running.push((program, start(tier, stubborn_job(tier, program, &code)), dir));
        }
        for (program, running, dir) in running {
            let name = format!("{} in tier {}", program.name, tier.name());
            let execution = running.await.unwrap();
            let how = (execution.exit_code, execution.stopped);
            assert_eq!(how, (124, Some(Stopped::TimedOut)), "{name}: {execution:?}");
            assert!(execution.duration_ms < 6000 + 3500, "{name}: {}", execution.duration_ms);
            assert_nothing_is_left(&name, dir.path(), program.processes);
        }
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it_and_holds_nothing_up() {
    for (tier, program) in each(false) {
        let name = format!("{} in tier {}", program.name, tier.name());
        let dir = TempDir::new().unwrap();
        let execution = start(tier, stubborn_job(tier, program, &settings(dir.path()))).await.unwrap();
        assert_eq!(execution.stopped, None, "{name}: {}", execution.output);
        assert!(execution.duration_ms < 20_000, "{name}");
        assert_nothing_is_left(&name, dir.path(), program.processes);
    }
}

#[tokio::test]
async fn dropping_the_future_ends_the_tree() {
    for tier in tiers() {
        let dir = TempDir::new().unwrap();
        let program = &PROGRAMS[0];
        let running = start(tier, stubborn_job(tier, program, &settings(dir.path())));
        until(program.name, || noted(dir.path()).len() >= program.processes).await;
        running.abort();
        until("still there", || carriers(dir.path()).is_empty()).await;
        assert_nothing_is_left(program.name, dir.path(), program.processes);
    }
}

#[tokio::test]
async fn a_killed_run_keeps_what_was_printed_and_starts_no_further_block() {
    let dir = TempDir::new().unwrap();
    let two = "echo two; echo $$ $(stat -Lc %i /proc/self/ns/pid) >> pids; exec sleep 60";
    let blocks = [("sh", "echo one"), ("sh", two), ("sh", "touch three")];
    let job = job(payload_in(Tier::None, &settings(dir.path()), &blocks));
    let kill = job.kill.clone();
    let running = start(Tier::None, job);
    until("no second block", || !noted(dir.path()).is_empty()).await;
    kill.cancel();
    let execution = running.await.unwrap();
    assert!(execution.output.starts_with("one\ntwo\n"), "{}", execution.output);
    assert!(!dir.path().join("three").exists());
    assert_nothing_is_left("second block", dir.path(), 1);
}

#[tokio::test]
async fn runs_do_not_touch_each_other() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let tier = Tier::None;
    let one = stubborn_job(tier, &PROGRAMS[0], &settings(first.path()));
    let other = stubborn_job(tier, &PROGRAMS[0], &settings(second.path()));
    let (kill_one, kill_other) = (one.kill.clone(), other.kill.clone());
    let (one, other) = (start(tier, one), start(tier, other));
    until("both", || noted(first.path()).len() >= 2 && noted(second.path()).len() >= 2).await;
    kill_one.cancel();
    one.await.unwrap();
    assert_nothing_is_left("first", first.path(), 2);
    assert!(noted(second.path()).into_iter().all(|noted| noted_lives(noted, Duration::ZERO)));
    assert!(!other.is_finished());
    kill_other.cancel();
    other.await.unwrap();
    assert_nothing_is_left("second", second.path(), 2);
}

/// The other half of the next test: a process that runs a stubborn program until it is killed itself.
#[tokio::test]
#[ignore = "started by another test in a process of its own"]
async fn a_process_that_runs_code() {
    let Some(dir) = std::env::var_os("PLENARY_TEST_VICTIM_DIR") else { return };
    let tier = Tier::of(&std::env::var("PLENARY_TEST_VICTIM_TIER").unwrap()).unwrap();
    start(tier, stubborn_job(tier, &PROGRAMS[1], &settings(Path::new(&dir)))).await.unwrap();
}

#[tokio::test]
async fn the_tree_is_gone_even_when_plenary_itself_is_killed() {
    for tier in tiers() {
        let dir = TempDir::new().unwrap();
        // Nobody is left to remove the private directory of the code: let it go with ours.
        let private = TempDir::new().unwrap();
        let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "code::kill::a_process_that_runs_code", "--ignored"])
            .env("PLENARY_TEST_VICTIM_DIR", dir.path())
            .env("PLENARY_TEST_VICTIM_TIER", tier.name())
            .env("TMPDIR", private.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        until("the daemon", || noted(dir.path()).len() >= 2).await;
        assert!(noted(dir.path()).into_iter().all(|noted| noted_lives(noted, Duration::ZERO)));
        victim.kill().unwrap();
        victim.wait().unwrap();
        until("still there", || carriers(dir.path()).is_empty()).await;
        assert_nothing_is_left("after kill -9", dir.path(), 2);
    }
}
