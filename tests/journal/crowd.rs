//! Several processes at one session: taken over, stopped, let go on, killed - and always one writer.

use super::{Dice, SESSION, child, child_store, store};
use plenary::chat::event::{Actor, Event, Record};
use plenary::chat::id::{BranchId, MessageId, Seq};
use plenary::chat::message::{Author, Message, MessageKind};
use plenary::journal::{Durability, Journal, JournalError, Opened};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Processes, and moments in which one of them is stopped, let go on or killed, of the short form. The long one:
/// `PLENARY_CROWD=10000 cargo test --test all journal::crowd`.
const PROCESSES: usize = 4;
const MOMENTS: u64 = 120;

fn record(seq: u64, who: u32, n: u64) -> Arc<Record> {
    let text = format!("{who} {n}");
    let message = Message::new(MessageId(seq), Author::Operator, MessageKind::Human, text.as_str());
    Arc::new(Record {
        seq: Seq(seq),
        parent: seq.checked_sub(1).filter(|parent| *parent > 0).map(Seq),
        branch: BranchId(0),
        actor: Actor::System,
        at: 1_000,
        event: Event::MessagePosted { message: Arc::new(message) },
    })
}

#[test]
#[ignore = "a child of `processes_that_fight_for_a_session_never_write_at_once`"]
fn fights() {
    let Some(store) = child_store() else { return };
    let who = std::process::id();
    let mut n = 0;
    loop {
        match store.open(SESSION) {
            Ok(Opened { records, mut journal, .. }) => {
                let mut last = records.len() as u64;
                for _ in 0..3 {
                    (n, last) = (n + 1, last + 1);
                    match journal.append(&[record(last, who, n)], Durability::Soft) {
                        Ok(()) => {
                            let mut out = std::io::stdout().lock();
                            out.write_all(format!("\nwrote {who} {n}\n").as_bytes())
                                .and_then(|()| out.flush())
                                .unwrap();
                        }
                        Err(JournalError::InUse { .. }) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            Err(JournalError::InUse { .. }) => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn processes_that_fight_for_a_session_never_write_at_once() {
    let (_dir, store) = store();
    drop(store.create(SESSION).unwrap());
    let moments = std::env::var("PLENARY_CROWD").ok().and_then(|text| text.parse().ok()).unwrap_or(MOMENTS);
    let command = child("crowd::fights", store.dir());
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let start = || {
        let mut process = Command::new("env").args(&command).stdout(Stdio::piped()).spawn().unwrap();
        let (lines, told) = (BufReader::new(process.stdout.take().unwrap()).lines(), told.clone());
        let ears = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(wrote) = line.strip_prefix("wrote ") {
                    told.lock().unwrap().push(wrote.to_owned());
                }
            }
        });
        (process, ears)
    };
    let mut dice = Dice(11);
    let mut crowd: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    // The program that is killed is `env`'s successor: the same process.
    let signal = |process: &std::process::Child, number| {
        // SAFETY: a signal to a child of ours.
        unsafe { libc::kill(process.id() as i32, number) };
    };
    let begun = Instant::now();
    for _ in 0..moments {
        std::thread::sleep(Duration::from_millis(dice.below(20)));
        let place = dice.below(PROCESSES as u64) as usize;
        match dice.below(4) {
            0 => {
                let _ = crowd[place].0.kill();
                let _ = crowd[place].0.wait();
                crowd[place] = start();
            }
            1 => signal(&crowd[place].0, libc::SIGSTOP),
            _ => crowd.iter().for_each(|(process, _)| signal(process, libc::SIGCONT)),
        }
    }
    for (mut process, ears) in crowd {
        process.kill().unwrap();
        process.wait().unwrap();
        ears.join().unwrap();
    }
    let log = store.read(SESSION).unwrap();
    let texts: Vec<&str> = log
        .iter()
        .map(|record| match &record.event {
            Event::MessagePosted { message } => &*message.content,
            _ => unreachable!(),
        })
        .collect();
    let told = told.lock().unwrap();
    println!("{} records by {PROCESSES} processes, {moments} moments, {:?}", log.len(), begun.elapsed());
    assert!(told.len() > 20, "only {} were told: the test lost its point", told.len());
    for wrote in told.iter() {
        assert_eq!(texts.iter().filter(|text| **text == wrote.as_str()).count(), 1, "{wrote}");
    }
}
