//! What containing code costs: the start of an execution in each tier, beside a bare fork and exec and a plain
//! `docker run` of the same run, and a program that prints a gigabyte.
//!
//! The container figures need an engine and the image that the tests make (`cargo test code::docker` once); without them
//! that is said.

#[path = "support/mod.rs"]
mod support;

use plenary::catalog;
use plenary::chat::code::{CodeBlock, Execution, Payload};
use plenary::chat::containment::{Bounds, Tier};
use plenary::chat::team::{CodeExecution, Spec};
use plenary::execution::{EXECUTORS, Executor, Job};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Table, quantile, resident, size, time};
use tokio::sync::mpsc;

const IMAGE: &str = "plenary-test:1";
const STARTS: usize = 30;

fn executor(tier: Tier, lasting: bool) -> Box<dyn Executor> {
    let mut spec = Spec::named(if tier == Tier::Container { "docker" } else { "local" });
    if tier == Tier::Container {
        spec.options.insert("image".into(), IMAGE.into());
        spec.options.insert("container".into(), if lasting { "session" } else { "execution" }.into());
    } else {
        spec.options.insert("tier".into(), tier.name().into());
    }
    catalog::build(EXECUTORS, &spec).expect("the rows build")
}

async fn run(executor: &dyn Executor, code: &CodeExecution, text: &str) -> Execution {
    let block = CodeBlock { language: "sh".into(), code: text.into() };
    let payload = Payload::code(vec![block], executor.place(code));
    let hash = payload.hash();
    let (sender, mut receiver) = mpsc::channel(16);
    let drain = async { while receiver.recv().await.is_some() {} };
    tokio::join!(executor.run(Job::new(Arc::new(payload), hash), sender), drain).0
}

fn baseline(mut command: impl FnMut() -> Command) -> Vec<Duration> {
    (0..STARTS)
        .map(|_| {
            let begin = Instant::now();
            let done = command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(done.is_ok_and(|status| status.success()));
            begin.elapsed()
        })
        .collect()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = tempfile::tempdir().expect("a place for files");
    let code = CodeExecution {
        work_dir: dir.path().display().to_string(),
        environment: vec!["PATH".into()],
        bounds: Bounds::USUAL,
        ..CodeExecution::default()
    };
    let table = Table::new("The start and end of `true`, 30 times each");
    let floor = baseline(|| {
        let mut command = Command::new("sh");
        command.args(["-c", "true"]);
        command
    });
    let floor = quantile(&floor, 0.5);
    table.note("the floor: fork and exec of sh, median", &time(floor));
    for tier in [Tier::None, Tier::Process, Tier::Namespace] {
        let executor = executor(tier, false);
        if let Err(why) = executor.ready(&code) {
            table.note(&format!("tier {}", tier.name()), &why);
            continue;
        }
        let samples = starts(&*executor, &code).await;
        report(&table, &format!("tier {}", tier.name()), &samples, floor, "the floor");
    }
    let fresh = executor(Tier::Container, false);
    match fresh.ready(&code) {
        Err(why) => table.note("tier container", &why),
        Ok(()) => {
            let plain = baseline(|| {
                let mut command = Command::new("docker");
                command.args(["run", "--rm", "--network", "none", IMAGE, "sh", "-c", "true"]);
                command
            });
            let plain = quantile(&plain, 0.5);
            table.note("plain `docker run --rm --network none`, median", &time(plain));
            let samples = starts(&*fresh, &code).await;
            report(&table, "tier container, fresh", &samples, plain, "docker run");
            let samples = starts(&*executor(Tier::Container, true), &code).await;
            report(&table, "tier container, one for the session", &samples, plain, "docker run");
        }
    }

    let table = Table::new("A program that prints 1 GB");
    for tier in [Tier::None, Tier::Process, Tier::Namespace, Tier::Container] {
        let executor = executor(tier, false);
        if executor.ready(&code).is_err() {
            continue;
        }
        let before = resident(std::process::id());
        let begin = Instant::now();
        let flood = run(&*executor, &code, "dd if=/dev/zero bs=1048576 count=1024 2>/dev/null | tr '\\0' x").await;
        let took = begin.elapsed();
        let grown = resident(std::process::id()).saturating_sub(before);
        table.note(&format!("tier {}: time", tier.name()), &time(took));
        let kept = format!("{} kept, {} left out", size(flood.output.len() as f64), size(flood.omitted as f64));
        table.note(&format!("tier {}: output", tier.name()), &kept);
        table.bytes(&format!("tier {}: memory grown", tier.name()), grown as f64, (64 << 20) as f64);
    }
}

async fn starts(executor: &dyn Executor, code: &CodeExecution) -> Vec<Duration> {
    let mut samples = Vec::new();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let execution = run(executor, code, "true").await;
        assert_eq!(execution.exit_code, 0, "{}", execution.output);
        samples.push(begin.elapsed());
    }
    samples
}

fn report(table: &Table, what: &str, samples: &[Duration], beside: Duration, name: &str) {
    let median = quantile(samples, 0.5);
    table.note(&format!("{what}: first"), &time(samples[0]));
    table.note(&format!("{what}: median"), &time(median));
    let times = median.as_secs_f64() / beside.as_secs_f64().max(1e-9);
    table.note(&format!("{what}: times {name}"), &format!("{times:.1} x"));
}
