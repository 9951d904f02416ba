//! A program of the user's that is asked a question: JSON in on its standard input, an answer out.
//!
//! It runs as executed code does: without a shell, with an empty environment but for the names it was given, in a
//! process tree of its own that ends with it, within a time limit. What it prints beyond a few thousand bytes is not
//! read, and what it writes to standard error is told when it fails.

use crate::chat::consult::{Advice, Consultation};
use tokio_util::sync::CancellationToken;

/// Asks. Cancelling `stop`, or dropping the future, ends the program and everything it started.
#[cfg(unix)]
pub async fn ask(consultation: Consultation, stop: CancellationToken) -> Advice {
    let _ended = stop.clone().drop_guard();
    let (done, result) = tokio::sync::oneshot::channel();
    // A thread of its own: the program is ended when the thread that started it dies, and those of a pool come and go.
    let thread = std::thread::Builder::new().name("consult".to_owned()).spawn(move || {
        let _ = done.send(unix::ask(&consultation, &stop));
    });
    match thread {
        Ok(_) => result.await.unwrap_or_else(|_| Advice::failed("the thread that watched over it failed")),
        Err(error) => Advice::failed(format!("no thread could be started to watch over it: {error}")),
    }
}

/// Asks.
#[cfg(not(unix))]
pub async fn ask(_consultation: Consultation, _stop: CancellationToken) -> Advice {
    Advice::failed("programs cannot be asked on this system")
}

#[cfg(unix)]
mod unix {
    use super::super::local::is_secret;
    use super::super::tree;
    use super::*;
    use std::io::{self, Read, Write};
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, ExitStatus, Stdio};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
    use std::time::{Duration, Instant};

    /// Most bytes of an answer, and of what it writes to standard error.
    const LIMIT: u64 = 4096;
    /// How often the clock and the request to stop are looked at.
    const TICK: Duration = Duration::from_millis(10);

    pub fn ask(consultation: &Consultation, stop: &CancellationToken) -> Advice {
        let begin = Instant::now();
        let mut advice = match start(consultation) {
            Ok((child, run)) => attend(child, &run, consultation, stop, begin),
            Err(error) => {
                let program = consultation.command.first().map_or("", String::as_str);
                Advice::failed(format!("{program} could not be started: {error}"))
            }
        };
        advice.duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        advice
    }

    fn start(consultation: &Consultation) -> io::Result<(Child, String)> {
        let run = uuid::Uuid::now_v7().simple().to_string();
        let (program, arguments) = consultation.command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let names = consultation.environment.iter().filter(|name| !is_secret(name));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&consultation.dir)
            .env_clear()
            .envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env(tree::MARKER, &run)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let owner = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
        // SAFETY: between fork and exec the closure makes system calls only.
        unsafe { command.pre_exec(move || prepare(owner)) };
        Ok((tree::spawn(&mut command)?, run))
    }

    /// In the forked child: no core files, nothing of ours left open, a tree of its own.
    fn prepare(owner: libc::pid_t) -> io::Result<()> {
        // SAFETY: plain system calls on valid arguments.
        unsafe {
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_CORE, &none);
            #[cfg(target_os = "linux")]
            {
                libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
                super::super::supervisor::split(owner, None)
            }
            #[cfg(not(target_os = "linux"))]
            {
                let _ = owner;
                libc::setsid();
                Ok(())
            }
        }
    }

    /// Tells it, listens, and ends it.
    fn attend(
        mut child: Child,
        run: &str,
        consultation: &Consultation,
        stop: &CancellationToken,
        begin: Instant,
    ) -> Advice {
        let input = consultation.input.clone();
        if let Some(mut stdin) = child.stdin.take() {
            // A program need not read what it is told; then the pipe breaks with it.
            std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        }
        let answer = listen(child.stdout.take());
        let complaint = listen(child.stderr.take());
        let limit = Duration::from_millis(consultation.timeout_ms);
        let mut status = None;
        let mut heard = None;
        let failure = loop {
            if stop.is_cancelled() {
                break Some("it was stopped".to_owned());
            }
            if begin.elapsed() >= limit {
                break Some(format!("it took longer than {} s", limit.as_secs_f64()));
            }
            match answer.recv_timeout(TICK) {
                Ok(text) => heard = Some(text),
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
                Err(RecvTimeoutError::Timeout) => {}
            }
            match child.try_wait() {
                Ok(Some(ended)) => {
                    status = Some(ended);
                    break None;
                }
                Ok(None) => {}
                Err(error) => break Some(format!("it could not be waited for: {error}")),
            }
        };
        tree::end(&mut child, run);
        // Everybody who could hold the pipes is gone.
        let patience = Duration::from_millis(200);
        let heard = heard.or_else(|| answer.recv_timeout(patience).ok()).unwrap_or_default();
        let complaint = complaint.recv_timeout(patience).unwrap_or_default();
        let failure = failure.or_else(|| status.and_then(failed));
        match failure {
            None => Advice { answer: heard.trim().into(), ..Advice::default() },
            Some(why) => {
                let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
                Advice::failed(last.map_or(why.clone(), |last| format!("{why}: {}", last.trim())))
            }
        }
    }

    fn failed(status: ExitStatus) -> Option<String> {
        (!status.success()).then(|| match status.code() {
            Some(code) => format!("it ended with exit code {code}"),
            None => "a signal ended it".to_owned(),
        })
    }

    /// Reads to the end on a thread of its own, keeping the beginning.
    fn listen(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
        let (to, from) = channel();
        if let Some(mut pipe) = pipe {
            std::thread::spawn(move || {
                let mut kept = Vec::new();
                let _ = (&mut pipe).take(LIMIT).read_to_end(&mut kept);
                let _ = to.send(String::from_utf8_lossy(&kept).into_owned());
                // The rest is taken too, or the program would wait for somebody to read it.
                let _ = io::copy(&mut pipe, &mut io::sink());
            });
        }
        from
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn question(command: &[&str], timeout_ms: u64) -> Consultation {
        Consultation {
            key: "selector".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            dir: std::env::temp_dir().display().to_string(),
            environment: vec!["PATH".into(), "MY_TOKEN".into()],
            timeout_ms,
            input: "{\"round\":1}".into(),
        }
    }

    fn asked(command: &[&str], timeout_ms: u64) -> Advice {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask(question(command, timeout_ms), CancellationToken::new()))
    }

    #[test]
    fn it_is_told_on_its_standard_input_and_answers_on_its_output() {
        let advice = asked(&["cat"], 10_000);
        assert_eq!((&*advice.answer, advice.failure), ("{\"round\":1}", None));
        assert_eq!(&*asked(&["sh", "-c", "echo; echo ' Coder '"], 10_000).answer, "Coder");
        assert_eq!(&*asked(&["true"], 10_000).answer, "");
    }

    #[test]
    fn what_fails_says_why_and_answers_nothing() {
        let failed = asked(&["sh", "-c", "echo Coder; echo 'no idea' >&2; exit 3"], 10_000);
        assert_eq!((&*failed.answer, failed.failure.as_deref()), ("", Some("it ended with exit code 3: no idea")));
        let missing = asked(&["./there-is-no-such-program"], 10_000).failure.unwrap();
        assert!(missing.contains("could not be started"), "{missing}");
        let flood = asked(&["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"], 20_000);
        assert_eq!((flood.answer.len(), flood.failure), (4096, None));
    }

    #[test]
    fn it_ends_with_everything_it_started_at_its_time_limit_or_on_request() {
        let begin = Instant::now();
        let late = asked(&["sh", "-c", "sleep 300 & sleep 300"], 200).failure.unwrap();
        assert!(late.contains("longer than 0.2 s"), "{late}");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stop = CancellationToken::new();
        let asking = runtime.spawn(ask(question(&["sleep", "300"], 300_000), stop.clone()));
        std::thread::sleep(Duration::from_millis(100));
        stop.cancel();
        let stopped = runtime.block_on(asking).unwrap().failure.unwrap();
        assert!(stopped.contains("stopped"), "{stopped}");
        assert!(begin.elapsed() < Duration::from_secs(60), "it waited for the programs");
    }

    #[test]
    fn its_environment_is_what_it_was_given_and_holds_no_secret() {
        let advice = asked(&["env"], 10_000);
        let names: Vec<&str> =
            advice.answer.lines().filter_map(|line| line.split_once('=').map(|(name, _)| name)).collect();
        assert!(names.contains(&"PATH") && !names.contains(&"HOME") && !names.contains(&"MY_TOKEN"), "{names:?}");
    }
}
