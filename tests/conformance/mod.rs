//! The conversation model against the two families it comes from, case by case.
//!
//! The cases are data: one file a section of the references, with the references' own numbers. A case is a team, what
//! its models say, what the operator does, and what must come of it; it is played by the real machine in simulated time
//! ([`crate::engine::tests::world`]), with a team that was read as a team file is. Where we differ from the reference
//! the data states our outcome and the reason; a case that waits for a feature says for which, and fails here when it
//! has begun to pass; what cannot be expressed says why. `UPDATE_DOCS=1 cargo test --lib conformance` writes
//! docs/conformance.md. To add a case: a table in a file; to add a section: a file, and its name in [`FILES`].

mod case;
mod check;
mod code;
mod play;
mod table;

use case::{Case, File, Standing};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Every file, in the order of the references.
const FILES: &[&str] = &[
    "ag2_two_agents",
    "ag2_human_input",
    "ag2_group_loop",
    "ag2_selection",
    "ag2_code",
    "ag2_tools",
    "ag2_sequences",
    "ag2_patterns",
    "ag2_models",
    "ag2_supervision",
    "agentchat_runs",
    "agentchat_selector",
    "agentchat_swarm",
    "agentchat_graph",
    "agentchat_magentic",
    "agentchat_termination",
    "agentchat_agents",
    "agentchat_core",
];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn files() -> Vec<File> {
    let read = |name: &&str| {
        let text = std::fs::read_to_string(directory().join(format!("{name}.toml"))).unwrap();
        toml::from_str::<File>(&text).unwrap_or_else(|error| panic!("{name}.toml: {error}"))
    };
    FILES.iter().map(read).collect()
}

/// What came of one case: nothing, or where it does not do what the data says.
fn outcome(file: &File, case: &Case) -> Result<(), String> {
    let tried =
        catch_unwind(AssertUnwindSafe(|| if case.is_code() { code::try_out(case) } else { play::play(file, case) }));
    tried.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    })
}

fn judge(file: &File, case: &Case) -> Option<String> {
    let name = format!("{} {}", case.id, case.about);
    match case.standing() {
        Standing::Inexpressible(_) => None,
        Standing::Pending(_) if !case.plays() => None,
        Standing::Pending(feature) => match outcome(file, case) {
            Ok(()) => Some(format!("{name}\n  passes: it waits for {feature:?} no longer")),
            Err(_) => None,
        },
        Standing::Same | Standing::Differs(_) => {
            if let Some(proof) = &case.proof {
                return case::proven(proof).err().map(|why| format!("{name}\n  {why}"));
            }
            outcome(file, case).err().map(|why| format!("{name}\n  {}", why.replace('\n', "\n  ")))
        }
    }
}

#[test]
fn every_case_comes_out_as_its_data_says() {
    let only = std::env::var("CASE").ok();
    let wrong: Vec<String> = files()
        .iter()
        .flat_map(|file| file.case.iter().map(move |case| (file, case)))
        .filter(|(_, case)| only.as_ref().is_none_or(|only| *only == case.id))
        .filter_map(|(file, case)| judge(file, case))
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_file_is_played_and_no_number_stands_twice() {
    let there = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let mut there: Vec<String> = there
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    there.sort();
    let mut played = FILES.to_vec();
    played.sort();
    assert_eq!(there, played);
    let mut seen = BTreeMap::new();
    for file in files() {
        for case in &file.case {
            let standings = [case.differs.is_some(), case.pending.is_some(), case.inexpressible.is_some()];
            let said = standings.iter().filter(|said| **said).count();
            assert!(said <= 1, "{} stands in two ways", case.id);
            let shown = case.plays() || case.proof.is_some() || case.pending.is_some() || case.inexpressible.is_some();
            assert!(shown, "{} shows nothing", case.id);
            assert!(case.differs.is_none() || !case.ours.is_empty(), "{} does not say what comes here", case.id);
            if let Some(before) = seen.insert((file.family.clone(), case.id.clone()), file.section.clone()) {
                panic!("{} stands in {before} and in {}", case.id, file.section);
            }
        }
    }
}

/// A harness that passes everything shows nothing.
#[test]
fn a_case_with_another_outcome_fails() {
    let text = r#"
        family = "AG2"
        section = "none"
        stub = "I am {name}."
        [[case]]
        id = "1"
        about = "as it is"
        expects = ""
        agents = ["a", "b"]
        team = { max_round = 3, speaker_selection_method = "round_robin" }
        begin = "hi"
        said = ["user: hi", "a: I am a.", "b: I am b."]
        end = { cause = "max_round", text = "Maximum rounds (3) reached" }
    "#;
    let file: File = toml::from_str(text).unwrap();
    assert_eq!(outcome(&file, &file.case[0]), Ok(()));
    type Change = fn(&mut Case);
    let changes: [(&str, Change); 6] = [
        ("said", |case| case.said.as_mut().unwrap()[1] = "a: I am b.".into()),
        ("end", |case| case.end.as_mut().unwrap().cause = "member".into()),
        ("end", |case| case.end.as_mut().unwrap().text = Some("Maximum rounds (4)".into())),
        ("sees", |case| drop(case.sees.insert("a".into(), vec![vec!["user: hi".into()]]))),
        ("asked", |case| case.asked = Some(vec!["a feedback".into()])),
        ("team", |case| drop(case.team.insert("max_rounds".into(), toml::Value::Integer(3)))),
    ];
    for (what, change) in changes {
        let mut case = file.case[0].clone();
        change(&mut case);
        let why = outcome(&file, &case).expect_err(what);
        assert!(why.contains(what), "{why}");
        case.pending = Some("a feature".into());
        assert_eq!(judge(&file, &case), None);
    }
    let mut passes = file.case[0].clone();
    passes.pending = Some("a feature".into());
    assert!(judge(&file, &passes).unwrap().contains("no longer"));
}
