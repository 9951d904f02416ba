//! What counts as going in circles, and what does not.

use super::{Watch, normal};
use crate::chat::event::Event;
use crate::chat::id::{BranchId, TurnId};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::team::ApprovalPolicy;
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
        Watched { log: Log::with_task(team(agents), "talk"), watch: Watch::default() }
    }

    /// The findings that changed, recorded as the engine records them, and the alarm.
    fn look(&mut self) -> (Vec<(String, u32)>, Option<String>) {
        let (events, alarm) = self.watch.look(&self.log.session);
        let changed = events.iter().map(|event| match event {
            Event::DetectorChanged { detector, count, .. } => (detector.clone(), *count),
            other => panic!("{other:?}"),
        });
        let changed = changed.collect();
        self.log.add(events);
        (changed, alarm)
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
            run.says("a", "same").1.is_some()
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
    for _ in 0..5 {
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

#[test]
fn normal_text_keeps_words_and_drops_their_dress() {
    assert_eq!(normal("  **Hello**\n\t`World`_ "), "hello world");
    assert_eq!(normal(""), "");
    assert_ne!(normal("take 1"), normal("take 2"), "numbers carry progress");
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
                _ => run.runs(&text, (place % 2) as i32, "KeyError"),
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
        prop_assert_eq!(late.look(&often.log.session).0, vec![], "a new watch finds the same as the old one");
    }
}
