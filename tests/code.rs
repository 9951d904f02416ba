//! What code does: the fence rule as a table, and the real local executor with real programs.

use plenary::catalog;
use plenary::chat::code::{CodeBlock, Execution, Payload, Stopped};
use plenary::chat::containment::Tier;
use plenary::chat::team::{CodeExecution, Spec};
use plenary::execution::{EXECUTORS, Executor, Job, Progress, blocks};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::mpsc;

#[path = "code_cases/kill.rs"]
mod kill;

#[path = "code_cases/docker.rs"]
mod docker;

#[path = "code_cases/escape.rs"]
mod escape;

#[path = "code_cases/consent.rs"]
mod consent;

#[test]
fn text_between_fences_is_code_as_the_table_says() {
    #[derive(serde::Deserialize)]
    struct Table {
        case: Vec<Case>,
    }
    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        text: String,
        blocks: Vec<(String, String)>,
    }
    let table: Table = toml::from_str(include_str!("code_cases/extract.toml")).unwrap();
    assert!(table.case.len() >= 18);
    for case in table.case {
        let found: Vec<(String, String)> =
            blocks::extract(&case.text).into_iter().map(|block| (block.language, block.code.to_string())).collect();
        assert_eq!(found, case.blocks, "{}", case.name);
    }
}

/// The local executor in that tier, which must be there.
fn local_in(tier: Tier) -> Box<dyn Executor> {
    let mut spec = Spec::named("local");
    spec.options.insert("tier".into(), tier.name().into());
    catalog::build(EXECUTORS, &spec).unwrap()
}

/// The local executor without containment: what every tier has in common is tested here.
fn local() -> Box<dyn Executor> {
    local_in(Tier::None)
}

/// The tiers of the local executor that this machine has. What is missing is said.
fn tiers() -> Vec<Tier> {
    let mut found = vec![Tier::None];
    for tier in [Tier::Process, Tier::Namespace] {
        match local_in(tier).ready(&CodeExecution::default()) {
            Ok(()) => found.push(tier),
            Err(words) => eprintln!("SKIPPED in tier {}: {words}", tier.name()),
        }
    }
    found
}

fn settings(work_dir: &Path) -> CodeExecution {
    CodeExecution {
        work_dir: work_dir.to_str().unwrap().to_owned(),
        environment: vec!["PATH".to_owned()],
        ..CodeExecution::default()
    }
}

fn payload(code: &CodeExecution, blocks: &[(&str, &str)]) -> Payload {
    payload_in(Tier::None, code, blocks)
}

fn payload_in(tier: Tier, code: &CodeExecution, blocks: &[(&str, &str)]) -> Payload {
    let blocks = blocks
        .iter()
        .map(|(language, code)| CodeBlock { language: (*language).into(), code: (*code).into() })
        .collect();
    Payload::code(blocks, local_in(tier).place(code))
}

fn job(payload: Payload) -> Job {
    let hash = payload.hash();
    Job::new(Arc::new(payload), hash)
}

async fn run_with(code: &CodeExecution, blocks: &[(&str, &str)]) -> Execution {
    let (sender, mut receiver) = mpsc::channel(16);
    let reading = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    let execution = local().run(job(payload(code, blocks)), sender).await;
    reading.await.unwrap();
    execution
}

async fn run_in(dir: &Path, blocks: &[(&str, &str)]) -> Execution {
    run_with(&settings(dir), blocks).await
}

async fn run(blocks: &[(&str, &str)]) -> Execution {
    let dir = TempDir::new().unwrap();
    run_in(dir.path(), blocks).await
}

// C106, C107, C109: exit codes, order, stopping at the first failure.
#[tokio::test]
async fn exit_codes_and_outputs_come_back_as_ag2_reports_them() {
    let silent = run(&[("sh", "exit 3")]).await;
    assert_eq!(silent.reply(), "exitcode: 3 (execution failed)\nCode output: ");
    assert_eq!(silent.stopped, None);
    let two = run(&[("python", "print(1)"), ("sh", "exit 5")]).await;
    assert_eq!(two.reply(), "exitcode: 5 (execution failed)\nCode output: 1\n");
    let three = run(&[("sh", "echo a"), ("sh", "echo b; exit 2"), ("sh", "echo never")]).await;
    assert_eq!((three.exit_code, &*three.output), (2, "a\nb\n"));
    let fine = run(&[("Python", "print('hi')")]).await;
    assert_eq!(fine.reply(), "exitcode: 0 (execution succeeded)\nCode output: hi\n");
}

#[tokio::test]
async fn a_program_that_dies_of_a_signal_fails_with_128_and_its_number() {
    let execution = run(&[("sh", "kill -SEGV $$")]).await;
    assert_eq!((execution.exit_code, execution.stopped), (128 + 11, None));
}

#[tokio::test]
async fn error_and_output_come_in_the_order_they_were_written() {
    let code = "import os\nfor n in range(20): os.write(1 + n % 2, b'%d\\n' % n)";
    let execution = run(&[("py", code)]).await;
    assert_eq!(&*execution.output, (0..20).map(|n| format!("{n}\n")).collect::<String>());
}

// C110, with the ledger's fix: what was printed before the limit is kept.
#[tokio::test]
async fn a_time_out_is_124_and_keeps_what_was_printed() {
    let dir = TempDir::new().unwrap();
    let code = CodeExecution { timeout_ms: 1500, ..settings(dir.path()) };
    let execution = run_with(&code, &[("python", "print('so far')\nimport time\ntime.sleep(60)")]).await;
    assert_eq!((execution.exit_code, execution.stopped), (124, Some(Stopped::TimedOut)));
    assert!(execution.output.starts_with("so far\n\nTimeout"), "{}", execution.output);
    assert!(execution.output.contains("1.5 s"));
    assert!(execution.duration_ms >= 1500 && execution.duration_ms < 30_000);
}

// C112: languages that are only saved.
#[tokio::test]
async fn pages_and_styles_are_saved_not_run() {
    let dir = TempDir::new().unwrap();
    let page = "<!-- filename: site/index.html -->\n<p>hi</p>";
    let execution = run_in(dir.path(), &[("html", page), ("css", "p { color: red }")]).await;
    let path = dir.path().join("site/index.html");
    assert_eq!(execution.exit_code, 0);
    assert!(execution.output.starts_with(&format!("Code saved to {}\n", path.display())), "{}", execution.output);
    assert_eq!(std::fs::read_to_string(path).unwrap(), page);
    let style = execution.output.lines().nth(1).unwrap().strip_prefix("Code saved to ").unwrap();
    assert_eq!(std::fs::read_to_string(style).unwrap(), "p { color: red }");
    assert!(Path::new(style).starts_with(dir.path()) && style.ends_with(".css"));
}

#[tokio::test]
async fn an_unknown_language_stops_the_run_and_keeps_earlier_output() {
    let execution = run(&[("sh", "echo first"), ("xyz", "?"), ("sh", "echo never")]).await;
    assert_eq!((execution.exit_code, &*execution.output), (1, "first\n\nunknown language xyz"));
}

// C113, with the ledger's fixes.
#[tokio::test]
async fn a_file_name_comment_names_the_file_and_other_comments_do_not() {
    let dir = TempDir::new().unwrap();
    let blocks = [
        ("python", "# filename: lib/t.py\nX = 41"),
        ("python", "# This is a comment about things\nfrom lib.t import X\nprint(X + 1)"),
        ("python", "# lib/u.py\nimport sys\nprint(sys.argv[0].endswith('/lib/u.py'))"),
        ("sh", "ls"),
    ];
    let execution = run_in(dir.path(), &blocks).await;
    assert_eq!((execution.exit_code, &*execution.output), (0, "42\nTrue\nlib\n"));
}

#[tokio::test]
async fn names_outside_the_working_directory_are_refused_and_nothing_is_written() {
    for name in ["../evil.py", "/tmp/plenary-evil.py", "a/../../evil.py", "..", "a//evil.py"] {
        let parent = TempDir::new().unwrap();
        let dir = parent.path().join("work");
        let code = format!("# filename: {name}\nprint('ran')");
        let execution = run_in(&dir, &[("sh", "echo ok"), ("python", &code)]).await;
        assert_eq!((execution.exit_code, &*execution.output), (1, "ok\nFilename is not in the workspace"), "{name}");
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1, "{name}");
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "{name}");
    }
    assert!(!Path::new("/tmp/plenary-evil.py").exists());
}

#[tokio::test]
async fn a_block_cannot_aim_a_later_one_through_a_link() {
    let outside = TempDir::new().unwrap();
    let victim = outside.path().join("victim.py");
    let (out, vic) = (outside.path().display(), victim.display());
    for plant in [
        format!("ln -s {vic} t.py"),
        format!("mkdir d && ln -s {vic} d/t.py"),
        format!("ln -s {out} d"),
        format!("mkdir d && ln -s {out} d/e"),
        format!("ln -s {out}/new.py t.py"),
        "mkdir t.py".to_owned(),
        "mkfifo t.py".to_owned(),
        "touch d".to_owned(),
    ] {
        std::fs::write(&victim, "precious").unwrap();
        let name = match plant.as_str() {
            _ if plant.ends_with("/e") => "d/e/victim.py",
            _ if plant.contains(" d/t.py") => "d/t.py",
            _ if plant.ends_with(" d") => "d/victim.py",
            _ => "t.py",
        };
        let code = format!("# filename: {name}\nprint('ran')");
        let execution = run(&[("sh", &plant), ("python", &code)]).await;
        assert_eq!((execution.exit_code, &*execution.output), (1, "Filename is not in the workspace"), "{plant}");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious", "{plant}");
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "{plant}");
    }
}

#[tokio::test]
async fn unnamed_code_comes_from_a_private_place_that_is_gone_afterwards() {
    let dir = TempDir::new().unwrap();
    let code = "import os, sys\nd = os.path.dirname(sys.argv[0])\nprint(d)\nprint(oct(os.stat(d).st_mode & 0o777))";
    let execution = run_in(dir.path(), &[("python", code)]).await;
    let mut lines = execution.output.lines();
    let place = Path::new(lines.next().unwrap());
    assert!(place.is_absolute() && !place.starts_with(dir.path()));
    assert_eq!(lines.next(), Some("0o700"));
    assert!(!place.exists());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_not_approved_never_starts() {
    let dir = TempDir::new().unwrap();
    let approved = payload(&settings(dir.path()), &[("sh", "touch ran")]);
    let hash = approved.hash();
    let mut changed = Vec::new();
    let mut change = |change: &dyn Fn(&mut Payload)| {
        let mut payload = approved.clone();
        change(&mut payload);
        changed.push(payload);
    };
    change(&|payload| payload.blocks[0].code = "touch ran ".into());
    change(&|payload| payload.blocks[0].language = "bash".into());
    change(&|payload| payload.blocks.push(payload.blocks[0].clone()));
    change(&|payload| payload.place.work_dir.push('/'));
    change(&|payload| payload.place.environment.push("LANG".into()));
    change(&|payload| payload.place.timeout_ms += 1);
    change(&|payload| payload.place.output_limit += 1);
    change(&|payload| payload.place.network = false);
    change(&|payload| payload.place.containment.clear());
    change(&|payload| payload.place.executor.push('x'));
    for payload in changed {
        let job = Job::new(Arc::new(payload), hash.clone());
        let (sender, mut receiver) = mpsc::channel(16);
        let execution = local().run(job, sender).await;
        assert_eq!((execution.exit_code, execution.stopped), (126, Some(Stopped::NotStarted)));
        assert!(execution.output.contains("not the code that was approved"));
        assert!(receiver.recv().await.is_none());
        assert!(!dir.path().join("ran").exists());
    }
    let other = Payload {
        place: plenary::chat::code::Place { executor: "docker".into(), ..approved.place.clone() },
        ..approved.clone()
    };
    let (sender, _receiver) = mpsc::channel(16);
    assert_eq!(local().run(job(other), sender).await.stopped, Some(Stopped::NotStarted));
    assert!(!dir.path().join("ran").exists());
    let (sender, _receiver) = mpsc::channel(16);
    assert_eq!(local().run(job(approved), sender).await.exit_code, 0);
    assert!(dir.path().join("ran").exists());
}

#[tokio::test]
async fn only_the_listed_variables_are_passed_on_and_never_a_secret() {
    // SAFETY: only Rust code of this test binary reads the environment, and under the standard library's lock.
    unsafe {
        std::env::set_var("PLENARY_TEST_OPENAI_API_KEY", "sk-test");
        std::env::set_var("PLENARY_TEST_UNLISTED", "unlisted");
        std::env::set_var("PLENARY_TEST_LISTED", "listed");
    }
    let dir = TempDir::new().unwrap();
    let names = ["PATH", "PLENARY_TEST_LISTED", "PLENARY_TEST_OPENAI_API_KEY", "PLENARY_TEST_MISSING"];
    let code = CodeExecution { environment: names.map(str::to_owned).to_vec(), ..settings(dir.path()) };
    assert_eq!(local().place(&code).environment, ["PATH", "PLENARY_TEST_LISTED", "PLENARY_TEST_MISSING"]);
    let problems = local().inspect(&code);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("PLENARY_TEST_OPENAI_API_KEY"));
    // A payload that was made elsewhere and lists the key does not get it either.
    let mut payload = payload(&code, &[("sh", "env; stat -c %F:%N /dev/stdin; cat")]);
    payload.place.environment = code.environment.clone();
    let (sender, _receiver) = mpsc::channel(16);
    let execution = local().run(job(payload), sender).await;
    assert_eq!(execution.exit_code, 0, "{}", execution.output);
    let mut seen: Vec<&str> =
        execution.output.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // Set by shells themselves.
    seen.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    seen.sort();
    let expected = [
        "HOME",
        "PATH",
        "PLENARY_RUN",
        "PLENARY_TEST_LISTED",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "PYTHONUNBUFFERED",
    ];
    assert_eq!(seen, expected);
    assert!(execution.output.contains(&format!("HOME={}\n", dir.path().display())));
    assert!(!execution.output.contains("sk-test"));
}

// C115: a missing parent is created; what cannot be a working directory is said, and nothing starts.
#[tokio::test]
async fn the_working_directory_is_created_and_a_bad_one_is_explained() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("a/b/c");
    assert_eq!(local().inspect(&settings(&deep)), Vec::<String>::new());
    assert!(!deep.exists(), "inspecting creates nothing");
    assert_eq!(&*run_in(&deep, &[("sh", "pwd")]).await.output, format!("{}\n", deep.display()));

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&deep, &link).unwrap();
    let with_slash = dir.path().join("link/");
    for bad in [&file, &file.join("below"), &link, &with_slash, Path::new("relative")] {
        let execution = run_in(bad, &[("sh", "echo ran")]).await;
        assert_eq!((execution.exit_code, execution.stopped), (126, Some(Stopped::NotStarted)), "{}", bad.display());
        assert!(execution.output.contains(bad.to_str().unwrap()), "{}", execution.output);
        assert!(execution.output.contains("work_dir") && !execution.output.contains("ran\n"));
        assert_eq!(local().inspect(&settings(bad)).len(), 1, "{}", bad.display());
    }
}

#[tokio::test]
async fn a_missing_interpreter_says_what_to_install() {
    if std::process::Command::new("pwsh").arg("-v").output().is_ok() {
        return;
    }
    let alone = run(&[("powershell", "1")]).await;
    assert_eq!((alone.exit_code, alone.stopped), (127, Some(Stopped::NotStarted)));
    assert!(alone.output.contains("install PowerShell"));
    let second = run(&[("sh", "echo a"), ("pwsh", "1")]).await;
    assert_eq!((second.exit_code, second.stopped), (127, None), "the first block did run");
    assert!(second.output.starts_with("a\n"));
}

#[tokio::test]
async fn output_is_streamed_while_the_program_runs() {
    let dir = TempDir::new().unwrap();
    let code = "import os, time\nprint('half: ö')\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('whole')";
    let (sender, mut receiver) = mpsc::channel(16);
    let running = tokio::spawn(local().run(job(payload(&settings(dir.path()), &[("python", code)])), sender));
    let Some(Progress::Started { pid }) = receiver.recv().await else { panic!("the start comes first") };
    assert!(pid > 1);
    // How many pieces a line comes in is the program's business.
    let mut seen = String::new();
    while seen != "half: ö\n" {
        match receiver.recv().await {
            Some(Progress::Output(text)) => seen += &text,
            Some(Progress::Memory(_)) => {}
            other => panic!("{other:?} after {seen:?}"),
        }
        assert!("half: ö\n".starts_with(&seen), "{seen:?}");
    }
    std::fs::write(dir.path().join("go"), "").unwrap();
    while let Some(progress) = receiver.recv().await {
        if let Progress::Output(text) = progress {
            seen += &text;
        }
    }
    assert_eq!(seen, "half: ö\nwhole\n");
    assert_eq!(&*running.await.unwrap().output, "half: ö\nwhole\n");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_marked() {
    let execution = run(&[("python", "import os\nos.write(1, b'a\\xff\\xfe\\xe2\\x82\\xac\\xe2')")]).await;
    assert_eq!(&*execution.output, "a\u{fffd}\u{fffd}€\u{fffd}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_is_cut_in_the_middle_and_costs_no_memory() {
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let dir = TempDir::new().unwrap();
    let code = CodeExecution { timeout_ms: 1000, output_limit: 10_000, ..settings(dir.path()) };
    // A reader that never reads: pieces are dropped, the program is not held up.
    let (sender, _receiver) = mpsc::channel(1);
    let before = resident_kib();
    let execution = local().run(job(payload(&code, &[("sh", "echo BEGIN; yes 'a long line of noise'")])), sender).await;
    let grown = resident_kib().saturating_sub(before);
    assert_eq!(execution.exit_code, 124);
    assert!(execution.output.starts_with("BEGIN\n") && execution.output.contains("\nTimeout"));
    assert!(execution.output.len() <= 10_000);
    assert!(execution.omitted > 1_000_000, "{}", execution.omitted);
    assert!(execution.output.contains(&format!("… ({} bytes left out) …", execution.omitted)));
    assert!(grown < 64 * 1024, "{grown} KiB");
}

#[tokio::test]
async fn a_run_that_was_stopped_before_it_began_runs_nothing() {
    let dir = TempDir::new().unwrap();
    let job = job(payload(&settings(dir.path()), &[("sh", "touch ran")]));
    job.kill.cancel();
    let (sender, _receiver) = mpsc::channel(16);
    let execution = local().run(job, sender).await;
    assert_eq!((execution.exit_code, execution.stopped), (137, Some(Stopped::Killed)));
    assert!(!dir.path().join("ran").exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn open_files_of_ours_are_not_inherited() {
    let held = std::fs::File::open("/dev/null").unwrap();
    // As if whoever started us had left one open across exec.
    // SAFETY: a plain system call on a valid descriptor.
    unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&held), libc::F_SETFD, 0) };
    let execution = run(&[("python", "import os\nprint(len(os.listdir('/dev/fd')))")]).await;
    // 0, 1, 2 and the one that lists.
    assert_eq!(&*execution.output, "4\n");
}
