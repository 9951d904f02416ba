//! Real containers of a real engine: an image made from this machine's own files, no registry.
#![cfg(target_os = "linux")]

use super::settings;
use plenary::catalog;
use plenary::chat::code::{CodeBlock, Execution, Payload, Stopped};
use plenary::chat::containment::{Bounds, Tier};
use plenary::chat::team::{CodeExecution, Spec};
use plenary::execution::{EXECUTORS, Executor, Job, Progress};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Name of the image that the tests make.
const IMAGE: &str = "plenary-test:1";

/// The image, made once a run of the tests: a static busybox, and this machine's Python where it is in `/usr`. `None`,
/// with a visible line, where there is no engine; with `PLENARY_NEED_DOCKER` set that is a failure.
pub fn image() -> Option<&'static str> {
    static MADE: OnceLock<Result<(), String>> = OnceLock::new();
    match MADE.get_or_init(make) {
        Ok(()) => Some(IMAGE),
        Err(why) => {
            assert!(std::env::var_os("PLENARY_NEED_DOCKER").is_none(), "the container engine is missing: {why}");
            eprintln!("SKIPPED, no containers here: {why}");
            None
        }
    }
}

fn make() -> Result<(), String> {
    let said = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    let said = said.map_err(|error| format!("the docker command: {error}"))?;
    if !said.status.success() {
        return Err(String::from_utf8_lossy(&said.stderr).into_owned());
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| std::path::Path::new(path).exists());
    let busybox = busybox.ok_or("install the package busybox-static")?;
    let root = TempDir::new().unwrap();
    let bin = root.path().join("bin");
    for dir in ["bin", "tmp", "code", "workspace", "etc", "proc", "sys", "dev"] {
        std::fs::create_dir(root.path().join(dir)).unwrap();
    }
    // The mount over it takes its rights from what the image has there.
    std::fs::set_permissions(root.path().join("tmp"), PermissionsExt::from_mode(0o1777)).unwrap();
    std::fs::copy(busybox, bin.join("busybox")).unwrap();
    for name in [
        "sh", "sleep", "cat", "ls", "id", "echo", "touch", "dd", "mount", "wget", "nc", "ping", "kill", "ps", "yes",
        "stat", "chmod", "mkdir", "rm", "ln", "grep", "head", "tail", "wc", "tr", "cut", "env", "setsid", "nohup",
        "mknod", "hostname", "test", "true", "seq", "find", "unshare", "nsenter", "su", "readlink", "printf",
        "timeout",
    ] {
        std::os::unix::fs::symlink("busybox", bin.join(name)).unwrap();
    }
    std::fs::write(root.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n").unwrap();
    let mut paths = vec![".".to_owned()];
    let tar = root.path().with_extension("tar");
    let python = "/usr/bin/python3";
    let mut command = Command::new("tar");
    command.arg("-cf").arg(&tar).arg("-C").arg(root.path()).args(paths.drain(..));
    if let Ok(real) = std::fs::canonicalize(python) {
        // The interpreter, its library and what it is linked with; nothing else of the machine.
        let out = Command::new(python)
            .args(["-I", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"])
            .output()
            .map_err(|error| error.to_string())?;
        let library = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        let linked = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "for f in {} {library}/lib-dynload/*.so; do ldd $f; done | grep -o '/[^ ]*' | sort -u",
                real.display()
            ))
            .output()
            .map_err(|error| error.to_string())?;
        command.args(["--exclude=__pycache__", "--exclude=test", "--exclude=*-packages", "-h", "-C", "/"]);
        command.arg(real.strip_prefix("/").unwrap()).arg(python.trim_start_matches('/'));
        command.arg(library.trim_start_matches('/'));
        for file in String::from_utf8_lossy(&linked.stdout).lines().filter(|line| std::path::Path::new(line).is_file())
        {
            command.arg(file.trim_start_matches('/'));
        }
    }
    let packed = command.output().map_err(|error| error.to_string())?;
    if !packed.status.success() {
        return Err(format!("tar: {}", String::from_utf8_lossy(&packed.stderr)));
    }
    let imported =
        Command::new("docker").arg("import").arg(&tar).arg(IMAGE).output().map_err(|error| error.to_string());
    std::fs::remove_file(&tar).ok();
    let imported = imported?;
    match imported.status.success() {
        true => Ok(()),
        false => Err(format!("docker import: {}", String::from_utf8_lossy(&imported.stderr))),
    }
}

/// The executor, with one container for the session if `lasting`.
pub fn docker(lasting: bool) -> Box<dyn Executor> {
    let mut spec = Spec::named("docker");
    spec.options.insert("image".into(), IMAGE.into());
    spec.options.insert("container".into(), if lasting { "session" } else { "execution" }.into());
    catalog::build(EXECUTORS, &spec).unwrap()
}

fn payload(executor: &dyn Executor, code: &CodeExecution, blocks: &[(&str, &str)]) -> Payload {
    let blocks = blocks.iter().map(|(language, code)| CodeBlock { language: (*language).into(), code: (*code).into() });
    Payload::code(blocks.collect(), executor.place(code))
}

fn job(payload: Payload) -> Job {
    let hash = payload.hash();
    Job::new(Arc::new(payload), hash)
}

async fn run(executor: &dyn Executor, code: &CodeExecution, blocks: &[(&str, &str)]) -> Execution {
    let (sender, mut receiver) = mpsc::channel(16);
    let reading = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    let execution = executor.run(job(payload(executor, code, blocks)), sender).await;
    reading.await.unwrap();
    execution
}

/// Containers of ours that exist for this working directory.
fn containers(dir: &TempDir) -> usize {
    let out = Command::new("docker").args(["ps", "-aq", "--filter", "label=plenary.owner"]).output().unwrap();
    let ids = String::from_utf8_lossy(&out.stdout).into_owned();
    let mine = |id: &&str| {
        let said = Command::new("docker").args(["inspect", id]).output().unwrap();
        String::from_utf8_lossy(&said.stdout).contains(dir.path().to_str().unwrap())
    };
    ids.split_whitespace().filter(mine).count()
}

fn bounded(dir: &TempDir) -> CodeExecution {
    CodeExecution { bounds: Bounds { memory: Some(64 << 20), ..Bounds::USUAL }, ..settings(dir.path()) }
}

#[tokio::test]
async fn code_runs_in_a_container_that_is_shut_on_every_side_and_is_gone_afterwards() {
    let Some(_) = image() else { return };
    let (dir, executor) = (TempDir::new().unwrap(), docker(false));
    let look = "id -u; pwd; hostname; ls /sys/class/net; touch /x 2>&1; touch made; \
                grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t'; echo $0";
    let execution = run(&*executor, &bounded(&dir), &[("sh", look)]).await;
    let said: Vec<&str> = execution.output.lines().collect();
    assert_eq!((execution.exit_code, execution.stopped), (0, None), "{}", execution.output);
    assert_ne!(said[0], "0", "not as root");
    assert_eq!(&said[1..4], ["/workspace", "sandbox", "lo"]);
    assert!(said[4].contains("Read-only"), "{}", said[4]);
    let rest = said[5..].join("\n");
    assert!(rest.contains("CapEff:0000000000000000") && rest.contains("CapBnd:0000000000000000"), "{rest}");
    assert!(rest.contains("NoNewPrivs:1") && rest.contains("Seccomp:2"), "{rest}");
    assert!(rest.ends_with("/code/block_1.sh"), "{rest}");
    assert_eq!(execution.tier, Tier::Container);
    let effects = execution.effects.unwrap();
    assert_eq!((effects.created.len(), effects.created[0].path.as_str()), (1, "made"));
    assert_eq!(containers(&dir), 0);
}

#[tokio::test]
async fn exit_codes_files_and_missing_programs_are_as_with_the_local_executor() {
    let Some(_) = image() else { return };
    let (dir, executor) = (TempDir::new().unwrap(), docker(false));
    let code = bounded(&dir);
    let blocks = [("sh", "echo a"), ("sh", "echo b >&2; exit 5"), ("sh", "echo never")];
    let execution = run(&*executor, &code, &blocks).await;
    assert_eq!((execution.exit_code, &*execution.output), (5, "a\nb\n"));
    let execution = run(&*executor, &code, &[("sh", "kill -SEGV $$")]).await;
    assert_eq!(execution.exit_code, 139);
    let execution = run(&*executor, &code, &[("bash", "echo hi")]).await;
    assert_eq!((execution.exit_code, execution.stopped), (127, Some(Stopped::NotStarted)), "{}", execution.output);
    assert!(execution.output.contains("install the command `bash`"), "{}", execution.output);
    let execution = run(&*executor, &code, &[("javascript", "1")]).await;
    assert!(execution.output.starts_with("Code saved to "), "{}", execution.output);
    let code_that_looks = "# filename: lib/t.sh\necho $0; (echo changed > $0) 2>/dev/null; sh $(dirname $0)/near.sh; \
                           cat /workspace/lib/t.sh";
    let named = [("sh", "# filename: lib/near.sh\necho near"), ("sh", code_that_looks)];
    for lasting in [false, true] {
        let execution = run(&*docker(lasting), &code, &named).await;
        let said: Vec<&str> = execution.output.lines().collect();
        assert!(said[1].starts_with("/code/") && said[1].ends_with("/lib/t.sh"), "{}", execution.output);
        assert_eq!(&said[2..4], ["near", "# filename: lib/t.sh"], "{}", execution.output);
    }
}

#[tokio::test]
async fn error_and_output_come_in_the_order_they_were_written() {
    let Some(_) = image() else { return };
    for lasting in [false, true] {
        let (dir, executor) = (TempDir::new().unwrap(), docker(lasting));
        let code = "i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done; exit 3";
        let execution = run(&*executor, &bounded(&dir), &[("sh", code)]).await;
        let expected: String = (0..200).map(|n| format!("{n}\n")).collect();
        assert_eq!((execution.exit_code, &*execution.output), (3, &*expected), "lasting: {lasting}");
        let odd = "# filename: it's \"odd\" $(touch x).sh\necho \"$0\"";
        let execution = run(&*executor, &bounded(&dir), &[("sh", odd)]).await;
        assert!(execution.output.trim_end().ends_with("/it's \"odd\" $(touch x).sh"), "{}", execution.output);
        assert!(!dir.path().join("x").exists());
    }
}

#[tokio::test]
async fn python_runs_in_a_container() {
    let Some(_) = image() else { return };
    if !std::path::Path::new("/usr/bin/python3").exists() {
        eprintln!("SKIPPED: there is no /usr/bin/python3 to put into an image");
        return;
    }
    let (dir, executor) = (TempDir::new().unwrap(), docker(false));
    let code = "import os, hashlib\nopen('out.txt', 'w').write('x' * 100)\nprint(os.getuid() != 0, os.getcwd())";
    let execution = run(&*executor, &bounded(&dir), &[("python", code)]).await;
    assert_eq!(&*execution.output, "True /workspace\n");
    let made = &execution.effects.unwrap().created[0];
    assert_eq!((made.path.as_str(), made.size, made.hash.len()), ("out.txt", 100, 64));
}

#[tokio::test]
async fn a_time_out_and_a_stop_keep_what_was_printed_and_leave_no_container() {
    let Some(_) = image() else { return };
    for lasting in [false, true] {
        let (dir, executor) = (TempDir::new().unwrap(), docker(lasting));
        let code = CodeExecution { timeout_ms: 1500, ..bounded(&dir) };
        let stubborn = "trap '' TERM HUP INT; echo so far; (setsid sleep 60 &) ; sleep 60";
        let execution = run(&*executor, &code, &[("sh", stubborn)]).await;
        assert_eq!((execution.exit_code, execution.stopped), (124, Some(Stopped::TimedOut)), "{}", execution.output);
        assert!(execution.output.starts_with("so far\n"), "{}", execution.output);
        assert!(execution.duration_ms < 1500 + 4000, "{}", execution.duration_ms);
        assert_eq!(containers(&dir), 0, "lasting: {lasting}");

        let job = job(payload(&*executor, &bounded(&dir), &[("sh", stubborn)]));
        let kill = job.kill.clone();
        let (sender, mut receiver) = mpsc::channel(16);
        let running = tokio::spawn(executor.run(job, sender));
        while let Some(progress) = receiver.recv().await {
            if matches!(&progress, Progress::Output(text) if text.contains("so far")) {
                break;
            }
        }
        let begin = Instant::now();
        kill.cancel();
        let execution = running.await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
        assert_eq!((execution.exit_code, execution.stopped), (137, Some(Stopped::Killed)));
        assert!(execution.output.starts_with("so far\n"));
        assert_eq!(containers(&dir), 0, "lasting: {lasting}");
    }
}

#[tokio::test]
async fn a_session_keeps_its_container_and_removes_it_at_its_end() {
    let Some(_) = image() else { return };
    let (dir, executor) = (TempDir::new().unwrap(), docker(true));
    let code = bounded(&dir);
    let first = run(&*executor, &code, &[("sh", "echo kept > /tmp/state")]).await;
    assert_eq!(first.exit_code, 0, "{}", first.output);
    let second = run(&*executor, &code, &[("sh", "cat /tmp/state; exit 4")]).await;
    assert_eq!((second.exit_code, &*second.output), (4, "kept\n"));
    let missing = run(&*executor, &code, &[("bash", "echo hi")]).await;
    assert_eq!(missing.exit_code, 127, "{}", missing.output);
    assert_eq!(containers(&dir), 1);
    drop(executor);
    assert_eq!(containers(&dir), 0);
    let fresh = docker(false);
    run(&*fresh, &code, &[("sh", "echo kept > /tmp/state")]).await;
    assert_ne!(run(&*fresh, &code, &[("sh", "cat /tmp/state")]).await.exit_code, 0);
}

#[tokio::test]
async fn a_container_has_limits_and_says_which_was_reached() {
    let Some(_) = image() else { return };
    let (dir, executor) = (TempDir::new().unwrap(), docker(false));
    let code = CodeExecution {
        bounds: Bounds { memory: Some(32 << 20), disk: Some(8 << 20), ..Bounds::USUAL },
        timeout_ms: 20_000,
        ..settings(dir.path())
    };
    let hog = run(&*executor, &code, &[("sh", "x=x; while :; do x=$x$x; done")]).await;
    assert_eq!(hog.stopped, Some(Stopped::OverLimit), "{hog:?}");
    assert!(hog.output.contains("more memory than its limit of 32 MiB"), "{}", hog.output);
    let writer = "i=0; while :; do i=$((i+1)); dd if=/dev/zero of=f$i bs=1M count=1 2>/dev/null; done";
    let disk = run(&*executor, &code, &[("sh", writer)]).await;
    assert_eq!(disk.stopped, Some(Stopped::OverLimit), "{disk:?}");
    assert!(disk.output.contains("disk"), "{}", disk.output);
    let bomb = run(&*executor, &code, &[("sh", "f() { f | f & }; f; sleep 1; echo over")]).await;
    assert!(bomb.duration_ms < 25_000, "{bomb:?}");
    assert_eq!(containers(&dir), 0);
}

#[tokio::test]
async fn a_missing_image_is_refused_with_what_to_do_and_nothing_is_pulled() {
    let Some(_) = image() else { return };
    let mut spec = Spec::named("docker");
    spec.options.insert("image".into(), "plenary-no-such-image:7".into());
    let executor = catalog::build(EXECUTORS, &spec).unwrap();
    let dir = TempDir::new().unwrap();
    let code = settings(dir.path());
    let refused = executor.ready(&code).unwrap_err();
    assert!(refused.contains("docker pull plenary-no-such-image:7"), "{refused}");
    assert!(executor.place(&code).containment.contains("nothing will run"));
    let execution = run(&*executor, &code, &[("sh", "touch ran")]).await;
    assert_eq!(execution.stopped, Some(Stopped::NotStarted));
    assert!(execution.output.contains("docker pull"), "{}", execution.output);
    assert!(!dir.path().join("ran").exists());
}

#[tokio::test]
async fn what_a_crashed_run_left_behind_is_removed_and_what_lives_is_not() {
    let Some(image) = image() else { return };
    let dir = TempDir::new().unwrap();
    let machine = |path: &str| -> String {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.trim().chars().filter(char::is_ascii_alphanumeric).take(12).collect()
    };
    let (id, boot) = (machine("/etc/machine-id"), machine("/proc/sys/kernel/random/boot_id"));
    let start = |owner: String| {
        let label = format!("plenary.owner={owner}");
        let out =
            Command::new("docker").args(["run", "-d", "--label", &label, image, "sleep", "300"]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    let exists = |id: &str| Command::new("docker").args(["inspect", id]).output().unwrap().status.success();
    let dead = start(format!("{id}/{boot}/4194304/77"));
    let foreign = start(format!("another-machine/{boot}/4194304/77"));
    run(&*docker(false), &bounded(&dir), &[("sh", "true")]).await;
    let (swept, kept) = (!exists(&dead), exists(&foreign));
    Command::new("docker").args(["rm", "-f", &dead, &foreign]).output().unwrap();
    assert!(swept && kept);
}

#[tokio::test]
async fn another_image_under_the_same_name_does_not_run() {
    let Some(_) = image() else { return };
    let (dir, executor) = (TempDir::new().unwrap(), docker(false));
    let approved = payload(&*executor, &bounded(&dir), &[("sh", "touch ran")]);
    let mut changed = approved.clone();
    changed.place.image.as_mut().unwrap().digest = format!("sha256:{}", "0".repeat(64));
    let (sender, _receiver) = mpsc::channel(16);
    let execution = executor.run(Job::new(Arc::new(changed.clone()), approved.hash()), sender).await;
    assert_eq!(execution.stopped, Some(Stopped::NotStarted));
    // Approved as it is, it names an image that is not there.
    let (sender, _receiver) = mpsc::channel(16);
    let execution = executor.run(job(changed), sender).await;
    assert_eq!(execution.stopped, Some(Stopped::NotStarted), "{execution:?}");
    assert!(!dir.path().join("ran").exists());
}
