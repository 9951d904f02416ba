//! What you saw is what runs: anything changed after consent refuses, whatever field it is in; and names in first lines
//! lead nowhere else.

use super::{local_in, settings, tiers};
use plenary::chat::code::{CodeBlock, Payload, Stopped};
use plenary::chat::containment::{Image, LanguageRow, Tier};
use plenary::execution::Job;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Every field that decides what an execution does, changed in one way.
const FIELDS: usize = 22;

fn change(payload: &mut Payload, field: usize, noise: &str) {
    let other = format!("x{noise}");
    let number = noise.len() as u64 + 1;
    let place = &mut payload.place;
    match field {
        0 => payload.blocks[0].code = format!("{}{other}", payload.blocks[0].code).into(),
        1 => payload.blocks[0].language.push_str(&other),
        2 => payload.blocks.push(CodeBlock { language: "sh".into(), code: noise.into() }),
        3 => payload.blocks.insert(0, CodeBlock { language: "sh".into(), code: noise.into() }),
        4 => place.executor.push_str(&other),
        5 => place.containment.push_str(&other),
        6 => place.work_dir.push_str(&other),
        7 => place.network = !place.network,
        8 => place.environment.push(other),
        9 => drop(place.environment.pop()),
        10 => place.timeout_ms += number,
        11 => place.output_limit += number,
        12 => place.tier = if place.tier == Tier::None { Tier::Container } else { Tier::None },
        13 => place.bounds.memory = Some(number),
        14 => place.bounds.processes = Some(number as u32),
        15 => place.bounds.cpu_millis = Some(number as u32),
        16 => place.bounds.disk = Some(number),
        17 => place.image = Some(Image { name: other, digest: String::new() }),
        18 => place.image = Some(Image { name: String::new(), digest: other }),
        19 => place.lasting = !place.lasting,
        20 => place.venv = Some(other),
        _ => place.languages.push(LanguageRow { name: "sh".into(), command: vec![other], extension: "sh".into() }),
    }
}

fn approved(dir: &Path) -> Payload {
    let blocks = vec![CodeBlock { language: "sh".into(), code: "touch ran".into() }];
    Payload::code(blocks, local_in(Tier::None).place(&settings(dir)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_changed_after_consent_has_another_hash(
        field in 0..FIELDS, second in 0..FIELDS, noise in ".{0,12}"
    ) {
        let before = approved(Path::new("/w"));
        let mut after = before.clone();
        change(&mut after, field, &noise);
        prop_assert_ne!(before.hash(), after.hash());
        // Two changes are no third thing that looks like one.
        let mut both = after.clone();
        change(&mut both, second, &noise);
        if both != after {
            prop_assert_ne!(both.hash(), after.hash());
        }
    }
}

#[tokio::test]
async fn no_executor_starts_what_was_changed_after_consent() {
    let dir = TempDir::new().unwrap();
    let before = approved(dir.path());
    for field in 0..FIELDS {
        let mut after = before.clone();
        change(&mut after, field, "noise");
        for tier in tiers() {
            let (sender, _receiver) = mpsc::channel(16);
            let execution = local_in(tier).run(Job::new(Arc::new(after.clone()), before.hash()), sender).await;
            assert_eq!(execution.stopped, Some(Stopped::NotStarted), "field {field}");
        }
        assert!(!dir.path().join("ran").exists(), "field {field}");
    }
}

/// How often links and files race with the code, over all tiers.
const RACES: usize = 1000;

/// A working directory that is swapped for another between consent and start is not the one that was checked.
#[tokio::test]
async fn swapping_files_and_directories_runs_no_other_bytes() {
    let outside = TempDir::new().unwrap();
    std::fs::write(outside.path().join("victim"), "precious").unwrap();
    for tier in tiers() {
        let parent = TempDir::new().unwrap();
        let work = parent.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let swapper = {
            let (work, stop, outside) = (work.clone(), Arc::clone(&stop), outside.path().to_owned());
            std::thread::spawn(move || {
                let mut swaps = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let file = work.join("t.sh");
                    let _ = std::os::unix::fs::symlink(outside.join("victim"), &file);
                    let _ = std::fs::remove_file(&file);
                    let _ = std::fs::write(&file, "echo swapped");
                    let _ = std::fs::remove_file(&file);
                    swaps += 1;
                }
                swaps
            })
        };
        let code = settings(&work);
        let mut ran = 0;
        for _ in 0..RACES / tiers().len() {
            let blocks = vec![CodeBlock { language: "sh".into(), code: "# filename: t.sh\necho approved".into() }];
            let payload = Payload::code(blocks, local_in(tier).place(&code));
            let hash = payload.hash();
            let (sender, _receiver) = mpsc::channel(16);
            let execution = local_in(tier).run(Job::new(Arc::new(payload), hash), sender).await;
            // Without containment the code is run where it stands, in a directory that belongs to everybody there.
            if !tier.is_none() {
                assert!(!execution.output.contains("swapped"), "{}", execution.output);
            }
            ran += usize::from(&*execution.output == "approved\n");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let swaps = swapper.join().unwrap();
        assert!(tier.is_none() || ran > 0, "nothing ran at all in tier {}", tier.name());
        println!("tier {}: {ran} of {} ran as approved during {swaps} swaps", tier.name(), RACES / tiers().len());
        assert_eq!(std::fs::read_to_string(outside.path().join("victim")).unwrap(), "precious");
    }
}

/// First lines of every odd kind, 5,000 of them: nothing is written outside of the working directory, nothing that was
/// there is changed without being told, and nothing panics.
#[tokio::test]
async fn no_first_line_writes_outside_of_the_working_directory() {
    let parts = [
        "..",
        ".",
        "/",
        "a",
        "\\",
        "C:",
        "//",
        "~",
        "\u{0}",
        "\u{202e}",
        " ",
        "x:y",
        "etc",
        "%2e",
        "con",
        "ü",
        "\t",
        "\r",
        "\u{7f}",
        "$HOME",
        "`id`",
        "*",
        "?",
        "|",
        "\u{fe0f}",
        "e\u{301}",
        "....",
        "..\u{200b}",
        "\\\\host\\c$",
        "NUL",
        "-rf",
        ".git",
        "hooks",
        "link",
    ];
    let parent = TempDir::new().unwrap();
    let (work, outside) = (parent.path().join("work"), parent.path().join("outside"));
    for dir in [&work, &outside] {
        std::fs::create_dir(dir).unwrap();
    }
    std::fs::write(outside.join("precious"), "precious").unwrap();
    std::os::unix::fs::symlink(&outside, work.join("link")).unwrap();
    let mut seed = 7_u64;
    let mut pick = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    let before = std::fs::read_dir("/").unwrap().count();
    let executor = local_in(Tier::None);
    let place = executor.place(&settings(&work));
    let mut written = 0;
    for _ in 0..50 {
        let blocks = (0..100).map(|n| {
            let name: String = (0..1 + pick(6)).map(|_| parts[pick(parts.len())]).collect();
            let opener = ["# filename: ", "// filename: ", "<!-- filename: ", "# ", "/* filename:"][pick(5)];
            let name = if n == 0 { name.repeat(2000) } else { name };
            CodeBlock { language: "css".into(), code: format!("{opener}{name}\nbody").into() }
        });
        // One that is refused ends its run: each has one of its own, on the same thread of ours.
        for block in blocks.collect::<Vec<_>>() {
            let payload = Payload::code(vec![block], place.clone());
            let hash = payload.hash();
            let (sender, _receiver) = mpsc::channel(16);
            let execution = executor.run(Job::new(Arc::new(payload), hash), sender).await;
            written += usize::from(execution.exit_code == 0);
            if execution.exit_code == 0 {
                assert!(execution.effects.is_some() || execution.output.contains("saved"), "{execution:?}");
            }
        }
        // What lies there does not slow down the next hundred.
        for entry in std::fs::read_dir(&work).unwrap().flatten().filter(|entry| entry.file_name() != "link") {
            let path = entry.path();
            let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
    }
    assert!(written > 500, "{written} of 5,000 were names");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(outside.join("precious")).unwrap(), "precious");
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 2);
    assert_eq!(std::fs::read_dir("/").unwrap().count(), before);
}

/// Every field that a consent is recorded with decides about its hash, also one that is added later: the form of the
/// record is taken apart and each leaf of it is changed.
#[test]
fn no_field_of_the_record_is_outside_of_the_consent() {
    use serde_json::{Value, json};
    let mut full = approved(Path::new("/w"));
    full.tool = Some(plenary::chat::code::ToolUse {
        name: "t".into(),
        call_id: "c".into(),
        argv: vec!["a".into(), "b".into()],
        source: Some(plenary::chat::team::Spec::named("http")),
        key: Some("k".into()),
    });
    let place = &mut full.place;
    place.image = Some(Image { name: "i".into(), digest: "d".into() });
    (place.lasting, place.venv, place.network) = (true, Some("/v".into()), true);
    place.languages.push(LanguageRow { name: "x".into(), command: vec!["y".into()], extension: "z".into() });
    (place.bounds.memory, place.bounds.processes) = (Some(1), Some(2));
    (place.bounds.cpu_millis, place.bounds.disk) = (Some(3), Some(4));
    place.tier = Tier::Namespace;

    fn leaves(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, format!("{at}/{key}"), found)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(n, value)| leaves(value, format!("{at}/{n}"), found))
            }
            _ => found.push(at),
        }
    }
    let whole = serde_json::to_value(&full).unwrap();
    let mut all = Vec::new();
    leaves(&whole, String::new(), &mut all);
    assert!(all.len() >= 25, "{all:?}");
    let mut hashes = std::collections::BTreeSet::from([full.hash()]);
    for leaf in &all {
        let mut changed = whole.clone();
        let value = changed.pointer_mut(leaf).unwrap();
        *value = match value {
            Value::String(_) if leaf.ends_with("/tier") => json!("container"),
            Value::String(text) => json!(format!("{text} ")),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::Bool(on) => json!(!*on),
            other => panic!("{leaf}: {other}"),
        };
        let changed: Payload = serde_json::from_value(changed).unwrap();
        assert!(hashes.insert(changed.hash()), "{leaf} can be changed after consent");
    }
}

/// Python in a virtual environment, JavaScript, and a language of the settings, in each tier of this machine.
#[tokio::test]
async fn the_languages_of_the_table_run_in_every_tier() {
    let there =
        |name: &str| std::process::Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let home = TempDir::new().unwrap();
    let venv = home.path().join("venv");
    let made = std::process::Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&venv).output();
    let made = made.is_ok_and(|out| out.status.success());
    for tier in tiers() {
        let dir = TempDir::new().unwrap();
        let mut code = settings(dir.path());
        let run = async |code: &plenary::chat::team::CodeExecution, language: &str, text: &str| {
            let blocks = vec![CodeBlock { language: language.into(), code: text.into() }];
            let payload = Payload::code(blocks, local_in(tier).place(code));
            let hash = payload.hash();
            let (sender, _receiver) = mpsc::channel(64);
            local_in(tier).run(Job::new(Arc::new(payload), hash), sender).await
        };
        if there("node") {
            let done = run(&code, "javascript", "console.log([1, 2].map(n => n * 2).join())").await;
            assert_eq!((done.exit_code, &*done.output), (0, "2,4\n"), "{tier:?}");
        } else {
            eprintln!("SKIPPED: there is no node here");
        }
        if there("perl") {
            let row =
                LanguageRow { name: "perl".into(), command: vec!["perl".into(), "-w".into()], extension: "pl".into() };
            code.languages.push(row);
            let done = run(&code, "Perl", "print 6 * 7, \"\\n\";").await;
            assert_eq!((done.exit_code, &*done.output), (0, "42\n"), "{tier:?}");
        }
        if made {
            code.venv = Some(venv.display().to_string());
            let done = run(&code, "python", "import sys\nprint(sys.prefix != sys.base_prefix, sys.prefix)").await;
            assert_eq!(&*done.output, format!("True {}\n", venv.display()), "{tier:?}");
            code.venv = Some(home.path().join("none").display().to_string());
            let done = run(&code, "python", "print(1)").await;
            assert_eq!(done.stopped, Some(Stopped::NotStarted), "{}", done.output);
        } else {
            eprintln!("SKIPPED: python3 -m venv does not work here");
        }
    }
}
