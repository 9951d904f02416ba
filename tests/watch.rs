//! The detectors on the labelled conversations in `watch_corpus/`, beside two peers, and what docs/unstick.md says of it.

use crate::support::peers;
use plenary::chat::event::Level;
use plenary::chat::watch::Watching;
use plenary::watch::from_messages::{self, Listed};
use plenary::watch::replay::{self, Hit};
use plenary::watch::{DETECTORS, Row};
use std::fmt::Write as _;
use std::path::Path;

/// A labelled conversation and what was seen in it.
struct Case {
    name: String,
    kind: String,
    looping: bool,
    list: Vec<Listed>,
    hits: Vec<Hit>,
}

impl Case {
    fn held(&self) -> bool {
        self.hits.iter().any(|hit| hit.held.is_some())
    }
}

/// What each kind of loop is made of: one of these must see it.
const MADE_OF: &[(&str, &[&str])] = &[
    ("verbatim", &["D1"]),
    ("both", &["D1", "D4"]),
    ("objection", &["D1"]),
    ("objection_paraphrased", &["D2"]),
    ("apology", &["D2", "D4"]),
    ("thanks", &["D12"]),
    ("thanks_many", &["D12"]),
    ("cycle_2", &["D4"]),
    ("cycle_3", &["D4"]),
    ("cycle_4", &["D4"]),
    ("cycle_5", &["D4"]),
    ("cycle_6", &["D4"]),
    ("cycle_8", &["D4"]),
    ("call", &["D6"]),
    ("call_varied", &["D6"]),
    ("call_error", &["D7"]),
    ("code", &["D8"]),
    ("code_varied", &["D9"]),
    ("fix_break", &["D9"]),
    ("code_success", &["D6"]),
    ("empty", &["D11"]),
    ("handoff", &["D4", "D2", "D1"]),
    ("growing", &["D2", "D1"]),
    ("monologue", &["D10"]),
    ("terminate", &["D12"]),
    ("done", &["D12", "D14"]),
    ("steps", &["D4"]),
    ("restart", &["D17", "D4", "D1"]),
    ("attempts", &["D2"]),
    ("stamped", &["D2"]),
    ("promise", &["D14", "D2"]),
    ("clarify", &["D14", "D2"]),
    ("parrot", &["D3"]),
    ("dispute", &["D4", "D2"]),
    ("poll", &["D6"]),
    ("two_tools", &["D6"]),
    ("same_fix", &["D8"]),
    ("deadlock", &["D14", "D4", "D2"]),
    ("json", &["D4"]),
    ("foreign", &["D4", "D1", "D12"]),
    ("edit", &["D7"]),
    ("continuing", &["D2"]),
    ("ledger", &["D15"]),
    ("chant", &["D16"]),
    ("shuffled", &["D14", "D1"]),
];

fn corpus(folder: &str) -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/watch_corpus").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let case = |path: &std::path::PathBuf| {
        let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let list = from_messages::list(&value).unwrap();
        let hits = replay::messages(&list, &Watching::default());
        let word = |key: &str| value[key].as_str().unwrap().to_owned();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Case { name, kind: word("kind"), looping: word("label") == "looping", list, hits }
    };
    paths.iter().map(case).collect()
}

fn share(part: usize, of: usize) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.2}", part as f64 / of as f64) }
}

/// How often a judge speaks up: of the looping conversations, of the healthy ones.
fn counts(cases: &[&Case], judge: impl Fn(&Case) -> bool) -> (usize, usize) {
    let of = |looping: bool| cases.iter().filter(|case| case.looping == looping && judge(case)).count();
    (of(true), of(false))
}

fn thresholds(row: &Row) -> String {
    let word = |limit: Option<u32>| limit.map_or("–".to_owned(), |limit| limit.to_string());
    format!("{} / {} / {}", word(row.thresholds.badge), word(row.thresholds.nudge), word(row.thresholds.hold))
}

fn tables([known, held_out, probes, fresh, unseen]: [&[Case]; 5]) -> String {
    let mut text = String::new();
    let all: Vec<&Case> = known.iter().chain(held_out).collect();
    let _ = writeln!(
        text,
        "| | sees | badge / nudge / hold | recall | precision | precision of holds |\n|---|---|---|---|---|---|"
    );
    for row in DETECTORS {
        let meant: Vec<&&Case> = all
            .iter()
            .filter(|case| case.looping && MADE_OF.iter().any(|(kind, ids)| *kind == case.kind && ids[0] == row.id))
            .collect();
        let found = meant.iter().filter(|case| case.hits.iter().any(|hit| hit.id == row.id)).count();
        let (loops, healthy) = counts(&all, |case| case.hits.iter().any(|hit| hit.id == row.id));
        let (holds, false_holds) =
            counts(&all, |case| case.hits.iter().any(|hit| hit.id == row.id && hit.level == Level::Hold));
        let _ = writeln!(
            text,
            "| **{}** {} | {} | {} | {} | {} | {} |",
            row.id,
            row.name,
            row.about.split_whitespace().collect::<Vec<_>>().join(" "),
            thresholds(row),
            if meant.is_empty() {
                "–".to_owned()
            } else {
                format!("{} ({found}/{})", share(found, meant.len()), meant.len())
            },
            if loops + healthy == 0 {
                "–".to_owned()
            } else {
                format!("{} ({loops}:{healthy})", share(loops, loops + healthy))
            },
            if holds + false_holds == 0 {
                "–".to_owned()
            } else {
                format!("{} ({holds}:{false_holds})", share(holds, holds + false_holds))
            },
        );
    }
    text.push_str(
        "\n| rules | corpus | looping found | recall | healthy stopped | precision |\n|---|---|---|---|---|---|\n",
    );
    for (which, cases) in
        [("known", known), ("held out", held_out), ("probes", probes), ("fresh", fresh), ("unseen", unseen)]
    {
        let cases: Vec<&Case> = cases.iter().collect();
        let (looping, healthy) = counts(&cases, |_| true);
        let mut line = |name: &str, (found, wrong): (usize, usize)| {
            let recall = share(found, looping);
            let precision = share(found, found + wrong);
            let _ = writeln!(
                text,
                "| {name} | {which} | {found} of {looping} | {recall} | {wrong} of {healthy} | {precision} |"
            );
        };
        line("Plenary, any badge", counts(&cases, |case| !case.hits.is_empty()));
        line("**Plenary, holds**", counts(&cases, Case::held));
        line("OpenHands", counts(&cases, |case| peers::openhands(&case.list)));
        line("Gemini CLI, without its judge model", counts(&cases, |case| peers::gemini(&case.list)));
    }
    text
}

const BEGIN: &str = "<!-- written by UPDATE_DOCS=1 cargo test watch -->\n";
const END: &str = "<!-- end -->\n";

/// The settings know the detectors that there are: they may not ask the detectors themselves.
#[test]
fn every_detector_can_be_set_in_a_file() {
    let ids: Vec<&str> = DETECTORS.iter().map(|row| row.id).collect();
    assert_eq!(ids, plenary::settings::DETECTORS);
    for row in DETECTORS {
        let rising: Vec<u32> =
            [row.thresholds.badge, row.thresholds.nudge, row.thresholds.hold].into_iter().flatten().collect();
        assert!(rising.is_sorted() && !rising.is_empty(), "{}", row.id);
    }
}

#[test]
fn loops_are_found_and_healthy_conversations_are_left_alone() {
    let (known, held_out, probes) = (corpus("known"), corpus("held_out"), corpus("probes"));
    let (fresh, unseen) = (corpus("fresh"), corpus("unseen"));
    for (which, cases) in
        [("known", &known), ("held out", &held_out), ("probes", &probes), ("fresh", &fresh), ("unseen", &unseen)]
    {
        let (looping, healthy): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.looping);
        let least = if which == "probes" { (35, 25) } else { (40, 50) };
        assert!(looping.len() >= least.0 && healthy.len() >= least.1, "the corpus has shrunk");
        let missed: Vec<&str> = looping.iter().filter(|case| !case.held()).map(|case| case.name.as_str()).collect();
        let wrong: Vec<&str> = healthy.iter().filter(|case| case.held()).map(|case| case.name.as_str()).collect();
        assert!(missed.len() * 20 <= looping.len(), "{which}: loops that do not hold: {missed:?}");
        assert!(wrong.len() * 50 <= healthy.len(), "{which}: healthy conversations that hold: {wrong:?}");
        // The probes are there for what all detectors make of them together.
        for case in looping.into_iter().filter(|_| ["known", "held out"].contains(&which)) {
            let ids = MADE_OF
                .iter()
                .find(|(kind, _)| *kind == case.kind)
                .unwrap_or_else(|| panic!("{} is not in the table", case.kind))
                .1;
            let seen: Vec<&str> = case.hits.iter().map(|hit| hit.id).collect();
            assert!(ids.iter().any(|id| seen.contains(id)), "{which}, {}: none of {ids:?} but {seen:?}", case.name);
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/unstick.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = found.split_once(BEGIN).expect("docs/unstick.md has no place for the tables");
    let (_, after) = rest.split_once(END).expect("docs/unstick.md does not end the tables");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", tables([&known, &held_out, &probes, &fresh, &unseen]));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(found == wanted, "docs/unstick.md is not current: run UPDATE_DOCS=1 cargo test watch");
    }
}

/// The command prints what the detectors see: one object an input, in order, and the exit code says whether anything held.
#[test]
fn the_command_prints_one_object_an_input_and_exits_with_4_when_something_holds() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/watch_corpus/known");
    let run = |files: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| dir.join(file)).collect();
        std::process::Command::new(env!("CARGO_BIN_EXE_plenary"))
            .arg("watch")
            .arg("--json")
            .args(files)
            .output()
            .unwrap()
    };
    let output = run(&["looping-code-1.json", "healthy-fix-1.json"]);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), output.status.code()), (2, Some(4)));
    let hit = lines[0]["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == "D8").unwrap();
    assert_eq!((hit["detector"].as_str(), hit["level"].as_str()), (Some("D8 same failure"), Some("hold")));
    assert_eq!(hit["turns"].as_array().unwrap().len() as u64, hit["count"].as_u64().unwrap());
    assert_eq!(
        (lines[1]["level"].clone(), lines[1]["held"].clone()),
        (serde_json::Value::Null, serde_json::Value::Null)
    );
    assert_eq!(run(&["healthy-fix-1.json"]).status.code(), Some(0));
    let missing = run(&["no-such.json", "healthy-fix-1.json"]);
    assert_eq!(missing.status.code(), Some(1), "what cannot be read is an error");
    assert_eq!(String::from_utf8(missing.stdout).unwrap().lines().count(), 2, "and the others are judged all the same");
}
