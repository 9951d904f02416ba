//! What counts as going in circles, and what does not.

use super::Watch;
use super::from_messages::Listed;
use super::replay::{self, Hit};
use super::view::{Asked, Given};
use crate::chat::event::Event;
use crate::chat::event::Level;
use crate::chat::id::{BranchId, TurnId};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::team::ApprovalPolicy;
use crate::chat::watch::Detection;
use crate::chat::watch::Watching;
use crate::session::testing::{Log, runner, speaker, team};
use proptest::prelude::*;

const D1: &str = "D1 exact repeat";
const D8: &str = "D8 same failure";

/// A log that is looked at after every turn, as the engine does.
struct Watched {
    log: Log,
    watch: Watch,
}

impl Watched {
    fn begin() -> Self {
        let agents = vec![speaker("a"), speaker("b"), runner("x", ApprovalPolicy::Never)];
        let team = team(agents);
        Watched { watch: Watch::new(&team), log: Log::with_task(team, "talk") }
    }

    /// The findings that changed, recorded as the engine records them, and the alarm.
    fn look(&mut self) -> (Vec<(String, u32)>, Option<String>) {
        let look = self.watch.look(&self.log.session);
        let changed = look.events.iter().filter_map(|event| match event {
            Event::DetectorChanged(Detection { detector, count, .. }) => Some((detector.clone(), *count)),
            Event::ProgressMade { .. } => None,
            other => panic!("{other:?}"),
        });
        let changed = changed.filter(|(detector, _)| [D1, D8].contains(&detector.as_str())).collect();
        self.log.add(look.events);
        (changed, look.hold)
    }

    fn says(&mut self, agent: &str, text: &str) -> (Vec<(String, u32)>, Option<String>) {
        self.log.says(agent, text);
        self.look()
    }

    fn runs(&mut self, code: &str, exit_code: i32, output: &str) -> (Vec<(String, u32)>, Option<String>) {
        self.log.runs("x", code, exit_code, output);
        self.look()
    }

    fn finding(&self, detector: &str) -> Option<(u32, Vec<TurnId>)> {
        let found = self.log.session.findings().iter().find(|finding| finding.detector == detector);
        found.map(|finding| (finding.count, finding.turns.clone()))
    }
}

fn raised(detector: &str, count: u32) -> Vec<(String, u32)> {
    vec![(detector.to_owned(), count)]
}

#[test]
fn one_speaker_repeating_itself_gets_a_badge_at_two_and_an_alarm_at_four() {
    let mut run = Watched::begin();
    assert_eq!(run.says("a", "As I said."), (vec![], None));
    assert_eq!(run.says("a", "As I said."), (raised(D1, 2), None));
    assert_eq!(
        run.says("a", "  *as* I\n`said`. "),
        (raised(D1, 3), None),
        "white space, case and emphasis are nothing"
    );
    let (changed, alarm) = run.says("a", "As I said.");
    assert_eq!(changed, raised(D1, 4));
    assert_eq!(alarm.unwrap(), "D1 exact repeat: a said the same thing 4 times");
    assert_eq!(run.finding(D1).unwrap().1.len(), 4, "the turns can be shown side by side");
    assert_eq!(run.look(), (vec![], None), "what was said once is not said again");
    assert!(run.says("a", "As I said.").1.is_some(), "a fifth time is an alarm of its own");
}

#[test]
fn other_words_clear_the_finding() {
    let mut run = Watched::begin();
    run.says("a", "same");
    run.says("a", "same");
    assert_eq!(run.says("a", "something new"), (raised(D1, 0), None));
    assert_eq!(run.finding(D1), None);
}

#[test]
fn an_alarm_is_raised_although_others_speak_in_between() {
    let mut run = Watched::begin();
    let alarms: Vec<bool> = (0..4)
        .map(|n| {
            run.says("b", &format!("thing {n}"));
            run.says("a", "I will look into the same thing again.").1.is_some()
        })
        .collect();
    assert_eq!(alarms, [false, false, false, true]);
}

#[test]
fn the_same_words_of_two_speakers_are_no_repeat() {
    let mut run = Watched::begin();
    run.says("a", "hello");
    assert_eq!(run.says("b", "hello"), (vec![], None));
}

#[test]
fn only_the_last_eight_turns_of_a_speaker_count() {
    let mut run = Watched::begin();
    run.says("a", "same");
    for n in 0..7 {
        run.says("a", &format!("other {n}"));
    }
    assert_eq!(run.says("a", "same"), (vec![], None));
}

#[test]
fn the_operators_words_and_edits_clear_everything() {
    let mut run = Watched::begin();
    run.says("a", "same");
    let last = run.log.says("a", "same");
    run.look();
    assert!(run.finding(D1).is_some());
    run.log.operator("try something else");
    assert_eq!(run.look(), (raised(D1, 0), None));
    assert_eq!(run.says("a", "same"), (vec![], None), "what was before the operator's words does not count");
    let seq = run.log.session.transcript().get(last).unwrap().seq;
    let moved = Event::BranchMoved { name: "other".into(), why: String::new() };
    let edited = Event::MessageEdited { message: last, content: "Same!".into() };
    run.log.add_moved(Some((seq, BranchId(1))), vec![moved, edited]);
    assert_eq!(run.says("a", "same!"), (vec![], None), "what the operator wrote is not a repeat");
}

#[test]
fn words_of_a_person_for_an_agent_clear_too_and_interrupted_ones_are_not_read() {
    let mut run = Watched::begin();
    run.says("a", "same");
    let mut partial = run.log.message(Author::Agent("a".into()), MessageKind::Reply, "same");
    partial.completeness = Completeness::Interrupted;
    run.log.post(partial);
    assert_eq!(run.look(), (vec![], None));
    run.says("a", "same");
    assert!(run.finding(D1).is_some());
    run.log.post(run.log.message(Author::Agent("b".into()), MessageKind::Human, "same"));
    run.look();
    assert!(run.finding(D1).is_none());
}

#[test]
fn a_branch_is_judged_by_its_own_words() {
    let mut run = Watched::begin();
    run.says("a", "same");
    let first = run.log.session.transcript().entries()[1].seq;
    run.says("a", "same");
    run.says("a", "same");
    run.log.add_moved(Some((first, BranchId(1))), vec![Event::BranchMoved { name: "b".into(), why: String::new() }]);
    assert_eq!(run.look(), (vec![], None));
    assert_eq!(run.says("a", "same"), (raised(D1, 2), None));
}

#[test]
fn the_same_code_failing_the_same_way_gets_a_badge_at_two_and_an_alarm_at_three() {
    let mut run = Watched::begin();
    let traceback = "Traceback:\n  at line 1\nKeyError: 'x'\n";
    assert_eq!(run.runs("print(d['x'])", 1, traceback), (vec![], None));
    assert_eq!(run.runs("print(d['x'])", 1, traceback), (raised(D8, 2), None));
    let (changed, alarm) = run.runs("  print(d['x'])\n", 1, "other frames\nKeyError: 'x'");
    assert_eq!(changed, raised(D8, 3), "the signature is the exit code and the last line");
    assert_eq!(alarm.unwrap(), "D8 same failure: the same code failed in the same way 3 times");
}

#[test]
fn other_code_another_exit_code_or_another_error_is_progress() {
    let mut run = Watched::begin();
    run.runs("one()", 1, "KeyError");
    assert_eq!(run.runs("two()", 1, "KeyError"), (vec![], None));
    assert_eq!(run.runs("two()", 2, "KeyError"), (vec![], None));
    assert_eq!(run.runs("two()", 2, "ValueError"), (vec![], None));
}

#[test]
fn success_is_never_a_finding_and_ends_one_but_a_relapse_is_counted_on() {
    let mut run = Watched::begin();
    for _ in 0..2 {
        assert_eq!(run.runs("ok()", 0, "fine"), (vec![], None));
    }
    run.runs("bad()", 1, "KeyError");
    assert_eq!(run.runs("bad()", 1, "KeyError"), (raised(D8, 2), None));
    assert_eq!(run.runs("ok()", 0, "fine"), (raised(D8, 0), None));
    let (changed, alarm) = run.runs("bad()", 1, "KeyError");
    assert_eq!((changed, alarm.is_some()), (raised(D8, 3), true), "running it once more cannot help");
}

#[test]
fn words_between_two_runs_do_not_hide_the_failure() {
    let mut run = Watched::begin();
    run.runs("bad()", 1, "KeyError");
    run.says("a", "let me try again");
    run.runs("bad()", 1, "KeyError");
    assert_eq!(run.finding(D8).unwrap().0, 2);
    run.says("b", "fine by me");
    assert_eq!(run.finding(D8).unwrap().0, 2, "until something else was run");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_fires_on_distinct_words_and_distinct_code(turns in prop::collection::vec((0usize..3, "[a-z ]{0,12}"), 1..40)) {
        let mut run = Watched::begin();
        for (place, (who, text)) in turns.into_iter().enumerate() {
            let text = format!("{text} {place}");
            let (changed, alarm) = match who {
                0 => run.says("a", &text),
                1 => run.says("b", &text),
                _ => run.runs(&text, (place % 2) as i32, &format!("KeyError: '{place}'")),
            };
            prop_assert_eq!((changed, alarm), (vec![], None));
        }
    }

    #[test]
    fn looking_late_sees_what_looking_often_sees(turns in prop::collection::vec((0usize..2, 0usize..3), 1..30)) {
        let mut often = Watched::begin();
        for (who, text) in &turns {
            often.says(["a", "b"][*who], ["red", "green", "blue"][*text]);
        }
        let mut late = Watch::default();
        let team = often.log.session.team().cloned().unwrap();
        late.clone_from(&Watch::new(&team));
        prop_assert_eq!(late.look(&often.log.session).events, vec![], "a new watch finds the same as the old one");
    }

    #[test]
    fn distinct_messages_never_raise_anything(words in prop::collection::vec(prop::collection::vec(0usize..4000, 5..25), 2..60)) {
        let texts: Vec<String> = words.iter().enumerate().map(|(at, words)| {
            words.iter().map(|word| format!("w{} ", word * 61 + at)).collect()
        }).collect();
        let list: Vec<Listed> = texts.iter().enumerate().map(|(at, text)| said(["a", "b", "c"][at % 3], text)).collect();
        prop_assert_eq!(replay::messages(&list, &Watching::default()), vec![]);
    }

    #[test]
    fn a_person_always_clears_the_tail(turns in prop::collection::vec((0usize..3, 0usize..3), 1..40)) {
        let mut run = Watched::begin();
        for (who, what) in turns {
            match who {
                0 => run.says("a", ["", "I said this before, did I not?", "Thank you!"][what]),
                1 => run.says("b", ["You are welcome.", "TERMINATE", "go on"][what]),
                _ => run.runs("bad()", 1, "KeyError: 'x'"),
            };
        }
        run.log.operator("stop that, please");
        run.look();
        prop_assert_eq!(run.log.session.findings(), &[]);
    }

    #[test]
    fn offline_equals_live(turns in prop::collection::vec((0usize..3, 0usize..3), 1..40)) {
        let mut run = Watched::begin();
        let mut list = vec![said("user", "talk")];
        let mut live: Vec<(String, Level)> = Vec::new();
        for (who, what) in turns {
            let text = ["I have changed the code.", "It fails as it did before.", "Thank you!"][what];
            let code = ["bad()", "worse()", "good()"][what];
            let before = run.log.session.log().len();
            match who {
                0 => { run.says("a", text); }
                1 => { run.says("b", text); }
                _ => {
                    let written = format!("```python\n{code}\n```");
                    run.says("a", &written);
                    list.push(said("a", &written));
                    run.runs(code, i32::from(what < 2), "KeyError: 'x'");
                }
            }
            let entry = run.log.session.transcript().entries().last().unwrap().message.clone();
            list.push(said(entry.author.name(), &entry.content));
            for record in &run.log.session.log()[before..] {
                if let Event::DetectorChanged(Detection { detector, count, level, .. }) = &record.event && *count > 0 {
                    live.push((detector.clone(), *level));
                }
            }
        }
        let hits = |hits: Vec<Hit>| -> Vec<(String, Level, Vec<usize>)> {
            hits.into_iter().map(|hit| (format!("{} {}", hit.id, hit.name), hit.level, hit.turns)).collect()
        };
        let watching = Watching::default();
        let stored = hits(replay::session(&run.log.session, &watching));
        prop_assert_eq!(&stored, &hits(replay::messages(&list, &watching)), "a list is judged as the session is");
        for (detector, level, _) in &stored {
            prop_assert!(live.contains(&(detector.clone(), *level)), "{} was not seen live: {:?}", detector, live);
        }
    }
}

fn said(speaker: &str, text: &str) -> Listed {
    Listed { speaker: speaker.to_owned(), text: text.to_owned(), ..Listed::default() }
}

/// A call of a tool with its result.
fn called(n: usize, tool: &str, arguments: &str, result: &str) -> [Listed; 2] {
    let id = n.to_string();
    let call = Asked { id: id.clone(), tool: tool.to_owned(), arguments: arguments.to_owned() };
    let given = Given { id, text: result.to_owned(), failed: None };
    let result = Listed { speaker: "runner".into(), results: vec![given], ..Listed::default() };
    [Listed { speaker: "a".into(), calls: vec![call], ..Listed::default() }, result]
}

fn hits(list: &[Listed]) -> Vec<(&'static str, Level)> {
    replay::messages(list, &Watching::default()).into_iter().map(|hit| (hit.id, hit.level)).collect()
}

#[test]
fn a_call_repeats_itself_only_with_its_result_and_never_across_an_edit() {
    let calls = |each: &dyn Fn(usize) -> Vec<Listed>| -> Vec<Listed> {
        std::iter::once(said("user", "go")).chain((0..6).flat_map(each)).collect()
    };
    let same = calls(&|n| called(n, "search", r#"{"q": "x"}"#, "nothing that would be of any use to anybody").to_vec());
    assert!(hits(&same).contains(&("D6", Level::Hold)));
    let other = calls(&|n| {
        called(n, "search", r#"{"q": "x"}"#, &format!("{n} things that could be of use to somebody")).to_vec()
    });
    assert_eq!(hits(&other), []);
    let edited = calls(&|n| {
        let edit = called(100 + n, "edit_file", &format!(r#"{{"line": {n}}}"#), "ok");
        edit.into_iter().chain(called(n, "run_tests", "{}", "52 tests have passed in the whole suite")).collect()
    });
    assert_eq!(hits(&edited), []);
    let batch = calls(&|n| called(n, "convert", &format!(r#"{{"file": {n}}}"#), "ok").to_vec());
    assert_eq!(hits(&batch), []);
}

#[test]
fn a_poll_has_patience_and_a_passing_error_is_tried_more_often() {
    let calls = |count: usize, tool: &str, result: &str| -> Vec<Listed> {
        std::iter::once(said("user", "go")).chain((0..count).flat_map(|n| called(n, tool, "{}", result))).collect()
    };
    let held = |list: &[Listed]| hits(list).iter().any(|(_, level)| *level == Level::Hold);
    assert!(!held(&calls(8, "job_status", "pending")) && held(&calls(14, "job_status", "pending")));
    assert!(
        !held(&calls(5, "fetch", "Error: 503 Service Unavailable"))
            && held(&calls(6, "fetch", "Error: 503 Service Unavailable"))
    );
    assert!(held(&calls(4, "fetch", "Error: no such host")));
}

#[test]
fn a_judgement_doubles_a_threshold_for_its_pattern_only() {
    let mut run = Watched::begin();
    (0..3).for_each(|_| drop(run.says("a", "I will look into this thing at once.")));
    let pattern = run.log.session.findings().iter().find(|finding| finding.detector == D1).unwrap().pattern;
    let judgement = crate::chat::event::Judgement::NotALoop;
    run.log.add(vec![Event::DetectorJudged { detector: D1.into(), pattern, judgement }]);
    assert!(run.says("a", "I will look into this thing at once.").1.is_none(), "four is no longer enough");
    let alarms: Vec<bool> = (0..4)
        .map(|_| run.says("a", "I will look into this thing at once.").1.is_some_and(|text| text.starts_with(D1)))
        .collect();
    assert_eq!(alarms, [false, false, false, true], "eight are");
    let mut other = Watched::begin();
    other.log.add(vec![Event::DetectorJudged { detector: D1.into(), pattern, judgement }]);
    let alarm =
        (0..4).filter_map(|_| other.says("a", "That is a different sentence altogether, is it not.").1).next_back();
    assert!(alarm.is_some(), "another pattern has its own count");
}

#[test]
fn what_is_kept_of_a_turn_is_small_however_long_it_is() {
    let text: String = (0..4000).map(|n| format!("word{n} ")).collect();
    let mut view = super::view::View::default();
    view.hear(&super::view::Said::words(0, "user", "go"));
    view.hear(&super::view::Said::words(1, "a", &text));
    let step = view.tail().back().unwrap();
    assert!(step.bytes() < 2048, "{}", step.bytes());
}
