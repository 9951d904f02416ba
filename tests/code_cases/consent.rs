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
        for _ in 0..25 {
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
        println!("tier {}: {ran} of 25 ran as approved during {swaps} swaps", tier.name());
        assert_eq!(std::fs::read_to_string(outside.path().join("victim")).unwrap(), "precious");
    }
}

/// First lines of every odd kind: nothing is written outside of the working directory, and nothing panics.
#[tokio::test]
async fn no_first_line_writes_outside_of_the_working_directory() {
    let parts = ["..", ".", "/", "a", "\\", "C:", "//", "~", "\u{0}", "\u{202e}", " ", "x:y", "etc", "%2e", "con", "ü"];
    let parent = TempDir::new().unwrap();
    let work = parent.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let mut seed = 7_u64;
    let mut pick = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    let mut blocks = Vec::new();
    for n in 0..400 {
        let name: String = (0..1 + pick(6)).map(|_| parts[pick(parts.len())]).collect();
        let opener = ["# filename: ", "// filename: ", "<!-- filename: ", "# ", "/* filename:"][pick(5)];
        let name = if n % 50 == 0 { name.repeat(2000) } else { name };
        blocks.push(CodeBlock { language: "css".into(), code: format!("{opener}{name}\nbody").into() });
    }
    let before = std::fs::read_dir("/").unwrap().count();
    for block in blocks {
        let payload = Payload::code(vec![block], local_in(Tier::None).place(&settings(&work)));
        let hash = payload.hash();
        let (sender, _receiver) = mpsc::channel(16);
        local_in(Tier::None).run(Job::new(Arc::new(payload), hash), sender).await;
    }
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1, "only the working directory itself");
    assert_eq!(std::fs::read_dir("/").unwrap().count(), before);
}
