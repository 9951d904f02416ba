//! Killed without warning, at any moment: what was told is kept, and what was done is not done again.

use crate::support::home::Home;
use crate::support::pty::{PATIENCE, Pty};
use plenary::chat::command::Command;
use plenary::chat::event::{Event, HoldReason, Record, Resolution};
use plenary::chat::id::OpId;
use plenary::chat::update::Update;
use plenary::engine::Handle;
use plenary::session::{Session, Waiting};
use plenary::settings::Settings;
use plenary::wire::{self, Options};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the program is killed; `PLENARY_KILLS` says otherwise.
fn kills() -> u64 {
    std::env::var("PLENARY_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(100)
}
/// Executions of a whole run.
const EXECUTIONS: u32 = 14;

/// A team in which each execution writes its own number to a file outside, once, and takes a moment before and after.
fn counting(home: &Home) -> String {
    let counter = home.path("counter");
    let mut team = format!(
        r#"
[team]
name = "counting"
task = "Count."
speaker_selection_method = "round_robin"
max_round = {}

[[agents]]
name = "Coder"
kind = "assistant"
system_message = "Count."

[[agents]]
name = "Executor"
kind = "executor"
code_execution = {{ executor = "local", tier = "none", approval = "never", timeout = "30s", work_dir = "workspace" }}

[models.script]
provider = "scripted"
model = "scripted"
pace = 2000
"#,
        1 + 2 * EXECUTIONS
    );
    for n in 1..=EXECUTIONS {
        team += &format!(
            "\n[[models.script.reply]]\nagent = \"Coder\"\nturn = {n}\ntext = '''\nNumber {n}.\n\n\
             ```sh\nsleep 0.01; echo {n} >> {}; sleep 0.01; echo done\n```\n'''\n",
            counter.display()
        );
    }
    home.write("counting.toml", team)
}

/// The numbers that were written outside.
fn counted(home: &Home) -> Vec<u32> {
    let text = fs::read_to_string(home.path("counter")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// What the log says of each execution: its number, its process, and whether its outcome is known.
#[derive(Debug, Default)]
struct Execution {
    number: u32,
    pid: Option<u32>,
    exit_code: Option<i32>,
    unknown: bool,
}

fn executions(records: &[Arc<Record>]) -> BTreeMap<OpId, Execution> {
    let mut asked = BTreeMap::new();
    let mut found: BTreeMap<OpId, Execution> = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::ApprovalAsked { approval, payload, .. } => {
                let code = &payload.blocks[0].code;
                let number: u32 = code.split("echo ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
                asked.insert(*approval, number);
            }
            Event::Intent { op, approval, .. } => {
                let before = found.insert(*op, Execution { number: asked[approval], ..Execution::default() });
                assert!(before.is_none(), "{op} twice");
            }
            Event::Started { op, pid } => found.get_mut(op).expect("started without an intent").pid = Some(*pid),
            Event::Outcome { op, execution } => {
                found.get_mut(op).expect("ran without an intent").exit_code = Some(execution.exit_code);
            }
            Event::OutcomeUnknown { op } => found.get_mut(op).expect("unknown without an intent").unknown = true,
            _ => {}
        }
    }
    found
}

/// No execution happened that was not announced, none twice, and every one that is said to have succeeded once.
#[track_caller]
fn assert_once(home: &Home, records: &[Arc<Record>]) {
    let counted = counted(home);
    let distinct: BTreeSet<u32> = counted.iter().copied().collect();
    assert_eq!(distinct.len(), counted.len(), "something ran twice: {counted:?}");
    let known = executions(records);
    let numbers: BTreeSet<u32> = known.values().map(|execution| execution.number).collect();
    assert_eq!(numbers.len(), known.len(), "announced twice: {known:?}");
    assert!(distinct.is_subset(&numbers), "ran unannounced: {counted:?} of {numbers:?}");
    for execution in known.values() {
        if execution.exit_code == Some(0) {
            assert!(distinct.contains(&execution.number), "{execution:?} is said to have run: {counted:?}");
        }
    }
}

/// A small generator: the moments differ from kill to kill and are the same from run to run, as far as a clock lets them.
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Runs the team headless and kills it after a number of records and some microseconds. Returns what it told.
fn killed(home: &Home, team: &str, records: u64, after: Duration) -> String {
    let mut command = home.plenary(&["run", team, "--headless", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    for _ in 0..records {
        if out.read_line(&mut told).unwrap() == 0 {
            break;
        }
    }
    std::thread::sleep(after);
    child.kill().unwrap();
    out.read_to_string(&mut told).unwrap();
    child.wait().unwrap();
    // What is not a whole line was not told.
    told.truncate(told.rfind('\n').map_or(0, |end| end + 1));
    told
}

/// Nothing of what was started is left: the tree goes with the program, but in its own time. Also a process that was not
/// yet in the log when it was killed, and that has the session's file open until it becomes what it was made for.
fn wait_until_gone(home: &Home) {
    let until = Instant::now() + PATIENCE;
    let place = home.path("");
    let left = || {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok()).any(|cwd| cwd.starts_with(&place))
    };
    while left() {
        assert!(Instant::now() < until, "processes are left in {}", place.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Opens the newest session as `plenary open` does, in this process.
async fn reopen(home: &Home) -> (Session, Handle) {
    assert!(std::env::var_os("PLENARY_DATA_DIR").is_none(), "this test keeps its sessions elsewhere");
    let settings = home.write("elsewhere.toml", format!("data_dir = {:?}\n", home.data()));
    let settings = Settings::load(Some(settings.as_ref())).unwrap();
    let run = wire::reopen("last", &settings, &Options::default()).unwrap();
    (run.session, run.handle)
}

/// Takes in updates until the session is as wanted.
async fn follow(session: &mut Session, handle: &mut Handle, wanted: impl Fn(&Session) -> bool) {
    while !wanted(session) {
        let update = tokio::time::timeout(PATIENCE, handle.updates.recv()).await.expect("nothing comes");
        if let Update::Record(record) = update.expect("the engine stopped") {
            session.apply(record).unwrap();
        }
    }
}

/// What only the operator can tell.
fn unknown(session: &Session) -> Vec<OpId> {
    let waiting = session.waiting().into_iter();
    waiting
        .filter_map(|waiting| match waiting {
            Waiting::Unknown(op) => Some(op),
            _ => None,
        })
        .collect()
}

/// Returns whether an execution was under way.
fn kill_reopen_and_go_on(seed: u64) -> bool {
    let home = Home::new();
    let team = counting(&home);
    let mut moments = Moments(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let told = killed(&home, &team, moments.below(110), Duration::from_micros(moments.below(25_000)));
    wait_until_gone(&home);
    if home.session_names().is_empty() {
        assert_eq!(told, "", "told, but not kept");
        assert_eq!(counted(&home), [0; 0]);
        return false;
    }
    let exported = home.run(&["export", "last", "--format", "jsonl"]);
    if exported.code != Some(0) {
        // Killed before the first record: the file is there, and nothing was told.
        assert_eq!(told, "", "told, but not kept: {}", exported.err);
        assert_eq!(counted(&home), [0; 0]);
        return false;
    }
    assert!(exported.out.starts_with(&told), "told, but not kept:\n{told}\n{}", exported.out);
    let left = home.records();
    for (n, record) in (1..).zip(&left) {
        assert_eq!(record.seq.0, n, "a gap");
    }
    assert_once(&home, &left);
    let open: Vec<OpId> = executions(&left)
        .into_iter()
        .filter_map(|(op, execution)| execution.exit_code.is_none().then_some(op))
        .collect();
    assert!(open.len() <= 1, "{open:?}");

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let before = counted(&home);
    let session = runtime.block_on(async {
        let (mut session, mut handle) = reopen(&home).await;
        let ended = session.ended().is_some();
        if !ended {
            let settled = |session: &Session| session.hold().is_some() && unknown(session).len() >= open.len();
            follow(&mut session, &mut handle, settled).await;
            assert_eq!(session.hold(), Some(&HoldReason::Opened));
        }
        assert_eq!(unknown(&session), open, "what may have happened is asked about, and nothing else");
        assert_eq!(counted(&home), before, "opening runs nothing");
        // The operator goes on; half of the time the process is lost again instead, with nothing decided.
        if seed.is_multiple_of(2) && !ended {
            for op in unknown(&session) {
                handle.commands.send(Command::Resolve { op, resolution: Resolution::GiveUp }).await.unwrap();
            }
            handle.commands.send(Command::Resume).await.unwrap();
            follow(&mut session, &mut handle, |session| session.ended().is_some()).await;
        }
        drop(handle.commands);
        handle.updates.close();
        handle.done.await.unwrap()
    });
    let records = home.records();
    assert_eq!(records.len(), session.log().len());
    assert_once(&home, &records);
    for (op, execution) in executions(&records) {
        assert_eq!(execution.unknown, open.contains(&op), "{op} {execution:?}");
        assert_ne!(execution.unknown, execution.exit_code.is_some(), "{op} {execution:?}");
    }
    if seed.is_multiple_of(2) {
        assert!(session.ended().is_some());
        assert_eq!(executions(&records).len(), EXECUTIONS as usize, "every number was announced once");
    }
    !open.is_empty()
}

#[test]
fn killed_at_any_moment_nothing_told_is_lost_and_nothing_is_done_twice() {
    let in_flight: usize = std::thread::scope(|scope| {
        let halves: Vec<_> = (0..2)
            .map(|half| {
                let seeds = (1..=kills()).filter(move |seed| seed / 2 % 2 == half);
                scope.spawn(move || seeds.filter(|seed| kill_reopen_and_go_on(*seed)).count())
            })
            .collect();
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    });
    println!("{in_flight} of {} kills fell into an execution", kills());
    assert!(in_flight >= 3, "only {in_flight} kills fell into an execution: the test lost its point");
}

#[test]
fn the_console_asks_what_became_of_code_that_a_kill_has_cut_off() {
    let home = Home::new();
    let counter = home.path("counter");
    let code = format!("```sh\necho 1 >> {}; sleep 300\n```", counter.display());
    let team = home.write("team.toml", crate::support::home::doer("never", &code, ""));
    let pty = Pty::plenary(&home, (120, 35), &["run", &team]);
    let until = Instant::now() + PATIENCE;
    while !counter.exists() {
        assert!(Instant::now() < until, "the program never started");
        std::thread::sleep(Duration::from_millis(2));
    }
    pty.signal(libc::SIGKILL);
    drop(pty);

    let mut pty = Pty::plenary(&home, (120, 35), &["open", "last"]);
    pty.wait_for("outcome unknown");
    pty.keys("w");
    pty.wait_for("Did it happen?");
    pty.keys("\r");
    pty.wait_without("Did it happen?");
    pty.wait_for("it is not known whether the code ran");
    pty.keys(" ");
    pty.wait_status("ENDED");
    pty.keys("q");
    assert_eq!(pty.end().code, 0);
    assert_eq!(counted(&home), [1], "it ran once");
}
