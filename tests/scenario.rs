//! Scripted scenarios: a world in, the expected log and screens out.
//!
//! Each file in `tests/scenarios/` is one: a team, an operator's steps, and what must come of it. The whole log is
//! compared as well (`snapshots/`), so that a record nobody expected is a failure, too. To add one: a file, and its name
//! in the list below.

use crate::support::operator::{Moment, Step, operate};
use crate::support::picture::{console, picture, still};
use crate::support::world::{Told, World};
use plenary::chat::event::{Actor, Event, Verdict};
use plenary::chat::message::{Author, Completeness};
use plenary::chat::update::Update;
use plenary::tui::look::Look;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of `tests/scenarios/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows. Names the promise, for who reads the file.
    #[serde(rename = "about")]
    _about: String,
    /// A ready team, as a path from the root of the repository.
    team: Option<PathBuf>,
    /// A team of its own.
    text: Option<String>,
    #[serde(default)]
    headless: bool,
    approve_all: Option<String>,
    #[serde(default)]
    on_disk: bool,
    /// Tokens a second of every scripted model.
    #[serde(default)]
    pace: f64,
    #[serde(default)]
    operator: Vec<Step>,
    expect: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Who wrote each message of the active branch.
    speakers: Vec<String>,
    /// How each speaker was chosen, over all branches.
    modes: Vec<String>,
    /// Each decision about code: `operator: run`.
    #[serde(default)]
    decisions: Vec<String>,
    #[serde(default)]
    texts: Vec<Text>,
    end: Option<End>,
    /// Whether it holds when it is left.
    #[serde(default)]
    held: bool,
    #[serde(default)]
    branches: Vec<String>,
    /// Parts of what was refused, in order.
    #[serde(default)]
    refused: Vec<String>,
}

/// What a message must say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    /// Position in the transcript, from 1, as on the screen.
    message: usize,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    interrupted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// As in the log; with `condition`, its name follows after a colon.
    cause: String,
    contains: String,
    agent: Option<String>,
    exit_code: u8,
}

macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            play(stringify!($name)).await;
        })+

        #[test]
        fn every_file_is_played() {
            let played = BTreeSet::from([$(stringify!($name).to_owned()),+]);
            let files = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
            let there: BTreeSet<String> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().into()).collect();
            assert_eq!(there, played);
        }
    };
}

scenarios! {
    demo, deny_with_a_reason, edit_then_run, remember_this_code, edit_a_message, interrupt_and_resume, pause_and_step,
    queue_two, round_table, pair, debate, panel, human_always, needs_a_person, budget_headless, budget_raised, circles,
    model_down, model_down_watched, fallback_model, selector_nonsense, cut_off_by_length, approve_all_headless,
    newsroom, program_chooses, desk, speak_as_an_agent, shaped_answer, summary, failure_skipped, private_words, stop_running_code, time_out,
    breakpoint_headless, held_reply, pipeline, brainstorm, review_loop, support, society, magentic,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

async fn play(name: &str) {
    let file = fs::read_to_string(directory().join(format!("{name}.toml"))).unwrap();
    let scenario: Scenario = toml::from_str(&file).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
    let text = match (&scenario.team, &scenario.text) {
        (Some(path), None) => fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap(),
        (None, Some(text)) => text.clone(),
        _ => panic!("{name}.toml needs either `team` or `text`"),
    };
    let mut world = World::of(&text).paced(scenario.pace);
    world.options.headless = scenario.headless;
    world.options.approve_all = scenario.approve_all.clone();
    world.on_disk = scenario.on_disk;
    let (told, moments) = operate(world.start(), &scenario.operator).await;
    scenario.expect.hold(&told);
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots/scenario");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings
    };
    settings.bind(|| {
        insta::assert_snapshot!(format!("{name}.log"), told.story());
        screens(name, &told, &moments);
    });
}

/// The screens at the moments the operator named, from the same records.
fn screens(name: &str, told: &Told, moments: &[Moment]) {
    let place = told.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    for moment in moments {
        // Who is next is said after the records that decide it, and before the next ones.
        let rest = told.updates[moment.after..].iter();
        let after = moment.after + rest.take_while(|update| !matches!(update, Update::Record(_))).count();
        for size in &moment.sizes {
            let mut app = console(*size);
            app.look = Look::plain("mono");
            for update in still(&told.updates[..after], &place) {
                app.on_update(update);
            }
            let newest = app.session.log().last().map_or(0, |record| record.at);
            app.now = std::time::Duration::from_millis((newest - app.started) as u64);
            assert_eq!(app.fault, None, "the console takes what the engine says");
            let shown = picture(&mut app, *size);
            insta::assert_snapshot!(format!("{name}.{}.{}x{}", moment.name, size.0, size.1), shown);
        }
    }
}

impl Expected {
    fn hold(&self, told: &Told) {
        let story = told.story();
        let speakers: Vec<String> = told.messages().iter().map(|message| message.author.name().to_owned()).collect();
        assert_eq!(speakers, self.speakers, "who spoke\n{story}");
        let modes = told.each(|event| match event {
            Event::SpeakerChosen { choice } => Some(choice.mode.clone()),
            _ => None,
        });
        assert_eq!(modes, self.modes, "how the speakers were chosen\n{story}");
        assert_eq!(decisions(told), self.decisions, "who decided about code\n{story}");
        for text in &self.texts {
            text.hold(told);
        }
        match (&self.end, told.session.ended()) {
            (None, ended) => assert_eq!(ended, None, "{story}"),
            (Some(end), _) => end.hold(told),
        }
        assert_eq!(told.session.hold().is_some(), self.held, "whether it holds\n{story}");
        if !self.branches.is_empty() {
            let names: Vec<&str> = told.session.branches().iter().map(|branch| branch.name.as_str()).collect();
            assert_eq!(names, self.branches);
        }
        let refused = told.refused();
        assert_eq!(refused.len(), self.refused.len(), "{refused:?}");
        for (refused, part) in refused.iter().zip(&self.refused) {
            assert!(refused.contains(part.as_str()), "{refused:?} does not say {part:?}");
        }
    }
}

fn decisions(told: &Told) -> Vec<String> {
    let decided = told.log().iter().filter_map(|record| match &record.event {
        Event::ApprovalDecided { verdict, .. } => Some((&record.actor, verdict)),
        _ => None,
    });
    decided
        .map(|(actor, verdict)| {
            let by = match actor {
                Actor::Operator => "operator",
                Actor::Policy(policy) => policy.as_str(),
                other => panic!("{other:?} may not decide"),
            };
            let what = match verdict {
                Verdict::Run => "run".to_owned(),
                Verdict::RunEdited(_) => "run edited".to_owned(),
                Verdict::Deny(reason) => format!("deny, {reason}"),
            };
            format!("{by}: {what}")
        })
        .collect()
}

impl Text {
    fn hold(&self, told: &Told) {
        let messages = told.messages();
        let message = messages.get(self.message - 1).unwrap_or_else(|| panic!("there is no message {}", self.message));
        let content = &message.content;
        for part in &self.contains {
            assert!(content.contains(part.as_str()), "message {} does not say {part:?}: {content}", self.message);
        }
        for part in &self.lacks {
            assert!(!content.contains(part.as_str()), "message {} says {part:?}: {content}", self.message);
        }
        let interrupted = message.completeness == Completeness::Interrupted;
        assert_eq!(interrupted, self.interrupted, "message {}: {:?}", self.message, message.completeness);
        assert!(!content.trim().is_empty() && message.author != Author::Agent("".into()));
    }
}

impl End {
    fn hold(&self, told: &Told) {
        let ended = told.ended();
        let cause = match serde_json::to_value(&ended.cause).unwrap() {
            serde_json::Value::String(cause) => cause,
            other => format!("condition:{}", other["condition"].as_str().unwrap()),
        };
        assert_eq!(cause, self.cause, "{ended:?}");
        assert!(ended.text.contains(&self.contains), "{:?} does not say {:?}", ended.text, self.contains);
        assert_eq!(ended.agent.as_deref(), self.agent.as_deref());
        assert_eq!(told.exit_code(), Some(self.exit_code));
    }
}
